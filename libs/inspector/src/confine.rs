//! What a worker gives up before it reads the first byte of a document: files, sockets, processes,
//! executable memory, and more memory and time than it was granted. What the system would not take
//! is told, and what is told was tried.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::UdpSocket;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use rustix::time::{ClockId, clock_gettime};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

use crate::{Isolation, Setup};

/// Takes from this process what inspecting does not need. It cannot be taken back.
pub(crate) fn confine(setup: &Setup) -> Isolation {
    let mut trouble = Vec::new();
    let limits = [
        (Resource::As, setup.memory_bytes_max),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 0),
        (Resource::Nproc, 0),
    ];
    let mut limited = true;
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        if let Err(error) = setrlimit(resource, limit) {
            limited = false;
            trouble.push(format!("limit of {resource:?}: {error}"));
        }
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        trouble.push(format!("memory stays readable by its owner: {error}"));
    }
    if let Err(error) = filter()
        .and_then(|program| apply_filter_all_threads(&program).map_err(|error| error.to_string()))
    {
        trouble.push(format!("system calls are not filtered: {error}"));
    }
    Isolation {
        limits: limited,
        no_files: File::open("/").is_err(),
        no_network: UdpSocket::bind("127.0.0.1:0").is_err(),
        no_processes: std::thread::Builder::new().spawn(|| ()).is_err(),
        trouble: (!trouble.is_empty()).then(|| trouble.join("; ")),
    }
}

/// Grants the processor time of one more document. Past it the system ends the process, even when
/// nobody is there any more to end it.
pub(crate) fn begin_document(setup: &Setup) {
    /// What is granted beside: the clock is read in whole seconds.
    const GRACE_S: u64 = 2;
    let used = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0);
    let until = used
        .saturating_add(setup.seconds_max)
        .saturating_add(GRACE_S);
    let maximum = getrlimit(Resource::Cpu).maximum;
    // Where the limit cannot be moved, the pool's patience is what ends a document.
    let _ = setrlimit(
        Resource::Cpu,
        Rlimit {
            current: Some(until),
            maximum,
        },
    );
}

/// The system calls that inspecting takes; every other one is refused as not permitted.
fn filter() -> Result<BpfProgram, String> {
    let any: [i64; 24] = [
        libc::SYS_brk,
        libc::SYS_clock_getres,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_close,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_futex,
        libc::SYS_getpid,
        libc::SYS_getrandom,
        libc::SYS_getrusage,
        libc::SYS_gettid,
        libc::SYS_madvise,
        libc::SYS_membarrier,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_nanosleep,
        libc::SYS_restart_syscall,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        any.into_iter().map(|call| (call, Vec::new())).collect();
    let not_executable = SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64);
    let own_process = u64::from(std::process::id());
    let bounded = [
        // Standard input is read; standard output and error are written.
        (libc::SYS_read, vec![when(0, SeccompCmpOp::Eq, 0)?]),
        (
            libc::SYS_write,
            vec![when(0, SeccompCmpOp::Eq, 1)?, when(0, SeccompCmpOp::Eq, 2)?],
        ),
        (libc::SYS_writev, vec![when(0, SeccompCmpOp::Eq, 2)?]),
        (libc::SYS_mmap, vec![when(2, not_executable.clone(), 0)?]),
        (libc::SYS_mprotect, vec![when(2, not_executable, 0)?]),
        // Its own limits, and its own end.
        (libc::SYS_prlimit64, vec![when(0, SeccompCmpOp::Eq, 0)?]),
        (
            libc::SYS_tgkill,
            vec![when(0, SeccompCmpOp::Eq, own_process)?],
        ),
    ];
    rules.extend(bounded);
    let architecture =
        TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, refused, SeccompAction::Allow, architecture)
        .and_then(TryInto::try_into)
        .map_err(|error| error.to_string())
}

pub(crate) fn when(argument: u8, is: SeccompCmpOp, value: u64) -> Result<SeccompRule, String> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(|error| error.to_string())
}
