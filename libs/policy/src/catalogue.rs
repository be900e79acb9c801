//! Every name that a rule can use, as data: the type checker, the evaluator and the reference all read it here.
//!
//! A name that is not in the catalogue does not exist. A name says in which triggers it is available,
//! for which effect, what it reads, and shows itself in an example that is run as a test.

use std::borrow::Cow;
use std::sync::LazyLock;

use event_model::{Effect, Field, TriggerAction};

use crate::mistake::Span;
use crate::reader::Reader;

mod activity;
mod content;
mod file;
mod metadata;
mod request;
mod share;
mod time;
mod user;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// True or false.
    Bool,
    /// A text.
    String,
    /// A whole or decimal number.
    Number,
    /// A list of texts.
    List,
}

impl Type {
    /// The type in words, for messages.
    pub const fn describe(self) -> &'static str {
        match self {
            Type::Bool => "true or false",
            Type::String => "a text",
            Type::Number => "a number",
            Type::List => "a list of texts",
        }
    }
}

/// What a name needs in order to have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Fields of the activity: at hand, or absent until enrichment brings them.
    Fields(&'static [Field]),
    /// The object's content: fetched only when a policy needs it.
    Content,
    /// What an attempt tells beyond the 24 fields; of recorded activity these fields in its place.
    Told {
        /// Read when it is not told; unknown when there are none.
        otherwise: &'static [Field],
        /// Why it is not known when neither is there.
        why: &'static str,
    },
    /// The country of the IP address, as a database has it.
    Country,
}

/// What only an attempt tells.
pub(crate) const fn told(why: &'static str) -> Reads {
    Reads::Told {
        otherwise: &[],
        why,
    }
}

/// How many arguments a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Exactly one.
    One,
    /// One or none.
    Optional,
    /// One or more, or a list of them.
    Many,
}

/// What may stand as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A text in quotes.
    Text,
    /// A text in quotes, a number, `true` or `false`.
    Value,
}

/// A parameter of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// What it is called in the reference.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: Arity,
    /// What they may be.
    pub takes: Takes,
}

impl Parameter {
    const fn new(name: &'static str, arity: Arity) -> Self {
        Parameter {
            name,
            arity,
            takes: Takes::Text,
        }
    }

    pub(crate) const fn one(name: &'static str) -> Self {
        Parameter::new(name, Arity::One)
    }

    pub(crate) const fn optional(name: &'static str) -> Self {
        Parameter::new(name, Arity::Optional)
    }

    pub(crate) const fn many(name: &'static str) -> Self {
        Parameter::new(name, Arity::Many)
    }

    /// The same, also taking numbers and truths.
    pub(crate) const fn of_any_value(self) -> Self {
        Parameter {
            takes: Takes::Value,
            ..self
        }
    }
}

/// A rule, what it is evaluated on, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The rule.
    pub rule: Cow<'static, str>,
    /// `field=value` and content facts, separated by `; `.
    pub given: Cow<'static, str>,
    /// `true`, `false` or `unknown`.
    pub truth: &'static str,
}

impl Example {
    pub(crate) const fn new(rule: &'static str, given: &'static str, truth: &'static str) -> Self {
        Example {
            rule: Cow::Borrowed(rule),
            given: Cow::Borrowed(given),
            truth,
        }
    }
}

/// One name: an attribute, or a function when it has parameters.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `_user`, `_content` and so on.
    pub object: &'static str,
    /// What follows the dot.
    pub name: &'static str,
    /// Other spellings that are taken.
    pub aliases: &'static [&'static str],
    /// Parameters; an attribute has none.
    pub parameters: &'static [Parameter],
    /// The type of its value.
    pub result: Type,
    /// Triggers in which it is available.
    pub actions: &'static [TriggerAction],
    /// The only effect that it may be used for; both when absent.
    pub effect: Option<Effect>,
    /// What it needs in order to have a value.
    pub reads: Reads,
    /// The only words that it can be; any when empty.
    pub words: &'static [&'static str],
    /// Whether it is compared without regard to case.
    pub ignores_case: bool,
    /// What it is, in a sentence or two.
    pub doc: &'static str,
    /// It, in use.
    pub example: Example,
    pub(crate) build: Build,
}

