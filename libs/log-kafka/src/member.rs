//! One member of a consumer group, on a thread of its own: the client library blocks, and must not
//! block the runtime.
//!
//! - The library is polled only while a batch is asked for. So partitions are given up between
//!   batches, when the one before is recorded and committed, and a member that is stopped for longer
//!   than the library allows loses them and starts again after what was committed.
//! - What was read of a partition that is given up, and not yet handed out, is dropped: the member
//!   that gets it reads it again.
//! - A commit names only partitions that this member still has. Those it lost belong to another,
//!   who does their records again.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use ports::{Clock, Delivered, LogError, LogRecord, Place};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};

use crate::report::Reporter;
use crate::topics::described;

/// A batch ends after so many bytes, however many records were asked for.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long one poll may block: another wish is seen after so long.
const POLL: Duration = Duration::from_millis(100);
/// How long a commit is tried while the group is being rearranged or its coordinator is away.
const COMMIT_MAX: Duration = Duration::from_secs(20);
/// How long a question about places may take.
const ASK_MAX: Duration = Duration::from_secs(2);
/// How old the ends of the partitions may be when the lag is asked for.
const ENDS_AGE_MAX: Duration = Duration::from_secs(1);

/// What a reader wants of its member.
pub(crate) enum Wish {
    Next {
        records_max: usize,
        wait: Duration,
        answer: oneshot::Sender<Result<Vec<Delivered>, LogError>>,
    },
    Commit {
        through: Vec<Place>,
        answer: oneshot::Sender<Result<(), LogError>>,
    },
    Lag {
        answer: oneshot::Sender<u64>,
    },
    Leave,
}

/// What happened to the member's partitions.
enum Change {
    Got(Vec<i32>),
    Lost(Vec<i32>),
}

/// Hears the group's coordinator, on the member's thread.
pub(crate) struct Hearing {
    reporter: Arc<Reporter>,
    changes: Mutex<Vec<Change>>,
}

impl Hearing {
    pub(crate) fn new(reporter: Arc<Reporter>) -> Self {
        Hearing {
            reporter,
            changes: Mutex::default(),
        }
    }
}

impl ClientContext for Hearing {
    fn log(&self, level: RDKafkaLogLevel, kind: &str, line: &str) {
        self.reporter.line(level, kind, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reporter.error(&error, reason);
    }
}

impl ConsumerContext for Hearing {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let partitions = |list: &TopicPartitionList| {
            let elements = list.elements();
            elements.iter().map(|one| one.partition()).collect()
        };
        let change = match rebalance {
            Rebalance::Assign(list) => Change::Got(partitions(list)),
            Rebalance::Revoke(list) => Change::Lost(partitions(list)),
            Rebalance::Error(error) => {
                self.reporter.trouble("rebalance", &described(error));
                return;
            }
        };
        self.changes.lock().expect("no holder panics").push(change);
    }
}

/// Where a partition stands.
#[derive(Default)]
struct Standing {
    /// The offset after what the group committed.
    committed: Option<u64>,
    /// The offset after the last record that was read.
    read: Option<u64>,
    /// The offset after the last record that there is.
    end: u64,
}

/// A member and what it holds.
pub(crate) struct Member {
    consumer: BaseConsumer<Hearing>,
    topic: String,
    wishes: mpsc::Receiver<Wish>,
    clock: Arc<dyn Clock>,
    /// Read and not handed out.
    held: VecDeque<Delivered>,
    /// The partitions that this member has.
    standings: HashMap<i32, Standing>,
    ends_seen_at: Option<Duration>,
}

impl Member {
    pub(crate) fn new(
        consumer: BaseConsumer<Hearing>,
        topic: String,
        wishes: mpsc::Receiver<Wish>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Member {
            consumer,
            topic,
            wishes,
            clock,
            held: VecDeque::new(),
            standings: HashMap::new(),
            ends_seen_at: None,
        }
    }

    /// Does what its reader wishes until it is dropped; then leaves the group.
    pub(crate) fn run(mut self) {
        while let Some(wish) = self.wishes.blocking_recv() {
            // A reader that no longer waits does not need the answer, except for the batch.
            match wish {
                Wish::Next {
                    records_max,
                    wait,
                    answer,
                } => {
                    let batch = self.next(records_max, wait);
                    if let Err(Ok(unread)) = answer.send(batch) {
                        self.hold_again(unread);
                    }
                }
                Wish::Commit { through, answer } => {
                    let _ = answer.send(self.commit(&through));
                }
                Wish::Lag { answer } => {
                    let _ = answer.send(self.lag());
                }
                Wish::Leave => return,
            }
        }
    }

