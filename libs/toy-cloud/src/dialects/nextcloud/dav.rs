//! WebDAV: the administrator's tree is the tenant's, files are found by their ids, what is deleted lies in the trash.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::shares::at_path;
use super::{file_id, refused};
use crate::dialects::listing::every_file;
use crate::http::Shared;
use crate::http::answers::etag;
use crate::http::asked::{Caller, if_match};
use crate::model::activity::Kind;
use crate::model::views::FileView;
use crate::model::{By, Model, Refusal};

const ROOT: &str = "/remote.php/dav/";
/// Largest document of a search, in bytes.
const SEARCH_BYTES_MAX: usize = 64 << 10;
/// In addresses `/` and RFC 3986's unreserved characters stay.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// SEARCH for the file of an id.
pub(super) async fn search(State(service): Shared, caller: Caller, request: Request) -> Response {
    if request.method().as_str() != "SEARCH" {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Ok(body) = axum::body::to_bytes(request.into_body(), SEARCH_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let asked = String::from_utf8_lossy(&body);
    let literal = asked.split("<d:literal>").nth(1);
    let literal = literal.and_then(|rest| rest.split("</d:literal>").next());
    let Some(id) = literal.and_then(|text| text.trim().parse::<u64>().ok()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let by = caller.anyone();
    let found = service.model().file(by, &format!("f_{id}"));
    let found = found.ok().filter(|file| !file.trashed);
    let entries = found.map(|file| {
        let href = format!("{ROOT}files/{}{}", by.user_id, file.path);
        entry(&href, &file)
    });
    multistatus(entries.into_iter())
}

/// GET, DELETE, MOVE of a file, MKCOL of a folder.
pub(super) async fn file(
    State(service): Shared,
    caller: Caller,
    Path((_, path)): Path<(String, String)>,
    request: Request,
) -> Response {
    let by = caller.anyone();
    let mut model = service.model();
    let method = request.method().as_str().to_owned();
    if method == "MKCOL" {
        let made = model.make_folder(by, &path, None, true);
        return match made {
            Ok(_) => StatusCode::CREATED.into_response(),
            Err(Refusal::Conflict { .. }) => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            Err(refusal) => refused(refusal),
        };
    }
    let Some(file) = at_path(&model, by, &path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let expected = match if_match(request.headers()) {
        Ok(expected) => expected,
        Err(error) => return error.into_response(),
    };
    match method.as_str() {
        "GET" => content(&mut model, by, &file),
        "DELETE" => {
            let trashed = model.trash(by, &file.id, expected);
            trashed.map_or_else(refused, |_| StatusCode::NO_CONTENT.into_response())
        }
        "MOVE" => moved(&mut model, by, &file, request.headers(), expected),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn content(model: &mut Model, by: &By, file: &FileView) -> Response {
    let read = model.read(by, &file.id, None, Some(Kind::FileDownloaded));
    read.map_or_else(refused, |(_, version)| {
        let tag = [(ETAG, etag(version.number))];
        (tag, Body::from(version.bytes)).into_response()
    })
}

/// `Overwrite: F`: what is there stays.
fn moved(
    model: &mut Model,
    by: &By,
    file: &FileView,
    headers: &HeaderMap,
    expected: Option<u64>,
) -> Response {
    let Some(to) = destination(headers) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some((_, path)) = to
        .strip_prefix("files/")
        .and_then(|rest| rest.split_once('/'))
    else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let path = path.trim_end_matches('/');
    if at_path(model, by, path).is_some() {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = match folder {
        "" => None,
        folder => match model.folder_at(by, &format!("/{folder}")) {
            Ok(id) => Some(id),
            Err(_) => return StatusCode::CONFLICT.into_response(),
        },
    };
    let moved = model.move_object(by, &file.id, Some(parent.as_deref()), Some(name), expected);
    moved.map_or_else(refused, |_| StatusCode::CREATED.into_response())
}

/// PROPFIND of the trash.
pub(super) async fn trash(State(service): Shared, caller: Caller, request: Request) -> Response {
    if request.method().as_str() != "PROPFIND" {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let by = caller.anyone();
    let all = every_file(&service.model(), by, true);
    all.map_or_else(refused, |all| {
        multistatus(all.iter().filter_map(|file| {
            let (name, number) = (&file.name, file_id(&file.id)?);
            let href = format!("{ROOT}trashbin/{}/trash/{name}.d{number}", by.user_id);
            Some(entry(&href, file))
        }))
    })
}

/// MOVE out of the trash, DELETE for good.
pub(super) async fn trashed(
    State(service): Shared,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    let by = caller.anyone();
    let Some((_, number)) = name.trim_end_matches('/').rsplit_once(".d") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let id = format!("f_{number}");
    let to = destination(request.headers()).unwrap_or_default();
    let mut model = service.model();
    match request.method().as_str() {
        "DELETE" => {
            let deleted = model.delete(by, &id, None);
            deleted.map_or_else(refused, |_| StatusCode::NO_CONTENT.into_response())
        }
        "MOVE" if to.contains("/restore/") => {
            let restored = model.restore(by, &id);
            restored.map_or_else(refused, |_| StatusCode::CREATED.into_response())
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// What `Destination` names below the root, decoded; it is a whole address or a path.
fn destination(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("destination")?.to_str().ok()?;
    let (_, below) = text.split_once(ROOT)?;
    Some(percent_decode_str(below).decode_utf8().ok()?.into_owned())
}

fn entry(href: &str, file: &FileView) -> String {
    let href = utf8_percent_encode(href, ESCAPED);
    let id = file_id(&file.id).unwrap_or_default();
    let version = file.version;
    // The address of a folder ends with a slash.
    let (end, kind) = match file.kind {
        "folder" => ("/", "<d:resourcetype><d:collection/></d:resourcetype>"),
        _ => ("", "<d:resourcetype/>"),
    };
    format!(
        "<d:response><d:href>{href}{end}</d:href><d:propstat><d:prop><oc:fileid>{id}</oc:fileid><d:getetag>&quot;v{version}&quot;</d:getetag>{kind}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )
}

fn multistatus(entries: impl Iterator<Item = String>) -> Response {
    let all: String = entries.collect();
    let body = format!(
        r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">{all}</d:multistatus>"#
    );
    let kind = [(CONTENT_TYPE, "application/xml; charset=utf-8")];
    (StatusCode::MULTI_STATUS, kind, body).into_response()
}
