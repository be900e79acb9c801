//! The rows of an installation, as a store keeps them: activities, and the incidents that every some of them
//! is, with remedies and what was set aside. Every column and document is as if the platform had written it.

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{
    Activity, Case, CaseVerdict, Connection, Evidence, Field, FieldSource, Incident, IncidentId,
    IncidentLink, IncidentStatus, Latency, Milestones, Mode, PolicyRef, PolicyVersion, Provenance,
    QuarantineId, QuarantineItem, QuarantineState, Remedy, RemedyId, RemedyKind, RemedyState,
    Repeats, TimelineEntry, TimelineKind, TraceNode,
};
use serde::Serialize;
use store_rows::found::found_in;
use store_rows::incidents::{activity_search_text, incident_search_text, likeness_key};
use store_rows::instants::micros;
use store_rows::transfer::{TABLES, Table, Value};

use super::population::{Dice, POLICIES, Population};

/// Who works on incidents.
const ANALYSTS: [&str; 8] = ["ann", "ben", "cleo", "dan", "eve", "finn", "gil", "ida"];
/// What happened less than so many days ago is mostly open.
const FRESH_DAYS: i64 = 10;

/// A row and its table.
pub(super) type Row = (&'static Table, Vec<Value>);

/// The table of that name.
pub(super) fn table(name: &str) -> &'static Table {
    let found = TABLES.iter().find(|table| table.name == name);
    found.expect("the tables are the store's")
}

/// Values in the order of the table's columns; what is not named is absent.
fn row(name: &str, values: Vec<(&str, Value)>) -> Row {
    let table = table(name);
    let mut row = vec![Value::Absent; table.columns.len()];
    for (column, value) in values {
        let place = table.columns.iter().position(|(name, _)| *name == column);
        row[place.expect("the columns are the store's")] = value;
    }
    (table, row)
}

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

fn maybe(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Absent, text)
}

fn number(value: impl TryInto<i64>) -> Value {
    Value::Number(value.try_into().unwrap_or(i64::MAX))
}

fn moment(value: Option<DateTime<Utc>>) -> Value {
    value.map_or(Value::Absent, |at| Value::Number(micros(at)))
}

fn json(value: &impl Serialize) -> Value {
    Value::Text(serde_json::to_string(value).expect("it has only string keys"))
}

pub(super) fn connection(one: &Connection) -> Row {
    row(
        "connections",
        vec![
            ("id", text(one.id)),
            ("name", text(&one.name)),
            ("service", text(&one.service)),
            ("state", text(one.lifecycle.word())),
            ("created_at", moment(Some(one.created_at))),
            ("revision", number(1)),
            ("document", json(one)),
        ],
    )
}

pub(super) fn policy(one: &PolicyVersion) -> Row {
    row(
        "policies",
        vec![
            ("id", text(one.id)),
            ("version", number(1)),
            ("name", text(&one.document.name)),
            ("enabled", number(1)),
            ("document", json(one)),
        ],
    )
}

/// Makes rows in the order of time.
pub(super) struct Maker<'p> {
    population: &'p Population,
    dice: Dice,
    provenance: Provenance,
    written: Value,
    /// The last incident of each policy that repeats none.
    heads: Vec<Option<IncidentLink>>,
    activities: u64,
    /// Of so many activities, one is an incident.
    every: u64,
    incidents: u64,
}

impl<'p> Maker<'p> {
    pub(super) fn new(population: &'p Population, incidents: u64, activities: u64) -> Self {
        let mut provenance = Provenance::absent("the service does not say");
        for field in Field::ALL {
            if !matches!(field, Field::SharedLink | Field::Role | Field::TargetUserId) {
                provenance.set(field, FieldSource::Native);
            }
        }
        Maker {
            population,
            dice: Dice::new(7),
            written: json(&provenance),
            provenance,
            heads: vec![None; POLICIES],
            activities,
            every: (activities / incidents.max(1)).max(1),
            incidents,
        }
    }

