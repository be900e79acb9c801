use axum::extract::{Path, State};
use serde::Deserialize;

use super::Shared;
use super::answers::{Answer, items};
use super::asked::{Body, Caller};
use crate::model::labels::LabelView;
use crate::oauth::scopes::Scope;

/// All labels that an object has from now on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Classification {
    items: Vec<LabelView>,
}

pub(super) async fn list(State(service): Shared, caller: Caller, Path(id): Path<String>) -> Answer {
    let by = caller.may(Scope::ContentRead)?;
    let labels = service.model().labels(by, &id)?;
    Ok(items(labels))
}

pub(super) async fn set(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
    Body(wanted): Body<Classification>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let labels = service.model().set_labels(by, &id, wanted.items)?;
    Ok(items(labels))
}
