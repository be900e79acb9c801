//! Compressed streams and archives other than zip: gzip, bzip2, xz, zstd, 7z and tar, within each
//! other up to the bound on depth. A member's name is text too, and all that is known of a member
//! that cannot be read.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::read::MultiGzDecoder;
use sevenz_rust2::{ArchiveReader, EntryDecision, Error, Password};

use super::expand::expand;
use super::extract_part;
use super::harvest::Harvest;
use crate::kind::Squeezed;
use crate::{Place, Reason};

/// Memory that one decoder may take for its dictionary, in KiB.
const DICTIONARY_KIB_MAX: u32 = 128 << 10;

/// Reads a compressed stream or an archive.
pub(crate) fn extract(
    harvest: &mut Harvest<'_>,
    kind: Squeezed,
    bytes: &[u8],
    name: Option<&str>,
    place: &Place,
    depth: usize,
) {
    if depth >= harvest.limits.depth_max {
        return harvest.limit("depth_max");
    }
    // The decoders are not ours and read hostile bytes: should one panic, that is a blind spot.
    let outcome = catch_unwind(AssertUnwindSafe(|| match kind {
        Squeezed::SevenZip => seven_zip(harvest, bytes, place, depth),
        Squeezed::Tape => tape(harvest, bytes, place, depth),
        stream => unsqueeze(harvest, stream, bytes, name, place, depth),
    }));
    if outcome.is_err() {
        harvest.malformed("archive");
    }
}

/// One compressed stream: what is in it is read in its place.
fn unsqueeze(
    harvest: &mut Harvest<'_>,
    kind: Squeezed,
    bytes: &[u8],
    name: Option<&str>,
    place: &Place,
    depth: usize,
) {
    let size = bytes.len();
    let content = match kind {
        Squeezed::Gzip => {
            let decoder = MultiGzDecoder::new(bytes);
            let header = decoder.header();
            let told = header.map(|header| [header.filename(), header.comment()]);
            for told in told.into_iter().flatten().flatten() {
                let told = String::from_utf8_lossy(told).into_owned();
                harvest.push(place.within("header"), told);
            }
            expand(harvest, size, decoder, "gzip")
        }
        Squeezed::Bzip2 => expand(
            harvest,
            size,
            bzip2::read::MultiBzDecoder::new(bytes),
            "bzip2",
        ),
        Squeezed::Xz => {
            let reader = lzma_rust2::XzReader::new_mem_limit(bytes, true, DICTIONARY_KIB_MAX);
            expand(harvest, size, reader, "xz")
        }
        _ => zstd(harvest, bytes),
    };
    let Some(content) = content else {
        return;
    };
    let inner = name.map(inner_name);
    extract_part(harvest, &content, inner.as_deref(), place, depth + 1);
}

/// Every frame, one after the other: what stands behind the first is content too.
fn zstd(harvest: &mut Harvest<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut all) = (bytes, Vec::new());
    while !rest.is_empty() && harvest.member() {
        let Ok(mut reader) = ruzstd::decoding::StreamingDecoder::new(rest) else {
            harvest.malformed("zstd");
            break;
        };
        let content = expand(harvest, bytes.len(), &mut reader, "zstd");
        let after = reader.into_inner();
        if after.len() == rest.len() {
            break;
        }
        rest = after;
        all.extend(content.unwrap_or_default());
    }
    (!all.is_empty()).then_some(all)
}

/// The name without the ending that says how it is compressed.
fn inner_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, "tgz" | "tbz" | "tbz2" | "txz")) => format!("{stem}.tar"),
        Some((stem, _)) => stem.to_owned(),
        None => name.to_owned(),
    }
}

fn tape(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place, depth: usize) {
    let mut archive = tar::Archive::new(bytes);
    let Ok(entries) = archive.entries() else {
        return harvest.malformed("tar");
    };
    for entry in entries {
        if !harvest.member() {
            return;
        }
        let Ok(entry) = entry else {
            return harvest.malformed("tar member");
        };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let inner = place.within(&name);
        harvest.push(inner.within("name"), name.as_str());
        let link = entry
            .link_name_bytes()
            .map(|link| String::from_utf8_lossy(&link).into_owned());
        harvest.push(inner.within("link"), link.unwrap_or_default());
        let (at, size) = (entry.raw_file_position(), entry.size());
        if entry.header().entry_type().is_gnu_sparse() {
            if let Some(content) = expand(harvest, bytes.len(), entry, "tar member") {
                extract_part(harvest, &content, Some(&name), &inner, depth + 1);
            }
            continue;
        }
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        if end > bytes.len() {
            harvest.malformed("tar member");
        }
        let content = &bytes[start..end.min(bytes.len())];
        if !content.is_empty() {
            extract_part(harvest, content, Some(&name), &inner, depth + 1);
        }
    }
}

fn seven_zip(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place, depth: usize) {
    let limit = usize::try_from(DICTIONARY_KIB_MAX).unwrap_or(usize::MAX);
    let reader = ArchiveReader::new_with_memory_limit(Cursor::new(bytes), Password::empty(), limit);
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => return harvest.note(reason(&error)),
    };
    for entry in reader
        .archive()
        .files
        .iter()
        .take(harvest.limits.members_max)
    {
        harvest.push(place.within(entry.name()).within("name"), entry.name());
    }
    // Threads have no place where no thread may be started.
    reader.set_thread_count(1);
    let mut each = |entry: &sevenz_rust2::ArchiveEntry, source: &mut dyn Read| {
        if !harvest.member() {
            return Ok(EntryDecision::Stop);
        }
        let inner = place.within(entry.name());
        if entry.is_directory() {
            return Ok(EntryDecision::Continue);
        }
        let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
        let most = harvest.expansion_left(bytes.len());
        let content = expand(harvest, bytes.len(), source, "7z member");
        if let Some(content) = content {
            extract_part(harvest, &content, Some(entry.name()), &inner, depth + 1);
        }
        // What is refused is not decompressed to be passed over either.
        Ok(if size > most {
            EntryDecision::Stop
        } else {
            EntryDecision::Continue
        })
    };
    if let Err(error) = reader.for_each_entries_with_decision(&mut each) {
        harvest.note(reason(&error));
    }
}

fn reason(error: &Error) -> Reason {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Reason::Encrypted,
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => Reason::Encrypted,
        Error::UnsupportedCompressionMethod(_)
        | Error::Unsupported(_)
        | Error::ExternalUnsupported => Reason::Unsupported {
            kind: "7z compression method".to_owned(),
        },
        Error::MaxMemLimited { .. } => Reason::Limit {
            name: "dictionary_bytes_max".to_owned(),
        },
        _ => Reason::Malformed {
            what: "7z".to_owned(),
        },
    }
}
