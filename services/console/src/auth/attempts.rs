//! How often somebody may try: after some failures each further try waits, and longer each time.
//!
//! Counted for what was tried (an account's name, whether it exists or not) and for where it came from. A
//! waiting time is always short enough that nobody can keep another out for long.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// Failures without a wait.
const FREE: u32 = 5;
/// Failures without a wait from one address: many people may share it.
const FREE_BY_ADDRESS: u32 = 30;
/// The first wait; each further failure doubles it.
const WAIT_FIRST: Duration = Duration::from_secs(2);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Failures are forgotten when there was none for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// Most names and addresses remembered. Beyond it those that wait least make room.
const REMEMBERED_MAX: usize = 20_000;

/// What tries are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Tried {
    /// An account's name, or another thing that was guessed at.
    What(String),
    /// Where from.
    From(String),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Duration,
    until: Duration,
}

/// The failures of the last hour.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<Tried, Failures>>);

impl Attempts {
    /// How long one must wait before the next try; none when it may be made now.
    pub(crate) fn wait(&self, tried: &[Tried], now: Duration) -> Option<Duration> {
        let known = self.0.lock().expect("no holder panics");
        let waits = tried.iter().filter_map(|one| known.get(one));
        let longest = waits.map(|one| one.until.saturating_sub(now)).max();
        longest.filter(|wait| !wait.is_zero())
    }

    /// A try failed.
    pub(crate) fn failed(&self, tried: &[Tried], now: Duration) {
        let mut known = self.0.lock().expect("no holder panics");
        if known.len() + tried.len() > REMEMBERED_MAX {
            make_room(&mut known, now);
        }
        for one in tried {
            let before = known.get(one);
            let before = before.filter(|one| now.saturating_sub(one.last) < FORGOTTEN_AFTER);
            let count = before.map_or(0, |one| one.count).saturating_add(1);
            let free = match one {
                Tried::What(_) => FREE,
                Tried::From(_) => FREE_BY_ADDRESS,
            };
            let until = now + wait_after(count, free);
            let last = now;
            known.insert(one.clone(), Failures { count, last, until });
        }
    }

    /// A try succeeded: what it was about is forgotten, where it came from is not.
    pub(crate) fn succeeded(&self, what: &Tried) {
        self.0.lock().expect("no holder panics").remove(what);
    }
}

fn wait_after(count: u32, free: u32) -> Duration {
    match count.checked_sub(free) {
        None => Duration::ZERO,
        Some(over) => WAIT_FIRST.saturating_mul(1 << over.min(16)).min(WAIT_MAX),
    }
}

fn make_room(known: &mut HashMap<Tried, Failures>, now: Duration) {
    known.retain(|_, one| now.saturating_sub(one.last) < FORGOTTEN_AFTER);
    if known.len() * 10 > REMEMBERED_MAX * 9 {
        let mut ends: Vec<(Duration, Tried)> = known
            .iter()
            .map(|(tried, one)| (one.until, tried.clone()))
            .collect();
        ends.sort_unstable_by_key(|(until, _)| *until);
        for (_, tried) in ends.into_iter().take(REMEMBERED_MAX / 5) {
            known.remove(&tried);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(name: &str) -> Tried {
        Tried::What(name.to_owned())
    }

    #[test]
    fn each_failure_beyond_the_free_ones_doubles_the_wait() {
        let attempts = Attempts::default();
        let (mut now, mut waits) = (Duration::ZERO, Vec::new());
        for _ in 0..15 {
            attempts.failed(&[what("ada")], now);
            let wait = attempts.wait(&[what("ada"), what("bob")], now);
            waits.push(wait.unwrap_or_default().as_secs());
            now += wait.unwrap_or_default();
        }
        let expected = [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300];
        assert_eq!(waits, expected);
        assert_eq!(attempts.wait(&[what("bob")], now), None);
        attempts.failed(&[what("ada")], now + FORGOTTEN_AFTER);
        assert_eq!(attempts.wait(&[what("ada")], now + FORGOTTEN_AFTER), None);
    }

    #[test]
    fn a_success_forgets_the_name_and_not_the_address() {
        let attempts = Attempts::default();
        let from = Tried::From("192.0.2.1".into());
        for _ in 0..FREE_BY_ADDRESS {
            attempts.failed(&[what("ada"), from.clone()], Duration::ZERO);
        }
        attempts.succeeded(&what("ada"));
        assert_eq!(attempts.wait(&[what("ada")], Duration::ZERO), None);
        assert!(
            attempts
                .wait(&[what("ada"), from], Duration::ZERO)
                .is_some()
        );
    }

    #[test]
    fn no_more_than_the_bound_is_remembered_and_who_waits_goes_on_waiting() {
        let attempts = Attempts::default();
        for _ in 0..10 {
            attempts.failed(&[what("ada")], Duration::ZERO);
        }
        for n in 0..REMEMBERED_MAX * 2 {
            attempts.failed(&[what(&n.to_string())], Duration::from_secs(1));
        }
        assert!(attempts.0.lock().unwrap().len() <= REMEMBERED_MAX);
        let wait = attempts.wait(&[what("ada")], Duration::from_secs(1));
        assert!(wait.is_some());
    }
}
