//! Who may carry out which remedy now. Claims of several processes run side by side: the rows of one
//! are skipped by the others, and an object is locked by whoever takes a remedy of it. All conditions
//! are checked once more by the statement that takes the lease.

use std::time::Duration;

use chrono::{DateTime, Utc};
use event_model::{Remedy, RemedyState};
use ports::{ClaimedRemedy, RemedyLease, StoreError};
use sqlx::PgConnection;
use store_rows::remedies::{restores_quarantine, undoable_responses};

use super::{FIND, WHAT, find};
use crate::failure::{corrupt, failed, read};
use crate::instants::{instant, later, micros};
use crate::transaction::{commit, try_lock_object};
use crate::{PostgresStore, incidents, quarantine};

/// Most remedies claimed at once.
const CLAIMED_MAX: u32 = 100;

/// What may be carried out at all: open, without a person; where the connection lets us act; and
/// after the earlier remedies of its incident.
const CLAIMABLE: &str = "
    r.open AND r.state NOT IN ('needs_approval', 'held')
    AND (NOT r.acts_in_service OR EXISTS (
        SELECT 1 FROM connections c WHERE c.id = r.connection_id AND c.state = 'enabled'))
    AND NOT EXISTS (
        SELECT 1 FROM remedies e
        WHERE e.incident_id = r.incident_id AND e.ordinal < r.ordinal AND e.open)";

/// What of it may be carried out now (`$1`): due, not leased, and its object not being worked on.
const DUE: &str = "
    r.next_attempt_at <= $1
    AND (r.lease_until IS NULL OR r.lease_until <= $1)
    AND NOT EXISTS (
        SELECT 1 FROM remedies o
        WHERE o.connection_id = r.connection_id AND o.object_id = r.object_id AND o.id <> r.id
        AND o.lease_until IS NOT NULL AND o.lease_until > $1)";

impl PostgresStore {
    pub(super) async fn claim(
        &self,
        holder: &str,
        limit: u32,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimedRemedy>, StoreError> {
        let mut reader = self.pool.acquire().await.map_err(failed)?;
        if due(&mut reader, 1, now, "").await?.is_empty() {
            return Ok(Vec::new());
        }
        drop(reader);
        let mut tx = self.write().await?;
        let mut claimed = Vec::new();
        // What another claims at this moment is left to it.
        let due = due(
            &mut tx,
            limit.min(CLAIMED_MAX),
            now,
            "FOR UPDATE OF r SKIP LOCKED",
        )
        .await?;
        for Due {
            id,
            connection,
            object,
        } in due
        {
            // INVARIANT: two remedies of one object are never taken at once. Whoever takes one holds the
            // object's lock until its lease is there for everybody to see.
            if let Some(object) = object
                && !try_lock_object(&mut tx, &connection, &object).await?
            {
                continue;
            }
            let lease = RemedyLease {
                remedy_id: id.parse().map_err(corrupt(WHAT))?,
                holder: holder.to_owned(),
                epoch: 0,
                until: later(now, ttl),
            };
            claimed.extend(take(&mut tx, lease, now).await?);
        }
        commit(tx).await?;
        Ok(claimed)
    }

    pub(super) async fn next_claim_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = format!(
            "SELECT MIN(GREATEST(
                r.next_attempt_at,
                COALESCE(r.lease_until, r.next_attempt_at),
                COALESCE(
                    (SELECT MAX(o.lease_until) FROM remedies o
                     WHERE o.connection_id = r.connection_id AND o.object_id = r.object_id
                     AND o.lease_until IS NOT NULL),
                    r.next_attempt_at)))
             FROM remedies r WHERE {CLAIMABLE}"
        );
        let at: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        at.map(instant).transpose()
    }
}

/// A remedy that is due.
#[derive(sqlx::FromRow)]
struct Due {
    id: String,
    #[sqlx(rename = "connection_id")]
    connection: String,
    #[sqlx(rename = "object_id")]
    object: Option<String>,
}

/// The remedies that are due, oldest first.
async fn due(
    connection: &mut PgConnection,
    limit: u32,
    now: DateTime<Utc>,
    locking: &'static str,
) -> Result<Vec<Due>, StoreError> {
    let sql = format!(
        "SELECT r.id, r.connection_id, r.object_id FROM remedies r WHERE {CLAIMABLE} AND {DUE}
         ORDER BY r.created_at, r.ordinal, r.id LIMIT $2 {locking}"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(micros(now))
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await
        .map_err(failed)
}

/// Takes one, unless one taken just before works on the same object.
async fn take(
    connection: &mut PgConnection,
    lease: RemedyLease,
    now: DateTime<Utc>,
) -> Result<Option<ClaimedRemedy>, StoreError> {
    let sql = format!(
        "UPDATE remedies AS r SET holder = $2, epoch = r.epoch + 1, lease_until = $3
         WHERE r.id = $4 AND {DUE} RETURNING r.epoch, r.document"
    );
    let row: Option<(i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(micros(now))
        .bind(&lease.holder)
        .bind(micros(lease.until))
        .bind(lease.remedy_id.to_string())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    let Some((epoch, document)) = row else {
        return Ok(None);
    };
    let remedy: Remedy = read(WHAT, &document)?;
    let incident = incidents::load(connection, remedy.incident_id).await?;
    let of = match remedy.of {
        Some(id) => find(connection, id, FIND).await?,
        None => None,
    };
    let earlier = match &of {
        Some(of) if restores_quarantine(&remedy, Some(of)) => done_before(connection, of).await?,
        _ => Vec::new(),
    };
    let quarantine = match remedy.of {
        Some(id) => quarantine::of_remedy(connection, id).await?,
        None => None,
    };
    Ok(Some(ClaimedRemedy {
        remedy,
        incident_number: incident.number,
        policy_id: incident.policy.id,
        policy_name: incident.policy.name,
        notification: incident.notification,
        received_at: incident.latency.received_at,
        traceparent: incident.traceparent,
        activity: incident.activity,
        of,
        earlier,
        quarantine,
        lease: RemedyLease {
            epoch: epoch as u64,
            ..lease
        },
    }))
}

/// What the same incident had done before that remedy, and can undo.
async fn done_before(
    connection: &mut PgConnection,
    of: &Remedy,
) -> Result<Vec<Remedy>, StoreError> {
    let documents: Vec<String> = sqlx::query_scalar(
        "SELECT document FROM remedies
         WHERE incident_id = $1 AND ordinal < $2 AND state = $3 ORDER BY ordinal",
    )
    .bind(of.incident_id.to_string())
    .bind(i64::from(of.ordinal))
    .bind(RemedyState::Done.word())
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    let done = documents.iter().map(|document| read(WHAT, document));
    Ok(undoable_responses(done.collect::<Result<_, _>>()?))
}
