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
use sqlx::{PgConnection, QueryBuilder};
pub(crate) use store_rows::remedies::WHAT;

use crate::PostgresStore;
use crate::changes::Kind;
use crate::cursor;
use crate::failure::{failed, not_found, read, taken, written};
use crate::instants::micros;
use crate::narrow::{self, Order};
use crate::texts::key;
use crate::transaction::retrying;

/// Remedies of one statement: Postgres takes 65,535 values.
const ROWS_MAX: usize = 1_000;

/// Adds remedies, each of an incident about that object.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    remedies: &[(&Remedy, Option<&str>)],
) -> Result<(), StoreError> {
    for part in remedies.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::new(
            "INSERT INTO remedies (id, incident_id, connection_id, object_id, kind,
             acts_in_service, ordinal, of_id, state, open, next_attempt_at, created_at, document) ",
        );
        query.push_values(part, |mut row, (remedy, object)| {
            row.push_bind(remedy.id.to_string())
                .push_bind(remedy.incident_id.to_string())
                .push_bind(remedy.connection_id.to_string())
                .push_bind(object.map(key))
                .push_bind(remedy.kind.word())
                .push_bind(remedy.kind.acts_in_service())
                .push_bind(i64::from(remedy.ordinal))
                .push_bind(remedy.of.map(|id| id.to_string()))
                .push_bind(remedy.state.word())
                .push_bind(!remedy.state.is_final())
                .push_bind(micros(remedy.next_attempt_at))
                .push_bind(micros(remedy.created_at))
                .push_bind(written(remedy));
        });
        let inserted = query
            .build()
            .persistent(false)
            .execute(&mut *connection)
            .await;
        inserted.map_err(taken(WHAT, part[0].0.id))?;
    }
    Ok(())
}

/// Writes what may change of a remedy.
async fn store(connection: &mut PgConnection, remedy: &Remedy) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE remedies SET state = $2, open = $3, next_attempt_at = $4, document = $5
         WHERE id = $1",
    )
    .bind(remedy.id.to_string())
    .bind(remedy.state.word())
    .bind(!remedy.state.is_final())
    .bind(micros(remedy.next_attempt_at))
    .bind(written(remedy))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn find(
    connection: &mut PgConnection,
    id: RemedyId,
    sql: &'static str,
) -> Result<Option<Remedy>, StoreError> {
    sqlx::query_scalar::<_, String>(sql)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|document| read(WHAT, &document))
        .transpose()
}

const FIND: &str = "SELECT document FROM remedies WHERE id = $1";
const HOLD: &str = "SELECT document FROM remedies WHERE id = $1 FOR UPDATE";

/// The remedy, which nobody else changes before this transaction ends.
async fn hold(connection: &mut PgConnection, id: RemedyId) -> Result<Remedy, StoreError> {
    let found = find(connection, id, HOLD).await?;
    found.ok_or_else(|| not_found(WHAT, id))
}

#[async_trait]
impl RemedyStore for PostgresStore {
    async fn claim_remedies(
        &self,
        holder: &str,
        limit: u32,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimedRemedy>, StoreError> {
        retrying(|| Box::pin(self.claim(holder, limit, ttl, now))).await
    }

    async fn save_remedy(
        &self,
        lease: &RemedyLease,
        until: DateTime<Utc>,
        remedy: &Remedy,
        progress: &RemedyProgress,
    ) -> Result<(), StoreError> {
        retrying(|| Box::pin(self.save(lease, until, remedy, progress))).await
    }

    async fn plan_for_quarantine(
        &self,
        item: QuarantineId,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<QuarantineItem, StoreError> {
        retrying(|| Box::pin(self.plan_quarantine_step(item, remedy, timeline))).await
    }

    async fn plan_undo(&self, remedy: &Remedy, timeline: &TimelineEntry) -> Result<(), StoreError> {
        retrying(|| Box::pin(self.plan_undo_of_done(remedy, timeline))).await
    }

    async fn retry_remedy(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        retrying(|| Box::pin(self.plan_another_try(id, timeline, now))).await
    }

    async fn plan_remedy(
        &self,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<(), StoreError> {
        retrying(|| Box::pin(self.plan_asked_for(remedy, timeline))).await
    }

    async fn approve_remedy(
        &self,
        id: RemedyId,
        by: &str,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        retrying(|| Box::pin(self.take_approval(id, by, timeline, now))).await
    }

    async fn cancel_remedy(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError> {
        retrying(|| Box::pin(self.take_back(id, timeline, now))).await
    }

    async fn admit_remedy(
        &self,
        id: RemedyId,
        policy: PolicyId,
        connection: ConnectionId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<Admitted, StoreError> {
        retrying(|| Box::pin(self.admit(id, policy, connection, limit, now))).await
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
        retrying(|| Box::pin(self.rule(policy, connection, ruling, timeline, now))).await
    }

    async fn remedy(&self, id: RemedyId) -> Result<Option<Remedy>, StoreError> {
        let mut reader = self.pool.acquire().await.map_err(failed)?;
        find(&mut reader, id, FIND).await
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
        narrow::equal(&mut query, "kind", kind.map(|kind| kind.word()));
        narrow::equal(&mut query, "object_id", object.as_deref().map(key));
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
            .fetch_all(&self.pool)
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
        self.watch.subscribe(Kind::Remedies)
    }
}
