//! Files: described, moved, deleted and restored, by id or path.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused, text};
use super::paths::{find, place, shown};
use crate::http::Shared;
use crate::http::asked::{Body, Params};
use crate::model::activity::Kind;
use crate::model::views::FileView;
use crate::model::{By, Model};

#[derive(Debug, Deserialize)]
pub(super) struct Arg {
    arg: String,
}

pub(super) async fn metadata(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let model = service.model();
    let view = find(&model, &asking, text(&body, "/path")?)?;
    let deleted = body.get("include_deleted") == Some(&Value::Bool(true));
    match view.trashed {
        false => Ok(Json(described(&model, &asking.by, &view))),
        true if deleted => Ok(Json(json!({".tag": "deleted", "name": view.name}))),
        true => Err(Refused::not_found()),
    }
}

pub(super) async fn list(State(service): Shared, asking: Asking) -> Answer {
    super::paths::home_of(&service.model(), &asking.by)?;
    Ok(Json(
        json!({"entries": [], "cursor": "end", "has_more": false}),
    ))
}

/// As the application: into a team folder and out of it no member moves anything.
pub(super) async fn relocate(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let mut model = service.model();
    let view = find(&model, &asking, text(&body, "/from_path")?)?;
    let (folder, name) = place(&model, &asking, text(&body, "/to_path")?)?;
    let moved = model.move_object(&asking.by, &view.id, Some(Some(&folder)), Some(&name), None)?;
    if moved.activity.is_none() {
        return Err(Refused::of(&["to", "conflict"]));
    }
    Ok(Json(
        json!({"metadata": described(&model, &asking.by, &moved.view)}),
    ))
}

pub(super) async fn delete(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let mut model = service.model();
    let view = find(&model, &asking, text(&body, "/path")?)?;
    let expected = body.get("parent_rev").and_then(Value::as_str);
    if expected.is_some_and(|expected| expected != rev(&view)) {
        return Err(Refused::of(&["path_write", "conflict"]));
    }
    if view.trashed {
        return Err(Refused::of(&["path_lookup", "not_found"]));
    }
    model.trash(&asking.by, &view.id, None)?;
    Ok(Json(
        json!({"metadata": {".tag": "deleted", "name": view.name}}),
    ))
}

pub(super) async fn restore(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let mut model = service.model();
    let view = find(&model, &asking, text(&body, "/path")?)?;
    if text(&body, "/rev")? != rev(&view) {
        return Err(Refused::of(&["invalid_revision"]));
    }
    let restored = model.restore(&asking.by, &view.id)?;
    Ok(Json(described(&model, &asking.by, &restored.view)))
}

pub(super) async fn purge(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let mut model = service.model();
    let view = find(&model, &asking, text(&body, "/path")?)?;
    model.delete(&asking.by, &view.id, None)?;
    Ok(Json(Value::Null))
}

pub(super) async fn download(
    State(service): Shared,
    asking: Asking,
    Params(asked): Params<Arg>,
) -> Result<Response, Refused> {
    let arg: Value = serde_json::from_str(&asked.arg).unwrap_or_default();
    let mut model = service.model();
    let view = find(&model, &asking, text(&arg, "/path")?)?;
    let (read, version) = model.read(&asking.by, &view.id, None, Some(Kind::FileDownloaded))?;
    let tag = format!("\"{}\"", rev(&read.view));
    Ok(([(ETAG, tag)], version.bytes).into_response())
}

/// Nine digits at least.
fn rev(view: &FileView) -> String {
    format!("{:09x}", view.version)
}

fn described(model: &Model, by: &By, view: &FileView) -> Value {
    let path = shown(model, by, &view.path);
    json!({
        ".tag": view.kind,
        "id": format!("id:{}", view.id),
        "name": view.name,
        "path_lower": path.to_lowercase(),
        "path_display": path,
        "rev": rev(view),
        "size": view.size,
        "content_hash": view.sha256,
    })
}
