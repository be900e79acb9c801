//! A file to take in: what it is, and whether it is still that when it has been read.

use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use event_model::VaultOrigin;
use ring::digest::{Context as Hash, SHA256};

/// Bytes read at a time where a file is only hashed.
const READ_BYTES: usize = 1024 * 1024;

/// A regular file that was opened.
pub(super) struct Source {
    pub(super) file: tokio::fs::File,
    pub(super) path: PathBuf,
    pub(super) name: String,
    meta: Metadata,
}

impl Source {
    /// # Errors
    /// When it is not a regular file with a name that can be noted.
    pub(super) async fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let meta = std::fs::symlink_metadata(path);
        let meta = meta.with_context(|| format!("`{shown}` cannot be read"))?;
        ensure!(
            !meta.is_symlink(),
            "`{shown}` is a symbolic link: name the file that it leads to"
        );
        ensure!(meta.is_file(), "`{shown}` is not a regular file");
        let path = std::path::absolute(path)?;
        let name = path.file_name().and_then(|name| name.to_str());
        let (Some(name), Some(_)) = (name.map(str::to_owned), path.to_str()) else {
            bail!("the name of `{shown}` is not UTF-8: it could not be put back; rename it first");
        };
        let file = tokio::fs::File::open(&path).await;
        let file = file.with_context(|| format!("`{shown}` cannot be read"))?;
        let opened = file.metadata().await?;
        let source = Source {
            file,
            path,
            name,
            meta,
        };
        ensure!(
            source.is_same(&opened),
            "`{shown}` changed while it was opened"
        );
        Ok(source)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.meta.len()
    }

    /// What is needed to put it back.
    pub(super) fn origin(&self) -> VaultOrigin {
        let nanos = u32::try_from(self.meta.mtime_nsec()).unwrap_or_default();
        VaultOrigin::File {
            path: self.path.display().to_string(),
            mode: self.meta.mode() & 0o7777,
            uid: self.meta.uid(),
            gid: self.meta.gid(),
            modified_at: DateTime::<Utc>::from_timestamp(self.meta.mtime(), nanos)
                .unwrap_or_default(),
        }
    }

    /// # Errors
    /// When removing the file would not remove its content.
    pub(super) fn can_be_removed(&self) -> anyhow::Result<()> {
        ensure!(
            self.meta.nlink() == 1,
            "`{}` has {} names (hard links): removing one would leave its content under the others",
            self.path.display(),
            self.meta.nlink()
        );
        Ok(())
    }

    /// # Errors
    /// When the file, or what has its name now, is not what was opened.
    pub(super) fn is_unchanged(&self) -> anyhow::Result<()> {
        let now = std::fs::symlink_metadata(&self.path);
        ensure!(
            now.is_ok_and(|now| self.is_same(&now)),
            "`{}` changed while it was read",
            self.path.display()
        );
        Ok(())
    }

    fn is_same(&self, other: &Metadata) -> bool {
        let marks = |meta: &Metadata| {
            let place = (meta.dev(), meta.ino(), meta.len(), meta.nlink());
            (
                place,
                meta.mtime(),
                meta.mtime_nsec(),
                meta.ctime(),
                meta.ctime_nsec(),
            )
        };
        marks(&self.meta) == marks(other)
    }
}

/// The SHA-256 of a file's first bytes, or of all of it.
pub(super) fn sha256(path: &Path, bytes: Option<u64>) -> anyhow::Result<[u8; 32]> {
    let file = std::fs::File::open(path)?;
    let (mut file, mut hash) = (file.take(bytes.unwrap_or(u64::MAX)), Hash::new(&SHA256));
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok(hash.finish().as_ref().try_into()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_file_that_changed_since_it_was_opened_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        // what becomes of the file => whether it is still what was opened
        type Change = fn(&Path) -> std::io::Result<()>;
        let rows: [(&str, Change, bool); 5] = [
            ("nothing", |_| Ok(()), true),
            (
                "written",
                |path| {
                    fs::write(path, b"other!!")?;
                    let file = fs::File::options().write(true).open(path)?;
                    // Writes that follow each other at once can have one time.
                    file.set_modified(std::time::UNIX_EPOCH)
                },
                false,
            ),
            (
                "longer",
                |path| fs::write(path, b"longer than before"),
                false,
            ),
            ("gone", |path| fs::remove_file(path), false),
            (
                "another by its name",
                |path| {
                    fs::write(path.with_extension("new"), b"content")?;
                    fs::rename(path.with_extension("new"), path)
                },
                false,
            ),
        ];
        for (what, change, is_unchanged) in rows {
            fs::write(&path, b"content").unwrap();
            let source = Source::open(&path).await.unwrap();
            assert_eq!(source.bytes(), 7);
            change(&path).unwrap();
            assert_eq!(source.is_unchanged().is_ok(), is_unchanged, "{what}");
        }
    }

    #[test]
    fn a_hash_is_of_so_many_bytes_as_are_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"content").unwrap();
        let expected = |bytes: &[u8]| ring::digest::digest(&SHA256, bytes);
        for (bytes, of) in [
            (None, &b"content"[..]),
            (Some(3), b"con"),
            (Some(9), b"content"),
        ] {
            assert_eq!(sha256(&path, bytes).unwrap()[..], *expected(of).as_ref());
        }
    }
}
