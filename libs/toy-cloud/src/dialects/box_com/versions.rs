//! Contents of a file: a new one uploaded in a form, an earlier one removed. A version's id is its number.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::json;

use super::asking::{Answer, Asking, Refused};
use super::items::{if_match, shown};
use crate::http::Shared;
use crate::model::objects::{Content, Reach};
use crate::model::{By, Model, Refusal};

/// A new content of a file; Box takes it as the part `file` of a form.
pub(super) async fn upload(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let bad = || Refused::new(StatusCode::BAD_REQUEST, "bad_request");
    let content = file_of(&headers, &body).ok_or_else(bad)?;
    let mut model = service.model();
    // Box tells the type by the name, and not by what is sent.
    let kept = model.file(&asking.by, &id)?.mime_type.unwrap_or_default();
    let content = Content::new(content, &kept);
    let done = model.update(&asking.by, &id, content, if_match(&headers)?)?;
    let entry = shown(&model, &asking.by, &done.view)?;
    let body = json!({"total_count": 1, "entries": [entry]});
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub(super) async fn remove(
    State(service): Shared,
    asking: Asking,
    Path((id, version)): Path<(String, String)>,
) -> Answer {
    let version = version.parse().map_err(|_| Refused::not_found())?;
    service.model().remove_version(&asking.by, &id, version)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Of the newest content; none of a folder.
pub(super) fn sha1(model: &Model, by: &By, id: &str) -> Result<Option<String>, Refusal> {
    let file = model.tenant(&by.tenant_id)?.reach(by, id, Reach::Read)?;
    let newest = file.versions.back();
    Ok(newest.map(|version| hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &version.bytes))))
}

/// The bytes of the part `file`.
fn file_of(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let boundary = kind.strip_prefix("multipart/form-data; boundary=")?;
    let begins = format!("--{boundary}\r\n");
    let ends = format!("\r\n--{boundary}--\r\n");
    let rest = body.strip_prefix(begins.as_bytes())?;
    let head = rest.windows(4).position(|four| four == b"\r\n\r\n")?;
    let is_file = std::str::from_utf8(&rest[..head])
        .ok()?
        .contains("name=\"file\"");
    let content = rest[head + 4..].strip_suffix(ends.as_bytes())?;
    is_file.then(|| body.slice_ref(content))
}
