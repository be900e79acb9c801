//! Dropbox: a log without ids behind a cursor in the body, actions as the member who shared, quarantine in a team folder.

use serde_json::{Value, json};
use toy_cloud::Role;

use super::Dialect;
use crate::world::administration::{is_final, policy, remedies};
use crate::world::cloud::{CUSTOMERS, PAYROLL};
use crate::world::{World, text};

const DROPBOX: Dialect = Dialect {
    service: "dropbox",
    shorter: &[("every: 15s", "every: 200ms")],
};

impl World {
    /// A Dropbox team that is watched. Gives the connection's id.
    async fn watches_dropbox(&self) -> String {
        let params = json!({"internal_domains": "acme.example", "own_app_id": "dbaid:tidegate"});
        let id = self.creates_of("dropbox", params).await;
        self.consents_to(&id, "acme").await;
        assert_eq!(text(&self.connection(&id).await, "/tenant_id"), "acme");
        let enabled = self.asks_to_enable(&id, "pull").await;
        assert_eq!(enabled.status, 200, "{}", enabled.text());
        id
    }

    /// The one incident about a file, once nothing is left to do on it: Dropbox's events have no ids to ask for.
    pub(super) async fn incident_about(&self, file: &str) -> Value {
        self.until(&format!("the settled incident about {file}"), || async {
            let mut about = self.all("incidents").await?;
            about.retain(|incident| incident["activity"]["object_id"] == format!("id:{file}"));
            assert!(about.len() <= 1, "{about:?}");
            let is_settled = |incident: &Value| {
                let remedies = incident["remedies"].as_array().unwrap();
                !remedies.is_empty() && remedies.iter().all(is_final)
            };
            Ok(about.into_iter().find(is_settled))
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropbox_brings_late_and_repeated_events_once_and_gives_back_what_was_quarantined() {
    let world = World::speaking(81, DROPBOX).await;
    world
        .the_service_misbehaves(json!({"events": {
            "lag_ms": 300, "repeat": 0.5, "reorder": 0.3, "short_page": 0.3, "empty_page": 0.2,
        }}))
        .await;
    let id = world.watches_dropbox().await;
    world.forbids_cards_behind_links().await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let before = world.file("acme", &file).unwrap();
    let link = alice.shares_publicly(&file);

    let incident = world.incident_about(&file).await;
    assert_eq!(
        remedies(&incident),
        ["remove_link: done", "quarantine: done"],
        "{incident}"
    );
    assert_eq!(text(&incident["activity"], "/shared_link"), link.url);
    assert_eq!(world.file("acme", &file).unwrap()["restricted"], true);
    assert_eq!(world.visit(&link.url).await.status, 404);

    let item = world.quarantined_for(&incident).await;
    let path = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
    let restored = world.has_done(&path).await;
    // The link, which was removed before, is made again under another address.
    let report = json!({
        "restored": ["path", "links"],
        "not_restored": ["links: it is not as it was before"],
    });
    assert_eq!(restored["restoration"], report, "{restored}");
    let after = world.file("acme", &file).unwrap();
    for what in ["path", "sha256", "owner"] {
        assert_eq!(after[what], before[what], "{what}");
    }

    world.disables(&id).await;
    let since = world.ledger_end();
    alice.logs_in();
    assert_eq!(world.our_requests(since, "acme"), Vec::<Value>::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_members_and_files_of_dropbox_can_be_undone() {
    let world = World::speaking(82, DROPBOX).await;
    world.watches_dropbox().await;
    let rows = [
        (
            json!({"kind": "remove_collaborator"}),
            "remove_collaborator",
        ),
        (
            json!({"kind": "downgrade_role", "role": "viewer"}),
            "downgrade_role",
        ),
        (json!({"kind": "delete"}), "delete"),
    ];
    for (response, kind) in &rows {
        let rule = format!(
            "_share.hasUsersFromDomain('partner.example') and _share.pathContains('{kind}')"
        );
        let made = policy(kind, &rule, json!([response]));
        world
            .tidegate
            .post("/api/v1/policies", &made)
            .await
            .unwrap();
    }
    for (_, kind) in &rows {
        let alice = world.user("acme", "alice");
        let file = alice.uploads(kind, PAYROLL);
        alice.shares_with(&file, "gus@partner.example", Role::Editor);
        let shares = world.shares("acme", &file);
        let incident = world.incident_about(&file).await;
        assert_eq!(remedies(&incident), [format!("{kind}: done")], "{incident}");
        let undone = world.undoes(&incident, kind).await;
        assert_eq!(undone["restoration"]["not_restored"], json!([]), "{undone}");
        assert_eq!(world.shares("acme", &file), shares, "{kind}");
        assert_eq!(world.file("acme", &file).unwrap()["trashed"], false);
    }
    world.ends_at_rest().await;
}
