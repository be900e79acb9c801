//! Items of the vault and folders of protected files, as files. Who opens, reads or writes is told by the
//! kernel with each request; nothing is kept in its page cache, and plaintext and ciphertext of one file are
//! two inodes, so that what one process read is never served to another.
//!
//! - `vault/`: what is held, each item by its name, of several that have one name the newest. What is written
//!   there whole is a new item; what stands there is never changed in a place.
//! - each folder by its own name: what is written there is encrypted as it comes. What lay there unprotected
//!   is read as it is, by whom plaintext is allowed.
//!
//! Nothing is run from a mount, and no link leads out of a folder.

mod attributes;
mod folder;
mod items;
mod nodes;
mod open;
mod reading;
mod serving;
mod shared;
mod writing;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;
use fuser::{BackgroundSession, Config, MountOption, SessionACL};
use ports::{Clock, VaultIndex};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use tokio::runtime::Handle;
use vault::Vault;

use crate::guarding::Guard;
use crate::protected::FileKeys;
use folder::Folder;
use items::Items;
use serving::Serving;

/// Threads that answer requests.
const THREADS: usize = 8;

/// What is mounted, and who judges.
pub struct Mounting {
    /// Who judges.
    pub guard: Arc<Guard>,
    /// Whose items.
    pub vault: Vault,
    /// What is known of them.
    pub index: Arc<dyn VaultIndex>,
    /// Keys of files.
    pub keys: FileKeys,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Folders of protected files.
    pub folders: Vec<PathBuf>,
    /// How long what is written into the vault is kept at least.
    pub keep: Option<TimeDelta>,
    /// Whether every user may come in, and not only the one who mounts.
    pub for_all: bool,
}

/// A mount, until it is ended or dropped.
pub struct Mounted {
    session: BackgroundSession,
    over: PathBuf,
}

impl Mounting {
    /// Mounts over that folder. The requests are answered on threads of their own, which wait for tasks of
    /// the runtime that this is called in.
    ///
    /// # Errors
    /// When a folder cannot be opened, or two have one name, or nothing can be mounted there.
    pub fn mount(self, over: &Path) -> io::Result<Mounted> {
        let mut folders: Vec<Folder> = Vec::new();
        for path in &self.folders {
            let name = path.canonicalize()?.file_name().map(OsString::from);
            let name = name.ok_or_else(|| io::Error::other("a folder needs a name"))?;
            if name == "vault" || folders.iter().any(|one| one.name == name) {
                let shown = name.display();
                return Err(io::Error::other(format!(
                    "two folders are called `{shown}`"
                )));
            }
            folders.push(Folder::open(name, path)?);
        }
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("tidegate".to_owned()),
            MountOption::DefaultPermissions,
            MountOption::NoExec,
            MountOption::NoSuid,
            MountOption::NoDev,
        ];
        config.acl = match self.for_all {
            true => SessionACL::All,
            false => SessionACL::Owner,
        };
        config.n_threads = Some(THREADS);
        config.clone_fd = true;
        let items = Items::new(self.vault, self.index, self.clock, self.keep);
        let serving = Serving::new(self.guard, items, self.keys, folders, Handle::current());
        let session = fuser::spawn_mount(serving, over, &config)?;
        let over = over.to_owned();
        Ok(Mounted { session, over })
    }
}

impl Mounted {
    /// Takes the mount away and waits until the last request is answered. Where somebody has a file open, only
    /// the name is taken away: what is open ends with this process.
    ///
    /// # Errors
    /// When it cannot be taken away.
    pub fn end(self) -> io::Result<()> {
        let Mounted { session, over } = self;
        match session.umount_and_join() {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::BUSY) => {
                unmount(over, UnmountFlags::DETACH).map_err(io::Error::from)
            }
            other => other,
        }
    }
}
