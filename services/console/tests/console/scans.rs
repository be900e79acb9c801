//! Scans as they are asked for, steered and shown; who works at them is the evaluator.

use axum::http::StatusCode;
use event_model::{EventId, Job, JobId, JobState, JobWork, ScanExample, ScanOfPolicy};
use ports::{Clock, JobStore};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::World;

async fn begun(world: &World, ask: Value) -> JobId {
    let answer = world.call("POST", "/scans", &ask.to_string()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().parse().unwrap()
}

/// What the evaluator would have written.
async fn worked(world: &World, id: JobId, change: impl FnOnce(&mut Job)) {
    let mut job = world.store.job(id).await.unwrap().unwrap();
    job.step(JobState::Running, world.clock.now()).unwrap();
    let JobWork::Scan(scan) = &mut job.work else {
        panic!("a scan");
    };
    scan.worked_ms = 60_000;
    let report = &mut scan.report;
    (report.listed, report.looked_at) = (50, 50);
    (report.violating, report.actions) = (3, 3);
    let of_policy = ScanOfPolicy {
        name: "No <i>links</i>".into(),
        violations: 3,
        actions: 3,
    };
    report.policies.insert("pol".into(), of_policy);
    report.users.insert("ada@example.com".into(), 3);
    report.examples.push(ScanExample {
        event_id: EventId::new("crawl:shares:1").unwrap(),
        policy: "No links".into(),
        object: Some("/<plans>".into()),
        user: Some("ada@example.com".into()),
        shared_with: None,
    });
    change(&mut job);
    world.store.save_job(&job).await.unwrap();
}

#[tokio::test]
async fn a_scan_is_told_with_its_rate_and_how_long_it_takes_after_the_last_one() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let ask = json!({ "connection": connection, "kind": "shares" });
    let first = begun(&world, ask.clone()).await;
    let path = format!("/scans/{first}");
    let waiting = world.get(&path).await;
    assert_eq!(
        waiting["ask"]["mode"], "preview",
        "nothing else unless asked"
    );
    assert_eq!(waiting["percent"], Value::Null, "nothing is expected yet");
    let now = world.clock.now();
    worked(&world, first, |job| job.step(JobState::Done, now).unwrap()).await;
    assert_eq!(world.get(&path).await["percent"], 100);
    let second = begun(&world, ask).await;
    worked(&world, second, |job| {
        if let JobWork::Scan(scan) = &mut job.work {
            scan.report.listed = 20;
        }
    })
    .await;
    let beside = world.get(&format!("/scans/{second}")).await;
    let told = (
        &beside["per_minute"],
        &beside["percent"],
        &beside["seconds_left"],
    );
    assert_eq!(told, (&json!(20), &json!(40), &json!(90)), "{beside}");
    let of_it = world.get(&format!("/scans?connection={connection}")).await;
    assert_eq!(of_it["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_scan_is_paused_resumed_and_canceled_and_one_that_stands_still_may_do_as_much_again() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let ask =
        json!({ "connection": connection, "kind": "shares", "mode": "act", "actions_max": 3 });
    let id = begun(&world, ask).await;
    let does = async |act: &str| {
        let path = format!("/scans/{id}/{act}");
        world.call("POST", &path, "").await
    };
    for (act, status, state) in [
        ("resume", 409, "waiting"),
        ("pause", 200, "paused"),
        ("pause", 409, "paused"),
        ("resume", 200, "waiting"),
    ] {
        let answer = does(act).await;
        assert_eq!(answer.status.as_u16(), status, "{act}: {}", answer.text);
        assert_eq!(world.get(&format!("/scans/{id}")).await["state"], state);
    }
    let now = world.clock.now();
    worked(&world, id, |job| job.step(JobState::Held, now).unwrap()).await;
    let resumed = does("resume").await.json();
    assert_eq!(resumed["allowed"], 6, "three more: {resumed}");
    assert_eq!(does("cancel").await.json()["state"], "canceled");
    assert_eq!(does("resume").await.status, StatusCode::CONFLICT);
    let audited = world.audited().await;
    for action in [
        "scan.started",
        "scan.paused",
        "scan.resumed",
        "scan.canceled",
    ] {
        assert!(
            audited.iter().any(|one| one == action),
            "{action} of {audited:?}"
        );
    }
}

#[tokio::test]
async fn a_scan_is_started_watched_and_continued_on_its_pages() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let browser = Browser::signs_in(&world).await;
    let empty = browser.shows("/scans").await;
    assert!(empty.contains("Begin with a preview") && empty.contains(&connection.to_string()));
    let form = format!(
        "connection={connection}&kind=shares&mode=act&path=&user=&actions_max=3&budget_percent=20&every_hours="
    );
    let wrong = browser
        .posts("/scans", &form.replace("actions_max=3", "actions_max=x"))
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("is not a number from 1 to 10000"),
        "{}",
        wrong.text
    );
    let started = browser.posts("/scans", &form).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    let place = started.header("location").to_owned();
    let id = place.rsplit('/').next().unwrap().parse().unwrap();
    assert!(
        browser
            .shows(&place)
            .await
            .contains("http-equiv=\"refresh\"")
    );
    let now = world.clock.now();
    worked(&world, id, |job| {
        job.note = Some("3 actions are planned".into());
        job.step(JobState::Held, now).unwrap();
    })
    .await;
    let held = browser.shows(&place).await;
    for part in [
        "3 actions are planned",
        "Continue with up to 3 more actions",
        "50 a minute",
        "ada@example.com",
        "&#60;plans&#62;",
        "No &#60;i&#62;links",
    ] {
        assert!(held.contains(part), "{part} is not in {held}");
    }
    assert!(!held.contains("http-equiv"), "it stands still");
    let listed = browser.shows("/scans").await;
    assert!(listed.contains("stands still") && listed.contains("Our toy-cloud"));
    let resumed = browser.posts(&format!("{place}/resume"), "").await;
    assert_eq!(resumed.status, StatusCode::SEE_OTHER);
    let nothing = browser.posts(&format!("{place}/explode"), "").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}
