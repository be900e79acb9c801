//! One activity: cheap conditions first, then enrichment, then content, then the verdict.

use std::time::Duration;

use chrono::TimeDelta;
use event_model::{ActivityRecord, BlindSpot, Evidence, Field, PolicyId, Verdict};
use policy::{Chain, Circumstances, ContentState, Evaluation, Input, PolicySet};
use ports::{EvaluatedActivity, SecondLook};
use telemetry::{Counter, Timing, journey, stage};
use tracing::Instrument;

use crate::Evaluator;
use crate::batch::Look;
use crate::content::Content;
use crate::incident::Findings;
use crate::labels;

/// First pause before a second look; doubles with each further one.
const SECOND_LOOK_FIRST: Duration = Duration::from_millis(250);

/// What came of looking at the policies.
struct Judged {
    verdict: Verdict,
    evidence: Vec<Evidence>,
    blind_spots: Vec<BlindSpot>,
    again: Option<SecondLook>,
    /// Policies that were violated whatever the content: what was found in it is not their evidence.
    without_content: Vec<PolicyId>,
}

impl Judged {
    fn of(verdict: Verdict) -> Self {
        Judged {
            verdict,
            evidence: Vec::new(),
            blind_spots: Vec::new(),
            again: None,
            without_content: Vec::new(),
        }
    }
}

impl Evaluator {
    /// Evaluates one activity, as a stage of its journey.
    pub(crate) async fn evaluate(&self, policies: &PolicySet, look: Look) -> EvaluatedActivity {
        let stage = stage!(
            "evaluate",
            event.id = %look.record.activity.event_id,
            connection.id = %look.record.connection_id,
            attempt = look.attempts,
        );
        let stage = journey::follow(stage, look.record.traceparent.as_deref());
        self.evaluate_in_stage(policies, look)
            .instrument(stage)
            .await
    }

    async fn evaluate_in_stage(&self, policies: &PolicySet, look: Look) -> EvaluatedActivity {
        let began = self.ports.clock.monotonic();
        let Look {
            mut record,
            appended_at,
            attempts,
            is_second_look,
        } = look;
        let judged = if record.own {
            // What Tidegate did itself is recorded, and no policy looks at it.
            Judged::of(Verdict::default())
        } else {
            self.judge(policies, &mut record, attempts, is_second_look)
                .await
        };
        for outcome in &judged.verdict.outcomes {
            let word = [outcome.outcome.word()];
            self.ports.metrics.count(Counter::PolicyOutcomes, &word, 1);
        }
        let findings = Findings {
            evidence: &judged.evidence,
            blind_spots: &judged.blind_spots,
            without_content: &judged.without_content,
        };
        let incidents = self.incidents(&record, appended_at, &judged.verdict, findings);
        let took = self.ports.clock.monotonic().saturating_sub(began);
        self.ports
            .metrics
            .time(Timing::EvaluationSeconds, &[], took.as_secs_f64());
        EvaluatedActivity {
            record,
            appended_at,
            evaluated_at: self.ports.clock.now(),
            blind_spots: judged.blind_spots,
            incidents,
            is_second_look,
            again: judged.again,
        }
    }

    async fn judge(
        &self,
        policies: &PolicySet,
        record: &mut ActivityRecord,
        attempts: u32,
        is_second_look: bool,
    ) -> Judged {
        let mut evaluation = self.apply(policies, record, ContentState::NotFetched);
        if !evaluation.needs.fields.is_empty() {
            let wanted: Vec<Field> = evaluation.needs.fields.to_vec();
            self.enrich(record, &wanted).await;
            evaluation = self.apply(policies, record, ContentState::NotFetched);
        }
        if !evaluation.needs.content {
            return Judged::of(evaluation.verdict);
        }
        let without_content = violated(&evaluation.verdict);
        let wants_labels = labels::are_wanted(policies, record);
        let judged = match self.content(record, is_second_look, wants_labels).await {
            Content::Known {
                facts,
                evidence,
                blind_spots,
            } => {
                let evaluation = self.apply(policies, record, ContentState::Known(&facts));
                Judged {
                    evidence,
                    blind_spots,
                    ..Judged::of(evaluation.verdict)
                }
            }
            Content::Blind(spot) => self.blinded(policies, record, spot),
            Content::Later { reason, .. } if attempts >= self.options.second_looks_max => {
                let detail = format!("given up after {attempts} tries: {reason}");
                self.blinded(
                    policies,
                    record,
                    BlindSpot {
                        reason: "unreachable".into(),
                        detail,
                    },
                )
            }
            Content::Later { after, reason } => {
                // What can be decided without content is decided now; the rest on the second look.
                let mut judged = Judged::of(evaluation.verdict);
                judged.again = Some(self.second_look(after, attempts, reason));
                judged
            }
        };
        Judged {
            without_content,
            ..judged
        }
    }

    /// What the policies come to, as things stand. The country is looked up when a policy asks for it.
    fn apply(
        &self,
        policies: &PolicySet,
        record: &ActivityRecord,
        content: ContentState<'_>,
    ) -> Evaluation {
        let address = record.activity.actor_ip_address.as_deref();
        let address = address.filter(|_| policies.asks_for_country());
        let country = address.map(|address| match address.parse() {
            Ok(address) => self.ports.countries.country(address),
            Err(_) => Err("actor_ip_address is not an IP address"),
        });
        let circumstances = Circumstances {
            country: match &country {
                Some(Ok(country)) => Ok(country.as_str()),
                Some(Err(why)) => Err(*why),
                None => Err("actor_ip_address is absent"),
            },
            ..Circumstances::default()
        };
        let input = Input::of(&record.activity, &record.provenance, content).under(circumstances);
        policies.evaluate(record.connection_id, &input, Chain::Whole)
    }

    /// What the policies come to on content that cannot be had.
    fn blinded(&self, policies: &PolicySet, record: &ActivityRecord, spot: BlindSpot) -> Judged {
        let state = ContentState::Unavailable {
            reason: &spot.detail,
        };
        let verdict = self.apply(policies, record, state).verdict;
        Judged {
            blind_spots: vec![spot],
            ..Judged::of(verdict)
        }
    }

    fn second_look(&self, after: Duration, attempts: u32, reason: String) -> SecondLook {
        let doubled = SECOND_LOOK_FIRST * 2u32.saturating_pow(attempts.min(16));
        let pause = doubled.min(self.options.second_look_pause_max).max(after);
        let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::minutes(10));
        SecondLook {
            at: self.ports.clock.now() + pause,
            attempts: attempts + 1,
            reason,
        }
    }

    /// Asks the service for missing fields that a policy needs. What it does not give stays absent
    /// with its reason.
    async fn enrich(&self, record: &mut ActivityRecord, wanted: &[Field]) {
        let id = record.connection_id;
        let Ok(_pass) = self.ports.gate.enter(id).await else {
            return;
        };
        let Ok(Some(connection)) = self.ports.connections.get(id).await else {
            return;
        };
        if !connection.lifecycle.is_enabled() {
            return;
        }
        let Ok(client) = self.ports.clients.client(&connection) else {
            return;
        };
        let ActivityRecord {
            activity,
            provenance,
            ..
        } = record;
        if let Err(error) = client.enrich(activity, provenance, wanted).await {
            tracing::warn!(connection.id = %id, error = %error, "an activity could not be enriched");
        }
    }
}

fn violated(verdict: &Verdict) -> Vec<PolicyId> {
    let violations = verdict.violations();
    violations.map(|outcome| outcome.policy.id).collect()
}
