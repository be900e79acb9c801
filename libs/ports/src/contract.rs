//! One suite per port: what every adapter must hold. Each function panics with a sentence where an
//! adapter does not. Adapters call them from their own tests, on empty instances: the suites of the
//! relational ports take a function that makes one.

pub mod access;
pub mod accounts;
pub mod activities;
pub mod answers;
pub mod audit;
pub mod cases;
pub mod connections;
pub mod decisions;
pub mod detectors;
pub mod evaluation;
pub mod exceptions;
pub mod feed_notes;
pub mod findings;
pub mod gate;
pub mod incidents;
pub mod jobs;
pub mod leases;
pub mod log;
pub mod many;
pub mod outbox;
pub mod policies;
pub mod quarantine;
pub mod remedies;
pub mod samples;
pub mod scope;
pub mod secrets;
pub mod servers;
pub mod sinks;
pub mod vault;

use event_model::{Page, PageRequest};

pub use crate::RelationalStore;
use crate::StoreError;

/// Everything that a list shows, read in pages of so many items.
async fn every_item<T>(
    limit: u32,
    page: impl AsyncFn(PageRequest) -> Result<Page<T>, StoreError>,
) -> Vec<T> {
    let mut items = Vec::new();
    let mut request = PageRequest::first(limit);
    loop {
        let read = page(request).await.expect("a page");
        items.extend(read.items);
        let Some(next) = read.next else { return items };
        request = PageRequest::after(next, limit);
    }
}
