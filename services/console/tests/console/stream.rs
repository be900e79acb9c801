//! Incidents as server-sent events.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures::StreamExt;
use tower::ServiceExt;

use crate::world::{TOKEN, World};

/// Longest wait for what must come.
const DEADLINE: Duration = Duration::from_secs(5);

struct Live {
    body: BodyDataStream,
    text: String,
}

impl Live {
    async fn open(world: &World, query: &str, header: Option<&str>) -> Self {
        let mut request = Request::get(format!("/api/v1/incidents/stream{query}"))
            .header("authorization", format!("Bearer {TOKEN}"));
        if let Some(last) = header {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = world.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Live {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// Reads on until an event of that incident: gives the event's id.
    async fn sees(&mut self, number: &str) -> String {
        let wanted = format!("\"number\":\"{number}\"");
        loop {
            let event = self.incident().await.expect("the view is open");
            if event.contains(&wanted) {
                let id = event.lines().find_map(|line| line.strip_prefix("id: "));
                assert!(event.contains("event: incident\n"), "{event}");
                return id.unwrap().to_owned();
            }
        }
    }

    /// The next event that is no heartbeat; none when the view ended.
    async fn incident(&mut self) -> Option<String> {
        loop {
            let event = self.event().await?;
            if !event.starts_with(':') {
                return Some(event);
            }
        }
    }

    async fn event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(event + "\n");
            }
            let chunk = tokio::time::timeout(DEADLINE, self.body.next()).await;
            let chunk = chunk.expect("something comes, or the view ends")?;
            self.text
                .push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn a_new_incident_is_seen_at_once_and_nothing_is_missed_after_a_break() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    world.violates(connection, "before", &[]).await;
    let mut live = Live::open(&world, "", None).await;
    world.violates(connection, "e2", &[]).await;
    let last = live.sees("SHR-2").await;
    drop(live);
    world.violates(connection, "e3", &[]).await;
    world.violates(connection, "e4", &[]).await;
    for (query, header) in [
        (String::new(), Some(last.as_str())),
        (format!("?after={last}"), None),
        ("?after=0".to_owned(), Some(last.as_str())),
    ] {
        let mut live = Live::open(&world, &query, header).await;
        let first = live.incident().await.unwrap();
        assert!(first.contains("SHR-3"), "{query} {header:?}: {first}");
        live.sees("SHR-4").await;
    }
    let mut all = Live::open(&world, "?after=0", None).await;
    assert!(all.incident().await.unwrap().contains("SHR-1"));
}

#[tokio::test]
async fn a_change_of_an_incident_is_an_event_too() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let incident = world.violates(connection, "e1", &[]).await;
    let mut live = Live::open(&world, "?after=999999", None).await;
    let path = format!("/incidents/{}", incident.id);
    world
        .call("PATCH", &path, r#"{"status":"in_progress"}"#)
        .await;
    let event = live.incident().await.unwrap();
    assert!(event.contains("\"status\":\"in_progress\""), "{event}");
}

#[tokio::test]
async fn live_views_are_bounded_and_end_with_the_program() {
    let world = World::new().await;
    let mut live = Live::open(&world, "", None).await;
    let second = Live::open(&world, "", None).await;
    let refused = world.call("GET", "/incidents/stream", "").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["code"], "TG-047");
    assert!(!refused.header("retry-after").is_empty());
    drop(second);
    let third = Live::open(&world, "", None).await;
    drop(third);
    world.stop.send(true).unwrap();
    assert_eq!(live.incident().await, None, "the view ends");
}

#[tokio::test]
async fn a_quiet_view_has_a_heartbeat() {
    let world = World::new().await;
    let mut live = Live::open(&world, "", None).await;
    for _ in 0..3 {
        let beat = live.event().await.unwrap();
        assert!(beat.starts_with(':'), "{beat}");
    }
}
