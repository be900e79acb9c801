//! Google Workspace: pages newest first with late activities, channels that tell at once, a service account that acts for an
//! administrator, sharing taken away and given back, quarantine and its undoing.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use toy_cloud::Role;

use super::Dialect;
use crate::world::administration::remedies;
use crate::world::cloud::{CUSTOMERS, PAYROLL};
use crate::world::vaulting::sha256;
use crate::world::{World, text};

const GOOGLE: Dialect = Dialect {
    service: "google-workspace",
    shorter: &[
        ("every: 15s", "every: 300ms"),
        ("every: 30s", "every: 2s"),
        ("every: 5m", "every: 2s"),
        ("requests: 2000", "requests: 100000"),
    ],
};
/// The service account's key.
const KEY: &str = include_str!("../../../../libs/connector/src/oauth/test-key.pem");

impl World {
    /// A connection to a Google customer. Gives its id.
    async fn creates_google(&self) -> String {
        let new = json!({
            "service": "google-workspace",
            "name": "Acme at Google",
            "params": {"admin_email": "admin@acme.example", "internal_domains": "acme.example", "quarantine_folder_id": "quarantine"},
            "client": {"id": "tidegate", "secret": KEY},
        });
        let created = self.tidegate.post("/api/v1/connections", &new).await;
        text(&created.unwrap(), "/id").to_owned()
    }

    /// A Google customer that is watched by pull. Gives the connection's id.
    async fn watches_google(&self) -> String {
        let id = self.creates_google().await;
        self.enables(&id, "acme", "pull").await;
        id
    }

    /// What Google's connector calls an event of toy-cloud's.
    fn google_id(&self, event: &str) -> String {
        let activities = self.cloud.model().activities("acme").unwrap();
        let activity = activities.iter().find(|activity| activity.id == event);
        let activity = json!(activity.unwrap());
        let application = match text(&activity, "/category") {
            "authentication" => "login",
            "administration" => "token",
            _ => "drive",
        };
        let at = text(&activity, "/occurred_at");
        format!("{at}/{event}/{application}/0")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn google_brings_late_activities_once_and_gives_back_what_was_quarantined() {
    let world = World::speaking(81, GOOGLE).await;
    let late = json!({"events": {"lag_ms": 400}});
    world.the_service_misbehaves(late).await;
    let before = world.events_of("acme");
    let id = world.watches_google().await;
    world.forbids_cards_behind_links().await;
    let alice = world.user("acme", "alice");
    alice.logs_in();
    let file = alice.uploads("customers.docx", CUSTOMERS);
    alice.shares_with(&file, "gus@partner.example", Role::Editor);
    let shares = world.shares("acme", &file);
    let as_it_was = world.file("acme", &file).unwrap();
    let link = alice.shares_publicly(&file);

    let incident = world.incident_of(&world.google_id(&link.event)).await;
    let done = ["remove_link: done", "quarantine: done"];
    assert_eq!(remedies(&incident), done, "{incident}");
    let activity = &incident["activity"];
    assert_eq!(text(activity, "/event_name"), "change_document_visibility");
    assert_eq!(text(activity, "/tenant_id"), "acme");
    let held = world.file("acme", &file).unwrap();
    assert_eq!(held["restricted"], true);
    assert_eq!(world.shares("acme", &file).len(), 0);
    assert_eq!(world.visit(&link.url).await.status, 404);

    let item = world.quarantined_for(&incident).await;
    let path = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
    let restored = world.has_done(&path).await;
    let report = json!({"restored": ["path", "shares", "links", "content"], "not_restored": []});
    assert_eq!(restored["restoration"], report, "{restored}");
    assert_eq!(world.shares("acme", &file), shares);
    let after = world.file("acme", &file).unwrap();
    for what in ["path", "sha256", "owner"] {
        assert_eq!(after[what], as_it_was[what], "{what}");
    }

    let all: BTreeSet<String> = world
        .events_of("acme")
        .difference(&before)
        .cloned()
        .collect();
    world
        .until("every activity", || async {
            let kept = world.all("activities").await?;
            let kept: BTreeSet<&str> = kept.iter().map(|one| text(one, "/event_id")).collect();
            let has = |event: &String| kept.contains(world.google_id(event).as_str());
            Ok(all.iter().all(has).then_some(()))
        })
        .await;
    world.disables(&id).await;
    let since = world.ledger_end();
    alice.logs_in();
    assert_eq!(world.our_requests(since, "acme"), Vec::<Value>::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_permissions_links_and_files_of_google_can_be_undone() {
    let world = World::speaking(82, GOOGLE).await;
    let id = world.watches_google().await;
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
        let rule =
            format!("_share.hasUsersFromDomain('partner.example') and _file.name == '{kind}'");
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
        let incident = world.incident_of(&world.google_id(&event)).await;
        assert_eq!(remedies(&incident), [format!("{kind}: done")], "{incident}");
        let undone = world.undoes(&incident, kind).await;
        assert_eq!(undone["restoration"]["not_restored"], json!([]), "{undone}");
        assert_eq!(world.shares("acme", &file), shares, "{kind}");
        assert_eq!(world.file("acme", &file).unwrap()["trashed"], false);
    }
    let file = alice.uploads("open.txt", b"plan");
    let open = alice.shares_publicly(&file);
    let incident = world.incident_of(&world.google_id(&open.event)).await;
    assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
    assert_eq!(world.links("acme", &file).len(), 0);
    let undone = world.undoes(&incident, "remove_link").await;
    assert_eq!(undone["restoration"]["not_restored"], json!([]), "{undone}");
    assert_eq!(world.links("acme", &file).len(), 1, "it is open again");
    world.disables(&id).await;
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_tells_its_channels_at_once_and_they_end_with_the_connection() {
    let world = World::speaking(83, GOOGLE).await;
    let id = world.creates_google().await;
    world.enables_dialect(&id, "push").await;
    let channels = || world.cloud.model().summary().active_registrations;
    assert_eq!(channels(), 20, "one for each application");
    world.forbids_cards_behind_links().await;
    // The feed says nothing for a minute: what is known before was pushed.
    let late = json!({"events": {"lag_ms": 60_000}});
    world.the_service_misbehaves(late).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&world.google_id(&link.event)).await;
    let done = ["remove_link: done", "quarantine: done"];
    assert_eq!(remedies(&incident), done, "{incident}");
    assert_eq!(world.visit(&link.url).await.status, 404);
    assert_eq!(world.file("acme", &file).unwrap()["restricted"], true);
    world.disables(&id).await;
    assert_eq!(channels(), 0);
    world.ends_at_rest().await;
}

/// A file of Drive goes into the vault and comes back, with a tombstone and without one; what is written over the tombstone stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_drive_goes_into_the_vault_and_comes_back() {
    let world = World::speaking(88, GOOGLE).await;
    let id = world.watches_google().await;
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let alice = world.user("acme", "alice");
    for tombstone in ["{name} is away", "none"] {
        let file = alice.uploads("plan.txt", b"an earlier plan");
        alice.updates(&file, "the plan");
        alice.shares_with(&file, "gus@partner.example", Role::Editor);
        let shares = world.shares("acme", &file);
        let link = alice.shares_publicly(&file);
        let incident = world.incident_of(&world.google_id(&link.event)).await;
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
    let incident = world.incident_of(&world.google_id(&link.event)).await;
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
    world.disables(&id).await;
    world.ends_at_rest().await;
}
