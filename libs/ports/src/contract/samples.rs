//! What the suites store: as plain as the types allow, told apart by numbers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event_model::{
    Activity, ActivityRecord, Arrival, Assurance, Case, CaseAct, CaseChange, CaseVerdict,
    Connection, ConnectionId, Effect, EventId, EventType, Feed, Incident, IncidentId,
    IncidentStatus, Latency, Lifecycle, Mode, PolicyDocument, PolicyId, PolicyRef, PolicyVersion,
    Provenance, QuarantineId, QuarantineItem, QuarantineState, Remedy, RemedyId, RemedyKind,
    RemedyState, Severity, Snapshot, TimelineEntry, TimelineKind, TraceNode, Trigger,
    TriggerAction, WIRE_VERSION,
};

use crate::{EvaluatedActivity, EvaluatedBatch, IncidentKind, NewIncident};

/// So many seconds after the suites' beginning.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a moment of this century")
}

/// The n-th connection's id.
pub fn connection_id(n: u8) -> ConnectionId {
    ConnectionId::new(at(i64::from(n)), u128::from(n))
}

/// The n-th policy's id.
pub fn policy_id(n: u8) -> PolicyId {
    PolicyId::new(at(i64::from(n)), u128::from(n))
}

/// The n-th connection, enabled with a pull feed.
pub fn connection(n: u8) -> Connection {
    Connection {
        id: connection_id(n),
        service: "toy-cloud".into(),
        name: format!("connection {n}"),
        params: BTreeMap::new(),
        base_url: None,
        client_id: None,
        tenant_id: None,
        lifecycle: Lifecycle::Enabled {
            feed: Feed::Pull,
            since: at(0),
        },
        health: None,
        created_at: at(i64::from(n)),
        revision: 1,
    }
}

/// An activity of the first connection on an object, received so many seconds after the beginning.
pub fn record(event: &str, object: &str, received: i64) -> ActivityRecord {
    let id = EventId::new(event).expect("a short event id");
    let mut activity = Activity::bare(id, EventType::Sharing);
    activity.object_id = Some(object.into());
    activity.actor_email = Some("Ada@Example.com".into());
    activity.object_name = Some(format!("{object}.pdf"));
    let raw = format!("{{ \"id\" : \"{event}\" }}");
    ActivityRecord {
        v: WIRE_VERSION,
        connection_id: connection_id(1),
        service: "toy-cloud".into(),
        arrival: Arrival::Push,
        received_at: at(received),
        own: false,
        assurance: Assurance::Signed,
        traceparent: Some(format!("00-{:032x}-{:016x}-00", 7, 9)),
        activity,
        provenance: Provenance::absent("the sample has none"),
        raw: serde_json::value::RawValue::from_string(raw).expect("the sample is JSON"),
    }
}

/// The n-th incident: of the n-th policy, by that activity, without remedies.
pub fn incident(n: u8, record: &ActivityRecord) -> Incident {
    let created_at = at(1_000 + i64::from(n));
    Incident {
        id: IncidentId::new(created_at, u128::from(n)),
        number: String::new(),
        status: IncidentStatus::New,
        severity: Severity::High,
        policy: PolicyRef {
            id: policy_id(n),
            name: format!("Policy {n}"),
            version: 1,
        },
        mode: Mode::Enforce,
        notification: None,
        connection_id: record.connection_id,
        activity: record.activity.clone(),
        provenance: record.provenance.clone(),
        evidence: Vec::new(),
        blind_spots: Vec::new(),
        trace: TraceNode {
            expression: "true".into(),
            value: "true".into(),
            note: None,
            parts: Vec::new(),
        },
        remedies: Vec::new(),
        timeline: Vec::new(),
        latency: Latency {
            received_at: Some(record.received_at),
            ..Latency::default()
        },
        case: Case::default(),
        traceparent: record.traceparent.clone(),
        created_at,
        updated_at: created_at,
        revision: 1,
    }
}

