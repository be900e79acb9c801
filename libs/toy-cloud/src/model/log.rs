//! A log of one tenant, of activity or of changed labels, eventually consistent: an entry waits until its time to appear, and
//! what has appeared keeps its place. So a cursor is a position, and nothing ever appears before it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::clock::Moment;
use crate::faults::Faults;

/// A tenant's log keeps this many entries, older ones are let go early.
pub const EVENTS_KEPT_MAX: usize = 500_000;
/// Entries are kept for this many days.
pub const EVENTS_KEPT_DAYS: u64 = 30;
/// A page of events holds at most this many.
pub const EVENTS_PAGE_MAX: usize = 500;

/// What a log is of.
pub(crate) trait Logged {
    /// When it appears.
    fn logged_at(&self) -> Moment;
}

#[derive(Debug)]
pub(crate) struct EventLog<T> {
    /// By the time to appear, then by number.
    waiting: BTreeMap<(Moment, u64), Arc<T>>,
    feed: VecDeque<Arc<T>>,
    /// How many were let go: the position of the feed's first.
    let_go: u64,
}

#[derive(Debug)]
pub(crate) struct EventPage<T> {
    pub(crate) items: Vec<Arc<T>>,
    pub(crate) next: u64,
    pub(crate) has_more: bool,
}

/// The position is not kept any more, or never was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoSuchPosition {
    pub(crate) oldest: u64,
}

impl<T> Default for EventLog<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            feed: VecDeque::new(),
            let_go: 0,
        }
    }
}

impl<T: Logged> EventLog<T> {
    pub(crate) fn append(&mut self, number: u64, entry: Arc<T>) {
        self.waiting.insert((entry.logged_at(), number), entry);
        if self.waiting.len() > EVENTS_KEPT_MAX {
            self.appear_first();
        }
    }

    pub(crate) fn settle(&mut self, now: Moment) {
        while self
            .waiting
            .first_key_value()
            .is_some_and(|((due, _), _)| *due <= now)
        {
            self.appear_first();
        }
        let too_old = now.minus_ms(EVENTS_KEPT_DAYS * 86_400_000);
        while self.feed.len() > EVENTS_KEPT_MAX
            || self
                .feed
                .front()
                .is_some_and(|first| first.logged_at() < too_old)
        {
            self.feed.pop_front();
            self.let_go += 1;
        }
    }

    fn appear_first(&mut self) {
        if let Some((_, entry)) = self.waiting.pop_first() {
            self.feed.push_back(entry);
        }
    }

    pub(crate) fn oldest(&self) -> u64 {
        self.let_go
    }

    pub(crate) fn end(&self) -> u64 {
        self.let_go + self.feed.len() as u64
    }

    /// What has appeared after `position`, as much as the faults let through. Settle first.
    pub(crate) fn page(
        &self,
        position: u64,
        limit: usize,
        faults: &Faults,
    ) -> Result<EventPage<T>, NoSuchPosition> {
        if !(self.oldest()..=self.end()).contains(&position) {
            return Err(NoSuchPosition {
                oldest: self.oldest(),
            });
        }
        let start = usize::try_from(position - self.let_go).unwrap_or(usize::MAX);
        let waiting = self.feed.len() - start;
        let fate = faults.of_page(limit.clamp(1, EVENTS_PAGE_MAX), waiting);
        let fresh = fate.limit.min(waiting);
        let from = start.saturating_sub(fate.repeated);
        let items = self.feed.range(from..start + fresh).cloned().collect();
        let next = position + fresh as u64;
        Ok(EventPage {
            items,
            next,
            has_more: next < self.end(),
        })
    }

    /// Everything made and kept, be it visible yet or not, for tests that ask what really happened.
    pub(crate) fn everything(&self) -> Vec<Arc<T>> {
        self.feed
            .iter()
            .chain(self.waiting.values())
            .cloned()
            .collect()
    }

    /// The latest that have appeared, latest first.
    pub(crate) fn latest(&self, count: usize) -> Vec<Arc<T>> {
        self.feed.iter().rev().take(count).cloned().collect()
    }
}
