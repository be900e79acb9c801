//! The forms in which identifiers are written, as one automaton over classes of characters: a walk
//! from the start of a word tells all forms that stand there.
//!
//! A form is written with `9` for a digit, `A` for a letter, `H` for a hexadecimal digit, `X` for a
//! letter or digit, each perhaps followed by `{n}` or `{n,m}`; ` - . / + ( )` stand for themselves.

use std::collections::HashMap;

/// Bytes that a form may take.
pub(crate) const FORM_BYTES_MAX: usize = 72;

const DIGIT: usize = 0;
const HEX_LETTER: usize = 1;
const LETTER: usize = 2;
const SIGNS: &[u8] = b" -./+()";
const CLASSES: usize = 3 + SIGNS.len();
const NO_CLASS: u8 = CLASSES as u8;
/// The classes that words start with, and one for words of nothing but digits.
const CLASSES_OF_WORDS: usize = 4;
const DIGITS_ONLY: usize = 3;
/// Entries of a state: where each class leads, then nowhere, and last which forms are complete.
const ENTRIES: usize = 16;
const COMPLETE: usize = ENTRIES - 1;
const DEAD: u16 = 0;

/// The class of each byte.
const CLASS_OF: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut class_of = [NO_CLASS; 256];
    let mut byte = 0;
    while byte < 128 {
        let value = byte as u8;
        if value.is_ascii_digit() {
            class_of[byte] = DIGIT as u8;
        } else if value.is_ascii_hexdigit() {
            class_of[byte] = HEX_LETTER as u8;
        } else if value.is_ascii_alphabetic() {
            class_of[byte] = LETTER as u8;
        }
        byte += 1;
    }
    let mut sign = 0;
    while sign < SIGNS.len() {
        class_of[SIGNS[sign] as usize] = (3 + sign) as u8;
        sign += 1;
    }
    class_of
}

/// All forms of all detectors.
#[derive(Debug)]
pub(crate) struct Forms {
    states: Vec<[u16; ENTRIES]>,
    /// Owners of the forms that are complete together; the first are nobody's.
    complete: Vec<Vec<u16>>,
    /// The state behind so many digits.
    behind_digits: Vec<u16>,
    /// How long a form's first word may be, one bit for each length: by the class of the word's first
    /// character, or [`DIGITS_ONLY`], and by the class of what follows the word.
    first_words: [[u128; ENTRIES]; CLASSES_OF_WORDS],
}

impl Forms {
    /// Compiles forms, each with the number by which [`Forms::walk`] reports it.
    pub(crate) fn of(forms: &[(&str, u16)]) -> Self {
        let spelled: Vec<(Vec<u16>, u16)> = forms
            .iter()
            .flat_map(|(form, owner)| spell(form).into_iter().map(|classes| (classes, *owner)))
            .collect();
        let all: Vec<usize> = (0..spelled.len()).collect();
        let mut known: HashMap<(usize, Vec<usize>), u16> = HashMap::new();
        let mut built = Self {
            states: vec![[DEAD; ENTRIES]],
            complete: vec![Vec::new()],
            behind_digits: Vec::new(),
            first_words: first_words(&spelled),
        };
        let mut open = vec![(0, all.clone(), built.add(&spelled, 0, &all))];
        while let Some((depth, alive, state)) = open.pop() {
            for class in 0..CLASSES {
                let next: Vec<usize> = alive
                    .iter()
                    .copied()
                    .filter(|form| {
                        let classes = &spelled[*form].0;
                        classes
                            .get(depth)
                            .is_some_and(|set| set & (1 << class) != 0)
                    })
                    .collect();
                if next.is_empty() {
                    continue;
                }
                let key = (depth + 1, next);
                let to = known.get(&key).copied().unwrap_or_else(|| {
                    let added = built.add(&spelled, key.0, &key.1);
                    open.push((key.0, key.1.clone(), added));
                    known.insert(key, added);
                    added
                });
                built.states[usize::from(state)][class] = to;
            }
        }
        let mut state = 1;
        while state != DEAD {
            built.behind_digits.push(state);
            state = built.states[usize::from(state)][DIGIT];
        }
        built
    }

    /// Whether a form may start with this word, which is not empty, when `after` follows it. Told by
    /// the word's length and its first character alone.
    pub(crate) fn may_start(&self, word: &[u8], digits_only: bool, after: Option<u8>) -> bool {
        let class = if digits_only {
            DIGITS_ONLY
        } else {
            usize::from(CLASS_OF[usize::from(word[0])]) % CLASSES_OF_WORDS
        };
        let after = after.map_or(NO_CLASS, |byte| CLASS_OF[usize::from(byte)]);
        let lengths = self.first_words[class][usize::from(after) % ENTRIES];
        word.len() < 128 && lengths & 1 << word.len() != 0
    }

