//! Regular expressions that cannot be slow, and what their matches must satisfy.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::{PATTERN_BYTES_MAX, Problem};
use crate::detect::{luhn, mod97};

/// Bytes that a compiled pattern, and the cache of its automaton, may take.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Groups within groups.
const NESTING_MAX: u32 = 50;

/// What the letters and digits of a match must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validator {
    /// The Luhn check over its digits, of which there are two at least.
    Luhn,
    /// ISO 7064 MOD 97-10 as IBANs have it: the first four characters count last.
    Mod97,
}

impl Validator {
    pub(crate) fn holds(self, written: &str) -> bool {
        let bytes = written.bytes();
        match self {
            Validator::Luhn => {
                let digits: Vec<u8> = bytes.filter(u8::is_ascii_digit).collect();
                digits.len() >= 2 && luhn(&digits)
            }
            Validator::Mod97 => {
                let bare: Vec<u8> = bytes.filter(u8::is_ascii_alphanumeric).collect();
                bare.len() > 4 && mod97(&bare)
            }
        }
    }
}

pub(crate) fn compile(pattern: &str) -> Result<Regex, Problem> {
    if pattern.is_empty() {
        return Err(Problem::Nothing { what: "pattern" });
    }
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(Problem::TooMany {
            what: "bytes in the pattern",
            max: PATTERN_BYTES_MAX,
        });
    }
    let parsed = regex_syntax::ParserBuilder::new()
        .nest_limit(NESTING_MAX)
        .build()
        .parse(pattern)
        .map_err(|error| unreadable(&error))?;
    if parsed
        .properties()
        .minimum_len()
        .is_none_or(|least| least == 0)
    {
        return Err(Problem::MatchesNothing);
    }
    RegexBuilder::new(pattern)
        .nest_limit(NESTING_MAX)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|_| Problem::TooMany {
            what: "bytes in the compiled pattern: shorten its repetitions",
            max: COMPILED_BYTES_MAX,
        })
}

fn unreadable(error: &regex_syntax::Error) -> Problem {
    let (at, why) = match error {
        regex_syntax::Error::Parse(error) => {
            let start = error.span().start;
            (Some((start.line, start.column)), error.kind().to_string())
        }
        regex_syntax::Error::Translate(error) => {
            let start = error.span().start;
            (Some((start.line, start.column)), error.kind().to_string())
        }
        other => (None, other.to_string()),
    };
    Problem::Pattern { at, why }
}
