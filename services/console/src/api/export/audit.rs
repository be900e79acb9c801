use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use event_model::{Page, PageRequest};
use ports::{AuditFilter, StoreError};

use super::{Exported, Format, file};
use crate::Shared;
use crate::api::audit::{AuditItem, FILTERS, filter};
use crate::problem::Problem;
use crate::query::Query;

pub(crate) async fn export(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[&FILTERS[..], &["format"]].concat());
    let trail = Trail(filter(&mut query));
    let format = Format::asked(&mut query);
    query.finish(())?;
    Ok(file(console, trail, format))
}

struct Trail(AuditFilter);

impl Exported for Trail {
    const NAME: &'static str = "audit";
    const ITEMS_MAX: usize = 500_000;
    type Item = AuditItem;

    async fn page(
        &self,
        console: &Shared,
        request: &PageRequest,
    ) -> Result<Page<AuditItem>, StoreError> {
        let page = console.ports.audit.audit_matching(&self.0, request).await?;
        Ok(page.map(AuditItem::from))
    }

    fn columns() -> Vec<&'static str> {
        AuditItem::COLUMNS.to_vec()
    }

    fn cells(item: &AuditItem) -> Vec<String> {
        item.cells()
    }
}
