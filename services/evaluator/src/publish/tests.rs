use std::sync::Mutex;

use async_trait::async_trait;
use event_model::{IncidentStatus, RemedyKind, RemedyState};
use ports::contract::samples;
use ports::{
    EvaluationStore, LogError, LogReader, ManualClock, MemoryLog, RemedyProgress, SeededEntropy,
};
use sealing::{Key, Sealer};
use store_sqlite::SqliteStore;

use super::*;

/// What the log does with the next append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Takes nothing.
    Refuses,
    /// Takes everything and does not say so: as when the process dies after the append.
    Forgets,
}

/// A log that fails as told.
struct FaultyLog {
    log: MemoryLog,
    next: Mutex<Fault>,
}

#[async_trait]
impl ActivityLog for FaultyLog {
    async fn append(&self, topic: Topic, records: Vec<LogRecord>) -> Result<(), AppendError> {
        let fault = std::mem::replace(&mut *self.next.lock().unwrap(), Fault::None);
        if fault != Fault::Refuses {
            self.log.append(topic, records).await?;
        }
        match fault {
            Fault::None => Ok(()),
            _ => Err(AppendError::NotDurable("the disk is gone".into())),
        }
    }

    async fn reader(&self, topic: Topic, group: &str) -> Result<Box<dyn LogReader>, LogError> {
        self.log.reader(topic, group).await
    }
}

struct World {
    store: Arc<SqliteStore>,
    log: Arc<FaultyLog>,
    clock: Arc<ManualClock>,
    metrics: Arc<Metrics>,
}

impl World {
    async fn new() -> Self {
        let sealer = Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap();
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy).await;
        let store = Arc::new(store.unwrap());
        store.create(&samples::connection(1)).await.unwrap();
        let clock = Arc::new(ManualClock::at(samples::at(5_000)));
        let log = FaultyLog {
            log: MemoryLog::new(clock.clone()),
            next: Mutex::new(Fault::None),
        };
        World {
            store,
            log: Arc::new(log),
            clock,
            metrics: Arc::default(),
        }
    }

    fn publisher(&self, holder: &str) -> Publisher {
        let ports = PublisherPorts {
            outbox: self.store.clone(),
            incidents: self.store.clone(),
            remedies: self.store.clone(),
            connections: self.store.clone(),
            leases: self.store.clone(),
            log: self.log.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
        };
        let options = PublisherOptions {
            entries_max: 2,
            ..PublisherOptions::default()
        };
        Publisher::new(ports, options, holder.into())
    }

    /// An incident, and that it was resolved.
    async fn happen(&self, n: u8) {
        let record = samples::record(&format!("e{n}"), &format!("f{n}"), i64::from(n));
        let one = samples::incident(n, &record);
        let batch = samples::batch(vec![samples::evaluated(record, vec![one.clone()])]);
        self.store.record(&batch).await.unwrap();
        let change = samples::closing(IncidentStatus::Resolved);
        let act = samples::act(4_000);
        let resolved = self
            .store
            .work_on_incident(one.id, Some(1), &change, &act)
            .await;
        resolved.unwrap();
    }

    /// The ids of what was told, as number of the incident and version.
    fn told(&self) -> Vec<String> {
        let records = self.log.log.records(Topic::Incidents);
        let id = |one: &ports::Delivered| {
            let value: serde_json::Value = serde_json::from_slice(&one.record.value).unwrap();
            let uid = value["metadata"]["uid"].as_str().unwrap();
            let headers = &one.record.headers;
            assert!(headers.contains(&("ce_id".into(), uid.to_owned().into())));
            assert_eq!(value["finding_info"]["uid"], *one.record.key);
            assert_eq!(value["unmapped"]["service"], "toy-cloud");
            let version = uid.rsplit_once(':').unwrap().1;
            format!(
                "{}:{version}",
                value["unmapped"]["number"].as_str().unwrap()
            )
        };
        records.iter().map(id).collect()
    }
}

