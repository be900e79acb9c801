//! What really happened, for tests to ask afterwards: requests, effects, deliveries and tokens in the order in which they were
//! done, in a ring of [`LEDGER_ENTRIES_MAX`], and counts over all of them (also over those that the ring has let go).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::clock::{Clock, Moment};

/// The ring keeps this many entries; older ones are let go.
pub const LEDGER_ENTRIES_MAX: usize = 1_000_000;
/// A page of the ledger holds at most this many entries.
pub const LEDGER_PAGE_MAX: usize = 10_000;
const TEXT_LENGTH_MAX: usize = 256;

/// One thing that was done.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Deed {
    /// An HTTP request was answered, or cut off.
    Request {
        /// The method.
        method: String,
        /// The path as it was asked for, without the query, cut at 256 characters.
        path: String,
        /// The route it matched, such as `/api/v1/files/{id}`.
        route: String,
        /// Whose token it carried, when it carried a good one.
        client_id: Option<Arc<str>>,
        /// The tenant of that token.
        tenant_id: Option<Arc<str>>,
        /// The answer; null when the connection was cut.
        status: Option<u16>,
        /// The planned fault that hit it.
        fault: Option<&'static str>,
    },
    /// Something was changed, or was asked to be and was so already.
    Effect {
        /// Where.
        tenant_id: String,
        /// By which client; null when a person did it.
        client_id: Option<String>,
        /// What was done.
        action: Action,
        /// To what.
        object_id: String,
        /// The permission, link, parent or version concerned.
        detail: Option<String>,
        /// The activity that it made; null when it left things as they were.
        event_id: Option<String>,
        /// False when it left things as they were.
        changed: bool,
    },
    /// A webhook delivery was attempted, or given up.
    Delivery {
        /// The registration.
        webhook_id: String,
        /// The `webhook-id` header.
        delivery_id: String,
        /// The activity.
        event_id: String,
        /// Counts from 1; 0 for a delivery that was never attempted.
        attempt: u32,
        /// The receiver's answer; null when there was none.
        status: Option<u16>,
        /// How it went.
        outcome: Outcome,
    },
    /// A token was issued, refreshed or revoked.
    Token {
        /// For whom.
        client_id: String,
        /// Of which tenant.
        tenant_id: String,
        /// What happened.
        action: TokenAction,
    },
}

/// What an effect did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each is named by what it does, as in the API's document"
)]
pub enum Action {
    FileCreated,
    FolderCreated,
    Content,
    VersionRemoved,
    Move,
    Trash,
    Delete,
    Restore,
    PermissionAdded,
    PermissionUpdated,
    PermissionRemoved,
    LinkCreated,
    LinkUpdated,
    LinkRemoved,
    LinkRestored,
    OwnerChanged,
    UserSuspended,
    UserUnsuspended,
    SessionsEnded,
    WebhookRegistered,
    WebhookDeregistered,
}

/// How one attempt of a delivery went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered with 2xx.
    Accepted,
    /// Not accepted; it is tried again.
    Retrying,
    /// Given up: 410, or 24 hours over, or no room to keep it.
    Failed,
    /// Left out by the fault plan.
    Dropped,
}

/// What happened to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenAction {
    /// A grant's first pair.
    Issued,
    /// A new pair for an old one.
    Refreshed,
    /// The grant was revoked by request.
    Revoked,
    /// The grant was revoked because a code or a refresh token was used again.
    ReuseRevoked,
}

/// A deed with its number and time.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Counts from 1 without gaps.
    pub n: u64,
    at: Moment,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
}

/// A page of the ledger.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerPage {
    /// Entries with a number above `since`, oldest first.
    pub items: Vec<Entry>,
    /// The `since` of the next page; never null.
    pub next: u64,
    /// Whether that page has entries already.
    pub has_more: bool,
}

