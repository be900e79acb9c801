//! Reads what is known of the content: findings, labels, coverage, and the attributes of files.

use std::borrow::Cow;

use super::{Read, Reader};
use crate::domain::same_letters;
use crate::input::{Confidence, ContentFacts, ContentState, Coverage, Input};
use crate::metadata::{Asked, Name};
use crate::value::{Items, Lack, List, Range, Value};

pub(super) fn read<'a>(reader: &'a Reader, input: &Input<'a>) -> Read<'a> {
    match reader {
        Reader::Metadata(name, asked) => metadata(input, name, asked),
        Reader::MetadataOfAll(name) => metadata_of_all(input, name),
        Reader::Count(detector, confidence) => {
            content(input).map(|seen| Value::Number(seen.count(detector, *confidence)))
        }
        Reader::Has(detector, confidence) => {
            content(input).and_then(|seen| seen.has(detector, *confidence))
        }
        Reader::Kind => kind(input),
        Reader::Labels => content(input).map(|seen| Value::List(seen.labels())),
        Reader::HasLabel(label) => content(input).and_then(|seen| seen.has_label(label)),
        _ => coverage(input).map(|word| Value::Text(Cow::Borrowed(word))),
    }
}

/// What is told of the files is complete; of what inspection found, what is not there may be where nobody read.
fn metadata<'a>(input: &Input<'a>, name: &Name, asked: &Asked) -> Read<'a> {
    if let Some(files) = input.circumstances.metadata {
        let mut values = files.iter().flat_map(|file| name.values_of(file));
        return Ok(Value::Flag(values.any(|value| asked.holds(value))));
    }
    let facts = facts(input)?;
    if name.values_in(facts).any(|value| asked.holds(value)) {
        return Ok(Value::Flag(true));
    }
    content(input).and_then(|seen| seen.found(false))
}

fn metadata_of_all<'a>(input: &Input<'a>, name: &Name) -> Read<'a> {
    let Some(files) = input.circumstances.metadata else {
        // Recorded activity is of one file.
        return metadata(input, name, &Asked::Anything);
    };
    let all = files
        .iter()
        .all(|file| name.values_of(file).next().is_some());
    Ok(Value::Flag(all && !files.is_empty()))
}

fn coverage<'a>(input: &Input<'a>) -> Read<'a, &'static str> {
    match input.content {
        ContentState::NotFetched => Err(Lack::NotFetched),
        // A blind spot is something that a policy can forbid: it has a value.
        ContentState::Unavailable { .. } => Ok("none"),
        ContentState::Known(facts) => Ok(facts.coverage.word()),
    }
}

fn kind<'a>(input: &Input<'a>) -> Read<'a> {
    match input.content {
        ContentState::NotFetched => Err(Lack::NotFetched),
        ContentState::Unavailable { reason } => Err(Lack::Blind(reason.into())),
        ContentState::Known(facts) if facts.kind.is_empty() => {
            Err(Lack::Blind("its kind could not be told".into()))
        }
        ContentState::Known(facts) => Ok(Value::Text(facts.kind.as_str().into())),
    }
}

/// Content of which at least a part was read.
struct Seen<'a> {
    facts: &'a ContentFacts,
    /// Why the rest was not; none when all was.
    unread: Option<&'a [String]>,
}

fn facts<'a>(input: &Input<'a>) -> Read<'a, &'a ContentFacts> {
    match input.content {
        ContentState::NotFetched => Err(Lack::NotFetched),
        ContentState::Unavailable { reason } => Err(Lack::Blind(reason.into())),
        ContentState::Known(facts) => Ok(facts),
    }
}

fn content<'a>(input: &Input<'a>) -> Read<'a, Seen<'a>> {
    let facts = facts(input)?;
    match &facts.coverage {
        Coverage::Full => Ok(Seen {
            facts,
            unread: None,
        }),
        Coverage::Partial { reasons } => Ok(Seen {
            facts,
            unread: Some(reasons),
        }),
        Coverage::None { reason } => Err(Lack::Blind(reason.as_str().into())),
    }
}

impl<'a> Seen<'a> {
    fn count(&self, detector: &str, at_least: Confidence) -> Range {
        let found = self.facts.count(detector, at_least) as f64;
        match self.unread {
            None => Range::exactly(found),
            Some(_) => Range::at_least(found),
        }
    }

    fn has(&self, detector: &str, at_least: Confidence) -> Read<'a> {
        self.found(self.facts.count(detector, at_least) > 0)
    }

    fn has_label(&self, label: &str) -> Read<'a> {
        let mut labels = self.facts.labels.iter();
        self.found(labels.any(|known| same_letters(known, label)))
    }

    /// What was found is there; what was not found is not there only when all was read.
    fn found(&self, found: bool) -> Read<'a> {
        match self.unread {
            Some(reasons) if !found => Err(Lack::InPart(reasons)),
            _ => Ok(Value::Flag(found)),
        }
    }

    fn labels(&self) -> List<'a> {
        List {
            items: Items::Many(&self.facts.labels),
            unread: self.unread,
        }
    }
}

/// Why only a part was read, in words.
pub(crate) fn in_part(reasons: &[String]) -> String {
    if reasons.is_empty() {
        "only part could be read".to_owned()
    } else {
        format!("only part could be read: {}", reasons.join(", "))
    }
}
