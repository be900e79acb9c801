//! Holds `docs/rules.md` to the catalogue, and every example in both to the truth.
//!
//! `UPDATE_DOCS=1 cargo test -p policy reference` writes the generated part anew.

use std::fmt::Write;
use std::path::PathBuf;

use event_model::{Effect, TriggerAction};
use policy::CompiledPolicy;
use policy::{Entry, Reads, Type, catalogue};

use crate::facts::{Facts, event_type, version};

const BEGIN: &str = "<!-- generated from the catalogue: begin -->\n";
const END: &str = "<!-- generated from the catalogue: end -->\n";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md")
}

fn effect(entry: &Entry) -> Effect {
    entry.effect.unwrap_or(Effect::Deny)
}

#[test]
fn every_example_of_the_catalogue_comes_to_what_it_says() {
    for entry in catalogue() {
        let example = &entry.example;
        assert!(
            example.rule.contains(entry.name),
            "{} has its own example",
            entry.full_name()
        );
        for action in entry.actions {
            let version = version(1, &example.rule, &[*action], effect(entry));
            let compiled = CompiledPolicy::compile(&version)
                .unwrap_or_else(|mistakes| panic!("{}: {mistakes:?}", example.rule));
            let mut facts = Facts::parse("-", event_type(*action));
            if !example.given.contains("event_type=") {
                facts = Facts::parse(&example.given, event_type(*action));
            } else if *action != TriggerAction::Share {
                continue;
            }
            let truth = compiled.explain(&facts.input()).truth;
            assert_eq!(
                truth.word(),
                example.truth,
                "{} on {}",
                example.rule,
                example.given
            );
        }
    }
}

#[test]
fn an_alias_is_the_same_name() {
    for entry in catalogue() {
        for alias in entry.aliases {
            let rule = entry.example.rule.replace(entry.name, alias);
            let version = version(1, &rule, entry.actions, effect(entry));
            assert!(CompiledPolicy::compile(&version).is_ok(), "{rule}");
        }
    }
}

#[test]
fn the_reference_is_fresh() {
    let written = std::fs::read_to_string(path()).unwrap();
    let (before, rest) = written
        .split_once(BEGIN)
        .expect("the reference has its marks");
    let (generated, after) = rest.split_once(END).expect("the reference has its marks");
    let fresh = generate();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(), format!("{before}{BEGIN}{fresh}{END}{after}")).unwrap();
    } else {
        assert_eq!(
            generated, fresh,
            "run: UPDATE_DOCS=1 cargo test -p policy reference"
        );
    }
}

#[test]
fn every_rule_in_the_reference_compiles_and_every_wrong_one_does_not() {
    let written = std::fs::read_to_string(path()).unwrap();
    let mut seen = 0;
    let mut sort = None;
    for line in written.lines() {
        match (line.strip_prefix("```"), sort) {
            (Some(""), _) => sort = None,
            (Some("rule"), _) => sort = Some(true),
            (Some("wrong-rule"), _) => sort = Some(false),
            (None, Some(sound)) => {
                seen += 1;
                let any = [Effect::Deny, Effect::Allow].iter().any(|effect| {
                    CompiledPolicy::compile(&version(1, line, &[TriggerAction::Share], *effect))
                        .is_ok()
                });
                assert_eq!(any, sound, "{line}");
            }
            _ => {}
        }
    }
    assert!(seen >= 10, "only {seen} rules");
}

fn generate() -> String {
    let mut page = String::new();
    availability(&mut page);
    let mut object = "";
    for entry in catalogue() {
        if entry.object != object {
            object = entry.object;
            writeln!(page, "\n### `{object}`").unwrap();
        }
        describe(&mut page, entry);
    }
    page
}

/// Which objects a trigger offers.
fn availability(page: &mut String) {
    let mut objects: Vec<&str> = catalogue().iter().map(|entry| entry.object).collect();
    objects.dedup();
    writeln!(page, "\n| trigger | {} |", objects.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "---|".repeat(objects.len())).unwrap();
    for action in TriggerAction::ALL {
        write!(page, "| {action} |").unwrap();
        for object in &objects {
            let mut entries = catalogue().iter().filter(|entry| entry.object == *object);
            let offered = entries.any(|entry| entry.actions.contains(action));
            write!(page, " {} |", if offered { "yes" } else { "" }).unwrap();
        }
        page.push('\n');
    }
}

fn describe(page: &mut String, entry: &Entry) {
    writeln!(
        page,
        "\n**`{}`** ({})  ",
        entry.signature(),
        type_word(entry.result)
    )
    .unwrap();
    writeln!(page, "{}  ", entry.doc).unwrap();
    if !entry.words.is_empty() {
        writeln!(page, "One of: {}.  ", code(entry.words)).unwrap();
    }
    if !entry.aliases.is_empty() {
        writeln!(page, "Also written: {}.  ", code(entry.aliases)).unwrap();
    }
    match entry.reads {
        Reads::Fields(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
            writeln!(page, "Reads {}.  ", code(&names)).unwrap();
        }
        Reads::Content => page.push_str("Reads the content.  \n"),
        Reads::Country => page.push_str("Looked up from `actor_ip_address`.  \n"),
        Reads::Told { otherwise: [], why } => {
            writeln!(
                page,
                "Told with an attempt; unknown of recorded activity: {why}.  "
            )
            .unwrap();
        }
        Reads::Told { otherwise, .. } => {
            let names: Vec<&str> = otherwise.iter().map(|field| field.name()).collect();
            writeln!(
                page,
                "Told with an attempt; otherwise reads {}.  ",
                code(&names)
            )
            .unwrap();
        }
    }
    let example = &entry.example;
    writeln!(
        page,
        "`{}` is {} on `{}`.",
        example.rule, example.truth, example.given
    )
    .unwrap();
}

fn code(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

fn type_word(of: Type) -> &'static str {
    match of {
        Type::Bool => "true or false",
        Type::String => "text",
        Type::Number => "number",
        Type::List => "list of texts",
    }
}
