use thiserror::Error;

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store cannot be reached, is full or broken: try again later.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Which one.
        id: String,
    },
    /// Someone else changed it meanwhile, or it exists already.
    #[error("the {what} `{id}` was changed by someone else, read it again")]
    Conflict {
        /// Kind of thing.
        what: &'static str,
        /// Which one.
        id: String,
    },
    /// The lease under which this was to be written has been taken over.
    #[error("the lease on `{resource}` was taken over")]
    Fenced {
        /// What was leased.
        resource: String,
    },
    /// A stored value cannot be read by this program.
    #[error("the store holds an unreadable {what}")]
    Corrupt {
        /// Kind of thing.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A cursor that this store did not give out.
    #[error("`{cursor}` is not a cursor of this list")]
    BadCursor {
        /// The cursor as given.
        cursor: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }
}