    /// The number of the forms that so many digits complete, where no form goes on with `after`.
    pub(crate) fn of_digits_alone(&self, digits: usize, after: Option<u8>) -> Option<usize> {
        let class = after.map_or(NO_CLASS, |byte| CLASS_OF[usize::from(byte)]);
        let state = self.states[usize::from(*self.behind_digits.get(digits)?)];
        let ends = state[usize::from(class) % ENTRIES] == DEAD;
        (ends && state[COMPLETE] != 0).then_some(usize::from(state[COMPLETE]))
    }

    /// Owners of the forms that are complete together, by the number that [`Forms::walk`] tells.
    pub(crate) fn owners(&self) -> &[Vec<u16>] {
        &self.complete
    }

    fn add(&mut self, spelled: &[(Vec<u16>, u16)], depth: usize, alive: &[usize]) -> u16 {
        let ended = alive.iter().filter(|form| spelled[**form].0.len() == depth);
        let mut owners: Vec<u16> = ended.map(|form| spelled[*form].1).collect();
        owners.sort_unstable();
        owners.dedup();
        let mut state = [DEAD; ENTRIES];
        if !owners.is_empty() {
            state[COMPLETE] = u16::try_from(self.complete.len()).expect("forms are few");
            self.complete.push(owners);
        }
        self.states.push(state);
        u16::try_from(self.states.len() - 1).expect("a form has few states of its own")
    }

    /// Calls `complete` with the end and the number of all forms that stand at `start` and end there;
    /// says how many bytes it looked at. The first `digits` bytes are known to be digits, and no form
    /// that ends among them is told.
    pub(crate) fn walk(
        &self,
        bytes: &[u8],
        start: usize,
        digits: usize,
        mut complete: impl FnMut(usize, usize),
    ) -> usize {
        let Some(state) = self.behind_digits.get(digits) else {
            return digits;
        };
        let mut state = &self.states[usize::from(*state)];
        if state[COMPLETE] != 0 {
            complete(start + digits, usize::from(state[COMPLETE]));
        }
        for (steps, byte) in bytes[start..].iter().enumerate().skip(digits) {
            let class = usize::from(CLASS_OF[usize::from(*byte)]) % ENTRIES;
            let next = state[class];
            if next == DEAD {
                return steps + 1;
            }
            state = &self.states[usize::from(next)];
            if state[COMPLETE] != 0 {
                complete(start + steps + 1, usize::from(state[COMPLETE]));
            }
        }
        bytes.len() - start
    }
}

/// What [`Forms::may_start`] knows of these forms.
fn first_words(spelled: &[(Vec<u16>, u16)]) -> [[u128; ENTRIES]; CLASSES_OF_WORDS] {
    const IN_WORDS: u16 = 1 << DIGIT | 1 << HEX_LETTER | 1 << LETTER;
    let mut lengths = [[0; ENTRIES]; CLASSES_OF_WORDS];
    for (sets, _) in spelled {
        let word = sets.iter().take_while(|set| **set & IN_WORDS != 0).count();
        let digits_only = sets[..word].iter().all(|set| set & 1 << DIGIT != 0);
        let follows = sets.get(word).copied();
        for (class, by_sign) in lengths.iter_mut().enumerate() {
            let starts = match class {
                DIGITS_ONLY => digits_only,
                class => word > 0 && sets[0] & 1 << class != 0,
            };
            for (sign, bits) in by_sign.iter_mut().enumerate() {
                // A form that is complete needs nothing of what follows.
                let fits = follows.is_none_or(|set| set & 1 << sign != 0);
                *bits |= u128::from(starts && fits) << word;
            }
        }
    }
    lengths
}

