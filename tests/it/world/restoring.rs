//! Quarantine then restore is the identity on everything that the service lets us set: over random files, folders, shares,
//! links and owners.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use toy_cloud::{Act, Role, Verb, Visibility};

use super::{World, text};

/// Random objects that are tried.
const CASES: usize = 24;
/// Whom an object may be shared with.
const PEOPLE: [&str; 4] = [
    "bob",
    "carol",
    "gus@partner.example",
    "new@elsewhere.example",
];

/// How an object came to be as it is.
#[derive(Debug, Clone)]
struct Made {
    owner: usize,
    name: String,
    versions: usize,
    shares: Vec<(usize, usize)>,
    links: Vec<usize>,
}

fn made() -> impl Strategy<Value = Made> {
    let name = prop_oneof!["[a-z]{1,8}[.]txt", "[A-Z äöü€]{1,12}", "[0-9#%&+=]{1,10}"];
    let shares = prop::collection::vec((0..PEOPLE.len(), 0..2usize), 0..5);
    let links = prop::collection::vec(0..3usize, 0..4);
    (0..2usize, name, 0..3usize, shares, links).prop_map(
        |(owner, name, versions, shares, links)| Made {
            owner,
            name: format!("x{name}"),
            versions,
            shares,
            links,
        },
    )
}

impl World {
    /// Makes the object, and shares it publicly at last. Gives its id and the event of that.
    fn makes(&self, made: &Made) -> (String, String) {
        let user = self.user("acme", ["alice", "bob"][made.owner]);
        let file = user.uploads(&made.name, b"first");
        for version in 0..made.versions {
            let update = Act {
                verb: Verb::Update,
                file_id: Some(file.clone()),
                content: Some(format!("version {version}")),
                ..Act::default()
            };
            user.acts(update).unwrap();
        }
        for (with, role) in &made.shares {
            let share = Act {
                verb: Verb::Share,
                file_id: Some(file.clone()),
                with: Some(PEOPLE[*with].to_owned()),
                role: Some([Role::Viewer, Role::Editor][*role]),
                ..Act::default()
            };
            // Its owner needs no share: that is refused.
            let _ = user.acts(share);
        }
        for kind in &made.links {
            let kinds = [
                Visibility::Restricted,
                Visibility::Organization,
                Visibility::Public,
            ];
            user.makes_a_link(&file, kinds[*kind]);
        }
        let last = user.shares_publicly(&file);
        (file, last.event)
    }

    /// Everything about an object that the service lets us set, and its content.
    fn settable(&self, file: &str) -> Value {
        let model = self.cloud.model();
        let shown = self.file("acme", file).unwrap();
        let of = |name: &str| shown[name].clone();
        json!({
            "path": of("path"), "name": of("name"), "parent_id": of("parent_id"), "owner": of("owner"),
            "sha256": of("sha256"), "versions": of("versions"), "trashed": of("trashed"),
            "restricted": of("restricted"),
            "shares": model.permissions("acme", file).unwrap(),
            "links": model.links("acme", file).unwrap(),
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantine_then_restore_gives_back_everything_that_can_be_set() {
    let world = World::new(111).await;
    world.connects("Acme", "acme", "push").await;
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
    );
    for case in 0..CASES {
        let mut made = made().new_tree(&mut runner).unwrap().current();
        made.name = format!("{case} {}", made.name);
        let (file, event) = world.makes(&made);
        let before = world.settable(&file);
        let incident = world.incident_of(&event).await;
        let path = format!("/api/v1/incidents/{}/remedies", text(&incident, "/id"));
        let done = world
            .has_done_with(&path, &json!({"kind": "quarantine"}))
            .await;
        assert_eq!(done["state"], "done", "{made:?}: {done}");
        let held = world.settable(&file);
        assert_eq!(held["restricted"], true, "{made:?}");
        assert_eq!(
            (&held["shares"], &held["links"]),
            (&json!([]), &json!([])),
            "{made:?}"
        );
        let item = world.quarantined_for(&incident).await;
        let path = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
        let restored = world.has_done(&path).await;
        let report =
            json!({"restored": ["path", "shares", "links", "content"], "not_restored": []});
        assert_eq!(restored["restoration"], report, "{made:?}: {restored}");
        assert_eq!(world.settable(&file), before, "{made:?}");
    }
    world.ends_at_rest().await;
}
