//! A batch of the log: what is known already is skipped, the rest is evaluated side by side, and
//! everything is recorded together.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_model::{
    ActivityRecord, ConnectionId, DEAD_LETTER, DeadLetter, DeadLetterReason, EventId, WIRE_VERSION,
};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use ports::{
    AppendError, Delivered, EvaluatedActivity, EvaluatedBatch, LogError, LogReader, LogRecord,
    Place, Recorded, StoreError, Topic,
};
use telemetry::{Counter, Gauge, Timing};
use thiserror::Error;

use crate::{Evaluator, GROUP, assurance};

/// How long an activity taken for a second look is kept from other replicas.
const SECOND_LOOK_HOLD: Duration = Duration::from_secs(120);

/// Why a batch was not evaluated.
#[derive(Debug, Error)]
pub(crate) enum BatchError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an unreadable record could not be set aside")]
    SetAside(#[from] AppendError),
}

/// An activity to evaluate.
pub(crate) struct Look {
    pub(crate) record: ActivityRecord,
    pub(crate) appended_at: DateTime<Utc>,
    /// How often its content was tried in vain.
    pub(crate) attempts: u32,
    pub(crate) is_second_look: bool,
}

impl Evaluator {
    /// Reads a batch, evaluates it, records it, commits its place.
    pub(crate) async fn step(&self, reader: &mut dyn LogReader) -> Result<(), BatchError> {
        let delivered = reader
            .next(self.options.batch_records_max, self.options.wait)
            .await?;
        if delivered.is_empty() {
            self.ports
                .metrics
                .set(Gauge::LogLag, &[GROUP], reader.lag().await as f64);
            return Ok(());
        }
        let through = last_of_each_partition(&delivered);
        let looks = self.read(delivered).await?;
        let looks = self.leave_out_known(looks).await?;
        self.evaluate_and_record(looks).await?;
        // INVARIANT: everything of the batch is recorded here. A crash before the commit repeats it,
        // and the unique keys make the repetition harmless.
        reader.commit(&through).await?;
        self.ports
            .metrics
            .set(Gauge::LogLag, &[GROUP], reader.lag().await as f64);
        Ok(())
    }

    /// Evaluates activities again whose content could not be had before. Gives their number.
    pub(crate) async fn second_looks(&self) -> Result<usize, BatchError> {
        let now = self.ports.clock.now();
        let limit = self.options.batch_records_max as u32;
        let awaited = self
            .ports
            .results
            .take_awaited(now, SECOND_LOOK_HOLD, limit)
            .await?;
        let count = awaited.len();
        let mut of_each: BTreeMap<ConnectionId, Vec<Look>> = BTreeMap::new();
        for awaited in awaited {
            let look = Look {
                record: awaited.record,
                appended_at: awaited.appended_at,
                attempts: awaited.attempts,
                is_second_look: true,
            };
            let id = look.record.connection_id;
            of_each.entry(id).or_default().push(look);
        }
        // Recorded apart, so that the looks of one connection do not wait for those of a stalled one.
        let looks = of_each.into_values();
        let recorded = join_all(looks.map(|looks| self.evaluate_and_record(looks))).await;
        recorded.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(count)
    }

    /// Decodes the records; one that cannot be read goes to the dead-letter topic.
    async fn read(&self, delivered: Vec<Delivered>) -> Result<Vec<Look>, BatchError> {
        let mut looks = Vec::with_capacity(delivered.len());
        for Delivered {
            place,
            appended_at,
            record,
        } in delivered
        {
            match ActivityRecord::decode(&record.value) {
                Ok(record) => {
                    looks.push(Look {
                        record,
                        appended_at,
                        attempts: 0,
                        is_second_look: false,
                    });
                }
                Err(error) => {
                    tracing::error!(
                        place.offset,
                        error = &error as &dyn std::error::Error,
                        "set an unreadable record aside"
                    );
                    let letter = self.unreadable(place, &record, &error.to_string());
                    self.ports
                        .log
                        .append(Topic::DeadLetter, vec![letter])
                        .await?;
                }
            }
        }
        Ok(looks)
    }

    fn unreadable(&self, place: Place, record: &LogRecord, detail: &str) -> LogRecord {
        use base64::Engine;
        let reason = DeadLetterReason::Unreadable;
        self.ports
            .metrics
            .count(Counter::DeadLetters, &[reason.word()], 1);
        let connection = record.key.split('/').next().and_then(|id| id.parse().ok());
        let letter = DeadLetter {
            v: WIRE_VERSION,
            connection_id: connection.unwrap_or_else(|| ConnectionId::new(DateTime::UNIX_EPOCH, 0)),
            arrival: event_model::Arrival::Pull,
            received_at: self.ports.clock.now(),
            reason,
            detail: format!(
                "offset {} of partition {}: {detail}",
                place.offset, place.partition
            ),
            whole: false,
            body_base64: base64::engine::general_purpose::STANDARD.encode(&record.value),
        };
        let value = serde_json::to_vec(&letter).expect("a dead letter has only plain fields");
        LogRecord {
            key: record.key.clone(),
            headers: vec![("ce_type".into(), DEAD_LETTER.into())],
            value: value.into(),
        }
    }

