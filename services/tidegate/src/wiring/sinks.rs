//! Beside the actions: what goes out to others than the cloud services.

use std::path::Path;
use std::sync::Arc;

use ::sinks::{Desk, Reach, SinkSettings, Sinks, SinksPorts};
use anyhow::Context;

use super::adapters::Adapters;

const SETTING: &str = "the sinks cannot be made (setting `sinks_file`)";

/// The sinks of the file, to hand on.
pub(super) fn at_work(adapters: &Adapters, file: &Path) -> anyhow::Result<Sinks> {
    let ports = SinksPorts {
        log: adapters.log.clone(),
        standings: adapters.store.clone(),
        reach: reach(adapters),
        metrics: Arc::clone(&adapters.metrics),
    };
    Sinks::new(read(file)?, &ports).context(SETTING)
}

/// The sinks of the same file, to look at and to try, whichever process hands on.
pub(super) fn desk(adapters: &Adapters, file: Option<&Path>) -> anyhow::Result<Desk> {
    let settings = file.map(read).transpose()?.unwrap_or_default();
    Ok(Desk::new(settings, adapters.store.clone(), reach(adapters)))
}

fn reach(adapters: &Adapters) -> Reach {
    Reach {
        clock: Arc::clone(&adapters.clock),
        mailer: Arc::clone(&adapters.mailer),
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<SinkSettings>> {
    SinkSettings::of_file(file).context(SETTING)
}
