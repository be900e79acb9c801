//! What fields must have somewhere, looked for in one pass over each field, however many policies ask: those whose text is
//! not there are ruled out. A field that is absent rules nothing out, and neither does one with letters beyond ASCII,
//! for these have other capitals.

use aho_corasick::AhoCorasick;
use event_model::Field;

use super::Left;
use crate::input::Input;

/// Fields that one index looks through, at most.
pub(super) const FIELDS_MAX: usize = 3;
/// Texts found in a field that are told apart, at most. Of a field that has more, nothing is ruled out.
pub(super) const HITS_MAX: usize = 8;
/// Texts that are looked for in one field, and bytes of them together. A policy with one more is looked at each time.
const TEXTS_MAX: usize = 20_000;
const TEXTS_BYTES_MAX: usize = 1 << 20;

/// The texts that policies look for in one field.
#[derive(Debug, Clone)]
pub(super) struct Within {
    field: Field,
    all: Vec<usize>,
    /// In lower case, ascending once `search` is made, each with the policies that look for it.
    texts: Vec<(String, Vec<usize>)>,
    bytes: usize,
    search: Option<AhoCorasick>,
}

impl Within {
    pub(super) fn of(field: Field) -> Self {
        Within {
            field,
            all: Vec::new(),
            texts: Vec::new(),
            bytes: 0,
            search: None,
        }
    }

    pub(super) fn is_of(&self, field: Field) -> bool {
        self.field == field
    }

    pub(super) fn has_room(&self, text: &str) -> bool {
        self.texts.len() < TEXTS_MAX && self.bytes + text.len() <= TEXTS_BYTES_MAX
    }

    /// Adds a policy; places come ascending.
    pub(super) fn add(&mut self, text: &str, place: usize) {
        self.bytes += text.len();
        if self.all.last() != Some(&place) {
            self.all.push(place);
        }
        self.texts.push((text.to_ascii_lowercase(), vec![place]));
    }

    /// Makes the search ready, after the last policy.
    pub(super) fn finish(&mut self) {
        self.texts.sort();
        self.texts.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1.append(&mut later.1);
                earlier.1.sort_unstable();
                earlier.1.dedup();
            }
            same
        });
        let texts = self.texts.iter().map(|(text, _)| text);
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(texts);
        // Without one, nothing is ruled out.
        self.search = built.ok();
    }

    /// Adds the lists of the policies that this field leaves.
    pub(super) fn leave<'i>(&'i self, input: Option<&Input<'_>>, left: &mut Left<'i>) {
        let text = input.and_then(|input| input.activity.text(self.field));
        let (Some(text), Some(search)) = (text.filter(|text| text.is_ascii()), &self.search) else {
            return left.go_through(&self.all);
        };
        let mut hits = [0; HITS_MAX];
        let mut used = 0;
        for hit in search.find_overlapping_iter(&*text) {
            let hit = hit.pattern().as_usize();
            if hits[..used].contains(&hit) {
                continue;
            }
            if used == HITS_MAX {
                return left.go_through(&self.all);
            }
            hits[used] = hit;
            used += 1;
        }
        for hit in &hits[..used] {
            left.go_through(&self.texts[*hit].1);
        }
    }
}
