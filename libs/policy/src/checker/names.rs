//! Names and their arguments: whether they exist, are offered here, and are given what they take.

use event_model::Effect;

use super::{Checker, Typed};
use crate::catalogue::{self, Arity, Entry, Given, Takes, catalogue};
use crate::expression::{Expression, Node};
use crate::mistake::{MISTAKES_MAX, MistakeCode, Span, nearest};
use crate::program::{Part, Term};
use crate::token::cut;

impl Checker<'_> {
    pub(super) fn name(
        &mut self,
        span: Span,
        object: &str,
        name: &str,
        arguments: Option<&[Expression]>,
    ) -> Option<Typed> {
        let Some(entry) = catalogue::find(object, name) else {
            self.unknown_name(span, object, name);
            return None;
        };
        self.available(span, entry);
        // `_metadata` reads the labels together with the document's own properties.
        self.reads_labels |=
            object == "_metadata" || (object == "_content" && matches!(name, "label" | "labels"));
        let given = self.arguments(entry, arguments.unwrap_or_default())?;
        self.arity(span, entry, arguments.is_some(), given.len())?;
        if let Some(empty) = given.iter().enumerate().find_map(|(index, given)| {
            (given.text.trim().is_empty() && takes(entry, index) == Takes::Text)
                .then_some(given.span)
        }) {
            let message = "an argument may not be empty".to_owned();
            self.fault(empty, MistakeCode::WrongArgument, message, None);
            return None;
        }
        if entry
            .parameters
            .first()
            .is_some_and(|first| first.name == catalogue::DETECTOR)
        {
            self.detectors.push((given[0].text.clone(), given[0].span));
        }
        match (entry.build)(entry, &given) {
            Ok(reader) => Some(Typed {
                part: Part::new(Term::Read(reader), span),
                of: entry.result,
                entry: Some(entry),
            }),
            Err(refusal) => {
                let place = given.get(refusal.index).map_or(span, |given| given.span);
                self.fault(
                    place,
                    MistakeCode::WrongArgument,
                    refusal.message,
                    refusal.hint,
                );
                None
            }
        }
    }

    /// The arguments as texts; a list counts as its items.
    fn arguments(&mut self, entry: &Entry, arguments: &[Expression]) -> Option<Vec<Given>> {
        let mut given = Some(Vec::new());
        let mut index = 0;
        for argument in arguments {
            let items = match &argument.node {
                Node::List(items) => items.as_slice(),
                _ => std::slice::from_ref(argument),
            };
            for item in items {
                let text = self.argument(item, takes(entry, index));
                index += 1;
                given = given.zip(text).map(|(mut given, text)| {
                    given.push(text);
                    given
                });
            }
        }
        given
    }

    fn argument(&mut self, item: &Expression, takes: Takes) -> Option<Given> {
        let text = match (&item.node, takes) {
            (Node::Text(text), _) => text.clone(),
            (Node::Number(number), Takes::Value) => number.to_string(),
            (Node::Flag(flag), Takes::Value) => flag.to_string(),
            (Node::Missing, _) => return None,
            (_, takes) => {
                let message = match takes {
                    Takes::Text => "an argument is a text in quotes",
                    Takes::Value => "this is a text in quotes, a number, `true` or `false`",
                };
                let code = MistakeCode::WrongArgument;
                self.fault(item.span, code, message.to_owned(), None);
                return None;
            }
        };
        Some(Given {
            text,
            span: item.span,
        })
    }

    fn arity(&mut self, span: Span, entry: &Entry, called: bool, given: usize) -> Option<()> {
        let least = entry
            .parameters
            .iter()
            .filter(|p| p.arity != Arity::Optional)
            .count();
        let many = entry.parameters.iter().any(|p| p.arity == Arity::Many);
        let most = if many {
            usize::MAX
        } else {
            entry.parameters.len()
        };
        let attribute = entry.parameters.is_empty();
        // Where every argument may be left out, so may the parentheses.
        let sound = match called {
            true => !attribute,
            false => attribute || least == 0,
        };
        if sound && (least..=most).contains(&given) {
            return Some(());
        }
        let (message, hint) = if attribute {
            let message = format!("`{}` is a value, not a function", entry.full_name());
            (message, "leave out the parentheses".to_owned())
        } else {
            let message = match (called, given) {
                (false, _) => format!("`{}` is a function", entry.full_name()),
                (_, 1) => format!("`{}` does not take 1 argument", entry.full_name()),
                (_, given) => format!("`{}` does not take {given} arguments", entry.full_name()),
            };
            (message, format!("write `{}`", entry.signature()))
        };
        self.fault(span, MistakeCode::WrongArgument, message, Some(hint));
        None
    }

    fn available(&mut self, span: Span, entry: &Entry) {
        let lacking = self
            .actions
            .iter()
            .filter(|action| !entry.actions.contains(action));
        let lacking: Vec<&str> = lacking.map(|action| action.word()).collect();
        if !lacking.is_empty() {
            let message = format!(
                "`{}` does not exist for {}",
                entry.full_name(),
                lacking.join(", ")
            );
            let offered: Vec<&str> = entry.actions.iter().map(|action| action.word()).collect();
            let hint = format!("it exists for {}", offered.join(", "));
            self.fault(span, MistakeCode::NotAvailable, message, Some(hint));
        }
        if let Some(only) = entry.effect.filter(|only| *only != self.effect) {
            let word = effect_word(only);
            let message = format!("`{}` is for effect {word} only", entry.full_name());
            self.fault(span, MistakeCode::WrongEffect, message, None);
        }
    }

    fn unknown_name(&mut self, span: Span, object: &str, name: &str) {
        let message = format!("there is no `{}.{}`", cut(object), cut(name));
        // Looking for what was meant takes time, and more than these are not shown.
        let hint = (self.faults.len() < MISTAKES_MAX).then(|| meant(object, name));
        self.fault(span, MistakeCode::UnknownName, message, hint);
    }
}

/// What the argument of that index may be; that of a parameter which takes many is the last one's.
fn takes(entry: &Entry, index: usize) -> Takes {
    let last = entry.parameters.len().saturating_sub(1);
    let parameter = entry.parameters.get(index.min(last));
    parameter.map_or(Takes::Text, |parameter| parameter.takes)
}

/// What was probably meant by a name that does not exist.
fn meant(object: &str, name: &str) -> String {
    let object = catalogue::full_object(object);
    let of_object = || catalogue().iter().filter(|entry| entry.object == object);
    if of_object().next().is_some() {
        if let Some(near) = nearest(name, of_object().map(|entry| entry.name)) {
            return format!("did you mean `{object}.{near}`?");
        }
        let names: Vec<&str> = of_object().map(|entry| entry.name).collect();
        return format!("`{object}` has {}", names.join(", "));
    }
    if let Some(instead) = catalogue::instead_of(object) {
        return instead.to_owned();
    }
    let mut objects: Vec<&str> = catalogue().iter().map(|entry| entry.object).collect();
    objects.dedup();
    match nearest(object, objects.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the objects are {}", objects.join(", ")),
    }
}

/// The effect in the word that policies use.
fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Deny => "DENY",
        Effect::Allow => "ALLOW",
    }
}
