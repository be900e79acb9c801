//! Fonts: from character codes to characters and widths. A `/ToUnicode` map comes first, then the
//! font's encoding. Codes that map to nothing are counted by the caller: they are a blind spot.

use std::borrow::Cow;
use std::collections::HashMap;

use lopdf::{Dictionary, Document, Object, Stream};

use super::glyphs;
use super::token::{Token, Tokens};

/// Codes that one font may map, whatever ranges its map declares.
const CODES_MAX: usize = 1 << 17;
/// Widths that one font may declare.
const WIDTHS_MAX: usize = 1 << 17;
/// Width of a glyph of which nothing is known, in thousandths of the font size.
const WIDTH_UNKNOWN: f32 = 500.0;

#[derive(Debug, Default)]
pub(crate) struct Font {
    /// Bytes of one code: two for composite fonts.
    code_bytes: usize,
    to_unicode: HashMap<u32, String>,
    /// Characters of a simple font's 256 codes.
    simple: Vec<String>,
    /// Whether a code is the character's own in UTF-16.
    is_utf16: bool,
    widths: HashMap<u32, f32>,
    default_width: f32,
}

/// One code of a shown string.
pub(crate) struct Glyph<'f> {
    /// Its characters; `None` when the font does not tell.
    pub(crate) text: Option<Cow<'f, str>>,
    /// In thousandths of the font size.
    pub(crate) width: f32,
    /// Whether word spacing applies.
    pub(crate) is_space: bool,
}

impl Font {
    /// Reads a font; `map` is its decompressed `/ToUnicode` stream.
    pub(crate) fn read(document: &Document, font: &Dictionary, map: Option<&[u8]>) -> Self {
        let composite = font
            .get(b"Subtype")
            .and_then(Object::as_name)
            .is_ok_and(|s| s == b"Type0");
        let mut read = Font {
            code_bytes: if composite { 2 } else { 1 },
            default_width: WIDTH_UNKNOWN,
            ..Font::default()
        };
        if let Some(map) = map {
            read.read_map(map);
        }
        if composite {
            read.read_composite_widths(document, font);
            read.is_utf16 = is_utf16(document, font);
        } else {
            // Some writers' maps say two bytes, as those of composite fonts do.
            read.code_bytes = 1;
            read.read_simple_widths(document, font);
            read.simple = glyphs::characters(document, font);
        }
        read
    }

    pub(crate) fn glyphs<'f>(&'f self, shown: &'f [u8]) -> impl Iterator<Item = Glyph<'f>> {
        shown.chunks(self.code_bytes.max(1)).map(|bytes| {
            let code = bytes
                .iter()
                .fold(0u32, |code, byte| code << 8 | u32::from(*byte));
            let text = self.text(code);
            let width = self.widths.get(&code).copied();
            let width = width.unwrap_or_else(|| {
                text.as_deref()
                    .map_or(self.default_width, |text| self.guess(text))
            });
            Glyph {
                text,
                width,
                is_space: bytes == b" ",
            }
        })
    }

