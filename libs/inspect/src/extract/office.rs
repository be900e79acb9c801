//! Text out of XML parts: every part of a Word, Excel, PowerPoint or OpenDocument package goes
//! through the same walk, so headers, footers, comments, notes, text boxes, hidden sheets and
//! properties are read like the body. A word split over runs joins; paragraphs, cells and rows
//! separate. Table cells in word processing carry their column's header as a [`Field`].

mod strings;
mod tables;

use std::sync::Arc;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::charset;
use super::harvest::Harvest;
use crate::{Field, Place};
pub(crate) use strings::SharedStrings;
use tables::Tables;

/// Elements that end a line of text, by local name: everything else joins, so that formatting
/// inside a word cannot split it.
const BLOCKS: [&str; 20] = [
    "p",
    "h",
    "tbl",
    "table",
    "br",
    "cr",
    "line-break",
    "si",
    "f",
    "comment",
    "footnote",
    "endnote",
    "list-item",
    "note",
    "sp",
    "sectPr",
    "instrText",
    "def",
    "pt",
    "definedName",
];
/// Attributes whose value is text that a person wrote, or a link.
const TEXT_ATTRIBUTES: [&str; 7] = [
    "descr",
    "title",
    "alt",
    "Target",
    "href",
    "instr",
    "string-value",
];

/// Reads an XML document that stands alone: its elements name what they hold.
pub(crate) fn extract_xml(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place) {
    walk(
        harvest,
        bytes,
        place,
        Reading::Data,
        &SharedStrings::default(),
    );
}

/// Reads the metadata that a document carries as XML.
pub(crate) fn extract_properties(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place) {
    walk(
        harvest,
        bytes,
        place,
        Reading::Properties,
        &SharedStrings::default(),
    );
}

/// Reads one XML part of an office package, named `name` within it; `shared` are the strings that
/// the cells of a workbook refer to.
pub(crate) fn extract_part(
    harvest: &mut Harvest<'_>,
    bytes: &[u8],
    name: &str,
    place: &Place,
    shared: &SharedStrings,
) {
    let reading = if name.starts_with("docProps/")
        || name.starts_with("docMetadata/")
        || name == "meta.xml"
    {
        Reading::Properties
    } else if name.starts_with("customXml/") {
        Reading::Data
    } else {
        Reading::Prose
    };
    walk(harvest, bytes, place, reading, shared);
}

/// How the elements of a part stand to its text.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    /// Elements format text: few of them separate.
    Prose,
    /// Each element holds a property of the document.
    Properties,
    /// Each element holds a value, and names it.
    Data,
}

struct Walk<'x> {
    shared: &'x SharedStrings,
    reading: Reading,
    text: String,
    tables: Tables,
    /// Local names of the open elements.
    open: Vec<&'x str>,
    /// Whether the value of the open spreadsheet cell is an index into the shared strings.
    shared_string: bool,
    /// Attribute text, kept apart so that it does not split the sentence that it stands in.
    aside: String,
    property: String,
    properties: Vec<(String, String)>,
    /// Values that their element names.
    values: Vec<Field>,
}

fn walk(
    harvest: &mut Harvest<'_>,
    bytes: &[u8],
    place: &Place,
    reading: Reading,
    shared: &SharedStrings,
) {
    let source = charset::decode(bytes, None);
    let mut walk = Walk {
        shared,
        reading,
        text: String::new(),
        tables: Tables::default(),
        open: Vec::new(),
        shared_string: false,
        aside: String::new(),
        property: String::new(),
        properties: Vec::new(),
        values: Vec::new(),
    };
    walk.run(harvest, &source);
    let Walk {
        text,
        tables,
        aside,
        properties,
        values,
        ..
    } = walk;
    let fields = if reading == Reading::Data {
        values
    } else {
        tables.into_fields()
    };
    harvest.push_fields(place.clone(), text, fields);
    harvest.push(place.within("attributes"), aside);
    for (name, value) in properties {
        harvest.property(&name, &value);
    }
}

impl<'x> Walk<'x> {
    fn run(&mut self, harvest: &mut Harvest<'_>, source: &'x str) {
        let mut reader = Reader::from_str(source);
        let config = reader.config_mut();
        config.allow_unmatched_ends = true;
        config.check_end_names = false;
        config.allow_dangling_amp = true;
        let most = harvest.text_bytes_left();
        loop {
            let from = reader.buffer_position();
            match reader.read_event() {
                Ok(Event::Start(tag)) => {
                    if self.open.len() >= harvest.limits.xml_depth_max {
                        return harvest.limit("xml_depth_max");
                    }
                    let name = local_in(source, from);
                    self.open.push(name);
                    self.start(name, &tag);
                }
                Ok(Event::Empty(tag)) => {
                    let name = local_in(source, from);
                    self.start(name, &tag);
                    self.end(name);
                }
                Ok(Event::End(_)) => {
                    if let Some(name) = self.open.pop() {
                        self.end(name);
                    }
                }
                Ok(Event::Text(text) | Event::Comment(text)) => self.push(&text.into_inner()),
                Ok(Event::CData(text)) => self.push(&text.into_inner()),
                Ok(Event::GeneralRef(entity)) => resolve(&entity, &mut self.text),
                Ok(Event::DocType(text)) => self.aside(&text.into_inner()),
                Ok(Event::PI(_) | Event::Decl(_)) => {}
                Ok(Event::Eof) => {
                    if !self.open.is_empty() {
                        harvest.malformed("xml ends within an element");
                    }
                    return;
                }
                Err(_) => {
                    let at = usize::try_from(reader.error_position()).unwrap_or(source.len());
                    self.aside(source.get(at..).unwrap_or_default());
                    return harvest.malformed("xml");
                }
            }
            if self.text.len() + self.aside.len() > most {
                return;
            }
        }
    }

