//! What every list shows to who is bound to some connections.

use std::collections::BTreeSet;

use event_model::{
    ConnectionScope, Incident, IncidentId, IncidentStatus, PageRequest, QuarantineId, RemedyKind,
};

use super::RelationalStore;
use super::samples::{
    at, batch, connection, connection_id, evaluated, incident, quarantine_item, record,
    with_remedies,
};
use crate::{
    ActivityFilter, ConnectionFilter, IncidentFilter, QuarantineFilter, RemedyFilter,
    RemedyProgress,
};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    lists_and_counts_are_of_what_is_within(&fresh().await).await;
    what_goes_on_is_counted_within(&fresh().await).await;
}

/// An incident on each of two connections, whose objects are held aside.
async fn on_two_connections(store: &impl RelationalStore) {
    for n in [1, 2] {
        store.create(&connection(n)).await.expect("it is created");
        let event = format!("e{n}");
        let mut record = record(&event, &format!("f{n}"), 1_000 + i64::from(n));
        record.connection_id = connection_id(n);
        let given = Incident {
            id: IncidentId::new(at(1_000), u128::from(n)),
            connection_id: connection_id(n),
            ..incident(n, &record)
        };
        let mut given = with_remedies(given, &[RemedyKind::Quarantine]);
        for remedy in &mut given.remedies {
            remedy.connection_id = connection_id(n);
        }
        let batch = batch(vec![evaluated(record, vec![given])]);
        store.record(&batch).await.expect("it is recorded");
        let now = at(2_000 + i64::from(n));
        let claimed = store
            .claim_remedies("one", 9, std::time::Duration::from_secs(9), now)
            .await
            .expect("it is due");
        for one in claimed {
            let mut item = quarantine_item(n, &one.remedy);
            item.id = QuarantineId::new(at(1), u128::from(n));
            let progress = RemedyProgress {
                quarantine: Some(item),
                ..RemedyProgress::default()
            };
            let saved = store.save_remedy(&one.lease, at(9_000), &one.remedy, &progress);
            saved.await.expect("it is saved");
        }
    }
}

/// How many connections, incidents, activities, remedies and items are listed.
async fn listed(store: &impl RelationalStore, scope: &ConnectionScope) -> [usize; 5] {
    let (within, request) = (scope.clone(), PageRequest::first(9));
    let connections = ConnectionFilter {
        within: within.clone(),
        ..ConnectionFilter::default()
    };
    let connections = store.page(&connections, &request).await.expect("a page");
    let incidents = IncidentFilter {
        within: within.clone(),
        ..IncidentFilter::default()
    };
    let incidents = store.incident_page(&incidents, &request).await;
    let activities = ActivityFilter {
        within: within.clone(),
        ..ActivityFilter::default()
    };
    let activities = store.activity_page(&activities, &request).await;
    let remedies = RemedyFilter {
        within: within.clone(),
        ..RemedyFilter::default()
    };
    let remedies = store.remedy_page(&remedies, &request).await;
    let items = QuarantineFilter {
        within,
        ..QuarantineFilter::default()
    };
    let items = store.quarantine_page(&items, &request).await;
    [
        connections.items.len(),
        incidents.expect("a page").items.len(),
        activities.expect("a page").items.len(),
        remedies.expect("a page").items.len(),
        items.expect("a page").items.len(),
    ]
}

fn only(ids: &[u8]) -> ConnectionScope {
    let ids = ids.iter().map(|n| connection_id(*n));
    ConnectionScope::Only(ids.collect::<BTreeSet<_>>())
}

async fn lists_and_counts_are_of_what_is_within(store: &impl RelationalStore) {
    on_two_connections(store).await;
    for (scope, each) in [
        (ConnectionScope::Every, 2),
        (only(&[1, 2]), 2),
        (only(&[2]), 1),
        (only(&[3]), 0),
        (ConnectionScope::nothing(), 0),
    ] {
        assert_eq!(listed(store, &scope).await, [each; 5], "{scope:?}");
        let counts = store.overview_within(&scope).await.expect("the counts");
        let sums = [
            counts.activities,
            counts.incidents_by_status.values().sum(),
            counts.incidents_by_severity.values().sum(),
            counts.remedies_by_state.values().sum(),
            counts.quarantine_by_state.values().sum(),
            counts.connections_by_state.values().sum(),
        ];
        assert_eq!(sums, [each as u64; 6], "{scope:?}");
    }
}

/// Incidents on two connections, one a day after the other; the first is closed.
async fn what_goes_on_is_counted_within(store: &impl RelationalStore) {
    on_two_connections(store).await;
    let page = store
        .incident_page(&IncidentFilter::default(), &PageRequest::first(9))
        .await;
    let incidents = page.expect("a page").items;
    let first = incidents
        .iter()
        .find(|one| one.connection_id == connection_id(1))
        .expect("each connection has one");
    let close = super::samples::closing(IncidentStatus::Resolved);
    let act = super::samples::act(3_000);
    let closed = store.work_on_incident(first.id, None, &close, &act).await;
    closed.expect("it is closed");
    let whole = store.board(at(0), at(0)).await.expect("a board");
    for (scope, everything) in [
        (ConnectionScope::Every, 2),
        (only(&[1, 2]), 2),
        (only(&[1]), 1),
        (only(&[3]), 0),
        (ConnectionScope::nothing(), 0),
    ] {
        let board = store.board_within(&scope, at(0), at(0)).await;
        let board = board.expect("a board");
        assert_eq!(board.violations, everything, "{scope:?}");
        assert_eq!(board.activity.values().sum::<u64>(), everything);
        assert_eq!(board.by_day.values().sum::<u64>(), everything);
        assert_eq!(board.last_received.len() as u64, everything);
        assert_eq!(board.actors, everything.min(1), "it is the same person");
        assert_eq!(board == whole, everything == 2, "{scope:?}");
        let mine = scope.has(connection_id(1));
        let times = store.case_times_within(&scope).await.expect("times");
        assert_eq!(times.to_resolve_ms.is_some(), mine, "{scope:?}");
        let verdicts = store.policy_verdicts_within(&scope).await;
        assert_eq!(verdicts.expect("verdicts").is_empty(), !mine, "{scope:?}");
    }
    let second = store.board_within(&only(&[2]), at(0), at(0)).await;
    let open = second.expect("a board").open_by_policy;
    assert_eq!(open, [(super::samples::policy_id(2), 1)].into());
}
