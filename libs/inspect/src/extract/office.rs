//! Text out of XML parts: every part of a Word, Excel, PowerPoint or OpenDocument package goes
//! through the same walk, so headers, footers, comments, notes, text boxes, hidden sheets and
//! properties are read like the body. A word split over runs joins; paragraphs, cells and rows
//! separate. Table cells in word processing carry their column's header as a [`Field`].

mod attributes;
mod markup;
mod strings;
mod tables;

use std::sync::Arc;

use memchr::memmem;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::charset;
use super::harvest::Harvest;
use crate::{Field, Place, Reason};
use markup::{as_typed, attribute, local_in, plain, resolve};
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
/// Parts of a package whose elements hold values, as in a document of XML.
const PARTS_OF_DATA: [&str; 6] = [
    "customXml/",
    "ppt/tags/",
    "xl/connections",
    "xl/persons/",
    "xl/pivotCache/",
    "xl/queryTables/",
];
/// Names of a path that are told, the innermost ones, and bytes of one name.
const PATH_NAMES_MAX: usize = 3;
const PATH_NAME_BYTES_MAX: usize = 80;

/// Reads an XML document that stands alone: its elements name what they hold, unless it is an office
/// document in one file.
pub(crate) fn extract_xml(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place) {
    const HEAD_BYTES_MAX: usize = 8 << 10;
    const OFFICE: [&[u8]; 3] = [
        b"urn:oasis:names:tc:opendocument",
        b"schemas.microsoft.com/office/word/2003",
        b"schemas.microsoft.com/office/2006/xmlPackage",
    ];
    let head = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
    let is_office = OFFICE.iter().any(|mark| memmem::find(head, mark).is_some());
    let reading = if is_office {
        Reading::Prose
    } else {
        Reading::Data
    };
    walk(harvest, bytes, place, reading, &SharedStrings::default());
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
    if name == "META-INF/manifest.xml" && memmem::find(bytes, b"encryption-data").is_some() {
        harvest.note(Reason::Encrypted);
    }
    let reading = if name.starts_with("docProps/")
        || name.starts_with("docMetadata/")
        || name == "meta.xml"
    {
        Reading::Properties
    } else if PARTS_OF_DATA.iter().any(|part| name.starts_with(part)) {
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

/// Values that carry their name; the text of later ones is kept without.
const VALUES_MAX: usize = 1 << 18;

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
    /// Attributes that their element names.
    aside_fields: Vec<Field>,
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
        aside_fields: Vec::new(),
    };
    walk.run(harvest, &source);
    let Walk {
        text,
        tables,
        aside,
        properties,
        values,
        aside_fields,
        ..
    } = walk;
    let fields = if reading == Reading::Data {
        values
    } else {
        tables.into_fields()
    };
    harvest.push_fields(place.clone(), text, fields);
    harvest.push_fields(place.within("attributes"), aside, aside_fields);
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
            "property" => self.property = attribute(tag, "name").unwrap_or_default(),
            "user-defined" => self.property = attribute(tag, "meta:name").unwrap_or_default(),
            _ => {}
        }
        if !tag.attributes_raw().is_empty() {
            self.attributes(name, tag);
        }
        self.tables.start(name, self.text.len());
        if name == "table-cell" || name == "covered-table-cell" {
            let repeated = attribute(tag, "table:number-columns-repeated");
            self.tables
                .cells_are(repeated.and_then(|count| count.parse().ok()).unwrap_or(1));
        }
        if name == "c" {
            self.cell(tag);
        }
        self.separate_at(name);
    }

    /// A spreadsheet's cell: what its value is, and where it stands.
    fn cell(&mut self, tag: &BytesStart<'_>) {
        self.shared_string = false;
        for found in tag.attributes().with_checks(false).flatten() {
            match found.key.as_ref() {
                "t" => self.shared_string = plain(&found).as_ref() == "s",
                "r" => self.tables.cell_is(&plain(&found)),
                _ => {}
            }
        }
    }

    fn attributes(&mut self, element: &str, tag: &BytesStart<'_>) {
        if element == "label" && self.reading == Reading::Properties {
            self.label(tag);
        }
        for found in tag.attributes().with_checks(false).flatten() {
            let local = found.key.local_name();
            let local = local.as_ref();
            let is_text = attributes::is_text(element, local);
            if self.reading == Reading::Prose && !is_text {
                continue;
            }
            let value = plain(&found);
            let declares = found.key.as_ref().starts_with("xmlns");
            if self.reading == Reading::Data && !declares {
                let start = self.aside.len();
                self.aside(&value);
                if start < self.aside.len() && self.aside_fields.len() < VALUES_MAX {
                    let (end, name) = (self.aside.len() - 1, self.path(local));
                    self.aside_fields.push(Field {
                        start,
                        end,
                        name,
                        cell: None,
                    });
                }
            } else {
                self.aside(&value);
            }
            // XMP may write a property as an attribute.
            if self.reading == Reading::Properties && element == "Description" && !declares {
                self.keep_property(local, &value);
            }
        }
    }

    /// A label of the newer kind: what it says of itself in one value. Source: [MS-OFFCRYPTO] 2.6.5.
    fn label(&mut self, tag: &BytesStart<'_>) {
        const PARTS: [&str; 5] = ["enabled", "removed", "method", "siteId", "contentBits"];
        let Some(id) = attribute(tag, "id") else {
            return;
        };
        let parts = PARTS
            .iter()
            .filter_map(|part| Some(format!("{part}={}", attribute(tag, part)?)));
        let value = parts.collect::<Vec<_>>().join(";");
        let id = id.trim_matches(['{', '}']).to_ascii_lowercase();
        self.keep_property(&format!("mip-label:{id}"), &value);
    }

    fn keep_property(&mut self, name: &str, value: &str) {
        const PROPERTIES_MAX: usize = 1_000;
        if self.properties.len() < PROPERTIES_MAX {
            self.properties.push((name.to_owned(), value.to_owned()));
        }
    }

    /// The path of the open element, or of what is named within it.
    fn path(&self, last: &str) -> Arc<str> {
        let above = self.open.len().saturating_sub(PATH_NAMES_MAX - 1);
        let cut = |name: &&'x str| &name[..name.floor_char_boundary(PATH_NAME_BYTES_MAX)];
        let mut names: Vec<&str> = self.open[above..].iter().map(cut).collect();
        let last = &last[..last.floor_char_boundary(PATH_NAME_BYTES_MAX)];
        if names.last() != Some(&last) {
            names.push(last);
        }
        names.join("/").into()
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
        let separated = matches!(self.text.as_bytes().last(), None | Some(b'\n' | b'\t'));
        if !separated && (self.reading != Reading::Prose || is_block(name)) {
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
        match self.open.last() {
            Some(&"v") => self.text.push_str(&as_typed(text)),
            _ => self.text.push_str(text),
        }
        if !text.trim().is_empty() {
            self.name_value(start);
        }
    }

    /// Keeps the text from `start` on under the name that its element gives it.
    fn name_value(&mut self, start: usize) {
        let element = self.open.last().copied().unwrap_or_default();
        let name = if self.property.is_empty() {
            element
        } else {
            &self.property
        };
        match self.reading {
            Reading::Properties => {
                let (name, value) = (name.to_owned(), self.text[start..].to_owned());
                self.keep_property(&name, &value);
            }
            Reading::Data if self.values.len() < VALUES_MAX && !self.open.is_empty() => {
                let (end, name) = (self.text.len(), self.path(element));
                self.values.push(Field {
                    start,
                    end,
                    name,
                    cell: None,
                });
            }
            _ => {}
        }
    }

    /// Keeps the text of an attribute. What is said again and again, as the author of each change is, is kept once.
    fn aside(&mut self, text: &str) {
        let is_said = self.reading == Reading::Prose
            && self.aside.strip_suffix('\n').is_some_and(|said| {
                said.strip_suffix(text)
                    .is_some_and(|before| before.is_empty() || before.ends_with('\n'))
            });
        if !text.trim().is_empty() && !is_said {
            self.aside.push_str(text);
            self.aside.push('\n');
        }
    }
}

/// Whether the element ends a line. Most do not, as their length and first letter tell.
fn is_block(name: &str) -> bool {
    const FIRST_LETTERS: [u32; 16] = {
        let mut letters = [0; 16];
        let mut at = 0;
        while at < BLOCKS.len() {
            let name = BLOCKS[at].as_bytes();
            letters[name.len() % 16] |= 1 << (name[0] % 32);
            at += 1;
        }
        letters
    };
    let first = name.as_bytes().first().copied().unwrap_or_default();
    let may_be = FIRST_LETTERS[name.len() % 16] & 1 << (first % 32) != 0;
    may_be && BLOCKS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_told_from_what_joins() {
        assert!(BLOCKS.into_iter().all(is_block));
        for name in ["c", "is", "t", "v", "row", "r", "", "sectpr", "paragraph"] {
            assert!(!is_block(name), "{name}");
        }
    }
}
