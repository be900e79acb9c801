//! Stopping: on the first signal the process says that it leaves and drains, on the second it goes.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::Stream;
use crate::config::Config;
use crate::say;
use crate::wiring::Platform;

/// Ends on the first signal that asks the process to stop.
pub(super) fn asked_to_stop() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// How a process is left.
pub(super) struct Drain {
    leaving: Box<dyn FnOnce() + Send>,
    wait: Duration,
}

impl Drain {
    pub(super) fn of(config: &Config, platform: &Platform) -> Self {
        Drain {
            leaving: Box::new(platform.leaving()),
            wait: Duration::from_secs(config.drain_seconds),
        }
    }

    /// Returns when the process is to stop: after a signal and the draining, or after two signals.
    pub(super) async fn wait_for_signal(self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        (self.leaving)();
        if !self.wait.is_zero() {
            let seconds = self.wait.as_secs();
            say(
                &format!(
                    "leaving: serving for {seconds} more seconds, another signal stops at once"
                ),
                Stream::Error,
            );
            tokio::select! {
                () = tokio::time::sleep(self.wait) => {}
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        say("stopping: letting what is under way end", Stream::Error);
        Ok(())
    }
}
