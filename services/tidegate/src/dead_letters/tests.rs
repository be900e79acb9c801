use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use connector::{Catalogue, NotMappable};
use event_model::{
    ActivityRecord, Arrival, Assurance, Connection, Feed, Lifecycle, RawEvent, Registration,
};
use intake::{Intake, Origin};
use ports::{
    ActivityLog, Clock, ConnectionStore, LogRecord, MemoryLog, SystemClock, SystemEntropy,
};
use sealing::Sealer;
use serde_json::value::RawValue;
use store_sqlite::SqliteStore;
use telemetry::Metrics;

use super::*;

const MANIFEST: &str = include_str!("../../../../connectors/toy-cloud/connector.yaml");
const EVENT: &str =
    r#"{"id": "evt_1", "type": "file.shared", "tenant_id": "acme", "object": {"id": "f_1"}}"#;

/// Toy-cloud's manifest with another place for the events of a delivery.
fn catalogue(events_at: &str) -> Arc<Catalogue> {
    let dir = tempfile::tempdir().unwrap();
    let written = MANIFEST.replace("events: /data", &format!("events: {events_at}"));
    assert!(
        written.contains(events_at),
        "the manifest has another form now"
    );
    std::fs::write(dir.path().join("toy-cloud.yaml"), written).unwrap();
    Arc::new(Catalogue::built_in().with_dir(dir.path()).unwrap())
}

fn connection(clock: &dyn Clock, number: u128) -> Connection {
    let now = clock.now();
    let registration = Registration::new("w", "http://127.0.0.1/", now);
    Connection {
        id: ConnectionId::new(now, number),
        service: "toy-cloud".into(),
        name: "c".into(),
        params: Default::default(),
        base_url: Some("http://127.0.0.1:1".into()),
        client_id: None,
        tenant_id: Some("acme".into()),
        lifecycle: Lifecycle::Enabled {
            feed: Feed::Push { registration },
            since: now,
        },
        health: None,
        created_at: now,
        revision: 1,
    }
}

struct Case {
    log: Arc<MemoryLog>,
    store: Arc<SqliteStore>,
    clock: Arc<dyn Clock>,
    connection: Connection,
}

impl Case {
    async fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy = Arc::new(SystemEntropy);
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys");
        Sealer::generate_file(&keys, |bytes| ports::Entropy::fill(entropy.as_ref(), bytes))
            .unwrap();
        let sealer = Sealer::from_file(&keys).unwrap();
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy)
            .await
            .unwrap();
        let connection = connection(clock.as_ref(), 1);
        store.create(&connection).await.unwrap();
        Case {
            log: Arc::new(MemoryLog::new(Arc::clone(&clock))),
            store: Arc::new(store),
            clock,
            connection,
        }
    }

    fn intake(&self) -> Intake {
        let metrics = Arc::new(Metrics::new());
        Intake::new(self.log.clone(), Arc::new(SystemEntropy), metrics)
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            connection: &self.connection,
            arrival: Arrival::Push,
            assurance: Assurance::Signed,
            received_at: self.clock.now(),
        }
    }

    /// A whole delivery in which nothing is found.
    async fn set_aside(&self, body: &str) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let why = NotMappable {
            reason: DeadLetterReason::NotMappable,
            detail: "there is nothing at `/data`".into(),
        };
        self.intake()
            .set_aside(self.origin(), why, body)
            .await
            .unwrap();
    }

    /// One event that the mapping does not take.
    async fn accept(&self, event: &str) {
        let mapper = catalogue("/data")
            .get("toy-cloud")
            .unwrap()
            .mapper(&self.connection);
        let json = RawValue::from_string(event.into()).unwrap();
        let accepted = self
            .intake()
            .accept(self.origin(), &mapper, &[RawEvent { json: json.into() }])
            .await;
        assert_eq!(accepted.unwrap().dead_letters, 1);
    }

    fn replay(&self, events_at: &str) -> Replay {
        Replay {
            log: self.log.clone(),
            intake: self.intake(),
            connections: self.store.clone(),
            catalogue: catalogue(events_at),
            clock: Arc::clone(&self.clock),
        }
    }

    async fn waiting(&self) -> Vec<LetterId> {
        let entries = list(self.log.as_ref(), &Filter::default()).await.unwrap();
        entries.iter().map(|entry| entry.id).collect()
    }

    async fn replayed(&self, events_at: &str) -> Vec<Outcome> {
        let chosen: HashSet<LetterId> = self.waiting().await.into_iter().collect();
        let mut outcomes = Vec::new();
        let replay = self.replay(events_at);
        let tell = |_, outcome: &Outcome| outcomes.push(outcome.clone());
        replay.run(&chosen, tell).await.unwrap();
        outcomes
    }

    fn activities(&self) -> Vec<ActivityRecord> {
        let records = self.log.records(Topic::Activity);
        let decoded = records
            .iter()
            .map(|one| ActivityRecord::decode(&one.record.value).unwrap());
        decoded.collect()
    }
}

