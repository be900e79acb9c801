//! Incidents as server-sent events: each new or changed incident, with the number of its change as id.
//!
//! Promises: a client that comes back with the last id it saw misses nothing that the store still
//! remembers (stores keep a bounded number of changes: after a long absence, read the list); a slow
//! client reads from the store at its own pace and fills no queue; the number of live views is
//! bounded; each ends after [`VIEW_LASTS`], so that who lost the right sees nothing for longer, and all
//! of them when the program stops.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use ports::{Changes, IncidentChange, StoreError};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::Shared;
use crate::problem::{Mistake, Problem, TOO_MANY_STREAMS};
use crate::query::Query;

/// A client that lost the connection comes back after so long.
const RETRY: Duration = Duration::from_secs(2);
/// A client that was refused may come back after so long.
const COME_BACK: Duration = Duration::from_secs(15);
/// The store is looked at again after so long without a signal: another process may have written.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A view ends after so long, and the client comes back: who may not any more does not.
const VIEW_LASTS: Duration = Duration::from_secs(300);
/// Changes read at a time.
const CHANGES_MAX: u32 = 100;

pub(crate) async fn stream(
    State(console): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = seen_last(&uri, &headers)?;
    let permit = console.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = "too many live views are open";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .code(TOO_MANY_STREAMS)
            .retry_after(Some(COME_BACK))
    })?;
    let newest = console.ports.incidents.last_incident_change().await?;
    let heartbeat = console.config.sse_heartbeat;
    let view = LiveView {
        // A number of the future comes from another store: the view starts now.
        seen: after.unwrap_or(newest).min(newest),
        waiting: VecDeque::new(),
        changes: console.ports.incidents.incident_changes(),
        shutdown: console.ports.shutdown.clone(),
        until: console.ports.clock.monotonic() + VIEW_LASTS,
        console,
        _permit: permit,
    };
    let keep_alive = KeepAlive::new().interval(heartbeat).text("alive");
    // Something is said at once, so that a client behind a buffering proxy knows that it is heard.
    let welcome = Event::default().comment("live").retry(RETRY);
    let welcome = stream::iter([Ok::<_, Infallible>(welcome)]);
    let events = welcome.chain(stream::unfold(view, LiveView::next));
    let events = Sse::new(events).keep_alive(keep_alive);
    Ok(([("x-accel-buffering", "no")], events).into_response())
}

/// The number of the last change that the client saw: what a browser sends by itself, or `?after=`.
fn seen_last(uri: &Uri, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut query = Query::read(uri, &["after"]);
    let asked = query.parsed("after");
    query.finish(())?;
    let Some(header) = headers.get("last-event-id") else {
        return Ok(asked);
    };
    let number = header
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        let message = "is not the id of an event of this stream";
        Problem::bad_request(vec![Mistake::new("Last-Event-ID", message)])
    })
}

struct LiveView {
    console: Shared,
    changes: Changes,
    shutdown: watch::Receiver<bool>,
    seen: u64,
    until: Duration,
    waiting: VecDeque<IncidentChange>,
    _permit: OwnedSemaphorePermit,
}

impl LiveView {
    /// The next event; the view ends on shutdown, and when the store fails: the client comes back.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            match self.step().await {
                Ok(Step::Event(event)) => return Some((Ok(event), self)),
                Ok(Step::Again) => {}
                Ok(Step::End) => return None,
                Err(error) => {
                    tracing::warn!(error = %error, "a live view ended because the store failed");
                    return None;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Step, StoreError> {
        let over = self.console.ports.clock.monotonic() >= self.until;
        if over || *self.shutdown.borrow() {
            return Ok(Step::End);
        }
        if let Some(change) = self.waiting.pop_front() {
            return self.event(change).await;
        }
        // Marked as seen before reading: what changes in between signals again.
        self.changes.borrow_and_update();
        let incidents = &self.console.ports.incidents;
        let changes = incidents
            .incident_changes_after(self.seen, CHANGES_MAX)
            .await?;
        if changes.is_empty() {
            return Ok(self.wait().await);
        }
        self.waiting = newest_of_each(changes);
        Ok(Step::Again)
    }

    async fn event(&mut self, change: IncidentChange) -> Result<Step, StoreError> {
        self.seen = change.sequence;
        let found = self
            .console
            .ports
            .incidents
            .incident(change.incident_id)
            .await?;
        let Some(incident) = found else {
            return Ok(Step::Again);
        };
        let data = serde_json::to_string(&incident).expect("an incident has only string keys");
        let event = Event::default()
            .event("incident")
            .id(change.sequence.to_string());
        Ok(Step::Event(event.data(data)))
    }

    async fn wait(&mut self) -> Step {
        tokio::select! {
            _ = self.shutdown.wait_for(|stopping| *stopping) => Step::End,
            Ok(()) = self.changes.changed() => Step::Again,
            () = tokio::time::sleep(LOOK_AGAIN) => Step::Again,
        }
    }
}

enum Step {
    Event(Event),
    Again,
    End,
}

/// An incident that changed several times is sent once, under its newest number.
fn newest_of_each(changes: Vec<IncidentChange>) -> VecDeque<IncidentChange> {
    let newest: BTreeMap<_, _> = changes
        .iter()
        .map(|change| (change.incident_id, change.sequence))
        .collect();
    changes
        .into_iter()
        .filter(|change| newest.get(&change.incident_id) == Some(&change.sequence))
        .collect()
}
