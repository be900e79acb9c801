//! The suite of what people make of incidents: repeats, their common end, figures.

use event_model::{
    CaseChange, CaseVerdict, Incident, IncidentId, IncidentStatus, REPEAT_WINDOW_HOURS, Repeats,
    Severity,
};

use super::RelationalStore;
use super::samples::{act, at, batch, closing, evaluated, incident, policy_id, record};
use crate::{CaseTimes, IncidentFilter, PolicyVerdicts};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    the_same_again_is_a_repeat_of_the_open_one(&fresh().await).await;
    several_of_one_batch_repeat_its_first(&fresh().await).await;
    what_comes_after_the_end_is_never_overlooked(&fresh().await).await;
    repeats_end_with_what_they_repeat(&fresh().await).await;
    verdicts_and_times_are_counted(&fresh().await).await;
    a_board_counts_what_is_now_and_what_is_open(&fresh().await).await;
}

/// The n-th violation of the first policy, so many seconds after the beginning.
fn violation(n: u8, seconds: i64) -> Incident {
    let record = record(&format!("e{n}"), "f1", seconds);
    let mut one = incident(n, &record);
    one.policy.id = policy_id(1);
    one.created_at = at(seconds);
    one.updated_at = at(seconds);
    one
}

async fn add(store: &impl RelationalStore, n: u8, seconds: i64) -> IncidentId {
    add_all(store, &[(n, seconds)]).await[0]
}

async fn add_all(store: &impl RelationalStore, all: &[(u8, i64)]) -> Vec<IncidentId> {
    let one = |(n, seconds): &(u8, i64)| {
        let record = record(&format!("e{n}"), "f1", *seconds);
        evaluated(record, vec![violation(*n, *seconds)])
    };
    let recorded = store.record(&batch(all.iter().map(one).collect())).await;
    recorded.expect("it is recorded").incidents_new
}

async fn read(store: &impl RelationalStore, id: IncidentId) -> Incident {
    let found = store.incident(id).await.expect("a read");
    found.expect("it was recorded")
}

async fn work(store: &impl RelationalStore, id: IncidentId, change: CaseChange) -> Incident {
    let done = store.work_on_incident(id, None, &change, &act(9_000)).await;
    done.expect("it takes that")
}

