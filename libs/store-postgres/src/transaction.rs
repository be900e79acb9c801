//! Transactions: begun, committed, locked, counted in, and tried again where two of them stood in each
//! other's way.

use futures::future::BoxFuture;
use ports::StoreError;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::PostgresStore;
use crate::changes::Kind;
use crate::failure::failed;

pub(crate) type Tx = Transaction<'static, Postgres>;

/// A deadlock or a conflict of serialisation is tried again so often, counting the first try.
const TRIES_MAX: u32 = 4;
/// Codes of what another transaction caused and a repetition mends: a conflict of serialisation, a
/// deadlock, a lock not had in time, and a partition that another process dropped.
const REPEATABLE: [&str; 4] = ["40001", "40P01", "55P03", "23514"];

/// What is locked by name until the end of a transaction. Advisory locks belong to the database: the
/// schema goes into the name, so that two stores in one database do not wait for each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock<'a> {
    /// The end of the audit chain.
    Audit,
    /// Which policies are in use.
    Policies,
    /// Making and dropping partitions.
    Partitions,
    /// How many exceptions count.
    Exceptions,
    /// The access policies.
    Access,
    /// How many views somebody has.
    Views,
    /// The counts of blind spots.
    Unseen,
    /// The gate of a connection.
    Gate(&'a str),
    /// What a policy did on a connection.
    Breaker(&'a str, &'a str),
}

impl Lock<'_> {
    fn name(self) -> String {
        match self {
            Lock::Audit => "tidegate/audit".into(),
            Lock::Policies => "tidegate/policies".into(),
            Lock::Partitions => "tidegate/partitions".into(),
            Lock::Exceptions => "tidegate/exceptions".into(),
            Lock::Access => "tidegate/access".into(),
            Lock::Views => "tidegate/views".into(),
            Lock::Unseen => "tidegate/unseen".into(),
            Lock::Gate(connection) => format!("tidegate/gate/{connection}"),
            Lock::Breaker(policy, connection) => format!("tidegate/breaker/{policy}/{connection}"),
        }
    }
}

impl PostgresStore {
    /// A transaction. Dropped without commit, it is undone.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        self.pool.begin().await.map_err(failed)
    }

    /// A transaction that sees one state throughout.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.pool.begin_with(begin).await.map_err(failed)
    }

    /// Commits what changed things of these kinds, and signals it in every process.
    pub(crate) async fn commit_changes(
        &self,
        mut tx: Tx,
        kinds: &[Kind],
    ) -> Result<(), StoreError> {
        self.watch.announce(&mut tx, kinds).await?;
        commit(tx).await?;
        self.watch.fire(kinds);
        Ok(())
    }
}

pub(crate) async fn commit(tx: Tx) -> Result<(), StoreError> {
    tx.commit().await.map_err(failed)
}

/// Does it again when another transaction stood in its way.
pub(crate) async fn retrying<'a, T>(
    once: impl Fn() -> BoxFuture<'a, Result<T, StoreError>>,
) -> Result<T, StoreError> {
    for _ in 1..TRIES_MAX {
        match once().await {
            Err(error) if is_repeatable(&error) => {}
            outcome => return outcome,
        }
    }
    once().await
}

fn is_repeatable(error: &StoreError) -> bool {
    let StoreError::Unavailable(source) = error else {
        return false;
    };
    let cause = source.downcast_ref::<sqlx::Error>();
    let code = cause
        .and_then(sqlx::Error::as_database_error)
        .and_then(|error| error.code());
    code.is_some_and(|code| REPEATABLE.contains(&code.as_ref()))
}

/// Takes the lock until the transaction ends, unless somebody else holds it.
pub(crate) async fn try_lock(
    connection: &mut PgConnection,
    lock: Lock<'_>,
) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || $1, 0))",
    )
    .bind(lock.name())
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Waits for the lock, and holds it until the transaction ends.
pub(crate) async fn lock(connection: &mut PgConnection, lock: Lock<'_>) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || $1, 0))")
        .bind(lock.name())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// As [`lock`], beside others who only share it.
pub(crate) async fn lock_shared(
    connection: &mut PgConnection,
    lock: Lock<'_>,
) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || $1, 0))")
        .bind(lock.name())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Locks an object of a connection until the transaction ends, unless another has it.
pub(crate) async fn try_lock_object(
    connection: &mut PgConnection,
    connection_id: &str,
    object: &str,
) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || $1, 0))",
    )
    .bind(format!("tidegate/object/{connection_id}/{object}"))
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Adds to a counter and gives back its new value. Nobody else gets one before this transaction ends.
pub(crate) async fn count(
    connection: &mut PgConnection,
    name: &str,
    by: i64,
) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "INSERT INTO counters (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value
         RETURNING value",
    )
    .bind(name)
    .bind(by)
    .fetch_one(connection)
    .await
    .map_err(failed)
}
