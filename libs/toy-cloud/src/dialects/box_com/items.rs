//! Files and folders: shown with path and link, moved, shared by link, put into the trash and taken out again.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::header::{ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use super::versions;
use crate::clock::Moment;
use crate::http::Shared;
use crate::http::asked::{Body, Params};
use crate::model::activity::Kind;
use crate::model::links::{LinkChange, Visibility};
use crate::model::permissions::Role;
use crate::model::views::{FileView, LinkView};
use crate::model::{By, Model, Refusal};

/// The root folder of every user.
const ROOT: &str = "0";

#[derive(Debug, Deserialize)]
pub(super) struct NewFolder {
    name: String,
}

/// On whose behalf the bytes are asked for at the other host, where no header comes along.
#[derive(Debug, Deserialize)]
pub(super) struct Reader {
    user: String,
    version: Option<u64>,
}

/// Which of a file's contents; the newest when it is not said.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    version: Option<u64>,
}

pub(super) async fn one(State(service): Shared, asking: Asking, Path(id): Path<String>) -> Answer {
    if id == ROOT {
        return Ok(
            Json(json!({"type": "folder", "id": ROOT, "name": "All Files"})).into_response(),
        );
    }
    let model = service.model();
    let view = model.file(&asking.by, &id)?;
    if view.trashed {
        return Err(Refused::new(StatusCode::NOT_FOUND, "trashed"));
    }
    Ok(Json(shown(&model, &asking.by, &view)?).into_response())
}