/// Counts over everything since the start.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// By `METHOD route`, then by client (`-` without a token).
    pub requests: BTreeMap<String, BTreeMap<String, u64>>,
    /// Answers by status; `cut` counts connections that were cut.
    pub statuses: BTreeMap<String, u64>,
    /// What clients did, by action.
    pub effects: BTreeMap<Action, EffectCount>,
    /// Attempts of deliveries by outcome.
    pub deliveries: BTreeMap<Outcome, u64>,
    /// Tokens by what happened to them.
    pub tokens: BTreeMap<TokenAction, u64>,
    /// Webhooks that are registered and active now.
    pub active_registrations: usize,
}

/// How often clients asked for an action, and how often that changed something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct EffectCount {
    /// All.
    pub total: u64,
    /// Those that changed something.
    pub changed: u64,
}

#[derive(Debug, Default)]
struct Book {
    entries: VecDeque<Entry>,
    written: u64,
    summary: Summary,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    clock: Arc<Clock>,
    book: Mutex<Book>,
}

impl Ledger {
    pub(crate) fn new(clock: Arc<Clock>) -> Self {
        Self {
            clock,
            book: Mutex::default(),
        }
    }

    pub(crate) fn write(&self, deed: Deed) {
        let mut book = self.book();
        book.summary.count(&deed);
        book.written += 1;
        let entry = Entry {
            n: book.written,
            at: self.clock.now(),
            deed,
        };
        if book.entries.len() == LEDGER_ENTRIES_MAX {
            book.entries.pop_front();
        }
        book.entries.push_back(entry);
    }

    /// Entries with a number above `since`, at most `limit` of them.
    pub(crate) fn page(&self, since: u64, limit: usize) -> LedgerPage {
        let book = self.book();
        let let_go = book.written - book.entries.len() as u64;
        let skip = usize::try_from(since.saturating_sub(let_go)).unwrap_or(usize::MAX);
        let items: Vec<Entry> = book
            .entries
            .iter()
            .skip(skip)
            .take(limit.clamp(1, LEDGER_PAGE_MAX))
            .cloned()
            .collect();
        let next = items
            .last()
            .map_or(since.min(book.written), |entry| entry.n);
        LedgerPage {
            has_more: next < book.written,
            items,
            next,
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        self.book().summary.clone()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Summary {
    fn count(&mut self, deed: &Deed) {
        match deed {
            Deed::Request {
                method,
                route,
                client_id,
                status,
                ..
            } => {
                let clients = self
                    .requests
                    .entry(format!("{method} {route}"))
                    .or_default();
                *clients
                    .entry(client_id.as_deref().unwrap_or("-").to_owned())
                    .or_default() += 1;
                let status = status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
                *self.statuses.entry(status).or_default() += 1;
            }
            Deed::Effect {
                client_id: Some(_),
                action,
                changed,
                ..
            } => {
                let count = self.effects.entry(*action).or_default();
                count.total += 1;
                count.changed += u64::from(*changed);
            }
            Deed::Effect {
                client_id: None, ..
            } => {}
            Deed::Delivery { outcome, .. } => *self.deliveries.entry(*outcome).or_default() += 1,
            Deed::Token { action, .. } => *self.tokens.entry(*action).or_default() += 1,
        }
    }
}

/// The first 256 characters.
pub(crate) fn cut_short(text: &str) -> String {
    text.chars().take(TEXT_LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_lets_the_oldest_go_and_pages_join_without_gaps() {
        let ledger = Ledger::new(Arc::default());
        let token = |action| Deed::Token {
            client_id: "tidegate".to_owned(),
            tenant_id: "acme".to_owned(),
            action,
        };
        for _ in 0..LEDGER_ENTRIES_MAX + 5 {
            ledger.write(token(TokenAction::Refreshed));
        }
        let first = ledger.page(0, 3);
        assert_eq!(
            first.items.iter().map(|entry| entry.n).collect::<Vec<_>>(),
            [6, 7, 8]
        );
        let second = ledger.page(first.next, 2);
        assert_eq!(
            second.items.iter().map(|entry| entry.n).collect::<Vec<_>>(),
            [9, 10]
        );
        let total = LEDGER_ENTRIES_MAX as u64 + 5;
        let end = ledger.page(total, 10);
        assert_eq!((end.items.len(), end.next, end.has_more), (0, total, false));
        assert_eq!(ledger.summary().tokens[&TokenAction::Refreshed], total);
    }
}
