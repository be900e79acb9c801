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
use sqlx::{PgConnection, QueryBuilder};
use store_rows::found::found_in;
use store_rows::incidents::{incident_search_text, likeness_key, work, work_on_repeats};

use crate::changes::Kind;
use crate::cursor;
use crate::failure::{corrupt, failed, not_found, read, taken, written};
use crate::instants::micros;
use crate::texts::{key, text};
use crate::transaction::count;
use crate::{PostgresStore, outbox, remedies, tallies};

use store_rows::incidents::WHAT;

/// So many changes are kept for live views that come back; older ones are removed.
const CHANGES_KEPT: i64 = 1_000_000;
/// Every so many changes.
const CHANGES_PRUNED_EVERY: i64 = 1_000;

/// Adds incidents, without their remedies.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    incidents: &[Incident],
) -> Result<(), StoreError> {
    let Some(first) = incidents.first() else {
        return Ok(());
    };
    let mut query = QueryBuilder::new(
        "INSERT INTO incidents (id, number, status, severity, policy_id, connection_id, event_id,
         actor_email, object_id, search, created_at, revision, effect_at, received_to_effect_ms,
         document, owner, verdict, likeness, repeat_of, event_at, taken_at, qualified_at, closed_at,
         found) ",
    );
    query.push_values(incidents, |mut row, incident| {
        let activity = &incident.activity;
        row.push_bind(incident.id.to_string())
            .push_bind(incident.number.clone())
            .push_bind(incident.status.word())
            .push_bind(incident.severity.word())
            .push_bind(incident.policy.id.to_string())
            .push_bind(incident.connection_id.to_string())
            .push_bind(key(activity.event_id.as_str()))
            .push_bind(activity.actor_email.as_deref().map(address))
            .push_bind(activity.object_id.as_deref().map(key))
            .push_bind(text(&incident_search_text(incident)).into_owned())
            .push_bind(micros(incident.created_at))
            .push_bind(incident.revision as i64)
            .push_bind(incident.latency.effect_at.map(micros))
            .push_bind(incident.latency.received_to_effect_ms())
            .push_bind(written(incident))
            .push_bind(incident.case.owner.as_deref().map(key))
            .push_bind(incident.case.verdict.map(CaseVerdict::word))
            .push_bind(incident.likeness().as_ref().map(likeness_key))
            .push_bind(incident.case.repeat_of.as_ref().map(|of| of.id.to_string()))
            .push_bind(incident.latency.event_at.map(micros))
            .push_bind(incident.case.milestones.taken_at.map(micros))
            .push_bind(incident.case.milestones.qualified_at.map(micros))
            .push_bind(incident.case.milestones.closed_at.map(micros))
            .push_bind(found_in(incident));
    });
    let inserted = query
        .build()
        .persistent(false)
        .execute(&mut *connection)
        .await;
    inserted.map_err(taken(WHAT, first.id))?;
    Ok(())
}

/// An e-mail address as it is compared.
pub(crate) fn address(given: &str) -> String {
    key(&given.to_lowercase())
}

async fn find(
    connection: &mut PgConnection,
    id: IncidentId,
    sql: &'static str,
) -> Result<Option<Incident>, StoreError> {
    sqlx::query_scalar::<_, String>(sql)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|document| read(WHAT, &document))
        .transpose()
}

const FIND: &str = "SELECT document FROM incidents WHERE id = $1";
const HOLD: &str = "SELECT document FROM incidents WHERE id = $1 FOR UPDATE";

/// The incident without its remedies.
pub(crate) async fn load(
    connection: &mut PgConnection,
    id: IncidentId,
) -> Result<Incident, StoreError> {
    let found = find(connection, id, FIND).await?;
    found.ok_or_else(|| not_found(WHAT, id))
}

/// The incident without its remedies, to be changed and given to [`save`]: nobody else changes it
/// before this transaction ends.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    id: IncidentId,
) -> Result<Incident, StoreError> {
    let found = find(connection, id, HOLD).await?;
    found.ok_or_else(|| not_found(WHAT, id))
}

/// The last incidents like new ones that are no repeats: nobody else changes them before this transaction
/// ends. They are locked in one order, so that no two who look wait for each other in a circle.
pub(crate) async fn hold_alike(
    connection: &mut PgConnection,
    new: &[Incident],
) -> Result<Vec<Incident>, StoreError> {
    let likenesses = new.iter().filter_map(Incident::likeness);
    let likenesses: Vec<String> = likenesses.map(|one| likeness_key(&one)).collect();
    if likenesses.is_empty() {
        return Ok(Vec::new());
    }
    let documents: Vec<String> = sqlx::query_scalar(
        "SELECT document FROM incidents WHERE id IN (
             SELECT DISTINCT ON (likeness) id FROM incidents
             WHERE likeness = ANY($1) AND repeat_of IS NULL
             ORDER BY likeness, created_at DESC, id DESC)
         ORDER BY id FOR UPDATE",
    )
    .bind(likenesses)
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    documents.iter().map(|text| read(WHAT, text)).collect()
}

