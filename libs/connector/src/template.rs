//! Texts with values in them: `/files/{activity.object_id}`.
//!
//! A value put into a URL is percent-encoded, so that it can neither end its path segment nor climb
//! out of it; a value put into JSON is a JSON value. `{{` and `}}` are braces. `{name?}` may be
//! missing; any other name that has no value makes the whole text missing.

use std::borrow::Cow;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveTime;
use event_model::Reason;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::scope::{Names, Ref, Scope};
use crate::time::{self, Asked, Format};
use crate::xml;

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name in a template has no value. Made with the template: its words are only shared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Missing(pub(crate) Reason);

/// A text with values in it, read once.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Literal(String),
    Slot(Slot),
}

#[derive(Debug, Clone)]
struct Slot {
    name: Ref,
    optional: bool,
    filters: Vec<Filter>,
    missing: Missing,
}

/// What is done to a value before it is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    Lower,
    Basename,
    Dirname,
    /// The path of the folder that it is in, with `/` at its end.
    Folder,
    Base64Url,
    /// Percent-encoding is taken off, as of an address that a service gave.
    Decoded,
    /// A time in whole seconds since 1970.
    EpochSeconds,
    /// The second before it: services write one moment down twice, on both sides of a second's end.
    SecondBefore,
    /// The day after a time: the first midnight that is not before it, for services that know days only.
    DayAfter,
    /// A time in whole seconds, rounded down: `2026-01-02T03:04:05Z`.
    Seconds,
    /// In a URL: `/` stays, each segment is encoded for itself.
    Path,
    /// In a JSON body: null in place of a value that is missing.
    OrNull,
}

const FILTERS: [(&str, Filter); 12] = [
    ("day_after", Filter::DayAfter),
    ("seconds", Filter::Seconds),
    ("second_before", Filter::SecondBefore),
    ("decoded", Filter::Decoded),
    ("epoch_s", Filter::EpochSeconds),
    ("or_null", Filter::OrNull),
    ("lower", Filter::Lower),
    ("basename", Filter::Basename),
    ("dirname", Filter::Dirname),
    ("folder", Filter::Folder),
    ("base64url", Filter::Base64Url),
    ("path", Filter::Path),
];

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A complaint, when a brace is not closed or a name is not known at this place.
    pub(crate) fn parse(text: &str, names: &Names) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest.find('}').filter(|_| brace == "{");
            let Some(end) = end else {
                return Err(format!(
                    "`{text}` has a brace without its other: a brace itself is written twice"
                ));
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Slot(Slot::parse(&rest[..end], names)?));
            rest = &rest[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Template { pieces })
    }

    /// The names in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Ref> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Slot(slot) => Some(&slot.name),
        })
    }

    /// The text, where there is no value in it.
    pub(crate) fn literal(&self) -> Option<&str> {
        match &self.pieces[..] {
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text before the first value.
    pub(crate) fn prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Literal(text)) => text,
            _ => "",
        }
    }

    /// Whether it starts with the connection's base URL.
    pub(crate) fn starts_with_base(&self) -> bool {
        matches!(self.pieces.first(), Some(Piece::Slot(slot)) if slot.name == Ref::BaseUrl)
    }

    /// The one name whose value it is, as it is.
    pub(crate) fn plain_name(&self) -> Option<&Ref> {
        match &self.pieces[..] {
            [Piece::Slot(slot)] if slot.is_plain() => Some(&slot.name),
            _ => None,
        }
    }

    /// Whether it is one value and nothing else.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.pieces[..], [Piece::Slot(_)])
    }

    /// The text as it is.
    pub(crate) fn text(&self, scope: &Scope<'_>) -> Result<String, Missing> {
        self.cow(scope).map(Cow::into_owned)
    }

    /// The text as it is; borrowed where it is one literal or one value: mapping is in a hurry.
    pub(crate) fn cow<'a>(&'a self, scope: &Scope<'a>) -> Result<Cow<'a, str>, Missing> {
        match &self.pieces[..] {
            [Piece::Literal(text)] => return Ok(Cow::Borrowed(text)),
            [Piece::Slot(slot)] if slot.filters.is_empty() => {
                return match scope.text(&slot.name) {
                    Some(value) => Ok(value),
                    None if slot.optional => Ok(Cow::Borrowed("")),
                    None => Err(slot.missing.clone()),
                };
            }
            _ => {}
        }
        let rendered = self.render(scope, |out, slot, value| {
            out.push_str(&slot.filtered(value));
        });
        rendered.map(Cow::Owned)
    }

    /// The text as XML: every value is escaped.
    pub(crate) fn xml(&self, scope: &Scope<'_>) -> Result<String, Missing> {
        self.render(scope, |out, slot, value| {
            out.push_str(&xml::escaped(&slot.filtered(value)));
        })
    }

    /// The text as part of a URL: every value but the base URL is percent-encoded.
    pub(crate) fn url(&self, scope: &Scope<'_>) -> Result<String, Missing> {
        self.render(scope, |out, slot, value| {
            let value = slot.filtered(value);
            if slot.name == Ref::BaseUrl {
                out.push_str(&value);
            } else if slot.filters.contains(&Filter::Path) {
                out.push_str(&encoded_path(value.trim_start_matches('/')));
            } else {
                out.push_str(&encoded(&value));
            }
        })
    }

    /// The text for a person: a value that is missing stands there by its name, in braces.
    pub(crate) fn shown(&self, scope: &Scope<'_>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Slot(slot) => match scope.text(&slot.name) {
                Some(value) => slot.filtered(&value),
                None if slot.optional => String::new(),
                None => format!("{{{}}}", slot.name),
            },
        };
        self.pieces.iter().map(piece).collect()
    }

    /// The JSON value: of a template that is one value and nothing else, that value as it is;
    /// otherwise a text. `None` when an optional value is missing.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Result<Option<Value>, Missing> {
        match &self.pieces[..] {
            [Piece::Slot(slot)] if slot.is_plain() => match scope.value(&slot.name) {
                Some(value) => Ok(Some(value.into_owned())),
                None if slot.filters.contains(&Filter::OrNull) => Ok(Some(Value::Null)),
                None if slot.optional => Ok(None),
                None => Err(slot.missing.clone()),
            },
            _ => self.text(scope).map(|text| Some(Value::String(text))),
        }
    }

    fn render(
        &self,
        scope: &Scope<'_>,
        mut put: impl FnMut(&mut String, &Slot, &str),
    ) -> Result<String, Missing> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Slot(slot) => match scope.text(&slot.name) {
                    Some(value) => put(&mut out, slot, &value),
                    None if slot.optional => {}
                    None => return Err(slot.missing.clone()),
                },
            }
        }
        Ok(out)
    }
}

