//! Normalisation: from an event as the service sent it to the 24 fields.
//!
//! Every verb is total: a missing value is absent with a reason, never an error and never a silent
//! default. What an event is mapped to depends on the event, the manifest and the connection only.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use event_model::{Activity, Connection, DeadLetterReason, Field, Provenance, RawEvent, RawJson};
use serde_json::Value;

use crate::condition::Condition;
use crate::condition::memo::Memo;
use crate::connector::Connector;
use crate::document::{Document, Outline};
use crate::jaq::Program;
use crate::json::{self, NotMappable};
use crate::pointer::Pointer;
use crate::scope::{Ref, Scope, Word};
use crate::view::View;
pub(crate) use draft::Draft;
use draft::Sent;
use projection::Projection;
use spare::Spare;
use verb::Verb;

pub(crate) mod address;
pub(crate) mod crawled;
mod draft;
pub(crate) mod projection;
pub(crate) mod read;
mod rewrite;
pub(crate) mod spare;
pub(crate) mod verb;
mod walk;

/// Most activities that one event is exploded into.
pub const EXPLODED_MAX: usize = 1_000;
/// Longest text of one field, in bytes; a longer one is absent with that reason.
pub const FIELD_BYTES_MAX: usize = 16 * 1024;

/// How a service's events become activities.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// What is made of the event before anything else.
    pub(crate) rewrite: Option<Program>,
    /// Where the one event holds many.
    pub(crate) explode: Option<Pointer>,
    /// What is no activity at all, such as a heartbeat.
    pub(crate) skip: Option<Condition>,
    /// What our own client did.
    pub(crate) own: Option<Condition>,
    /// One verb per field, each after those that it needs.
    pub(crate) fields: Vec<(Field, Verb)>,
    /// What all of this reads of an event.
    pub(crate) projection: Projection,
}

impl Mapping {
    /// What is read of an event: of the whole one, and of its parts where it is exploded.
    pub(crate) fn projection_of(
        explode: Option<&Pointer>,
        conditions: &[&Condition],
        fields: &[(Field, Verb)],
    ) -> Projection {
        let mut names = Vec::new();
        for condition in conditions {
            condition.reads(&mut names);
        }
        for (_, verb) in fields {
            verb.reads(&mut names);
        }
        let (mut of_part, mut of_whole) = (Vec::new(), Vec::new());
        for name in names {
            match name {
                Ref::Document(pointer) => of_part.push(pointer),
                Ref::Envelope(pointer) => of_whole.push(pointer),
                _ => {}
            }
        }
        match explode {
            None => Projection::of(of_part.iter().chain(&of_whole)),
            Some(list) => Projection::of(&of_whole).with_each(list, Projection::of(&of_part)),
        }
    }
}

/// One event, mapped.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// The 24 fields.
    pub activity: Activity,
    /// Where each came from.
    pub provenance: Provenance,
    /// Whether Tidegate's own client did it.
    pub own: bool,
    /// The event as it was sent; of an exploded event, its own part.
    pub raw: RawJson,
}

/// One event, mapped, as it is lent to whoever takes it.
#[derive(Debug, Clone, Copy)]
pub struct Lent<'m> {
    /// The 24 fields.
    pub activity: &'m Activity,
    /// Where each came from.
    pub provenance: &'m Provenance,
    /// Whether Tidegate's own client did it.
    pub own: bool,
    /// The event as it was sent; of an exploded event, its own part.
    pub raw: &'m str,
}

impl From<Lent<'_>> for Mapped {
    fn from(lent: Lent<'_>) -> Self {
        Mapped {
            activity: lent.activity.clone(),
            provenance: lent.provenance.clone(),
            own: lent.own,
            raw: RawJson::checked(lent.raw),
        }
    }
}

/// Takes what is mapped, one after the other.
type Take<'t> = dyn FnMut(Lent<'_>) + 't;

/// Maps the events of one connection.
pub struct Mapper {
    connector: Arc<Connector>,
    connection: Connection,
    params: BTreeMap<String, String>,
}

impl Mapper {
    pub(crate) fn new(connector: Arc<Connector>, connection: &Connection) -> Self {
        Mapper {
            params: connector.params_of(connection),
            connection: connection.clone(),
            connector,
        }
    }

    /// Parses an event as mapping it begins: as far as the mapping reads it. For measuring that.
    ///
    /// # Errors
    /// When it is not JSON, or nested too deep.
    pub fn parse(&self, event: &RawEvent) -> Result<(), NotMappable> {
        self.document(event).map(drop)
    }

    fn document<'e>(&'e self, event: &'e RawEvent) -> Result<Document<'e>, NotMappable> {
        json::projected(event.json.get(), &self.connector.mapping.projection)
    }

    /// The activities of an event: usually one, none for what the manifest skips, several where it
    /// explodes. `received_at` is when the event reached us, for manifests that ask for it.
    ///
    /// # Errors
    /// When it is not JSON, nested too deep, or holds nothing that the manifest reads. One element
    /// of an exploded event that cannot be mapped sets the whole event aside.
    pub fn map(
        &self,
        event: &RawEvent,
        received_at: DateTime<Utc>,
    ) -> Result<Vec<Mapped>, NotMappable> {
        let mut all = Vec::new();
        self.each(event, received_at, &mut |lent| all.push(lent.into()))?;
        Ok(all)
    }

