//! What waits for the disk, in the order in which it came. Both bounds count what is being written
//! too; a call larger than the bounds is taken only when nothing else waits, so that it is not
//! refused for ever.

use std::sync::{Condvar, Mutex};

use thiserror::Error;
use tokio::sync::oneshot;

use crate::writer::WriteFailure;

/// One call of `append`.
pub(crate) struct Call {
    /// Place of its topic.
    pub(crate) topic: usize,
    /// How many records.
    pub(crate) records: usize,
    /// Their frames, not yet stamped.
    pub(crate) frames: Vec<u8>,
    /// Answered once, for the whole call.
    pub(crate) answer: oneshot::Sender<Result<(), WriteFailure>>,
}

/// Why a call was not enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    /// More is waiting than the queue takes.
    #[error("more is waiting than the queue takes")]
    Full,
    /// Nobody writes any more.
    #[error("the log's writer has ended")]
    Closed,
}

#[derive(Default)]
struct Waiting {
    calls: Vec<Call>,
    bytes: usize,
    records: usize,
    closed: bool,
}

/// The queue between callers and the writer.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    bytes_max: usize,
    records_max: usize,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize, records_max: usize) -> Self {
        Queue {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            bytes_max,
            records_max,
        }
    }

    /// Enqueues a call, unless the bounds are reached.
    pub(crate) fn push(&self, call: Call) -> Result<(), Refused> {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        if waiting.closed {
            return Err(Refused::Closed);
        }
        let bytes = waiting.bytes.saturating_add(call.frames.len());
        let records = waiting.records.saturating_add(call.records);
        if waiting.records > 0 && (bytes > self.bytes_max || records > self.records_max) {
            return Err(Refused::Full);
        }
        (waiting.bytes, waiting.records) = (bytes, records);
        waiting.calls.push(call);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for calls and takes all of them; none when the queue is closed and drained. They
    /// count against the bounds until [`Self::written`].
    pub(crate) fn take_all(&self) -> Option<Vec<Call>> {
        let waiting = self.waiting.lock().expect("no holder panics");
        let mut waiting = self
            .changed
            .wait_while(waiting, |waiting| {
                waiting.calls.is_empty() && !waiting.closed
            })
            .expect("no holder panics");
        let calls = std::mem::take(&mut waiting.calls);
        (!calls.is_empty()).then_some(calls)
    }

    /// So much of what was taken is no longer held.
    pub(crate) fn written(&self, bytes: usize, records: usize) {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        waiting.bytes -= bytes;
        waiting.records -= records;
    }

    /// Lets the writer end after what waits.
    pub(crate) fn close(&self) {
        self.waiting.lock().expect("no holder panics").closed = true;
        self.changed.notify_one();
    }

    /// Nobody writes any more: who still waits learns that nothing is known of their records.
    pub(crate) fn abandon(&self) {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        waiting.closed = true;
        waiting.calls.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(records: usize, bytes: usize) -> Call {
        Call {
            topic: 0,
            records,
            frames: vec![0; bytes],
            answer: oneshot::channel().0,
        }
    }

    #[test]
    fn the_queue_is_bounded_in_bytes_and_in_records_until_they_are_written() {
        for (first, second) in [((1, 60), (1, 50)), ((6, 1), (5, 1))] {
            let queue = Queue::new(100, 10);
            queue.push(call(first.0, first.1)).unwrap();
            assert!(queue.push(call(second.0, second.1)).is_err());
            assert_eq!(queue.take_all().unwrap().len(), 1);
            assert!(
                queue.push(call(second.0, second.1)).is_err(),
                "still in the writer's hands"
            );
            queue.written(first.1, first.0);
            assert!(queue.push(call(second.0, second.1)).is_ok());
        }
    }

    #[test]
    fn a_call_larger_than_the_bounds_is_taken_alone() {
        let queue = Queue::new(100, 10);
        queue.push(call(11, 1000)).unwrap();
        assert_eq!(queue.push(call(1, 1)), Err(Refused::Full));
    }

    #[test]
    fn who_waits_for_a_writer_that_ended_is_told() {
        let queue = Queue::new(100, 10);
        let (answer, mut answered) = oneshot::channel();
        queue
            .push(Call {
                answer,
                ..call(1, 1)
            })
            .unwrap();
        queue.abandon();
        assert!(
            answered
                .try_recv()
                .is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
        );
        assert_eq!(queue.push(call(1, 1)), Err(Refused::Closed));
    }
}
