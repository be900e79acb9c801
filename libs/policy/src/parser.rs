//! Reads tokens into a tree by binding powers (a Pratt parser), and goes on after a mistake.
//!
//! From loose to tight: `or` < `and` < comparisons, `in`, `contains` and the like < `not`. As in FileCloud (Symfony's
//! ExpressionLanguage), `not` binds tighter than `==`: `not a == b` is `(not a) == b`. For truths both
//! readings come to the same; for anything else the type checker refuses it. Comparisons do not chain.
//! `a or b or c` is one node with three parts, so only parentheses, `not` and lists add depth.

use crate::expression::{Expression, Node, Operator};
use crate::mistake::{Fault, MistakeCode, Span, nearest};
use crate::token::{Token, tokens};

use event_model::PolicyDocument;

/// Deepest nesting of a rule.
pub const RULE_DEPTH_MAX: usize = 64;
/// Most items of a list, or arguments of a call.
pub const LIST_ITEMS_MAX: usize = 1_000;

/// Operators in words, for what was probably meant.
const INFIX_WORDS: &[&str] = &[
    "and",
    "or",
    "in",
    "not in",
    "contains",
    "starts with",
    "ends with",
    "matches",
];

const POWER_LOWEST: u8 = 0;
const POWER_OR: u8 = 10;
const POWER_AND: u8 = 15;
const POWER_COMPARE: u8 = 20;
const POWER_NOT: u8 = 50;

/// The tree, complete only when there are no faults.
pub(crate) fn parse(rule: &str) -> (Expression, Vec<Fault>) {
    let end = Span {
        start: rule.len(),
        end: rule.len(),
    };
    if rule.len() > PolicyDocument::RULE_BYTES_MAX {
        let (length, max) = (rule.len(), PolicyDocument::RULE_BYTES_MAX);
        let message = format!("the rule has {length} bytes; it may have {max}");
        let fault = Fault::new(end, MistakeCode::TooLarge, message);
        return (missing(end), vec![fault]);
    }
    let (tokens, faults) = tokens(rule);
    let mut parser = Parser {
        rule,
        tokens,
        at: 0,
        depth: 0,
        faults,
    };
    if parser.peek() == &Token::End {
        if parser.faults.is_empty() {
            let fault = Fault::new(end, MistakeCode::Missing, "the rule is empty");
            parser
                .faults
                .push(fault.hint("write `true` for a rule that always holds"));
        }
        return (missing(end), parser.faults);
    }
    let expression = parser.whole();
    (expression, parser.faults)
}

fn missing(span: Span) -> Expression {
    Expression {
        node: Node::Missing,
        span,
    }
}

/// What stands between two parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Infix {
    Or,
    And,
    Compare(Operator),
}

impl Infix {
    fn power(self) -> u8 {
        match self {
            Infix::Or => POWER_OR,
            Infix::And => POWER_AND,
            Infix::Compare(_) => POWER_COMPARE,
        }
    }

    fn is_of_two_words(self) -> bool {
        use Operator::{EndsWith, NotIn, StartsWith};
        matches!(self, Infix::Compare(NotIn | StartsWith | EndsWith))
    }
}