/// The sets of classes that a form's characters belong to, one list for each length it may have.
fn spell(form: &str) -> Vec<Vec<u16>> {
    let bytes = form.as_bytes();
    let mut spelled = vec![Vec::new()];
    let mut at = 0;
    while at < bytes.len() {
        let set = match bytes[at] {
            b'9' => 1 << DIGIT,
            b'A' => 1 << HEX_LETTER | 1 << LETTER,
            b'H' => 1 << DIGIT | 1 << HEX_LETTER,
            b'X' => 1 << DIGIT | 1 << HEX_LETTER | 1 << LETTER,
            sign => 1 << CLASS_OF[usize::from(sign)],
        };
        at += 1;
        let (mut least, mut most) = (1, 1);
        if bytes.get(at) == Some(&b'{') {
            let close = form[at..].find('}').expect("a repetition ends") + at;
            let (from, to) = form[at + 1..close]
                .split_once(',')
                .unwrap_or((&form[at + 1..close], &form[at + 1..close]));
            least = from.parse().expect("a repetition is a number");
            most = to.parse().expect("a repetition is a number");
            at = close + 1;
        }
        spelled = spelled
            .iter()
            .flat_map(|before: &Vec<u16>| {
                (least..=most).map(|times: usize| {
                    let mut longer = before.clone();
                    longer.extend(std::iter::repeat_n(set, times));
                    longer
                })
            })
            .collect();
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_tells_every_form_that_stands_at_its_start() {
        let forms = Forms::of(&[("999-99", 1), ("9{3}", 2), ("X{2,3}", 3), ("AA 9", 4)]);
        let rows: [(&str, &[(usize, u16)]); 4] = [
            ("123-45", &[(2, 3), (3, 2), (3, 3), (6, 1)]),
            ("ab 1", &[(2, 3), (4, 4)]),
            ("1_2", &[]),
            ("é", &[]),
        ];
        for (text, expected) in rows {
            let told = |digits| {
                let mut found = Vec::new();
                forms.walk(text.as_bytes(), 0, digits, |end, number| {
                    let owners = forms.owners()[number].iter();
                    found.extend(owners.map(|owner| (end, *owner)));
                });
                found
            };
            assert_eq!(told(0), expected, "{text}");
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            for digits in 0..=digits {
                let rest = expected.iter().copied();
                let rest: Vec<_> = rest.filter(|(end, _)| *end >= digits).collect();
                assert_eq!(told(digits), rest, "{text} behind {digits} digits");
            }
        }
    }

    #[test]
    fn a_words_length_and_what_follows_it_tell_whether_a_form_may_start_there() {
        let forms = Forms::of(&[("999-99", 1), ("AA 9", 2), ("X{5}", 3)]);
        let rows: [(&str, Option<u8>, bool); 10] = [
            ("123", Some(b'-'), true),
            ("123", Some(b' '), false),
            ("123", None, false),
            ("12", Some(b'-'), false),
            ("AB", Some(b' '), true),
            ("A1", Some(b' '), true),
            ("1A", Some(b' '), false),
            ("12345", None, true),
            ("1b345", Some(b'-'), true),
            ("123456", None, false),
        ];
        for (word, after, expected) in rows {
            let digits_only = word.bytes().all(|byte| byte.is_ascii_digit());
            let told = forms.may_start(word.as_bytes(), digits_only, after);
            assert_eq!(told, expected, "{word} {after:?}");
        }
    }

    #[test]
    fn every_built_in_form_may_start_with_its_first_word() {
        const OF_CLASS: [u8; CLASSES] = *b"7fz -./+()";
        let detectors = crate::detectors::built_in();
        let mut all: Vec<(&str, u16)> = Vec::new();
        for detector in &detectors {
            if let super::super::Anchor::Forms(forms) = detector.anchor {
                all.extend(forms.iter().map(|form| (form.trim_start_matches('!'), 0)));
            }
        }
        let forms = Forms::of(&all);
        for sets in all.iter().flat_map(|(form, _)| spell(form)) {
            for prefers in [DIGIT, HEX_LETTER, LETTER] {
                let class = |set: &u16| match set & 1 << prefers {
                    0 => set.trailing_zeros() as usize,
                    _ => prefers,
                };
                let text: Vec<u8> = sets.iter().map(|set| OF_CLASS[class(set)]).collect();
                let word = text.iter().take_while(|byte| byte.is_ascii_alphanumeric());
                let (word, rest) = text.split_at(word.count());
                let digits_only = word.iter().all(u8::is_ascii_digit);
                let may_start = forms.may_start(word, digits_only, rest.first().copied());
                assert!(may_start, "{}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn no_built_in_form_is_longer_than_the_bound() {
        for detector in crate::detectors::built_in() {
            if let super::super::Anchor::Forms(forms) = detector.anchor {
                for form in forms {
                    let longest = spell(form.trim_start_matches('!'))
                        .iter()
                        .map(Vec::len)
                        .max();
                    assert!(longest <= Some(FORM_BYTES_MAX), "{form}");
                }
            }
        }
    }
}
