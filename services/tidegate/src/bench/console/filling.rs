//! Filling an empty store: rows are taken over as by `tidegate migrate`, some thousands at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ports::{Entropy, SystemEntropy};
use sealing::Sealer;
use store_postgres::PostgresStore;
use store_rows::transfer::{Rows, TABLES, Table, Value};
use store_sqlite::SqliteStore;

use super::population::Population;
use super::rows::{self, Maker, Row, table};

/// Activities of one step.
const STEP: u64 = 20_000;

/// A store that is filled.
pub(super) enum Filled {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Filled {
    pub(super) async fn open(url: &str, sealer: Sealer) -> anyhow::Result<Self> {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        Ok(match url.starts_with("sqlite:") {
            true => Filled::Sqlite(SqliteStore::open(url, sealer, entropy).await?),
            false => {
                let settings = store_postgres::Settings::default();
                Filled::Postgres(PostgresStore::open(url, sealer, entropy, settings).await?)
            }
        })
    }

    async fn count(&self, name: &str) -> anyhow::Result<u64> {
        Ok(match self {
            Filled::Sqlite(store) => store.count_of(table(name)).await?,
            Filled::Postgres(store) => store.count_of(table(name)).await?,
        })
    }

    /// Incidents and activities that are there.
    pub(super) async fn counts(&self) -> anyhow::Result<(u64, u64)> {
        Ok((
            self.count("incidents").await?,
            self.count("activities").await?,
        ))
    }

    /// Fills it, unless it was filled before.
    pub(super) async fn fill(
        &self,
        population: &Population,
        incidents: u64,
        activities: u64,
    ) -> anyhow::Result<()> {
        if self.count("incidents").await? > 0 {
            return Ok(());
        }
        ensure!(
            self.count("connections").await? == 0,
            "the store has connections: give an empty one, or one that this filled (`--store`)"
        );
        let indexes = match self {
            Filled::Sqlite(_) => Vec::new(),
            Filled::Postgres(store) => {
                let begun = store.begin_transfer(false).await;
                begun.context("the store is not empty (`--store`)")?;
                store.take_indexes_away().await?
            }
        };
        let bar = bar("rows", activities);
        let connections = population.connections.iter().map(rows::connection);
        let policies = population.policies.iter().map(rows::policy);
        self.take(connections.chain(policies).collect(), 0).await?;
        let mut maker = Maker::new(population, incidents, activities);
        let mut n = 0;
        while n < activities {
            let until = (n + STEP).min(activities);
            let made = (n..until).flat_map(|n| maker.make(n)).collect();
            self.take(made, until).await?;
            n = until;
            bar.set_position(n);
        }
        bar.finish();
        self.finish(incidents, &indexes).await
    }

    async fn take(&self, made: Vec<Row>, through: u64) -> anyhow::Result<()> {
        let mut of_tables: BTreeMap<&str, Vec<Vec<Value>>> = BTreeMap::new();
        for (table, row) in made {
            of_tables.entry(table.name).or_default().push(row);
        }
        for table in TABLES {
            if let Some(rows) = of_tables.remove(table.name) {
                self.take_rows(table, rows, through).await?;
            }
        }
        Ok(())
    }

    async fn take_rows(
        &self,
        table: &Table,
        rows: Vec<Vec<Value>>,
        through: u64,
    ) -> anyhow::Result<()> {
        match self {
            Filled::Sqlite(store) => store.take_rows(table, &rows).await?,
            Filled::Postgres(store) => {
                let through = i64::try_from(through)?;
                store.take_rows(table, Rows { rows, through }).await?;
            }
        }
        Ok(())
    }

    async fn finish(&self, incidents: u64, indexes: &[String]) -> anyhow::Result<()> {
        let Filled::Postgres(store) = self else {
            return Ok(());
        };
        let bar = bar("indexes", indexes.len() as u64);
        for index in indexes {
            store.make_index(index).await?;
            bar.inc(1);
        }
        bar.finish();
        let numbers = [("DLP".to_owned(), i64::try_from(incidents)?)];
        store.end_transfer(&numbers).await?;
        store.look_over().await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        match self {
            Filled::Sqlite(store) => store.close().await,
            Filled::Postgres(store) => store.close().await,
        }
    }
}

fn bar(what: &str, count: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {elapsed} {eta}");
    let bar = ProgressBar::new(count);
    bar.set_style(style.expect("the line has no mistake"));
    bar.set_message(what.to_owned());
    bar
}
