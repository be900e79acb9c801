//! A file becomes a protected one in its place, or one that is not: written whole beside it, looked through,
//! and only then given its name. Whatever fails, the file is as it was, and nothing is left beside it; a
//! process that is killed leaves a file that begins with [`BESIDE_PREFIX`], and the original.
//!
//! Owner, permissions, times and extended attributes (access lists among them) are those of the file before,
//! or it is left as it was.

mod kept;

use std::fs::{File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ports::Entropy;
use ring::digest::{Context as Hash, SHA256};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use thiserror::Error;

use crate::protected::{FileKeys, Protected, ProtectedError, is_protected};

/// How the name of what is written beside a file begins.
pub const BESIDE_PREFIX: &str = ".tidegate-part-";
/// Bytes read and written at a time.
const PIECE_BYTES: usize = 1024 * 1024;

/// Why a file was left as it was.
#[derive(Debug, Error)]
pub enum InPlaceError {
    /// It leads to a file, and is none.
    #[error("it is a symbolic link: name the file that it leads to")]
    Link,
    /// It is a folder, a device or something else.
    #[error("it is not a regular file")]
    NotAFile,
    /// Its content has other names, which would keep it as it is.
    #[error("it has {0} names (hard links): the content would stay as it is under the others")]
    ManyNames(u64),
    /// It changed while it was read.
    #[error("it changed while it was read")]
    Changed,
    /// What was written is not what was read.
    #[error("what was written beside it is not what it holds")]
    Unlike,
    /// Something of it would be lost.
    #[error("its {what} cannot be kept")]
    NotKept {
        /// What.
        what: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be read.
    #[error("it cannot be read")]
    Source(#[source] std::io::Error),
    /// Nothing can be written beside it, or not all of it.
    #[error("it cannot be written anew")]
    Target(#[source] std::io::Error),
    /// As a protected file it is not right.
    #[error(transparent)]
    Protected(#[from] ProtectedError),
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is what was asked for now, with so many bytes of content.
    Changed(u64),
    /// It was already.
    Already,
}

/// Protects files and takes that back.
#[derive(Clone)]
pub struct InPlace {
    keys: FileKeys,
    entropy: Arc<dyn Entropy>,
    /// Whether one of several names of a file is dealt with alone.
    breaks_links: bool,
}

/// A file as it was when it was opened.
struct Source {
    file: File,
    meta: Metadata,
    path: PathBuf,
}

/// What is written beside a file; removed unless it took the file's place.
struct Beside {
    path: PathBuf,
    file: File,
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl InPlace {
    /// With keys of those. `breaks_links`: of a file with several names, the one that is given is dealt with.
    pub fn new(keys: FileKeys, entropy: Arc<dyn Entropy>, breaks_links: bool) -> Self {
        InPlace {
            keys,
            entropy,
            breaks_links,
        }
    }

    /// What would become of it; nothing is done. None when it is so already.
    ///
    /// # Errors
    /// When it would be left as it is.
    pub fn look(&self, path: &Path, protect: bool) -> Result<Option<u64>, InPlaceError> {
        let source = self.open(path)?;
        Ok((source.is_protected()? != protect).then_some(source.meta.len()))
    }

    /// Encrypts a file where it stands.
    ///
    /// # Errors
    /// When it is left as it was.
    pub async fn protect(
        &self,
        path: &Path,
        mut progress: impl FnMut(u64),
    ) -> Result<Done, InPlaceError> {
        let source = self.open(path)?;
        if source.is_protected()? {
            return Ok(Done::Already);
        }
        let beside = self.beside(path)?;
        let target = beside.file.try_clone().map_err(InPlaceError::Target)?;
        let mut written = Protected::create(target, &self.keys).await?;
        let hash = copy(
            |at, into| read(&source.file, into, at).map_err(InPlaceError::Source),
            |at, data| Ok(written.write_at(at, data)?),
            &mut progress,
        )?;
        written.sync()?;
        let bytes = written.bytes();
        drop(written);
        // As whoever reads it later: with the key that stands in it.
        let again = File::open(&beside.path).map_err(InPlaceError::Target)?;
        let again = Protected::open(again, &self.keys).await?;
        let is = copy(
            |at, into| Ok(again.read_at(at, into)?),
            |_, _| Ok(()),
            &mut |_| (),
        )?;
        if is != hash {
            return Err(InPlaceError::Unlike);
        }
        put_in_place(source, beside)?;
        Ok(Done::Changed(bytes))
    }

    /// Decrypts a protected file where it stands.
    ///
    /// # Errors
    /// When it is left as it was.
    pub async fn unprotect(
        &self,
        path: &Path,
        mut progress: impl FnMut(u64),
    ) -> Result<Done, InPlaceError> {
        let source = self.open(path)?;
        if !source.is_protected()? {
            return Ok(Done::Already);
        }
        let file = source.file.try_clone().map_err(InPlaceError::Source)?;
        let protected = Protected::open(file, &self.keys).await?;
        let beside = self.beside(path)?;
        let hash = copy(
            |at, into| Ok(protected.read_at(at, into)?),
            |at, data| {
                beside
                    .file
                    .write_all_at(data, at)
                    .map_err(InPlaceError::Target)
            },
            &mut progress,
        )?;
        beside.file.sync_all().map_err(InPlaceError::Target)?;
        let is = copy(
            |at, into| read(&beside.file, into, at).map_err(InPlaceError::Target),
            |_, _| Ok(()),
            &mut |_| (),
        )?;
        if is != hash {
            return Err(InPlaceError::Unlike);
        }
        put_in_place(source, beside)?;
        Ok(Done::Changed(protected.bytes()))
    }

    fn open(&self, path: &Path) -> Result<Source, InPlaceError> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path);
        let file = file.map_err(|error| match std::fs::symlink_metadata(path) {
            Ok(meta) if meta.is_symlink() => InPlaceError::Link,
            Ok(meta) if !meta.is_file() => InPlaceError::NotAFile,
            _ => InPlaceError::Source(error),
        })?;
        let meta = file.metadata().map_err(InPlaceError::Source)?;
        match (meta.is_file(), meta.nlink()) {
            (false, _) => Err(InPlaceError::NotAFile),
            (true, names) if names > 1 && !self.breaks_links => Err(InPlaceError::ManyNames(names)),
            (true, _) => Ok(Source {
                file,
                meta,
                path: path.to_owned(),
            }),
        }
    }

    fn beside(&self, path: &Path) -> Result<Beside, InPlaceError> {
        let name = format!("{BESIDE_PREFIX}{:032x}", self.entropy.draw());
        let path = path.with_file_name(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let file = file.map_err(InPlaceError::Target)?;
        Ok(Beside { path, file })
    }
}

impl Source {
    fn is_protected(&self) -> Result<bool, InPlaceError> {
        let mut begins = [0; 8];
        let read = read(&self.file, &mut begins, 0).map_err(InPlaceError::Source)?;
        Ok(is_protected(&begins[..read]))
    }

    /// Whether the file, and what has its name, is what was opened.
    fn is_unchanged(&self) -> std::io::Result<bool> {
        let marks = |meta: &Metadata| {
            let place = (meta.dev(), meta.ino(), meta.len(), meta.nlink());
            let changed = (meta.ctime(), meta.ctime_nsec());
            (place, (meta.mtime(), meta.mtime_nsec()), changed)
        };
        let was = marks(&self.meta);
        let named = std::fs::symlink_metadata(&self.path)?;
        Ok(marks(&self.file.metadata()?) == was && marks(&named) == was)
    }

    /// Whether nobody wrote into it: being given another name changes it, too, and does not count.
    fn is_unwritten(&self) -> std::io::Result<bool> {
        let marks = |meta: &Metadata| (meta.len(), meta.mtime(), meta.mtime_nsec());
        Ok(marks(&self.file.metadata()?) == marks(&self.meta))
    }
}

/// Copies everything, and gives back its hash.
fn copy(
    mut from: impl FnMut(u64, &mut [u8]) -> Result<usize, InPlaceError>,
    mut to: impl FnMut(u64, &[u8]) -> Result<(), InPlaceError>,
    progress: &mut impl FnMut(u64),
) -> Result<[u8; 32], InPlaceError> {
    let (mut buffer, mut hash, mut at) = (vec![0; PIECE_BYTES], Hash::new(&SHA256), 0);
    loop {
        let read = from(at, &mut buffer)?;
        if read == 0 {
            let digest = hash.finish();
            return Ok(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"));
        }
        hash.update(&buffer[..read]);
        to(at, &buffer[..read])?;
        at += read as u64;
        progress(at);
    }
}

fn read(file: &File, into: &mut [u8], at: u64) -> std::io::Result<usize> {
    loop {
        match file.read_at(into, at) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// What was written takes the file's name, unless the file changed.
fn put_in_place(source: Source, beside: Beside) -> Result<(), InPlaceError> {
    kept::keep(&source.file, &source.meta, &beside.file)?;
    beside.file.sync_all().map_err(InPlaceError::Target)?;
    if !source.is_unchanged().map_err(InPlaceError::Source)? {
        return Err(InPlaceError::Changed);
    }
    exchange(&source, &beside)?;
    drop(beside);
    let folder = source.path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")));
    let synced = folder.and_then(|folder| folder.sync_all());
    synced.map_err(InPlaceError::Target)
}

/// Exchanges the names, so that what somebody wrote in the last moment is seen, and comes back.
fn exchange(source: &Source, beside: &Beside) -> Result<(), InPlaceError> {
    let exchange = || {
        let (one, other) = (&beside.path, &source.path);
        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
    };
    match exchange() {
        Ok(()) => {}
        // A file system that cannot.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            let renamed = std::fs::rename(&beside.path, &source.path);
            return renamed.map_err(InPlaceError::Target);
        }
        Err(error) => return Err(InPlaceError::Target(error.into())),
    }
    match source.is_unwritten() {
        Ok(true) => Ok(()),
        _ => {
            exchange().map_err(|error| InPlaceError::Target(error.into()))?;
            Err(InPlaceError::Changed)
        }
    }
}
