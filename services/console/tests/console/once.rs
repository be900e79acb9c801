//! Requests with `Idempotency-Key`: carried out once, answered as often as they come.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::world::{Answer, TOKEN, World};

async fn posts(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_string()));
    world.send(request.unwrap()).await
}

fn user(name: &str) -> Value {
    json!({ "name": name, "roles": ["analyst"] })
}

#[tokio::test]
async fn what_is_sent_again_is_answered_again_and_done_once() {
    let world = World::new().await;
    let first = posts(&world, "/api/v1/users", "k-1", &user("ada")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = posts(&world, "/api/v1/users", "k-1", &user("ada")).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.text, first.text, "the link is the same");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("content-type"), first.header("content-type"));
    // Without a key it is another request.
    let other = posts(&world, "/api/v1/users", "k-2", &user("ada")).await;
    assert_eq!(
        other.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        other.text
    );
    assert!(
        !other.headers.contains_key("idempotency-replayed"),
        "it was carried out"
    );
    let other = posts(&world, "/api/v1/users", "k-2", &user("ada")).await;
    assert_eq!(
        other.header("idempotency-replayed"),
        "true",
        "a refusal, too"
    );
}

#[tokio::test]
async fn a_key_is_of_one_request() {
    let world = World::new().await;
    let first = posts(&world, "/api/v1/users", "k", &user("ada")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    for (path, body) in [
        ("/api/v1/users", user("bo")),
        ("/api/v1/policies/check", user("ada")),
    ] {
        let refused = posts(&world, path, "k", &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    let long = "k".repeat(256);
    for key in ["", "a b", long.as_str()] {
        let refused = posts(&world, "/api/v1/users", key, &user("cy")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{key}");
    }
}
