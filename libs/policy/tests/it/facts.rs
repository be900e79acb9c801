//! What a row of a table says of an activity and its content, in one line.
//!
//! `field=value; content=full; kind=pdf; us-ssn=3/2/1; label=Internal; more-labels=not asked`, where `content` is `full`,
//! `partial: why`, `none: why` or `blind: why`, and not fetched when it is not said; `property:name=value` is one of
//! the document's own. Of an attempt: `agent`, `country`, `group`, `to_user`, `to_group`, `admin_login`, `anonymous`,
//! and `file:set.attribute=value` for each file that is acted upon. What is none of these and not one of the 24
//! fields is a detector with its distinct matches of at least low, medium, high confidence.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};
use event_model::{
    Activity, ConnectionId, Effect, EventId, EventType, Field, FieldSource, Mode, PartyType,
    PolicyDocument, PolicyId, PolicyVersion, Provenance, Severity, Trigger, TriggerAction,
    Visibility,
};
use policy::{
    COUNTRY_NOT_LOOKED_UP, Circumstances, ContentFacts, ContentState, Coverage, FileAttributes,
    Input, MoreLabels,
};

pub(crate) fn epoch() -> DateTime<Utc> {
    Utc.timestamp_millis_opt(1_760_000_000_000).unwrap()
}

pub(crate) fn connection(number: u128) -> ConnectionId {
    ConnectionId::new(epoch(), number)
}

/// A policy of that rule in enforce mode; older ones have lower numbers.
pub(crate) fn version(
    number: i64,
    rule: &str,
    actions: &[TriggerAction],
    effect: Effect,
) -> PolicyVersion {
    PolicyVersion {
        id: PolicyId::new(epoch() + chrono::TimeDelta::seconds(number), 0),
        version: 1,
        enabled: true,
        saved_at: epoch(),
        document: PolicyDocument {
            name: format!("policy {number}"),
            severity: Severity::Medium,
            trigger: Trigger {
                connections: Vec::new(),
                actions: actions.to_vec(),
            },
            rule: rule.to_owned(),
            effect,
            mode: Mode::Enforce,
            notification: None,
            responses: Vec::new(),
            approval: None,
            approvers: None,
            undo_window_minutes: None,
            limit: None,
        },
    }
}

/// The event type that stands for the action.
pub(crate) fn event_type(action: TriggerAction) -> EventType {
    let mut types = EventType::ALL.iter().copied();
    types
        .find(|event_type| TriggerAction::of(*event_type) == Some(action))
        .unwrap()
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    NotFetched,
    Unavailable(String),
    Known(ContentFacts),
}

#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) activity: Activity,
    pub(crate) provenance: Provenance,
    pub(crate) content: Content,
    pub(crate) told: Told,
}

/// What is told with an attempt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    agent: Option<String>,
    country: Option<String>,
    groups: Option<Vec<String>>,
    users: Option<Vec<String>>,
    to_groups: Option<Vec<String>>,
    admin_login: Option<bool>,
    anonymous: Option<bool>,
    files: Option<Vec<FileAttributes>>,
}

impl Told {
    /// Whether the name is one of these.
    fn takes(&mut self, name: &str, value: &str) -> bool {
        let text = || value.to_owned();
        match name {
            "agent" => self.agent = Some(text()),
            "country" => self.country = Some(text()),
            "group" => self.groups.get_or_insert_default().push(text()),
            "to_user" => self.users.get_or_insert_default().push(text()),
            "to_nobody" => self.users = Some(Vec::new()),
            "to_group" => self.to_groups.get_or_insert_default().push(text()),
            "admin_login" => self.admin_login = Some(value == "true"),
            "anonymous" => self.anonymous = Some(value == "true"),
            _ => match name.strip_prefix("file:") {
                Some(attribute) => {
                    let file = vec![(attribute.to_owned(), text())];
                    self.files.get_or_insert_default().push(file);
                }
                None => return false,
            },
        }
        true
    }

    fn circumstances(&self) -> Circumstances<'_> {
        Circumstances {
            agent: self.agent.as_deref(),
            country: self.country.as_deref().ok_or(COUNTRY_NOT_LOOKED_UP),
            groups: self.groups.as_deref(),
            shared_with_users: self.users.as_deref(),
            shared_with_groups: self.to_groups.as_deref(),
            admin_login: self.admin_login,
            anonymous: self.anonymous,
            metadata: self.files.as_deref(),
        }
    }
}

