//! `tidegate bench …`: the programs that measure, their arguments and their defaults. Each prints figures beside a floor measured in the same run
//! and says how quiet the machine was; none of them is a test.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use connector_kit::{Folder, speed};
use ports::SystemClock;

use crate::bench::{
    console, decide, evaluate, extract, ingest, latency, live, poll, poll_side, quarantine, rules,
    scan, server, sharing, start, vault,
};

/// `tidegate bench …`
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Durable deliveries per second and per CPU-second, beside a floor measured in the same run.
    Ingest(Ingest),
    /// Every list, filter, search, count and page of the console over a store as it is after a year: milliseconds and size.
    Console(ConsoleBench),
    /// Decisions over HTTP: requests per second and core beside an empty handler, and how long one takes at half load.
    #[command(name = "decisions")]
    Decide(Decide),
    /// The measured side of `bench decisions`.
    #[command(hide = true)]
    DecideSide(decide::DecideSide),
    /// Events per second and per CPU-second through the evaluator, with more and more policies.
    Evaluate(Evaluate),
    /// Text read out of documents per second, format by format, beside reading the file, and peak memory.
    Extract(Extract),
    /// The measured side of `bench extract`.
    #[command(hide = true)]
    ExtractSide(extract::ExtractSide),
    /// From receiving an event to its incident and its effect in the service.
    Latency(Latency),
    /// From receiving an event to its row in browsers that watch, one of which loses its connection again and again.
    Live(Live),
    /// Mapping an event to the 24 fields, for each connector, beside parsing alone and code by hand.
    Map(Map),
    /// Events per second and per CPU-second through the poller, with many connections.
    Poll(Poll),
    /// Several pollers that share many connections on one Postgres, and one of them dies.
    Sharing(Sharing),
    /// A large file of a cloud service into the vault and back, and the memory that it takes.
    Quarantine(Quarantine),
    /// The measured side of `bench poll`.
    #[command(hide = true)]
    PollSide(poll_side::PollSide),
    /// MB/s of text on one core, all detectors together, beside each alone and beside a search for one byte.
    Scan(Scan),
    /// Evaluations per second with 1 to 1,000 policies, and one inline decision, in process.
    Rules(Rules),
    /// From start to ready, and memory when idle.
    Start(Report),
    /// Content into the vault and out of it, beside the bare cipher and a plain copy of the same file.
    Vault(Vault),
    /// The server side of `bench ingest`.
    #[command(hide = true)]
    Serve(server::Serve),
}

/// Where the report goes.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Folder for the report: text and a chart.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) report: PathBuf,
}

/// `tidegate bench ingest`
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    #[command(flatten)]
    pub(crate) report: Report,
    /// The log that deliveries are made durable in: kafka://HOST:PORT, with the TIDEGATE_KAFKA_ variables. Without it, an embedded one.
    #[arg(long, value_name = "URL")]
    pub(crate) log: Option<String>,
    /// How long each side is measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Deliveries under way at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) concurrency: u64,
}

/// `tidegate bench console`
#[derive(Debug, Args)]
pub(crate) struct ConsoleBench {
    #[command(flatten)]
    pub(crate) report: Report,
    /// The store, empty or filled by this before: sqlite:PATH or postgres://user:password@host/database. It is kept. Without it, a file that is removed afterwards.
    #[arg(long, value_name = "URL", env = "TIDEGATE_STORE")]
    pub(crate) store: Option<String>,
    /// Incidents that an empty store is filled with: 200,000 in SQLite and 1,000,000 in Postgres unless said.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    pub(crate) incidents: Option<u64>,
    /// Activities that it is filled with: 2,000,000 in SQLite and 10,000,000 in Postgres unless said.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    pub(crate) activities: Option<u64>,
    /// How often each kind of request is measured.
    #[arg(long, value_name = "NUMBER", default_value_t = 40, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub(crate) rounds: usize,
    /// Only kinds of requests with this in their names.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) only: String,
    /// Where the data stands meanwhile.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) on: PathBuf,
}

/// `tidegate bench map`
#[derive(Debug, Args)]
pub(crate) struct Map {
    /// Connectors: a folder of one, or of many.
    #[arg(value_name = "PATH", default_value = "connectors")]
    connectors: PathBuf,
    /// How long each of the rounds lasts.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    round_ms: u64,
}

impl Map {
    fn run(&self) -> anyhow::Result<()> {
        let (clock, mut measured) = (SystemClock::new(), Vec::new());
        let round = Duration::from_millis(self.round_ms);
        for folder in Folder::all_at(&self.connectors)? {
            measured.extend(speed::measure(&folder, &clock, round)?);
        }
        crate::say(speed::table(&measured).trim_end(), super::Stream::Out);
        Ok(())
    }
}

/// `tidegate bench evaluate`
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    #[command(flatten)]
    pub(crate) report: Report,
    /// Events of each measurement.
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    pub(crate) events: u64,
}

