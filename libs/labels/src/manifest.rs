//! `.ip-labels`: which files of a folder have which labels. Reading promises: a document that is
//! not JSON, or not of the form, is refused whole, with a line and a column; an entry that cannot
//! mean a file of the folder is left out and listed in [`Manifest::flaws`]; and size, files and
//! labels have bounds.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::canonical::SIGNATURE;
use crate::json::{self, Malformed, Member, Members, Node, Value};
use crate::md5::Md5;
use crate::reader::shown;

/// What a manifest is called.
pub const MANIFEST_NAME: &str = ".ip-labels";
/// Largest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most files of one manifest.
pub(crate) const FILES_MAX: usize = 100_000;
/// Most labels of one file.
pub(crate) const LABELS_MAX: usize = 1_000;
/// Longest name of a file, in bytes.
const NAME_BYTES_MAX: usize = 1_024;
/// Longest name of a label, in characters.
pub(crate) const LABEL_CHARS_MAX: usize = 256;
/// The member that names the key of the signature; signed with the rest.
pub(crate) const KEY_ID: &str = "key_id";

/// A manifest that was read. Nobody has looked yet whether it is to be believed: see [`Manifest::judge`].
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub(crate) members: Members,
    pub(crate) entries: Vec<(String, Entry)>,
    pub(crate) signature: Option<String>,
    pub(crate) key_id: Option<String>,
    flaws: Vec<Flaw>,
    /// Places in `entries` by the name in one form and case.
    by_name: HashMap<String, Vec<usize>>,
}

/// What a manifest says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its labels.
    pub labels: Vec<String>,
    /// The hash of the content that they are about.
    pub hash: Option<Md5>,
}

/// An entry that is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The file, as far as it can be shown.
    pub file: String,
    /// Where, and what is wrong.
    pub what: Malformed,
}

/// When the name of a file in a manifest is the name of an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameMatch {
    /// The same characters, in whichever of Unicode's forms.
    #[default]
    Exact,
    /// Whatever the case, as on Windows: when no name is the same, those that differ by case only.
    IgnoreCase,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// At the first place that is not what the format has there.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            let what = format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes");
            return Err(Malformed::at(&[], 0, what));
        }
        let node = json::read(bytes)?;
        let form = Form { bytes };
        let Value::Object(members) = node.value else {
            return form.wrong(node.at, "a manifest is an object");
        };
        let (entries, flaws) = form.files(&members)?;
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, (name, _)) in entries.iter().enumerate() {
            by_name.entry(folded(name)).or_default().push(place);
        }
        Ok(Manifest {
            signature: form.optional_text(&members, SIGNATURE)?,
            // The format does not know this member: of other software it may be anything.
            key_id: form.optional_text(&members, KEY_ID).unwrap_or_default(),
            members,
            entries,
            flaws,
            by_name,
        })
    }

    /// The files and what is said of each, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(name, entry)| (name.as_str(), entry))
    }

    /// The entries that are left out.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// Whether somebody signed it; not whether the signature holds.
    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Which key it says that it was signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The entries that are about the object of that name: one, or several that differ in Unicode's
    /// form or in case when none is the very same.
    pub(crate) fn about(&self, name: &str, matching: NameMatch) -> Vec<&Entry> {
        let places = self
            .by_name
            .get(&folded(name))
            .map_or(&[][..], Vec::as_slice);
        let of = |holds: &dyn Fn(&str) -> bool| -> Vec<&Entry> {
            let entries = places.iter().map(|place| &self.entries[*place]);
            entries
                .filter(|(known, _)| holds(known))
                .map(|(_, entry)| entry)
                .collect()
        };
        let same = of(&|known| known == name);
        if !same.is_empty() {
            return same;
        }
        let composed: String = name.nfc().collect();
        let same = of(&|known| known.nfc().eq(composed.chars()));
        if !same.is_empty() || matching == NameMatch::Exact {
            return same;
        }
        of(&|_| true)
    }
}

/// A name in one form and one case.
fn folded(name: &str) -> String {
    name.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// Why no file of a folder has this name.
pub(crate) fn not_a_name(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("a file has a name"),
        "." | ".." => Some("that is a folder"),
        _ if name.contains(['/', '\\']) => Some("a manifest is about the files of its own folder"),
        _ if name.contains(char::is_control) => Some("a name has no control characters"),
        _ if name.len() > NAME_BYTES_MAX => Some("the name is too long"),
        _ => None,
    }
}

