//! What a person types: `tidegate <command>`.

mod access;
mod account;
pub(crate) mod bench;
mod connector;
mod dead_letter;
mod detectors;
mod doctor;
mod inspect;
mod keys;
mod labels;
mod migrate;
mod policy;
mod prepare;
mod protect;
mod replay;
mod run;
mod scan;
mod signals;
mod sinks;
mod tail;
mod target;
mod toy_cloud;
mod trace;
mod up;
mod vault;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

use telemetry::Collector;

use crate::config::{Config, Given};

/// Where a line is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

/// An end that scripts tell from others by its number.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Exit {
    /// What the process ends with.
    pub code: u8,
    what: String,
}

impl Exit {
    fn with(code: u8, what: String) -> Self {
        Exit { code, what }
    }
}

/// Tidegate: an open CASB connector platform. Cloud activity in, incidents and remedies out.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Run the whole platform in this process, on the embedded store and log.
    Up(up::Up),
    /// Run some roles in this process, on a store and a log that others share: Postgres and Kafka.
    Run(run::Run),
    /// Write connectors: draft, lint, test, field coverage, conformance of the live service.
    #[command(subcommand)]
    Connector(connector::Connector),
    /// Check a policy document without saving it, or try it on recorded activity.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Follow the recorded activity of a running platform.
    #[command(subcommand)]
    Activity(tail::Activity),
    /// Follow the incidents of a running platform.
    #[command(subcommand)]
    Incidents(tail::Incidents),
    /// Scan what exists already: shares, or the content of files.
    #[command(subcommand)]
    Scan(scan::Scan),
    /// Detectors of your own: dictionaries, patterns, rows of tables, documents.
    #[command(subcommand)]
    Detectors(detectors::Detectors),
    /// Print one event's journey through a running platform, with times.
    Trace(trace::Trace),
    /// Look at what was set aside, and take it in again.
    #[command(subcommand)]
    DeadLetter(dead_letter::DeadLetters),
    /// Say what files are, how much of them can be read, and what is sensitive in them.
    Inspect(inspect::Inspect),
    /// Inspect documents for the process that started this one.
    #[command(hide = true)]
    InspectWorker,
    /// Become the reader of one picture, confined.
    #[command(hide = true)]
    InspectPicture {
        /// Most processor time.
        seconds: u64,
        /// The reader.
        program: OsString,
        /// What it is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Hold content encrypted: put, get, restore, delete, verify, rotate keys.
    #[command(subcommand)]
    Vault(vault::Vault),
    /// Make, list, reset and disable the accounts of people.
    #[command(subcommand)]
    Account(account::Accounts),
    /// Encrypt files where they stand, or move them into the vault; or watch folders for labelled files.
    Protect(Box<protect::Protect>),
    /// Decrypt protected files where they stand.
    Unprotect(protect::Unprotect),
    /// Check access policies, and say what they give whom and why.
    #[command(subcommand)]
    Access(access::Access),
    /// The SIEMs and chats that incidents are handed on to.
    #[command(subcommand)]
    Sinks(sinks::SinksOf),
    /// Walk through this installation and say what is wrong and what to do.
    Doctor(Settings),
    /// Make the store's schema and the log's topics ready for this version, and end.
    Prepare(prepare::Prepare),
    /// Move an embedded installation to Postgres, and its log to Kafka.
    Migrate(migrate::Migrate),
    /// Make the keys that seal tokens and secrets.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Classify local folders, and sign, check and show what is said of their files.
    #[command(subcommand)]
    Labels(labels::Labels),
    /// Print the default configuration file, every key explained.
    Config,
    /// Run toy-cloud: a cloud service to try Tidegate on.
    ToyCloud(toy_cloud::ToyCloud),
    /// Measure: durable deliveries per second, latency to the effect, start and memory.
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// Settings that can be given as flags.
#[derive(Debug, Clone, Default, Args)]
pub struct Settings {
    /// Configuration file [default: ./tidegate.toml when there is one].
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<std::path::PathBuf>,
    /// Folder of everything that is kept [default: ./data].
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address and port of the listener [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Where services and browsers reach this installation.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Folder with more connectors: DIR/<service>/connector.yaml.
    #[arg(long, value_name = "DIR")]
    connectors_dir: Option<String>,
}

impl Settings {
    /// The configuration with these flags on top.
    ///
    /// # Errors
    /// With every mistake of flags, environment and file.
    pub fn load(&self) -> anyhow::Result<Config> {
        let mut given = Given {
            environment: std::env::vars().collect(),
            ..Given::default()
        };
        let beside = std::path::PathBuf::from("tidegate.toml");
        given.file = self
            .config
            .clone()
            .or_else(|| beside.is_file().then_some(beside));
        let flags = [
            ("data", &self.data),
            ("listen", &self.listen),
            ("public_url", &self.public_url),
            ("connectors_dir", &self.connectors_dir),
        ];
        for (key, value) in flags {
            if let Some(value) = value {
                given.flags.insert(key, value.clone());
            }
        }
        Ok(Config::load(&given)?)
    }
}

impl Command {
    /// Does what was typed.
    ///
    /// # Errors
    /// With what went wrong and what to do, for a person.
    pub fn run(self) -> anyhow::Result<()> {
        match self.what {
            What::Up(up) => up.run(),
            What::Run(run) => run.run(),
            What::Prepare(prepare) => prepare.run(),
            What::Migrate(migrate) => migrate.run(),
            What::Keys(keys) => keys.run(),
            What::Connector(connector) => connector.run(),
            What::Policy(policy) => policy.run(),
            What::Activity(activity) => activity.run(),
            What::Incidents(incidents) => incidents.run(),
            What::Scan(scan) => scan.run(),
            What::Detectors(detectors) => detectors.run(),
            What::Trace(trace) => trace.run(),
            What::DeadLetter(dead_letters) => dead_letters.run(),
            What::Inspect(inspect) => inspect.run(),
            What::InspectWorker => Ok(inspector::serve()?),
            What::InspectPicture {
                seconds,
                program,
                arguments,
            } => match inspector::read_picture(seconds, &program, &arguments)? {},
            What::Vault(vault) => vault.run(),
            What::Account(accounts) => accounts.run(),
            What::Protect(protect) => protect.run(),
            What::Unprotect(unprotect) => unprotect.run(),
            What::Access(access) => access.run(),
            What::Sinks(sinks) => sinks.run(),
            What::Doctor(settings) => doctor::run(&settings),
            What::Labels(labels) => labels.run(),
            What::Config => {
                crate::say(crate::config::default_file().trim_end(), Stream::Out);
                Ok(())
            }
            What::ToyCloud(toy_cloud) => toy_cloud.run(),
            What::Bench(bench) => bench.run(),
        }
    }
}

/// Sends what is left to the collector.
async fn close(collector: Option<Collector>) -> anyhow::Result<()> {
    if let Some(collector) = collector {
        tokio::task::spawn_blocking(|| collector.close()).await?;
    }
    Ok(())
}

/// The runtime of every command that waits for something.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // TLS needs one cryptography provider for the process; it may be set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}
