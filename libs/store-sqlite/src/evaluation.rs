//! What the evaluator writes: a batch in one transaction, each part once however often it comes.

mod awaited;

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ConnectionId, EventId, Incident, IncidentId};
use ports::{
    AwaitedActivity, EvaluatedActivity, EvaluatedBatch, EvaluationStore, NewIncident, Recorded,
    StoreError,
};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_rows::incidents::activity_search_text;

use crate::failure::{failed, written};
use crate::instants::micros;
use crate::{SqliteStore, commit, incidents, remedies};

/// Activities of one statement: SQLite takes 32,766 values, and a longer statement gains nothing.
const ROWS_MAX: usize = 100;

#[async_trait]
impl EvaluationStore for SqliteStore {
    async fn record(&self, batch: &EvaluatedBatch) -> Result<Recorded, StoreError> {
        let mut recorded = Recorded::default();
        if batch.activities.is_empty() {
            return Ok(recorded);
        }
        let statements: Vec<_> = batch.activities.chunks(ROWS_MAX).map(insertion).collect();
        let mut tx = self.write().await?;
        for mut statement in statements {
            let inserted = statement.build().execute(&mut *tx).await.map_err(failed)?;
            recorded.activities_new += inserted.rows_affected() as usize;
        }
        for new in batch.activities.iter().flat_map(|one| &one.incidents) {
            if let Some(id) = add_incident(&mut tx, new).await? {
                recorded.incidents_new.push(id);
            }
        }
        awaited::settle(&mut tx, &batch.activities).await?;
        commit(tx).await?;
        if !recorded.incidents_new.is_empty() {
            self.incidents_changed.fire();
            self.remedies_changed.fire();
        }
        Ok(recorded)
    }

    async fn are_recorded(
        &self,
        events: &[(ConnectionId, EventId)],
    ) -> Result<Vec<bool>, StoreError> {
        let mut known: HashSet<(String, String)> = HashSet::new();
        for asked in events.chunks(ROWS_MAX) {
            let mut query = QueryBuilder::new(
                "SELECT event_id, connection_id FROM activities WHERE (event_id, connection_id) IN (",
            );
            query.push_values(asked, |mut row, (connection, event)| {
                row.push_bind(event.as_str())
                    .push_bind(connection.to_string());
            });
            query.push(")");
            let rows: Vec<(String, String)> = query
                .build_query_as()
                .fetch_all(&self.reader)
                .await
                .map_err(failed)?;
            known.extend(rows);
        }
        let is_known = |(connection, event): &(ConnectionId, EventId)| {
            known.contains(&(event.to_string(), connection.to_string()))
        };
        Ok(events.iter().map(is_known).collect())
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

fn insertion(activities: &[EvaluatedActivity]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "INSERT INTO activities (connection_id, event_id, service, arrival, received_at,
         appended_at, evaluated_at, traceparent, own,
         event_type, actor_email, object_id, search, activity, provenance, blind_spots, raw) ",
    );
    query.push_values(activities, |mut row, one| {
        let record = &one.record;
        let activity = &record.activity;
        row.push_bind(record.connection_id.to_string())
            .push_bind(activity.event_id.as_str())
            .push_bind(record.service.as_str())
            .push_bind(record.arrival.word())
            .push_bind(micros(record.received_at))
            .push_bind(micros(one.appended_at))
            .push_bind(micros(one.evaluated_at))
            .push_bind(record.traceparent.as_deref())
            .push_bind(i64::from(record.own))
            .push_bind(activity.event_type.word())
            .push_bind(activity.actor_email.as_deref().map(str::to_lowercase))
            .push_bind(activity.object_id.as_deref())
            .push_bind(activity_search_text(activity))
            .push_bind(written(activity))
            .push_bind(written(&record.provenance))
            .push_bind(written(&one.blind_spots))
            .push_bind(record.raw.get());
    });
    query.push(" ON CONFLICT (event_id, connection_id) DO NOTHING");
    query
}

/// Adds to a counter and gives back its new value.
pub(crate) async fn count(
    connection: &mut SqliteConnection,
    name: &str,
    by: i64,
) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "INSERT INTO counters (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value
         RETURNING value",
    )
    .bind(name)
    .bind(by)
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Adds the incident with its number and remedies, unless that violation is there already.
async fn add_incident(
    connection: &mut SqliteConnection,
    new: &NewIncident,
) -> Result<Option<IncidentId>, StoreError> {
    if is_known(connection, &new.incident).await? {
        return Ok(None);
    }
    // The transaction holds the write lock: nobody else can add it or take the number meanwhile.
    let prefix = new.kind.prefix();
    let number = count(connection, &format!("incident.{prefix}"), 1).await?;
    let mut incident = new.incident.clone();
    incident.number = format!("{prefix}-{number}");
    let planned = std::mem::take(&mut incident.remedies);
    incidents::relate_to_known(connection, &mut incident).await?;
    incidents::insert(connection, &incident).await?;
    for remedy in &planned {
        remedies::insert(connection, remedy, incident.activity.object_id.as_deref()).await?;
    }
    Ok(Some(incident.id))
}

async fn is_known(
    connection: &mut SqliteConnection,
    incident: &Incident,
) -> Result<bool, StoreError> {
    let known: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM incidents WHERE event_id = $1 AND connection_id = $2 AND policy_id = $3",
    )
    .bind(incident.activity.event_id.as_str())
    .bind(incident.connection_id.to_string())
    .bind(incident.policy.id.to_string())
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(known.is_some())
}
