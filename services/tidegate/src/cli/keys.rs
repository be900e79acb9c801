use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use ports::{Entropy, SystemEntropy};
use sealing::Sealer;

use super::Stream;
use crate::say;

/// `tidegate keys`
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a file with a fresh key, readable by its owner only.
    New {
        /// Where: the file must not be there yet.
        file: PathBuf,
    },
}

impl Keys {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Keys::New { file } = self;
        anyhow::ensure!(
            !file.exists(),
            "`{}` is there already: what it seals could not be read without it, so it is left as it is",
            file.display()
        );
        Sealer::generate_file(&file, |bytes| SystemEntropy.fill(bytes))
            .with_context(|| format!("`{}` cannot be made", file.display()))?;
        say(
            &format!(
                "made `{}`: give it to every process that shares the store (setting `keys_file`), and keep a copy elsewhere",
                file.display()
            ),
            Stream::Out,
        );
        Ok(())
    }
}
