use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Deserializer, Value, json};
use sinks::{DeliveryError, Sinks};

use crate::stage::{Got, Stage, event, id, ids, server};

const SECRET: &[u8] = b"a secret of twenty-four.";

async fn body(request: Request) -> Vec<u8> {
    to_bytes(request.into_body(), 1 << 24)
        .await
        .unwrap()
        .to_vec()
}

fn webhook_sheet(stage: &Stage, address: std::net::SocketAddr, more: &str) -> String {
    let secret = stage.write("secret", &format!("whsec_{}\n", STANDARD.encode(SECRET)));
    format!(
        "[[sink]]\nname = 'hook'\n{more}\nwebhook = {{url = 'http://{address}/x', secret_file = '{secret}'}}"
    )
}

/// The id of a delivery whose signature holds.
async fn proved(request: Request) -> String {
    let headers = request.headers().clone();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, at, signature) = (
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
    );
    let body = body(request).await;
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", &body].concat();
    let given = STANDARD
        .decode(signature.strip_prefix("v1,").unwrap())
        .unwrap();
    hmac::verify(&key, &signed, &given).unwrap();
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event["metadata"]["uid"], id.as_str());
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_away_and_a_death_lose_nothing_and_keep_the_order() {
    let mut stage = Stage::set().await;
    let (got, calls) = (Got::default(), Arc::new(AtomicUsize::new(0)));
    let address = {
        let (got, calls) = (got.clone(), Arc::clone(&calls));
        server(move |request| {
            let (got, calls) = (got.clone(), Arc::clone(&calls));
            async move {
                let id = proved(request).await;
                // Every seventh call fails, before or after the event is taken.
                let call = calls.fetch_add(1, Ordering::Relaxed);
                if call % 7 == 3 {
                    return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")])
                        .into_response();
                }
                got.note(&id);
                if call % 7 == 5 {
                    return (StatusCode::BAD_GATEWAY, [("retry-after", "0")]).into_response();
                }
                StatusCode::NO_CONTENT.into_response()
            }
        })
        .await
    };
    let sheet = webhook_sheet(&stage, address, "");
    stage.start(&sheet);
    stage.tell(0, 300).await;
    got.are(120).await;
    stage.kill().await;
    stage.tell(300, 400).await;
    stage.start(&sheet);
    got.are(400).await;
    assert_eq!(got.all(), ids(0, 400));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_holds_nobody_up_and_what_is_not_wanted_is_not_told() {
    let mut stage = Stage::set().await;
    let got = Got::default();
    let address = {
        let got = got.clone();
        server(move |request| {
            let got = got.clone();
            async move {
                let came = proved(request).await;
                if came == id(4) {
                    return StatusCode::UNPROCESSABLE_ENTITY.into_response();
                }
                got.note(&came);
                StatusCode::OK.into_response()
            }
        })
        .await
    };
    // Of the severities 1 to 5 in turn only 5 is told: 4, 9, 14, 19.
    let sheet = webhook_sheet(&stage, address, "least_severity = 'critical'");
    stage.start(&sheet);
    stage.tell(0, 20).await;
    got.are(3).await;
    assert_eq!(got.all(), [id(9), id(14), id(19)]);
    let shown = stage.ports.metrics.exposition();
    assert!(
        shown.contains("outcome=\"refused\",sink=\"hook\",stream=\"incidents\"} 1"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let stage = Stage::set().await;
    let reached = Arc::new(AtomicBool::new(false));
    let elsewhere = {
        let reached = Arc::clone(&reached);
        server(move |_| {
            reached.store(true, Ordering::Relaxed);
            async { StatusCode::OK.into_response() }
        })
        .await
    };
    let address = server(move |_| async move {
        (
            StatusCode::TEMPORARY_REDIRECT,
            [("location", format!("http://{elsewhere}/"))],
        )
            .into_response()
    })
    .await;
    let settings = stage.settings(&webhook_sheet(&stage, address, ""));
    let tried = Sinks::try_out(&settings[0], &stage.ports.reach).await;
    assert!(
        matches!(tried, Err(DeliveryError::Later { .. })),
        "{tried:?}"
    );
    assert!(!reached.load(Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread")]
async fn splunk_counts_as_taken_what_it_acknowledges() {
    let mut stage = Stage::set().await;
    let (got, held) = (
        Got::default(),
        Arc::new(std::sync::Mutex::new(Vec::<Vec<String>>::new())),
    );
    let asked = Arc::new(AtomicUsize::new(0));
    let address = {
        let (got, held, asked) = (got.clone(), Arc::clone(&held), Arc::clone(&asked));
        server(move |request: Request| {
            let (got, held, asked) = (got.clone(), Arc::clone(&held), Arc::clone(&asked));
            async move { hec(request, &got, &held, &asked).await }
        })
        .await
    };
    let token = stage.write("token", "the-token");
    stage.start(&format!(
        "[[sink]]\nname = 'splunk'\nsplunk = {{url = 'http://{address}', secret_file = '{token}', index = 'casb'}}"
    ));
    stage.tell(0, 50).await;
    got.are(50).await;
    assert_eq!(got.all(), ids(0, 50));
    assert!(
        asked.load(Ordering::Relaxed) > 1,
        "the first question is answered with no"
    );
}

/// Splunk's collector as its documentation has it; every first question is answered with no.
async fn hec(
    request: Request,
    got: &Got,
    held: &std::sync::Mutex<Vec<Vec<String>>>,
    asked: &AtomicUsize,
) -> Response {
    assert_eq!(request.headers()["authorization"], "Splunk the-token");
    assert_eq!(request.headers()["x-splunk-request-channel"].len(), 36);
    let path = request.uri().path().to_owned();
    let body = body(request).await;
    if path == "/services/collector/ack" {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let ack = body["acks"][0].as_u64().unwrap();
        let indexed = asked.fetch_add(1, Ordering::Relaxed) > 0;
        if indexed {
            held.lock().unwrap()[ack as usize]
                .iter()
                .for_each(|id| got.note(id));
        }
        return axum::Json(json!({"acks": {ack.to_string(): indexed}})).into_response();
    }
    assert_eq!(path, "/services/collector/event");
    let entries = Deserializer::from_slice(&body).into_iter::<Value>();
    let ids = entries.map(|entry| {
        let entry = entry.unwrap();
        assert_eq!(
            (&entry["index"], &entry["sourcetype"]),
            (&json!("casb"), &json!("tidegate:ocsf"))
        );
        assert!(entry["time"].as_f64().unwrap() >= 1_700_000_000.0);
        entry["event"]["metadata"]["uid"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    let ids: Vec<String> = ids.collect();
    let mut held = held.lock().unwrap();
    held.push(ids);
    axum::Json(json!({"text": "Success", "code": 0, "ackId": held.len() - 1})).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_gets_new_incidents_without_anybodys_formatting() {
    let mut stage = Stage::set().await;
    for (style, text) in [
        ("slack", "/text"),
        ("teams", "/attachments/0/content/body/1/text"),
    ] {
        let got = Got::default();
        let address = {
            let got = got.clone();
            server(move |request| {
                let got = got.clone();
                async move {
                    let message: Value = serde_json::from_slice(&body(request).await).unwrap();
                    got.note(message.pointer(text).unwrap().as_str().unwrap());
                    StatusCode::OK.into_response()
                }
            })
            .await
        };
        let url = stage.write("url", &format!("http://{address}/hook"));
        stage.start(&format!(
            "[[sink]]\nname = 'chat-{style}'\nonly_new = true\nchat = {{secret_file = '{url}', style = '{style}', console = 'https://casb.example/'}}"
        ));
        let mut hostile = event(7);
        hostile["message"] = json!("SHR-7 <!channel> *x* [y](http://evil.example)\n");
        let mut updated = event(8);
        updated["activity_id"] = json!(2);
        for one in [updated, hostile] {
            let record = ports::LogRecord {
                key: "k".into(),
                headers: Vec::new(),
                value: one.to_string().into(),
            };
            stage
                .ports
                .log
                .append(ports::Topic::Incidents, vec![record])
                .await
                .unwrap();
        }
        got.are(1).await;
        let said = got.all().remove(0);
        assert!(!said.contains("[y](") && !said.contains("*x*"), "{said}");
        if style == "slack" {
            assert!(said.contains("&lt;!channel&gt;"), "{said}");
            assert!(
                said.contains("<https://casb.example/incidents/inc_7|"),
                "{said}"
            );
        }
        stage.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_moved_away_is_made_anew_and_no_line_is_missing() {
    let mut stage = Stage::set().await;
    let path = stage.path("incidents.jsonl");
    stage.start(&format!(
        "[[sink]]\nname = 'file'\nfile = {{path = '{}'}}",
        path.display()
    ));
    stage.tell(0, 10).await;
    has_lines(&path, 10).await;
    let moved = stage.path("incidents.jsonl.1");
    std::fs::rename(&path, &moved).unwrap();
    stage.tell(10, 25).await;
    has_lines(&path, 15).await;
    let text = std::fs::read_to_string(&moved).unwrap() + &std::fs::read_to_string(&path).unwrap();
    let told: Vec<String> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["metadata"]["uid"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(told, ids(0, 25));
}

async fn has_lines(path: &std::path::Path, number: usize) {
    let there = async {
        while std::fs::read_to_string(path).map_or(0, |text| text.lines().count()) < number {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::stage::DEADLINE, there)
        .await
        .unwrap();
}
