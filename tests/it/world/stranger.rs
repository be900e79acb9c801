//! A stranger connects a service that nobody here wrote, with nothing but docs/connector-tutorial.md.
//!
//! The manifest is the pieces of that page, put together; Quill is a small server of its own shape:
//! a key in a header, a place as a cursor, numbers as ids, times in milliseconds, its own signature.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{delete, get, post};
use chrono::{TimeDelta, Utc};
use connector_kit::{Coverage, Folder};
use serde_json::{Value, json};

use super::administration::remedies;
use super::{Setting, World, text};

const TUTORIAL: &str = include_str!("../../../docs/connector-tutorial.md");
const KEY: &str = "key quill-key-of-the-test";
const SIGNING_KEY: &str = "quill-signs-with-this";
/// Records of one page.
const PAGE: usize = 2;

/// The pieces of the page that are marked so, each as it stands there.
fn pieces(mark: &str) -> Vec<&'static str> {
    let fence = format!("```{mark}\n");
    let after = TUTORIAL.split(fence.as_str()).skip(1);
    after
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

fn manifest() -> String {
    pieces("yaml").concat()
}

fn record() -> Value {
    serde_json::from_str(pieces("json sample")[0]).unwrap()
}

#[test]
fn the_pieces_of_the_tutorial_are_a_connector_without_a_mistake() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("samples")).unwrap();
    std::fs::write(dir.path().join("connector.yaml"), manifest()).unwrap();
    std::fs::write(dir.path().join("samples/first.json"), record().to_string()).unwrap();
    let folder = Folder::at(dir.path());
    let found = folder.lint().unwrap();
    assert!(found.mistakes.is_empty(), "{:#?}", found.mistakes);
    folder.bless_all().unwrap();
    let samples = folder.test().unwrap();
    let became = &samples[0].became[0]["activity"];
    let expected: Value = serde_json::from_str(pieces("json expected")[0]).unwrap();
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(became[field], *value, "{field}");
    }
    let connector = folder.connector().unwrap();
    let coverage = Coverage::of(connector.id(), &samples);
    assert_eq!(coverage.shortfalls(connector.least_coverage()), []);
}

/// Quill, as the tutorial says that its documentation says.
#[derive(Default)]
struct Quill {
    records: Vec<Value>,
    links: BTreeMap<String, String>,
    hooks: BTreeMap<String, String>,
    hooks_made: usize,
}

type Shared = Arc<Mutex<Quill>>;

async fn quill() -> (Shared, String) {
    let shared = Shared::default();
    let routes = Router::new()
        .route("/audit", get(audit))
        .route("/hooks", post(hook))
        .route("/hooks/{id}", delete(unhook))
        .route("/notes/{id}", get(note))
        .route("/notes/{id}/link", delete(unlink))
        .route(
            "/notes/{id}/text",
            get(|| async { "card 4111 1111 1111 1111" }),
        )
        .layer(axum::middleware::from_fn(keyed))
        .with_state(Arc::clone(&shared));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, routes).await });
    (shared, url)
}

