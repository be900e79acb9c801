//! The suite of [`RemedyStore`](crate::RemedyStore), but for what concerns quarantine items.

use std::time::Duration;

use event_model::{Incident, Remedy, RemedyId, RemedyKind, RemedyState};

use super::samples::{at, batch, connection, evaluated, incident, record, timeline, with_remedies};
use super::{RelationalStore, every_item};
use crate::{ClaimedRemedy, RemedyFilter, RemedyLease, RemedyProgress, StoreError};

const TTL: Duration = Duration::from_secs(30);
/// When the first incident's remedies are due.
const DUE: i64 = 1_001;

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    only_what_is_due_is_claimed(fresh).await;
    a_claimed_remedy_is_claimed_again_only_after_its_lease(&fresh().await).await;
    one_object_has_one_remedy_at_a_time(&fresh().await).await;
    of_many_who_claim_at_once_each_gets_others(&fresh().await).await;
    the_oldest_are_claimed_first_and_no_more_than_asked_for(&fresh().await).await;
    saving_writes_all_that_belongs_to_it(&fresh().await).await;
    a_zombie_saves_nothing(&fresh().await).await;
    a_person_can_retry_what_is_not_under_way(fresh).await;
    remedies_are_listed_by_filter(&fresh().await).await;
    super::decisions::all(fresh).await;
}

/// Records the incident and gives it back.
pub(super) async fn add(store: &impl RelationalStore, given: Incident, object: &str) -> Incident {
    let event = given.activity.event_id.as_str();
    let record = record(event, object, 1);
    let one = batch(vec![evaluated(record, vec![given.clone()])]);
    store.record(&one).await.expect("it is recorded");
    given
}

/// The n-th incident with such remedies, on an object.
pub(super) fn planned(n: u8, object: &str, kinds: &[RemedyKind]) -> Incident {
    with_remedies(incident(n, &record(&format!("e{n}"), object, 1)), kinds)
}

pub(super) async fn claim(store: &impl RelationalStore, second: i64) -> Vec<ClaimedRemedy> {
    let claimed = store.claim_remedies("worker", 10, TTL, at(second)).await;
    claimed.expect("the store answers")
}

fn ids(claimed: &[ClaimedRemedy]) -> Vec<RemedyId> {
    claimed.iter().map(|one| one.remedy.id).collect()
}

const CONDITIONS: &str = "
    # remedies of one incident | connection | seconds after they are due => claimed, by ordinal
    quarantine planned | enabled | 0 => 0
    quarantine snapshot_taken | enabled | 0 => 0
    quarantine executing | enabled | 0 => 0
    quarantine failed | enabled | 0 => 0
    quarantine needs_approval | enabled | 0 => -
    quarantine done | enabled | 0 => -
    quarantine given_up | enabled | 0 => -
    quarantine held | enabled | 0 => -
    quarantine superseded | enabled | 0 => -
    quarantine cancelled | enabled | 0 => -
    quarantine held, notify planned | enabled | 0 => -
    quarantine superseded, notify planned | enabled | 0 => 1
    quarantine planned | enabled | -1 => -
    quarantine planned | disabled | 0 => -
    quarantine planned | missing | 0 => -
    notify planned | disabled | 0 => 0
    quarantine planned, notify planned | enabled | 0 => 0
    quarantine failed, notify planned | enabled | 0 => 0
    quarantine done, notify planned | enabled | 0 => 1
    quarantine given_up, remove_link planned | enabled | 0 => 1
    quarantine needs_approval, notify planned | enabled | 0 => -
    quarantine planned, notify planned | disabled | 0 => -
";

