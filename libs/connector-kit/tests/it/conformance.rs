//! Conformance of toy-cloud, which meets every prerequisite, and of toy-clouds that do not.

use std::time::Duration;

use connector_kit::conformance::{Options, Outcome, Report};
use serde_json::json;

use crate::world::{ADMINISTRATOR, Consent, MANIFEST, World};

fn everything() -> Options {
    Options {
        destructive: true,
        ..Options::default()
    }
}

/// The rows that came out so, by id.
fn rows(report: &Report, outcome: Outcome) -> Vec<&str> {
    let of_it = report.rows.iter().filter(|row| row.outcome == outcome);
    of_it.map(|row| row.id).collect()
}

#[tokio::test]
async fn a_service_that_meets_every_prerequisite_is_seen_to() {
    let world = World::new().await;
    world.day();
    let report = world.check(MANIFEST, &ADMINISTRATOR, &everything()).await;
    let text = report.text(true);
    assert_eq!(rows(&report, Outcome::NotMet), [""; 0], "{text}");
    assert_eq!(rows(&report, Outcome::NotTestable), ["S5", "S8"], "{text}");
    assert_eq!(report.count(Outcome::Met), 19, "{text}");
    for id in [
        "S2", "S3", "S6", "S7", "S10", "S11", "S12", "S15", "S21", "S22",
    ] {
        assert!(!report.row(id).unwrap().evidence.is_empty(), "{id}: {text}");
    }
    assert_eq!(report.tenant_id.as_deref(), Some("acme"));
    let html = report.html();
    let shown = [&text, &html, &serde_json::to_string(&report).unwrap()].map(String::clone);
    for secret in [
        "alice",
        "@acme.example",
        "4111",
        "whsec_",
        "toy-secret",
        "q3.txt",
    ] {
        for shown in &shown {
            assert!(!shown.contains(secret), "{secret} is shown:\n{shown}");
        }
    }
    assert!(html.contains("badge met") && !html.contains("<script"));
}

#[tokio::test]
async fn what_was_made_and_registered_for_the_check_is_taken_away_again() {
    let world = World::new().await;
    world.day();
    let before = world.toy.model().summary();
    world.check(MANIFEST, &ADMINISTRATOR, &everything()).await;
    let after = world.toy.model().summary();
    assert_eq!(
        (before.active_registrations, after.active_registrations),
        (0, 0)
    );
    let activities = world.toy.model().activities("acme").unwrap();
    let made = activities
        .iter()
        .filter_map(|activity| activity.object.as_ref());
    let mut left: Vec<&str> = made
        .filter(|object| object.name.contains("Tidegate trial"))
        .map(|object| object.id.as_str())
        .collect();
    left.sort_unstable();
    left.dedup();
    assert!(left.len() >= 3, "{left:?}");
    for id in left {
        assert!(world.toy.model().file("acme", id).is_err(), "{id} is left");
    }
}

#[tokio::test]
async fn nothing_is_changed_unless_that_was_asked_for() {
    let world = World::new().await;
    world.day();
    let report = world
        .check(MANIFEST, &ADMINISTRATOR, &Options::default())
        .await;
    let text = report.text(false);
    for id in ["S10", "S11", "S12"] {
        assert_eq!(
            report.row(id).unwrap().outcome,
            Outcome::NotTestable,
            "{text}"
        );
    }
    assert_eq!(rows(&report, Outcome::NotMet), [""; 0], "{text}");
    let effects = world.toy.model().summary().effects;
    let effects: Vec<&toy_cloud::Action> = effects.keys().collect();
    let webhook = [
        toy_cloud::Action::WebhookRegistered,
        toy_cloud::Action::WebhookDeregistered,
    ];
    assert!(
        effects.iter().all(|effect| webhook.contains(effect)),
        "{effects:?}\n{text}"
    );
}

