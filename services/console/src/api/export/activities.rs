use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use event_model::{Field, Page, PageRequest};
use ports::{ActivityFilter, StoreError};

use super::{Exported, Format, file};
use crate::Shared;
use crate::api::activities::{ActivityItem, NARROWING, filter};
use crate::problem::Problem;
use crate::query::Query;

/// The columns before the 24 fields.
const COLUMNS: [&str; 6] = [
    "connection_id",
    "service",
    "arrival",
    "received_at",
    "own",
    "blind_spots",
];

pub(crate) async fn export(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[&NARROWING[..], &["format"]].concat());
    let activities = Activities(filter(&mut query));
    let format = Format::asked(&mut query);
    query.finish(())?;
    Ok(file(console, activities, format))
}

struct Activities(ActivityFilter);

impl Exported for Activities {
    const NAME: &'static str = "activities";
    type Item = ActivityItem;

    async fn page(
        &self,
        console: &Shared,
        request: &PageRequest,
    ) -> Result<Page<ActivityItem>, StoreError> {
        let activities = &console.ports.activities;
        let page = activities.activity_page(&self.0, request).await?;
        Ok(page.map(ActivityItem::from))
    }

    fn columns() -> Vec<&'static str> {
        let fields = Field::ALL.into_iter().map(Field::name);
        COLUMNS.into_iter().chain(fields).collect()
    }

    fn cells(item: &ActivityItem) -> Vec<String> {
        item.cells()
    }
}
