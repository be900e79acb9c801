//! Paths: by id, within a namespace, or within the home of the one who asks.

use super::asking::{Asking, Refused};
use crate::model::listing::Wanted;
use crate::model::views::FileView;
use crate::model::{By, Model};

/// The folder that a namespace is.
pub(super) fn home_of(model: &Model, by: &By) -> Result<String, Refused> {
    let home = model.user(by, &by.user_id)?.home;
    home.map(|number| format!("f_{number}"))
        .ok_or_else(Refused::not_found)
}

/// What lies at a path.
pub(super) fn find(model: &Model, asking: &Asking, path: &str) -> Result<FileView, Refused> {
    if let Some(id) = path.strip_prefix("id:") {
        return Ok(model.file(&asking.by, id)?);
    }
    let (by, absolute) = absolute(model, asking, path)?;
    for trashed in [false, true] {
        let wanted = Wanted {
            path: Some(&absolute),
            trashed,
            ..Wanted::default()
        };
        let page = model.files(&by, &wanted, None, 1)?;
        if let Some(view) = page.items.into_iter().next() {
            return Ok(view);
        }
    }
    Err(Refused::not_found())
}

/// The folder and the name that a path names.
pub(super) fn place(
    model: &Model,
    asking: &Asking,
    path: &str,
) -> Result<(String, String), Refused> {
    let (by, absolute) = absolute(model, asking, path)?;
    let (folder, name) = absolute.rsplit_once('/').ok_or_else(Refused::not_found)?;
    Ok((model.folder_at(&by, folder)?, name.to_owned()))
}

/// From toy-cloud's root on. Namespaces are an administrator's to name.
fn absolute(model: &Model, asking: &Asking, path: &str) -> Result<(By, String), Refused> {
    let (by, folder, rest) = match path.strip_prefix("ns:") {
        Some(namespaced) => {
            let (number, rest) = namespaced.split_once('/').unwrap_or((namespaced, ""));
            (asking.team.clone(), format!("f_{number}"), rest)
        }
        None => {
            let home = home_of(model, &asking.by)?;
            (asking.by.clone(), home, path.trim_start_matches('/'))
        }
    };
    let above = model.file(&by, &folder)?.path;
    Ok((by, format!("{above}/{rest}")))
}

/// As the one who asks sees it: without his home.
pub(super) fn shown(model: &Model, by: &By, path: &str) -> String {
    let home = home_of(model, by).ok();
    let home = home.and_then(|home| Some(model.file(by, &home).ok()?.path));
    let below = home.and_then(|home| path.strip_prefix(&home).map(str::to_owned));
    below.unwrap_or_else(|| path.to_owned())
}
