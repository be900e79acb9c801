//! Bad deliveries: each is answered and counted as what it is, and none of them is an activity.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::webhook::{Delivery, Signer};
use super::{World, text};

/// Seconds outside of the window of five minutes.
const TOO_LONG: i64 = 600;

struct Row {
    what: &'static str,
    delivery: Delivery,
    status: u16,
    outcome: &'static str,
}

fn row(what: &'static str, delivery: Delivery, status: u16, outcome: &'static str) -> Row {
    Row {
        what,
        delivery,
        status,
        outcome,
    }
}

/// What is wrong with the proof of the sender.
fn unproved(signer: &Signer, good: &[u8]) -> Vec<Row> {
    let signed = |seconds_ago| signer.signed("msg_1", good, seconds_ago);
    let without = |name: &str| {
        let mut delivery = signed(0);
        delivery.headers.retain(|(header, _)| *header != name);
        delivery
    };
    let with = |name: &'static str, value: &str| {
        let mut delivery = without(name);
        delivery.headers.push((name, value.to_owned()));
        delivery
    };
    let unsigned = Delivery {
        headers: Vec::new(),
        body: good.to_vec(),
    };
    let mut twice = signed(0);
    twice.headers.push(("webhook-id", "msg_2".into()));
    let mut changed = signed(0);
    changed.body.push(b' ');
    let strange = Signer::stranger().signed("msg_1", good, 0);
    vec![
        row("unsigned", unsigned, 400, "missing_header"),
        row("no id", without("webhook-id"), 400, "missing_header"),
        row(
            "no time",
            without("webhook-timestamp"),
            400,
            "missing_header",
        ),
        row(
            "no signature",
            without("webhook-signature"),
            400,
            "missing_header",
        ),
        row("a header twice", twice, 400, "missing_header"),
        row(
            "no number as time",
            with("webhook-timestamp", "soon"),
            400,
            "malformed_header",
        ),
        row("another key", strange, 401, "bad_signature"),
        row(
            "an empty signature",
            with("webhook-signature", "v1,"),
            401,
            "bad_signature",
        ),
        row(
            "a signature of no version",
            with("webhook-signature", "x"),
            401,
            "bad_signature",
        ),
        row("a body changed on the way", changed, 401, "bad_signature"),
        row("replayed after ten minutes", signed(TOO_LONG), 401, "stale"),
        row("from the future", signed(-TOO_LONG), 401, "stale"),
    ]
}

