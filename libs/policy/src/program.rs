//! A checked rule, ready to be judged: what is absent is on neither side of any comparison.
//!
//! Judging allocates nothing unless a value itself must be made (an instant as text, an extension in capitals).

use std::borrow::Cow;

use crate::domain::same_letters;
use crate::expression::Operator;
use crate::input::Input;
use crate::mistake::Span;
use crate::pattern::TextTest;
use crate::reader::Reader;
use crate::shared::{Memo, Shared};
use crate::value::{Items, Lack, List, Range, Standing, Value};

/// A part of a rule, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) term: Term,
    pub(crate) span: Span,
    /// Which condition it is of those that several policies have.
    pub(crate) shared: Option<Shared>,
}

#[derive(Debug, Clone)]
pub(crate) enum Term {
    Any(Vec<Part>),
    All(Vec<Part>),
    Not(Box<Part>),
    Compare(Comparison),
    /// A text that begins or ends so, has that in it, or is of that form.
    Test(Box<Part>, TextTest),
    Text(String),
    Number(f64),
    Flag(bool),
    List(Vec<String>),
    Read(Reader),
}

/// Two parts of fitting types.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) operator: Operator,
    pub(crate) left: Box<Part>,
    pub(crate) right: Box<Part>,
    /// Whether texts are compared without regard to case.
    pub(crate) ignores_case: bool,
}

impl Part {
    /// A part that is no other policy's.
    pub(crate) fn new(term: Term, span: Span) -> Self {
        Part {
            term,
            span,
            shared: None,
        }
    }

    /// What the part comes to. A part that is no truth is on neither side.
    pub(crate) fn judge(&self, input: &Input<'_>) -> Standing {
        self.judge_once(input, None)
    }

    /// The same; of what several policies have in common, what it came to before.
    pub(crate) fn judge_once(&self, input: &Input<'_>, memo: Option<&Memo>) -> Standing {
        match (self.shared, memo) {
            (Some(shared), Some(memo)) => memo.of(shared, || self.judge_anew(input, None)),
            _ => self.judge_anew(input, memo),
        }
    }

    fn judge_anew(&self, input: &Input<'_>, memo: Option<&Memo>) -> Standing {
        match &self.term {
            Term::Any(parts) => any(parts, input, memo),
            Term::All(parts) => all(parts, input, memo),
            Term::Not(part) => part.judge_once(input, memo).negated(),
            Term::Compare(comparison) => comparison.judge(input),
            Term::Test(part, test) => match part.value(input) {
                Some(Value::Text(text)) => Standing::decided(test.holds(&text)),
                Some(Value::Lacking(lack)) => Standing::of_lack(&lack),
                _ => Standing::ABSENT,
            },
            Term::Flag(flag) => Standing::decided(*flag),
            Term::Read(reader) => match reader.read(input) {
                Value::Flag(flag) => Standing::decided(flag),
                Value::Lacking(lack) => Standing::of_lack(&lack),
                Value::Text(_) | Value::Number(_) | Value::List(_) => Standing::ABSENT,
            },
            Term::Text(_) | Term::Number(_) | Term::List(_) => Standing::ABSENT,
        }
    }

    /// The part's value; none for what is only judged.
    pub(crate) fn value<'a>(&'a self, input: &Input<'a>) -> Option<Value<'a>> {
        match &self.term {
            Term::Text(text) => Some(Value::Text(Cow::Borrowed(text))),
            Term::Number(number) => Some(Value::Number(Range::exactly(*number))),
            Term::Flag(flag) => Some(Value::Flag(*flag)),
            Term::List(items) => Some(Value::List(List {
                items: Items::Many(items),
                unread: None,
            })),
            Term::Read(reader) => Some(reader.read(input)),
            Term::Any(_) | Term::All(_) | Term::Not(_) | Term::Compare(_) | Term::Test(..) => None,
        }
    }
}

fn any(parts: &[Part], input: &Input<'_>, memo: Option<&Memo>) -> Standing {
    let mut standing = Standing::decided(false);
    for part in parts {
        standing = standing.or(part.judge_once(input, memo));
        if standing == Standing::decided(true) {
            break;
        }
    }
    standing
}

