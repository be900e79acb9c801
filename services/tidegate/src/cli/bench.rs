use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::bench::{ingest, latency, server, start};

/// `tidegate bench …`
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Durable deliveries per second and per CPU-second, beside a floor measured in the same run.
    Ingest(Ingest),
    /// From receiving an event to its incident and its effect in the service.
    Latency(Latency),
    /// From start to ready, and memory when idle.
    Start(Report),
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

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Bench::Ingest(bench) => super::runtime()?.block_on(ingest::run(&bench)),
            Bench::Latency(bench) => super::runtime()?.block_on(latency::run(&bench)),
            Bench::Start(report) => super::runtime()?.block_on(start::run(&report)),
            Bench::Serve(serve) => super::runtime()?.block_on(server::run(&serve)),
        }
    }
}
