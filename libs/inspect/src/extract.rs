//! Text out of bytes, under bounds. [`extract`] promises: it always answers, it never panics, its
//! memory and work stay within [`Limits`], and whatever it left unread is a [`Reason`] in the
//! coverage. Each format has a file of its own below; all of them write into one [`Harvest`].

mod archive;
pub(crate) mod charset;
mod compound;
pub(crate) mod csv;
mod expand;
pub(crate) mod harvest;
mod html;
mod image;
pub(crate) mod json;
pub(crate) mod mail;
mod office;
mod pdf;
mod pictures;
pub(crate) mod raster;
mod rtf;
mod squeezed;

use crate::{Extraction, FileKind, Limits, Place, kind};
use harvest::Harvest;

/// Extracts the text of `bytes`; `name` is a hint that never overrules the content.
///
/// Never fails: what could not be read is in the coverage.
pub fn extract(bytes: &[u8], name: Option<&str>, limits: &Limits) -> Extraction {
    crate::begin(bytes, name, limits).extraction(Vec::new()).0
}

/// All that `bytes` hold, and what they are.
pub(crate) fn harvested<'l>(
    bytes: &[u8],
    name: Option<&str>,
    limits: &'l Limits,
) -> (Harvest<'l>, FileKind) {
    let mut harvest = Harvest::new(limits);
    if bytes.len() > limits.input_bytes_max {
        harvest.limit("input_bytes_max");
        let kind = kind::sniff(&bytes[..bytes.len().min(1 << 16)], name);
        return (harvest, kind);
    }
    let kind = extract_part(&mut harvest, bytes, name, &Place::root(), 0);
    (harvest, kind)
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
        FileKind::Text => harvest.push(place.clone(), charset::decode(bytes, None)),
        FileKind::Csv => csv::extract(harvest, &charset::decode(bytes, None), place),
        FileKind::Json => json::extract(harvest, bytes, place),
        FileKind::Html => html::extract(harvest, bytes, place),
        FileKind::Xml => office::extract_xml(harvest, bytes, place),
        FileKind::Rtf => rtf::extract(harvest, bytes, place, depth),
        FileKind::Mail => mail::extract(harvest, bytes, place, depth),
        FileKind::Docx | FileKind::Xlsx | FileKind::Pptx | FileKind::OpenDocument => {
            archive::extract(harvest, bytes, place, depth, true);
        }
        FileKind::Zip | FileKind::Epub => archive::extract(harvest, bytes, place, depth, false),
        FileKind::Pdf => pdf::extract(harvest, bytes, place, depth),
        FileKind::Msg | FileKind::Doc | FileKind::Xls | FileKind::Ppt | FileKind::Compound => {
            compound::extract(harvest, bytes, place, depth);
        }
        FileKind::Image => image::extract(harvest, bytes, place),
        FileKind::Archive => match kind::squeezed(bytes) {
            Some(squeezed) => squeezed::extract(harvest, squeezed, bytes, name, place, depth),
            None => harvest.unsupported(kind::media_type(bytes)),
        },
        FileKind::Audio | FileKind::Video | FileKind::Binary => {
            harvest.unsupported(kind::media_type(bytes));
        }
    }
    kind
}
