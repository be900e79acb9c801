//! Who asks, on whose behalf, and how Dropbox says no.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use crate::http::asked::Caller;
use crate::model::{By, Refusal};
use crate::service::Service;

/// Who asks: the team's application, or on behalf of a member.
#[derive(Debug)]
pub(super) struct Asking {
    /// Whoever consented for the team.
    pub(super) team: By,
    pub(super) by: By,
}

impl FromRequestParts<Arc<Service>> for Asking {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Refused> {
        let caller = Caller::from_request_parts(parts, service).await;
        let caller = caller.map_err(|_| Refused::token())?;
        let team = caller.anyone().clone();
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let user = header("dropbox-api-select-user");
        let Some(member) = user.or_else(|| header("dropbox-api-select-admin")) else {
            return Ok(Self {
                by: team.clone(),
                team,
            });
        };
        let id = member.strip_prefix("dbmid:").ok_or_else(Refused::token)?;
        let model = service.model();
        let tenant = model.tenant(&team.tenant_id)?;
        let user = tenant.user(id).ok().filter(|user| !user.external);
        let user_id = user.ok_or_else(Refused::token)?.id.clone();
        let by = By {
            user_id,
            ..team.clone()
        };
        Ok(Self { team, by })
    }
}

/// A refusal in Dropbox's shape: its tags, outermost first.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    tags: Vec<&'static str>,
}

pub(super) type Answer = Result<Json<Value>, Refused>;

impl Refused {
    pub(super) fn of(tags: &[&'static str]) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            tags: tags.to_vec(),
        }
    }

    fn token() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            tags: vec!["invalid_access_token"],
        }
    }

    pub(super) fn not_found() -> Self {
        Self::of(&["path", "not_found"])
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut error = Value::Null;
        for tag in self.tags.iter().rev() {
            error = match error {
                Value::Null => json!({".tag": tag}),
                inner => json!({".tag": tag, *tag: inner}),
            };
        }
        let summary = format!("{}/", self.tags.join("/"));
        let body = json!({"error_summary": summary, "error": error});
        (self.status, Json(body)).into_response()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::Forbidden(_) | Refusal::AdministratorsOnly => {
                Self::of(&["access_error", "no_permission"])
            }
            Refusal::Conflict { .. } => Self::of(&["to", "conflict"]),
            Refusal::VersionMismatch => Self::of(&["path_write", "conflict"]),
            Refusal::Invalid(_) | Refusal::Full(_) => Self::of(&["path", "malformed_path"]),
        }
    }
}

/// A text of a body that must have it.
pub(super) fn text<'b>(body: &'b Value, pointer: &str) -> Result<&'b str, Refused> {
    let found = body.pointer(pointer).and_then(Value::as_str);
    found.ok_or_else(|| Refused::of(&["path", "malformed_path"]))
}
