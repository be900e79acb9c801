//! Texts as Postgres takes them. It has no NUL in a text and bounds what an index holds, and both can
//! come from a service. What is told apart before stays apart: U+E000 marks what was changed.

use std::borrow::Cow;

use ring::digest::{SHA256, digest};

/// Longest key stored as it is, in bytes; an index entry of Postgres holds about 2,700.
const KEY_BYTES_MAX: usize = 600;
/// What stays readable of a longer one, in bytes at most.
const KEY_BYTES_KEPT: usize = 400;
const MARK: char = '\u{E000}';

/// A text that is shown or searched.
pub(crate) fn text(given: &str) -> Cow<'_, str> {
    if !given.contains(['\0', MARK]) {
        return Cow::Borrowed(given);
    }
    let mut stored = String::with_capacity(given.len() + 16);
    for letter in given.chars() {
        match letter {
            '\0' => stored.extend([MARK, '0']),
            MARK => stored.extend([MARK, '1']),
            letter => stored.push(letter),
        }
    }
    Cow::Owned(stored)
}

/// What [`text`] was made from.
pub(crate) fn original(stored: String) -> String {
    if !stored.contains(MARK) {
        return stored;
    }
    let mut given = String::with_capacity(stored.len());
    let mut letters = stored.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == MARK) {
            (_, true) if letters.next() == Some('0') => given.push('\0'),
            (letter, _) => given.push(letter),
        }
    }
    given
}

/// A text that is compared for being the same, and stands in an index.
pub(crate) fn key(given: &str) -> String {
    let stored = text(given);
    if stored.len() <= KEY_BYTES_MAX {
        return stored.into_owned();
    }
    let kept = stored.floor_char_boundary(KEY_BYTES_KEPT);
    let hash = hex::encode(digest(&SHA256, given.as_bytes()));
    format!("{MARK}2{}{hash}", &stored[..kept])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_comes_back() {
        for given in [
            "",
            "plain",
            "a\0b",
            "\u{E000}",
            "\u{E000}0",
            "\0\u{E000}1\0",
        ] {
            let stored = text(given).into_owned();
            assert!(!stored.contains('\0'));
            assert_eq!(original(stored), given);
        }
    }

    #[test]
    fn keys_fit_an_index_and_stay_apart() {
        let long = "é".repeat(5_000);
        let texts = [
            "a".to_owned(),
            "a\0".to_owned(),
            "a\u{E000}0".to_owned(),
            long.clone(),
            format!("{long}x"),
            key(&long),
            "\0".repeat(512),
        ];
        let mut keys: Vec<String> = texts.iter().map(|one| key(one)).collect();
        assert!(keys.iter().all(|key| key.len() <= KEY_BYTES_MAX));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), texts.len());
    }
}
