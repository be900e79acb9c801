//! Content into the vault and out of it.

use std::io::{IsTerminal, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use chrono::TimeDelta;
use event_model::{VaultId, VaultItem, VaultOrigin, VaultState};
use serde_json::json;
use vault::{Act, NewItem};

use super::source::{Source, sha256};
use super::{Get, Opened, Put, Restore, progress, show};
use crate::cli::Stream;
use crate::say;

mod back;

pub(super) async fn put(put: &Put) -> anyhow::Result<()> {
    let opened = Opened::new(&put.given).await?;
    let item = match put.file.as_os_str() == "-" {
        true => put_stream(&opened, put).await?,
        false => put_file(&opened, put).await?,
    };
    say(&show::shown(&item, put.given.json), Stream::Out);
    Ok(())
}

async fn put_stream(opened: &Opened, put: &Put) -> anyhow::Result<VaultItem> {
    ensure!(
        !put.moves,
        "standard input cannot be moved: nothing would be removed"
    );
    ensure!(
        put.resume.is_none(),
        "standard input cannot be gone on with: it has no beginning any more"
    );
    let name = put.name.clone().unwrap_or_else(|| "standard input".into());
    let new = new_item(opened, put.keep_days, name, VaultOrigin::Stream);
    let coming = opened.vault.put(new, &opened.by).await?;
    let input = Supply::Stream(standard(std::io::stdin().as_fd())?);
    Ok(take_in(coming, input, None).await?.finish().await?)
}

/// Standard input or output, read or written beside the rest.
pub(super) fn standard(stream: BorrowedFd<'_>) -> std::io::Result<tokio::fs::File> {
    let file = std::fs::File::from(stream.try_clone_to_owned()?);
    Ok(tokio::fs::File::from_std(file))
}

async fn put_file(opened: &Opened, put: &Put) -> anyhow::Result<VaultItem> {
    let source = Source::open(&put.file).await?;
    if put.moves {
        source.can_be_removed()?;
    }
    let coming = match put.resume {
        Some(id) => opened.vault.resume(id, &opened.by).await?,
        None => {
            let name = put.name.clone().unwrap_or_else(|| source.name.clone());
            let new = new_item(opened, put.keep_days, name, source.origin());
            opened.vault.put(new, &opened.by).await?
        }
    };
    let id = coming.id();
    let item = match put_opened(opened, &source, coming).await {
        Ok(item) => item,
        Err(error) => return Err(with_way_on(opened, id, error).await),
    };
    if put.moves {
        remove(opened, &source, &item).await?;
    }
    Ok(item)
}

/// What went wrong, and how to go on, unless the put was given up.
async fn with_way_on(opened: &Opened, id: VaultId, error: anyhow::Error) -> anyhow::Error {
    let found = opened.vault.item(id).await;
    match found.is_ok_and(|item| item.state == VaultState::Receiving) {
        true => error.context(format!(
            "`{id}` is not held: go on with `tidegate vault put --resume {id} FILE`, or give it up with `tidegate vault delete {id}`"
        )),
        false => error,
    }
}

/// Moves a file into the vault. What fails before the vault holds it is given up, and the file is left.
pub(in crate::cli) async fn move_in(
    opened: &Opened,
    path: &Path,
    keep_days: Option<u32>,
) -> anyhow::Result<VaultItem> {
    let source = Source::open(path).await?;
    source.can_be_removed()?;
    let new = new_item(opened, keep_days, source.name.clone(), source.origin());
    let coming = opened.vault.put(new, &opened.by).await?;
    let id = coming.id();
    let item = match put_opened(opened, &source, coming).await {
        Ok(item) => item,
        Err(error) => {
            // It may be given up already; what is left, `vault sweep` gives up.
            if let Err(why) = opened.vault.delete(id, &opened.by).await {
                tracing::info!(%id, %why, "not given up");
            }
            return Err(error);
        }
    };
    remove(opened, &source, &item).await?;
    Ok(item)
}

async fn put_opened(
    opened: &Opened,
    source: &Source,
    coming: ::vault::Put,
) -> anyhow::Result<VaultItem> {
    let mut file = source.file.try_clone().await?.into_std().await;
    if let Some(digest) = coming.digest().filter(|_| coming.received() > 0) {
        let (path, there) = (source.path.clone(), coming.received());
        let same = tokio::task::spawn_blocking(move || sha256(&path, Some(there))).await??;
        ensure!(
            same == digest,
            "`{}` is not what this put began with: give it up and put the file anew",
            source.path.display()
        );
        file.seek(SeekFrom::Start(there))?;
    }
    let id = coming.id();
    let coming = take_in(coming, Supply::File(file), Some(source.bytes())).await?;
    // Before it is held: what was read would be of two files.
    if let Err(changed) = source.is_unchanged() {
        coming.pause().await;
        opened.vault.delete(id, &opened.by).await?;
        return Err(changed);
    }
    Ok(coming.finish().await?)
}

fn new_item(opened: &Opened, keep_days: Option<u32>, name: String, origin: VaultOrigin) -> NewItem {
    let days = keep_days.unwrap_or(opened.config.vault.retention_days);
    let kept = TimeDelta::days(i64::from(days));
    let until = opened.clock.now().checked_add_signed(kept);
    NewItem {
        name,
        origin,
        keep_until: until.filter(|_| days > 0),
    }
}

/// What content comes from.
enum Supply {
    /// A file, from where it stands.
    File(std::fs::File),
    /// What has no place to read from: a pipe.
    Stream(tokio::fs::File),
}

async fn take_in(
    mut coming: ::vault::Put,
    from: Supply,
    bytes: Option<u64>,
) -> anyhow::Result<::vault::Put> {
    let bar = progress::of_bytes("encrypting", bytes);
    // Whoever is interrupted now knows what to go on with.
    say(&format!("taking in {}", coming.id()), Stream::Error);
    let progress = |so_far| bar.set_position(so_far);
    let taken = match from {
        Supply::File(file) => coming.copy_from_file(file, progress).await,
        Supply::Stream(mut stream) => coming.copy_from(&mut stream, progress).await,
    };
    bar.finish_and_clear();
    taken?;
    Ok(coming)
}

/// Removes the file, now that the vault is seen to hold what it has.
async fn remove(opened: &Opened, source: &Source, item: &VaultItem) -> anyhow::Result<()> {
    let bar = progress::of_bytes("verifying", item.bytes);
    let verified = opened
        .vault
        .verify(item.id, &opened.by, |seen| bar.set_position(seen));
    let verified = verified.await;
    bar.finish_and_clear();
    let left = || format!("`{}` is left as it is", source.path.display());
    let path = source.path.clone();
    let here = tokio::task::spawn_blocking(move || sha256(&path, None)).await?;
    ensure!(
        verified.with_context(left)?.sha256 == here.with_context(left)?,
        "the vault does not hold what `{}` has: it is left as it is",
        source.path.display()
    );
    source.is_unchanged().with_context(left)?;
    std::fs::remove_file(&source.path).with_context(left)?;
    back::sync_folder(&source.path).context("the removal is not durable yet")
}

pub(super) async fn get(get: &Get) -> anyhow::Result<()> {
    if get.to.is_none() && std::io::stdout().is_terminal() {
        bail!(
            "content is not written to a terminal: give --to FILE, or lead standard output somewhere"
        );
    }
    let opened = Opened::new(&get.given).await?;
    let content = opened.vault.open(get.id, &opened.by, Act::Read).await?;
    let Some(to) = &get.to else {
        let mut out = standard(std::io::stdout().as_fd())?;
        let bar = progress::of_bytes("decrypting", Some(content.bytes()));
        let sent = content.copy_to(&mut out, |so_far| bar.set_position(so_far));
        let sent = sent.await;
        bar.finish_and_clear();
        return Ok(sent?);
    };
    back::write_new(&content, to).await?;
    let line = match get.given.json {
        true => json!({"id": get.id, "to": to, "bytes": content.bytes(), "sha256": hex::encode(content.sha256())})
            .to_string(),
        false => format!("{} is in `{}`", get.id, to.display()),
    };
    say(&line, Stream::Out);
    Ok(())
}

pub(super) async fn restore(restore: &Restore) -> anyhow::Result<()> {
    let opened = Opened::new(&restore.given).await?;
    let item = opened.vault.item(restore.id).await?;
    let path = target(&item, restore.to.as_deref())?;
    let content = opened
        .vault
        .open(restore.id, &opened.by, Act::Restore)
        .await?;
    let report = back::put_back(&content, &path).await?;
    if restore.remove {
        opened.vault.delete(restore.id, &opened.by).await?;
    }
    let line = match restore.given.json {
        true => json!({"id": restore.id, "path": path, "as_before": report.as_before, "not_restored": report.not_restored})
            .to_string(),
        false => report.told(&path),
    };
    say(&line, Stream::Out);
    Ok(())
}

fn target(item: &VaultItem, elsewhere: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = match (elsewhere, &item.origin) {
        (Some(path), _) => std::path::absolute(path)?,
        (None, VaultOrigin::File { path, .. }) => PathBuf::from(path),
        (None, VaultOrigin::Stream) => {
            bail!(
                "`{}` came as a stream and from no place: give --to FILE",
                item.id
            )
        }
        (None, VaultOrigin::Service { .. }) => {
            bail!(
                "`{}` was taken out of a cloud service: restore it there, from the quarantine, or give --to FILE",
                item.id
            )
        }
    };
    ensure!(
        std::fs::symlink_metadata(&path).is_err(),
        "`{}` is there already and is left as it is: give --to FILE",
        path.display()
    );
    Ok(path)
}