    /// The n-th activity, and all that came of it.
    pub(super) fn make(&mut self, n: u64) -> Vec<Row> {
        let population = self.population;
        let at = population.at(n, self.activities);
        let connection = &population.connections[self.dice.rank(population.connections.len())];
        let activity = population.activity(n, at, &self.dice);
        let mut rows = Vec::new();
        if n.is_multiple_of(self.every) && n / self.every < self.incidents {
            self.incident(n / self.every, at, connection, &activity, &mut rows);
        }
        rows.push(self.activity(n, at, connection, &activity));
        rows
    }

    fn activity(&self, n: u64, at: DateTime<Utc>, of: &Connection, one: &Activity) -> Row {
        let blind = if self.dice.below(200) == 0 {
            r#"[{"reason":"encrypted","detail":"the document has a password"}]"#
        } else {
            "[]"
        };
        row(
            "activities",
            vec![
                ("sequence", number(n + 1)),
                ("connection_id", text(of.id)),
                ("event_id", text(&one.event_id)),
                ("service", text(&of.service)),
                ("arrival", text("pull")),
                ("received_at", moment(Some(at))),
                ("appended_at", moment(Some(at))),
                ("evaluated_at", moment(Some(at))),
                ("own", number(0)),
                ("event_type", text(one.event_type.word())),
                ("actor_email", maybe(one.actor_email.as_deref())),
                ("object_id", maybe(one.object_id.as_deref())),
                ("search", text(activity_search_text(one))),
                ("activity", json(one)),
                ("provenance", self.written.clone()),
                ("blind_spots", text(blind)),
                ("raw", text(format!("{{\"id\":\"{}\"}}", one.event_id))),
            ],
        )
    }

    fn incident(
        &mut self,
        n: u64,
        at: DateTime<Utc>,
        of: &Connection,
        activity: &Activity,
        rows: &mut Vec<Row>,
    ) {
        let place = self.dice.rank(POLICIES);
        let policy = &self.population.policies[place];
        let mut one = Incident {
            id: IncidentId::new(at, self.dice.draw()),
            number: format!("DLP-{}", n + 1),
            status: self.status(at),
            severity: policy.document.severity,
            policy: PolicyRef {
                id: policy.id,
                name: policy.document.name.clone(),
                version: 1,
            },
            mode: Mode::Permissive,
            notification: None,
            connection_id: of.id,
            activity: activity.clone(),
            provenance: self.provenance.clone(),
            evidence: vec![evidence()],
            blind_spots: Vec::new(),
            trace: trace(),
            remedies: Vec::new(),
            timeline: timeline(at),
            latency: latency(at),
            case: Case::default(),
            traceparent: None,
            created_at: at,
            updated_at: at,
            revision: 1,
        };
        one.case = self.case(&one, place);
        let remedy = self.remedy(&one);
        if remedy
            .as_ref()
            .is_some_and(|one| one.state == RemedyState::Done)
        {
            one.latency.effect_at = Some(at + TimeDelta::milliseconds(90));
        }
        rows.push(incident_row(&one));
        if let Some(remedy) = remedy {
            rows.push(remedy_row(&one, &remedy));
            if remedy.kind == RemedyKind::Quarantine {
                rows.push(self.item_row(&one, &remedy));
            }
        }
    }

    fn status(&self, at: DateTime<Utc>) -> IncidentStatus {
        let drawn = self.dice.below(1_000);
        if self.population.until - at < TimeDelta::days(FRESH_DAYS) {
            return match drawn {
                0..650 => IncidentStatus::New,
                650..850 => IncidentStatus::InProgress,
                _ => IncidentStatus::Resolved,
            };
        }
        match drawn {
            0..10 => IncidentStatus::New,
            10..25 => IncidentStatus::InProgress,
            25..28 => IncidentStatus::Reopened,
            28..640 => IncidentStatus::Resolved,
            640..870 => IncidentStatus::FalsePositive,
            _ => IncidentStatus::Suppressed,
        }
    }

