//! Values of attributes, and truth with its two futures: as things stand, and once content is fetched.

use std::borrow::Cow;

use event_model::{Field, Truth};

use crate::expression::Operator;

/// What an attribute or a literal is worth.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(Range),
    Flag(bool),
    List(List<'a>),
    Lacking(Lack<'a>),
}

/// Why there is no value.
#[derive(Debug, Clone)]
pub(crate) enum Lack<'a> {
    /// The activity has no such field.
    Absent(Field),
    /// The field is there, but is not what the name needs.
    Malformed(Field, &'static str),
    /// No service tells it today.
    Untold(&'static str),
    /// The content was not read.
    Blind(Cow<'a, str>),
    /// The content was not wholly read, and why not.
    InPart(&'a [String]),
    /// The content was not fetched yet.
    NotFetched,
}

/// A number of which perhaps only a least value is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) least: f64,
    /// No value when it is open.
    pub(crate) most: Option<f64>,
}

impl Range {
    pub(crate) fn exactly(number: f64) -> Self {
        Range {
            least: number,
            most: Some(number),
        }
    }

    pub(crate) fn at_least(number: f64) -> Self {
        Range {
            least: number,
            most: None,
        }
    }

    /// Whether every number of this range is below every number of the other; none when it depends.
    fn below(self, other: Range) -> Option<bool> {
        if self.most.is_some_and(|most| most < other.least) {
            Some(true)
        } else if other.most.is_some_and(|most| self.least >= most) {
            Some(false)
        } else {
            None
        }
    }

    fn equal(self, other: Range) -> Option<bool> {
        if self.below(other) == Some(true) || other.below(self) == Some(true) {
            return Some(false);
        }
        let exact = self.most == Some(self.least) && other.most == Some(other.least);
        exact.then_some(true)
    }

    /// Compares; none when it depends on what is not known.
    pub(crate) fn compare(self, operator: Operator, other: Range) -> Option<bool> {
        match operator {
            Operator::Equal | Operator::In => self.equal(other),
            Operator::NotEqual | Operator::NotIn => self.equal(other).map(|equal| !equal),
            Operator::Less => self.below(other),
            Operator::GreaterOrEqual => self.below(other).map(|below| !below),
            Operator::Greater => other.below(self),
            Operator::LessOrEqual => other.below(self).map(|below| !below),
            // No test on texts compares numbers: the checker refuses it.
            Operator::Contains | Operator::StartsWith | Operator::EndsWith | Operator::Matches => {
                None
            }
        }
    }
}

/// A list of texts, of which perhaps only some are known.
#[derive(Debug, Clone)]
pub(crate) struct List<'a> {
    pub(crate) items: Items<'a>,
    /// Why there may be more; none when it is complete.
    pub(crate) unread: Option<&'a [String]>,
}

#[derive(Debug, Clone)]
pub(crate) enum Items<'a> {
    One(Cow<'a, str>),
    Many(&'a [String]),
}

impl Items<'_> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Items::One(item) => (Some(item.as_ref()), [].as_slice()),
            Items::Many(items) => (None, *items),
        };
        one.into_iter().chain(many.iter().map(String::as_str))
    }
}

/// Which sides a truth is on. As things stand at most one; of what it may become, perhaps both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sides {
    yes: bool,
    no: bool,
}

impl Sides {
    const NEITHER: Sides = Sides {
        yes: false,
        no: false,
    };

    fn negated(self) -> Self {
        Sides {
            yes: self.no,
            no: self.yes,
        }
    }

    fn or(self, other: Sides) -> Self {
        Sides {
            yes: self.yes | other.yes,
            no: self.no & other.no,
        }
    }

    fn same(self, other: Sides) -> Self {
        Sides {
            yes: (self.yes & other.yes) | (self.no & other.no),
            no: (self.yes & other.no) | (self.no & other.yes),
        }
    }
}

/// A three-valued truth, and what it can still become once content is fetched.
///
/// Both halves follow the same algebra (Kleene's), so a policy needs content exactly when the second
/// half has a side that the first has not. What is absent from the activity is on neither side of
/// either half: fetching content does not bring it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    now: Sides,
    fetched: Sides,
}

impl Standing {
    pub(crate) const ABSENT: Standing = Standing {
        now: Sides::NEITHER,
        fetched: Sides::NEITHER,
    };
    pub(crate) const PENDING: Standing = Standing {
        now: Sides::NEITHER,
        fetched: Sides {
            yes: true,
            no: true,
        },
    };

    pub(crate) fn decided(yes: bool) -> Self {
        let sides = Sides { yes, no: !yes };
        Standing {
            now: sides,
            fetched: sides,
        }
    }

    pub(crate) fn of_lack(lack: &Lack<'_>) -> Self {
        match lack {
            Lack::NotFetched => Standing::PENDING,
            Lack::Absent(_)
            | Lack::Malformed(..)
            | Lack::Untold(_)
            | Lack::Blind(_)
            | Lack::InPart(_) => Standing::ABSENT,
        }
    }

    pub(crate) fn truth(self) -> Truth {
        match (self.now.yes, self.now.no) {
            (true, _) => Truth::True,
            (_, true) => Truth::False,
            _ => Truth::Unknown,
        }
    }

    /// Undecided now, and content could decide it.
    pub(crate) fn awaits_content(self) -> bool {
        self.truth() == Truth::Unknown && self.fetched != Sides::NEITHER
    }

    pub(crate) fn negated(self) -> Self {
        Standing {
            now: self.now.negated(),
            fetched: self.fetched.negated(),
        }
    }

    pub(crate) fn or(self, other: Standing) -> Self {
        Standing {
            now: self.now.or(other.now),
            fetched: self.fetched.or(other.fetched),
        }
    }

    pub(crate) fn and(self, other: Standing) -> Self {
        self.negated().or(other.negated()).negated()
    }

    /// Whether both are the same truth.
    pub(crate) fn same(self, other: Standing) -> Self {
        Standing {
            now: self.now.same(other.now),
            fetched: self.fetched.same(other.fetched),
        }
    }
}
