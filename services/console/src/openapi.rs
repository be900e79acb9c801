//! The OpenAPI document of `/api/v1`: complete for what exists, made from one table of operations and
//! the types that are served.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

mod access;
mod accounts;
mod cases;
mod detectors;
mod examples;
mod operation;
mod operations;
mod parameters;
mod scans;
mod schemas;
mod sinks;

use crate::permissions::Needs;
use operation::Operation;

/// The document, as `/api/v1/openapi.json` serves it.
pub fn openapi() -> OpenApi {
    serde_json::from_value(document()).expect("the table of operations is an OpenAPI document")
}

/// The first segments of all paths.
pub(crate) fn resources() -> Vec<&'static str> {
    let mut all: Vec<&str> = operations::all()
        .filter_map(|operation| operation.path.split('/').nth(1))
        .collect();
    all.dedup();
    all
}

/// Method, path and need of every operation that says what it needs.
pub(crate) fn needs() -> impl Iterator<Item = (&'static str, &'static str, Needs)> {
    let said = |one: &'static Operation| Some((one.method, one.path, one.needs?));
    operations::all().filter_map(said)
}

fn document() -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for operation in operations::all() {
        let path = paths
            .entry(format!("/api/v1{}", operation.path))
            .or_default();
        path.insert(operation.method.to_owned(), describe(operation));
    }
    json!({
        "openapi": "3.2.0",
        "info": {
            "title": "Tidegate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Lists are `{\"items\": [...], \"next\": cursor or null}`. Errors are RFC 9457 \
                problem JSON with every mistake in `errors`. Times are RFC 3339 in UTC.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "tidegate_session" }
            }
        },
        "security": [{ "bearer": [] }, { "session": [] }]
    })
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id(),
        "tags": [operation.tag()],
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if let Some(Needs::May(permission)) = operation.needs {
        described["x-tidegate-permission"] = json!(permission.word());
    }
    if let Some(schema) = operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": media(reference(schema), examples::of(schema)) }
        });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path_parameters().map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let in_query = operation.query.iter().map(|name| {
        let (description, schema) = parameters::parameter(name);
        json!({ "name": name, "in": "query", "required": false,
                "description": description, "schema": schema })
    });
    let if_match = operation.if_match.then(|| {
        json!({ "name": "If-Match", "in": "header", "required": false,
                "description": "The ETag that was read: 412 when it was changed meanwhile.",
                "schema": { "type": "string" } })
    });
    let once = operation.takes_key().then(|| {
        json!({ "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "Whoever sends the request again under the same key within 24 hours gets the first answer again, \
                                marked by `Idempotency-Replayed`; 422 when path or body are others, 409 while it is under way.",
                "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" } })
    });
    in_path
        .chain(in_query)
        .chain(if_match)
        .chain(once)
        .collect()
}

fn responses(operation: &Operation) -> Value {
    let (status, schema) = operation.answer;
    let mut answer = json!({ "description": "Done." });
    if !schema.is_empty() {
        let example = examples::of(schema);
        answer["content"] = json!({ operation.media_type: media(answer_schema(schema), example) });
    }
    let problem = json!({
        "description": "Not done, and why.",
        "content": {
            "application/problem+json": media(reference("Problem"), examples::of("Problem"))
        }
    });
    json!({ status.to_string(): answer, "default": problem })
}

fn media(schema: Value, example: Value) -> Value {
    match example {
        Value::Null => json!({ "schema": schema }),
        example => json!({ "schema": schema, "example": example }),
    }
}

/// `Page<X>` is a page of `X`; text and any object need no schema of their own.
fn answer_schema(name: &str) -> Value {
    let item = name
        .strip_prefix("Page<")
        .and_then(|rest| rest.strip_suffix('>'));
    match item {
        None if matches!(name, "string" | "object") => json!({ "type": name }),
        None => reference(name),
        Some(item) => json!({
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": { "type": "array", "items": reference(item) },
                "next": { "type": ["string", "null"], "description": "Where the next page starts." }
            }
        }),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Every schema by its name, those of fields included.
fn schemas() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let mut named = |name: &str, schema: fn(&mut SchemaGenerator) -> schemars::Schema| {
        let schema = schema(&mut generator).to_value();
        (name.to_owned(), schema)
    };
    let mut all: Map<String, Value> = schemas::SCHEMAS
        .iter()
        .map(|(name, schema)| named(name, *schema))
        .collect();
    for (name, schema) in generator.take_definitions(true) {
        all.entry(name).or_insert(schema);
    }
    let mut schemas = Value::Object(all);
    simplify(&mut schemas);
    schemas
}

/// The schema of a type itself, not a reference to it.
fn whole<T: JsonSchema>(generator: &mut SchemaGenerator) -> schemars::Schema {
    T::json_schema(generator)
}

/// What OpenAPI tools read best: a list of constants is an `enum`, a constant an enum of one.
fn simplify(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(constant) = object.remove("const") {
                object.insert("enum".to_owned(), json!([constant]));
            }
            object.values_mut().for_each(simplify);
            if let Some(words) = object.get("oneOf").and_then(words) {
                object.remove("oneOf");
                object.insert("type".to_owned(), json!("string"));
                object.insert("enum".to_owned(), json!(words));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// The words, when every alternative is an enum of text.
fn words(alternatives: &Value) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    for alternative in alternatives.as_array()? {
        if alternative.get("properties").is_some() {
            return None;
        }
        all.extend(alternative.get("enum")?.as_array()?.iter().cloned());
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = serde_json::to_value(openapi()).unwrap();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let mut found = 0;
        for rest in text.split("#/components/schemas/").skip(1) {
            let name = rest.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "there is no schema `{name}`");
            found += 1;
        }
        assert!(
            found > operations::all().count(),
            "every operation refers to a problem"
        );
    }

    #[test]
    fn the_document_keeps_the_words_of_an_enum_and_the_24_fields() {
        let document = serde_json::to_value(openapi()).unwrap();
        let schemas = &document["components"]["schemas"];
        let statuses = schemas["IncidentStatus"]["enum"].as_array().unwrap();
        assert_eq!(statuses.len(), 6, "{statuses:?}");
        let activity = schemas["Activity"]["properties"].as_object().unwrap();
        assert_eq!(activity.len(), 24);
        let document_of_policy = &schemas["PolicyDocument"]["properties"];
        assert!(document_of_policy["rule"].is_object());
    }
}
