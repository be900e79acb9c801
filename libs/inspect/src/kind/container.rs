//! What containers are, told by their magic and by the names of what they hold: zips, OLE compound
//! files, tapes and compressed streams. A container that is cut off is told by what is left of it.

use std::io::Cursor;

use memchr::memmem;

use super::FileKind;

/// Which kind of zip this is, by its members; by the names in the bytes when it is cut off.
pub(super) fn zip_kind(bytes: &[u8]) -> FileKind {
    const MARKS: [(&str, FileKind); 4] = [
        ("word/", FileKind::Docx),
        ("xl/", FileKind::Xlsx),
        ("ppt/", FileKind::Pptx),
        ("META-INF/manifest.xml", FileKind::OpenDocument),
    ];
    let names: Vec<String> = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive
            .file_names()
            .flatten()
            .map(|name| name.into_owned())
            .collect(),
        Err(_) => local_names(bytes),
    };
    let has = |mark: &str| names.iter().any(|name| name.starts_with(mark));
    let open_document = memmem::find(&bytes[..bytes.len().min(200)], b"vnd.oasis.opendocument");
    if open_document.is_some() {
        return FileKind::OpenDocument;
    }
    if memmem::find(&bytes[..bytes.len().min(200)], b"application/epub+zip").is_some() {
        return FileKind::Epub;
    }
    let office = has("[Content_Types].xml") || has("_rels/");
    MARKS[..3]
        .iter()
        .find(|(mark, _)| office && has(mark))
        .map_or(FileKind::Zip, |found| found.1)
}

/// Names in the local headers of a zip whose directory is gone.
fn local_names(bytes: &[u8]) -> Vec<String> {
    const NAMES_MAX: usize = 1_000;
    memmem::find_iter(bytes, b"PK\x03\x04")
        .take(NAMES_MAX)
        .filter_map(|at| {
            let length = bytes.get(at + 26..at + 28)?;
            let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
            Some(String::from_utf8_lossy(bytes.get(at + 30..at + 30 + length)?).into_owned())
        })
        .collect()
}

/// Which kind of compound file this is, by the streams that it holds; by the names in the bytes
/// when it is broken.
pub(super) fn compound_kind(bytes: &[u8]) -> FileKind {
    const MARKS: [(&str, FileKind); 6] = [
        ("EncryptedPackage", FileKind::Compound),
        ("__properties_version1.0", FileKind::Msg),
        ("WordDocument", FileKind::Doc),
        ("Workbook", FileKind::Xls),
        ("Book", FileKind::Xls),
        ("PowerPoint Document", FileKind::Ppt),
    ];
    let names: Option<Vec<String>> = cfb::CompoundFile::open(Cursor::new(bytes))
        .ok()
        .map(|file| {
            let entries = file.read_root_storage();
            entries.map(|entry| entry.name().to_owned()).collect()
        });
    let has = |mark: &str| match &names {
        Some(names) => names.iter().any(|name| name == mark),
        None => has_utf16(bytes, mark),
    };
    let found = MARKS.iter().find(|(mark, _)| has(mark));
    found.map_or(FileKind::Compound, |(_, kind)| *kind)
}

/// Whether `name` stands in `bytes` as the directory of a compound file writes it.
fn has_utf16(bytes: &[u8], name: &str) -> bool {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    memmem::find(bytes, &name).is_some()
}

/// An archive or compressed stream that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Squeezed {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    SevenZip,
    Tape,
}

/// Which of them `bytes` are.
pub(crate) fn squeezed(bytes: &[u8]) -> Option<Squeezed> {
    const MAGIC: [(&[u8], Squeezed); 5] = [
        (b"\x1F\x8B\x08", Squeezed::Gzip),
        (b"\xFD7zXZ\0", Squeezed::Xz),
        (b"\x28\xB5\x2F\xFD", Squeezed::Zstd),
        (b"7z\xBC\xAF\x27\x1C", Squeezed::SevenZip),
        (b"BZh", Squeezed::Bzip2),
    ];
    // The level and the first block's magic, or that of an empty stream: letters alone may be text.
    let is_bzip2 = |bytes: &[u8]| {
        matches!(bytes.get(3), Some(b'1'..=b'9'))
            && [&b"1AY&SY"[..], b"\x17\x72\x45\x38\x50\x90"]
                .contains(&bytes.get(4..10).unwrap_or_default())
    };
    let found = MAGIC
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, kind)| *kind);
    match found {
        Some(Squeezed::Bzip2) if !is_bzip2(bytes) => None,
        None if is_tape(bytes) => Some(Squeezed::Tape),
        found => found,
    }
}

/// Whether the first block is a member's header: its checksum is right. Source: POSIX, pax, "ustar
/// Interchange Format"; the checksum is as old as the format.
fn is_tape(bytes: &[u8]) -> bool {
    const BLOCK: usize = 512;
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let Some(header) = bytes.get(..BLOCK) else {
        return false;
    };
    let told = header[CHECKSUM].iter().filter(|byte| byte.is_ascii_digit());
    let told = told.fold(0u32, |sum, digit| {
        sum.wrapping_mul(8).wrapping_add(u32::from(digit - b'0'))
    });
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if CHECKSUM.contains(&at) {
                u32::from(b' ')
            } else {
                u32::from(*byte)
            }
        })
        .sum();
    header[0] != 0 && told == sum
}
