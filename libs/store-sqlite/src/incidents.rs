//! The incidents: one document each, without the remedies, which are rows of their own and are
//! joined when read. Every change writes the document, its columns and one row of
//! `incident_changes` in the same transaction.

mod listing;

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{
    CaseAct, CaseChange, CaseVerdict, ConnectionId, EventId, Incident, IncidentId, Page,
    PageRequest, PolicyId, Remedy,
};
use ports::{CaseError, Changes, IncidentChange, IncidentFilter, IncidentStore, StoreError};
use sqlx::{QueryBuilder, SqliteConnection};
use store_rows::found::found_in;
use store_rows::incidents::{incident_search_text, likeness_key, relate, work, work_on_repeats};

use crate::cursor;
use crate::failure::{corrupt, failed, not_found, read, taken, written};
use crate::instants::micros;
use crate::narrow;
use crate::{SqliteStore, commit, outbox, remedies};

use store_rows::incidents::WHAT;

/// So many changes are kept for live views that come back; older ones are removed.
const CHANGES_KEPT: i64 = 1_000_000;
/// Activities asked for in one statement.
const EVENTS_OF_STATEMENT_MAX: usize = 100;
/// Every so many changes.
const CHANGES_PRUNED_EVERY: i64 = 1_000;

/// Adds an incident, without its remedies.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    incident: &Incident,
) -> Result<(), StoreError> {
    let activity = &incident.activity;
    sqlx::query(
        "INSERT INTO incidents (id, number, status, severity, policy_id, connection_id, event_id,
         actor_email, object_id, search, created_at, revision, effect_at, received_to_effect_ms,
         document, owner, verdict, likeness, repeat_of, event_at, taken_at, qualified_at, closed_at, found)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
         $19, $20, $21, $22, $23, $24)",
    )
    .bind(incident.id.to_string())
    .bind(&incident.number)
    .bind(incident.status.word())
    .bind(incident.severity.word())
    .bind(incident.policy.id.to_string())
    .bind(incident.connection_id.to_string())
    .bind(activity.event_id.as_str())
    .bind(activity.actor_email.as_deref().map(str::to_lowercase))
    .bind(activity.object_id.as_deref())
    .bind(incident_search_text(incident))
    .bind(micros(incident.created_at))
    .bind(incident.revision as i64)
    .bind(incident.latency.effect_at.map(micros))
    .bind(incident.latency.received_to_effect_ms())
    .bind(written(incident))
    .bind(incident.case.owner.as_deref())
    .bind(incident.case.verdict.map(CaseVerdict::word))
    .bind(incident.likeness().as_ref().map(likeness_key))
    .bind(incident.case.repeat_of.as_ref().map(|of| of.id.to_string()))
    .bind(incident.latency.event_at.map(micros))
    .bind(incident.case.milestones.taken_at.map(micros))
    .bind(incident.case.milestones.qualified_at.map(micros))
    .bind(incident.case.milestones.closed_at.map(micros))
    .bind(found_in(incident))
    .execute(&mut *connection)
    .await
    .map_err(taken(WHAT, incident.id))?;
    note_change(connection, incident.id).await
}

/// Relates a new incident to the last one like it that is no repeat.
pub(crate) async fn relate_to_known(
    connection: &mut SqliteConnection,
    incident: &mut Incident,
) -> Result<(), StoreError> {
    let Some(likeness) = incident.likeness() else {
        return Ok(());
    };
    let known: Option<String> = sqlx::query_scalar(
        "SELECT document FROM incidents WHERE likeness = $1 AND repeat_of IS NULL
         ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(likeness_key(&likeness))
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed)?;
    let known = known.map(|document| read(WHAT, &document)).transpose()?;
    let at = incident.created_at;
    let new = std::slice::from_mut(incident);
    for mut repeated in relate(new, known.into_iter().collect()) {
        save(connection, &mut repeated, at).await?;
    }
    Ok(())
}

