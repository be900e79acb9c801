//! The verbs: how one field is found. A closed set, every one total.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use event_model::{EventType, Field, FieldSource, PartyType, Reason, Visibility};
use regex::Regex;
use ring::digest::{Context, SHA256};

use crate::condition::Condition;
use crate::condition::filter::Filter;
use crate::jaq::Program;
use crate::mapping::address;
use crate::mapping::spare::Spare;
use crate::pointer::Pointer;
use crate::scope::{Ref, Scope, scalar};
use crate::template::{Missing, Template, encoded_path};
use crate::time::{self, Format};
use crate::view::View;

/// How the value of a field is found.
#[derive(Debug, Clone)]
pub(crate) enum Verb {
    /// The value of a name (a path in the event, another field, a parameter), and why there is none.
    Value(Ref, Reason),
    /// The first that is there.
    FirstOf(Vec<Verb>),
    /// Always this.
    Const(String),
    /// Another word for it.
    Lookup { of: Box<Verb>, table: Table },
    /// A text with values in it.
    Template(Template),
    /// A time.
    Time(Box<Verb>, Format),
    /// When the event reached us.
    ReceivedAt,
    /// An address without port and brackets.
    Ip(Box<Verb>),
    /// `internal` or `external`, by the domain of an e-mail address.
    DomainClass { of: Box<Verb>, against: Box<Verb> },
    /// In lower case.
    Lower(Box<Verb>),
    /// What follows the last `/`.
    Basename(Box<Verb>),
    /// As a path in an address: each segment percent-encoded.
    UrlPath(Box<Verb>),
    /// What a group of a regular expression matches.
    Capture {
        of: Box<Verb>,
        regex: Regex,
        group: usize,
    },
    /// All that are there, with a text between.
    Join(Vec<Verb>, String),
    /// The same value of every element of a list, with a text between.
    JoinEach {
        list: Pointer,
        take: Box<Verb>,
        with: String,
    },
    /// A stable id made of other values.
    HashId(Vec<Verb>),
    /// From the first element of a list that holds.
    Pick {
        list: Pointer,
        filter: Option<Filter>,
        take: Box<Verb>,
    },
    /// The first value that a program gives.
    Jaq(Arc<Program>),
    /// Only when it applies.
    When {
        condition: Condition,
        then: Box<Verb>,
        reason: Reason,
    },
    /// Never there, and why.
    Absent(Reason),
}

/// Words and what they become; a key that ends in `*` stands for all that start so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) exact: HashMap<String, String>,
    /// Longest first.
    pub(crate) prefixes: Vec<(String, String)>,
    pub(crate) default: Option<String>,
}

impl Table {
    fn get(&self, word: &str) -> Option<&str> {
        let prefixed = || {
            let found = self
                .prefixes
                .iter()
                .find(|(start, _)| word.starts_with(start));
            found.map(|(_, value)| value)
        };
        let found = self.exact.get(word).or_else(prefixed);
        found.or(self.default.as_ref()).map(String::as_str)
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Read from the event.
    Native,
    /// Made by a rule of the manifest.
    Derived,
    /// A constant of the connection.
    Config,
}

impl From<Source> for FieldSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Native => FieldSource::Native,
            Source::Derived => FieldSource::Derived,
            Source::Config => FieldSource::Config,
        }
    }
}

/// What a verb found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found<'a> {
    Text(Cow<'a, str>, Source),
    Time(DateTime<Utc>, Source),
    Absent(Reason),
}

impl<'a> Found<'a> {
    fn is_absent(&self) -> bool {
        matches!(self, Found::Absent(_))
    }

