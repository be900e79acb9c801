//! Webhooks: signatures, retries, deactivation, faults of deliveries, and what is refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};

use crate::world::{World, until};

/// Someone who receives webhooks and answers as told; 204 when told nothing.
#[derive(Clone, Default)]
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self {
            url,
            ..Self::default()
        };
        let (got, answers) = (Arc::clone(&receiver.got), Arc::clone(&receiver.answers));
        let handler = move |headers: HeaderMap, body: Bytes| async move {
            got.lock().unwrap().push((headers, body));
            let (status, retry_after) = answers.lock().unwrap().pop_front().unwrap_or((204, ""));
            let headers = [("retry-after", retry_after), ("location", "/elsewhere")];
            (StatusCode::from_u16(status).unwrap(), headers)
        };
        tokio::spawn(async move {
            axum::serve(listener, Router::new().route("/hook", post(handler)))
                .await
                .unwrap();
        });
        receiver
    }

    fn ids(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        got.iter()
            .map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned())
            .collect()
    }

    fn bodies(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        got.iter()
            .map(|(_, body)| serde_json::from_slice(body).unwrap())
            .collect()
    }

    async fn got(&self, count: usize) {
        until("the deliveries are there", async || {
            (self.ids().len() >= count).then_some(())
        })
        .await;
    }
}

async fn register(world: &World, token: &str, receiver: &Receiver, events: Value) -> Value {
    let body = json!({"url": receiver.url, "events": events, "description": "ours"});
    let answer = world.call(token, "POST", "/api/v1/webhooks", body).await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    answer.json()
}

fn signature_holds(secret: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let mut signed = format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(body);
    let given = STANDARD
        .decode(text("webhook-signature").strip_prefix("v1,").unwrap())
        .unwrap();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed, &given).is_ok()
}

#[tokio::test]
async fn one_registration_brings_the_whole_tenants_activity_signed() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let receiver = Receiver::start().await;
    let made = register(&world, &admin, &receiver, json!(["*"])).await;
    let secret = made["secret"].as_str().unwrap();
    let id = made["id"].as_str().unwrap();
    for user in ["alice", "bob"] {
        let act =
            json!({"tenant": "acme", "user": user, "do": "upload", "name": "x", "content": "x"});
        world.act(act).await;
    }
    world
        .act(json!({"tenant": "globex", "user": "alice", "do": "login"}))
        .await;
    receiver.got(3).await;
    let mut kinds: Vec<_> = receiver
        .bodies()
        .iter()
        .map(|body| body["type"].clone())
        .collect();
    kinds.sort_by_key(Value::to_string);
    assert_eq!(
        kinds,
        ["file.created", "file.created", "webhook.registered"]
    );
    for (headers, body) in receiver.got.lock().unwrap().iter() {
        assert!(signature_holds(secret, headers, body));
        assert!(!signature_holds(secret, headers, &body[1..]));
        let body: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(body["data"]["type"], body["type"]);
        assert_eq!(body["data"]["tenant_id"], "acme");
        assert_eq!(body["timestamp"], body["data"]["occurred_at"]);
    }
    let events = world.get(&admin, "/api/v1/events").await.json();
    let pulled = events["items"].as_array().unwrap();
    assert!(
        receiver
            .bodies()
            .iter()
            .all(|body| pulled.contains(&body["data"])),
        "push and pull agree"
    );

    let path = format!("/api/v1/webhooks/{id}");
    let shown = until("all are accepted", async || {
        let shown = world.get(&admin, &path).await.json();
        (shown["deliveries"]["accepted"] == 3).then_some(shown)
    })
    .await;
    assert_eq!(
        shown["deliveries"],
        json!({"sent": 3, "accepted": 3, "failed": 0, "pending": 0})
    );
    assert!(shown.get("secret").is_none());
}

#[tokio::test]
async fn a_registration_is_renewed_by_its_url_and_sends_nothing_once_removed() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let receiver = Receiver::start().await;
    let made = register(&world, &admin, &receiver, json!(["user.created"])).await;
    let path = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
    let renewed = register(&world, &admin, &receiver, json!(["user.login"])).await;
    assert_eq!(renewed["id"], made["id"]);
    assert_ne!(renewed["secret"], made["secret"]);
    let listed = world.get(&admin, "/api/v1/webhooks").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    world
        .act(json!({"tenant": "acme", "user": "alice", "do": "login"}))
        .await;
    receiver.got(1).await;
    let (headers, body) = receiver.got.lock().unwrap()[0].clone();
    assert!(signature_holds(
        renewed["secret"].as_str().unwrap(),
        &headers,
        &body
    ));

    assert_eq!(
        world.status(&admin, "DELETE", &path, Value::Null).await,
        204
    );
    world
        .call(&admin, "DELETE", &path, Value::Null)
        .await
        .expect(404, "not_found");
    world
        .act(json!({"tenant": "acme", "user": "alice", "do": "login"}))
        .await;
    let summary = world
        .control("GET", "/control/summary", Value::Null)
        .await
        .json();
    assert_eq!(summary["active_registrations"], 0);
    assert_eq!(
        summary["effects"]["webhook_registered"],
        json!({"total": 2, "changed": 2})
    );
    assert_eq!(
        receiver.ids().len(),
        1,
        "nothing is sent after the deregistration"
    );
}

