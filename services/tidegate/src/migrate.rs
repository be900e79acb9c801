//! Moves an embedded installation to a store and a log that several processes share.
//!
//! Tables and records go some at a time, and each step is durable with the place that it came to: what
//! was interrupted goes on where it was. A record may arrive twice then, which its ids make harmless.
//! Checkpoints go with the store and every record that nobody has read goes with the log, so no event
//! is lost between the two. Until everything has arrived, nobody works on the new store.

use std::time::Duration;

use anyhow::Context;
use ports::{ActivityLog, AppendError, LogRecord, Topic};
use store_postgres::PostgresStore;
use store_rows::transfer::{TABLES, Table};
use store_sqlite::SqliteStore;

/// Rows moved in one transaction.
pub const ROWS_AT_ONCE: u32 = 100;
/// Records moved in one call.
const RECORDS_AT_ONCE: usize = 100;
/// How long the old log may take to give the next ones.
const READ_WAIT: Duration = Duration::from_millis(100);
/// The new log is asked so often to take the same records.
const APPEND_TRIES_MAX: u32 = 10;
/// How long is waited before it is asked again, unless it says how long.
const APPEND_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Who has read what is moved of topics that the evaluator does not read.
const MOVING: &str = "migrate";
/// What is moved of the log: of the activity what the evaluator has not read, of the rest everything.
const TOPICS: [(Topic, &str); 4] = [
    (Topic::Activity, evaluator::GROUP),
    (Topic::Incidents, MOVING),
    (Topic::Remedies, MOVING),
    (Topic::DeadLetter, MOVING),
];

/// Moves the store's rows and gives their number. `say` is told of each table once it is done.
///
/// # Errors
/// When the target is in use, or a move into it was begun and `resume` is not set; when a store fails:
/// it can be gone on with then.
pub async fn store(
    source: &SqliteStore,
    target: &PostgresStore,
    resume: bool,
    say: impl Fn(&str),
) -> anyhow::Result<u64> {
    let begun = target.begin_transfer(resume).await;
    begun.context("nothing was moved (`--resume` goes on with a move that was interrupted)")?;
    let mut moved = 0;
    for table in TABLES {
        while step(source, target, table).await? {}
        let rows = compare(source, target, table).await?;
        say(&format!("{}: {rows} rows", table.name));
        moved += rows;
    }
    Ok(moved)
}

/// Moves some rows of a table; whether there may be more.
///
/// # Errors
/// When a store fails.
pub async fn step(
    source: &SqliteStore,
    target: &PostgresStore,
    table: &Table,
) -> anyhow::Result<bool> {
    let here = || format!("`{}` could not be moved", table.name);
    let after = target.taken_through(table).await.with_context(here)?;
    let rows = source.rows_of(table, after, ROWS_AT_ONCE).await;
    let rows = rows.with_context(here)?;
    let is_full = rows.rows.len() == ROWS_AT_ONCE as usize;
    target.take_rows(table, rows).await.with_context(here)?;
    Ok(is_full)
}

async fn compare(
    source: &SqliteStore,
    target: &PostgresStore,
    table: &Table,
) -> anyhow::Result<u64> {
    let (there, here) = (source.count_of(table).await?, target.count_of(table).await?);
    anyhow::ensure!(
        there == here,
        "`{}` has {there} rows, and {here} have arrived: begin anew with an empty database",
        table.name
    );
    Ok(here)
}

/// Moves the log's records and gives their number. The new log's evaluator begins with the first.
///
/// # Errors
/// When a log fails, or the new one does not take a record: it can be gone on with then.
pub async fn log(
    source: &dyn ActivityLog,
    target: &dyn ActivityLog,
    say: impl Fn(&str),
) -> anyhow::Result<u64> {
    let mut moved = 0;
    for (topic, group) in TOPICS {
        let carried = carry(source, target, topic, group).await;
        let carried = carried.with_context(|| format!("`{}` could not be moved", topic.name()))?;
        say(&format!("{}: {carried} records", topic.name()));
        moved += carried;
    }
    Ok(moved)
}

async fn carry(
    source: &dyn ActivityLog,
    target: &dyn ActivityLog,
    topic: Topic,
    group: &str,
) -> anyhow::Result<u64> {
    let mut reader = source.reader(topic, group).await?;
    let mut carried = 0;
    loop {
        let batch = reader.next(RECORDS_AT_ONCE, READ_WAIT).await?;
        if batch.is_empty() {
            return Ok(carried);
        }
        carried += batch.len() as u64;
        let places: Vec<_> = batch.iter().map(|one| one.place).collect();
        append(
            target,
            topic,
            batch.into_iter().map(|one| one.record).collect(),
        )
        .await?;
        // INVARIANT: what the old log counts as read is durable in the new one.
        reader.commit(&places).await?;
    }
}

async fn append(
    target: &dyn ActivityLog,
    topic: Topic,
    records: Vec<LogRecord>,
) -> Result<(), AppendError> {
    for _ in 1..APPEND_TRIES_MAX {
        let pause = match target.append(topic, records.clone()).await {
            Ok(()) => return Ok(()),
            Err(AppendError::Overloaded { retry_after }) => retry_after,
            Err(AppendError::NotDurable(_)) => APPEND_AGAIN_AFTER,
            Err(refused @ AppendError::TooLarge { .. }) => return Err(refused),
        };
        tokio::time::sleep(pause).await;
    }
    target.append(topic, records).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ports::{MemoryLog, SystemClock};

    use super::*;

    fn record(name: &str) -> LogRecord {
        LogRecord {
            key: "k".into(),
            headers: vec![("h".into(), name.to_owned().into())],
            value: name.to_owned().into(),
        }
    }

    #[tokio::test]
    async fn what_the_evaluator_has_not_read_is_carried_once_and_in_order() {
        let memory = || MemoryLog::new(Arc::new(SystemClock::new()));
        let (old, new) = (memory(), memory());
        let all: Vec<LogRecord> = (0..250).map(|n| record(&n.to_string())).collect();
        old.append(Topic::Activity, all.clone()).await.unwrap();
        let refused = vec![record("refused")];
        old.append(Topic::DeadLetter, refused.clone())
            .await
            .unwrap();
        let mut reader = old.reader(Topic::Activity, evaluator::GROUP).await.unwrap();
        let read = reader.next(40, READ_WAIT).await.unwrap();
        let places: Vec<_> = read.iter().map(|one| one.place).collect();
        reader.commit(&places).await.unwrap();

        assert_eq!(log(&old, &new, |_| {}).await.unwrap(), 211);
        assert_eq!(log(&old, &new, |_| {}).await.unwrap(), 0, "a second time");
        let arrived = |topic| -> Vec<LogRecord> {
            let records = new.records(topic).into_iter();
            records.map(|one| one.record).collect()
        };
        assert_eq!(arrived(Topic::Activity), all[40..]);
        assert_eq!(arrived(Topic::DeadLetter), refused);
        let mut next = new.reader(Topic::Activity, evaluator::GROUP).await.unwrap();
        let first = next.next(1, READ_WAIT).await.unwrap();
        assert_eq!(
            first[0].record, all[40],
            "the evaluator goes on where it was"
        );
    }
}
