//! A folder of protected files. Every path is looked up below it, by the kernel: no link is followed, none
//! leads out, and no other file system in it is entered.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, mkdirat, openat2, readlinkat,
    renameat_with, unlinkat,
};

use crate::in_place::BESIDE_PREFIX;

/// Most entries of a folder that are listed.
const ENTRIES_MAX: usize = 1_000_000;

pub(super) struct Folder {
    pub(super) name: OsString,
    root: OwnedFd,
}

/// An entry of a folder.
pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) kind: FileType,
}

impl Folder {
    pub(super) fn open(name: OsString, path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Folder { name, root })
    }

    /// Opens what is at a path; a link is none that could be opened.
    pub(super) fn file(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let path = match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        };
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(openat2(&self.root, path, flags, mode, resolve)?)
    }

    /// What is known of what is at a path; of a link itself.
    pub(super) fn meta(&self, path: &Path) -> io::Result<Metadata> {
        File::from(self.file(path, OFlags::PATH, Mode::empty())?).metadata()
    }

    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let folder = self.file(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        let mut entries = Vec::new();
        for entry in Dir::new(folder)?.take(ENTRIES_MAX) {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") && !is_hidden(OsStr::from_bytes(name)) {
                entries.push(Entry {
                    name: OsString::from_vec(name.to_vec()),
                    kind: entry.file_type(),
                });
            }
        }
        Ok(entries)
    }

    pub(super) fn link(&self, path: &Path) -> io::Result<Vec<u8>> {
        let (parent, name) = self.parent(path)?;
        Ok(readlinkat(&parent, name, Vec::new())?.into_bytes())
    }

    pub(super) fn make_folder(&self, path: &Path, mode: Mode) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(mkdirat(&parent, name, mode)?)
    }

    pub(super) fn remove(&self, path: &Path, is_folder: bool) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let flags = match is_folder {
            true => AtFlags::REMOVEDIR,
            false => AtFlags::empty(),
        };
        Ok(unlinkat(&parent, name, flags)?)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path, flags: u32) -> io::Result<()> {
        let flags = RenameFlags::from_bits(flags).ok_or(rustix::io::Errno::INVAL)?;
        let ((from, name), (to, new)) = (self.parent(from)?, self.parent(to)?);
        Ok(renameat_with(&from, name, &to, new, flags)?)
    }

    pub(super) fn room(&self) -> io::Result<rustix::fs::StatVfs> {
        Ok(rustix::fs::fstatvfs(&self.root)?)
    }

    fn parent<'p>(&self, path: &'p Path) -> io::Result<(OwnedFd, &'p OsStr)> {
        let name = path.file_name().ok_or(rustix::io::Errno::INVAL)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        Ok((self.file(parent, flags, Mode::empty())?, name))
    }
}

/// The path of a name in a folder, unless it is none that is shown.
pub(super) fn below(folder: &Path, name: &OsStr) -> Option<PathBuf> {
    let is_plain =
        !name.is_empty() && name != "." && name != ".." && !name.as_bytes().contains(&b'/');
    (is_plain && !is_hidden(name)).then(|| folder.join(name))
}

/// What is being protected, and not yet there.
fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(BESIDE_PREFIX.as_bytes())
}
