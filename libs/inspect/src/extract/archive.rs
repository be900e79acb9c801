//! Zip containers: archives, and the office documents that are archives inside. Each member is
//! decompressed under the budget that the whole extraction shares. A container whose directory is
//! lost is read by its local headers, and said to be malformed.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::read::{ZipFile, read_zipfile_from_stream};
use zip::result::ZipError;

use super::expand::expand;
use super::extract_part;
use super::harvest::Harvest;
use super::office::{self, SharedStrings};
use crate::{FileKind, Place, Reason, kind};

/// What is said of a member that is packed in a way that is not known.
const METHOD: &str = "zip compression method";

struct Container<'p> {
    place: &'p Place,
    depth: usize,
    office: bool,
    /// Members of an office document that hold no text of their own.
    pictures: usize,
    /// Strings that the cells of a workbook refer to.
    shared: Option<SharedStrings>,
}

pub(crate) fn extract(
    harvest: &mut Harvest<'_>,
    bytes: &[u8],
    place: &Place,
    depth: usize,
    office: bool,
) {
    if depth >= harvest.limits.depth_max {
        return harvest.limit("depth_max");
    }
    let (segments, pictures) = (harvest.segments(), harvest.pictures());
    let mut container = Container {
        place,
        depth,
        office,
        pictures: 0,
        shared: None,
    };
    match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => container.walk(harvest, archive),
        Err(_) => container.salvage(harvest, bytes),
    }
    if let Some(shared) = &container.shared {
        harvest.push(place.within(SharedStrings::PART), shared.unused());
    }
    if container.pictures > 0 && harvest.segments() == segments {
        harvest.stands_alone(pictures);
        if harvest.pictures() - pictures < container.pictures {
            harvest.unsupported("pictures without text");
        }
    }
}

impl Container<'_> {
    fn walk(&mut self, harvest: &mut Harvest<'_>, mut archive: ZipArchive<Cursor<&[u8]>>) {
        let comment = String::from_utf8_lossy(archive.comment()).into_owned();
        harvest.push(self.place.within("archive comment"), comment);
        if self.office
            && let Ok(member) = archive.by_name(SharedStrings::PART)
            && let compressed = usize::try_from(member.compressed_size()).unwrap_or(usize::MAX)
            && let Some(content) = expand(harvest, compressed, member, "zip member")
        {
            self.shared = SharedStrings::read(&content);
        }
        for index in 0..archive.len() {
            if !harvest.member() {
                return;
            }
            if let Ok(member) = archive.by_index_raw(index)
                && member.encrypted()
            {
                harvest.note(Reason::Encrypted);
                self.name(harvest, &String::from_utf8_lossy(member.name_raw()));
                continue;
            }
            match archive.by_index(index) {
                Ok(member) => self.member(harvest, member),
                Err(ZipError::UnsupportedArchive(_)) => harvest.unsupported(METHOD),
                Err(_) => harvest.malformed("zip member"),
            }
        }
    }

    /// Reads what still has a local header, up to where the stream breaks.
    fn salvage(&mut self, harvest: &mut Harvest<'_>, bytes: &[u8]) {
        harvest.malformed("zip directory");
        let mut stream = Cursor::new(bytes);
        while harvest.member() {
            match read_zipfile_from_stream(&mut stream) {
                Ok(Some(member)) if member.encrypted() => return harvest.note(Reason::Encrypted),
                Ok(Some(member)) => self.member(harvest, member),
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn member<R: Read>(&mut self, harvest: &mut Harvest<'_>, member: ZipFile<'_, R>) {
        if member.is_dir() {
            return;
        }
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        self.name(harvest, &name);
        let comment = String::from_utf8_lossy(member.comment_raw()).into_owned();
        harvest.push(self.place.within(&name).within("comment"), comment);
        if !zip::SUPPORTED_COMPRESSION_METHODS.contains(&member.compression()) {
            return harvest.unsupported(METHOD);
        }
        let compressed = usize::try_from(member.compressed_size()).unwrap_or(usize::MAX);
        if let Some(content) = expand(harvest, compressed, member, "zip member") {
            self.content(harvest, &name, &content);
        }
    }

    /// A name is text too, and all that is known of a member that cannot be read.
    fn name(&self, harvest: &mut Harvest<'_>, name: &str) {
        if !self.office {
            harvest.push(self.place.within(name).within("name"), name);
        }
    }

    fn content(&mut self, harvest: &mut Harvest<'_>, name: &str, content: &[u8]) {
        let place = self.place.within(name);
        self.note_macros(harvest, name);
        if !self.office {
            if name == "META-INF/encryption.xml" && is_content_encrypted(content) {
                harvest.note(Reason::Encrypted);
            }
            if name.ends_with(".opf") {
                return office::extract_properties(harvest, content, &place);
            }
            extract_part(harvest, content, Some(name), &place, self.depth + 1);
            return;
        }
        // Read before all others: its strings are read where cells show them.
        let resolved = name == SharedStrings::PART && self.shared.is_some();
        if resolved || name.contains("printerSettings") {
            return;
        }
        if is_embedded(name) {
            // A document of its own, whatever it looks like: its properties are not this one's.
            extract_part(harvest, content, Some(name), &place, self.depth + 1);
            return;
        }
        match kind::sniff(content, Some(name)) {
            FileKind::Image => {
                self.pictures += 1;
                harvest.picture(place, content.into(), true);
            }
            FileKind::Audio | FileKind::Video => self.pictures += 1,
            FileKind::Binary if name.contains("font") => {}
            FileKind::Xml | FileKind::Html | FileKind::Text | FileKind::Csv
                if [".xml", ".rels", ".vml", ".rdf"]
                    .iter()
                    .any(|end| name.ends_with(end)) =>
            {
                if harvest.work(content.len() as u64) {
                    let none = SharedStrings::default();
                    let shared = self.shared.as_ref().unwrap_or(&none);
                    office::extract_part(harvest, content, name, &place, shared);
                }
            }
            _ => {
                extract_part(harvest, content, Some(name), &place, self.depth + 1);
            }
        }
    }

    /// That a document carries macros is metadata, whether or not their source can be read.
    fn note_macros(&self, harvest: &mut Harvest<'_>, name: &str) {
        if !self.office {
            return;
        }
        if name.ends_with("vbaProject.bin") {
            harvest.property("macros", "vba");
        } else if name.starts_with("xl/macrosheets/") {
            harvest.property("macros", "xlm");
        } else if name.starts_with("Basic/")
            && !name.ends_with("-lb.xml")
            && !name.ends_with("-lc.xml")
        {
            harvest.property("macros", "basic");
        }
    }
}

fn is_embedded(name: &str) -> bool {
    name.contains("/embeddings/")
}

/// Whether a book's parts are encrypted, and not only its fonts disguised.
fn is_content_encrypted(list: &[u8]) -> bool {
    memchr::memmem::find(list, b"xmlenc#").is_some()
}
