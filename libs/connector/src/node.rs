//! Reading YAML with a place for every complaint.
//!
//! Every reader answers `None` after it has recorded what is wrong, so that one pass over a manifest
//! finds every mistake in it. A mapping complains of keys that nobody asked for when it is dropped.

use std::cell::RefCell;
use std::time::Duration;

use saphyr::{LoadableYamlNode, MarkedYamlOwned, ScalarOwned, YamlDataOwned};

use crate::mistake::{Mistakes, did_you_mean};

/// Largest manifest read, in bytes.
pub(crate) const MANIFEST_BYTES_MAX: usize = 256 * 1024;

/// The key that merges other mappings in. Source: YAML 1.1, https://yaml.org/type/merge.html
const MERGE: &str = "<<";

/// One value of a manifest, with where it is.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    yaml: &'a MarkedYamlOwned,
    path: String,
    mistakes: &'a Mistakes,
}

/// Loads the one document of a manifest.
pub(crate) fn load(text: &str, mistakes: &Mistakes) -> Option<MarkedYamlOwned> {
    if text.len() > MANIFEST_BYTES_MAX {
        let message = format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes");
        mistakes.add((1, 1), "", message, None);
        return None;
    }
    match MarkedYamlOwned::load_from_str(text) {
        Ok(documents) => {
            let document = documents.into_iter().next();
            if document.is_none() {
                mistakes.add((1, 1), "", "the file is empty", None);
            }
            document
        }
        Err(error) => {
            let at = (error.marker().line(), error.marker().col() + 1);
            mistakes.add(at, "", format!("not YAML: {}", error.info()), None);
            None
        }
    }
}

impl<'a> Node<'a> {
    pub(crate) fn root(yaml: &'a MarkedYamlOwned, mistakes: &'a Mistakes) -> Self {
        Node {
            yaml,
            path: String::new(),
            mistakes,
        }
    }