async fn only_what_is_due_is_claimed<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    let rows = CONDITIONS.lines().map(str::trim);
    for row in rows.filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let (given, expected) = row.split_once(" => ").expect("a row has an outcome");
        let [remedies, state, seconds] = given.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let store = fresh().await;
        add_connection(&store, state).await;
        let (kinds, states): (Vec<_>, Vec<_>) = remedies.split(", ").map(kind_and_state).unzip();
        let mut given = planned(1, "f1", &kinds);
        for (remedy, state) in given.remedies.iter_mut().zip(states) {
            remedy.state = state;
        }
        let given = add(&store, given, "f1").await;
        let second = DUE + seconds.parse::<i64>().expect("seconds");
        let claimed = claim(&store, second).await;
        let ordinals: Vec<_> = claimed
            .iter()
            .map(|one| one.remedy.ordinal.to_string())
            .collect();
        let expected: Vec<_> = expected.split(", ").filter(|word| *word != "-").collect();
        assert_eq!(ordinals, expected, "{row}");
        for one in claimed {
            let place = one.remedy.ordinal as usize;
            assert_eq!(one.remedy, given.remedies[place], "{row}");
            assert_eq!(one.activity, given.activity, "{row}");
            assert_eq!(one.lease.until, at(second + 30), "{row}");
        }
    }
}

async fn add_connection(store: &impl RelationalStore, state: &str) {
    let mut one = connection(1);
    match state {
        "missing" => return,
        "disabled" => one.lifecycle = one.lifecycle.disabled(at(0)),
        _ => {}
    }
    store.create(&one).await.expect("it is created");
}

fn kind_and_state(words: &str) -> (RemedyKind, RemedyState) {
    let (kind, state) = words.split_once(' ').expect("a kind and a state");
    (
        RemedyKind::from_word(kind).expect("a kind"),
        RemedyState::from_word(state).expect("a state"),
    )
}

async fn a_claimed_remedy_is_claimed_again_only_after_its_lease(store: &impl RelationalStore) {
    add_connection(store, "enabled").await;
    assert_eq!(store.next_remedy_at().await.expect("an answer"), None);
    let given = add(store, planned(1, "f1", &[RemedyKind::Delete]), "f1").await;
    let due = store.next_remedy_at().await.expect("an answer");
    assert_eq!(due, Some(given.created_at));
    let [first] = &claim(store, DUE).await[..] else {
        panic!("it is due")
    };
    assert!(claim(store, DUE + 29).await.is_empty(), "leased");
    let due = store.next_remedy_at().await.expect("an answer");
    assert_eq!(due, Some(at(DUE + 30)), "when the lease ends");
    let [second] = &claim(store, DUE + 30).await[..] else {
        panic!("the lease has ended")
    };
    assert!(second.lease.epoch > first.lease.epoch);
}

async fn one_object_has_one_remedy_at_a_time(store: &impl RelationalStore) {
    add_connection(store, "enabled").await;
    let kinds = [RemedyKind::Delete];
    let a = add(store, planned(1, "f1", &kinds), "f1").await;
    let b = add(store, planned(2, "f1", &kinds), "f1").await;
    let c = add(store, planned(3, "other", &kinds), "other").await;
    let second = DUE + 10;
    let claimed = claim(store, second).await;
    assert_eq!(ids(&claimed), [a.remedies[0].id, c.remedies[0].id]);
    assert!(
        claim(store, second).await.is_empty(),
        "its object is worked on"
    );
    finish(store, &claimed[0], second).await;
    assert_eq!(ids(&claim(store, second).await), [b.remedies[0].id]);
}

async fn of_many_who_claim_at_once_each_gets_others(store: &impl RelationalStore) {
    add_connection(store, "enabled").await;
    let mut expected = Vec::new();
    for n in 1..=12 {
        let object = format!("f{n}");
        let given = planned(n, &object, &[RemedyKind::Delete]);
        expected.push(add(store, given, &object).await.remedies[0].id);
    }
    let workers = ["a", "b", "c", "d"];
    let claims = workers.map(|worker| store.claim_remedies(worker, 5, TTL, at(DUE + 60)));
    let claimed = futures::future::join_all(claims).await;
    let mut claimed: Vec<_> = claimed
        .into_iter()
        .flat_map(|one| ids(&one.expect("the store answers")))
        .collect();
    claimed.sort();
    assert_eq!(claimed, expected, "each once");
}

