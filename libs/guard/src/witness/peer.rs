//! The other end of a local socket: the process that connected.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{getsockopt, sockopt};
use tokio::net::UnixStream;

use super::process::Seen;
use super::{Asker, Unknown, Witness};

/// Ticks of a second in `/proc`, whatever the kernel was built with. Source: proc(5), `sysconf(_SC_CLK_TCK)`.
const TICKS: u64 = 100;

/// The process at the other end.
pub struct Peer {
    pid: u32,
    uid: u32,
    held: Held,
}

/// What tells the process from one that has its number later.
enum Held {
    /// The kernel holds it.
    Pidfd(OwnedFd),
    /// It had started before it connected: in ticks since the machine started.
    Before(u64),
}

impl Peer {
    /// Who connected; to be asked at once when the connection is there.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn of(stream: &UnixStream) -> Result<Self, Unknown> {
        let credentials = stream.peer_cred().map_err(|_| Unknown::Nowhere)?;
        let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
        let pid = pid.filter(|pid| *pid != 0).ok_or(Unknown::Nowhere)?;
        let held = match getsockopt(stream, sockopt::PeerPidfd) {
            Ok(pidfd) => Held::Pidfd(pidfd),
            // An older kernel. There, who ended before it was accepted is not told from who came after.
            Err(nix::errno::Errno::ENOPROTOOPT) => Held::Before(now_ticks()),
            Err(_) => return Err(Unknown::Gone(pid)),
        };
        Ok(Peer {
            pid,
            uid: credentials.uid(),
            held,
        })
    }

    /// The user who connected.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Who that is now: it may run another program than when it connected.
    ///
    /// # Errors
    /// When it is gone, or cannot be known for sure.
    pub fn ask(&self, witness: &Witness) -> Result<Asker, Unknown> {
        let asker = witness.ask(self.pid, self.uid)?;
        // INVARIANT: it is there still after everything was read, so all of it was read of this process.
        match self.is_held()? {
            true => Ok(asker),
            false => Err(Unknown::Gone(self.pid)),
        }
    }

    fn is_held(&self) -> Result<bool, Unknown> {
        match &self.held {
            Held::Before(ticks) => Ok(Seen::of(self.pid)?.started <= *ticks),
            Held::Pidfd(pidfd) => {
                let info = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
                let info = std::fs::read_to_string(info).map_err(|_| Unknown::Gone(self.pid))?;
                let mut lines = info.lines();
                let pid = lines.find_map(|line| line.strip_prefix("Pid:"));
                Ok(pid.is_some_and(|pid| pid.trim() == self.pid.to_string()))
            }
        }
    }
}

fn now_ticks() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanos) = (now.tv_sec.cast_unsigned(), now.tv_nsec.cast_unsigned());
    seconds * TICKS + nanos * TICKS / 1_000_000_000
}
