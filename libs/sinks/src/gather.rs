//! What waits for the next digest, and when that goes out.
//!
//! What it promises: a digest's end follows from the moment at which its first event was appended, so a
//! death changes neither when it goes out nor, as a rule, what is in it. Records that are not this sink's
//! to tell do not wait.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use ports::{Delivered, Place};

use crate::Told;

/// Most events of one digest: it goes out early when there are so many.
pub(crate) const EVENTS_MAX: usize = 1_000;

/// When digests go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rhythm {
    /// So long after the first event.
    After(TimeDelta),
    /// Every day at that time, UTC.
    At(NaiveTime),
}

impl Rhythm {
    /// When a digest goes out whose first event came then.
    pub(crate) fn due(self, first: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Rhythm::After(time) => first + time,
            Rhythm::At(time) => {
                let today = first.date_naive().and_time(time).and_utc();
                match today > first {
                    true => today,
                    false => today + TimeDelta::days(1),
                }
            }
        }
    }
}

/// A digest in the making.
pub(crate) struct Gathered {
    rhythm: Rhythm,
    events: Vec<Told>,
    places: BTreeMap<u32, u64>,
    due: Option<DateTime<Utc>>,
    /// Came after the digest's end: they are of the next one.
    later: VecDeque<(Delivered, Option<Told>)>,
}

impl Gathered {
    pub(crate) fn new(rhythm: Rhythm) -> Self {
        Gathered {
            rhythm,
            events: Vec::new(),
            places: BTreeMap::new(),
            due: None,
            later: VecDeque::new(),
        }
    }

    /// Takes records in their order, each with what is to be told of it, if anything.
    pub(crate) fn take(&mut self, records: impl IntoIterator<Item = (Delivered, Option<Told>)>) {
        self.later.extend(records);
        while let Some((record, _)) = self.later.front() {
            let is_over = self.due.is_some_and(|due| record.appended_at >= due);
            if is_over || self.events.len() >= EVENTS_MAX {
                break;
            }
            let Some((record, told)) = self.later.pop_front() else {
                break;
            };
            self.places
                .insert(record.place.partition, record.place.offset);
            if let Some(told) = told {
                let due = self.rhythm.due(record.appended_at);
                self.due.get_or_insert(due);
                self.events.push(told);
            }
        }
    }

    /// Whether the digest is whole. `caught_up` says that the log has nothing more at this moment.
    pub(crate) fn is_whole(&self, now: DateTime<Utc>, caught_up: bool) -> bool {
        let is_over = self.due.is_some_and(|due| now >= due);
        !self.later.is_empty() || (is_over && caught_up)
    }

    /// When it goes out; nothing where nothing waits.
    pub(crate) fn due(&self) -> Option<DateTime<Utc>> {
        self.due
    }

    /// What goes out.
    pub(crate) fn events(&self) -> &[Told] {
        &self.events
    }

    /// Everything up to here is in it, or is not this sink's to tell.
    pub(crate) fn places(&self) -> Vec<Place> {
        let place = |(partition, offset): (&u32, &u64)| Place {
            partition: *partition,
            offset: *offset,
        };
        self.places.iter().map(place).collect()
    }

    /// It went out: the next begins, with what came after its end.
    pub(crate) fn begin_next(&mut self) {
        self.events.clear();
        self.places.clear();
        self.due = None;
        self.take([]);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use ports::LogRecord;
    use serde_json::json;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap()
    }

    fn record(offset: u64, minutes: i64, wanted: bool) -> (Delivered, Option<Told>) {
        let event = json!({"metadata": {"uid": offset.to_string()}}).to_string();
        let delivered = Delivered {
            place: Place {
                partition: 0,
                offset,
            },
            appended_at: at(minutes),
            record: LogRecord {
                key: "k".into(),
                headers: Vec::new(),
                value: Bytes::new(),
            },
        };
        let told = Told::read(Bytes::from(event)).unwrap();
        (delivered, wanted.then_some(told))
    }

    fn ids(gathered: &Gathered) -> Vec<&str> {
        gathered.events().iter().map(Told::id).collect()
    }

    #[test]
    fn a_digest_ends_by_its_first_event_and_what_comes_after_is_of_the_next() {
        let mut gathered = Gathered::new(Rhythm::After(TimeDelta::minutes(60)));
        gathered.take([record(0, 0, false), record(1, 5, true), record(2, 64, true)]);
        assert_eq!(gathered.due(), Some(at(65)));
        assert!(!gathered.is_whole(at(64), true) && !gathered.is_whole(at(65), false));
        assert!(gathered.is_whole(at(65), true));
        gathered.take([record(3, 65, true), record(4, 66, false)]);
        assert!(gathered.is_whole(at(0), false), "one came after its end");
        assert_eq!(ids(&gathered), ["1", "2"]);
        assert_eq!(gathered.places()[0].offset, 2);
        gathered.begin_next();
        assert_eq!((ids(&gathered), gathered.due()), (vec!["3"], Some(at(125))));
        assert_eq!(gathered.places()[0].offset, 4);
    }

    #[test]
    fn what_is_not_told_does_not_wait_and_a_digest_has_an_end_of_events_too() {
        let mut gathered = Gathered::new(Rhythm::After(TimeDelta::minutes(60)));
        gathered.take([record(0, 0, false)]);
        assert_eq!((gathered.due(), gathered.places().len()), (None, 1));
        gathered.begin_next();
        let many = (0..EVENTS_MAX as u64 + 3).map(|n| record(n, 0, true));
        gathered.take(many);
        assert!(gathered.is_whole(at(0), false));
        assert_eq!(gathered.events().len(), EVENTS_MAX);
        gathered.begin_next();
        assert_eq!(gathered.events().len(), 3);
    }

    #[test]
    fn a_daily_digest_goes_out_at_the_next_such_time() {
        let seven = NaiveTime::from_hms_opt(7, 0, 0).unwrap();
        for (first, due) in [
            ("2026-01-31T06:59:59Z", "2026-01-31T07:00:00Z"),
            ("2026-01-31T07:00:00Z", "2026-02-01T07:00:00Z"),
            ("2026-01-31T23:00:00Z", "2026-02-01T07:00:00Z"),
        ] {
            let [first, due] = [first, due].map(|text| text.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(Rhythm::At(seven).due(first), due);
        }
    }
}
