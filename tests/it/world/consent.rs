//! Consent: one-time, of the right tenant and an administrator, and mendable when it is lost.

use futures::future::join_all;
use serde_json::{Value, json};

use super::cloud::CUSTOMERS;
use super::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_counts_once_and_for_its_own_tenant_only() {
    let world = World::new(9).await;
    let id = world.creates("Acme").await;
    let state_of = async || world.connection(&id).await["state"].clone();

    let denied = world.consents(&id, "acme", "admin", "deny").await;
    assert_eq!(world.visit(&denied).await.status, 403);
    assert_eq!(state_of().await, "awaiting_consent");
    assert_eq!(world.audited("connection.consent_denied").await.len(), 1);

    let forged = format!(
        "{}/oauth/callback?code=abc&state={}",
        world.url,
        "0".repeat(64)
    );
    let stateless = format!("{}/oauth/callback?code=abc", world.url);
    for forged in [forged, stateless] {
        let answer = world.visit(&forged).await;
        assert!([400, 403].contains(&answer.status), "{}", answer.text());
    }
    assert_eq!(state_of().await, "awaiting_consent");

    let back = world.consents(&id, "acme", "admin", "allow").await;
    assert_eq!(world.visit(&back).await.status, 303);
    assert_eq!(state_of().await, "authorized");
    let again = world.visit(&back).await;
    assert!([400, 403].contains(&again.status), "{}", again.text());
    assert_eq!(state_of().await, "authorized");
    assert_eq!(
        world.tokens("reuse_revoked"),
        0,
        "the code was sent to the service again"
    );

    world.enables(&id, "acme", "pull").await;
    let other = world.consents(&id, "globex", "admin", "allow").await;
    let refused = world.visit(&other).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("globex"), "{}", refused.text());
    let connection = world.connection(&id).await;
    assert_eq!(text(&connection, "/tenant_id"), "acme");
    world.user("acme", "alice").logs_in();
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_a_user_who_is_no_administrator_cannot_be_enabled_and_the_check_says_why() {
    let world = World::new(10).await;
    let id = world.creates("Acme").await;
    let back = world.consents(&id, "acme", "alice", "allow").await;
    assert_eq!(world.visit(&back).await.status, 303);
    for feed in ["auto", "push", "pull"] {
        let refused = world.asks_to_enable(&id, feed).await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        let problem = refused.json();
        let failing: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| text(error, "/field"))
            .collect();
        assert!(failing.contains(&"activity_of_all_users"), "{problem}");
        assert!(problem.to_string().contains("administrator"), "{problem}");
    }
    assert_eq!(world.connection(&id).await["state"], "authorized");
    assert_eq!(world.cloud.model().summary().active_registrations, 0);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_revoked_grant_asks_for_consent_and_nothing_is_lost_until_it_is_given_again() {
    let world = World::new(11).await;
    let acme = world.connects("Acme", "acme", "push").await;
    let globex = world.connects("Globex", "globex", "pull").await;
    world.forbids_cards_behind_links().await;
    for id in [&acme, &globex] {
        world.the_service_revokes_the_grant(id).await;
    }
    let violate = |tenant, name| {
        let alice = world.user(tenant, "alice");
        let file = alice.uploads(name, CUSTOMERS);
        alice.shares_publicly(&file).event
    };
    // The first is what is tried with the dead grant; the second comes while everybody knows.
    let mut violations = vec![
        violate("acme", "first.docx"),
        violate("globex", "first.docx"),
    ];
    for id in [&acme, &globex] {
        let connection = world.until_it_is(id, "needs_consent").await;
        assert!(
            !text(&connection, "/lifecycle/reason").is_empty(),
            "{connection}"
        );
    }
    violations.extend([
        violate("acme", "second.docx"),
        violate("globex", "second.docx"),
    ]);
    world.activity_of(&violations[2]).await;
    assert_eq!(world.all("incidents").await.unwrap(), Vec::<Value>::new());

    for (id, tenant) in [(&acme, "acme"), (&globex, "globex")] {
        let back = world.consents(id, tenant, "admin", "allow").await;
        assert_eq!(world.visit(&back).await.status, 303);
        assert_eq!(world.connection(id).await["state"], "enabled");
    }
    for event in &violations {
        world.incident_of(event).await;
    }
    assert_eq!(
        world.all("incidents").await.unwrap().len(),
        violations.len()
    );
    assert_eq!(world.audited("connection.needs_consent").await.len(), 2);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn fifty_users_of_an_expired_token_refresh_it_once() {
    let world = World::new(12).await;
    let acme = world.connects("Acme", "acme", "pull").await;
    assert_eq!(world.tokens("refreshed"), 0);
    world
        .toy
        .post("/control/tokens/expire", &json!({"tenant": "acme"}))
        .await
        .unwrap();
    let path = format!("/api/v1/connections/{acme}/health");
    let check = || world.call(reqwest::Method::POST, &path, &Value::Null);
    let answers = join_all((0..50).map(|_| check())).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["ok"], true, "{}", answer.text());
    }
    assert_eq!(world.tokens("refreshed"), 1);
    assert_eq!(world.tokens("reuse_revoked"), 0);
    world.user("acme", "alice").logs_in();
    world.ends_at_rest().await;
}
