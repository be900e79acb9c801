use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// What a delivery is answered with, and the word that counts it.
pub(crate) struct Answer {
    pub(crate) outcome: &'static str,
    status: StatusCode,
    retry_after: Option<Duration>,
    content_type: Option<HeaderValue>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
}

impl Answer {
    pub(crate) fn bare(outcome: &'static str, status: StatusCode) -> Self {
        Answer {
            outcome,
            status,
            retry_after: None,
            content_type: None,
            headers: Vec::new(),
            body: Body::empty(),
        }
    }

    pub(crate) fn later(outcome: &'static str, after: Duration) -> Self {
        let bare = Answer::bare(outcome, StatusCode::SERVICE_UNAVAILABLE);
        Answer {
            retry_after: Some(after),
            ..bare
        }
    }

    /// Says in a sentence what was wrong, for the engineer at the other end.
    pub(crate) fn refusal(outcome: &'static str, status: StatusCode, detail: &str) -> Self {
        let problem = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("refused"),
            "status": status.as_u16(),
            "detail": detail,
            "code": outcome,
        });
        Answer {
            content_type: Some(HeaderValue::from_static("application/problem+json")),
            body: Body::from(problem.to_string()),
            ..Answer::bare(outcome, status)
        }
    }

    pub(crate) fn handshake(answer: connector::HandshakeAnswer) -> Self {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        Answer {
            content_type: Some(HeaderValue::from_static(answer.content_type)),
            headers: answer.headers,
            body: Body::from(answer.body),
            ..Answer::bare("handshake", status)
        }
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.extend(self.headers);
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs().max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
