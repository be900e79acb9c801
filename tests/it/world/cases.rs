//! What people let be, and what comes again, as the whole platform treats it.

use serde_json::{Value, json};

use super::administration::remedies;
use super::cloud::PAYROLL;
use super::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn what_an_exception_covers_is_recorded_and_nothing_is_done_about_it() {
    let world = World::new(141).await;
    world.connects("Acme", "acme", "push").await;
    let responses = json!([{"kind": "remove_link"}]);
    world
        .saves_policy("No public links", "_share.public", responses)
        .await;
    let policies = world.all("policies").await.unwrap();
    let until = in_a_week();
    let exception = json!({
        "policy_id": policies[0]["id"], "matches": {"path_like": "*press*"},
        "reason": "the press kit is public", "expires_at": until,
    });
    let path = "/api/v1/exceptions";
    let exception = world.tidegate.post(path, &exception).await.unwrap();

    let alice = world.user("acme", "alice");
    let [kit, payroll] = ["press kit", "payroll"].map(|name| alice.uploads(name, PAYROLL));
    let let_be = alice.shares_publicly(&kit);
    let refused = alice.shares_publicly(&payroll);
    let incident = world.incident_of(&refused.event).await;
    assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
    let incident = world.incident_of(&let_be.event).await;
    assert_eq!(remedies(&incident), Vec::<String>::new(), "{incident}");
    assert_eq!(text(&incident, "/status"), "suppressed");
    assert_eq!(incident["case"]["exception"], exception["id"]);
    let links = |file: &str| world.file("acme", file).unwrap()["links"].clone();
    assert_ne!(links(&kit), json!([]), "the link is still there");

    let end = format!("{path}/{}/end", text(&exception, "/id"));
    world.tidegate.post(&end, &Value::Null).await.unwrap();
    let again = alice.shares_publicly(&kit);
    let incident = world.incident_of(&again.event).await;
    assert_eq!(
        text(&incident, "/status"),
        "new",
        "it has ended: {incident}"
    );
    world.ends_at_rest().await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "an administrator has a clock, too"
)]
fn in_a_week() -> String {
    let until = chrono::Utc::now() + chrono::TimeDelta::days(7);
    until.to_rfc3339()
}
