//! Policies as an administrator meets them: told every mistake at once, used at once when saved, kept by version.

use reqwest::Method;
use serde_json::{Value, json};
use toy_cloud::{Act, Role, Verb};

use super::administration::policy;
use super::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_told_at_once_with_its_place_and_nothing_is_saved() {
    let world = World::new(23).await;
    let mut wrong = policy(
        "",
        "_share.pubic and\n  _content.has('credit_crad')",
        json!([{"kind": "notify"}, {"kind": "downgrade_role"}]),
    );
    wrong["trigger"]["connections"] = json!([format!("conn_{}", "0".repeat(26))]);
    let refused = world.call(Method::POST, "/api/v1/policies", &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let problem = refused.json();
    let errors = problem["errors"].as_array().unwrap();
    let at = |field: &'static str| {
        let is_at = move |error: &&Value| text(error, "/field").starts_with(field);
        errors.iter().filter(is_at)
    };
    for field in [
        "/name",
        "/trigger/connections/0",
        "/responses/0",
        "/responses/1",
    ] {
        assert_eq!(at(field).count(), 1, "{field} of {problem}");
    }
    let places: Vec<(u64, u64)> = at("/rule")
        .map(|error| {
            (
                error["line"].as_u64().unwrap(),
                error["column"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(places.len(), 2, "{problem}");
    assert_eq!((places[0], places[1].0), ((1, 1), 2), "{problem}");
    assert_eq!(world.all("policies").await.unwrap(), Vec::<Value>::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_a_triggered_service_cannot_do_is_refused_when_the_policy_is_saved() {
    let world = World::new(24).await;
    let acme = world.connects("Acme", "acme", "pull").await;
    let feeder = json!({
        "service": "generic", "name": "Feeder",
        "params": {"webhook_secret": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"},
    });
    world
        .tidegate
        .post("/api/v1/connections", &feeder)
        .await
        .unwrap();
    let mut acting = policy("Acts", "_share.public", json!([{"kind": "quarantine"}]));
    let refused = world.call(Method::POST, "/api/v1/policies", &acting).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let problem = refused.json();
    assert_eq!(text(&problem, "/errors/0/field"), "/responses/0");
    assert!(
        text(&problem, "/errors/0/message").contains("Feeder"),
        "{problem}"
    );
    acting["trigger"]["connections"] = json!([acme]);
    let saved = world.call(Method::POST, "/api/v1/policies", &acting).await;
    assert_eq!(saved.status, 201, "{}", saved.text());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_counts_at_once_and_an_incident_keeps_its_own() {
    let world = World::new(25).await;
    world.connects("Acme", "acme", "push").await;
    let saved = world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let alice = world.user("acme", "alice");
    let shares = |name: &str| alice.shares_publicly(&alice.uploads(name, b"plan")).event;
    let first = world.incident_of(&shares("one.txt")).await;
    assert_eq!(
        (&first["policy"]["version"], &first["severity"]),
        (&json!(1), &json!("critical"))
    );

    let mut changed = saved.clone();
    changed["severity"] = json!("low");
    changed["rule"] = json!("_share.public and _share.pathContains('two')");
    let path = format!("/api/v1/policies/{}", text(&saved, "/id"));
    let put = world.call(Method::PUT, &path, &changed).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let outside = shares("three.txt");
    let second = world.incident_of(&shares("two.txt")).await;
    assert_eq!(
        (&second["policy"]["version"], &second["severity"]),
        (&json!(2), &json!("low"))
    );
    world.activity_of(&outside).await;

    let gone = world.call(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    world.activity_of(&shares("two-again.txt")).await;
    let incidents = world.all("incidents").await.unwrap();
    assert_eq!(
        incidents.len(),
        2,
        "neither the new version nor the deleted policy forbids more"
    );
    let kept = incidents
        .iter()
        .find(|incident| incident["id"] == first["id"])
        .unwrap();
    assert_eq!(
        (&kept["policy"], &kept["severity"]),
        (&first["policy"], &first["severity"])
    );
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_a_share_or_a_link_away_opens_nothing() {
    let world = World::new(28).await;
    world.connects("Acme", "acme", "push").await;
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let shared = alice.shares_with(&file, "gus@partner.example", Role::Editor);
    let link = alice.shares_publicly(&file);
    world.activity_of(&shared).await;
    world.incident_of(&link.event).await;
    // The link is still there when the share is taken away.
    for verb in [Verb::Unshare, Verb::Unlink] {
        let taken = alice.acts(Act {
            verb,
            file_id: Some(file.clone()),
            with: Some("gus@partner.example".into()),
            ..Act::default()
        });
        world.activity_of(&taken.unwrap().event_id.unwrap()).await;
    }
    let incidents = world.all("incidents").await.unwrap();
    let name = |one: &Value| text(one, "/activity/event_name").to_owned();
    let names: Vec<String> = incidents.iter().map(name).collect();
    assert_eq!(names, ["link.created"]);
    world.ends_at_rest().await;
}
