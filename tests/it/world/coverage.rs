//! What was missed, how far a feed was read, and a pause: noted, shown and counted.

use reqwest::Method;
use serde_json::{Value, json};

use super::{World, text};

impl World {
    async fn coverage(&self, id: &str) -> Value {
        let path = format!("/api/v1/connections/{id}/coverage");
        self.call(Method::GET, &path, &Value::Null).await.json()
    }

    async fn until_coverage(&self, id: &str, pointer: &str) -> Value {
        self.until(pointer, || async {
            let coverage = self.coverage(id).await;
            let there = coverage.pointer(pointer).is_some_and(|at| !at.is_null());
            Ok(there.then_some(coverage))
        })
        .await
    }

    /// The next request for events is answered like that.
    async fn the_feed_answers_once(&self, what: Value) {
        let rule = json!({"match": {"path_prefix": "/api/v1/events"}, "what": what, "times": 1});
        self.the_service_misbehaves(json!({"rules": [rule]})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_and_a_pause_are_noted_and_shown_and_reading_goes_on() {
    let world = World::new(31).await;
    let id = world.connects("Acme", "acme", "pull").await;
    let alice = world.user("acme", "alice");
    alice.logs_in();
    let read = world.until_coverage(&id, "/streams/0/read_until").await;
    assert_eq!(read["gaps"], json!([]));
    assert_eq!(read["streams"][0]["late"], false);

    world.the_feed_answers_once(json!({"status": 410})).await;
    let missed = world.until_coverage(&id, "/gaps/0").await;
    assert_eq!(text(&missed, "/gaps/0/stream"), "activity");
    assert_eq!(text(&missed, "/gaps/0/reason"), "cursor_expired");
    assert!(missed["gaps"][0]["from"].is_string(), "{missed}");
    let counted = world
        .metric("tidegate_coverage_gaps_total{reason=\"cursor_expired\"}")
        .await;
    assert!(counted >= 1.0, "{counted}");
    assert_eq!(world.audited("feed.coverage_gap").await.len(), 1);
    let path = format!("/api/v1/connections/{id}/health");
    let health = world.call(Method::POST, &path, &json!({})).await.json();
    let checks = health["checks"].as_array().unwrap().iter();
    let failing: Vec<&Value> = checks.filter(|check| check["ok"] == false).collect();
    assert_eq!(failing.len(), 1, "{health}");
    assert_eq!(text(failing[0], "/name"), "coverage");

    let busy = json!({"status": 429, "retry_after_s": 2});
    world.the_feed_answers_once(busy).await;
    world.until_coverage(&id, "/paused_until").await;
    let before = world.events_of("acme");
    alice.logs_in();
    let after = world.events_of("acme");
    for event in after.difference(&before) {
        let list = format!("activities?event_id={event}");
        world
            .until("the activity after the gap and the pause", || async {
                Ok(world.all(&list).await?.pop())
            })
            .await;
    }
    world.shuts_down().await;
}
