//! What lists of activities show by what one part of an activity says.

use event_model::{BlindSpot, PageRequest};

use super::RelationalStore;
use super::samples::{batch, evaluated, record};
use crate::{ActivityDetails, ActivityFilter, BlindSpots};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    each_part_narrows_by_its_own_value_only(&fresh().await).await;
}

/// What `e1` says of others, in the words of a member.
const HOSTILE: &str = "\"actor_ip_address\":\"203.0.113.9\",\"reason\":\"encrypted\"";

/// What no address looks like, and a service may say.
const ODD: &str = "\"\\\" 203.0.113.9";

/// Longer than an index takes.
fn long_address() -> String {
    "203.0.113.9/".repeat(700)
}

async fn add(store: &impl RelationalStore) {
    let mut records: Vec<_> = (0..4).map(|n| record(&format!("e{n}"), "f", n)).collect();
    for (record, object) in records.iter_mut().zip(["a.pdf", HOSTILE, "b", "c"]) {
        record.activity.object_name = Some(object.into());
    }
    records[2].activity.actor_name = Some("Grace Größe".into());
    records[2].activity.actor_ip_address = Some("203.0.113.9".into());
    records[0].activity.actor_ip_address = Some(long_address());
    records[1].activity.actor_ip_address = Some(ODD.into());
    records[3].activity.object_path = Some("/Plans/100%_Größe\\x\u{0}".into());
    records[3].activity.actor_ip_address = Some("203.0.113.99".into());
    let spot = |reason: &str| BlindSpot {
        reason: reason.into(),
        detail: HOSTILE.into(),
    };
    let mut all: Vec<_> = records
        .into_iter()
        .map(|one| evaluated(one, vec![]))
        .collect();
    all[0].blind_spots = vec![spot("too_large"), spot("encrypted")];
    all[1].blind_spots = vec![spot("too_large")];
    store.record(&batch(all)).await.expect("it is recorded");
}

/// Parts, and which activities each shows.
fn rows() -> Vec<(ActivityDetails, &'static [&'static str])> {
    let none = ActivityDetails::default;
    let actor = |text: &str| ActivityDetails {
        actor: Some(text.into()),
        ..none()
    };
    let address = |text: &str| ActivityDetails {
        address: Some(text.into()),
        ..none()
    };
    let object = |text: &str| ActivityDetails {
        object: Some(text.into()),
        ..none()
    };
    let blind = |blind_spots| ActivityDetails {
        blind_spots,
        ..none()
    };
    vec![
        (none(), &["e3", "e2", "e1", "e0"][..]),
        (actor("ADA@"), &["e3", "e2", "e1", "e0"]),
        (actor("grÖß"), &["e2"]),
        (actor("a.pdf"), &[]),
        (actor("%"), &[]),
        (address("203.0.113.9"), &["e2"]),
        (address("203.0.113"), &[]),
        (object("A.PDF"), &["e0"]),
        (object("100%_grÖSSE"), &[]),
        (object("100%_GRÖß"), &["e3"]),
        (object("plans/"), &["e3"]),
        (object("x\u{0}"), &["e3"]),
        (object("grace"), &[]),
        (object("\"reason\":"), &["e1"]),
        (address(ODD), &["e1"]),
        (address(&long_address()), &["e0"]),
        (address(&long_address()[..64]), &[]),
        (blind(BlindSpots::Some), &["e1", "e0"]),
        (blind(BlindSpots::Of("encrypted".into())), &["e0"]),
        (blind(BlindSpots::Of("too_large".into())), &["e1", "e0"]),
        (blind(BlindSpots::Of("%".into())), &[]),
    ]
}

async fn each_part_narrows_by_its_own_value_only(store: &impl RelationalStore) {
    add(store).await;
    for (details, expected) in rows() {
        let filter = ActivityFilter {
            details,
            ..ActivityFilter::default()
        };
        let page = store.activity_page(&filter, &PageRequest::first(9)).await;
        let items = page.expect("a page").items;
        let found: Vec<&str> = items
            .iter()
            .map(|one| one.activity.event_id.as_str())
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}