#[tokio::test]
async fn each_prerequisite_that_is_missing_is_said_to_be() {
    let few = Consent {
        user: "admin",
        scopes: Some("activity:read users:read"),
    };
    let nobody = Consent {
        user: "alice",
        scopes: None,
    };
    let fault = |path: &str, status: u16| json!({"rules": [{"match": {"path_prefix": path}, "what": {"status": status}}]});
    let nothing = json!({});
    let no_push = without(MANIFEST, "push:\n", "\nnormalize:");
    let no_actions = without(MANIFEST, "\nactions:\n", "\ncrawl:\n");
    let by_hand = without(MANIFEST, "  register:\n", "  verify: {kind");
    let unmapped = MANIFEST.replace(
        "actor_role: /actor/role",
        "actor_role: {absent: it has no roles}",
    );
    let no_trial = without(MANIFEST, "tests:\n", "\ntenant:");
    type Row<'a> = (
        &'a str,
        &'a str,
        &'a Consent,
        &'a serde_json::Value,
        &'a [(&'a str, Outcome)],
    );
    let rows: [Row<'_>; 9] = [
        (
            "scopes are missing",
            MANIFEST,
            &few,
            &nothing,
            &[
                ("S3", Outcome::Met),
                ("S6", Outcome::NotMet),
                ("S11", Outcome::NotMet),
                ("S15", Outcome::NotMet),
                ("S22", Outcome::NotMet),
            ],
        ),
        (
            "a user who sees his own only",
            MANIFEST,
            &nobody,
            &nothing,
            &[
                ("S3", Outcome::NotMet),
                ("S4", Outcome::NotMet),
                ("S15", Outcome::NotMet),
                ("S16", Outcome::NotMet),
            ],
        ),
        (
            "the log fails",
            MANIFEST,
            &ADMINISTRATOR,
            &fault("/api/v1/events", 500),
            &[
                ("S3", Outcome::NotMet),
                ("S16", Outcome::NotMet),
                ("S19", Outcome::NotMet),
                ("S2", Outcome::Met),
            ],
        ),
        (
            "registration fails",
            MANIFEST,
            &ADMINISTRATOR,
            &fault("/api/v1/webhooks", 500),
            &[
                ("S6", Outcome::NotMet),
                ("S17", Outcome::NotMet),
                ("S18", Outcome::Met),
                ("S3", Outcome::Met),
            ],
        ),
        (
            "deliveries are lost",
            MANIFEST,
            &ADMINISTRATOR,
            &json!({"deliveries": {"drop": 1.0}}),
            &[
                ("S6", Outcome::NotTestable),
                ("S7", Outcome::Met),
                ("S17", Outcome::NotTestable),
            ],
        ),
        (
            "it does not push",
            &no_push,
            &ADMINISTRATOR,
            &nothing,
            &[
                ("S6", Outcome::NotMet),
                ("S7", Outcome::NotMet),
                ("S17", Outcome::NotMet),
                ("S18", Outcome::NotMet),
            ],
        ),
        (
            "registered by a person",
            &by_hand,
            &ADMINISTRATOR,
            &nothing,
            &[("S6", Outcome::NotTestable), ("S18", Outcome::NotMet)],
        ),
        (
            "it can do nothing",
            &no_actions,
            &ADMINISTRATOR,
            &nothing,
            &[
                ("S10", Outcome::NotMet),
                ("S11", Outcome::NotMet),
                ("S12", Outcome::NotMet),
                ("S13", Outcome::NotMet),
                ("S9", Outcome::Met),
            ],
        ),
        (
            "a field is not there",
            &unmapped,
            &ADMINISTRATOR,
            &nothing,
            &[("S19", Outcome::NotMet), ("S3", Outcome::Met)],
        ),
    ];
    let options = Options {
        delivery_patience: Duration::from_millis(300),
        ..everything()
    };
    for (case, yaml, consent, faults, expected) in rows {
        let world = World::new().await;
        world.day();
        world.faults(faults.clone());
        let report = world.check(yaml, consent, &options).await;
        for (id, outcome) in expected {
            let row = report.row(id).unwrap();
            assert_eq!(row.outcome, *outcome, "{case}, {id}: {}", report.text(true));
        }
    }
    let world = World::new().await;
    let report = world.check(&no_trial, &ADMINISTRATOR, &options).await;
    for id in ["S10", "S22"] {
        let text = report.text(true);
        assert_eq!(
            report.row(id).unwrap().outcome,
            Outcome::NotTestable,
            "{id}: {text}"
        );
    }
}

/// A manifest without a part of it.
fn without(yaml: &str, from: &str, to: &str) -> String {
    let start = yaml.find(from).unwrap();
    let end = start + yaml[start..].find(to).unwrap();
    [&yaml[..start], &yaml[end..]].concat()
}
