//! A file of a folder, shared by all who have it open: its length is one. It is protected, or empty and will
//! be with the first byte that is written, or it lay there unprotected.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Arc, RwLock, Weak};

use rustix::io::Errno;
use tokio::runtime::Handle;

use crate::protected::{FileKeys, Protected, ProtectedError, is_protected};

/// What a file holds.
enum Holds {
    Protected(Box<Protected>),
    Nothing,
    /// As it was when it lay there before.
    Plaintext,
}

pub(super) struct Shared {
    file: File,
    keys: FileKeys,
    runtime: Handle,
    /// None until somebody wants plaintext, and after ciphertext was written.
    holds: RwLock<Option<Holds>>,
}

/// Files that are open, by device and inode.
#[derive(Default)]
pub(super) struct OpenFiles {
    files: std::collections::HashMap<(u64, u64), Weak<Shared>>,
}

impl OpenFiles {
    /// The file that others have open already, or this one.
    pub(super) fn share(
        &mut self,
        file: File,
        keys: &FileKeys,
        runtime: &Handle,
    ) -> io::Result<Arc<Shared>> {
        let meta = file.metadata()?;
        let key = (meta.dev(), meta.ino());
        if let Some(shared) = self.files.get(&key).and_then(Weak::upgrade) {
            return Ok(shared);
        }
        self.files.retain(|_, shared| shared.strong_count() > 0);
        let shared = Arc::new(Shared {
            file,
            keys: keys.clone(),
            runtime: runtime.clone(),
            holds: RwLock::default(),
        });
        self.files.insert(key, Arc::downgrade(&shared));
        Ok(shared)
    }

    /// How long the content of a file is that is open.
    pub(super) fn bytes(&self, key: (u64, u64)) -> Option<u64> {
        let shared = self.files.get(&key)?.upgrade()?;
        let holds = shared.holds.read().expect("no holder panics");
        match holds.as_ref()? {
            Holds::Protected(protected) => Some(protected.bytes()),
            Holds::Nothing | Holds::Plaintext => None,
        }
    }
}

impl Shared {
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(holds) = &*self.holds.read().expect("no holder panics") {
                return match holds {
                    Holds::Protected(protected) => told(protected.read_at(offset, into)),
                    Holds::Nothing => Ok(0),
                    Holds::Plaintext => read_full(&self.file, into, offset),
                };
            }
            let mut holds = self.holds.write().expect("no holder panics");
            self.known(&mut holds)?;
        }
    }

    /// Writes plaintext; at the end when there is no place given.
    pub(super) fn write(&self, offset: Option<u64>, data: &[u8]) -> io::Result<()> {
        let mut holds = self.holds.write().expect("no holder panics");
        let protected = self.protected(&mut holds)?;
        let offset = offset.unwrap_or(protected.bytes());
        told(protected.write_at(offset, data))
    }

    pub(super) fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        let mut holds = self.holds.write().expect("no holder panics");
        if bytes == 0 {
            self.file.set_len(0)?;
            *holds = Some(Holds::Nothing);
            return Ok(());
        }
        told(self.protected(&mut holds)?.set_bytes(bytes))
    }

    /// Reads what is stored: ciphertext, and never what lies there unprotected.
    pub(super) fn read_stored(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        // Nobody writes meanwhile: what is ciphertext now is when it is read.
        let _holds = self.holds.read().expect("no holder panics");
        self.is_ciphertext()?;
        read_full(&self.file, into, offset)
    }

    /// Writes what was stored; at the end when there is no place given.
    pub(super) fn write_stored(&self, offset: Option<u64>, data: &[u8]) -> io::Result<()> {
        let mut holds = self.holds.write().expect("no holder panics");
        // INVARIANT: what lies there unprotected does not become what is read as ciphertext.
        self.is_ciphertext()?;
        *holds = None;
        let offset = offset.map_or_else(|| Ok(self.file.metadata()?.len()), io::Result::Ok)?;
        self.file.write_all_at(data, offset)
    }

    pub(super) fn set_stored_bytes(&self, bytes: u64) -> io::Result<()> {
        let mut holds = self.holds.write().expect("no holder panics");
        if bytes > 0 {
            self.is_ciphertext()?;
        }
        *holds = None;
        self.file.set_len(bytes)
    }

    fn is_ciphertext(&self) -> io::Result<()> {
        match begins(&self.file)? {
            None | Some(true) => Ok(()),
            Some(false) => Err(Errno::ACCESS.into()),
        }
    }

    fn known(&self, holds: &mut Option<Holds>) -> io::Result<()> {
        if holds.is_some() {
            return Ok(());
        }
        *holds = Some(match begins(&self.file)? {
            None => Holds::Nothing,
            Some(false) => Holds::Plaintext,
            Some(true) => {
                let opened = Protected::open(self.file.try_clone()?, &self.keys);
                Holds::Protected(Box::new(told(self.runtime.block_on(opened))?))
            }
        });
        Ok(())
    }

    /// As a protected file; one that is empty becomes one.
    fn protected<'h>(&self, holds: &'h mut Option<Holds>) -> io::Result<&'h mut Protected> {
        self.known(holds)?;
        if matches!(holds, Some(Holds::Nothing)) {
            let created = Protected::create(self.file.try_clone()?, &self.keys);
            let created = told(self.runtime.block_on(created))?;
            *holds = Some(Holds::Protected(Box::new(created)));
        }
        match holds {
            Some(Holds::Protected(protected)) => Ok(protected),
            // It would be half encrypted: protect it first, or write it anew.
            _ => Err(Errno::PERM.into()),
        }
    }
}

/// Whether what a file holds is protected; none when it holds nothing.
pub(super) fn begins(file: &File) -> io::Result<Option<bool>> {
    let mut begins = [0; 8];
    let read = read_full(file, &mut begins, 0)?;
    Ok((read > 0).then(|| is_protected(&begins[..read])))
}

fn read_full(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < into.len() {
        match file.read_at(&mut into[done..], offset + done as u64)? {
            0 => break,
            read => done += read,
        }
    }
    Ok(done)
}

/// What a program is told: the disk's own word, or that the file is damaged.
fn told<T>(done: Result<T, ProtectedError>) -> io::Result<T> {
    done.map_err(|error| match error {
        ProtectedError::Io(error) => error,
        ProtectedError::TooLong => Errno::FBIG.into(),
        error => {
            tracing::error!(error = &error as &dyn std::error::Error, "a protected file");
            Errno::IO.into()
        }
    })
}
