//! Decides attempts: from memory, in the order of precedence, recorded before the answer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_model::{ConnectionId, EventId, Exception, Mode, Outcome, PolicyOutcome};
use inspector::Inspector;
use labels::Labelling;
use policy::{Chain, ContentState, Decision, Evaluation, Input, PolicySet};
use ports::{
    Clock, ConnectionStore, Countries, CountryCode, Entropy, EvaluatedActivity, EvaluatedBatch,
    EvaluationStore, ExceptionStore, PolicyStore, StoreError,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use telemetry::{Counter, Metrics, Timing};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::attempt::{Attempt, AttemptMistake, Prepared};
use crate::book::PolicyBook;
use crate::content::{self, Inspecting, Known};
use crate::directory::{Directory, NoPlace, Place};
use crate::incident::Violation;
use crate::let_be::LetBe;

/// Named bounds.
#[derive(Debug, Clone)]
pub struct DeciderOptions {
    /// Contents inspected at a time.
    pub inspections_at_once_max: usize,
    /// Longest that inspecting a content is waited for, waiting for room included.
    pub inspection_max: Duration,
}

impl Default for DeciderOptions {
    fn default() -> Self {
        DeciderOptions {
            inspections_at_once_max: 2,
            inspection_max: Duration::from_secs(2),
        }
    }
}

/// What deciding needs of the world.
pub struct DeciderPorts {
    /// The policies.
    pub policies: Arc<dyn PolicyStore>,
    /// The connections.
    pub connections: Arc<dyn ConnectionStore>,
    /// What is let be.
    pub exceptions: Arc<dyn ExceptionStore>,
    /// Where violations go.
    pub results: Arc<dyn EvaluationStore>,
    /// Countries by IP address.
    pub countries: Arc<dyn Countries>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Where content that comes along is inspected.
    pub inspector: Arc<dyn Inspector>,
    /// Which labels there are.
    pub labelling: Arc<Labelling>,
    /// Counts and times decisions.
    pub metrics: Arc<Metrics>,
}

/// What becomes of an attempt that an enforcing policy could not be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Undecided {
    /// It may go on: what is not known decides nothing.
    #[default]
    Allow,
    /// It may not: whoever asks prefers to err on that side.
    Deny,
}

/// Whether the violations of an attempt were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recording {
    /// There were none.
    Nothing,
    /// They are recorded now.
    New,
    /// They were recorded before, under the same idempotency key.
    Repeated,
}

/// Whether an attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It may.
    Allow,
    /// It may not.
    Deny,
}

/// The answer to an attempt.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Decided {
    /// Whether the attempt may go on.
    pub decision: Word,
    /// The event id under which violations are recorded: made of the idempotency key.
    pub event_id: EventId,
    /// The connection that the attempt belongs to.
    pub connection: ConnectionId,
    /// Whether the violations were recorded.
    pub recorded: Recording,
    /// Why, with winner and losers.
    #[serde(flatten)]
    pub reasons: Decision,
}

/// Why there is no decision.
#[derive(Debug, Error)]
pub enum DecideError {
    /// The attempt has mistakes.
    #[error("the attempt has mistakes")]
    Mistaken(Vec<AttemptMistake>),
    /// The store could not be read, or the violation not be recorded: there is no decision that is not recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A decision, and what is to be recorded of it.
struct Judged {
    decided: Decided,
    violation: Option<EvaluatedActivity>,
}

/// What is evaluated, and by which policies.
struct Subject<'a> {
    policies: &'a PolicySet,
    place: &'a Place,
    prepared: &'a Prepared,
}

/// Decides attempts.
pub struct Decider {
    ports: DeciderPorts,
    options: DeciderOptions,
    book: PolicyBook,
    directory: Directory,
    room: Semaphore,
}

impl Decider {
    /// A decider over its ports.
    pub fn new(ports: DeciderPorts, options: DeciderOptions) -> Self {
        Decider {
            book: PolicyBook::new(Arc::clone(&ports.policies)),
            directory: Directory::new(Arc::clone(&ports.connections)),
            room: Semaphore::new(options.inspections_at_once_max),
            ports,
            options,
        }
    }

    /// Decides one attempt; `raw` is what was sent of it.
    ///
    /// # Errors
    /// When the attempt has mistakes, or its violations cannot be recorded.
    pub async fn decide(
        &self,
        attempt: Attempt,
        raw: &RawValue,
        undecided: Undecided,
    ) -> Result<Decided, DecideError> {
        let mut judged = self.judge(attempt, raw, undecided).await?;
        if let Some(violation) = judged.violation.take() {
            let batch = EvaluatedBatch {
                activities: vec![violation],
            };
            self.record(&batch, &mut [&mut judged.decided]).await?;
        }
        Ok(judged.decided)
    }

