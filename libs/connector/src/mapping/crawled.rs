//! What exists, as activities: mapped as an event is, under ids that never meet those of events.

use chrono::{DateTime, Utc};
use event_model::{EventId, RawEvent, ScanKind};

use crate::json::NotMappable;
use crate::mapping::verb::DerivedId;
use crate::mapping::{Mapped, Mapper};

/// Maps what a crawl lists.
pub struct CrawlMapper {
    pub(crate) mapper: Mapper,
    pub(crate) kind: ScanKind,
}

impl CrawlMapper {
    /// The activities that stand for an element: as [`Mapper::map`].
    ///
    /// The same element in the same state has the same id whenever it is listed: what was recorded of it
    /// once is known the next time.
    ///
    /// # Errors
    /// As [`Mapper::map`].
    pub fn map(&self, event: &RawEvent, now: DateTime<Utc>) -> Result<Vec<Mapped>, NotMappable> {
        let mut all = self.mapper.map(event, now)?;
        for mapped in &mut all {
            let own = mapped.activity.event_id.as_str();
            let named = EventId::new(format!("crawl:{}:{own}", self.kind));
            let id = named.or_else(|| EventId::new(derived(own)));
            mapped.activity.event_id = id.expect("a derived id is short");
        }
        Ok(all)
    }
}

/// Of an id that has no room for more before it.
fn derived(own: &str) -> String {
    let mut id = DerivedId::new();
    id.add(Some(b"crawl"));
    id.add(Some(own.as_bytes()));
    id.finish()
}
