//! Promise 8: a policy never silently does nothing.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

fn policy(rule: &str, responses: Value) -> Value {
    json!({ "name": "Watch the shares", "trigger": { "actions": ["share"] }, "rule": rule,
            "responses": responses })
}

#[tokio::test]
async fn every_mistake_of_a_policy_is_reported_at_once_and_nothing_is_saved() {
    let world = World::new().await;
    let mut body = policy(
        "_share.pubic and _content.has('credit_crad')",
        json!([{ "kind": "notify" }]),
    );
    body["name"] = json!("");
    body["trigger"]["connections"] = json!([format!("conn_{}", "0".repeat(26))]);
    let answer = world.call("POST", "/policies", &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = answer.json();
    assert_eq!(problem["code"], "TG-041");
    let errors = problem["errors"].as_array().unwrap();
    let fields: Vec<&str> = errors
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    for field in ["/name", "/rule", "/trigger/connections/0"] {
        assert!(fields.contains(&field), "{field} is not in {errors:?}");
    }
    assert!(
        fields.iter().any(|field| field.starts_with("/responses/0")),
        "{errors:?}"
    );
    assert_eq!(
        fields.iter().filter(|field| **field == "/rule").count(),
        2,
        "{errors:?}"
    );
    let first = errors.iter().find(|e| e["field"] == "/rule").unwrap();
    assert_eq!(
        (&first["line"], &first["column"]),
        (&json!(1), &json!(1)),
        "{first}"
    );
    let checked = world
        .call("POST", "/policies/check", &body.to_string())
        .await;
    assert_eq!(checked.json()["mistakes"], problem["errors"]);
    assert_eq!(world.get("/policies").await["items"], json!([]));
}

#[tokio::test]
async fn a_response_that_the_service_cannot_do_is_refused() {
    let world = World::new().await;
    let able = world.connects("toy-cloud").await;
    let body = policy("_share.public", json!([{ "kind": "quarantine" }]));
    let everywhere = world
        .call("POST", "/policies/check", &body.to_string())
        .await;
    assert_eq!(everywhere.json()["mistakes"], json!([]));
    let new = json!({ "service": "read-only", "name": "Reader", "params": { "domain": "a.com" } });
    world.call("POST", "/connections", &new.to_string()).await;
    let everywhere = world.call("POST", "/policies", &body.to_string()).await;
    assert_eq!(everywhere.status, StatusCode::UNPROCESSABLE_ENTITY);
    let error = &everywhere.json()["errors"][0];
    assert_eq!(error["field"], "/responses/0", "{error}");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("Read-only Cloud"),
        "{error}"
    );
    let mut only_able = body.clone();
    only_able["trigger"]["connections"] = json!([able]);
    let saved = world
        .call("POST", "/policies", &only_able.to_string())
        .await;
    assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);
}

#[tokio::test]
async fn a_policy_is_changed_version_by_version() {
    let world = World::new().await;
    let body = policy("_share.public", json!([]));
    let made = world.call("POST", "/policies", &body.to_string()).await;
    assert_eq!(
        (made.status, made.header("etag")),
        (StatusCode::CREATED, "\"1\"")
    );
    let place = made
        .header("location")
        .strip_prefix("/api/v1")
        .unwrap()
        .to_owned();
    // What was read is sent back, changed.
    let mut read = world.get(&place).await;
    assert_eq!(read["enabled"], true);
    read["severity"] = json!("critical");
    let changed = world
        .call_with("PUT", &place, &read.to_string(), &[("if-match", "\"1\"")])
        .await;
    assert_eq!(
        (changed.status, changed.header("etag")),
        (StatusCode::OK, "\"2\"")
    );
    let late = world
        .call_with("PUT", &place, &read.to_string(), &[("if-match", "\"1\"")])
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(late.header("etag"), "\"2\"", "what it is now");
    let late = world
        .call_with("DELETE", &place, "", &[("if-match", "\"1\"")])
        .await;
    assert_eq!(
        (late.status, late.header("etag")),
        (StatusCode::PRECONDITION_FAILED, "\"2\"")
    );
    assert_eq!(
        world.get(&place).await["enabled"],
        true,
        "it is still in use"
    );
    let gone = world
        .call_with("DELETE", &place, "", &[("if-match", "\"2\"")])
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&place).await["enabled"], false);
    let off = json!({ "enabled": false });
    let mut second = policy("_share.public", json!([]));
    second["enabled"] = off["enabled"].clone();
    let second = world.call("POST", "/policies", &second.to_string()).await;
    assert_eq!(second.json()["enabled"], false, "{}", second.text);
    let expected = [
        "policy.saved",
        "policy.disabled",
        "policy.saved",
        "policy.saved",
    ];
    assert_eq!(world.audited().await, expected);
}
