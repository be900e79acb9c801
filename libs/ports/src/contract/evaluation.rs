//! The suites of [`EvaluationStore`](crate::EvaluationStore) and
//! [`ActivityStore`](crate::ActivityStore).

use event_model::{EventType, Lifecycle, PageRequest};

use super::RelationalStore;
use super::samples::{
    at, batch, connection, connection_id, evaluated, incident, record, with_remedies,
};
use crate::{
    ActivityFilter, EvaluatedBatch, IncidentFilter, IncidentKind, NewIncident, StoreError,
};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    super::activities::all(fresh).await;
    the_same_batch_twice_is_recorded_once(&fresh().await).await;
    of_a_batch_that_is_known_in_part_the_rest_is_recorded(&fresh().await).await;
    the_same_batch_from_many_at_once_is_recorded_once(&fresh().await).await;
    incidents_are_numbered_densely_each_kind_by_itself(&fresh().await).await;
    an_event_id_is_unique_only_within_its_connection(&fresh().await).await;
    an_activity_comes_back_with_its_payload_byte_for_byte(&fresh().await).await;
    activities_are_narrowed_by_each_filter(&fresh().await).await;
    activities_are_read_page_by_page_while_more_come(&fresh().await).await;
    what_is_recorded_is_known_and_nothing_else(&fresh().await).await;
    what_is_too_old_is_forgotten_oldest_first(&fresh().await).await;
    an_awaited_activity_comes_again_until_its_last_look(&fresh().await).await;
    what_waits_for_consent_comes_as_soon_as_it_is_given(&fresh().await).await;
}

async fn what_is_too_old_is_forgotten_oldest_first(store: &impl RelationalStore) {
    let records = [
        record("a", "f1", 1),
        record("b", "f2", 2),
        record("c", "f3", 3),
    ];
    let whole = batch(records.map(|record| evaluated(record, Vec::new())).into());
    store.record(&whole).await.expect("it is recorded");
    let oldest = whole.activities[0].record.received_at;
    let newest = whole.activities[2].record.received_at;
    let forget = async |before, limit| {
        let forgotten = store.forget_activities(before, limit).await;
        forgotten.expect("an answer")
    };
    assert_eq!(
        forget(oldest, 10).await,
        0,
        "nothing is older than the oldest"
    );
    assert_eq!(forget(newest, 1).await, 1);
    assert_eq!(forget(newest, 10).await, 1);
    let page = store
        .activity_page(&ActivityFilter::default(), &PageRequest::first(10))
        .await
        .expect("a page");
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].activity.event_id.as_str(), "c");
    assert_eq!(store.overview().await.expect("the counts").activities, 1);
}

async fn what_is_recorded_is_known_and_nothing_else(store: &impl RelationalStore) {
    let (a, b) = (record("a", "f1", 1), record("b", "f2", 2));
    let id = |record: &event_model::ActivityRecord| {
        (record.connection_id, record.activity.event_id.clone())
    };
    let asked = [id(&b), id(&a), id(&b)];
    let known = store.are_recorded(&asked).await.expect("an answer");
    assert_eq!(known, [false, false, false]);
    let batch = batch(vec![evaluated(a, Vec::new())]);
    store.record(&batch).await.expect("it is recorded");
    let known = store.are_recorded(&asked).await.expect("an answer");
    assert_eq!(known, [false, true, false], "in the order asked");
}

