//! The suite of [`QuarantineStore`](crate::QuarantineStore), and of what
//! [`RemedyStore`](crate::RemedyStore) does to its items.

use event_model::{
    Incident, QuarantineId, QuarantineItem, QuarantineState, Remedy, RemedyKind, RemedyState,
};

use super::remedies::{add, claim, finish, planned};
use super::samples::{at, connection, connection_id, quarantine_item, remedy, snapshot, timeline};
use super::{RelationalStore, every_item};
use crate::{QuarantineFilter, RemedyProgress, StoreError};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    an_item_is_written_with_the_remedy_that_made_it(&fresh().await).await;
    a_held_item_is_restored_or_deleted_once(fresh).await;
    only_what_is_done_and_has_a_snapshot_is_undone_and_once(fresh).await;
    items_are_listed_by_filter(&fresh().await).await;
}

/// An incident whose object is held aside.
pub(super) async fn held(store: &impl RelationalStore, n: u8) -> (Incident, QuarantineItem) {
    let object = format!("f{n}");
    let given = planned(n, &object, &[RemedyKind::Quarantine]);
    let given = add(store, given, &object).await;
    let claimed = claim(store, 1_100).await;
    let [one] = &claimed[..] else {
        panic!("one is due, not {}", claimed.len())
    };
    let item = quarantine_item(n, &one.remedy);
    let progress = RemedyProgress {
        quarantine: Some(item.clone()),
        ..RemedyProgress::default()
    };
    let saved = store.save_remedy(&one.lease, at(1_200), &one.remedy, &progress);
    saved.await.expect("it is saved");
    finish(store, one, 1_100).await;
    (given, item)
}

async fn an_item_is_written_with_the_remedy_that_made_it(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    let (_, item) = held(store, 1).await;
    let read = store.quarantine_item(item.id).await.expect("a read");
    assert_eq!(read, Some(item));
    let none = store.quarantine_item(QuarantineId::new(at(0), 9)).await;
    assert_eq!(none.expect("a read"), None);
}

/// A person asks for it.
fn asked(incident: &Incident, kind: RemedyKind, of: &Remedy, ordinal: u32) -> Remedy {
    Remedy {
        of: Some(of.id),
        ..remedy(incident, ordinal, kind)
    }
}

async fn a_held_item_is_restored_or_deleted_once<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    for (kind, on_the_way) in [
        (RemedyKind::Restore, QuarantineState::Restoring),
        (RemedyKind::Purge, QuarantineState::Deleting),
    ] {
        let store = &fresh().await;
        store.create(&connection(1)).await.expect("it is created");
        let (incident, item) = held(store, 1).await;
        let effect_at = store.incident(incident.id).await.expect("a read");
        let effect_at = effect_at.expect("recorded").latency.effect_at;
        assert_eq!(effect_at, Some(at(1_100)));
        let plan = asked(&incident, kind, &incident.remedies[0], 1);
        let unknown = QuarantineId::new(at(0), 9);
        let none = store
            .plan_for_quarantine(unknown, &plan, &timeline("x"))
            .await;
        assert!(matches!(none, Err(StoreError::NotFound { .. })));
        let planned = store
            .plan_for_quarantine(item.id, &plan, &timeline("asked for"))
            .await
            .expect("it is held");
        assert_eq!(planned.state, on_the_way);
        let read = store.quarantine_item(item.id).await.expect("a read");
        assert_eq!(read, Some(planned));
        let again = asked(&incident, RemedyKind::Restore, &incident.remedies[0], 2);
        let refused = store
            .plan_for_quarantine(item.id, &again, &timeline("x"))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{refused:?}"
        );
        let claimed = claim(store, 3_000).await;
        let [one] = &claimed[..] else {
            panic!("what was asked for is due, not {}", claimed.len())
        };
        assert_eq!(one.remedy, plan);
        let of = one.of.as_ref().expect("what it undoes");
        assert_eq!(of.id, incident.remedies[0].id);
        finish(store, one, 3_000).await;
        let read = store.incident(incident.id).await.expect("a read");
        let read = read.expect("it was recorded");
        assert_eq!(read.timeline, [timeline("asked for")]);
        assert_eq!(
            read.latency.effect_at, effect_at,
            "what a person asks for later is not the effect of the policy"
        );
    }
}

async fn only_what_is_done_and_has_a_snapshot_is_undone_and_once<S: RelationalStore>(
    fresh: &impl AsyncFn() -> S,
) {
    for (state, snapshot, allowed) in [
        (RemedyState::Done, Some(snapshot()), true),
        (RemedyState::Done, None, false),
        (RemedyState::Failed, Some(snapshot()), false),
        (RemedyState::Executing, Some(snapshot()), false),
    ] {
        let store = &fresh().await;
        let mut given = planned(1, "f1", &[RemedyKind::RemoveLink]);
        given.remedies[0].state = state;
        given.remedies[0].snapshot = snapshot;
        let given = add(store, given, "f1").await;
        let undo = |ordinal| asked(&given, RemedyKind::Restore, &given.remedies[0], ordinal);
        let outcome = store.plan_undo(&undo(1), &timeline("undo")).await;
        assert_eq!(outcome.is_ok(), allowed, "{state}: {outcome:?}");
        let again = store.plan_undo(&undo(2), &timeline("undo")).await;
        assert!(
            matches!(again, Err(StoreError::Conflict { .. })),
            "{again:?}"
        );
        let read = store.incident(given.id).await.expect("a read");
        let read = read.expect("it was recorded");
        assert_eq!(read.remedies.len(), 1 + usize::from(allowed));
        let none = asked(&given, RemedyKind::Restore, &undo(7), 8);
        let none = store.plan_undo(&none, &timeline("undo")).await;
        assert!(matches!(none, Err(StoreError::NotFound { .. })), "{none:?}");
    }
    let store = &fresh().await;
    store.create(&connection(1)).await.expect("it is created");
    let (given, _) = held(store, 1).await;
    let undo = asked(&given, RemedyKind::Restore, &given.remedies[0], 1);
    let refused = store.plan_undo(&undo, &timeline("undo")).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "its quarantine item is restored instead: {refused:?}"
    );
}

async fn items_are_listed_by_filter(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    let mut held_items = Vec::new();
    for n in 1..=3 {
        held_items.push(held(store, n).await);
    }
    let (incident, item) = &held_items[1];
    let plan = asked(incident, RemedyKind::Purge, &incident.remedies[0], 1);
    let planned = store
        .plan_for_quarantine(item.id, &plan, &timeline("x"))
        .await;
    planned.expect("it is held");
    let none = QuarantineFilter::default;
    for (filter, expected) in [
        (none(), &[3, 2, 1][..]),
        (
            QuarantineFilter {
                state: vec![QuarantineState::Held],
                ..none()
            },
            &[3, 1],
        ),
        (
            QuarantineFilter {
                incident: Some(incident.id),
                ..none()
            },
            &[2],
        ),
        (
            QuarantineFilter {
                connection: Some(connection_id(2)),
                ..none()
            },
            &[],
        ),
    ] {
        let found = every_item(1, async |request| {
            store.quarantine_page(&filter, &request).await
        })
        .await;
        let found: Vec<_> = found.iter().map(|one| one.id).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|n: &usize| held_items[n - 1].1.id)
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let overview = store.overview().await.expect("the counts");
    assert_eq!(overview.quarantine_by_state["held"], 2);
    assert_eq!(overview.quarantine_by_state["deleting"], 1);
}
