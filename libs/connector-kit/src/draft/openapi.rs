//! Reads an OpenAPI 3 document for what a manifest needs: where events, webhooks, objects and their
//! links and permissions are, and how a caller is authorized. What it does not find stays open.
//!
//! The document may be a stranger's: its size, the depth of its references and what is looked at are
//! bounded, and nothing but the text is read.

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value};

use super::schema::Schemas;
use super::{Answers, Authorization, DraftError, Feed, Hooks, ObjectPaths, Pages};

/// Largest document, in bytes.
pub const OPENAPI_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most paths that are looked at.
const PATHS_MAX: usize = 5_000;
/// Deepest level of a YAML document.
const LEVELS_MAX: usize = 100;
/// Most scopes that are asked for.
const SCOPES_MAX: usize = 20;

/// Words in a path that lists events, the surest first.
const EVENT_WORDS: [&str; 6] = ["audit", "activit", "events", "event", "history", "logs"];
const HOOK_WORDS: [&str; 3] = ["webhook", "hooks", "subscription"];
const OBJECT_WORDS: [&str; 6] = ["file", "document", "item", "object", "note", "node"];
const CONTENT_WORDS: [&str; 4] = ["content", "download", "export", "raw"];
const LINK_WORDS: [&str; 2] = ["link", "sharedlink"];
const PERMISSION_WORDS: [&str; 4] = ["permission", "collaborat", "member", "share"];
const CURSORS: [&str; 8] = [
    "cursor",
    "page_token",
    "pagetoken",
    "next_token",
    "after",
    "starting_after",
    "continuation",
    "marker",
];
const LIMITS: [&str; 7] = [
    "limit",
    "per_page",
    "page_size",
    "pagesize",
    "maxresults",
    "count",
    "size",
];
const SINCES: [&str; 7] = [
    "since",
    "start_time",
    "starttime",
    "from",
    "created_after",
    "start",
    "begin",
];

/// One operation.
struct Operation<'d> {
    method: &'d str,
    path: &'d str,
    body: &'d Value,
}

pub(super) fn read(text: &str, id: Option<&str>) -> Result<Answers, DraftError> {
    if text.len() > OPENAPI_BYTES_MAX {
        return Err(DraftError::TooLarge);
    }
    let document = parse(text)?;
    let version = document.get("openapi").and_then(Value::as_str);
    if !version.is_some_and(|version| version.starts_with("3.")) {
        return Err(DraftError::NotOpenApi);
    }
    let title = document.pointer("/info/title").and_then(Value::as_str);
    let name = title.unwrap_or("Service");
    let base = document.pointer("/servers/0/url").and_then(Value::as_str);
    let base = base.filter(|base| base.starts_with("https://") && !base.contains('{'));
    let mut answers = Answers::bare(id.unwrap_or(name), name, base);
    let docs = document
        .pointer("/externalDocs/url")
        .and_then(Value::as_str);
    answers.docs_url = docs.map(str::to_owned);
    let schemas = Schemas::of(&document);
    let operations = operations(&document);
    if let Some(found) = authorization(&document, &answers) {
        answers.authorization = found;
    }
    if let Some(events) = events(&operations) {
        let listed = schemas.listed(events.body);
        answers.feed = feed(events, &schemas, &listed.items);
        if let Some(element) = listed.element {
            answers.paths = schemas.fields_of(element);
            answers.sample = schemas.example_of(element);
        }
    }
    answers.hooks = hooks(&operations, &schemas);
    answers.objects = objects(&operations);
    Ok(answers)
}

/// JSON, or YAML as JSON.
fn parse(text: &str) -> Result<Value, DraftError> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let unreadable = |error: saphyr::ScanError| DraftError::NotReadable(error.info().to_owned());
    let documents = YamlOwned::load_from_str(text).map_err(unreadable)?;
    let first = documents.first();
    first
        .and_then(|yaml| json_of(yaml, 0))
        .ok_or_else(|| DraftError::NotReadable("it is empty or nested too deep".into()))
}

