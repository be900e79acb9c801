//! The remedies: claimed under leases, saved under fencing epochs, planned one more at a time.

mod breakers;
mod claiming;
mod deciding;
mod planning;
mod saving;

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
use sqlx::{QueryBuilder, SqliteConnection};
pub(crate) use store_rows::remedies::WHAT;

use crate::SqliteStore;
use crate::cursor;
use crate::failure::{failed, not_found, read, taken, written};
use crate::instants::micros;
use crate::narrow::{self, Order};

/// Adds a remedy of an incident about that object.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    remedy: &Remedy,
    object_id: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO remedies (id, incident_id, connection_id, object_id, kind, acts_in_service,
         ordinal, of_id, state, open, next_attempt_at, created_at, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(remedy.id.to_string())
    .bind(remedy.incident_id.to_string())
    .bind(remedy.connection_id.to_string())
    .bind(object_id)
    .bind(remedy.kind.word())
    .bind(i64::from(remedy.kind.acts_in_service()))
    .bind(i64::from(remedy.ordinal))
    .bind(remedy.of.map(|id| id.to_string()))
    .bind(remedy.state.word())
    .bind(i64::from(!remedy.state.is_final()))
    .bind(micros(remedy.next_attempt_at))
    .bind(micros(remedy.created_at))
    .bind(written(remedy))
    .execute(connection)
    .await
    .map_err(taken(WHAT, remedy.id))?;
    Ok(())
}

/// Writes what may change of a remedy.
async fn store(connection: &mut SqliteConnection, remedy: &Remedy) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE remedies SET state = $2, open = $3, next_attempt_at = $4, document = $5
         WHERE id = $1",
    )
    .bind(remedy.id.to_string())
    .bind(remedy.state.word())
    .bind(i64::from(!remedy.state.is_final()))
    .bind(micros(remedy.next_attempt_at))
    .bind(written(remedy))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn find(
    connection: &mut SqliteConnection,
    id: RemedyId,
) -> Result<Option<Remedy>, StoreError> {
    sqlx::query_scalar::<_, String>("SELECT document FROM remedies WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|document| read(WHAT, &document))
        .transpose()
}

async fn load(connection: &mut SqliteConnection, id: RemedyId) -> Result<Remedy, StoreError> {
    let found = find(connection, id).await?;
    found.ok_or_else(|| not_found(WHAT, id))
}

#[async_trait]
impl RemedyStore for SqliteStore {
    async fn claim_remedies(
        &self,
        holder: &str,
        limit: u32,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimedRemedy>, StoreError> {
        self.claim(holder, limit, ttl, now).await
    }

    async fn save_remedy(
        &self,
        lease: &RemedyLease,
        until: DateTime<Utc>,
        remedy: &Remedy,
        progress: &RemedyProgress,
    ) -> Result<(), StoreError> {
        self.save(lease, until, remedy, progress).await
    }

    async fn plan_for_quarantine(
        &self,
        item: QuarantineId,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<QuarantineItem, StoreError> {
        self.plan_quarantine_step(item, remedy, timeline).await
    }

    async fn plan_undo(&self, remedy: &Remedy, timeline: &TimelineEntry) -> Result<(), StoreError> {
        self.plan_undo_of_done(remedy, timeline).await
    }

    async fn retry_remedy(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        self.plan_another_try(id, timeline, now).await
    }

    async fn plan_remedy(
        &self,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<(), StoreError> {
        self.plan_asked_for(remedy, timeline).await
    }

    async fn approve_remedy(
        &self,
        id: RemedyId,
        by: &str,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        self.take_approval(id, by, timeline, now).await
    }

    async fn cancel_remedy(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        self.take_back(id, timeline, now).await
    }

    async fn admit_remedy(
        &self,
        id: RemedyId,
        policy: PolicyId,
        connection: ConnectionId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<Admitted, StoreError> {
        self.admit(id, policy, connection, limit, now).await
    }

    async fn breakers(&self) -> Result<Vec<Breaker>, StoreError> {
        self.tripped().await
    }

    async fn rule_on_breaker(
        &self,
        policy: PolicyId,
        connection: ConnectionId,
        ruling: BreakerRuling,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.rule(policy, connection, ruling, timeline, now).await
    }

    async fn remedy(&self, id: RemedyId) -> Result<Option<Remedy>, StoreError> {
        let mut reader = self.reader.acquire().await.map_err(failed)?;
        find(&mut reader, id).await
    }

    async fn remedy_page(
        &self,
        filter: &RemedyFilter,
        request: &PageRequest,
    ) -> Result<Page<Remedy>, StoreError> {
        let RemedyFilter {
            incident,
            connection,
            within,
            state,
            kind,
            object,
            policy,
        } = filter;
        // A page's ids are found in an index; only then are documents read.
        let mut query = QueryBuilder::new(
            "SELECT document FROM remedies WHERE id IN (SELECT id FROM remedies WHERE 1 = 1",
        );
        let states: Vec<&str> = state.iter().map(|state| state.word()).collect();
        narrow::equal(&mut query, "incident_id", incident.map(|id| id.to_string()));
        narrow::equal(
            &mut query,
            "connection_id",
            connection.map(|id| id.to_string()),
        );
        narrow::within(&mut query, "connection_id", within);
        narrow::one_of(&mut query, "state", &states);
        // With a `+`, what fewer remedies meet is looked for first, by its own index.
        let is_narrow =
            incident.is_some() || connection.is_some() || object.is_some() || policy.is_some();
        let of_kind = if is_narrow { "+kind" } else { "kind" };
        narrow::equal(&mut query, of_kind, kind.map(|kind| kind.word()));
        narrow::equal(&mut query, "object_id", object.as_deref());
        if let Some(policy) = policy {
            query.push(" AND incident_id IN (SELECT id FROM incidents WHERE policy_id = ");
            query.push_bind(policy.to_string()).push(")");
        }
        let after = cursor::after(WHAT, request)?;
        let limit = cursor::limit(request);
        narrow::follow(
            &mut query,
            ["created_at", "id"],
            Order::NewestFirst,
            after,
            limit,
        );
        query.push(") ORDER BY created_at DESC, id DESC");
        let documents: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        cursor::page_of_documents(WHAT, &documents, request, |one: &Remedy| {
            (one.created_at, one.id)
        })
    }

    async fn next_remedy_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.next_claim_at().await
    }

    fn remedy_changes(&self) -> Changes {
        self.remedies_changed.subscribe()
    }
}
