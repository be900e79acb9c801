//! Custom detectors over a text. They share the work, the bounds and the context of the built-in
//! ones, and their findings look alike.

use std::ops::Range;

use super::compile::{Compiled, Ready, Search};
use super::documents::Reading;
use crate::Confidence;
use crate::detect::{
    Named, Normalised, Piece, Surroundings, Tally, Verdict, field_at, mask, place_of,
};

/// Bytes of one match of a pattern, and of the stretch that is searched at once.
const MATCH_BYTES_MAX: usize = 512;
const STRETCH_BYTES: usize = 1_024;
/// Matches in one stretch. A search may look at all of it to find a single character: this bounds how
/// often.
const STRETCH_MATCHES_MAX: usize = STRETCH_BYTES / 2;

impl Compiled {
    /// Scans all pieces; the findings' keys start at `first`, which no built-in detector has.
    pub(crate) fn scan<'t>(
        &self,
        pieces: impl Iterator<Item = Piece<'t>>,
        first: usize,
        tally: &mut Tally,
    ) {
        let mut readings: Vec<Reading> = Vec::new();
        readings.resize_with(self.detectors.len(), Reading::default);
        let mut whole: Option<Piece<'t>> = None;
        for piece in pieces {
            whole = whole.or(Some(piece));
            let normalised = Normalised::of(piece.text);
            let mut matches = Matches {
                set: self,
                piece,
                normalised: &normalised,
                surroundings: Surroundings::of(&self.phrases, &normalised.text),
                first,
            };
            for (index, detector) in self.detectors.iter().enumerate() {
                if let Search::Documents(library) = &detector.search {
                    if tally.work(normalised.text.len()) {
                        library.read(&mut readings[index], &normalised.text);
                    }
                } else {
                    matches.of(index, detector, tally);
                }
            }
        }
        let documents = self.detectors.iter().zip(&readings).enumerate();
        for (index, (detector, reading)) in documents {
            if let (Search::Documents(library), Some(piece)) = (&detector.search, whole) {
                for (document, share) in library.met(reading) {
                    let sure = detector.confidence.unwrap_or(Confidence::Medium);
                    tally.count(
                        (first + index, document.to_string()),
                        sure,
                        || (0, piece.place.clone()),
                        |_| detector.named(format!("document {} ({share} %)", document + 1)),
                    );
                }
            }
        }
    }
}

impl Ready {
    fn named(&self, masked: String) -> Named {
        Named {
            detector: self.name.clone().into(),
            group: self.group.clone().map(Into::into),
            masked,
            test_value: false,
        }
    }
}

/// The matches in one piece.
struct Matches<'p> {
    set: &'p Compiled,
    piece: Piece<'p>,
    normalised: &'p Normalised<'p>,
    surroundings: Surroundings<'p>,
    first: usize,
}

impl<'p> Matches<'p> {
    fn of(&mut self, index: usize, detector: &'p Ready, tally: &mut Tally) {
        let text: &'p str = &self.normalised.text;
        match &detector.search {
            Search::Dictionary(dictionary) => {
                if tally.work(text.len()) {
                    dictionary.each(text, |entry| {
                        self.keep(index, entry.start..entry.end, entry.folded, tally);
                    });
                }
            }
            Search::Pattern(pattern, validator) => {
                each_match(text, pattern, tally, |span, tally| {
                    let written = &text[span.clone()];
                    if validator.is_none_or(|validator| validator.holds(written)) {
                        self.keep(index, span, written.to_owned(), tally);
                    }
                });
            }
            Search::Rows(table) => {
                let mut met = Vec::new();
                table.each(text, |units| tally.work(units), |row| met.push(row));
                for row in met {
                    self.keep(index, row.start..row.end, row.row.to_string(), tally);
                }
            }
            Search::Documents(_) => {}
        }
    }

    /// Judges a match and counts its value.
    fn keep(&mut self, index: usize, span: Range<usize>, value: String, tally: &mut Tally) {
        let detector = &self.set.detectors[index];
        let offset = self.normalised.source_offset(span.start);
        let field = field_at(self.piece.fields, offset);
        self.surroundings.look_around(&span, field);
        let verdict = self.surroundings.judge(index, usize::MAX);
        if !tally.work(self.surroundings.searched()) {
            return;
        }
        let sure = match verdict {
            Verdict::Named | Verdict::For(_) => Some(Confidence::High),
            Verdict::Against => detector.confidence.map(|_| Confidence::Low),
            Verdict::Silent => detector.confidence,
        };
        if let Some(sure) = sure {
            tally.count(
                (self.first + index, value),
                sure,
                || (offset, place_of(self.piece, field)),
                |_| detector.named(mask(&self.normalised.text[span])),
            );
        }
    }
}

/// Every match of the pattern, stretch by stretch: one that is cut by a stretch's end is found whole in
/// the next, which starts [`MATCH_BYTES_MAX`] earlier.
fn each_match(
    text: &str,
    pattern: &regex::Regex,
    tally: &mut Tally,
    mut found: impl FnMut(Range<usize>, &mut Tally),
) {
    let (mut from, mut base) = (0, 0);
    while base < text.len() {
        let end = text.ceil_char_boundary(base + STRETCH_BYTES + MATCH_BYTES_MAX);
        let next = text.ceil_char_boundary(base + STRETCH_BYTES);
        let stretch = &text[..end];
        from = from.max(base);
        let mut matches = 0;
        // What starts behind `next` belongs to the next stretch.
        while from < next {
            let here = pattern.find_at(stretch, from);
            let searched = here.map_or(end, |here| here.end()) - from;
            matches += 1;
            if !tally.work(searched) || (matches > STRETCH_MATCHES_MAX && tally.stop()) {
                return;
            }
            let Some(here) = here.filter(|here| here.start() < next || end == text.len()) else {
                break;
            };
            from = here.end();
            if here.len() <= MATCH_BYTES_MAX {
                found(here.range(), tally);
            }
        }
        base = next;
    }
}
