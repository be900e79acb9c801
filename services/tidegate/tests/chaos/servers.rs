//! A Kafka and a Postgres of the run's own, so that killing them disturbs nobody else; removed in the end.

use std::path::{Path, PathBuf};
use std::process::Command;

use ports::contract::servers::server;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Both servers, in a folder below `target`.
#[derive(Clone)]
pub(crate) struct Servers {
    script: PathBuf,
    folder: PathBuf,
}

/// Removes the servers when the run is over, however it ends.
pub(crate) struct Removed(Servers);

impl Drop for Removed {
    fn drop(&mut self) {
        self.0.tell("remove", &[]);
    }
}

impl Servers {
    /// None, aloud, where no servers are to be had.
    pub(crate) async fn start() -> Option<(Self, Removed)> {
        server("TIDEGATE_TEST_KAFKA")?;
        server("TIDEGATE_TEST_POSTGRES")?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let servers = Servers {
            script: root.join("scripts/services"),
            folder: root.join("target/services-chaos"),
        };
        let removed = Removed(servers.clone());
        servers.told("start", &[]).await;
        Some((servers, removed))
    }

    /// Does something to some of them, both when none is named; returns when it is done.
    pub(crate) async fn told(&self, action: &'static str, which: &'static [&'static str]) {
        let servers = self.clone();
        let told = tokio::task::spawn_blocking(move || servers.tell(action, which));
        told.await.unwrap();
    }

    fn tell(&self, action: &str, which: &[&str]) {
        let done = Command::new(&self.script)
            .arg(action)
            .args(which)
            .env("TIDEGATE_SERVICES_DIR", &self.folder)
            .status()
            .unwrap();
        assert!(done.success(), "`scripts/services {action}` failed");
    }

    /// The broker's `host:port`.
    pub(crate) fn kafka(&self) -> String {
        self.written("TIDEGATE_TEST_KAFKA")
    }

    /// The address of a new, empty database.
    pub(crate) async fn database(&self, name: &str) -> String {
        let address = self.written("TIDEGATE_TEST_POSTGRES");
        let mut admin = PgConnection::connect(&address).await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        let created = sqlx::query(AssertSqlSafe(create));
        created.execute(&mut admin).await.unwrap();
        let mut url = url::Url::parse(&address).unwrap();
        url.set_path(name);
        url.into()
    }

    fn written(&self, variable: &str) -> String {
        let env = std::fs::read_to_string(self.folder.join("env")).unwrap();
        let line = env
            .lines()
            .find_map(|line| line.strip_prefix(variable)?.strip_prefix('='));
        line.unwrap().to_owned()
    }
}
