use chrono::{DateTime, Utc};
use event_model::{IncidentId, Remedy};
use ports::{RemedyLease, RemedyProgress, StoreError};
use sqlx::SqliteConnection;
use store_rows::remedies;

use super::{WHAT, store};
use crate::failure::{failed, read};
use crate::instants::micros;
use crate::{SqliteStore, commit, incidents, quarantine};

impl SqliteStore {
    pub(super) async fn save(
        &self,
        lease: &RemedyLease,
        until: DateTime<Utc>,
        remedy: &Remedy,
        progress: &RemedyProgress,
    ) -> Result<(), StoreError> {
        let RemedyProgress {
            timeline,
            quarantine,
            release,
        } = progress;
        let mut tx = self.write().await?;
        hold(&mut tx, lease, remedy, (!release).then_some(until)).await?;
        store(&mut tx, remedy).await?;
        if let Some(item) = quarantine {
            quarantine::put(&mut tx, item).await?;
        }
        let mut incident = incidents::load(&mut tx, remedy.incident_id).await?;
        incident.timeline.extend(timeline.clone());
        incident.latency.effect_at = last_effect(&mut tx, incident.id).await?;
        incidents::save(&mut tx, &mut incident, remedy.updated_at).await?;
        commit(tx).await?;
        self.incidents_changed.fire();
        self.remedies_changed.fire();
        Ok(())
    }
}

/// Prolongs the lease, or gives it back; `Fenced` when it is no longer the holder's.
async fn hold(
    connection: &mut SqliteConnection,
    lease: &RemedyLease,
    remedy: &Remedy,
    until: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let held = sqlx::query(
        "UPDATE remedies SET holder = $4, lease_until = $5
         WHERE id = $1 AND holder = $2 AND epoch = $3 AND id = $6",
    )
    .bind(lease.remedy_id.to_string())
    .bind(&lease.holder)
    .bind(lease.epoch as i64)
    .bind(until.map(|_| lease.holder.as_str()))
    .bind(until.map(micros))
    .bind(remedy.id.to_string())
    .execute(connection)
    .await
    .map_err(failed)?;
    if held.rows_affected() == 0 {
        let resource = lease.remedy_id.to_string();
        return Err(StoreError::Fenced { resource });
    }
    Ok(())
}

async fn last_effect(
    connection: &mut SqliteConnection,
    incident: IncidentId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let documents: Vec<String> = sqlx::query_scalar(
        "SELECT document FROM remedies WHERE incident_id = $1 AND state = 'done'",
    )
    .bind(incident.to_string())
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    let done: Vec<Remedy> = documents
        .iter()
        .map(|document| read(WHAT, document))
        .collect::<Result<_, _>>()?;
    Ok(remedies::last_effect(&done))
}
