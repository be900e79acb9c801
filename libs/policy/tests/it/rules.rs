//! Runs `rules.txt`: what each rule comes to, or what is said of it.

use event_model::{Effect, Outcome, TraceNode, TriggerAction};
use policy::{Chain, CompiledPolicy, Evaluation, Mistake, PolicySet};

use crate::facts::{Facts, connection, event_type, version};

/// Fewer rows than this, and the table was cut by mistake.
const ROWS_MIN: usize = 150;

#[test]
fn every_rule_of_the_table_comes_to_what_it_says() {
    let table = include_str!("../rules.txt");
    let rows = table
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut wrong = String::new();
    let mut count = 0;
    for (index, line) in rows {
        count += 1;
        let (given, wanted) = line
            .rsplit_once(" => ")
            .expect("a row ends in ` => outcome`");
        let came = outcome(given);
        if came != wanted {
            wrong += &format!(
                "rules.txt:{}\n{given} => {came}\nnot: {wanted}\n\n",
                index + 1
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count >= ROWS_MIN, "only {count} rows");
}

fn outcome(given: &str) -> String {
    let columns: Vec<&str> = given.split(" | ").map(str::trim).collect();
    let [rule, actions, effect, facts, content] = columns[..] else {
        panic!("a row is rule | trigger | effect | activity | content: {given}");
    };
    let rule = rule.replace('⏎', "\n");
    let actions: Vec<TriggerAction> = actions
        .split(',')
        .map(|word| TriggerAction::from_word(word).unwrap())
        .collect();
    let effect = if effect == "ALLOW" {
        Effect::Allow
    } else {
        Effect::Deny
    };
    let version = version(1, &rule, &actions, effect);
    if let Err(mistakes) = CompiledPolicy::compile(&version) {
        return mistakes.iter().map(said).collect::<Vec<_>>().join(" // ");
    }
    let facts = Facts::parse(&format!("{facts}; {content}"), event_type(actions[0]));
    let (set, _) = PolicySet::compile(&[version]);
    shown(&set.evaluate(connection(1), &facts.input(), Chain::Whole))
}

fn said(mistake: &Mistake) -> String {
    let place = mistake.position.unwrap();
    let hint = mistake.hint.as_deref().map(|hint| format!(" ({hint})"));
    let hint = hint.unwrap_or_default();
    format!(
        "error {}:{} {}{hint}",
        place.line, place.column, mistake.message
    )
}

/// `complied`, `violated`, or `undecided: why [what could decide it]`.
fn shown(evaluation: &Evaluation) -> String {
    let Some(outcome) = evaluation.verdict.outcomes.first() else {
        return Outcome::Complied.to_string();
    };
    if outcome.outcome != Outcome::Undecided {
        return outcome.outcome.to_string();
    }
    let mut notes = Vec::new();
    collect(&outcome.trace, &mut notes);
    let mut needs: Vec<&str> = evaluation
        .needs
        .fields
        .iter()
        .map(|field| field.name())
        .collect();
    if evaluation.needs.content {
        needs.push("content");
    }
    let mut text = format!("undecided: {}", notes.join("; "));
    if !needs.is_empty() {
        text += &format!(" [{}]", needs.join(", "));
    }
    text
}

fn collect(node: &TraceNode, notes: &mut Vec<String>) {
    if let Some(note) = node.note.as_ref().filter(|note| !notes.contains(note)) {
        notes.push(note.clone());
    }
    for part in &node.parts {
        collect(part, notes);
    }
}