    fn text(&self, code: u32) -> Option<Cow<'_, str>> {
        if let Some(told) = self.to_unicode.get(&code) {
            return Some(Cow::Borrowed(told));
        }
        if self.is_utf16 {
            let character = char::from_u32(code).filter(|c| !c.is_control());
            return character.map(|c| Cow::Owned(c.to_string()));
        }
        let told = self.simple.get(code as usize)?;
        (!told.is_empty()).then_some(Cow::Borrowed(told))
    }

    /// The width of a glyph that the font does not give one for: as in the common sans serif faces.
    fn guess(&self, text: &str) -> f32 {
        if self.is_utf16 && text.is_ascii() {
            return WIDTH_UNKNOWN;
        }
        if self.code_bytes != 1 || !self.widths.is_empty() {
            return self.default_width;
        }
        match text.chars().next() {
            Some(
                ' ' | '.' | ',' | ':' | ';' | '!' | '|' | 'i' | 'j' | 'l' | 'I' | '/' | 't' | 'f',
            ) => 278.0,
            Some('-' | '(' | ')' | 'r') => 333.0,
            Some('m' | 'M' | 'W' | '%' | '@') => 850.0,
            Some('A'..='Z') => 690.0,
            _ => 550.0,
        }
    }

    fn read_map(&mut self, map: &[u8]) {
        let mut strings: Vec<Vec<u8>> = Vec::new();
        let mut array: Option<Vec<Vec<u8>>> = None;
        let mut in_ranges = false;
        for token in Tokens::new(map) {
            match token {
                Token::Operator(b"begincodespacerange" | b"beginbfchar") => {
                    in_ranges = false;
                    strings.clear();
                }
                Token::Operator(b"beginbfrange") => {
                    in_ranges = true;
                    strings.clear();
                }
                Token::Operator(b"endcodespacerange") => {
                    self.code_bytes = strings
                        .first()
                        .map_or(self.code_bytes, |low| low.len().clamp(1, 4));
                }
                Token::Operator(b"endbfchar") => {
                    for pair in strings.as_chunks::<2>().0 {
                        self.map_code(code_of(&pair[0]), utf16(&pair[1]));
                    }
                    strings.clear();
                }
                Token::String(bytes) => match &mut array {
                    Some(array) => array.push(bytes),
                    None => strings.push(bytes),
                },
                Token::ArrayStart => array = Some(Vec::new()),
                Token::ArrayEnd => {
                    if let (Some(targets), [low, _high]) = (array.take(), strings.as_slice()) {
                        let low = code_of(low);
                        for (code, target) in (low..).zip(&targets) {
                            self.map_code(code, utf16(target));
                        }
                        strings.clear();
                    }
                }
                _ => {}
            }
            if in_ranges
                && array.is_none()
                && let [low, high, target] = strings.as_slice()
            {
                self.map_range(code_of(low), code_of(high), &utf16(target));
                strings.clear();
            }
        }
    }

    fn map_range(&mut self, low: u32, high: u32, target: &str) {
        let mut characters: Vec<char> = target.chars().collect();
        let Some(last) = characters.pop() else { return };
        let prefix: String = characters.into_iter().collect();
        for code in low..=high {
            if self.to_unicode.len() >= CODES_MAX {
                return;
            }
            let Some(character) = char::from_u32((last as u32).saturating_add(code - low)) else {
                return;
            };
            self.map_code(code, format!("{prefix}{character}"));
        }
    }

    fn map_code(&mut self, code: u32, text: String) {
        let told =
            !text.is_empty() && text != "\0" && !text.starts_with(char::REPLACEMENT_CHARACTER);
        if told && self.to_unicode.len() < CODES_MAX {
            self.to_unicode.insert(code, text);
        }
    }

    fn read_simple_widths(&mut self, document: &Document, font: &Dictionary) {
        let first = number(document, font.get(b"FirstChar").ok()).unwrap_or(0.0);
        let Ok(widths) = font
            .get_deref(b"Widths", document)
            .and_then(Object::as_array)
        else {
            return;
        };
        for (code, width) in (first.max(0.0) as u32..).zip(widths.iter().take(256)) {
            if let Some(width) = number(document, Some(width)).filter(|width| *width > 0.0) {
                self.widths.insert(code, width);
            }
        }
        // A Type 3 font measures in units of its own.
        let matrix = font
            .get_deref(b"FontMatrix", document)
            .and_then(Object::as_array);
        if let Some(unit) = matrix
            .ok()
            .and_then(|matrix| number(document, matrix.first()))
        {
            self.widths
                .values_mut()
                .for_each(|width| *width *= unit * 1_000.0);
        }
    }

    fn read_composite_widths(&mut self, document: &Document, font: &Dictionary) {
        self.default_width = 1_000.0;
        let descendants = font
            .get_deref(b"DescendantFonts", document)
            .and_then(Object::as_array);
        let Some(descendant) = descendants.ok().and_then(|list| list.first()) else {
            return;
        };
        let Ok((_, Object::Dictionary(descendant))) = document.dereference(descendant) else {
            return;
        };
        self.default_width = number(document, descendant.get(b"DW").ok()).unwrap_or(1_000.0);
        let Ok(widths) = descendant
            .get_deref(b"W", document)
            .and_then(Object::as_array)
        else {
            return;
        };
        let mut rest = widths.as_slice();
        while let [first, second, tail @ ..] = rest {
            let Some(first) = number(document, Some(first)).map(|first| first.max(0.0) as u32)
            else {
                return;
            };
            if let Ok((_, Object::Array(list))) = document.dereference(second) {
                for (code, width) in (first..).zip(list) {
                    self.set_width(code, number(document, Some(width)));
                }
                rest = tail;
            } else {
                let Some(last) = number(document, Some(second)).map(|last| last.max(0.0) as u32)
                else {
                    return;
                };
                let [width, tail @ ..] = tail else { return };
                let width = number(document, Some(width));
                for code in (first..=last).take(WIDTHS_MAX) {
                    self.set_width(code, width);
                }
                rest = tail;
            }
            if self.widths.len() >= WIDTHS_MAX {
                return;
            }
        }
    }

    fn set_width(&mut self, code: u32, width: Option<f32>) {
        if let Some(width) = width.filter(|_| self.widths.len() < WIDTHS_MAX) {
            self.widths.insert(code, width);
        }
    }
}

