//! From a verdict to incidents and planned remedies.

use chrono::{DateTime, Utc};
use event_model::{
    Activity, ActivityRecord, Assurance, BlindSpot, Case, EventType, Evidence, Incident,
    IncidentId, IncidentStatus, Latency, Mode, PolicyId, PolicyOutcome, Remedy, RemedyId,
    RemedyKind, RemedyState, Response, TimelineEntry, TimelineKind, Verdict,
};
use inspect::DetectorSet;
use ports::{IncidentKind, NewIncident};
use telemetry::journey;
use tracing::Span;

use crate::Evaluator;

/// Most pieces of evidence that one incident keeps.
const EVIDENCE_MAX: usize = 100;

/// What was found in the content.
#[derive(Clone, Copy)]
pub(crate) struct Findings<'a> {
    pub(crate) evidence: &'a [Evidence],
    pub(crate) blind_spots: &'a [BlindSpot],
    pub(crate) without_content: &'a [PolicyId],
}

impl Findings<'_> {
    /// What of it is about this policy: nothing, when the content did not matter to it.
    fn of(self, policy: PolicyId) -> Self {
        if self.without_content.contains(&policy) {
            return Findings {
                evidence: &[],
                blind_spots: &[],
                ..self
            };
        }
        self
    }
}

impl Evaluator {
    /// One incident for each violated policy.
    pub(crate) fn incidents(
        &self,
        record: &ActivityRecord,
        appended_at: DateTime<Utc>,
        verdict: &Verdict,
        findings: Findings<'_>,
    ) -> Vec<NewIncident> {
        verdict
            .violations()
            .map(|outcome| self.incident(record, appended_at, outcome, findings))
            .collect()
    }

    fn incident(
        &self,
        record: &ActivityRecord,
        appended_at: DateTime<Utc>,
        outcome: &PolicyOutcome,
        findings: Findings<'_>,
    ) -> NewIncident {
        let findings = findings.of(outcome.policy.id);
        let now = self.ports.clock.now();
        let id = IncidentId::new(now, self.ports.entropy.draw());
        let incident = Incident {
            id,
            number: String::new(),
            status: IncidentStatus::New,
            severity: outcome.severity,
            policy: outcome.policy.clone(),
            mode: outcome.mode,
            notification: outcome.notification.clone(),
            connection_id: record.connection_id,
            activity: record.activity.clone(),
            provenance: record.provenance.clone(),
            evidence: asked_for(findings.evidence, &outcome.trace.expression),
            blind_spots: findings.blind_spots.to_vec(),
            trace: outcome.trace.clone(),
            remedies: self.remedies(id, record, outcome, now),
            timeline: timeline(record, outcome, now),
            latency: Latency {
                event_at: record.activity.event_timestamp,
                logged_at: record.activity.log_timestamp,
                received_at: Some(record.received_at),
                appended_at: Some(appended_at),
                evaluated_at: Some(now),
                // Known when the batch is written.
                recorded_at: None,
                effect_at: None,
            },
            case: Case::default(),
            traceparent: journey::traceparent(&Span::current()).or(record.traceparent.clone()),
            created_at: now,
            updated_at: now,
            revision: 1,
        };
        NewIncident {
            kind: kind(&record.activity, findings),
            incident,
        }
    }

