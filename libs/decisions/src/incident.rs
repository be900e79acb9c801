//! From a decision to the activity and the incidents that are recorded of it.

use chrono::{DateTime, Utc};
use event_model::{
    Activity, ActivityRecord, Arrival, Assurance, Case, EventType, Incident, IncidentId,
    IncidentStatus, Latency, Mode, Particulars, PolicyOutcome, Remedy, RemedyId, RemedyKind,
    RemedyState, Response, TimelineEntry, TimelineKind, WIRE_VERSION,
};
use policy::Decision;
use ports::{Entropy, EvaluatedActivity, IncidentKind, NewIncident};
use serde_json::value::RawValue;

use crate::attempt::Prepared;
use crate::content::Known;
use crate::directory::Place;
use crate::let_be::LetBe;

/// What is recorded of an attempt, and by which violations.
pub(crate) struct Violation<'a> {
    pub(crate) place: &'a Place,
    pub(crate) prepared: &'a Prepared,
    pub(crate) content: &'a Known,
    pub(crate) raw: &'a RawValue,
    pub(crate) now: DateTime<Utc>,
}

impl Violation<'_> {
    /// The activity with an incident of each violation; one that an exception covers is let be. None when nothing
    /// is violated.
    pub(crate) fn record(
        &self,
        reasons: &Decision,
        let_be: &LetBe<'_>,
        entropy: &dyn Entropy,
    ) -> Option<EvaluatedActivity> {
        let counted = reasons.winner.iter().chain(&reasons.losers);
        let excepted = reasons.excepted.iter().map(|excepted| &excepted.outcome);
        let incidents = counted.chain(excepted).map(|outcome| {
            let exception = let_be.covering(outcome);
            let mut new = self.incident(outcome, exception.is_some(), entropy);
            if let Some(exception) = exception {
                exception.let_be(&mut new.incident);
            }
            new
        });
        let incidents: Vec<NewIncident> = incidents.collect();
        (!incidents.is_empty()).then(|| self.evaluated(incidents))
    }

    fn evaluated(&self, incidents: Vec<NewIncident>) -> EvaluatedActivity {
        EvaluatedActivity {
            record: ActivityRecord {
                v: WIRE_VERSION,
                connection_id: self.place.connection,
                service: self.place.service.to_string(),
                arrival: Arrival::Inline,
                received_at: self.now,
                own: false,
                assurance: Assurance::Signed,
                traceparent: None,
                activity: self.prepared.activity.clone(),
                provenance: self.prepared.provenance.clone(),
                raw: without_content(self.raw),
            },
            appended_at: self.now,
            evaluated_at: self.now,
            blind_spots: self.content.blind_spots.clone(),
            incidents,
            is_second_look: false,
            again: None,
        }
    }

    fn incident(
        &self,
        outcome: &PolicyOutcome,
        is_let_be: bool,
        entropy: &dyn Entropy,
    ) -> NewIncident {
        let now = self.now;
        let id = IncidentId::new(now, entropy.draw());
        let activity = &self.prepared.activity;
        let incident = Incident {
            id,
            number: String::new(),
            status: IncidentStatus::New,
            severity: outcome.severity,
            policy: outcome.policy.clone(),
            mode: outcome.mode,
            notification: outcome.notification.clone(),
            connection_id: self.place.connection,
            activity: activity.clone(),
            provenance: self.prepared.provenance.clone(),
            evidence: self.content.evidence.clone(),
            blind_spots: self.content.blind_spots.clone(),
            trace: outcome.trace.clone(),
            remedies: self.notices(id, outcome, entropy),
            timeline: self.timeline(outcome, is_let_be),
            latency: Latency {
                event_at: activity.event_timestamp,
                logged_at: activity.log_timestamp,
                received_at: Some(now),
                appended_at: None,
                evaluated_at: Some(now),
                recorded_at: Some(now),
                effect_at: None,
            },
            case: Case::default(),
            traceparent: None,
            created_at: now,
            updated_at: now,
            revision: 1,
        };
        NewIncident {
            kind: kind(activity, self.content),
            incident,
        }
    }

    /// The e-mails that the policy asks for, in order. Nothing else is to be done: what was refused has not happened,
    /// and what was let pass comes by the service's feed.
    fn notices(
        &self,
        incident_id: IncidentId,
        outcome: &PolicyOutcome,
        entropy: &dyn Entropy,
    ) -> Vec<Remedy> {
        let notices = outcome
            .responses
            .iter()
            .filter(|response| RemedyKind::of(response.kind) == Some(RemedyKind::Notify));
        notices
            .zip(0..)
            .map(|(response, ordinal)| Remedy {
                id: RemedyId::new(self.now, entropy.draw()),
                incident_id,
                connection_id: self.place.connection,
                kind: RemedyKind::Notify,
                ordinal,
                to: addresses(response, &self.prepared.activity),
                particulars: Particulars::default(),
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
                next_attempt_at: self.now,
                created_at: self.now,
                updated_at: self.now,
                done_at: None,
            })
            .collect()
    }

    fn timeline(&self, outcome: &PolicyOutcome, is_let_be: bool) -> Vec<TimelineEntry> {
        let activity = &self.prepared.activity;
        let who = activity.actor_name.as_deref();
        let who = who.or(activity.actor_email.as_deref()).unwrap_or("someone");
        let what = activity.event_type.word();
        let on = activity.object_name.as_deref();
        let on = on.map(|name| format!(" on `{name}`")).unwrap_or_default();
        let came = match outcome.mode {
            Mode::Enforce if !is_let_be => "was refused",
            Mode::Enforce | Mode::Permissive => "was let pass",
        };
        let entry = |kind, text| TimelineEntry {
            at: self.now,
            kind,
            text,
        };
        vec![
            entry(TimelineKind::Event, format!("{who} tried `{what}`{on}")),
            entry(
                TimelineKind::Received,
                "reached Tidegate by a question before the fact".to_owned(),
            ),
            entry(
                TimelineKind::Violation,
                format!(
                    "violated the policy `{}`, version {}, and {came}: {}",
                    outcome.policy.name,
                    outcome.policy.version,
                    outcome.reasons.join("; ")
                ),
            ),
        ]
    }
}

/// The words `actor` and `owner` stand for who acts and who shares.
fn addresses(response: &Response, activity: &Activity) -> Vec<String> {
    let resolve = |to: &String| match to.as_str() {
        "actor" => activity.actor_email.clone(),
        "owner" => activity.from_email.clone().or(activity.actor_email.clone()),
        address => Some(address.to_owned()),
    };
    let mut addresses: Vec<String> = response.to.iter().filter_map(resolve).collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

fn kind(activity: &Activity, content: &Known) -> IncidentKind {
    match activity.event_type {
        _ if !content.evidence.is_empty() => IncidentKind::Content,
        EventType::Sharing => IncidentKind::Sharing,
        _ => IncidentKind::Activity,
    }
}

/// The attempt as it was told, without the bytes of its object: plaintext is never kept.
fn without_content(raw: &RawValue) -> Box<RawValue> {
    let mut attempt: serde_json::Value = serde_json::from_str(raw.get()).unwrap_or_default();
    if let Some(content) = attempt.get_mut("content").and_then(|c| c.as_object_mut()) {
        content.remove("base64");
    }
    serde_json::value::to_raw_value(&attempt).expect("JSON is written as it was read")
}