    fn at(&self, yaml: &'a MarkedYamlOwned, step: &str) -> Node<'a> {
        Node {
            yaml,
            path: format!("{}/{step}", self.path),
            mistakes: self.mistakes,
        }
    }

    /// Records a mistake here.
    pub(crate) fn wrong<T>(&self, message: impl Into<String>) -> Option<T> {
        self.wrong_with(message, None)
    }

    /// Records a mistake here, with a hint.
    pub(crate) fn wrong_with<T>(
        &self,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Option<T> {
        let start = self.yaml.span.start;
        let at = (start.line(), start.col() + 1);
        self.mistakes.add(at, &self.path, message, hint);
        None
    }

    /// What a fallible parser made of it, or its complaint.
    pub(crate) fn take<T>(&self, parsed: Result<T, String>) -> Option<T> {
        parsed.map_or_else(|complaint| self.wrong(complaint), Some)
    }

    fn is_null(&self) -> bool {
        matches!(self.yaml.data, YamlDataOwned::Value(ScalarOwned::Null))
    }

    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.yaml.data, YamlDataOwned::Mapping(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.yaml.data, YamlDataOwned::Sequence(_))
    }

    /// A text, number or truth value, as text.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.yaml.data {
            YamlDataOwned::Value(scalar) => scalar_text(scalar),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<String> {
        match self.scalar() {
            Some(text) => Some(text),
            None => self.wrong("must be a text"),
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match &self.yaml.data {
            YamlDataOwned::Value(ScalarOwned::Boolean(value)) => Some(*value),
            _ => self.wrong("must be true or false"),
        }
    }

    pub(crate) fn integer(&self, least: u64, most: u64) -> Option<u64> {
        let value = match &self.yaml.data {
            YamlDataOwned::Value(ScalarOwned::Integer(value)) => u64::try_from(*value).ok(),
            _ => None,
        };
        match value {
            Some(value) if (least..=most).contains(&value) => Some(value),
            _ => self.wrong(format!("must be a whole number from {least} to {most}")),
        }
    }

    /// A scalar or a tree of them as JSON; texts are given to `leaf`.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        use serde_json::Value;
        match &self.yaml.data {
            YamlDataOwned::Value(ScalarOwned::Null) => Some(Value::Null),
            YamlDataOwned::Value(ScalarOwned::Boolean(value)) => Some(Value::Bool(*value)),
            YamlDataOwned::Value(ScalarOwned::Integer(value)) => Some(Value::from(*value)),
            YamlDataOwned::Value(ScalarOwned::FloatingPoint(value)) => {
                Some(Value::from(value.into_inner()))
            }
            YamlDataOwned::Value(ScalarOwned::String(value)) => Some(Value::from(value.as_str())),
            _ => self.wrong("must be a single value"),
        }
    }

    /// A duration such as `500ms`, `5s`, `10m`, `24h`, `30d`.
    pub(crate) fn duration(&self) -> Option<Duration> {
        let text = self.text()?;
        let parsed = parse_duration(&text);
        if parsed.is_none() {
            return self.wrong(format!(
                "`{text}` is not a duration: write `500ms`, `5s`, `10m`, `24h` or `30d`"
            ));
        }
        parsed
    }

    /// A size such as `64KiB`, `1MiB` or a number of bytes.
    pub(crate) fn size(&self) -> Option<usize> {
        let text = self.text()?;
        let split = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let factor = match text[split..].trim() {
            "" | "B" => Some(1),
            "KiB" => Some(1024),
            "MiB" => Some(1024 * 1024),
            _ => None,
        };
        let size = text[..split].parse::<usize>().ok().zip(factor);
        match size.and_then(|(count, factor)| count.checked_mul(factor)) {
            Some(size) => Some(size),
            None => self.wrong(format!("`{text}` is not a size: write `64KiB` or `1MiB`")),
        }
    }

    /// One of these words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.wrong_with(
            format!("`{text}` is not one of {}", known.join(", ")),
            did_you_mean(&text, known.iter().copied()),
        )
    }

    /// The elements of a list; a single value is a list of one.
    pub(crate) fn list(&self) -> Vec<Node<'a>> {
        match &self.yaml.data {
            YamlDataOwned::Sequence(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.at(item, &index.to_string()))
                .collect(),
            YamlDataOwned::Value(ScalarOwned::Null) => Vec::new(),
            _ => vec![self.clone()],
        }
    }

    /// Every element read; `None` when one of them is wrong.
    pub(crate) fn each<T>(&self, mut read: impl FnMut(&Node<'a>) -> Option<T>) -> Option<Vec<T>> {
        let read: Vec<Option<T>> = self.list().iter().map(&mut read).collect();
        read.into_iter().collect()
    }

    /// A mapping whose keys the manifest's writer chooses: each key with its value. What the key
    /// `<<` names is merged in, behind the mapping's own keys.
    pub(crate) fn entries(&self) -> Option<Vec<(String, Node<'a>)>> {
        let YamlDataOwned::Mapping(map) = &self.yaml.data else {
            return self.wrong("must be a mapping");
        };
        let entries = map.iter().map(|(key, value)| {
            let name = match &key.data {
                YamlDataOwned::Value(scalar) => scalar_text(scalar),
                _ => None,
            };
            match name {
                Some(name) => {
                    let value = self.at(value, &name);
                    Some((name, value))
                }
                None => self.at(key, "?").wrong("a key must be a text"),
            }
        });
        let mut entries: Vec<(String, Node<'a>)> = entries.collect::<Option<_>>()?;
        while let Some(at) = entries.iter().position(|(name, _)| name == MERGE) {
            let (_, merged) = entries.remove(at);
            for part in merged.list() {
                for (name, node) in part.entries()? {
                    if !entries.iter().any(|(known, _)| *known == name) {
                        entries.push((name, node));
                    }
                }
            }
        }
        Some(entries)
    }

    /// A mapping with known keys.
    pub(crate) fn fields(&self) -> Option<Fields<'a>> {
        let entries = self.entries()?;
        Some(Fields {
            node: self.clone(),
            entries,
            known: RefCell::default(),
        })
    }
}

fn scalar_text(scalar: &ScalarOwned) -> Option<String> {
    match scalar {
        ScalarOwned::Null => None,
        ScalarOwned::Boolean(value) => Some(value.to_string()),
        ScalarOwned::Integer(value) => Some(value.to_string()),
        ScalarOwned::FloatingPoint(value) => Some(value.to_string()),
        ScalarOwned::String(value) => Some(value.clone()),
    }
}

