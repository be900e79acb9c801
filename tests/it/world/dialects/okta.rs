//! Okta: a token instead of a consent, an event hook that asks first, the System Log late and repeated behind it, a partner who was
//! put into a group, and disabling.

use serde_json::json;
use toy_cloud::Role;

use super::super::administration::{policy, remedies};
use super::super::{World, text};
use super::Dialect;

const OKTA: Dialect = Dialect {
    service: "okta",
    shorter: &[("every: 10s", "every: 200ms")],
};
const ADDRESS: &str = "https://acme.okta.com";

#[tokio::test(flavor = "multi_thread")]
async fn in_okta_a_partner_in_a_group_is_an_incident() {
    let world = World::speaking(43, OKTA).await;
    let params = json!({"internal_domains": "acme.example"});
    let id = world.creates_at("okta", ADDRESS, params).await;
    world.enables_dialect(&id, "push").await;
    assert_eq!(world.cloud.model().summary().active_registrations, 1);
    let mut wanted = policy(
        "No partner in a group",
        "_activity.target_user_type == 'external'",
        json!([]),
    );
    wanted["trigger"]["actions"] = json!(["admin"]);
    world
        .tidegate
        .post("/api/v1/policies", &wanted)
        .await
        .unwrap();
    let faults =
        json!({"events": {"lag_ms": 300, "repeat": 0.5, "short_page": 0.3, "empty_page": 0.2}});
    world.the_service_misbehaves(faults).await;

    let alice = world.user("acme", "alice");
    alice.logs_in();
    let group = alice.uploads("Finance", b"a group");
    let given = alice.shares_with(&group, "gus@partner.example", Role::Viewer);
    let incident = world.incident_of(&given).await;
    assert_eq!(incident["remedies"], json!([]), "{incident}");
    let activity = &incident["activity"];
    assert_eq!(text(activity, "/event_name"), "group.user_membership.add");
    assert_eq!(text(activity, "/object_name"), "Finance");
    assert_eq!(text(activity, "/target_user_email"), "gus@partner.example");
    assert_eq!(text(activity, "/actor_email"), "alice@acme.example");
    world
        .until("the sign-in to be recorded", || async {
            let found = world.all("activities?event_type=authentication").await?;
            Ok((!found.is_empty()).then_some(()))
        })
        .await;

    world.disables(&id).await;
    assert_eq!(world.cloud.model().summary().active_registrations, 0);
    let end = world.ledger_end();
    alice.logs_in();
    let calls = world.ledger(end).into_iter();
    assert_eq!(calls.filter(|entry| entry["kind"] == "request").count(), 0);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_okta_a_user_is_suspended_and_signed_out_and_let_in_again() {
    let world = World::speaking(44, OKTA).await;
    let params = json!({"internal_domains": "acme.example"});
    let id = world.creates_at("okta", ADDRESS, params).await;
    world.enables_dialect(&id, "pull").await;
    let responses = json!([
        {"kind": "end_sessions", "whom": "actor"},
        {"kind": "suspend_user", "whom": "actor"},
    ]);
    let rule = "_activity.target_user_type == 'external'";
    let mut wanted = policy("Whoever lets partners in", rule, responses);
    wanted["trigger"]["actions"] = json!(["admin"]);
    world
        .tidegate
        .post("/api/v1/policies", &wanted)
        .await
        .unwrap();
    let standing = |user: &str| world.cloud.model().user("acme", user).unwrap();

    let alice = world.user("acme", "alice");
    let group = alice.uploads("Finance", b"a group");
    let given = alice.shares_with(&group, "gus@partner.example", Role::Viewer);
    let incident = world.incident_of(&given).await;
    let done = ["end_sessions: done", "suspend_user: done"];
    assert_eq!(remedies(&incident), done, "{incident}");
    assert_eq!(standing("u_acme_alice")["suspended"], true);
    assert!(standing("u_acme_alice")["sessions_valid_from"].is_string());
    let undone = world.undoes(&incident, "suspend_user").await;
    let report = json!({"restored": ["user"], "not_restored": []});
    assert_eq!(undone["restoration"], report, "{undone}");
    assert_eq!(standing("u_acme_alice")["suspended"], false);

    let admin = world.user("acme", "admin");
    let group = admin.uploads("Board", b"a group");
    let given = admin.shares_with(&group, "gus@partner.example", Role::Viewer);
    let incident = world.incident_of(&given).await;
    let spared = ["end_sessions: given_up", "suspend_user: given_up"];
    assert_eq!(remedies(&incident), spared, "{incident}");
    assert_eq!(standing("u_acme_admin")["suspended"], false);
    world.ends_at_rest().await;
}
