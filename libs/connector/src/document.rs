//! An event as a tree that borrows its texts from the bytes that were sent.
//!
//! What can be asked of it has the same answer as of a `serde_json::Value` of the same text: of a key
//! that occurs twice the last counts. Only texts with escapes are copied.

use std::borrow::Cow;

use event_model::write_text;
use serde_json::{Map, Number, Value};

use crate::mapping::projection::{Parts, Projection, Tag};
pub(crate) use outline::Outline;
pub(crate) use parser::Malformed;
use parser::{Parser, Spans};

mod outline;
mod parser;

/// Objects with more members than this are kept in order and searched by halves: however many a
/// sender writes, finding one stays cheap.
const SCANNED_MEMBERS_MAX: usize = 32;

/// One value of an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'t> {
    Null,
    Bool(bool),
    /// A whole number that stands there as `serde_json` would write it.
    Whole(&'t str),
    /// Any other number.
    Number(Number),
    Text(Cow<'t, str>),
    List(Vec<Json<'t>>),
    Object(Members<'t>),
}

/// What an object holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Members<'t> {
    /// All of it: as it came when there are few, else in the order of the keys, each once.
    All(Vec<(Cow<'t, str>, Json<'t>)>),
    /// What is read of it, in the order of the parts.
    Read(&'t Parts, Box<[Option<Json<'t>>]>),
}

/// An event, parsed as far as it is read.
pub(crate) struct Document<'t> {
    pub(crate) root: Json<'t>,
    /// Where in the text the elements of the list stand of which each is read.
    pub(crate) spans: Spans,
}

impl<'t> Document<'t> {
    /// Parses so much of a text as is wanted.
    ///
    /// # Errors
    /// Where the text is not JSON, or nested too deep. What is not wanted is checked for its grammar
    /// only, as `serde_json` does with what it ignores.
    pub(crate) fn parse(text: &'t str, wanted: &'t Projection) -> Result<Self, Malformed> {
        Parser::over(text).document(wanted)
    }
}

impl<'t> Json<'t> {
    /// Parses all of a text.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub(crate) fn parse(text: &'t str) -> Result<Self, Malformed> {
        Ok(Document::parse(text, &Projection::Whole)?.root)
    }

    /// A copy as a `Value`.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(*truth),
            Json::Whole(digits) => digits.parse().map_or(Value::Null, Value::Number),
            Json::Number(number) => Value::Number(number.clone()),
            Json::Text(text) => Value::String(text.as_ref().to_owned()),
            Json::List(items) => items.iter().map(Json::to_value).collect(),
            Json::Object(members) => {
                let each = members.iter();
                let map: Map<String, Value> = each
                    .map(|(key, value)| (key.to_owned(), value.to_value()))
                    .collect();
                Value::Object(map)
            }
        }
    }

    /// Written without spaces and with each object's keys in order: the same however it was sent.
    pub(crate) fn write_plain(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend(b"null"),
            Json::Bool(true) => out.extend(b"true"),
            Json::Bool(false) => out.extend(b"false"),
            Json::Whole(digits) => out.extend(digits.as_bytes()),
            Json::Number(number) => out.extend(number.to_string().as_bytes()),
            Json::Text(text) => write_text(text, out),
            Json::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_plain(out);
                }
                out.push(b']');
            }
            Json::Object(members) => members.write_plain(out),
        }
    }
}

impl<'t> Members<'t> {
    /// Of these members, in the order in which they were sent.
    fn of(mut sent: Vec<(Cow<'t, str>, Json<'t>)>) -> Self {
        if sent.len() > SCANNED_MEMBERS_MAX {
            sort_members(&mut sent);
        }
        Members::All(sent)
    }

    /// The member of that name, which has that tag.
    pub(crate) fn get(&self, key: &str, tag: Tag) -> Option<&Json<'t>> {
        match self {
            Members::Read(parts, values) => values[parts.find_tagged(key, tag)?].as_ref(),
            Members::All(members) if members.len() > SCANNED_MEMBERS_MAX => {
                let at = members.binary_search_by(|(known, _)| known.as_ref().cmp(key));
                at.ok().map(|at| &members[at].1)
            }
            Members::All(members) => {
                let mut from_last = members.iter().rev();
                let found = from_last.find(|(known, _)| is_same(known, key));
                found.map(|(_, value)| value)
            }
        }
    }

    /// Each member as it was sent; a key that was sent twice may occur twice, the later one counts.
    fn iter(&self) -> impl Iterator<Item = (&str, &Json<'t>)> {
        let (all, parts): (&[_], _) = match self {
            Members::All(members) => (members, None),
            Members::Read(parts, values) => (&[], Some((parts, values))),
        };
        let read = parts.into_iter().flat_map(|(parts, values)| {
            let each = parts.keys().zip(values.iter());
            each.filter_map(|(key, value)| Some((key, value.as_ref()?)))
        });
        all.iter()
            .map(|(key, value)| (key.as_ref(), value))
            .chain(read)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    fn write_plain(&self, out: &mut Vec<u8>) {
        let mut members: Vec<(&str, &Json<'t>)> = self.iter().collect();
        sort_members(&mut members);
        out.push(b'{');
        for (index, (key, value)) in members.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_text(key, out);
            out.push(b':');
            value.write_plain(out);
        }
        out.push(b'}');
    }
}

/// Whether two keys are the same. Keys are short: two overlapping words tell it without a call.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        4..8 => {
            one.first_chunk::<4>() == other.first_chunk::<4>()
                && one.last_chunk::<4>() == other.last_chunk::<4>()
        }
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk::<8>()
                && one.last_chunk::<8>() == other.last_chunk::<8>()
        }
        _ => one == other,
    }
}

/// Puts members in the order of their keys; of a key that occurs twice the last is kept.
fn sort_members<K: AsRef<str>, V>(members: &mut Vec<(K, V)>) {
    members.reverse();
    members.sort_by(|(one, _), (other, _)| one.as_ref().cmp(other.as_ref()));
    members.dedup_by(|(later, _), (earlier, _)| later.as_ref() == earlier.as_ref());
}

#[cfg(test)]
mod tests;
