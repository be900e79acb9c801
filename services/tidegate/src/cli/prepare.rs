use anyhow::Context;
use clap::Args;
use ports::{Entropy, SystemEntropy};
use sealing::Sealer;

use super::{Settings, Stream};
use crate::say;
use crate::wiring::Adapters;

/// `tidegate prepare`
#[derive(Debug, Args)]
pub(crate) struct Prepare {
    #[command(flatten)]
    settings: Settings,
    /// Make the keys, too, where the file of the setting `keys_file` is not there yet.
    #[arg(long)]
    make_keys: bool,
}

impl Prepare {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?;
        telemetry::start_logging(&config.log_filter, config.log_format)?;
        let keys = &config.keys_file;
        if self.make_keys && !keys.exists() {
            Sealer::generate_file(keys, |bytes| SystemEntropy.fill(bytes)).with_context(|| {
                format!(
                    "the keys `{}` cannot be made (setting `keys_file`)",
                    keys.display()
                )
            })?;
            say(&format!("made the keys `{}`", keys.display()), Stream::Out);
        }
        super::runtime()?.block_on(async {
            let adapters = Adapters::open(&config).await?;
            adapters.close().await;
            say(
                "the store and the log are ready for this version",
                Stream::Out,
            );
            Ok(())
        })
    }
}
