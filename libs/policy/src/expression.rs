//! A rule as a tree, and its one canonical way of being written: reading what is printed gives the same tree.

use std::fmt::{self, Write};

use crate::mistake::{Mistake, Span, mistakes};
use crate::parser;

/// A rule, read but not yet checked against what its trigger offers.
///
/// Two expressions are equal when they mean the same parts in the same order, wherever these stand.
#[derive(Debug, Clone)]
pub struct Expression {
    pub(crate) node: Node,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// At least two parts, any of which suffices.
    Any(Vec<Expression>),
    /// At least two parts, all of which are needed.
    All(Vec<Expression>),
    Not(Box<Expression>),
    Compare(Operator, Box<Expression>, Box<Expression>),
    Text(String),
    Number(f64),
    Flag(bool),
    List(Vec<Expression>),
    /// `_object.name`, or a call when it has arguments.
    Name {
        object: String,
        name: String,
        arguments: Option<Vec<Expression>>,
    },
    /// Could not be read; already reported.
    Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
}

impl Operator {
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::In => "in",
            Operator::NotIn => "not in",
            Operator::Contains => "contains",
            Operator::StartsWith => "starts with",
            Operator::EndsWith => "ends with",
            Operator::Matches => "matches",
        }
    }

    /// Whether it tests a text against another that is written in the rule.
    pub(crate) const fn is_test(self) -> bool {
        matches!(
            self,
            Operator::Contains | Operator::StartsWith | Operator::EndsWith | Operator::Matches
        )
    }
}

impl Expression {
    /// Reads a rule.
    ///
    /// # Errors
    /// Every mistake of its form, at most [`crate::MISTAKES_MAX`]; names and types are not looked at.
    pub fn parse(rule: &str) -> Result<Self, Vec<Mistake>> {
        let (expression, faults) = parser::parse(rule);
        if faults.is_empty() {
            Ok(expression)
        } else {
            Err(mistakes(faults, rule))
        }
    }

    /// How tightly it holds together: a part that holds less tightly than its place needs parentheses.
    fn tightness(&self) -> u8 {
        match self.node {
            Node::Any(_) => 1,
            Node::All(_) => 2,
            Node::Compare(..) => 3,
            Node::Not(_) => 4,
            _ => 5,
        }
    }

    /// Writes a part in a place that asks for at least that tightness.
    fn write_within(&self, f: &mut fmt::Formatter<'_>, least: u8) -> fmt::Result {
        if self.tightness() < least {
            write!(f, "({self})")
        } else {
            write!(f, "{self}")
        }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Any(parts) => separated(f, parts, " or ", 2),
            Node::All(parts) => separated(f, parts, " and ", 3),
            Node::Not(part) => {
                f.write_str("not ")?;
                part.write_within(f, 4)
            }
            Node::Compare(operator, left, right) => {
                left.write_within(f, 4)?;
                write!(f, " {} ", operator.sign())?;
                right.write_within(f, 4)
            }
            Node::Text(text) => write_text(f, text),
            Node::Number(number) => write!(f, "{number}"),
            Node::Flag(flag) => write!(f, "{flag}"),
            Node::List(items) => {
                f.write_char('[')?;
                separated(f, items, ", ", 0)?;
                f.write_char(']')
            }
            Node::Name {
                object,
                name,
                arguments,
            } => {
                write!(f, "{object}.{name}")?;
                let Some(arguments) = arguments else {
                    return Ok(());
                };
                f.write_char('(')?;
                separated(f, arguments, ", ", 0)?;
                f.write_char(')')
            }
            Node::Missing => f.write_char('?'),
        }
    }
}

fn separated(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expression],
    separator: &str,
    least: u8,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        part.write_within(f, least)?;
    }
    Ok(())
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('\'')?;
    for letter in text.chars() {
        match letter {
            '\'' | '\\' => write!(f, "\\{letter}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ => f.write_char(letter)?,
        }
    }
    f.write_char('\'')
}

#[cfg(test)]
mod tests;
