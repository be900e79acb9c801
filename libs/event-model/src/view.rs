use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::ViewId;
use crate::instant;

/// Longest name of a view, in characters.
pub const VIEW_NAME_CHARS_MAX: usize = 60;
/// Longest query of a view, in bytes.
pub const VIEW_QUERY_BYTES_MAX: usize = 2 * 1024;

/// The filters of a list, kept under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedView {
    /// Its identifier.
    pub id: ViewId,
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Whether everybody sees it; only its owner can remove it.
    pub shared: bool,
    /// The list's query, as it stands in the address.
    pub query: String,
    /// When it was saved.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
}
