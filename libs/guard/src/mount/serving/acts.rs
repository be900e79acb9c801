//! What is done, each only as far as the verdict of who asks goes.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::PathBuf;
use std::sync::Arc;

use access::View;
use bytes::Bytes;
use event_model::VaultId;
use fuser::{Errno, FileAttr, FileType, OpenAccMode, OpenFlags, RenameFlags, Request, TimeOrNow};
use rustix::fs::{Mode, OFlags};
use vault::VaultError;

use super::super::items;
use super::super::nodes::Place;
use super::super::open::{Open, OpenFile};
use super::super::shared::{Shared, begins};
use super::super::writing::Writing;
use super::asked::{Done, failed, is_view};
use super::{Serving, Spot, Wanted};
use crate::guarding::Verdict;
use crate::wire::Shown;

/// The set-group-id bit of a folder: what is made in it is of its group.
const SET_GROUP: u32 = 0o2000;

impl Serving {
    pub(super) fn opened(&self, req: &Request, number: u64, flags: OpenFlags) -> Done<u64> {
        let (place, shown) = self.place(number)?;
        let (reads, writes) = match flags.acc_mode() {
            OpenAccMode::O_RDONLY => (true, false),
            OpenAccMode::O_WRONLY => (false, true),
            OpenAccMode::O_RDWR => (true, true),
        };
        if reads && writes && matches!(place, Place::Item(_)) {
            // What is written is another item than what would be read.
            return Err(Errno::EOPNOTSUPP);
        }
        let verdict = self.verdict(req, "opening")?;
        let (read, write) = (verdict.allowed.read, verdict.allowed.write);
        if (reads && !is_view(read, shown)) || (writes && !is_view(write, shown)) {
            let what = if writes {
                "opening to write"
            } else {
                "opening to read"
            };
            return Err(self.denied(&verdict, what, &place));
        }
        let given = OFlags::from_bits_retain(flags.0.cast_unsigned());
        let (appends, empties) = (
            given.contains(OFlags::APPEND),
            writes && given.contains(OFlags::TRUNC),
        );
        if let Place::Item(id) = place {
            let by = verdict.asker.told("mount");
            if writes {
                let writing = self.over(id, by, shown)?;
                if empties {
                    self.runtime.block_on(writing.set_bytes(&self.items, 0))?;
                }
                return self.add(Open::Writing(Arc::new(writing), appends));
            }
            let opened = self.runtime.block_on(self.items.open(id, &by, shown));
            let opened = opened.map_err(|error| Errno::from(items::told(&error)))?;
            return self.add(Open::Item(Box::new(opened), shown));
        }
        let shared = self.share(&self.spot(&place)?, writes)?;
        // What lies there unprotected is no ciphertext.
        if reads && shown == Shown::Ciphertext && begins(shared.file())? == Some(false) {
            return Err(self.denied(&verdict, "opening what is not protected", &place));
        }
        if empties {
            cut(&shared, shown, 0)?;
        }
        self.add(Open::File(OpenFile {
            shared,
            shown,
            appends,
        }))
    }

    fn over(&self, id: VaultId, by: String, shown: Shown) -> Done<Writing> {
        let over = async {
            let item = self.items.item(id).await?;
            let item = item.ok_or(VaultError::NotFound(id))?;
            Writing::over(&self.items, item, by, shown).await
        };
        let over = self.runtime.block_on(over);
        over.map_err(|error| items::told(&error).into())
    }

    /// A new item of that name, which is plaintext that comes.
    fn created_in_vault(
        &self,
        req: &Request,
        name: &OsStr,
        appends: bool,
    ) -> Done<(FileAttr, u64)> {
        let verdict = self.verdict(req, "making")?;
        if verdict.allowed.write != View::Plaintext {
            return Err(self.denied(&verdict, "making", &Place::Vault));
        }
        let name = name.to_str().filter(|name| items::is_of_a_file(name));
        let name = name.filter(|name| !name.contains(char::is_control));
        let name = name.ok_or(Errno::EINVAL)?;
        let by = verdict.asker.told("mount");
        let made = self
            .runtime
            .block_on(Writing::create(&self.items, name, &by));
        let (id, writing) = made.map_err(|error| Errno::from(items::told(&error)))?;
        let number = self.add(Open::Writing(writing, appends))?;
        Ok((self.entered(req, Place::Item(id))?, number))
    }

    fn add(&self, open: Open) -> Done<u64> {
        let mut opens = self.opens.lock().expect("no holder panics");
        opens.add(open).ok_or(Errno::ENFILE)
    }

