//! Files, read and written with care: no link is followed, nothing but a regular file is read, and what
//! is written is there as a whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use labels::{MANIFEST_BYTES_MAX, MANIFEST_NAME};

/// Who may do what with a manifest: everybody who may look into the folder reads it, its owner writes it.
#[cfg(unix)]
const MANIFEST_MODE: u32 = 0o644;

/// Opens a regular file, and follows no link that it may be.
pub(in crate::cli) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe would keep us waiting for its other end.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

/// The whole file, if it has no more bytes than that.
pub(super) fn read(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    open(path)?
        .take(bound.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(io::Error::other(format!(
            "it has more than {bytes_max} bytes"
        )));
    }
    Ok(bytes)
}

/// The manifest of a folder; none when it has none.
pub(in crate::cli) fn manifest(folder: &Path) -> io::Result<Option<Vec<u8>>> {
    match read(&folder.join(MANIFEST_NAME), MANIFEST_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file so that whoever reads it has it as it was or as it is, whatever dies meanwhile.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut beside = tempfile::Builder::new()
        .prefix(".ip-labels.")
        .suffix(".tmp")
        .tempfile_in(folder)?;
    beside.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(MANIFEST_MODE);
        beside.as_file().set_permissions(mode)?;
    }
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    // The name is durable when the folder is.
    File::open(folder)?.sync_all()
}

/// Pairs of the name and the value of a file's extended attributes of the user (`user.…`).
#[cfg(target_os = "linux")]
pub(super) fn attributes(path: &Path) -> Vec<(String, String)> {
    /// All attributes of a file share a block on common file systems.
    const BYTES_MAX: usize = 64 * 1024;
    let mut names = vec![0; BYTES_MAX];
    let Ok(length) = rustix::fs::llistxattr(path, &mut names[..]) else {
        return Vec::new();
    };
    let names = names[..length].split(|byte| *byte == 0);
    let names = names.filter(|name| name.starts_with(b"user."));
    let value = |name: &[u8]| {
        let name = std::str::from_utf8(name).ok()?;
        let mut value = vec![0; BYTES_MAX];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
        value.truncate(length);
        Some((name.to_owned(), String::from_utf8(value).ok()?))
    };
    names.filter_map(value).collect()
}

/// Other systems keep them elsewhere.
#[cfg(not(target_os = "linux"))]
pub(super) fn attributes(_path: &Path) -> Vec<(String, String)> {
    Vec::new()
}
