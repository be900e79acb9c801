//! Disabled means disabled: after the call returns no poll, no webhook, no action, and late deliveries are refused.

use serde_json::{Value, json};

use super::cloud::CUSTOMERS;
use super::{World, text};

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn after_disabling_returns_nothing_of_the_tenant_is_touched_until_it_is_enabled_again()
 {
    let world = World::new(7).await;
    let acme = world.connects("Acme", "acme", "push").await;
    world.connects("Globex", "globex", "pull").await;
    world.forbids_cards_behind_links().await;
    let signer = world.signer_of(&acme).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("before.docx", CUSTOMERS);
    let before = alice.shares_publicly(&file);
    world.incident_of(&before.event).await;

    let disabled = world.disables(&acme).await;
    let since = world.ledger_end();
    assert_eq!(disabled["lifecycle"]["leftover"], Value::Null);
    assert_eq!(world.cloud.model().summary().active_registrations, 0);
    let file = alice.uploads("meanwhile.docx", CUSTOMERS);
    let meanwhile = alice.shares_publicly(&file);
    // Another connection's polls are the clock: acme's reconciling pull is due after two and a half of them.
    world
        .until(
            "as many polls of globex as would be three of acme",
            || async {
                let polls = world.our_requests(since, "globex").len();
                Ok((polls >= 9).then_some(()))
            },
        )
        .await;
    assert_eq!(world.our_requests(since, "acme"), Vec::<Value>::new());

    let body = json!({"type": "user.login", "timestamp": "2026-01-02T03:04:05.678Z", "data": {"id": "evt_late"}});
    for id in ["msg_late", "msg_later"] {
        let late = signer.signed(id, body.to_string().as_bytes(), 0);
        let answer = world.delivers(&acme, &late).await;
        assert_eq!(answer.status, 410, "{}", answer.text());
    }
    let audited = world.audited("delivery.refused").await;
    assert_eq!(audited.len(), 1, "{audited:?}");
    assert_eq!(text(&audited[0], "/subject"), acme);

    world.enables(&acme, "acme", "push").await;
    let file = alice.uploads("after.docx", CUSTOMERS);
    let after = alice.shares_publicly(&file);
    world.incident_of(&after.event).await;
    let missed = world
        .all(&format!("activities?event_id={}", meanwhile.event))
        .await;
    assert_eq!(
        missed.unwrap(),
        Vec::<Value>::new(),
        "enabling starts at now"
    );
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_webhook_that_could_not_be_deregistered_is_shown_and_taken_away_later() {
    let world = World::new(8).await;
    let acme = world.connects("Acme", "acme", "push").await;
    world
        .the_service_misbehaves(json!({"rules": [{
            "match": {"method": "DELETE", "path_prefix": "/api/v1/webhooks"},
            "what": {"status": 503},
        }]}))
        .await;
    let disabled = world.disables(&acme).await;
    assert!(disabled["lifecycle"]["leftover"].is_object(), "{disabled}");
    assert_eq!(world.audited("webhook.left_over").await.len(), 1);
    assert_eq!(deregistrations(&world), 0);
    let refused = world.asks_to_enable(&acme, "push").await;
    assert_eq!(refused.status, 409, "{}", refused.text());

    world.the_service_misbehaves(json!({})).await;
    world
        .until("the webhook to be taken away", || async {
            let audited = world.audited("webhook.deregistered").await;
            Ok((!audited.is_empty()).then_some(()))
        })
        .await;
    let connection = world.connection(&acme).await;
    assert_eq!(connection["lifecycle"]["leftover"], Value::Null);
    assert_eq!(deregistrations(&world), 1);
    world.enables(&acme, "acme", "push").await;
    world.user("acme", "alice").logs_in();
    world.ends_at_rest().await;
}

/// How often the service took a webhook away because we asked.
fn deregistrations(world: &World) -> usize {
    let taken_away =
        |entry: &&Value| entry["action"] == "webhook_deregistered" && entry["changed"] == true;
    world.ledger(0).iter().filter(taken_away).count()
}
