//! Files: told, deleted for good, and open to everyone by one link or not.

use axum::Json;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use serde::Deserialize;
use serde_json::{Value, json};

use super::web::{Answer, Asking, Refused};
use crate::http::Shared;
use crate::http::asked::Params;
use crate::model::activity::Kind;
use crate::model::links::Visibility;
use crate::model::listing::Wanted;
use crate::model::permissions::Role;
use crate::model::views::{FileView, LinkView};
use crate::model::{By, Model, Refusal};

/// So many files are on a page when the request does not say.
const COUNT_DEFAULT: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Which {
    file: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct HowMany {
    count: Option<usize>,
}

pub(super) async fn list(
    State(service): Shared,
    Asking(by): Asking,
    Params(asked): Params<HowMany>,
) -> Answer {
    let model = service.model();
    let count = asked.count.unwrap_or(COUNT_DEFAULT);
    let page = model.files(&by, &Wanted::default(), None, count)?;
    let files = page.items.iter().filter(|view| view.kind == "file");
    let files: Vec<Value> = files
        .map(|view| json!({"id": view.id, "name": view.name}))
        .collect();
    Ok(Json(json!({"ok": true, "files": files})))
}

pub(super) async fn info(
    State(service): Shared,
    Asking(by): Asking,
    Params(which): Params<Which>,
) -> Answer {
    told(&service.model(), &by, &which.file)
}

pub(super) async fn delete(
    State(service): Shared,
    Asking(by): Asking,
    Form(which): Form<Which>,
) -> Answer {
    let mut model = service.model();
    model.delete(&by, &which.file, None)?;
    Ok(Json(json!({"ok": true})))
}

pub(super) async fn revoke_public_url(
    State(service): Shared,
    Asking(by): Asking,
    Form(which): Form<Which>,
) -> Answer {
    let mut model = service.model();
    while let Some(link) = public_link(&model, &by, &which.file)? {
        model.remove_link(&by, &which.file, &link.id)?;
    }
    told(&model, &by, &which.file)
}

pub(super) async fn share_public_url(
    State(service): Shared,
    Asking(by): Asking,
    Form(which): Form<Which>,
) -> Answer {
    let mut model = service.model();
    if public_link(&model, &by, &which.file)?.is_some() {
        return Err(Refused("already_public"));
    }
    model.create_link(&by, &which.file, Visibility::Public, Role::Viewer)?;
    told(&model, &by, &which.file)
}

pub(super) async fn bytes(
    State(service): Shared,
    Asking(by): Asking,
    Path((id, _)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let mut model = service.model();
    let (read, version) = model.read(&by, &id, None, Some(Kind::FileDownloaded))?;
    let tag = format!("\"{}\"", read.view.version);
    Ok(([(ETAG, tag)], version.bytes).into_response())
}

fn public_link(model: &Model, by: &By, id: &str) -> Result<Option<LinkView>, Refusal> {
    let mut links = model.links(by, id)?.into_iter();
    Ok(links.find(|link| link.visibility == Visibility::Public))
}

fn told(model: &Model, by: &By, id: &str) -> Answer {
    let view = model.file(by, id)?;
    if view.trashed {
        return Err(Refused("file_deleted"));
    }
    let link = public_link(model, by, id)?;
    Ok(Json(json!({"ok": true, "file": {
        "id": view.id,
        "name": view.name,
        "title": view.name,
        "mode": "hosted",
        "user": view.owner.id,
        "size": view.size,
        "url_private": address(&view),
        "url_private_download": address(&view),
        "is_public": false,
        "public_url_shared": link.is_some(),
        "permalink_public": link.map(|link| link.url),
    }})))
}

fn address(view: &FileView) -> String {
    format!(
        "https://files.slack.com/files-pri/{}/{}",
        view.id, view.name
    )
}
