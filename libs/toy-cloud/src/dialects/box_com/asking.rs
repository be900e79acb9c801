//! Who asks, on whose behalf, and how Box says no.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use crate::http::asked::Caller;
use crate::model::tenants::UserRole;
use crate::model::{By, Refusal};
use crate::service::Service;

/// Who asks: `bearer` by his token, `by` on whose behalf.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) bearer: By,
    pub(super) by: By,
}

impl FromRequestParts<Arc<Service>> for Asking {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Refused> {
        let caller = Caller::from_request_parts(parts, service).await;
        let bearer = caller
            .map_err(|_| Refused::unauthorized())?
            .anyone()
            .clone();
        let other = parts.headers.get("as-user");
        let other = other.and_then(|id| id.to_str().ok());
        let by = match other {
            None => bearer.clone(),
            Some(id) => on_behalf_of(service, &bearer, id).ok_or_else(Refused::forbidden)?,
        };
        Ok(Self { bearer, by })
    }
}

/// Administrators may act as every user of their enterprise.
fn on_behalf_of(service: &Service, bearer: &By, id: &str) -> Option<By> {
    let model = service.model();
    let tenant = model.tenant(&bearer.tenant_id).ok()?;
    let administers = tenant.user(&bearer.user_id).ok()?.role == UserRole::Administrator;
    let user = tenant.user(id).ok()?;
    (administers && !user.external).then(|| By {
        user_id: user.id.clone(),
        ..bearer.clone()
    })
}

/// A refusal in Box's shape.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    context: Value,
}

pub(super) type Answer = Result<Response, Refused>;

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str) -> Self {
        Self {
            status,
            code,
            context: Value::Null,
        }
    }

    fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized")
    }

    fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "access_denied_insufficient_permissions",
        )
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "error",
            "status": self.status.as_u16(),
            "code": self.code,
            "message": self.code,
            "context_info": self.context,
            "request_id": "toy",
        });
        (self.status, Json(body)).into_response()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::Forbidden(_) | Refusal::AdministratorsOnly => Self::forbidden(),
            Refusal::Conflict { existing, .. } => Self {
                context: existing.map_or(Value::Null, |existing| {
                    let other =
                        json!({"type": existing.kind, "id": existing.id, "name": existing.name});
                    json!({"conflicts": [other]})
                }),
                ..Self::new(StatusCode::CONFLICT, "item_name_in_use")
            },
            Refusal::VersionMismatch => {
                Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed")
            }
            Refusal::Invalid(_) | Refusal::Full(_) => {
                Self::new(StatusCode::BAD_REQUEST, "bad_request")
            }
        }
    }
}
