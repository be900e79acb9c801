//! An activity while its fields are filled in, one after the other: what is found is bounded, has the
//! words that its field knows, and is never kept without its provenance.

use std::borrow::Cow;
use std::cell::OnceCell;

use chrono::{DateTime, Utc};
use event_model::{
    Activity, EventId, EventType, Field, FieldSource, PartyType, Provenance, Reason, Visibility,
};

use crate::document::Json;
use crate::mapping::FIELD_BYTES_MAX;
use crate::mapping::spare::Spare;
use crate::mapping::verb::{DerivedId, Found, NOT_A_TIME, Source};
use crate::time;

/// An activity that is being filled in.
pub(crate) struct Draft {
    pub(crate) activity: Activity,
    pub(crate) provenance: Provenance,
    pub(super) read_anything: bool,
}

/// Stands for the id until one is found or derived.
const NO_ID: &str = "?";

impl Draft {
    pub(super) fn new(spare: &mut Spare) -> Self {
        let id = EventId::new(spare.copy(NO_ID)).expect("one character is a valid length");
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

    fn write_time(&mut self, field: Field, at: DateTime<Utc>) -> Result<(), Reason> {
        match field {
            Field::EventTimestamp => self.activity.event_timestamp = Some(at),
            Field::LogTimestamp => self.activity.log_timestamp = Some(at),
            _ => return self.write(field, event_model::rfc3339(at).into()),
        }
        Ok(())
    }

    fn write(&mut self, field: Field, text: Cow<'static, str>) -> Result<(), Reason> {
        if text.len() > FIELD_BYTES_MAX {
            return Err("longer than is taken".into());
        }
        let activity = &mut self.activity;
        match field {
            Field::EventTimestamp | Field::LogTimestamp => {
                let at = time::parse(&text, time::Format::Rfc3339).ok_or(NOT_A_TIME)?;
                return self.write_time(field, at);
            }
            Field::EventType => activity.event_type = word(&text, EventType::from_word)?,
            Field::ActorType => set(&mut activity.actor_type, &text, PartyType::from_word)?,
            Field::TargetUserType => {
                set(&mut activity.target_user_type, &text, PartyType::from_word)?;
            }
            Field::Visibility => set(&mut activity.visibility, &text, Visibility::from_word)?,
            Field::EventId => {
                activity.event_id = EventId::new(text).ok_or("longer than an id may be")?;
            }
            field => {
                if let Some(slot) = activity.text_mut(field) {
                    *slot = Some(text.into_owned());
                }
            }
        }
        Ok(())
    }

    /// Gives it an id in any case: where the manifest found none, it is derived from what was sent.
    pub(super) fn identify(&mut self, sent: &Sent<'_>, part: Part<'_>) {
        if self.activity.event_id.as_str() == NO_ID {
            let id = EventId::new(sent.derived_id(part));
            self.activity.event_id = id.expect("a derived id has 68 characters");
            self.provenance.set(Field::EventId, FieldSource::Derived);
        }
        if !self.provenance.of(Field::EventType).is_present() {
            // `event_type` has a word for what is not known, and its provenance says that we chose it.
            self.provenance.set(Field::EventType, FieldSource::Derived);
        }
    }
}

/// What an event was exploded into: one part as it was sent, and its place; none where it is whole.
pub(super) type Part<'a> = Option<(&'a str, &'a str)>;

/// An event as it was sent, for the activities that have no id of their own.
pub(super) struct Sent<'a> {
    pub(super) event: &'a str,
    /// What the ids of all its parts begin with: the event is written plainly once, not for each part.
    begun: OnceCell<DerivedId>,
}

impl<'a> Sent<'a> {
    pub(super) fn new(event: &'a str) -> Self {
        Sent {
            event,
            begun: OnceCell::new(),
        }
    }

    /// An id of the whole event. Of an exploded one it is of its part and place too: neither alone tells
    /// it from all others.
    fn derived_id(&self, part: Part<'_>) -> String {
        let begun = self.begun.get_or_init(|| {
            let mut id = DerivedId::new();
            id.add(Some(&plain(self.event)));
            id
        });
        let mut id = begun.clone();
        if let Some((raw, place)) = part {
            id.add(Some(&plain(raw)));
            id.add(Some(place.as_bytes()));
        }
        id.finish()
    }
}

/// Keys in order and no spaces: the same however it is written.
fn plain(sent: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(sent.len());
    match Json::parse(sent) {
        Ok(event) => event.write_plain(&mut out),
        Err(_) => out.extend(sent.as_bytes()),
    }
    out
}

fn word<T>(text: &str, of: fn(&str) -> Option<T>) -> Result<T, Reason> {
    of(text).ok_or("the service's word is not in the manifest's table".into())
}

fn set<T>(slot: &mut Option<T>, text: &str, of: fn(&str) -> Option<T>) -> Result<(), Reason> {
    *slot = Some(word(text, of)?);
    Ok(())
}
