//! What is wrong with a manifest, said so that its writer can mend it.

use std::cell::RefCell;

use serde::Serialize;
use thiserror::Error;

/// One mistake in a manifest or in a connection's parameters: where it is, what it is, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[error("{origin}:{line}:{column}: {path}: {message}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct Mistake {
    /// The file, or `connection` for parameters.
    pub origin: String,
    /// Line, from 1; 0 when it is not in a file.
    pub line: usize,
    /// Column, from 1; 0 when it is not in a file.
    pub column: usize,
    /// Where in the document, such as `/actions/delete/verify`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What may have been meant.
    pub hint: Option<String>,
}

/// Where mistakes are gathered: reading goes on after each of them.
pub(crate) struct Mistakes {
    origin: String,
    found: RefCell<Vec<Mistake>>,
}

impl Mistakes {
    pub(crate) fn of(origin: &str) -> Self {
        Mistakes {
            origin: origin.to_owned(),
            found: RefCell::default(),
        }
    }

    pub(crate) fn add(
        &self,
        at: (usize, usize),
        path: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.found.borrow_mut().push(Mistake {
            origin: self.origin.clone(),
            line: at.0,
            column: at.1,
            path: if path.is_empty() { "/" } else { path }.to_owned(),
            message: message.into(),
            hint,
        });
    }

    /// All of them, in the order of the file.
    pub(crate) fn all(self) -> Vec<Mistake> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|mistake| (mistake.line, mistake.column));
        found
    }
}

/// "did you mean …" for the known word that is nearest, if one is near.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let next = (row[j + 1] + 1)
                .min(row[j] + 1)
                .min(diagonal + usize::from(from != *to));
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_word_is_suggested_and_a_far_one_is_not() {
        let known = ["event_name", "event_type", "role"];
        let rows = [
            ("event_tpye", Some("event_type")),
            ("rol", Some("role")),
            ("visibility", None),
            ("", None),
        ];
        for (word, expected) in rows {
            let hint = did_you_mean(word, known);
            assert_eq!(hint, expected.map(|word| format!("did you mean `{word}`?")));
        }
    }
}