    fn case(&mut self, one: &Incident, place: usize) -> Case {
        let at = one.created_at;
        let closed = one.status.is_closed();
        let mut case = Case {
            verdict: closed.then_some(match one.status {
                IncidentStatus::FalsePositive => CaseVerdict::FalsePositive,
                IncidentStatus::Suppressed => CaseVerdict::Benign,
                _ => CaseVerdict::TruePositive,
            }),
            reason: closed.then(|| "looked at with its owner".into()),
            ..Case::default()
        };
        if one.status != IncidentStatus::New {
            case.owner = Some(ANALYSTS[self.dice.rank(ANALYSTS.len())].into());
            let taken = at + TimeDelta::minutes(self.dice.below(600) as i64);
            case.milestones = Milestones {
                taken_at: Some(taken),
                qualified_at: closed.then(|| taken + TimeDelta::minutes(9)),
                closed_at: closed.then(|| taken + TimeDelta::minutes(20)),
            };
        }
        match self.dice.below(100) {
            0..4 => drop(case.tags.insert("vip".into())),
            4 => drop(case.tags.insert("works-council".into())),
            _ => {}
        }
        match &self.heads[place] {
            Some(head) if self.dice.below(10) < 3 => case.repeat_of = Some(head.clone()),
            _ => {
                self.heads[place] = Some(IncidentLink {
                    id: one.id,
                    number: one.number.clone(),
                });
                case.repeats = (self.dice.below(4) == 0).then_some(Repeats {
                    count: 3,
                    last_at: at,
                });
            }
        }
        case
    }

    fn remedy(&self, of: &Incident) -> Option<Remedy> {
        let kind = match self.dice.below(100) {
            0..30 => RemedyKind::RemoveLink,
            30..55 => RemedyKind::Notify,
            55..60 => RemedyKind::Quarantine,
            _ => return None,
        };
        let state = match self.dice.below(1_000) {
            0..2 => RemedyState::NeedsApproval,
            2..3 => RemedyState::Held,
            3..9 => RemedyState::GivenUp,
            9..12 => RemedyState::Cancelled,
            _ => RemedyState::Done,
        };
        let at = of.created_at;
        Some(Remedy {
            id: RemedyId::new(at, self.dice.draw()),
            incident_id: of.id,
            connection_id: of.connection_id,
            kind,
            ordinal: 0,
            to: Vec::new(),
            particulars: Default::default(),
            of: None,
            state,
            requested_by: None,
            approvals_needed: 0,
            approvals: Vec::new(),
            limit: None,
            because: None,
            snapshot: None,
            vaulted: None,
            restoration: None,
            attempts: 1,
            last_error: None,
            next_attempt_at: at,
            created_at: at,
            updated_at: at,
            done_at: (state == RemedyState::Done).then(|| at + TimeDelta::milliseconds(90)),
        })
    }

    fn item_row(&self, of: &Incident, remedy: &Remedy) -> Row {
        let state = match self.dice.below(4) {
            0 => QuarantineState::Restored,
            1 => QuarantineState::Deleted,
            _ => QuarantineState::Held,
        };
        let activity = &of.activity;
        let item = QuarantineItem {
            id: QuarantineId::new(of.created_at, self.dice.draw()),
            connection_id: of.connection_id,
            incident_id: of.id,
            remedy_id: remedy.id,
            object_id: activity.object_id.clone().unwrap_or_default(),
            object_name: activity.object_name.clone(),
            object_path: activity.object_path.clone(),
            state,
            snapshot: None,
            vault_items: Vec::new(),
            restoration: None,
            held_at: of.created_at,
            updated_at: of.created_at,
        };
        row(
            "quarantine_items",
            vec![
                ("id", text(item.id)),
                ("connection_id", text(item.connection_id)),
                ("incident_id", text(item.incident_id)),
                ("remedy_id", text(item.remedy_id)),
                ("state", text(state.word())),
                ("held_at", moment(Some(item.held_at))),
                ("document", json(&item)),
            ],
        )
    }
}

