//! The activity log: what an activity tells, where cursors stand, and that no fault of the log loses an activity.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, until};

#[tokio::test]
async fn an_activity_tells_all_that_the_document_promises() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("q3.docx", "text").await;
    let from =
        json!({"tenant": "acme", "user": "alice", "do": "share", "file_id": id, "with": "gus"});
    let shared = world.act(from).await;
    let link = world
        .act(json!({"tenant": "acme", "user": "alice", "do": "link", "file_id": id}))
        .await;
    world
        .get(&admin, &format!("/api/v1/files/{id}/content"))
        .await;
    let page = world.get(&admin, "/api/v1/events").await.json();
    let items = page["items"].as_array().unwrap();
    let kinds: Vec<_> = items
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    let expected = [
        "user.login",
        "app.authorized",
        "file.created",
        "file.shared",
        "link.created",
        "file.downloaded",
    ];
    assert_eq!(kinds, expected);
    assert!(
        items[0].get("object").is_none() && items[0].get("share").is_none(),
        "{}",
        items[0]
    );

    let mut event = items[3].clone();
    assert_eq!(event["id"], shared["event_id"]);
    let occurred = event["occurred_at"].take();
    assert_eq!(
        (occurred.as_str().unwrap().len(), event["logged_at"].take()),
        (24, occurred)
    );
    let url = world.cloud.url();
    let expected = json!({"id": shared["event_id"], "tenant_id": "acme", "type": "file.shared", "category": "sharing",
        "occurred_at": null, "logged_at": null,
        "actor": {"id": "u_acme_alice", "name": "Alice Archer", "email": "alice@acme.example", "external": false,
            "role": "member", "ip": "203.0.113.7"},
        "object": {"id": id, "type": "file", "name": "q3.docx", "path": "/alice/q3.docx",
            "download_url": format!("{url}/api/v1/files/{id}/content"), "version": 1},
        "share": {"from_email": "alice@acme.example",
            "target": {"id": "u_acme_gus", "email": "gus@partner.example", "external": true}, "role": "viewer", "link": null},
        "client": {"user_agent": "Web browser", "app_id": null}});
    assert_eq!(event, expected);
    assert_eq!(items[4]["share"]["target"], Value::Null);
    assert_eq!(items[4]["share"]["link"]["url"], link["link_url"]);
    assert_eq!(items[4]["share"]["link"]["visibility"], "public");
    let app = (
        &items[5]["client"]["app_id"],
        &items[5]["actor"]["id"],
        &items[5]["actor"]["ip"],
    );
    assert_eq!(
        app,
        (
            &json!("tidegate"),
            &json!("u_acme_admin"),
            &json!("127.0.0.1")
        )
    );
}

#[tokio::test]
async fn cursors_stand_at_the_start_at_the_end_or_where_a_page_ended() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let end = world.get(&admin, "/api/v1/events?cursor=now").await.json();
    assert_eq!(
        (&end["items"], &end["has_more"]),
        (&json!([]), &json!(false))
    );
    for n in 0..5 {
        world.alice_uploads(&format!("{n}"), "x").await;
    }
    let mut cursor = end["next"].as_str().unwrap().to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = world
            .get(&admin, &format!("/api/v1/events?limit=2&cursor={cursor}"))
            .await
            .json();
        cursor = page["next"].as_str().unwrap().to_owned();
        sizes.push(page["items"].as_array().unwrap().len());
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    for unknown in ["nonsense", "YWNtZTo5OTk5", "Z2xvYmV4OjA"] {
        let refused = world
            .get(&admin, &format!("/api/v1/events?cursor={unknown}"))
            .await;
        let oldest = refused.json()["oldest"].as_str().unwrap().to_owned();
        refused.expect(410, "cursor_expired");
        let again = world
            .get(&admin, &format!("/api/v1/events?cursor={oldest}"))
            .await
            .json();
        assert_eq!(again["items"].as_array().unwrap().len(), 7);
    }
    let old = world.get(&admin, "/api/v1/events?limit=1").await.json()["next"].clone();
    world
        .cloud
        .model()
        .advance_clock(Duration::from_secs(31 * 86_400));
    let admin = world.administrator().await;
    let refused = world
        .get(
            &admin,
            &format!("/api/v1/events?cursor={}", old.as_str().unwrap()),
        )
        .await;
    refused.expect(410, "cursor_expired");
}

