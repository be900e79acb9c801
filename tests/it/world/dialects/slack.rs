//! Slack: an audit log read newest first with overlapping spans, public links taken away and given back, files deleted for good.

use serde_json::{Value, json};

use super::Dialect;
use crate::world::administration::remedies;
use crate::world::cloud::CUSTOMERS;
use crate::world::{World, text};

const SLACK: Dialect = Dialect {
    service: "slack",
    shorter: &[
        ("every: 30s", "every: 200ms"),
        ("requests: 40, per: 60s", "requests: 4000, per: 60s"),
    ],
};

impl World {
    /// A Slack organisation that is watched. Gives the connection's id.
    async fn watches_slack(&self) -> String {
        let params = json!({"internal_domains": "acme.example", "app_id": "A0TIDE"});
        let id = self.creates_of("slack", params).await;
        self.consents_to(&id, "acme").await;
        assert_eq!(text(&self.connection(&id).await, "/tenant_id"), "acme");
        self.enables(&id, "acme", "pull").await;
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_brings_late_events_once_and_a_public_link_is_taken_away_and_given_back() {
    let world = World::speaking(71, SLACK).await;
    world
        .the_service_misbehaves(json!({"events": {"lag_ms": 400, "reorder": 0.4}}))
        .await;
    let id = world.watches_slack().await;
    let responses = json!([{"kind": "remove_link"}]);
    let rule = "_share.public and _content.has('credit-card')";
    world.saves_policy("Cards", rule, responses).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);

    let incident = world.incident_of(&link.event).await;
    assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
    let activity = &incident["activity"];
    assert_eq!(text(activity, "/event_name"), "file_public_link_created");
    assert_eq!(text(activity, "/visibility"), "public");
    assert_eq!(world.links("acme", &file).len(), 0);

    // toy-cloud makes a new link: that it has another address is said.
    let undone = world.undoes(&incident, "remove_link").await;
    let report = json!({"restored": [], "not_restored": ["links: it is not as it was before"]});
    assert_eq!(undone["restoration"], report, "{undone}");
    assert_eq!(world.links("acme", &file).len(), 1);
    assert_eq!(world.all("incidents").await.unwrap().len(), 1);

    world.disables(&id).await;
    let since = world.ledger_end();
    alice.logs_in();
    assert_eq!(world.our_requests(since, "acme"), Vec::<Value>::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_slack_is_deleted_for_good() {
    let world = World::speaking(72, SLACK).await;
    world.watches_slack().await;
    let responses = json!([{"kind": "delete"}]);
    world
        .saves_policy("Links", "_share.public", responses)
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(remedies(&incident), ["delete: done"], "{incident}");
    assert_eq!(world.file("acme", &file), None);
    world.ends_at_rest().await;
}