struct Parser<'r> {
    rule: &'r str,
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
    faults: Vec<Fault>,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    fn advance(&mut self) -> (Token, Span) {
        let (token, span) = self.tokens[self.at].clone();
        // INVARIANT: the last token is `End`, and it is never passed.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        (token, span)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.advance();
        }
        found
    }

    /// Whether what comes next is odd only because something before it could not be read.
    fn is_explained(&self) -> bool {
        let before = self.at.checked_sub(1);
        let from = before.map_or(0, |before| self.tokens[before].1.end);
        let gap = from..self.span().start;
        let mut faults = self.faults.iter();
        faults.any(|fault| gap.contains(&fault.span.start))
    }

    fn fault(&mut self, code: MistakeCode, message: impl Into<String>) -> &mut Fault {
        let fault = Fault::new(self.span(), code, message);
        self.faults.push(fault);
        self.faults.last_mut().expect("one was just pushed")
    }

    /// The whole rule. What is left over after a mistake is read too, so that its names are checked.
    fn whole(&mut self) -> Expression {
        let first = self.expression(POWER_LOWEST);
        if self.peek() == &Token::End {
            return first;
        }
        self.report_left_over();
        let span = first.span;
        let mut parts = vec![first];
        while self.peek() != &Token::End {
            let reported = self.faults.len();
            let here = self.at;
            let part = self.expression(POWER_LOWEST);
            if self.at == here {
                // Nothing could start here: it follows from the mistake reported above.
                self.faults.truncate(reported);
                self.advance();
            }
            // A lone literal says nothing more than that it is out of place.
            if matches!(
                part.node,
                Node::Any(_) | Node::All(_) | Node::Not(_) | Node::Compare(..) | Node::Name { .. }
            ) {
                parts.push(part);
            }
        }
        Expression {
            node: Node::Any(parts),
            span,
        }
    }

    fn report_left_over(&mut self) {
        if self.is_explained() {
            return;
        }
        let found = self.peek().describe();
        let stray = matches!(self.peek(), Token::Close | Token::CloseList);
        let fault = self.fault(
            MistakeCode::Syntax,
            format!("expected `and`, `or` or the end of the rule, found {found}"),
        );
        fault.hint = stray.then(|| "nothing was opened that this closes".to_owned());
        if let Token::Name(word) = self.peek()
            && let Some(near) = nearest(word, INFIX_WORDS.iter().copied())
            && let Some(fault) = self.faults.last_mut()
        {
            fault.hint = Some(format!("did you mean `{near}`?"));
        }
    }

    fn infix(&self) -> Option<Infix> {
        let operator = match self.peek() {
            Token::Or => return Some(Infix::Or),
            Token::And => return Some(Infix::And),
            Token::Equal => Operator::Equal,
            Token::NotEqual => Operator::NotEqual,
            Token::Less => Operator::Less,
            Token::LessOrEqual => Operator::LessOrEqual,
            Token::Greater => Operator::Greater,
            Token::GreaterOrEqual => Operator::GreaterOrEqual,
            Token::In => Operator::In,
            Token::Not if self.tokens[self.at + 1].0 == Token::In => Operator::NotIn,
            Token::Name(word) => self.test(word)?,
            _ => return None,
        };
        Some(Infix::Compare(operator))
    }

    /// A word is an operator only where one can stand: `contains` is a name anywhere else.
    fn test(&self, word: &str) -> Option<Operator> {
        let is = |wanted: &str| word.eq_ignore_ascii_case(wanted);
        let with = || match self.tokens.get(self.at + 1) {
            Some((Token::Name(word), _)) => word.eq_ignore_ascii_case("with"),
            _ => false,
        };
        match () {
            () if is("contains") => Some(Operator::Contains),
            () if is("matches") => Some(Operator::Matches),
            () if is("starts") && with() => Some(Operator::StartsWith),
            () if is("ends") && with() => Some(Operator::EndsWith),
            () => None,
        }
    }

    fn expression(&mut self, floor: u8) -> Expression {
        let mut left = self.prefix();
        let mut last = None;
        while let Some(infix) = self.infix()
            && infix.power() > floor
        {
            if matches!((last, infix), (Some(Infix::Compare(_)), Infix::Compare(_))) {
                let fault = self.fault(MistakeCode::Syntax, "comparisons do not chain");
                fault.hint = Some("write `a < b and b < c`, or use parentheses".to_owned());
                left = missing(left.span);
            }
            self.advance();
            if infix.is_of_two_words() {
                self.advance();
            }
            let right = self.expression(infix.power());
            left = join(left, infix, last == Some(infix), right);
            last = Some(infix);
        }
        left
    }

    /// Reads one level deeper, or gives the rule up when it is too deep.
    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Expression) -> Expression {
        if self.depth == RULE_DEPTH_MAX {
            let message = format!("the rule is nested deeper than {RULE_DEPTH_MAX} levels");
            self.fault(MistakeCode::TooLarge, message);
            let span = self.span();
            self.at = self.tokens.len() - 1;
            return missing(span);
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn prefix(&mut self) -> Expression {
        match self.peek() {
            Token::Not => self.deeper(Self::negation),
            Token::Open => self.deeper(Self::group),
            Token::OpenList => self.deeper(Self::list),
            Token::Name(_) => self.deeper(Self::name),
            Token::Text(_) | Token::Number(_) | Token::True | Token::False => self.literal(),
            _ => self.lost(),
        }
    }

    fn literal(&mut self) -> Expression {
        let (token, span) = self.advance();
        let node = match token {
            Token::Text(text) => Node::Text(text),
            Token::Number(number) => Node::Number(number),
            token => Node::Flag(token == Token::True),
        };
        Expression { node, span }
    }

    fn negation(&mut self) -> Expression {
        let (_, span) = self.advance();
        let part = self.expression(POWER_NOT);
        Expression {
            span: span.to(part.span),
            node: Node::Not(Box::new(part)),
        }
    }

    fn group(&mut self) -> Expression {
        let (_, open) = self.advance();
        let inner = self.expression(POWER_LOWEST);
        let close = self.close(&Token::Close, open);
        Expression {
            span: open.to(close),
            ..inner
        }
    }

    fn list(&mut self) -> Expression {
        let (_, open) = self.advance();
        let items = self.items(&Token::CloseList);
        let close = self.close(&Token::CloseList, open);
        Expression {
            node: Node::List(items),
            span: open.to(close),
        }
    }

    fn name(&mut self) -> Expression {
        let (object, span) = self.word();
        if !self.takes(&Token::Dot) {
            self.faults.push(
                Fault::new(
                    span,
                    MistakeCode::UnknownName,
                    format!("`{}` alone is not a name", crate::token::cut(&object)),
                )
                .hint("names are written `_object.name`; texts stand in quotes"),
            );
            // What follows in parentheses belongs to the same mistake.
            if self.peek() == &Token::Open {
                self.group();
            }
            return missing(span);
        }
        if !matches!(self.peek(), Token::Name(_)) {
            let found = self.peek().describe();
            let message = format!("expected a name after `{object}.`, found {found}");
            self.fault(MistakeCode::Syntax, message);
            return missing(span);
        }
        let (name, end) = self.word();
        let mut span = span.to(end);
        let mut arguments = None;
        if self.peek() == &Token::Open {
            let (_, open) = self.advance();
            arguments = Some(self.items(&Token::Close));
            span = span.to(self.close(&Token::Close, open));
        }
        Expression {
            node: Node::Name {
                object,
                name,
                arguments,
            },
            span,
        }
    }

    fn word(&mut self) -> (String, Span) {
        match self.advance() {
            (Token::Name(name), span) => (name, span),
            (_, span) => (String::new(), span),
        }
    }

    fn items(&mut self, close: &Token) -> Vec<Expression> {
        let mut items = Vec::new();
        while self.peek() != close && self.peek() != &Token::End {
            if items.len() == LIST_ITEMS_MAX {
                let message = format!("a list has at most {LIST_ITEMS_MAX} items");
                self.fault(MistakeCode::TooLarge, message);
                self.at = self.tokens.len() - 1;
                break;
            }
            items.push(self.expression(POWER_LOWEST));
            if !self.takes(&Token::Comma) {
                break;
            }
        }
        items
    }

    /// Takes the closing sign, or reports that it is not there and skips to it when it comes.
    fn close(&mut self, close: &Token, open: Span) -> Span {
        let here = self.span();
        if self.takes(close) {
            return here;
        }
        let abandoned = self.peek() == &Token::End
            && self
                .faults
                .last()
                .is_some_and(|fault| fault.code == MistakeCode::TooLarge);
        if !abandoned {
            let (wanted, found) = (close.describe(), self.peek().describe());
            let opened = open.position(self.rule);
            self.fault(
                MistakeCode::Syntax,
                format!("expected {wanted}, found {found}"),
            )
            .hint = Some(format!(
                "it closes what is opened at line {}, column {}",
                opened.line, opened.column
            ));
        }
        while !matches!(self.peek(), Token::And | Token::Or | Token::End) && self.peek() != close {
            self.advance();
        }
        self.takes(close);
        Span {
            start: here.start,
            end: here.start,
        }
    }

    /// No part starts here: reports it and skips to where one could end.
    fn lost(&mut self) -> Expression {
        let span = self.span();
        if !self.is_explained() {
            let found = self.peek().describe();
            self.fault(
                MistakeCode::Syntax,
                format!("expected a name, a text, a number or `(`, found {found}"),
            );
        }
        while !matches!(
            self.peek(),
            Token::And
                | Token::Or
                | Token::Close
                | Token::CloseList
                | Token::Comma
                | Token::Name(_)
                | Token::End
        ) {
            self.advance();
        }
        missing(span)
    }
}

/// Joins two parts; a run of the same `or` or `and` becomes one node.
fn join(left: Expression, infix: Infix, same_run: bool, right: Expression) -> Expression {
    let span = left.span.to(right.span);
    let node = match (infix, left) {
        (
            Infix::Or,
            Expression {
                node: Node::Any(mut parts),
                ..
            },
        ) if same_run => {
            parts.push(right);
            Node::Any(parts)
        }
        (
            Infix::And,
            Expression {
                node: Node::All(mut parts),
                ..
            },
        ) if same_run => {
            parts.push(right);
            Node::All(parts)
        }
        (Infix::Or, left) => Node::Any(vec![left, right]),
        (Infix::And, left) => Node::All(vec![left, right]),
        (Infix::Compare(operator), left) => {
            Node::Compare(operator, Box::new(left), Box::new(right))
        }
    };
    Expression { node, span }
}
