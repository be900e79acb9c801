//! The suite of what people decide about remedies: asked for, approved, taken back, held by a breaker.

use event_model::{
    ConnectionId, Incident, Limit, QuarantineState, Remedy, RemedyKind, RemedyState,
};

use super::RelationalStore;
use super::quarantine::held;
use super::remedies::{add, claim, planned};
use super::samples::{at, connection, timeline};
use crate::{Admitted, BreakerRuling, RemedyFilter, RemedyProgress, StoreError};

/// When the first incident's remedies are due.
const DUE: i64 = 1_001;
const LIMIT: Limit = Limit {
    actions: 3,
    per_hours: 1,
};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    what_a_person_asks_for_is_planned(&fresh().await).await;
    it_goes_on_when_as_many_as_needed_approved(&fresh().await).await;
    what_was_not_begun_can_be_taken_back(&fresh().await).await;
    a_cancelled_purge_leaves_the_item_held(&fresh().await).await;
    beyond_the_limit_everything_stands_still(&fresh().await).await;
    many_who_ask_at_once_are_counted_exactly(&fresh().await).await;
    remedies_of_an_object_are_found(&fresh().await).await;
}

fn in_state(state: RemedyState, needed: u32, asked_by: Option<&str>) -> Incident {
    let mut incident = planned(1, "f1", &[RemedyKind::Delete]);
    let remedy = &mut incident.remedies[0];
    remedy.state = state;
    remedy.approvals_needed = needed;
    remedy.requested_by = asked_by.map(str::to_owned);
    incident
}

async fn state_of(store: &impl RelationalStore, remedy: &Remedy) -> RemedyState {
    let found = store.remedy(remedy.id).await.expect("an answer");
    found.expect("it is there").state
}

async fn what_a_person_asks_for_is_planned(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    let incident = add(store, planned(1, "f1", &[RemedyKind::Notify]), "f1").await;
    let mut remedy = incident.remedies[0].clone();
    remedy.id = event_model::RemedyId::new(at(5), 77);
    remedy.kind = RemedyKind::MakePrivate;
    remedy.ordinal = 1;
    remedy.requested_by = Some("ann".into());
    store
        .plan_remedy(&remedy, &timeline("decided"))
        .await
        .expect("it is planned");
    let known = store.remedy(remedy.id).await.expect("an answer");
    assert_eq!(known.as_ref(), Some(&remedy));
    let shown = store.incident(incident.id).await.expect("an answer");
    let shown = shown.expect("it is there");
    assert_eq!(shown.remedies.len(), 2);
    assert!(shown.timeline.contains(&timeline("decided")));
}

async fn it_goes_on_when_as_many_as_needed_approved(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    let waiting = in_state(RemedyState::NeedsApproval, 2, Some("ann"));
    let given = add(store, waiting, "f1").await;
    let remedy = &given.remedies[0];
    let approve = async |by: &str| {
        let said = timeline("decided");
        let taken = store.approve_remedy(remedy.id, by, &said, at(9));
        taken.await.map(|remedy| remedy.state)
    };
    let own = approve("ann").await;
    assert!(matches!(own, Err(StoreError::Conflict { .. })), "{own:?}");
    assert_eq!(
        approve("ben").await.expect("it counts"),
        RemedyState::NeedsApproval
    );
    let twice = approve("ben").await;
    assert!(
        matches!(twice, Err(StoreError::Conflict { .. })),
        "{twice:?}"
    );
    let bypass = store
        .retry_remedy(remedy.id, &timeline("decided"), at(9))
        .await;
    assert!(bypass.is_err(), "retrying is no way round");
    assert!(claim(store, DUE).await.is_empty(), "one is missing");
    assert_eq!(
        approve("eve").await.expect("it counts"),
        RemedyState::Planned
    );
    assert_eq!(claim(store, DUE).await.len(), 1);
}

async fn what_was_not_begun_can_be_taken_back(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    let rows = [
        (RemedyState::Planned, true),
        (RemedyState::NeedsApproval, true),
        (RemedyState::Held, true),
        (RemedyState::Executing, false),
        (RemedyState::Done, false),
        (RemedyState::GivenUp, false),
    ];
    for (place, (state, can)) in (1..).zip(rows) {
        let mut given = planned(place, &format!("f{place}"), &[RemedyKind::Delete]);
        given.remedies[0].state = state;
        let given = add(store, given, &format!("f{place}")).await;
        let remedy = &given.remedies[0];
        let cancelled = store
            .cancel_remedy(remedy.id, &timeline("decided"), at(9))
            .await;
        assert_eq!(cancelled.is_ok(), can, "{state}");
        let expected = if can { RemedyState::Cancelled } else { state };
        assert_eq!(state_of(store, remedy).await, expected, "{state}");
    }
    let leased = add(store, planned(9, "f9", &[RemedyKind::Delete]), "f9").await;
    let claimed = claim(store, DUE + 100).await;
    assert!(
        claimed
            .iter()
            .any(|one| one.remedy.id == leased.remedies[0].id)
    );
    let said = timeline("decided");
    let cancelled = store.cancel_remedy(leased.remedies[0].id, &said, at(9));
    assert!(cancelled.await.is_err(), "it is being carried out");
}