    /// The same with another text; absence stays.
    fn map(
        self,
        change: impl FnOnce(Cow<'a, str>) -> Result<Cow<'a, str>, Reason>,
        source: Option<Source>,
    ) -> Found<'a> {
        let (text, from) = match self {
            Found::Absent(reason) => return Found::Absent(reason),
            Found::Text(text, from) => (text, from),
            Found::Time(at, from) => (Cow::Owned(event_model::rfc3339(at)), from),
        };
        match change(text) {
            Ok(text) if text.is_empty() => Found::Absent("empty".into()),
            Ok(text) => Found::Text(text, source.unwrap_or(from)),
            Err(reason) => Found::Absent(reason),
        }
    }

    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Found::Absent(_) => None,
            Found::Text(text, _) => Some(Cow::Borrowed(text)),
            Found::Time(at, _) => Some(Cow::Owned(event_model::rfc3339(*at))),
        }
    }

    /// Free of what it was found in, for that field. A word that the field knows is not copied.
    pub(crate) fn detached(self, field: Field, spare: &mut Spare) -> Found<'static> {
        match self {
            Found::Text(text, source) => {
                let text = match (known_word(field, &text), text) {
                    (Some(word), _) => Cow::Borrowed(word),
                    (None, Cow::Borrowed(text)) => Cow::Owned(spare.copy(text)),
                    (None, Cow::Owned(text)) => Cow::Owned(text),
                };
                Found::Text(text, source)
            }
            Found::Time(at, source) => Found::Time(at, source),
            Found::Absent(reason) => Found::Absent(reason),
        }
    }
}

fn known_word(field: Field, text: &str) -> Option<&'static str> {
    match field {
        Field::EventType => EventType::from_word(text).map(EventType::word),
        Field::ActorType | Field::TargetUserType => PartyType::from_word(text).map(PartyType::word),
        Field::Visibility => Visibility::from_word(text).map(Visibility::word),
        _ => None,
    }
}

/// Most values that a program may give where one is wanted.
const GIVEN_MAX: usize = 100;

/// Most elements of a list whose values are joined: the folders above an object are fewer.
const JOINED_MAX: usize = 1_000;
pub(crate) const NOT_A_TIME: Reason = Reason::fixed("not a time");
const NOT_IN_EVENT: Reason = Reason::fixed("not in the event");

impl Verb {
    /// The value of a name.
    pub(crate) fn value(name: Ref) -> Self {
        let missing = match source_of(&name) {
            Source::Config => format!("`{name}` is not set").into(),
            Source::Native | Source::Derived => NOT_IN_EVENT,
        };
        Verb::Value(name, missing)
    }

    /// Finds the value.
    pub(crate) fn find<'a>(&'a self, scope: &Scope<'a>, received_at: DateTime<Utc>) -> Found<'a> {
        let inner = |verb: &'a Verb| verb.find(scope, received_at);
        match self {
            Verb::Value(name, missing) => find_value(name, missing, scope),
            Verb::FirstOf(verbs) => first_of(verbs, inner),
            Verb::Const(text) => Found::Text(Cow::Borrowed(text), Source::Derived),
            // A default stands for words that the table does not have, not for a missing one.
            Verb::Lookup { of, table } => inner(of).map(
                |word| match table.get(&word) {
                    Some(value) => Ok(Cow::Borrowed(value)),
                    None => Err("not in the manifest's table".into()),
                },
                Some(Source::Derived),
            ),
            Verb::Template(template) => match template.cow(scope) {
                Ok(text) if text.is_empty() => Found::Absent("empty".into()),
                Ok(text) => Found::Text(text, Source::Derived),
                Err(Missing(reason)) => Found::Absent(reason),
            },
            Verb::Time(of, format) => find_time(inner(of), *format),
            Verb::ReceivedAt => Found::Time(received_at, Source::Derived),
            Verb::Ip(of) => clean_ip(inner(of)),
            Verb::DomainClass { of, against } => domain_class(inner(of), inner(against)),
            Verb::Lower(of) => {
                inner(of).map(|text| Ok(text.to_lowercase().into()), Some(Source::Derived))
            }
            Verb::Basename(of) => basename(inner(of)),
            Verb::UrlPath(of) => {
                inner(of).map(|text| Ok(encoded_path(&text).into()), Some(Source::Derived))
            }
            Verb::Capture { of, regex, group } => capture(inner(of), regex, *group),
            Verb::Join(verbs, with) => join(verbs.iter().map(inner), with),
            Verb::JoinEach { list, take, with } => {
                let items = scope.document.and_then(|document| list.view(document));
                let items = items.and_then(View::items).into_iter().flatten();
                let items = items.take(JOINED_MAX);
                join(
                    items.map(|item| take.find(&scope.over(item), received_at)),
                    with,
                )
            }
            Verb::HashId(verbs) => hash_id(verbs.iter().map(inner).collect()),
            Verb::Pick { list, filter, take } => match picked(list, filter.as_ref(), scope) {
                Some(item) => take.find(&scope.over(item), received_at),
                None => Found::Absent(NOT_IN_EVENT),
            },
            Verb::Jaq(program) => given(program, scope),
            Verb::When {
                condition,
                then,
                reason,
            } => {
                if condition.holds(scope) {
                    inner(then)
                } else {
                    Found::Absent(reason.clone())
                }
            }
            Verb::Absent(reason) => Found::Absent(reason.clone()),
        }
    }

