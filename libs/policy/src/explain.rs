//! Why a rule came to what it came to: the rule's parts as the administrator wrote them, with their values.
//!
//! Bounded: at most [`TRACE_NODES_MAX`] nodes, and texts cut at [`TRACE_TEXT_CHARS_MAX`] characters.

use event_model::{FieldSource, TraceNode, Truth};

use crate::input::{ContentState, Coverage, Input};
use crate::program::{Part, Term};
use crate::reader::in_part;
use crate::value::{Lack, List, Range, Value};

/// Longest text of a trace, in characters.
pub const TRACE_TEXT_CHARS_MAX: usize = 200;
/// Most nodes of a trace.
pub const TRACE_NODES_MAX: usize = 200;

/// The trace of a rule on an input.
pub(crate) fn explain(rule: &str, root: &Part, input: &Input<'_>) -> TraceNode {
    let mut explainer = Explainer {
        rule,
        input,
        nodes_left: TRACE_NODES_MAX - 1,
    };
    explainer.node(root)
}

/// The text, cut at that many characters.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Why a value lacks, in words.
pub(crate) fn why(lack: &Lack<'_>, input: &Input<'_>) -> String {
    match lack {
        Lack::Absent(field) => match input.provenance.of(*field) {
            FieldSource::Absent(reason) => format!("{field} is absent: {reason}"),
            _ => format!("{field} is absent"),
        },
        Lack::Malformed(field, what) => {
            let text = input.activity.text(*field).unwrap_or_default();
            format!("{field} is not {what}: {}", cut(&text, 60))
        }
        Lack::Untold(why) => (*why).to_owned(),
        Lack::Blind(why) => format!("content: {why}"),
        Lack::InPart(reasons) => format!("content: {}", in_part(reasons)),
        Lack::NotFetched => "content was not fetched".to_owned(),
    }
}

struct Explainer<'e> {
    rule: &'e str,
    input: &'e Input<'e>,
    nodes_left: usize,
}

impl Explainer<'_> {
    fn node(&mut self, part: &Part) -> TraceNode {
        let (value, note) = match part.value(self.input) {
            Some(value) => self.value(value),
            None => (part.judge(self.input).truth().word().to_owned(), None),
        };
        let (parts, left_out) = self.parts(part);
        let left_out = (left_out > 0).then(|| format!("{left_out} more parts are not shown"));
        TraceNode {
            expression: cut(
                &self.rule[part.span.start..part.span.end],
                TRACE_TEXT_CHARS_MAX,
            ),
            value: cut(&value, TRACE_TEXT_CHARS_MAX),
            note: note
                .or(left_out)
                .map(|note| cut(&note, TRACE_TEXT_CHARS_MAX)),
            parts,
        }
    }

    /// The parts worth showing, and how many there was no room for.
    fn parts(&mut self, part: &Part) -> (Vec<TraceNode>, usize) {
        let below: Vec<&Part> = match &part.term {
            Term::Any(parts) | Term::All(parts) => parts.iter().collect(),
            Term::Not(part) => vec![part],
            Term::Compare(comparison) => vec![&comparison.left, &comparison.right],
            Term::Test(part, _) => vec![part],
            _ => Vec::new(),
        };
        let literal = |part: &Part| {
            matches!(
                part.term,
                Term::Text(_) | Term::Number(_) | Term::Flag(_) | Term::List(_)
            )
        };
        let worth = below.into_iter().filter(|part| !literal(part));
        let mut shown = Vec::new();
        let mut left_out = 0;
        for part in worth {
            if self.nodes_left == 0 {
                left_out += 1;
            } else {
                self.nodes_left -= 1;
                shown.push(self.node(part));
            }
        }
        (shown, left_out)
    }

    fn value(&self, value: Value<'_>) -> (String, Option<String>) {
        match value {
            Value::Text(text) => (text.into_owned(), None),
            Value::Flag(flag) => (flag.to_string(), None),
            Value::Number(range) => self.number(range),
            Value::List(list) => listed(&list),
            Value::Lacking(lack) => (
                Truth::Unknown.word().to_owned(),
                Some(why(&lack, self.input)),
            ),
        }
    }

    fn number(&self, range: Range) -> (String, Option<String>) {
        if range.most.is_some() {
            return (range.least.to_string(), None);
        }
        let note = match self.input.content {
            ContentState::Known(facts) => match &facts.coverage {
                Coverage::Partial { reasons } => Some(in_part(reasons)),
                Coverage::Full | Coverage::None { .. } => None,
            },
            ContentState::NotFetched | ContentState::Unavailable { .. } => None,
        };
        (format!("at least {}", range.least), note)
    }
}

fn listed(list: &List<'_>) -> (String, Option<String>) {
    let mut text = String::from("[");
    for (index, item) in list.items.iter().enumerate() {
        if text.len() > TRACE_TEXT_CHARS_MAX * 4 {
            break;
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(item);
    }
    text.push(']');
    (
        text,
        list.unread
            .map(|reasons| format!("content: {}", in_part(reasons))),
    )
}
