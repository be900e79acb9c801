//! How fast all detectors together read text of many kinds, on one core: beside `memchr` on the same
//! bytes, and beside the detectors run one by one. The clock is the caller's, and the texts are the
//! same in every run.

use std::hint::black_box;
use std::time::Duration;

use crate::DetectorSet;

pub(crate) mod texts;

/// MB/s promised on any text at all.
pub const ANYTHING: f64 = 20.0;
/// Bytes of text over which the detectors run one by one.
const ALONE_BYTES_MAX: usize = 1 << 17;

/// What one text showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The kind of text.
    pub name: &'static str,
    /// MB/s (a million bytes) that all detectors together are promised to read it at.
    pub promised: f64,
    /// MB/s of all detectors together.
    pub together: f64,
    /// MB/s of the detectors, one after the other.
    pub one_by_one: f64,
    /// MB/s of a search for one byte.
    pub memchr: f64,
    /// Distinct values found.
    pub findings: usize,
    /// Whether the scan stopped before the end, with too many findings or too much work.
    pub truncated: bool,
}

impl Measured {
    /// Whether the promise is kept.
    pub fn holds(&self) -> bool {
        self.together >= self.promised
    }
}

/// Measures every kind of text, `bytes` of each, by the clock `now`, and tells each as it is done.
/// Each takes the best of `rounds`.
///
/// With `only` it measures the kinds with this in their names.
pub fn measure(
    bytes: usize,
    rounds: u32,
    only: &str,
    now: &dyn Fn() -> Duration,
    mut tell: impl FnMut(&Measured),
) -> Vec<Measured> {
    let all = DetectorSet::built_in();
    let alone = all.each_alone();
    let mut measured = Vec::new();
    for kind in texts::kinds().filter(|kind| kind.name.contains(only)) {
        let text = kind.text(bytes);
        let part = &text[..text.floor_char_boundary(ALONE_BYTES_MAX)];
        let best = |text: &str, run: &dyn Fn()| {
            let took = (0..rounds.max(1)).map(|_| {
                let start = now();
                run();
                now().saturating_sub(start)
            });
            let took = took.min().unwrap_or_default();
            text.len() as f64 / 1e6 / took.as_secs_f64().max(1e-9)
        };
        let findings = all.scan_text(&text);
        let row = Measured {
            name: kind.name,
            promised: kind.promised,
            together: best(&text, &|| {
                black_box(all.scan_text(&text));
            }),
            one_by_one: best(part, &|| {
                for set in &alone {
                    black_box(set.scan_text(part));
                }
            }),
            memchr: best(&text, &|| {
                black_box(memchr::memchr_iter(b'\0', text.as_bytes()).count());
            }),
            findings: findings.iter().count(),
            truncated: findings.truncated(),
        };
        tell(&row);
        measured.push(row);
    }
    measured
}

/// A row as text, beside [`HEADER`].
pub fn line(row: &Measured) -> String {
    format!(
        "{:<22} {:>7.0} {:>9.0} {:>11.2} {:>9.0} {:>9}{}",
        row.name,
        row.promised,
        row.together,
        row.one_by_one,
        row.memchr,
        row.findings,
        if row.truncated { " stopped early" } else { "" },
    )
}

/// What the columns of [`line`] are.
pub const HEADER: &str = "MB/s on one core       promise  together  one by one    memchr  findings";

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn no_kind_of_text_costs_more_work_than_a_byte_is_worth() {
        const BYTES: usize = 20_000;
        const WORK_PER_BYTE: u64 = 160;
        for kind in texts::kinds() {
            let text = kind.text(BYTES);
            let findings = DetectorSet::built_in().scan_text(&text);
            let per_byte = findings.work() / text.len() as u64;
            assert!(per_byte <= WORK_PER_BYTE, "{}: {per_byte} units", kind.name);
        }
    }

    #[test]
    fn every_kind_of_text_is_measured_by_the_given_clock() {
        let clock = Cell::new(Duration::ZERO);
        let tick = || {
            clock.set(clock.get() + Duration::from_millis(1));
            clock.get()
        };
        let mut told = 0;
        let measured = measure(2_000, 1, "", &tick, |_| told += 1);
        assert_eq!(measured.len(), told);
        for row in &measured {
            assert!((1.9..=2.2).contains(&row.together), "{}", line(row));
            assert!(row.promised >= 20.0, "{}", line(row));
        }
        let found = |name| {
            measured
                .iter()
                .any(|row| row.name == name && row.findings > 0)
        };
        assert!(found("dense PII") && !found("prose"));
    }
}
