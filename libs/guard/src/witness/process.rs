//! A process as `/proc` shows it. Source: proc(5).

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use access::Process;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::Unknown;

/// Most bytes read of a file of `/proc`, and of the beginning of a script.
const READ_BYTES_MAX: u64 = 64 * 1024;
/// Most bytes of a script's first line. Source: `BINPRM_BUF_SIZE` of Linux.
const FIRST_LINE_BYTES_MAX: u64 = 256;
/// What no policy names: paths of policies begin with `/` or a drive.
const NO_PROGRAM: &str = "unknown";

/// A process at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// In ticks since the machine started.
    pub(super) started: u64,
}

/// What is known of a process's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pid: u32,
    gid: u32,
    others: Vec<u32>,
}

impl Status {
    /// The numbers of its groups, the effective one first.
    pub(super) fn groups(&self) -> Vec<u32> {
        let others = self.others.iter().filter(|gid| **gid != self.gid);
        std::iter::once(&self.gid).chain(others).copied().collect()
    }
}

impl Seen {
    /// The process that the thread is of.
    pub(super) fn of(thread: u32) -> Result<Self, Unknown> {
        let pid = status(thread)?.pid;
        let text = text(pid, "stat")?;
        stat(pid, &text).ok_or(Unknown::Gone(pid))
    }
}

/// The name of the program stands in brackets and may have any character, brackets too.
fn stat(pid: u32, text: &str) -> Option<Seen> {
    let (_, rest) = text.rsplit_once(')')?;
    let field = |place: usize| rest.split_ascii_whitespace().nth(place);
    // Zombies run nothing any more.
    (!matches!(field(0)?, "Z" | "X")).then_some(())?;
    Some(Seen {
        pid,
        parent: field(1)?.parse().ok()?,
        started: field(19)?.parse().ok()?,
    })
}

pub(super) fn status(thread: u32) -> Result<Status, Unknown> {
    status_of(&text(thread, "status")?).ok_or(Unknown::Gone(thread))
}

fn status_of(text: &str) -> Option<Status> {
    let line = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    let numbers = |text: &str| -> Option<Vec<u32>> {
        let words = text.split_ascii_whitespace();
        words.map(|word| word.parse().ok()).collect()
    };
    Some(Status {
        pid: line("Tgid")?.trim().parse().ok()?,
        // Real, effective, saved, of the file system.
        gid: *numbers(line("Gid")?)?.get(1)?,
        others: numbers(line("Groups")?)?,
    })
}

