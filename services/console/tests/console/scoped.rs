//! Somebody who is bound to one of two connections: what is of the other one is as if it were not there.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use event_model::{
    Connection, ConnectionId, ConnectionScope, Feed, Lifecycle, Permission, RemedyKind,
    RemedyState, Role,
};
use futures::StreamExt;
use ports::{Clock, ConnectionStore};
use tower::ServiceExt;

use crate::people::Person;
use crate::world::World;

/// A second connection, enabled.
async fn another(world: &World) -> ConnectionId {
    let now = world.clock.now();
    let id = ConnectionId::new(now, 77);
    let connection = Connection {
        id,
        service: "toy-cloud".into(),
        name: "Theirs".into(),
        params: std::collections::BTreeMap::new(),
        base_url: None,
        client_id: None,
        tenant_id: None,
        lifecycle: Lifecycle::Enabled {
            feed: Feed::Pull,
            since: now,
        },
        health: None,
        created_at: now,
        revision: 1,
    };
    world.store.create(&connection).await.unwrap();
    id
}

/// What one connection has, as paths name it.
struct Has {
    connection: ConnectionId,
    incident: String,
    remedy: String,
    item: String,
    event: &'static str,
}

async fn has(world: &World, connection: ConnectionId, event: &'static str) -> Has {
    let incident = world
        .violates(connection, event, &[RemedyKind::Quarantine])
        .await;
    let item = world.carries_out(RemedyState::Done).await.unwrap();
    Has {
        connection,
        incident: incident.id.to_string(),
        remedy: incident.remedies[0].id.to_string(),
        item: item.to_string(),
        event,
    }
}

async fn two(world: &World) -> (Has, Has) {
    let mine = world.connects("toy-cloud").await;
    let mine = has(world, mine, "mine").await;
    let theirs = another(world).await;
    (mine, has(world, theirs, "theirs").await)
}

fn only(connection: ConnectionId) -> ConnectionScope {
    ConnectionScope::Only(BTreeSet::from([connection]))
}

/// `method path body`, for somebody who has the permission.
fn rows(of: &Has) -> Vec<(&'static str, String, &'static str)> {
    let Has {
        connection,
        incident,
        remedy,
        item,
        event,
    } = of;
    let respond = r#"{"kind":"remove_link"}"#;
    vec![
        ("GET", format!("/connections/{connection}"), ""),
        ("GET", format!("/connections/{connection}/coverage"), ""),
        ("GET", format!("/activities/{connection}/{event}/raw"), ""),
        ("GET", format!("/incidents/{incident}"), ""),
        (
            "PATCH",
            format!("/incidents/{incident}"),
            r#"{"status":"in_progress"}"#,
        ),
        (
            "POST",
            format!("/incidents/{incident}/remedies?dry_run=true"),
            respond,
        ),
        ("POST", format!("/incidents/{incident}/remedies"), respond),
        ("GET", format!("/remedies/{remedy}"), ""),
        ("GET", format!("/quarantine/{item}"), ""),
        ("POST", format!("/remedies/{remedy}/undo"), ""),
        ("POST", format!("/quarantine/{item}/restore"), ""),
    ]
}

