//! What a record carries beside its value: names and texts, most of which are the same for every
//! record, or at least for every record of one call.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Name and value of a header.
pub type Header = (Cow<'static, str>, HeaderText);

/// The value of a header. Equal to another with the same text, however they are held.
#[derive(Clone)]
pub struct HeaderText(Held);

#[derive(Clone)]
enum Held {
    Fixed(&'static str),
    Own(String),
    /// Of many records: a copy costs no memory.
    Shared(Arc<str>),
}

impl Deref for HeaderText {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Held::Fixed(text) => text,
            Held::Own(text) => text,
            Held::Shared(text) => text,
        }
    }
}

impl From<&'static str> for HeaderText {
    fn from(text: &'static str) -> Self {
        HeaderText(Held::Fixed(text))
    }
}

impl From<String> for HeaderText {
    fn from(text: String) -> Self {
        HeaderText(Held::Own(text))
    }
}

impl From<Arc<str>> for HeaderText {
    fn from(text: Arc<str>) -> Self {
        HeaderText(Held::Shared(text))
    }
}

impl PartialEq for HeaderText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl PartialEq<str> for HeaderText {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl Eq for HeaderText {}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