pub(super) async fn make_folder(
    State(service): Shared,
    asking: Asking,
    Body(new): Body<NewFolder>,
) -> Answer {
    let mut model = service.model();
    let made = model.make_folder(&asking.by, &new.name, None, true)?;
    let body = shown(&model, &asking.by, &made.view)?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// `parent` and `name` move it; `shared_link` makes its one link, changes it, or takes it away when it is null.
pub(super) async fn change(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(to): Body<Value>,
) -> Answer {
    let mut model = service.model();
    let expected = if_match(&headers)?;
    let parent = to.pointer("/parent/id").and_then(Value::as_str);
    let name = to.pointer("/name").and_then(Value::as_str);
    if parent.is_some() || name.is_some() {
        let by = mover(&model, &asking, &id, parent)?;
        let place = parent.map(|parent| Some(parent).filter(|parent| *parent != ROOT));
        model.move_object(&by, &id, place, name, expected)?;
    }
    if let Some(link) = to.get("shared_link") {
        set_link(&mut model, &asking.by, &id, link)?;
    }
    let by = mover(&model, &asking, &id, None)?;
    let view = model.file(&by, &id)?;
    Ok(Json(shown(&model, &by, &view)?).into_response())
}

/// Where something restricted is concerned, the bearer; otherwise he on whose behalf it is done.
fn mover(model: &Model, asking: &Asking, id: &str, parent: Option<&str>) -> Result<By, Refusal> {
    let is_restricted = |id: &str| match id {
        ROOT => Ok(false),
        id => model.file(&asking.bearer, id).map(|view| view.restricted),
    };
    let restricted = is_restricted(id)? || parent.map_or(Ok(false), is_restricted)?;
    Ok(if restricted {
        asking.bearer.clone()
    } else {
        asking.by.clone()
    })
}

fn set_link(model: &mut Model, by: &By, id: &str, link: &Value) -> Result<(), Refusal> {
    let links = model.links(by, id)?;
    if link.is_null() {
        for link in links {
            model.remove_link(by, id, &link.id)?;
        }
        return Ok(());
    }
    let visibility = match link.get("access").and_then(Value::as_str) {
        Some("collaborators") => Some(Visibility::Restricted),
        Some("company") => Some(Visibility::Organization),
        Some(_) => Some(Visibility::Public),
        None => None,
    };
    let there = match links.first() {
        Some(link) => link.id.clone(),
        None => {
            let visibility = visibility.unwrap_or(Visibility::Public);
            model.create_link(by, id, visibility, Role::Viewer)?.view.id
        }
    };
    let change = LinkChange {
        visibility,
        role: None,
        expires_at: link.get("unshared_at").map(ends).transpose()?,
    };
    model.change_link(by, id, &there, change).map(drop)
}

/// When the link is to end; null: never.
fn ends(at: &Value) -> Result<Option<Moment>, Refusal> {
    let at = Option::<Moment>::deserialize(at);
    at.map_err(|_| Refusal::Invalid("unshared_at is not a time"))
}

pub(super) async fn trash(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let mut model = service.model();
    let expected = if_match(&headers)?;
    if model.file(&asking.by, &id)?.trashed {
        return Err(Refused::new(StatusCode::NOT_FOUND, "trashed"));
    }
    model.trash(&asking.by, &id, expected)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn restore(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
) -> Answer {
    let mut model = service.model();
    let restored = model.restore(&asking.by, &id)?;
    if restored.activity.is_none() {
        return Err(Refused::new(StatusCode::FORBIDDEN, "item_not_trashed"));
    }
    let body = shown(&model, &asking.by, &restored.view)?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub(super) async fn trashed(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
) -> Answer {
    let model = service.model();
    let view = model.file(&asking.by, &id)?;
    if !view.trashed {
        return Err(Refused::not_found());
    }
    Ok(Json(shown(&model, &asking.by, &view)?).into_response())
}

pub(super) async fn purge(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
) -> Answer {
    let mut model = service.model();
    if !model.file(&asking.by, &id)?.trashed {
        return Err(Refused::not_found());
    }
    model.delete(&asking.by, &id, None)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Sends to the host with the bytes, which takes what stands in the address in place of a token.
pub(super) async fn content(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
    Params(which): Params<Which>,
    headers: HeaderMap,
) -> Answer {
    service.model().file(&asking.by, &id)?;
    let version = which.version.map(|version| format!("&version={version}"));
    let version = version.unwrap_or_default();
    let token = crate::http::asked::bearer_token(&headers).unwrap_or_default();
    let user = &asking.by.user_id;
    let there = format!("https://dl.boxcloud.com/d/{token}/{id}?user={user}{version}");
    Ok((StatusCode::FOUND, [(LOCATION, there)]).into_response())
}

pub(super) async fn bytes(
    State(service): Shared,
    Path((token, id)): Path<(String, String)>,
    Params(reader): Params<Reader>,
) -> Answer {
    let bearer = service.oauth().bearer(&token);
    let bearer = bearer.ok_or_else(Refused::not_found)?;
    let by = By {
        tenant_id: bearer.tenant_id.to_string(),
        user_id: reader.user,
        app_id: Some(bearer.client_id.to_string()),
        ip: "127.0.0.1".to_owned(),
        user_agent: "dialect".to_owned(),
    };
    let mut model = service.model();
    let (read, version) = model.read(&by, &id, reader.version, Some(Kind::FileDownloaded))?;
    let tag = format!("\"{}\"", read.view.version);
    Ok(([(ETAG, tag)], version.bytes).into_response())
}

/// Box's etags are numbers, and stand in the header as they are.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let version = value.to_str().ok().and_then(|text| text.parse().ok());
    version.map(Some).ok_or(Refusal::VersionMismatch)
}

pub(super) fn shown(model: &Model, by: &By, view: &FileView) -> Result<Value, Refusal> {
    let links = model.links(by, &view.id)?;
    let mut folders = vec![json!({"type": "folder", "id": ROOT, "name": "All Files"})];
    let above: Vec<&str> = view
        .path
        .split('/')
        .filter(|name| !name.is_empty())
        .collect();
    let above = above.split_last().map_or(&[][..], |(_, above)| above);
    folders.extend(
        above
            .iter()
            .map(|name| json!({"type": "folder", "name": name})),
    );
    Ok(json!({
        "type": view.kind,
        "id": view.id,
        "etag": view.version.to_string(),
        "name": view.name,
        "size": view.size,
        "sha1": versions::sha1(model, by, &view.id)?,
        "file_version": view.size.map(|_| json!({"type": "file_version", "id": view.version.to_string()})),
        "parent": {"type": "folder", "id": view.parent_id.as_deref().unwrap_or(ROOT)},
        "owned_by": {"type": "user", "id": view.owner.id, "name": view.owner.name, "login": view.owner.email},
        "path_collection": {"total_count": folders.len(), "entries": folders},
        "item_status": if view.trashed { "trashed" } else { "active" },
        "shared_link": links.first().map(link_shown),
    }))
}

fn link_shown(link: &LinkView) -> Value {
    let access = match link.visibility {
        Visibility::Public => "open",
        Visibility::Organization => "company",
        Visibility::Restricted => "collaborators",
    };
    json!({"url": link.url, "access": access, "effective_access": access, "is_password_enabled": false, "unshared_at": link.expires_at})
}
