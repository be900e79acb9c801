//! What a person asks for: a restore or purge, an undo, another try. The remedy, the quarantine item
//! and the incident's timeline change in one transaction, or none of them does.

use chrono::{DateTime, Utc};
use event_model::{Incident, QuarantineId, QuarantineItem, Remedy, RemedyId, TimelineEntry};
use ports::StoreError;
use sqlx::PgConnection;
use store_rows::remedies::{begin_quarantine_step, is_undoable, make_due_again};

use super::{WHAT, hold, insert, store};
use crate::changes::Kind;
use crate::failure::{conflict, failed, not_found};
use crate::instants::micros;
use crate::{PostgresStore, incidents, quarantine};

impl PostgresStore {
    pub(super) async fn plan_quarantine_step(
        &self,
        id: QuarantineId,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<QuarantineItem, StoreError> {
        let mut tx = self.write().await?;
        let item = quarantine::hold(&mut tx, id).await?;
        let mut item = item.ok_or_else(|| not_found(quarantine::WHAT, id))?;
        begin_quarantine_step(&mut item, remedy)?;
        quarantine::put(&mut tx, &item).await?;
        plan(&mut tx, remedy, timeline).await?;
        self.commit_changes(tx, &[Kind::Incidents, Kind::Remedies])
            .await?;
        Ok(item)
    }

    pub(super) async fn plan_undo_of_done(
        &self,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let of = remedy.of.ok_or_else(|| not_found(WHAT, "of no remedy"))?;
        let done = hold(&mut tx, of).await?;
        if !is_undoable(&done) || is_taken_care_of(&mut tx, of).await? {
            return Err(conflict(WHAT, of));
        }
        plan(&mut tx, remedy, timeline).await?;
        self.commit_changes(tx, &[Kind::Incidents, Kind::Remedies])
            .await
    }

    pub(super) async fn plan_another_try(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        let mut tx = self.write().await?;
        let mut remedy = hold(&mut tx, id).await?;
        make_due_again(&mut remedy, now)?;
        if is_leased(&mut tx, id, now).await? {
            return Err(conflict(WHAT, id));
        }
        store(&mut tx, &remedy).await?;
        let mut incident = incidents::hold(&mut tx, remedy.incident_id).await?;
        incident.timeline.push(timeline.clone());
        incidents::save(&mut tx, &mut incident, now).await?;
        self.commit_changes(tx, &[Kind::Incidents, Kind::Remedies])
            .await?;
        Ok(remedy)
    }
}

/// Adds a remedy to an incident that is there.
pub(super) async fn plan(
    connection: &mut PgConnection,
    remedy: &Remedy,
    timeline: &TimelineEntry,
) -> Result<(), StoreError> {
    let mut incident: Incident = incidents::hold(connection, remedy.incident_id).await?;
    insert(
        connection,
        &[(remedy, incident.activity.object_id.as_deref())],
    )
    .await?;
    incident.timeline.push(timeline.clone());
    incidents::save(connection, &mut incident, remedy.created_at).await
}

/// Whether it is undone or being undone, or its quarantine item is the way to undo it.
async fn is_taken_care_of(connection: &mut PgConnection, of: RemedyId) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM remedies WHERE of_id = $1 AND state NOT IN ('given_up', 'cancelled'))
         OR EXISTS (SELECT 1 FROM quarantine_items WHERE remedy_id = $1)",
    )
    .bind(of.to_string())
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Whether someone may be carrying it out at this moment.
pub(super) async fn is_leased(
    connection: &mut PgConnection,
    id: RemedyId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM remedies WHERE id = $1 AND lease_until > $2)")
        .bind(id.to_string())
        .bind(micros(now))
        .fetch_one(connection)
        .await
        .map_err(failed)
}
