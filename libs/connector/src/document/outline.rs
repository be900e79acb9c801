//! One level of a text: where what it holds stands, and nothing parsed of it. One pass, as fast as
//! skipping is.

use std::borrow::Cow;

use super::parser::{Malformed, Parser};

/// What a text holds, one level down, as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outline<'t> {
    /// Each member; a key that was sent twice is there twice, and the last counts.
    Object(Vec<(Cow<'t, str>, &'t str)>),
    /// Each element.
    List(Vec<&'t str>),
    /// A text, a number or a word.
    Single,
}

impl<'t> Outline<'t> {
    /// Reads a text: all of it is checked for its grammar and for its depth.
    ///
    /// # Errors
    /// As [`super::Document::parse`].
    pub(crate) fn of(text: &'t str) -> Result<Self, Malformed> {
        Parser::over(text).outline()
    }

    /// What stands under that key, or at that index.
    pub(crate) fn get(&self, key: &str, index: Option<usize>) -> Option<&'t str> {
        match self {
            Outline::Object(members) => {
                let found = members.iter().rev().find(|(known, _)| known == key);
                found.map(|(_, text)| *text)
            }
            Outline::List(items) => items.get(index?).copied(),
            Outline::Single => None,
        }
    }
}
