//! How long one event takes from its bytes to the 24 fields: `cargo run --release -p connector --example map`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints what it measures"
)]

use std::collections::BTreeMap;

use connector::Catalogue;
use event_model::{Connection, ConnectionId, Lifecycle, RawEvent};
use ports::{Clock, SystemClock};
use serde_json::{Value, json};

const ROUNDS: u32 = 100_000;

fn main() {
    let clock = SystemClock::new();
    let since = clock.now();
    let connection = Connection {
        id: ConnectionId::new(since, 1),
        service: "toy-cloud".into(),
        name: "Acme".into(),
        params: BTreeMap::new(),
        base_url: Some("http://127.0.0.1:9000".into()),
        client_id: Some("tidegate".into()),
        tenant_id: Some("acme".into()),
        lifecycle: Lifecycle::Authorized { since },
        health: None,
        created_at: since,
        revision: 1,
    };
    let mapper = Catalogue::built_in()
        .get("toy-cloud")
        .unwrap()
        .mapper(&connection);
    let sample = include_str!("../../../connectors/toy-cloud/samples/file-shared.json");
    let mut event: Value = serde_json::from_str(sample).unwrap();
    event["more"] = json!({"labels": vec!["confidential"; 20], "note": "x".repeat(300)});
    let event = RawEvent {
        json: serde_json::value::to_raw_value(&event).unwrap().into(),
    };
    let started = clock.monotonic();
    for _ in 0..ROUNDS {
        std::hint::black_box(mapper.map(&event, since).unwrap());
    }
    let each = (clock.monotonic() - started) / ROUNDS;
    println!("{} bytes: {each:?} per event", event.json.get().len());
}