    /// Decides several attempts, each for itself; their violations are recorded together.
    ///
    /// # Errors
    /// When an attempt has mistakes, told of all under `/attempts/…`, or a violation cannot be recorded: then nothing is
    /// decided, and nothing recorded.
    pub async fn decide_all(
        &self,
        attempts: Vec<(Attempt, &RawValue)>,
        undecided: Undecided,
    ) -> Result<Vec<Decided>, DecideError> {
        let mut answers = Vec::with_capacity(attempts.len());
        let mut batch = EvaluatedBatch::default();
        let mut mistakes = Vec::new();
        let mut seen = HashSet::new();
        for (index, (attempt, raw)) in attempts.into_iter().enumerate() {
            let Judged {
                mut decided,
                violation,
            } = match self.judge(attempt, raw, undecided).await {
                Ok(judged) => judged,
                Err(DecideError::Mistaken(found)) => {
                    mistakes.extend(found.into_iter().map(|mistake| AttemptMistake {
                        field: format!("/attempts/{index}{}", mistake.field),
                        ..mistake
                    }));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let Some(violation) = violation {
                // The same key twice is the same attempt.
                if seen.insert((decided.connection, decided.event_id.clone())) {
                    batch.activities.push(violation);
                } else {
                    decided.recorded = Recording::Repeated;
                }
            }
            answers.push(decided);
        }
        if !mistakes.is_empty() {
            return Err(DecideError::Mistaken(mistakes));
        }
        let violating = answers
            .iter_mut()
            .filter(|decided| decided.recorded == Recording::New);
        let mut violating: Vec<&mut Decided> = violating.collect();
        if !batch.activities.is_empty() {
            self.record(&batch, &mut violating).await?;
        }
        Ok(answers)
    }

    async fn judge(
        &self,
        mut attempt: Attempt,
        raw: &RawValue,
        undecided: Undecided,
    ) -> Result<Judged, DecideError> {
        let began = self.ports.clock.monotonic();
        let now = self.ports.clock.now();
        let place = self.place(&attempt).await?;
        let policies = self.book.current().await?;
        let action = attempt.action;
        let content = Known::of(attempt.content.take());
        let prepared = attempt.prepare(now, self.ports.entropy.draw());
        let (prepared, mut content) = both(prepared, content)?;
        let subject = Subject {
            policies: &policies,
            place: &place,
            prepared: &prepared,
        };
        let chain = Chain::StopAtFirstBlock;
        let mut evaluation = self.evaluate(&subject, &mut content, chain).await;
        let let_be = LetBe {
            exceptions: self.exceptions(&evaluation, undecided, now).await?,
            connection: place.connection,
            activity: &prepared.activity,
            now,
        };
        if let_be.ends_the_chain(&evaluation.verdict) {
            // What is let be does not end the chain: what comes after it counts.
            evaluation = self.evaluate(&subject, &mut content, Chain::Whole).await;
        }
        let mut reasons = Decision::excepting(evaluation, action, |one| let_be.covering(one));
        if undecided == Undecided::Deny {
            deny_undecided(&mut reasons, &let_be);
        }
        let violation = Violation {
            place: &place,
            prepared: &prepared,
            content: &content,
            raw,
            now,
        };
        let violation = violation.record(&reasons, &let_be, &*self.ports.entropy);
        self.observe(&reasons, began);
        Ok(Judged {
            decided: Decided {
                decision: match reasons.allow {
                    true => Word::Allow,
                    false => Word::Deny,
                },
                event_id: prepared.activity.event_id,
                connection: place.connection,
                recorded: match violation {
                    Some(_) => Recording::New,
                    None => Recording::Nothing,
                },
                reasons,
            },
            violation,
        })
    }

    /// What is let be now; asked for only when something would be, so that an attempt that violates nothing needs no store.
    async fn exceptions(
        &self,
        evaluation: &Evaluation,
        undecided: Undecided,
        now: DateTime<Utc>,
    ) -> Result<Vec<Exception>, StoreError> {
        let mut outcomes = evaluation.verdict.outcomes.iter();
        let denies = |outcome: &PolicyOutcome| match outcome.outcome {
            Outcome::Violated => true,
            Outcome::Undecided => undecided == Undecided::Deny,
            Outcome::Complied => false,
        };
        match outcomes.any(denies) {
            true => self.ports.exceptions.exceptions_in_use(now).await,
            false => Ok(Vec::new()),
        }
    }

    /// The cheap parts first: bytes that came along are inspected when a policy needs them.
    async fn evaluate(
        &self,
        subject: &Subject<'_>,
        content: &mut Known,
        chain: Chain,
    ) -> Evaluation {
        let Subject {
            policies,
            place,
            prepared,
        } = *subject;
        let country = self.country(policies, prepared);
        let looked_up = match &country {
            None => None,
            Some(Ok(country)) => Some(Ok(country.as_str())),
            Some(Err(why)) => Some(Err(*why)),
        };
        let apply = |content: &Known| {
            let state = match &content.facts {
                None => ContentState::NotFetched,
                Some(facts) => ContentState::Known(facts),
            };
            let input = Input::of(&prepared.activity, &prepared.provenance, state);
            let input = input.under(prepared.circumstances(looked_up));
            policies.evaluate(place.connection, &input, chain)
        };
        let first = apply(content);
        if !first.needs.content || content.bytes.is_none() {
            return first;
        }
        let name = prepared.activity.object_name.clone();
        let by = Inspecting {
            inspector: &*self.ports.inspector,
            room: &self.room,
            labelling: &self.ports.labelling,
        };
        content::inspect(content, name, &by, self.options.inspection_max).await;
        apply(content)
    }

    async fn place(&self, attempt: &Attempt) -> Result<Place, DecideError> {
        let mistaken = |field: &str, message: String| {
            Err(DecideError::Mistaken(vec![AttemptMistake::new(
                field, message,
            )]))
        };
        let found = match (attempt.connection, attempt.service.as_deref()) {
            (Some(id), None) => self.directory.of_id(id).await?,
            (None, Some(service)) => self.directory.of_service(service).await?,
            _ => {
                return mistaken(
                    "/connection",
                    "name the `connection`, or else the `service`".into(),
                );
            }
        };
        match found {
            Ok(place) => Ok(place),
            Err(NoPlace::Connection(id)) => {
                mistaken("/connection", format!("there is no connection `{id}`"))
            }
            Err(NoPlace::Service(service)) => {
                mistaken("/service", format!("`{service}` has no connection"))
            }
            Err(NoPlace::Ambiguous(service, count)) => mistaken(
                "/service",
                format!("`{service}` has {count} connections: name the `connection`"),
            ),
        }
    }

    /// The country of the IP address; not looked up when no policy asks, or the caller told it.
    fn country(
        &self,
        policies: &PolicySet,
        prepared: &Prepared,
    ) -> Option<Result<CountryCode, &'static str>> {
        if !policies.asks_for_country() || prepared.has_country() {
            return None;
        }
        Some(match prepared.address {
            Some(address) => self.ports.countries.country(address),
            None => Err("actor_ip_address is absent"),
        })
    }

    async fn record(
        &self,
        batch: &EvaluatedBatch,
        decided: &mut [&mut Decided],
    ) -> Result<(), StoreError> {
        let recorded = self.ports.results.record(batch).await?;
        for (decided, activity) in decided.iter_mut().zip(&batch.activities) {
            let mut new = activity.incidents.iter();
            let is_new = new.any(|new| recorded.incidents_new.contains(&new.incident.id));
            if !is_new {
                decided.recorded = Recording::Repeated;
            }
        }
        let incidents = batch.activities.iter().flat_map(|one| &one.incidents);
        for new in incidents.filter(|new| recorded.incidents_new.contains(&new.incident.id)) {
            let severity = new.incident.severity.word();
            self.ports.metrics.count(Counter::Incidents, &[severity], 1);
        }
        Ok(())
    }

    fn observe(&self, reasons: &Decision, began: Duration) {
        let metrics = &self.ports.metrics;
        let word = if reasons.allow { "allow" } else { "deny" };
        metrics.count(Counter::Decisions, &[word], 1);
        let outcomes = reasons.winner.iter().chain(&reasons.losers);
        let let_be = reasons.excepted.iter().map(|excepted| &excepted.outcome);
        for outcome in outcomes.chain(&reasons.undecided).chain(let_be) {
            metrics.count(Counter::PolicyOutcomes, &[outcome.outcome.word()], 1);
        }
        let took = self.ports.clock.monotonic().saturating_sub(began);
        metrics.time(Timing::DecisionSeconds, &[], took.as_secs_f64());
    }
}

fn both<A, B>(
    one: Result<A, Vec<AttemptMistake>>,
    other: Result<B, Vec<AttemptMistake>>,
) -> Result<(A, B), DecideError> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => {
            let mut mistakes = one.err().unwrap_or_default();
            mistakes.extend(other.err().unwrap_or_default());
            Err(DecideError::Mistaken(mistakes))
        }
    }
}

/// Turns an attempt down that an enforcing policy could not be told of. It is no violation, and not recorded as one.
/// What would be let be if it were one is no reason.
fn deny_undecided(reasons: &mut Decision, let_be: &LetBe<'_>) {
    let denies = |outcome: &PolicyOutcome| {
        outcome.mode == Mode::Enforce && let_be.covering(outcome).is_none()
    };
    if reasons.allow && reasons.undecided.iter().any(denies) {
        reasons.allow = false;
        reasons
            .sentence
            .push_str(". What could not be told is denied, as the question asks");
    }
}
