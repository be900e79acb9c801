use std::cell::Cell;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::resolve;
use crate::extract::charset;

/// Strings that a workbook may share among its cells.
const STRINGS_MAX: usize = 1 << 20;

/// The strings that a workbook's cells refer to by number, and which of them are used: a string
/// that no cell shows still stands in the file.
#[derive(Default)]
pub(crate) struct SharedStrings {
    strings: Vec<(String, Cell<bool>)>,
}

impl SharedStrings {
    /// Where the workbook keeps them.
    pub(crate) const PART: &str = "xl/sharedStrings.xml";

    /// Reads the part; `None` when it breaks off or holds too many.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let source = charset::decode(bytes, None);
        let mut reader = Reader::from_str(&source);
        reader.config_mut().check_end_names = false;
        let mut shared = Self::default();
        let mut text = String::new();
        while shared.strings.len() < STRINGS_MAX {
            match reader.read_event().ok()? {
                Event::Text(part) => text.push_str(&part),
                Event::CData(part) => text.push_str(&part),
                Event::GeneralRef(entity) => resolve(&entity, &mut text),
                Event::Start(tag) if tag.local_name().as_ref() == "si" => text.clear(),
                Event::Empty(tag) if tag.local_name().as_ref() == "si" => {
                    shared.push(String::new())
                }
                Event::End(tag) if tag.local_name().as_ref() == "si" => {
                    shared.push(std::mem::take(&mut text));
                }
                Event::Eof => return Some(shared),
                _ => {}
            }
        }
        None
    }

    fn push(&mut self, text: String) {
        self.strings.push((text, Cell::new(false)));
    }

    /// The string that a cell refers to.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let (text, used) = self.strings.get(index)?;
        used.set(true);
        Some(text)
    }

    /// The strings that no cell has asked for.
    pub(crate) fn unused(&self) -> String {
        let unused = self.strings.iter().filter(|(_, used)| !used.get());
        unused.flat_map(|(text, _)| [text, "\n"]).collect()
    }
}
