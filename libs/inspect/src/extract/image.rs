//! What pictures say of themselves: EXIF, XMP, IPTC, the text chunks of PNG, and the comments of JPEG and GIF. The picture itself
//! is not read, and that is said.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use exif::{Field as ExifField, Tag, Value};
use memchr::memmem;

use super::harvest::Harvest;
use super::office;
use crate::Place;

/// XMP packets read of one picture, and bytes of one.
const PACKETS_MAX: usize = 8;
const PACKET_BYTES_MAX: usize = 1 << 20;
/// Text chunks and datasets read of one picture, and bytes that a chunk decompresses to.
const TEXTS_MAX: usize = 1_000;
const CHUNK_BYTES_MAX: u64 = 1 << 20;
/// Bytes of text of one picture, those that chunks decompress to included.
const TEXT_BYTES_MAX: usize = 4 << 20;

pub(crate) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place) {
    harvest.picture(place.clone(), bytes.into(), false);
    let mut texts = Texts::default();
    // The reader of EXIF is not ours: should it panic, the picture is a blind spot all the same.
    let read = catch_unwind(AssertUnwindSafe(|| {
        let mut reader = exif::Reader::new();
        reader.continue_on_error(true);
        match reader.read_from_container(&mut Cursor::new(bytes)) {
            Ok(exif) => Some(exif),
            Err(exif::Error::PartialResult(partial)) => Some(partial.into_inner().0),
            Err(_) => None,
        }
    }));
    if let Ok(Some(exif)) = read {
        exif.fields()
            .take(TEXTS_MAX)
            .for_each(|field| texts.exif(field));
    }
    texts.png(bytes);
    texts.iptc(bytes);
    texts.jpeg(bytes);
    texts.gif(bytes);
    for (name, value) in &texts.named {
        harvest.property(name, value);
    }
    let text: Vec<&str> = texts
        .named
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    harvest.push(place.within("metadata"), text.join("\n"));
    for packet in packets(bytes) {
        office::extract_properties(harvest, packet, &place.within("xmp"));
    }
}

/// The XMP packets, wherever in the file they stand. Source: XMP specification part 1, 7.3.
pub(crate) fn packets(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const BEGINS: &[u8] = b"<x:xmpmeta";
    const ENDS: &[u8] = b"</x:xmpmeta>";
    memmem::find_iter(bytes, BEGINS)
        .take(PACKETS_MAX)
        .map(|at| {
            let rest = &bytes[at..bytes.len().min(at + PACKET_BYTES_MAX)];
            let end = memmem::find(rest, ENDS).map_or(rest.len(), |end| end + ENDS.len());
            &rest[..end]
        })
}

#[derive(Default)]
struct Texts {
    named: Vec<(String, String)>,
    bytes: usize,
}

impl Texts {
    fn keep(&mut self, name: String, value: &str) {
        self.bytes = self.bytes.saturating_add(value.len());
        let value = value.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        if !value.is_empty() && self.named.len() < TEXTS_MAX && self.bytes <= TEXT_BYTES_MAX {
            self.named.push((name, value.to_owned()));
        }
    }

    fn exif(&mut self, field: &ExifField) {
        let name = format!("exif:{}", field.tag);
        match &field.value {
            Value::Ascii(lines) => {
                let lines: Vec<_> = lines
                    .iter()
                    .map(|line| String::from_utf8_lossy(line))
                    .collect();
                self.keep(name, &lines.join(" "));
            }
            // A comment says its charset in eight bytes. Source: EXIF 2.32, 4.6.5.
            Value::Undefined(bytes, _) if field.tag == Tag::UserComment => {
                match bytes.split_first_chunk::<8>() {
                    Some((b"UNICODE\0", text)) => {
                        self.keep(name, &encoding_rs::UTF_16LE.decode(text).0);
                    }
                    Some((_, text)) => self.keep(name, &String::from_utf8_lossy(text)),
                    None => {}
                }
            }
            // The tags that Windows writes: text of two bytes a character.
            Value::Byte(bytes) if (0x9C9B..=0x9C9F).contains(&field.tag.number()) => {
                let name = match field.tag.number() {
                    0x9C9B => "exif:XPTitle",
                    0x9C9C => "exif:XPComment",
                    0x9C9D => "exif:XPAuthor",
                    0x9C9E => "exif:XPKeywords",
                    _ => "exif:XPSubject",
                };
                self.keep(name.to_owned(), &encoding_rs::UTF_16LE.decode(bytes).0);
            }
            _ => {}
        }
    }

    /// Text chunks of PNG. Source: PNG specification, third edition, 11.3.3.
    fn png(&mut self, bytes: &[u8]) {
        let Some(mut rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") else {
            return;
        };
        while let Some((header, after)) = rest.split_first_chunk::<8>()
            && self.bytes <= TEXT_BYTES_MAX
        {
            let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
            let Some(body) = after.get(..length) else {
                return;
            };
            match &header[4..] {
                b"tEXt" => self.png_text(body, |value| Some(latin(value))),
                b"zTXt" => self.png_text(body, |value| Some(latin(&inflate(value.get(1..)?)))),
                b"iTXt" => self.png_text(body, international),
                _ => {}
            }
            rest = after.get(length + 4..).unwrap_or_default();
        }
    }

    fn png_text(&mut self, body: &[u8], value: impl Fn(&[u8]) -> Option<String>) {
        let Some(end) = memchr::memchr(0, body) else {
            return;
        };
        if let Some(value) = value(&body[end + 1..]) {
            self.keep(format!("png:{}", latin(&body[..end])), &value);
        }
    }

