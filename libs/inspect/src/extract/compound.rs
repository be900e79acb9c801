//! OLE compound files: Word, Excel and PowerPoint before 2007, Outlook messages, macros, objects
//! embedded in other documents, and the shell around encrypted Office documents. Each storage is
//! read by the streams that it holds. A stream that nothing here knows is swept for text, and so is
//! a file that is broken; both are said.

mod bytes;
mod macros;
mod message;
mod properties;
mod records;
mod sheets;
mod slides;
mod sweep;
mod word;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cfb::CompoundFile;

use super::expand::expand;
use super::harvest::Harvest;
use super::{extract_part, office};
use crate::{FileKind, Place, Reason, Unread, kind};
pub(crate) use bytes::{Bytes, package};
pub(crate) use message::{extract_transport, is_transport};

/// Storages within storages that are entered.
const STORAGES_NESTED_MAX: usize = 32;

pub(crate) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place, depth: usize) {
    if depth >= harvest.limits.depth_max {
        return harvest.limit("depth_max");
    }
    // The reader of the container is not ours: should it panic, that is a blind spot.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        match CompoundFile::open(Cursor::new(bytes)) {
            Ok(file) => Compound {
                file,
                bytes,
                place,
                depth,
            }
            .read(harvest),
            Err(_) => {
                harvest.malformed("compound file");
                harvest.push(place.clone(), sweep::text(bytes, harvest.text_bytes_left()));
            }
        }
    }));
    if outcome.is_err() {
        harvest.malformed("compound file");
    }
}

/// One storage, and the streams in it by name.
type Storages = BTreeMap<String, Vec<String>>;

struct Compound<'b> {
    file: CompoundFile<Cursor<&'b [u8]>>,
    bytes: &'b [u8],
    place: &'b Place,
    depth: usize,
}

