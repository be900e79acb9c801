use axum::Extension;
use axum::extract::{Path, State};

use super::{Page, see};
use crate::Shared;
use crate::acts::exceptions::ViewBody;
use crate::api::id;
use crate::auth::{Actor, CheckedForm};

/// Keeps the filters of the list under a name, and shows them again.
pub(super) async fn keep(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    form: CheckedForm,
) -> Page {
    let body = ViewBody {
        name: form.text("name").to_owned(),
        shared: form.text("shared") == "yes",
        query: form.text("query").to_owned(),
    };
    let view = console.add_view(&by, body).await?;
    Ok(see(format!("/?{}", view.query)))
}

/// Forgets a view of one's own.
pub(super) async fn remove(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Page {
    console.remove_view(&by, id(&given)?).await?;
    Ok(see("/"))
}