    /// The names that it reads, so that fields can be put in order.
    pub(crate) fn reads(&self, out: &mut Vec<Ref>) {
        match self {
            Verb::Value(name, _) => out.push(name.clone()),
            Verb::FirstOf(verbs) | Verb::Join(verbs, _) | Verb::HashId(verbs) => {
                verbs.iter().for_each(|verb| verb.reads(out));
            }
            Verb::Template(template) => out.extend(template.names().cloned()),
            Verb::Const(_) | Verb::Absent(_) | Verb::ReceivedAt => {}
            // What a program reads cannot be told: everything is kept for it.
            Verb::Jaq(_) => out.push(Ref::Document(Pointer::whole())),
            Verb::Lookup { of, .. }
            | Verb::Time(of, _)
            | Verb::Ip(of)
            | Verb::Lower(of)
            | Verb::Basename(of)
            | Verb::UrlPath(of)
            | Verb::Capture { of, .. } => of.reads(out),
            Verb::DomainClass { of, against } => {
                of.reads(out);
                against.reads(out);
            }
            // What stands in its elements is read there; the list is read as a whole.
            Verb::JoinEach { list, take, .. } => {
                out.push(Ref::Document(list.clone()));
                take.reads(out);
            }
            Verb::Pick { list, filter, take } => {
                out.push(Ref::Document(list.clone()));
                if let Some(filter) = filter {
                    filter.condition.reads(out);
                }
                take.reads(out);
            }
            Verb::When {
                condition, then, ..
            } => {
                condition.reads(out);
                then.reads(out);
            }
        }
    }
}

fn find_value<'a>(name: &'a Ref, missing: &Reason, scope: &Scope<'a>) -> Found<'a> {
    match scope.text(name) {
        Some(text) => Found::Text(text, source_of(name)),
        None => Found::Absent(missing.clone()),
    }
}

fn source_of(name: &Ref) -> Source {
    match name {
        Ref::Document(_) | Ref::Envelope(_) => Source::Native,
        Ref::Param(_) | Ref::Connection(_) | Ref::BaseUrl => Source::Config,
        Ref::Activity(_) | Ref::Kept(..) | Ref::Word(_) => Source::Derived,
    }
}

fn first_of<'a>(verbs: &'a [Verb], find: impl Fn(&'a Verb) -> Found<'a>) -> Found<'a> {
    let mut last = Found::Absent(NOT_IN_EVENT);
    for verb in verbs {
        last = find(verb);
        if !last.is_absent() {
            return last;
        }
    }
    last
}

