//! Strings of Excel before 2007. The strings that cells share are cut into records of 8 KB at any
//! place, even within a string, which then tells again whether its characters take one byte or two.
//! Source: [MS-XLS] 2.5.240, 2.5.294 and 2.4.265.

use std::cell::Cell;

use super::super::bytes::{Bytes, latin, utf16};

/// Strings that the cells of a workbook may share.
const STRINGS_MAX: usize = 1 << 20;
const WIDE: u8 = 1;
const EXTENDED: u8 = 4;
const RICH: u8 = 8;

/// A string with its length in two bytes.
pub(super) fn long(body: &[u8]) -> Option<String> {
    let mut reading = Bytes::new(body);
    let characters = usize::from(reading.u16()?);
    flagged(reading, characters)
}

/// A string with its length in one byte.
pub(super) fn short(body: &[u8]) -> Option<String> {
    let mut reading = Bytes::new(body);
    let characters = usize::from(reading.u8()?);
    flagged(reading, characters)
}

/// Characters up to the end.
pub(super) fn characters(body: &[u8]) -> Option<String> {
    flagged(Bytes::new(body), usize::MAX)
}

fn flagged(mut reading: Bytes<'_>, characters: usize) -> Option<String> {
    let is_wide = reading.u8()? & WIDE != 0;
    let rest = reading.rest();
    let bytes = characters
        .saturating_mul(if is_wide { 2 } else { 1 })
        .min(rest.len());
    Some(if is_wide {
        utf16(&rest[..bytes])
    } else {
        latin(&rest[..bytes])
    })
}

/// The strings that cells refer to by number, and which of them are used.
#[derive(Default)]
pub(super) struct Strings {
    strings: Vec<(String, Cell<bool>)>,
    /// What the record that was read last left open.
    open: Option<Open>,
    /// Bytes of formats that are still to be passed over.
    skip: usize,
}

/// A string whose end is in the next record.
struct Open {
    text: String,
    characters_left: usize,
    skip_after: usize,
}

impl Strings {
    /// Reads the first record.
    pub(super) fn begin(&mut self, body: &[u8]) {
        *self = Self::default();
        self.read(body.get(8..).unwrap_or_default());
    }

    /// Reads a record that goes on with the one before.
    pub(super) fn go_on(&mut self, body: &[u8]) {
        let Some(mut open) = self.open.take() else {
            return self.read(body);
        };
        let mut reading = Bytes::new(body);
        let Some(flags) = reading.u8() else {
            self.open = Some(open);
            return;
        };
        let left = open.characters_left;
        let (text, taken, bytes) = take_characters(reading.rest(), left, flags & WIDE != 0);
        open.text.push_str(&text);
        open.characters_left -= taken;
        if open.characters_left > 0 {
            self.open = Some(open);
            return;
        }
        self.skip = open.skip_after;
        self.push(open.text);
        self.read(&reading.rest()[bytes..]);
    }

    fn read(&mut self, body: &[u8]) {
        let skipped = self.skip.min(body.len());
        self.skip -= skipped;
        let mut reading = Bytes::new(&body[skipped..]);
        while self.strings.len() < STRINGS_MAX && self.one(&mut reading).is_some() {}
    }

    /// Reads one string; `None` when the record holds no more.
    fn one(&mut self, reading: &mut Bytes<'_>) -> Option<()> {
        let characters = usize::from(reading.u16()?);
        let flags = reading.u8()?;
        let runs = if flags & RICH == 0 {
            0
        } else {
            usize::from(reading.u16()?)
        };
        let extended = if flags & EXTENDED == 0 {
            0
        } else {
            reading.u32()? as usize
        };
        let skip_after = runs.saturating_mul(4).saturating_add(extended);
        let (text, taken, bytes) = take_characters(reading.rest(), characters, flags & WIDE != 0);
        reading.take(bytes)?;
        if taken < characters {
            let characters_left = characters - taken;
            self.open = Some(Open {
                text,
                characters_left,
                skip_after,
            });
            return None;
        }
        self.push(text);
        let here = skip_after.min(reading.rest().len());
        reading.take(here)?;
        self.skip = skip_after - here;
        (self.skip == 0).then_some(())
    }

    fn push(&mut self, text: String) {
        if self.strings.len() < STRINGS_MAX {
            self.strings.push((text, Cell::new(false)));
        }
    }

    /// The string that a cell refers to.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let (text, used) = self.strings.get(index)?;
        used.set(true);
        Some(text)
    }

    /// The strings that no cell has asked for.
    pub(super) fn unused(&self) -> String {
        let unused = self.strings.iter().filter(|(_, used)| !used.get());
        unused.flat_map(|(text, _)| [text, "\n"]).collect()
    }
}

/// Up to that many characters, how many there were, and the bytes that they took.
fn take_characters(rest: &[u8], characters: usize, is_wide: bool) -> (String, usize, usize) {
    let size = if is_wide { 2 } else { 1 };
    let taken = characters.min(rest.len() / size);
    let bytes = &rest[..taken * size];
    let text = if is_wide { utf16(bytes) } else { latin(bytes) };
    (text, taken, taken * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_goes_on_in_the_next_record_whatever_its_width() {
        let mut strings = Strings::default();
        let first = [&[0; 8][..], &[3, 0, 0], b"one", &[6, 0, 0], b"4539"].concat();
        strings.begin(&first);
        let second = [&[1][..], b"7\08\0", &[2, 0, 0], b"xy"].concat();
        strings.go_on(&second);
        assert_eq!(strings.get(0), Some("one"));
        assert_eq!(strings.get(1), Some("453978"));
        assert_eq!(strings.unused(), "xy\n");
    }

    #[test]
    fn formats_behind_a_string_are_passed_over_even_across_records() {
        let mut strings = Strings::default();
        let first = [&[0; 8][..], &[1, 0, RICH, 2, 0], b"a", &[9; 5]].concat();
        strings.begin(&first);
        strings.go_on(&[&[9, 9, 9][..], &[1, 0, 0], b"b"].concat());
        assert_eq!((strings.get(0), strings.get(1)), (Some("a"), Some("b")));
    }
}
