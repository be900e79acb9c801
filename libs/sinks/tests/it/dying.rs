//! Receivers over HTTP that die at any moment, and sinks that do: nothing is lost, the order is kept, and what comes
//! twice has the same id.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ports::{Entropy, SeededEntropy};
use serde_json::{Deserializer, Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::stage::{DEADLINE, Got, Stage, id, ids};

/// Rounds of a test; in each something dies.
const ROUNDS: usize = 6;
/// Events told in a round.
const EVENTS: usize = 40;

/// What a receiver does with a request; what it has not noted is gone when it dies.
type Answer = fn(Life, String, Value, Vec<u8>) -> Response;

/// One life of a receiver.
#[derive(Clone)]
struct Life {
    got: Got,
    /// Events that were received and are not indexed yet, by acknowledgement.
    held: Arc<Mutex<Vec<Vec<String>>>>,
}

/// A receiver with its port, which it keeps from life to life.
struct Receiver {
    address: SocketAddr,
    got: Got,
    answer: Answer,
    life: Option<Runtime>,
}

impl Receiver {
    fn new(answer: Answer) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Receiver {
            address: free.local_addr().unwrap(),
            got: Got::default(),
            answer,
            life: None,
        }
    }

    fn lives(&mut self) {
        if self.life.is_some() {
            return;
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = self.bound();
        listener.set_nonblocking(true).unwrap();
        let (answer, life) = (
            self.answer,
            Life {
                got: self.got.clone(),
                held: Arc::default(),
            },
        );
        let router = Router::new().fallback(any(move |request: Request| {
            let life = life.clone();
            async move {
                let path = request.uri().path().to_owned();
                let body = to_bytes(request.into_body(), 1 << 24).await.unwrap();
                let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
                answer(life, path, json, body.to_vec())
            }
        }));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await
        });
        self.life = Some(runtime);
    }

    /// The life before may take a moment to let go of the port.
    fn bound(&self) -> TcpListener {
        let begun = std::time::Instant::now();
        loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => return listener,
                Err(error) if begun.elapsed() > DEADLINE => panic!("{error}"),
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    /// With every connection that it has, in the middle of whatever it does.
    fn dies(&mut self) {
        if let Some(life) = self.life.take() {
            life.shutdown_background();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.dies();
    }
}

fn webhook(life: Life, _: String, event: Value, _: Vec<u8>) -> Response {
    life.got.note(event["metadata"]["uid"].as_str().unwrap());
    "".into_response()
}

/// What is posted counts when the question for it is answered with yes, every other time.
fn splunk(life: Life, path: String, asked: Value, body: Vec<u8>) -> Response {
    let mut held = life.held.lock().unwrap();
    if path == "/services/collector/ack" {
        let ack = asked["acks"][0].as_u64().unwrap();
        let there = held.get(ack as usize).cloned();
        let indexed = there.inspect(|ids| ids.iter().for_each(|id| life.got.note(id)));
        let indexed = indexed.is_some();
        return axum::Json(json!({"acks": {ack.to_string(): indexed}})).into_response();
    }
    let entries = Deserializer::from_slice(&body).into_iter::<Value>();
    let ids = entries.map(|entry| {
        let uid = &entry.unwrap()["event"]["metadata"]["uid"];
        uid.as_str().unwrap().to_owned()
    });
    let ids: Vec<String> = ids.collect();
    held.push(ids);
    axum::Json(json!({"text": "Success", "code": 0, "ackId": held.len() - 1})).into_response()
}

/// Without acknowledgement, 2xx is all there is.
fn splunk_at_its_word(life: Life, _: String, _: Value, body: Vec<u8>) -> Response {
    for entry in Deserializer::from_slice(&body).into_iter::<Value>() {
        let uid = &entry.unwrap()["event"]["metadata"]["uid"];
        life.got.note(uid.as_str().unwrap());
    }
    "".into_response()
}

/// The messages name incidents as `SHR-7: something`.
fn note_message(life: &Life, text: &Value) {
    let text = text.as_str().unwrap();
    let (_, rest) = text.split_once("SHR-").unwrap();
    life.got
        .note(&id(rest.split_once(':').unwrap().0.parse().unwrap()));
}

fn slack(life: Life, _: String, message: Value, _: Vec<u8>) -> Response {
    note_message(&life, &message["text"]);
    "ok".into_response()
}

fn teams(life: Life, _: String, message: Value, _: Vec<u8>) -> Response {
    let said = message.pointer("/attachments/0/content/body/1/text");
    note_message(&life, said.unwrap());
    "1".into_response()
}

/// The table of where a sink leads, of the receiver's address and the file with its secret.
type Leads = fn(SocketAddr, &str) -> String;

const KINDS: &[(&str, Answer, Leads)] = &[
    ("webhook", webhook, |to, secret| {
        format!("webhook = {{url = 'http://{to}/x', secret_file = '{secret}'}}")
    }),
    ("splunk", splunk, |to, secret| {
        format!("splunk = {{url = 'http://{to}', secret_file = '{secret}'}}")
    }),
    ("splunk-at-its-word", splunk_at_its_word, |to, secret| {
        format!("splunk = {{url = 'http://{to}', secret_file = '{secret}', acknowledged = false}}")
    }),
    ("slack", slack, |_, secret| {
        format!("chat = {{secret_file = '{secret}', style = 'slack'}}")
    }),
    ("teams", teams, |_, secret| {
        format!("chat = {{secret_file = '{secret}', style = 'teams'}}")
    }),
];

async fn survives(seed: u64, (kind, answer, leads): &(&str, Answer, Leads)) {
    let chance = SeededEntropy::new(seed);
    let mut stage = Stage::set().await;
    let mut receiver = Receiver::new(*answer);
    let secret = match *kind {
        "slack" | "teams" => format!("http://{}/hook", receiver.address),
        _ => format!("whsec_{}", STANDARD.encode("a secret of twenty-four.")),
    };
    let secret = stage.write("secret", &secret);
    let to = leads(receiver.address, &secret);
    let sheet = format!("[[sink]]\nname = '{kind}'\n{to}");
    stage.start(&sheet);
    for round in 0..ROUNDS {
        stage.tell(round * EVENTS, (round + 1) * EVENTS).await;
        receiver.lives();
        let before = chance.draw() as usize % EVENTS;
        receiver.got.are(round * EVENTS / 2 + before / 2).await;
        match chance.draw() % 3 {
            0 => receiver.dies(),
            1 => stage.kill().await,
            _ => {
                receiver.dies();
                stage.kill().await;
            }
        }
        if !stage.is_at_work() {
            stage.start(&sheet);
        }
    }
    receiver.lives();
    receiver.got.are(ROUNDS * EVENTS).await;
    assert_eq!(receiver.got.all(), ids(0, ROUNDS * EVENTS), "{kind}");
    stage.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_dies_at_random_misses_nothing_whatever_kind_it_is() {
    let all = KINDS
        .iter()
        .enumerate()
        .map(|(n, kind)| survives(n as u64 + 1, kind));
    futures::future::join_all(all).await;
}
