//! Quarantine to the vault, and back: content leaves the service, a tombstone stands in its place, and
//! restoring is the identity on everything that the service lets us set.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use toy_cloud::{Act, Role, Verb, Visibility};

use super::cloud::{PAYROLL, User};
use super::{World, text};

/// Random objects that are tried.
const CASES: usize = 16;
/// Whom an object may be shared with.
const PEOPLE: [&str; 4] = [
    "bob",
    "carol",
    "gus@partner.example",
    "new@elsewhere.example",
];
const LINKS: [Visibility; 3] = [
    Visibility::Restricted,
    Visibility::Organization,
    Visibility::Public,
];

/// How an object came to be as it is.
#[derive(Debug, Clone)]
struct Made {
    folders: Vec<String>,
    name: String,
    /// Each is a content; two may be the same.
    versions: Vec<u8>,
    mime_type: usize,
    shares: Vec<(usize, usize)>,
    /// With whom the folders above are shared.
    above: Vec<usize>,
    links: Vec<usize>,
    tombstone: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let folder = prop_oneof!["[a-z]{1,8}", "[A-Z äöü€]{2,9}"];
    let folders = prop::collection::vec(folder, 0..4);
    let name = prop_oneof!["[a-z]{1,8}[.]txt", "[A-Z äöü€]{1,12}", "[0-9#%&+=]{1,10}"];
    let versions = prop::collection::vec(0..3_u8, 1..5);
    let shares = prop::collection::vec((0..PEOPLE.len(), 0..2_usize), 0..5);
    let above = prop::collection::vec(0..PEOPLE.len(), 0..2);
    let links = prop::collection::vec(0..LINKS.len(), 0..4);
    let rest = (shares, above, links, prop::bool::weighted(0.75));
    (folders, name, versions, 0..2_usize, rest).prop_map(
        |(folders, name, versions, mime_type, (shares, above, links, tombstone))| Made {
            folders,
            name: format!("x{name}"),
            versions,
            mime_type,
            shares,
            above,
            links,
            tombstone,
        },
    )
}

/// Once more changes nothing, and is no event.
fn share(user: &User<'_>, file: &str, with: usize, role: Role) {
    let share = Act {
        verb: Verb::Share,
        file_id: Some(file.to_owned()),
        with: Some(PEOPLE[with].to_owned()),
        role: Some(role),
        ..Act::default()
    };
    user.acts(share).unwrap();
}

pub(super) fn sha256(text: &str) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

fn content(of: u8) -> String {
    format!(
        "version {of}, {}",
        "salaries ".repeat(usize::from(of) * 9_000)
    )
}

impl World {
    /// Makes the object in its folders, and shares it publicly at last. Gives its id and the event of that.
    fn makes_in_folders(&self, case: usize, made: &Made) -> (String, String) {
        let alice = self.user("acme", "alice");
        let mut folder = "/alice".to_owned();
        for (depth, name) in made.folders.iter().enumerate() {
            let name = format!("{case}.{depth} {name}");
            let act = Act {
                verb: Verb::MakeFolder,
                name: Some(name.clone()),
                folder: Some(folder.clone()),
                ..Act::default()
            };
            let above = alice.acts(act).unwrap().file_id.unwrap();
            for with in &made.above {
                share(&alice, &above, *with, Role::Viewer);
            }
            folder = format!("{folder}/{name}");
        }
        let upload = |verb, file_id: Option<String>, version: u8| Act {
            verb,
            name: file_id.is_none().then(|| made.name.clone()),
            folder: Some(folder.clone()),
            mime_type: Some(["text/csv", "application/x-made-up"][made.mime_type].to_owned()),
            file_id,
            content: Some(content(version)),
            ..Act::default()
        };
        let first = alice.acts(upload(Verb::Upload, None, made.versions[0]));
        let file = first.unwrap().file_id.unwrap();
        for version in &made.versions[1..] {
            let update = upload(Verb::Update, Some(file.clone()), *version);
            alice.acts(update).unwrap();
        }
        for (with, role) in &made.shares {
            share(&alice, &file, *with, [Role::Viewer, Role::Editor][*role]);
        }
        for kind in &made.links {
            alice.makes_a_link(&file, LINKS[*kind]);
        }
        let last = alice.shares_publicly(&file);
        (file, last.event)
    }

    /// Everything about an object that the service lets us set, and the contents of its versions.
    fn settable_in_tree(&self, file: &str) -> Value {
        let model = self.cloud.model();
        let shown = self.file("acme", file).unwrap();
        let of = |name: &str| shown[name].clone();
        let versions = shown["versions"].as_array().unwrap().iter();
        let contents: Vec<&Value> = versions.map(|version| &version["sha256"]).collect();
        json!({
            "path": of("path"), "parent_id": of("parent_id"), "owner": of("owner"), "sha256": of("sha256"),
            "mime_type": of("mime_type"), "trashed": of("trashed"), "contents": contents,
            "shares": model.permissions("acme", file).unwrap(),
            "links": model.links("acme", file).unwrap(),
        })
    }

    /// Takes the object of the incident into the vault; gives the remedy as it ended.
    pub(super) async fn takes_into_vault(&self, incident: &Value, response: Value) -> Value {
        let path = format!("/api/v1/incidents/{}/remedies", text(incident, "/id"));
        self.has_done_with(&path, &response).await
    }

