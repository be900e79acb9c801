//! Normalisation: from an event as the service sent it to the 24 fields.
//!
//! Every verb is total: a missing value is absent with a reason, never an error and never a silent
//! default. What an event is mapped to depends on the event, the manifest and the connection only.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use event_model::{
    Activity, Connection, DeadLetterReason, EventId, EventType, Field, FieldSource, PartyType,
    Provenance, RawEvent, Visibility,
};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::condition::Condition;
use crate::connector::Connector;
use crate::jaq::Program;
use crate::json::{self, NotMappable};
use crate::pointer::Pointer;
use crate::scope::{Ref, Scope, Word};
use crate::time;
use projection::Projection;
use verb::{Found, Source, Verb};

pub(crate) mod address;
pub(crate) mod projection;
pub(crate) mod read;
mod rewrite;
pub(crate) mod verb;

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
    pub raw: Box<RawValue>,
}

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

    /// What is parsed of an event before it is mapped: only what the mapping reads.
    ///
    /// # Errors
    /// When it is not JSON, or nested too deep.
    pub fn parse(&self, event: &RawEvent) -> Result<Value, NotMappable> {
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
        match &self.connector.mapping.rewrite {
            Some(program) => self.map_rewritten(program, event, received_at),
            None => self.map_event(event, received_at),
        }
    }

    fn map_event(
        &self,
        event: &RawEvent,
        received_at: DateTime<Utc>,
    ) -> Result<Vec<Mapped>, NotMappable> {
        let mapping = &self.connector.mapping;
        let whole = self.parse(event)?;
        let base = Scope::new(&self.connection, &self.params);
        let Some(explode) = &mapping.explode else {
            let scope = Scope {
                envelope: Some(&whole),
                ..base.over(&whole)
            };
            let mapped = self.map_one(scope, &event.json, &event.json, received_at)?;
            return Ok(mapped.into_iter().collect());
        };
        let mut all = Vec::new();
        let parts = exploded(explode, &whole, &event.json)?;
        for (index, (part, raw)) in parts.into_iter().enumerate() {
            let words = [(Word::Part, index.to_string())];
            let scope = Scope {
                envelope: Some(&whole),
                words: &words,
                ..base.over(part)
            };
            all.extend(self.map_one(scope, &event.json, raw, received_at)?);
        }
        Ok(all)
    }

    fn map_one(
        &self,
        scope: Scope<'_>,
        event: &RawValue,
        raw: &RawValue,
        received_at: DateTime<Utc>,
    ) -> Result<Option<Mapped>, NotMappable> {
        let mapping = &self.connector.mapping;
        if !scope.document.is_some_and(Value::is_object) {
            return not_mappable("the event is not an object");
        }
        if mapping.skip.as_ref().is_some_and(|skip| skip.holds(&scope)) {
            return Ok(None);
        }
        let mut draft = Draft::new();
        for (field, verb) in &mapping.fields {
            let found = {
                let scope = Scope {
                    activity: Some(&draft.activity),
                    ..scope
                };
                verb.find(&scope, received_at).detached()
            };
            draft.put(*field, found);
        }
        if !draft.read_anything {
            return not_mappable("the event holds none of the fields that the manifest reads");
        }
        let place = scope.text(&Ref::Word(Word::Part)).map(Cow::into_owned);
        let sent = [event, raw];
        let sent = if place.is_some() {
            &sent[..]
        } else {
            &sent[1..]
        };
        let (activity, provenance) = draft.identified(sent, place);
        let own = {
            let scope = Scope {
                activity: Some(&activity),
                ..scope
            };
            mapping.own.as_ref().is_some_and(|own| own.holds(&scope))
        };
        Ok(Some(Mapped {
            activity,
            provenance,
            own,
            raw: raw.to_owned(),
        }))
    }
}

/// The part of an event that holds many of them, when it holds none.
static NO_PART: LazyLock<Value> = LazyLock::new(|| Value::Object(serde_json::Map::new()));

/// What an event holds: the elements of the list; the one object that stands in its place; without
/// either, or with an empty list, the event itself, with an empty part: it is not lost.
fn exploded<'a>(
    explode: &Pointer,
    whole: &'a Value,
    sent: &'a RawValue,
) -> Result<Vec<(&'a Value, &'a RawValue)>, NotMappable> {
    let parts = match explode.of(whole) {
        Some(Value::Array(parts)) if !parts.is_empty() => parts,
        Some(part @ Value::Object(_)) => {
            return Ok(vec![(part, explode.raw(sent).unwrap_or(sent))]);
        }
        _ => return Ok(vec![(&NO_PART, sent)]),
    };
    if parts.len() > EXPLODED_MAX {
        return not_mappable(format!(
            "the list at `{explode}` has more than {EXPLODED_MAX} elements"
        ));
    }
    let raws = explode
        .raw(sent)
        .and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
    let Some(raws) = raws.filter(|raws| raws.len() == parts.len()) else {
        return not_mappable(format!("the list at `{explode}` cannot be taken apart"));
    };
    Ok(parts.iter().zip(raws).collect())
}

fn not_mappable<T>(detail: impl Into<String>) -> Result<T, NotMappable> {
    Err(NotMappable::because(DeadLetterReason::NotMappable, detail))
}

/// An activity that is being filled in.
pub(crate) struct Draft {
    pub(crate) activity: Activity,
    pub(crate) provenance: Provenance,
    read_anything: bool,
}

