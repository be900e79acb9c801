//! What is wrong with a custom detector, in words that its author can act on.

use std::fmt;

/// A mistake in a custom detector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomError {
    /// The detector's name as it is written.
    pub detector: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a detector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The name, or the group's, has other characters or another length than names have.
    Name,
    /// Another detector or group has the name.
    NameTaken,
    /// The title is empty or too long.
    Title,
    /// There is more than there may be.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// There is nothing to look for.
    Nothing {
        /// What is missing.
        what: &'static str,
    },
    /// An entry, phrase or value is too short, too long, or has nothing that can be found.
    Entry {
        /// In which list.
        list: &'static str,
        /// Which, counted from 1.
        number: usize,
        /// Bytes that it must have at least.
        min: usize,
        /// Bytes that it may have at most.
        max: usize,
    },
    /// The pattern cannot be read.
    Pattern {
        /// Line and column, counted from 1, when the place is known.
        at: Option<(usize, usize)>,
        /// Why.
        why: String,
    },
    /// The pattern matches nothing at all, everywhere.
    MatchesNothing,
    /// The table lacks a column.
    Column {
        /// The column's header.
        header: String,
    },
    /// A line of the table cannot be read.
    Line {
        /// Counted from 1.
        number: usize,
    },
    /// A number is outside its bounds.
    Number {
        /// Which.
        what: &'static str,
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
}

impl CustomError {
    /// A problem of a detector.
    pub fn of(detector: &str, problem: Problem) -> Self {
        Self {
            detector: detector.to_owned(),
            problem,
        }
    }
}

impl fmt::Display for CustomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "detector `{}`: {}", self.detector, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Name => f.write_str(
                "a name has 2 to 64 lower-case letters, digits and dashes, and starts with a letter",
            ),
            Problem::NameTaken => f.write_str("another detector or group has this name"),
            Problem::Title => f.write_str("the title has 1 to 200 characters"),
            Problem::TooMany { what, max } => write!(f, "there are more than {max} {what}"),
            Problem::Nothing { what } => write!(f, "there is no {what}"),
            Problem::Entry {
                list,
                number,
                min,
                max,
            } => write!(
                f,
                "number {number} of the {list} must have {min} to {max} bytes, letters or digits among them"
            ),
            Problem::Pattern {
                at: Some((line, column)),
                why,
            } => write!(f, "the pattern at line {line}, column {column}: {why}"),
            Problem::Pattern { at: None, why } => write!(f, "the pattern: {why}"),
            Problem::MatchesNothing => f.write_str("the pattern matches the empty text"),
            Problem::Column { header } => write!(f, "the table has no column `{header}`"),
            Problem::Line { number } => write!(f, "line {number} of the table cannot be read"),
            Problem::Number { what, min, max } => write!(f, "{what} must be {min} to {max}"),
        }
    }
}

impl std::error::Error for CustomError {}
