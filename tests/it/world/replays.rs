//! A policy tried on the past before it is used: the numbers are those of what happened, and nothing is done.

use serde_json::{Value, json};

use super::administration::policy;
use super::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_tried_on_what_happened_and_nothing_is_done() {
    let world = World::new(61).await;
    world.connects("Acme", "acme", "push").await;
    let saved = world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let alice = world.user("acme", "alice");
    let mut incidents = Vec::new();
    for name in ["one.txt", "two.txt", "plan.txt"] {
        let link = alice.shares_publicly(&alice.uploads(name, b"plan"));
        incidents.push(world.incident_of(&link.event).await);
    }
    let bob = world.user("acme", "bob");
    let shared = bob.shares_with(
        &bob.uploads("inside.txt", b"x"),
        "carol",
        toy_cloud::Role::Viewer,
    );
    world.activity_of(&shared).await;
    let before = world.our_effects();

    let narrower = policy(
        "Links",
        "_share.pathContains('plan') or not _share.public",
        json!([{"kind": "remove_link"}]),
    );
    let asked = json!({"document": narrower, "policy": saved["id"]});
    let begun = world
        .tidegate
        .post("/api/v1/policies/replay", &asked)
        .await
        .unwrap();
    let path = format!("/api/v1/replays/{}", text(&begun, "/id"));
    let ended = world
        .until("the trial is done", || async {
            let job = world.tidegate.get(&path).await?;
            Ok((job["state"] == "done").then_some(job))
        })
        .await;
    let report = &ended["report"];
    assert_eq!(
        report["incidents"],
        json!({"added": 1, "gone": 2, "same": 1, "undecided": 0}),
        "{report}"
    );
    assert_eq!(
        report["actions"]["remove_link"],
        json!({"added": 2, "gone": 0})
    );
    assert_eq!(report["added"][0]["event_id"], json!(shared));
    let gone: Vec<&Value> = report["gone"].as_array().unwrap().iter().collect();
    assert!(
        gone.iter()
            .all(|one| incidents.iter().any(|i| i["id"] == one["incident"]))
    );
    assert_eq!(
        world.our_effects(),
        before,
        "nothing is done in the service"
    );
    assert_eq!(world.all("incidents").await.unwrap().len(), 3);
    world.ends_at_rest().await;
}