    pub(super) async fn restores(&self, incident: &Value) -> Value {
        let item = self.quarantined_for(incident).await;
        let path = format!("/api/v1/quarantine/{}/restore", text(&item, "/id"));
        self.has_done(&path).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_into_the_vault_comes_back_as_it_was() {
    let world = World::new(112).await;
    world.connects("Acme", "acme", "push").await;
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &[8; 32]),
    );
    for case in 0..CASES {
        let mut made = made().new_tree(&mut runner).unwrap().current();
        made.name = format!("{case} {}", made.name);
        let (file, event) = world.makes_in_folders(case, &made);
        let before = world.settable_in_tree(&file);
        let incident = world.incident_of(&event).await;
        let mut response = json!({"kind": "quarantine_to_vault"});
        response["tombstone"] = match made.tombstone {
            true => json!("{name} is away: {incident}"),
            false => json!("none"),
        };
        let done = world.takes_into_vault(&incident, response).await;
        assert_eq!(done["state"], "done", "{made:?}: {done}");
        let left = world.settable_in_tree(&file);
        let expected = done["vaulted"]["tombstone"].as_str().unwrap();
        if made.tombstone {
            let number = text(&incident, "/number");
            assert_eq!(expected, format!("{} is away: {number}", made.name));
        }
        assert_eq!(left["contents"], json!([sha256(expected)]), "{made:?}");
        assert_eq!(left["trashed"], !made.tombstone, "{made:?}");
        assert_eq!(
            (&left["shares"], &left["links"]),
            (&json!([]), &json!([])),
            "{made:?}"
        );
        let restored = world.restores(&incident).await;
        let parts = ["content", "versions", "path", "owner", "shares", "links"];
        let report = json!({"restored": parts, "not_restored": []});
        assert_eq!(restored["restoration"], report, "{made:?}: {restored}");
        assert_eq!(world.settable_in_tree(&file), before, "{made:?}");
        assert_eq!(
            world.vault_items(),
            0,
            "the service has it, and the vault no more"
        );
    }
    world.ends_at_rest().await;
}

impl World {
    /// How many items have parts in the vault's folder.
    pub(super) fn vault_items(&self) -> usize {
        let items = std::fs::read_dir(self.kept().join("vault"));
        items.map_or(0, Iterator::count)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_came_in_meanwhile_is_taken_too_and_one_over_the_tombstone_stays() {
    let world = World::new(113).await;
    world.connects("Acme", "acme", "push").await;
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("salaries.csv", PAYROLL);
    share(&alice, &file, 1, Role::Editor);
    let event = alice.shares_publicly(&file).event;
    let before = world.settable_in_tree(&file);
    let incident = world.incident_of(&event).await;
    // What the incident closed before it took the content is to be opened on that content only, too.
    let unlinked = world.takes_into_vault(&incident, json!({"kind": "remove_link"}));
    assert_eq!(unlinked.await["state"], "done");
    let done = world
        .takes_into_vault(&incident, json!({"kind": "quarantine_to_vault"}))
        .await;
    assert_eq!(done["state"], "done", "{done}");
    let again = world
        .takes_into_vault(&incident, json!({"kind": "quarantine_to_vault"}))
        .await;
    assert_eq!(
        (&again["state"], &again["snapshot"]),
        (&json!("done"), &Value::Null),
        "what is in the vault is not taken again: {again}"
    );

    let newer = Act {
        verb: Verb::Update,
        file_id: Some(file.clone()),
        content: Some("the owner goes on here".into()),
        ..Act::default()
    };
    alice.acts(newer).unwrap();
    share(&alice, &file, 0, Role::Viewer);
    let own = world.settable_in_tree(&file);
    let item = world.quarantined_for(&incident).await;
    let path = format!("/api/v1/quarantine/{}", text(&item, "/id"));
    let restored = world.has_done(&format!("{path}/restore")).await;
    assert_eq!(restored["restoration"]["restored"], json!([]), "{restored}");
    let lost = restored["restoration"]["not_restored"].as_array().unwrap();
    for part in ["content:", "versions: left", "shares: left", "links: left"] {
        let mut said = lost.iter().map(|lost| lost.as_str().unwrap());
        assert!(said.any(|lost| lost.starts_with(part)), "{part} {restored}");
    }
    assert_eq!(
        world.settable_in_tree(&file),
        own,
        "the newer content keeps its own shares, and gets none of the old ones"
    );
    let shown = world.settable_in_tree(&file);
    let newest = sha256("the owner goes on here");
    assert_eq!(shown["sha256"], newest, "it is not written over");
    let held = world.tidegate.get(&path).await.unwrap();
    assert_eq!(held["state"], "held", "the vault has it yet");
    assert_ne!(shown["sha256"], before["sha256"]);

    let deleted = world.has_done(&format!("{path}/delete")).await;
    assert_eq!(deleted["state"], "done", "{deleted}");
    assert_eq!(world.vault_items(), 0);
    let acts: Vec<usize> = [
        world.audited("vault.receive").await.len(),
        world.audited("vault.put").await.len(),
        world.audited("vault.delete").await.len(),
    ]
    .into();
    assert_eq!(acts, [1, 1, 1], "custody is in the trail");
    world.ends_at_rest().await;
}