    /// The same, lent to `take` one after the other instead of collected.
    ///
    /// # Errors
    /// As [`Self::map`]; what was taken of the event before is to be forgotten.
    pub fn each(
        &self,
        event: &RawEvent,
        received_at: DateTime<Utc>,
        take: &mut dyn FnMut(Lent<'_>),
    ) -> Result<(), NotMappable> {
        match &self.connector.mapping.rewrite {
            Some(program) => self.each_rewritten(program, event, received_at, take),
            None => self.each_sent(event, received_at, take),
        }
    }

    fn each_sent(
        &self,
        event: &RawEvent,
        received_at: DateTime<Utc>,
        take: &mut Take<'_>,
    ) -> Result<(), NotMappable> {
        let mapping = &self.connector.mapping;
        let document = self.document(event)?;
        let whole = View::from(&document.root);
        let sent = Sent::new(event.json.get());
        let base = Scope::new(&self.connection, &self.params);
        let Some(explode) = &mapping.explode else {
            let scope = Scope {
                envelope: Some(whole),
                ..base.over(whole)
            };
            return self.map_one(scope, &sent, sent.event, received_at, take);
        };
        let parts = exploded(explode, &document, sent.event)?;
        for (index, (part, raw)) in parts.into_iter().enumerate() {
            let words = [(Word::Part, index.to_string())];
            let scope = Scope {
                envelope: Some(whole),
                words: &words,
                ..base.over(part)
            };
            self.map_one(scope, &sent, raw, received_at, take)?;
        }
        Ok(())
    }

    fn map_one(
        &self,
        scope: Scope<'_>,
        sent: &Sent<'_>,
        raw: &str,
        received_at: DateTime<Utc>,
        take: &mut Take<'_>,
    ) -> Result<(), NotMappable> {
        let mapping = &self.connector.mapping;
        if !scope.document.is_some_and(View::is_object) {
            return not_mappable("the event is not an object");
        }
        if mapping.skip.as_ref().is_some_and(|skip| skip.holds(&scope)) {
            return Ok(());
        }
        let mut spare = Spare::take();
        let (mut draft, memo) = (Draft::new(&mut spare), Memo::default());
        for (field, verb) in &mapping.fields {
            let found = {
                let scope = Scope {
                    activity: Some(&draft.activity),
                    memo: Some(&memo),
                    ..scope
                };
                verb.find(&scope, received_at).detached(*field, &mut spare)
            };
            draft.put(*field, found);
        }
        if !draft.read_anything {
            return not_mappable("the event holds none of the fields that the manifest reads");
        }
        let place = scope.text(&Ref::Word(Word::Part));
        let part = place.as_deref().map(|place| (raw, place));
        draft.identify(sent, part);
        let Draft {
            activity,
            provenance,
            ..
        } = &draft;
        let own = {
            let scope = Scope {
                activity: Some(activity),
                ..scope
            };
            mapping.own.as_ref().is_some_and(|own| own.holds(&scope))
        };
        take(Lent {
            activity,
            provenance,
            own,
            raw,
        });
        spare.gather(draft.activity);
        spare.leave();
        Ok(())
    }
}

/// The part of an event that holds many of them, when it holds none.
static NO_PART: LazyLock<Value> = LazyLock::new(|| Value::Object(serde_json::Map::new()));

/// What an event holds: the elements of the list; the one object that stands in its place; without
/// either, or with an empty list, the event itself, with an empty part: it is not lost.
fn exploded<'a>(
    explode: &Pointer,
    event: &'a Document<'a>,
    sent: &'a str,
) -> Result<Vec<(View<'a>, &'a str)>, NotMappable> {
    let place = explode.view(View::from(&event.root));
    let parts: Vec<View<'_>> = match place {
        Some(part) if part.is_object() => vec![part],
        Some(list) => list.items().into_iter().flatten().collect(),
        None => Vec::new(),
    };
    if parts.is_empty() {
        return Ok(vec![(View::from(&*NO_PART), sent)]);
    }
    if parts.len() > EXPLODED_MAX {
        return not_mappable(format!(
            "the list at `{explode}` has more than {EXPLODED_MAX} elements"
        ));
    }
    let raws = raws_of(explode, event, sent).filter(|raws| raws.len() == parts.len());
    let Some(raws) = raws else {
        return not_mappable(format!("the list at `{explode}` cannot be taken apart"));
    };
    Ok(parts.into_iter().zip(raws).collect())
}

/// The parts of an event as they were sent. Where they stand was seen when the event was parsed, unless
/// the whole list is read in another way too.
fn raws_of<'a>(explode: &Pointer, event: &Document<'_>, sent: &'a str) -> Option<Vec<&'a str>> {
    if !event.spans.is_empty() {
        let spans = event.spans.iter();
        return spans.map(|span| sent.get(span.clone())).collect();
    }
    let found = explode.text(sent)?;
    match Outline::of(found).ok()? {
        Outline::List(items) => Some(items),
        Outline::Object(_) | Outline::Single => Some(vec![found]),
    }
}

fn not_mappable<T>(detail: impl Into<String>) -> Result<T, NotMappable> {
    Err(NotMappable::because(DeadLetterReason::NotMappable, detail))
}

#[cfg(test)]
mod tests;
