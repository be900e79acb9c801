//! Parsing an event only as far as the mapping reads it: the rest is skipped, never kept.
//!
//! INVARIANT: for every name that the mapping reads, the projected document has the value that the
//! whole document has. What nobody reads may be missing from it, so nothing is derived from its text.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::pointer::Pointer;

/// What is read of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Projection {
    /// Everything below here.
    Whole,
    /// Only these parts, by key.
    Parts(Vec<Part>),
    /// Of every element of a list, this.
    Each(Box<Projection>),
}

/// One part of an object, or of a list where the key is an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    key: String,
    index: Option<usize>,
    below: Projection,
}

impl Projection {
    /// What these pointers read of one document.
    pub(crate) fn of<'p>(pointers: impl IntoIterator<Item = &'p Pointer>) -> Self {
        let mut root = Projection::Parts(Vec::new());
        for pointer in pointers {
            let keys: Vec<(&str, Option<usize>)> = pointer.keys().collect();
            root.insert(&keys, Projection::Whole);
        }
        root
    }

    /// With this of every element of the list there.
    pub(crate) fn with_each(mut self, list: &Pointer, element: Projection) -> Self {
        let keys: Vec<(&str, Option<usize>)> = list.keys().collect();
        self.insert(&keys, Projection::Each(Box::new(element)));
        self
    }

    fn insert(&mut self, keys: &[(&str, Option<usize>)], leaf: Projection) {
        let Projection::Parts(parts) = self else {
            // Whatever is read here already and now once more in another way: take it whole.
            *self = Projection::Whole;
            return;
        };
        let Some(((key, index), rest)) = keys.split_first() else {
            *self = if parts.is_empty() {
                leaf
            } else {
                Projection::Whole
            };
            return;
        };
        let at = match parts.iter().position(|part| part.key == *key) {
            Some(at) => at,
            None => {
                parts.push(Part {
                    key: (*key).to_owned(),
                    index: *index,
                    below: Projection::Parts(Vec::new()),
                });
                parts.len() - 1
            }
        };
        let found = &mut parts[at].below;
        match rest {
            [] if *found == Projection::Parts(Vec::new()) => *found = leaf,
            [] => *found = Projection::Whole,
            rest => found.insert(rest, leaf),
        }
    }

    /// Parses so much of a text. Of a key that occurs twice the last counts.
    pub(crate) fn parse(&self, text: &str) -> serde_json::Result<Value> {
        let mut parser = serde_json::Deserializer::from_str(text);
        let value = self.deserialize(&mut parser)?;
        parser.end()?;
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for &Projection {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Projection::Whole => serde::Deserialize::deserialize(deserializer),
            Projection::Parts(parts) => deserializer.deserialize_any(InParts(parts)),
            Projection::Each(element) => deserializer.deserialize_any(InEach(element)),
        }
    }
}

/// Of a single value nothing below it can be read: null stands for it.
macro_rules! single_values_are_null {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON value")
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_str<E: Error>(self, _: &str) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_unit<E: Error>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }
    };
}

struct InParts<'p>(&'p [Part]);

impl<'de> Visitor<'de> for InParts<'_> {
    type Value = Value;

    single_values_are_null!();

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(part) = map.next_key_seed(Known(self.0))? {
            match part {
                Some(part) => {
                    let value = map.next_value_seed(&part.below)?;
                    object.insert(part.key.clone(), value);
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let last = self.0.iter().filter_map(|part| part.index).max();
        let mut items = Vec::new();
        while last.is_some_and(|last| items.len() <= last) {
            let part = self.0.iter().find(|part| part.index == Some(items.len()));
            let item = match part {
                Some(part) => list.next_element_seed(&part.below)?,
                None => list.next_element::<IgnoredAny>()?.map(|_| Value::Null),
            };
            match item {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(items))
    }
}

struct InEach<'p>(&'p Projection);

impl<'de> Visitor<'de> for InEach<'_> {
    type Value = Value;

    single_values_are_null!();

    /// One element without its list.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        self.0.deserialize(MapAccessDeserializer::new(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self.0)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
}