async fn find(
    connection: &mut SqliteConnection,
    id: IncidentId,
) -> Result<Option<Incident>, StoreError> {
    sqlx::query_scalar::<_, String>("SELECT document FROM incidents WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|document| read(WHAT, &document))
        .transpose()
}

/// The incident without its remedies, to be changed and given to [`save`].
pub(crate) async fn load(
    connection: &mut SqliteConnection,
    id: IncidentId,
) -> Result<Incident, StoreError> {
    let found = find(connection, id).await?;
    found.ok_or_else(|| not_found(WHAT, id))
}

/// Writes a changed incident under its next revision.
pub(crate) async fn save(
    connection: &mut SqliteConnection,
    incident: &mut Incident,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    incident.revision += 1;
    incident.updated_at = at;
    sqlx::query(
        "UPDATE incidents SET status = $2, revision = $3, effect_at = $4,
         received_to_effect_ms = $5, document = $6, severity = $7, search = $8, owner = $9,
         verdict = $10, repeat_of = $11, taken_at = $12, qualified_at = $13, closed_at = $14
         WHERE id = $1",
    )
    .bind(incident.id.to_string())
    .bind(incident.status.word())
    .bind(incident.revision as i64)
    .bind(incident.latency.effect_at.map(micros))
    .bind(incident.latency.received_to_effect_ms())
    .bind(written(incident))
    .bind(incident.severity.word())
    .bind(incident_search_text(incident))
    .bind(incident.case.owner.as_deref())
    .bind(incident.case.verdict.map(CaseVerdict::word))
    .bind(incident.case.repeat_of.as_ref().map(|of| of.id.to_string()))
    .bind(incident.case.milestones.taken_at.map(micros))
    .bind(incident.case.milestones.qualified_at.map(micros))
    .bind(incident.case.milestones.closed_at.map(micros))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    note_change(connection, incident.id).await
}

/// The repeats of an incident, at most [`event_model::REPEATS_MAX`].
async fn repeats(
    connection: &mut SqliteConnection,
    of: IncidentId,
) -> Result<Vec<Incident>, StoreError> {
    let documents: Vec<String> =
        sqlx::query_scalar("SELECT document FROM incidents WHERE repeat_of = $1 ORDER BY id")
            .bind(of.to_string())
            .fetch_all(connection)
            .await
            .map_err(failed)?;
    documents.iter().map(|text| read(WHAT, text)).collect()
}

async fn note_change(connection: &mut SqliteConnection, id: IncidentId) -> Result<(), StoreError> {
    let sequence: i64 = sqlx::query_scalar(
        "INSERT INTO incident_changes (incident_id) VALUES ($1) RETURNING sequence",
    )
    .bind(id.to_string())
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    outbox::add(connection, sequence, id).await?;
    if sequence % CHANGES_PRUNED_EVERY == 0 {
        sqlx::query("DELETE FROM incident_changes WHERE sequence <= $1")
            .bind(sequence - CHANGES_KEPT)
            .execute(connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn join_remedies(
    connection: &mut SqliteConnection,
    incidents: &mut [Incident],
) -> Result<(), StoreError> {
    if incidents.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("SELECT document FROM remedies WHERE incident_id IN (");
    let mut ids = query.separated(", ");
    for incident in incidents.iter() {
        ids.push_bind(incident.id.to_string());
    }
    query.push(") ORDER BY incident_id, ordinal, id");
    let documents: Vec<String> = query
        .build_query_scalar()
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    let mut by_incident: HashMap<IncidentId, Vec<Remedy>> = HashMap::new();
    for document in documents {
        let remedy: Remedy = read(remedies::WHAT, &document)?;
        by_incident
            .entry(remedy.incident_id)
            .or_default()
            .push(remedy);
    }
    for incident in incidents {
        incident.remedies = by_incident.remove(&incident.id).unwrap_or_default();
    }
    Ok(())
}

#[async_trait]
impl IncidentStore for SqliteStore {
    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        let mut snapshot = self.snapshot().await?;
        let Some(incident) = find(&mut snapshot, id).await? else {
            return Ok(None);
        };
        let mut found = [incident];
        join_remedies(&mut snapshot, &mut found).await?;
        let [incident] = found;
        Ok(Some(incident))
    }

    async fn incident_page(
        &self,
        filter: &IncidentFilter,
        request: &PageRequest,
    ) -> Result<Page<Incident>, StoreError> {
        let mut snapshot = self.snapshot().await?;
        let documents = listing::documents(&mut snapshot, filter, request).await?;
        let mut page = cursor::page_of_documents(WHAT, &documents, request, |one: &Incident| {
            (one.created_at, one.id)
        })?;
        join_remedies(&mut snapshot, &mut page.items).await?;
        Ok(page)
    }

    async fn incidents_of_events(
        &self,
        events: &[(ConnectionId, EventId)],
        policy: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Incident>, StoreError> {
        let mut snapshot = self.snapshot().await?;
        let mut found: Vec<Incident> = Vec::new();
        for asked in events.chunks(EVENTS_OF_STATEMENT_MAX) {
            let mut query = QueryBuilder::new(
                "SELECT document FROM incidents WHERE (event_id, connection_id) IN (",
            );
            query.push_values(asked, |mut row, (connection, event)| {
                row.push_bind(event.as_str())
                    .push_bind(connection.to_string());
            });
            query.push(")");
            narrow::equal(&mut query, "policy_id", policy.map(|id| id.to_string()));
            query.push(" ORDER BY created_at, id LIMIT ");
            query.push_bind(i64::from(limit) - found.len() as i64);
            let documents: Vec<String> = query
                .build_query_scalar()
                .fetch_all(&mut *snapshot)
                .await
                .map_err(failed)?;
            for document in &documents {
                found.push(read(WHAT, document)?);
            }
        }
        for some in found.chunks_mut(EVENTS_OF_STATEMENT_MAX) {
            join_remedies(&mut snapshot, some).await?;
        }
        Ok(found)
    }

    async fn incident_count(&self, filter: &IncidentFilter, most: u64) -> Result<u64, StoreError> {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM (");
        listing::narrow_to(query.push("SELECT 1 FROM incidents WHERE 1 = 1"), filter);
        query.push(" LIMIT ");
        query
            .push_bind(i64::try_from(most).unwrap_or(i64::MAX))
            .push(") AS matching");
        let count: i64 = query
            .build_query_scalar()
            .fetch_one(&self.reader)
            .await
            .map_err(failed)?;
        Ok(count as u64)
    }

    async fn work_on_incident(
        &self,
        id: IncidentId,
        revision: Option<u64>,
        change: &CaseChange,
        act: &CaseAct,
    ) -> Result<Incident, CaseError> {
        let mut tx = self.write().await?;
        let mut incident = load(&mut tx, id).await?;
        work(&mut incident, revision, change, act)?;
        save(&mut tx, &mut incident, act.at).await?;
        let repeats = repeats(&mut tx, id).await?;
        for mut repeat in work_on_repeats(&incident, repeats, change, act) {
            save(&mut tx, &mut repeat, act.at).await?;
        }
        let mut found = [incident];
        join_remedies(&mut tx, &mut found).await?;
        commit(tx).await?;
        self.incidents_changed.fire();
        let [incident] = found;
        Ok(incident)
    }

    async fn incident_changes_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<IncidentChange>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT sequence, incident_id FROM incident_changes WHERE sequence > $1
             ORDER BY sequence LIMIT $2",
        )
        .bind(i64::try_from(sequence).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|(sequence, id)| {
                Ok(IncidentChange {
                    sequence: sequence as u64,
                    incident_id: id.parse().map_err(corrupt(WHAT))?,
                })
            })
            .collect()
    }

    async fn last_incident_change(&self) -> Result<u64, StoreError> {
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(sequence) FROM incident_changes")
            .fetch_one(&self.reader)
            .await
            .map_err(failed)?;
        Ok(last.unwrap_or_default() as u64)
    }

    fn incident_changes(&self) -> Changes {
        self.incidents_changed.subscribe()
    }
}
