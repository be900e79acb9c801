//! Labels that change: what was shared before its manifest arrived is found then, once, and what is not believed
//! labels nothing.

use ::labels::{Curve, ManifestDraft, Md5, SigningKey};
use serde_json::{Value, json};
use toy_cloud::{Act, Verb};

use super::cloud::User;
use super::{Setting, World, text};

const PLAN: &[u8] = b"the plan";

/// A manifest that says of these files, each with that content, that they are confidential.
fn manifest(names: &[&str], signer: &SigningKey) -> Vec<u8> {
    let mut draft = ManifestDraft::new();
    for name in names {
        let labels = ["Confidential".to_owned()];
        draft.set(name, &labels, Some(Md5::of(PLAN))).unwrap();
    }
    draft.write(Some(("classifier", signer))).into_bytes()
}

impl User<'_> {
    fn rewrites(&self, file: &str, content: &[u8]) {
        let acted = self.acts(Act {
            verb: Verb::Update,
            file_id: Some(file.to_owned()),
            content: Some(String::from_utf8(content.to_vec()).unwrap()),
            ..Act::default()
        });
        acted.unwrap();
    }
}

impl World {
    /// The scans that changed labels asked for, once so many are done: newest first.
    pub(super) async fn relabellings(&self, done: usize) -> Vec<Value> {
        self.until(&format!("{done} scans of labels are done"), || async {
            let mut scans = self.all("scans").await?;
            scans.retain(|scan| scan["by"] == "labels");
            let failed = scans.iter().find(|scan| scan["state"] == "failed");
            anyhow::ensure!(failed.is_none(), "{failed:?}");
            scans.retain(|scan| scan["state"] == "done");
            Ok((scans.len() >= done).then_some(scans))
        })
        .await
    }

    async fn paths_of_incidents(&self) -> Vec<String> {
        let incidents = self.all("incidents").await.unwrap();
        let path = |one: &Value| text(one, "/activity/object_path").to_owned();
        let mut paths: Vec<String> = incidents.iter().map(path).collect();
        paths.sort();
        paths
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_manifest_labels_later_is_found_once_and_what_nobody_believes_labels_nothing() {
    let key = SigningKey::from_secret(Curve::Secp256k1, &[7; 32]).unwrap();
    let other = SigningKey::from_secret(Curve::Secp256k1, &[9; 32]).unwrap();
    let public = key.public_key().to_pem();
    let setting = Setting {
        labels: Some(format!(
            "[[keys]]\nid = \"classifier\"\npublic_key = '''\n{public}'''\n"
        )),
        ..Setting::default()
    };
    let world = World::with(91, setting).await;
    world.connects("Acme", "acme", "push").await;
    let rule = "_share.public and _content.label('Confidential')";
    world.saves_policy("Marked", rule, json!([])).await;
    let alice = world.user("acme", "alice");
    for name in ["plan.txt", "later.txt", "never.txt"] {
        let file = alice.uploads(name, PLAN);
        let shared = alice.shares_publicly(&file).event;
        world.activity_of(&shared).await;
    }
    assert_eq!(world.paths_of_incidents().await, Vec::<String>::new());
    // It reads no labels: labels that change are none of its business.
    world
        .saves_policy("Any link", "_share.public", json!([]))
        .await;

    // Signed by somebody else: a blind spot of each file, and no label.
    let beside = alice.uploads(".ip-labels", &manifest(&["plan.txt"], &other));
    let scans = world.relabellings(1).await;
    assert_eq!(
        scans[0]["report"]["unread"],
        json!({"labels_untrusted": 3}),
        "{}",
        scans[0]
    );
    assert_eq!(world.paths_of_incidents().await, Vec::<String>::new());

    alice.rewrites(&beside, &manifest(&["plan.txt"], &key));
    world.relabellings(2).await;
    assert_eq!(world.paths_of_incidents().await, ["/alice/plan.txt"]);
    let incident = world.all("incidents").await.unwrap().remove(0);
    assert_eq!(text(&incident, "/policy/name"), "Marked");
    assert!(text(&incident, "/activity/event_id").starts_with("crawl:shares:"));

    // Another version, with one more: only that one is news.
    alice.rewrites(&beside, &manifest(&["plan.txt", "later.txt"], &key));
    let scans = world.relabellings(3).await;
    assert_eq!(scans[0]["report"]["incidents"], 1, "{}", scans[0]);
    let both = ["/alice/later.txt", "/alice/plan.txt"];
    assert_eq!(world.paths_of_incidents().await, both);

    // A label that is gone leaves nothing to do.
    alice.rewrites(&beside, &manifest(&["never-was.txt"], &key));
    let scans = world.relabellings(4).await;
    assert_eq!(scans[0]["report"]["violating"], 0, "{}", scans[0]);
    assert_eq!(world.paths_of_incidents().await, both);
    world.ends_at_rest().await;
}
