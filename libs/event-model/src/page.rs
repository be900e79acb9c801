//! Lists that are read a page at a time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most items of one page.
pub const PAGE_ITEMS_MAX: u32 = 500;

/// A page of a list: on the wire `{"items": [...], "next": cursor or null}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// This page's items.
    pub items: Vec<T>,
    /// Where the next page starts; absent on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The same page with every item changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Continue after this; from the start when absent.
    pub cursor: Option<String>,
    /// At most so many items, 1 to [`PAGE_ITEMS_MAX`].
    pub limit: u32,
}

impl PageRequest {
    /// The first page of so many items, clamped to 1..=[`PAGE_ITEMS_MAX`].
    pub fn first(limit: u32) -> Self {
        PageRequest {
            cursor: None,
            limit: limit.clamp(1, PAGE_ITEMS_MAX),
        }
    }

    /// The page after a cursor.
    pub fn after(cursor: impl Into<String>, limit: u32) -> Self {
        PageRequest {
            cursor: Some(cursor.into()),
            limit: limit.clamp(1, PAGE_ITEMS_MAX),
        }
    }
}