async fn the_same_again_is_a_repeat_of_the_open_one(store: &impl RelationalStore) {
    let head = add(store, 1, 1_000).await;
    let again = add(store, 2, 1_060).await;
    // Once more, as after a crash: it is there already and is not counted twice.
    let known = record("e2", "f1", 1_060);
    let repeated = batch(vec![evaluated(known, vec![violation(2, 1_060)])]);
    store.record(&repeated).await.expect("nothing is new");
    let other = add_all(store, &[(3, 1_070)]).await[0];
    let (first, second) = (read(store, head).await, read(store, again).await);
    let counted = Repeats {
        count: 2,
        last_at: at(1_070),
    };
    assert_eq!(first.case.repeats, Some(counted));
    assert_eq!(first.case.repeat_of, None);
    assert_eq!(second.case.repeat_of, Some(first.link()));
    assert_ne!(
        second.number, first.number,
        "each is an incident of its own"
    );
    let heads = IncidentFilter {
        without_repeats: true,
        ..IncidentFilter::default()
    };
    let of_head = IncidentFilter {
        repeat_of: Some(head),
        ..IncidentFilter::default()
    };
    for (filter, expected) in [(heads, vec![head]), (of_head, vec![other, again])] {
        let all = event_model::PageRequest::first(9);
        let page = store.incident_page(&filter, &all).await.expect("a page");
        let found: Vec<IncidentId> = page.items.iter().map(|one| one.id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let told = store.outbox_waiting(99).await.expect("a read");
    let of_head = told.iter().filter(|entry| entry.incident.id == head);
    assert_eq!(
        of_head.count(),
        3,
        "each repeat is told with what it repeats"
    );
}

async fn several_of_one_batch_repeat_its_first(store: &impl RelationalStore) {
    let ids = add_all(store, &[(1, 1_000), (2, 1_001), (3, 1_002)]).await;
    let head = read(store, ids[0]).await;
    assert_eq!(head.case.repeats.map(|repeats| repeats.count), Some(2));
    for id in &ids[1..] {
        assert_eq!(read(store, *id).await.case.repeat_of, Some(head.link()));
    }
}

async fn what_comes_after_the_end_is_never_overlooked(store: &impl RelationalStore) {
    let window = REPEAT_WINDOW_HOURS * 3_600;
    let first = add(store, 1, 1_000).await;
    work(store, first, closing(IncidentStatus::Resolved)).await;
    let second = add(store, 2, 1_060).await;
    let third = add(store, 3, 1_061 + window).await;
    let [first, second, third] = [
        read(store, first).await,
        read(store, second).await,
        read(store, third).await,
    ];
    assert_eq!(first.case.repeats, None, "nothing repeats what is closed");
    assert_eq!(second.case.repeat_of, None);
    assert_eq!(second.case.follows, Some(first.link()));
    assert_eq!(third.case.follows, Some(second.link()), "too long ago");
}

async fn repeats_end_with_what_they_repeat(store: &impl RelationalStore) {
    let ids = add_all(store, &[(1, 1_000), (2, 1_001), (3, 1_002)]).await;
    let raised = CaseChange {
        severity: Some(Severity::Critical),
        comment: Some("worse than it looks".into()),
        ..CaseChange::default()
    };
    work(store, ids[0], raised).await;
    let early = work(store, ids[1], closing(IncidentStatus::FalsePositive)).await;
    let closed = work(store, ids[0], closing(IncidentStatus::Resolved)).await;
    let last = read(store, ids[2]).await;
    assert_eq!(last.status, IncidentStatus::Resolved);
    assert_eq!(last.severity, Severity::Critical);
    assert_eq!(last.case.verdict, Some(CaseVerdict::TruePositive));
    let reason = last.case.reason.as_deref().expect("it was closed");
    assert!(reason.contains(&closed.number), "{reason}");
    let words: Vec<&str> = last.timeline.iter().map(|entry| &*entry.text).collect();
    assert!(
        !words.concat().contains("worse than"),
        "said once: {words:?}"
    );
    let kept = read(store, ids[1]).await;
    assert_eq!(kept.status, early.status, "what was closed before stays so");

    let reopened = CaseChange {
        status: Some(IncidentStatus::Reopened),
        ..CaseChange::default()
    };
    let alone = work(store, ids[2], reopened).await;
    assert_eq!(alone.case.repeat_of, None, "it is looked at by itself");
    assert_eq!(alone.case.follows, Some(closed.link()));
    assert_eq!(
        (alone.case.verdict, alone.case.milestones.closed_at),
        (None, None)
    );
}

async fn verdicts_and_times_are_counted(store: &impl RelationalStore) {
    assert_eq!(
        store.case_times().await.expect("times"),
        CaseTimes::default()
    );
    let mut ids = Vec::new();
    for n in 1..=4 {
        ids.push(add(store, n, i64::from(n) * 100_000).await);
    }
    for (id, status) in ids.iter().zip([
        IncidentStatus::Resolved,
        IncidentStatus::FalsePositive,
        IncidentStatus::Resolved,
    ]) {
        let close = closing(status);
        let done = store
            .work_on_incident(*id, None, &close, &act(400_007))
            .await;
        done.expect("it is closed");
    }
    let verdicts = store.policy_verdicts().await.expect("verdicts");
    let expected = [
        (CaseVerdict::TruePositive, 2),
        (CaseVerdict::FalsePositive, 1),
    ];
    assert_eq!(verdicts[&policy_id(1)], PolicyVerdicts(expected.into()));
    assert_eq!(verdicts[&policy_id(1)].precision_percent(), Some(67));
    let times = store.case_times().await.expect("times");
    let resolved = times.to_resolve_ms.expect("three are closed");
    assert_eq!((resolved.p50, resolved.p90), (200_007_000, 300_007_000));
    assert_eq!(
        times.to_qualify_ms, times.to_resolve_ms,
        "the verdict ended them"
    );
    assert_eq!(times.to_triage_ms, None, "nobody took them before");
}

async fn a_board_counts_what_is_now_and_what_is_open(store: &impl RelationalStore) {
    let connection = super::samples::connection(1);
    store.create(&connection).await.expect("it is made");
    let empty = store.board(at(0), at(0)).await.expect("a board");
    assert_eq!(empty, crate::Board::default(), "nothing has happened");
    let day = 86_400;
    for (n, seconds) in [(1, 0), (2, day + 10), (3, 2 * day + 30), (4, 2 * day + 60)] {
        add(store, n, seconds).await;
    }
    let closed = IncidentFilter {
        numbers: vec!["DLP-1".into()],
        ..IncidentFilter::default()
    };
    let page = store
        .incident_page(&closed, &event_model::PageRequest::first(1))
        .await;
    let first = page.expect("a page").items[0].id;
    work(store, first, closing(IncidentStatus::Resolved)).await;
    let board = store.board(at(2 * day), at(day)).await.expect("a board");
    let shares = board.activity[&event_model::EventType::Sharing];
    assert_eq!((shares, board.actors, board.violations), (2, 1, 2));
    assert_eq!(
        board.open_by_severity,
        [(Severity::High, 2)].into(),
        "one is closed, one repeats"
    );
    assert_eq!(board.open_by_policy, [(policy_id(1), 2)].into());
    let days: Vec<u64> = board.by_day.values().copied().collect();
    assert_eq!(days, [1, 2], "the first day was not asked for");
    assert_eq!(
        board.last_received,
        [(connection.id, at(2 * day + 60))].into()
    );
}
