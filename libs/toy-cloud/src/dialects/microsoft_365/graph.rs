//! Graph's users and drive items: found by id, by place, or by the address that the audit log has.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::IF_MATCH;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use super::sign_in::directory_of;
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::activity::Kind;
use crate::model::listing::Wanted;
use crate::model::objects::Content;
use crate::model::tenants::User;
use crate::model::views::FileView;
use crate::model::{By, Model};

/// The drive of everybody's files.
const DRIVE: &str = "all";
/// The drive that only administrators read.
const QUARANTINE: &str = "quarantine";

/// Where an object is found in SharePoint.
pub(super) fn address(tenant: &str, path: &str) -> String {
    format!("https://{tenant}.sharepoint.com/sites/all{path}")
}

pub(super) async fn organization(State(service): Shared, Asking(by): Asking) -> Answer {
    let name = service.model().tenant(&by.tenant_id)?.name.clone();
    let body = json!({"value": [{"id": directory_of(&by.tenant_id), "displayName": name}]});
    Ok(Json(body).into_response())
}

pub(super) async fn users(State(service): Shared, Asking(by): Asking) -> Answer {
    let model = service.model();
    let users = model.tenant(&by.tenant_id)?.users.values();
    let members = users.filter(|user| user.home.is_some()).map(person);
    let members: Vec<Value> = members.collect();
    Ok(Json(json!({ "value": members })).into_response())
}

pub(super) async fn user(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
) -> Answer {
    let model = service.model();
    let user = model.tenant(&by.tenant_id)?.find_user(&id);
    Ok(Json(person(user.ok_or_else(Refused::not_found)?)).into_response())
}

fn person(user: &User) -> Value {
    let kind = if user.external { "Guest" } else { "Member" };
    json!({"id": user.id, "displayName": user.name, "mail": user.email, "userPrincipalName": user.email, "userType": kind})
}

pub(super) async fn drive_root(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
) -> Answer {
    let model = service.model();
    let home = model.tenant(&by.tenant_id)?.user(&id)?.home;
    let home = home.ok_or_else(Refused::not_found)?;
    Ok(Json(json!({"id": format!("f_{home}"), "name": "root"})).into_response())
}

pub(super) async fn shared(
    State(service): Shared,
    Asking(by): Asking,
    Path(share): Path<String>,
) -> Answer {
    let view = of_share(&service.model(), &by, &share)?;
    Ok(Json(shown(&by, &view)).into_response())
}

pub(super) async fn shared_content(
    State(service): Shared,
    Asking(by): Asking,
    Path(share): Path<String>,
) -> Answer {
    let view = of_share(&service.model(), &by, &share)?;
    bytes(&mut service.model(), &by, &view.id)
}

pub(super) async fn item(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let view = live(&service.model(), &by, &id)?;
    Ok(Json(shown(&by, &view)).into_response())
}

/// `root:/{name}` is the item of that name, `root:/{name}:/content` what it holds.
pub(super) async fn at(
    State(service): Shared,
    Asking(by): Asking,
    Path((drive, place)): Path<(String, String)>,
) -> Answer {
    let (name, rest) = place.split_once(":/").unwrap_or((&place, ""));
    let mut model = service.model();
    let view = held(&mut model, &by, &drive, name)?.ok_or_else(Refused::not_found)?;
    match rest {
        "" => Ok(Json(shown(&by, &view)).into_response()),
        "content" => bytes(&mut model, &by, &view.id),
        _ => Err(Refused::bad("invalidRequest")),
    }
}

