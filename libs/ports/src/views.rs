use async_trait::async_trait;
use event_model::{SavedView, ViewId};

use crate::StoreError;

/// Most views of one owner.
pub const VIEWS_MAX: u32 = 50;
/// Most views that one person is shown.
pub const VIEWS_SHOWN_MAX: u32 = 200;

/// The lists' filters that people keep.
#[async_trait]
pub trait ViewStore: Send + Sync {
    /// Keeps a view.
    ///
    /// # Errors
    /// `Conflict` when its owner has [`VIEWS_MAX`] already, or one of that name.
    async fn add_view(&self, view: &SavedView) -> Result<(), StoreError>;

    /// The views of this owner and those that are shared, by name, at most [`VIEWS_SHOWN_MAX`].
    async fn views(&self, owner: &str) -> Result<Vec<SavedView>, StoreError>;

    /// Forgets a view of this owner. Whether there was one.
    async fn remove_view(&self, id: ViewId, owner: &str) -> Result<bool, StoreError>;
}
