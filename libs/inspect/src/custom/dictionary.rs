//! Words and phrases, found in one pass however many there are.

use aho_corasick::{AhoCorasick, MatchKind};

use super::{DICTIONARY_BYTES_MAX, ENTRIES_MAX, Problem};

/// Bytes of one entry.
const ENTRY_BYTES_MIN: usize = 2;
const ENTRY_BYTES_MAX: usize = 200;

#[derive(Debug)]
pub(crate) struct Dictionary {
    words: AhoCorasick,
    case_matters: bool,
    accents_matter: bool,
}

/// A match in the text, and the entry as it reads when case and accents are gone.
pub(crate) struct Entry {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) folded: String,
}

impl Dictionary {
    pub(crate) fn of(
        entries: &[String],
        case_matters: bool,
        accents_matter: bool,
    ) -> Result<Self, Problem> {
        if entries.is_empty() {
            return Err(Problem::Nothing { what: "entry" });
        }
        let bytes: usize = entries.iter().map(String::len).sum();
        let too_many = |what, max| Err(Problem::TooMany { what, max });
        if entries.len() > ENTRIES_MAX {
            return too_many("entries", ENTRIES_MAX);
        }
        if bytes > DICTIONARY_BYTES_MAX {
            return too_many("bytes of entries", DICTIONARY_BYTES_MAX);
        }
        let sized = |entry: &String| {
            (ENTRY_BYTES_MIN..=ENTRY_BYTES_MAX).contains(&entry.trim().len())
                && entry.contains(char::is_alphanumeric)
        };
        if let Some(wrong) = entries.iter().position(|entry| !sized(entry)) {
            return Err(Problem::Entry {
                list: "entries",
                number: wrong + 1,
                min: ENTRY_BYTES_MIN,
                max: ENTRY_BYTES_MAX,
            });
        }
        let folded = entries.iter().map(|entry| {
            let folded = Folded::of(entry.trim(), case_matters, accents_matter);
            folded.text
        });
        let words = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(folded)
            .map_err(|_| Problem::TooMany {
                what: "bytes of entries",
                max: DICTIONARY_BYTES_MAX,
            })?;
        Ok(Self {
            words,
            case_matters,
            accents_matter,
        })
    }

    /// Every entry that stands alone in the text.
    pub(crate) fn each(&self, text: &str, mut found: impl FnMut(Entry)) {
        let folded = Folded::of(text, self.case_matters, self.accents_matter);
        for word in self.words.find_iter(&folded.text) {
            if stands_alone(&folded.text, word.start(), word.end()) {
                found(Entry {
                    start: folded.source_offset(word.start()),
                    end: folded.source_offset(word.end()),
                    folded: folded.text[word.start()..word.end()].to_owned(),
                });
            }
        }
    }
}

/// Text without what does not matter, and the way back.
struct Folded {
    text: String,
    /// Where the distance between the two texts changes: (offset here, offset there), ascending.
    shifts: Vec<(usize, usize)>,
}

impl Folded {
    fn of(source: &str, case_matters: bool, accents_matter: bool) -> Self {
        let mut folded = Self {
            text: String::with_capacity(source.len()),
            shifts: Vec::new(),
        };
        let mut shift = 0isize;
        for (at, character) in source.char_indices() {
            if accents_matter || !is_accent(character) {
                let bare = if accents_matter {
                    character
                } else {
                    without_accent(character)
                };
                if case_matters {
                    folded.text.push(bare);
                } else {
                    folded.text.extend(bare.to_lowercase());
                }
            }
            let there = at + character.len_utf8();
            let now = there as isize - folded.text.len() as isize;
            if now != shift {
                shift = now;
                folded.shifts.push((folded.text.len(), there));
            }
        }
        folded
    }

    fn source_offset(&self, offset: usize) -> usize {
        let after = self.shifts.partition_point(|(here, _)| *here <= offset);
        match after.checked_sub(1).map(|last| self.shifts[last]) {
            Some((here, there)) => there + (offset - here),
            None => offset,
        }
    }
}

/// Marks that stand on the letter before them.
fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// The letter without its mark, for the Latin letters of Europe's languages, and ё.
fn without_accent(character: char) -> char {
    const LETTERS: [(&str, char); 40] = [
        ("ÀÁÂÃÄÅĀĂĄ", 'A'),
        ("àáâãäåāăą", 'a'),
        ("ÇĆĈĊČ", 'C'),
        ("çćĉċč", 'c'),
        ("ĎĐ", 'D'),
        ("ďđ", 'd'),
        ("ÈÉÊËĒĔĖĘĚ", 'E'),
        ("èéêëēĕėęě", 'e'),
        ("ĜĞĠĢ", 'G'),
        ("ĝğġģ", 'g'),
        ("ĤĦ", 'H'),
        ("ĥħ", 'h'),
        ("ÌÍÎÏĨĪĬĮİ", 'I'),
        ("ìíîïĩīĭįı", 'i'),
        ("Ĵ", 'J'),
        ("ĵ", 'j'),
        ("Ķ", 'K'),
        ("ķ", 'k'),
        ("ĹĻĽĿŁ", 'L'),
        ("ĺļľŀł", 'l'),
        ("ÑŃŅŇ", 'N'),
        ("ñńņň", 'n'),
        ("ÒÓÔÕÖØŌŎŐ", 'O'),
        ("òóôõöøōŏő", 'o'),
        ("ŔŖŘ", 'R'),
        ("ŕŗř", 'r'),
        ("ŚŜŞŠȘ", 'S'),
        ("śŝşšș", 's'),
        ("ŢŤŦȚ", 'T'),
        ("ţťŧț", 't'),
        ("ÙÚÛÜŨŪŬŮŰŲ", 'U'),
        ("ùúûüũūŭůűų", 'u'),
        ("Ŵ", 'W'),
        ("ŵ", 'w'),
        ("ÝŶŸ", 'Y'),
        ("ýÿŷ", 'y'),
        ("ŹŻŽ", 'Z'),
        ("źżž", 'z'),
        ("ё", 'е'),
        ("Ё", 'Е'),
    ];
    if character.is_ascii() || !matches!(character, '\u{c0}'..='\u{24f}' | 'Ё' | 'ё') {
        return character;
    }
    let bare = LETTERS
        .iter()
        .find(|(marked, _)| marked.contains(character));
    bare.map_or(character, |(_, letter)| *letter)
}

/// Whether no letter or digit touches the match; scripts without spaces are let through.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let joins = |character: Option<char>| {
        character.is_some_and(|c| c.is_alphanumeric() && !matches!(c, '\u{e00}'..='\u{eff}' | '\u{3041}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'))
    };
    let (before, inside, after) = (&text[..start], &text[start..end], &text[end..]);
    let starts_within = joins(before.chars().next_back()) && joins(inside.chars().next());
    let ends_within = joins(inside.chars().next_back()) && joins(after.chars().next());
    !starts_within && !ends_within
}
