//! What a person decides about one remedy: to have it done, to let it go on, to take it back.

use chrono::{DateTime, Utc};
use event_model::{Remedy, RemedyId, TimelineEntry};
use ports::StoreError;
use store_rows::remedies::{approve, cancel, held_again};

use super::planning::{is_leased, plan};
use super::{WHAT, hold, store};
use crate::changes::Kind;
use crate::failure::{conflict, failed};
use crate::transaction::Tx;
use crate::{PostgresStore, incidents, quarantine};

impl PostgresStore {
    pub(super) async fn plan_asked_for(
        &self,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        plan(&mut tx, remedy, timeline).await?;
        self.commit_changes(tx, &[Kind::Incidents, Kind::Remedies])
            .await
    }

    pub(super) async fn take_approval(
        &self,
        id: RemedyId,
        by: &str,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        let mut tx = self.write().await?;
        let mut remedy = hold(&mut tx, id).await?;
        approve(&mut remedy, by, now)?;
        self.decided(tx, remedy, timeline, now).await
    }

    pub(super) async fn take_back(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        let mut tx = self.write().await?;
        let mut remedy = hold(&mut tx, id).await?;
        cancel(&mut remedy, now)?;
        if is_leased(&mut tx, id, now).await? {
            return Err(conflict(WHAT, id));
        }
        let item = match remedy.of {
            Some(of) => quarantine::of_remedy(&mut tx, of).await?,
            None => None,
        };
        if let Some(item) = item {
            quarantine::put(&mut tx, &held_again(item, now)).await?;
        }
        sqlx::query("DELETE FROM breaker_counts WHERE remedy_id = $1")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        self.decided(tx, remedy, timeline, now).await
    }

    async fn decided(
        &self,
        mut tx: Tx,
        remedy: Remedy,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        store(&mut tx, &remedy).await?;
        let mut incident = incidents::hold(&mut tx, remedy.incident_id).await?;
        incident.timeline.push(timeline.clone());
        incidents::save(&mut tx, &mut incident, now).await?;
        self.commit_changes(tx, &[Kind::Incidents, Kind::Remedies])
            .await?;
        Ok(remedy)
    }
}
