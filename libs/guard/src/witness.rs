//! Who asks, as the kernel tells it: the user's number, the groups' numbers, the program, and what started
//! it. Nothing that a process says of itself counts, but for scripts, and these only when that is asked for
//! ([`WitnessOptions::scripts`]).
//!
//! - A process that ended and whose number was given to another is told by when it started, and on a socket
//!   by its pidfd, where the kernel has those (Linux 6.5).
//! - A program is its path only while the file at that path is the program: what was bound over it in
//!   another mount namespace, removed or replaced since, is no program that a policy names.
//! - Whoever lost its parents (they ended) has lost what they had.

mod account;
mod peer;
mod process;

use std::path::PathBuf;
use std::sync::Arc;

use access::{Allowed, Caller, Process};
use ports::Clock;
use thiserror::Error;

use account::Accounts;
pub use peer::Peer;
use process::{Looks, Seen};

/// Most processes of a chain of parents.
pub const PARENTS_MAX: usize = 64;
/// How often a process is looked at again that changed meanwhile.
const LOOKS_MAX: u32 = 3;

/// Why it cannot be told who asks.
#[derive(Debug, Error)]
pub enum Unknown {
    /// The kernel gives no number for it: it is of another namespace.
    #[error("the process that asks is not one that is seen from here")]
    Nowhere,
    /// It ended, or its number is another's now.
    #[error("the process {0} is gone")]
    Gone(u32),
    /// It may not be looked at.
    #[error("what the process {pid} runs cannot be read: serve as root, or as the user who asks")]
    Hidden {
        /// Which.
        pid: u32,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It has become another while it was looked at.
    #[error("the process {0} changed while it was looked at")]
    Changed(u32),
    /// Its chain of parents is too long.
    #[error("the process {0} has more than {PARENTS_MAX} processes above it")]
    Deep(u32),
}

/// How it is told who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessOptions {
    /// The name of this machine, for `user@HOST`.
    pub host: String,
    /// Whether a program that runs a script is that script, too. A script is told by what its process says
    /// of itself, which the process can change: it names who is honest.
    pub scripts: bool,
    /// Where no program and no script is looked for: a mount of our own would wait for our answer.
    pub apart: Vec<PathBuf>,
}

/// Says who asks.
pub struct Witness {
    accounts: Accounts,
    looks: Looks,
}

/// What tells a process from every other, and from itself before it ran another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Glance {
    /// The number of the process.
    pub pid: u32,
    /// The number of the user.
    pub uid: u32,
    started: u64,
    program: Option<(u64, u64)>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// As policies see them.
    pub caller: Caller,
    /// What they are told by.
    pub glance: Glance,
}

impl Asker {
    /// Who it is, for the audit trail: by which way, the user's number and name, the program.
    pub fn told(&self, way: &str) -> String {
        let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let program = self.caller.processes.first();
        let program = program.map_or("", |program| program.path.as_str());
        let name = &self.caller.user.name;
        let told = format!("{way}:{}:{name}:{program}", self.glance.uid);
        told.chars().map(plain).take(200).collect()
    }

    /// The program and what started it, the nearest first.
    pub fn chain(&self) -> String {
        let paths = self.caller.processes.iter().map(|one| one.path.as_str());
        paths.collect::<Vec<_>>().join(" < ")
    }
}

impl Witness {
    /// With those options; names of accounts are kept for a while of that clock.
    pub fn new(options: WitnessOptions, clock: Arc<dyn Clock>) -> Self {
        let WitnessOptions {
            host,
            scripts,
            apart,
        } = options;
        Witness {
            accounts: Accounts::new(host, clock),
            looks: Looks { scripts, apart },
        }
    }

    /// Who the process is, or the one that the thread is of; `uid` is what the kernel says with the request.
    ///
    /// # Errors
    /// When it cannot be known for sure.
    pub fn ask(&self, thread: u32, uid: u32) -> Result<Asker, Unknown> {
        for _ in 1..LOOKS_MAX {
            match self.look(thread, uid) {
                Err(Unknown::Changed(_)) => {}
                other => return other,
            }
        }
        self.look(thread, uid)
    }

    /// What tells the process, without its parents: quick.
    ///
    /// # Errors
    /// When it cannot be known for sure.
    pub fn glance(&self, thread: u32, uid: u32) -> Result<Glance, Unknown> {
        let seen = Seen::of(thread)?;
        Ok(Glance {
            pid: seen.pid,
            uid,
            started: seen.started,
            program: process::program_file(seen.pid)?,
        })
    }

    fn look(&self, thread: u32, uid: u32) -> Result<Asker, Unknown> {
        if thread == 0 {
            return Err(Unknown::Nowhere);
        }
        let glance = self.glance(thread, uid)?;
        let status = process::status(glance.pid)?;
        let chain = chain(glance.pid)?;
        let mut processes: Vec<Process> = Vec::new();
        for seen in &chain {
            let own = self.looks.programs(seen.pid);
            let own = own.or_else(|error| match (seen.pid == glance.pid, error) {
                (true, error) => Err(error),
                (false, _) => Ok(vec![process::no_program()]),
            });
            processes.extend(own?);
        }
        // INVARIANT: what was read is of one moment: nobody of the chain became another meanwhile.
        for seen in &chain {
            if Seen::of(seen.pid).ok() != Some(*seen) {
                return Err(Unknown::Changed(seen.pid));
            }
        }
        if self.glance(thread, uid)? != glance {
            return Err(Unknown::Changed(glance.pid));
        }
        let caller = Caller {
            user: self.accounts.user(uid),
            groups: self.accounts.groups(status.groups()),
            processes,
            role: Allowed::EVERYTHING,
        };
        Ok(Asker { caller, glance })
    }
}

/// The process and its parents, the nearest first.
fn chain(pid: u32) -> Result<Vec<Seen>, Unknown> {
    let mut chain = vec![Seen::of(pid)?];
    loop {
        let last = chain[chain.len() - 1];
        if last.parent == 0 {
            return Ok(chain);
        }
        if chain.len() > PARENTS_MAX {
            return Err(Unknown::Deep(pid));
        }
        let parent = Seen::of(last.parent).map_err(|_| Unknown::Changed(pid))?;
        // A parent that is younger than its child is somebody else by a number that was free again.
        if parent.started > last.started {
            return Err(Unknown::Changed(pid));
        }
        chain.push(parent);
    }
}