fn json_of(yaml: &YamlOwned, level: usize) -> Option<Value> {
    if level > LEVELS_MAX {
        return None;
    }
    Some(match yaml {
        YamlOwned::Sequence(items) => {
            let items = items.iter().map(|item| json_of(item, level + 1));
            Value::Array(items.collect::<Option<_>>()?)
        }
        YamlOwned::Mapping(map) => {
            let mut object = Map::new();
            for (key, value) in map {
                let key = match json_of(key, level + 1)? {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                object.insert(key, json_of(value, level + 1)?);
            }
            Value::Object(object)
        }
        YamlOwned::Value(ScalarOwned::String(text)) => Value::from(text.as_str()),
        YamlOwned::Value(ScalarOwned::Integer(number)) => Value::from(*number),
        YamlOwned::Value(ScalarOwned::FloatingPoint(number)) => Value::from(number.into_inner()),
        YamlOwned::Value(ScalarOwned::Boolean(truth)) => Value::from(*truth),
        YamlOwned::Tagged(_, inner) => json_of(inner, level + 1)?,
        _ => Value::Null,
    })
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document.get("paths").and_then(Value::as_object);
    let mut all = Vec::new();
    for (path, methods) in paths.into_iter().flatten().take(PATHS_MAX) {
        for (method, body) in methods.as_object().into_iter().flatten() {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                all.push(Operation { method, path, body });
            }
        }
    }
    all
}

fn has(path: &str, words: &[&str]) -> bool {
    let lower = path.to_lowercase();
    words.iter().any(|word| lower.contains(word))
}

/// The last part of a path that is no parameter.
fn last_word(path: &str) -> &str {
    let mut parts = path.rsplit('/').filter(|part| !part.starts_with('{'));
    parts.next().unwrap_or_default()
}

fn params_in(path: &str) -> usize {
    path.matches('{').count()
}

/// The path that most surely lists events: of the surest word, with the fewest parameters.
fn events<'o, 'd>(operations: &'o [Operation<'d>]) -> Option<&'o Operation<'d>> {
    let rank = |operation: &&Operation<'_>| {
        let word = last_word(operation.path).to_lowercase();
        let listed = EVENT_WORDS.iter().position(|known| word.contains(known));
        let within = EVENT_WORDS
            .iter()
            .position(|known| has(operation.path, &[known]));
        let ends_in_id = operation.path.ends_with('}');
        (
            listed.is_none(),
            ends_in_id,
            within,
            params_in(operation.path),
        )
    };
    operations
        .iter()
        .filter(|one| {
            one.method == "get" && has(one.path, &EVENT_WORDS) && params_in(one.path) == 0
        })
        .filter(|one| !has(one.path, &HOOK_WORDS))
        .min_by_key(rank)
}

fn feed(operation: &Operation<'_>, schemas: &Schemas<'_>, items: &str) -> Feed {
    let parameters = schemas.parameters(operation.body);
    let named = |words: &[&str]| {
        let found = parameters.iter().find(|name| {
            let lower = name.to_lowercase();
            words
                .iter()
                .any(|word| lower == *word || lower.ends_with(&format!("_{word}")))
        });
        found.cloned()
    };
    let next = schemas.next_of(operation.body);
    let pages = match (named(&CURSORS), named(&SINCES)) {
        (Some(query), _) => Pages::Cursor {
            query,
            next: next.unwrap_or_else(|| "/next".into()),
        },
        (None, Some(query)) => Pages::Since { query },
        (None, None) => Pages::Link,
    };
    Feed {
        path: operation.path.to_owned(),
        items: items.to_owned(),
        limit: named(&LIMITS).unwrap_or_else(|| "limit".into()),
        pages,
    }
}

