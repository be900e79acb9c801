//! The suite of [`IncidentOutbox`](crate::IncidentOutbox).

use std::time::Duration;

use event_model::{IncidentStatus, RemedyKind};

use super::RelationalStore;
use super::samples::{act, at, batch, closing, evaluated, incident, record, with_remedies};
use crate::{CaseError, OutboxBacklog, RemedyProgress, StoreError};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    every_change_is_told_once_in_order(&fresh().await).await;
    what_was_not_recorded_is_not_told(&fresh().await).await;
    the_oldest_are_shown_first_and_what_was_told_is_forgotten(&fresh().await).await;
    changes_of_many_side_by_side_are_told_in_their_order(&fresh().await).await;
}

/// The versions that wait: which incident by its policy's version of the sample, which revision.
async fn waiting(store: &impl RelationalStore) -> Vec<(String, u64, IncidentStatus)> {
    let entries = store.outbox_waiting(1_000).await.expect("a read");
    let sequences: Vec<u64> = entries.iter().map(|one| one.sequence).collect();
    assert!(
        sequences.is_sorted_by(|a, b| a < b),
        "sequences grow: {sequences:?}"
    );
    entries
        .into_iter()
        .map(|one| one.incident)
        .map(|one| (one.number, one.revision, one.status))
        .collect()
}

async fn add(store: &impl RelationalStore, n: u8, kinds: &[RemedyKind]) -> event_model::Incident {
    let record = record(&format!("e{n}"), &format!("f{n}"), i64::from(n));
    let one = with_remedies(incident(n, &record), kinds);
    let recorded = store
        .record(&batch(vec![evaluated(record, vec![one.clone()])]))
        .await;
    assert_eq!(recorded.expect("it is recorded").incidents_new, [one.id]);
    one
}

async fn resolve(
    store: &impl RelationalStore,
    id: event_model::IncidentId,
    revision: u64,
) -> Result<event_model::Incident, CaseError> {
    let change = closing(IncidentStatus::Resolved);
    store
        .work_on_incident(id, Some(revision), &change, &act(3_000))
        .await
}

async fn every_change_is_told_once_in_order(store: &impl RelationalStore) {
    let one = add(store, 1, &[RemedyKind::Notify]).await;
    let claimed = store
        .claim_remedies("a", 9, Duration::from_secs(30), at(2_000))
        .await
        .expect("a claim");
    let [claimed] = &claimed[..] else {
        panic!("one remedy is claimed")
    };
    let progress = RemedyProgress {
        timeline: Some(super::samples::timeline("told")),
        ..RemedyProgress::default()
    };
    store
        .save_remedy(&claimed.lease, at(2_000), &claimed.remedy, &progress)
        .await
        .expect("it is saved");
    let revision = store.incident(one.id).await.expect("a read");
    let revision = revision.expect("it was recorded").revision;
    assert_eq!(revision, 2, "the remedy's words changed it");
    let set = resolve(store, one.id, 2).await;
    set.expect("it is resolved");
    let number = "DLP-1".to_owned();
    assert_eq!(
        waiting(store).await,
        [
            (number.clone(), 1, IncidentStatus::New),
            (number.clone(), 2, IncidentStatus::New),
            (number, 3, IncidentStatus::Resolved),
        ]
    );
    let told = store.outbox_waiting(1).await.expect("a read");
    assert_eq!(told[0].incident.remedies, [], "remedies change beside it");
    assert_eq!(told[0].incident.activity, one.activity);
}

async fn what_was_not_recorded_is_not_told(store: &impl RelationalStore) {
    let one = add(store, 1, &[]).await;
    // Once more: it is there already.
    let again = record("e1", "f1", 1);
    let repeated = batch(vec![evaluated(again, vec![one.clone()])]);
    store.record(&repeated).await.expect("nothing is new");
    let late = resolve(store, one.id, 7).await;
    let refused = matches!(late, Err(CaseError::Store(StoreError::Conflict { .. })));
    assert!(refused, "{late:?}");
    assert_eq!(
        waiting(store).await,
        [("DLP-1".to_owned(), 1, IncidentStatus::New)]
    );
}

async fn the_oldest_are_shown_first_and_what_was_told_is_forgotten(store: &impl RelationalStore) {
    assert_eq!(waiting(store).await, []);
    for n in 1..=3 {
        add(store, n, &[]).await;
    }
    let backlog = store.outbox_backlog().await.expect("a read");
    let expected = OutboxBacklog {
        waiting: 3,
        dropped: 0,
    };
    assert_eq!(backlog, expected);
    let first = store.outbox_waiting(2).await.expect("a read");
    let numbers: Vec<&str> = first.iter().map(|one| &*one.incident.number).collect();
    assert_eq!(numbers, ["DLP-1", "DLP-2"]);
    for _ in 0..2 {
        // Twice: who died after the first time does it again.
        store.outbox_told(first[1].sequence).await.expect("told");
        assert_eq!(
            waiting(store).await,
            [("DLP-3".to_owned(), 1, IncidentStatus::New)]
        );
    }
    assert_eq!(
        store.outbox_backlog().await.expect("a read").waiting,
        1,
        "what was told does not wait"
    );
}

async fn changes_of_many_side_by_side_are_told_in_their_order(store: &impl RelationalStore) {
    let adding = (1..=8).map(|n| async move {
        let one = add(store, n, &[]).await;
        let set = resolve(store, one.id, 1).await;
        set.expect("it is resolved");
    });
    // A reader beside them: what it has passed never grows from behind.
    let reading = async {
        let (mut seen, mut told) = (0, 0);
        while told < 16 {
            let entries = store.outbox_waiting(3).await.expect("a read");
            for entry in &entries {
                assert!(entry.sequence > seen, "{} after {seen}", entry.sequence);
                seen = entry.sequence;
            }
            told += entries.len();
            store.outbox_told(seen).await.expect("told");
            tokio::task::yield_now().await;
        }
    };
    futures::future::join(futures::future::join_all(adding), reading).await;
    assert_eq!(waiting(store).await, []);
}