/// Whether the codes of a composite font are Unicode, as its predefined map says by its name. Source: ISO 32000-2,
/// 9.7.5.2.
fn is_utf16(document: &Document, font: &Dictionary) -> bool {
    let encoding = font.get_deref(b"Encoding", document);
    let name = encoding.and_then(Object::as_name).unwrap_or_default();
    name.starts_with(b"Uni")
        && [&b"UCS2"[..], b"UTF16"]
            .iter()
            .any(|form| memchr::memmem::find(name, form).is_some())
}

/// The font's `/ToUnicode` stream.
pub(crate) fn unicode_map<'d>(document: &'d Document, font: &'d Dictionary) -> Option<&'d Stream> {
    font.get_deref(b"ToUnicode", document)
        .ok()?
        .as_stream()
        .ok()
}

fn number(document: &Document, object: Option<&Object>) -> Option<f32> {
    let value = document.dereference(object?).ok()?.1.as_float().ok()?;
    value.is_finite().then_some(value)
}

fn code_of(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .fold(0, |code, byte| code << 8 | u32::from(*byte))
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u16::from_be_bytes(*pair));
    match bytes {
        [single] => char::from(*single).to_string(),
        _ => char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unicode_map_reads_characters_ranges_and_lists() {
        let map = b"1 begincodespacerange <0000> <FFFF> endcodespacerange
            2 beginbfchar <0003> <0020> <0010> <00660066> endbfchar
            2 beginbfrange <0013> <0015> <0030> <0020> <0021> [<0041> <0042>] endbfrange";
        let mut font = Font {
            code_bytes: 1,
            ..Font::default()
        };
        font.read_map(map);
        let shown = b"\0\x03\0\x10\0\x13\0\x15\0\x20\0\x21\0\x99";
        let text: Vec<_> = font.glyphs(shown).map(|glyph| glyph.text).collect();
        let told = [" ", "ff", "0", "2", "A", "B"].map(|told| Some(Cow::Borrowed(told)));
        assert_eq!(text[..6], told);
        assert_eq!(text[6], None);
    }

    #[test]
    fn a_range_over_all_codes_stays_within_its_bound() {
        let mut font = Font::default();
        font.read_map(b"beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange");
        assert!(font.to_unicode.len() <= CODES_MAX);
    }
}
