//! The public keys that services publish, read from inside the allow-list and kept for a while.
//!
//! A key that is not known is looked for again, but not more often than once in [`AGAIN_AFTER`]: strangers
//! cannot make Tidegate ask a service again and again by deliveries with made-up key names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method};
use ports::Clock;
use url::Url;

use crate::call::CallError;
use crate::egress::{Call, Egress, Reach, Take};
use crate::receiver::Receiver;
use crate::receiver::keys::KeySet;

/// Keys are read again after this long.
const KEPT_FOR: Duration = Duration::from_secs(3_600);
/// Keys are not read again before this long, whatever is asked.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Addresses remembered at a time; beyond it the memory is begun anew.
const ADDRESSES_MAX: usize = 1_000;
/// Largest set of keys, in bytes.
const SET_BYTES_MAX: usize = 256 * 1024;

type Slot = Arc<tokio::sync::Mutex<Kept>>;

#[derive(Default)]
struct Kept {
    keys: Arc<KeySet>,
    read_at: Option<Duration>,
    tried_at: Option<Duration>,
}

/// Reads and keeps the keys.
pub struct PublishedKeys {
    egress: Egress,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<String, Slot>>,
}

impl PublishedKeys {
    /// No key yet.
    pub fn new(egress: Egress, clock: Arc<dyn Clock>) -> Self {
        PublishedKeys {
            egress,
            clock,
            slots: Mutex::default(),
        }
    }

    /// The keys that prove the receiver's deliveries; none where it needs none. With `again`, they are
    /// read anew unless that was done a moment ago.
    ///
    /// # Errors
    /// When they cannot be read, and none are kept; see [`CallError`].
    pub async fn of(&self, receiver: &Receiver, again: bool) -> Result<Arc<KeySet>, CallError> {
        let Some(address) = receiver.key_address() else {
            return Ok(Arc::default());
        };
        let slot = self.slot(&address);
        let mut kept = slot.lock().await;
        let now = self.clock.monotonic();
        let since = |at: Option<Duration>| at.map(|at| now.saturating_sub(at));
        let is_good = since(kept.read_at).is_some_and(|age| age < KEPT_FOR);
        let tried_lately = since(kept.tried_at).is_some_and(|age| age < AGAIN_AFTER);
        if tried_lately && kept.read_at.is_none() {
            let detail = "the service's keys could not be read a moment ago".into();
            return Err(CallError::Unavailable { detail });
        }
        if tried_lately || (is_good && !again) {
            return Ok(Arc::clone(&kept.keys));
        }
        kept.tried_at = Some(now);
        match self.read(receiver, &address).await {
            Ok(keys) => {
                kept.keys = Arc::new(keys);
                kept.read_at = Some(now);
            }
            // Keys that are too old for comfort prove better than none.
            Err(error) if kept.read_at.is_none() => return Err(error),
            Err(error) => {
                tracing::warn!(error = %error, "a service's keys could not be read again")
            }
        }
        Ok(Arc::clone(&kept.keys))
    }

    fn slot(&self, address: &str) -> Slot {
        let mut slots = self.slots.lock().expect("no holder panics");
        if slots.len() >= ADDRESSES_MAX && !slots.contains_key(address) {
            slots.clear();
        }
        Arc::clone(slots.entry(address.to_owned()).or_default())
    }

    async fn read(&self, receiver: &Receiver, address: &str) -> Result<KeySet, CallError> {
        let http = receiver.connector().http.as_ref();
        let hosts = http.map(|http| http.hosts.as_slice()).unwrap_or_default();
        let reach = Reach::new(hosts, receiver.base_url());
        let url = Url::parse(address)
            .map_err(|_| CallError::malformed("the address of the keys is none"))?;
        let call = Call {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            credential: None,
            take: Take::Bytes(SET_BYTES_MAX),
        };
        let answer = self.egress.call(&reach, call).await?;
        if !answer.status.is_success() {
            let detail = format!(
                "the keys are answered with status {}",
                answer.status.as_u16()
            );
            return Err(CallError::Unavailable { detail });
        }
        KeySet::read(&answer.body).map_err(CallError::malformed)
    }
}