fn evidence() -> Evidence {
    Evidence {
        detector: "credit-card".into(),
        confidence: "high".into(),
        masked: "************1111".into(),
        place: "page 3".into(),
        occurrences: 4,
        test_value: false,
    }
}

fn trace() -> TraceNode {
    let part = |expression: &str| TraceNode {
        expression: expression.into(),
        value: "true".into(),
        note: None,
        parts: Vec::new(),
    };
    TraceNode {
        parts: vec![part("_share.public"), part("_content.has('credit-card')")],
        ..part("_share.public and _content.has('credit-card')")
    }
}

fn timeline(at: DateTime<Utc>) -> Vec<TimelineEntry> {
    let entry = |kind, text: &str| TimelineEntry {
        at,
        kind,
        text: text.into(),
    };
    vec![
        entry(TimelineKind::Event, "the user acted in the service"),
        entry(TimelineKind::Received, "the activity was received"),
        entry(TimelineKind::Violation, "a policy was violated"),
    ]
}

fn latency(at: DateTime<Utc>) -> Latency {
    Latency {
        event_at: Some(at - TimeDelta::seconds(2)),
        logged_at: Some(at - TimeDelta::seconds(1)),
        received_at: Some(at),
        appended_at: Some(at),
        evaluated_at: Some(at),
        recorded_at: Some(at),
        effect_at: None,
    }
}

fn incident_row(one: &Incident) -> Row {
    let (activity, case) = (&one.activity, &one.case);
    row(
        "incidents",
        vec![
            ("id", text(one.id)),
            ("number", text(&one.number)),
            ("status", text(one.status.word())),
            ("severity", text(one.severity.word())),
            ("policy_id", text(one.policy.id)),
            ("connection_id", text(one.connection_id)),
            ("event_id", text(&activity.event_id)),
            ("actor_email", maybe(activity.actor_email.as_deref())),
            ("object_id", maybe(activity.object_id.as_deref())),
            ("search", text(incident_search_text(one))),
            ("created_at", moment(Some(one.created_at))),
            ("revision", number(1)),
            ("effect_at", moment(one.latency.effect_at)),
            (
                "received_to_effect_ms",
                one.latency
                    .received_to_effect_ms()
                    .map_or(Value::Absent, Value::Number),
            ),
            ("document", json(one)),
            ("owner", maybe(case.owner.as_deref())),
            ("verdict", maybe(case.verdict.map(CaseVerdict::word))),
            ("likeness", maybe(one.likeness().as_ref().map(likeness_key))),
            ("repeat_of", maybe(case.repeat_of.as_ref().map(|of| of.id))),
            ("event_at", moment(one.latency.event_at)),
            ("taken_at", moment(case.milestones.taken_at)),
            ("qualified_at", moment(case.milestones.qualified_at)),
            ("closed_at", moment(case.milestones.closed_at)),
            ("found", maybe(found_in(one))),
        ],
    )
}

fn remedy_row(of: &Incident, one: &Remedy) -> Row {
    row(
        "remedies",
        vec![
            ("id", text(one.id)),
            ("incident_id", text(of.id)),
            ("connection_id", text(of.connection_id)),
            ("object_id", maybe(of.activity.object_id.as_deref())),
            ("kind", text(one.kind.word())),
            (
                "acts_in_service",
                number(u8::from(one.kind.acts_in_service())),
            ),
            ("ordinal", number(0)),
            ("state", text(one.state.word())),
            ("open", number(u8::from(!one.state.is_final()))),
            ("next_attempt_at", moment(Some(one.next_attempt_at))),
            ("created_at", moment(Some(one.created_at))),
            ("epoch", number(0)),
            ("document", json(one)),
        ],
    )
}
