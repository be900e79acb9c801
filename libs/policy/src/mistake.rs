//! What is wrong with a policy, where, and what was probably meant.

use std::fmt;

use serde::Serialize;

/// Most mistakes reported of one policy; the rest would only follow from these.
pub const MISTAKES_MAX: usize = 50;

/// What sort of mistake it is: stable, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MistakeCode {
    /// The rule is not written as rules are.
    Syntax,
    /// A bound on length, depth or number is passed.
    TooLarge,
    /// No such object, attribute or function.
    UnknownName,
    /// The parts do not fit together.
    WrongType,
    /// An argument is of the wrong number, type or form.
    WrongArgument,
    /// A word that the attribute never has.
    UnknownWord,
    /// The name does not exist for this trigger.
    NotAvailable,
    /// The name is not for this effect.
    WrongEffect,
    /// No such detector.
    UnknownDetector,
    /// Something that must be given is not.
    Missing,
    /// A response that cannot be carried out.
    CannotRespond,
    /// A text of a form that is not taken: address, message, name.
    Malformed,
}

/// A place in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Bytes before it.
    pub offset: usize,
    /// Length in bytes; 0 at the end of the rule.
    pub length: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One mistake in a policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Which part of the document: a JSON pointer, `/rule` and so on.
    pub field: String,
    /// Where in the rule; absent for other parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What sort of mistake.
    pub code: MistakeCode,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// `/rule, line 1, column 5: what is wrong (what to write)`: one line, for people.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        if let Some(place) = self.position {
            write!(f, ", line {}, column {}", place.line, place.column)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Where a part stands in the rule, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn to(self, other: Span) -> Span {
        Span {
            start: self.start,
            end: other.end,
        }
    }

    /// The position of the span in the rule.
    pub(crate) fn position(self, rule: &str) -> Position {
        let before = &rule[..self.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            offset: self.start,
            length: self.end - self.start,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// A mistake in the rule, before its position is counted out.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) span: Span,
    pub(crate) code: MistakeCode,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: Span, code: MistakeCode, message: impl Into<String>) -> Self {
        Fault {
            span,
            code,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn into_mistake(self, rule: &str) -> Mistake {
        Mistake {
            field: "/rule".to_owned(),
            position: Some(self.span.position(rule)),
            code: self.code,
            message: self.message,
            hint: self.hint,
        }
    }
}

/// The faults as mistakes, in the order of the rule, at most [`MISTAKES_MAX`].
pub(crate) fn mistakes(mut faults: Vec<Fault>, rule: &str) -> Vec<Mistake> {
    faults.sort_by_key(|fault| fault.span.start);
    // What is said first of a place explains the rest that is said of it.
    faults.dedup_by(|later, earlier| {
        let misread = [MistakeCode::Syntax, MistakeCode::UnknownName];
        later.span.start == earlier.span.start && misread.contains(&earlier.code)
    });
    let kept = faults.into_iter().take(MISTAKES_MAX);
    kept.map(|fault| fault.into_mistake(rule)).collect()
}

/// The known name closest to what was written, if any is close: at most a third of it differs.
pub(crate) fn nearest<'n>(
    given: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    const GIVEN_CHARS_MAX: usize = 64;
    let given: Vec<char> = given.to_lowercase().chars().collect();
    if given.len() > GIVEN_CHARS_MAX {
        return None;
    }
    known
        .into_iter()
        .map(|name| (distance(&given, name), name))
        .filter(|(distance, name)| *distance <= given.len().max(name.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Letters to insert, delete or replace, whatever their case.
fn distance(given: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=given.len()).collect();
    for (above, letter) in name.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, other) in given.iter().enumerate() {
            let replaced = diagonal + usize::from(*other != letter);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row[given.len()]
}
