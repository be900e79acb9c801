//! Incidents by e-mail: one at a time what is grave, together from time to time what is not.
//!
//! What it promises: no more messages an hour than it may send, and none is lost for it: what comes beyond
//! waits, and goes out together. The same events make a message with the same `Message-ID`. All
//! messages about one incident are one thread.

mod letter;

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use ports::{Clock, MailError, Mailer};

use super::{DeliveryError, Destination, Reach, Taken};
use crate::{Told, settings};
use letter::Letter;

/// The span that the bound of messages is counted in.
const SPAN: TimeDelta = TimeDelta::hours(1);

/// Each event by itself, as many as may be sent.
pub(super) struct AtOnce {
    letters: Letters,
    clock: Arc<dyn Clock>,
    at_most: usize,
    sent: VecDeque<DateTime<Utc>>,
}

/// What was gathered, in one message.
pub(super) struct Digest(Letters);

struct Letters {
    mailer: Arc<dyn Mailer>,
    letter: Letter,
}

impl AtOnce {
    pub(super) fn new(sink: &str, settings: &settings::Mail, reach: &Reach) -> Self {
        AtOnce {
            letters: Letters::new(sink, settings, reach),
            clock: Arc::clone(&reach.clock),
            at_most: settings.at_most.into(),
            sent: VecDeque::new(),
        }
    }

    /// How many may be sent now; when none, how long until one may.
    fn room(&mut self) -> Result<usize, TimeDelta> {
        let now = self.clock.now();
        while self.sent.front().is_some_and(|at| now - *at >= SPAN) {
            self.sent.pop_front();
        }
        match (
            self.at_most.saturating_sub(self.sent.len()),
            self.sent.front(),
        ) {
            (0, Some(oldest)) => Err(*oldest + SPAN - now),
            (room, _) => Ok(room.max(1)),
        }
    }
}

impl Digest {
    pub(super) fn new(sink: &str, settings: &settings::Mail, reach: &Reach) -> Self {
        Digest(Letters::new(sink, settings, reach))
    }
}

impl Letters {
    fn new(sink: &str, settings: &settings::Mail, reach: &Reach) -> Self {
        Letters {
            mailer: Arc::clone(&reach.mailer),
            letter: Letter::new(sink, settings),
        }
    }

    /// Sends them in one message. Where the server refuses it for good, a filter may not like a name in it:
    /// then one goes out that says no word of a service's. Where that is refused too, it is not about
    /// the message, and all of it waits.
    async fn send(&self, events: &[Told]) -> Result<(), DeliveryError> {
        let whole = match events {
            [one] => self.letter.of_one(one),
            many => self.letter.of_many(many),
        };
        let refused = match self.mailer.send(&whole).await {
            Ok(()) => return Ok(()),
            Err(MailError::Refused(cause)) => cause,
            Err(error) => return Err(later(&error)),
        };
        tracing::error!(
            message = whole.id,
            reason = %refused,
            "the mail server refuses a message: it is sent without what services say"
        );
        let bare = self.letter.bare(&whole, events);
        self.mailer.send(&bare).await.map_err(|error| later(&error))
    }
}

fn later(error: &MailError) -> DeliveryError {
    match std::error::Error::source(error) {
        Some(cause) => DeliveryError::later(format!("{error}: {cause}")),
        None => DeliveryError::later(error),
    }
}

#[async_trait]
impl Destination for AtOnce {
    async fn deliver(&mut self, events: &[Told]) -> Taken {
        let mut taken = 0;
        while taken < events.len() {
            let left = &events[taken..];
            let room = match self.room() {
                Ok(room) => room,
                Err(wait) => {
                    let reason = format!("{} messages an hour are sent", self.at_most);
                    let after = Some(wait.to_std().unwrap_or_default());
                    return (taken, Err(DeliveryError::Later { reason, after }));
                }
            };
            // The last message that may be sent takes all that is left.
            let together = if room == 1 { left } else { &left[..1] };
            if let Err(error) = self.letters.send(together).await {
                return (taken, Err(error));
            }
            self.sent.push_back(self.clock.now());
            taken += together.len();
        }
        (taken, Ok(()))
    }
}

#[async_trait]
impl Destination for Digest {
    async fn deliver(&mut self, events: &[Told]) -> Taken {
        if events.is_empty() {
            return (0, Ok(()));
        }
        match self.0.send(events).await {
            Ok(()) => (events.len(), Ok(())),
            Err(error) => (0, Err(error)),
        }
    }
}