/// Carries it out at once and gives the lease back.
pub(super) async fn finish(store: &impl RelationalStore, claimed: &ClaimedRemedy, second: i64) {
    let progress = RemedyProgress {
        release: true,
        ..RemedyProgress::default()
    };
    let done = done(&claimed.remedy, second);
    let saved = store.save_remedy(&claimed.lease, at(second), &done, &progress);
    saved.await.expect("it is saved");
}

fn done(remedy: &Remedy, second: i64) -> Remedy {
    let mut remedy = remedy.clone();
    for state in [RemedyState::Executing, RemedyState::Done] {
        remedy
            .step(state, at(second))
            .expect("a step that there is");
    }
    remedy
}

async fn the_oldest_are_claimed_first_and_no_more_than_asked_for(store: &impl RelationalStore) {
    add_connection(store, "enabled").await;
    let mut expected = Vec::new();
    for n in [3, 1, 2] {
        let object = format!("f{n}");
        let given = planned(n, &object, &[RemedyKind::Delete]);
        let given = add(store, given, &object).await;
        expected.push((n, given.remedies[0].id));
    }
    expected.sort();
    for limit in [1, 2] {
        let claimed = store.claim_remedies("w", limit, TTL, at(DUE + 9)).await;
        let oldest: Vec<_> = expected.drain(..limit as usize).map(|(_, id)| id).collect();
        assert_eq!(ids(&claimed.expect("an answer")), oldest);
    }
}

async fn saving_writes_all_that_belongs_to_it(store: &impl RelationalStore) {
    add_connection(store, "enabled").await;
    let kinds = [RemedyKind::Delete, RemedyKind::Notify];
    let given = add(store, planned(1, "f1", &kinds), "f1").await;
    let [claimed] = &claim(store, DUE).await[..] else {
        panic!("the first is due")
    };
    let before = store.last_incident_change().await.expect("a number");
    let mut signal = store.remedy_changes();
    signal.borrow_and_update();
    let mut executing = claimed.remedy.clone();
    executing.attempts = 1;
    let step = executing.step(RemedyState::Executing, at(DUE + 1));
    step.expect("a step that there is");
    let prolonged = store
        .save_remedy(
            &claimed.lease,
            at(DUE + 60),
            &executing,
            &RemedyProgress::default(),
        )
        .await;
    prolonged.expect("it is saved");
    assert!(claim(store, DUE + 59).await.is_empty(), "prolonged");
    let done = done(&executing, DUE + 2);
    let progress = RemedyProgress {
        timeline: Some(timeline("deleted")),
        quarantine: None,
        release: true,
    };
    let saved = store
        .save_remedy(&claimed.lease, at(DUE + 60), &done, &progress)
        .await;
    saved.expect("it is saved");
    assert!(signal.has_changed().expect("the store is there"));
    let read = store.incident(given.id).await.expect("a read");
    let read = read.expect("it was recorded");
    assert_eq!(read.remedies[0], done);
    assert_eq!(read.timeline, [timeline("deleted")]);
    assert_eq!(read.latency.effect_at, done.done_at);
    assert_eq!((read.revision, read.updated_at), (3, done.updated_at));
    let after = store.last_incident_change().await.expect("a number");
    assert_eq!(after, before + 2);
    let overview = store.overview().await.expect("the counts");
    assert_eq!(overview.received_to_effect_ms, Some((1_002_000, 1_002_000)));
    let [next] = &claim(store, DUE + 2).await[..] else {
        panic!("the next one is due")
    };
    assert_eq!(next.remedy.id, given.remedies[1].id);
    let late = store
        .save_remedy(
            &claimed.lease,
            at(DUE + 90),
            &done,
            &RemedyProgress::default(),
        )
        .await;
    assert!(
        matches!(late, Err(StoreError::Fenced { .. })),
        "the lease was given back: {late:?}"
    );
}