    fn share(&self, spot: &Spot<'_>, writes: bool) -> Done<Arc<Shared>> {
        let open = |flags| {
            spot.folder
                .file(&spot.path, flags | OFlags::NONBLOCK, Mode::empty())
        };
        // Others who have it open may write, so it is opened to be written if that can be.
        let file = match (open(OFlags::RDWR), writes) {
            (Ok(file), _) => file,
            (Err(error), true) => return Err(error.into()),
            (Err(_), false) => open(OFlags::RDONLY)?,
        };
        let mut files = self.files.lock().expect("no holder panics");
        Ok(files.share(File::from(file), &self.keys, &self.runtime)?)
    }

    pub(super) fn created(
        &self,
        req: &Request,
        parent: u64,
        name: &OsStr,
        mode: u32,
        flags: OpenFlags,
    ) -> Done<(FileAttr, u64)> {
        let appends = OFlags::from_bits_retain(flags.0.cast_unsigned()).contains(OFlags::APPEND);
        if self.place(parent)?.0 == Place::Vault {
            return self.created_in_vault(req, name, appends);
        }
        let (place, _, shown) = self.making(req, parent, name)?;
        let spot = self.spot(&place)?;
        let new = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let file = spot.folder.file(&spot.path, new, Mode::RUSR | Mode::WUSR)?;
        let file = File::from(file);
        self.given(&spot, &file, req, mode)?;
        let mut files = self.files.lock().expect("no holder panics");
        let shared = files.share(file, &self.keys, &self.runtime)?;
        drop(files);
        let open = Open::File(OpenFile {
            shared,
            shown,
            appends,
        });
        let number = self.add(open)?;
        Ok((self.entered(req, place)?, number))
    }

    /// Where something is to be made, by whom, and as what they see it.
    fn making(
        &self,
        req: &Request,
        parent: u64,
        name: &OsStr,
    ) -> Done<(Place, Arc<Verdict>, Shown)> {
        let place = match self.place(parent)?.0 {
            Place::Folder(..) => self.child(parent, name)?,
            _ => return Err(Errno::EROFS),
        };
        let verdict = self.verdict(req, "making")?;
        let shown = match verdict.allowed.write {
            View::Plaintext => Shown::Plaintext,
            View::Ciphertext => Shown::Ciphertext,
            View::Nothing => return Err(self.denied(&verdict, "making", &place)),
        };
        Ok((place, verdict, shown))
    }

    /// What was made is of who asked, and of the folder's group where the folder says so.
    fn given(&self, spot: &Spot<'_>, file: &File, req: &Request, mode: u32) -> Done<()> {
        let parent = spot.path.parent().map(PathBuf::from).unwrap_or_default();
        let parent = spot.folder.meta(&parent)?;
        let gid = match parent.mode() & SET_GROUP {
            0 => req.gid(),
            _ => parent.gid(),
        };
        fchown(file, Some(req.uid()), Some(gid))?;
        Ok(file.set_permissions(Permissions::from_mode(mode & 0o7777))?)
    }

    pub(super) fn make_folder(
        &self,
        req: &Request,
        parent: u64,
        name: &OsStr,
        mode: u32,
    ) -> Done<FileAttr> {
        let (place, ..) = self.making(req, parent, name)?;
        let spot = self.spot(&place)?;
        spot.folder.make_folder(&spot.path, Mode::RWXU)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let made = spot.folder.file(&spot.path, flags, Mode::empty())?;
        let inherited = spot.folder.meta(&spot.path)?.mode() & SET_GROUP;
        self.given(&spot, &File::from(made), req, mode | inherited)?;
        self.entered(req, place)
    }

    pub(super) fn remove(
        &self,
        req: &Request,
        parent: u64,
        name: &OsStr,
        is_folder: bool,
    ) -> Done<()> {
        let (place, ..) = self.making(req, parent, name)?;
        let spot = self.spot(&place)?;
        spot.folder.remove(&spot.path, is_folder)?;
        let mut nodes = self.nodes.lock().expect("no holder panics");
        nodes.gone(spot.number, &spot.path);
        Ok(())
    }

    pub(super) fn renamed(
        &self,
        req: &Request,
        from: (u64, &OsStr),
        to: (u64, &OsStr),
        flags: RenameFlags,
    ) -> Done<()> {
        if !RenameFlags::RENAME_NOREPLACE.contains(flags) {
            return Err(Errno::EINVAL);
        }
        let ((from, ..), (to, ..)) = (
            self.making(req, from.0, from.1)?,
            self.making(req, to.0, to.1)?,
        );
        let (from, to) = (self.spot(&from)?, self.spot(&to)?);
        if from.number != to.number {
            return Err(Errno::EXDEV);
        }
        from.folder.rename(&from.path, &to.path, flags.bits())?;
        let mut nodes = self.nodes.lock().expect("no holder panics");
        nodes.renamed(from.number, &from.path, &to.path);
        Ok(())
    }

