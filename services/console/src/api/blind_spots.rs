use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use event_model::Page;
use ports::BlindSpots;

use super::activities::{ActivityItem, filter};
use crate::Shared;
use crate::problem::Problem;
use crate::query::Query;

/// Activities of which something could not be inspected, newest first.
pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<ActivityItem>>, Problem> {
    let known = ["connection", "blind_spot", "from", "to", "limit", "cursor"];
    let mut query = Query::read(&uri, &known);
    let mut filter = filter(&mut query);
    if filter.details.blind_spots == BlindSpots::Whatever {
        filter.details.blind_spots = BlindSpots::Some;
    }
    let request = query.page();
    query.finish(())?;
    let activities = &console.ports.activities;
    let page = activities.activity_page(&filter, &request).await?;
    Ok(Json(page.map(ActivityItem::from)))
}
