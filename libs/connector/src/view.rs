//! A value of a document, whichever tree it stands in: an event that borrows what was sent, or an
//! answer of the service.

use std::borrow::Cow;

use serde_json::Value;

use crate::document::Json;
use crate::mapping::projection::Tag;
use crate::scope::{scalar, truth_word};

/// A place in a document. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'a> {
    Event(&'a Json<'a>),
    Answer(&'a Value),
}

impl<'a> From<&'a Json<'a>> for View<'a> {
    fn from(json: &'a Json<'a>) -> Self {
        View::Event(json)
    }
}

impl<'a> From<&'a Value> for View<'a> {
    fn from(value: &'a Value) -> Self {
        View::Answer(value)
    }
}

impl<'a> View<'a> {
    /// What is below it: by key, which has that tag, in an object, by index in a list.
    pub(crate) fn below(self, key: &str, tag: Tag, index: Option<usize>) -> Option<View<'a>> {
        match self {
            View::Event(Json::Object(members)) => members.get(key, tag).map(View::Event),
            View::Event(Json::List(items)) => items.get(index?).map(View::Event),
            View::Answer(Value::Object(map)) => map.get(key).map(View::Answer),
            View::Answer(Value::Array(items)) => items.get(index?).map(View::Answer),
            _ => None,
        }
    }

    /// A single value as text. Numbers are taken where texts are expected.
    pub(crate) fn scalar(self) -> Option<Cow<'a, str>> {
        match self {
            View::Event(Json::Text(text)) if !text.is_empty() => Some(Cow::Borrowed(text)),
            View::Event(Json::Whole(digits)) => Some(Cow::Borrowed(digits)),
            View::Event(Json::Number(number)) => Some(Cow::Owned(number.to_string())),
            View::Event(Json::Bool(truth)) => Some(Cow::Borrowed(truth_word(*truth))),
            View::Event(_) => None,
            View::Answer(value) => scalar(value),
        }
    }

    /// The elements of a list.
    pub(crate) fn items(self) -> Option<impl Iterator<Item = View<'a>>> {
        let (of_event, of_answer): (&[Json<'_>], &[Value]) = match self {
            View::Event(Json::List(items)) => (items, &[]),
            View::Answer(Value::Array(items)) => (&[], items),
            _ => return None,
        };
        let of_event = of_event.iter().map(View::Event);
        Some(of_event.chain(of_answer.iter().map(View::Answer)))
    }

    pub(crate) fn is_null(self) -> bool {
        matches!(self, View::Event(Json::Null) | View::Answer(Value::Null))
    }

    pub(crate) fn is_object(self) -> bool {
        matches!(
            self,
            View::Event(Json::Object(_)) | View::Answer(Value::Object(_))
        )
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(
            self,
            View::Event(Json::List(_)) | View::Answer(Value::Array(_))
        )
    }

    /// Null and the empty text; a list or an object is there, whatever it holds.
    pub(crate) fn is_missing(self) -> bool {
        match self {
            View::Event(Json::List(_) | Json::Object(_)) => false,
            View::Answer(Value::Array(_) | Value::Object(_)) => false,
            single => single.scalar().is_none(),
        }
    }

    /// Nothing in it: a list or an object without elements, and what is missing.
    pub(crate) fn is_empty(self) -> bool {
        match self {
            View::Event(Json::List(items)) => items.is_empty(),
            View::Event(Json::Object(members)) => members.is_empty(),
            View::Answer(Value::Array(items)) => items.is_empty(),
            View::Answer(Value::Object(map)) => map.is_empty(),
            single => single.scalar().is_none(),
        }
    }

    /// As a `Value`: copied of an event.
    pub(crate) fn value(self) -> Cow<'a, Value> {
        match self {
            View::Event(json) => Cow::Owned(json.to_value()),
            View::Answer(value) => Cow::Borrowed(value),
        }
    }
}
