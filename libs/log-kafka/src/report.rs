//! What the client library says of its connections: kept for messages, and logged seldom.
//!
//! A broker that is away makes the library complain many times a second. The same complaint is
//! logged once in a while, with how often it came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ports::Clock;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::delivery::code_of;

/// The same complaint is logged again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Kinds of complaints remembered; further ones are logged as one.
const KINDS_MAX: usize = 64;

/// A complaint of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Complaint {
    pub(crate) code: RDKafkaErrorCode,
    pub(crate) reason: String,
}

#[derive(Default)]
struct Told {
    at: Duration,
    since: u64,
}

/// Hears the complaints of the clients of one log.
pub(crate) struct Reporter {
    clock: Arc<dyn Clock>,
    told: Mutex<HashMap<String, Told>>,
    last: Mutex<Option<Complaint>>,
}

impl Reporter {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Reporter {
            clock,
            told: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// The newest complaint of a connection.
    pub(crate) fn last(&self) -> Option<Complaint> {
        self.last.lock().expect("no holder panics").clone()
    }

    /// A line of the library's own log.
    pub(crate) fn line(&self, level: RDKafkaLogLevel, kind: &str, line: &str) {
        if (level as i32) <= (RDKafkaLogLevel::Error as i32)
            && let Some(repeated) = self.may_tell(kind)
        {
            tracing::warn!(kind, line, repeated, "the Kafka client complains");
        }
    }

    /// An error that concerns no call in particular.
    pub(crate) fn error(&self, error: &KafkaError, reason: &str) {
        let code = code_of(error);
        let complaint = Complaint {
            code,
            reason: reason.to_owned(),
        };
        // That all are down says less than why the last one is.
        if code != RDKafkaErrorCode::AllBrokersDown {
            *self.last.lock().expect("no holder panics") = Some(complaint);
        }
        self.trouble(&format!("{code:?}"), reason);
    }

    /// Something that went wrong and goes on.
    pub(crate) fn trouble(&self, kind: &str, reason: &str) {
        if let Some(repeated) = self.may_tell(kind) {
            tracing::warn!(kind, reason, repeated, "Kafka is in trouble");
        }
    }

    /// How often the complaint was kept back since it was told, if it is to be told now.
    fn may_tell(&self, kind: &str) -> Option<u64> {
        let now = self.clock.monotonic();
        let mut told = self.told.lock().expect("no holder panics");
        let kind = if told.len() < KINDS_MAX || told.contains_key(kind) {
            kind
        } else {
            "others"
        };
        match told.get_mut(kind) {
            Some(one) if now.saturating_sub(one.at) < AGAIN_AFTER => {
                one.since += 1;
                None
            }
            Some(one) => Some(std::mem::replace(one, Told { at: now, since: 0 }).since),
            None => {
                told.insert(kind.to_owned(), Told { at: now, since: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use ports::ManualClock;

    #[test]
    fn the_same_complaint_is_told_once_in_a_while_with_its_count() {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let reporter = Reporter::new(clock.clone());
        assert_eq!(reporter.may_tell("refused"), Some(0));
        assert_eq!(reporter.may_tell("refused"), None);
        assert_eq!(reporter.may_tell("refused"), None);
        assert_eq!(reporter.may_tell("timed out"), Some(0));
        clock.advance(AGAIN_AFTER);
        assert_eq!(reporter.may_tell("refused"), Some(2));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let reporter = Reporter::new(Arc::new(ManualClock::at(DateTime::UNIX_EPOCH)));
        for number in 0..10 * KINDS_MAX {
            reporter.may_tell(&number.to_string());
        }
        assert!(reporter.told.lock().unwrap().len() <= KINDS_MAX + 1);
    }
}
