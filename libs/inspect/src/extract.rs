//! Text out of bytes, under bounds. [`extract`] promises: it always answers, it never panics, its
//! memory and work stay within [`Limits`], and whatever it left unread is a [`Reason`] in the
//! coverage. Each format has a file of its own below; all of them write into one [`Harvest`].

mod archive;
pub(crate) mod charset;
pub(crate) mod csv;
mod harvest;
mod html;
mod office;
mod pdf;

use memchr::memmem;

use crate::{Coverage, Extraction, FileKind, Limits, Place, Reason, kind};
use harvest::Harvest;

/// Extracts the text of `bytes`; `name` is a hint that never overrules the content.
///
/// Never fails: what could not be read is in the coverage.
pub fn extract(bytes: &[u8], name: Option<&str>, limits: &Limits) -> Extraction {
    if bytes.len() > limits.input_bytes_max {
        let reason = Reason::Limit {
            name: "input_bytes_max".to_owned(),
        };
        let kind = kind::sniff(&bytes[..bytes.len().min(1 << 16)], name);
        return Extraction {
            kind,
            text: Vec::new(),
            coverage: Coverage::None { reason },
            metadata: Vec::new(),
        };
    }
    let mut harvest = Harvest::new(limits);
    let kind = extract_part(&mut harvest, bytes, name, &Place::root(), 0);
    harvest.into_extraction(kind)
}

/// Extracts one object, the outermost or one found within another `depth` levels up.
fn extract_part(
    harvest: &mut Harvest<'_>,
    bytes: &[u8],
    name: Option<&str>,
    place: &Place,
    depth: usize,
) -> FileKind {
    let kind = kind::sniff(bytes, name);
    if !harvest.work(bytes.len() as u64) {
        return kind;
    }
    match kind {
        FileKind::Empty => {}
        FileKind::Text => extract_text(harvest, bytes, place),
        FileKind::Csv => csv::extract(harvest, &charset::decode(bytes, None), place),
        FileKind::Html => html::extract(harvest, bytes, place),
        FileKind::Xml => office::extract_xml(harvest, bytes, place),
        FileKind::Docx | FileKind::Xlsx | FileKind::Pptx | FileKind::OpenDocument => {
            archive::extract(harvest, bytes, place, depth, true);
        }
        FileKind::Zip => archive::extract(harvest, bytes, place, depth, false),
        FileKind::Pdf => pdf::extract(harvest, bytes, place, depth),
        FileKind::Compound if is_encrypted_office(bytes) => harvest.note(Reason::Encrypted),
        FileKind::Compound
        | FileKind::Archive
        | FileKind::Image
        | FileKind::Audio
        | FileKind::Video
        | FileKind::Binary => {
            harvest.note(Reason::Unsupported {
                kind: kind::media_type(bytes).to_owned(),
            });
        }
    }
    kind
}

/// Plain text is read as it stands, also when it is a format that hides text from such a reading.
fn extract_text(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place) {
    const HEAD_BYTES_MAX: usize = 4 << 10;
    let text = charset::decode(bytes, None);
    let head = text[..text.floor_char_boundary(HEAD_BYTES_MAX)].to_ascii_lowercase();
    if head.starts_with("{\\rtf") {
        harvest.unsupported("application/rtf");
    } else if head.lines().any(|line| line.starts_with("mime-version:")) {
        harvest.unsupported("message/rfc822");
    }
    harvest.push(place.clone(), text);
}

/// Whether an OLE compound file holds the stream that password-protected Office documents keep
/// their package in.
fn is_encrypted_office(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    memmem::find(bytes, &name).is_some()
}
