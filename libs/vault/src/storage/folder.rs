//! Parts in a folder of this machine. A part is written beside its name and takes it when it is whole, so
//! there is all of it or nothing; and its way to the disk begins when it is written, so that little is left
//! to wait for at the end. It is read into memory that was read into before, where there is some.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise};

/// Names tried beside a part's: what killed processes left has some of them.
const BESIDE_MAX: u32 = 1_000;
/// Bytes written at a time. For a greater write the kernel looks for runs of memory as great, which it seldom
/// has at hand: on a virtual machine whose free memory goes back to its host, parts that were written at once
/// took eight times as long.
const WRITE_BYTES: usize = 64 * 1024;

/// Parts whose way to the disk has begun. Dropped, they may or may not come there.
#[derive(Default)]
pub(crate) struct Arriving(Vec<File>);

impl Arriving {
    /// How many there are: as many files are open.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of both.
    pub(crate) fn and(&mut self, mut others: Arriving) {
        self.0.append(&mut others.0);
    }

    /// Waits until they are durable. After the first, the others have little to wait for: a file system
    /// writes down together what is new.
    pub(super) fn arrived(self) -> std::io::Result<()> {
        self.0.iter().try_for_each(File::sync_all)
    }
}

/// Writes a file of that name, unless there is one: all of it, or nothing.
pub(super) fn place(path: &Path, stored: &[u8]) -> std::io::Result<Arriving> {
    let (mut file, beside) = beside(path)?;
    // INVARIANT: a link is made to a new name only, so nothing is ever written over.
    let written = write(&mut file, stored).and_then(|()| std::fs::hard_link(&beside, path));
    let removed = std::fs::remove_file(&beside);
    written.and(removed)?;
    // That it is not needed in memory any more has the kernel write it at once, and waits for nothing.
    // Source: posix_fadvise(2). It is advice: where it is not taken, only the end takes longer.
    let _ = fadvise(&file, 0, None, Advice::DontNeed);
    Ok(Arriving(vec![file]))
}

/// Writes bytes where the file stands, few enough at a time.
pub(crate) fn write(file: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    let mut pieces = bytes.chunks(WRITE_BYTES);
    pieces.try_for_each(|piece| file.write_all(piece))
}

/// Reads some bytes of a file to the beginning of that memory, which grows where it is too short; says how many
/// came, and how long the whole file is. Fewer come only where the file ends.
pub(super) fn read(
    path: &Path,
    range: Range<u64>,
    into: &mut Vec<u8>,
) -> std::io::Result<(usize, u64)> {
    let file = File::open(path)?;
    let whole = file.metadata()?.len();
    let asked = range.end.min(whole).saturating_sub(range.start) as usize;
    if into.len() < asked {
        // What is asked for next is often as long: nothing is copied, and nothing kept.
        *into = vec![0; asked];
    }
    file.read_exact_at(&mut into[..asked], range.start)?;
    Ok((asked, whole))
}

/// A new file beside that name. Its name is one that `object_store` does not show: `NAME#NUMBER`.
fn beside(path: &Path) -> std::io::Result<(File, PathBuf)> {
    let mut number = 1;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("#{number}"));
        let beside = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside);
        match file.map_err(|error| (error.kind(), error)) {
            Ok(file) => return Ok((file, beside)),
            Err((ErrorKind::AlreadyExists, _)) if number < BESIDE_MAX => number += 1,
            Err((ErrorKind::NotFound, _)) if number < BESIDE_MAX => {
                // Whoever gives the item up takes its folder away: then it is made anew, and found out later.
                std::fs::create_dir_all(path.parent().unwrap_or(path))?;
                number += 1;
            }
            Err((_, error)) => return Err(error),
        }
    }
}