fn find_time(found: Found<'_>, format: Format) -> Found<'_> {
    match found {
        Found::Text(text, source) => match time::parse(&text, format) {
            Some(at) => Found::Time(at, source),
            None => Found::Absent(NOT_A_TIME),
        },
        other => other,
    }
}

fn clean_ip(found: Found<'_>) -> Found<'_> {
    found.map(
        |text| address::clean(text).ok_or("not an IP address".into()),
        None,
    )
}

fn basename(found: Found<'_>) -> Found<'_> {
    let last = |path: Cow<'_, str>| {
        let name = path.trim_end_matches('/').rsplit('/').next();
        Ok(Cow::Owned(name.unwrap_or_default().to_owned()))
    };
    found.map(last, Some(Source::Derived))
}

fn capture<'a>(found: Found<'a>, regex: &Regex, group: usize) -> Found<'a> {
    let matched = |text: Cow<'_, str>| {
        // Most do not match, and telling that is much cheaper than looking for groups.
        let captures = regex
            .is_match(&text)
            .then(|| regex.captures(&text))
            .flatten();
        match captures.as_ref().and_then(|captures| captures.get(group)) {
            Some(matched) => Ok(Cow::Owned(matched.as_str().to_owned())),
            None => Err("the pattern does not match".into()),
        }
    };
    found.map(matched, Some(Source::Derived))
}

/// The first element of the list that holds.
fn picked<'a>(list: &Pointer, filter: Option<&Filter>, scope: &Scope<'a>) -> Option<View<'a>> {
    let list = list.view(scope.document?)?;
    match filter {
        Some(filter) => filter.first(list, scope),
        None => list.items()?.next(),
    }
}

/// The first value that a program gives, when it is a text, a number or a truth value.
fn given(program: &Program, scope: &Scope<'_>) -> Found<'static> {
    let document = scope.document.map(View::value).unwrap_or_default();
    let values = match program.run(&document, GIVEN_MAX) {
        Ok(values) => values,
        Err(reason) => return Found::Absent(reason.into()),
    };
    match values.first().and_then(scalar) {
        Some(text) if !text.is_empty() => Found::Text(text.into_owned().into(), Source::Derived),
        _ => Found::Absent("the program gives no text".into()),
    }
}

fn domain_class<'a>(of: Found<'a>, against: Found<'a>) -> Found<'a> {
    let Some(domains) = against.text().map(Cow::into_owned) else {
        return Found::Absent("there is no list of internal domains".into());
    };
    of.map(
        |email| match address::is_internal(&email, &domains) {
            Some(true) => Ok("internal".into()),
            Some(false) => Ok("external".into()),
            None => Err("not an e-mail address".into()),
        },
        Some(Source::Derived),
    )
}

fn join<'a>(found: impl Iterator<Item = Found<'a>>, with: &str) -> Found<'a> {
    let texts: Vec<String> = found
        .filter_map(|found| found.text().map(Cow::into_owned))
        .collect();
    if texts.is_empty() {
        return Found::Absent(NOT_IN_EVENT);
    }
    Found::Text(texts.join(with).into(), Source::Derived)
}

fn hash_id(found: Vec<Found<'_>>) -> Found<'static> {
    if found.iter().all(Found::is_absent) {
        return Found::Absent(NOT_IN_EVENT);
    }
    let mut id = DerivedId::new();
    for value in &found {
        id.add(value.text().as_deref().map(str::as_bytes));
    }
    Found::Text(id.finish().into(), Source::Derived)
}

/// `drv_` and SHA-256 over values, each with its length, so that no two lists look alike.
#[derive(Clone)]
pub(crate) struct DerivedId(Context);

impl DerivedId {
    pub(crate) fn new() -> Self {
        DerivedId(Context::new(&SHA256))
    }

    pub(crate) fn add(&mut self, value: Option<&[u8]>) {
        let length = value.map_or(0, |value| value.len() as u64 + 1);
        self.0.update(&length.to_be_bytes());
        self.0.update(value.unwrap_or_default());
    }

    pub(crate) fn finish(self) -> String {
        format!("drv_{}", hex::encode(self.0.finish()))
    }
}
