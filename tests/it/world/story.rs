//! The first story: a document with payment cards behind a public link, from the user's click to the analyst's decision.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use toy_cloud::{Role, Visibility};

use super::administration::remedies;
use super::cloud::{CUSTOMERS, Link};
use super::{World, text};

/// The cards of customers.docx; two of them stand in it with spaces, one over two runs of text.
const CARDS: [&str; 5] = [
    "4539526018159083",
    "5412301661318603",
    "4716913909960305",
    "6011824628194828",
    "5286199351819093",
];

/// The document of the story, as it was before anything was done about it.
struct Customers {
    id: String,
    file: Value,
    shares: BTreeSet<(String, String)>,
    /// A link for colleagues, which nobody minds.
    inside: Link,
    /// The link that violates.
    public: Link,
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_document_with_cards_behind_a_public_link_is_quarantined_and_comes_back_as_it_was()
 {
    let world = World::new(1).await;
    world.connects("Acme", "acme", "push").await;
    world.forbids_cards_behind_links().await;
    let before = alice_shares_customers(&world);
    let incident = world.incident_of(&before.public.event).await;
    is_quarantined(&world, &incident, &before).await;
    is_given_back(&world, &incident).await;
    is_as_it_was(&world, &before).await;
    // What the platform did, the link made again included, is recorded as its own and violates nothing.
    assert_eq!(world.all("incidents").await.unwrap().len(), 1);
    no_file_says_a_card(&world);
    world.ends_at_rest().await;
}

fn alice_shares_customers(world: &World) -> Customers {
    let alice = world.user("acme", "alice");
    let id = alice.uploads("customers.docx", CUSTOMERS);
    alice.shares_with(&id, "bob", Role::Viewer);
    alice.shares_with(&id, "gus@partner.example", Role::Editor);
    let inside = alice.makes_a_link(&id, Visibility::Organization);
    let public = alice.shares_publicly(&id);
    Customers {
        file: world.file("acme", &id).unwrap(),
        shares: world.shares("acme", &id),
        id,
        inside,
        public,
    }
}

async fn is_quarantined(world: &World, incident: &Value, before: &Customers) {
    assert_eq!(text(incident, "/number"), "DLP-1");
    assert_eq!(text(incident, "/severity"), "critical");
    assert_eq!(
        remedies(incident),
        ["remove_link: done", "quarantine: done"]
    );
    assert_eq!(incident["evidence"].as_array().unwrap().len(), CARDS.len());
    says_no_card(&incident.to_string());
    assert_eq!(world.visit(&before.public.url).await.status, 404);
    let held = world.file("acme", &before.id).unwrap();
    assert_eq!(held["restricted"], true);
    assert_eq!(text(&held, "/path"), "/Tidegate quarantine/customers.docx");
    let alice = world.user("acme", "alice");
    assert!(
        alice.downloads(&before.id).is_err(),
        "its owner reads it in quarantine"
    );
    assert_eq!(world.quarantined_for(incident).await["state"], "held");
}

async fn is_given_back(world: &World, incident: &Value) {
    let item = world.quarantined_for(incident).await;
    let path = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
    let restored = world.has_done(&path).await;
    assert_eq!(restored["state"], "done", "{restored}");
    let report = json!({"restored": ["path", "shares", "links", "content"], "not_restored": []});
    assert_eq!(restored["restoration"], report);
    assert_eq!(world.quarantined_for(incident).await["state"], "restored");
    let again = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(again.status, 409, "what is restored is not held any more");
}

async fn is_as_it_was(world: &World, before: &Customers) {
    let after = world.file("acme", &before.id).unwrap();
    for what in ["/path", "/sha256", "/owner/id", "/parent_id", "/version"] {
        assert_eq!(after.pointer(what), before.file.pointer(what), "{what}");
    }
    assert_eq!(world.shares("acme", &before.id), before.shares);
    let links = [&before.inside, &before.public].map(|link| link.url.clone());
    assert_eq!(world.links("acme", &before.id), links.into());
    let visited = world.visit(&before.public.url).await;
    assert_eq!(visited.body, CUSTOMERS, "the same link, the same bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_quarantined_can_be_deleted_for_good() {
    let world = World::new(2).await;
    world.connects("Acme", "acme", "push").await;
    world.forbids_cards_behind_links().await;
    let carol = world.user("acme", "carol");
    let file = carol.uploads("customers.docx", CUSTOMERS);
    let link = carol.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    let item = world.quarantined_for(&incident).await;
    let path = format!("/api/v1/quarantine/{}/delete", text(&item, "/id"));
    let purged = world.has_done(&path).await;
    assert_eq!(purged["state"], "done", "{purged}");
    assert_eq!(world.file("acme", &file), None);
    assert_eq!(world.quarantined_for(&incident).await["state"], "deleted");
    let restore = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
    let refused = world.call(Method::POST, &restore, &Value::Null).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    world.ends_at_rest().await;
}

fn says_no_card(said: &str) {
    for card in CARDS {
        let groups: Vec<&str> = (0..4)
            .map(|group| &card[group * 4..group * 4 + 4])
            .collect();
        for written in [card.to_owned(), groups.join(" "), groups.join("-")] {
            assert!(
                !said.contains(&written),
                "`{written}` is said in plain text"
            );
        }
    }
}

/// INVARIANT: plain text of a finding is never stored, neither in the store nor in the log.
fn no_file_says_a_card(world: &World) {
    let mut files = 0;
    let mut folders = vec![world.kept().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                says_no_card(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
                files += 1;
            }
        }
    }
    // On servers, store and log are elsewhere.
    let files_min = if world.config.store.starts_with("sqlite:") {
        3
    } else {
        1
    };
    assert!(
        files >= files_min,
        "{files} files are not all of the store and the log"
    );
}
