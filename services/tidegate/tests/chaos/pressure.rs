//! What ingest does when the log takes nothing: deliveries come as fast as they are answered, half of them
//! from clients that lose patience, and the process neither grows without bound nor says yes.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ports::{Clock, SystemClock, SystemEntropy, WebhookSecretStore};
use reqwest::header::RETRY_AFTER;
use ring::hmac;
use sealing::Sealer;
use serde_json::json;
use store_postgres::{PostgresStore, Settings};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fleet::Shared;
use crate::setting;

/// Clients that deliver side by side in the short form: as many as a debug build can serve.
const CLIENTS: u64 = 48;
/// Bytes of a delivery, about.
const DELIVERY_BYTES: usize = 128 * 1024;
/// An impatient client goes away after so long, and comes again.
const PATIENCE: Duration = Duration::from_secs(1);
/// A patient one waits longer than the log tries.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
/// How soon a client that was sent away comes again, whatever it was told.
const AGAIN: Duration = Duration::from_millis(100);
/// Objects that the deliveries are about.
const OBJECTS: u64 = 50;

/// Stands where a delivery is made long.
const PADDING: &str = "@PADDING@";

/// What the deliveries came to.
#[derive(Default)]
pub(crate) struct Answers {
    accepted: Mutex<BTreeSet<String>>,
    /// 503 with `Retry-After`.
    later: AtomicU64,
    /// The client did not wait for an answer, or was cut off.
    unanswered: AtomicU64,
    /// Anything else: there must be none.
    others: Mutex<Vec<String>>,
}

impl Answers {
    /// How often a client was told to come again.
    pub(crate) fn later(&self) -> u64 {
        self.later.load(Ordering::Relaxed)
    }

    /// What was neither accepted nor put off, for example.
    pub(crate) fn others(&self) -> Vec<String> {
        let others = self.others.lock().unwrap();
        others.iter().take(5).cloned().collect()
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} deliveries accepted, {} told when to come again (503), {} without an answer",
            self.accepted.lock().unwrap().len(),
            self.later(),
            self.unanswered.load(Ordering::Relaxed),
        )
    }
}

/// Deliveries as fast as they are answered.
pub(crate) struct Pressure {
    url: String,
    key: hmac::Key,
    next: AtomicU64,
    pub(crate) answers: Answers,
}

impl Pressure {
    /// Signs as the connection's service does.
    pub(crate) async fn on(url: &str, connection: &str, shared: &Shared, keys: &Path) -> Arc<Self> {
        let sealer = Sealer::from_file(keys).unwrap();
        let entropy = Arc::new(SystemEntropy);
        let store = PostgresStore::open(&shared.store, sealer, entropy, Settings::default()).await;
        let store = store.unwrap();
        let secrets = store.webhook_secrets(connection.parse().unwrap()).await;
        let secret = secrets.unwrap().remove(0).secret;
        store.close().await;
        let key = STANDARD.decode(secret.expose().trim_start_matches("whsec_"));
        Arc::new(Pressure {
            url: format!("{url}/webhooks/{connection}"),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key.unwrap()),
            next: AtomicU64::new(0),
            answers: Answers::default(),
        })
    }

    pub(crate) fn begin(self: &Arc<Self>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
        let mut clients = JoinSet::new();
        for number in 0..setting("TIDEGATE_CHAOS_CLIENTS", CLIENTS) {
            let (pressure, stop) = (Arc::clone(self), stop.clone());
            let patience = if number % 2 == 0 {
                PATIENCE
            } else {
                LONG_PATIENCE
            };
            clients.spawn(async move {
                let client = client(patience);
                while !*stop.borrow() {
                    pressure.deliver(&client).await;
                }
            });
        }
        clients
    }

    async fn deliver(&self, client: &reqwest::Client) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (event, body) = delivery(number);
        let id = format!("msg_pressure_{number}");
        let stamp = SystemClock::new().now().timestamp().to_string();
        let signed = [id.as_bytes(), b".", stamp.as_bytes(), b".", body.as_bytes()].concat();
        let signature = STANDARD.encode(hmac::sign(&self.key, &signed));
        let request = client
            .post(&self.url)
            .header("webhook-id", id)
            .header("webhook-timestamp", stamp)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(body);
        let Ok(answer) = request.send().await else {
            self.answers.unanswered.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(AGAIN).await;
            return;
        };
        let is_told_when = answer.headers().contains_key(RETRY_AFTER);
        match answer.status().as_u16() {
            200..=299 => {
                self.answers.accepted.lock().unwrap().insert(event);
            }
            503 if is_told_when => {
                self.answers.later.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(AGAIN).await;
            }
            other => {
                let other = format!("{other}, Retry-After: {is_told_when}");
                self.answers.others.lock().unwrap().push(other);
            }
        }
    }

    pub(crate) fn accepted(&self) -> BTreeSet<String> {
        self.answers.accepted.lock().unwrap().clone()
    }
}

/// An event that violates nothing, and its delivery.
fn delivery(number: u64) -> (String, String) {
    let event = format!("evt_pressure_{number:09}");
    let at = event_model::rfc3339(SystemClock::new().now());
    let body = json!({
        "type": "file.viewed",
        "timestamp": at,
        "data": {
            "id": event, "tenant_id": "acme", "type": "file.viewed", "category": "data_access",
            "occurred_at": at, "logged_at": at,
            "actor": {"id": "u_acme_alice", "name": "Alice Archer", "email": "alice@acme.example",
                      "external": false, "role": "member", "ip": "203.0.113.7"},
            "object": {"id": format!("f_pressure_{}", number % OBJECTS), "type": "file", "name": "q3.docx",
                       "path": "/alice/q3.docx", "download_url": null, "version": 1},
            "client": {"user_agent": PADDING, "app_id": null},
        },
    });
    let padding = "x".repeat(DELIVERY_BYTES);
    (event, body.to_string().replace(PADDING, &padding))
}

#[expect(
    clippy::disallowed_methods,
    reason = "talks to this machine only, with no service's token"
)]
fn client(patience: Duration) -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(patience);
    client.build().unwrap()
}
