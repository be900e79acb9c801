//! Two processes on one store: two stores, each with its own connections.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use event_model::{Checkpoint, Position, RemedyKind, Secret};
use futures::future::join_all;
use ports::contract::{audit, samples};
use ports::{
    AuditTrail, Changes, CheckpointStore, ConnectionStore, EvaluationStore, GrantStore,
    IncidentStore, LeaseStore, PolicyStore, RemedyProgress, RemedyStore, StoreError, Tokens,
};

use super::{Server, open};
use crate::PostgresStore;

const TTL: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(20);

async fn two(server: &Server) -> [Arc<PostgresStore>; 2] {
    let url = server.schema().await;
    let (a, b) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    [Arc::new(a), Arc::new(b)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_goes_to_one_of_two_and_a_paused_holder_is_refused() {
    let Some(server) = Server::find() else { return };
    let stores = two(&server).await;
    for round in 0..10 {
        let resource = format!("r{round}");
        let tries = (0..8).map(|n| {
            let (store, resource) = (&stores[n % 2], resource.clone());
            async move {
                let holder = n.to_string();
                let lease = store
                    .acquire_lease(&resource, &holder, TTL, samples::at(0))
                    .await;
                lease.unwrap()
            }
        });
        let got = join_all(tries).await.into_iter().flatten().count();
        assert_eq!(got, 1, "in round {round}");
    }
    let [a, b] = &stores;
    let connection = samples::connection_id(1);
    let paused = a.acquire_lease("pull", "a", TTL, samples::at(0)).await;
    let paused = paused.unwrap().unwrap();
    let taken = b.acquire_lease("pull", "b", TTL, samples::at(31)).await;
    let taken = taken.unwrap().unwrap();
    assert!(taken.epoch > paused.epoch);
    let place = |cursor: &str| {
        Checkpoint::initial(
            "s",
            Position::Cursor {
                cursor: cursor.into(),
            },
        )
    };
    let late = a
        .advance_checkpoint(connection, &paused, None, &place("late"))
        .await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
    b.advance_checkpoint(connection, &taken, None, &place("c1"))
        .await
        .unwrap();
    assert_eq!(
        a.checkpoint(connection, "s").await.unwrap(),
        Some(place("c1"))
    );
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_batch_recorded_by_both_at_once_is_there_once() {
    let Some(server) = Server::find() else { return };
    let stores = two(&server).await;
    let mut expected = BTreeSet::new();
    for round in 0..8_u8 {
        let records: Vec<_> = (0..6)
            .map(|n| samples::record(&format!("e{round}-{n}"), &format!("f{n}"), 1))
            .collect();
        let first = round * 6 + 1;
        let evaluated = |turned: bool| {
            let mut all: Vec<_> = records
                .iter()
                .zip(first..)
                .map(|(one, n)| samples::evaluated(one.clone(), vec![samples::incident(n, one)]))
                .collect();
            // In another order, as another process may have them.
            if turned {
                all.reverse();
            }
            samples::batch(all)
        };
        let batches = [evaluated(false), evaluated(true)];
        let recorded = join_all((0..4).map(|n| stores[n % 2].record(&batches[n % 2]))).await;
        let recorded: Vec<_> = recorded.into_iter().map(Result::unwrap).collect();
        let activities: usize = recorded.iter().map(|one| one.activities_new).sum();
        assert_eq!(activities, 6, "in round {round}");
        let incidents: Vec<_> = recorded.iter().flat_map(|one| &one.incidents_new).collect();
        assert_eq!(incidents.len(), 6, "in round {round}");
        expected.extend((first..first + 6).map(|n| format!("DLP-{n}")));
    }
    let changes = stores[0].incident_changes_after(0, 1_000).await.unwrap();
    let sequences: Vec<u64> = changes.iter().map(|one| one.sequence).collect();
    assert_eq!(
        sequences,
        (1..=48).collect::<Vec<_>>(),
        "no number is left out"
    );
    let mut numbers = BTreeSet::new();
    for change in changes {
        let incident = stores[1].incident(change.incident_id).await.unwrap();
        numbers.insert(incident.unwrap().number);
    }
    assert_eq!(
        numbers, expected,
        "no number is left out and none comes twice"
    );
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remedies_of_one_object_are_never_claimed_by_both() {
    let Some(server) = Server::find() else { return };
    let stores = two(&server).await;
    stores[0].create(&samples::connection(1)).await.unwrap();
    for n in 1..=20_u8 {
        let object = format!("f{}", n % 4);
        let record = samples::record(&format!("e{n}"), &object, 1);
        let incident = samples::with_remedies(samples::incident(n, &record), &[RemedyKind::Delete]);
        let batch = samples::batch(vec![samples::evaluated(record, vec![incident])]);
        stores[0].record(&batch).await.unwrap();
    }
    let now = samples::at(100_000);
    let mut done = BTreeSet::new();
    while done.len() < 20 {
        let claims = (0..6).map(|n| {
            let store = &stores[n % 2];
            async move {
                store
                    .claim_remedies(&n.to_string(), 5, TTL, now)
                    .await
                    .unwrap()
            }
        });
        let claimed: Vec<_> = join_all(claims).await.into_iter().flatten().collect();
        assert!(!claimed.is_empty(), "what is due is claimed");
        let mut objects = BTreeSet::new();
        for one in &claimed {
            let object = one.activity.object_id.clone();
            assert!(objects.insert(object), "an object is worked on by one");
            assert!(done.insert(one.remedy.id), "a remedy is claimed once");
        }
        for one in claimed {
            let mut remedy = one.remedy.clone();
            for state in ["snapshot_taken", "executing", "done"] {
                let state = event_model::RemedyState::from_word(state).unwrap();
                remedy.step(state, now).unwrap();
            }
            let release = RemedyProgress {
                release: true,
                ..Default::default()
            };
            stores[1]
                .save_remedy(&one.lease, now, &remedy, &release)
                .await
                .unwrap();
        }
    }
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_replace_a_grant_one_does() {
    let Some(server) = Server::find() else { return };
    let stores = two(&server).await;
    let connection = samples::connection_id(1);
    let tokens = |text: String| Tokens {
        access_token: Secret::new(text),
        refresh_token: None,
        expires_at: None,
        scope: None,
    };
    let mut read = None;
    for round in 1..=6 {
        let tries = (0..6).map(|n| {
            let tokens = tokens(format!("{round}-{n}"));
            let store = &stores[n % 2];
            async move { store.replace_grant(connection, read, &tokens).await }
        });
        let outcomes = join_all(tries).await;
        let won: Vec<_> = outcomes
            .iter()
            .filter_map(|one| one.as_ref().ok())
            .collect();
        assert_eq!(won.len(), 1, "in round {round}");
        let refused = |one: &Result<_, _>| matches!(one, Err(StoreError::Conflict { .. }));
        assert_eq!(outcomes.iter().filter(|one| refused(one)).count(), 5);
        assert_eq!(
            stores[0].grant(connection).await.unwrap().as_ref(),
            Some(won[0])
        );
        read = Some(won[0].version);
    }
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_entries_of_both_make_one_chain() {
    let Some(server) = Server::find() else { return };
    let stores = two(&server).await;
    let entries: Vec<_> = (1..=40).map(audit::entry).collect();
    let written = entries
        .iter()
        .enumerate()
        .map(|(n, one)| stores[n % 2].audit(one));
    for outcome in join_all(written).await {
        outcome.unwrap();
    }
    assert_eq!(stores[0].verify_audit().await.unwrap(), 40);
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_changes_wakes_the_other() {
    let Some(server) = Server::find() else { return };
    let [a, b] = two(&server).await;
    let mut signals: [Changes; 4] = [
        b.changes(),
        b.policy_changes(),
        b.incident_changes(),
        b.remedy_changes(),
    ];
    // Listening begins with a signal of everything.
    for signal in &mut signals {
        tokio::time::timeout(PATIENCE, signal.changed())
            .await
            .unwrap()
            .unwrap();
    }
    a.create(&samples::connection(1)).await.unwrap();
    a.save_policy(&samples::policy(1, 1, true)).await.unwrap();
    let record = samples::record("e", "f", 1);
    let incident = samples::incident(1, &record);
    let batch = samples::batch(vec![samples::evaluated(record, vec![incident])]);
    a.record(&batch).await.unwrap();
    for (n, signal) in signals.iter_mut().enumerate() {
        let woken = tokio::time::timeout(PATIENCE, signal.changed()).await;
        woken
            .unwrap_or_else(|_| panic!("signal {n} does not come"))
            .unwrap();
    }
    server.drop_schemas().await;
}