async fn keyed(
    headers: HeaderMap,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    match headers.get("x-quill-key").is_some_and(|key| key == KEY) {
        true => next.run(request).await,
        false => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn audit(
    State(quill): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Json<Value> {
    let quill = quill.lock().unwrap();
    let after = query.get("after").and_then(|after| after.parse().ok());
    let start = after.unwrap_or(0usize);
    let end = (start + PAGE).min(quill.records.len());
    Json(json!({"records": quill.records[start..end], "last": end.to_string()}))
}

async fn hook(State(quill): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    let mut quill = quill.lock().unwrap();
    quill.hooks_made += 1;
    let id = format!("h{}", quill.hooks_made);
    quill
        .hooks
        .insert(id.clone(), text(&body, "/target").to_owned());
    Json(json!({"hook": {"id": id, "signing_key": SIGNING_KEY}}))
}

async fn unhook(State(quill): State<Shared>, Path(id): Path<String>) -> StatusCode {
    match quill.lock().unwrap().hooks.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

async fn note(State(quill): State<Shared>, Path(id): Path<String>) -> Json<Value> {
    let link = quill.lock().unwrap().links.get(&id).cloned();
    Json(json!({"id": id, "title": "Q3 forecast", "public_link": link}))
}

async fn unlink(State(quill): State<Shared>, Path(id): Path<String>) -> StatusCode {
    match quill.lock().unwrap().links.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

/// Ida shares a note with everyone who has the link. Gives the record, as it is logged and delivered.
fn shares(quill: &Shared, no: usize, note: &str) -> Value {
    let mut record = record();
    record["no"] = no.into();
    record["note"]["id"] = note.into();
    record["when"] = now().timestamp_millis().into();
    let mut quill = quill.lock().unwrap();
    quill
        .links
        .insert(note.to_owned(), text(&record, "/link").to_owned());
    quill.records.push(record.clone());
    record
}

#[expect(clippy::disallowed_methods, reason = "a service has its own clock")]
fn now() -> chrono::DateTime<Utc> {
    Utc::now()
}

impl World {
    /// Delivers a record as Quill signs it. Gives the status of the answer.
    async fn quill_delivers(
        &self,
        to: &str,
        record: &Value,
        sent_ago: TimeDelta,
        key: &str,
    ) -> u16 {
        let body = record.to_string();
        let time = (now() - sent_ago).timestamp().to_string();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
        let tag = ring::hmac::sign(&key, format!("{time}.{body}").as_bytes());
        let hex: String = tag
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let request = self.browser.post(to).body(body);
        let request = request.header("x-quill-time", time);
        let request = request.header("x-quill-signature", format!("sha256={hex}"));
        super::answer(request).await.status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_nobody_here_wrote_is_connected_from_the_tutorial_alone() {
    let (quill, address) = quill().await;
    let shorter = manifest().replace("every: 10m}", "every: 500ms}");
    let setting = Setting {
        connectors: vec![("quill", shorter)],
        ..Setting::default()
    };
    let world = World::with(71, setting).await;
    let new = json!({
        "service": "quill", "name": "Acme's Quill", "base_url": address,
        "params": {"internal_domains": "acme.example"},
        "client": {"id": "acme", "secret": "quill-key-of-the-test"},
    });
    let created = world
        .tidegate
        .post("/api/v1/connections", &new)
        .await
        .unwrap();
    let id = text(&created, "/id");
    let enable = format!("/api/v1/connections/{id}/enable");
    world
        .tidegate
        .post(&enable, &json!({"feed": "push"}))
        .await
        .unwrap();
    let policy = json!({
        "name": "No card numbers behind links", "severity": "high",
        "trigger": {"connections": [id], "actions": ["share"]},
        "rule": "_share.public and _content.has('credit-card')",
        "effect": "DENY", "mode": "enforce", "responses": [{"kind": "remove_link"}],
    });
    world
        .tidegate
        .post("/api/v1/policies", &policy)
        .await
        .unwrap();
    let hook = || quill.lock().unwrap().hooks.values().next().cloned();
    let webhook = world.until("the webhook", || async { Ok(hook()) }).await;

    // Delivered: proved by Quill's own signature, and remedied in Quill.
    let record = shares(&quill, 1, "n1");
    let none = TimeDelta::zero();
    assert_eq!(
        world
            .quill_delivers(&webhook, &record, none, "another")
            .await,
        401
    );
    let late = TimeDelta::minutes(6);
    assert_eq!(
        world
            .quill_delivers(&webhook, &record, late, SIGNING_KEY)
            .await,
        401
    );
    assert_eq!(
        world
            .quill_delivers(&webhook, &record, none, SIGNING_KEY)
            .await,
        200
    );
    let incident = world.incident_of("1").await;
    assert_eq!(remedies(&incident), ["remove_link: done"]);
    assert_eq!(text(&incident, "/activity/actor_email"), "ida@acme.example");
    assert_eq!(text(&incident, "/activity/target_user_type"), "external");
    assert!(!quill.lock().unwrap().links.contains_key("n1"));

    // Never delivered: found by reading the log, over several of its pages.
    for no in 2..=5 {
        shares(&quill, no, &format!("n{no}"));
    }
    for no in 2..=5 {
        world.incident_of(&no.to_string()).await;
    }
    assert!(quill.lock().unwrap().links.is_empty());
    let seen = world
        .all(&format!("activities?connection={id}"))
        .await
        .unwrap();
    assert_eq!(
        seen.len(),
        5,
        "the delivered one was read once more, and is one"
    );

    let disable = format!("/api/v1/connections/{id}/disable");
    world.tidegate.post(&disable, &json!({})).await.unwrap();
    assert!(quill.lock().unwrap().hooks.is_empty());
}
