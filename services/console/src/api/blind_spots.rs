use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use event_model::{Page, PageRequest};

use super::activities::{ActivityItem, filter};
use crate::Shared;
use crate::problem::Problem;
use crate::query::Query;

/// Most pages of activity that one request looks through.
const PAGES_MAX: usize = 20;

/// Activities of which something could not be inspected, newest first. A request looks through a
/// bounded part of the activity: a page may be short, or empty, and still have a `next`.
pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<ActivityItem>>, Problem> {
    let mut query = Query::read(&uri, &["connection", "from", "to", "limit", "cursor"]);
    let filter = filter(&mut query);
    let mut request = query.page();
    query.finish(())?;
    let mut found = Page {
        items: Vec::new(),
        next: None,
    };
    for _ in 0..PAGES_MAX {
        let page = console
            .ports
            .activities
            .activity_page(&filter, &request)
            .await?;
        let blind = page
            .items
            .into_iter()
            .filter(|item| !item.blind_spots.is_empty());
        found.items = blind.map(ActivityItem::from).collect();
        found.next = page.next;
        match &found.next {
            Some(cursor) if found.items.is_empty() => {
                request = PageRequest::after(cursor, request.limit);
            }
            _ => break,
        }
    }
    Ok(Json(found))
}