#[tokio::test]
async fn a_mended_manifest_takes_in_what_it_could_not_before_and_only_that_is_marked() {
    let case = Case::new().await;
    case.set_aside(&format!(r#"{{"payload": {EVENT}}}"#)).await;
    case.accept(r#"{"nothing": "that the manifest reads"}"#)
        .await;
    let stays = |why: &str| Outcome::Stays(why.into());
    let unread = stays("the event holds none of the fields that the manifest reads");
    let before = case.replayed("/data").await;
    assert_eq!(
        before,
        [stays("there is nothing at `/data`"), unread.clone()]
    );
    assert_eq!(case.waiting().await.len(), 2, "what stays is not marked");

    let mended = case.replayed("/payload").await;
    assert_eq!(mended, [Outcome::Taken { activities: 1 }, unread]);
    let activities = case.activities();
    assert_eq!(activities.len(), 1);
    assert_eq!(activities[0].activity.event_id.to_string(), "evt_1");
    assert_eq!(
        case.waiting().await.len(),
        1,
        "the one that was taken in is marked"
    );
    let all = Filter {
        replayed_too: true,
        ..Filter::default()
    };
    let entries = list(case.log.as_ref(), &all).await.unwrap();
    let marked: Vec<bool> = entries
        .iter()
        .map(|one| one.replayed_at.is_some())
        .collect();
    assert_eq!(marked, [true, false]);
}

#[tokio::test]
async fn a_letter_shows_the_bytes_as_they_came() {
    let case = Case::new().await;
    let sent = "{\"payload\":\u{0}  not quite json \u{fffd}";
    case.set_aside(sent).await;
    let id = case.waiting().await[0];
    let letter = find(case.log.as_ref(), id).await.unwrap().unwrap();
    assert_eq!(body(&letter).unwrap(), sent.as_bytes());
    assert!(letter.whole);
    let nowhere = LetterId("7:7".parse::<LetterId>().unwrap().0);
    assert!(find(case.log.as_ref(), nowhere).await.unwrap().is_none());
}

#[tokio::test]
async fn filters_take_what_they_name() {
    let case = Case::new().await;
    case.set_aside("{}").await;
    case.accept(r#"{"nothing": 1}"#).await;
    let other = ConnectionId::new(case.clock.now(), 2);
    let here = Some(case.connection.id);
    // connection | reason | ids => how many
    for (connection, reason, ids, count) in [
        (None, None, vec![], 2),
        (here, None, vec![], 2),
        (Some(other), None, vec![], 0),
        (here, Some(DeadLetterReason::NotJson), vec![], 0),
        (None, Some(DeadLetterReason::NotMappable), vec!["0:1"], 1),
    ] {
        let filter = Filter {
            ids: ids.iter().map(|id| id.parse().unwrap()).collect(),
            connection,
            reason,
            replayed_too: false,
        };
        let entries = list(case.log.as_ref(), &filter).await.unwrap();
        assert_eq!(entries.len(), count, "{filter:?}");
    }
}

#[tokio::test]
async fn a_record_that_can_be_read_again_goes_back_as_it_was() {
    let case = Case::new().await;
    case.set_aside(&format!(r#"{{"payload": {EVENT}}}"#)).await;
    case.replayed("/payload").await;
    let record = case.activities().remove(0);
    let letter = DeadLetter {
        v: 1,
        connection_id: case.connection.id,
        arrival: Arrival::Pull,
        received_at: case.clock.now(),
        reason: DeadLetterReason::Unreadable,
        detail: "written by a newer program".into(),
        whole: false,
        body_base64: STANDARD.encode(record.encode()),
    };
    let written = LogRecord {
        key: record.key(),
        headers: Vec::new(),
        value: serde_json::to_vec(&letter).unwrap().into(),
    };
    case.log
        .append(Topic::DeadLetter, vec![written])
        .await
        .unwrap();
    assert_eq!(
        case.replayed("/data").await,
        [Outcome::Taken { activities: 1 }]
    );
    let records = case.log.records(Topic::Activity);
    assert_eq!(records[0].record, records[1].record);
}
