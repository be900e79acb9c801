//! Labels that a classifying system tells over HTTP when it is asked: they decide policies, and when it does not
//! answer, an object's labels are unknown, and never none.

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