fn all(parts: &[Part], input: &Input<'_>, memo: Option<&Memo>) -> Standing {
    let mut standing = Standing::decided(true);
    for part in parts {
        standing = standing.and(part.judge_once(input, memo));
        if standing == Standing::decided(false) {
            break;
        }
    }
    standing
}

impl Comparison {
    fn judge(&self, input: &Input<'_>) -> Standing {
        let (Some(left), Some(right)) = (self.left.value(input), self.right.value(input)) else {
            return self.judge_truths(input);
        };
        match (left, right) {
            (Value::Text(left), Value::Text(right)) => self.texts(&left, &right),
            (Value::Number(left), Value::Number(right)) => left
                .compare(self.operator, right)
                .map_or(Standing::ABSENT, Standing::decided),
            (Value::Text(needle), Value::List(list)) => self.within(&needle, &list),
            (Value::Lacking(lack), Value::Lacking(other)) => {
                // Only when content is all that lacks can content decide.
                match Standing::of_lack(&lack) {
                    Standing::ABSENT => Standing::ABSENT,
                    _ => Standing::of_lack(&other),
                }
            }
            (Value::Lacking(lack), _) | (_, Value::Lacking(lack)) => Standing::of_lack(&lack),
            _ => self.judge_truths(input),
        }
    }

    fn judge_truths(&self, input: &Input<'_>) -> Standing {
        let same = self.left.judge(input).same(self.right.judge(input));
        match self.operator {
            Operator::NotEqual => same.negated(),
            _ => same,
        }
    }

    fn texts(&self, left: &str, right: &str) -> Standing {
        let same = self.same(left, right);
        Standing::decided(same == (self.operator == Operator::Equal))
    }

    fn same(&self, left: &str, right: &str) -> bool {
        if self.ignores_case {
            same_letters(left, right)
        } else {
            left == right
        }
    }

    fn within(&self, needle: &str, list: &List<'_>) -> Standing {
        let found = list.items.iter().any(|item| self.same(needle, item));
        if !found && list.unread.is_some() {
            return Standing::ABSENT;
        }
        Standing::decided(found == (self.operator == Operator::In))
    }
}

/// Calls `found` with every condition of the part: what is judged, and is made of no others.
pub(crate) fn each_condition(part: &mut Part, found: &mut impl FnMut(Span, &mut Option<Shared>)) {
    match &mut part.term {
        Term::Any(parts) | Term::All(parts) => {
            for part in parts {
                each_condition(part, found);
            }
        }
        Term::Not(part) => each_condition(part, found),
        Term::Compare(_) | Term::Test(..) | Term::Read(_) => found(part.span, &mut part.shared),
        Term::Text(_) | Term::Number(_) | Term::Flag(_) | Term::List(_) => {}
    }
}

/// Every reader that leaves an undecided part undecided, in the order of the rule.
pub(crate) fn lacks<'a>(part: &'a Part, input: &Input<'a>, seen: &mut impl FnMut(Lack<'a>)) {
    let undecided = |part: &Part| part.judge(input).truth() == event_model::Truth::Unknown;
    match &part.term {
        Term::Any(parts) | Term::All(parts) => {
            for part in parts.iter().filter(|part| undecided(part)) {
                lacks(part, input, seen);
            }
        }
        Term::Not(part) | Term::Test(part, _) => lacks(part, input, seen),
        Term::Compare(comparison) => {
            lacks(&comparison.left, input, seen);
            lacks(&comparison.right, input, seen);
        }
        Term::Read(reader) => {
            if let Value::Lacking(lack) = reader.read(input) {
                seen(lack);
            }
        }
        Term::Text(_) | Term::Number(_) | Term::Flag(_) | Term::List(_) => {}
    }
}

/// Whether some name in the part is of that sort.
pub(crate) fn reads(part: &Part, wanted: &impl Fn(&Reader) -> bool) -> bool {
    match &part.term {
        Term::Any(parts) | Term::All(parts) => parts.iter().any(|part| reads(part, wanted)),
        Term::Not(part) | Term::Test(part, _) => reads(part, wanted),
        Term::Compare(comparison) => {
            reads(&comparison.left, wanted) || reads(&comparison.right, wanted)
        }
        Term::Read(reader) => wanted(reader),
        Term::Text(_) | Term::Number(_) | Term::Flag(_) | Term::List(_) => false,
    }
}
