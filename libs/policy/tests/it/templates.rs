//! Every template is sound, and does what it says.

use std::collections::BTreeSet;

use event_model::{Effect, Outcome, PolicyVersion};
use policy::{CompiledPolicy, templates};

use crate::facts::{Facts, event_type, version};

#[test]
fn every_template_is_violated_by_one_of_its_examples_and_complied_with_by_the_other() {
    for template in templates() {
        let document = &template.policy;
        for action in &document.trigger.actions {
            let version = PolicyVersion {
                document: document.clone(),
                ..version(1, "true", &[*action], Effect::Deny)
            };
            let compiled = CompiledPolicy::compile(&version)
                .unwrap_or_else(|mistakes| panic!("{}: {mistakes:?}", template.id));
            for (given, wanted) in [
                (&template.violating, Outcome::Violated),
                (&template.complying, Outcome::Complied),
            ] {
                let facts = Facts::parse(given, event_type(*action));
                let came = compiled.explain(&facts.input()).outcome;
                assert_eq!(came, wanted, "{} for {action} on {given}", template.id);
            }
        }
    }
}

#[test]
fn templates_are_found_by_ids_of_their_own_and_say_what_to_replace() {
    let mut ids = BTreeSet::new();
    let of_the_seed = templates().iter().filter(|one| !one.source.is_empty());
    assert_eq!((templates().len(), of_the_seed.count()), (16, 4));
    for template in templates() {
        assert!(ids.insert(&template.id), "{} is there twice", template.id);
        let plain = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        assert!(template.id.chars().all(plain), "{}", template.id);
        assert_eq!(template.policy.name, template.title);
        for text in &template.replace {
            assert!(
                template.policy.rule.contains(text.as_str()),
                "{}",
                template.id
            );
        }
    }
}
