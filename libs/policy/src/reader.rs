//! Reads the value of one name of the catalogue. Whatever is absent reads as lacking, never as a value.

use std::borrow::Cow;

use event_model::{Field, Visibility};

use crate::domain::{Domains, same_letters};
use crate::input::{Confidence, ContentFacts, ContentState, Coverage, Input};
use crate::label;
use crate::network::Ipv4Range;
use crate::pattern::TextTest;
use crate::value::{Items, Lack, List, Range, Value};

/// A name of the catalogue with its arguments, ready to be read.
#[derive(Debug, Clone)]
pub(crate) enum Reader {
    /// The field as text.
    Field(Field),
    /// The field starts with, contains or matches something.
    Test(Field, TextTest),
    /// The field is an e-mail address of one of the domains.
    InDomain(Field, Domains),
    /// The field is an IP address of the range.
    InRange(Field, Ipv4Range),
    /// What follows the last dot of the object's name.
    Extension,
    /// The extension is one of these.
    ExtensionIs(Vec<String>),
    /// The link is public.
    Public,
    /// Those that the activity shares with.
    AllowedUsers,
    /// Those that the activity shares with, and no one else, are of the domains.
    OnlyFrom(Domains),
    /// Distinct matches of a detector.
    Count(String, Confidence),
    /// At least one match of a detector.
    Has(String, Confidence),
    /// How much was read.
    Coverage,
    /// What the content is, by its bytes.
    Kind,
    /// Every label.
    Labels,
    /// The object has the label.
    HasLabel(String),
    /// Not told by any service today, and why.
    Untold(&'static str),
}

impl Reader {
    pub(crate) fn read<'a>(&'a self, input: &Input<'a>) -> Value<'a> {
        let read = match self {
            Reader::Field(field) => text(input, *field).map(Value::Text),
            Reader::Test(field, test) => {
                text(input, *field).map(|text| Value::Flag(test.holds(&text)))
            }
            Reader::InDomain(field, domains) => in_domain(input, *field, domains),
            Reader::InRange(field, range) => text(input, *field).and_then(|address| {
                let held = range.holds(&address).map(Value::Flag);
                held.ok_or(Lack::Malformed(*field, "an IP address"))
            }),
            Reader::Extension => extension(input).map(|ext| Value::Text(Cow::Owned(ext))),
            Reader::ExtensionIs(wanted) => extension(input)
                .map(|ext| Value::Flag(wanted.iter().any(|wanted| same_letters(wanted, &ext)))),
            Reader::Public => visibility(input).map(|seen| Value::Flag(seen == Visibility::Public)),
            Reader::AllowedUsers => text(input, Field::TargetUserEmail).map(|user| {
                Value::List(List {
                    items: Items::One(user),
                    unread: None,
                })
            }),
            Reader::OnlyFrom(domains) => only_from(input, domains),
            Reader::Count(detector, confidence) => {
                content(input).map(|seen| Value::Number(seen.count(detector, *confidence)))
            }
            Reader::Has(detector, confidence) => {
                content(input).and_then(|seen| seen.has(detector, *confidence))
            }
            Reader::Coverage => coverage(input).map(|word| Value::Text(Cow::Borrowed(word))),
            Reader::Kind => kind(input),
            Reader::Labels => label::all(input),
            Reader::HasLabel(label) => label::has(input, label),
            Reader::Untold(why) => Err(Lack::Untold(why)),
        };
        read.unwrap_or_else(Value::Lacking)
    }
}

type Read<'a, T = Value<'a>> = Result<T, Lack<'a>>;

fn text<'a>(input: &Input<'a>, field: Field) -> Read<'a, Cow<'a, str>> {
    input.activity.text(field).ok_or(Lack::Absent(field))
}

fn visibility<'a>(input: &Input<'a>) -> Read<'a, Visibility> {
    let seen = input.activity.visibility;
    seen.ok_or(Lack::Absent(Field::Visibility))
}

fn in_domain<'a>(input: &Input<'a>, field: Field, domains: &Domains) -> Read<'a> {
    let address = text(input, field)?;
    let held = domains.hold(&address).map(Value::Flag);
    held.ok_or(Lack::Malformed(field, "an e-mail address"))
}

/// False for a public link, whoever is named: anyone can use it.
fn only_from<'a>(input: &Input<'a>, domains: &Domains) -> Read<'a> {
    if input.activity.visibility == Some(Visibility::Public) {
        return Ok(Value::Flag(false));
    }
    match in_domain(input, Field::TargetUserEmail, domains)? {
        // A stranger among those named decides, whoever can use the link.
        Value::Flag(false) => Ok(Value::Flag(false)),
        held => visibility(input).map(|_| held),
    }
}

/// In lower case, without the dot; empty when the name has none.
fn extension<'a>(input: &Input<'a>) -> Read<'a, String> {
    let name = text(input, Field::ObjectName)?;
    Ok(match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_lowercase(),
        _ => String::new(),
    })
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

fn content<'a>(input: &Input<'a>) -> Read<'a, Seen<'a>> {
    let facts = match input.content {
        ContentState::NotFetched => return Err(Lack::NotFetched),
        ContentState::Unavailable { reason } => return Err(Lack::Blind(reason.into())),
        ContentState::Known(facts) => facts,
    };
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

    /// What was found is there; what was not found is not there only when all was read.
    fn found(&self, found: bool) -> Read<'a> {
        match self.unread {
            Some(reasons) if !found => Err(Lack::Blind(in_part(reasons).into())),
            _ => Ok(Value::Flag(found)),
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
