//! What stands around one value: the phrases from the nearest on, no further than is asked. Several
//! detectors ask of the same value; it is looked around once for all of them.

use std::ops::Range;

use super::{BLOCK_BYTES, BLOCKS_KEPT, Block, Detectors, Surroundings, Verdict, WINDOW_BYTES};
use crate::Field;

/// Phrases around one value that are weighed, from the nearest on.
const WEIGHED_MAX: usize = 64;
/// A phrase after the value counts as this many times further away, plus a fixed distance.
const AFTER_FACTOR: usize = 3;
const AFTER_PENALTY: usize = 20;
/// A line break between phrase and value counts as this many bytes.
const LINE_PENALTY: usize = 15;

/// What stands around one value, as far as it has been asked for.
#[derive(Default)]
pub(super) struct Window {
    /// The value, and whether it stands in a cell of a table; nothing before the first one.
    around: Option<(Range<usize>, bool)>,
    before: Side,
    after: Side,
    /// Index of the name of the field that the value stands in.
    name: Option<usize>,
    /// Distance and phrase, nearest first.
    near: Vec<(usize, usize)>,
}

/// One side of a value: the phrases from the nearest on.
#[derive(Clone, Copy, Default)]
struct Side {
    /// The text that counts.
    from: usize,
    to: usize,
    block: usize,
    /// How many of the block's phrases are still to come; `None` before the block is looked at.
    left: Option<usize>,
    /// How far line breaks have been counted, and how many there were.
    seen: usize,
    breaks: usize,
    /// Distance and index of the next phrase.
    next: Option<(usize, usize)>,
}

impl Side {
    fn of(from: usize, to: usize, seen: usize) -> Self {
        Side {
            from,
            to,
            block: seen / BLOCK_BYTES,
            seen,
            ..Side::default()
        }
    }
}

impl Surroundings<'_> {
    /// Looks around the value at `value`, which may stand in `field`: what is asked next is asked of it.
    pub(crate) fn look_around(&mut self, value: &Range<usize>, field: Option<&Field>) {
        let name = field.map(|field| self.name(field));
        let in_cell = field.is_some_and(|field| field.cell.is_some());
        let same = |(last, cell): &(Range<usize>, bool)| last == value && *cell == in_cell;
        if self.window.around.as_ref().is_some_and(same) && self.window.name == name {
            return;
        }
        let mut from = value.start.saturating_sub(WINDOW_BYTES);
        let mut to = self.text.len().min(value.end + WINDOW_BYTES);
        // In a table of which the header is known, other rows say nothing of this one.
        if in_cell {
            let bytes = self.text.as_bytes();
            from = memchr::memrchr(b'\n', &bytes[from..value.start]).map_or(from, |n| from + n);
            to = memchr::memchr(b'\n', &bytes[value.end..to]).map_or(to, |n| value.end + n);
        }
        self.window.around = Some((value.clone(), in_cell));
        self.window.name = name;
        self.window.near.clear();
        self.window.before = Side::of(from, value.start, value.start);
        self.window.after = Side::of(value.end, to, value.end);
        self.step_back();
        self.step_on();
    }

    /// How far away the phrases around a value are, nearest first.
    #[cfg(test)]
    pub(crate) fn distances(&mut self, value: &Range<usize>) -> Vec<usize> {
        self.look_around(value, None);
        while self.grow() {}
        let near = self.window.near.iter();
        near.map(|(distance, _)| *distance).collect()
    }

    /// The detectors that a phrase within this distance of the value, or the field's name, speaks for.
    pub(crate) fn spoken_for(&mut self, within: usize) -> Detectors {
        while self.window.near.last().is_none_or(|last| last.0 <= within) && self.grow() {}
        let near = self.window.near.iter();
        let near = near.take_while(|(far, _)| *far <= within);
        let mut all = Detectors::default();
        for index in near.map(|(_, index)| index).chain(self.named()) {
            all.extend(&self.phrases.meanings[*index].for_them);
        }
        all
    }

    fn named(&self) -> &[usize] {
        let name = self.window.name;
        name.map_or(&[], |name| self.names[name].as_slice())
    }

    /// Judges the value for one detector by its field's name and the phrases within a distance.
    pub(crate) fn judge(&mut self, detector: usize, within: usize) -> Verdict {
        if !self.heard_by(detector) {
            return Verdict::Silent;
        }
        let named = self.named().iter().rev();
        let said = named.filter_map(|index| self.phrases.meanings[*index].of(detector));
        match said.into_iter().next() {
            Some(true) => return Verdict::Named,
            Some(false) => return Verdict::Against,
            None => {}
        }
        let mut against = None;
        let mut at = 0;
        while at < self.window.near.len() || self.grow() {
            let (distance, index) = self.window.near[at];
            if distance > within || against.is_some_and(|nearer| nearer < distance) {
                break;
            }
            match self.phrases.meanings[index].of(detector) {
                Some(true) => return Verdict::For(distance),
                Some(false) => against = Some(distance),
                None => {}
            }
            at += 1;
        }
        against.map_or(Verdict::Silent, |_| Verdict::Against)
    }

    /// Adds the next nearest phrase; `false` when there is none, or there have been enough.
    fn grow(&mut self) -> bool {
        if self.window.near.len() >= WEIGHED_MAX {
            return false;
        }
        let is_before = match (self.window.before.next, self.window.after.next) {
            (Some((before, _)), Some((after, _))) => before <= after,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return false,
        };
        if is_before {
            self.window.near.extend(self.window.before.next);
            self.step_back();
        } else {
            self.window.near.extend(self.window.after.next);
            self.step_on();
        }
        true
    }

    /// Goes on to the next phrase before the value.
    fn step_back(&mut self) {
        loop {
            self.search(self.window.before.block);
            let side = &mut self.window.before;
            if side.back(
                self.text.as_bytes(),
                &mut self.blocks[side.block % BLOCKS_KEPT],
            ) {
                return;
            }
            // The last byte of a phrase may be that of a character that begins a block earlier.
            if side.block == 0 || side.block * BLOCK_BYTES + char::MAX_LEN_UTF8 <= side.from {
                side.left = Some(0);
                return;
            }
            side.block -= 1;
            side.left = None;
        }
    }

    /// Goes on to the next phrase behind the value.
    fn step_on(&mut self) {
        loop {
            self.search(self.window.after.block);
            let side = &mut self.window.after;
            if side.on(
                self.text.as_bytes(),
                &mut self.blocks[side.block % BLOCKS_KEPT],
            ) {
                return;
            }
            if (side.block + 1) * BLOCK_BYTES >= side.to {
                side.left = Some(usize::MAX);
                return;
            }
            side.block += 1;
            side.left = None;
        }
    }
}

