//! Names with values in any notation: `name = value`, `"name": "value"`, `name := 'value'`,
//! `name => value`, `name: Type = value`, `?name=value`. What is looked at of each is bounded, and a
//! name is searched for the words that detectors want before its value is read.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{Detector, Verify};

/// Bytes of a name, of what parts it from its value, and of the value.
const NAME_BYTES_MAX: usize = 64;
const GAP_BYTES_MAX: usize = 8;
pub(crate) const VALUE_BYTES_MAX: usize = 600;

/// A name and the value that it is given.
#[derive(Debug)]
pub(crate) struct Assignment<'t> {
    /// The name's letters and digits, in lower case.
    name: &'t str,
    /// Where in the name the word stands that the detector wants.
    word: (usize, usize),
    pub(crate) value: &'t str,
    pub(crate) start: usize,
    pub(crate) quoted: bool,
}

impl Assignment<'_> {
    /// The wanted word.
    pub(crate) fn word(&self) -> &str {
        self.name.get(self.word.0..self.word.1).unwrap_or_default()
    }

    /// What stands before it in the name.
    pub(crate) fn name_before(&self) -> &str {
        self.name.get(..self.word.0).unwrap_or_default()
    }

    /// Whether the name says that the value opens something.
    pub(crate) fn names_a_key(&self) -> bool {
        const OPENERS: [&str; 8] = [
            "key",
            "token",
            "secret",
            "pass",
            "auth",
            "pat",
            "credential",
            "pwd",
        ];
        OPENERS.iter().any(|word| self.name.contains(word))
    }

    /// What stands behind it.
    pub(crate) fn name_rest(&self) -> &str {
        self.name.get(self.word.1..).unwrap_or_default()
    }
}

/// The words in names that detectors want.
#[derive(Debug)]
pub(crate) struct Names {
    words: Option<AhoCorasick>,
    /// One bit for each hash of three letters that a word starts with.
    filter: Vec<u64>,
    /// The detector that wants each word.
    owners: Vec<usize>,
}

