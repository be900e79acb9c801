//! Within which connections a request sees and acts.
//!
//! Promises: whatever a handler asks of a port, it gets what lies within the connections of who asks and
//! nothing else; another connection's id is as one that there is not. Where nobody asked, nothing is seen.
//!
//! The scope goes with the request's task, and the ports that handlers are given look at it: a handler
//! cannot forget it. What is streamed after the handler's answer is made within the same scope. Policies,
//! accounts and the trail have no connection; permissions hold those, see [`event_model::Permission::is_whole`].

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use event_model::{ConnectionId, ConnectionScope};
use futures::StreamExt;
use ports::StoreError;

use crate::ConsolePorts;

mod connections;
mod incidents;
mod records;
mod remedies;

tokio::task_local! {
    static WITHIN: ConnectionScope;
}

/// A port, seen within the scope of who asks.
struct Within<P: ?Sized>(Arc<P>);

/// The ports as handlers are given them.
pub(crate) fn ports(whole: ConsolePorts) -> ConsolePorts {
    ConsolePorts {
        connections: Arc::new(Within(whole.connections)),
        connection_store: Arc::new(Within(whole.connection_store)),
        incidents: Arc::new(Within(whole.incidents)),
        jobs: Arc::new(Within(whole.jobs)),
        activities: Arc::new(Within(whole.activities)),
        remedies: Arc::new(Within(whole.remedies)),
        quarantine: Arc::new(Within(whole.quarantine)),
        stats: Arc::new(Within(whole.stats)),
        ..whole
    }
}

/// Answers a request within a scope.
pub(crate) async fn answer(scope: ConnectionScope, request: Request, next: Next) -> Response {
    let response = WITHIN.scope(scope.clone(), next.run(request)).await;
    let (parts, body) = response.into_parts();
    if body.size_hint().exact().is_some() {
        return Response::from_parts(parts, body);
    }
    // Made while it is sent, when the handler is long gone.
    let mut made = body.into_data_stream();
    let made = futures::stream::poll_fn(move |context| {
        WITHIN.sync_scope(scope.clone(), || made.poll_next_unpin(context))
    });
    Response::from_parts(parts, Body::from_stream(made))
}

/// The scope of who asks; nothing where nobody does.
pub(crate) fn current() -> ConnectionScope {
    let scope = WITHIN.try_with(ConnectionScope::clone);
    scope.unwrap_or_else(|_| ConnectionScope::nothing())
}

/// Whether who asks sees that connection.
pub(crate) fn sees(connection: ConnectionId) -> bool {
    WITHIN
        .try_with(|scope| scope.has(connection))
        .unwrap_or(false)
}

/// What is seen of one thing of a connection.
fn seen<T>(found: Option<T>, connection: impl Fn(&T) -> ConnectionId) -> Option<T> {
    found.filter(|one| sees(connection(one)))
}

/// Refuses what is not of a connection that is seen.
fn must_see(
    connection: ConnectionId,
    what: &'static str,
    id: impl ToString,
) -> Result<(), StoreError> {
    match sees(connection) {
        true => Ok(()),
        false => Err(none(what, id)),
    }
}

/// Refuses what concerns every connection to who does not see them all.
fn must_see_all(what: &'static str) -> Result<(), StoreError> {
    match current().is_every() {
        true => Ok(()),
        false => Err(none(what, "all")),
    }
}

fn none(what: &'static str, id: impl ToString) -> StoreError {
    let id = id.to_string();
    StoreError::NotFound { what, id }
}
