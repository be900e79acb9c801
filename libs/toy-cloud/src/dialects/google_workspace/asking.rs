//! Who asks, and how Google says no.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use serde_json::json;

use crate::http::asked::Caller;
use crate::model::{By, Refusal};

/// Who asks, by his token.
#[derive(Debug)]
pub(super) struct Asking(pub(super) By);

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let caller = Caller::from_request_parts(parts, state).await;
        let denied = || Refused::new(StatusCode::UNAUTHORIZED, "authError");
        caller
            .map(|caller| Asking(caller.anyone().clone()))
            .map_err(|_| denied())
    }
}

/// A refusal in Google's shape.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    reason: &'static str,
}

pub(super) type Answer = Result<Response, Refused>;

impl Refused {
    pub(super) fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound")
    }

    pub(super) fn bad() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let errors = json!([{"domain": "global", "reason": self.reason, "message": self.reason}]);
        let code = self.status.as_u16();
        let body = json!({"error": {"code": code, "message": self.reason, "errors": errors}});
        (self.status, Json(body)).into_response()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::Forbidden(_) | Refusal::AdministratorsOnly => {
                Self::new(StatusCode::FORBIDDEN, "insufficientFilePermissions")
            }
            Refusal::Conflict { .. } => Self::new(StatusCode::CONFLICT, "conflict"),
            Refusal::VersionMismatch => {
                Self::new(StatusCode::PRECONDITION_FAILED, "conditionNotMet")
            }
            Refusal::Invalid(_) | Refusal::Full(_) => Self::bad(),
        }
    }
}
