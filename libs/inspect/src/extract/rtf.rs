//! Text out of Rich Text Format, in one pass without recursion: body, headers, footers, notes,
//! comments, fields and hidden text are read where they stand, unknown destinations apart from it.
//! Embedded objects are handed on, pictures counted. Sources: RTF specification 1.9.1.

mod charsets;
mod object;
mod words;

use std::collections::HashMap;

use encoding_rs::{Encoding, WINDOWS_1252};

use super::extract_part;
use super::harvest::Harvest;
use crate::{Place, Unread};
use words::Destination;

/// Groups within groups whose state is kept; deeper ones share the last.
const GROUPS_MAX: usize = 4_096;
/// Fonts whose charset is kept.
const FONTS_MAX: usize = 4_096;
/// Characters of a property's name or value.
const PROPERTY_CHARS_MAX: usize = 4_000;

pub(crate) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place, depth: usize) {
    if depth >= harvest.limits.depth_max {
        return harvest.limit("depth_max");
    }
    let mut reading = Reading::new(harvest.text_bytes_left());
    reading.run(bytes);
    let segments = harvest.segments();
    harvest.push(place.clone(), std::mem::take(&mut reading.text));
    harvest.push(place.within("hidden"), std::mem::take(&mut reading.aside));
    for (name, value) in std::mem::take(&mut reading.properties) {
        harvest.push(place.within("properties"), value.as_str());
        harvest.property(&name, &value);
    }
    for (index, hex) in reading.objects.iter().enumerate() {
        if !harvest.member() {
            break;
        }
        let inner = place.within(&format!("object {}", index + 1));
        match object::content(hex) {
            Some((name, content)) => {
                extract_part(harvest, &content, name.as_deref(), &inner, depth + 1);
            }
            None => harvest.unsupported("rtf object"),
        }
    }
    if reading.open != 0 {
        harvest.malformed("rtf ends within a group");
    }
    if reading.pictures > 0 && harvest.segments() == segments {
        harvest.note(Unread::NotRead.into());
    }
}

#[derive(Clone)]
struct State {
    destination: Destination,
    encoding: &'static Encoding,
    /// Characters that stand in for one Unicode character, for readers that know none.
    fallback: usize,
}

struct Reading {
    text_bytes_max: usize,
    text: String,
    aside: String,
    properties: Vec<(String, String)>,
    objects: Vec<Vec<u8>>,
    pictures: usize,
    state: State,
    saved: Vec<State>,
    /// Groups deeper than those whose state is kept.
    deeper: usize,
    /// Groups that are open.
    open: usize,
    fonts: HashMap<i32, &'static Encoding>,
    /// The font whose description is being read.
    font: i32,
    code_page: &'static Encoding,
    /// Bytes of the code page that are not decoded yet: a character may take several.
    pending: Vec<u8>,
    /// First half of a character that takes two units.
    high: Option<u16>,
    /// Fallback characters that are still to be passed over.
    skip: usize,
    /// Whether the group began with `\*`: a destination that not every reader knows.
    is_optional: bool,
    property: (String, String),
}

impl Reading {
    fn new(text_bytes_max: usize) -> Self {
        Self {
            text_bytes_max,
            text: String::new(),
            aside: String::new(),
            properties: Vec::new(),
            objects: Vec::new(),
            pictures: 0,
            state: State {
                destination: Destination::Body,
                encoding: WINDOWS_1252,
                fallback: 1,
            },
            saved: Vec::new(),
            deeper: 0,
            open: 0,
            fonts: HashMap::new(),
            font: 0,
            code_page: WINDOWS_1252,
            pending: Vec::new(),
            high: None,
            skip: 0,
            is_optional: false,
            property: (String::new(), String::new()),
        }
    }

