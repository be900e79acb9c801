//! Labels that a classifying system tells over HTTP when it is asked: they decide policies, and when it does not
//! answer, an object's labels are unknown, and never none. When it says that they changed, the object is looked at
//! again.

use serde_json::{Value, json};
use toy_cloud::LabelView;

use super::{World, text};

impl World {
    /// The classifying system says of the file that it has these labels.
    fn classifies(&self, file: &str, labels: &[(&str, &str)]) {
        let view = |(id, name): &(&str, &str)| LabelView {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
        };
        let labels = labels.iter().map(view).collect();
        self.cloud.model().classify("acme", file, labels).unwrap();
    }

    /// Until an event that was evaluated violates these policies and no others.
    async fn violates(&self, event: &str, expected: &[&str]) {
        self.activity_of(event).await;
        self.until(&format!("{event} violates {expected:?}"), || async {
            let incidents = self.all(&format!("incidents?event_id={event}")).await?;
            let name = |one: &Value| text(one, "/policy/name").to_owned();
            let mut names: Vec<String> = incidents.iter().map(name).collect();
            names.sort();
            Ok((names == expected).then_some(()))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_are_told_over_http_decide_and_who_does_not_answer_leaves_them_unknown() {
    let world = World::new(92).await;
    world.connects("Acme", "acme", "push").await;
    for (name, rule) in [
        ("Secret", "_share.public and _content.label('secret')"),
        (
            "Not cleared",
            "_share.public and not _content.label('Cleared')",
        ),
    ] {
        world.saves_policy(name, rule, json!([])).await;
    }
    let alice = world.user("acme", "alice");
    /// What is told of the file, and what its public link violates.
    type Row = (
        &'static [(&'static str, &'static str)],
        &'static [&'static str],
    );
    let rows: [Row; 4] = [
        (&[("c-1", "Cleared")], &[]),
        (&[], &["Not cleared"]),
        (&[("c-9", "Secret"), ("c-1", "Cleared")], &["Secret"]),
        (&[("secret", "Geheim")], &["Not cleared", "Secret"]),
    ];
    for (number, (labels, expected)) in rows.into_iter().enumerate() {
        let file = alice.uploads(&format!("plan-{number}.txt"), b"the plan");
        world.classifies(&file, labels);
        let event = alice.shares_publicly(&file).event;
        world.violates(&event, expected).await;
    }

    let refused = json!({
        "match": {"method": "GET", "path_prefix": "/api/v1/files", "path_suffix": "/labels"},
        "what": {"status": 403}, "probability": 1.0, "times": null,
    });
    world
        .the_service_misbehaves(json!({"rules": [refused]}))
        .await;
    let file = alice.uploads("unknown.txt", b"the plan");
    let event = alice.shares_publicly(&file).event;
    world.violates(&event, &[]).await;
    let recorded = world.activity_of(&event).await;
    let reason = text(&recorded, "/blind_spots/0/reason");
    assert_eq!(reason, "labels_unreachable");
    world.ends_at_rest().await;
}

const REPEATED: &str = "tidegate_activities_recorded_total{novelty=\"repeated\"}";

impl World {
    /// A file behind a public link, about which no policy has anything to say. Gives its id.
    async fn has_shared_nothing_special(&self, name: &str) -> String {
        let alice = self.user("acme", "alice");
        let file = alice.uploads(name, b"the plan");
        let event = alice.shares_publicly(&file).event;
        self.violates(&event, &[]).await;
        file
    }

    /// The one incident about the file, which nothing but its labels brought about.
    async fn incident_by_labels_of(&self, file: &str) -> Value {
        let found = self.until("an incident about the file", || async {
            let mut incidents = self.all("incidents").await?;
            incidents.retain(|one| text(one, "/activity/object_id") == file);
            anyhow::ensure!(incidents.len() < 2, "{incidents:?}");
            Ok(incidents.pop())
        });
        let incident = found.await;
        let event = text(&incident, "/activity/event_id");
        assert!(event.starts_with("crawl:shares:"), "{incident}");
        incident
    }

    /// How often our client asked for changed labels.
    fn asked_for_changes(&self, since: u64) -> usize {
        let of_labels = |request: &Value| text(request, "/path") == "/api/v1/labels/changes";
        let requests = self.our_requests(since, "acme").into_iter();
        requests.filter(of_labels).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_is_set_after_the_file_was_shared_is_an_incident_within_the_interval() {
    let world = World::new(93).await;
    world.connects("Acme", "acme", "push").await;
    let rule = "_share.public and _content.label('Secret')";
    world.saves_policy("Secret", rule, json!([])).await;
    // It reads no labels: that they changed is none of its business.
    let rule = "_share.public and _content.has('us-ssn')";
    world.saves_policy("Numbers", rule, json!([])).await;
    let file = world.has_shared_nothing_special("plan.txt").await;
    let other = world.has_shared_nothing_special("other.txt").await;

    let before = world.events_of("acme");
    world.classifies(&file, &[("c-9", "Secret")]);
    let incident = world.incident_by_labels_of(&file).await;
    assert_eq!(text(&incident, "/policy/name"), "Secret");
    assert_eq!(text(&incident, "/activity/object_path"), "/alice/plan.txt");
    // Nobody did anything to it meanwhile but Tidegate, which read it.
    let since = world.events_of("acme");
    let since = since.difference(&before);
    for event in since {
        let recorded = world.activity_of(event).await;
        assert_eq!(recorded["own"], true, "{recorded}");
    }
    let scans = world.relabellings(1).await;
    assert_eq!(scans[0]["report"]["looked_at"], 1, "{}", scans[0]);
    let told = world.all("activities").await.unwrap();
    let told = told
        .iter()
        .find(|one| one["event_name"] == "labels.changed");
    let told = told.expect("that labels changed is an activity like others");
    assert_eq!(text(told, "/object_id"), file);
    assert_eq!(text(told, "/event_type"), "other");

    world.classifies(&other, &[("c-1", "Cleared")]);
    let scans = world.relabellings(2).await;
    assert_eq!(scans[0]["report"]["violating"], 0, "{}", scans[0]);
    assert_eq!(world.all("incidents").await.unwrap().len(), 1);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_told_twice_is_one_incident_and_one_that_cannot_be_told_yet_is_not_lost() {
    let world = World::new(94).await;
    world.connects("Acme", "acme", "pull").await;
    let rule = "_share.public and _content.label('Secret')";
    world.saves_policy("Secret", rule, json!([])).await;
    let file = world.has_shared_nothing_special("plan.txt").await;
    let late = world.has_shared_nothing_special("late.txt").await;

    // Each page begins with what the one before it had.
    world
        .the_service_misbehaves(json!({"events": {"repeat": 1.0}}))
        .await;
    let repeated = world.metric(REPEATED).await;
    world.classifies(&file, &[("c-9", "Secret")]);
    let incident = world.incident_by_labels_of(&file).await;
    world.relabellings(1).await;
    world.classifies(&file, &[("c-9", "Secret"), ("c-1", "Cleared")]);
    let scans = world.relabellings(2).await;
    assert_eq!(scans[0]["report"]["incidents"], 0, "{}", scans[0]);
    let again = world.incident_by_labels_of(&file).await;
    assert_eq!(text(&again, "/id"), text(&incident, "/id"));
    world
        .until("changes that were told twice", || async {
            Ok((world.metric(REPEATED).await > repeated).then_some(()))
        })
        .await;
    assert_eq!(
        world.relabellings(2).await.len(),
        2,
        "what is known is no news"
    );

    let down = json!({
        "match": {"path_prefix": "/api/v1/labels/changes"},
        "what": {"status": 500}, "probability": 1.0, "times": null,
    });
    world.the_service_misbehaves(json!({"rules": [down]})).await;
    let since = world.ledger_end();
    world.classifies(&late, &[("c-9", "Secret")]);
    world
        .until("the feed to be asked in vain, and again", || async {
            Ok((world.asked_for_changes(since) >= 2).then_some(()))
        })
        .await;
    // The other stream is read meanwhile.
    let another = world.has_shared_nothing_special("another.txt").await;
    let found = world.all("incidents").await.unwrap();
    assert_eq!(found.len(), 1, "{another}: {found:?}");
    world.the_service_misbehaves(json!({})).await;
    world.incident_by_labels_of(&late).await;
    world.relabellings(3).await;
    assert_eq!(world.all("incidents").await.unwrap().len(), 2);
    world.ends_at_rest().await;
}