pub(super) async fn delete(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let mut model = service.model();
    let expected = headers.get(IF_MATCH).and_then(|tag| tag.to_str().ok());
    let expected = expected.and_then(|tag| tag.trim_matches('"').rsplit(',').next());
    let view = live(&model, &by, &id)?;
    model.trash(&by, &view.id, expected.and_then(|text| text.parse().ok()))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn purge(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    service.model().delete(&by, &id, None)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Copy {
    parent_reference: Folder,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Folder {
    drive_id: String,
    id: String,
}

pub(super) async fn copy(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id)): Path<(String, String)>,
    Body(copy): Body<Copy>,
) -> Answer {
    let mut model = service.model();
    let to = copy.parent_reference;
    let parent = match to.drive_id.as_str() {
        QUARANTINE => quarantine(&mut model, &by)?,
        _ => to.id,
    };
    let taken = children(&model, &by, &parent)?;
    if taken.iter().any(|view| view.name == copy.name) {
        return Err(Refused::new(StatusCode::CONFLICT, "nameAlreadyExists"));
    }
    let view = live(&model, &by, &id)?;
    let (_, version) = model.read(&by, &view.id, None, None)?;
    let content = Content::new(version.bytes, view.mime_type.as_deref().unwrap_or_default());
    model.upload(&by, &copy.name, Some(&parent), content)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// The item of that name in the drive, at its root.
fn held(model: &mut Model, by: &By, drive: &str, name: &str) -> Result<Option<FileView>, Refused> {
    if drive != QUARANTINE {
        return Err(Refused::not_found());
    }
    let folder = quarantine(model, by)?;
    let inside = children(model, by, &folder)?;
    Ok(inside.into_iter().find(|view| view.name == name))
}

fn children(model: &Model, by: &By, folder: &str) -> Result<Vec<FileView>, Refused> {
    let wanted = Wanted {
        owner: None,
        parent_id: Some(folder),
        path: None,
        trashed: false,
    };
    Ok(model.files(by, &wanted, None, usize::MAX)?.items)
}

/// The folder that is the quarantine's drive.
fn quarantine(model: &mut Model, by: &By) -> Result<String, Refused> {
    if let Ok(id) = model.folder_at(by, "/Quarantine") {
        return Ok(id);
    }
    let made = model.make_folder(by, "Quarantine", None, true)?;
    Ok(made.view.id)
}

/// The object that `u!` and an address in base64url name.
pub(super) fn of_share(model: &Model, by: &By, share: &str) -> Result<FileView, Refused> {
    let url = share
        .strip_prefix("u!")
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let url = url.and_then(|bytes| String::from_utf8(bytes).ok());
    let root = address(&by.tenant_id, "");
    let path = url.as_deref().and_then(|url| url.strip_prefix(&root));
    let path = path.ok_or_else(|| Refused::bad("invalidRequest"))?;
    let wanted = Wanted {
        owner: None,
        parent_id: None,
        path: Some(path),
        trashed: false,
    };
    let found = model.files(by, &wanted, None, 10)?.items.into_iter();
    found
        .into_iter()
        .find(|view| view.path == path)
        .ok_or_else(Refused::not_found)
}

/// An item that is not in the recycle bin.
pub(super) fn live(model: &Model, by: &By, id: &str) -> Result<FileView, Refused> {
    let view = model.file(by, id)?;
    match view.trashed {
        true => Err(Refused::not_found()),
        false => Ok(view),
    }
}

fn bytes(model: &mut Model, by: &By, id: &str) -> Result<Response, Refused> {
    let (_, version) = model.read(by, id, None, Some(Kind::FileDownloaded))?;
    Ok(version.bytes.into_response())
}

fn shown(by: &By, view: &FileView) -> Value {
    let mut item = json!({
        "id": view.id,
        "name": view.name,
        "eTag": format!("\"{},{}\"", view.id, view.version),
        "size": view.size.unwrap_or(0),
        "webUrl": address(&by.tenant_id, &view.path),
        "parentReference": {"driveId": DRIVE, "id": view.parent_id},
    });
    match &view.sha256 {
        Some(hash) => item["file"] = json!({"hashes": {"quickXorHash": hash}}),
        None => item["folder"] = json!({}),
    }
    item
}
