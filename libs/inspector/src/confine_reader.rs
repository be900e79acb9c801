//! Becoming the reader of pictures: what it does not need is given up first, tried, and kept given up by what comes
//! after. It may read files, for its models and libraries are files, and write its standard output and error. It can
//! open no connection, start no process or thread, and create, change and remove no file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpOp, SeccompFilter, SeccompRule, TargetArch,
    apply_filter_all_threads,
};

use crate::confine::when;

/// Address space of the reader: a picture of 64 million pixels takes a few of its copies.
const MEMORY_BYTES_MAX: u64 = 2 << 30;
/// Files that it may have open at a time.
const FILES_MAX: u64 = 64;

/// Becomes `program` with `arguments`, confined, for at most `seconds` of processor time. Comes back only when it cannot.
///
/// # Errors
/// When this system does not confine it, or the program cannot be started.
pub fn read_picture(
    seconds: u64,
    program: &OsString,
    arguments: &[OsString],
) -> io::Result<std::convert::Infallible> {
    // Nobody waits for a reader whose pool is gone.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let limits = [
        (Resource::As, MEMORY_BYTES_MAX),
        (Resource::Core, 0),
        (Resource::Cpu, seconds.saturating_add(1)),
        (Resource::Fsize, 0),
        (Resource::Nofile, FILES_MAX),
    ];
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit)?;
    }
    let filter = filter().map_err(io::Error::other)?;
    apply_filter_all_threads(&filter).map_err(io::Error::other)?;
    if let Some(still) = still_possible() {
        let told = format!("this system does not confine it: it can still {still}");
        return Err(io::Error::other(told));
    }
    Err(Command::new(program).args(arguments).exec())
}

/// What was given up and yet works, by trying.
fn still_possible() -> Option<&'static str> {
    let tries = [
        ("open a connection", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("open a local connection", UnixDatagram::unbound().is_ok()),
        (
            "write files",
            OpenOptions::new().write(true).open("/dev/null").is_ok(),
        ),
        (
            "start others",
            std::thread::Builder::new().spawn(|| ()).is_ok(),
        ),
    ];
    tries
        .into_iter()
        .find_map(|(what, works)| works.then_some(what))
}

/// The system calls that a program takes which reads files and computes.
const CALLS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    libc::SYS_statx,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// Lets those through, some only with certain arguments; every other one is refused as not permitted.
fn filter() -> Result<BpfProgram, String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        CALLS.iter().map(|call| (*call, Vec::new())).collect();
    let said = || {
        Ok::<_, String>(vec![
            when(0, SeccompCmpOp::Eq, 1)?,
            when(0, SeccompCmpOp::Eq, 2)?,
        ])
    };
    let own_process = u64::from(std::process::id());
    rules.extend([
        (libc::SYS_write, said()?),
        (libc::SYS_writev, said()?),
        (libc::SYS_openat, vec![when(2, only_reading(), 0)?]),
        (libc::SYS_prlimit64, vec![when(0, SeccompCmpOp::Eq, 0)?]),
        (
            libc::SYS_tgkill,
            vec![when(0, SeccompCmpOp::Eq, own_process)?],
        ),
    ]);
    rules.extend(of_this_architecture()?);
    let architecture =
        TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, refused, SeccompAction::Allow, architecture)
        .and_then(TryInto::try_into)
        .map_err(|error| error.to_string())
}

/// Of the ways to open a file, those that leave it as it is.
fn only_reading() -> SeccompCmpOp {
    let changes = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND;
    SeccompCmpOp::MaskedEq(u64::from(changes.cast_unsigned()))
}

/// Older names of the same calls, which some systems' libraries still use.
#[cfg(target_arch = "x86_64")]
fn of_this_architecture() -> Result<Vec<(i64, Vec<SeccompRule>)>, String> {
    let any = [
        libc::SYS_access,
        libc::SYS_arch_prctl,
        libc::SYS_dup2,
        libc::SYS_getdents,
        libc::SYS_lstat,
        libc::SYS_readlink,
        libc::SYS_stat,
        libc::SYS_time,
    ];
    let mut rules: Vec<_> = any.into_iter().map(|call| (call, Vec::new())).collect();
    rules.push((libc::SYS_open, vec![when(1, only_reading(), 0)?]));
    Ok(rules)
}

#[cfg(not(target_arch = "x86_64"))]
fn of_this_architecture() -> Result<Vec<(i64, Vec<SeccompRule>)>, String> {
    Ok(Vec::new())
}
