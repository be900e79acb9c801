//! Shared links: they belong to who made them, and their settings say who may follow them.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused, text};
use super::paths::find;
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::Model;
use crate::model::links::Visibility;
use crate::model::listing::Wanted;
use crate::model::permissions::Role;
use crate::model::views::LinkView;

/// So many files are looked through for a link.
const FILES_MAX: usize = 500;

pub(super) async fn list(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let model = service.model();
    let view = find(&model, &asking, text(&body, "/path")?)?;
    let links = model.links(&asking.by, &view.id)?;
    let own = links
        .iter()
        .filter(|link| link.created_by == asking.by.user_id);
    let links: Vec<Value> = own.map(|link| told(link, &view.id, &view.name)).collect();
    Ok(Json(json!({"links": links, "has_more": false})))
}

pub(super) async fn create(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let mut model = service.model();
    let view = find(&model, &asking, text(&body, "/path")?)?;
    let visibility = match text(&body, "/settings/requested_visibility/.tag")? {
        "team_only" => Visibility::Organization,
        "public" => Visibility::Public,
        _ => Visibility::Restricted,
    };
    let made = model.create_link(&asking.by, &view.id, visibility, Role::Viewer)?;
    Ok(Json(told(&made.view, &view.id, &view.name)))
}

pub(super) async fn revoke(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let url = text(&body, "/url")?;
    let mut model = service.model();
    let found = of_address(&model, &asking, url)?;
    let (file, link) = found.ok_or_else(|| Refused::of(&["shared_link_not_found"]))?;
    model.remove_link(&asking.team, &file, &link)?;
    Ok(Json(Value::Null))
}

/// The file and the link of an address.
fn of_address(
    model: &Model,
    asking: &Asking,
    url: &str,
) -> Result<Option<(String, String)>, Refused> {
    let files = model.files(&asking.team, &Wanted::default(), None, FILES_MAX)?;
    for file in files.items {
        let links = model.links(&asking.team, &file.id)?;
        if let Some(link) = links.into_iter().find(|link| link.url == url) {
            return Ok(Some((file.id, link.id)));
        }
    }
    Ok(None)
}

fn told(link: &LinkView, file_id: &str, name: &str) -> Value {
    let visibility = match link.visibility {
        Visibility::Public => "public",
        Visibility::Organization => "team_only",
        Visibility::Restricted => "shared_folder_only",
    };
    let visibility = json!({".tag": visibility});
    json!({
        ".tag": "file",
        "url": link.url,
        "id": format!("id:{file_id}"),
        "name": name,
        "link_permissions": {"can_revoke": true, "resolved_visibility": visibility, "requested_visibility": visibility},
    })
}
