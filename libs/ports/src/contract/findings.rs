//! The suite of counts over everything recorded: what was found in incidents, and what could not be looked into.

use std::collections::BTreeMap;

use event_model::{
    BlindSpot, ConnectionScope, EventType, Evidence, Incident, IncidentId, PageRequest, TraceNode,
};

use super::samples::{act, at, batch, closing, connection_id, evaluated, incident, record};
use super::{RelationalStore, every_item};
use crate::{
    ActivityFilter, BlindSpotAsk, BlindSpots, EvaluatedActivity, FoundInIncidents, SecondLook, What,
};

const DAY: i64 = 86_400;

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    incidents_are_counted_by_what_was_found_in_them(&fresh().await).await;
    blind_spots_are_counted_by_day_kind_and_reason(&fresh().await).await;
    counts_of_blind_spots_are_what_the_rows_say(&fresh().await).await;
    a_reason_is_found_however_rare_it_is(&fresh().await).await;
}

fn detector(name: &str) -> What {
    What::Detector(name.into())
}

fn label(name: &str) -> What {
    What::Label(name.into())
}

/// The n-th incident, with findings of these detectors, and a rule whose parts came to these values.
fn found(n: u8, detectors: &[&str], parts: &[(&str, &str)]) -> EvaluatedActivity {
    let mut of = record(&format!("e{n}"), &format!("f{n}"), i64::from(n));
    of.connection_id = connection_id(1 + n % 2);
    let mut one: Incident = incident(n, &of);
    one.evidence = detectors
        .iter()
        .map(|detector| Evidence {
            detector: (*detector).into(),
            confidence: "high".into(),
            masked: "*".into(),
            place: "\"detector\":\"no\"".into(),
            occurrences: 1,
            test_value: false,
        })
        .collect();
    one.trace.parts = parts
        .iter()
        .map(|(expression, value)| TraceNode {
            expression: (*expression).into(),
            value: (*value).into(),
            note: None,
            parts: Vec::new(),
        })
        .collect();
    evaluated(of, vec![one])
}

fn told(groups: &[FoundInIncidents]) -> BTreeMap<Vec<What>, (u64, Option<String>)> {
    let told = groups.iter().map(|one| {
        let mut what = one.what.clone();
        what.sort();
        let last = one.last.as_ref().map(|last| last.0.number.clone());
        (what, (one.incidents, last))
    });
    told.collect()
}

async fn incidents_are_counted_by_what_was_found_in_them(store: &impl RelationalStore) {
    let secret = ("_content.label('Secret \"x\"\u{0}')", "true");
    let long = "long ".repeat(900);
    let long = format!("_content.label('{long}')");
    let some = vec![
        found(1, &["card", "iban", "card"], &[]),
        found(2, &["iban", "card"], &[("_content.label('No')", "false")]),
        found(
            3,
            &["card"],
            &[secret, ("'Secret \"x\"\u{0}' in _content.labels", "true")],
        ),
        found(4, &[], &[]),
        found(5, &[], &[(long.as_str(), "true")]),
    ];
    let recorded = store.record(&batch(some.clone())).await;
    let ids: Vec<IncidentId> = recorded.expect("they are recorded").incidents_new;
    store.record(&batch(some)).await.expect("nothing is new");
    let change = closing(event_model::IncidentStatus::Resolved);
    let worked = store
        .work_on_incident(ids[0], None, &change, &act(9_000))
        .await;
    worked.expect("it takes that");
    let both = vec![detector("card"), detector("iban")];
    let marked = vec![detector("card"), label("Secret \"x\"\u{0}")];
    let cut = vec![label(
        &"long ".repeat(900).chars().take(256).collect::<String>(),
    )];
    let counted = |n, last: &str| (n, Some(last.to_owned()));
    let every = store.found_in_incidents(&ConnectionScope::Every).await;
    assert_eq!(
        told(&every.expect("the counts")),
        [
            (both.clone(), counted(2, "DLP-2")),
            (marked.clone(), counted(1, "DLP-3")),
            (cut.clone(), counted(1, "DLP-5")),
        ]
        .into()
    );
    let only = ConnectionScope::Only([connection_id(2)].into());
    let some = store.found_in_incidents(&only).await;
    assert_eq!(
        told(&some.expect("the counts")),
        [
            (both, counted(1, "DLP-1")),
            (marked, counted(1, "DLP-3")),
            (cut, counted(1, "DLP-5")),
        ]
        .into()
    );
    let none = ConnectionScope::Only([].into());
    let none = store.found_in_incidents(&none).await;
    assert_eq!(none.expect("the counts"), Vec::new());
}

