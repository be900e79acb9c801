//! Tests on paths and names, all without regard to case: most services treat `/Finance` and `/finance` alike.

use regex::{Regex, RegexBuilder};

/// Longest pattern, in characters.
pub(crate) const PATTERN_CHARS_MAX: usize = 1_000;
/// Largest compiled pattern, in bytes.
const PATTERN_COMPILED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A compiled test on a text. Takes time linear in the text.
#[derive(Debug, Clone)]
pub(crate) struct TextTest(Regex);

impl TextTest {
    /// The text starts with that.
    pub(crate) fn starts_with(text: &str) -> Result<Self, String> {
        Self::compile(text, &format!("^{}", regex::escape(text)))
    }

    /// The text has that somewhere.
    pub(crate) fn contains(text: &str) -> Result<Self, String> {
        Self::compile(text, &regex::escape(text))
    }

    /// The whole text is of that form: `*` is any run of characters, `#` is exactly one.
    pub(crate) fn matches(pattern: &str) -> Result<Self, String> {
        let mut regex = String::from("^");
        let mut letters = [0; 4];
        for letter in pattern.chars() {
            match letter {
                '*' if regex.ends_with(".*") => {}
                '*' => regex.push_str(".*"),
                '#' => regex.push('.'),
                _ => regex.push_str(&regex::escape(letter.encode_utf8(&mut letters))),
            }
        }
        regex.push('$');
        Self::compile(pattern, &regex)
    }

    fn compile(written: &str, regex: &str) -> Result<Self, String> {
        let length = written.chars().count();
        if length > PATTERN_CHARS_MAX {
            return Err(format!(
                "the pattern has {length} characters; it may have {PATTERN_CHARS_MAX}"
            ));
        }
        RegexBuilder::new(regex)
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .size_limit(PATTERN_COMPILED_BYTES_MAX)
            .build()
            .map(TextTest)
            .map_err(|_| "the pattern is too complicated".to_owned())
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}
