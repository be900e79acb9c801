//! What is on its way to one registration: a queue by due time, bounded, with its counts. The model puts in, one deliverer takes
//! out; closing it empties it at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;
use url::Url;

use super::style::Style;
use crate::clock::Moment;
use crate::ledger::{Deed, Outcome};
use crate::model::activity::Activity;

/// So many deliveries wait for one registration; what comes on top is lost (the events API still has it).
pub const DELIVERIES_PENDING_MAX: usize = 100_000;
/// So many deliveries to one registration are made at once.
pub const DELIVERIES_CONCURRENT_MAX: usize = 32;

/// One activity on its way.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) activity: Arc<Activity>,
    /// Attempts made.
    pub(super) attempts: u32,
    pub(super) first_due: Moment,
}

/// How a registration's deliveries went.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct DeliveryCounts {
    sent: u64,
    accepted: u64,
    failed: u64,
    pending: usize,
}

#[derive(Debug, Default)]
struct Queue {
    key: Vec<u8>,
    waiting: BTreeMap<(Moment, u64), Delivery>,
    put: u64,
    in_flight: usize,
    counts: DeliveryCounts,
    active: bool,
    closed: bool,
}

#[derive(Debug)]
pub(crate) struct Lane {
    webhook_id: String,
    url: Url,
    style: Style,
    queue: Mutex<Queue>,
    pub(super) changed: Notify,
}

impl Lane {
    pub(super) fn new(webhook_id: &str, url: Url, style: Style) -> Self {
        let webhook_id = webhook_id.to_owned();
        Self {
            webhook_id,
            url,
            style,
            queue: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(super) fn webhook_id(&self) -> &str {
        &self.webhook_id
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn style(&self) -> Style {
        self.style
    }

    /// Active, under this key from now on.
    pub(super) fn renew(&self, key: &[u8]) {
        let mut queue = self.queue();
        queue.key = key.to_vec();
        queue.active = true;
    }

    pub(super) fn is_active(&self) -> bool {
        self.queue().active
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue().closed
    }

    pub(super) fn key(&self) -> Vec<u8> {
        self.queue().key.clone()
    }

    pub(super) fn counts(&self) -> DeliveryCounts {
        let queue = self.queue();
        DeliveryCounts {
            pending: queue.waiting.len() + queue.in_flight,
            ..queue.counts
        }
    }

    /// False when there is no room.
    pub(super) fn push(
        &self,
        id: &str,
        activity: &Arc<Activity>,
        now: Moment,
        due: Moment,
    ) -> bool {
        let mut queue = self.queue();
        if queue.waiting.len() >= DELIVERIES_PENDING_MAX {
            queue.counts.failed += 1;
            return false;
        }
        let (id, activity) = (id.to_owned(), Arc::clone(activity));
        queue.put(
            due,
            Delivery {
                id,
                activity,
                attempts: 0,
                first_due: now,
            },
        );
        drop(queue);
        self.changed.notify_one();
        true
    }

    /// Takes what is due, marking it as in flight.
    pub(super) fn take(&self, now: Moment) -> Option<Delivery> {
        let mut queue = self.queue();
        let first = queue
            .waiting
            .first_entry()
            .filter(|first| first.key().0 <= now)?;
        let mut delivery = first.remove();
        delivery.attempts += 1;
        queue.in_flight += 1;
        queue.counts.sent += 1;
        Some(delivery)
    }

    pub(super) fn next_due(&self) -> Option<Moment> {
        self.queue()
            .waiting
            .first_key_value()
            .map(|((due, _), _)| *due)
    }

    pub(super) fn accepted(&self) {
        let mut queue = self.queue();
        queue.in_flight -= 1;
        queue.counts.accepted += 1;
    }

    pub(super) fn given_up(&self) {
        let mut queue = self.queue();
        queue.in_flight -= 1;
        queue.counts.failed += 1;
    }

    pub(super) fn again(&self, delivery: Delivery, due: Moment) {
        let mut queue = self.queue();
        queue.in_flight -= 1;
        if queue.active {
            queue.put(due, delivery);
        } else {
            queue.counts.failed += 1;
        }
    }

    /// The receiver wants no more: all that waits is given up.
    pub(super) fn deactivate(&self) {
        let mut queue = self.queue();
        queue.active = false;
        queue.counts.failed += queue.waiting.len() as u64;
        queue.waiting.clear();
    }

    pub(super) fn close(&self) {
        self.deactivate();
        self.queue().closed = true;
        self.changed.notify_one();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn put(&mut self, due: Moment, delivery: Delivery) {
        self.put += 1;
        self.waiting.insert((due, self.put), delivery);
    }
}

pub(super) fn deed(
    webhook_id: &str,
    delivery_id: &str,
    event_id: &str,
    attempt: u32,
    status: Option<u16>,
    outcome: Outcome,
) -> Deed {
    Deed::Delivery {
        webhook_id: webhook_id.to_owned(),
        delivery_id: delivery_id.to_owned(),
        event_id: event_id.to_owned(),
        attempt,
        status,
        outcome,
    }
}