    /// Comments of JPEG, which stand before the picture. Source: ITU-T T.81, B.2.4.5.
    fn jpeg(&mut self, bytes: &[u8]) {
        let mut rest = bytes.strip_prefix(b"\xFF\xD8").unwrap_or_default();
        while let Some((&[0xFF, marker, high, low], after)) = rest.split_first_chunk::<4>() {
            let length = usize::from(u16::from_be_bytes([high, low])).saturating_sub(2);
            let Some(body) = after.get(..length) else {
                return;
            };
            match marker {
                0xFE => self.keep("jpeg:comment".to_owned(), &String::from_utf8_lossy(body)),
                0xDA => return,
                _ => {}
            }
            rest = &after[length..];
        }
    }

    /// Comments of GIF: pieces of up to 255 bytes. Source: GIF89a, 24.
    fn gif(&mut self, bytes: &[u8]) {
        if !bytes.starts_with(b"GIF8") {
            return;
        }
        for at in memmem::find_iter(bytes, b"\x21\xFE").take(TEXTS_MAX) {
            let (mut rest, mut text) = (&bytes[at + 2..], Vec::new());
            while let Some((length @ 1.., after)) = rest.split_first()
                && let Some(piece) = after.get(..usize::from(*length))
                && text.len() <= PACKET_BYTES_MAX
            {
                text.extend_from_slice(piece);
                rest = &after[piece.len()..];
            }
            // The two bytes may stand within the picture, too.
            if !text
                .iter()
                .any(|byte| matches!(byte, 0..=8 | 14..=31 | 127))
            {
                self.keep("gif:comment".to_owned(), &String::from_utf8_lossy(&text));
            }
        }
    }

    /// IPTC datasets in a picture's Photoshop block. Source: IPTC-IIM 4.2, chapter 3, record 2.
    fn iptc(&mut self, bytes: &[u8]) {
        const BLOCK: &[u8] = b"8BIM\x04\x04";
        let Some(at) = memmem::find(bytes, BLOCK) else {
            return;
        };
        let block = &bytes[at..];
        let Some(start) = memmem::find(&block[..block.len().min(512)], b"\x1C\x02") else {
            return;
        };
        let mut rest = &block[start..];
        while let Some((&[0x1C, record, dataset, high, low], after)) = rest.split_first_chunk::<5>()
        {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some(value) = after.get(..length) else {
                return;
            };
            if record == 2 && dataset > 0 {
                let name = match dataset {
                    5 => "iptc:ObjectName".to_owned(),
                    25 => "iptc:Keywords".to_owned(),
                    40 => "iptc:SpecialInstructions".to_owned(),
                    80 => "iptc:Byline".to_owned(),
                    105 => "iptc:Headline".to_owned(),
                    116 => "iptc:CopyrightNotice".to_owned(),
                    120 => "iptc:Caption".to_owned(),
                    other => format!("iptc:{other}"),
                };
                self.keep(name, &String::from_utf8_lossy(value));
            }
            rest = &after[length..];
        }
    }
}

fn latin(bytes: &[u8]) -> String {
    encoding_rs::WINDOWS_1252
        .decode_without_bom_handling(bytes)
        .0
        .into_owned()
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    // What breaks leaves what came before.
    let _ = flate2::read::ZlibDecoder::new(bytes)
        .take(CHUNK_BYTES_MAX)
        .read_to_end(&mut content);
    content
}

/// A text chunk in UTF-8: compressed or not, with a language and a translated keyword before it.
fn international(body: &[u8]) -> Option<String> {
    let (compressed, rest) = body.split_first()?;
    let rest = rest.get(1..)?;
    let rest = &rest[memchr::memchr(0, rest)? + 1..];
    let text = &rest[memchr::memchr(0, rest)? + 1..];
    let text = if *compressed == 1 {
        inflate(text)
    } else {
        text.to_vec()
    };
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_chunks_and_datasets_are_named() {
        let chunk = |kind: &str, body: &[u8]| {
            let length = u32::try_from(body.len()).expect("it is short");
            [&length.to_be_bytes()[..], kind.as_bytes(), body, b"crc!"].concat()
        };
        let png = [
            &b"\x89PNG\r\n\x1a\n"[..],
            &chunk("tEXt", b"Comment\0card 4539"),
            &chunk("iTXt", "Title\0\0\0en\0\0Grüße".as_bytes()),
            &chunk("tEXt", b"no value"),
        ]
        .concat();
        let jpeg = b"\xFF\xD8\xFF\xED8BIM\x04\x04\0\0\0\0\0\x10\x1C\x02\x50\0\x03Ann\x1C\x02\x19\0\x06secret";
        let commented = b"\xFF\xD8\xFF\xE0\0\x04ab\xFF\xFE\0\x07hello\xFF\xDA\0\x02\xFF\xFE\0\x03x";
        let gif = b"GIF89a\x01\0\x01\0\0\0\0\x21\xFE\x03one\x04 two\0\x21\xFE\x01\x02\0\x3B";
        let mut texts = Texts::default();
        texts.png(&png);
        texts.iptc(jpeg);
        texts.jpeg(commented);
        texts.gif(gif);
        let named: Vec<(&str, &str)> = texts
            .named
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            named,
            [
                ("png:Comment", "card 4539"),
                ("png:Title", "Grüße"),
                ("iptc:Byline", "Ann"),
                ("iptc:Keywords", "secret"),
                ("jpeg:comment", "hello"),
                ("gif:comment", "one two")
            ]
        );
    }
}
