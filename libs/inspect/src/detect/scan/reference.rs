//! The same pass written plainly: every place, every detector, every phrase. What the fast one finds
//! must not differ from this.

use proptest::prelude::*;

use super::numbers::word_at;
use super::*;
use crate::detect::lexicon::fold;
use crate::detectors;

fn fast(engine: &Engine, text: &str) -> Findings {
    let root = Place::root();
    let mut tally = Tally::of(text.len());
    engine.scan(std::iter::once(piece(&root, text)), &mut tally);
    tally.findings
}

fn plain(engine: &Engine, text: &str) -> Findings {
    let root = Place::root();
    let mut tally = Tally::of(text.len());
    let normalised = Normalised::of(text);
    let mut pass = Pass::of(engine, piece(&root, text), &normalised);
    let bytes = normalised.text.as_bytes();
    for at in 0..bytes.len() {
        for index in longest_words(engine, bytes, at) {
            pass.try_at(index, at, &mut tally);
        }
    }
    for (sign, owners) in &engine.signs {
        for at in (0..bytes.len()).filter(|at| bytes[*at] == *sign) {
            for index in owners {
                pass.try_at(*index, at, &mut tally);
            }
        }
    }
    let mut secrets = pass.take_claims();
    pass.try_assignments(&mut Secrets::of(&secrets), &mut tally);
    secrets.extend(pass.take_claims());
    secrets.sort_unstable_by_key(|claim| claim.span.start);
    let secrets = &mut Secrets::of(&secrets);
    let digit = |at: usize| bytes[at].is_ascii_digit();
    for at in (0..bytes.len()).filter(|at| digit(*at) && (*at == 0 || !digit(at - 1))) {
        let others = engine.accounts.iter().chain(&engine.addresses);
        for index in engine.numbers.all().chain(others) {
            pass.try_at(*index, at, &mut tally);
        }
        if let Some(word) = word_at(bytes, at) {
            pass.try_codes(word, secrets, &mut tally);
        }
    }
    tally.findings
}

/// The detectors of the longest of all words that begin at `at`.
fn longest_words(engine: &Engine, bytes: &[u8], at: usize) -> Vec<usize> {
    let begins = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
    let mut owners = Vec::new();
    let mut longest = 0;
    for (index, detector) in engine.detectors.iter().enumerate() {
        let Anchor::Words(words) = detector.anchor else {
            continue;
        };
        let here = words
            .iter()
            .filter(|_| begins)
            .filter_map(|word| crate::detect::starts_with(&bytes[at..], word))
            .max();
        match here {
            Some(length) if length > longest => {
                longest = length;
                owners = vec![index];
            }
            Some(length) if length == longest => owners.push(index),
            _ => {}
        }
    }
    owners
}

fn piece<'t>(place: &'t Place, text: &'t str) -> Piece<'t> {
    Piece {
        place,
        text,
        fields: &[],
    }
}

fn sorted(findings: &Findings) -> Vec<String> {
    let mut all: Vec<String> = findings.iter().map(|found| format!("{found:?}")).collect();
    all.sort();
    all
}

fn rows() -> Vec<String> {
    let table = concat!(
        include_str!("../../../tests/detect.txt"),
        include_str!("../../../tests/detect-identifiers.txt"),
        include_str!("../../../tests/detect-secrets.txt"),
    );
    let texts = table.lines().filter_map(|line| line.split(" | ").next());
    texts
        .map(|text| text.replace("\\n", "\n").replace('~', ""))
        .collect()
}

/// Texts made of the tables' rows, with signs between them and a character changed.
fn texts() -> impl Strategy<Value = String> {
    const BETWEEN: [&str; 16] = [
        "", " ", "\n", "-", ".", ",", ":", "/", "_", "0", "a", "é", "４", "@", " order ", "=",
    ];
    let rows = rows();
    let piece = (0..rows.len(), 0..BETWEEN.len(), any::<char>(), 0..40usize);
    prop::collection::vec(piece, 1..12).prop_map(move |pieces| {
        let mut text = String::new();
        for (row, between, character, at) in pieces {
            let start = text.len();
            text.push_str(&rows[row]);
            text.push_str(BETWEEN[between]);
            if at % 4 == 0 && text.is_char_boundary(start + at) {
                text.insert(start + at, character);
            }
        }
        text
    })
}