async fn an_awaited_activity_comes_again_until_its_last_look(store: &impl RelationalStore) {
    use std::time::Duration;
    let hold = Duration::from_secs(60);
    let again = |seconds, attempts| {
        Some(crate::SecondLook {
            at: at(seconds),
            attempts,
            reason: "the service was away".into(),
        })
    };
    let mut first = evaluated(record("a", "f1", 1), Vec::new());
    first.again = again(10, 1);
    let taken = async |seconds| {
        let taken = store.take_awaited(at(seconds), hold, 10).await;
        taken.expect("an answer").len()
    };
    store
        .record(&batch(vec![first.clone()]))
        .await
        .expect("it is recorded");
    assert_eq!(taken(9).await, 0, "not before its time");
    assert_eq!(taken(10).await, 1);
    assert_eq!(taken(11).await, 0, "nobody else gets it meanwhile");
    assert_eq!(
        taken(71).await,
        1,
        "it comes again when its taker says nothing"
    );

    first.is_second_look = true;
    first.again = again(200, 2);
    store
        .record(&batch(vec![first.clone()]))
        .await
        .expect("it is recorded");
    let looked = store
        .take_awaited(at(200), hold, 10)
        .await
        .expect("an answer");
    assert_eq!(looked[0].attempts, 2);
    assert_eq!(
        looked[0].record.raw.get(),
        first.record.raw.get(),
        "byte for byte"
    );

    first.again = None;
    first.blind_spots = vec![event_model::BlindSpot {
        reason: "gone".into(),
        detail: "the service has no such object".into(),
    }];
    store
        .record(&batch(vec![first]))
        .await
        .expect("it is recorded");
    assert_eq!(taken(10_000).await, 0, "the last look was the last");
    let page = store
        .activity_page(&ActivityFilter::default(), &PageRequest::first(10))
        .await
        .expect("a page");
    assert_eq!(page.items.len(), 1);
    assert_eq!(
        page.items[0].blind_spots.len(),
        1,
        "the last look says what it saw"
    );
}

async fn what_waits_for_consent_comes_as_soon_as_it_is_given(store: &impl RelationalStore) {
    let connection = connection(1);
    store.create(&connection).await.expect("it is created");
    let mut waiting = evaluated(record("a", "f1", 1), Vec::new());
    assert_eq!(waiting.record.connection_id, connection.id);
    waiting.again = Some(crate::SecondLook {
        at: at(10),
        attempts: 1,
        reason: "the connection needs consent".into(),
    });
    let recorded = store.record(&batch(vec![waiting])).await;
    recorded.expect("it is recorded");
    let step = async |step: &dyn Fn(Lifecycle) -> Lifecycle| {
        let found = store.get(connection.id).await.expect("an answer");
        let mut read = found.expect("the connection is there");
        read.lifecycle = step(read.lifecycle);
        store.update(&read).await.expect("it is written");
    };
    let taken = async |seconds| {
        let hold = std::time::Duration::from_secs(60);
        let taken = store.take_awaited(at(seconds), hold, 10).await;
        taken.expect("an answer").len()
    };
    step(&|lifecycle| {
        lifecycle
            .grant_died("revoked".into(), at(5))
            .expect("a step")
    })
    .await;
    assert_eq!(taken(10_000).await, 0, "consent is still missing");
    step(&|lifecycle| lifecycle.consented(at(10_001)).expect("a step")).await;
    assert_eq!(taken(10_001).await, 1, "it was due long ago");
}

/// Two activities with three violations of two policies.
fn sample_batch() -> EvaluatedBatch {
    let (a, b) = (record("a", "f1", 1), record("b", "f2", 2));
    let of_a = vec![incident(1, &a), incident(2, &a)];
    let mut of_b = incident(1, &b);
    of_b.id = event_model::IncidentId::new(at(1_001), 77);
    let of_b = with_remedies(of_b, &[event_model::RemedyKind::Delete]);
    batch(vec![evaluated(a, of_a), evaluated(b, vec![of_b])])
}

async fn the_same_batch_twice_is_recorded_once(store: &impl RelationalStore) {
    let batch = sample_batch();
    let first = store.record(&batch).await.expect("it is recorded");
    assert_eq!((first.activities_new, first.incidents_new.len()), (2, 3));
    let overview = store.overview().await.expect("the counts");
    // The evaluator makes new ids when it evaluates again: the violations are the same.
    let mut again = batch.clone();
    for one in again
        .activities
        .iter_mut()
        .flat_map(|one| &mut one.incidents)
    {
        one.incident.id = event_model::IncidentId::new(at(9_000), 1);
    }
    for batch in [&batch, &again] {
        let second = store.record(batch).await.expect("it is taken again");
        assert_eq!((second.activities_new, second.incidents_new.len()), (0, 0));
    }
    assert_eq!(store.overview().await.expect("the counts"), overview);
    assert_eq!(overview.activities, 2);
    assert_eq!(overview.incidents_by_status["new"], 3);
    assert_eq!(overview.remedies_by_state["planned"], 1);
    assert_eq!(store.last_incident_change().await.expect("a number"), 3);
}

