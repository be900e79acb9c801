//! Labels that a document carries itself, in the form of Microsoft Information Protection. They come
//! as pairs of a name and a value, wherever in the document they stood:
//!
//! - `MSIP_Label_<id>_<attribute>`: properties of Office documents, of PDF and of its XMP;
//! - `msip_labels`: the header of a mail, such pairs separated by `;`;
//! - `mip-label:<id>`: the part `docMetadata/LabelInfo.xml`, with its attributes as `name=value`
//!   separated by `;`. Where it is there it wins: the properties may be of before.

use std::collections::BTreeMap;

use crate::label::{Assurance, Label, Source};
use crate::manifest::not_a_label;

/// Most labels of one document.
const LABELS_MAX: usize = 100;

/// What is said of one label.
#[derive(Debug, Default)]
struct Said<'a> {
    enabled: bool,
    /// What the newer part says; none when it does not name the label.
    in_part: Option<bool>,
    name: Option<&'a str>,
}

/// The labels of a document. `names` are what an organisation calls the labels of these ids; else
/// the name that stands in the document is taken, and without one the id.
pub fn labels(metadata: &[(String, String)], names: &BTreeMap<String, String>) -> Vec<Label> {
    let said = read(metadata);
    let has_part = said.values().any(|said| said.in_part.is_some());
    let count = |said: &Said<'_>| match has_part {
        true => said.in_part == Some(true),
        false => said.enabled,
    };
    said.iter()
        .filter(|(_, said)| count(said))
        .map(|(id, said)| Label {
            name: named(id, said, names),
            id: Some(id.clone()),
            source: Source::Document,
            assurance: Assurance::Said,
        })
        .collect()
}

fn named(id: &str, said: &Said<'_>, names: &BTreeMap<String, String>) -> String {
    let known = names.get(id).map(String::as_str);
    let usable = |name: &&str| not_a_label(name).is_none();
    known.or(said.name.filter(usable)).unwrap_or(id).to_owned()
}

fn read(metadata: &[(String, String)]) -> BTreeMap<String, Said<'_>> {
    let mut said = BTreeMap::new();
    for (name, value) in metadata {
        if name.eq_ignore_ascii_case("msip_labels") {
            for (name, value) in pairs(value) {
                property(&mut said, name, value);
            }
        } else if let Some(id) = after(name, "mip-label:") {
            if let Some(label) = of(&mut said, id) {
                let is = |wanted: &str, otherwise| {
                    let mut pairs = pairs(value);
                    let found = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                    found.map_or(otherwise, |(_, value)| is_true(value))
                };
                label.in_part = Some(is("enabled", false) && !is("removed", false));
            }
        } else {
            property(&mut said, name, value);
        }
    }
    said
}

/// A property, whatever stands before its name: XMP has a prefix there.
fn property<'a>(said: &mut BTreeMap<String, Said<'a>>, name: &str, value: &'a str) {
    let Some((id, attribute)) = after(name, "MSIP_Label_").and_then(|rest| rest.split_once('_'))
    else {
        return;
    };
    if let Some(label) = of(said, id) {
        match attribute.to_ascii_lowercase().as_str() {
            "enabled" => label.enabled = is_true(value),
            "name" => label.name = Some(value.trim()),
            _ => {}
        }
    }
}

/// What is said of that label so far; none when it is no id, or one too many.
fn of<'s, 'a>(said: &'s mut BTreeMap<String, Said<'a>>, id: &str) -> Option<&'s mut Said<'a>> {
    let id = id.trim().trim_matches(['{', '}']).to_ascii_lowercase();
    let is_id = !id.is_empty() && id.len() <= 64;
    let is_id = is_id
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_id || (said.len() >= LABELS_MAX && !said.contains_key(&id)) {
        return None;
    }
    Some(said.entry(id).or_default())
}

fn after<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let at = text.to_ascii_lowercase().find(&mark.to_ascii_lowercase())?;
    Some(&text[at + mark.len()..])
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim()))
}

fn is_true(value: &str) -> bool {
    let value = value.trim().trim_matches('"');
    value == "1" || value.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata, `name: value` with ` & ` between them, and the names of the labels. `<A>` and `<B>` stand for
    /// labels' ids, of which the organisation calls the second `Secret`.
    const TABLE: &str = "
MSIP_Label_<A>_Enabled: true & MSIP_Label_<A>_Name: General & MSIP_Label_<A>_SiteId: <A> => General
MSIP_Label_<A>_Enabled: True & MSIP_Label_<A>_Name: General => General
MSIP_Label_<A>_Enabled: 1 => <A>
MSIP_Label_<A>_Enabled: false & MSIP_Label_<A>_Name: General =>
MSIP_Label_<A>_Name: General =>
MSIP_Label_<B>_Enabled: true & MSIP_Label_<B>_Name: Geheim => Secret
MSIP_Label_<A>_Extended_MSFT_Method: true & MSIP_Label_<A>_Enabled: true => <A>
MSIP_Label_<A>_Enabled: true & MSIP_Label_<B>_Enabled: true => Secret, <A>
pdfx:MSIP_Label_<A>_Enabled: true & pdfx:MSIP_Label_<A>_Name: General => General
msip_labels: MSIP_Label_<A>_Name=A B = C;\r\n MSIP_Label_<A>_Enabled=True; => A B = C
MSIP_Labels: MSIP_Label_<A>_Enabled=true; MSIP_Label_<A>_SetDate=2026-01-01T00:00:00Z => <A>
msip_labels: MSIP_Label_<A>_Enabled=false; MSIP_Label_<A>_Name=General =>
mip-label:{<A>}: enabled=1; method=Standard; removed=0 => <A>
MSIP_Label_<A>_Enabled: true & MSIP_Label_<A>_Name: General & mip-label:<B>: enabled=1;removed=0 => Secret
mip-label:<A>: enabled=\"1\";removed=\"0\" & MSIP_Label_<A>_Name: General => General
MSIP_Label_<A>_Enabled: true & mip-label:<A>: enabled=1;removed=1 =>
MSIP_Label_<A>_Enabled: true & mip-label:<A>: enabled=0;removed=0 =>
MSIP_Label__Enabled: true & MSIP_Label_<x>_Enabled: true & MSIP_Label_: true =>
Title: MSIP_Label_<A>_Enabled=true =>";

    #[test]
    fn labels_are_found_wherever_a_document_carries_them() {
        let [a, b] = [
            "f42aa342-8706-4288-bd11-ebb85995028c",
            "1d6c5d2e-0000-4000-8000-00000000000b",
        ];
        let names = BTreeMap::from([(b.to_owned(), "Secret".to_owned())]);
        for row in TABLE
            .replace("<A>", a)
            .replace("<B>", b)
            .replace("\r\n ", " ")
            .split('\n')
            .skip(1)
        {
            let (said, expected) = row.split_once(" =>").unwrap();
            let pairs = said.split(" & ").map(|pair| pair.split_once(": ").unwrap());
            let metadata: Vec<_> = pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let found: Vec<String> = labels(&metadata, &names)
                .into_iter()
                .map(|label| label.name)
                .collect();
            assert_eq!(found.join(", "), expected.trim(), "{row}");
        }
    }
}
