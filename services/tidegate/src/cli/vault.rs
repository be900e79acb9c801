//! `tidegate vault …`: content held encrypted.
//!
//! It opens the store and the vault itself, while the platform runs or not. Every act is in the audit trail,
//! with the user of this machine as who did it.

mod cat;
mod custody;
mod mount;
mod progress;
mod serve;
mod show;
mod source;
mod transfer;

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use event_model::{VaultId, VaultState};
use ports::{Clock, Entropy, SystemClock, SystemEntropy};

use super::Settings;
use crate::config::Config;
use crate::wiring::{Store, open_store, open_vault};
pub(super) use progress::of_bytes;
pub(super) use transfer::move_in;

/// `tidegate vault …`
#[derive(Debug, Subcommand)]
pub(crate) enum Vault {
    /// List what is held, newest first.
    List(List),
    /// Take a file in, encrypted.
    Put(Put),
    /// Read an item's content; it stays in the vault.
    Get(Get),
    /// Put an item back where it came from, with its permissions, owner and times.
    Restore(Restore),
    /// Delete items for good: their keys first, then their content.
    Delete(Items),
    /// Open every byte of items and say whether they are whole.
    Verify(Verify),
    /// Wrap every item's key with the newest wrapping key. Content is not touched.
    Rotate(Rotate),
    /// Lay a legal hold on an item: nobody deletes it until it is released.
    Hold(Hold),
    /// Take the legal hold off an item.
    Release(Items),
    /// Finish interrupted deletions and give up puts that nobody went on with.
    Sweep(Sweep),
    /// Serve the vault on a local socket, under access policies: who asks is told by the kernel.
    Serve(serve::Serve),
    /// Show items and folders of protected files as files, under access policies.
    Mount(mount::Mount),
    /// Read an item through the socket, as far as access policies let this process; or list what is held.
    Cat(cat::Cat),
    /// Send standard input into the vault through the socket.
    Send(cat::Send),
}

/// What every command has.
#[derive(Debug, Args)]
pub(crate) struct Given {
    /// JSON instead of words: one document a line.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// `tidegate vault list`
#[derive(Debug, Args)]
pub(crate) struct List {
    /// In this state: receiving, held, deleting, deleted. Without it, all but the deleted.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Vec<VaultState>,
    #[command(flatten)]
    given: Given,
}

/// `tidegate vault put`
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The file, or `-` for what comes by standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it is called [default: the file's name].
    #[arg(long)]
    name: Option<String>,
    /// Remove the file once the vault is seen to hold it.
    #[arg(long = "move")]
    moves: bool,
    /// Keep it at least so many days [default: setting `vault_retention_days`].
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
    /// Go on with a put of the same file that was interrupted.
    #[arg(long, value_name = "ITEM", conflicts_with_all = ["name", "keep_days"])]
    resume: Option<VaultId>,
    #[command(flatten)]
    given: Given,
}

/// `tidegate vault get`
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Which item.
    #[arg(value_name = "ITEM")]
    id: VaultId,
    /// Where to write it: a file that is not there yet. Without it, to standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
}

/// `tidegate vault restore`
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Which item.
    #[arg(value_name = "ITEM")]
    id: VaultId,
    /// Somewhere else than where it came from.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Delete it from the vault once it is seen to be back.
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    given: Given,
}

/// Some items.
#[derive(Debug, Args)]
pub(crate) struct Items {
    /// Which items.
    #[arg(value_name = "ITEM", required = true)]
    ids: Vec<VaultId>,
    #[command(flatten)]
    given: Given,
}

/// `tidegate vault verify`
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Which items; all that are held when none is named.
    #[arg(value_name = "ITEM")]
    ids: Vec<VaultId>,
    #[command(flatten)]
    given: Given,
}

/// `tidegate vault rotate`
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Make a new wrapping key first.
    #[arg(long)]
    new_key: bool,
    #[command(flatten)]
    given: Given,
}

/// `tidegate vault hold`
#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// Which item.
    #[arg(value_name = "ITEM")]
    id: VaultId,
    /// The case, in a sentence.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    given: Given,
}

/// `tidegate vault sweep`
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    /// Delete what had to be kept until some moment that has passed, too.
    #[arg(long)]
    expired: bool,
    /// Give up puts that began, or were last gone on with, longer than so many hours ago.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    given_up_after: u32,
    #[command(flatten)]
    given: Given,
}

fn state(word: &str) -> Result<VaultState, String> {
    VaultState::from_word(word)
        .ok_or_else(|| "the states are receiving, held, deleting, deleted".to_owned())
}

impl Vault {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::runtime()?.block_on(async {
            match self {
                Vault::List(list) => show::list(&list).await,
                Vault::Put(put) => transfer::put(&put).await,
                Vault::Get(get) => transfer::get(&get).await,
                Vault::Restore(restore) => transfer::restore(&restore).await,
                Vault::Delete(items) => custody::delete(&items).await,
                Vault::Verify(verify) => custody::verify(&verify).await,
                Vault::Rotate(rotate) => custody::rotate(&rotate).await,
                Vault::Hold(hold) => custody::hold(&hold).await,
                Vault::Release(items) => custody::release(&items).await,
                Vault::Sweep(sweep) => custody::sweep(&sweep).await,
                Vault::Serve(serve) => serve::serve(&serve).await,
                Vault::Mount(mount) => mount::mount(&mount).await,
                Vault::Cat(cat) => cat::cat(&cat).await,
                Vault::Send(send) => cat::send(&send).await,
            }
        })
    }
}

/// The vault of an installation, and who uses it.
pub(super) struct Opened {
    pub(super) vault: ::vault::Vault,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: Config,
    pub(super) by: String,
}

impl Opened {
    pub(super) async fn new(given: &Given) -> anyhow::Result<Self> {
        let config = given.settings.load()?;
        telemetry::start_logging(&config.log_filter, config.log_format)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let store = open_store(&config, clock.as_ref()).await?;
        let vault = open_vault(&config, Arc::clone(&store), Arc::clone(&clock), entropy)?;
        Ok(Opened {
            vault,
            store,
            clock,
            config,
            by: user()?,
        })
    }
}

/// Who runs this: the number is the kernel's, the name is what the environment says.
fn user() -> anyhow::Result<String> {
    let process = std::fs::metadata("/proc/self").context("`/proc` is needed to know who asks")?;
    let name = std::env::var("USER").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = name.chars().filter(plain).take(32).collect();
    Ok(format!("cli:{}:{name}", process.uid()))
}
