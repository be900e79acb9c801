//! Microsoft 365: windows and blobs with late and repeated records, links and shares taken away, quarantine in another drive and its undoing.

use serde_json::{Value, json};
use toy_cloud::{Role, Visibility};

use super::Dialect;
use crate::world::administration::remedies;
use crate::world::cloud::{CUSTOMERS, PAYROLL};
use crate::world::{World, text};

const MICROSOFT_365: Dialect = Dialect {
    service: "microsoft-365",
    shorter: &[
        ("every: 1m", "every: 300ms"),
        ("requests: 1200", "requests: 100000"),
    ],
};
/// How the dialect calls acme's directory.
const DIRECTORY: &str = "61636d65-0000-0000-0000-000000000000";

impl World {
    /// A Microsoft 365 tenant that is watched. Gives the connection's id.
    async fn watches_microsoft_365(&self) -> String {
        let params = json!({"directory": DIRECTORY, "internal_domains": "acme.example", "quarantine_drive_id": "quarantine"});
        let id = self.creates_of("microsoft-365", params).await;
        self.enables(&id, "acme", "pull").await;
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn microsoft_365_brings_late_and_repeated_records_once_and_gives_back_what_was_quarantined() {
    let world = World::speaking(71, MICROSOFT_365).await;
    let late = json!({"events": {"lag_ms": 400}});
    world.the_service_misbehaves(late).await;
    let id = world.watches_microsoft_365().await;
    world.forbids_cards_behind_links().await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    alice.shares_with(&file, "gus@partner.example", Role::Editor);
    let link = alice.shares_publicly(&file);

    let incident = world.incident_of(&link.event).await;
    let done = ["remove_link: done", "quarantine: done"];
    assert_eq!(remedies(&incident), done, "{incident}");
    let activity = &incident["activity"];
    assert_eq!(text(activity, "/event_name"), "AnonymousLinkCreated");
    assert_eq!(text(activity, "/actor_email"), "alice@acme.example");
    assert_eq!(text(activity, "/tenant_id"), DIRECTORY);
    assert!(
        world.tokens("issued") >= 2,
        "each audience has a token of its own"
    );
    assert_eq!(text(activity, "/object_id"), file);
    assert_eq!(world.file("acme", &file).unwrap()["trashed"], true);
    assert_eq!(world.visit(&link.url).await.status, 404);

    let item = world.quarantined_for(&incident).await;
    let path = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
    let restored = world.has_done(&path).await;
    // The link is there again, under another address.
    let report = json!({
        "restored": ["path", "shares", "links", "content"],
        "not_restored": ["links: it is not as it was before"],
    });
    assert_eq!(restored["restoration"], report, "{restored}");

    let plan = alice.uploads("plan.txt", b"plan");
    let event = alice.shares_with(&plan, "gus@partner.example", Role::Viewer);
    let shared = world.activity_of(&event).await;
    assert_eq!(text(&shared, "/target_user_email"), "gus@partner.example");
    assert_eq!(text(&shared, "/target_user_type"), "external");
    world.disables(&id).await;
    let since = world.ledger_end();
    alice.logs_in();
    assert_eq!(world.our_requests(since, "acme"), Vec::<Value>::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_permissions_and_links_of_microsoft_365_is_seen_to_be_done() {
    let world = World::speaking(72, MICROSOFT_365).await;
    world.watches_microsoft_365().await;
    let rows = [
        (
            json!({"kind": "remove_collaborator"}),
            "remove_collaborator",
        ),
        (
            json!({"kind": "downgrade_role", "role": "viewer"}),
            "downgrade_role",
        ),
    ];
    for (response, kind) in &rows {
        let rule = format!(
            "_share.hasUsersFromDomain('partner.example') and _share.pathContains('{kind}')"
        );
        world.saves_policy(kind, &rule, json!([response])).await;
    }
    let responses = json!([{"kind": "remove_link"}]);
    world
        .saves_policy("Links", "_share.public", responses)
        .await;
    let alice = world.user("acme", "alice");
    for (_, kind) in &rows {
        let file = alice.uploads(kind, PAYROLL);
        let event = alice.shares_with(&file, "gus@partner.example", Role::Editor);
        let shares = world.shares("acme", &file);
        let incident = world.incident_of(&event).await;
        assert_eq!(remedies(&incident), [format!("{kind}: done")], "{incident}");
        assert_ne!(world.shares("acme", &file), shares, "{kind}");
        let undone = world.undoes(&incident, kind).await;
        assert_eq!(undone["restoration"]["not_restored"], json!([]), "{undone}");
        assert_eq!(world.shares("acme", &file), shares, "{kind}");
    }
    let file = alice.uploads("open.txt", b"plan");
    let inside = alice.makes_a_link(&file, Visibility::Restricted);
    let open = alice.shares_publicly(&file);
    let incident = world.incident_of(&open.event).await;
    assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
    assert_eq!(world.links("acme", &file), [inside.url].into());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_microsoft_365_can_be_deleted() {
    let world = World::speaking(73, MICROSOFT_365).await;
    world.watches_microsoft_365().await;
    let responses = json!([{"kind": "delete"}]);
    world
        .saves_policy("Plans", "_share.public", responses)
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let open = alice.shares_publicly(&file);
    let incident = world.incident_of(&open.event).await;
    assert_eq!(remedies(&incident), ["delete: done"], "{incident}");
    assert_eq!(world.file("acme", &file).unwrap()["trashed"], true);
    world.ends_at_rest().await;
}
