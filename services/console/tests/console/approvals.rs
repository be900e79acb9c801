//! A second person: nobody approves what they asked for themselves, whatever they are and come with.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use event_model::{ConnectionScope, Permission, Role};

use crate::people::Person;
use crate::world::World;

const POLICY: &str = r#"{"name":"No public links","trigger":{"actions":["share"]},"rule":"_share.public",
    "approval":"required","responses":[{"kind":"remove_link"}]}"#;

#[tokio::test]
async fn who_asked_for_a_remedy_does_not_approve_it_and_somebody_else_does() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let policy = world.call("POST", "/policies", POLICY).await.json();
    let policy = policy["id"].as_str().unwrap().parse().unwrap();
    let incident = world
        .violates_as(connection, "e1", &[], |incident| {
            incident.policy.id = policy;
            incident.policy.version = 1;
        })
        .await;
    let every = ConnectionScope::Every;
    let both = Person::having(&world, &[Role::Analyst, Role::Reviewer], every.clone()).await;
    let analyst = Person::with(&world, Role::Analyst, every.clone()).await;
    let reviewer = Person::with(&world, Role::Reviewer, every).await;
    let ask = format!("/incidents/{}/remedies", incident.id);
    let refused = reviewer
        .calls(&world, "POST", &ask, r#"{"kind":"remove_link"}"#)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let asked = both
        .calls(&world, "POST", &ask, r#"{"kind":"remove_link"}"#)
        .await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let remedy = asked.json();
    assert_eq!(remedy["state"], "needs_approval");
    assert_eq!(remedy["requested_by"], both.account.name.as_str());
    let approve = format!("/remedies/{}/approve", remedy["id"].as_str().unwrap());
    let own = both.calls(&world, "POST", &approve, "").await;
    assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.text);
    let token = both.token(&world, &[Permission::RemediesApprove]).await;
    let request = Request::post(format!("/api/v1{approve}"))
        .header("authorization", format!("Bearer {token}"));
    let by_token = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        by_token.status,
        StatusCode::CONFLICT,
        "a token is its owner"
    );
    let other = analyst.calls(&world, "POST", &approve, "").await;
    assert_eq!(other.status, StatusCode::FORBIDDEN, "{}", other.text);
    let approved = reviewer.calls(&world, "POST", &approve, "").await;
    assert_eq!(approved.status, StatusCode::ACCEPTED, "{}", approved.text);
    assert_eq!(approved.json()["state"], "planned");
    assert_eq!(
        approved.json()["approvals"][0]["by"],
        reviewer.account.name.as_str()
    );
}

#[tokio::test]
async fn the_administrators_token_and_an_administrators_account_are_not_two_persons() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let policy = world.call("POST", "/policies", POLICY).await.json();
    let policy = policy["id"].as_str().unwrap().parse().unwrap();
    let incident = world
        .violates_as(connection, "e1", &[], |incident| {
            incident.policy.id = policy;
            incident.policy.version = 1;
        })
        .await;
    let every = ConnectionScope::Every;
    let administrator = Person::with(&world, Role::Administrator, every.clone()).await;
    let reviewer = Person::with(&world, Role::Reviewer, every).await;
    let ask = format!("/incidents/{}/remedies", incident.id);
    let body = r#"{"kind":"remove_link"}"#;
    let by_token = world.call("POST", &ask, body).await.json();
    let by_token = format!("/remedies/{}/approve", by_token["id"].as_str().unwrap());
    let refused = administrator.calls(&world, "POST", &by_token, "").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    let approved = reviewer.calls(&world, "POST", &by_token, "").await;
    assert_eq!(approved.status, StatusCode::ACCEPTED, "{}", approved.text);
    let by_account = administrator.calls(&world, "POST", &ask, body).await.json();
    let by_account = format!("/remedies/{}/approve", by_account["id"].as_str().unwrap());
    let refused = world.call("POST", &by_account, "").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    let approved = reviewer.calls(&world, "POST", &by_account, "").await;
    assert_eq!(approved.status, StatusCode::ACCEPTED, "{}", approved.text);
}
