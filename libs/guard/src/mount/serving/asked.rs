//! Who asks, what they see, and where it is.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::View;
use fuser::{Errno, FileAttr, FileType, Request};
use rustix::fs::{Mode, OFlags, StatVfs, fgetxattr};

use super::super::attributes;
use super::super::folder::below;
use super::super::items;
use super::super::nodes::Place;
use super::super::open::Open;
use super::super::shared::begins;
use super::{Serving, Spot};
use crate::guarding::Verdict;
use crate::protected::content_bytes;
use crate::wire::Shown;

/// How long judging may take: a path that leads back into the mount would wait for itself.
const JUDGED_WITHIN: Duration = Duration::from_secs(2);
/// Bits of the group. Where a file has an access list they are its mask, and give nobody anything here.
const GROUP_BITS: u16 = 0o070;

pub(super) type Done<T> = Result<T, Errno>;

/// What they see of a file who may do that with it.
pub(super) fn seen(verdict: &Verdict) -> Option<Shown> {
    match verdict.allowed.read.max(verdict.allowed.write) {
        View::Plaintext => Some(Shown::Plaintext),
        View::Ciphertext => Some(Shown::Ciphertext),
        View::Nothing => None,
    }
}

/// Whether a view is of what is shown.
pub(super) fn is_view(view: View, shown: Shown) -> bool {
    match shown {
        Shown::Plaintext => view == View::Plaintext,
        Shown::Ciphertext => view == View::Ciphertext,
    }
}

impl Serving {
    /// What holds for who asks.
    pub(super) fn verdict(&self, req: &Request, what: &'static str) -> Done<Arc<Verdict>> {
        let (pid, uid) = (req.pid(), req.uid());
        // Ourselves: we only ask by mistake, and wait for no answer that could wait for us.
        if Path::new("/proc/self/task").join(pid.to_string()).exists() {
            return Err(Errno::EACCES);
        }
        match self.guard.kept_verdict(pid, uid) {
            Ok(Some(verdict)) => return Ok(verdict),
            Ok(None) => {}
            Err(error) => return Err(self.unknown(uid, what, &error.to_string())),
        }
        let guard = Arc::clone(&self.guard);
        let judging = self.runtime.spawn_blocking(move || guard.verdict(pid, uid));
        let judged = self
            .runtime
            .block_on(async { tokio::time::timeout(JUDGED_WITHIN, judging).await });
        match judged {
            Ok(Ok(Ok(verdict))) => Ok(verdict),
            Ok(Ok(Err(error))) => Err(self.unknown(uid, what, &error.to_string())),
            Ok(Err(_)) | Err(_) => Err(self.unknown(uid, what, "judging took too long")),
        }
    }

    fn unknown(&self, uid: u32, what: &'static str, why: &str) -> Errno {
        self.note(
            format!("mount:{uid}"),
            what,
            "mount".to_owned(),
            why.to_owned(),
        );
        Errno::EACCES
    }

    /// Refuses, and writes it down.
    pub(super) fn denied(&self, verdict: &Verdict, what: &'static str, place: &Place) -> Errno {
        let why = format!("{}, by {}", verdict.because, verdict.asker.chain());
        let subject = match place {
            Place::Root => "mount".to_owned(),
            Place::Vault => "vault".to_owned(),
            Place::Item(id) => id.to_string(),
            Place::Folder(number, path) => {
                let folder = self.folders.get(*number).map(|one| one.name.display());
                let folder = folder.map_or_else(String::new, |name| name.to_string());
                format!("{folder}/{}", path.display())
            }
        };
        self.note(verdict.asker.told("mount"), what, subject, why);
        Errno::EACCES
    }

    fn note(&self, actor: String, what: &'static str, subject: String, why: String) {
        let guard = Arc::clone(&self.guard);
        let noting = async move { guard.note_refusal(&actor, what, &subject, &why).await };
        // INVARIANT: a refusal is written down before it is told.
        if let Err(error) = self.runtime.block_on(noting) {
            tracing::error!(%error, "a refusal is not in the audit trail");
        }
    }

    pub(super) fn place(&self, number: u64) -> Done<(Place, Shown)> {
        let nodes = self.nodes.lock().expect("no holder panics");
        nodes.get(number).ok_or(Errno::ENOENT)
    }

    /// Where a name of a folder is.
    pub(super) fn child(&self, parent: u64, name: &OsStr) -> Done<Place> {
        match self.place(parent)?.0 {
            Place::Root if name == "vault" => Ok(Place::Vault),
            Place::Root => {
                let found = self.folders.iter().position(|one| one.name == name);
                let number = found.ok_or(Errno::ENOENT)?;
                Ok(Place::Folder(number, PathBuf::new()))
            }
            Place::Vault => {
                let name = name.to_str().ok_or(Errno::ENOENT)?;
                let found = self.runtime.block_on(self.items.named(name));
                let item = found.map_err(failed)?.ok_or(Errno::ENOENT)?;
                Ok(Place::Item(item.id))
            }
            Place::Item(_) => Err(Errno::ENOTDIR),
            Place::Folder(number, path) => {
                let path = below(&path, name).ok_or(Errno::ENOENT)?;
                Ok(Place::Folder(number, path))
            }
        }
    }

