//! Writing content as a file: beside its place first, whole and verified, and only then by its name. A name
//! that is taken is never written over.

use std::fs::{File, FileTimes, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, ensure};
use event_model::VaultOrigin;
use vault::Content;

use super::super::progress;
use super::super::source::sha256;

/// What is as it was, and what could not be brought back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) as_before: Vec<&'static str>,
    pub(super) not_restored: Vec<String>,
}

impl Report {
    fn note(&mut self, what: &'static str, done: std::io::Result<()>) {
        match done {
            Ok(()) => self.as_before.push(what),
            Err(error) => self.not_restored.push(format!("{what}: {error}")),
        }
    }

    pub(super) fn told(&self, path: &Path) -> String {
        let mut line = format!(
            "`{}` is back: {} as before",
            path.display(),
            self.as_before.join(", ")
        );
        if !self.not_restored.is_empty() {
            line.push_str(&format!("; not restored: {}", self.not_restored.join(", ")));
        }
        line
    }
}

/// A file that is removed unless it got its name.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes the content as a new file that only its owner reads.
pub(super) async fn write_new(content: &Content, path: &Path) -> anyhow::Result<()> {
    let beside = write_beside(content, path).await?;
    name(&beside, path)
}

/// Writes the content as a file with everything that is known of the one it was.
pub(super) async fn put_back(content: &Content, path: &Path) -> anyhow::Result<Report> {
    let beside = write_beside(content, path).await?;
    let written = beside.0.clone();
    let here = tokio::task::spawn_blocking(move || sha256(&written, None)).await??;
    ensure!(
        here == content.sha256(),
        "what was written is not what the vault holds"
    );
    let mut report = Report::default();
    report.note("content", Ok(()));
    if let VaultOrigin::File {
        path: before,
        mode,
        uid,
        gid,
        modified_at,
    } = &content.item().origin
    {
        // The owner first: changing it takes set-user-id bits away.
        report.note("owner", chown(&beside.0, Some(*uid), Some(*gid)));
        let permissions = Permissions::from_mode(*mode);
        report.note(
            "permissions",
            std::fs::set_permissions(&beside.0, permissions),
        );
        let times = FileTimes::new().set_modified(SystemTime::from(*modified_at));
        let set = File::open(&beside.0).and_then(|file| file.set_times(times));
        report.note("time of change", set);
        match Path::new(before) == path {
            true => report.as_before.push("path"),
            false => report.not_restored.push(format!("path: it was `{before}`")),
        }
    }
    name(&beside, path)?;
    Ok(report)
}

async fn write_beside(content: &Content, path: &Path) -> anyhow::Result<Beside> {
    let name = format!(".{}.{}.part", content.item().id, std::process::id());
    let beside = path.with_file_name(name);
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside);
    let file = file.with_context(|| format!("`{}` cannot be written", beside.display()))?;
    let beside = Beside(beside);
    let bar = progress::of_bytes("decrypting", Some(content.bytes()));
    let written = content.copy_to_file(&file, |so_far| bar.set_position(so_far));
    let written = written.await;
    bar.finish_and_clear();
    written?;
    tokio::task::spawn_blocking(move || file.sync_all()).await??;
    Ok(beside)
}

/// Gives the file its name, if nobody has it.
fn name(beside: &Beside, path: &Path) -> anyhow::Result<()> {
    std::fs::hard_link(&beside.0, path)
        .with_context(|| format!("`{}` cannot be made", path.display()))?;
    std::fs::remove_file(&beside.0)?;
    sync_folder(path).with_context(|| format!("`{}` may not be durable yet", path.display()))
}

/// Makes a change of names in a file's folder durable.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
