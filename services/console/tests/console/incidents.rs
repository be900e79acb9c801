//! Incidents as a client of the API sees them: lists, one of them, its remedies, exports.

use axum::http::StatusCode;
use event_model::{RemedyKind, RemedyState};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn pages_of_incidents_have_neither_gap_nor_repeat() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    for n in 0..7 {
        world.violates(connection, &format!("e{n}"), &[]).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/incidents?limit=3".to_owned());
    loop {
        let page = world.get(&path).await;
        for item in page["items"].as_array().unwrap() {
            seen.push(item["number"].as_str().unwrap().to_owned());
        }
        // One more arrives while the list is read.
        world
            .violates(connection, &format!("late{}", seen.len()), &[])
            .await;
        match page["next"].as_str() {
            Some(cursor) => path = format!("/incidents?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    let expected: Vec<String> = (1..=7).rev().map(|n| format!("SHR-{n}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_etag_guards_what_was_read() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let incident = world.violates(connection, "e1", &[]).await;
    let path = format!("/incidents/{}", incident.id);
    let read = world.call("GET", &path, "").await;
    let tag = read.header("etag").to_owned();
    let body = r#"{"status":"in_progress"}"#;
    let first = world
        .call_with("PATCH", &path, body, &[("if-match", &tag)])
        .await;
    assert_eq!(first.status, StatusCode::OK);
    let second = world
        .call_with("PATCH", &path, body, &[("if-match", &tag)])
        .await;
    assert_eq!(second.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(second.json()["code"], "TG-045");
    let any = world
        .call_with("PATCH", &path, body, &[("if-match", "*")])
        .await;
    assert_eq!(any.status, StatusCode::OK);
    let bad = world
        .call_with("PATCH", &path, body, &[("if-match", "newest")])
        .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_incident_and_an_activity_have_the_agreed_shape() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let kinds = [RemedyKind::RemoveLink];
    let incident = world.violates(connection, "e1", &kinds).await;
    let shown = world.get(&format!("/incidents/{}", incident.id)).await;
    for key in [
        "id",
        "number",
        "status",
        "severity",
        "policy",
        "connection_id",
        "activity",
        "provenance",
        "evidence",
        "trace",
        "remedies",
        "timeline",
        "latency",
    ] {
        assert!(!shown[key].is_null(), "{key}");
    }
    assert_eq!(shown["activity"].as_object().unwrap().len(), 24);
    assert_eq!(shown["remedies"][0]["state"], "planned");
    let activities = world.get("/activities").await;
    let item = &activities["items"][0];
    for field in event_model::Field::ALL {
        assert!(
            item.as_object().unwrap().contains_key(field.name()),
            "{field}"
        );
    }
    assert_eq!(item["received_at"], "2026-01-31T10:00:00.960Z");
    assert_eq!(item["own"], false);
    let raw = world
        .call("GET", &format!("/activities/{connection}/e1/raw"), "")
        .await;
    assert_eq!(raw.text, r#"{ "as":  "sent" }"#);
    let blind = world.get("/blind-spots").await;
    assert_eq!(blind["items"][0]["blind_spots"][0]["reason"], "encrypted");
}

#[tokio::test]
async fn remedies_are_retried_approved_and_undone_and_every_act_is_audited() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let kinds = [RemedyKind::RemoveLink, RemedyKind::Quarantine];
    let incident = world.violates(connection, "e1", &kinds).await;
    let [link, hold] = [0, 1].map(|place: usize| incident.remedies[place].id);
    world.carries_out(RemedyState::GivenUp).await;
    let retried = world
        .call("POST", &format!("/remedies/{link}/retry"), "")
        .await;
    assert_eq!(retried.status, StatusCode::ACCEPTED, "{}", retried.text);
    assert_eq!(retried.json()["state"], "planned");
    world.carries_out(RemedyState::Done).await;
    let undo = world
        .call("POST", &format!("/remedies/{link}/undo"), "")
        .await;
    assert_eq!(undo.status, StatusCode::ACCEPTED, "{}", undo.text);
    assert_eq!(undo.json()["kind"], "restore");
    assert_eq!(undo.json()["of"], link.to_string());
    let twice = world
        .call("POST", &format!("/remedies/{link}/undo"), "")
        .await;
    assert_eq!(
        twice.status,
        StatusCode::CONFLICT,
        "an undo is planned once"
    );
    let item = world.carries_out(RemedyState::Done).await.unwrap();
    let undo = world
        .call("POST", &format!("/remedies/{hold}/undo"), "")
        .await;
    assert_eq!(undo.status, StatusCode::ACCEPTED, "{}", undo.text);
    let held = world.get(&format!("/quarantine/{item}")).await;
    assert_eq!(held["state"], "restoring");
    let body = r#"{"status":"resolved","verdict":"benign","comment":"the link is meant"}"#;
    world
        .call("PATCH", &format!("/incidents/{}", incident.id), body)
        .await;
    let expected: Vec<&str> = vec![
        "incident.status_set",
        "quarantine.restore_planned",
        "remedy.undo_planned",
        "remedy.retried",
    ];
    assert_eq!(world.audited().await, expected);
    let kept = world.read(incident.id).await;
    let said: Vec<&str> = kept
        .timeline
        .iter()
        .map(|entry| entry.text.as_str())
        .collect();
    assert!(
        said.contains(&"administrator asked to undo remove_link"),
        "{said:?}"
    );
}

#[tokio::test]
async fn an_export_holds_every_incident_that_matches() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    for n in 0..520 {
        world.violates(connection, &format!("e{n}"), &[]).await;
    }
    let json = world.get("/incidents/export?format=json").await;
    assert_eq!(json["items"].as_array().unwrap().len(), 520);
    assert_eq!(json["next"], Value::Null);
    let csv = world.call("GET", "/incidents/export", "").await;
    assert_eq!(csv.text.lines().count(), 521);
    assert!(csv.header("content-disposition").starts_with("attachment"));
    let none = world
        .get("/incidents/export?format=json&severity=low")
        .await;
    assert_eq!(none, json!({ "items": [], "next": null }));
}
