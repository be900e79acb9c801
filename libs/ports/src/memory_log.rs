//! A log in memory, for tests: durable as long as the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::log::{
    ActivityLog, AppendError, Delivered, LogError, LogReader, LogRecord, LogScan, Place, Scan,
    Topic,
};

#[derive(Default)]
struct Topics {
    records: HashMap<Topic, Vec<Delivered>>,
    committed: HashMap<(Topic, String), u64>,
}

/// The log in memory. One partition; one member per group.
pub struct MemoryLog {
    topics: Arc<Mutex<Topics>>,
    appended: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryLog {
            topics: Arc::default(),
            appended: watch::Sender::new(0),
            clock,
        }
    }

    /// Everything appended to a topic.
    pub fn records(&self, topic: Topic) -> Vec<Delivered> {
        let topics = self.topics.lock().expect("no holder panics");
        topics.records.get(&topic).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl ActivityLog for MemoryLog {
    async fn append(&self, topic: Topic, records: Vec<LogRecord>) -> Result<(), AppendError> {
        if let Some(large) = records
            .iter()
            .find(|record| record.size() > LogRecord::BYTES_MAX)
        {
            return Err(AppendError::TooLarge {
                bytes: large.size(),
            });
        }
        let appended_at = self.clock.now();
        let mut topics = self.topics.lock().expect("no holder panics");
        let kept = topics.records.entry(topic).or_default();
        for record in records {
            let place = Place {
                partition: 0,
                offset: kept.len() as u64,
            };
            kept.push(Delivered {
                place,
                appended_at,
                record,
            });
        }
        drop(topics);
        self.appended.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn reader(&self, topic: Topic, group: &str) -> Result<Box<dyn LogReader>, LogError> {
        let key = (topic, group.to_owned());
        let next = *self
            .topics
            .lock()
            .expect("no holder panics")
            .committed
            .get(&key)
            .unwrap_or(&0);
        let topics = Arc::clone(&self.topics);
        Ok(Box::new(MemoryReader {
            topics,
            appended: self.appended.subscribe(),
            key,
            next,
        }))
    }
}

#[async_trait]
impl LogScan for MemoryLog {
    async fn scan(&self, topic: Topic) -> Result<Box<dyn Scan>, LogError> {
        Ok(Box::new(MemoryScan(self.records(topic))))
    }
}

/// What is left to hand out.
struct MemoryScan(Vec<Delivered>);

#[async_trait]
impl Scan for MemoryScan {
    async fn next(&mut self, records_max: usize) -> Result<Vec<Delivered>, LogError> {
        let count = self.0.len().min(records_max);
        Ok(self.0.drain(..count).collect())
    }
}

struct MemoryReader {
    topics: Arc<Mutex<Topics>>,
    appended: watch::Receiver<u64>,
    key: (Topic, String),
    next: u64,
}

impl MemoryReader {
    fn take(&mut self, records_max: usize) -> Vec<Delivered> {
        let topics = self.topics.lock().expect("no holder panics");
        let kept = topics
            .records
            .get(&self.key.0)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let from = (self.next as usize).min(kept.len());
        let batch: Vec<Delivered> = kept[from..].iter().take(records_max).cloned().collect();
        self.next += batch.len() as u64;
        batch
    }
}

#[async_trait]
impl LogReader for MemoryReader {
    async fn next(
        &mut self,
        records_max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivered>, LogError> {
        self.appended.borrow_and_update();
        let batch = self.take(records_max);
        if !batch.is_empty() {
            return Ok(batch);
        }
        // A timeout and a closed log both mean: nothing came.
        let _ = tokio::time::timeout(wait, self.appended.changed()).await;
        Ok(self.take(records_max))
    }

    async fn commit(&mut self, through: &[Place]) -> Result<(), LogError> {
        let mut topics = self.topics.lock().expect("no holder panics");
        let committed = topics.committed.entry(self.key.clone()).or_default();
        for place in through {
            *committed = (*committed).max(place.offset + 1);
        }
        Ok(())
    }

    async fn lag(&self) -> u64 {
        let topics = self.topics.lock().expect("no holder panics");
        let kept = topics.records.get(&self.key.0).map_or(0, Vec::len) as u64;
        kept - topics.committed.get(&self.key).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn the_memory_log_holds_the_contract() {
        crate::contract::log::all(&MemoryLog::new(Arc::new(SystemClock::new()))).await;
    }
}
