//! Text as detectors see it: digits of every script as ASCII digits, dashes and spaces of every
//! kind as `-` and space, invisible characters gone. Offsets lead back to the text as it was.

use std::borrow::Cow;

pub(crate) struct Normalised<'t> {
    pub(crate) text: Cow<'t, str>,
    /// Where the distance between the two texts changes: (offset here, offset there), ascending.
    shifts: Vec<(usize, usize)>,
}

impl<'t> Normalised<'t> {
    pub(crate) fn of(source: &'t str) -> Self {
        let mut normalised = Self {
            text: Cow::Borrowed(source),
            shifts: Vec::new(),
        };
        let mut changes = changes(source).peekable();
        if changes.peek().is_none() {
            return normalised;
        }
        let mut text = String::with_capacity(source.len());
        let (mut copied, mut shift) = (0, 0);
        for (at, character, plain) in changes {
            text.push_str(&source[copied..at]);
            text.extend(plain);
            copied = at + character.len_utf8();
            if copied - text.len() != shift {
                shift = copied - text.len();
                normalised.shifts.push((text.len(), copied));
            }
        }
        text.push_str(&source[copied..]);
        normalised.text = Cow::Owned(text);
        normalised
    }

    /// The offset in the source that `offset` here stands for.
    pub(crate) fn source_offset(&self, offset: usize) -> usize {
        let after = self.shifts.partition_point(|(here, _)| *here <= offset);
        match after.checked_sub(1).map(|last| self.shifts[last]) {
            Some((here, there)) => there + (offset - here),
            None => offset,
        }
    }
}

impl Normalised<'_> {
    /// The offset here that `offset` in the source has become.
    pub(crate) fn offset_of(&self, offset: usize) -> usize {
        let after = self.shifts.partition_point(|(_, there)| *there <= offset);
        match after.checked_sub(1).map(|last| self.shifts[last]) {
            Some((here, there)) => here + (offset - there),
            None => offset,
        }
    }
}

/// Zeros of the decimal digits that scripts use; nine more follow each.
const ZEROS: [u32; 24] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0xFF10,
    0x1D7CE,
];

/// Every character that has another form here: where it stands, and that form, if it has any.
fn changes(source: &str) -> impl Iterator<Item = (usize, char, Option<char>)> + '_ {
    let bytes = source.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += plain_bytes(&bytes[at..]);
            let here = at;
            let character = source.get(here..)?.chars().next()?;
            at += character.len_utf8();
            let plain = plain_form(character);
            if plain != Some(character) {
                return Some((here, character, plain));
            }
        }
    })
}

/// How many of the first bytes belong to characters that stay as they are, as far as the first byte
/// of each tells.
fn plain_bytes(bytes: &[u8]) -> usize {
    const STRIDE: usize = 32;
    // The first bytes of all characters that `plain_form` changes.
    const TOLD: [bool; 256] = {
        let mut told = [false; 256];
        let leads = [
            0xC2, 0xCD, 0xD8, 0xD9, 0xDA, 0xDB, 0xDF, 0xE0, 0xE1, 0xE2, 0xE3, 0xEF, 0xF0, 0xF3,
        ];
        let mut at = 0;
        while at < leads.len() {
            told[leads[at]] = true;
            at += 1;
        }
        told
    };
    let ascii = bytes.chunks(STRIDE).take_while(|stride| stride.is_ascii());
    let skipped = (STRIDE * ascii.count()).min(bytes.len());
    let rest = bytes[skipped..].iter();
    skipped + rest.take_while(|byte| !TOLD[usize::from(**byte)]).count()
}

fn plain_form(character: char) -> Option<char> {
    let code = character as u32;
    // Letters of Europe, the Near East's and the Far East's ideographs stay as they are.
    if matches!(code, 0xAE..=0x34E | 0x370..=0x61B | 0x3041..=0xFDFF) {
        return Some(character);
    }
    // Mathematical digits come in five styles in a row.
    if (0x1D7CE..=0x1D7FF).contains(&code) {
        return char::from_digit((code - 0x1D7CE) % 10, 10);
    }
    if let Some(zero) = ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))
    {
        return char::from_digit(code - zero, 10);
    }
    match code {
        0xAD
        | 0x34F
        | 0x61C
        | 0x115F
        | 0x1160
        | 0x17B4
        | 0x17B5
        | 0x180E
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xE0000..=0xE0FFF => None,
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Some(' '),
        0x2028 | 0x2029 | 0x85 => Some('\n'),
        0x2010..=0x2015 | 0x2212 | 0x2043 | 0xFE58 | 0xFE63 => Some('-'),
        // Fullwidth forms of ASCII.
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0),
        _ => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_dashes_and_spaces_of_every_kind_become_ascii() {
        let rows = [
            ("４１１１", "4111"),
            ("٤١١١", "4111"),
            ("४१११", "4111"),
            ("𝟜𝟙𝟏𝟭", "4111"),
            ("41\u{200b}11", "4111"),
            ("4111\u{2011}1111", "4111-1111"),
            ("4111\u{a0}1111", "4111 1111"),
            ("ａ＠ｂ．ｃ", "a@b.c"),
            ("déjà vu", "déjà vu"),
        ];
        for (source, text) in rows {
            assert_eq!(Normalised::of(source).text, text);
        }
    }

    #[test]
    fn no_character_that_changes_is_passed_over() {
        for code in 0x80..=0x10_FFFF {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let text = character.to_string();
            let changed = plain_form(character) != Some(character);
            assert_eq!(changes(&text).next().is_some(), changed, "{code:x}");
        }
        let mixed = format!("{}é４", "a".repeat(70));
        assert_eq!(Normalised::of(&mixed).text, format!("{}é4", "a".repeat(70)));
    }

    #[test]
    fn offsets_lead_back_to_the_source() {
        let source = "é\u{200b}\u{200b} ４１ x";
        let normalised = Normalised::of(source);
        for mark in ['x', ' '] {
            let here = normalised.text.find(mark).expect("it is there");
            assert_eq!(
                normalised.source_offset(here),
                source.find(mark).expect("it is there"),
                "{mark:?}"
            );
        }
        let four = normalised.text.find('4').expect("it is there");
        assert_eq!(
            normalised.source_offset(four),
            source.find('４').expect("it is there")
        );
    }
}
