//! A reader: asks its member, on its own thread, and waits without holding up the runtime.
//!
//! Dropping the future of `next` loses nothing: the question stays asked, and the next call gets its
//! answer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ports::{Clock, Delivered, LogError, LogReader, Place};
use rdkafka::consumer::{BaseConsumer, Consumer};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::member::{Hearing, Member, Wish};
use crate::options::Options;
use crate::report::Reporter;

/// Wishes that wait for the member; its reader has one at a time, and one that was given up.
const WISHES_MAX: usize = 8;

/// The member's thread has ended.
#[derive(Debug, Error)]
#[error("the member has left the group")]
struct Left;

type Answer<T> = oneshot::Receiver<Result<T, LogError>>;

/// A reader of a log on Kafka.
pub(crate) struct KafkaReader {
    member: mpsc::Sender<Wish>,
    /// A question that was asked and not yet answered.
    asked: Option<Answer<Vec<Delivered>>>,
    /// More than was asked for by the last call.
    rest: Vec<Delivered>,
}

/// How a log sees its readers: to end them, and to wait for their leaving.
pub(crate) struct Membership {
    member: mpsc::WeakSender<Wish>,
    thread: std::thread::JoinHandle<()>,
}

impl Membership {
    /// Whether the member has left.
    pub(crate) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Asks the member to leave, if its reader is still there.
    pub(crate) fn end(&self) {
        if let Some(member) = self.member.upgrade() {
            // A full queue is as good: the member looks for wishes at each poll.
            let _ = member.try_send(Wish::Leave);
        }
    }
}

impl KafkaReader {
    /// Joins the group.
    ///
    /// # Errors
    /// When no client or no thread can be made.
    pub(crate) fn join(
        options: &Options,
        topic: String,
        group: &str,
        reporter: Arc<Reporter>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Membership), LogError> {
        let consumer: BaseConsumer<Hearing> = options
            .member(group)
            .create_with_context(Hearing::new(reporter))
            .map_err(not_opened)?;
        consumer.subscribe(&[&topic]).map_err(not_opened)?;
        let (member, wishes) = mpsc::channel(WISHES_MAX);
        let work = Member::new(consumer, topic, wishes, clock);
        let thread = std::thread::Builder::new()
            .name("log-reader".into())
            .spawn(move || work.run())
            .map_err(not_opened)?;
        let membership = Membership {
            member: member.downgrade(),
            thread,
        };
        let reader = KafkaReader {
            member,
            asked: None,
            rest: Vec::new(),
        };
        Ok((reader, membership))
    }

    async fn wish(&self, wish: Wish, doing: &'static str) -> Result<(), LogError> {
        let sent = self.member.send(wish).await;
        sent.map_err(|_| left(doing))
    }
}

fn not_opened(error: impl std::error::Error + Send + Sync + 'static) -> LogError {
    LogError {
        doing: "opened for reading",
        source: Box::new(error),
    }
}

fn left(doing: &'static str) -> LogError {
    LogError {
        doing,
        source: Box::new(Left),
    }
}

#[async_trait]
impl LogReader for KafkaReader {
    async fn next(
        &mut self,
        records_max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivered>, LogError> {
        if self.rest.is_empty() {
            if self.asked.is_none() {
                let (answer, answered) = oneshot::channel();
                let wish = Wish::Next {
                    records_max,
                    wait,
                    answer,
                };
                self.wish(wish, "read").await?;
                self.asked = Some(answered);
            }
            let Some(asked) = self.asked.as_mut() else {
                return Ok(Vec::new());
            };
            let answer = asked.await;
            self.asked = None;
            self.rest = answer.map_err(|_| left("read"))??;
        }
        let count = self.rest.len().min(records_max);
        Ok(self.rest.drain(..count).collect())
    }

    async fn commit(&mut self, through: &[Place]) -> Result<(), LogError> {
        let (answer, answered) = oneshot::channel();
        let through = through.to_vec();
        self.wish(Wish::Commit { through, answer }, "committed")
            .await?;
        answered.await.map_err(|_| left("committed"))?
    }

    async fn lag(&self) -> u64 {
        let (answer, answered) = oneshot::channel();
        match self.wish(Wish::Lag { answer }, "asked").await {
            Ok(()) => answered.await.unwrap_or(0),
            Err(_) => 0,
        }
    }
}
