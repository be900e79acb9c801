//! The group of the store. A process beside the platform hears of no change: it asks for the revision every
//! second, and reads everything when that is another. Where the store has not answered for
//! [`STALE_AFTER`], nobody is let in: what was known before may have been taken away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::Catalogue;
use ports::{AccessStore, Clock, StoreError};

use super::{Held, RulesError, of_this_system};

/// How often the revision is asked for.
const ASKED_EVERY: Duration = Duration::from_secs(1);
/// What was read holds so long without the store's word that it still does.
const STALE_AFTER: Duration = Duration::from_secs(10);

/// What was read last.
struct Known {
    /// When the store said last that it still holds.
    at: Duration,
    revision: Option<u64>,
    group: Held,
    /// Why the store did not answer since.
    silent: Option<String>,
}

/// The group of that name, as it was when it was last asked for.
pub(super) struct Followed {
    name: String,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

/// Follows the store: as long as it does, changes hold within a second or two.
pub struct Following {
    store: Arc<dyn AccessStore>,
    followed: Arc<Followed>,
}

impl Followed {
    pub(super) fn current(&self) -> Held {
        let known = self.known.lock().expect("no holder panics");
        let since = self.clock.monotonic().saturating_sub(known.at);
        match &known.silent {
            Some(why) if since >= STALE_AFTER => Err(RulesError::Store(why.clone())),
            None if since >= STALE_AFTER => Err(RulesError::Store(
                "nobody asks for them any more".to_owned(),
            )),
            _ => known.group.clone(),
        }
    }
}

impl Following {
    pub(super) async fn begin(
        store: Arc<dyn AccessStore>,
        name: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let known = Known {
            at: clock.monotonic(),
            revision: None,
            group: Err(RulesError::NoGroup(name.clone())),
            silent: None,
        };
        let followed = Arc::new(Followed {
            name,
            clock,
            known: Mutex::new(known),
        });
        let following = Following { store, followed };
        if let Err(error) = following.read().await {
            let mut known = following.followed.known.lock().expect("no holder panics");
            known.group = Err(RulesError::Store(error.to_string()));
        }
        following
    }

    pub(super) fn followed(&self) -> Arc<Followed> {
        Arc::clone(&self.followed)
    }

    /// Asks again and again, until it is dropped.
    pub async fn follow(self) {
        loop {
            tokio::time::sleep(ASKED_EVERY).await;
            self.look().await;
        }
    }

    /// Asks once.
    pub async fn look(&self) {
        if let Err(error) = self.read().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the access policies could not be asked for"
            );
            let mut known = self.followed.known.lock().expect("no holder panics");
            known.silent = Some(error.to_string());
        }
    }

    async fn read(&self) -> Result<(), StoreError> {
        let at = self.followed.clock.monotonic();
        let revision = self.store.access_revision().await?;
        if self.is_known(revision, at) {
            return Ok(());
        }
        let records = self.store.access_records().await?;
        let name = &self.followed.name;
        let group = match Catalogue::of(&records) {
            Ok(catalogue) => match catalogue.named(name) {
                Some(group) => of_this_system(Arc::clone(group)),
                None => Err(RulesError::NoGroup(name.clone())),
            },
            Err(error) => {
                let mistakes: String = error.0.iter().map(|one| format!("{one}; ")).collect();
                Err(RulesError::Store(mistakes))
            }
        };
        let mut known = self.followed.known.lock().expect("no holder panics");
        *known = Known {
            at,
            revision: Some(records.revision),
            group,
            silent: None,
        };
        Ok(())
    }

    /// Whether what is known is of that revision; then it holds on.
    fn is_known(&self, revision: u64, at: Duration) -> bool {
        let mut known = self.followed.known.lock().expect("no holder panics");
        if known.revision != Some(revision) {
            return false;
        }
        (known.at, known.silent) = (at, None);
        true
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use event_model::{AccessChange, OsType};
    use ports::contract::access::{group, policy};
    use ports::{ManualClock, SeededEntropy};
    use sealing::{Key, Sealer};
    use store_sqlite::SqliteStore;

    use super::super::Rules;
    use super::*;

    #[tokio::test]
    async fn a_change_of_the_store_holds_when_it_was_looked_at_and_a_silent_store_lets_nobody_in() {
        let entropy = Arc::new(SeededEntropy::new(8));
        let sealer = Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap();
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy).await;
        let store = Arc::new(store.unwrap());
        let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(0, 0).unwrap()));
        let begin = async || {
            let store: Arc<dyn AccessStore> = store.clone();
            Rules::from_store(store, "group 1".into(), clock.clone()).await
        };
        let none = begin().await.err().unwrap();
        assert_eq!(none, RulesError::NoGroup("group 1".into()));
        let mut change = AccessChange {
            policies: vec![policy(1)],
            groups: vec![group(1, &[])],
            ..AccessChange::default()
        };
        store.change_access(0, &change).await.unwrap();
        let (rules, following) = begin().await.unwrap();
        assert_eq!(rules.current().unwrap().linked().len(), 0);

        change.groups = vec![group(1, &[1])];
        store.change_access(1, &change).await.unwrap();
        clock.advance(STALE_AFTER / 2);
        assert_eq!(rules.current().unwrap().linked().len(), 0);
        following.look().await;
        assert_eq!(rules.current().unwrap().linked().len(), 1);
        clock.advance(STALE_AFTER * 9 / 10);
        following.look().await;
        clock.advance(STALE_AFTER * 9 / 10);
        assert!(
            rules.current().is_ok(),
            "the store said that it still holds"
        );
        clock.advance(STALE_AFTER);
        let said = rules.current().unwrap_err().to_string();
        assert!(said.contains("nobody asks"), "{said}");

        // what the group becomes => what is said
        let mut windows = group(1, &[]);
        windows.os_type = OsType::Windows;
        let mut renamed = group(1, &[]);
        renamed.name = "another".into();
        let rows = [(windows, "is for Windows"), (renamed, "there is no group")];
        for (revision, (group, expected)) in (2..).zip(rows) {
            change.groups = vec![group];
            store.change_access(revision, &change).await.unwrap();
            following.look().await;
            let said = rules.current().unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        change.groups = vec![group(1, &[])];
        store.change_access(4, &change).await.unwrap();
        following.look().await;
        assert!(rules.current().is_ok());
        store.close().await;
        following.look().await;
        assert!(rules.current().is_ok(), "for a moment it holds on");
        clock.advance(STALE_AFTER);
        let said = rules.current().unwrap_err().to_string();
        assert!(said.contains("cannot be had from the store"), "{said}");
    }
}
