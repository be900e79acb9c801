//! Push and pull bring the same activity, and the same event twice is one activity and one incident.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use toy_cloud::Role;

use super::cloud::CUSTOMERS;
use super::webhook::Signer;
use super::{World, text};

/// What may differ between the same activity by push and by pull.
const OF_THE_WAY: [&str; 6] = [
    "connection_id",
    "arrival",
    "received_at",
    "appended_at",
    "evaluated_at",
    "traceparent",
];

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn push_and_pull_give_the_same_24_fields_with_the_same_provenance() {
    let world = World::new(4).await;
    let pushed = world.connects("Acme by push", "acme", "push").await;
    let pulled = world.connects("Acme by pull", "acme", "pull").await;
    let already = world.events_of("acme");
    let (alice, bob) = (world.user("acme", "alice"), world.user("acme", "bob"));
    alice.logs_in();
    let file = alice.uploads("plan.txt", b"nothing special");
    alice.shares_with(&file, "bob", Role::Editor);
    alice.shares_with(&file, "new@partner.example", Role::Viewer);
    alice.shares_publicly(&file);
    bob.downloads(&file).unwrap();
    alice.moves_to_the_trash(&file);
    alice.takes_out_of_the_trash(&file);
    let happened: Vec<String> = world
        .events_of("acme")
        .difference(&already)
        .cloned()
        .collect();
    assert!(happened.len() >= 8, "{happened:?}");
    for event in &happened {
        world
            .until("the activity of both connections", || async {
                let found = world.all(&format!("activities?event_id={event}")).await?;
                Ok((found.len() == 2).then_some(()))
            })
            .await;
    }
    let by_push = normalised(&world, &pushed).await;
    let by_pull = normalised(&world, &pulled).await;
    for event in &happened {
        let (push, pull) = (&by_push[event], &by_pull[event]);
        assert_eq!(
            push.as_object().unwrap().len(),
            pull.as_object().unwrap().len()
        );
        assert_eq!(push["provenance"].as_object().unwrap().len(), 24, "{push}");
        assert_eq!(push, pull);
    }
    world.ends_at_rest().await;
}

/// The connection's activities by event, without what the way makes different.
async fn normalised(world: &World, connection: &str) -> BTreeMap<String, Value> {
    let list = format!("activities?connection={connection}");
    let activities = world.all(&list).await.unwrap().into_iter();
    let normalised = activities.map(|mut activity| {
        for field in OF_THE_WAY {
            activity.as_object_mut().unwrap().remove(field).unwrap();
        }
        (text(&activity, "/event_id").to_owned(), activity)
    });
    normalised.collect()
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn the_same_event_by_push_and_by_the_reconciling_pull_is_one_activity_and_one_incident()
 {
    let world = World::new(5).await;
    world.connects("Acme", "acme", "push").await;
    world.forbids_cards_behind_links().await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    world.incident_of(&link.event).await;
    // Whichever came first: the other brought the upload and the link again.
    for series in [
        "tidegate_events_appended_total{arrival=\"push\"}",
        "tidegate_events_appended_total{arrival=\"pull\"}",
        "tidegate_activities_recorded_total{novelty=\"repeated\"}",
    ] {
        world
            .until(series, || async {
                Ok((world.metric(series).await >= 2.0).then_some(()))
            })
            .await;
    }
    assert_eq!(world.all("incidents").await.unwrap().len(), 1);
    world.ends_at_rest().await;
}

/// The secret that the administrator of a service that only pushes chose there.
const CHOSEN: &str = "whsec_Y2hvc2VuIGJ5IGFuIGFkbWluaXN0cmF0b3I=";

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_only_pushes_needs_no_consent_and_its_secret_is_never_shown() {
    let world = World::new(29).await;
    let new = json!({"service": "generic", "name": "Feeder", "params": {"webhook_secret": CHOSEN}});
    let created = world
        .tidegate
        .post("/api/v1/connections", &new)
        .await
        .unwrap();
    let id = text(&created, "/id").to_owned();
    assert_eq!(created["state"], "authorized", "{created}");
    let enabled = world.asks_to_enable(&id, "push").await;
    assert_eq!(enabled.json()["state"], "enabled", "{}", enabled.text());
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;

    let event = json!({
        "event_id": "evt_fed", "event_name": "link made", "event_type": "sharing", "visibility": "public",
        "event_timestamp": "2026-01-02T03:04:05.678Z", "actor_email": "ann@acme.example", "object_id": "o_1",
    });
    let body = event.to_string();
    for delivery in ["msg_1", "msg_1", "msg_2"] {
        let signed = Signer::of(CHOSEN).signed(delivery, body.as_bytes(), 0);
        let answer = world.delivers(&id, &signed).await;
        assert!((200..300).contains(&answer.status), "{}", answer.text());
    }
    let incident = world.incident_of("evt_fed").await;
    assert_eq!(text(&incident, "/activity/actor_email"), "ann@acme.example");
    for shown in ["connections", "audit", "activities", "incidents"] {
        let shown = json!(world.all(shown).await.unwrap()).to_string();
        assert!(
            !shown.contains(CHOSEN) && !shown.contains(&CHOSEN[6..]),
            "{shown}"
        );
    }

    world.disables(&id).await;
    let late = Signer::of(CHOSEN).signed("msg_3", body.as_bytes(), 0);
    assert_eq!(world.delivers(&id, &late).await.status, 410);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn what_push_loses_the_reconciling_pull_brings() {
    let world = World::new(6).await;
    world.connects("Acme", "acme", "push").await;
    world.forbids_cards_behind_links().await;
    world
        .the_service_misbehaves(json!({"deliveries": {"drop": 1.0}}))
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    world.incident_of(&link.event).await;
    assert_eq!(world.activity_of(&link.event).await["arrival"], "pull");
    world.ends_at_rest().await;
}
