//! What the API answers: `{"error": code, "message": text}` with its status for a refusal, `{"items", "next"}` for a listing.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::model::listing::Page;
use crate::model::views::FileView;
use crate::model::{Done, Refusal};

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    extra: Option<(&'static str, Value)>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            extra: None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.extra = Some((name, value));
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({"error": self.code, "message": self.message});
        if let Some((name, value)) = self.extra {
            body[name] = value;
        }
        let mut response = (self.status, Json(body)).into_response();
        let challenge = match self.code {
            "invalid_token" => Some(r#"Bearer error="invalid_token""#),
            "insufficient_scope" => Some(r#"Bearer error="insufficient_scope""#),
            "invalid_client" => Some(r#"Basic realm="toy-cloud""#),
            _ => None,
        };
        if let Some(challenge) = challenge {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            Refusal::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", message),
            Refusal::AdministratorsOnly => {
                Self::new(StatusCode::FORBIDDEN, "admin_role_required", message)
            }
            Refusal::Conflict { existing, .. } => {
                let error = Self::new(StatusCode::CONFLICT, "conflict", message);
                match existing {
                    Some(existing) => error.with("existing", json!(existing)),
                    None => error,
                }
            }
            Refusal::VersionMismatch => {
                Self::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", message)
            }
            Refusal::Invalid(_) => Self::invalid(message),
            Refusal::Full(_) => Self::new(StatusCode::FORBIDDEN, "quota_exceeded", message),
        }
    }
}

pub(crate) type Answer = Result<Response, ApiError>;

pub(crate) async fn no_such_route() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is no such address",
    )
}

pub(crate) async fn no_such_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "not by this method",
    )
}

/// A whole listing.
pub(crate) fn items<T: Serialize>(items: Vec<T>) -> Response {
    listing(Page { items, next: None })
}

pub(crate) fn listing<T: Serialize>(page: Page<T>) -> Response {
    Json(json!({"items": page.items, "next": page.next})).into_response()
}

/// A file with its version as the ETag.
pub(crate) fn file(status: StatusCode, view: &FileView) -> Response {
    let mut response = (status, Json(view)).into_response();
    response.headers_mut().insert(ETAG, etag(view.version));
    response
}

pub(crate) fn done(done: &Done<FileView>) -> Response {
    file(StatusCode::OK, &done.view)
}

pub(crate) fn etag(version: u64) -> HeaderValue {
    HeaderValue::try_from(format!("\"v{version}\"")).expect("digits and quotes fit into a header")
}