/// `tidegate bench extract`
#[derive(Debug, Args)]
pub(crate) struct Extract {
    #[command(flatten)]
    pub(crate) report: Report,
    /// Megabytes of text in each document.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=48))]
    pub(crate) megabytes: usize,
    /// Documents of 1 KB to 50 MB that are inspected together after that; 0 leaves it out.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    pub(crate) documents: usize,
}

/// `tidegate bench poll`
#[derive(Debug, Args)]
pub(crate) struct Poll {
    #[command(flatten)]
    pub(crate) report: Report,
    /// How long each side is measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Connections that are polled.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) connections: u64,
}

/// `tidegate bench scan`
#[derive(Debug, Args)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) report: Report,
    /// Bytes of each text: 10,000 to 1,000,000,000.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000_000, value_parser = bytes)]
    pub(crate) bytes: usize,
    /// Only texts with this in their names.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) only: String,
}

fn bytes(written: &str) -> Result<usize, String> {
    let bytes = written
        .parse()
        .map_err(|_| "this is no number".to_owned())?;
    if (10_000..=1_000_000_000).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("it must be 10,000 to 1,000,000,000".to_owned())
    }
}

/// `tidegate bench sharing`
#[derive(Debug, Args)]
pub(crate) struct Sharing {
    #[command(flatten)]
    pub(crate) report: Report,
    /// The store, an empty database: postgres://user:password@host/database.
    #[arg(long, value_name = "URL", env = "TIDEGATE_STORE")]
    pub(crate) store: String,
    /// Connections that are shared.
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) connections: u64,
    /// Pollers that share them.
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u64).range(2..=16))]
    pub(crate) pollers: u64,
    /// How long each half is measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(30..=600))]
    pub(crate) seconds: u64,
}

/// `tidegate bench latency`
#[derive(Debug, Args)]
pub(crate) struct Latency {
    #[command(flatten)]
    pub(crate) report: Report,
    /// How long the service is used.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Activities of users per second.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) rate: u64,
}

/// `tidegate bench live`
#[derive(Debug, Args)]
pub(crate) struct Live {
    #[command(flatten)]
    pub(crate) report: Report,
    /// How long the service is used.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Activities of users per second.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u64).range(2..=1000))]
    pub(crate) rate: u64,
}

/// `tidegate bench vault`
#[derive(Debug, Args)]
pub(crate) struct Vault {
    #[command(flatten)]
    pub(crate) report: Report,
    /// How long the file is, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1_024, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub(crate) mib: u64,
    /// How often each side is measured: the median counts.
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) rounds: u64,
    /// Where file, copy and vault stand: the disk that is measured.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) on: PathBuf,
}

/// `tidegate bench quarantine`
#[derive(Debug, Args)]
pub(crate) struct Quarantine {
    #[command(flatten)]
    pub(crate) report: Report,
    /// How long the file is, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 5_120, value_parser = clap::value_parser!(u64).range(65..=65_536))]
    pub(crate) mib: u64,
    /// Where the service's file and the vault stand.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) on: PathBuf,
}

/// `tidegate bench decisions`
#[derive(Debug, Args)]
pub(crate) struct Decide {
    #[command(flatten)]
    pub(crate) report: Report,
    /// How long each side is measured, at full and at half load.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Requests under way at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) concurrency: u64,
}

/// `tidegate bench rules`
#[derive(Debug, Args)]
pub(crate) struct Rules {
    #[command(flatten)]
    pub(crate) report: Report,
    /// How long each row is measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) seconds: u64,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Bench::Ingest(bench) => super::runtime()?.block_on(ingest::run(&bench)),
            Bench::Console(bench) => super::runtime()?.block_on(console::run(&bench)),
            Bench::Decide(bench) => super::runtime()?.block_on(decide::run(&bench)),
            Bench::DecideSide(side) => super::runtime()?.block_on(decide::side(&side)),
            Bench::Rules(bench) => super::runtime()?.block_on(rules::run(&bench)),
            Bench::Evaluate(bench) => super::runtime()?.block_on(evaluate::run(&bench)),
            Bench::Extract(bench) => super::runtime()?.block_on(extract::run(&bench)),
            Bench::ExtractSide(side) => side.run(),
            Bench::Latency(bench) => super::runtime()?.block_on(latency::run(&bench)),
            Bench::Live(bench) => super::runtime()?.block_on(live::run(&bench)),
            Bench::Map(map) => map.run(),
            Bench::Poll(bench) => super::runtime()?.block_on(poll::run(&bench)),
            Bench::Sharing(bench) => super::runtime()?.block_on(sharing::run(&bench)),
            Bench::PollSide(side) => super::runtime()?.block_on(poll_side::run(&side)),
            Bench::Quarantine(bench) => super::runtime()?.block_on(quarantine::run(&bench)),
            Bench::Scan(bench) => scan::run(&bench),
            Bench::Start(report) => super::runtime()?.block_on(start::run(&report)),
            Bench::Vault(bench) => super::runtime()?.block_on(vault::run(&bench)),
            Bench::Serve(serve) => super::runtime()?.block_on(server::run(&serve)),
        }
    }
}