    /// The policy's responses as remedies.
    fn remedies(
        &self,
        incident_id: IncidentId,
        record: &ActivityRecord,
        outcome: &PolicyOutcome,
        now: DateTime<Utc>,
    ) -> Vec<Remedy> {
        let unsure = record.assurance == Assurance::Low;
        let safeguards = outcome.safeguards;
        wanted(outcome)
            .zip(0..)
            .map(|((kind, response), ordinal)| {
                let irreversible = self.is_irreversible(record, kind);
                let acts = kind.acts_in_service();
                let needed = safeguards.approvals_needed(irreversible);
                // INVARIANT: what cannot be undone waits until the event is sure. See `assurance.rs`.
                let waits = (acts && needed > 0) || (unsure && irreversible);
                Remedy {
                    id: RemedyId::new(now, self.ports.entropy.draw()),
                    incident_id,
                    connection_id: record.connection_id,
                    kind,
                    ordinal,
                    to: addresses(response, &record.activity),
                    particulars: response.particulars(),
                    of: None,
                    state: match waits {
                        true => RemedyState::NeedsApproval,
                        false => RemedyState::Planned,
                    },
                    requested_by: None,
                    approvals_needed: if acts { needed } else { 0 },
                    approvals: Vec::new(),
                    limit: safeguards.limit.filter(|_| acts),
                    because: None,
                    snapshot: None,
                    vaulted: None,
                    restoration: None,
                    attempts: 0,
                    last_error: None,
                    next_attempt_at: safeguards.not_before(irreversible, now),
                    created_at: now,
                    updated_at: now,
                    done_at: None,
                }
            })
            .collect()
    }
}

/// What is to be done about a violation, in order. A permissive policy only tells; it does not act.
pub(crate) fn wanted(outcome: &PolicyOutcome) -> impl Iterator<Item = (RemedyKind, &Response)> {
    let acts = |kind: RemedyKind| outcome.mode == Mode::Enforce || !kind.acts_in_service();
    outcome.responses.iter().filter_map(move |response| {
        let kind = RemedyKind::of(response.kind).filter(|kind| acts(*kind))?;
        Some((kind, response))
    })
}

/// The evidence that the rule asks for, by detector or group; all of it, when the rule names none.
fn asked_for(evidence: &[Evidence], rule: &str) -> Vec<Evidence> {
    let is_named = |name: &str| rule.contains(&format!("'{name}'"));
    let is_asked_for = |one: &&Evidence| {
        let group = DetectorSet::built_in()
            .describe(&one.detector)
            .and_then(|detector| detector.group);
        is_named(&one.detector) || group.is_some_and(is_named)
    };
    let mut asked: Vec<Evidence> = evidence.iter().filter(is_asked_for).cloned().collect();
    if asked.is_empty() {
        asked = evidence.to_vec();
    }
    asked.truncate(EVIDENCE_MAX);
    asked
}

/// The addresses of a notification: the words `actor` and `owner` stand for who acted and who shares.
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

fn kind(activity: &Activity, findings: Findings<'_>) -> IncidentKind {
    match activity.event_type {
        _ if !findings.evidence.is_empty() => IncidentKind::Content,
        EventType::Sharing => IncidentKind::Sharing,
        _ => IncidentKind::Activity,
    }
}

fn timeline(
    record: &ActivityRecord,
    outcome: &PolicyOutcome,
    now: DateTime<Utc>,
) -> Vec<TimelineEntry> {
    let activity = &record.activity;
    let who = activity
        .actor_name
        .as_deref()
        .or(activity.actor_email.as_deref());
    let what = activity
        .event_name
        .as_deref()
        .unwrap_or(activity.event_type.word());
    let on = activity
        .object_name
        .as_deref()
        .map(|name| format!(" on `{name}`"));
    let entry = |at, kind, text| TimelineEntry { at, kind, text };
    let mut entries = Vec::with_capacity(3);
    if let Some(at) = activity.event_timestamp {
        let text = format!(
            "{} did `{what}`{}",
            who.unwrap_or("someone"),
            on.unwrap_or_default()
        );
        entries.push(entry(at, TimelineKind::Event, text));
    }
    let text = format!("reached Tidegate by {}", record.arrival);
    entries.push(entry(record.received_at, TimelineKind::Received, text));
    if record.assurance == Assurance::Low {
        let text = "is proved by a secret alone: what cannot be undone waits until the service confirms it";
        entries.push(entry(
            record.received_at,
            TimelineKind::Received,
            text.into(),
        ));
    }
    let policy = &outcome.policy;
    let text = format!(
        "violated the policy `{}`, version {}: {}",
        policy.name,
        policy.version,
        outcome.reasons.join("; ")
    );
    entries.push(entry(now, TimelineKind::Violation, text));
    entries
}
