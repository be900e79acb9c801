//! Box: pulled with late and repeated events, links and shares taken away and given back as their owner, quarantine and its undoing.

use serde_json::{Value, json};
use toy_cloud::Role;

use super::Dialect;
use crate::world::administration::{policy, remedies};
use crate::world::cloud::{CUSTOMERS, PAYROLL};
use crate::world::vaulting::sha256;
use crate::world::{World, text};

const BOX: Dialect = Dialect {
    service: "box",
    shorter: &[("every: 10s", "every: 200ms")],
};

impl World {
    /// A Box enterprise that is watched. Gives the connection's id.
    async fn watches_box(&self) -> String {
        let params = json!({"internal_domains": "acme.example", "own_service_name": "Tidegate"});
        let id = self.creates_of("box", params).await;
        self.consents_to(&id, "acme").await;
        assert_eq!(
            text(&self.connection(&id).await, "/tenant_id"),
            "acme",
            "the enterprise is asked for"
        );
        self.enables(&id, "acme", "pull").await;
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn box_brings_late_and_repeated_events_once_and_gives_back_what_was_quarantined() {
    let world = World::speaking(61, BOX).await;
    world
        .the_service_misbehaves(json!({"events": {
            "lag_ms": 300, "repeat": 0.5, "reorder": 0.3, "short_page": 0.3, "empty_page": 0.2,
        }}))
        .await;
    let id = world.watches_box().await;
    world.forbids_cards_behind_links().await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let shared = alice.shares_with(&file, "gus@partner.example", Role::Editor);
    // Before there is a link: what is asked for later is what is so then.
    world.activity_of(&shared).await;
    let shares = world.shares("acme", &file);
    let before = world.file("acme", &file).unwrap();
    let link = alice.shares_publicly(&file);

    let incident = world.incident_of(&link.event).await;
    assert_eq!(
        remedies(&incident),
        ["remove_link: done", "quarantine: done"],
        "{incident}"
    );
    let activity = &incident["activity"];
    assert_eq!(text(activity, "/event_name"), "SHARE");
    assert_eq!(text(activity, "/visibility"), "public");
    assert_eq!(
        incident["provenance"]["visibility"], "enriched",
        "the event does not say it"
    );
    let held = world.file("acme", &file).unwrap();
    assert_eq!(held["restricted"], true);
    assert_eq!(world.shares("acme", &file).len(), 0);
    assert_eq!(world.visit(&link.url).await.status, 404);

    let item = world.quarantined_for(&incident).await;
    let path = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
    let restored = world.has_done(&path).await;
    // The link, which was removed before, is made again under another address.
    let report = json!({
        "restored": ["path", "shares", "links"],
        "not_restored": ["links: it is not as it was before"],
    });
    assert_eq!(restored["restoration"], report, "{restored}");
    assert_eq!(world.shares("acme", &file), shares);
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
async fn what_is_done_to_collaborations_and_files_of_box_can_be_undone() {
    let world = World::speaking(62, BOX).await;
    world.watches_box().await;
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
        let event = alice.shares_with(&file, "gus@partner.example", Role::Editor);
        let shares = world.shares("acme", &file);
        let incident = world.incident_of(&event).await;
        assert_eq!(remedies(&incident), [format!("{kind}: done")], "{incident}");
        let undone = world.undoes(&incident, kind).await;
        assert_eq!(undone["restoration"]["not_restored"], json!([]), "{undone}");
        assert_eq!(world.shares("acme", &file), shares, "{kind}");
        assert_eq!(world.file("acme", &file).unwrap()["trashed"], false);
    }
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_box_that_is_made_again_has_another_address_and_the_undoing_says_so() {
    let world = World::speaking(63, BOX).await;
    world.watches_box().await;
    let responses = json!([{"kind": "remove_link"}]);
    world
        .saves_policy("Links", "_share.public", responses)
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
    let undone = world.undoes(&incident, "remove_link").await;
    let report = json!({"restored": [], "not_restored": ["links: it is not as it was before"]});
    assert_eq!(undone["restoration"], report, "{undone}");
    assert_eq!(world.links("acme", &file).len(), 1, "it is public again");
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_shares_and_owners_of_box_are_changed_and_changed_back() {
    let world = World::speaking(64, BOX).await;
    world.watches_box().await;
    let rows = [
        json!({"kind": "expire_link", "after_hours": 48}),
        json!({"kind": "set_link_scope", "scope": "people_in_company"}),
        json!({"kind": "remove_external_collaborators"}),
        json!({"kind": "transfer_owner", "new_owner": "carol@acme.example"}),
    ];
    for response in &rows {
        let kind = text(response, "/kind");
        // The event of the link only: an earlier share, asked about later, has the link too.
        let rule = format!("_activity.event_name == 'SHARE' and _share.pathContains('{kind}')");
        world.saves_policy(kind, &rule, json!([response])).await;
    }
    let alice = world.user("acme", "alice");
    for response in &rows {
        let kind = text(response, "/kind");
        let file = alice.uploads(kind, PAYROLL);
        alice.shares_with(&file, "bob", Role::Editor);
        alice.shares_with(&file, "gus@partner.example", Role::Viewer);
        let link = alice.shares_publicly(&file);
        let shown = || {
            let links = world.cloud.model().links("acme", &file).unwrap();
            let owner = world.file("acme", &file).unwrap()["owner"].clone();
            json!([owner, links, world.shares("acme", &file)])
        };
        let before = shown();
        let incident = world.incident_of(&link.event).await;
        assert_eq!(remedies(&incident), [format!("{kind}: done")], "{incident}");
        assert_ne!(shown(), before, "{kind}");
        let undone = world.undoes(&incident, kind).await;
        assert_eq!(undone["restoration"]["not_restored"], json!([]), "{undone}");
        assert_eq!(shown(), before, "{kind}");
    }
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_private_in_box_is_shared_again_by_undoing_it() {
    let world = World::speaking(65, BOX).await;
    world.watches_box().await;
    let responses = json!([{"kind": "make_private"}]);
    let rule = "_activity.event_name == 'SHARE'";
    world.saves_policy("Links", rule, responses).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    alice.shares_with(&file, "bob", Role::Editor);
    let shares = world.shares("acme", &file);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(remedies(&incident), ["make_private: done"], "{incident}");
    assert_eq!(world.links("acme", &file).len(), 0);
    assert_eq!(world.shares("acme", &file).len(), 0);
    let undone = world.undoes(&incident, "make_private").await;
    let report =
        json!({"restored": ["shares"], "not_restored": ["links: it is not as it was before"]});
    assert_eq!(undone["restoration"], report, "{undone}");
    assert_eq!(world.shares("acme", &file), shares);
    world.ends_at_rest().await;
}

/// A file of Box goes into the vault and comes back, with a tombstone and without one; what is written over the tombstone stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_box_goes_into_the_vault_and_comes_back() {
    let world = World::speaking(66, BOX).await;
    world.watches_box().await;
    world
        .saves_policy("Links", "_activity.event_name == 'SHARE'", json!([]))
        .await;
    let alice = world.user("acme", "alice");
    for tombstone in ["{name} is away", "none"] {
        let file = alice.uploads("plan.txt", b"an earlier plan");
        alice.updates(&file, "the plan");
        alice.shares_with(&file, "gus@partner.example", Role::Editor);
        let shares = world.shares("acme", &file);
        let link = alice.shares_publicly(&file);
        let incident = world.incident_of(&link.event).await;
        let response = json!({"kind": "quarantine_to_vault", "tombstone": tombstone});
        let done = world.takes_into_vault(&incident, response.clone()).await;
        assert_eq!(done["state"], "done", "{done}");
        let left = world.file("acme", &file).unwrap();
        assert_eq!(left["trashed"], tombstone == "none", "{left}");
        let text_left = done["vaulted"]["tombstone"].as_str().unwrap();
        assert_eq!(left["sha256"], sha256(text_left), "{left}");
        let versions = left["versions"].as_array().unwrap();
        let taken = versions
            .iter()
            .any(|one| one["sha256"] == sha256("the plan"));
        assert!(!taken, "what was taken is not left as a version: {left}");
        assert_eq!(world.shares("acme", &file).len(), 0, "{left}");
        assert_eq!(world.links("acme", &file).len(), 0, "{left}");

        let restored = world.restores(&incident).await;
        let parts = restored["restoration"]["restored"].as_array();
        let parts: Vec<&str> = parts
            .unwrap_or_else(|| panic!("{restored}"))
            .iter()
            .filter_map(|part| part.as_str())
            .collect();
        assert!(parts.starts_with(&["content", "shares"]), "{restored}");
        let back = world.file("acme", &file).unwrap();
        assert_eq!(
            (&back["sha256"], &back["trashed"]),
            (&json!(sha256("the plan")), &json!(false))
        );
        assert_eq!(world.shares("acme", &file), shares);
        assert_eq!(world.links("acme", &file).len(), 1);
        assert_eq!(world.vault_items(), 0);
    }
    let file = alice.uploads("other.txt", b"the other plan");
    alice.shares_with(&file, "gus@partner.example", Role::Editor);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    let response = json!({"kind": "quarantine_to_vault"});
    let done = world.takes_into_vault(&incident, response).await;
    assert_eq!(done["state"], "done", "{done}");
    alice.updates(&file, "what came later");
    let restored = world.restores(&incident).await;
    assert_eq!(restored["restoration"]["restored"], json!([]), "{restored}");
    let after = world.file("acme", &file).unwrap();
    assert_eq!(after["sha256"], sha256("what came later"));
    assert_eq!(
        world.shares("acme", &file).len(),
        0,
        "nobody looked at what came later"
    );
    assert_eq!(world.links("acme", &file).len(), 0);
    assert_eq!(world.vault_items(), 1, "the vault has it yet");
    world.ends_at_rest().await;
}
