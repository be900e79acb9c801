//! Parsing an event only as far as the mapping reads it: the rest is skipped, never kept.
//!
//! INVARIANT: for every name that the mapping reads, the projected document has the value that the
//! whole document has. What nobody reads may be missing from it, so nothing is derived from its text.

use crate::pointer::Pointer;

/// What is read of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Projection {
    /// Everything below here.
    Whole,
    /// Only these parts, by key.
    Parts(Parts),
    /// Of every element of a list, this.
    Each(Box<Projection>),
}

/// Parts of an object, or of a list where the key is an index. Found by the length of the key first:
/// most keys of an event are told apart by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parts {
    /// The shortest key first.
    parts: Vec<Part>,
    /// Where the keys of each length begin, one more than there are lengths.
    starts: Vec<usize>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    key: String,
    tag: Tag,
    index: Option<usize>,
    below: Projection,
}

/// What a key is told by before it is compared: made once for each key of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    bytes: usize,
    /// The key as one number, where it is short: see [`short`].
    short: Option<u128>,
}

impl Tag {
    pub(crate) fn of(key: &str) -> Self {
        Tag {
            bytes: key.len(),
            short: short(key),
        }
    }
}

/// A key of at most 16 bytes as one number: two of one length are the same where their keys are. Keys
/// are short, and so one comparison tells them apart.
fn short(key: &str) -> Option<u128> {
    let bytes = key.as_bytes();
    let number = match (bytes.first_chunk::<8>(), bytes.first_chunk::<4>()) {
        (Some(first), _) => {
            let last = bytes.last_chunk::<8>()?;
            let words = [u64::from_le_bytes(*first), u64::from_le_bytes(*last)];
            u128::from(words[0]) << 64 | u128::from(words[1])
        }
        (None, Some(first)) => {
            let last = bytes.last_chunk::<4>()?;
            let words = [u32::from_le_bytes(*first), u32::from_le_bytes(*last)];
            u128::from(words[0]) << 32 | u128::from(words[1])
        }
        (None, None) => {
            let next = |number, byte: &u8| number << 8 | u128::from(*byte);
            bytes.iter().fold(0, next)
        }
    };
    (bytes.len() <= 16).then_some(number)
}

impl Projection {
    /// What these pointers read of one document.
    pub(crate) fn of<'p>(pointers: impl IntoIterator<Item = &'p Pointer>) -> Self {
        let mut root = Projection::nothing();
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

    fn nothing() -> Self {
        Projection::Parts(Parts::default())
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
        let found = parts.entry(key, *index);
        match rest {
            [] if *found == Projection::nothing() => *found = leaf,
            [] => *found = Projection::Whole,
            rest => found.insert(rest, leaf),
        }
    }
}

impl Parts {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Their keys, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.key.as_str())
    }

    /// Which part has that key.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        self.find_tagged(key, Tag::of(key))
    }

    /// The same, with the key's own tag.
    pub(crate) fn find_tagged(&self, key: &str, tag: Tag) -> Option<usize> {
        let start = *self.starts.get(tag.bytes)?;
        let end = *self.starts.get(tag.bytes + 1)?;
        let same_length = self
            .parts
            .get(start..end)
            .filter(|parts| !parts.is_empty())?;
        let found = match tag.short {
            Some(_) => same_length.iter().position(|part| part.tag == tag),
            None => same_length.iter().position(|part| part.key == key),
        };
        found.map(|after| start + after)
    }

    /// What is read of the part at that place.
    pub(crate) fn below(&self, at: usize) -> &Projection {
        &self.parts[at].below
    }

    /// What is read of the element with that index.
    pub(crate) fn at_index(&self, index: usize) -> Option<&Projection> {
        let mut parts = self.parts.iter();
        let part = parts.find(|part| part.index == Some(index));
        part.map(|part| &part.below)
    }

    /// The last element of a list that is read.
    pub(crate) fn last_index(&self) -> Option<usize> {
        self.parts.iter().filter_map(|part| part.index).max()
    }

    /// What is read of the part with that key, which may be a new one.
    fn entry(&mut self, key: &str, index: Option<usize>) -> &mut Projection {
        let at = match self.find(key) {
            Some(at) => at,
            None => {
                let below = Projection::nothing();
                let key = key.to_owned();
                let at = self
                    .parts
                    .partition_point(|part| part.key.len() <= key.len());
                let part = Part {
                    tag: Tag::of(&key),
                    key,
                    index,
                    below,
                };
                self.parts.insert(at, part);
                let longest = self.parts.last().map_or(0, |part| part.key.len());
                let start = |length| self.parts.partition_point(|part| part.key.len() < length);
                self.starts = (0..=longest + 1).map(start).collect();
                at
            }
        };
        &mut self.parts[at].below
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    fn pointers(texts: &[&str]) -> Vec<Pointer> {
        texts
            .iter()
            .map(|text| Pointer::parse(text).unwrap())
            .collect()
    }

    fn parsed(projection: &Projection, json: &str) -> Option<String> {
        let document = Document::parse(json, projection).ok()?;
        Some(document.root.to_value().to_string())
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
            let value = parsed(&projection, json);
            assert_eq!(value.as_deref(), Some(expected), "{texts:?} {json}");
        }
    }

    #[test]
    fn keys_of_every_length_are_told_apart() {
        for length in 0..40 {
            let key = &"abcdefghijklmnopqrstuvwxyzabcdefghijklmnop"[..length];
            let pointer = Pointer::parse(&format!("/{key}")).unwrap();
            let parts = match Projection::of(&[pointer]) {
                Projection::Parts(parts) => parts,
                other => panic!("{other:?}"),
            };
            assert_eq!(parts.find(key), Some(0), "{key}");
            assert_eq!(parts.find(&format!("{key}a")), None);
            for at in 0..length {
                let mut other = key.to_owned();
                other.replace_range(at..=at, "_");
                assert_eq!(parts.find(&other), None, "{key} {other}");
            }
        }
    }

    #[test]
    fn of_an_exploded_list_each_element_is_projected() {
        let [tenant, list, who] = &pointers(&["/tenant", "/in/events", "/who"])[..] else {
            panic!("three were written");
        };
        let each = Projection::of([tenant]).with_each(list, Projection::of([who]));
        let json = r#"{"tenant": "t", "in": {"events": [{"who": 1, "x": 2}, 3], "y": 4}}"#;
        let seen = parsed(&each, json).unwrap();
        assert_eq!(seen, r#"{"in":{"events":[{"who":1},null]},"tenant":"t"}"#);
        let one = r#"{"in": {"events": {"who": 1, "x": 2}}}"#;
        let seen = parsed(&each, one).unwrap();
        assert_eq!(seen, r#"{"in":{"events":{"who":1}}}"#);
        let whole = each.with_each(list, Projection::Whole);
        assert!(parsed(&whole, json).unwrap().contains("\"x\":2"));
    }

    #[test]
    fn what_is_not_json_is_refused_wherever_it_is() {
        let projection = Projection::of(&pointers(&["/a"]));
        for json in ["", "{", r#"{"a": 1} x"#, r#"{"b": tru}"#, r#"{"b": [1,}"#] {
            assert!(parsed(&projection, json).is_none(), "{json}");
        }
    }
}
