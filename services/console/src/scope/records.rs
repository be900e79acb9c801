//! Activity, what is held aside, trials and counts, as somebody sees them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{
    ConnectionId, ConnectionScope, Job, JobId, JobKind, JobWork, Page, PageRequest, PolicyId,
    QuarantineId, QuarantineItem,
};
use ports::{
    ActivityFilter, ActivityStore, BlindSpotAsk, BlindSpotCount, Board, CaseTimes, Changes,
    FoundInIncidents, JobFilter, JobStore, Overview, PolicyVerdicts, QuarantineFilter,
    QuarantineStore, StatsStore, StoreError, StoredActivity,
};

use super::{Within, current, must_see_all, none, seen, sees};

#[async_trait]
impl ActivityStore for Within<dyn ActivityStore> {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        request: &PageRequest,
    ) -> Result<Page<StoredActivity>, StoreError> {
        let filter = ActivityFilter {
            within: current().and(&filter.within),
            ..filter.clone()
        };
        self.0.activity_page(&filter, request).await
    }

    async fn raw_activity(
        &self,
        connection: ConnectionId,
        event_id: &str,
    ) -> Result<Option<String>, StoreError> {
        match sees(connection) {
            true => self.0.raw_activity(connection, event_id).await,
            false => Ok(None),
        }
    }

    async fn forget_activities(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        must_see_all("activity")?;
        self.0.forget_activities(before, limit).await
    }
}

#[async_trait]
impl QuarantineStore for Within<dyn QuarantineStore> {
    async fn quarantine_item(
        &self,
        id: QuarantineId,
    ) -> Result<Option<QuarantineItem>, StoreError> {
        let found = self.0.quarantine_item(id).await?;
        Ok(seen(found, |one| one.connection_id))
    }

    async fn quarantine_page(
        &self,
        filter: &QuarantineFilter,
        request: &PageRequest,
    ) -> Result<Page<QuarantineItem>, StoreError> {
        let filter = QuarantineFilter {
            within: current().and(&filter.within),
            ..filter.clone()
        };
        self.0.quarantine_page(&filter, request).await
    }
}

/// Whether who asks sees what a job looks at.
fn sees_job(job: &Job) -> bool {
    match &job.work {
        JobWork::Replay(replay) => match replay.ask.connection {
            Some(connection) => sees(connection),
            None => current().is_every(),
        },
        JobWork::Scan(scan) => sees(scan.ask.connection),
    }
}

#[async_trait]
impl JobStore for Within<dyn JobStore> {
    async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        match sees_job(job) {
            true => self.0.add_job(job).await,
            false => Err(none("job", job.id)),
        }
    }

    async fn save_job(&self, job: &Job) -> Result<Job, StoreError> {
        match sees_job(job) {
            true => self.0.save_job(job).await,
            false => Err(none("job", job.id)),
        }
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.0.job(id).await?.filter(sees_job))
    }

    /// A page may be short, or empty, and still have a `next`.
    async fn job_page(
        &self,
        filter: &JobFilter,
        request: &PageRequest,
    ) -> Result<Page<Job>, StoreError> {
        let mut page = self.0.job_page(filter, request).await?;
        page.items.retain(sees_job);
        Ok(page)
    }

    /// Of all: how many there are bounds how many more may be asked for.
    async fn open_jobs(
        &self,
        kind: JobKind,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        self.0.open_jobs(kind, now, limit).await
    }

    fn job_changes(&self) -> Changes {
        self.0.job_changes()
    }
}

#[async_trait]
impl StatsStore for Within<dyn StatsStore> {
    async fn overview_within(&self, within: &ConnectionScope) -> Result<Overview, StoreError> {
        self.0.overview_within(&current().and(within)).await
    }

    async fn board(
        &self,
        active_since: DateTime<Utc>,
        days_since: DateTime<Utc>,
    ) -> Result<Board, StoreError> {
        let within = ConnectionScope::Every;
        self.board_within(&within, active_since, days_since).await
    }

    async fn case_times(&self) -> Result<CaseTimes, StoreError> {
        self.case_times_within(&ConnectionScope::Every).await
    }

    async fn policy_verdicts(&self) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError> {
        self.policy_verdicts_within(&ConnectionScope::Every).await
    }

    async fn board_within(
        &self,
        within: &ConnectionScope,
        active_since: DateTime<Utc>,
        days_since: DateTime<Utc>,
    ) -> Result<Board, StoreError> {
        let seen = current().and(within);
        match seen.is_every() {
            true => self.0.board(active_since, days_since).await,
            false => self.0.board_within(&seen, active_since, days_since).await,
        }
    }

    async fn case_times_within(&self, within: &ConnectionScope) -> Result<CaseTimes, StoreError> {
        let seen = current().and(within);
        match seen.is_every() {
            true => self.0.case_times().await,
            false => self.0.case_times_within(&seen).await,
        }
    }

    async fn policy_verdicts_within(
        &self,
        within: &ConnectionScope,
    ) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError> {
        let seen = current().and(within);
        match seen.is_every() {
            true => self.0.policy_verdicts().await,
            false => self.0.policy_verdicts_within(&seen).await,
        }
    }

    async fn found_in_incidents(
        &self,
        within: &ConnectionScope,
    ) -> Result<Vec<FoundInIncidents>, StoreError> {
        self.0.found_in_incidents(&current().and(within)).await
    }

    async fn blind_spot_counts(
        &self,
        ask: &BlindSpotAsk,
    ) -> Result<Vec<BlindSpotCount>, StoreError> {
        let ask = BlindSpotAsk {
            within: current().and(&ask.within),
            ..ask.clone()
        };
        self.0.blind_spot_counts(&ask).await
    }

    async fn answers(&self) -> Result<(), StoreError> {
        self.0.answers().await
    }
}