#[test]
fn texts_that_are_made_to_be_slow_are_read_alike() {
    const BYTES: usize = 700;
    let engine = Engine::new(&detectors::built_in());
    for kind in crate::speed::texts::kinds() {
        let text = kind.text(BYTES);
        let (fast, plain) = (fast(&engine, &text), plain(&engine, &text));
        assert_eq!(sorted(&fast), sorted(&plain), "{}", kind.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_fast_pass_finds_what_the_plain_one_finds(text in texts()) {
        let detectors = detectors::built_in();
        static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
        let engine = ENGINE.get_or_init(|| Engine::new(&detectors));
        prop_assert_eq!(sorted(&fast(engine, &text)), sorted(&plain(engine, &text)));
    }

    #[test]
    fn numbers_in_any_order_with_any_signs_are_found_alike(
        text in "([0-9]{1,12}|[A-Z]{1,3}|[a-f0-9]{2,4}|[ .:/+()\n-]|card |ssn ){1,60}",
    ) {
        let detectors = detectors::built_in();
        static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
        let engine = ENGINE.get_or_init(|| Engine::new(&detectors));
        prop_assert_eq!(sorted(&fast(engine, &text)), sorted(&plain(engine, &text)));
    }

    #[test]
    fn the_nearest_phrases_are_those_that_a_plain_search_finds(
        words in prop::collection::vec((0..4_000usize, 0..6usize), 1..80),
        value in 0..4_000usize,
        length in 1..40usize,
    ) {
        let detectors = detectors::built_in();
        let all: Vec<&str> = detectors
            .iter()
            .flat_map(|detector| detector.positive.iter().chain(detector.negative))
            .copied()
            .collect();
        let text: String = words
            .iter()
            .map(|(word, sign)| format!("{}{}", all[word % all.len()], [" ", "\n", "s ", "x", "é ", " of the "][*sign]))
            .collect();
        let start = text.floor_char_boundary(value % text.len());
        let end = text.ceil_char_boundary((start + length).min(text.len()));
        let phrases = Phrases::of(detectors.iter().map(|d| (d.positive, d.negative)));
        let mut surroundings = Surroundings::of(&phrases, &text);
        let near = surroundings.distances(&(start..end));
        prop_assert_eq!(near, plain_distances(&all, &text, start..end));
    }
}

fn plain_distances(phrases: &[&str], text: &str, value: Range<usize>) -> Vec<usize> {
    let folded = fold(text);
    let bytes = folded.as_bytes();
    let word = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    let mut phrases = phrases.to_vec();
    phrases.sort_unstable();
    phrases.dedup();
    let mut distances = Vec::new();
    for phrase in phrases {
        for start in (0..folded.len()).filter(|at| folded[..].get(*at..).is_some()) {
            let end = start + phrase.len();
            let there = folded[start..].starts_with(phrase);
            let touched = bytes[start].is_ascii_alphanumeric() && word(start.checked_sub(1));
            let plural = bytes.get(end) == Some(&b's') && !word(Some(end + 1));
            let runs_on = there
                && phrase.as_bytes()[phrase.len() - 1].is_ascii_alphanumeric()
                && word(Some(end))
                && !plural;
            if !there || touched || runs_on {
                continue;
            }
            let breaks = |from: usize, to: usize| 15 * text[from..to].matches('\n').count();
            if end <= value.start && start + 300 >= value.start {
                distances.push(value.start - end + breaks(end, value.start));
            }
            if start >= value.end && end <= value.end + 300 {
                let away = start - value.end + breaks(value.end, start);
                distances.push(away * 3 + 20);
            }
        }
    }
    distances.sort_unstable();
    distances.truncate(64);
    distances
}
