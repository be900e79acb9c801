//! One call of `append` on its way: the brokers' acknowledgements of its records come back one by
//! one on the client's thread, and the last of them answers the whole call, once.

use std::sync::{Arc, Mutex};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use tokio::sync::oneshot;

use crate::report::Reporter;
use crate::room::Share;

/// A call whose records are with the client.
pub(crate) struct Call(Mutex<Waiting>);

struct Waiting {
    /// Records that the brokers have not answered for.
    left: usize,
    /// The first failure.
    failure: Option<RDKafkaErrorCode>,
    /// Both are given away with the answer.
    answer: Option<(oneshot::Sender<Result<(), RDKafkaErrorCode>>, Share)>,
}

/// What becomes of a call.
pub(crate) type Answered = oneshot::Receiver<Result<(), RDKafkaErrorCode>>;

impl Call {
    /// A call of so many records, at least one, with its share of the room.
    pub(crate) fn new(records: usize, share: Share) -> (Arc<Self>, Answered) {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            left: records,
            failure: None,
            answer: Some((answer, share)),
        };
        (Arc::new(Call(Mutex::new(waiting))), answered)
    }

    /// So many of its records are answered for.
    pub(crate) fn settle(&self, records: usize, failure: Option<RDKafkaErrorCode>) {
        let mut waiting = self.0.lock().expect("no holder panics");
        waiting.left = waiting.left.saturating_sub(records);
        waiting.failure = waiting.failure.or(failure);
        if waiting.left > 0 {
            return;
        }
        let outcome = waiting.failure.map_or(Ok(()), Err);
        if let Some((answer, share)) = waiting.answer.take() {
            drop(share);
            // A caller who no longer waits does not need the answer.
            let _ = answer.send(outcome);
        }
    }
}

/// Hears what becomes of records, on the client's own thread.
pub(crate) struct Deliveries(pub(crate) Arc<Reporter>);

/// The brokers' or the library's code of an error.
pub(crate) fn code_of(error: &KafkaError) -> RDKafkaErrorCode {
    error
        .rdkafka_error_code()
        .unwrap_or(RDKafkaErrorCode::Unknown)
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, kind: &str, line: &str) {
        self.0.line(level, kind, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<Call>;

    fn delivery(&self, result: &DeliveryResult<'_>, call: Arc<Call>) {
        let failure = result.as_ref().err().map(|(error, _)| code_of(error));
        call.settle(1, failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Room;

    #[test]
    fn the_last_record_answers_the_call_with_the_first_failure() {
        use RDKafkaErrorCode::{MessageTimedOut, PolicyViolation};
        // what becomes of each record => the answer
        let rows = [
            ([None, None, None], Ok(())),
            ([None, Some(MessageTimedOut), None], Err(MessageTimedOut)),
            (
                [Some(PolicyViolation), Some(MessageTimedOut), None],
                Err(PolicyViolation),
            ),
        ];
        for (records, outcome) in rows {
            let room = Arc::new(Room::new(100, 3));
            let share = room.enter(10, records.len()).unwrap();
            let (call, mut answered) = Call::new(records.len(), share);
            for failure in records {
                assert!(answered.try_recv().is_err(), "answered before its last");
                assert!(room.enter(1, 1).is_none(), "its room is taken until then");
                call.settle(1, failure);
            }
            assert_eq!(answered.try_recv().unwrap(), outcome);
            assert!(room.enter(1, 1).is_some(), "its room is free again");
        }
    }
}