impl Names {
    pub(crate) fn of(detectors: &[&'static Detector]) -> Self {
        let mut texts: Vec<&str> = Vec::new();
        let mut owners = Vec::new();
        for (index, detector) in detectors.iter().enumerate() {
            if let Verify::Assigned { names, .. } = detector.verify {
                texts.extend(names);
                owners.extend(names.iter().map(|_| index));
            }
        }
        let mut filter = vec![0u64; 1 << 10];
        for text in &texts {
            let slot = text.as_bytes().first_chunk().map_or(0, slot_of);
            filter[slot / 64] |= 1 << (slot % 64);
        }
        let words = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .build(&texts);
        Self {
            words: words.ok().filter(|_| !texts.is_empty()),
            filter,
            owners,
        }
    }

    /// Calls `found` with every detector that wants the name before the sign at `at`, in the order
    /// of detectors, and the assignment; as long as it says that it did not take it.
    pub(crate) fn each(
        &self,
        text: &str,
        at: usize,
        run: &mut Range<usize>,
        found: impl FnMut(usize, &Assignment<'_>) -> bool,
    ) {
        let bytes = text.as_bytes();
        let Some(gap) = value_gap(bytes, at) else {
            return;
        };
        let mut letters = [0; NAME_BYTES_MAX];
        let name = name_before(bytes, at, &mut letters);
        if !self.may_want(name) {
            return;
        }
        // A letter beyond ASCII may have been cut in two.
        let cut = name.iter().take_while(|byte| **byte & 0xC0 == 0x80).count();
        let Ok(name) = std::str::from_utf8(&name[cut..]) else {
            return;
        };
        let wanted = self.wanted(name);
        if wanted.is_empty() {
            return;
        }
        let Some((start, end, quoted)) = value_at(bytes, at + 1 + gap, run) else {
            return;
        };
        let Some(value) = text.get(start..end) else {
            return;
        };
        tell(name, value, start, quoted, &wanted, found);
    }

    /// The same for a value that a document gives a name.
    pub(crate) fn each_named(
        &self,
        name: &str,
        (start, value): (usize, &str),
        found: impl FnMut(usize, &Assignment<'_>) -> bool,
    ) {
        let name: String = name
            .chars()
            .filter(|character| character.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .take(NAME_BYTES_MAX)
            .collect();
        tell(&name, value, start, false, &self.wanted(&name), found);
    }

    /// Whether any detector wants the name.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let mut wanted = false;
        self.each_named(name, (0, ""), |_, _| {
            wanted = true;
            true
        });
        wanted
    }

    /// Whether three letters of the name start a word that is wanted, or look like it.
    fn may_want(&self, name: &[u8]) -> bool {
        let starts = |letters: &[u8]| {
            let slot = letters.first_chunk().map_or(0, slot_of);
            self.filter[slot / 64] & 1 << (slot % 64) != 0
        };
        name.windows(3).any(starts)
    }

    /// The detectors that want a name, each with where its word stands in it: of several the last,
    /// and of those that end there the longest.
    fn wanted(&self, name: &str) -> Vec<(usize, usize, usize)> {
        let Some(words) = self
            .words
            .as_ref()
            .filter(|_| self.may_want(name.as_bytes()))
        else {
            return Vec::new();
        };
        let mut wanted: Vec<(usize, usize, usize)> = words
            .find_overlapping_iter(name)
            .map(|word| {
                (
                    self.owners[word.pattern().as_usize()],
                    word.start(),
                    word.end(),
                )
            })
            .collect();
        wanted.sort_unstable_by_key(|(owner, from, to)| (*owner, usize::MAX - to, *from));
        wanted.dedup_by_key(|(owner, ..)| *owner);
        wanted
    }
}

fn slot_of(letters: &[u8; 3]) -> usize {
    let [a, b, c] = letters.map(u32::from);
    ((a | b << 8 | c << 16).wrapping_mul(0x9E37_79B1) >> 16) as usize
}

fn tell(
    name: &str,
    value: &str,
    start: usize,
    quoted: bool,
    wanted: &[(usize, usize, usize)],
    mut found: impl FnMut(usize, &Assignment<'_>) -> bool,
) {
    for (owner, from, to) in wanted {
        let assignment = Assignment {
            name,
            word: (*from, *to),
            value,
            start,
            quoted,
        };
        if found(*owner, &assignment) {
            return;
        }
    }
}

/// Bytes between the sign and the value; `None` when no value worth a look follows.
fn value_gap(bytes: &[u8], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).map_or(b'\n', |before| bytes[before]);
    let ahead = bytes.get(at + 1..)?;
    let next = *ahead.first()?;
    let comparison = b"=!<>".contains(&before) || b"=:/".contains(&next);
    // A key of one or two characters, in any quotes, opens nothing.
    let shortest = ahead.get(..5)?;
    if comparison || shortest.contains(&b'\n') || before == b'\n' {
        return None;
    }
    let arrow = usize::from(bytes[at] == b'=' && next == b'>');
    let spaces = ahead[arrow..].iter().take(GAP_BYTES_MAX);
    Some(arrow + spaces.take_while(|byte| b" \t".contains(byte)).count())
}

/// The letters and digits of the name that ends before the sign at `at`, in lower case.
fn name_before<'l>(bytes: &[u8], at: usize, letters: &'l mut [u8; NAME_BYTES_MAX]) -> &'l [u8] {
    let mut length = 0;
    let mut typed = false;
    let least = at.saturating_sub(NAME_BYTES_MAX);
    let mut spaces = 0;
    for place in (least..at).rev() {
        let byte = bytes[place];
        if IN_NAME[usize::from(byte)] {
            length += 1;
            letters[NAME_BYTES_MAX - length] = byte.to_ascii_lowercase();
            spaces = 0;
            continue;
        }
        match byte {
            b' ' | b'\t' if spaces < GAP_BYTES_MAX => spaces += 1,
            b'_' | b'-' | b'.' => spaces = 0,
            b'"' | b'\'' | b'`' | b']' | b'\\' | b'*' if length == 0 => {}
            // `name: Type = value`, `name := value`
            b':' if bytes[at] == b'=' && !typed => {
                let name = &letters[NAME_BYTES_MAX - length..];
                if !TYPES.contains(&name) {
                    break;
                }
                typed = true;
                length = 0;
            }
            _ => break,
        }
    }
    &letters[NAME_BYTES_MAX - length..]
}

/// The bytes of letters and digits.
static IN_NAME: [bool; 256] = {
    let mut inside = [false; 256];
    let mut at = 0;
    while at < inside.len() {
        let byte = at as u8;
        inside[at] = byte.is_ascii_alphanumeric() || !byte.is_ascii();
        at += 1;
    }
    inside
};

/// What stands between a name and its value in languages with types.
const TYPES: [&[u8]; 9] = [
    b"",
    b"string",
    b"str",
    b"staticstr",
    b"text",
    b"secretstr",
    b"bytes",
    b"any",
    b"optionalstr",
];

/// The bytes that end a value without quotes.
const ENDS_VALUE: [bool; 256] = {
    let mut ends = [false; 256];
    let signs = b" \t\r\n\x0b\x0c,;\"'`&)}]<>|\\";
    let mut at = 0;
    while at < signs.len() {
        ends[signs[at] as usize] = true;
        at += 1;
    }
    ends
};

/// Where the value starts and ends, and whether it is in quotes. `run` is the last run of text that
/// nothing ended: many values may start in a long one, and it is read once.
fn value_at(bytes: &[u8], mut at: usize, run: &mut Range<usize>) -> Option<(usize, usize, bool)> {
    let escaped = bytes.get(at) == Some(&b'\\');
    at += usize::from(escaped);
    let prefixed = bytes.get(at).is_some_and(|byte| b"brf@".contains(byte))
        && bytes.get(at + 1).is_some_and(|byte| b"\"'".contains(byte));
    at += usize::from(prefixed);
    let quote = *bytes.get(at)?;
    let quoted = b"\"'`".contains(&quote);
    let start = at + usize::from(quoted);
    let end = if quoted {
        let most = bytes.len().min(start + VALUE_BYTES_MAX + 1);
        let closes = |byte: &u8| *byte == quote || *byte == b'\n' || (escaped && *byte == b'\\');
        let end = start + bytes[start..most].iter().position(closes)?;
        (bytes[end] != b'\n').then_some(end)?
    } else {
        if !run.contains(&start) {
            let rest = &bytes[start..];
            let length = rest.iter().position(|byte| ENDS_VALUE[usize::from(*byte)]);
            *run = start..start + length.unwrap_or(rest.len());
        }
        run.end
    };
    let length = end - start;
    if length > VALUE_BYTES_MAX {
        return None;
    }
    let ahead = &bytes[start..];
    // A sentence's full stop is no part of a value.
    let stop = !quoted && ahead[..length].ends_with(b".");
    let length = length - usize::from(stop);
    (length > 0).then_some((start, start + length, quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_its_value_are_read_in_every_notation() {
        let names = Names::of(&crate::detectors::built_in());
        let rows = [
            ("db_password = 'hunter42x'", '=', Some("hunter42x")),
            ("dbPassword: hunter42x", ':', Some("hunter42x")),
            (r#"{"password":"hunter42x"}"#, ':', Some("hunter42x")),
            (r#""{\"password\":\"hunter42x\"}""#, ':', Some("hunter42x")),
            ("password := \"hunter42x\"", '=', Some("hunter42x")),
            ("password: str = \"hunter42x\"", '=', Some("hunter42x")),
            (":password => 'hunter42x',", '=', Some("hunter42x")),
            ("?a=1&password=hunter42x&b=2", '=', None),
            ("&password=hunter42x&b=2", '=', Some("hunter42x")),
            ("Mot de passe : hunter42x.", ':', Some("hunter42x")),
            ("пароль: hunter42x", ':', Some("hunter42x")),
            ("password == hunter42x", '=', None),
            ("password\nuser: hunter42x", ':', None),
            ("password: \"hunter\n42x\"", ':', None),
            ("password:", ':', None),
        ];
        for (text, sign, value) in rows {
            let at = text.find(sign).expect("the sign is there");
            let mut found = None;
            names.each(text, at, &mut (0..0), |_, assignment| {
                found = Some(assignment.value.to_owned());
                true
            });
            assert_eq!(found.as_deref(), value, "{text}");
        }
    }
}
