//! Labels beside an object: a manifest in its folder decides a policy while it is current and believed;
//! otherwise it decides nothing, and says so.

use ::labels::{Curve, ManifestDraft, Md5, SigningKey};
use serde_json::{Value, json};
use toy_cloud::{Act, Verb};

use super::administration::remedies;
use super::cloud::{PAYROLL, User};
use super::{Setting, World, text};

const LABEL: &str = "Top Secret";

/// A manifest that says of a file with this content that it has the label.
fn manifest(name: &str, content: &[u8], signer: Option<(&str, &SigningKey)>) -> Vec<u8> {
    let mut draft = ManifestDraft::new();
    draft
        .set(name, &[LABEL.to_owned()], Some(Md5::of(content)))
        .unwrap();
    draft.write(signer).into_bytes()
}

impl User<'_> {
    fn changes(&self, file: &str, content: &[u8]) {
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
    async fn forbids_the_label_behind_links(&self) {
        let rule = format!("_share.public and _content.label('{LABEL}')");
        self.saves_policy("Marked", &rule, json!([])).await;
    }

    /// The policies that an event violated, once nothing is left to do about it.
    async fn violated(&self, event: &str) -> Vec<String> {
        self.incident_of(event).await;
        let incidents = self.all(&format!("incidents?event_id={event}")).await;
        let incidents = incidents.unwrap();
        let names = incidents
            .iter()
            .map(|one| text(one, "/policy/name").to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The one blind spot of an event that made no incident.
    async fn why_not(&self, event: &str) -> (String, String) {
        let recorded = self.activity_of(event).await;
        let spots = recorded["blind_spots"].as_array().unwrap();
        assert_eq!(spots.len(), 1, "{recorded}");
        let incidents = self.all(&format!("incidents?event_id={event}")).await;
        assert_eq!(incidents.unwrap(), Vec::<Value>::new());
        let said = |pointer| text(&spots[0], pointer).to_owned();
        (said("/reason"), said("/detail"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_beside_the_object_decides_a_policy_while_it_is_current() {
    let world = World::new(61).await;
    world.connects("Acme", "acme", "push").await;
    world.forbids_the_label_behind_links().await;
    let alice = world.user("acme", "alice");
    let plan = alice.uploads("plan.txt", b"the plan");

    let unlabelled = alice.shares_publicly(&plan).event;
    let recorded = world.activity_of(&unlabelled).await;
    assert_eq!(recorded["blind_spots"], json!([]), "nobody said anything");

    let beside = alice.uploads(".ip-labels", &manifest("plan.txt", b"the plan", None));
    let labelled = alice.shares_publicly(&plan).event;
    let incident = world.incident_of(&labelled).await;
    assert_eq!(text(&incident, "/policy/name"), "Marked");

    alice.changes(&plan, b"another plan");
    let stale = alice.shares_publicly(&plan).event;
    let (reason, detail) = world.why_not(&stale).await;
    assert_eq!(reason, "labels_stale");
    assert!(
        detail.contains("`Top Secret`: the content is another since"),
        "{detail}"
    );

    alice.changes(&beside, &manifest("plan.txt", b"another plan", None));
    let current = alice.shares_publicly(&plan).event;
    world.incident_of(&current).await;

    alice.changes(
        &beside,
        b"{\"files\": {\"plan.txt\": {\"labels\": [\"Top Secret\"],}}}",
    );
    let malformed = alice.shares_publicly(&plan).event;
    let (reason, detail) = world.why_not(&malformed).await;
    assert_eq!(reason, "labels_malformed");
    assert!(detail.contains("line 1, column 50"), "{detail}");
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_key_only_manifests_that_it_signed_decide() {
    let key = SigningKey::from_secret(Curve::Secp256k1, &[7; 32]).unwrap();
    let other = SigningKey::from_secret(Curve::Secp256k1, &[9; 32]).unwrap();
    let public = key.public_key().to_pem();
    let setting = Setting {
        labels: Some(format!(
            "[[keys]]\nid = \"classifier\"\npublic_key = '''\n{public}'''\n"
        )),
        ..Setting::default()
    };
    let world = World::with(62, setting).await;
    world.connects("Acme", "acme", "push").await;
    world.forbids_the_label_behind_links().await;
    let alice = world.user("acme", "alice");
    let plan = alice.uploads("plan.txt", b"the plan");
    let beside = alice.uploads(".ip-labels", &manifest("plan.txt", b"the plan", None));
    // who signed => what is said
    let rows = [
        (None, "it is not signed"),
        (
            Some(("classifier", &other)),
            "its signature is not of the key `classifier`",
        ),
        (
            Some(("elsewhere", &other)),
            "its signature is of none of the known keys",
        ),
    ];
    for (signer, expected) in rows {
        alice.changes(&beside, &manifest("plan.txt", b"the plan", signer));
        let (reason, detail) = world.why_not(&alice.shares_publicly(&plan).event).await;
        assert_eq!(reason, "labels_untrusted");
        assert!(detail.contains(expected), "{detail}");
    }
    let signed = manifest("plan.txt", b"the plan", Some(("classifier", &key)));
    alice.changes(&beside, &signed);
    world.incident_of(&alice.shares_publicly(&plan).event).await;
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_labels_the_object_and_its_undoing_takes_away_that_label_only() {
    let world = World::new(63).await;
    world.connects("Acme", "acme", "push").await;
    world.forbids_the_label_behind_links().await;
    let labels = json!([{"kind": "apply_label", "label": LABEL}]);
    let rule = "_share.public and _content.has('us-ssn')";
    world.saves_policy("Labels", rule, labels).await;
    let alice = world.user("acme", "alice");
    let other = alice.uploads("other.txt", b"the plan");
    alice.uploads(".ip-labels", &manifest("other.txt", b"the plan", None));
    let payroll = alice.uploads("payroll.csv", PAYROLL);

    let first = alice.shares_publicly(&payroll).event;
    let incident = world.incident_of(&first).await;
    assert_eq!(remedies(&incident), ["apply_label: done"]);
    assert_eq!(world.violated(&first).await, ["Labels"]);

    let second = alice.shares_publicly(&payroll).event;
    assert_eq!(world.violated(&second).await, ["Labels", "Marked"]);

    let undone = world.undoes(&incident, "apply_label").await;
    let report = json!({"restored": ["labels"], "not_restored": []});
    assert_eq!(undone["restoration"], report, "{undone}");
    let third = alice.shares_publicly(&payroll).event;
    assert_eq!(world.violated(&third).await, ["Labels"]);
    let untouched = alice.shares_publicly(&other).event;
    assert_eq!(world.violated(&untouched).await, ["Marked"]);
    world.ends_at_rest().await;
}
