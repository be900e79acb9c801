//! Files and folders without their bytes: listed, shown, made, moved, removed and restored, each under its scope.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Shared;
use super::answers::{Answer, done, file, listing};
use super::asked::{Body, Caller, Params, if_match};
use super::users::LIMIT_DEFAULT;
use crate::model::listing::Wanted;
use crate::oauth::scopes::Scope;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    owner: Option<String>,
    parent_id: Option<String>,
    path: Option<String>,
    #[serde(default)]
    trashed: bool,
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewFolder {
    name: String,
    parent_id: Option<String>,
    #[serde(default)]
    restricted: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Relocation {
    /// Absent: stays; null: the root, or the home folder.
    #[serde(default, deserialize_with = "present")]
    parent_id: Option<Option<String>>,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Removal {
    #[serde(default)]
    permanent: bool,
}

fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

pub(super) async fn list(
    State(service): Shared,
    caller: Caller,
    Params(filter): Params<Filter>,
) -> Answer {
    let by = caller.may(Scope::ContentRead)?;
    let wanted = Wanted {
        owner: filter.owner.as_deref(),
        parent_id: filter.parent_id.as_deref(),
        path: filter.path.as_deref(),
        trashed: filter.trashed,
    };
    let limit = filter.limit.unwrap_or(LIMIT_DEFAULT);
    let page = service
        .model()
        .files(by, &wanted, filter.cursor.as_deref(), limit)?;
    Ok(listing(page))
}

pub(super) async fn make_folder(
    State(service): Shared,
    caller: Caller,
    Body(new): Body<NewFolder>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let parent_id = new.parent_id.as_deref();
    let made = service
        .model()
        .make_folder(by, &new.name, parent_id, new.restricted)?;
    Ok(file(StatusCode::CREATED, &made.view))
}

pub(super) async fn one(State(service): Shared, caller: Caller, Path(id): Path<String>) -> Answer {
    let view = service.model().file(caller.may(Scope::ContentRead)?, &id)?;
    Ok(file(StatusCode::OK, &view))
}

pub(super) async fn relocate(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(to): Body<Relocation>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let parent = to.parent_id.as_ref().map(Option::as_deref);
    let expected = if_match(&headers)?;
    let moved = service
        .model()
        .move_object(by, &id, parent, to.name.as_deref(), expected)?;
    Ok(done(&moved))
}

pub(super) async fn remove(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
    Params(removal): Params<Removal>,
    headers: HeaderMap,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let expected = if_match(&headers)?;
    if removal.permanent {
        service.model().delete(by, &id, expected)?;
    } else {
        service.model().trash(by, &id, expected)?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn restore(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    let restored = service
        .model()
        .restore(caller.may(Scope::ContentWrite)?, &id)?;
    Ok(Json(restored.view).into_response())
}