    fn start(&mut self, name: &str, tag: &BytesStart<'_>) {
        match name {
            "tab" | "s" => self.push(if name == "tab" { "\t" } else { " " }),
            "noBreakHyphen" => self.push("-"),
            "c" => self.shared_string = attribute(tag, "t").as_deref() == Some("s"),
            "property" => self.property = attribute(tag, "name").unwrap_or_default(),
            "user-defined" => self.property = attribute(tag, "meta:name").unwrap_or_default(),
            _ => {}
        }
        for found in tag.attributes().with_checks(false).flatten() {
            let local = found.key.local_name();
            if self.reading != Reading::Prose || TEXT_ATTRIBUTES.contains(&local.as_ref()) {
                let value = found
                    .normalized_value(XmlVersion::Implicit1_0)
                    .unwrap_or(found.value.clone());
                self.aside(&value);
            }
        }
        self.tables.start(name, self.text.len());
        if name == "c" {
            self.tables
                .cell_is(&attribute(tag, "r").unwrap_or_default());
        }
        self.separate_at(name);
    }

    fn end(&mut self, name: &str) {
        self.tables.end(name, &self.text);
        match name {
            "tc" | "table-cell" => self.text.push('\t'),
            "c" => {
                self.shared_string = false;
                self.text.push('\t');
            }
            "tr" | "table-row" | "row" => self.text.push('\n'),
            "property" | "user-defined" => self.property.clear(),
            _ => {}
        }
        self.separate_at(name);
    }

    fn separate_at(&mut self, name: &str) {
        let separates = self.reading != Reading::Prose || BLOCKS.contains(&name);
        if separates && !self.text.is_empty() && !self.text.ends_with(['\n', '\t']) {
            self.text.push('\n');
        }
    }

    fn push(&mut self, text: &str) {
        if self.shared_string && self.open.last() == Some(&"v") {
            let shared = text
                .trim()
                .parse()
                .ok()
                .and_then(|index: usize| self.shared.get(index));
            return self.text.push_str(shared.unwrap_or_default());
        }
        let start = self.text.len();
        self.text.push_str(text);
        if !text.trim().is_empty() {
            self.name_value(start);
        }
    }

    /// Keeps the text from `start` on under the name that its element gives it.
    fn name_value(&mut self, start: usize) {
        const PROPERTIES_MAX: usize = 256;
        const VALUES_MAX: usize = 1 << 18;
        let element = self.open.last().copied().unwrap_or_default();
        let name = if self.property.is_empty() {
            element
        } else {
            &self.property
        };
        match self.reading {
            Reading::Properties if self.properties.len() < PROPERTIES_MAX => {
                self.properties
                    .push((name.to_owned(), self.text[start..].to_owned()));
            }
            Reading::Data if self.values.len() < VALUES_MAX => {
                let end = self.text.len();
                self.values.push(Field {
                    start,
                    end,
                    name: Arc::from(name),
                    cell: None,
                });
            }
            _ => {}
        }
    }

    fn aside(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.aside.push_str(text);
            self.aside.push('\n');
        }
    }
}

/// Appends what a reference stands for.
fn resolve(entity: &BytesRef<'_>, text: &mut String) {
    match entity.resolve_char_ref() {
        Ok(Some(character)) => text.push(character),
        // INVARIANT: entities that a document defines itself are never expanded.
        _ => text.push_str(match &**entity {
            "lt" => "<",
            "gt" => ">",
            "amp" => "&",
            "quot" => "\"",
            "apos" => "'",
            _ => " ",
        }),
    }
}

/// The local name of the tag that starts at `from`, borrowed from the source.
fn local_in(source: &str, from: u64) -> &str {
    let rest = usize::try_from(from)
        .ok()
        .and_then(|from| source.get(from..))
        .unwrap_or_default();
    let rest = rest.strip_prefix('<').unwrap_or(rest);
    let end = rest
        .bytes()
        .position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'>' | b'/'))
        .unwrap_or(rest.len());
    let name = &rest[..end];
    name.split_once(':').map_or(name, |(_, local)| local)
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.try_get_attribute(name).ok()??;
    Some(
        found
            .normalized_value(XmlVersion::Implicit1_0)
            .unwrap_or(found.value.clone())
            .into_owned(),
    )
}
