//! The audit trail on its page: narrowed, entry by entry, proved, taken out as a file.

use axum::http::StatusCode;
use event_model::{AuditId, ConnectionScope, Role};
use ports::{AuditTrail, Clock, NewAudit};

use crate::browser::Browser;
use crate::people::Person;
use crate::world::World;

async fn writes(world: &World, n: u8, actor: &str, action: &str, detail: &str) {
    let at = world.clock.now();
    let entry = NewAudit {
        id: AuditId::new(at, u128::from(n)),
        at,
        actor: actor.into(),
        action: action.into(),
        subject: "conn_01ARZ3NDEKTSV4RRFFQ69G5FAV".into(),
        detail: detail.into(),
    };
    world.store.audit(&entry).await.unwrap();
}

#[tokio::test]
async fn the_trail_is_narrowed_and_each_entry_shows_its_hashes() {
    let world = World::new().await;
    writes(&world, 1, "grace", "connection.disabled", "for the night").await;
    writes(&world, 2, "ada", "policy.saved", "version 2").await;
    let browser = Browser::signs_in(&world).await;
    for (query, grace, ada) in [
        ("", true, true),
        ("by=grace", true, false),
        ("action=policy", false, true),
        ("action=policy.saved", false, true),
        ("q=NIGHT", true, false),
        ("subject=conn_01ARZ3NDEKTSV4RRFFQ69G5FAV", true, true),
        ("to=2020-01-01", false, false),
    ] {
        let page = browser.shows(&format!("/audit?{query}")).await;
        assert_eq!(page.contains("for the night"), grace, "{query}");
        assert_eq!(page.contains("version 2"), ada, "{query}");
    }
    let page = browser.shows("/audit/2").await;
    assert!(page.contains("holds behind the one before"), "{page}");
    assert!(page.contains("href=\"/audit/1\"") && page.contains("version 2"));
    assert!(page.contains("href=\"/connections/conn_01ARZ3NDEKTSV4RRFFQ69G5FAV\""));
    let first = browser.shows("/audit/1").await;
    assert!(first.contains("none: it is the first"), "{first}");
    for none in [
        "/audit/0",
        "/audit/99",
        "/audit/x",
        "/audit/18446744073709551615",
    ] {
        let answer = browser.get(none).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{none}");
    }
}

#[tokio::test]
async fn the_chain_is_proved_from_the_page() {
    let world = World::new().await;
    for n in 1..=3 {
        writes(&world, n, "grace", "connection.disabled", "x").await;
    }
    let browser = Browser::signs_in(&world).await;
    let holds = browser.posts("/audit/verify", "").await.text;
    assert!(holds.contains("entries hold together"), "{holds}");
}

#[tokio::test]
async fn the_trail_is_taken_out_as_lines_that_no_spreadsheet_computes() {
    let world = World::new().await;
    writes(
        &world,
        1,
        "=cmd|'/C calc'!A0",
        "policy.saved",
        "a \"b\"\r\nset-cookie: c",
    )
    .await;
    writes(&world, 2, "ada", "connection.disabled", "x").await;
    let csv = world.call("GET", "/audit/export?format=csv", "").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let name = csv.header("content-disposition");
    assert_eq!(name, "attachment; filename=\"audit.csv\"");
    assert!(csv.text.contains("\"'=cmd|'/C calc'!A0\""), "{}", csv.text);
    let lines = world
        .call("GET", "/audit/export?format=jsonl&action=policy", "")
        .await;
    let lines: Vec<&str> = lines.text.lines().collect();
    assert_eq!(lines.len(), 1);
    let entry: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(entry["detail"], "a \"b\"\r\nset-cookie: c");
    assert_eq!(entry["hash"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn who_is_bound_to_some_connections_sees_nothing_of_the_trail() {
    let world = World::new().await;
    let mine = world.connects("toy-cloud").await;
    let only = ConnectionScope::Only([mine].into());
    for (scope, allowed) in [(only, false), (ConnectionScope::Every, true)] {
        let ann = Person::with(&world, Role::Auditor, scope).await;
        for path in [
            "/audit",
            "/audit/1",
            "/api/v1/audit",
            "/api/v1/audit/export",
        ] {
            let status = ann.get(&world, path).await.status;
            assert_eq!(status != StatusCode::FORBIDDEN, allowed, "{path}");
        }
        let verified = ann.posts(&world, "/audit/verify", "").await.status;
        assert_eq!(verified == StatusCode::OK, allowed);
    }
}
