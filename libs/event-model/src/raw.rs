//! What a service sent, kept as it was sent.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;

/// JSON, byte for byte as it was sent: a text that whoever made this has checked to be JSON. Cheap to
/// copy; as long as one part of what was sent is kept, all of it is.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(ByteString);

impl RawJson {
    /// Of a text that was found to be JSON by a parser just now.
    pub fn checked(json: &str) -> Self {
        RawJson(json.into())
    }

    /// Of parts of a text that were found to be JSON by a parser just now: none is copied.
    ///
    /// # Panics
    /// Where `whole` is not UTF-8, or one of `parts` does not lie in it.
    pub fn parts(whole: &Bytes, parts: &[&str]) -> Vec<Self> {
        let whole = ByteString::try_from(whole.clone()).expect("a parser read it as a text");
        let part = |part: &&str| RawJson(whole.slice_ref(part));
        parts.iter().map(part).collect()
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl From<Box<RawValue>> for RawJson {
    fn from(json: Box<RawValue>) -> Self {
        RawJson(Box::<str>::from(json).into())
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
