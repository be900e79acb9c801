//! The activity API: what the account is told, oldest first from a place on.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{file_id, refused};
use crate::http::Shared;
use crate::http::asked::{Caller, Params};
use crate::model::activity::{Activity, Kind};
use crate::model::{By, Model};

const LIMIT_DEFAULT: usize = 50;
const LAST_GIVEN: &str = "x-activity-last-given";
const FIRST_KNOWN: &str = "x-activity-first-known";

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    since: u64,
    limit: Option<usize>,
    #[serde(default)]
    sort: String,
}

pub(super) async fn page(
    State(service): Shared,
    caller: Caller,
    Params(asked): Params<Asked>,
) -> Response {
    let by = caller.anyone();
    let mut model = service.model();
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    let log = match model.tenant_mut(&by.tenant_id) {
        Ok(tenant) => &mut tenant.log,
        Err(refusal) => return refused(refusal),
    };
    log.settle(service.ground.clock.now());
    if asked.sort == "desc" {
        let (latest, end) = (log.latest(100), log.end());
        let rows = latest.iter().filter_map(|one| row(&model, by, one));
        return given(rows.take(limit).collect(), end, None);
    }
    let (mut place, mut anew) = (asked.since, None);
    if place < log.oldest() || place > log.end() {
        anew = (asked.since > 0).then(|| log.oldest());
        place = log.oldest();
    }
    loop {
        let log = match model.tenant(&by.tenant_id) {
            Ok(tenant) => &tenant.log,
            Err(refusal) => return refused(refusal),
        };
        let Ok(page) = log.page(place, limit, &service.ground.faults) else {
            return given(Vec::new(), place, anew);
        };
        let rows: Vec<Value> = page
            .items
            .iter()
            .filter_map(|one| row(&model, by, one))
            .collect();
        if !rows.is_empty() || !page.has_more {
            return given(rows, page.next, anew);
        }
        place = page.next;
    }
}

/// Nothing new is 304, without a body and without a place.
fn given(rows: Vec<Value>, place: u64, anew: Option<u64>) -> Response {
    if rows.is_empty() {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let meta = json!({"status": "ok", "statuscode": 200, "message": "OK"});
    let body = Json(json!({"ocs": {"meta": meta, "data": rows}}));
    let headers = [(LAST_GIVEN, place.to_string())];
    let known = anew.map(|oldest| [(FIRST_KNOWN, oldest.to_string())]);
    match known {
        Some(known) => (headers, known, body).into_response(),
        None => (headers, body).into_response(),
    }
}

/// Type and sentence: of what the account itself did, and of what others did.
fn said(kind: Kind) -> Option<(&'static str, [&'static str; 2])> {
    Some(match kind {
        Kind::FileCreated | Kind::FolderCreated => (
            "file_created",
            ["You created {file}", "{user} created {file}"],
        ),
        Kind::FileUpdated => (
            "file_changed",
            ["You changed {file}", "{user} changed {file}"],
        ),
        Kind::FileMoved => (
            "file_changed",
            [
                "You moved {oldfile} to {newfile}",
                "{user} moved {oldfile} to {newfile}",
            ],
        ),
        Kind::FileTrashed | Kind::FileDeleted => (
            "file_deleted",
            ["You deleted {file}", "{user} deleted {file}"],
        ),
        Kind::FileRestored => (
            "file_restored",
            ["You restored {file}", "{user} restored {file}"],
        ),
        Kind::FileShared => (
            "shared",
            [
                "You shared {file} with {user}",
                "{actor} shared {file} with {user}",
            ],
        ),
        Kind::ShareRemoved => (
            "shared",
            [
                "You removed {user} from {file}",
                "{actor} removed {user} from {file}",
            ],
        ),
        Kind::LinkCreated | Kind::LinkRestored => (
            "shared",
            [
                "You shared {file} as public link",
                "{actor} shared {file} as public link",
            ],
        ),
        Kind::LinkRemoved => (
            "shared",
            [
                "You removed public link for {file}",
                "{actor} removed public link for {file}",
            ],
        ),
        _ => return None,
    })
}

/// The item for an activity; none for what the service does not tell.
fn row(model: &Model, by: &By, activity: &Activity) -> Option<Value> {
    let (kind, sentences) = said(activity.kind)?;
    let own = activity.actor.id == by.user_id;
    let sentence = sentences[usize::from(!own)];
    let object = activity.object.as_ref()?;
    let (mut id, mut path) = (file_id(&object.id)?, object.path.clone()?);
    // Of a re-share the owner is told the folder.
    if !own && kind == "shared" {
        let parent = model.file(by, &object.id).ok();
        let parent = parent.and_then(|file| model.file(by, &file.parent_id?).ok());
        if let Some(parent) = parent {
            (id, path) = (file_id(&parent.id)?, parent.path);
        }
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let file = json!({"type": "file", "id": id.to_string(), "name": name, "path": path.trim_start_matches('/')});
    let actor = json!({"type": "user", "id": activity.actor.id, "name": activity.actor.name});
    let target = activity
        .share
        .as_ref()
        .and_then(|share| share.target.as_ref());
    let user = match (kind, target) {
        ("shared", Some(target)) => {
            json!({"type": "user", "id": target.id, "name": target.email})
        }
        _ => actor.clone(),
    };
    // The sentence names what is told with it.
    let told = [
        ("file", &file),
        ("oldfile", &file),
        ("newfile", &file),
        ("user", &user),
        ("actor", &actor),
    ];
    let told = told
        .into_iter()
        .filter(|(name, _)| sentence.contains(&format!("{{{name}}}")));
    let told: Map<String, Value> = told
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    let at = activity.occurred_at.text();
    Some(json!({
        "activity_id": number(&activity.id)?,
        "app": if kind == "shared" { "files_sharing" } else { "files" },
        "type": kind,
        "user": activity.actor.id,
        "subject": sentence,
        "subject_rich": [sentence, told],
        "message": "",
        "message_rich": ["", []],
        "object_type": "files",
        "object_id": id,
        "object_name": path,
        "objects": {id.to_string(): path},
        "link": "",
        "icon": "",
        "datetime": format!("{}+00:00", at.get(..19)?),
        "previews": [],
    }))
}

/// Ids ascend in the order of doing.
fn number(activity_id: &str) -> Option<u64> {
    u64::from_str_radix(activity_id.strip_prefix("evt_")?, 16).ok()
}
