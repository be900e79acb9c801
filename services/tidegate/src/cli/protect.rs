//! `tidegate protect`, `tidegate unprotect`: files encrypted where they stand, or moved into the vault. A file
//! that is refused is told with its reason and left as it is; the others are dealt with, and the end says how
//! many were refused.

mod act;
mod found;
mod watch;

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;

use super::vault::{Given, Opened};
use act::Acting;

/// `tidegate protect`
#[derive(Debug, Args)]
pub(crate) struct Protect {
    #[command(flatten)]
    which: Which,
    /// Move files into the vault, instead of encrypting them where they stand.
    #[arg(long)]
    to_vault: bool,
    /// Keep them there at least so many days [default: setting `vault_retention_days`].
    #[arg(long, value_name = "DAYS", requires = "to_vault")]
    keep_days: Option<u32>,
    /// Go on watching these folders, and protect what `.ip-labels` manifests in them label.
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// Switches on that labels decide what is protected; needed to watch.
    #[arg(long, requires = "watch")]
    selective: bool,
    /// Only what has this label; several by repeating it. Without it, any label.
    #[arg(long, value_name = "NAME", requires = "watch")]
    label: Vec<String>,
    /// Settings of labels (TOML): keys, and whom to believe.
    #[arg(long, value_name = "FILE", requires = "watch")]
    label_settings: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
}

/// `tidegate unprotect`
#[derive(Debug, Args)]
pub(crate) struct Unprotect {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    given: Given,
}

/// Which files.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Files; folders with `--recursive`, or to watch.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Folders, with everything below them.
    #[arg(long, short)]
    recursive: bool,
    /// Of folders, only files that match; several by repeating it.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Of folders, no file that matches, and nothing of a folder that does; several by repeating it.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Of a file with several names, deal with the one that is given: the others keep the content as it is.
    #[arg(long)]
    break_hard_links: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What becomes of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Protect,
    ToVault,
    Unprotect,
}

impl Protect {
    pub(super) fn run(self) -> anyhow::Result<()> {
        ensure!(
            !self.watch || self.selective,
            "to watch is to let labels decide what is encrypted: switch that on with --selective"
        );
        let change = match self.to_vault {
            true => Change::ToVault,
            false => Change::Protect,
        };
        super::runtime()?.block_on(async {
            let opened = Opened::new(&self.given).await?;
            // Protecting makes the keys where there are none.
            opened.vault.look_for_keys().await?;
            let json = self.given.json;
            let mut acting = Acting::new(opened, &self.which, change, json)?;
            acting.keep_days = self.keep_days;
            match self.watch {
                true => watch::run(&self, &acting).await,
                false => acting.all(&self.which).await,
            }
        })
    }
}

impl Unprotect {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::runtime()?.block_on(async {
            let opened = Opened::new(&self.given).await?;
            let json = self.given.json;
            let acting = Acting::new(opened, &self.which, Change::Unprotect, json)?;
            acting.all(&self.which).await
        })
    }
}
