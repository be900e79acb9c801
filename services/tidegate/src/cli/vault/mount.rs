//! `tidegate vault mount`: items and protected folders as files, under access policies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use guard::{FileKeys, Mounting};
use ports::{Entropy, SystemEntropy};
use tokio::signal::unix::{SignalKind, signal};

use super::serve::Policies;
use super::{Given, Opened};
use crate::cli::{Stream, signals};
use crate::say;
use crate::wiring::open_keys;

/// `tidegate vault mount`
#[derive(Debug, Args)]
pub(crate) struct Mount {
    /// The folder that is mounted over.
    #[arg(value_name = "DIR")]
    over: PathBuf,
    /// A folder of protected files, shown by its name beside `vault`; several by repeating it.
    #[arg(long, value_name = "DIR")]
    folder: Vec<PathBuf>,
    /// Only for the user who mounts, and not for all.
    #[arg(long)]
    own: bool,
    #[command(flatten)]
    policies: Policies,
    #[command(flatten)]
    given: Given,
}

pub(super) async fn mount(mount: &Mount) -> anyhow::Result<()> {
    let opened = Opened::new(&mount.given).await?;
    opened.vault.look_for_keys().await?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let shown = mount.over.display();
    take_away_dead(&mount.over)?;
    let over = mount.over.canonicalize()?;
    let mounting = Mounting {
        guard: Arc::new(mount.policies.guard(&opened, Some(over.clone())).await?),
        vault: opened.vault.clone(),
        index: opened.store.clone(),
        keys: FileKeys::new(open_keys(&opened.config, &entropy)?, entropy),
        clock: Arc::clone(&opened.clock),
        folders: mount.folder.clone(),
        keep: opened.config.vault.keep(),
        for_all: !mount.own,
    };
    // A file that grows beyond what the process may write is an error then, and not the process's end.
    let beyond = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    let _beyond_limit = signal(beyond)?;
    let stop = signals::asked_to_stop()?;
    let mounted = mounting.mount(&over);
    let mounted = mounted.with_context(|| format!("nothing can be mounted over `{shown}`"))?;
    let line = match mount.given.json {
        true => serde_json::json!({"mounted": mount.over}).to_string(),
        false => format!("mounted over `{shown}`"),
    };
    say(&line, Stream::Out);
    stop.await;
    let ended = tokio::task::spawn_blocking(|| mounted.end()).await?;
    ended.with_context(|| format!("`{shown}` is still mounted"))
}

/// What a mount left that died: nobody answers there any more.
fn take_away_dead(over: &Path) -> anyhow::Result<()> {
    let error = match std::fs::metadata(over) {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let shown = over.display();
    if rustix::io::Errno::from_io_error(&error) != Some(rustix::io::Errno::NOTCONN) {
        return Err(error).with_context(|| format!("`{shown}` cannot be mounted over"));
    }
    let gone = rustix::mount::unmount(over, rustix::mount::UnmountFlags::DETACH);
    gone.with_context(|| format!("a mount that died is left at `{shown}`: unmount it"))
}
