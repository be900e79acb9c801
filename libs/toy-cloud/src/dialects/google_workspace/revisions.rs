//! Contents of a file: uploaded at once or in a session, listed as revisions, an earlier one removed. A revision's id is its number.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use super::drive::shown;
use crate::http::Shared;
use crate::http::asked::Params;
use crate::model::By;
use crate::model::objects::Content;
use crate::service::Service;

/// How content comes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Upload {
    upload_type: String,
    upload_id: String,
}

/// `media` takes the content at once; `resumable` opens a session, to which it is sent.
pub(super) async fn begin(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
    Params(upload): Params<Upload>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    match upload.upload_type.as_str() {
        "media" => taken(
            &service,
            &by,
            &id,
            kind(&headers, CONTENT_TYPE.as_str()),
            body,
        ),
        "resumable" => {
            service.model().file(&by, &id)?;
            let kind = hex::encode(kind(&headers, "x-upload-content-type"));
            let session = format!(
                "https://www.googleapis.com/upload/drive/v3/files/{id}?uploadType=resumable&upload_id={kind}"
            );
            Ok((StatusCode::OK, [(LOCATION, session)]).into_response())
        }
        _ => Err(Refused::bad()),
    }
}

/// The content of a session, whole.
pub(super) async fn finish(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
    Params(upload): Params<Upload>,
    body: Bytes,
) -> Answer {
    let kind = hex::decode(&upload.upload_id).map_err(|_| Refused::not_found())?;
    let kind = String::from_utf8(kind).map_err(|_| Refused::not_found())?;
    taken(&service, &by, &id, &kind, body)
}

fn taken(service: &Service, by: &By, id: &str, kind: &str, body: Bytes) -> Answer {
    let mut model = service.model();
    let done = model.update(by, id, Content::new(body, kind), None)?;
    Ok(Json(shown(&mut model, by, &done.view)?).into_response())
}

fn kind<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    let kind = headers.get(name).and_then(|value| value.to_str().ok());
    kind.unwrap_or_default()
}

pub(super) async fn list(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
) -> Answer {
    let view = service.model().file(&by, &id)?;
    let revisions = view.versions.iter();
    let revisions: Vec<Value> = revisions
        .map(|one| json!({"kind": "drive#revision", "id": one.version.to_string()}))
        .collect();
    Ok(Json(json!({"kind": "drive#revisionList", "revisions": revisions})).into_response())
}

pub(super) async fn remove(
    State(service): Shared,
    Asking(by): Asking,
    Path((id, revision)): Path<(String, String)>,
) -> Answer {
    let revision = revision.parse().map_err(|_| Refused::not_found())?;
    service.model().remove_version(&by, &id, revision)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