async fn of_a_batch_that_is_known_in_part_the_rest_is_recorded(store: &impl RelationalStore) {
    let whole = sample_batch();
    let mut part = EvaluatedBatch {
        activities: whole.activities[..1].to_vec(),
    };
    part.activities[0].incidents.truncate(1);
    store.record(&part).await.expect("it is recorded");
    let rest = store.record(&whole).await.expect("it is recorded");
    assert_eq!(rest.activities_new, 1);
    let new: Vec<_> = [
        &whole.activities[0].incidents[1],
        &whole.activities[1].incidents[0],
    ]
    .map(|new| new.incident.id)
    .into();
    assert_eq!(rest.incidents_new, new);
    let twice = batch(vec![
        evaluated(record("c", "f3", 3), vec![]),
        evaluated(record("c", "f3", 3), vec![]),
    ]);
    let recorded = store.record(&twice).await.expect("it is recorded");
    assert_eq!(recorded.activities_new, 1, "twice in one batch");
}

async fn the_same_batch_from_many_at_once_is_recorded_once(store: &impl RelationalStore) {
    let batch = sample_batch();
    let all = futures::future::join_all((0..8).map(|_| store.record(&batch))).await;
    let sums = all.into_iter().fold((0, 0), |sums, one| {
        let one = one.expect("it is recorded, or was");
        (
            sums.0 + one.activities_new,
            sums.1 + one.incidents_new.len(),
        )
    });
    assert_eq!(sums, (2, 3));
}

async fn incidents_are_numbered_densely_each_kind_by_itself(store: &impl RelationalStore) {
    let kinds = [
        IncidentKind::Content,
        IncidentKind::Sharing,
        IncidentKind::Content,
        IncidentKind::Activity,
        IncidentKind::Content,
    ];
    let activities = kinds.iter().zip(1..).map(|(kind, n)| {
        let record = record(&format!("e{n}"), "f1", 1);
        let mut one = evaluated(record.clone(), vec![]);
        one.incidents.push(NewIncident {
            kind: *kind,
            incident: incident(n, &record),
        });
        one
    });
    let batch = batch(activities.collect());
    for _ in 0..2 {
        store.record(&batch).await.expect("it is recorded");
    }
    let page = store
        .incident_page(&IncidentFilter::default(), &PageRequest::first(10))
        .await
        .expect("a page");
    let numbers: Vec<&str> = page.items.iter().map(|one| one.number.as_str()).collect();
    assert_eq!(numbers, ["DLP-3", "ACT-1", "DLP-2", "SHR-1", "DLP-1"]);
}

async fn an_event_id_is_unique_only_within_its_connection(store: &impl RelationalStore) {
    let mut elsewhere = record("a", "f1", 1);
    elsewhere.connection_id = connection_id(2);
    let both = batch(vec![
        evaluated(record("a", "f1", 1), vec![]),
        evaluated(elsewhere, vec![]),
    ]);
    let recorded = store.record(&both).await.expect("it is recorded");
    assert_eq!(recorded.activities_new, 2);
}

async fn an_activity_comes_back_with_its_payload_byte_for_byte(store: &impl RelationalStore) {
    let given = record("a", "f1", 1);
    let one = batch(vec![evaluated(given.clone(), vec![])]);
    store.record(&one).await.expect("it is recorded");
    let raw = store.raw_activity(given.connection_id, "a").await;
    assert_eq!(raw.expect("a read").as_deref(), Some(given.raw.get()));
    let none = store.raw_activity(connection_id(2), "a").await;
    assert_eq!(none.expect("a read"), None);
    let page = store
        .activity_page(&ActivityFilter::default(), &PageRequest::first(9))
        .await
        .expect("a page");
    let [stored] = &page.items[..] else {
        panic!("one activity was recorded, not {}", page.items.len())
    };
    assert_eq!(stored.activity, given.activity);
    assert_eq!(stored.provenance, given.provenance);
    assert_eq!(stored.received_at, given.received_at);
    assert_eq!(stored.connection_id, given.connection_id);
}

