//! Remedies as somebody sees them. What carries them out is the actions' and goes by no request.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{
    ConnectionId, Limit, Page, PageRequest, PolicyId, QuarantineId, QuarantineItem, Remedy,
    RemedyId, TimelineEntry,
};
use ports::{
    Admitted, Breaker, BreakerRuling, Changes, ClaimedRemedy, RemedyFilter, RemedyLease,
    RemedyProgress, RemedyStore, StoreError,
};

use super::{Within, current, must_see, must_see_all, none, seen, sees};

const WHAT: &str = "remedy";

impl Within<dyn RemedyStore> {
    async fn must_be_seen(&self, id: RemedyId) -> Result<(), StoreError> {
        let there = seen(self.0.remedy(id).await?, |one| one.connection_id);
        there.map(drop).ok_or_else(|| none(WHAT, id))
    }
}

#[async_trait]
impl RemedyStore for Within<dyn RemedyStore> {
    async fn claim_remedies(
        &self,
        holder: &str,
        limit: u32,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimedRemedy>, StoreError> {
        must_see_all(WHAT)?;
        self.0.claim_remedies(holder, limit, ttl, now).await
    }

    async fn save_remedy(
        &self,
        lease: &RemedyLease,
        until: DateTime<Utc>,
        remedy: &Remedy,
        progress: &RemedyProgress,
    ) -> Result<(), StoreError> {
        must_see(remedy.connection_id, WHAT, remedy.id)?;
        self.0.save_remedy(lease, until, remedy, progress).await
    }

    async fn plan_for_quarantine(
        &self,
        item: QuarantineId,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<QuarantineItem, StoreError> {
        must_see(remedy.connection_id, WHAT, remedy.id)?;
        self.0.plan_for_quarantine(item, remedy, timeline).await
    }

    async fn plan_undo(&self, remedy: &Remedy, timeline: &TimelineEntry) -> Result<(), StoreError> {
        must_see(remedy.connection_id, WHAT, remedy.id)?;
        self.0.plan_undo(remedy, timeline).await
    }

    async fn retry_remedy(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        self.must_be_seen(id).await?;
        self.0.retry_remedy(id, timeline, now).await
    }

    async fn plan_remedy(
        &self,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<(), StoreError> {
        must_see(remedy.connection_id, WHAT, remedy.id)?;
        self.0.plan_remedy(remedy, timeline).await
    }

    async fn approve_remedy(
        &self,
        id: RemedyId,
        by: &str,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        self.must_be_seen(id).await?;
        self.0.approve_remedy(id, by, timeline, now).await
    }

    async fn cancel_remedy(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        self.must_be_seen(id).await?;
        self.0.cancel_remedy(id, timeline, now).await
    }

    async fn admit_remedy(
        &self,
        id: RemedyId,
        policy: PolicyId,
        connection: ConnectionId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<Admitted, StoreError> {
        must_see(connection, WHAT, id)?;
        self.0
            .admit_remedy(id, policy, connection, limit, now)
            .await
    }

    async fn breakers(&self) -> Result<Vec<Breaker>, StoreError> {
        let all = self.0.breakers().await?.into_iter();
        Ok(all.filter(|one| sees(one.connection_id)).collect())
    }

    async fn rule_on_breaker(
        &self,
        policy: PolicyId,
        connection: ConnectionId,
        ruling: BreakerRuling,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        must_see(connection, "connection", connection)?;
        let ruled = self
            .0
            .rule_on_breaker(policy, connection, ruling, timeline, now);
        ruled.await
    }

    async fn remedy(&self, id: RemedyId) -> Result<Option<Remedy>, StoreError> {
        Ok(seen(self.0.remedy(id).await?, |one| one.connection_id))
    }

    async fn remedy_page(
        &self,
        filter: &RemedyFilter,
        request: &PageRequest,
    ) -> Result<Page<Remedy>, StoreError> {
        let filter = RemedyFilter {
            within: current().and(&filter.within),
            ..filter.clone()
        };
        self.0.remedy_page(&filter, request).await
    }

    async fn next_remedy_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.0.next_remedy_at().await
    }

    fn remedy_changes(&self) -> Changes {
        self.0.remedy_changes()
    }
}