    /// Leaves out what was recorded before, and repetitions within the batch.
    async fn leave_out_known(&self, looks: Vec<Look>) -> Result<Vec<Look>, BatchError> {
        let ids: Vec<(ConnectionId, EventId)> = looks
            .iter()
            .map(|look| {
                (
                    look.record.connection_id,
                    look.record.activity.event_id.clone(),
                )
            })
            .collect();
        let known = self.ports.results.are_recorded(&ids).await?;
        self.confirm_recorded(&looks, &known).await?;
        let looks = assurance::surest(looks);
        let mut seen = HashSet::new();
        let before = looks.len();
        let fresh: Vec<Look> = looks
            .into_iter()
            .zip(ids.into_iter().zip(known))
            .filter(|(_, (id, known))| !known && seen.insert(id.clone()))
            .map(|(look, _)| look)
            .collect();
        let repeated = (before - fresh.len()) as u64;
        self.ports
            .metrics
            .count(Counter::ActivitiesRecorded, &["repeated"], repeated);
        Ok(fresh)
    }

    async fn evaluate_and_record(&self, looks: Vec<Look>) -> Result<(), BatchError> {
        if looks.is_empty() {
            return Ok(());
        }
        let policies = self.book.current().await?;
        let activities: Vec<EvaluatedActivity> = stream::iter(looks)
            .map(|look| self.evaluate(&policies, look))
            .buffered(self.options.at_once_max)
            .collect()
            .await;
        let mut batch = EvaluatedBatch { activities };
        self.let_be(batch.activities.iter_mut().collect()).await?;
        // INVARIANT: planned before the activities are recorded, for what is recorded is not looked at again. A crash
        // between the two plans the same scans once more, under the same ids.
        self.plan_relabelling(&mut batch.activities).await?;
        let now = self.ports.clock.now();
        let new = batch
            .activities
            .iter_mut()
            .flat_map(|one| &mut one.incidents);
        new.for_each(|new| new.incident.latency.recorded_at = Some(now));
        let began = self.ports.clock.monotonic();
        let recorded = self.ports.results.record(&batch).await?;
        let took = self.ports.clock.monotonic().saturating_sub(began);
        self.ports
            .metrics
            .time(Timing::RecordSeconds, &[], took.as_secs_f64());
        self.observe(&batch, &recorded);
        Ok(())
    }

    fn observe(&self, batch: &EvaluatedBatch, recorded: &Recorded) {
        let metrics = &self.ports.metrics;
        let new = recorded.activities_new as u64;
        metrics.count(Counter::ActivitiesRecorded, &["new"], new);
        let now = self.ports.clock.now();
        for activity in &batch.activities {
            self.observe_journey(activity);
            for spot in &activity.blind_spots {
                metrics.count(Counter::BlindSpots, &[&spot.reason], 1);
            }
            for new in &activity.incidents {
                if recorded.incidents_new.contains(&new.incident.id) {
                    metrics.count(Counter::Incidents, &[new.incident.severity.word()], 1);
                    let took = (now - activity.record.received_at)
                        .num_microseconds()
                        .unwrap_or(0);
                    metrics.time(Timing::EventToIncident, &[], took as f64 / 1e6);
                }
            }
        }
    }
}

impl Evaluator {
    /// How long each stretch of the way here took. On a second look they are known already.
    fn observe_journey(&self, evaluated: &EvaluatedActivity) {
        if evaluated.is_second_look {
            return;
        }
        let activity = &evaluated.record.activity;
        let recorded = evaluated
            .incidents
            .first()
            .and_then(|new| new.incident.latency.recorded_at);
        let moments = [
            ("happened", activity.event_timestamp),
            ("logged", activity.log_timestamp),
            ("received", Some(evaluated.record.received_at)),
            ("appended", Some(evaluated.appended_at)),
            ("evaluated", Some(evaluated.evaluated_at)),
            ("incident", recorded),
        ];
        let known = moments
            .into_iter()
            .filter_map(|(stage, at)| Some((stage, at?)));
        let known: Vec<_> = known.collect();
        for pair in known.windows(2) {
            let took = (pair[1].1 - pair[0].1).num_microseconds().unwrap_or(0);
            self.ports
                .metrics
                .time(Timing::StageSeconds, &[pair[1].0], took as f64 / 1e6);
        }
    }
}

fn last_of_each_partition(delivered: &[Delivered]) -> Vec<Place> {
    let mut last: Vec<Place> = Vec::new();
    for Delivered { place, .. } in delivered {
        match last
            .iter_mut()
            .find(|seen| seen.partition == place.partition)
        {
            Some(seen) => seen.offset = seen.offset.max(place.offset),
            None => last.push(*place),
        }
    }
    last
}
