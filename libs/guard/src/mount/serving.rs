//! What the kernel asks, and what it is answered. Names are looked up anew each time, and attributes asked
//! for anew: both depend on who asks.

mod acts;
mod asked;

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, Errno, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};
use tokio::runtime::Handle;

use super::folder::Folder;
use super::items::Items;
use super::nodes::Nodes;
use super::open::{Open, Opens};
use super::shared::OpenFiles;
use crate::guarding::Guard;
use crate::protected::FileKeys;

/// How long the kernel keeps what it was told: not at all.
const KEPT: Duration = Duration::ZERO;
/// Most bytes of a read or a write.
const PIECE_BYTES_MAX: u32 = 1024 * 1024;

pub(super) struct Serving {
    guard: Arc<Guard>,
    items: Items,
    keys: FileKeys,
    folders: Vec<Folder>,
    runtime: Handle,
    nodes: Mutex<Nodes>,
    files: Mutex<OpenFiles>,
    opens: Mutex<Opens>,
}

/// Attributes that are to be set.
struct Wanted {
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    bytes: Option<u64>,
    accessed: Option<TimeOrNow>,
    modified: Option<TimeOrNow>,
}

impl Serving {
    pub(super) fn new(
        guard: Arc<Guard>,
        items: Items,
        keys: FileKeys,
        folders: Vec<Folder>,
        runtime: Handle,
    ) -> Self {
        Serving {
            guard,
            items,
            keys,
            folders,
            runtime,
            nodes: Mutex::new(Nodes::new()),
            files: Mutex::default(),
            opens: Mutex::default(),
        }
    }
}

impl Filesystem for Serving {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // A kernel that takes less says how much.
        if let Err(most) = config.set_max_write(PIECE_BYTES_MAX) {
            let _ = config.set_max_write(most);
        }
        // Cutting a file to nothing comes with its opening, by whom it is opened. Where it does not, items
        // cannot be written over, and nothing else is lost.
        let _ = config.add_capabilities(InitFlags::FUSE_ATOMIC_O_TRUNC);
        Ok(())
    }

    fn lookup(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.looked_up(req, parent.0, name) {
            Ok(attr) => reply.entry(&KEPT, &attr, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn forget(&self, _req: &Request, ino: INodeNo, times: u64) {
        self.nodes
            .lock()
            .expect("no holder panics")
            .forget(ino.0, times);
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, fh: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(ino.0, fh.map(|fh| fh.0)) {
            Ok(attr) => reply.attr(&KEPT, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let wanted = Wanted {
            mode,
            uid,
            gid,
            bytes: size,
            accessed: atime,
            modified: mtime,
        };
        match self.set(req, ino.0, fh.map(|fh| fh.0), &wanted) {
            Ok(attr) => reply.attr(&KEPT, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn readlink(&self, _req: &Request, ino: INodeNo, reply: ReplyData) {
        match self.link_of(ino.0) {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        match self.make_folder(req, parent.0, name, mode & !umask) {
            Ok(attr) => reply.entry(&KEPT, &attr, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        ended(self.remove(req, parent.0, name, false), reply);
    }

    fn rmdir(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        ended(self.remove(req, parent.0, name, true), reply);
    }

    fn rename(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (from, to) = ((parent.0, name), (newparent.0, newname));
        ended(self.renamed(req, from, to, flags), reply);
    }

    fn open(&self, req: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        match self.opened(req, ino.0, flags) {
            Ok(number) => reply.opened(FileHandle(number), FopenFlags::FOPEN_DIRECT_IO),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        match self.created(req, parent.0, name, mode & !umask, OpenFlags(flags)) {
            Ok((attr, number)) => {
                let direct = FopenFlags::FOPEN_DIRECT_IO;
                reply.created(&KEPT, &attr, Generation(0), FileHandle(number), direct);
            }
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.read_some(req, fh.0, offset, size.min(PIECE_BYTES_MAX)) {
            Ok(data) => reply.data(&data),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.written(req, fh.0, offset, data) {
            Ok(()) => reply.written(data.len() as u32),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Every write is in the file already.
        reply.ok();
    }

    fn release(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        let closed = self.opens.lock().expect("no holder panics").remove(fh.0);
        if let Some(Open::Writing(writing, _)) = closed.as_deref() {
            self.runtime.block_on(writing.end(&self.items));
        }
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, fh: FileHandle, _: bool, reply: ReplyEmpty) {
        ended(self.synced(fh.0), reply);
    }

    fn opendir(&self, req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.listed(req, ino.0) {
            Ok(number) => reply.opened(FileHandle(number), FopenFlags::empty()),
            Err(error) => reply.error(error),
        }
    }

    fn readdir(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let open = self.opens.lock().expect("no holder panics").get(fh.0);
        let Some(Open::Listing(entries)) = open.as_deref() else {
            return reply.error(Errno::EBADF);
        };
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        for (at, (name, kind)) in entries.iter().enumerate().skip(from) {
            let next = at as u64 + 1;
            if reply.add(INodeNo(u64::MAX), next, *kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.opens.lock().expect("no holder panics").remove(fh.0);
        reply.ok();
    }

    fn statfs(&self, _req: &Request, ino: INodeNo, reply: ReplyStatfs) {
        match self.room(ino.0) {
            Some(room) => reply.statfs(
                room.f_blocks,
                room.f_bfree,
                room.f_bavail,
                room.f_files,
                room.f_ffree,
                room.f_bsize as u32,
                room.f_namemax as u32,
                room.f_frsize as u32,
            ),
            None => reply.statfs(0, 0, 0, 0, 0, 512, 255, 0),
        }
    }
}

fn ended(done: Result<(), Errno>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

/// Where a file of a folder is.
struct Spot<'a> {
    folder: &'a Folder,
    number: usize,
    path: PathBuf,
}
