//! Filling a store: rows are taken over as by `tidegate migrate`, some thousands at a time. What was broken off
//! goes on where it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ports::{Entropy, SystemEntropy};
use sealing::Sealer;
use store_postgres::PostgresStore;
use store_rows::transfer::{ACTIVITIES, Rows, TABLES, Table, Value};
use store_sqlite::SqliteStore;

use super::plan::Plan;
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

    async fn count(&self, table: &Table) -> anyhow::Result<u64> {
        Ok(match self {
            Filled::Sqlite(store) => store.count_of(table).await?,
            Filled::Postgres(store) => store.count_of(table).await?,
        })
    }

    /// What it was filled with, or is still to be; none when it is empty.
    pub(super) async fn plan(&self) -> anyhow::Result<Option<Plan>> {
        match self {
            Filled::Sqlite(store) => Plan::of(store).await,
            Filled::Postgres(store) => Plan::of(store).await,
        }
    }

    /// Fills it by the plan, or with what is left of that; nothing when it is full.
    pub(super) async fn fill(&self, plan: &Plan, population: &Population) -> anyhow::Result<()> {
        let there = self.count(table(ACTIVITIES)).await?;
        ensure!(
            there <= plan.activities,
            "the store has more activities than it was filled with: give another one (`--store`)"
        );
        let is_full = there == plan.activities;
        let indexes = match self {
            Filled::Sqlite(_) if is_full => return Ok(()),
            Filled::Sqlite(_) => Vec::new(),
            Filled::Postgres(store) => {
                if is_full && !store.is_being_filled().await? {
                    return Ok(());
                }
                let begun = store.begin_transfer(true).await;
                begun.context("the store is not empty (`--store`)")?;
                match is_full {
                    true => store.indexes_taken_away().await?,
                    false => store.take_indexes_away().await?,
                }
            }
        };
        if !is_full {
            self.make_rows(plan, population).await?;
        }
        self.finish(plan.incidents, &indexes).await
    }

    /// Every row is made; those that are there already, as many of each table as it has, are left out.
    async fn make_rows(&self, plan: &Plan, population: &Population) -> anyhow::Result<()> {
        let mut there = BTreeMap::new();
        for table in TABLES {
            there.insert(table.name, self.count(table).await?);
        }
        let bar = bar("rows", plan.activities);
        let connections = population.connections.iter().map(rows::connection);
        let policies = population.policies.iter().map(rows::policy);
        let made = connections.chain(policies).collect();
        self.take(made, 0, &mut there).await?;
        let mut maker = Maker::new(population, plan.incidents, plan.activities);
        let mut n = 0;
        while n < plan.activities {
            let until = (n + STEP).min(plan.activities);
            let made = (n..until).flat_map(|n| maker.make(n)).collect();
            self.take(made, until, &mut there).await?;
            n = until;
            bar.set_position(n);
        }
        bar.finish();
        Ok(())
    }

    async fn take(
        &self,
        made: Vec<Row>,
        through: u64,
        there: &mut BTreeMap<&str, u64>,
    ) -> anyhow::Result<()> {
        let mut of_tables: BTreeMap<&str, Vec<Vec<Value>>> = BTreeMap::new();
        for (table, row) in made {
            let left = there.entry(table.name).or_default();
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => of_tables.entry(table.name).or_default().push(row),
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn empty() -> Filled {
        let keys = tempfile::tempdir().unwrap();
        let file = keys.path().join("keys");
        Sealer::generate_file(&file, |bytes| SystemEntropy.fill(bytes)).unwrap();
        let sealer = Sealer::from_file(&file).unwrap();
        let store = SqliteStore::open("sqlite::memory:", sealer, Arc::new(SystemEntropy));
        Filled::Sqlite(store.await.unwrap())
    }

    async fn everything(filled: &Filled) -> Vec<Vec<Vec<Value>>> {
        let Filled::Sqlite(store) = filled else {
            panic!("these stores are embedded")
        };
        let mut all = Vec::new();
        for table in TABLES {
            all.push(store.rows_of(table, 0, 10_000).await.unwrap().rows);
        }
        all
    }

    #[tokio::test]
    async fn a_filling_that_was_broken_off_goes_on_and_a_full_store_stays() {
        let plan = Plan {
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            incidents: 100,
            activities: 1_000,
        };
        let population = Population::new(&plan);
        let (whole, broken) = (empty().await, empty().await);
        assert_eq!(whole.plan().await.unwrap(), None);
        whole.fill(&plan, &population).await.unwrap();
        // Broken off after the incidents of a step and before its activities.
        let mut maker = Maker::new(&population, plan.incidents, plan.activities);
        let mut made: Vec<Row> = population
            .connections
            .iter()
            .map(rows::connection)
            .collect();
        let step = (0..400).flat_map(|n| maker.make(n));
        made.extend(step.filter(|(table, _)| table.name != ACTIVITIES));
        broken.take(made, 0, &mut BTreeMap::new()).await.unwrap();
        for _ in 0..2 {
            let found = broken.plan().await.unwrap();
            assert_eq!(found, Some(plan));
            let again = Population::new(&found.unwrap());
            broken.fill(&plan, &again).await.unwrap();
            assert!(everything(&broken).await == everything(&whole).await);
        }
        assert_eq!(broken.count(table("incidents")).await.unwrap(), 100);
        assert_eq!(broken.count(table(ACTIVITIES)).await.unwrap(), 1_000);
        assert!(plan.must_have(Some(100), None).is_ok());
        assert!(plan.must_have(None, Some(2_000)).is_err());
    }
}
