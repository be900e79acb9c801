//! Checks a rule against the catalogue and turns it into a program; reports every mistake, not the first.

use event_model::{Effect, TriggerAction};

use crate::catalogue::{Entry, Type};
use crate::expression::{Expression, Node, Operator};
use crate::mistake::{Fault, MistakeCode, Span};
use crate::parser;
use crate::pattern::{Case, TextTest};
use crate::program::{Comparison, Part, Term};
use crate::token::cut;

mod names;

/// A rule that was read and checked.
#[derive(Debug)]
pub(crate) struct Checked {
    /// None when there are faults.
    pub(crate) root: Option<Part>,
    /// The detectors that the rule names, and where.
    pub(crate) detectors: Vec<(String, Span)>,
    /// Whether it reads labels of the object.
    pub(crate) reads_labels: bool,
    pub(crate) faults: Vec<Fault>,
}

/// Reads and checks a rule for these triggers and this effect.
pub(crate) fn check(rule: &str, actions: &[TriggerAction], effect: Effect) -> Checked {
    let (expression, faults) = parser::parse(rule);
    let mut checker = Checker {
        actions,
        effect,
        faults,
        detectors: Vec::new(),
        reads_labels: false,
    };
    let root = checker.truth(&expression);
    Checked {
        root: root.filter(|_| checker.faults.is_empty()),
        detectors: checker.detectors,
        reads_labels: checker.reads_labels,
        faults: checker.faults,
    }
}

/// A checked part and its type.
struct Typed {
    part: Part,
    of: Type,
    /// The entry it reads; none for literals and compounds.
    entry: Option<&'static Entry>,
}

impl Typed {
    fn describe(&self) -> &'static str {
        self.of.describe()
    }
}

struct Checker<'c> {
    actions: &'c [TriggerAction],
    effect: Effect,
    faults: Vec<Fault>,
    detectors: Vec<(String, Span)>,
    reads_labels: bool,
}

