//! Schemas of an OpenAPI document: references followed, lists found, fields guessed by their names,
//! one example made.

use event_model::Field;
use serde_json::{Map, Value, json};

use super::OPEN_PLACE;

/// Most references that are followed one after the other.
const REFERENCES_MAX: usize = 16;
/// Deepest level at which fields are looked for, and an example is made.
const LEVELS_MAX: usize = 4;
/// Most properties of an object that are looked at.
const PROPERTIES_MAX: usize = 200;
/// Properties that hold the cursor of the next page.
const NEXTS: [&str; 9] = [
    "next",
    "next_cursor",
    "nextcursor",
    "next_page_token",
    "nextpagetoken",
    "next_token",
    "cursor",
    "continuation",
    "after",
];

/// Which names of an event's property mean which field: the object that it is in, and its own names.
const MEANINGS: [(Field, &[&str], &[&str]); 20] = [
    (
        Field::TenantId,
        &[""],
        &[
            "tenant_id",
            "tenantid",
            "organization_id",
            "org_id",
            "account_id",
            "team_id",
        ],
    ),
    (
        Field::EventId,
        &[""],
        &["id", "event_id", "eventid", "uuid"],
    ),
    (
        Field::EventName,
        &[""],
        &[
            "type",
            "event_type",
            "eventtype",
            "action",
            "event",
            "event_name",
            "name",
            "kind",
            "operation",
        ],
    ),
    (
        Field::EventTimestamp,
        &[""],
        &[
            "occurred_at",
            "timestamp",
            "created_at",
            "time",
            "date",
            "published",
            "at",
            "created",
            "event_time",
        ],
    ),
    (
        Field::LogTimestamp,
        &[""],
        &["logged_at", "recorded_at", "ingested_at"],
    ),
    (Field::ActorId, ACTOR, &["id", "user_id", "account_id"]),
    (
        Field::ActorName,
        ACTOR,
        &["name", "display_name", "displayname", "full_name"],
    ),
    (
        Field::ActorEmail,
        ACTOR,
        &["email", "mail", "login", "email_address"],
    ),
    (Field::ActorRole, ACTOR, &["role"]),
    (
        Field::ActorIpAddress,
        IP,
        &["ip", "ip_address", "ipaddress", "client_ip"],
    ),
    (Field::ObjectId, OBJECT, &["id", "object_id", "file_id"]),
    (
        Field::ObjectName,
        OBJECT,
        &["name", "title", "filename", "file_name"],
    ),
    (Field::ObjectType, OBJECT, &["type", "kind", "object_type"]),
    (Field::ObjectPath, OBJECT, &["path", "location"]),
    (
        Field::FileDownloadUrl,
        OBJECT,
        &["download_url", "downloadurl", "content_url"],
    ),
    (Field::TargetUserId, TARGET, &["id", "user_id"]),
    (Field::TargetUserEmail, TARGET, &["email", "mail"]),
    (Field::Role, SHARE, &["role", "access", "permission"]),
    (
        Field::SharedLink,
        SHARE,
        &["url", "link", "shared_link", "href"],
    ),
    (
        Field::Visibility,
        SHARE,
        &["visibility", "scope", "access_level"],
    ),
];
const ACTOR: &[&str] = &["actor", "user", "performed_by", "created_by", "initiator"];
const IP: &[&str] = &["", "actor", "user", "client", "context", "request"];
const OBJECT: &[&str] = &[
    "object", "file", "target", "resource", "item", "document", "source", "entity",
];
const TARGET: &[&str] = &[
    "share/target",
    "share/user",
    "recipient",
    "grantee",
    "invitee",
];
const SHARE: &[&str] = &["share", "link", "shared_link", "share/link", "permission"];

/// The schemas of a document.
pub(super) struct Schemas<'d> {
    document: &'d Value,
}

/// A list of an answer.
pub(super) struct Listed<'d> {
    /// Where it is: a path.
    pub(super) items: String,
    /// What its elements are.
    pub(super) element: Option<&'d Value>,
}

impl<'d> Schemas<'d> {
    pub(super) fn of(document: &'d Value) -> Self {
        Schemas { document }
    }

