//! The suite of stores with many rows: texts are found however old they are, and what is counted beside the rows
//! is what the rows say.

use std::collections::BTreeMap;

use event_model::{
    CaseChange, ConnectionScope, Incident, IncidentId, IncidentStatus, PageRequest, Severity,
};

use super::samples::{act, at, batch, closing, connection_id, evaluated, incident, record};
use super::{RelationalStore, every_item};
use crate::{ActivityFilter, IncidentFilter};

/// More than any store looks through before it asks an index.
const ACTIVITIES: i64 = 5_300;
/// More than are counted before sums are made of changes.
const INCIDENTS: i64 = 300;
/// Activities recorded at once.
const AT_ONCE: i64 = 1_000;
/// Seconds between two of them: all of them take some months.
const APART: i64 = 1_500;

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_text_is_found_however_old_it_is(&fresh().await).await;
    counts_are_what_the_rows_say(&fresh().await).await;
}

/// Of all activities, three have a name of their own: two old ones, and one of the last.
async fn a_text_is_found_however_old_it_is(store: &impl RelationalStore) {
    let named = |n: i64| match n {
        3 | 2_000 | 5_290 => format!("Ünusual %_ \"name\" {n}"),
        n => format!("plain {}", n % 7),
    };
    let of = |n: i64| {
        let mut record = record(&format!("e{n}"), "f1", n * APART);
        record.activity.object_name = Some(named(n));
        evaluated(record, Vec::new())
    };
    for from in (0..ACTIVITIES).step_by(AT_ONCE as usize) {
        let some = (from..(from + AT_ONCE).min(ACTIVITIES)).map(of);
        let recorded = store.record(&batch(some.collect())).await;
        recorded.expect("they are recorded");
    }
    let found = async |text: &str, filter: ActivityFilter| {
        let filter = ActivityFilter {
            text: Some(text.into()),
            ..filter
        };
        let items = every_item(1, async |page| store.activity_page(&filter, &page).await).await;
        let number = |one: &crate::StoredActivity| (one.received_at - at(0)).num_seconds() / APART;
        items.iter().map(number).collect::<Vec<i64>>()
    };
    let any = ActivityFilter::default;
    for (text, expected) in [
        ("ünusual %_ \"name\"", &[5_290, 2_000, 3][..]),
        ("NAME\" 3", &[3]),
        ("_ \"", &[5_290, 2_000, 3]),
        ("unusual", &[]),
        ("nusual %%", &[]),
    ] {
        assert_eq!(found(text, any()).await, expected, "{text}");
    }
    let before = ActivityFilter {
        to: Some(at(5_000 * APART)),
        from: Some(at(10 * APART)),
        ..any()
    };
    assert_eq!(found("nusual", before).await, [2_000]);
    let elsewhere = ActivityFilter {
        connection: Some(connection_id(2)),
        ..any()
    };
    assert_eq!(found("nusual", elsewhere).await, [0; 0]);
    let common = ActivityFilter {
        text: Some("plain 3".into()),
        ..any()
    };
    let page = store.activity_page(&common, &PageRequest::first(9)).await;
    assert_eq!(page.expect("a page").items.len(), 9);
}

/// The n-th of many incidents, on one of two connections.
fn one_of_many(n: i64) -> Incident {
    let mut record = record(&format!("e{n}"), &format!("f{n}"), 1_000 + n);
    record.connection_id = connection_id(1 + (n % 2) as u8);
    let mut one = incident(1 + (n % 3) as u8, &record);
    one.id = IncidentId::new(at(1_000 + n), n as u128);
    one.created_at = at(1_000 + n * 3_600);
    one
}

async fn counts_are_what_the_rows_say(store: &impl RelationalStore) {
    for from in (0..INCIDENTS).step_by(50) {
        let some = (from..from + 50).map(one_of_many).map(|one| {
            let mut record = record(one.activity.event_id.as_str(), "f", 1_000);
            record.connection_id = one.connection_id;
            evaluated(record, vec![one])
        });
        let recorded = store.record(&batch(some.collect())).await;
        recorded.expect("they are recorded");
    }
    for n in 0..40 {
        let id = one_of_many(n).id;
        for change in changes(n) {
            let done = store.work_on_incident(id, None, &change, &act(9_000)).await;
            done.expect("it takes that");
        }
    }
    let only = ConnectionScope::Only([connection_id(2)].into());
    for within in [ConnectionScope::Every, only] {
        compare(store, &within).await;
    }
    let forgotten = store.forget_activities(at(1_001), 100).await;
    assert_eq!(forgotten.expect("they are forgotten"), 100);
    let overview = store.overview().await.expect("the counts");
    assert_eq!(overview.activities, (INCIDENTS - 100) as u64);
}

/// What is done to the n-th: one after the other.
fn changes(n: i64) -> Vec<CaseChange> {
    let status = |status| CaseChange {
        status: Some(status),
        ..CaseChange::default()
    };
    let severity = CaseChange {
        severity: Some(Severity::Critical),
        ..CaseChange::default()
    };
    let closed = closing(IncidentStatus::Resolved);
    match n % 4 {
        0 => vec![severity],
        1 => vec![status(IncidentStatus::InProgress), closed],
        2 => vec![closing(IncidentStatus::FalsePositive)],
        _ => vec![closed, status(IncidentStatus::Reopened), severity],
    }
}

async fn compare(store: &impl RelationalStore, within: &ConnectionScope) {
    let filter = IncidentFilter {
        within: within.clone(),
        ..IncidentFilter::default()
    };
    let all = every_item(100, async |page| store.incident_page(&filter, &page).await).await;
    let overview = store.overview_within(within).await.expect("the counts");
    let count = |of: fn(&Incident) -> String| {
        let mut counts = BTreeMap::<String, u64>::new();
        for one in &all {
            *counts.entry(of(one)).or_default() += 1;
        }
        counts
    };
    let said = "as the rows say";
    assert_eq!(
        overview.incidents_by_status,
        count(|one| one.status.to_string()),
        "{said}"
    );
    assert_eq!(
        overview.incidents_by_severity,
        count(|one| one.severity.to_string()),
        "{said}"
    );
    assert_eq!(overview.activities, all.len() as u64, "{said}");
    if !within.is_every() {
        return;
    }
    let board = store.board(at(0), at(0)).await.expect("a board");
    let open = all.iter().filter(|one| !one.status.is_closed());
    let open = open.filter(|one| one.case.repeat_of.is_none()).count() as u64;
    assert_eq!(board.open_by_severity.values().sum::<u64>(), open, "{said}");
    assert_eq!(board.open_by_policy.values().sum::<u64>(), open, "{said}");
    let mut days = BTreeMap::new();
    for one in &all {
        *days
            .entry((one.created_at.date_naive(), one.severity))
            .or_default() += 1;
    }
    assert_eq!(board.by_day, days, "{said}");
    let verdicts = store.policy_verdicts().await.expect("the verdicts");
    let concluded = verdicts
        .values()
        .flat_map(|one| one.0.values())
        .sum::<u64>();
    let with = all.iter().filter(|one| one.case.verdict.is_some()).count() as u64;
    assert_eq!(concluded, with, "{said}");
}