async fn a_cancelled_purge_leaves_the_item_held(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    let (incident, item) = held(store, 1).await;
    let mut purge = incident.remedies[0].clone();
    purge.id = event_model::RemedyId::new(at(50), 78);
    purge.kind = RemedyKind::Purge;
    purge.of = Some(item.remedy_id);
    purge.ordinal = 9;
    purge.state = RemedyState::Planned;
    store
        .plan_for_quarantine(item.id, &purge, &timeline("decided"))
        .await
        .expect("it is held");
    store
        .cancel_remedy(purge.id, &timeline("decided"), at(51))
        .await
        .expect("it was not begun");
    let item = store.quarantine_item(item.id).await.expect("an answer");
    assert_eq!(item.expect("it is there").state, QuarantineState::Held);
}

async fn beyond_the_limit_everything_stands_still(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    let mut given = Vec::new();
    for n in 1..=6 {
        let incident = planned(n, &format!("f{n}"), &[RemedyKind::Delete]);
        given.push(add(store, incident, &format!("f{n}")).await);
    }
    let policy = given[0].policy.id;
    let connection = given[0].connection_id;
    let admit = async |n: usize, second: i64| {
        let id = given[n].remedies[0].id;
        let asked = store.admit_remedy(id, policy, connection, LIMIT, at(second));
        asked.await.expect("an answer")
    };
    for n in 0..3 {
        assert_eq!(admit(n, 2_000).await, Admitted::GoesOn, "{n}");
        assert_eq!(admit(n, 2_000).await, Admitted::GoesOn, "counted once: {n}");
    }
    assert_eq!(admit(3, 2_001).await, Admitted::StandsStill);
    // The window has passed, but nobody has looked.
    assert_eq!(admit(4, 2_000 + 3_601).await, Admitted::StandsStill);
    for claimed in claim(store, 9_000).await {
        let held = [given[3].remedies[0].id, given[4].remedies[0].id];
        if held.contains(&claimed.remedy.id) {
            let mut remedy = claimed.remedy.clone();
            remedy.step(RemedyState::Held, at(9_000)).expect("a step");
            let release = RemedyProgress {
                release: true,
                ..RemedyProgress::default()
            };
            store
                .save_remedy(&claimed.lease, at(9_000), &remedy, &release)
                .await
                .expect("it is written");
        }
    }
    let shown = store.breakers().await.expect("an answer");
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].policy_id, shown[0].held), (policy, 2));
    let ruling = BreakerRuling::Continue;
    let said = timeline("decided");
    let ruled = store.rule_on_breaker(policy, connection, ruling, &said, at(9_001));
    assert_eq!(ruled.await.expect("an answer"), 2);
    assert!(store.breakers().await.expect("an answer").is_empty());
    assert_eq!(
        state_of(store, &given[3].remedies[0]).await,
        RemedyState::Planned
    );
    assert_eq!(
        admit(5, 9_002).await,
        Admitted::GoesOn,
        "counting began anew"
    );
    let elsewhere = ConnectionId::new(at(0), 99);
    let other = given[5].remedies[0].id;
    let asked = store.admit_remedy(other, policy, elsewhere, LIMIT, at(9_003));
    assert_eq!(asked.await.expect("an answer"), Admitted::GoesOn);
}

async fn many_who_ask_at_once_are_counted_exactly(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    let mut given = Vec::new();
    for n in 1..=8 {
        let incident = planned(n, &format!("f{n}"), &[RemedyKind::Delete]);
        given.push(add(store, incident, &format!("f{n}")).await);
    }
    let (policy, connection) = (given[0].policy.id, given[0].connection_id);
    let asked = given.iter().map(|incident| {
        let id = incident.remedies[0].id;
        store.admit_remedy(id, policy, connection, LIMIT, at(1))
    });
    let answers = futures::future::join_all(asked).await;
    let go_on = answers
        .into_iter()
        .filter(|answer| matches!(answer, Ok(Admitted::GoesOn)));
    assert_eq!(go_on.count(), 3);
}

async fn remedies_of_an_object_are_found(store: &impl RelationalStore) {
    store.create(&connection(1)).await.expect("it is created");
    add(store, planned(1, "f1", &[RemedyKind::Delete]), "f1").await;
    let second = add(store, planned(2, "f2", &[RemedyKind::Quarantine]), "f2").await;
    let filter = RemedyFilter {
        object: Some("f2".into()),
        ..RemedyFilter::default()
    };
    let page = store
        .remedy_page(&filter, &event_model::PageRequest::first(10))
        .await
        .expect("an answer");
    assert_eq!(page.items, second.remedies);
}