    pub(super) fn read_some(
        &self,
        req: &Request,
        open: u64,
        offset: u64,
        bytes: u32,
    ) -> Done<Bytes> {
        let open = self.open_by(open)?;
        let verdict = self.verdict(req, "reading")?;
        let shown = match &*open {
            Open::Item(_, shown) => *shown,
            Open::File(file) => file.shown,
            Open::Writing(..) => return Err(Errno::EBADF),
            Open::Listing(_) => return Err(Errno::EISDIR),
        };
        // INVARIANT: what was opened as plaintext is read by whom plaintext is allowed, still.
        if !is_view(verdict.allowed.read, shown) {
            return Err(self.denied(&verdict, "reading", &Place::Root));
        }
        match &*open {
            Open::Item(item, _) => {
                let read = self.runtime.block_on(item.read(offset, bytes));
                read.map_err(|error| items::told(&error).into())
            }
            Open::File(file) => {
                let mut into = vec![0; bytes as usize];
                let read = match shown {
                    Shown::Plaintext => file.shared.read(offset, &mut into)?,
                    Shown::Ciphertext => file.shared.read_stored(offset, &mut into)?,
                };
                into.truncate(read);
                Ok(Bytes::from(into))
            }
            Open::Writing(..) => Err(Errno::EBADF),
            Open::Listing(_) => Err(Errno::EISDIR),
        }
    }

    pub(super) fn written(&self, req: &Request, open: u64, offset: u64, data: &[u8]) -> Done<()> {
        let open = self.open_by(open)?;
        let (shown, appends) = match &*open {
            Open::File(file) => (file.shown, file.appends),
            Open::Writing(writing, appends) => (writing.shown, *appends),
            Open::Item(..) | Open::Listing(_) => return Err(Errno::EBADF),
        };
        let verdict = self.verdict(req, "writing")?;
        if !is_view(verdict.allowed.write, shown) {
            return Err(self.denied(&verdict, "writing", &Place::Root));
        }
        let offset = (!appends).then_some(offset);
        let file = match &*open {
            Open::File(file) => file,
            Open::Writing(writing, _) => {
                let write = writing.write(&self.items, offset, data);
                return self.runtime.block_on(write);
            }
            Open::Item(..) | Open::Listing(_) => return Err(Errno::EBADF),
        };
        match file.shown {
            Shown::Plaintext => file.shared.write(offset, data)?,
            Shown::Ciphertext => file.shared.write_stored(offset, data)?,
        }
        Ok(())
    }

    pub(super) fn synced(&self, open: u64) -> Done<()> {
        match &*self.open_by(open)? {
            Open::File(file) => Ok(file.shared.file().sync_all()?),
            // What is written into the vault is durable when it is held.
            Open::Item(..) | Open::Writing(..) | Open::Listing(_) => Ok(()),
        }
    }

    fn open_by(&self, number: u64) -> Done<Arc<Open>> {
        let opens = self.opens.lock().expect("no holder panics");
        opens.get(number).ok_or(Errno::EBADF)
    }