    /// Follows references within the document; a circle ends.
    fn resolved(&self, mut node: &'d Value) -> Option<&'d Value> {
        for _ in 0..REFERENCES_MAX {
            match node.get("$ref").and_then(Value::as_str) {
                Some(reference) => node = self.document.pointer(reference.strip_prefix('#')?)?,
                None => return Some(node),
            }
        }
        None
    }

    /// The properties of a schema, those of `allOf` too.
    fn properties(&self, schema: &'d Value) -> Vec<(&'d str, &'d Value)> {
        let Some(schema) = self.resolved(schema) else {
            return Vec::new();
        };
        let parts = schema.get("allOf").and_then(Value::as_array);
        let parts = parts
            .into_iter()
            .flatten()
            .filter_map(|part| self.resolved(part));
        let mut all = Vec::new();
        for part in parts.chain([schema]) {
            let own = part.get("properties").and_then(Value::as_object);
            let own = own.into_iter().flatten();
            all.extend(own.map(|(name, schema)| (name.as_str(), schema)));
        }
        all.truncate(PROPERTIES_MAX);
        all
    }

    /// The schema of what an operation answers.
    fn answered(&self, operation: &'d Value) -> Option<&'d Value> {
        let responses = operation.get("responses")?.as_object()?;
        let success = ["200", "201", "2XX", "default"];
        let response = success.iter().find_map(|status| responses.get(*status))?;
        let content = self.resolved(response)?.get("content")?.as_object()?;
        let media = content
            .get("application/json")
            .or_else(|| content.values().next())?;
        self.resolved(media.get("schema")?)
    }

    /// The list that an operation answers: the answer itself, or the first list in it.
    pub(super) fn listed(&self, operation: &'d Value) -> Listed<'d> {
        let Some(schema) = self.answered(operation) else {
            let (items, element) = ("/items".to_owned(), None);
            return Listed { items, element };
        };
        let element = |schema: &'d Value| self.resolved(schema)?.get("items");
        if let Some(found) = element(schema) {
            let (items, element) = (String::new(), self.resolved(found));
            return Listed { items, element };
        }
        let properties = self.properties(schema);
        let list = properties
            .iter()
            .find_map(|(name, schema)| Some((*name, element(schema)?)));
        match list {
            Some((name, found)) => Listed {
                items: format!("/{}", escaped(name)),
                element: self.resolved(found),
            },
            None => Listed {
                items: "/items".to_owned(),
                element: None,
            },
        }
    }

    /// Where an operation's answer has the next cursor.
    pub(super) fn next_of(&self, operation: &'d Value) -> Option<String> {
        let properties = self.properties(self.answered(operation)?);
        for (name, schema) in &properties {
            if is_one_of(name, &NEXTS) {
                return Some(format!("/{}", escaped(name)));
            }
            for (inner, _) in self.properties(schema) {
                if is_one_of(inner, &NEXTS) {
                    return Some(format!("/{}/{}", escaped(name), escaped(inner)));
                }
            }
        }
        None
    }

    /// The names of an operation's query parameters.
    pub(super) fn parameters(&self, operation: &'d Value) -> Vec<String> {
        let all = operation.get("parameters").and_then(Value::as_array);
        let all = all
            .into_iter()
            .flatten()
            .filter_map(|one| self.resolved(one));
        let in_query = all.filter(|one| one.get("in").and_then(Value::as_str) == Some("query"));
        in_query
            .filter_map(|one| Some(one.get("name")?.as_str()?.to_owned()))
            .collect()
    }

    /// The names of the properties that an operation is sent.
    pub(super) fn properties_sent(&self, operation: &'d Value) -> Vec<String> {
        let body = operation
            .get("requestBody")
            .and_then(|body| self.resolved(body));
        let content = body.and_then(|body| body.get("content")?.as_object());
        let schema = content.and_then(|content| content.values().next()?.get("schema"));
        let properties = schema.map(|schema| self.properties(schema));
        let names = properties.unwrap_or_default().into_iter();
        names.map(|(name, _)| name.to_owned()).collect()
    }

    /// Which of the 24 fields an event has, by the names of its properties.
    pub(super) fn fields_of(&self, event: &'d Value) -> Vec<(Field, String)> {
        let mut paths = Vec::new();
        self.paths_of(event, "", 0, &mut paths);
        let found = MEANINGS.iter().filter_map(|(field, within, names)| {
            let places = within.iter().flat_map(|place| {
                names.iter().map(move |name| match place.is_empty() {
                    true => format!("/{name}"),
                    false => format!("/{place}/{name}"),
                })
            });
            let mut places = places;
            places.find_map(|place| {
                let found = paths.iter().find(|path| path.to_lowercase() == place)?;
                Some((*field, found.clone()))
            })
        });
        found.collect()
    }

    fn paths_of(&self, schema: &'d Value, at: &str, level: usize, out: &mut Vec<String>) {
        if level > LEVELS_MAX || out.len() > PROPERTIES_MAX {
            return;
        }
        for (name, schema) in self.properties(schema) {
            let path = format!("{at}/{}", escaped(name));
            self.paths_of(schema, &path, level + 1, out);
            out.push(path);
        }
    }

    /// One document of a schema: its own example where it has one, else places to be filled in.
    pub(super) fn example_of(&self, schema: &'d Value) -> Value {
        self.example(schema, 0)
    }

    fn example(&self, schema: &'d Value, level: usize) -> Value {
        let Some(schema) = self.resolved(schema).filter(|_| level <= LEVELS_MAX) else {
            return Value::Null;
        };
        for key in ["example", "default", "const"] {
            if let Some(given) = schema.get(key) {
                return given.clone();
            }
        }
        if let Some(word) = schema.pointer("/enum/0") {
            return word.clone();
        }
        let properties = self.properties(schema);
        if !properties.is_empty() {
            let members = properties
                .into_iter()
                .map(|(name, schema)| (name.to_owned(), self.example(schema, level + 1)));
            return Value::Object(members.collect::<Map<_, _>>());
        }
        if let Some(element) = schema.get("items") {
            return json!([self.example(element, level + 1)]);
        }
        let is = |key: &str, word: &str| schema.get(key).and_then(Value::as_str) == Some(word);
        match () {
            () if is("type", "integer") || is("type", "number") => json!(1),
            () if is("type", "boolean") => json!(true),
            () if is("format", "date-time") => json!("2026-01-02T03:04:05Z"),
            () if is("format", "email") => json!("alice@acme.example"),
            () => json!(OPEN_PLACE),
        }
    }
}

fn is_one_of(name: &str, words: &[&str]) -> bool {
    words.contains(&name.to_lowercase().as_str())
}

/// A key as a part of a JSON Pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