    fn run(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if self.text.len() + self.aside.len() > self.text_bytes_max {
                break;
            }
            at += 1;
            match byte {
                b'{' => self.enter(),
                b'}' => self.leave(),
                b'\\' => at = self.control(bytes, at),
                b'\r' | b'\n' | 0 => {}
                byte => self.byte(*byte),
            }
        }
        self.flush();
    }

    fn enter(&mut self) {
        self.flush();
        self.open += 1;
        self.is_optional = false;
        self.skip = 0;
        if self.saved.len() < GROUPS_MAX {
            self.saved.push(self.state.clone());
        } else {
            self.deeper += 1;
        }
    }

    fn leave(&mut self) {
        self.flush();
        self.open = self.open.saturating_sub(1);
        self.skip = 0;
        let left = self.state.destination;
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(state) = self.saved.pop() {
            self.state = state;
        }
        if left == self.state.destination {
            return;
        }
        match left {
            Destination::Property => self.keep_property(),
            Destination::Apart => self.aside.push('\n'),
            Destination::Note => self.text.push('\n'),
            _ => {}
        }
    }

    fn keep_property(&mut self) {
        const PROPERTIES_MAX: usize = 1_000;
        let (name, value) = std::mem::take(&mut self.property);
        if self.properties.len() < PROPERTIES_MAX && !value.trim().is_empty() {
            self.properties.push((name.trim().to_owned(), value));
        }
    }

    /// Reads what follows a backslash, and answers where it ends.
    fn control(&mut self, bytes: &[u8], at: usize) -> usize {
        let Some(sign) = bytes.get(at) else {
            return at;
        };
        if !sign.is_ascii_alphabetic() {
            return self.sign(bytes, at, *sign);
        }
        let letters = bytes[at..]
            .iter()
            .take(32)
            .take_while(|b| b.is_ascii_alphabetic())
            .count();
        let word = &bytes[at..at + letters];
        let mut end = at + letters;
        let negative = bytes.get(end) == Some(&b'-');
        let digits_at = end + usize::from(negative);
        let digits = bytes[digits_at.min(bytes.len())..]
            .iter()
            .take(10)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let mut number = None;
        if digits > 0 {
            let told = &bytes[digits_at..digits_at + digits];
            let value = told
                .iter()
                .fold(0i64, |n, digit| n * 10 + i64::from(digit - b'0'));
            number = i32::try_from(if negative { -value } else { value }).ok();
            end = digits_at + digits;
        }
        if bytes.get(end) == Some(&b' ') {
            end += 1;
        }
        if word == b"bin" {
            let skipped = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            return end.saturating_add(skipped).min(bytes.len());
        }
        self.word(word, number);
        end
    }

    /// A backslash and one character that is no letter.
    fn sign(&mut self, bytes: &[u8], at: usize, sign: u8) -> usize {
        match sign {
            b'\'' => {
                let hex = bytes
                    .get(at + 1..at + 3)
                    .and_then(|hex| std::str::from_utf8(hex).ok());
                let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
                    return at + 1;
                };
                self.byte_of_code_page(byte);
                return at + 3;
            }
            b'*' => self.is_optional = true,
            b'~' => self.character(' '),
            b'_' => self.character('-'),
            b'-' => {}
            b'\r' | b'\n' => self.separate('\n'),
            b'\t' => self.character('\t'),
            other => self.byte(other),
        }
        at + 1
    }

    fn word(&mut self, word: &[u8], number: Option<i32>) {
        let optional = std::mem::take(&mut self.is_optional);
        if let Some(destination) = words::destination(word, optional) {
            self.flush();
            return self.go_to(destination, word);
        }
        match word {
            b"u" => self.unit(number.unwrap_or(0)),
            b"uc" => {
                self.state.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16)
            }
            b"ansicpg" => {
                let page = number
                    .and_then(charsets::of_code_page)
                    .unwrap_or(WINDOWS_1252);
                (self.code_page, self.state.encoding) = (page, page);
            }
            b"f" if self.state.destination == Destination::Fonts => self.font = number.unwrap_or(0),
            b"fcharset" if self.fonts.len() < FONTS_MAX => {
                if let Some(encoding) = number.and_then(charsets::of_font) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            b"f" | b"af" => {
                self.flush();
                let known = self.fonts.get(&number.unwrap_or(0)).copied();
                self.state.encoding = known.unwrap_or(self.code_page);
            }
            _ => match words::character(word) {
                Some(character @ ('\n' | '\t')) => self.separate(character),
                Some(character) => self.character(character),
                None => {}
            },
        }
    }

    fn go_to(&mut self, destination: Destination, word: &[u8]) {
        match destination {
            Destination::Picture => self.pictures += 1,
            Destination::Object => self.objects.push(Vec::new()),
            Destination::Property => {
                self.property = (String::from_utf8_lossy(word).into_owned(), String::new());
            }
            Destination::PropertyName => self.property = (String::new(), String::new()),
            Destination::Note => self.text.push('\n'),
            _ => {}
        }
        self.state.destination = match (destination, word) {
            // The value of a property that the author named goes on with the name read before it.
            (Destination::PropertyValue, _) => Destination::Property,
            (other, _) => other,
        };
    }

    /// A Unicode character, or half of one; its stand-ins are passed over.
    fn unit(&mut self, number: i32) {
        self.flush();
        self.skip = self.state.fallback;
        let unit = (number & 0xFFFF) as u16;
        let halves = self.high.take().map(|high| [high, unit]);
        let pair = halves.and_then(|pair| char::decode_utf16(pair).next()?.ok());
        match (pair, char::from_u32(u32::from(unit))) {
            (Some(character), _) | (None, Some(character)) => self.put(character),
            (None, None) => self.high = Some(unit),
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.state.destination == Destination::Object {
            if let (Some(object), true) = (self.objects.last_mut(), byte.is_ascii_hexdigit()) {
                object.push(byte);
            }
            return;
        }
        self.byte_of_code_page(byte);
    }

    fn byte_of_code_page(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if byte.is_ascii() && self.pending.is_empty() {
            self.put(char::from(byte));
        } else {
            self.pending.push(byte);
        }
    }

    fn character(&mut self, character: char) {
        self.flush();
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.put(character);
        }
    }

    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let (text, _) = self.state.encoding.decode_without_bom_handling(&bytes);
        text.chars().for_each(|character| self.put(character));
    }

    fn separate(&mut self, character: char) {
        self.flush();
        self.put(character);
    }

    fn put(&mut self, character: char) {
        match self.state.destination {
            Destination::Body | Destination::Note => self.text.push(character),
            Destination::Apart => self.aside.push(character),
            Destination::Property if self.property.1.len() < PROPERTY_CHARS_MAX => {
                self.property.1.push(character);
            }
            Destination::PropertyName if self.property.0.len() < PROPERTY_CHARS_MAX => {
                self.property.0.push(character);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_wherever_it_stands() {
        let rows = [
            (
                r"{\rtf1\ansi Card 4539\b 5787\b0 6362}",
                "Card 453957876362",
                "",
            ),
            (r"{\rtf1 one\par two\tab three}", "one\ntwo\tthree", ""),
            (r"{\rtf1\ansicpg1252 Gr\'fc\'dfe}", "Grüße", ""),
            (r"{\rtf1 \u8364?5 \u-10179?\u-8704?}", "€5 😀", ""),
            (
                r"{\rtf1{\fonttbl{\f0\fcharset204 Arial;}}\f0\'cf\'f0}",
                "Пр",
                "",
            ),
            (
                r"{\rtf1{\header head}{\footnote note}x}",
                "\nhead\n\nnote\nx",
                "",
            ),
            (r"{\rtf1{\*\unknown secret}x}", "x", "secret\n"),
            (r"{\rtf1{\pict 89504e47}x}", "x", ""),
            (r"{\rtf1{\v hidden}x}", "hiddenx", ""),
            (
                r"{\rtf1{\field{\*\fldinst HYPERLINK here}{\fldrslt shown}}}",
                "shown",
                "HYPERLINK here\n",
            ),
            (r"{\rtf1\bin4 {{{{x}", "x", ""),
            (r"{\rtf1{\stylesheet{\s0 Normal;}}x", "x", ""),
            (r"{\rtf1 \\\{\}}", r"\{}", ""),
        ];
        for (source, text, aside) in rows {
            let mut reading = Reading::new(1 << 20);
            reading.run(source.as_bytes());
            assert_eq!(
                (reading.text.as_str(), reading.aside.as_str()),
                (text, aside),
                "{source}"
            );
        }
    }

    #[test]
    fn properties_have_the_names_that_the_document_gives_them() {
        let source = r"{\rtf1{\info{\title Plan}{\author Ann}}{\*\userprops{\propname MSIP_Label_1_Name}\proptype30{\staticval Secret}}x}";
        let mut reading = Reading::new(1 << 20);
        reading.run(source.as_bytes());
        let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            reading.properties,
            [
                named("title", "Plan"),
                named("author", "Ann"),
                named("MSIP_Label_1_Name", "Secret")
            ]
        );
    }

    #[test]
    fn groups_without_end_are_survived() {
        for unit in [
            "{",
            "{\\*\\x ",
            "}",
            "\\",
            "\\'",
            "\\u1 ",
            "{\\object{\\objdata 0",
        ] {
            let mut reading = Reading::new(1 << 20);
            reading.run(unit.repeat(300_000).as_bytes());
            assert!(reading.saved.len() <= GROUPS_MAX, "{unit}");
        }
    }
}