async fn a_zombie_saves_nothing(store: &impl RelationalStore) {
    add_connection(store, "enabled").await;
    let given = add(store, planned(1, "f1", &[RemedyKind::Delete]), "f1").await;
    let [zombie] = &claim(store, DUE).await[..] else {
        panic!("it is due")
    };
    let taken_over = claim(store, DUE + 31).await;
    assert_eq!(taken_over.len(), 1);
    let before = store.incident(given.id).await.expect("a read");
    let progress = RemedyProgress {
        timeline: Some(timeline("from the dead")),
        ..RemedyProgress::default()
    };
    let saves = async |lease: &RemedyLease| {
        let done = done(&zombie.remedy, DUE + 32);
        store
            .save_remedy(lease, at(DUE + 60), &done, &progress)
            .await
    };
    let refused = saves(&zombie.lease).await;
    assert!(
        matches!(refused, Err(StoreError::Fenced { .. })),
        "{refused:?}"
    );
    let read = store.incident(given.id).await.expect("a read");
    assert_eq!(read, before, "nothing was written");
    saves(&taken_over[0].lease).await.expect("the living one");
}

async fn a_person_can_retry_what_is_not_under_way<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    for (state, allowed) in [
        (RemedyState::Planned, false),
        (RemedyState::NeedsApproval, true),
        (RemedyState::SnapshotTaken, false),
        (RemedyState::Executing, false),
        (RemedyState::Done, false),
        (RemedyState::Failed, true),
        (RemedyState::GivenUp, true),
    ] {
        let store = &fresh().await;
        add_connection(store, "enabled").await;
        let mut given = planned(1, "f1", &[RemedyKind::Delete]);
        given.remedies[0].state = state;
        given.remedies[0].next_attempt_at = at(90_000);
        let given = add(store, given, "f1").await;
        let id = given.remedies[0].id;
        let retried = store.retry_remedy(id, &timeline("again"), at(3_000)).await;
        if !allowed {
            let refused = matches!(retried, Err(StoreError::Conflict { .. }));
            assert!(refused, "{state}: {retried:?}");
            continue;
        }
        let retried = retried.expect("it can be retried");
        assert_eq!(retried.state, RemedyState::Planned, "{state}");
        assert_eq!(ids(&claim(store, 3_000).await), [id], "{state}");
        let read = store.incident(given.id).await.expect("a read");
        assert_eq!(read.expect("recorded").timeline, [timeline("again")]);
    }
    let store = &fresh().await;
    let none = RemedyId::new(at(0), 9);
    let refused = store.retry_remedy(none, &timeline("again"), at(0)).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })));
}

async fn remedies_are_listed_by_filter(store: &impl RelationalStore) {
    let kinds = [RemedyKind::Delete, RemedyKind::Notify];
    let mut expected = Vec::new();
    for n in 1..=3 {
        let given = add(store, planned(n, "f1", &kinds), "f1").await;
        expected.push(given);
    }
    let list = async |filter: RemedyFilter| {
        every_item(2, async |request| {
            store.remedy_page(&filter, &request).await
        })
        .await
    };
    let all = list(RemedyFilter::default()).await;
    assert_eq!(all.len(), 6, "without gaps or repetitions");
    assert!(all.is_sorted_by(|a, b| a.created_at >= b.created_at));
    let of_one = RemedyFilter {
        incident: Some(expected[1].id),
        kind: Some(RemedyKind::Notify),
        state: vec![RemedyState::Planned, RemedyState::Done],
        connection: Some(expected[1].connection_id),
        object: None,
        policy: Some(expected[1].policy.id),
        within: event_model::ConnectionScope::Every,
    };
    let found = list(of_one.clone()).await;
    assert_eq!(found, [expected[1].remedies[1].clone()]);
    let none = RemedyFilter {
        state: vec![RemedyState::Done],
        ..of_one
    };
    assert_eq!(list(none).await, []);
    let of_policy = RemedyFilter {
        policy: Some(expected[2].policy.id),
        ..RemedyFilter::default()
    };
    let found_of_policy = list(of_policy).await;
    assert_eq!(found_of_policy.len(), 2, "{found_of_policy:?}");
    assert!(
        found_of_policy
            .iter()
            .all(|one| one.incident_id == expected[2].id)
    );
    let read = store.remedy(found[0].id).await.expect("a read");
    assert_eq!(read.as_ref(), Some(&found[0]));
}
