//! Attributes of files: `set.attribute` with its value, as FileCloud's metadata has them.
//!
//! They are told with an attempt, or found by inspection. Of what inspection finds, a property or label that
//! is called `set.attribute` is that attribute; any other property is of the set `document`, any other label of
//! the set `label`. A label may carry a value, `set.attribute=value`; without one it is `true`.

use crate::domain::same_letters;
use crate::expression::Operator;
use crate::input::{ContentFacts, FileAttributes};

/// The set of a document's own properties.
const DOCUMENT: &str = "document";
/// The set of labels.
const LABEL: &str = "label";

/// An attribute that a rule names. Sets and attributes are compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    set: String,
    attribute: String,
}

impl Name {
    /// Reads `set.attribute`: exactly one dot, with something on both sides.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (set, attribute) = dotted(text.trim())?;
        Some(Name {
            set: set.to_owned(),
            attribute: attribute.to_owned(),
        })
    }

    fn is(&self, found: &Attribute<'_>) -> bool {
        same_letters(&self.set, found.set) && same_letters(&self.attribute, found.name)
    }

    /// The values that the document has for it.
    pub(crate) fn values_in<'a>(&self, facts: &'a ContentFacts) -> impl Iterator<Item = &'a str> {
        let properties = facts.properties.iter();
        let properties = properties.map(|(name, value)| Attribute::of(DOCUMENT, name, value));
        let labels = facts.labels.iter().map(|label| Attribute::of_label(label));
        properties
            .chain(labels)
            .filter(|found| self.is(found))
            .map(|found| found.value)
    }

    /// The values that a file is told to have for it.
    pub(crate) fn values_of<'a>(&self, file: &'a FileAttributes) -> impl Iterator<Item = &'a str> {
        file.iter()
            .map(|(name, value)| Attribute::of(DOCUMENT, name, value))
            .filter(|found| self.is(found))
            .map(|found| found.value)
    }
}

fn dotted(text: &str) -> Option<(&str, &str)> {
    let (set, attribute) = text.split_once('.')?;
    let sound = !set.is_empty() && !attribute.is_empty() && !attribute.contains('.');
    sound.then_some((set, attribute))
}

struct Attribute<'a> {
    set: &'a str,
    name: &'a str,
    value: &'a str,
}

impl<'a> Attribute<'a> {
    fn of(set: &'static str, name: &'a str, value: &'a str) -> Self {
        let (set, name) = dotted(name).unwrap_or((set, name));
        Attribute { set, name, value }
    }

    fn of_label(label: &'a str) -> Self {
        let (name, value) = label.split_once('=').unwrap_or((label, "true"));
        Attribute::of(LABEL, name.trim(), value.trim())
    }
}

/// What a rule asks of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    /// That there is one.
    Anything,
    /// That it is one of these.
    OneOf(Vec<Wanted>),
    /// That it, or an item of it when it is a list, is one of these.
    WithItem(Vec<Wanted>),
    /// That it compares so.
    Compares(Operator, Wanted),
}

impl Asked {
    pub(crate) fn holds(&self, value: &str) -> bool {
        match self {
            Asked::Anything => true,
            Asked::OneOf(wanted) => wanted.iter().any(|wanted| wanted.is(value)),
            Asked::WithItem(wanted) => {
                let bare = value.trim().trim_start_matches('[').trim_end_matches(']');
                let mut items = bare.split([',', ';']);
                items.any(|item| {
                    let item = item.trim().trim_matches(['"', '\'']);
                    wanted.iter().any(|wanted| wanted.is(item))
                })
            }
            Asked::Compares(operator, wanted) => wanted.compares(*operator, value),
        }
    }
}

/// A value that a rule names: compared as a number where both are numbers, else as text in any case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    text: String,
    number: Option<f64>,
}

impl Wanted {
    pub(crate) fn of(text: &str) -> Self {
        Wanted {
            text: text.trim().to_owned(),
            number: number(text),
        }
    }

    /// Whether values can be before or after it: numbers and dates can.
    pub(crate) fn is_ordered(&self) -> bool {
        self.number.is_some() || is_date(&self.text)
    }

    fn is(&self, value: &str) -> bool {
        match (self.number, number(value)) {
            (Some(wanted), Some(value)) => wanted == value,
            _ => same_letters(&self.text, value.trim()),
        }
    }

    /// A value that is no number is neither before nor after one, and so for dates.
    fn compares(&self, operator: Operator, value: &str) -> bool {
        let value = value.trim();
        let order = match (self.number, number(value)) {
            _ if operator == Operator::Equal => return self.is(value),
            _ if operator == Operator::NotEqual => return !self.is(value),
            (Some(wanted), Some(value)) => value.partial_cmp(&wanted),
            _ if is_date(&self.text) && is_date(value) => Some(value.cmp(&self.text)),
            _ => None,
        };
        order.is_some_and(|order| match operator {
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            _ => false,
        })
    }
}

/// A plain number: digits with a sign and a fraction, and no words such as `inf`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.');
    (!text.is_empty() && text.chars().all(plain))
        .then(|| text.parse().ok())
        .flatten()
}

/// Whether it begins as `2026-03-01`: such texts are in the order of time.
fn is_date(text: &str) -> bool {
    let form = text.as_bytes();
    form.len() >= 10
        && form[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