/// Why no label has this name.
pub(crate) fn not_a_label(name: &str) -> Option<&'static str> {
    match name {
        _ if name.trim().is_empty() => Some("a label has a name"),
        _ if name.contains(char::is_control) => Some("a label has no control characters"),
        _ if name.chars().nth(LABEL_CHARS_MAX).is_some() => Some("the label's name is too long"),
        _ => None,
    }
}

/// Reads the form out of JSON.
struct Form<'a> {
    bytes: &'a [u8],
}

type Read<T> = Result<T, Malformed>;
/// Entries that count, by name, and those that are left out.
type Files = (Vec<(String, Entry)>, Vec<Flaw>);

impl Form<'_> {
    fn wrong<T>(&self, at: usize, what: impl Into<String>) -> Read<T> {
        Err(Malformed::at(self.bytes, at, what))
    }

    fn files(&self, members: &Members) -> Read<Files> {
        let Some(files) = members.get("files") else {
            return self.wrong(0, "`files` is missing");
        };
        let Value::Object(files) = &files.node.value else {
            return self.wrong(files.node.at, "`files` is an object");
        };
        if files.len() > FILES_MAX {
            return self.wrong(0, format!("a manifest has at most {FILES_MAX} files"));
        }
        let (mut entries, mut flaws) = (Vec::with_capacity(files.len()), Vec::new());
        for (name, file) in files {
            let (entry, flaw) = self.entry(name, file)?;
            match flaw {
                None => entries.push((name.clone(), entry)),
                Some((at, what)) => flaws.push(Flaw {
                    file: shown(name),
                    what: Malformed::at(self.bytes, at, what),
                }),
            }
        }
        Ok((entries, flaws))
    }

    /// An entry, and what is wrong with what it says though its form is right.
    fn entry(&self, name: &str, file: &Member) -> Read<(Entry, Option<(usize, String)>)> {
        let Value::Object(said) = &file.node.value else {
            return self.wrong(
                file.node.at,
                format!(
                    "what is said of a file is an object, not {}",
                    file.node.value.kind()
                ),
            );
        };
        let Some(labels) = said.get("labels") else {
            return self.wrong(
                file.key_at,
                format!("`labels` of `{}` is missing", shown(name)),
            );
        };
        let Value::List(items) = &labels.node.value else {
            return self.wrong(labels.node.at, "`labels` is a list");
        };
        if items.len() > LABELS_MAX {
            return self.wrong(
                labels.node.at,
                format!("a file has at most {LABELS_MAX} labels"),
            );
        }
        let mut flaw = not_a_name(name).map(|what| (file.key_at, what.to_owned()));
        let mut labels = Vec::with_capacity(items.len());
        for item in items {
            let Value::Text(label) = &item.value else {
                return self.wrong(
                    item.at,
                    format!("a label is a text, not {}", item.value.kind()),
                );
            };
            flaw = flaw.or_else(|| not_a_label(label).map(|what| (item.at, what.to_owned())));
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
        let hash = match self.optional_text_at(said, "hash")? {
            None => None,
            Some((at, text)) => {
                let hash = Md5::parse(text);
                if hash.is_none() {
                    flaw = flaw.or(Some((at, "a hash has 32 hexadecimal digits".to_owned())));
                }
                hash
            }
        };
        Ok((Entry { labels, hash }, flaw))
    }

    fn optional_text(&self, members: &Members, key: &str) -> Read<Option<String>> {
        let text = self.optional_text_at(members, key)?;
        Ok(text.map(|(_, text)| text.to_owned()))
    }

    /// A text that may be missing, or null.
    fn optional_text_at<'m>(
        &self,
        members: &'m Members,
        key: &str,
    ) -> Read<Option<(usize, &'m str)>> {
        match members.get(key).map(|member| &member.node) {
            None => Ok(None),
            Some(Node {
                value: Value::Null, ..
            }) => Ok(None),
            Some(Node {
                value: Value::Text(text),
                at,
            }) => Ok(Some((*at, text))),
            Some(node) => self.wrong(
                node.at,
                format!("`{key}` is a text, not {}", node.value.kind()),
            ),
        }
    }
}
