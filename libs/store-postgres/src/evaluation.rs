//! What the evaluator writes: a batch in one transaction, each part once however often it comes and
//! whoever brings it. Two processes with the same events wait for each other at the activities' keys,
//! and at the numbers of incidents; the second finds what the first wrote.

mod awaited;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ConnectionId, EventId, Incident, IncidentId};
use ports::{
    AwaitedActivity, EvaluatedActivity, EvaluatedBatch, EvaluationStore, IncidentKind, NewIncident,
    Recorded, StoreError,
};
use sqlx::PgConnection;
use store_rows::incidents::{activity_search_text, relate};

use crate::changes::Kind;
use crate::failure::{failed, written};
use crate::incidents::address;
use crate::instants::micros;
use crate::partitions::Month;
use crate::texts::{key, text};
use crate::transaction::{commit, count, retrying};
use crate::{PostgresStore, incidents, remedies, tallies};

/// Rows of one statement.
const ROWS_MAX: usize = 1_000;
/// What services sent, in bytes, in one statement, unless one activity alone has more.
const STATEMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What tells an activity apart: event id and connection, as they are stored.
type ActivityKey = (String, String);

fn key_of(connection: ConnectionId, event: &EventId) -> ActivityKey {
    (key(event.as_str()), connection.to_string())
}

fn activity_key(one: &EvaluatedActivity) -> ActivityKey {
    key_of(one.record.connection_id, &one.record.activity.event_id)
}

#[async_trait]
impl EvaluationStore for PostgresStore {
    async fn record(&self, batch: &EvaluatedBatch) -> Result<Recorded, StoreError> {
        if batch.activities.is_empty() {
            return Ok(Recorded::default());
        }
        retrying(|| Box::pin(self.record_once(batch))).await
    }

    async fn are_recorded(
        &self,
        events: &[(ConnectionId, EventId)],
    ) -> Result<Vec<bool>, StoreError> {
        let asked: Vec<ActivityKey> = events
            .iter()
            .map(|(of, event)| key_of(*of, event))
            .collect();
        let (ids, connections): (Vec<&str>, Vec<&str>) =
            asked.iter().map(|(a, b)| (a.as_str(), b.as_str())).unzip();
        let known: Vec<ActivityKey> = sqlx::query_as(
            "SELECT event_id, connection_id FROM activity_keys
             JOIN unnest($1::text[], $2::text[]) AS asked (event_id, connection_id)
             USING (event_id, connection_id)",
        )
        .bind(ids)
        .bind(connections)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let known: HashSet<ActivityKey> = known.into_iter().collect();
        Ok(asked.iter().map(|one| known.contains(one)).collect())
    }

    async fn take_awaited(
        &self,
        now: DateTime<Utc>,
        hold: Duration,
        limit: u32,
    ) -> Result<Vec<AwaitedActivity>, StoreError> {
        self.take_due(now, hold, limit).await
    }
}

impl PostgresStore {
    async fn record_once(&self, batch: &EvaluatedBatch) -> Result<Recorded, StoreError> {
        let received = batch.activities.iter().map(|one| one.record.received_at);
        let months = received.map(Month::of);
        self.partitions.make(&self.pool, months).await?;
        let recorded = self.record_in_partitions(batch).await;
        if recorded.is_err() {
            // One of them may have been dropped by another process.
            self.partitions.forget();
        }
        recorded
    }

    async fn record_in_partitions(&self, batch: &EvaluatedBatch) -> Result<Recorded, StoreError> {
        let mut tx = self.write().await?;
        let by_connection = add_activities(&mut tx, &batch.activities).await?;
        let activities_new: usize = by_connection.values().sum();
        let Added {
            new: incidents_new,
            repeated,
        } = add_incidents(&mut tx, batch).await?;
        awaited::settle(&mut tx, &batch.activities).await?;
        if batch
            .activities
            .iter()
            .any(|one| !one.blind_spots.is_empty())
        {
            tallies::fold_unseen_if_many(&mut tx).await?;
        }
        for (connection, new) in by_connection {
            count_activities(&mut tx, &connection, new as i64).await?;
        }
        if incidents_new.is_empty() {
            commit(tx).await?;
        } else {
            let changed = [&incidents_new[..], &repeated].concat();
            incidents::note_changes(&mut tx, &changed).await?;
            self.commit_changes(tx, &[Kind::Incidents, Kind::Remedies])
                .await?;
        }
        Ok(Recorded {
            activities_new,
            incidents_new,
        })
    }
}

