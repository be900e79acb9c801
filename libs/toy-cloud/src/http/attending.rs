//! What happens to every request of the API, of OAuth and of links: its bearer is found, the fault plan has its way, and the ledger
//! is told how it went. The faults of a rule with `after` strike when the work is done.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::answers::ApiError;
use super::asked::{Presented, bearer_token};
use crate::faults::Fault;
use crate::ledger::{Deed, cut_short};
use crate::server::Peer;
use crate::service::Service;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Put on an answer by a handler that learned from the body whose request it was.
#[derive(Debug, Clone)]
pub(super) struct AskedBy(pub(super) Arc<str>);

pub(super) async fn attend(
    State(service): State<Arc<Service>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    if !["/api/", "/oauth/", "/s/", "/dialects/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
    {
        return in_time(next.run(request)).await;
    }
    let bearer = bearer_token(request.headers()).and_then(|token| service.oauth().bearer(token));
    let asked_by = bearer.as_ref().map(|bearer| Arc::clone(&bearer.client_id));
    let tenant_id = bearer.as_ref().map(|bearer| Arc::clone(&bearer.tenant_id));
    request.extensions_mut().insert(Presented(bearer));
    let method = request.method().to_string();
    let fault = service.ground.faults.of_request(&method, &path);

    let answer = with_fault(fault.as_ref(), next.run(request)).await;
    let told = answer
        .as_ref()
        .and_then(|answer| answer.extensions().get::<AskedBy>());
    service.ground.ledger.write(Deed::Request {
        method,
        path: cut_short(&path),
        route: matched.map_or_else(|| "-".to_owned(), |matched| matched.as_str().to_owned()),
        client_id: told.map(|told| Arc::clone(&told.0)).or(asked_by),
        tenant_id,
        status: answer.as_ref().map(|answer| answer.status().as_u16()),
        fault: fault.as_ref().map(name),
    });
    answer.unwrap_or_else(|| {
        peer.cut();
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

/// The answer, or none when the connection is to be cut.
async fn with_fault(
    fault: Option<&Fault>,
    work: impl Future<Output = Response> + Send,
) -> Option<Response> {
    let Some(fault) = fault else {
        return Some(in_time(work).await);
    };
    let delay = tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or(0)));
    if !fault.after {
        delay.await;
        if fault.close {
            return None;
        }
        return Some(match fault.status {
            Some(status) => failure(status, fault.retry_after_s),
            None => in_time(work).await,
        });
    }
    let answer = in_time(work).await;
    delay.await;
    if fault.close {
        return None;
    }
    Some(
        fault
            .status
            .map_or(answer, |status| failure(status, fault.retry_after_s)),
    )
}

async fn in_time(work: impl Future<Output = Response> + Send) -> Response {
    let late = |_| {
        let message = "the request took longer than 120 s";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", message).into_response()
    };
    tokio::time::timeout(REQUEST_TIMEOUT, work)
        .await
        .unwrap_or_else(late)
}

fn failure(status: u16, retry_after_s: Option<u64>) -> Response {
    let code = match status {
        401 => "invalid_token",
        403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        410 => "cursor_expired",
        412 => "version_mismatch",
        429 => "too_many_requests",
        500..=599 => "unavailable",
        _ => "invalid_request",
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let body = Json(json!({"error": code, "message": "as the fault plan has it"}));
    let mut response = (status, body).into_response();
    if let Some(seconds) = retry_after_s {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn name(fault: &Fault) -> &'static str {
    match (fault.close, fault.status, fault.after) {
        (true, _, false) => "close",
        (true, _, true) => "close_after",
        (false, Some(_), false) => "status",
        (false, Some(_), true) => "status_after",
        (false, None, _) => "delay",
    }
}
