//! What a service can do for us, as its manifest has it, and why it cannot do the rest.

use std::collections::BTreeMap;

use event_model::{EventType, RemedyKind};
use serde::Serialize;

use super::Connector;
use crate::manifest::push::Reconcile;
use crate::mapping::read::written_words;
use crate::mapping::verb::Verb;

/// What a service can do for us, beyond its feeds and its remedies.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Abilities {
    /// The kinds of activity that it reports, words of [`EventType`], as far as the manifest says them;
    /// empty when only each event tells.
    pub reports: Vec<&'static str>,
    /// Fields that its activity never has, each with why.
    pub silent: BTreeMap<&'static str, String>,
    /// Remedies that cannot be carried out, words of [`RemedyKind`], each with why.
    pub refused: BTreeMap<&'static str, String>,
    /// How often a stream is read, in seconds; absent when nothing is pulled.
    pub polled_every_s: Option<u64>,
    /// How often what was pushed is reconciled by reading, in seconds; absent when it is not.
    pub reconciled_every_s: Option<u64>,
}

impl Connector {
    /// What the service can do, and why not the rest.
    pub fn abilities(&self) -> Abilities {
        let refused = RemedyKind::ALL.iter();
        let refused = refused.filter_map(|kind| Some((kind.word(), self.missing_for(*kind)?)));
        let silent = self.mapping.fields.iter();
        let silent = silent.filter_map(|(field, verb)| match verb {
            Verb::Absent(reason) => Some((field.name(), reason.to_string())),
            _ => None,
        });
        let polled = self.streams.of_activity();
        let polled = polled.map(|stream| stream.every.as_secs());
        let push = self.push.as_ref().map(|push| &push.reconcile);
        Abilities {
            reports: self.reports(),
            silent: silent.collect(),
            refused: refused.collect(),
            polled_every_s: polled.min(),
            reconciled_every_s: match push {
                Some(Reconcile::Pull { every, .. }) => Some(every.as_secs()),
                Some(Reconcile::Nothing) | None => None,
            },
        }
    }

    fn reports(&self) -> Vec<&'static str> {
        let mut fields = self.mapping.fields.iter();
        let verb = fields.find(|(field, _)| *field == event_model::Field::EventType);
        let mut words = Vec::new();
        if let Some((_, verb)) = verb {
            written_words(verb, &mut words);
        }
        let all = EventType::ALL.iter().map(|kind| kind.word());
        all.filter(|word| words.contains(word)).collect()
    }
}