/// An activity received then, with a blind spot of each reason.
fn blind(event: &str, seconds: i64, reasons: &[&str]) -> EvaluatedActivity {
    let mut one = evaluated(record(event, "f", seconds), Vec::new());
    one.blind_spots = reasons
        .iter()
        .map(|reason| BlindSpot {
            reason: (*reason).into(),
            detail: "\"reason\":\"no\",\"detail\":".into(),
        })
        .collect();
    one
}

/// Connection, kind, reason and how many.
type Told = (u8, EventType, Option<String>, u64);

async fn counts(store: &impl RelationalStore, ask: &BlindSpotAsk) -> Vec<Told> {
    let counts = store.blind_spot_counts(ask).await.expect("the counts");
    let number = |of| (1..9).find(|n| connection_id(*n) == of).unwrap_or(0);
    let told = counts.into_iter();
    let told = told.map(|one| {
        (
            number(one.connection_id),
            one.event_type,
            one.reason,
            one.activities,
        )
    });
    let mut told: Vec<Told> = told.collect();
    told.sort();
    told
}

fn since(seconds: i64) -> BlindSpotAsk {
    BlindSpotAsk {
        since: at(seconds),
        ..BlindSpotAsk::default()
    }
}

async fn blind_spots_are_counted_by_day_kind_and_reason(store: &impl RelationalStore) {
    let mut elsewhere = blind("e4", DAY, &["gone"]);
    elsewhere.record.connection_id = connection_id(2);
    let mut login = blind("e5", DAY, &["gone"]);
    login.record.activity.event_type = EventType::Authentication;
    let mut again = blind("e1", 0, &["unreachable"]);
    again.again = Some(SecondLook {
        at: at(10),
        attempts: 1,
        reason: "not yet".into(),
    });
    let some = vec![
        again.clone(),
        blind("e2", DAY, &["gone", "encrypted", "gone"]),
        blind("e3", DAY, &[]),
        elsewhere,
        login,
    ];
    store.record(&batch(some.clone())).await.expect("recorded");
    store.record(&batch(some)).await.expect("nothing is new");
    let sharing = EventType::Sharing;
    let of = |n, kind, reason: &str, count| {
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        (n, kind, reason, count)
    };
    let second_day = [
        of(1, EventType::Authentication, "", 1),
        of(1, EventType::Authentication, "gone", 1),
        of(1, sharing, "", 1),
        of(1, sharing, "encrypted", 1),
        of(1, sharing, "gone", 1),
        of(2, sharing, "", 1),
        of(2, sharing, "gone", 1),
    ];
    let mut sorted = second_day.to_vec();
    sorted.sort();
    assert_eq!(counts(store, &since(DAY)).await, sorted);
    let narrow = BlindSpotAsk {
        connection: Some(connection_id(1)),
        event_type: Some(EventType::Authentication),
        ..since(DAY)
    };
    assert_eq!(counts(store, &narrow).await, sorted_of(&second_day[..2]));
    let scoped = BlindSpotAsk {
        within: ConnectionScope::Only([connection_id(2)].into()),
        ..since(DAY)
    };
    assert_eq!(counts(store, &scoped).await, sorted_of(&second_day[5..]));
    // The second look could look into it.
    again.is_second_look = true;
    again.again = None;
    again.blind_spots.clear();
    store.record(&batch(vec![again])).await.expect("recorded");
    assert_eq!(
        counts(store, &since(0)).await,
        sorted,
        "it is none any more"
    );
    let forgotten = store.forget_activities(at(DAY + 1), 100).await;
    assert_eq!(forgotten.expect("they are forgotten"), 5);
    assert_eq!(counts(store, &since(0)).await, Vec::new());
}