/// Stands for the id until one is found or derived.
const NO_ID: &str = "?";

impl Draft {
    fn new() -> Self {
        let id = EventId::new(NO_ID).expect("one character is a valid length");
        Draft {
            activity: Activity::bare(id, EventType::Other),
            provenance: Provenance::absent("not mapped"),
            read_anything: false,
        }
    }

    /// Goes on from an activity that is known already.
    pub(crate) fn of(activity: Activity, provenance: Provenance) -> Self {
        Draft {
            activity,
            provenance,
            read_anything: true,
        }
    }

    /// Writes what was found into its field.
    pub(crate) fn put(&mut self, field: Field, found: Found<'static>) -> bool {
        let (written, source) = match found {
            Found::Absent(reason) => (Err(reason), Source::Derived),
            Found::Time(at, source) => (self.write_time(field, at), source),
            Found::Text(text, source) => (self.write(field, text), source),
        };
        self.read_anything |= written.is_ok() && source == Source::Native;
        let held = written.is_ok();
        let source = match written {
            Ok(()) => source.into(),
            Err(reason) => FieldSource::Absent(reason),
        };
        self.provenance.set(field, source);
        held
    }

    fn write_time(&mut self, field: Field, at: DateTime<Utc>) -> Result<(), Cow<'static, str>> {
        match field {
            Field::EventTimestamp => self.activity.event_timestamp = Some(at),
            Field::LogTimestamp => self.activity.log_timestamp = Some(at),
            _ => return self.write(field, event_model::rfc3339(at).into()),
        }
        Ok(())
    }

    fn write(&mut self, field: Field, text: Cow<'static, str>) -> Result<(), Cow<'static, str>> {
        if text.len() > FIELD_BYTES_MAX {
            return Err("longer than is taken".into());
        }
        let activity = &mut self.activity;
        let slot = match field {
            Field::EventTimestamp | Field::LogTimestamp => {
                let at = time::parse(&text, time::Format::Rfc3339).ok_or("not a time")?;
                return self.write_time(field, at);
            }
            Field::EventType => {
                activity.event_type = word(&text, EventType::from_word)?;
                return Ok(());
            }
            Field::ActorType => return set(&mut activity.actor_type, &text, PartyType::from_word),
            Field::TargetUserType => {
                return set(&mut activity.target_user_type, &text, PartyType::from_word);
            }
            Field::Visibility => {
                return set(&mut activity.visibility, &text, Visibility::from_word);
            }
            Field::EventId => {
                activity.event_id = EventId::new(text).ok_or("longer than an id may be")?;
                return Ok(());
            }
            Field::TenantId => &mut activity.tenant_id,
            Field::EventName => &mut activity.event_name,
            Field::ActorId => &mut activity.actor_id,
            Field::ActorName => &mut activity.actor_name,
            Field::ActorEmail => &mut activity.actor_email,
            Field::ActorRole => &mut activity.actor_role,
            Field::ActorIpAddress => &mut activity.actor_ip_address,
            Field::ObjectId => &mut activity.object_id,
            Field::FileDownloadUrl => &mut activity.file_download_url,
            Field::ObjectType => &mut activity.object_type,
            Field::ObjectName => &mut activity.object_name,
            Field::ObjectPath => &mut activity.object_path,
            Field::FromEmail => &mut activity.from_email,
            Field::TargetUserEmail => &mut activity.target_user_email,
            Field::TargetUserId => &mut activity.target_user_id,
            Field::Role => &mut activity.role,
            Field::SharedLink => &mut activity.shared_link,
        };
        *slot = Some(text.into_owned());
        Ok(())
    }

    /// With an id in any case: where the manifest found none, it is derived from the whole event. Of an
    /// exploded one from its part and place too: neither alone tells it from all others.
    fn identified(mut self, sent: &[&RawValue], place: Option<String>) -> (Activity, Provenance) {
        if self.activity.event_id.as_str() == NO_ID {
            // Keys in order and no spaces: the same however it is written.
            let plain = |raw: &&RawValue| {
                let parsed = serde_json::from_str(raw.get()).map(|value: Value| value.to_string());
                parsed.unwrap_or_else(|_| raw.get().to_owned())
            };
            let texts: Vec<String> = sent.iter().map(plain).chain(place).collect();
            let id = verb::derived_id(texts.iter().map(|text| Some(text.as_str())));
            self.activity.event_id = EventId::new(id).expect("a derived id has 68 characters");
            self.provenance.set(Field::EventId, FieldSource::Derived);
        }
        if !self.provenance.of(Field::EventType).is_present() {
            // `event_type` has a word for what is not known, and its provenance says that we chose it.
            self.provenance.set(Field::EventType, FieldSource::Derived);
        }
        (self.activity, self.provenance)
    }
}

fn word<T>(text: &str, of: fn(&str) -> Option<T>) -> Result<T, Cow<'static, str>> {
    of(text).ok_or(Cow::Borrowed(
        "the service's word is not in the manifest's table",
    ))
}

fn set<T>(
    slot: &mut Option<T>,
    text: &str,
    of: fn(&str) -> Option<T>,
) -> Result<(), Cow<'static, str>> {
    *slot = Some(word(text, of)?);
    Ok(())
}

#[cfg(test)]
mod tests;
