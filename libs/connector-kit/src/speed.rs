//! How long mapping takes: beside parsing alone, and beside code written by hand for one service.
//!
//! Each figure is the best of several rounds over the same events: what else the machine does makes a
//! round slower, never faster.

mod by_hand;

use std::hint::black_box;
use std::time::Duration;

use chrono::DateTime;
use connector::Mapper;
use event_model::RawEvent;
use ports::Clock;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::folder::{Folder, FolderError};

/// The service that is mapped by hand too.
pub const BY_HAND: &str = "generic";
/// The size of an event that the promise of ten microseconds is about, in bytes.
pub const TYPICAL_BYTES: usize = 1_500;
/// Rounds of which the best counts.
const ROUNDS: usize = 7;

/// Figures of one set of events, in microseconds an event.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What was mapped.
    pub name: String,
    /// How many different events.
    pub events: usize,
    /// Their mean size in bytes.
    pub bytes: usize,
    /// Parsed as a whole, to `serde_json::Value`.
    pub value_us: f64,
    /// Parsed as far as the mapping reads.
    pub parsed_us: f64,
    /// Mapped to the 24 fields, parsing included.
    pub mapped_us: f64,
    /// The same by hand: typed structs and code for this service only.
    pub by_hand_us: Option<f64>,
}

impl Measured {
    /// Mapped in a second, by one core.
    pub fn events_per_s(&self) -> f64 {
        1_000_000.0 / self.mapped_us
    }
}

/// Measures a connector: all its samples, and the one whose size is nearest to [`TYPICAL_BYTES`].
/// `round` is how long each round lasts.
///
/// # Errors
/// When the folder cannot be used.
pub fn measure(
    folder: &Folder,
    clock: &dyn Clock,
    round: Duration,
) -> Result<Vec<Measured>, FolderError> {
    let connector = folder.connector()?;
    let mapper = connector.mapper(&connector.sample_connection());
    let mut events: Vec<(String, RawEvent)> = Vec::new();
    for (name, text) in folder.samples()? {
        // What is measured is mapping, not the refusal of what is no event.
        if let Ok(json) = RawValue::from_string(text)
            && let event = (name, RawEvent { json: json.into() })
            && mapper.map(&event.1, DateTime::UNIX_EPOCH).is_ok()
        {
            events.push(event);
        }
    }
    let far = |event: &RawEvent| event.json.get().len().abs_diff(TYPICAL_BYTES);
    let typical = events.iter().min_by_key(|(_, event)| far(event)).cloned();
    let id = connector.id();
    let all: Vec<RawEvent> = events.into_iter().map(|(_, event)| event).collect();
    let stopwatch = Stopwatch { clock, round };
    let mut measured = Vec::new();
    if !all.is_empty() {
        measured.push(stopwatch.measure(id.to_owned(), id, &mapper, &all));
    }
    if let Some((name, event)) = typical {
        let name = format!("{id}/{}", name.trim_end_matches(".json"));
        measured.push(stopwatch.measure(name, id, &mapper, &[event]));
    }
    Ok(measured)
}

/// The figures as a table for a terminal.
pub fn table(measured: &[Measured]) -> String {
    let mut out = format!(
        "{:<44} {:>6} {:>6} {:>9} {:>9} {:>9} {:>9} {:>11}\n",
        "connector", "events", "bytes", "Value", "parsed", "mapped", "by hand", "events/s"
    );
    for figures in measured {
        let by_hand = figures
            .by_hand_us
            .map_or("-".to_owned(), |us| format!("{us:.2}"));
        out += &format!(
            "{:<44} {:>6} {:>6} {:>9.2} {:>9.2} {:>9.2} {:>9} {:>11.0}\n",
            figures.name,
            figures.events,
            figures.bytes,
            figures.value_us,
            figures.parsed_us,
            figures.mapped_us,
            by_hand,
            figures.events_per_s()
        );
    }
    out + "microseconds an event, one core, best of several rounds: parsed whole, parsed as far as it is read, mapped, mapped by code for this service only\n"
}

struct Stopwatch<'a> {
    clock: &'a dyn Clock,
    round: Duration,
}

impl Stopwatch<'_> {
    fn measure(&self, name: String, id: &str, mapper: &Mapper, events: &[RawEvent]) -> Measured {
        let at = DateTime::UNIX_EPOCH;
        let bytes: usize = events.iter().map(|event| event.json.get().len()).sum();
        let by_hand = |event: &RawEvent| drop(black_box(by_hand::map(event)));
        Measured {
            name,
            events: events.len(),
            bytes: bytes / events.len(),
            value_us: self.time(events, |event| {
                drop(black_box(serde_json::from_str::<Value>(event.json.get())));
            }),
            parsed_us: self.time(events, |event| drop(black_box(mapper.parse(event)))),
            mapped_us: self.time(events, |event| drop(black_box(mapper.map(event, at)))),
            by_hand_us: (id == BY_HAND).then(|| self.time(events, by_hand)),
        }
    }

    /// Microseconds an event, of the best round.
    fn time(&self, events: &[RawEvent], work: impl Fn(&RawEvent)) -> f64 {
        let round = || {
            let start = self.clock.monotonic();
            let mut done = 0u32;
            loop {
                events.iter().for_each(&work);
                done += 1;
                let passed = self.clock.monotonic().saturating_sub(start);
                if passed >= self.round {
                    let each = passed / done;
                    return each.as_secs_f64() * 1_000_000.0 / events.len() as f64;
                }
            }
        };
        (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ports::SystemClock;

    use super::*;

    fn generic() -> Folder {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
        Folder::at(&root.join(BY_HAND))
    }

    #[test]
    fn what_is_written_by_hand_does_the_same_work_as_the_manifest() {
        let connector = generic().connector().unwrap();
        let mapper = connector.mapper(&connector.sample_connection());
        let mut same = 0;
        for (name, text) in generic().samples().unwrap() {
            let event = RawEvent {
                json: RawValue::from_string(text).unwrap().into(),
            };
            let mapped = mapper.map(&event, DateTime::UNIX_EPOCH).unwrap();
            let Some(by_hand) = by_hand::map(&event) else {
                continue;
            };
            // What only the verbs do (derived ids, domains) is not written by hand.
            let mut expected = mapped[0].activity.clone();
            expected.event_id = by_hand.event_id.clone();
            expected.actor_type = by_hand.actor_type;
            expected.target_user_type = by_hand.target_user_type;
            assert_eq!(by_hand, expected, "{name}");
            same += 1;
        }
        assert!(same >= 2, "{same}");
    }

    #[test]
    fn a_measurement_has_figures_of_all_samples_and_of_the_typical_one() {
        let measured = measure(&generic(), &SystemClock::new(), Duration::from_micros(1)).unwrap();
        assert_eq!(measured.len(), 2);
        for figures in measured {
            assert!(figures.bytes > 0 && figures.mapped_us > 0.0, "{figures:?}");
            assert!(figures.by_hand_us.is_some() && figures.events_per_s() > 0.0);
        }
    }
}