    /// A file of a folder, and nothing else.
    pub(super) fn spot(&self, place: &Place) -> Done<Spot<'_>> {
        match place {
            Place::Folder(number, path) => Ok(Spot {
                folder: self.folders.get(*number).ok_or(Errno::ENOENT)?,
                number: *number,
                path: path.clone(),
            }),
            Place::Root | Place::Vault | Place::Item(_) => Err(Errno::EROFS),
        }
    }

    pub(super) fn looked_up(&self, req: &Request, parent: u64, name: &OsStr) -> Done<FileAttr> {
        // Who may do nothing is not told which items there are.
        let in_vault = self.place(parent)?.0 == Place::Vault;
        if in_vault {
            let verdict = self.verdict(req, "looking up")?;
            if seen(&verdict).is_none() {
                return Err(self.denied(&verdict, "looking up", &Place::Vault));
            }
        }
        let place = self.child(parent, name)?;
        self.entered(req, place)
    }

    /// The kernel is told of it, as who asks sees it.
    pub(super) fn entered(&self, req: &Request, place: Place) -> Done<FileAttr> {
        let shown = match self.is_file(&place)? {
            false => Shown::Plaintext,
            true => {
                let verdict = self.verdict(req, "looking up")?;
                let seen = seen(&verdict);
                seen.ok_or_else(|| self.denied(&verdict, "looking up", &place))?
            }
        };
        let mut attr = self.attributes_at(&place, shown, 0)?;
        let told = self
            .nodes
            .lock()
            .expect("no holder panics")
            .tell(place, shown);
        attr.ino = fuser::INodeNo(told.ok_or(Errno::ENOMEM)?);
        Ok(attr)
    }

    fn is_file(&self, place: &Place) -> Done<bool> {
        match place {
            Place::Root | Place::Vault => Ok(false),
            Place::Item(_) => Ok(true),
            Place::Folder(..) => {
                let spot = self.spot(place)?;
                Ok(spot.folder.meta(&spot.path)?.is_file())
            }
        }
    }

    /// Of what is open, if it is: it may have no name any more.
    pub(super) fn attributes(&self, number: u64, open: Option<u64>) -> Done<FileAttr> {
        let opened = open.and_then(|open| self.opens.lock().expect("no holder panics").get(open));
        if let Some(Open::File(file)) = opened.as_deref() {
            return self.of_file(number, file.shared.file(), file.shown);
        }
        if let Some(Open::Writing(writing, _)) = opened.as_deref() {
            return Ok(attributes::coming(number, writing.received()));
        }
        let (place, shown) = self.place(number)?;
        self.attributes_at(&place, shown, number)
    }

    fn attributes_at(&self, place: &Place, shown: Shown, number: u64) -> Done<FileAttr> {
        if let Place::Root | Place::Vault = place {
            let may_write = *place == Place::Vault;
            return Ok(attributes::folder(number, may_write));
        }
        if let Place::Item(id) = place {
            if let Some(bytes) = self.items.coming(*id) {
                return Ok(attributes::coming(number, bytes));
            }
            let item = self
                .runtime
                .block_on(self.items.item(*id))
                .map_err(failed)?;
            let item = item.ok_or(Errno::ENOENT)?;
            return Ok(attributes::item(number, &item, shown));
        }
        let spot = self.spot(place)?;
        let meta = spot.folder.meta(&spot.path)?;
        let kind = match (meta.is_dir(), meta.is_symlink()) {
            (true, _) => FileType::Directory,
            (_, true) => FileType::Symlink,
            _ if meta.is_file() => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK;
                let file = spot.folder.file(&spot.path, flags, Mode::empty())?;
                return self.of_file(number, &File::from(file), shown);
            }
            // Devices, pipes and sockets are none of ours.
            _ => return Err(Errno::EACCES),
        };
        Ok(attributes::of_disk(number, &meta, kind, meta.len()))
    }

    fn of_file(&self, number: u64, file: &File, shown: Shown) -> Done<FileAttr> {
        let meta = file.metadata()?;
        let key = (meta.dev(), meta.ino());
        let open = || self.files.lock().expect("no holder panics").bytes(key);
        let size = match (shown, begins(file)?) {
            (Shown::Plaintext, Some(true)) => open().unwrap_or_else(|| content_bytes(meta.len())),
            _ => meta.len(),
        };
        let mut attr = attributes::of_disk(number, &meta, FileType::RegularFile, size);
        if has_access_list(file) {
            attr.perm &= !GROUP_BITS;
        }
        Ok(attr)
    }

    pub(super) fn room(&self, number: u64) -> Option<StatVfs> {
        let (place, _) = self.place(number).ok()?;
        self.spot(&place).ok()?.folder.room().ok()
    }
}

fn has_access_list(file: &File) -> bool {
    fgetxattr(file, "system.posix_acl_access", &mut [0_u8; 0][..]).is_ok_and(|bytes| bytes > 0)
}

/// The store failed.
pub(super) fn failed(error: ports::StoreError) -> Errno {
    items::told(&error.into()).into()
}
