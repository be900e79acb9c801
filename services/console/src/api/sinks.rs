use axum::extract::{Path, State};
use axum::{Extension, Json};
use event_model::{Page, SinkItem, SinkTrial};

use crate::Shared;
use crate::auth::Actor;
use crate::problem::Problem;

pub(crate) async fn list(State(console): State<Shared>) -> Result<Json<Page<SinkItem>>, Problem> {
    let items = console.sinks().await?;
    Ok(Json(Page { items, next: None }))
}

pub(crate) async fn try_out(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
) -> Result<Json<SinkTrial>, Problem> {
    console.try_sink(&by, &name).await.map(Json)
}
