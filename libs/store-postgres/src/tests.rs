//! On a real Postgres, each store in a schema of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use ports::SeededEntropy;
use ports::contract::servers;
use sealing::Key;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use super::*;

mod contracts;
mod failures;
mod gate;
mod own;
mod races;
mod signals;
mod transfer;

/// A test's own schemas on the server; dropped when it has passed.
pub(crate) struct Server {
    address: Url,
    name: String,
    made: AtomicU32,
}

impl Server {
    /// None when no server runs: the test is skipped, and says so.
    pub(crate) fn find() -> Option<Self> {
        let address = servers::server("TIDEGATE_TEST_POSTGRES")?;
        Some(Server {
            address: Url::parse(&address).unwrap(),
            name: servers::fresh_name(),
            made: AtomicU32::new(0),
        })
    }

    /// The address of the n-th schema of this test. What it writes need not survive the server.
    fn url(&self, n: u32) -> String {
        let mut url = self.address.clone();
        url.query_pairs_mut()
            .append_pair("options[search_path]", &format!("{}_{n}", self.name))
            .append_pair("options[synchronous_commit]", "off");
        url.into()
    }

    /// The address of a new, empty schema.
    pub(crate) async fn schema(&self) -> String {
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        self.run(&format!("CREATE SCHEMA {}_{n}", self.name)).await;
        self.url(n)
    }

    /// A store in a new schema.
    pub(crate) async fn store(&self) -> PostgresStore {
        open(&self.schema().await).await.unwrap()
    }

    /// Runs a statement as the owner of the server.
    pub(crate) async fn run(&self, sql: &str) {
        let mut admin = PgConnection::connect(self.address.as_str()).await.unwrap();
        let statement = sqlx::query(AssertSqlSafe(sql));
        statement.execute(&mut admin).await.unwrap();
    }

    pub(crate) async fn drop_schemas(self) {
        for n in 0..self.made.load(Ordering::Relaxed) {
            let drop = format!("DROP SCHEMA {}_{n} CASCADE", self.name);
            self.run(&drop).await;
        }
    }
}

pub(crate) fn sealer() -> Sealer {
    Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap()
}

pub(crate) async fn open(url: &str) -> Result<PostgresStore, OpenError> {
    let settings = Settings {
        connections_max: 8,
        ..Settings::default()
    };
    PostgresStore::open(url, sealer(), Arc::new(SeededEntropy::new(1)), settings).await
}
