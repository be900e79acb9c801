//! Who calls, how the Web API answers, and who the users are.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::Shared;
use crate::http::asked::{Caller, Params};
use crate::model::tenants::UserRole;
use crate::model::{By, Refusal};
use crate::service::Service;

/// An answer: 200, and in the body whether it is well.
pub(super) type Answer = Result<Json<Value>, Refused>;

/// The word for what is wrong.
#[derive(Debug)]
pub(super) struct Refused(pub(super) &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        Json(json!({"ok": false, "error": self.0})).into_response()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(match refusal {
            Refusal::NotFound => "file_not_found",
            Refusal::Forbidden(_) | Refusal::AdministratorsOnly => "cant_delete_file",
            _ => "invalid_arguments",
        })
    }
}

/// Who calls.
#[derive(Debug)]
pub(super) struct Asking(pub(super) By);

impl FromRequestParts<Arc<Service>> for Asking {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Refused> {
        let caller = Caller::from_request_parts(parts, service).await;
        let caller = caller.map_err(|_| Refused("invalid_auth"))?;
        Ok(Self(caller.anyone().clone()))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Whom {
    user: String,
}

pub(super) async fn who_am_i(Asking(by): Asking) -> Answer {
    Ok(Json(json!({
        "ok": true,
        "url": "https://acme.slack.com/",
        "team": by.tenant_id,
        "team_id": by.tenant_id,
        "enterprise_id": by.tenant_id,
        "user_id": by.user_id,
        "is_enterprise_install": true,
    })))
}

pub(super) async fn user(
    State(service): Shared,
    Asking(by): Asking,
    Params(whom): Params<Whom>,
) -> Answer {
    let model = service.model();
    let user = model
        .user(&by, &whom.user)
        .map_err(|_| Refused("user_not_found"))?;
    Ok(Json(json!({"ok": true, "user": {
        "id": user.id,
        "name": user.id,
        "real_name": user.name,
        "is_admin": user.role == UserRole::Administrator,
        "is_owner": user.role == UserRole::Administrator,
        "is_restricted": user.external,
        "profile": {"real_name": user.name, "email": user.email},
    }})))
}