impl Checker<'_> {
    fn fault(&mut self, span: Span, code: MistakeCode, message: String, hint: Option<String>) {
        let fault = Fault::new(span, code, message);
        self.faults.push(Fault { hint, ..fault });
    }

    /// A part that must be a truth.
    fn truth(&mut self, expression: &Expression) -> Option<Part> {
        let typed = self.typed(expression)?;
        if typed.of == Type::Bool {
            return Some(typed.part);
        }
        let message = format!("expected true or false, this is {}", typed.describe());
        let hint = (typed.of != Type::List)
            .then(|| format!("compare it: `{} == …`", cut(&expression.to_string())));
        self.fault(expression.span, MistakeCode::WrongType, message, hint);
        None
    }

    fn typed(&mut self, expression: &Expression) -> Option<Typed> {
        let (term, of) = match &expression.node {
            Node::Any(parts) => (Term::Any(self.truths(parts)?), Type::Bool),
            Node::All(parts) => (Term::All(self.truths(parts)?), Type::Bool),
            Node::Not(part) => {
                let part = self.truth(part)?;
                (Term::Not(Box::new(part)), Type::Bool)
            }
            Node::Compare(operator, left, right) if operator.is_test() => {
                (self.test(*operator, left, right)?, Type::Bool)
            }
            Node::Compare(operator, left, right) => {
                let comparison = self.comparison(expression.span, *operator, left, right)?;
                (Term::Compare(comparison), Type::Bool)
            }
            Node::Text(text) => (Term::Text(text.clone()), Type::String),
            Node::Number(number) => (Term::Number(*number), Type::Number),
            Node::Flag(flag) => (Term::Flag(*flag), Type::Bool),
            Node::List(items) => (Term::List(self.list(items)?), Type::List),
            Node::Name {
                object,
                name,
                arguments,
            } => return self.name(expression.span, object, name, arguments.as_deref()),
            Node::Missing => return None,
        };
        let span = expression.span;
        Some(Typed {
            part: Part::new(term, span),
            of,
            entry: None,
        })
    }

    fn truths(&mut self, parts: &[Expression]) -> Option<Vec<Part>> {
        // Every part is checked, whether or not the one before it was sound.
        let checked: Vec<Option<Part>> = parts.iter().map(|part| self.truth(part)).collect();
        checked.into_iter().collect()
    }

    fn list(&mut self, items: &[Expression]) -> Option<Vec<String>> {
        let mut texts = Some(Vec::new());
        for item in items {
            match (&item.node, &mut texts) {
                (Node::Text(text), Some(texts)) => texts.push(text.clone()),
                (Node::Text(_), None) => {}
                (Node::Missing, _) => texts = None,
                _ => {
                    let message = "a list holds texts only".to_owned();
                    self.fault(item.span, MistakeCode::WrongType, message, None);
                    texts = None;
                }
            }
        }
        texts
    }

    fn comparison(
        &mut self,
        span: Span,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Option<Comparison> {
        let left = self.left_operand(left, operator, right);
        let right = self.typed(right);
        let (left, right) = (left?, right?);
        self.fits(span, operator, &left, &right)?;
        self.words(&left, &right)?;
        self.words(&right, &left)?;
        let ignores = |typed: &Typed| typed.entry.is_some_and(|entry| entry.ignores_case);
        Some(Comparison {
            operator,
            ignores_case: ignores(&left) || ignores(&right),
            left: Box::new(left.part),
            right: Box::new(right.part),
        })
    }

    /// A test of a text against one that is written in the rule, compiled once.
    fn test(&mut self, operator: Operator, left: &Expression, right: &Expression) -> Option<Term> {
        let typed = self.left_operand(left, operator, right);
        let sign = operator.sign();
        let Node::Text(text) = &right.node else {
            if !matches!(right.node, Node::Missing) {
                let message = format!("`{sign}` needs a text in quotes on its right");
                self.fault(right.span, MistakeCode::WrongType, message, None);
            }
            return None;
        };
        let typed = typed?;
        if typed.of != Type::String {
            let message = format!("`{sign}` tests texts, this is {}", typed.describe());
            let hint =
                (typed.of == Type::List).then(|| "to look into a list, write `… in …`".to_owned());
            self.fault(left.span, MistakeCode::WrongType, message, hint);
            return None;
        }
        let case = match typed.entry.is_some_and(|entry| entry.ignores_case) {
            true => Case::Any,
            false => Case::Exact,
        };
        let compiled = match operator {
            Operator::StartsWith => TextTest::starts_with(text, case),
            Operator::EndsWith => TextTest::ends_with(text, case),
            Operator::Matches => TextTest::matches(text, case),
            _ => TextTest::contains(text, case),
        };
        match compiled {
            Ok(test) => Some(Term::Test(Box::new(typed.part), test)),
            Err(message) => {
                self.fault(right.span, MistakeCode::WrongArgument, message, None);
                None
            }
        }
    }

    /// The left side; refuses `not a == b` where `a` is no truth, as `not` binds tighter than `==`.
    fn left_operand(
        &mut self,
        left: &Expression,
        operator: Operator,
        right: &Expression,
    ) -> Option<Typed> {
        let Node::Not(value) = &left.node else {
            return self.typed(left);
        };
        // Checked once only: checked twice, a rule of 30 such levels would take hours.
        let typed = self.typed(value)?;
        if typed.of == Type::Bool {
            let term = Term::Not(Box::new(typed.part));
            let span = left.span;
            return Some(Typed {
                part: Part::new(term, span),
                of: Type::Bool,
                entry: None,
            });
        }
        let message = format!(
            "`not` belongs to `{}` alone, which is {}",
            cut(&value.to_string()),
            typed.describe()
        );
        let meant = match operator {
            Operator::In => cut(&format!("{value} not in {right}")),
            _ => cut(&format!("not ({value} {} {right})", operator.sign())),
        };
        let hint = Some(format!("write `{meant}`"));
        self.fault(left.span, MistakeCode::WrongType, message, hint);
        None
    }

    fn fits(&mut self, span: Span, operator: Operator, left: &Typed, right: &Typed) -> Option<()> {
        let sign = operator.sign();
        let (message, hint) = match operator {
            Operator::Equal | Operator::NotEqual => match (left.of, right.of) {
                (Type::List, _) | (_, Type::List) => (
                    format!("`{sign}` does not compare lists"),
                    Some("to look into a list, write `… in …`".to_owned()),
                ),
                (one, other) if one == other => return Some(()),
                (one, other) => (
                    format!(
                        "`{sign}` compares {} with {}",
                        one.describe(),
                        other.describe()
                    ),
                    None,
                ),
            },
            Operator::In | Operator::NotIn => match (left.of, right.of) {
                (Type::String, Type::List) => return Some(()),
                (_, Type::List) => {
                    let found = left.describe();
                    (
                        format!("a list holds texts, and this looks for {found} in it"),
                        None,
                    )
                }
                _ => {
                    let found = right.describe();
                    let hint = "write the list in brackets: `['a', 'b']`".to_owned();
                    (
                        format!("`{sign}` needs a list, this is {found}"),
                        Some(hint),
                    )
                }
            },
            _ if (left.of, right.of) == (Type::Number, Type::Number) => return Some(()),
            _ => {
                let odd = if left.of == Type::Number { right } else { left };
                (
                    format!("`{sign}` orders numbers only, this is {}", odd.describe()),
                    None,
                )
            }
        };
        self.fault(span, MistakeCode::WrongType, message, hint);
        None
    }

    /// Reports literals that the name on the other side never is.
    fn words(&mut self, name: &Typed, literal: &Typed) -> Option<()> {
        let Some(entry) = name.entry.filter(|entry| !entry.words.is_empty()) else {
            return Some(());
        };
        let given = match &literal.part.term {
            Term::Text(text) => std::slice::from_ref(text),
            Term::List(texts) => texts.as_slice(),
            _ => return Some(()),
        };
        let mut known = Some(());
        for text in given
            .iter()
            .filter(|text| !entry.words.contains(&text.as_str()))
        {
            let message = format!("`{}` is never `{}`", entry.full_name(), cut(text));
            let hint = format!("it is {}", one_of(entry.words));
            self.fault(
                literal.part.span,
                MistakeCode::UnknownWord,
                message,
                Some(hint),
            );
            known = None;
        }
        known
    }
}

/// `a`, `b` or `c`.
fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