/// Reads `500ms`, `5s`, `10m`, `24h`, `30d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text[..split].parse().ok()?;
    let millis = match &text[split..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.checked_mul(millis).map(Duration::from_millis)
}

/// Reads what goes with one word of `kind`.
pub(crate) type KindReader<T> = fn(&Fields<'_>) -> Option<T>;

/// A mapping with known keys. When it is dropped, it complains of every key that was not asked for.
pub(crate) struct Fields<'a> {
    node: Node<'a>,
    entries: Vec<(String, Node<'a>)>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// The mapping itself.
    pub(crate) fn node(&self) -> &Node<'a> {
        &self.node
    }

    /// The value of a key that may be left out.
    pub(crate) fn get(&self, key: &'static str) -> Option<Node<'a>> {
        self.known.borrow_mut().push(key);
        let found = self.entries.iter().find(|(name, _)| name == key);
        found
            .map(|(_, node)| node.clone())
            .filter(|node| !node.is_null())
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&self, key: &'static str) -> Option<Node<'a>> {
        match self.get(key) {
            Some(node) => Some(node),
            None => self.node.wrong(format!("`{key}` is missing")),
        }
    }

    /// The key's value read, or `otherwise` when it is left out; `None` when it is wrong.
    pub(crate) fn read<T>(
        &self,
        key: &'static str,
        otherwise: T,
        read: impl FnOnce(&Node<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.get(key) {
            Some(node) => read(&node),
            None => Some(otherwise),
        }
    }

    /// The key's value read if there is one: `Some(None)` when left out, `None` when it is wrong.
    pub(crate) fn maybe<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Node<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.get(key) {
            Some(node) => read(&node).map(Some),
            None => Some(None),
        }
    }

    /// What the word of `kind` stands for, read by its own reader.
    pub(crate) fn of_kind<T>(&self, kinds: &[(&str, KindReader<T>)]) -> Option<T> {
        match self.require("kind").and_then(|node| node.word(kinds)) {
            Some(read) => read(self),
            None => {
                self.forgive();
                None
            }
        }
    }

    /// The text of a key, without a word about the others.
    pub(crate) fn maybe_quietly(&self, key: &'static str) -> Option<String> {
        let text = self.get(key).and_then(|node| node.scalar());
        self.forgive();
        text
    }

    /// Keys need not be known: something else is wrong here already.
    pub(crate) fn forgive(&self) {
        let mut known = self.known.borrow_mut();
        known.clear();
        known.push("*");
    }
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        let known = self.known.borrow();
        if known.first() == Some(&"*") {
            return;
        }
        for (name, node) in &self.entries {
            if !known.contains(&name.as_str()) {
                let hint = did_you_mean(name, known.iter().copied());
                node.wrong_with::<()>(format!("there is no key `{name}` here"), hint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_complained_of_at_their_line_with_the_nearest_known_one() {
        let mistakes = Mistakes::of("m.yaml");
        let yaml = load("id: x\nnamme: y\n", &mistakes).unwrap();
        let node = Node::root(&yaml, &mistakes);
        let fields = node.fields().unwrap();
        assert!(fields.require("id").is_some());
        assert!(fields.get("name").is_none());
        drop(fields);
        let all = mistakes.all();
        assert_eq!(all.len(), 1);
        assert_eq!(
            all[0].to_string(),
            "m.yaml:2:8: /namme: there is no key `namme` here (did you mean `name`?)"
        );
    }

    #[test]
    fn durations_have_a_unit() {
        let rows = [
            ("500ms", Some(500)),
            ("5s", Some(5_000)),
            ("30d", Some(2_592_000_000)),
            ("5", None),
            ("s", None),
            ("5 s", None),
            ("99999999999999999999d", None),
            ("18446744073709551615d", None),
        ];
        for (text, millis) in rows {
            assert_eq!(
                parse_duration(text),
                millis.map(Duration::from_millis),
                "{text}"
            );
        }
    }
}