/// The repeats of an incident, at most [`event_model::REPEATS_MAX`], held as by [`hold`].
async fn hold_repeats(
    connection: &mut PgConnection,
    of: IncidentId,
) -> Result<Vec<Incident>, StoreError> {
    let documents: Vec<String> = sqlx::query_scalar(
        "SELECT document FROM incidents WHERE repeat_of = $1 ORDER BY id FOR UPDATE",
    )
    .bind(of.to_string())
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    documents.iter().map(|text| read(WHAT, text)).collect()
}

/// Writes a changed incident under its next revision, and notes the change.
pub(crate) async fn save(
    connection: &mut PgConnection,
    incident: &mut Incident,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    write(connection, incident, at).await?;
    note_changes(connection, &[incident.id]).await
}

/// Writes a changed incident under its next revision. The change is still to be noted.
pub(crate) async fn write(
    connection: &mut PgConnection,
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
    .bind(text(&incident_search_text(incident)).into_owned())
    .bind(incident.case.owner.as_deref().map(key))
    .bind(incident.case.verdict.map(CaseVerdict::word))
    .bind(incident.case.repeat_of.as_ref().map(|of| of.id.to_string()))
    .bind(incident.case.milestones.taken_at.map(micros))
    .bind(incident.case.milestones.qualified_at.map(micros))
    .bind(incident.case.milestones.closed_at.map(micros))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Gives each change its number. The counter stays locked until the commit, so that numbers appear in
/// their order: who notes changes does so last.
pub(crate) async fn note_changes(
    connection: &mut PgConnection,
    ids: &[IncidentId],
) -> Result<(), StoreError> {
    let noted = ids.len() as i64;
    let last = count(connection, "incident_changes", noted).await?;
    let ids: Vec<String> = ids.iter().map(IncidentId::to_string).collect();
    sqlx::query(
        "INSERT INTO incident_changes (sequence, incident_id)
         SELECT $1 + place, id FROM unnest($2::text[]) WITH ORDINALITY AS noted (id, place)",
    )
    .bind(last - noted)
    .bind(&ids)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    outbox::add(connection, last - noted, &ids).await?;
    if last / tallies::FOLDED_EVERY > (last - noted) / tallies::FOLDED_EVERY {
        tallies::fold(connection).await?;
    }
    if last / CHANGES_PRUNED_EVERY > (last - noted) / CHANGES_PRUNED_EVERY {
        sqlx::query("DELETE FROM incident_changes WHERE sequence <= $1")
            .bind(last - CHANGES_KEPT)
            .execute(connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn join_remedies(
    connection: &mut PgConnection,
    incidents: &mut [Incident],
) -> Result<(), StoreError> {
    if incidents.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = incidents.iter().map(|one| one.id.to_string()).collect();
    let documents: Vec<String> = sqlx::query_scalar(
        "SELECT document FROM remedies WHERE incident_id = ANY($1)
         ORDER BY incident_id, ordinal, id",
    )
    .bind(ids)
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
impl IncidentStore for PostgresStore {
    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        let mut snapshot = self.snapshot().await?;
        let Some(incident) = find(&mut snapshot, id, FIND).await? else {
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
        let asked = events.iter();
        let (ids, connections): (Vec<String>, Vec<String>) = asked
            .map(|(connection, event)| (key(event.as_str()), connection.to_string()))
            .unzip();
        let mut snapshot = self.snapshot().await?;
        let documents: Vec<String> = sqlx::query_scalar(
            "SELECT document FROM incidents
             JOIN unnest($1::text[], $2::text[]) AS asked (event_id, connection_id)
             USING (event_id, connection_id)
             WHERE $3::text IS NULL OR policy_id = $3 ORDER BY created_at, id LIMIT $4",
        )
        .bind(ids)
        .bind(connections)
        .bind(policy.map(|id| id.to_string()))
        .bind(i64::from(limit))
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let documents = documents.iter().map(|document| read(WHAT, document));
        let mut found = documents.collect::<Result<Vec<Incident>, _>>()?;
        join_remedies(&mut snapshot, &mut found).await?;
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
            .fetch_one(&self.pool)
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
        let mut incident = hold(&mut tx, id).await?;
        work(&mut incident, revision, change, act)?;
        let repeats = hold_repeats(&mut tx, id).await?;
        write(&mut tx, &mut incident, act.at).await?;
        let mut changed = vec![id];
        for mut repeat in work_on_repeats(&incident, repeats, change, act) {
            write(&mut tx, &mut repeat, act.at).await?;
            changed.push(repeat.id);
        }
        note_changes(&mut tx, &changed).await?;
        let mut found = [incident];
        join_remedies(&mut tx, &mut found).await?;
        self.commit_changes(tx, &[Kind::Incidents]).await?;
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
        .fetch_all(&self.pool)
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
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        Ok(last.unwrap_or_default() as u64)
    }

    fn incident_changes(&self) -> Changes {
        self.watch.subscribe(Kind::Incidents)
    }
}
