//! Tests on texts. Those on paths and names are without regard to case: most services treat `/Finance` and
//! `/finance` alike.

use memchr::memchr2_iter;
use regex::{Regex, RegexBuilder};

/// Longest pattern, in characters.
pub(crate) const PATTERN_CHARS_MAX: usize = 1_000;
/// Largest compiled pattern, in bytes.
const PATTERN_COMPILED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Whether capitals matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// They do not.
    Any,
    /// They do.
    Exact,
}

impl Case {
    /// Whether the bytes are that text of ASCII letters.
    fn holds(self, bytes: &[u8], text: &str) -> bool {
        match self {
            Case::Any => bytes.eq_ignore_ascii_case(text.as_bytes()),
            Case::Exact => bytes == text.as_bytes(),
        }
    }
}

/// A compiled test on a text. Takes time linear in the text.
#[derive(Debug, Clone)]
pub(crate) enum TextTest {
    /// Starts with this, of ASCII letters.
    Start(String, Case),
    /// Ends with this, of ASCII letters.
    End(String, Case),
    /// Has this of ASCII letters somewhere.
    Within(Needle),
    Regex(Regex),
    /// Is of a form that always has this of ASCII letters somewhere.
    Form(Regex, String),
}

impl TextTest {
    /// The text starts with that.
    pub(crate) fn starts_with(text: &str, case: Case) -> Result<Self, String> {
        if text.is_ascii() {
            short_enough(text)?;
            return Ok(TextTest::Start(text.to_owned(), case));
        }
        Self::compile(text, &format!("^{}", regex::escape(text)), case)
    }

    /// The text ends with that.
    pub(crate) fn ends_with(text: &str, case: Case) -> Result<Self, String> {
        if text.is_ascii() {
            short_enough(text)?;
            return Ok(TextTest::End(text.to_owned(), case));
        }
        Self::compile(text, &format!("{}$", regex::escape(text)), case)
    }

    /// The text has that somewhere.
    pub(crate) fn contains(text: &str, case: Case) -> Result<Self, String> {
        let search = Self::compile(text, &regex::escape(text), case)?;
        Ok(match (search, Needle::rarest(text)) {
            (TextTest::Regex(otherwise), Some(rarest)) => TextTest::Within(Needle {
                text: text.to_owned(),
                case,
                rarest,
                otherwise,
            }),
            (search, _) => search,
        })
    }

    /// The whole text is of that form: `*` is any run of characters, `#` is exactly one.
    pub(crate) fn has_form(pattern: &str) -> Result<Self, String> {
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
        let runs = pattern.split(['*', '#']).filter(|run| run.is_ascii());
        let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
        Ok(match Self::compile(pattern, &regex, Case::Any)? {
            TextTest::Regex(regex) if !longest.is_empty() => {
                TextTest::Form(regex, longest.to_owned())
            }
            other => other,
        })
    }

    /// The text has a match of the regular expression: bare, or `/between slashes/` with the flags `i`, `m`, `s`,
    /// `u` and `x` behind. Without look-around and back-references, so that it takes linear time.
    pub(crate) fn matches(written: &str, case: Case) -> Result<Self, String> {
        short_enough(written)?;
        let delimited = written
            .strip_prefix('/')
            .and_then(|rest| rest.rsplit_once('/'));
        let (regex, flags) = delimited.unwrap_or((written, ""));
        if let Some(odd) = flags.chars().find(|flag| !"imsux".contains(*flag)) {
            return Err(format!(
                "`{odd}` is no flag of a pattern: i, m, s, u and x are"
            ));
        }
        RegexBuilder::new(regex)
            .case_insensitive(case == Case::Any || flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .ignore_whitespace(flags.contains('x'))
            .size_limit(PATTERN_COMPILED_BYTES_MAX)
            .build()
            .map(TextTest::Regex)
            .map_err(|error| wrong(&error))
    }

    fn compile(written: &str, regex: &str, case: Case) -> Result<Self, String> {
        short_enough(written)?;
        RegexBuilder::new(regex)
            .case_insensitive(case == Case::Any)
            .dot_matches_new_line(true)
            .size_limit(PATTERN_COMPILED_BYTES_MAX)
            .build()
            .map(TextTest::Regex)
            .map_err(|error| wrong(&error))
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self {
            TextTest::Start(start, case) => bytes
                .get(..start.len())
                .is_some_and(|head| case.holds(head, start)),
            TextTest::End(end, case) => bytes
                .len()
                .checked_sub(end.len())
                .is_some_and(|from| case.holds(&bytes[from..], end)),
            TextTest::Within(needle) => needle.is_in(text),
            TextTest::Regex(regex) | TextTest::Form(regex, _) => regex.is_match(text),
        }
    }

    /// What a text of ASCII letters has somewhere, in whatever case, when the test holds of it.
    pub(crate) fn always_has(&self) -> Option<&str> {
        match self {
            TextTest::Within(needle) => Some(&needle.text),
            TextTest::Form(_, longest) => Some(longest),
            TextTest::Start(..) | TextTest::End(..) | TextTest::Regex(_) => None,
        }
    }
}

/// A text to be looked for in others: by its rarest letter, and only around that by the others.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    text: String,
    case: Case,
    /// Where its rarest letter stands.
    rarest: usize,
    /// Looks for it in texts beyond ASCII, where a letter may have other capitals.
    otherwise: Regex,
}

impl Needle {
    /// Where the letter stands that paths and names have least; none for what is empty or beyond ASCII.
    fn rarest(text: &str) -> Option<usize> {
        const FROM_COMMON: &[u8] = b"/eaitnosrlcdumphgfbvyw. -_kxjqz";
        let rarity = |letter: &u8| {
            let known = FROM_COMMON.iter();
            let mut known = known.take_while(|one| **one != letter.to_ascii_lowercase());
            known.by_ref().count()
        };
        let letters = text.as_bytes().iter().enumerate();
        let rarest = letters.max_by_key(|(_, letter)| rarity(letter));
        rarest.filter(|_| text.is_ascii()).map(|(at, _)| at)
    }

    fn is_in(&self, text: &str) -> bool {
        if !text.is_ascii() {
            return self.otherwise.is_match(text);
        }
        let bytes = text.as_bytes();
        let rarest = self.text.as_bytes()[self.rarest];
        let (one, other) = match self.case {
            Case::Any => (rarest.to_ascii_lowercase(), rarest.to_ascii_uppercase()),
            Case::Exact => (rarest, rarest),
        };
        memchr2_iter(one, other, bytes).any(|at| {
            let start = at.checked_sub(self.rarest);
            let there = start.and_then(|start| bytes.get(start..start + self.text.len()));
            there.is_some_and(|there| self.case.holds(there, &self.text))
        })
    }
}

fn short_enough(written: &str) -> Result<(), String> {
    let length = written.chars().count();
    if length > PATTERN_CHARS_MAX {
        return Err(format!(
            "the pattern has {length} characters; it may have {PATTERN_CHARS_MAX}"
        ));
    }
    Ok(())
}

fn wrong(error: &regex::Error) -> String {
    let said = error.to_string();
    match error {
        regex::Error::Syntax(_) => {
            // The parser draws the pattern first; what is wrong stands in the last line.
            let last = said.lines().last().unwrap_or_default();
            let why = last.trim_start_matches("error: ");
            format!("the pattern cannot be read: {why}")
        }
        _ => "the pattern is too complicated".to_owned(),
    }
}