/// Counts in one of several counters of a connection, so that those who record do not wait for each other.
/// Whoever counts for several connections does so in their order.
pub(crate) async fn count_activities(
    connection: &mut PgConnection,
    of: &str,
    by: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO counters (name, value)
         VALUES ('activities.' || $1 || '.' || pg_backend_pid() % 16, $2)
         ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value",
    )
    .bind(of)
    .bind(by)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Adds those that are not there yet, and gives their numbers by connection.
async fn add_activities(
    connection: &mut PgConnection,
    activities: &[EvaluatedActivity],
) -> Result<BTreeMap<String, usize>, StoreError> {
    let mut new = claim_keys(connection, activities).await?;
    let mut counts = BTreeMap::new();
    for (_, connection) in &new {
        *counts.entry(connection.clone()).or_default() += 1;
    }
    // Of an event that comes twice in one batch, the first is written.
    let first: Vec<&EvaluatedActivity> = activities
        .iter()
        .filter(|one| new.remove(&activity_key(one)))
        .collect();
    for part in parts(&first) {
        insert(connection, part).await?;
    }
    Ok(counts)
}

/// Takes the keys that nobody has, in one order, so that no two takers wait for each other in a circle.
async fn claim_keys(
    connection: &mut PgConnection,
    activities: &[EvaluatedActivity],
) -> Result<BTreeSet<ActivityKey>, StoreError> {
    let mut asked: BTreeMap<ActivityKey, i64> = BTreeMap::new();
    for one in activities {
        let received_at = micros(one.record.received_at);
        asked.entry(activity_key(one)).or_insert(received_at);
    }
    let events: Vec<&str> = asked.keys().map(|one| one.0.as_str()).collect();
    let connections: Vec<&str> = asked.keys().map(|one| one.1.as_str()).collect();
    let received: Vec<i64> = asked.values().copied().collect();
    let new: Vec<ActivityKey> = sqlx::query_as(
        "INSERT INTO activity_keys (event_id, connection_id, received_at)
         SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
         ON CONFLICT DO NOTHING RETURNING event_id, connection_id",
    )
    .bind(events)
    .bind(connections)
    .bind(received)
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    Ok(new.into_iter().collect())
}

/// Parts of at most [`ROWS_MAX`] rows and about [`STATEMENT_BYTES_MAX`] bytes.
fn parts<'a>(activities: &'a [&'a EvaluatedActivity]) -> Vec<&'a [&'a EvaluatedActivity]> {
    let (mut parts, mut rest) = (Vec::new(), activities);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(ROWS_MAX).take_while(|one| {
            bytes += one.record.raw.get().len();
            bytes <= STATEMENT_BYTES_MAX
        });
        let (part, after) = rest.split_at(fits.count().max(1));
        parts.push(part);
        rest = after;
    }
    parts
}

/// One statement whatever the number of rows, so that its plan is kept.
const INSERT: &str = "
    INSERT INTO activities (connection_id, event_id, service, arrival, received_at, appended_at,
        evaluated_at, traceparent, own, event_type, actor_email, object_id, search, activity,
        provenance, blind_spots, raw)
    SELECT connection_id, event_id, service, arrival, received_at, appended_at,
        evaluated_at, traceparent, own, event_type, actor_email, object_id, search, activity,
        provenance, blind_spots, raw
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::text[], $9::boolean[], $10::text[], $11::text[], $12::text[],
        $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
    WITH ORDINALITY AS new (connection_id, event_id, service, arrival, received_at, appended_at,
        evaluated_at, traceparent, own, event_type, actor_email, object_id, search, activity,
        provenance, blind_spots, raw, place)
    ORDER BY place";