/// A planned remedy of an incident, due when the incident was recorded.
pub fn remedy(incident: &Incident, ordinal: u32, kind: RemedyKind) -> Remedy {
    let planned_at = incident.created_at;
    let place = incident.revision as u128 * 1_000_000 + u128::from(ordinal);
    let chance = place ^ (u128::from(incident.policy.version) << 64) ^ hash(incident);
    Remedy {
        id: RemedyId::new(planned_at, chance),
        incident_id: incident.id,
        connection_id: incident.connection_id,
        kind,
        ordinal,
        to: Vec::new(),
        particulars: event_model::Particulars::default(),
        of: None,
        state: RemedyState::Planned,
        requested_by: None,
        approvals_needed: 0,
        approvals: Vec::new(),
        limit: None,
        because: None,
        snapshot: None,
        vaulted: None,
        restoration: None,
        attempts: 0,
        last_error: None,
        next_attempt_at: planned_at,
        created_at: planned_at,
        updated_at: planned_at,
        done_at: None,
    }
}

/// Tells the incidents of one moment apart.
fn hash(incident: &Incident) -> u128 {
    let event = incident.activity.event_id.as_str().bytes();
    event.fold(7, |sum: u128, byte| {
        (sum * 31 + u128::from(byte)) % (1 << 40)
    }) << 24
}

/// The incident with those remedies, in order.
pub fn with_remedies(mut incident: Incident, kinds: &[RemedyKind]) -> Incident {
    incident.remedies = (0..)
        .zip(kinds)
        .map(|(ordinal, kind)| remedy(&incident, ordinal, *kind))
        .collect();
    incident
}

/// One activity with its incidents, which are about content.
pub fn evaluated(record: ActivityRecord, incidents: Vec<Incident>) -> EvaluatedActivity {
    let new = |incident| NewIncident {
        kind: IncidentKind::Content,
        incident,
    };
    EvaluatedActivity {
        appended_at: record.received_at,
        evaluated_at: record.received_at,
        record,
        blind_spots: Vec::new(),
        incidents: incidents.into_iter().map(new).collect(),
        is_second_look: false,
        again: None,
    }
}

/// A batch of these.
pub fn batch(activities: Vec<EvaluatedActivity>) -> EvaluatedBatch {
    EvaluatedBatch { activities }
}

/// A version of the n-th policy.
pub fn policy(n: u8, version: u32, enabled: bool) -> PolicyVersion {
    PolicyVersion {
        id: policy_id(n),
        version,
        enabled,
        saved_at: at(i64::from(version)),
        document: PolicyDocument {
            name: format!("Policy {n}"),
            severity: Severity::High,
            trigger: Trigger {
                connections: Vec::new(),
                actions: vec![TriggerAction::Share],
            },
            rule: "true".into(),
            effect: Effect::Deny,
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

/// A remedy's own words in a timeline.
pub fn timeline(text: &str) -> TimelineEntry {
    TimelineEntry {
        at: at(2_000),
        kind: TimelineKind::Remedy,
        text: text.into(),
    }
}

/// What an object was like.
pub fn snapshot() -> Snapshot {
    Snapshot {
        taken_at: at(2_000),
        values: serde_json::Map::new(),
    }
}

/// A held item that the remedy set aside.
pub fn quarantine_item(n: u8, remedy: &Remedy) -> QuarantineItem {
    QuarantineItem {
        id: QuarantineId::new(at(i64::from(n)), u128::from(n)),
        connection_id: remedy.connection_id,
        incident_id: remedy.incident_id,
        remedy_id: remedy.id,
        object_id: "f1".into(),
        object_name: None,
        object_path: None,
        state: QuarantineState::Held,
        snapshot: Some(snapshot()),
        vault_items: Vec::new(),
        restoration: None,
        held_at: at(2_000 + i64::from(n)),
        updated_at: at(2_000 + i64::from(n)),
    }
}

/// What a person sets an incident to with it, and why: a false positive, or else a true one.
pub fn closing(status: IncidentStatus) -> CaseChange {
    let verdict = match status {
        IncidentStatus::FalsePositive => CaseVerdict::FalsePositive,
        _ => CaseVerdict::TruePositive,
    };
    CaseChange {
        status: Some(status),
        verdict: status.is_closed().then_some(verdict),
        comment: Some("a test file".into()),
        ..CaseChange::default()
    }
}

/// Grace does something, so many seconds after the beginning.
pub fn act(seconds: i64) -> CaseAct {
    CaseAct {
        by: "grace".into(),
        at: at(seconds),
    }
}