impl Compound<'_> {
    fn read(mut self, harvest: &mut Harvest<'_>) {
        let storages = self.storages(harvest);
        let segments = harvest.segments();
        for (storage, streams) in &storages {
            self.storage(harvest, storage, streams);
        }
        let has_pictures = storages.values().flatten().any(|name| name == "Pictures");
        if has_pictures && harvest.segments() == segments {
            harvest.note(Unread::NotRead.into());
        }
    }

    fn storages(&self, harvest: &mut Harvest<'_>) -> Storages {
        let mut storages = Storages::new();
        for entry in self.file.walk() {
            let path = entry.path().to_string_lossy();
            if path.matches('/').count() > STORAGES_NESTED_MAX {
                harvest.limit("storages_nested_max");
                break;
            }
            if entry.is_stream() && !entry.is_empty() {
                if !harvest.member() {
                    break;
                }
                let storage = path.rsplit_once('/').map_or("", |(storage, _)| storage);
                let streams = storages.entry(storage.to_owned()).or_default();
                streams.push(entry.name().to_owned());
            }
        }
        storages
    }

    fn stream(&mut self, harvest: &mut Harvest<'_>, storage: &str, name: &str) -> Option<Vec<u8>> {
        let Ok(stream) = self.file.open_stream(format!("{storage}/{name}")) else {
            harvest.malformed("compound stream");
            return None;
        };
        expand(harvest, self.bytes.len(), stream, "compound stream")
    }

    fn storage(&mut self, harvest: &mut Harvest<'_>, storage: &str, streams: &[String]) {
        let place = place_of(self.place, storage);
        let has = |name: &str| streams.iter().any(|stream| stream == name);
        if streams.iter().any(|name| message::is_stream(name)) {
            return self.message(harvest, storage, streams, &place);
        }
        if storage.contains("__nameid_version1.0") {
            return;
        }
        let is_macros = storage.ends_with("/VBA") || has("_VBA_PROJECT");
        if is_macros {
            harvest.property("macros", "vba");
        }
        for name in streams {
            let known = ["WordDocument", "Workbook", "Book", "PowerPoint Document"];
            if known.contains(&name.as_str()) {
                self.document(harvest, storage, name, &place);
            } else {
                self.other(harvest, storage, name, &place, is_macros);
            }
        }
    }

    /// The main stream of a Word, Excel or PowerPoint document.
    fn document(&mut self, harvest: &mut Harvest<'_>, storage: &str, name: &str, place: &Place) {
        let Some(main) = self.stream(harvest, storage, name) else {
            return;
        };
        let read = match name {
            "WordDocument" => {
                let table =
                    word::table_of(&main).and_then(|table| self.stream(harvest, storage, table));
                word::extract(harvest, &main, &table.unwrap_or_default(), place)
            }
            "PowerPoint Document" => slides::extract(harvest, &main, place),
            _ => sheets::extract(harvest, &main, place),
        };
        match read {
            Some(()) => {}
            // What its own structure does not lead to may still stand in the bytes.
            None => {
                harvest.malformed("office document before 2007");
                harvest.push(place.clone(), sweep::text(&main, harvest.text_bytes_left()));
            }
        }
    }

    fn other(
        &mut self,
        harvest: &mut Harvest<'_>,
        storage: &str,
        name: &str,
        place: &Place,
        is_macros: bool,
    ) {
        // Streams that hold formats, links and pictures; `Data` belongs to what Word draws.
        const SILENT: [&str; 13] = [
            "0Table",
            "1Table",
            "Data",
            "Current User",
            "Pictures",
            "\u{1}CompObj",
            "\u{1}Ole",
            "\u{3}ObjInfo",
            "\u{3}LinkInfo",
            "_VBA_PROJECT",
            "PROJECTwm",
            "dir",
            "Primary",
        ];
        if SILENT.contains(&name) || name.starts_with("__SRP_") || storage.contains("TransformInfo")
        {
            return;
        }
        if name == "EncryptedPackage" || name == "EncryptedSummary" {
            return harvest.note(Reason::Encrypted);
        }
        let Some(content) = self.stream(harvest, storage, name) else {
            return;
        };
        let inner = place.within(name);
        if name.ends_with("SummaryInformation") {
            properties::extract(harvest, &content, &place.within("properties"));
        } else if name == "LabelInfo" || name == "LabelInfo.xml" {
            office::extract_properties(harvest, &content, &inner);
        } else if name == "\u{1}Ole10Native" {
            match package(content.get(4..).unwrap_or_default()) {
                Some((file, bytes)) => {
                    let inner = place.within(&file);
                    harvest.push(inner.within("name"), file.as_str());
                    extract_part(harvest, bytes, Some(&file), &inner, self.depth + 1);
                }
                None => harvest.push(inner, sweep::text(&content, harvest.text_bytes_left())),
            }
        } else if is_macros
            && let Some(source) = macros::source(&content, harvest.expansion_left(content.len()))
        {
            harvest.expanded(source.len());
            harvest.push(inner, source);
        } else {
            self.unknown(harvest, name, &content, &inner);
        }
    }

    /// A stream that may hold a document of its own; otherwise it is swept.
    fn unknown(&self, harvest: &mut Harvest<'_>, name: &str, content: &[u8], place: &Place) {
        /// A stream this small holds settings.
        const SETTINGS_BYTES_MAX: usize = 64;
        if name == "EncryptionInfo" || name == "DataSpaceMap" || name == "Version" {
            return;
        }
        match kind::sniff(content, None) {
            FileKind::Binary | FileKind::Empty => {
                harvest.push(
                    place.clone(),
                    sweep::text(content, harvest.text_bytes_left()),
                );
                if content.len() > SETTINGS_BYTES_MAX && !name.starts_with('\u{5}') {
                    harvest.unsupported("ole stream");
                }
            }
            FileKind::Image | FileKind::Audio | FileKind::Video => {}
            _ => {
                extract_part(harvest, content, None, place, self.depth + 1);
            }
        }
    }

    fn message(
        &mut self,
        harvest: &mut Harvest<'_>,
        storage: &str,
        streams: &[String],
        place: &Place,
    ) {
        let mut parts = Vec::new();
        for name in streams {
            if let Some(tag) = message::tag(name)
                && let Some(content) = self.stream(harvest, storage, name)
            {
                parts.push((tag, content));
            }
        }
        message::extract(harvest, &parts, place, self.depth, storage.is_empty());
    }
}

/// The place of a storage, in words where its name is a number.
fn place_of(place: &Place, storage: &str) -> Place {
    storage
        .split('/')
        .filter(|part| !part.is_empty())
        .fold(place.clone(), |place, part| {
            let number =
                |part: &str| u32::from_str_radix(part, 16).map_or(0, |n| n.saturating_add(1));
            if let Some(attachment) = part.strip_prefix("__attach_version1.0_#") {
                place.within(&format!("attachment {}", number(attachment)))
            } else if let Some(recipient) = part.strip_prefix("__recip_version1.0_#") {
                place.within(&format!("recipient {}", number(recipient)))
            } else if part.starts_with("__substg1.0_") {
                place
            } else {
                place.within(part)
            }
        })
}