fn hooks(operations: &[Operation<'_>], schemas: &Schemas<'_>) -> Option<Hooks> {
    let register = operations.iter().find(|one| {
        one.method == "post" && params_in(one.path) == 0 && has(last_word(one.path), &HOOK_WORDS)
    })?;
    let deregister = operations.iter().find(|one| {
        one.method == "delete" && params_in(one.path) == 1 && one.path.starts_with(register.path)
    })?;
    let body = schemas.properties_sent(register.body);
    let url = body
        .into_iter()
        .find(|name| has(name, &["url", "uri", "target", "address", "endpoint"]));
    Some(Hooks {
        register: register.path.to_owned(),
        deregister: with_params(deregister.path, &["{registration.id}"]),
        url_property: url.unwrap_or_else(|| "url".into()),
    })
}

fn objects(operations: &[Operation<'_>]) -> ObjectPaths {
    let about = |method: &str, params: usize, last: &[&str], ends_in_id: bool| {
        let found = operations.iter().find(|one| {
            one.method == method
                && params_in(one.path) == params
                && one.path.ends_with('}') == ends_in_id
                && has(one.path, &OBJECT_WORDS)
                && has(last_word(one.path), last)
                && !has(one.path, &HOOK_WORDS)
        });
        found.map(|one| with_params(one.path, &["{activity.object_id}", "{item.id}"]))
    };
    ObjectPaths {
        object: about("get", 1, &OBJECT_WORDS, true),
        content: about("get", 1, &CONTENT_WORDS, false),
        delete: about("delete", 1, &OBJECT_WORDS, true),
        links: about("get", 1, &LINK_WORDS, false),
        link: about("delete", 2, &LINK_WORDS, true),
        permissions: about("get", 1, &PERMISSION_WORDS, false),
        permission: about("delete", 2, &PERMISSION_WORDS, true),
    }
}

/// A path with its parameters replaced, one after the other.
fn with_params(path: &str, values: &[&str]) -> String {
    let mut values = values.iter();
    let parts = path.split('/').map(|part| match part.contains('{') {
        true => values.next().copied().unwrap_or(part),
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn authorization(document: &Value, answers: &Answers) -> Option<Authorization> {
    let schemes = document
        .pointer("/components/securitySchemes")?
        .as_object()?;
    let text = |scheme: &Value, pointer: &str| {
        scheme
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let scopes = |flow: &Value| -> Vec<String> {
        let all = flow.get("scopes").and_then(Value::as_object);
        let names = all.into_iter().flatten().map(|(name, _)| name.clone());
        names.take(SCOPES_MAX).collect()
    };
    let absolute = |address: String| match (address.starts_with("https://"), &answers.base) {
        (true, _) => address,
        (false, Some(base)) => format!("{base}/{}", address.trim_start_matches('/')),
        (false, None) => format!("{{base_url}}/{}", address.trim_start_matches('/')),
    };
    let code = schemes.values().find_map(|scheme| {
        let flow = scheme.pointer("/flows/authorizationCode")?;
        Some(Authorization::Code {
            authorize: absolute(text(flow, "/authorizationUrl")?),
            token: absolute(text(flow, "/tokenUrl")?),
            scopes: scopes(flow),
        })
    });
    let credentials = || {
        schemes.values().find_map(|scheme| {
            let flow = scheme.pointer("/flows/clientCredentials")?;
            Some(Authorization::ClientCredentials {
                token: absolute(text(flow, "/tokenUrl")?),
                scopes: scopes(flow),
            })
        })
    };
    let key = || {
        schemes.values().find_map(|scheme| {
            let is = |key: &str, value: &str| text(scheme, key).as_deref() == Some(value);
            if is("/type", "apiKey") && is("/in", "header") {
                let header = text(scheme, "/name")?.to_lowercase();
                let prefix = String::new();
                return Some(Authorization::ApiKey { header, prefix });
            }
            if is("/type", "http") && is("/scheme", "bearer") {
                let (header, prefix) = ("authorization".to_owned(), "Bearer ".to_owned());
                return Some(Authorization::ApiKey { header, prefix });
            }
            (is("/type", "http") && is("/scheme", "basic")).then_some(Authorization::Basic)
        })
    };
    code.or_else(credentials).or_else(key)
}