/// Publishes until nothing waits or something fails.
async fn drain(publisher: &Publisher, lease: &mut Option<Lease>) -> Result<(), PublishError> {
    let mut services = Services::new();
    while let Published::Told(told) = publisher.publish(lease, &mut services).await? {
        if told == 0 {
            break;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_death_between_append_and_forgetting_repeats_ids_and_loses_none() {
    // fault at the first append => what is told in the end
    for (fault, expected) in [
        (Fault::None, "DLP-1:1 DLP-1:2 DLP-2:1 DLP-2:2"),
        (Fault::Refuses, "DLP-1:1 DLP-1:2 DLP-2:1 DLP-2:2"),
        (
            Fault::Forgets,
            "DLP-1:1 DLP-1:2 DLP-1:1 DLP-1:2 DLP-2:1 DLP-2:2",
        ),
    ] {
        let world = World::new().await;
        world.happen(1).await;
        world.happen(2).await;
        *world.log.next.lock().unwrap() = fault;
        let first = drain(&world.publisher("a"), &mut None).await;
        assert_eq!(first.is_err(), fault != Fault::None, "{fault:?}");
        // It died: another comes when the lease has ended.
        world.clock.advance(Duration::from_secs(31));
        drain(&world.publisher("b"), &mut None).await.unwrap();
        assert_eq!(world.told().join(" "), expected, "{fault:?}");
        let backlog = world.store.outbox_backlog().await.unwrap();
        assert_eq!(backlog.waiting, 0, "{fault:?}");
    }
}

#[tokio::test]
async fn one_process_tells_at_a_time_and_another_when_its_lease_has_ended() {
    let world = World::new().await;
    let (a, b) = (world.publisher("a"), world.publisher("b"));
    let (mut of_a, mut of_b, mut services) = (None, None, Services::new());
    let mut publish = async |of: &Publisher, lease: &mut Option<Lease>| {
        of.publish(lease, &mut services).await.unwrap()
    };
    world.happen(1).await;
    assert_eq!(publish(&a, &mut of_a).await, Published::Told(2));
    world.happen(2).await;
    assert_eq!(publish(&b, &mut of_b).await, Published::Elsewhere);
    // Kept alive, it goes on.
    world.clock.advance(Duration::from_secs(20));
    assert_eq!(publish(&a, &mut of_a).await, Published::Told(2));
    world.clock.advance(Duration::from_secs(20));
    assert_eq!(publish(&b, &mut of_b).await, Published::Elsewhere);
    // Silent for too long, it is taken over, and sees that when it wakes.
    world.clock.advance(Duration::from_secs(31));
    world.happen(3).await;
    assert_eq!(publish(&b, &mut of_b).await, Published::Told(2));
    assert_eq!(publish(&a, &mut of_a).await, Published::Elsewhere);
    assert_eq!(world.told().len(), 6, "each is told once");
}

#[tokio::test]
async fn what_waits_is_shown_and_it_is_told_as_soon_as_it_happens() {
    let world = World::new().await;
    world.happen(1).await;
    *world.log.next.lock().unwrap() = Fault::Refuses;
    let failed = drain(&world.publisher("a"), &mut None).await;
    failed.unwrap_err();
    let shown = world.metrics.exposition();
    assert!(shown.contains("tidegate_outbox_waiting 2"), "{shown}");
    assert!(
        shown.contains("tidegate_outbox_age_seconds 3999"),
        "{shown}"
    );
    let (stop, stopped) = watch::channel(false);
    let mut publisher = world.publisher("a");
    // Only the signal of a change can wake it in time.
    publisher.options.tick = Duration::from_secs(3_600);
    let running = tokio::spawn(publisher.run(stopped));
    let wait_for = async |count: usize| {
        let until = std::pin::pin!(async {
            while world.told().len() < count {
                tokio::task::yield_now().await;
            }
        });
        let waited = tokio::time::timeout(Duration::from_secs(30), until).await;
        waited.expect("it is told");
    };
    wait_for(2).await;
    world.happen(2).await;
    wait_for(4).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    let lease = world
        .store
        .acquire_lease(RESOURCE, "b", Duration::from_secs(1), world.clock.now())
        .await;
    assert!(lease.unwrap().is_some(), "who stops gives the lease back");
}

#[tokio::test]
async fn what_a_remedy_came_to_is_told_once_and_only_when_it_has_ended() {
    let world = World::new().await;
    let record = samples::record("e1", "f1", 1);
    let kinds = [RemedyKind::Quarantine, RemedyKind::Notify];
    let one = samples::with_remedies(samples::incident(1, &record), &kinds);
    let batch = samples::batch(vec![samples::evaluated(record, vec![one.clone()])]);
    world.store.record(&batch).await.unwrap();
    let publisher = world.publisher("a");
    let (mut lease, second) = (None, Duration::from_secs(60));
    // In the order in which they are carried out; then the incident is closed.
    for (round, at) in [(0, 4_100), (1, 4_200)] {
        let claimed = world.store.claim_remedies("w", 1, second, samples::at(at));
        let claimed = claimed.await.unwrap().remove(0);
        let mut remedy = claimed.remedy.clone();
        for state in [RemedyState::Executing, RemedyState::Done] {
            remedy.step(state, samples::at(at + 1)).unwrap();
            let progress = RemedyProgress {
                release: state == RemedyState::Done,
                ..RemedyProgress::default()
            };
            let until = samples::at(at + 60);
            let saved = world
                .store
                .save_remedy(&claimed.lease, until, &remedy, &progress);
            saved.await.unwrap();
        }
        assert_eq!(remedy.kind, kinds[round]);
        drain(&publisher, &mut lease).await.unwrap();
    }
    let (change, act) = (
        samples::closing(IncidentStatus::Resolved),
        samples::act(4_300),
    );
    let closed = world.store.work_on_incident(one.id, None, &change, &act);
    closed.await.unwrap();
    drain(&publisher, &mut lease).await.unwrap();
    let told: Vec<(String, serde_json::Value)> = world
        .log
        .log
        .records(Topic::Remedies)
        .into_iter()
        .map(|one| {
            (
                one.record.key,
                serde_json::from_slice(&one.record.value).unwrap(),
            )
        })
        .collect();
    let distinct: std::collections::BTreeSet<&str> = told
        .iter()
        .map(|(_, event)| event["metadata"]["uid"].as_str().unwrap())
        .collect();
    assert_eq!(
        distinct.len(),
        1,
        "an e-mail does nothing in the service: {told:?}"
    );
    let (key, event) = &told[0];
    assert_eq!(*key, one.id.to_string());
    assert_eq!(
        (&event["status"], &event["unmapped"]["kind"]),
        (&"Success".into(), &"quarantine".into())
    );
    assert_eq!(event["command_uid"], one.remedies[0].id.to_string());
}
