//! `tidegate sinks`: which there are, and whether they take a test event.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use ports::{Clock, SystemClock};
use sinks::{Reach, SinkSettings, Sinks};

use super::{Settings, Stream};
use crate::output::counted;
use crate::say;
use crate::wiring::mailer;

/// `tidegate sinks`
#[derive(Debug, Subcommand)]
pub(crate) enum SinksOf {
    /// Say which there are, and what is wrong with them.
    List(Where),
    /// Hand a test event to one of them, or to all, and say what came of it.
    Test {
        /// Which; all without it.
        name: Option<String>,
        #[command(flatten)]
        file: Where,
    },
}

/// Which sinks.
#[derive(Debug, Args)]
pub(crate) struct Where {
    /// A file of sinks, instead of that of the configuration (setting `sinks_file`).
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Where {
    fn read(&self) -> anyhow::Result<Vec<SinkSettings>> {
        let file = match &self.file {
            Some(file) => Some(file.clone()),
            None => self.settings.load()?.sinks_file,
        };
        let file = file.context("there are no sinks: write a file of them as docs/sinks.md has it, and name it by `sinks_file` or --file")?;
        Ok(SinkSettings::of_file(&file)?)
    }

    fn reach(&self) -> anyhow::Result<Reach> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        Ok(Reach {
            clock,
            mailer: mailer(&self.settings.load()?)?,
        })
    }
}

impl SinksOf {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            SinksOf::List(file) => list(&file.read()?),
            SinksOf::Test { name, file } => {
                let mut sinks = file.read()?;
                if let Some(name) = &name {
                    sinks.retain(|sink| sink.name == *name);
                    anyhow::ensure!(!sinks.is_empty(), "there is no sink `{name}`");
                }
                let reach = file.reach()?;
                super::runtime()?.block_on(test(&sinks, &reach))
            }
        }
    }
}

fn list(sinks: &[SinkSettings]) -> anyhow::Result<()> {
    if sinks.is_empty() {
        say("no sinks: the file has no [[sink]]", Stream::Out);
    }
    for sink in sinks {
        say(&format!("{:<24} {}", sink.name, sink.kind()), Stream::Out);
    }
    Ok(())
}

async fn test(sinks: &[SinkSettings], reach: &Reach) -> anyhow::Result<()> {
    let mut failed = 0;
    for sink in sinks {
        let line = match Sinks::try_out(sink, reach).await {
            Ok(()) => format!("{:<24} took the test event", sink.name),
            Err(error) => {
                failed += 1;
                format!("{:<24} {error}", sink.name)
            }
        };
        say(&line, Stream::Out);
    }
    anyhow::ensure!(
        failed == 0,
        "{} did not take the test event",
        counted(failed, "sink")
    );
    Ok(())
}