async fn insert(
    connection: &mut PgConnection,
    activities: &[&EvaluatedActivity],
) -> Result<(), StoreError> {
    fn column<T>(all: &[&EvaluatedActivity], of: impl Fn(&EvaluatedActivity) -> T) -> Vec<T> {
        all.iter().map(|one| of(one)).collect()
    }
    let all = activities;
    let lowered = |one: &EvaluatedActivity| one.record.activity.actor_email.as_deref().map(address);
    let traced = |one: &EvaluatedActivity| one.record.traceparent.as_deref().map(key);
    let searched = |one: &EvaluatedActivity| activity_search_text(&one.record.activity);
    sqlx::query(INSERT)
        .bind(column(all, |one| one.record.connection_id.to_string()))
        .bind(column(all, |one| {
            key(one.record.activity.event_id.as_str())
        }))
        .bind(column(all, |one| key(&one.record.service)))
        .bind(column(all, |one| one.record.arrival.word()))
        .bind(column(all, |one| micros(one.record.received_at)))
        .bind(column(all, |one| micros(one.appended_at)))
        .bind(column(all, |one| micros(one.evaluated_at)))
        .bind(column(all, traced))
        .bind(column(all, |one| one.record.own))
        .bind(column(all, |one| one.record.activity.event_type.word()))
        .bind(column(all, lowered))
        .bind(column(all, |one| {
            one.record.activity.object_id.as_deref().map(key)
        }))
        .bind(column(all, |one| text(&searched(one)).into_owned()))
        .bind(column(all, |one| written(&one.record.activity)))
        .bind(column(all, |one| written(&one.record.provenance)))
        .bind(column(all, |one| written(&one.blind_spots)))
        .bind(column(all, |one| one.record.raw.get().to_owned()))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Incidents of a batch.
struct Added {
    /// That were not there yet.
    new: Vec<IncidentId>,
    /// That were there and are repeated by new ones.
    repeated: Vec<IncidentId>,
}

/// Adds the incidents with their numbers and remedies that are not there yet, and counts repeats.
async fn add_incidents(
    connection: &mut PgConnection,
    batch: &EvaluatedBatch,
) -> Result<Added, StoreError> {
    let given: Vec<&NewIncident> = batch
        .activities
        .iter()
        .flat_map(|one| &one.incidents)
        .collect();
    // INVARIANT: whoever adds incidents of a kind holds its counter until the end, so nobody else can
    // add the same ones or take their numbers between the look and the writing.
    let kinds: BTreeSet<&str> = given.iter().map(|new| new.kind.prefix()).collect();
    for prefix in kinds {
        count(connection, &counter(prefix), 0).await?;
    }
    let mut known = known_violations(connection, &given).await?;
    let new = given
        .into_iter()
        .filter(|new| known.insert(violation(&new.incident)));
    let mut incidents = Vec::new();
    for NewIncident { kind, incident } in new {
        let mut incident = incident.clone();
        incident.number = next_number(connection, *kind).await?;
        incidents.push(incident);
    }
    let planned: Vec<_> = incidents
        .iter_mut()
        .map(|one| std::mem::take(&mut one.remedies))
        .collect();
    let repeated = relate_to_known(connection, &mut incidents).await?;
    for part in incidents.chunks(ROWS_MAX) {
        incidents::insert(connection, part).await?;
    }
    let planned: Vec<_> = planned
        .iter()
        .zip(&incidents)
        .flat_map(|(planned, of)| {
            planned
                .iter()
                .map(|one| (one, of.activity.object_id.as_deref()))
        })
        .collect();
    remedies::insert(connection, &planned).await?;
    Ok(Added {
        new: incidents.iter().map(|one| one.id).collect(),
        repeated,
    })
}

/// Relates new incidents to those that are there, and gives those that are repeated.
async fn relate_to_known(
    connection: &mut PgConnection,
    new: &mut [Incident],
) -> Result<Vec<IncidentId>, StoreError> {
    let known = incidents::hold_alike(connection, new).await?;
    let mut changed = Vec::new();
    for mut repeated in relate(new, known) {
        let at = repeated.case.repeats.map(|repeats| repeats.last_at);
        let at = at.unwrap_or(repeated.updated_at).max(repeated.updated_at);
        incidents::write(connection, &mut repeated, at).await?;
        changed.push(repeated.id);
    }
    Ok(changed)
}

fn counter(prefix: &str) -> String {
    format!("incident.{prefix}")
}

async fn next_number(
    connection: &mut PgConnection,
    kind: IncidentKind,
) -> Result<String, StoreError> {
    let prefix = kind.prefix();
    let number = count(connection, &counter(prefix), 1).await?;
    Ok(format!("{prefix}-{number}"))
}

/// What tells a violation apart: event id, connection and policy, as they are stored.
type Violation = (String, String, String);

fn violation(incident: &Incident) -> Violation {
    let (event, connection) = key_of(incident.connection_id, &incident.activity.event_id);
    (event, connection, incident.policy.id.to_string())
}

async fn known_violations(
    connection: &mut PgConnection,
    given: &[&NewIncident],
) -> Result<HashSet<Violation>, StoreError> {
    if given.is_empty() {
        return Ok(HashSet::new());
    }
    let asked: Vec<Violation> = given.iter().map(|new| violation(&new.incident)).collect();
    let column = |of: fn(&Violation) -> &String| -> Vec<&str> {
        asked.iter().map(|one| of(one).as_str()).collect()
    };
    let known: Vec<Violation> = sqlx::query_as(
        "SELECT event_id, connection_id, policy_id FROM incidents
         JOIN unnest($1::text[], $2::text[], $3::text[])
             AS asked (event_id, connection_id, policy_id)
         USING (event_id, connection_id, policy_id)",
    )
    .bind(column(|one| &one.0))
    .bind(column(|one| &one.1))
    .bind(column(|one| &one.2))
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    Ok(known.into_iter().collect())
}
