use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use event_model::Page;

use crate::Shared;
use crate::problem::Problem;
use crate::query::Query;
use ports::ServiceDescription;

/// The catalogue, whole: it is part of the program.
pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<ServiceDescription>>, Problem> {
    Query::read(&uri, &[]).finish(())?;
    Ok(Json(Page {
        items: console.ports.connections.services(),
        next: None,
    }))
}