async fn activities_are_narrowed_by_each_filter(store: &impl RelationalStore) {
    let mut records: Vec<_> = (0..4)
        .map(|n| record(&format!("e{n}"), &format!("f{n}"), n))
        .collect();
    records[1].connection_id = connection_id(2);
    records[2].activity.event_type = EventType::Authentication;
    records[2].activity.actor_email = Some("grace@example.com".into());
    records[3].activity.object_path = Some("/100%_Größe".into());
    let all = records.into_iter().map(|one| evaluated(one, vec![]));
    store.record(&batch(all.collect())).await.expect("recorded");
    for (filter, expected) in filter_rows() {
        let page = store.activity_page(&filter, &PageRequest::first(9)).await;
        let page = page.expect("a page");
        let found: Vec<&str> = page
            .items
            .iter()
            .map(|one| one.activity.event_id.as_str())
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

/// Filters, and which activities each shows.
fn filter_rows() -> Vec<(ActivityFilter, &'static [&'static str])> {
    let none = ActivityFilter::default;
    let text = |text: &str| ActivityFilter {
        text: Some(text.into()),
        ..none()
    };
    vec![
        (none(), &["e3", "e2", "e1", "e0"][..]),
        (
            ActivityFilter {
                connection: Some(connection_id(2)),
                ..none()
            },
            &["e1"],
        ),
        (
            ActivityFilter {
                event_type: Some(EventType::Authentication),
                ..none()
            },
            &["e2"],
        ),
        (
            ActivityFilter {
                event_id: Some("e0".into()),
                ..none()
            },
            &["e0"],
        ),
        (
            ActivityFilter {
                actor_email: Some("GRACE@example.COM".into()),
                ..none()
            },
            &["e2"],
        ),
        (
            ActivityFilter {
                object_id: Some("f3".into()),
                ..none()
            },
            &["e3"],
        ),
        (
            ActivityFilter {
                from: Some(at(1)),
                to: Some(at(3)),
                ..none()
            },
            &["e2", "e1"],
        ),
        (text("F1.PDF"), &["e1"]),
        (text("100%_gRÖSSE"), &[]),
        (text("100%_gRÖß"), &["e3"]),
        (text("1%f"), &[]),
        (text("'; DROP TABLE activities; --"), &[]),
    ]
}

async fn activities_are_read_page_by_page_while_more_come(store: &impl RelationalStore) {
    let add = async |events: std::ops::Range<i64>| {
        // Two of each moment: only the order of recording tells them apart.
        let records = events.map(|n| record(&format!("{n:03}"), "f1", n / 2));
        let all = records.map(|one| evaluated(one, vec![])).collect();
        store.record(&batch(all)).await.expect("it is recorded");
    };
    add(0..20).await;
    let mut found = Vec::new();
    let mut request = PageRequest::first(3);
    for more in 10.. {
        let page = store
            .activity_page(&ActivityFilter::default(), &request)
            .await;
        let page = page.expect("a page");
        found.extend(
            page.items
                .into_iter()
                .map(|one| one.activity.event_id.to_string()),
        );
        let Some(next) = page.next else { break };
        request = PageRequest::after(next, 3);
        add(2 * more..2 * more + 2).await;
    }
    let expected: Vec<String> = (0..20).rev().map(|n| format!("{n:03}")).collect();
    assert_eq!(found, expected, "without gaps or repetitions");
    let refused = store
        .activity_page(&ActivityFilter::default(), &PageRequest::after("x", 3))
        .await;
    assert!(matches!(refused, Err(StoreError::BadCursor { .. })));
}
