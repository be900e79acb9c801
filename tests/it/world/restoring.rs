//! Quarantine then restore is the identity on everything that the service lets us set: over random files, versions, shares,
//! links and owners, and over folders with everything below them.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use toy_cloud::{Act, Role, Verb, Visibility};

use super::cloud::User;
use super::{World, text};

/// Random objects that are tried.
const CASES: usize = 24;
/// Random folders that are tried.
const TREES: usize = 8;
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

/// What somebody did with a file.
fn fashions(user: &User<'_>, file: &str, made: &Made) {
    for version in 0..made.versions {
        let update = Act {
            verb: Verb::Update,
            file_id: Some(file.to_owned()),
            content: Some(format!("version {version}")),
            ..Act::default()
        };
        user.acts(update).unwrap();
    }
    for (with, role) in &made.shares {
        let share = Act {
            verb: Verb::Share,
            file_id: Some(file.to_owned()),
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
        user.makes_a_link(file, kinds[*kind]);
    }
}

impl World {
    /// Makes the object, and shares it publicly at last. Gives its id and the event of that.
    fn makes(&self, made: &Made) -> (String, String) {
        let user = self.user("acme", ["alice", "bob"][made.owner]);
        let file = user.uploads(&made.name, b"first");
        fashions(&user, &file, made);
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

/// A folder with folders in it, one in the other, and files in them.
#[derive(Debug, Clone)]
struct Tree {
    folders: usize,
    /// Each in which of the folders.
    files: Vec<(usize, Made)>,
    /// What becomes of the first folder.
    first: Made,
}

fn tree() -> impl Strategy<Value = Tree> {
    let files = prop::collection::vec((0..4_usize, made()), 1..5);
    (1..4_usize, files, made()).prop_map(|(folders, files, made)| Tree {
        folders,
        files,
        first: Made {
            versions: 0,
            ..made
        },
    })
}

impl World {
    /// Makes the folder and all that is in it, and shares it publicly at last. Gives all of it, the folder first, and
    /// the event.
    fn grows(&self, case: usize, tree: &Tree) -> (Vec<String>, String) {
        let alice = self.user("acme", "alice");
        let (mut all, mut paths) = (Vec::new(), vec!["/alice".to_owned()]);
        for depth in 0..tree.folders {
            let (name, above) = (format!("{case}.{depth}"), &paths[depth]);
            let act = Act {
                verb: Verb::MakeFolder,
                name: Some(name.clone()),
                folder: Some(above.clone()),
                ..Act::default()
            };
            let path = format!("{above}/{name}");
            all.push(alice.acts(act).unwrap().file_id.unwrap());
            paths.push(path);
        }
        for (at, made) in &tree.files {
            let act = Act {
                verb: Verb::Upload,
                name: Some(made.name.clone()),
                folder: Some(paths[1 + at % tree.folders].clone()),
                content: Some("first".to_owned()),
                ..Act::default()
            };
            let file = alice.acts(act).unwrap().file_id.unwrap();
            fashions(&alice, &file, made);
            all.push(file);
        }
        fashions(&alice, &all[0], &tree.first);
        let last = alice.shares_publicly(&all[0]);
        (all, last.event)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_quarantined_and_comes_back_with_everything_below_it() {
    let world = World::new(119).await;
    world.connects("Acme", "acme", "push").await;
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let alice = world.user("acme", "alice");
    for case in 0..TREES {
        let tree = tree().new_tree(&mut runner).unwrap().current();
        let (all, event) = world.grows(case, &tree);
        let look = || {
            all.iter()
                .map(|one| world.settable(one))
                .collect::<Vec<_>>()
        };
        let before = look();
        let incident = world.incident_of(&event).await;
        let path = format!("/api/v1/incidents/{}/remedies", text(&incident, "/id"));
        let done = world
            .has_done_with(&path, &json!({"kind": "quarantine"}))
            .await;
        assert_eq!(done["state"], "done", "{tree:?}: {done}");
        for held in look() {
            assert_eq!(held["restricted"], true, "{tree:?}: {held}");
        }
        for file in &all[tree.folders..] {
            assert!(
                alice.downloads(file).is_err(),
                "not even its owner reads it"
            );
        }
        let item = world.quarantined_for(&incident).await;
        let path = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
        let restored = world.has_done(&path).await;
        let lost = &restored["restoration"]["not_restored"];
        assert_eq!(lost, &json!([]), "{tree:?}: {restored}");
        assert_eq!(look(), before, "{tree:?}");
    }
    world.ends_at_rest().await;
}
