//! GitHub: consent, the audit log late and in overlapping spans, a repository that was made public is made private again and public
//! by undoing that, a collaborator who loses and regains what was given, and disabling.

use serde_json::{Value, json};
use toy_cloud::Role;

use super::super::administration::{policy, remedies};
use super::super::cloud::CUSTOMERS;
use super::super::{World, text};
use super::Dialect;

const GITHUB: Dialect = Dialect {
    service: "github",
    shorter: &[("every: 30s", "every: 200ms")],
};

#[tokio::test(flavor = "multi_thread")]
async fn in_github_what_was_opened_is_closed_and_who_was_let_in_is_let_out() {
    let world = World::speaking(42, GITHUB).await;
    let params = json!({"org": "acme", "internal_domains": "acme.example"});
    let id = world.creates_of("github", params).await;
    world.consents_to(&id, "acme").await;
    world.enables_dialect(&id, "pull").await;
    for (name, rule, response) in [
        (
            "No repository with cards is public",
            "_share.public and _content.has('credit-card')",
            "remove_link",
        ),
        (
            "No partner is let in",
            "_share.hasUsersFromDomain('partner.example')",
            "remove_collaborator",
        ),
    ] {
        let wanted = policy(name, rule, json!([{"kind": response}]));
        world
            .tidegate
            .post("/api/v1/policies", &wanted)
            .await
            .unwrap();
    }
    world
        .the_service_misbehaves(json!({"events": {"lag_ms": 300, "reorder": 0.5}}))
        .await;

    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
    let activity = &incident["activity"];
    assert_eq!(text(activity, "/event_name"), "repo.access");
    assert_eq!(
        text(activity, "/shared_link"),
        format!("https://github.com/acme/{file}")
    );
    assert!(world.links("acme", &file).is_empty());
    let undone = world.undoes(&incident, "remove_link").await;
    assert_eq!(undone["state"], "done", "{undone}");
    assert_eq!(world.links("acme", &file).len(), 1, "public again");

    let file = alice.uploads("plan.txt", b"plan");
    let given = alice.shares_with(&file, "gus@partner.example", Role::Editor);
    let shares = world.shares("acme", &file);
    let incident = world.incident_of(&given).await;
    assert_eq!(
        remedies(&incident),
        ["remove_collaborator: done"],
        "{incident}"
    );
    let activity = &incident["activity"];
    assert_eq!(text(activity, "/event_name"), "repo.add_member");
    assert_eq!(text(activity, "/role"), "write");
    assert!(world.shares("acme", &file).is_empty());
    let undone = world.undoes(&incident, "remove_collaborator").await;
    assert_eq!(undone["restoration"]["not_restored"], json!([]), "{undone}");
    assert_eq!(world.shares("acme", &file), shares);

    world.disables(&id).await;
    let end = world.ledger_end();
    alice.uploads("after.docx", CUSTOMERS);
    assert_eq!(world.our_requests(end, "acme"), Vec::<Value>::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn github_pushes_with_a_signature_and_the_webhook_ends_with_the_connection() {
    let world = World::speaking(45, GITHUB).await;
    let params = json!({"org": "acme", "internal_domains": "acme.example"});
    let id = world.creates_of("github", params).await;
    world.consents_to(&id, "acme").await;
    world.enables_dialect(&id, "push").await;
    assert_eq!(world.cloud.model().summary().active_registrations, 1);
    let closed = json!([{"kind": "remove_link"}]);
    world
        .saves_policy("No repository is public", "_share.public", closed)
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    alice.shares_publicly(&file);
    let told = world
        .until("the publication to be told", || async {
            let all = world.all("activities").await?;
            let told = all
                .into_iter()
                .find(|one| one["event_name"] == "repository.publicized");
            Ok(told.filter(|one| one["visibility"] == "public"))
        })
        .await;
    let incident = world.incident_of(text(&told, "/event_id")).await;
    assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
    assert!(world.links("acme", &file).is_empty());
    world.disables(&id).await;
    assert_eq!(world.cloud.model().summary().active_registrations, 0);
    world.ends_at_rest().await;
}
