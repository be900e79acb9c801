//! Everything of a file that is not its content goes over to the one that takes its place.

use std::fs::{File, FileTimes, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

use super::InPlaceError;

/// Most bytes of all names of attributes, and of a value. Source: `XATTR_LIST_MAX`, `XATTR_SIZE_MAX` of Linux.
const ATTRIBUTE_BYTES_MAX: usize = 64 * 1024;

pub(super) fn keep(from: &File, meta: &Metadata, to: &File) -> Result<(), InPlaceError> {
    let not_kept = |what: &str| {
        let what = what.to_owned();
        move |source| InPlaceError::NotKept { what, source }
    };
    let new = to.metadata().map_err(InPlaceError::Target)?;
    // The owner first: changing it takes set-user-id bits away.
    if (new.uid(), new.gid()) != (meta.uid(), meta.gid()) {
        let owner = fchown(to, Some(meta.uid()), Some(meta.gid()));
        owner.map_err(not_kept("owner"))?;
    }
    let permissions = Permissions::from_mode(meta.mode() & 0o7777);
    let set = to.set_permissions(permissions);
    set.map_err(not_kept("permissions"))?;
    for name in names(from).map_err(InPlaceError::Source)? {
        let kept = attribute(from, to, &name);
        let what = format!("attribute `{}`", String::from_utf8_lossy(&name));
        kept.map_err(not_kept(&what))?;
    }
    let times = (meta.accessed(), meta.modified());
    let times = match times {
        (Ok(accessed), Ok(modified)) => FileTimes::new()
            .set_accessed(accessed)
            .set_modified(modified),
        (Err(error), _) | (_, Err(error)) => return Err(not_kept("times")(error)),
    };
    to.set_times(times).map_err(not_kept("times"))
}

fn names(file: &File) -> std::io::Result<Vec<Vec<u8>>> {
    let mut names = vec![0; ATTRIBUTE_BYTES_MAX];
    let bytes = match flistxattr(file, &mut names[..]) {
        Ok(bytes) => bytes,
        // A file system that has none.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => 0,
        Err(error) => return Err(error.into()),
    };
    let names = names[..bytes].split(|byte| *byte == 0);
    Ok(names
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}

fn attribute(from: &File, to: &File, name: &[u8]) -> std::io::Result<()> {
    let mut value = vec![0; ATTRIBUTE_BYTES_MAX];
    let bytes = fgetxattr(from, name, &mut value[..])?;
    Ok(fsetxattr(to, name, &value[..bytes], XattrFlags::empty())?)
}
