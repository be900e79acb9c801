//! What is done to one file after the other, each noted in the audit trail before it is done.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use event_model::AuditId;
use guard::{Done, FileKeys, InPlace};
use indicatif::ProgressBar;
use ports::{Entropy, NewAudit, SystemEntropy};
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::found::{Found, found};
use super::{Change, Which};
use crate::cli::Stream;
use crate::cli::vault::{Opened, move_in, of_bytes};
use crate::say;
use crate::wiring::open_keys;

/// Deals with files.
pub(super) struct Acting {
    opened: Opened,
    in_place: InPlace,
    change: Change,
    pub(super) keep_days: Option<u32>,
    is_dry: bool,
    json: bool,
    /// A file that grows beyond what the process may write is an error then, and not the process's end.
    _beyond_limit: Signal,
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done(String),
    Already,
}

impl Acting {
    pub(super) fn new(
        opened: Opened,
        which: &Which,
        change: Change,
        json: bool,
    ) -> anyhow::Result<Self> {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let ring = open_keys(&opened.config, &entropy)?;
        let keys = FileKeys::new(ring, Arc::clone(&entropy));
        let beyond = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        Ok(Acting {
            in_place: InPlace::new(keys, entropy, which.break_hard_links),
            change,
            keep_days: None,
            is_dry: which.dry_run,
            json,
            _beyond_limit: signal(beyond)?,
            opened,
        })
    }

    /// Every file that was named.
    pub(super) async fn all(&self, which: &Which) -> anyhow::Result<()> {
        let Found {
            files,
            refused,
            bytes,
        } = found(which, &self.opened.config.data)?;
        let all = files.len() + refused.len();
        let mut left = refused.len();
        let bar = match self.change {
            // Each item has a bar of its own.
            Change::ToVault => ProgressBar::hidden(),
            _ => of_bytes("protecting", Some(bytes)),
        };
        let tell = |path: &Path, line: &str| bar.suspend(|| self.tell(path, line, None));
        for (path, why) in &refused {
            bar.suspend(|| self.tell(path, why, Some(false)));
        }
        let mut before = 0;
        for path in &files {
            let length = std::fs::symlink_metadata(path).map_or(0, |meta| meta.len());
            let done = self
                .one(path, &|so_far| bar.set_position(before + so_far))
                .await;
            before += length;
            bar.set_position(before);
            match done {
                Ok(Outcome::Done(what)) => tell(path, &what),
                Ok(Outcome::Already) => tell(path, "is so already"),
                Err(error) => {
                    left += 1;
                    bar.suspend(|| self.tell(path, &format!("{error:#}"), Some(false)));
                }
            }
        }
        bar.finish_and_clear();
        if left > 0 {
            bail!("{left} of {all} left as they were");
        }
        Ok(())
    }

    /// One file.
    pub(super) async fn one(
        &self,
        path: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> anyhow::Result<Outcome> {
        let protects = self.change != Change::Unprotect;
        let Some(bytes) = self.in_place.look(path, protects)? else {
            return Ok(Outcome::Already);
        };
        let word = match self.change {
            Change::Protect => "protected",
            Change::ToVault => "moved into the vault",
            Change::Unprotect => "unprotected",
        };
        if self.is_dry {
            return Ok(Outcome::Done(format!("would be {word}: {bytes} bytes")));
        }
        let done = match self.change {
            Change::ToVault => {
                let item = move_in(&self.opened, path, self.keep_days).await?;
                return Ok(Outcome::Done(format!("{word} as {}", item.id)));
            }
            Change::Protect => {
                self.note("file.protect", path).await?;
                self.in_place.protect(path, progress).await?
            }
            Change::Unprotect => {
                self.note("file.unprotect", path).await?;
                self.in_place.unprotect(path, progress).await?
            }
        };
        Ok(match done {
            Done::Changed(bytes) => Outcome::Done(format!("{word}: {bytes} bytes")),
            Done::Already => Outcome::Already,
        })
    }

    /// Whether a file is protected already.
    pub(super) fn is_done(&self, path: &Path) -> anyhow::Result<bool> {
        Ok(self.in_place.look(path, true)?.is_none())
    }

    /// A line about a file: `well` says that it was dealt with (the default), or not.
    pub(super) fn tell(&self, path: &Path, what: &str, well: Option<bool>) {
        let is_well = well.unwrap_or(true);
        let to = match is_well || self.json {
            true => Stream::Out,
            false => Stream::Error,
        };
        let line = match self.json {
            true => as_json(path, what, is_well).to_string(),
            false if is_well => format!("`{}` {what}", shown(path)),
            false => format!("`{}` is left as it is: {what}", shown(path)),
        };
        say(&line, to);
    }

    async fn note(&self, action: &str, path: &Path) -> anyhow::Result<()> {
        let (now, whole) = (self.opened.clock.now(), std::path::absolute(path)?);
        let entry = NewAudit {
            id: AuditId::new(now, SystemEntropy.draw()),
            at: now,
            actor: self.opened.by.clone(),
            action: action.to_owned(),
            subject: shown(&whole),
            detail: "where it stands".to_owned(),
        };
        Ok(self.opened.store.audit(&entry).await?)
    }
}

/// A path without control characters.
fn shown(path: &Path) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    path.display().to_string().chars().map(plain).collect()
}

/// A path that is not UTF-8 has its bytes, too.
fn as_json(path: &Path, what: &str, is_well: bool) -> Value {
    let bytes = path.as_os_str().as_bytes();
    let hex = path.to_str().is_none().then(|| hex::encode(bytes));
    json!({"path": PathBuf::from(path).display().to_string(), "path_hex": hex, "done": is_well, "what": what})
}
