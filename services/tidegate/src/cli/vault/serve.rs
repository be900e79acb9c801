//! `tidegate vault serve`: the vault on a local socket, under access policies.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use event_model::VAULT_GROUP;
use guard::{Door, Guard, Rules, Witness, WitnessOptions};
use ports::SystemEntropy;
use tokio::net::{UnixListener, UnixStream};

use super::{Given, Opened};
use crate::cli::{Stream, signals};
use crate::say;

/// `tidegate vault serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where the socket is made.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Permission bits of the socket: who may connect. What they may do then is the policies' to say.
    #[arg(long, value_name = "OCTAL", default_value = "666", value_parser = octal)]
    mode: u32,
    #[command(flatten)]
    policies: Policies,
    #[command(flatten)]
    given: Given,
}

/// Which access policies hold.
#[derive(Debug, Args)]
pub(crate) struct Policies {
    /// JSON file with the access policies, instead of those of the installation; changes hold at once.
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,
    /// Which group [default: `vault`; of a file, the only one].
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Count a script as a process, by what its process says it runs. Without it, a script is the shell that runs it.
    #[arg(long)]
    scripts: bool,
}

fn octal(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "permission bits are three octal digits, as `660`".to_owned())
}

impl Policies {
    /// Who gives verdicts by them, and looks for no program where the mount is.
    pub(super) async fn guard(
        &self,
        opened: &Opened,
        mount: Option<PathBuf>,
    ) -> anyhow::Result<Guard> {
        let (clock, entropy) = (Arc::clone(&opened.clock), Arc::new(SystemEntropy));
        let host = rustix::system::uname();
        let options = WitnessOptions {
            host: host.nodename().to_string_lossy().into_owned(),
            scripts: self.scripts,
            apart: mount.into_iter().collect(),
        };
        let witness = Witness::new(options, Arc::clone(&clock));
        let rules = match &self.policies {
            Some(file) => Rules::from_file(file.clone(), self.group.clone(), entropy.clone())?,
            None => {
                let group = self.group.clone().unwrap_or_else(|| VAULT_GROUP.to_owned());
                let store = opened.store.clone();
                let (rules, following) =
                    Rules::from_store(store, group, Arc::clone(&clock)).await?;
                // As long as the process: when it ends, so does whoever goes by them.
                tokio::spawn(following.follow());
                rules
            }
        };
        let audit = opened.store.clone();
        Ok(Guard::new(witness, rules, audit, clock, entropy))
    }
}

pub(super) async fn serve(serve: &Serve) -> anyhow::Result<()> {
    let opened = Opened::new(&serve.given).await?;
    let guard = Arc::new(serve.policies.guard(&opened, None).await?);
    let door = Arc::new(Door::new(
        guard,
        opened.vault.clone(),
        opened.store.clone(),
        Arc::clone(&opened.clock),
        opened.config.vault.keep(),
    ));
    let stop = signals::asked_to_stop()?;
    let listener = listener(&serve.socket, serve.mode).await?;
    let line = match serve.given.json {
        true => serde_json::json!({"socket": serve.socket}).to_string(),
        false => format!("serving the vault at `{}`", serve.socket.display()),
    };
    say(&line, Stream::Out);
    door.serve(listener, stop).await;
    std::fs::remove_file(&serve.socket).context("the socket is left where it was")
}

/// A socket at that place. One that nobody serves any more is taken away first.
async fn listener(path: &Path, mode: u32) -> anyhow::Result<UnixListener> {
    let shown = path.display();
    match std::fs::symlink_metadata(path) {
        Err(_) => {}
        Ok(meta) if !meta.file_type().is_socket() => {
            bail!("`{shown}` is there already, and is no socket")
        }
        Ok(_) if UnixStream::connect(path).await.is_ok() => {
            bail!("somebody serves at `{shown}` already")
        }
        Ok(_) => std::fs::remove_file(path)
            .with_context(|| format!("the former socket `{shown}` cannot be removed"))?,
    }
    let listener = UnixListener::bind(path);
    let listener = listener.with_context(|| format!("the socket `{shown}` cannot be made"))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}