impl Facts {
    pub(crate) fn parse(text: &str, event_type: EventType) -> Self {
        let mut facts = Facts {
            activity: Activity::bare(EventId::new("e-1").unwrap(), event_type),
            provenance: Provenance::absent("not sent"),
            content: Content::NotFetched,
            told: Told::default(),
        };
        let known = [Field::EventId, Field::EventType];
        for field in known {
            facts.provenance.set(field, FieldSource::Native);
        }
        for fact in text.split("; ").map(str::trim) {
            if fact.is_empty() || fact == "-" {
                continue;
            }
            let (name, value) = fact.split_once('=').expect("a fact is `name=value`");
            match Field::from_name(name) {
                Some(field) => facts.set(field, value),
                None if facts.told.takes(name, value) => {}
                None => facts.set_content(name, value),
            }
        }
        facts
    }

    pub(crate) fn input(&self) -> Input<'_> {
        let content = match &self.content {
            Content::NotFetched => ContentState::NotFetched,
            Content::Unavailable(reason) => ContentState::Unavailable { reason },
            Content::Known(facts) => ContentState::Known(facts),
        };
        Input::of(&self.activity, &self.provenance, content).under(self.told.circumstances())
    }

    pub(crate) fn set(&mut self, field: Field, value: &str) {
        let json = serde_json::to_value(&self.activity);
        let mut json = json.unwrap();
        json[field.name()] = value.into();
        self.activity =
            serde_json::from_value(json).unwrap_or_else(|error| panic!("{field}={value}: {error}"));
        self.provenance.set(field, FieldSource::Native);
    }

    /// Takes the field away; the event's id and type are never absent.
    pub(crate) fn forget(&mut self, field: Field) {
        if matches!(field, Field::EventId | Field::EventType) {
            return;
        }
        let mut json = serde_json::to_value(&self.activity).unwrap();
        json[field.name()] = serde_json::Value::Null;
        self.activity = serde_json::from_value(json).unwrap();
        let gone = FieldSource::Absent("forgotten".into());
        self.provenance.set(field, gone);
    }

    fn set_content(&mut self, name: &str, value: &str) {
        if name == "content" {
            self.content = content(value);
            return;
        }
        let Content::Known(facts) = &mut self.content else {
            panic!("`{name}` needs `content=full` or `content=partial: why` before it");
        };
        match name {
            "kind" => facts.kind = value.to_owned(),
            "label" => facts.labels.push(value.to_owned()),
            "more-labels" if value == "not asked" => facts.more_labels = MoreLabels::NotAsked,
            "more-labels" => {
                facts.more_labels = MoreLabels::Unread {
                    reason: value.to_owned(),
                }
            }
            property if property.starts_with("property:") => {
                let name = property.trim_start_matches("property:");
                facts.properties.push((name.to_owned(), value.to_owned()));
            }
            detector => {
                let counts: Vec<usize> = value.split('/').map(|n| n.parse().unwrap()).collect();
                facts
                    .counts
                    .insert(detector.to_owned(), counts.try_into().unwrap());
            }
        }
    }
}

fn content(value: &str) -> Content {
    let (word, why) = value.split_once(": ").unwrap_or((value, ""));
    let coverage = match word {
        "full" => Coverage::Full,
        "partial" => Coverage::Partial {
            reasons: why
                .split(',')
                .filter(|why| !why.is_empty())
                .map(str::to_owned)
                .collect(),
        },
        "none" => Coverage::None {
            reason: why.to_owned(),
        },
        "blind" => return Content::Unavailable(why.to_owned()),
        other => panic!("`{other}` is no state of content"),
    };
    Content::Known(ContentFacts {
        kind: String::new(),
        coverage,
        counts: BTreeMap::new(),
        labels: Vec::new(),
        more_labels: MoreLabels::None,
        properties: Vec::new(),
    })
}

/// A value that the field can have; `choice` picks among several.
pub(crate) fn sample(field: Field, choice: usize) -> String {
    let pick = |values: &[&str]| values[choice % values.len()].to_owned();
    let party = [PartyType::Internal.word(), PartyType::External.word()];
    let visibility: Vec<&str> = Visibility::ALL.iter().map(|seen| seen.word()).collect();
    match field {
        Field::EventTimestamp | Field::LogTimestamp => {
            pick(&["2026-03-01T09:30:00.000Z", "2026-03-02T09:30:00.000Z"])
        }
        Field::EventType => pick(&["sharing"]),
        Field::ActorType | Field::TargetUserType => pick(&party),
        Field::Visibility => pick(&visibility),
        Field::ActorEmail | Field::FromEmail | Field::TargetUserEmail => {
            pick(&["ann@example.com", "bob@partner.com", "not an address"])
        }
        Field::ActorIpAddress => pick(&["10.2.1.7", "203.0.113.9", "2001:db8::1", "garbage"]),
        Field::ObjectPath | Field::ObjectName => pick(&["/Team/plan.docx", "/hr/pay.xlsx", ""]),
        _ => pick(&["a", "b", "admin"]),
    }
}
