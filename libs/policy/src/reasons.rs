//! Why a rule came to what it came to, in words: the parts that decided, not the whole tree.

use event_model::Truth;

use crate::explain::{TRACE_TEXT_CHARS_MAX, cut, why};
use crate::input::Input;
use crate::program::{Part, Term};
use crate::value::Value;

/// Most reasons given of one policy.
pub const REASONS_MAX: usize = 8;

/// The parts that made the rule true or false, or that leave it unknown, in the order of the rule.
pub(crate) fn reasons(rule: &str, root: &Part, input: &Input<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    gather(rule, root, input, &mut reasons);
    reasons
}

fn gather(rule: &str, part: &Part, input: &Input<'_>, into: &mut Vec<String>) {
    if into.len() == REASONS_MAX {
        return;
    }
    let truth = part.judge(input).truth();
    match &part.term {
        // One part suffices; or it took all of them.
        Term::Any(parts) if truth == Truth::True => first(rule, parts, truth, input, into),
        Term::All(parts) if truth == Truth::False => first(rule, parts, truth, input, into),
        Term::Any(parts) | Term::All(parts) => {
            for part in parts
                .iter()
                .filter(|part| part.judge(input).truth() == truth)
            {
                gather(rule, part, input, into);
            }
        }
        Term::Not(part) => gather(rule, part, input, into),
        _ => into.push(sentence(rule, part, truth, input)),
    }
}

fn first(rule: &str, parts: &[Part], truth: Truth, input: &Input<'_>, into: &mut Vec<String>) {
    let deciding = parts.iter().find(|part| part.judge(input).truth() == truth);
    if let Some(part) = deciding {
        gather(rule, part, input, into);
    }
}

/// `_share.public is true`, `_file.ext == 'pdf' is false: _file.ext is docx`.
fn sentence(rule: &str, part: &Part, truth: Truth, input: &Input<'_>) -> String {
    let text = |part: &Part| {
        let written = &rule[part.span.start..part.span.end];
        cut(without_parentheses(written), TRACE_TEXT_CHARS_MAX)
    };
    let operands: Vec<&Part> = match &part.term {
        Term::Compare(comparison) => vec![&comparison.left, &comparison.right],
        Term::Test(part, _) => vec![part],
        Term::Read(_) => vec![part],
        _ => Vec::new(),
    };
    let read = operands.into_iter().filter_map(|operand| {
        let value = match (&operand.term, operand.value(input)?) {
            (Term::Read(_), Value::Lacking(lack)) => return Some(why(&lack, input)),
            (Term::Read(_), Value::Text(value)) => value.into_owned(),
            (Term::Read(_), Value::Number(range)) if range.most.is_none() => {
                format!("at least {}", range.least)
            }
            (Term::Read(_), Value::Number(range)) => range.least.to_string(),
            (Term::Read(_), Value::List(list)) => {
                let items: Vec<&str> = list.items.iter().take(REASONS_MAX).collect();
                format!("[{}]", items.join(", "))
            }
            _ => return None,
        };
        let value = cut(&value, TRACE_TEXT_CHARS_MAX);
        Some(format!("`{}` is `{value}`", text(operand)))
    });
    let because: Vec<String> = read.collect();
    let said = format!("`{}` is {truth}", text(part));
    match because.is_empty() {
        true => said,
        false => format!("{said}: {}", because.join(", ")),
    }
}

/// Without the parentheses that stand around all of it.
fn without_parentheses(text: &str) -> &str {
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let Some(inner) = inner else {
        return text;
    };
    let mut depth = 0i32;
    let closes_early = inner.chars().any(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth < 0
    });
    if closes_early { text } else { inner.trim() }
}