    fn hold_again(&mut self, unread: Vec<Delivered>) {
        for delivered in unread.into_iter().rev() {
            self.held.push_front(delivered);
        }
    }

    fn next(&mut self, records_max: usize, wait: Duration) -> Result<Vec<Delivered>, LogError> {
        let until = self.clock.monotonic().saturating_add(wait);
        let mut bytes: usize = self.held.iter().map(|one| one.record.size()).sum();
        loop {
            let left = until.saturating_sub(self.clock.monotonic());
            let full = self.held.len() >= records_max || bytes >= BATCH_BYTES_MAX;
            if full {
                break;
            }
            let patience = if self.held.is_empty() {
                left.min(POLL)
            } else {
                Duration::ZERO
            };
            match self.poll(patience)? {
                Some(size) => bytes += size,
                None if !self.held.is_empty() || left.is_zero() || !self.wishes.is_empty() => break,
                None => {}
            }
        }
        let count = self.held.len().min(records_max);
        Ok(self.held.drain(..count).collect())
    }

    /// Polls once: holds a record that came and gives its size, or attends to what changed.
    fn poll(&mut self, patience: Duration) -> Result<Option<usize>, LogError> {
        let came = match self.consumer.poll(patience) {
            Some(Ok(message)) => Some(Ok(delivered(&message))),
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        self.attend_to_changes();
        match came {
            None => Ok(None),
            Some(Ok(delivered)) => {
                let size = delivered.record.size();
                self.note_read(delivered.place);
                self.held.push_back(delivered);
                Ok(Some(size))
            }
            Some(Err(error)) => self.trouble(error).map(|()| None),
        }
    }

    /// What ends by itself is only said; what a person must mend is an error.
    fn trouble(&self, error: KafkaError) -> Result<(), LogError> {
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        let lasts = matches!(error, KafkaError::MessageConsumptionFatal(_))
            || matches!(
                code,
                Code::Fatal
                    | Code::TopicAuthorizationFailed
                    | Code::GroupAuthorizationFailed
                    | Code::ClusterAuthorizationFailed
                    | Code::UnknownTopicOrPartition
                    | Code::UnknownTopic
            );
        if lasts {
            return Err(LogError {
                doing: "read",
                source: Box::new(error),
            });
        }
        let reporter = &self.consumer.context().reporter;
        reporter.trouble(&format!("reading, {code:?}"), &described(&error));
        Ok(())
    }

    fn attend_to_changes(&mut self) {
        let changes = std::mem::take(
            &mut *self
                .consumer
                .context()
                .changes
                .lock()
                .expect("no holder panics"),
        );
        for change in changes {
            match change {
                Change::Lost(partitions) => {
                    for partition in &partitions {
                        self.standings.remove(partition);
                    }
                    let lost =
                        |place: Place| partitions.iter().any(|one| place.partition == *one as u32);
                    self.held.retain(|one| !lost(one.place));
                    tracing::info!(topic = self.topic, ?partitions, "gave up partitions");
                }
                Change::Got(partitions) => {
                    tracing::info!(topic = self.topic, ?partitions, "got partitions");
                    self.take_over(&partitions);
                }
            }
        }
    }

    /// Where the group stood in the partitions that came.
    fn take_over(&mut self, partitions: &[i32]) {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            self.standings.insert(*partition, Standing::default());
            list.add_partition(&self.topic, *partition);
        }
        self.ends_seen_at = None;
        // Unknown only means that the lag counts from the start, and that a loss is not noticed.
        let Ok(committed) = self.consumer.committed_offsets(list, ASK_MAX) else {
            return;
        };
        for one in committed.elements() {
            if let (Offset::Offset(offset), Some(standing)) =
                (one.offset(), self.standings.get_mut(&one.partition()))
            {
                standing.committed = u64::try_from(offset).ok();
                standing.read = standing.committed;
            }
        }
    }

    /// Offsets of one partition follow each other: a gap is records that were removed unread.
    fn note_read(&mut self, place: Place) {
        let standing = self.standings.entry(place.partition as i32).or_default();
        let expected = standing.read.replace(place.offset + 1);
        standing.end = standing.end.max(place.offset + 1);
        if let Some(lost_records) = expected.and_then(|at| place.offset.checked_sub(at))
            && lost_records > 0
        {
            tracing::error!(
                lost_records,
                topic = self.topic,
                partition = place.partition,
                "records were removed from the log before a group had read them"
            );
        }
    }