    pub(super) fn set(
        &self,
        req: &Request,
        number: u64,
        open: Option<u64>,
        wanted: &Wanted,
    ) -> Done<FileAttr> {
        let (place, shown) = self.place(number)?;
        if matches!(place, Place::Item(_)) {
            return self.set_of_item(req, (number, &place), open, wanted);
        }
        let spot = self.spot(&place)?;
        let verdict = self.verdict(req, "changing")?;
        let is_file = spot
            .folder
            .meta(&spot.path)
            .is_ok_and(|meta| meta.is_file());
        let may = match is_file {
            true => is_view(verdict.allowed.write, shown),
            false => verdict.allowed.write != View::Nothing,
        };
        if !may {
            return Err(self.denied(&verdict, "changing", &place));
        }
        let opened = open.map(|open| self.open_by(open)).transpose()?;
        let shared = match opened.as_deref() {
            Some(Open::File(file)) => Arc::clone(&file.shared),
            _ if is_file => self.share(&spot, true)?,
            _ => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                let folder = spot.folder.file(&spot.path, flags, Mode::empty())?;
                change(&File::from(folder), wanted)?;
                return self.attributes(number, None);
            }
        };
        if let Some(bytes) = wanted.bytes {
            cut(&shared, shown, bytes)?;
        }
        change(shared.file(), wanted)?;
        self.attributes(number, open)
    }

    /// Of an item nothing is set but that what is being written begins anew.
    fn set_of_item(
        &self,
        req: &Request,
        (number, place): (u64, &Place),
        open: Option<u64>,
        wanted: &Wanted,
    ) -> Done<FileAttr> {
        let open = open.ok_or(Errno::EROFS)?;
        let opened = self.open_by(open)?;
        let (Open::Writing(writing, _), Some(bytes)) = (&*opened, wanted.bytes) else {
            return Err(Errno::EROFS);
        };
        let verdict = self.verdict(req, "changing")?;
        if !is_view(verdict.allowed.write, writing.shown) {
            return Err(self.denied(&verdict, "changing", place));
        }
        let set = writing.set_bytes(&self.items, bytes);
        self.runtime.block_on(set)?;
        self.attributes(number, Some(open))
    }

    pub(super) fn link_of(&self, number: u64) -> Done<Vec<u8>> {
        let (place, _) = self.place(number)?;
        let spot = self.spot(&place)?;
        Ok(spot.folder.link(&spot.path)?)
    }

    pub(super) fn listed(&self, req: &Request, number: u64) -> Done<u64> {
        let (place, _) = self.place(number)?;
        let names: Vec<(OsString, FileType)> = match &place {
            Place::Root => {
                let folders = self.folders.iter().map(|one| one.name.clone());
                let names = std::iter::once(OsString::from("vault")).chain(folders);
                names.map(|name| (name, FileType::Directory)).collect()
            }
            Place::Item(_) => return Err(Errno::ENOTDIR),
            Place::Vault | Place::Folder(..) => {
                let verdict = self.verdict(req, "listing")?;
                if verdict.is_nothing() {
                    return Err(self.denied(&verdict, "listing", &place));
                }
                self.names(&place)?
            }
        };
        self.add(Open::Listing(names))
    }

    fn names(&self, place: &Place) -> Done<Vec<(OsString, FileType)>> {
        if *place == Place::Vault {
            let listed = self.runtime.block_on(self.items.list()).map_err(failed)?;
            let names = listed.by_name.keys().map(OsString::from);
            return Ok(names.map(|name| (name, FileType::RegularFile)).collect());
        }
        let spot = self.spot(place)?;
        let entries = spot.folder.list(&spot.path)?.into_iter();
        let kind = |kind| match kind {
            rustix::fs::FileType::Directory => FileType::Directory,
            rustix::fs::FileType::Symlink => FileType::Symlink,
            _ => FileType::RegularFile,
        };
        Ok(entries
            .map(|entry| (entry.name, kind(entry.kind)))
            .collect())
    }
}

/// Makes a file as long as that, as it is shown.
fn cut(file: &Shared, shown: Shown, bytes: u64) -> std::io::Result<()> {
    match shown {
        Shown::Plaintext => file.set_bytes(bytes),
        Shown::Ciphertext => file.set_stored_bytes(bytes),
    }
}

/// Everything but the length.
fn change(file: &File, wanted: &Wanted) -> Done<()> {
    // The owner first: changing it takes set-user-id bits away.
    if wanted.uid.is_some() || wanted.gid.is_some() {
        fchown(file, wanted.uid, wanted.gid)?;
    }
    if let Some(mode) = wanted.mode {
        file.set_permissions(Permissions::from_mode(mode & 0o7777))?;
    }
    let time = |time: &TimeOrNow, now: &rustix::fs::Timespec| match time {
        TimeOrNow::SpecificTime(at) => {
            let since = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            rustix::fs::Timespec {
                tv_sec: since.as_secs().cast_signed(),
                tv_nsec: i64::from(since.subsec_nanos()),
            }
        }
        TimeOrNow::Now => *now,
    };
    if wanted.accessed.is_some() || wanted.modified.is_some() {
        let of = |nanos| rustix::fs::Timespec {
            tv_sec: 0,
            tv_nsec: nanos,
        };
        let (now, same) = (of(rustix::fs::UTIME_NOW), of(rustix::fs::UTIME_OMIT));
        let times = rustix::fs::Timestamps {
            last_access: wanted.accessed.as_ref().map_or(same, |at| time(at, &now)),
            last_modification: wanted.modified.as_ref().map_or(same, |at| time(at, &now)),
        };
        rustix::fs::futimens(file, &times).map_err(std::io::Error::from)?;
    }
    Ok(())
}
