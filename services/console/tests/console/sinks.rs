//! Where incidents are handed on to: what is shown of it, and a test message.

use std::path::Path;
use std::sync::Arc;

use event_model::{SinkStanding, SinkState, SinkStream};
use ports::{ManualClock, MemoryMailer, SinkDesk, SinkStandings};
use serde_json::{Value, json};
use sinks::{Desk, Reach, SinkSettings};
use store_sqlite::SqliteStore;

use crate::browser::Browser;
use crate::world::{World, beginning};

/// `archive` is a file of the folder; where `away` leads there is nothing.
pub(crate) fn desk(
    folder: &Path,
    store: &Arc<SqliteStore>,
    clock: &Arc<ManualClock>,
) -> Arc<dyn SinkDesk> {
    let sheet = folder.join("sinks.toml");
    let at = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "[[sink]]\nname = 'archive'\nleast_severity = 'medium'\nfile = {{path = '{}'}}\n\
         [[sink]]\nname = 'away'\nfile = {{path = '{}'}}\n",
        at("archive.jsonl"),
        at("no-such-folder/x"),
    );
    std::fs::write(&sheet, text).unwrap();
    let settings = SinkSettings::of_file(&sheet).unwrap();
    let reach = Reach {
        clock: clock.clone(),
        mailer: Arc::new(MemoryMailer::default()),
    };
    Arc::new(Desk::new(settings, store.clone(), reach))
}

#[tokio::test]
async fn a_sink_is_shown_with_how_far_each_of_its_streams_has_come() {
    let world = World::new().await;
    let shown = world.call("GET", "/sinks", "").await.json();
    let names: Vec<&Value> = shown["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["name"])
        .collect();
    assert_eq!(names, ["archive", "away"]);
    assert_eq!(shown["items"][0]["kind"], "file");
    assert_eq!(shown["items"][0]["least_severity"], "medium");
    assert_eq!(shown["items"][0]["streams"], json!(["incidents"]));
    assert_eq!(shown["items"][0]["standings"], json!([]), "not begun");
    let standing = SinkStanding {
        state: SinkState::PutOff,
        cursor: [(0, 41)].into(),
        lag: 3,
        last_error: Some("it answered 503".into()),
        last_error_at: Some(beginning()),
        retry_at: Some(beginning()),
        ..SinkStanding::begun("away", SinkStream::Incidents, beginning())
    };
    world.store.note_sink(&standing).await.unwrap();
    let shown = world.call("GET", "/sinks", "").await.json();
    let away = &shown["items"][1]["standings"][0];
    assert_eq!(away["state"], "put_off");
    assert_eq!(away["cursor"], json!({"0": 41}));
    assert_eq!(away["lag"], 3);
    assert_eq!(away["last_error"], "it answered 503");
    assert!(away["retry_at"].is_string(), "{away}");
    assert_eq!(shown["items"][0]["standings"], json!([]));
}

#[tokio::test]
async fn a_test_message_is_really_sent_and_its_outcome_told_and_audited() {
    let world = World::new().await;
    let answer = world.call("POST", "/sinks/archive/test", "").await;
    let trial = answer.json();
    assert_eq!(
        (trial["taken"].clone(), trial["error"].clone()),
        (json!(true), Value::Null)
    );
    let written = std::fs::read_to_string(world.folder.path().join("archive.jsonl")).unwrap();
    let event: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(event["metadata"]["uid"], trial["id"]);
    assert_eq!(event["unmapped"]["number"], "TEST-1");
    let trial = world.call("POST", "/sinks/away/test", "").await.json();
    assert_eq!(trial["taken"], false);
    let error = trial["error"].as_str().unwrap();
    assert!(error.contains("cannot be written"), "{error}");
    let audit = world.call("GET", "/audit", "").await.json();
    let acts: Vec<(&str, &str)> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "sink.tried")
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap();
            (text("subject"), text("detail"))
        })
        .collect();
    assert_eq!(acts.len(), 2, "{audit}");
    let detail = |name| acts.iter().find(|(of, _)| *of == name).unwrap().1;
    assert!(detail("archive").contains("took"), "{acts:?}");
    assert!(detail("away").contains("did not take"), "{acts:?}");
}

#[tokio::test]
async fn the_page_shows_each_sink_and_what_came_of_a_test_message() {
    let world = World::new().await;
    let standing = SinkStanding {
        state: SinkState::PutOff,
        lag: 1_234,
        last_error: Some("<script>it answered 503".into()),
        retry_at: Some(beginning() + chrono::TimeDelta::minutes(2)),
        ..SinkStanding::begun("away", SinkStream::Incidents, beginning())
    };
    world.store.note_sink(&standing).await.unwrap();
    let browser = Browser::signs_in(&world).await;
    let page = browser.shows("/sinks").await;
    for part in [
        "archive",
        "put off: the receiver could not be had",
        "1,234",
        "&#60;script&#62;it answered 503",
        "in 2 min",
        "Not begun yet: incidents",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let taken = browser.posts("/sinks/archive/test", "").await.text;
    assert!(taken.contains("archive took the test message"), "{taken}");
    let refused = browser.posts("/sinks/away/test", "").await;
    assert_eq!(refused.status.as_u16(), 502);
    assert!(
        refused.text.contains("cannot be written"),
        "{}",
        refused.text
    );
    let none = browser.posts("/sinks/none/test", "").await;
    assert_eq!(none.status.as_u16(), 404);
}