/// Which part a key is, without keeping the key.
struct Known<'p>(&'p [Part]);

impl<'de, 'p> DeserializeSeed<'de> for Known<'p> {
    type Value = Option<&'p Part>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Known<'p> {
    type Value = Option<&'p Part>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|part| part.key == key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(texts: &[&str]) -> Vec<Pointer> {
        texts
            .iter()
            .map(|text| Pointer::parse(text).unwrap())
            .collect()
    }

    #[test]
    fn what_is_read_is_kept_and_what_is_not_is_skipped() {
        let rows = [
            (
                &["/a"][..],
                r#"{"a": {"b": [1]}, "c": "x"}"#,
                r#"{"a":{"b":[1]}}"#,
            ),
            (&["/a/b"], r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a":{"b":1}}"#),
            (
                &["/a/b", "/a"],
                r#"{"a": {"b": 1, "c": 2}}"#,
                r#"{"a":{"b":1,"c":2}}"#,
            ),
            (
                &["/a", "/a/b"],
                r#"{"a": {"b": 1, "c": 2}}"#,
                r#"{"a":{"b":1,"c":2}}"#,
            ),
            (&["/a/b"], r#"{"a": "text"}"#, r#"{"a":null}"#),
            (
                &["/a/1/x"],
                r#"{"a": [{"x": 0}, {"x": 1, "y": 2}, 3]}"#,
                r#"{"a":[null,{"x":1}]}"#,
            ),
            (&["/a/1"], r#"{"a": {"1": "one"}}"#, r#"{"a":{"1":"one"}}"#),
            (
                &["/a"],
                r#"{"a": 1, "b": 0, "a": {"c": 2}}"#,
                r#"{"a":{"c":2}}"#,
            ),
            (&["/a/b"], r#"{"a": {"b": 1}, "a": 7}"#, r#"{"a":null}"#),
            (&[""], r#"{"a": [1, null]}"#, r#"{"a":[1,null]}"#),
            (
                &["/a"],
                r#"{"b": 1e999, "c": "\ud800", "a": true}"#,
                r#"{"a":true}"#,
            ),
            (&["/a~1b"], r#"{"a\/b": 1}"#, r#"{"a/b":1}"#),
            (&[], "[1, [2]]", "[]"),
        ];
        for (texts, json, expected) in rows {
            let projection = Projection::of(&pointers(texts));
            let value = projection.parse(json).map(|value| value.to_string());
            assert_eq!(value.ok().as_deref(), Some(expected), "{texts:?} {json}");
        }
    }

    #[test]
    fn of_an_exploded_list_each_element_is_projected() {
        let [tenant, list, who] = &pointers(&["/tenant", "/in/events", "/who"])[..] else {
            panic!("three were written");
        };
        let each = Projection::of([tenant]).with_each(list, Projection::of([who]));
        let json = r#"{"tenant": "t", "in": {"events": [{"who": 1, "x": 2}, 3], "y": 4}}"#;
        let seen = each.parse(json).unwrap().to_string();
        assert_eq!(seen, r#"{"in":{"events":[{"who":1},null]},"tenant":"t"}"#);
        let one = r#"{"in": {"events": {"who": 1, "x": 2}}}"#;
        let seen = each.parse(one).unwrap().to_string();
        assert_eq!(seen, r#"{"in":{"events":{"who":1}}}"#);
        let whole = each.with_each(list, Projection::Whole);
        assert!(whole.parse(json).unwrap().to_string().contains("\"x\":2"));
    }

    #[test]
    fn what_is_not_json_is_refused_wherever_it_is() {
        let projection = Projection::of(&pointers(&["/a"]));
        for json in ["", "{", r#"{"a": 1} x"#, r#"{"b": tru}"#, r#"{"b": [1,}"#] {
            assert!(projection.parse(json).is_err(), "{json}");
        }
    }
}
