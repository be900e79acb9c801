//! What is open, by the number that the kernel was given.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;

use fuser::FileType;

use super::reading::OpenItem;
use super::shared::Shared;
use super::writing::Writing;
use crate::wire::Shown;

/// Most that is open at a time.
const OPEN_MAX: usize = 65_536;

pub(super) enum Open {
    /// An item of the vault.
    Item(Box<OpenItem>, Shown),
    /// An item that is written, and whether each write goes to the end.
    Writing(Arc<Writing>, bool),
    /// A file of a folder.
    File(OpenFile),
    /// A folder as it was when it was opened.
    Listing(Vec<(OsString, FileType)>),
}

pub(super) struct OpenFile {
    pub(super) shared: Arc<Shared>,
    pub(super) shown: Shown,
    /// Whether each write goes to the end.
    pub(super) appends: bool,
}

#[derive(Default)]
pub(super) struct Opens {
    open: HashMap<u64, Arc<Open>>,
    last: u64,
}

impl Opens {
    /// None when too much is open.
    pub(super) fn add(&mut self, open: Open) -> Option<u64> {
        if self.open.len() >= OPEN_MAX {
            return None;
        }
        self.last += 1;
        self.open.insert(self.last, Arc::new(open));
        Some(self.last)
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<Open>> {
        self.open.get(&number).cloned()
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Arc<Open>> {
        self.open.remove(&number)
    }
}
