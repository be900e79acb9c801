//! Users of the enterprise. Those from outside are nobody's to ask for.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use crate::http::Shared;
use crate::model::tenants::{User, UserRole};

/// So many users are on a page, which is the only one.
const USERS_MAX: usize = 1_000;

pub(super) async fn me(State(service): Shared, asking: Asking) -> Answer {
    let model = service.model();
    let user = model.user(&asking.by, &asking.by.user_id)?;
    Ok(Json(shown(user, &asking)).into_response())
}

pub(super) async fn one(State(service): Shared, asking: Asking, Path(id): Path<String>) -> Answer {
    let model = service.model();
    let user = model.user(&asking.by, &id)?;
    if user.external {
        return Err(Refused::not_found());
    }
    Ok(Json(shown(user, &asking)).into_response())
}

pub(super) async fn list(State(service): Shared, asking: Asking) -> Answer {
    let page = service.model().users(&asking.by, None, USERS_MAX)?;
    let managed = page.items.iter().filter(|user| !user.external);
    let entries: Vec<Value> = managed.map(|user| shown(user, &asking)).collect();
    let body =
        json!({"total_count": entries.len(), "entries": entries, "limit": USERS_MAX, "offset": 0});
    Ok(Json(body).into_response())
}

fn shown(user: &User, asking: &Asking) -> Value {
    let role = match user.role {
        UserRole::Administrator => "admin",
        _ => "user",
    };
    json!({
        "type": "user",
        "id": user.id,
        "name": user.name,
        "login": user.email,
        "role": role,
        "status": "active",
        "enterprise": {"type": "enterprise", "id": asking.by.tenant_id, "name": asking.by.tenant_id},
    })
}