fn sorted_of(some: &[Told]) -> Vec<Told> {
    let mut sorted = some.to_vec();
    sorted.sort();
    sorted
}

/// Over some months, so that a store which drops a month as a whole does so; more than are left unfolded.
async fn counts_of_blind_spots_are_what_the_rows_say(store: &impl RelationalStore) {
    const ALL: i64 = 700;
    for from in (0..ALL).step_by(100) {
        let some = (from..from + 100).map(|n| {
            let reasons: &[&str] = match n % 3 {
                0 => &["gone"],
                1 => &["gone", "limit"],
                _ => &[],
            };
            blind(&format!("e{n}"), n * DAY / 5, reasons)
        });
        store
            .record(&batch(some.collect()))
            .await
            .expect("recorded");
    }
    for (before, left) in [(0, ALL), (101, ALL - 101 * 5)] {
        let forgotten = store.forget_activities(at(before * DAY), 10_000).await;
        forgotten.expect("they are forgotten");
        for (reason, spots) in [
            (None, BlindSpots::Some),
            (Some("gone"), BlindSpots::Of("gone".into())),
            (Some("limit"), BlindSpots::Of("limit".into())),
        ] {
            let mut filter = ActivityFilter::default();
            filter.details.blind_spots = spots;
            let rows = every_item(90, async |page| store.activity_page(&filter, &page).await);
            let rows = rows.await.len() as u64;
            let counts = counts(store, &since(0)).await;
            let counted = counts.iter().filter(|one| one.2.as_deref() == reason);
            let counted: u64 = counted.map(|one| one.3).sum();
            assert_eq!(counted, rows, "{reason:?} after {before} days");
            assert!(rows > 0 && rows < left as u64, "{rows} of {left}");
        }
    }
}

async fn a_reason_is_found_however_rare_it_is(store: &impl RelationalStore) {
    let some = (0..300).map(|n| {
        let reason = if n % 100 == 7 { "rare" } else { "common" };
        blind(&format!("e{n}"), n * DAY / 3, &[reason])
    });
    store
        .record(&batch(some.collect()))
        .await
        .expect("recorded");
    let mut filter = ActivityFilter::default();
    filter.details.blind_spots = BlindSpots::Of("rare".into());
    let events = async |filter: &ActivityFilter, limit| {
        let items = every_item(limit, async |page| store.activity_page(filter, &page).await);
        let items = items.await.into_iter();
        let events = items.map(|one| one.activity.event_id.to_string());
        events.collect::<Vec<String>>()
    };
    for limit in [1, 2, 9] {
        assert_eq!(
            events(&filter, limit).await,
            ["e207", "e107", "e7"],
            "by {limit}"
        );
    }
    let between = ActivityFilter {
        from: Some(at(7 * DAY / 3)),
        to: Some(at(207 * DAY / 3)),
        ..filter.clone()
    };
    assert_eq!(events(&between, 1).await, ["e107", "e7"]);
    filter.text = Some("f.pdf".into());
    assert_eq!(events(&filter, 1).await, ["e207", "e107", "e7"]);
    filter.details.blind_spots = BlindSpots::Of("no such reason".into());
    filter.text = None;
    let none = store.activity_page(&filter, &PageRequest::first(9)).await;
    assert_eq!(none.expect("a page").items.len(), 0);
}
