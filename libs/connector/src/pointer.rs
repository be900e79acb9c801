//! JSON Pointers, taken apart once. Source: RFC 6901.

use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::document::Outline;
use crate::mapping::projection::Tag;
use crate::view::View;

/// A JSON Pointer, ready to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    key: String,
    tag: Tag,
    index: Option<usize>,
}

impl Pointer {
    /// The whole document.
    pub(crate) fn whole() -> Self {
        Pointer(Vec::new())
    }

    /// Reads a pointer: empty, or starting with `/`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Pointer::whole());
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("`{text}` is not a path: it must start with `/`"));
        };
        let tokens = rest.split('/').map(|token| {
            let key = token.replace("~1", "/").replace("~0", "~");
            let index = key.parse().ok().filter(|_| !key.starts_with('+'));
            let tag = Tag::of(&key);
            Token { key, tag, index }
        });
        Ok(Pointer(tokens.collect()))
    }

    /// Its keys from the root down, each with the index that it is in a list.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, Option<usize>)> {
        self.0.iter().map(|token| (token.key.as_str(), token.index))
    }

    /// Its key, when it has only one.
    pub(crate) fn only_key(&self) -> Option<&str> {
        match self.0.as_slice() {
            [only] => Some(&only.key),
            _ => None,
        }
    }

    /// The value there.
    pub(crate) fn of<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0
            .iter()
            .try_fold(document, |value, token| match value {
                Value::Object(map) => map.get(&token.key),
                Value::Array(items) => items.get(token.index?),
                _ => None,
            })
    }

    /// The place there, in whichever tree.
    pub(crate) fn view<'v>(&self, document: View<'v>) -> Option<View<'v>> {
        let mut tokens = self.0.iter();
        tokens.try_fold(document, |view, token| {
            view.below(&token.key, token.tag, token.index)
        })
    }

    /// Puts a value there, making the objects on the way. What stands in the way, and is no object,
    /// is replaced.
    pub(crate) fn put(&self, document: &mut Value, value: Value) {
        let mut place = document;
        for token in &self.0 {
            if !place.is_object() {
                *place = Value::Object(serde_json::Map::new());
            }
            place = &mut place[token.key.as_str()];
        }
        *place = value;
    }

    /// The value there, byte for byte as it was sent. Of a key that occurs twice the last counts.
    pub(crate) fn raw<'v>(&self, document: &'v RawValue) -> Option<&'v RawValue> {
        if self.0.is_empty() {
            return Some(document);
        }
        let sent = follow(&self.0, document.get())?;
        serde_json::from_str(sent).ok()
    }

    /// The text there, byte for byte as it was sent. Of a key that occurs twice the last counts.
    pub(crate) fn text<'v>(&self, document: &'v str) -> Option<&'v str> {
        follow(&self.0, document)
    }

    /// The text there of a document of which one level was read.
    pub(crate) fn sent<'v>(&self, whole: &'v str, outline: &Outline<'v>) -> Option<&'v str> {
        match self.0.split_first() {
            None => Some(whole),
            Some((first, rest)) => follow(rest, outline.get(&first.key, first.index)?),
        }
    }
}

/// Goes down a text, level by level.
fn follow<'v>(tokens: &[Token], document: &'v str) -> Option<&'v str> {
    tokens.iter().try_fold(document, |text, token| {
        let outline = Outline::of(text).ok()?;
        outline.get(&token.key, token.index)
    })
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in &self.0 {
            write!(f, "/{}", token.key.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pointer_finds_what_rfc_6901_says() {
        let document = json!({"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, "7": "seven"});
        let rows = [
            ("/foo/0", Some(json!("bar"))),
            ("/foo/2", None),
            ("/foo/+1", None),
            ("/", Some(json!(0))),
            ("/a~1b", Some(json!(1))),
            ("/m~0n", Some(json!(8))),
            ("/7", Some(json!("seven"))),
            ("/foo/bar", None),
        ];
        let raw = serde_json::value::to_raw_value(&document).unwrap();
        for (text, expected) in rows {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(pointer.of(&document), expected.as_ref(), "{text}");
            let sent = pointer.raw(&raw).map(|raw| raw.get().to_owned());
            assert_eq!(sent, expected.map(|value| value.to_string()), "{text}");
            assert_eq!(pointer.to_string(), text);
        }
        assert!(Pointer::parse("foo").is_err());
    }

    #[test]
    fn a_value_is_put_where_the_pointer_leads_whatever_stands_there() {
        let rows = [
            (
                "/a/b",
                json!({"a": {"c": 1}}),
                json!({"a": {"b": 7, "c": 1}}),
            ),
            ("/a/b", json!({"a": 1}), json!({"a": {"b": 7}})),
            ("/a", json!(null), json!({"a": 7})),
            ("", json!({"a": 1}), json!(7)),
        ];
        for (pointer, mut document, expected) in rows {
            Pointer::parse(pointer)
                .unwrap()
                .put(&mut document, json!(7));
            assert_eq!(document, expected, "{pointer}");
        }
    }

    #[test]
    fn of_a_key_that_occurs_twice_the_last_counts_in_both_readings() {
        let raw = RawValue::from_string(r#"{"a": 1, "a": 2.0}"#.into()).unwrap();
        let pointer = Pointer::parse("/a").unwrap();
        assert_eq!(pointer.raw(&raw).unwrap().get(), "2.0");
        let value: Value = serde_json::from_str(raw.get()).unwrap();
        assert_eq!(pointer.of(&value), Some(&json!(2.0)));
    }
}