#[tokio::test]
async fn that_labels_changed_is_told_in_a_log_of_its_own_and_by_its_cursors_only() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("q3.docx", "text").await;
    let changes = "/api/v1/labels/changes";
    let end = world.get(&admin, &format!("{changes}?cursor=now")).await;
    let end = end.json()["next"].as_str().unwrap().to_owned();
    let since = format!("{changes}?cursor={end}");
    let label = |name: &str| {
        let label = json!({"id": "c-9", "name": name});
        vec![serde_json::from_value(label).unwrap()]
    };
    let classify = |labels| world.cloud.model().classify("acme", &id, labels).unwrap();
    classify(label("Secret"));
    // Those that it has already are no change.
    classify(label("Secret"));
    classify(Vec::new());
    let page = world.get(&admin, &since).await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!((items.len(), &page["has_more"]), (2, &json!(false)));
    let mut first = items[0].clone();
    let (occurred, logged) = (first["occurred_at"].take(), first["logged_at"].take());
    assert_eq!(occurred, logged);
    let url = world.cloud.url();
    let expected = json!({"id": "lch_00000000000001", "tenant_id": "acme", "type": "labels.changed",
        "occurred_at": null, "logged_at": null,
        "object": {"id": id, "type": "file", "name": "q3.docx", "path": "/alice/q3.docx",
            "download_url": format!("{url}/api/v1/files/{id}/content"), "version": 1}});
    assert_eq!(first, expected);
    let events = world.get(&admin, "/api/v1/events").await.json();
    let kinds = events["items"].as_array().unwrap().iter();
    assert!(
        kinds
            .map(|item| &item["type"])
            .all(|kind| kind != "labels.changed")
    );

    let of_events = events["next"].as_str().unwrap();
    let refused = world
        .get(&admin, &format!("{changes}?cursor={of_events}"))
        .await;
    refused.expect(410, "cursor_expired");
    let refused = world
        .get(&admin, &format!("/api/v1/events?cursor={end}"))
        .await;
    refused.expect(410, "cursor_expired");
}

#[tokio::test]
async fn whatever_the_plan_every_activity_is_read_at_least_once_and_none_appears_behind_a_cursor() {
    let mut tallies = BTreeMap::from([
        ("repeated", 0),
        ("out of order", 0),
        ("empty", 0),
        ("short", 0),
    ]);
    for seed in 0..12 {
        let world = World::new().await;
        let admin = world.administrator().await;
        let plan = json!({"lag_ms": 40, "repeat": 0.3, "reorder": 0.3, "short_page": 0.3, "empty_page": 0.3});
        world.faults(json!({"seed": seed, "events": plan})).await;
        let start = world.get(&admin, "/api/v1/events?cursor=now").await.json();
        let mut cursor = start["next"].as_str().unwrap().to_owned();
        let mut read: Vec<Value> = Vec::new();
        let mut made = BTreeSet::new();
        for n in 0..60 {
            let act = json!({"tenant": "acme", "user": "bob", "do": "upload", "name": format!("{n}"), "content": "x"});
            made.insert(
                world.act(act).await["event_id"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
            if n % 6 == 0 {
                cursor = read_page(&world, &admin, &cursor, &mut read, &mut tallies).await;
            }
        }
        until("everything made was read", async || {
            cursor = read_page(&world, &admin, &cursor, &mut read, &mut tallies).await;
            let seen: BTreeSet<_> = read
                .iter()
                .map(|item| item["id"].as_str().unwrap())
                .collect();
            made.iter()
                .all(|id| seen.contains(id.as_str()))
                .then_some(())
        })
        .await;
        let distinct: BTreeSet<_> = read.iter().map(|item| item["id"].as_str()).collect();
        *tallies.get_mut("repeated").unwrap() += read.len() - distinct.len();
        let times: Vec<_> = read
            .iter()
            .map(|item| item["occurred_at"].as_str().unwrap())
            .collect();
        *tallies.get_mut("out of order").unwrap() +=
            times.windows(2).filter(|pair| pair[0] > pair[1]).count();
    }
    assert!(
        tallies.values().all(|times| *times > 0),
        "every kind of fault was met: {tallies:?}"
    );
}

async fn read_page(
    world: &World,
    token: &str,
    cursor: &str,
    read: &mut Vec<Value>,
    tallies: &mut BTreeMap<&str, usize>,
) -> String {
    let page = world
        .get(token, &format!("/api/v1/events?limit=10&cursor={cursor}"))
        .await
        .json();
    let items = page["items"].as_array().unwrap();
    if page["has_more"] == true {
        *tallies.get_mut("empty").unwrap() += usize::from(items.is_empty());
        *tallies.get_mut("short").unwrap() += usize::from((1..10).contains(&items.len()));
    }
    assert!(items.len() <= 10);
    read.extend(items.iter().cloned());
    page["next"].as_str().unwrap().to_owned()
}
