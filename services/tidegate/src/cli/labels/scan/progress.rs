use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::time::Duration;

use ports::{Clock, SystemClock};

use crate::cli::Stream;
use crate::say;

/// How often the bar is drawn anew.
const DRAWN_EVERY: Duration = Duration::from_millis(100);
/// Characters of the bar.
const WIDTH: u64 = 30;

/// A line on the terminal that shows how far a run is; nothing where there is no terminal.
pub(super) struct Progress {
    all: u64,
    is_shown: bool,
    clock: SystemClock,
    began: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    done: u64,
    drawn_at: Duration,
}

impl Progress {
    /// Of so many files.
    pub(super) fn new(all: u64, is_quiet: bool) -> Self {
        let clock = SystemClock::new();
        Progress {
            all,
            is_shown: !is_quiet && stderr().is_terminal(),
            began: clock.monotonic(),
            clock,
            state: Mutex::default(),
        }
    }

    /// One file more is done.
    pub(super) fn step(&self) {
        let mut state = self.state.lock().expect("no holder panics");
        state.done += 1;
        let now = self.clock.monotonic();
        if self.is_shown && now.saturating_sub(state.drawn_at) >= DRAWN_EVERY {
            state.drawn_at = now;
            let took = now.saturating_sub(self.began);
            self.draw(&line(state.done, self.all, took));
        }
    }

    /// Writes a line of its own, where the bar was.
    pub(super) fn say(&self, text: &str, to: Stream) {
        let _state = self.state.lock().expect("no holder panics");
        self.clear();
        say(text, to);
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.draw("");
    }

    fn draw(&self, line: &str) {
        if self.is_shown {
            // A terminal that is gone shows nothing.
            let _ = write!(stderr(), "\r\x1b[2K{line}").and_then(|()| stderr().flush());
        }
    }
}

/// `[=====     ] 12/340 files, 25 s left`
fn line(done: u64, all: u64, took: Duration) -> String {
    // Files that came since they were counted.
    let all = all.max(done).max(1);
    let full = usize::try_from(done * WIDTH / all).unwrap_or_default();
    let left = took.as_secs_f64() * (all - done) as f64 / done.max(1) as f64;
    let bar = "=".repeat(full);
    format!("[{bar:<30}] {done}/{all} files, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_how_far_it_is_and_how_long_it_takes_yet() {
        let rows = [
            (
                0,
                0,
                0,
                "[                              ] 0/1 files, 0 s left",
            ),
            (
                10,
                40,
                5,
                "[=======                       ] 10/40 files, 15 s left",
            ),
            (
                41,
                40,
                5,
                "[==============================] 41/41 files, 0 s left",
            ),
        ];
        for (done, all, seconds, expected) in rows {
            assert_eq!(line(done, all, Duration::from_secs(seconds)), expected);
        }
    }
}