#[tokio::test]
async fn a_delivery_is_tried_again_under_the_same_id_until_it_is_accepted() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let receiver = Receiver::start().await;
    receiver
        .answers
        .lock()
        .unwrap()
        .extend([(503, ""), (302, ""), (429, "1"), (200, "")]);
    let hook = register(&world, &admin, &receiver, json!(["user.login"])).await;
    let acted = world
        .act(json!({"tenant": "acme", "user": "alice", "do": "login"}))
        .await;
    receiver.got(4).await;
    let ids = receiver.ids();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let deliveries = until("the fourth is in the ledger", async || {
        let deliveries = world.ledger("delivery").await;
        (deliveries.len() == 4).then_some(deliveries)
    })
    .await;
    let told: Vec<_> = deliveries
        .iter()
        .map(|d| json!([d["attempt"], d["status"], d["outcome"], d["event_id"]]))
        .collect();
    let event = &acted["event_id"];
    let expected = [
        json!([1, 503, "retrying", event]),
        json!([2, 302, "retrying", event]),
        json!([3, 429, "retrying", event]),
        json!([4, 200, "accepted", event]),
    ];
    assert_eq!(told, expected);
    let stamp = |n: usize| {
        let got = receiver.got.lock().unwrap();
        got[n].0["webhook-timestamp"]
            .to_str()
            .unwrap()
            .parse::<i64>()
            .unwrap()
    };
    assert!(
        stamp(3) > stamp(0),
        "each attempt has its own time, and Retry-After is waited for"
    );
    for (headers, body) in receiver.got.lock().unwrap().iter() {
        assert!(signature_holds(
            hook["secret"].as_str().unwrap(),
            headers,
            body
        ));
    }
}

#[tokio::test]
async fn a_delivery_is_given_up_after_a_day() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let receiver = Receiver::start().await;
    receiver
        .answers
        .lock()
        .unwrap()
        .extend([(503, "3600"), (503, "")]);
    let hook = register(&world, &admin, &receiver, json!(["user.login"])).await;
    world
        .act(json!({"tenant": "acme", "user": "alice", "do": "login"}))
        .await;
    until("it waits to be tried again", async || {
        (world.ledger("delivery").await.len() == 1).then_some(())
    })
    .await;
    world
        .cloud
        .model()
        .advance_clock(Duration::from_secs(25 * 3_600));
    receiver.got(2).await;
    let last = until("it came to an end", async || {
        world
            .ledger("delivery")
            .await
            .into_iter()
            .find(|d| d["attempt"] == 2)
    })
    .await;
    assert_eq!(
        (&last["status"], &last["outcome"]),
        (&json!(503), &json!("failed"))
    );
    let admin = world.administrator().await;
    let path = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());
    let counts = world.get(&admin, &path).await.json()["deliveries"].clone();
    assert_eq!(counts["failed"], 1);
}

#[tokio::test]
async fn gone_deactivates_the_registration_until_it_is_renewed() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let receiver = Receiver::start().await;
    receiver.answers.lock().unwrap().push_back((410, ""));
    let hook = register(&world, &admin, &receiver, json!(["user.login"])).await;
    let login = json!({"tenant": "acme", "user": "alice", "do": "login"});
    world.act(login.clone()).await;
    let path = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());
    let shown = until("it is inactive", async || {
        let shown = world.get(&admin, &path).await.json();
        (shown["active"] == false).then_some(shown)
    })
    .await;
    assert_eq!(shown["deliveries"]["failed"], 1);
    world.act(login.clone()).await;
    register(&world, &admin, &receiver, json!(["user.login"])).await;
    world.act(login).await;
    receiver.got(2).await;
    assert_eq!(world.get(&admin, &path).await.json()["active"], true);
    assert_eq!(
        receiver.ids().len(),
        2,
        "what happened in between was not sent"
    );
}

#[tokio::test]
async fn a_plan_drops_and_doubles_deliveries_and_the_ledger_knows() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let receiver = Receiver::start().await;
    register(&world, &admin, &receiver, json!(["user.login"])).await;
    let plan = json!({"deliveries": {"drop": 0.3, "duplicate": 0.3, "delay_ms": 10}, "seed": 4});
    world.faults(plan).await;
    for _ in 0..60 {
        world
            .act(json!({"tenant": "acme", "user": "alice", "do": "login"}))
            .await;
    }
    let deliveries = until("all came to an end", async || {
        let deliveries = world.ledger("delivery").await;
        let mut ids: Vec<_> = deliveries
            .iter()
            .map(|d| d["delivery_id"].to_string())
            .collect();
        ids.sort();
        ids.dedup();
        (ids.len() == 60).then_some(deliveries)
    })
    .await;
    let dropped = deliveries
        .iter()
        .filter(|d| d["outcome"] == "dropped")
        .count();
    assert!((5..30).contains(&dropped), "{dropped} dropped");
    receiver.got(deliveries.len() - dropped).await;
    let mut ids = receiver.ids();
    let sent = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 60 - dropped);
    assert!(sent > ids.len(), "some came twice");
}

#[tokio::test]
async fn a_registration_that_makes_no_sense_is_refused() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let table = [
        json!({"url": "nonsense"}),
        json!({"url": "ftp://127.0.0.1/"}),
        json!({"url": "http://user:secret@127.0.0.1/"}),
        json!({"url": "http://127.0.0.1/", "events": []}),
        json!({"url": "http://127.0.0.1/", "events": ["file.eaten"]}),
        json!({"url": "http://127.0.0.1/", "description": "x".repeat(300)}),
        json!({"events": ["*"]}),
    ];
    for body in table {
        world
            .call(&admin, "POST", "/api/v1/webhooks", body)
            .await
            .expect(400, "invalid_request");
    }
    for n in 0..toy_cloud::WEBHOOKS_MAX {
        let body = json!({"url": format!("http://127.0.0.1:9/{n}"), "events": ["user.login"]});
        assert_eq!(
            world.status(&admin, "POST", "/api/v1/webhooks", body).await,
            201
        );
    }
    let body = json!({"url": "http://127.0.0.1:9/more"});
    world
        .call(&admin, "POST", "/api/v1/webhooks", body)
        .await
        .expect(403, "quota_exceeded");
}
