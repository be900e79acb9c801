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
        if source.is_ascii() {
            return Self {
                text: Cow::Borrowed(source),
                shifts: Vec::new(),
            };
        }
        let mut text = String::with_capacity(source.len());
        let mut shifts = Vec::new();
        let mut shift = 0;
        let mut rest = source;
        while !rest.is_empty() {
            let plain = rest
                .bytes()
                .position(|byte| byte >= 0x80)
                .unwrap_or(rest.len());
            text.push_str(&rest[..plain]);
            rest = &rest[plain..];
            let Some(character) = rest.chars().next() else {
                break;
            };
            rest = &rest[character.len_utf8()..];
            text.extend(plain_form(character));
            let there = source.len() - rest.len();
            if there - text.len() != shift {
                shift = there - text.len();
                shifts.push((text.len(), there));
            }
        }
        Self {
            text: Cow::Owned(text),
            shifts,
        }
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

/// Zeros of the decimal digits that scripts use; nine more follow each.
const ZEROS: [u32; 24] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0xFF10,
    0x1D7CE,
];

fn plain_form(character: char) -> Option<char> {
    let code = character as u32;
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
