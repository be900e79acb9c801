//! The Directory API: users by their address.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::json;

use super::asking::{Answer, Asking, Refused};
use crate::http::Shared;
use crate::model::tenants::UserRole;

pub(super) async fn user(
    State(service): Shared,
    Asking(by): Asking,
    Path(email): Path<String>,
) -> Answer {
    let model = service.model();
    let tenant = model.tenant(&by.tenant_id)?;
    let found = tenant.find_user(&email).filter(|user| !user.external);
    let user = found.ok_or_else(Refused::not_found)?;
    let body = json!({
        "kind": "admin#directory#user",
        "id": user.id,
        "customerId": tenant.id,
        "primaryEmail": user.email,
        "name": {"fullName": user.name},
        "isAdmin": user.role == UserRole::Administrator,
        "isDelegatedAdmin": false,
    });
    Ok(Json(body).into_response())
}
