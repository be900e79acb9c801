//! Drive's files: shown, downloaded, moved between folders, put into the trash and taken out of it, deleted.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking};
use crate::http::Shared;
use crate::http::asked::{Body, Params};
use crate::model::activity::Kind;
use crate::model::links::Visibility;
use crate::model::listing::Wanted;
use crate::model::views::FileView;
use crate::model::{By, Model, Refusal};

/// What the folder is called that only administrators read.
const QUARANTINE: &str = "quarantine";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Read {
    alt: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Move {
    add_parents: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    trashed: Option<bool>,
}

pub(super) async fn list(State(service): Shared, Asking(by): Asking) -> Answer {
    let mut model = service.model();
    let wanted = Wanted {
        owner: None,
        parent_id: None,
        path: None,
        trashed: false,
    };
    let found = model.files(&by, &wanted, None, 100)?.items;
    let mut files = Vec::new();
    for view in &found {
        files.push(shown(&mut model, &by, view)?);
    }
    Ok(Json(json!({"kind": "drive#fileList", "files": files})).into_response())
}

pub(super) async fn one(
    State(service): Shared,
    Asking(by): Asking,
    method: Method,
    Path(id): Path<String>,
    Params(read): Params<Read>,
) -> Answer {
    let mut model = service.model();
    if read.alt == "media" {
        let told = (method == Method::GET).then_some(Kind::FileDownloaded);
        let (_, version) = model.read(&by, &id, None, told)?;
        return Ok(version.bytes.into_response());
    }
    let view = model.file(&by, &id)?;
    Ok(Json(shown(&mut model, &by, &view)?).into_response())
}

pub(super) async fn change(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
    Params(to): Params<Move>,
    Body(change): Body<Change>,
) -> Answer {
    let mut model = service.model();
    match change.trashed {
        Some(true) => drop(model.trash(&by, &id, None)?),
        Some(false) => drop(model.restore(&by, &id)?),
        None => {}
    }
    if let Some(parent) = to.add_parents {
        let parent = match parent.as_str() {
            QUARANTINE => quarantine(&mut model, &by)?,
            _ => parent,
        };
        model.move_object(&by, &id, Some(Some(&parent)), None, None)?;
    }
    let view = model.file(&by, &id)?;
    Ok(Json(shown(&mut model, &by, &view)?).into_response())
}

pub(super) async fn delete(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
) -> Answer {
    service.model().delete(&by, &id, None)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn quarantine(model: &mut Model, by: &By) -> Result<String, Refusal> {
    if let Ok(id) = model.folder_at(by, "/Quarantine") {
        return Ok(id);
    }
    let made = model.make_folder(by, "Quarantine", None, true)?;
    Ok(made.view.id)
}

pub(super) fn shown(model: &mut Model, by: &By, view: &FileView) -> Result<Value, Refusal> {
    let held = model.folder_at(by, "/Quarantine").ok();
    let parent = match (&view.parent_id, held) {
        (Some(parent), Some(held)) if *parent == held => QUARANTINE.to_owned(),
        (parent, _) => parent.clone().unwrap_or_default(),
    };
    let links = model.links(by, &view.id)?;
    let open = links
        .iter()
        .filter(|link| link.visibility != Visibility::Restricted);
    let open: Vec<Value> = open
        .map(|link| json!({"type": super::permissions::kind(link.visibility)}))
        .collect();
    Ok(json!({
        "kind": "drive#file",
        "id": view.id,
        "name": view.name,
        "mimeType": view.mime_type.as_deref().unwrap_or("application/vnd.google-apps.folder"),
        "parents": [parent],
        "owners": [{"emailAddress": view.owner.email}],
        "ownedByMe": view.owner.id == by.user_id,
        "md5Checksum": view.sha256,
        "sha256Checksum": view.sha256,
        "size": view.size.map(|size| size.to_string()),
        "headRevisionId": view.size.map(|_| view.version.to_string()),
        "version": view.version.to_string(),
        "trashed": view.trashed,
        "webViewLink": format!("https://drive.google.com/file/d/{}/view", view.id),
        "permissions": open,
    }))
}
