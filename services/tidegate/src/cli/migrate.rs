//! `tidegate migrate`: from an embedded installation to Postgres, and to Kafka. Where to is what the
//! new installation is configured with: its file, its environment, and the flags here.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use log_embedded::EmbeddedLog;
use log_kafka::KafkaLog;
use ports::{AuditTrail, Clock, SystemClock, SystemEntropy};
use sealing::Sealer;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use super::Stream;
use crate::config::{Config, Given};
use crate::output::counted;
use crate::{migrate, say};

/// `tidegate migrate`
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Folder of the embedded installation, which must not run. Its store is only read.
    #[arg(long, value_name = "DIR")]
    from_data: PathBuf,
    /// Configuration file of the new installation.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// The new store, an empty database: postgres://user:password@host/database. Others on this machine
    /// can see a flag: better TIDEGATE_STORE or TIDEGATE_STORE_FILE.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// The new log: kafka://host:port. Without it, the log stays where it is.
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Keys of the embedded installation [default: DIR/keys]; the new one needs the same.
    #[arg(long, value_name = "FILE")]
    keys_file: Option<PathBuf>,
    /// Go on with a move that was interrupted.
    #[arg(long)]
    resume: bool,
}

impl Migrate {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::runtime()?.block_on(self.migrate())
    }

    async fn migrate(self) -> anyhow::Result<()> {
        let config = self.target()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        // Held until the end: it keeps the old installation from starting meanwhile.
        let old_log = self.old_log(&clock)?;
        let new_log = self.new_log(&config, &clock).await?;
        let (source, target) = (self.source().await?, self.new_store(&config).await?);
        let rows = migrate::store(&source, &target, self.resume, tell).await?;
        let records = match &new_log {
            Some(new_log) => Some(migrate::log(&old_log, new_log, tell).await?),
            None => None,
        };
        let entries = target.verify_audit().await?;
        target
            .end_transfer(&source.incident_numbers().await?)
            .await?;
        target.close().await;
        source.close().await;
        tell(&format!(
            "moved {}; the audit trail of {} is unbroken",
            counted(rows as usize, "row"),
            counted(entries as usize, "entry")
        ));
        self.tell_what_is_next(records);
        Ok(())
    }

    /// The configuration of the new installation.
    fn target(&self) -> anyhow::Result<Config> {
        let mut given = Given {
            environment: std::env::vars().collect(),
            file: self.config.clone(),
            ..Given::default()
        };
        let flags = [("store", &self.store), ("log", &self.log)];
        for (key, value) in flags {
            if let Some(value) = value {
                given.flags.insert(key, value.clone());
            }
        }
        let config = Config::load(&given)?;
        anyhow::ensure!(
            !config.store.starts_with("sqlite:"),
            "where to? set `store` to `postgres://user:password@host/database`"
        );
        Ok(config)
    }

    fn old_log(&self, clock: &Arc<dyn Clock>) -> anyhow::Result<EmbeddedLog> {
        anyhow::ensure!(
            self.from_data.join("tidegate.db").is_file(),
            "there is no embedded installation in `{}` (`--from-data`)",
            self.from_data.display()
        );
        let dir = self.from_data.join("log");
        let log = EmbeddedLog::open(&dir, log_embedded::Options::default(), Arc::clone(clock));
        log.with_context(|| {
            let dir = dir.display();
            format!("the log `{dir}` cannot be opened: stop the Tidegate that runs on it")
        })
    }

    async fn new_log(
        &self,
        config: &Config,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Option<KafkaLog>> {
        let Some(brokers) = config.log_brokers() else {
            return Ok(None);
        };
        let log = KafkaLog::open(config.kafka.options(brokers), Arc::clone(clock)).await;
        let log = log.with_context(|| format!("the log `{}` cannot be opened", config.log))?;
        Ok(Some(log))
    }

    fn sealer(&self) -> anyhow::Result<Sealer> {
        let path = self.keys_file.clone();
        let path = path.unwrap_or_else(|| self.from_data.join("keys"));
        Sealer::from_file(&path).with_context(|| {
            format!(
                "the keys `{}` cannot be had (`--keys-file`)",
                path.display()
            )
        })
    }

    async fn source(&self) -> anyhow::Result<SqliteStore> {
        let url = format!("sqlite:{}", self.from_data.join("tidegate.db").display());
        let store = SqliteStore::open(&url, self.sealer()?, Arc::new(SystemEntropy)).await;
        store.with_context(|| format!("the store `{url}` cannot be opened (`--from-data`)"))
    }

    async fn new_store(&self, config: &Config) -> anyhow::Result<PostgresStore> {
        let settings = store_postgres::Settings::default();
        let entropy = Arc::new(SystemEntropy);
        let store = PostgresStore::open(&config.store, self.sealer()?, entropy, settings).await;
        store.with_context(|| {
            let place = store_postgres::place(&config.store);
            format!("the store `postgres://{place}` cannot be opened (setting `store`)")
        })
    }

    fn tell_what_is_next(&self, records: Option<u64>) {
        let data = self.from_data.display();
        match records {
            Some(records) => tell(&format!(
                "moved {} of the log: of the activity, what the evaluator had not read yet",
                counted(records as usize, "record")
            )),
            None => tell(&format!(
                "the log stays where it is: start with `log = \"embedded:{data}/log\"`"
            )),
        }
        tell(&format!(
            "start the new installation with the keys of the old one (`keys_file`), and do not start the \
             old one in `{data}` again"
        ));
    }
}

fn tell(line: &str) {
    say(line, Stream::Out);
}
