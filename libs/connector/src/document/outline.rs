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
        Ok(Self::listing(text, None)?.0)
    }

    /// The same, and the elements of the list under that key, found on the way: a page of a feed is one
    /// level and its events.
    ///
    /// # Errors
    /// As [`Outline::of`].
    pub(crate) fn listing(
        text: &'t str,
        key: Option<&str>,
    ) -> Result<(Self, Option<Vec<&'t str>>), Malformed> {
        Parser::over(text).outline(key)
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
