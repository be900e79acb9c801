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
