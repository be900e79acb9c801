//! Nextcloud: consent, an account's activity late and repeated, a public link that somebody else made, quarantine of the file behind
//! it, what of that can be undone, and disabling.

use serde_json::{Value, json};
use toy_cloud::Role;

use super::super::administration::remedies;
use super::super::cloud::CUSTOMERS;
use super::super::{World, text};
use super::Dialect;

const NEXTCLOUD: Dialect = Dialect {
    service: "nextcloud",
    shorter: &[("every: 5s", "every: 200ms")],
};
const ADDRESS: &str = "https://cloud.nextcloud.example";

impl World {
    /// A connection with the service at that address, which awaits consent or, where none is needed, is authorised.
    pub(super) async fn creates_at(&self, service: &str, address: &str, params: Value) -> String {
        let new = json!({
            "service": service,
            "name": format!("A tenant of {service}"),
            "params": params,
            "client": {"id": "tidegate", "secret": "toy-secret"},
            "base_url": address,
        });
        let created = self.tidegate.post("/api/v1/connections", &new).await;
        text(&created.unwrap(), "/id").to_owned()
    }

    /// Switches the feed on. Not everything that happens is told by such a service: it is not waited for in the end.
    pub(super) async fn enables_dialect(&self, id: &str, feed: &str) {
        let enabled = self.asks_to_enable(id, feed).await;
        assert_eq!(enabled.status, 200, "{}", enabled.text());
        assert_eq!(enabled.json()["state"], "enabled");
    }
}

/// Nextcloud counts what toy-cloud gives an id in hexadecimal.
fn activity_id(event: &str) -> String {
    let digits = event.strip_prefix("evt_").unwrap();
    u64::from_str_radix(digits, 16).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_nextcloud_a_document_behind_a_link_is_found_by_the_share_and_set_aside() {
    let world = World::speaking(41, NEXTCLOUD).await;
    let id = world.creates_at("nextcloud", ADDRESS, json!({})).await;
    world.consents_to(&id, "acme").await;
    world.enables_dialect(&id, "pull").await;
    world.forbids_cards_behind_links().await;
    world
        .the_service_misbehaves(
            json!({"events": {"lag_ms": 300, "repeat": 0.5, "short_page": 0.3}}),
        )
        .await;

    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    alice.shares_with(&file, "bob", Role::Editor);
    let link = alice.shares_publicly(&file);
    let before = world.file("acme", &file).unwrap();

    let incident = world.incident_of(&activity_id(&link.event)).await;
    assert_eq!(
        remedies(&incident),
        ["remove_link: done", "quarantine: done"],
        "{incident}"
    );
    let activity = &incident["activity"];
    assert_eq!(text(activity, "/event_name"), "reshared_link_by");
    assert_eq!(activity["object_id"], file.trim_start_matches("f_"));
    assert_eq!(activity["visibility"], "public");
    assert_eq!(activity["shared_link"], link.url.as_str());
    assert_eq!(
        activity["target_user_id"],
        Value::Null,
        "bob has a share of his own"
    );
    let held = world.file("acme", &file).unwrap();
    assert_eq!(held["restricted"], true, "{held}");
    assert!(world.shares("acme", &file).is_empty());
    assert!(world.links("acme", &file).is_empty());

    // Path and shares come back; the link would have another address, and that is said.
    let item = world.quarantined_for(&incident).await;
    let restored = world
        .has_done(&format!(
            "/api/v1/quarantine/{}/restore",
            text(&item, "/id")
        ))
        .await;
    assert_eq!(restored["state"], "done", "{restored}");
    let lost = restored["restoration"]["not_restored"].to_string();
    assert!(lost.contains("links"), "{restored}");
    let after = world.file("acme", &file).unwrap();
    for what in ["/path", "/sha256", "/owner/id"] {
        assert_eq!(after.pointer(what), before.pointer(what), "{what}");
    }
    let shares: Vec<_> = world.shares("acme", &file).into_iter().collect();
    assert_eq!(
        shares,
        [("bob@acme.example".to_owned(), "editor".to_owned())]
    );

    world.disables(&id).await;
    let end = world.ledger_end();
    alice.uploads("after.docx", CUSTOMERS);
    assert_eq!(world.all("incidents").await.unwrap().len(), 1);
    assert_eq!(world.our_requests(end, "acme"), Vec::<Value>::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nextcloud_pushes_each_class_of_event_and_a_change_is_recorded_once() {
    let world = World::speaking(44, NEXTCLOUD).await;
    let id = world.creates_at("nextcloud", ADDRESS, json!({})).await;
    world.consents_to(&id, "acme").await;
    world.enables_dialect(&id, "push").await;
    assert_eq!(world.cloud.model().summary().active_registrations, 6);
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let number = file.trim_start_matches("f_").to_owned();
    alice.downloads(&file).unwrap();
    alice.moves_to_the_trash(&file);
    let names = world
        .until("reading and deletion to be told", || async {
            let all = world.all(&format!("activities?object_id={number}")).await?;
            let names: Vec<String> = all
                .iter()
                .map(|one| text(one, "/event_type").to_owned())
                .collect();
            Ok((names.len() >= 3).then_some(names))
        })
        .await;
    for expected in ["data_creation", "data_access", "data_deletion"] {
        assert_eq!(
            names.iter().filter(|name| *name == expected).count(),
            1,
            "{names:?}"
        );
    }
    world.disables(&id).await;
    assert_eq!(world.cloud.model().summary().active_registrations, 0);
    world.ends_at_rest().await;
}