fn text(pid: u32, name: &str) -> Result<String, Unknown> {
    let bytes = bytes(pid, name)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn bytes(pid: u32, name: &str) -> Result<Vec<u8>, Unknown> {
    let read = || {
        let (file, mut bytes) = (File::open(place(pid, name))?, Vec::new());
        file.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|source| explained(pid, source))
}

fn place(pid: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

fn explained(pid: u32, source: std::io::Error) -> Unknown {
    let is_gone = source.kind() == ErrorKind::NotFound
        || rustix::io::Errno::from_io_error(&source) == Some(rustix::io::Errno::SRCH);
    match is_gone {
        true => Unknown::Gone(pid),
        false => Unknown::Hidden { pid, source },
    }
}

/// Device and inode of what the process runs; none for what runs no program: the kernel's own.
pub(super) fn program_file(pid: u32) -> Result<Option<(u64, u64)>, Unknown> {
    match std::fs::metadata(place(pid, "exe")) {
        Ok(meta) => Ok(Some((meta.dev(), meta.ino()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(explained(pid, source)),
    }
}

/// What no policy names.
pub(super) fn no_program() -> Process {
    Process {
        path: NO_PROGRAM.to_owned(),
        link: None,
    }
}

/// How it is looked what a process runs.
pub(super) struct Looks {
    pub(super) scripts: bool,
    pub(super) apart: Vec<PathBuf>,
}

impl Looks {
    /// The program that a process runs, before it the script that the program runs, if that is asked for.
    pub(super) fn programs(&self, pid: u32) -> Result<Vec<Process>, Unknown> {
        let Some(file) = program_file(pid)? else {
            return Ok(vec![no_program()]);
        };
        let path = std::fs::read_link(place(pid, "exe"));
        let path = path.map_err(|source| explained(pid, source))?;
        let program = match !self.is_apart(&path) && is_file(&path, file) {
            true => named(&path),
            false => no_program(),
        };
        let script = match self.scripts {
            true => self.script(pid, &path, file),
            false => None,
        };
        Ok(script.into_iter().chain([program]).collect())
    }

    /// The script that the process says it runs, if its first line names the program that it does run. The
    /// kernel starts a script as `PROGRAM [ARGUMENT] SCRIPT …`.
    fn script(&self, pid: u32, program: &Path, file: (u64, u64)) -> Option<Process> {
        let line = bytes(pid, "cmdline").ok()?;
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).take(3).collect();
        words.iter().skip(1).enumerate().find_map(|(before, word)| {
            let path = Path::new(std::ffi::OsStr::from_bytes(word));
            let path = (path.is_absolute() && !self.is_apart(path)).then_some(path)?;
            let (interpreter, argument) = first_line(path)?;
            let is_so = argument.as_deref() == words[1..=before].first().copied();
            let is_program = interpreter == program
                || (is_of_the_system(&interpreter) && is_file(&interpreter, file));
            (is_so && is_program).then(|| named(path))
        })
    }

    fn is_apart(&self, path: &Path) -> bool {
        self.apart.iter().any(|apart| path.starts_with(apart))
    }
}

/// Whether nobody but the system's administrator says where that path leads.
fn is_of_the_system(path: &Path) -> bool {
    let folders = ["/bin", "/sbin", "/usr"];
    let is_straight = !path.components().any(|part| part == Component::ParentDir);
    is_straight && folders.iter().any(|folder| path.starts_with(folder))
}

/// Whether the file at that path, as it is seen from here, is that one.
fn is_file(path: &Path, file: (u64, u64)) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| (meta.dev(), meta.ino()) == file)
}

fn named(path: &Path) -> Process {
    match path.to_str() {
        Some(path) => Process {
            path: path.to_owned(),
            link: None,
        },
        None => no_program(),
    }
}

/// What a script's first line names, and its argument.
fn first_line(path: &Path) -> Option<(PathBuf, Option<Vec<u8>>)> {
    // The path itself, and no other: what it leads to could be anywhere.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let straight = ResolveFlags::NO_SYMLINKS;
    let is_straight = !path.components().any(|part| part == Component::ParentDir);
    let opened = is_straight.then(|| openat2(CWD, path, flags, Mode::empty(), straight));
    let (file, mut bytes) = (File::from(opened?.ok()?), Vec::new());
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    file.take(FIRST_LINE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .ok()?;
    let line = bytes
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = line.trim_ascii();
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t'));
    let (program, argument) = line.split_at(end.unwrap_or(line.len()));
    let argument = argument.trim_ascii();
    let argument = (!argument.is_empty()).then(|| argument.to_vec());
    let program = Path::new(std::ffi::OsStr::from_bytes(program));
    program
        .is_absolute()
        .then(|| (program.to_owned(), argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_program_is_called() {
        let rest = "S 7 1 1 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 4242 9 9";
        for name in ["cat", "a b", ") S 1 (", "((", "Z"] {
            let seen = stat(9, &format!("9 ({name}) {rest}")).unwrap();
            assert_eq!((seen.parent, seen.started), (7, 4242), "{name}");
        }
        let zombie = rest.replacen('S', "Z", 1);
        for broken in ["", "9 (cat", "9 (cat) S", &format!("9 (cat) {zombie}")] {
            assert_eq!(stat(9, broken), None, "{broken}");
        }
    }

    #[test]
    fn groups_are_the_effective_one_and_the_others() {
        let text = "Name:\tx\nTgid:\t8\nUid:\t1\t1\t1\t1\nGid:\t4\t5\t6\t7\nGroups:\t5 9 \n";
        let status = status_of(text).unwrap();
        assert_eq!((status.pid, status.groups()), (8, vec![5, 9]));
        assert_eq!(status_of("Tgid:\t8\nGid:\t4\nGroups:\t\n"), None);
    }

    #[test]
    fn a_script_is_known_by_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        let (program, argument) = (PathBuf::from("/bin/sh"), Some(b"-e u".to_vec()));
        // how it begins => what it names
        type Named = Option<(PathBuf, Option<Vec<u8>>)>;
        let rows: [(&[u8], Named); 7] = [
            (b"#!/bin/sh\necho", Some((program.clone(), None))),
            (b"#! /bin/sh \n", Some((program.clone(), None))),
            (b"#!/bin/sh -e u\n", Some((program.clone(), argument))),
            (b"#!/bin/sh", Some((program, None))),
            (b"#!sh\n", None),
            (b"/bin/sh\n", None),
            (b"", None),
        ];
        for (begins, expected) in rows {
            std::fs::write(&path, begins).unwrap();
            assert_eq!(first_line(&path), expected, "{begins:?}");
        }
    }
}
