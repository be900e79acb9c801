//! Numbers written in groups: where the groups are, what parts them, and whether more of the same
//! number stands on either side. Reads at most [`RUN_BYTES_MAX`] bytes.

use std::ops::Deref;

use crate::detect::Candidate;

/// Bytes that one number in groups may take.
pub(crate) const RUN_BYTES_MAX: usize = 64;
/// Groups that one number may have.
const GROUPS_MAX: usize = 7;

/// The digits of a number, without what parts them.
pub(crate) struct Digits {
    bytes: [u8; RUN_BYTES_MAX],
    length: usize,
}

impl Deref for Digits {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Digits {
    pub(crate) fn text(&self) -> String {
        self.iter().copied().map(char::from).collect()
    }
}

/// What parts two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    Space,
    Dash,
    Dot,
    /// A line break, with spaces around it.
    Break,
}

/// Groups of digits that follow each other.
#[derive(Debug)]
pub(crate) struct Run {
    groups: [(usize, usize); GROUPS_MAX],
    separators: [Separator; GROUPS_MAX],
    length: usize,
}

impl Run {
    /// The groups from the candidate's anchor on.
    pub(crate) fn at(candidate: &Candidate<'_>) -> Self {
        let bytes = candidate.bytes();
        let most = bytes.len().min(candidate.at + RUN_BYTES_MAX);
        let mut run = Run {
            groups: [(0, 0); GROUPS_MAX],
            separators: [Separator::Space; GROUPS_MAX],
            length: 0,
        };
        let mut at = candidate.at;
        while run.length < GROUPS_MAX {
            let end = bytes[at..most]
                .iter()
                .position(|b| !b.is_ascii_digit())
                .map_or(most, |n| at + n);
            run.groups[run.length] = (at, end);
            run.length += 1;
            let Some((separator, next)) = separator(&bytes[..most], end) else {
                break;
            };
            run.separators[run.length - 1] = separator;
            at = next;
        }
        run
    }

    /// Start and end of each group.
    pub(crate) fn groups(&self) -> &[(usize, usize)] {
        &self.groups[..self.length]
    }

    /// What parts each group from the next.
    pub(crate) fn separators(&self) -> &[Separator] {
        &self.separators[..self.length - 1]
    }

    /// Whether the first groups have these lengths and are parted all alike. A line break stands
    /// for any separator, once.
    pub(crate) fn has_shape(&self, lengths: &[usize]) -> Option<Separator> {
        if self.length < lengths.len() {
            return None;
        }
        let fits = self
            .groups
            .iter()
            .zip(lengths)
            .all(|((start, end), length)| end - start == *length);
        let separators = &self.separators[..lengths.len() - 1];
        let breaks = separators
            .iter()
            .filter(|s| **s == Separator::Break)
            .count();
        let kind = *separators.iter().find(|s| **s != Separator::Break)?;
        let alike = separators
            .iter()
            .all(|s| *s == kind || *s == Separator::Break);
        (fits && alike && breaks <= 1).then_some(kind)
    }

    /// The digits of the first `groups` groups.
    pub(crate) fn digits(&self, bytes: &[u8], groups: usize) -> Digits {
        let mut digits = Digits {
            bytes: [0; RUN_BYTES_MAX],
            length: 0,
        };
        for (start, end) in &self.groups[..groups] {
            let next = digits.length + end - start;
            digits.bytes[digits.length..next].copy_from_slice(&bytes[*start..*end]);
            digits.length = next;
        }
        digits
    }
}

fn separator(bytes: &[u8], end: usize) -> Option<(Separator, usize)> {
    const GAP_BYTES_MAX: usize = 8;
    let rest = &bytes[end..];
    let digit_at = |offset: usize| rest.get(offset).is_some_and(u8::is_ascii_digit);
    match rest.first()? {
        b' ' if digit_at(1) => Some((Separator::Space, end + 1)),
        b'-' if digit_at(1) => Some((Separator::Dash, end + 1)),
        b'.' if digit_at(1) => Some((Separator::Dot, end + 1)),
        b' ' | b'\r' | b'\n' => {
            let gap = rest
                .iter()
                .take(GAP_BYTES_MAX)
                .position(|b| !matches!(b, b' ' | b'\r' | b'\n'))?;
            let breaks = rest[..gap].iter().filter(|b| **b == b'\n').count();
            (breaks == 1 && digit_at(gap)).then_some((Separator::Break, end + gap))
        }
        _ => None,
    }
}

/// Whether what stands before `start` makes the digits part of something longer: a word, a decimal,
/// a UUID, a number in groups.
pub(crate) fn continues_before(bytes: &[u8], start: usize) -> bool {
    let back = |steps: usize| start.checked_sub(steps).map_or(b' ', |at| bytes[at]);
    match back(1) {
        // Letters of scripts without spaces may touch a number.
        byte if byte.is_ascii_alphanumeric() => true,
        b'_' | b'+' => true,
        b'.' => back(2).is_ascii_digit(),
        b'-' => back(2).is_ascii_digit() || (2..6).all(|steps| back(steps).is_ascii_hexdigit()),
        _ => false,
    }
}

/// Whether what stands at `end` makes the digits before it part of something longer.
pub(crate) fn continues_after(bytes: &[u8], end: usize) -> bool {
    let ahead = |steps: usize| bytes.get(end + steps).copied().unwrap_or(b' ');
    match ahead(0) {
        byte if byte.is_ascii_alphanumeric() => true,
        b'_' | b'%' => true,
        b'.' => ahead(1).is_ascii_digit(),
        b'-' => ahead(1).is_ascii_digit() || (1..5).all(|steps| ahead(steps).is_ascii_hexdigit()),
        // Decimals after a comma have one or two digits.
        b',' => {
            let digits = (1..5)
                .take_while(|steps| ahead(*steps).is_ascii_digit())
                .count();
            (1..=2).contains(&digits)
        }
        _ => false,
    }
}
