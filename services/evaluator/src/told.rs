//! What services told of the labels of objects, kept for activities that come in a burst.
//!
//! Promises: an answer serves only activities that had arrived when it was asked for, so none is judged by labels
//! of before it; it serves for a minute; so many are kept. What could not be asked for is not kept: it is unknown,
//! and never no label.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use connector::ToldLabel;
use event_model::ConnectionId;

/// Objects of which labels are kept.
const OBJECTS_MAX: usize = 1_024;
/// How long an answer serves.
const SERVES: TimeDelta = TimeDelta::minutes(1);

struct Kept {
    asked_at: DateTime<Utc>,
    labels: Arc<Vec<ToldLabel>>,
}

/// Answers, by connection and object.
#[derive(Default)]
pub(crate) struct ToldCache(Mutex<HashMap<(ConnectionId, String), Kept>>);

impl ToldCache {
    /// What was told since the activity arrived.
    pub(crate) fn get(
        &self,
        (id, object): (ConnectionId, &str),
        arrived_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Arc<Vec<ToldLabel>>> {
        let shelf = self.0.lock().expect("no holder panics");
        let kept = shelf.get(&(id, object.to_owned()))?;
        let serves = kept.asked_at >= arrived_at && now - kept.asked_at < SERVES;
        serves.then(|| Arc::clone(&kept.labels))
    }

    /// Forgets what was told of an object: it has other labels now.
    pub(crate) fn forget(&self, (id, object): (ConnectionId, &str)) {
        let mut shelf = self.0.lock().expect("no holder panics");
        shelf.remove(&(id, object.to_owned()));
    }

    /// Keeps an answer to what was asked at that moment. When there is no room, the oldest goes.
    pub(crate) fn put(
        &self,
        (id, object): (ConnectionId, &str),
        asked_at: DateTime<Utc>,
        labels: &Arc<Vec<ToldLabel>>,
    ) {
        let kept = Kept {
            asked_at,
            labels: Arc::clone(labels),
        };
        let mut shelf = self.0.lock().expect("no holder panics");
        shelf.insert((id, object.to_owned()), kept);
        if shelf.len() > OBJECTS_MAX {
            let oldest = shelf.iter().min_by_key(|(_, kept)| kept.asked_at);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| shelf.remove(&key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::contract::samples::{at, connection_id};

    #[test]
    fn an_answer_serves_what_had_arrived_when_it_was_asked_for() {
        let told = ToldCache::default();
        let labels = Arc::new(Vec::new());
        told.put((connection_id(1), "o"), at(100), &labels);
        // connection, object, arrived, now => whether it serves
        for (number, object, arrived, now, expected) in [
            (1, "o", 90, 101, true),
            (1, "o", 100, 101, true),
            (1, "o", 101, 102, false),
            (1, "o", 90, 159, true),
            (1, "o", 90, 160, false),
            (2, "o", 90, 101, false),
            (1, "p", 90, 101, false),
        ] {
            let found = told.get((connection_id(number), object), at(arrived), at(now));
            assert_eq!(
                found.is_some(),
                expected,
                "{number} {object} {arrived} {now}"
            );
        }
    }

    #[test]
    fn what_changed_is_forgotten_and_nothing_else() {
        let told = ToldCache::default();
        let labels = Arc::new(Vec::new());
        let (one, two) = (connection_id(1), connection_id(2));
        for key in [(one, "o"), (one, "p"), (two, "o")] {
            told.put(key, at(100), &labels);
        }
        told.forget((one, "o"));
        told.forget((one, "never asked for"));
        let serves = |key| told.get(key, at(90), at(101)).is_some();
        assert!(!serves((one, "o")) && serves((one, "p")) && serves((two, "o")));
    }

    #[test]
    fn the_oldest_answer_makes_room() {
        let told = ToldCache::default();
        let labels = Arc::new(Vec::new());
        for number in 0..=OBJECTS_MAX {
            let object = number.to_string();
            told.put(
                (connection_id(1), &object),
                at(number as i64 / 100),
                &labels,
            );
        }
        assert_eq!(told.0.lock().unwrap().len(), OBJECTS_MAX);
        let newest = OBJECTS_MAX.to_string();
        assert!(
            told.get((connection_id(1), &newest), at(0), at(20))
                .is_some()
        );
    }
}