#[tokio::test]
async fn what_is_of_another_connection_is_not_there() {
    let world = World::new().await;
    let (mine, theirs) = two(&world).await;
    let ada = Person::with(&world, Role::Analyst, only(mine.connection)).await;
    for (method, path, body) in rows(&theirs) {
        let answer = ada.calls(&world, method, &path, body).await;
        let row = format!("{method} {path}: {}", answer.text);
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{row}");
    }
    let trail = world.audited().await;
    let acts = trail.iter().filter(|action| !action.starts_with("session"));
    assert_eq!(acts.count(), 0, "nothing was done: {trail:?}");
    for (method, path, body) in rows(&mine) {
        let answer = ada.calls(&world, method, &path, body).await;
        let row = format!("{method} {path}: {}", answer.text);
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{row}");
        assert!(!answer.status.is_server_error(), "{row}");
    }
    for path in [
        format!("/incidents/{}", theirs.incident),
        format!("/connections/{}", theirs.connection),
        format!("/activity/{}/{}", theirs.connection, theirs.event),
        format!("/activity/{}/{}", mine.connection, theirs.event),
    ] {
        assert_eq!(ada.get(&world, &path).await.status, StatusCode::NOT_FOUND);
    }
    let eve = Person::with(&world, Role::Reviewer, only(mine.connection)).await;
    let breaker = format!(
        "/breakers/pol_00000000000000000000000000/{}/continue",
        theirs.connection
    );
    for (person, path) in [
        (&ada, format!("/remedies/{}/undo", theirs.remedy)),
        (&ada, format!("/remedies/{}/cancel", theirs.remedy)),
        (&eve, format!("/remedies/{}/approve", theirs.remedy)),
        (&eve, breaker),
    ] {
        let answer = person.posts(&world, &path, "back=").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn no_list_export_count_or_page_shows_another_connection() {
    let world = World::new().await;
    let (mine, theirs) = two(&world).await;
    let ada = Person::with(&world, Role::Analyst, only(mine.connection)).await;
    let all = Person::with(&world, Role::Analyst, ConnectionScope::Every).await;
    let foreign = theirs.connection.to_string();
    for path in [
        "/api/v1/connections",
        "/api/v1/activities",
        "/api/v1/incidents",
        "/api/v1/incidents/export?format=csv",
        "/api/v1/incidents/export?format=json",
        "/api/v1/remedies",
        "/api/v1/quarantine",
        "/connections",
        "/activity",
        "/api/v1/activities/export?format=jsonl",
        "/api/v1/blind-spots",
        "/remedies?state=done",
        "/blind-spots",
        "/overview",
    ] {
        let (bound, free) = (ada.get(&world, path).await, all.get(&world, path).await);
        assert_eq!(bound.status, StatusCode::OK, "{path}");
        assert!(!bound.text.contains(&foreign), "{path}: {}", bound.text);
        assert!(free.text.contains(&foreign), "{path} says which connection");
        assert!(bound.text.contains(&mine.connection.to_string()), "{path}");
    }
    let stats = ada.get(&world, "/api/v1/stats").await.json();
    assert_eq!(stats["activities"], 1);
    assert_eq!(stats["connections_by_state"]["enabled"], 1);
    let asked = format!("/api/v1/incidents?connection={foreign}");
    let asked = ada.get(&world, &asked).await.json();
    assert_eq!(asked["items"].as_array().unwrap().len(), 0);
    let incidents = ada.get(&world, "/").await.text;
    assert!(!incidents.contains(&theirs.incident) && incidents.contains(&mine.incident));
}

#[tokio::test]
async fn the_overview_counts_within_ones_own_connections() {
    let world = World::new().await;
    let (mine, theirs) = two(&world).await;
    let of_another = |incident: &mut event_model::Incident| {
        incident.activity.object_id = Some("file-2".into());
    };
    let theirs = theirs.connection;
    world.violates_as(theirs, "more", &[], of_another).await;
    let high = |page: &str| {
        let tile = page.split("severity=high").nth(1).unwrap().to_owned();
        let number = tile.split("</strong>").next().unwrap();
        number.rsplit('>').next().unwrap().to_owned()
    };
    let page = async |scope| {
        let person = Person::with(&world, Role::Analyst, scope).await;
        person.get(&world, "/overview").await.text
    };
    let own = page(only(mine.connection)).await;
    assert_eq!(high(&own), "1", "{own}");
    assert!(own.contains("1 activities are recorded"), "{own}");
    assert!(own.contains("<svg class=\"days\""), "its days are drawn");
    assert!(!own.contains("Theirs"), "{own}");
    let whole = page(ConnectionScope::Every).await;
    assert_eq!(high(&whole), "3", "{whole}");
}

#[tokio::test]
async fn the_live_view_says_nothing_of_another_connection() {
    let world = World::new().await;
    let (mine, theirs) = two(&world).await;
    let ada = Person::with(&world, Role::Analyst, only(mine.connection)).await;
    let request =
        Request::get("/api/v1/incidents/stream?after=0").header(header::COOKIE, ada.cookie());
    let response = world
        .router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await;
    let mut chunks = response.unwrap().into_body().into_data_stream();
    let mut text = String::new();
    // The comment that keeps the view alive comes when there is nothing left to say.
    while !text.contains(": alive") {
        let chunk = chunks.next().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(text.contains(&mine.incident), "{text}");
    assert!(!text.contains(&theirs.incident), "{text}");
}

#[tokio::test]
async fn a_token_and_its_owner_are_bound_together() {
    let world = World::new().await;
    let (mine, theirs) = two(&world).await;
    let ada = Person::with(&world, Role::Analyst, only(mine.connection)).await;
    let token = ada.token(&world, &[Permission::IncidentsRead]).await;
    for (of, status) in [(&mine, 200), (&theirs, 404)] {
        let request = Request::get(format!("/api/v1/incidents/{}", of.incident))
            .header("authorization", format!("Bearer {token}"));
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_trial_is_of_ones_own_connections() {
    let world = World::new().await;
    let (mine, theirs) = two(&world).await;
    let ada = Person::with(&world, Role::Analyst, only(mine.connection)).await;
    let policy =
        r#""document":{"name":"x","trigger":{"actions":["share"]},"rule":"_share.public"}"#;
    let of = |connection: ConnectionId| format!(r#"{{{policy},"connection":"{connection}"}}"#);
    for (body, status) in [
        (format!("{{{policy}}}"), 422),
        (of(theirs.connection), 422),
        (of(mine.connection), 202),
    ] {
        let answer = ada.calls(&world, "POST", "/policies/replay", &body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    }
    let whole = world
        .call("POST", "/policies/replay", &format!("{{{policy}}}"))
        .await;
    let whole = whole.json()["id"].as_str().unwrap().to_owned();
    let hidden = ada
        .calls(&world, "GET", &format!("/replays/{whole}"), "")
        .await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    let listed = ada.calls(&world, "GET", "/replays", "").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_live_view_ends_after_a_while_and_is_asked_for_again() {
    let world = World::new().await;
    let ada = Person::with(&world, Role::Analyst, ConnectionScope::Every).await;
    let request = Request::get("/api/v1/incidents/stream").header(header::COOKIE, ada.cookie());
    let request = request.body(Body::empty()).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let mut chunks = response.into_body().into_data_stream();
    assert!(chunks.next().await.is_some());
    world.clock.advance(std::time::Duration::from_secs(301));
    let ended = async { while chunks.next().await.is_some() {} };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), ended).await;
    assert!(ended.is_ok(), "the view goes on for ever");
}
