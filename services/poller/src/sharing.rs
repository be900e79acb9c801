//! Who reads which connection: each poller has a number, held by a lease, and of the numbers that are
//! held every connection has one that is its own.
//!
//! - A poller looks at nobody else's connections: what the store is asked does not grow with pollers.
//! - Who comes takes its part from each, who goes leaves its part to all; the rest stays where it is.
//! - While two disagree on who is there, both may try a stream: its own lease lets one read it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_model::ConnectionId;
use ports::{Lease, LeaseStore, StoreError};

/// Most pollers that share the connections; one more waits until a number is free.
const POLLERS_MAX: u32 = 256;
/// Where the numbers are held.
const PREFIX: &str = "poller/";

/// The part of the connections that is this poller's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Share {
    own: Option<u32>,
    held: BTreeSet<u32>,
}

impl Share {
    /// Whether that connection is this poller's to read.
    pub(crate) fn has(&self, connection: ConnectionId) -> bool {
        let id = connection.to_string();
        let owner = self.held.iter().max_by_key(|number| weight(&id, **number));
        owner.is_some() && owner == self.own.as_ref()
    }
}

/// What a number has of a connection: the highest reads it. FNV-1a, and the end of MurmurHash3 so that
/// numbers next to each other weigh differently.
fn weight(connection: &str, number: u32) -> u64 {
    let bytes = connection.bytes().chain(number.to_le_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

/// This poller's number, as long as it is held.
#[derive(Default)]
pub(crate) struct Membership(Option<(u32, Lease)>);

impl Membership {
    /// Holds a number for another while, and gives the part that follows from all that are held.
    pub(crate) async fn renew(
        &mut self,
        leases: &dyn LeaseStore,
        holder: &str,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Share, StoreError> {
        if let Some((number, lease)) = self.0.take() {
            match leases.renew_lease(&lease, ttl, now).await {
                Ok(lease) => self.0 = Some((number, lease)),
                // It was silent for so long that another has its number.
                Err(StoreError::Fenced { .. }) => {}
                Err(error) => {
                    self.0 = Some((number, lease));
                    return Err(error);
                }
            }
        }
        let mut held = numbers(&leases.live_leases(PREFIX, now).await?);
        if self.0.is_none() {
            for number in (0..POLLERS_MAX).filter(|number| !held.contains(number)) {
                let resource = format!("{PREFIX}{number:03}");
                if let Some(lease) = leases.acquire_lease(&resource, holder, ttl, now).await? {
                    self.0 = Some((number, lease));
                    break;
                }
            }
        }
        let own = self.0.as_ref().map(|(number, _)| *number);
        held.extend(own);
        Ok(Share { own, held })
    }

    /// Gives the number back, so that the others need not wait for its end.
    pub(crate) async fn leave(self, leases: &dyn LeaseStore) -> Result<(), StoreError> {
        match self.0 {
            Some((_, lease)) => leases.release_lease(&lease).await,
            None => Ok(()),
        }
    }
}

fn numbers(leases: &[Lease]) -> BTreeSet<u32> {
    let number = |lease: &Lease| lease.resource.strip_prefix(PREFIX)?.parse().ok();
    leases.iter().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ports::SeededEntropy;
    use ports::contract::samples::at;
    use sealing::{Key, Sealer};
    use store_sqlite::SqliteStore;

    use super::*;

    const TTL: Duration = Duration::from_secs(15);
    const CONNECTIONS: u128 = 10_000;

    fn connections() -> impl Iterator<Item = ConnectionId> {
        (0..CONNECTIONS).map(|n| ConnectionId::new(at(n as i64), n * 7_919))
    }

    /// Who reads each connection: exactly one of the shares must.
    fn owners(shares: &[Share]) -> Vec<u32> {
        let owner = |connection| {
            let mut of = shares.iter().filter(|share| share.has(connection));
            let owner = of.next().expect("somebody reads it").own.expect("a number");
            assert_eq!(of.next(), None, "{connection} is read by two");
            owner
        };
        connections().map(owner).collect()
    }

    fn shares(held: &[u32]) -> Vec<Share> {
        let share = |own: &u32| Share {
            own: Some(*own),
            held: held.iter().copied().collect(),
        };
        held.iter().map(share).collect()
    }

    #[test]
    fn ten_thousand_connections_are_shared_evenly_and_few_move() {
        // before | after => most that may move: the part of who comes or goes
        for (before, after, part) in [
            (&[0][..], &[0, 1][..], 2),
            (&[0, 1], &[0, 1, 2], 3),
            (&[0, 1, 2], &[0, 2], 3),
            (&[0, 1, 2, 3, 4, 5, 6], &[0, 1, 2, 3, 4, 5, 6, 7], 8),
        ] {
            let (was, is) = (owners(&shares(before)), owners(&shares(after)));
            let moved = was.iter().zip(&is).filter(|(was, is)| was != is);
            for (from, to) in moved.clone() {
                let only_by_need = !after.contains(from) || !before.contains(to);
                assert!(only_by_need, "from {from} to {to}: {before:?} {after:?}");
            }
            let most = CONNECTIONS as usize * 11 / 10 / part;
            assert!(moved.count() <= most, "{before:?} {after:?}");
            for number in after {
                let even = CONNECTIONS as usize / after.len();
                let reads = is.iter().filter(|owner| *owner == number).count();
                let is_fair = reads * 10 >= even * 9 && reads * 10 <= even * 11;
                assert!(is_fair, "{number} of {after:?} reads {reads}");
            }
        }
    }

    #[tokio::test]
    async fn who_comes_and_who_goes_is_seen_at_the_next_look() {
        let sealer = Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap();
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy);
        let store = store.await.unwrap();
        let mut pollers = [(); 3].map(|()| Membership::default());
        let look = async |poller: &mut Membership, holder: &str, seconds| {
            let share = poller.renew(&store, holder, TTL, at(seconds)).await;
            share.unwrap()
        };
        let [a, b, c] = &mut pollers;
        assert_eq!(look(a, "a", 0).await, shares(&[0])[0]);
        assert_eq!(look(b, "b", 1).await, shares(&[0, 1])[1]);
        assert_eq!(look(c, "c", 2).await, shares(&[0, 1, 2])[2]);
        assert_eq!(look(a, "a", 5).await, shares(&[0, 1, 2])[0]);
        // b dies: nobody has its part until its number has ended, then the others do.
        assert_eq!(look(a, "a", 15).await, shares(&[0, 1, 2])[0]);
        assert_eq!(look(c, "c", 16).await, shares(&[0, 2])[1]);
        assert_eq!(look(a, "a", 20).await, shares(&[0, 2])[0]);
        // Another takes its number and with it its part; b, which only slept, takes a free one.
        let mut d = Membership::default();
        assert_eq!(look(&mut d, "d", 21).await, shares(&[0, 1, 2])[1]);
        assert_eq!(look(b, "b", 22).await, shares(&[0, 1, 2, 3])[3]);
        std::mem::take(a).leave(&store).await.unwrap();
        assert_eq!(look(c, "c", 23).await, shares(&[1, 2, 3])[1]);
    }
}