/// A path of an address: each segment is encoded for itself.
pub(crate) fn encoded_path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Writing into a String does not fail.
    let _ = write!(out, "{}", utf8_percent_encode(text, RESERVED));
    out
}

impl Slot {
    fn parse(text: &str, names: &Names) -> Result<Self, String> {
        let mut parts = text.split('|').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let optional = name.ends_with('?');
        let filters = parts.map(|word| {
            let known = FILTERS.iter().find(|(name, _)| *name == word);
            known.map(|(_, filter)| *filter).ok_or_else(|| {
                let list: Vec<&str> = FILTERS.iter().map(|(name, _)| *name).collect();
                format!("`{word}` is not one of the filters {}", list.join(", "))
            })
        });
        let filters = filters.collect::<Result<_, _>>()?;
        let name = Ref::parse(name.trim_end_matches('?'), names)?;
        Ok(Slot {
            missing: Missing(format!("`{{{name}}}` has no value").into()),
            name,
            optional,
            filters,
        })
    }

    /// Whether the value goes in as it is.
    fn is_plain(&self) -> bool {
        self.filters.iter().all(|filter| *filter == Filter::OrNull)
    }

    fn filtered(&self, value: &str) -> String {
        self.filters
            .iter()
            .fold(value.to_owned(), |value, filter| match filter {
                Filter::Lower => value.to_lowercase(),
                Filter::Basename => value.rsplit('/').next().unwrap_or_default().to_owned(),
                Filter::Dirname => match value.rsplit_once('/') {
                    Some(("", _)) => "/".to_owned(),
                    Some((parent, _)) => parent.to_owned(),
                    None => String::new(),
                },
                Filter::Folder => value[..value.rfind('/').map_or(0, |at| at + 1)].to_owned(),
                Filter::Base64Url => URL_SAFE_NO_PAD.encode(value),
                Filter::Decoded => percent_decode_str(&value).decode_utf8_lossy().into_owned(),
                Filter::EpochSeconds => epoch_seconds(&value, 0),
                Filter::SecondBefore => epoch_seconds(&value, 1),
                Filter::DayAfter => day_after(&value),
                Filter::Seconds => time::parse(&value, Format::Rfc3339)
                    .map_or_else(String::new, |at| time::write(at, Asked::Rfc3339Seconds)),
                Filter::Path | Filter::OrNull => value,
            })
    }
}

/// Whole seconds since 1970, some of them before that moment; nothing, when it is none.
fn epoch_seconds(text: &str, before: i64) -> String {
    let at = time::parse(text, Format::Rfc3339);
    at.map_or_else(String::new, |at| (at.timestamp() - before).to_string())
}

/// The first midnight (UTC) that is not before the time, as a day; nothing, when it is no time.
fn day_after(text: &str) -> String {
    let at = time::parse(text, Format::Rfc3339);
    let day = at.and_then(|at| match at.time() == NaiveTime::MIN {
        true => Some(at.date_naive()),
        false => at.date_naive().succ_opt(),
    });
    day.map_or_else(String::new, |day| day.to_string())
}

/// A JSON body whose texts are templates.
#[derive(Debug, Clone)]
pub(crate) enum JsonTemplate {
    Text(Template),
    Literal(Value),
    List(Vec<JsonTemplate>),
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// The names that it reads.
    pub(crate) fn reads(&self, out: &mut Vec<Ref>) {
        match self {
            JsonTemplate::Text(template) => out.extend(template.names().cloned()),
            JsonTemplate::Literal(_) => {}
            JsonTemplate::List(items) => items.iter().for_each(|item| item.reads(out)),
            JsonTemplate::Object(entries) => entries.iter().for_each(|(_, item)| item.reads(out)),
        }
    }

    /// The body. A key whose optional value is missing is left out.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Result<Option<Value>, Missing> {
        match self {
            JsonTemplate::Text(template) => template.value(scope),
            JsonTemplate::Literal(value) => Ok(Some(value.clone())),
            JsonTemplate::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(item.value(scope)?);
                }
                Ok(Some(Value::Array(list)))
            }
            JsonTemplate::Object(entries) => {
                let mut map = Map::new();
                for (key, template) in entries {
                    if let Some(value) = template.value(scope)? {
                        map.insert(key.clone(), value);
                    }
                }
                Ok(Some(Value::Object(map)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