    fn commit(&mut self, through: &[Place]) -> Result<(), LogError> {
        let until = self.clock.monotonic() + COMMIT_MAX;
        loop {
            let mut list = TopicPartitionList::new();
            for place in through {
                let partition = place.partition as i32;
                if self.standings.contains_key(&partition) {
                    let after = Offset::Offset(place.offset as i64 + 1);
                    list.add_partition_offset(&self.topic, partition, after)
                        .map_err(not_committed)?;
                }
            }
            if list.count() == 0 {
                return Ok(());
            }
            let Err(error) = self.consumer.commit(&list, CommitMode::Sync) else {
                self.note_committed(&list);
                return Ok(());
            };
            match error.rdkafka_error_code() {
                Some(Code::NoOffset) => return Ok(()),
                // The group went on without us: what we had is done again by who has it now.
                Some(Code::IllegalGeneration | Code::UnknownMemberId) => {
                    tracing::info!(topic = self.topic, "was taken for dead, and starts again");
                    self.standings.clear();
                    self.held.clear();
                    return Ok(());
                }
                Some(code) if passes(code) && self.clock.monotonic() < until => {
                    self.poll(POLL)?;
                }
                _ => return Err(not_committed(error)),
            }
        }
    }

    fn note_committed(&mut self, list: &TopicPartitionList) {
        for one in list.elements() {
            if let (Offset::Offset(after), Some(standing)) =
                (one.offset(), self.standings.get_mut(&one.partition()))
            {
                standing.committed = u64::try_from(after).ok();
            }
        }
    }

    /// Records of this member's partitions that are not committed. With no broker to ask, as far as
    /// it is known.
    fn lag(&mut self) -> u64 {
        self.look_at_ends();
        self.standings
            .values()
            .map(|one| one.end.saturating_sub(one.committed.unwrap_or(0)))
            .sum()
    }

    fn look_at_ends(&mut self) {
        let now = self.clock.monotonic();
        let fresh = |at: Duration| now.saturating_sub(at) < ENDS_AGE_MAX;
        if self.standings.is_empty() || self.ends_seen_at.is_some_and(fresh) {
            return;
        }
        self.ends_seen_at = Some(now);
        let mut list = TopicPartitionList::with_capacity(self.standings.len());
        for partition in self.standings.keys() {
            // A time of -1 asks for the end. Source: the protocol's ListOffsets request.
            let added = list.add_partition_offset(&self.topic, *partition, Offset::End);
            added.expect("an end is a time that can be asked for");
        }
        let Ok(ends) = self.consumer.offsets_for_times(list, ASK_MAX) else {
            return;
        };
        for one in ends.elements() {
            if let (Offset::Offset(end), Some(standing)) =
                (one.offset(), self.standings.get_mut(&one.partition()))
            {
                standing.end = standing.end.max(u64::try_from(end).unwrap_or(0));
            }
        }
    }
}

/// Whether a failed commit may do in a while.
fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::RebalanceInProgress
            | Code::RequestTimedOut
            | Code::OperationTimedOut
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::WaitingForCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::Outdated
    )
}

fn not_committed(error: KafkaError) -> LogError {
    LogError {
        doing: "committed",
        source: Box::new(error),
    }
}

/// A record as a reader gets it.
pub(crate) fn delivered(message: &BorrowedMessage<'_>) -> Delivered {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // The library panics at a header whose name is not UTF-8, which anybody may have written.
    let headers = catch_unwind(AssertUnwindSafe(|| {
        let headers = message.headers()?.iter();
        Some(
            headers
                .map(|one| {
                    (
                        one.key.to_owned().into(),
                        one.value.map(text).unwrap_or_default().into(),
                    )
                })
                .collect(),
        )
    }));
    let millis = message.timestamp().to_millis().unwrap_or_default();
    Delivered {
        place: Place {
            partition: message.partition() as u32,
            offset: message.offset() as u64,
        },
        appended_at: DateTime::from_timestamp_millis(millis).unwrap_or_default(),
        record: LogRecord {
            key: message.key().map(text).unwrap_or_default(),
            headers: headers.ok().flatten().unwrap_or_default(),
            value: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        },
    }
}
