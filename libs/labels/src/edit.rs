//! Manifests that are written: made anew, or out of one that is believed, and signed.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::canonical::{Form, SIGNATURE};
use crate::json::{self, Member, Members, Node, Value};
use crate::key::SigningKey;
use crate::manifest::{FILES_MAX, KEY_ID, LABELS_MAX, Manifest, not_a_label, not_a_name};
use crate::md5::Md5;
use crate::signature;

/// A manifest being written. Members that the format does not know stay as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManifestDraft {
    members: Members,
    files: Members,
}

fn member(value: Value) -> Member {
    Member {
        key_at: 0,
        node: Node { at: 0, value },
    }
}

impl ManifestDraft {
    /// With nothing in it.
    pub fn new() -> Self {
        ManifestDraft::default()
    }

    /// Everything that the manifest says, without its signature.
    pub fn of(manifest: &Manifest) -> Self {
        let mut members = manifest.members.clone();
        members.remove(SIGNATURE);
        if manifest.key_id.is_some() {
            members.remove(KEY_ID);
        }
        let files = members.remove("files").map(|files| files.node.value);
        let files = match files {
            Some(Value::Object(files)) => files,
            _ => Members::new(),
        };
        ManifestDraft { members, files }
    }

    /// Who wrote it and when: `run_guid` and `run_start_time`.
    pub fn run(&mut self, guid: &str, start_time: &str) {
        for (key, value) in [("run_guid", guid), ("run_start_time", start_time)] {
            self.members
                .insert(key.to_owned(), member(Value::Text(value.to_owned())));
        }
    }

    /// Names of the files in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The labels of a file that are about this content.
    pub fn current(&self, name: &str, content: Option<Md5>) -> Vec<String> {
        let Some(Value::Object(said)) = self.files.get(name).map(|file| &file.node.value) else {
            return Vec::new();
        };
        if let (Some(Value::Text(hash)), Some(content)) =
            (said.get("hash").map(|hash| &hash.node.value), content)
            && Md5::parse(hash) != Some(content)
        {
            return Vec::new();
        }
        let Some(Value::List(labels)) = said.get("labels").map(|labels| &labels.node.value) else {
            return Vec::new();
        };
        let text = |label: &Node| match &label.value {
            Value::Text(label) => Some(label.clone()),
            _ => None,
        };
        labels.iter().filter_map(text).collect()
    }

    /// Says of a file that it has these labels, and no others.
    ///
    /// # Errors
    /// When the names, or so many of them, could not be read again.
    pub fn set(
        &mut self,
        name: &str,
        labels: &[String],
        content: Option<Md5>,
    ) -> Result<(), &'static str> {
        let wrong = not_a_name(name).or_else(|| labels.iter().find_map(|label| not_a_label(label)));
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        let distinct: BTreeSet<&String> = labels.iter().collect();
        if distinct.len() > LABELS_MAX {
            return Err("the file has too many labels");
        }
        if self.files.len() >= FILES_MAX && !self.files.contains_key(name) {
            return Err("the manifest has too many files");
        }
        let labels = distinct.into_iter().map(|label| Node {
            at: 0,
            value: Value::Text(label.clone()),
        });
        let mut said =
            Members::from([("labels".to_owned(), member(Value::List(labels.collect())))]);
        if let Some(content) = content {
            said.insert("hash".to_owned(), member(Value::Text(content.to_string())));
        }
        self.files
            .insert(name.to_owned(), member(Value::Object(said)));
        Ok(())
    }

    /// Whether it says of a file just that already.
    pub fn is_so(&self, name: &str, labels: &[String], content: Md5) -> bool {
        let mut same = ManifestDraft::new();
        let is_set = same.set(name, labels, Some(content)).is_ok();
        is_set
            && self.current(name, Some(content)) == same.current(name, Some(content))
            && self.is_hashed(name)
    }

    fn is_hashed(&self, name: &str) -> bool {
        let said = self.files.get(name).map(|file| &file.node.value);
        matches!(said, Some(Value::Object(said)) if said.contains_key("hash"))
    }

    /// Adds a label to those of a file that are about this content; labels of another content go.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn add(
        &mut self,
        name: &str,
        label: &str,
        content: Option<Md5>,
    ) -> Result<(), &'static str> {
        let mut labels = self.current(name, content);
        labels.push(label.to_owned());
        self.set(name, &labels, content)
    }

    /// All that is said of a file, as text; none when nothing is.
    pub fn entry(&self, name: &str) -> Option<String> {
        let file = self.files.get(name)?;
        Some(Form::SIGNED.value_text(&file.node.value))
    }

    /// Says of a file what [`Self::entry`] gave, or nothing.
    ///
    /// # Errors
    /// When the text is no entry.
    pub fn put(&mut self, name: &str, entry: Option<&str>) -> Result<(), &'static str> {
        let Some(entry) = entry else {
            self.remove(name);
            return Ok(());
        };
        let node = json::read(entry.as_bytes()).map_err(|_| "it is no entry of a manifest")?;
        self.files.insert(name.to_owned(), member(node.value));
        Ok(())
    }

    /// Says nothing of a file any more.
    pub fn remove(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// The manifest as text, signed with the key of that id, or not at all.
    pub fn write(mut self, signer: Option<(&str, &SigningKey)>) -> String {
        let files = std::mem::take(&mut self.files);
        self.members
            .insert("files".to_owned(), member(Value::Object(files)));
        if let Some((id, key)) = signer {
            self.members
                .insert(KEY_ID.to_owned(), member(Value::Text(id.to_owned())));
            let signed = key.sign(Form::SIGNED.write(&self.members).as_bytes());
            let signed = Value::Text(signature::encode(&signed));
            self.members.insert(SIGNATURE.to_owned(), member(signed));
        }
        let mut out = String::new();
        pretty(&mut out, &Value::Object(self.members), 0);
        out.push('\n');
        out
    }
}

impl Manifest {
    /// The bytes that a signature is over.
    pub fn signed_text(&self) -> String {
        Form::SIGNED.write(&self.members)
    }
}

/// For people: a line for each member, lists in one line.
fn pretty(out: &mut String, value: &Value, depth: usize) {
    let Value::Object(members) = value else {
        out.push_str(&Form::SIGNED.value_text(value));
        return;
    };
    let mut lines = members.iter().peekable();
    if lines.peek().is_none() {
        out.push_str("{}");
        return;
    }
    out.push_str("{\n");
    while let Some((key, member)) = lines.next() {
        let key = Form::SIGNED.value_text(&Value::Text(key.clone()));
        write!(out, "{:indent$}{key}: ", "", indent = 4 * (depth + 1))
            .expect("a string takes whatever is written");
        pretty(out, &member.node.value, depth + 1);
        out.push_str(if lines.peek().is_some() { ",\n" } else { "\n" });
    }
    write!(out, "{:indent$}}}", "", indent = 4 * depth)
        .expect("a string takes whatever is written");
}