/// What is proved, and yet no activity.
fn poison(signer: &Signer) -> Vec<Row> {
    let signed = |body: &[u8]| signer.signed("msg_2", body, 0);
    let deep = format!("{{\"data\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let huge = vec![b' '; 1024 * 1024 + 1];
    let bodies: [(&'static str, &[u8]); 8] = [
        ("not JSON", b"hello"),
        ("not UTF-8", b"{\"data\": {\"id\": \"\xff\"}}"),
        ("cut short", b"{\"data\": {\"id\": \"evt_1\""),
        ("nested too deep", deep.as_bytes()),
        ("an empty list", b"[]"),
        ("a number", b"{\"data\": 7}"),
        ("nothing at the place of events", b"{}"),
        ("an empty body", b""),
    ];
    let dead = bodies.map(|(what, body)| row(what, signed(body), 202, "dead_letter"));
    let mut rows = Vec::from(dead);
    rows.push(row("too large", signed(&huge), 413, "too_large"));
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_delivery_has_its_answer_and_is_counted() {
    let world = World::new(13).await;
    let acme = world.connects("Acme", "acme", "push").await;
    let signer = world.signer_of(&acme).await;
    let good = json!({"type": "user.login", "data": {"id": "evt_good", "type": "user.login"}});
    let mut rows = unproved(&signer, good.to_string().as_bytes());
    rows.extend(poison(&signer));
    let dead = rows
        .iter()
        .filter(|row| row.outcome == "dead_letter")
        .count();
    for row in rows {
        let before = count(&world, row.outcome).await;
        let answer = world.delivers(&acme, &row.delivery).await;
        assert_eq!(answer.status, row.status, "{}: {}", row.what, answer.text());
        assert_eq!(
            count(&world, row.outcome).await,
            before + 1.0,
            "{}",
            row.what
        );
    }
    assert_eq!(dead_letters(&world).await, dead as f64);
    let happened = world.events_of("acme");
    for activity in world.all("activities").await.unwrap() {
        assert!(
            happened.contains(text(&activity, "/event_id")),
            "{activity}"
        );
    }
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_delivery_to_us_is_refused_before_anything_is_read() {
    let world = World::new(14).await;
    let acme = world.connects("Acme", "acme", "push").await;
    let pulled = world.connects("Globex", "globex", "pull").await;
    let stranger = format!("conn_{}", "0".repeat(26));
    for (what, id) in [
        ("a connection that there is not", stranger.as_str()),
        ("no connection's id", "nobody"),
        ("a connection without a webhook", pulled.as_str()),
    ] {
        let delivery = Signer::stranger().signed("msg_1", b"{}", 0);
        let before = count(&world, "unknown_connection").await;
        assert_eq!(world.delivers(id, &delivery).await.status, 404, "{what}");
        let after = count(&world, "unknown_connection").await;
        assert_eq!(after, before + 1.0, "{what}");
    }
    let got = world.visit(&format!("{}/webhooks/{acme}", world.url)).await;
    assert_eq!(got.status, 405, "{}", got.text());
    assert_eq!(count(&world, "method").await, 1.0);

    // It announces more than it sends, and stops sending.
    let mut stream = TcpStream::connect(world.url.trim_start_matches("http://"))
        .await
        .unwrap();
    let head = format!(
        "POST /webhooks/{acme} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{\"data\""
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    assert!(!said.starts_with(b"HTTP/1.1 2"), "half a body is accepted");
    world
        .until("the truncated delivery to be counted", || async {
            Ok((count(&world, "truncated").await == 1.0).then_some(()))
        })
        .await;
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_odd_but_proved_delivery_is_taken() {
    let world = World::new(15).await;
    let acme = world.connects("Acme", "acme", "push").await;
    let signer = world.signer_of(&acme).await;
    let twice = br#"{"type": "user.login", "data": {"id": "evt_odd_1", "type": "first", "type": "user.login",
        "category": "authentication", "occurred_at": "2026-01-02T03:04:05.678Z", "actor": {"id": "u_1"}}}"#;
    let several =
        json!({"data": [{"id": "evt_odd_2", "type": "x"}, {"id": "evt_odd_3", "type": "x"}]});
    for body in [&twice[..], several.to_string().as_bytes()] {
        let answer = world
            .delivers(&acme, &signer.signed("msg_odd", body, 0))
            .await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let first = world.activity_of("evt_odd_1").await;
    assert_eq!(
        text(&first, "/event_name"),
        "user.login",
        "of two values the last one counts"
    );
    for event in ["evt_odd_2", "evt_odd_3"] {
        let activity = world.activity_of(event).await;
        assert_eq!(activity["actor_id"], Value::Null);
        assert!(
            activity.pointer("/provenance/actor_id").is_some(),
            "an absence has a reason"
        );
    }
    assert_eq!(dead_letters(&world).await, 0.0);
    world.ends_at_rest().await;
}

async fn count(world: &World, outcome: &str) -> f64 {
    let series = format!("tidegate_deliveries_total{{outcome=\"{outcome}\"}}");
    world.metric(&series).await
}

async fn dead_letters(world: &World) -> f64 {
    let shown = world.tidegate.get_text("/metrics").await.unwrap();
    let counted = shown
        .lines()
        .filter(|line| line.starts_with("tidegate_dead_letters_total{"));
    let values = counted.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_enabled_is_never_refused_as_gone() {
    let world = World::new(34).await;
    let acme = world.connects("Acme", "acme", "push").await;
    let signer = world.signer_of(&acme).await;
    let good = json!({"type": "user.login", "timestamp": "2026-01-02T03:04:05.678Z", "data": {"id": "evt_1"}});
    let delivery = |id: &str| signer.signed(id, good.to_string().as_bytes(), 0);
    // Another process on the same store: the platform hears nothing of what it changes.
    let other = world.store().await;
    let id = acme.parse().unwrap();
    let enabled = other.get(id).await.unwrap().unwrap().lifecycle;
    let secrets = other.webhook_secrets(id).await.unwrap();
    world.disables(&acme).await;
    assert_eq!(world.delivers(&acme, &delivery("msg_1")).await.status, 410);

    let mut connection = other.get(id).await.unwrap().unwrap();
    connection.lifecycle = enabled;
    other.put_webhook_secrets(id, &secrets).await.unwrap();
    other.update(&connection).await.unwrap();
    assert_eq!(world.delivers(&acme, &delivery("msg_2")).await.status, 202);

    connection = other.get(id).await.unwrap().unwrap();
    connection.id = event_model::ConnectionId::new(connection.created_at, 7);
    connection.name = "Acme, too".into();
    other
        .put_webhook_secrets(connection.id, &secrets)
        .await
        .unwrap();
    other.create(&connection).await.unwrap();
    let id = connection.id.to_string();
    assert_eq!(world.delivers(&id, &delivery("msg_3")).await.status, 202);
    other.close().await;
    world.shuts_down().await;
}