impl Entry {
    /// `_object.name`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.object, self.name)
    }

    /// How it is written, with its parameters.
    pub fn signature(&self) -> String {
        if self.parameters.is_empty() {
            return self.full_name();
        }
        let shown = self
            .parameters
            .iter()
            .map(|parameter| match parameter.arity {
                Arity::One => parameter.name.to_owned(),
                Arity::Optional => format!("[{}]", parameter.name),
                Arity::Many => format!("{}, …", parameter.name),
            });
        format!(
            "{}({})",
            self.full_name(),
            shown.collect::<Vec<_>>().join(", ")
        )
    }

    /// Whether that is its name or one of its aliases.
    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// An argument as given: a text, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// Why an argument is not taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Which argument.
    pub(crate) index: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Refusal {
    pub(crate) fn of(index: usize, message: impl Into<String>) -> Self {
        Refusal {
            index,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Makes the reader from arguments of the right number, none of them empty.
pub(crate) type Build = fn(&Entry, &[Given]) -> Result<Reader, Refusal>;

/// Name of the parameter that a detector is given for: policies are checked against the known ones.
pub(crate) const DETECTOR: &str = "detector";

pub(crate) const EVERYWHERE: &[TriggerAction] = TriggerAction::ALL;
pub(crate) const WITH_OBJECT: &[TriggerAction] = &[
    TriggerAction::Download,
    TriggerAction::Share,
    TriggerAction::Upload,
    TriggerAction::Update,
    TriggerAction::Delete,
];
pub(crate) const LOGIN: &[TriggerAction] = &[TriggerAction::Login];
pub(crate) const SHARING: &[TriggerAction] = &[TriggerAction::Share];

/// Objects that are also written without the underscore: the seed of the language does so.
const BARE: &[(&str, &str)] = &[("metadata", "_metadata")];

/// Names of other products that are not taken here, and what to use in their place.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "_classifications",
        "classifications are read by `_content.label('…')`",
    ),
    ("_label", "labels are read by `_content.label('…')`"),
    ("_event", "the 24 fields are `_activity.…`"),
];

/// Every name, by object.
pub fn catalogue() -> &'static [Entry] {
    static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let written = [
            &content::ENTRIES,
            &metadata::ENTRIES,
            &share::ENTRIES,
            &file::ENTRIES,
            &user::ENTRIES,
            &request::ENTRIES,
            &time::ENTRIES,
        ];
        let written = written
            .into_iter()
            .flat_map(|entries| entries.iter().cloned());
        written.chain(activity::entries()).collect()
    });
    &CATALOGUE
}

/// The entry of that name or alias.
pub(crate) fn find(object: &str, name: &str) -> Option<&'static Entry> {
    let object = full_object(object);
    let mut entries = catalogue().iter();
    entries.find(|entry| entry.object == object && entry.is_called(name))
}

/// The object's name with its underscore.
pub(crate) fn full_object(object: &str) -> &str {
    let bare = BARE.iter().find(|(bare, _)| *bare == object);
    bare.map_or(object, |(_, full)| full)
}

/// What to use in place of an object that other products have.
pub(crate) fn instead_of(object: &str) -> Option<&'static str> {
    let mut known = ELSEWHERE.iter();
    known
        .find(|(other, _)| *other == object)
        .map(|(_, hint)| *hint)
}

/// Builds the reader of the entry's one field.
pub(crate) fn the_field(entry: &Entry, _: &[Given]) -> Result<Reader, Refusal> {
    match entry.reads {
        Reads::Fields([field]) => Ok(Reader::Field(*field)),
        _ => Err(Refusal::of(0, "the name reads no single field")),
    }
}

/// The texts of the arguments.
pub(crate) fn texts(given: &[Given]) -> impl Iterator<Item = &str> {
    given.iter().map(|given| given.text.as_str())
}

/// The domains that the arguments name.
pub(crate) fn domains(given: &[Given]) -> Result<crate::domain::Domains, Refusal> {
    crate::domain::Domains::parse(texts(given)).map_err(|(index, wrong)| {
        Refusal::of(index, wrong).hint("write `example.com`, or `*.example.com` for those below it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_entries_share_a_name_or_alias() {
        let mut names: Vec<String> = Vec::new();
        for entry in catalogue() {
            for name in entry.aliases.iter().chain([&entry.name]) {
                names.push(format!("{}.{name}", entry.object));
            }
        }
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn all_24_fields_are_in_the_catalogue() {
        for field in Field::ALL {
            assert!(find("_activity", field.name()).is_some(), "{field}");
        }
    }
}
