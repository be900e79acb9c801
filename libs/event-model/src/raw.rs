//! What a service sent, kept as it was sent.

use std::fmt;

use serde_json::value::RawValue;

/// JSON, byte for byte as it was sent: a text that whoever made this has checked to be JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(Box<str>);

impl RawJson {
    /// Of a text that was found to be JSON by a parser just now.
    pub fn checked(json: &str) -> Self {
        RawJson(json.into())
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl From<Box<RawValue>> for RawJson {
    fn from(json: Box<RawValue>) -> Self {
        RawJson(json.into())
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