impl Side {
    /// Goes back to the next phrase of its block, or past the text that counts; `false` when the
    /// block has no more.
    fn back(&mut self, text: &[u8], block: &mut Block) -> bool {
        self.next = None;
        let mut left = self.left.unwrap_or_else(|| block.ended_at(self.to));
        while left > 0 {
            left -= 1;
            let phrase = block.by_end[left];
            if phrase.end < self.from {
                return true;
            }
            if phrase.start < self.from {
                continue;
            }
            if block.is_broken {
                self.breaks += line_breaks(&text[phrase.end..self.seen]);
            }
            self.seen = phrase.end;
            self.left = Some(left);
            let distance = self.to - phrase.end + LINE_PENALTY * self.breaks;
            self.next = Some((distance, phrase.index));
            return true;
        }
        false
    }

    /// The same the other way.
    fn on(&mut self, text: &[u8], block: &mut Block) -> bool {
        self.next = None;
        let done = self.left.unwrap_or_else(|| block.started_before(self.from));
        for (at, phrase) in block.by_start.iter().enumerate().skip(done) {
            if phrase.start >= self.to {
                return true;
            }
            if phrase.end > self.to {
                continue;
            }
            let start = phrase.start.max(self.seen);
            if block.is_broken {
                self.breaks += line_breaks(&text[self.seen..start]);
            }
            self.seen = start;
            self.left = Some(at + 1);
            let distance = phrase.start - self.from + LINE_PENALTY * self.breaks;
            self.next = Some((distance * AFTER_FACTOR + AFTER_PENALTY, phrase.index));
            return true;
        }
        false
    }
}

/// Line breaks in a window's text.
fn line_breaks(text: &[u8]) -> usize {
    let breaks: u16 = text.iter().map(|byte| u16::from(*byte == b'\n')).sum();
    usize::from(breaks)
}
