//! Errors of stores, and documents in and out.

use std::fmt::Display;

use ports::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The database did not do it.
pub fn failed(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => corrupt("row")(error),
        other => StoreError::Unavailable(other.into()),
    }
}

/// As [`failed`], but a value that must be unique and is taken is a `Conflict`.
pub fn taken(what: &'static str, id: impl Display) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => conflict(what, id),
        _ => failed(error),
    }
}

/// Somebody else was first.
pub fn conflict(what: &'static str, id: impl Display) -> StoreError {
    let id = id.to_string();
    StoreError::Conflict { what, id }
}

/// There is no such thing.
pub fn not_found(what: &'static str, id: impl Display) -> StoreError {
    let id = id.to_string();
    StoreError::NotFound { what, id }
}

/// A stored value does not read.
pub fn corrupt<E: Into<Cause>>(what: &'static str) -> impl FnOnce(E) -> StoreError {
    move |cause| StoreError::Corrupt {
        what,
        source: cause.into(),
    }
}

/// Reads a stored document.
///
/// # Errors
/// `Corrupt` when it has another form.
pub fn read<T: DeserializeOwned>(what: &'static str, document: &str) -> Result<T, StoreError> {
    serde_json::from_str(document).map_err(corrupt(what))
}

/// Writes a document to store.
pub fn written<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our types have string keys and no failing Serialize")
}

/// Reads a stored word or id.
///
/// # Errors
/// `Corrupt` when there is no such word.
pub fn word<T>(what: &'static str, word: Option<T>) -> Result<T, StoreError> {
    word.ok_or_else(|| corrupt(what)("an unknown word"))
}
