//! What a store is filled with, kept in it: another run makes the same rows of it, asks for what is there, and
//! goes on where a filling was broken off.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use event_model::{Connection, PageRequest};
use ports::{ConnectionFilter, ConnectionStore};

use super::population::CONNECTIONS;

const INCIDENTS: &str = "measured_incidents";
const ACTIVITIES: &str = "measured_activities";

/// How many rows, since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) since: DateTime<Utc>,
    pub(super) incidents: u64,
    pub(super) activities: u64,
}

impl Plan {
    /// The plan that a store is filled by; none for a store without connections.
    pub(super) async fn of(store: &impl ConnectionStore) -> anyhow::Result<Option<Self>> {
        let request = PageRequest::first(CONNECTIONS as u32);
        let page = store.page(&ConnectionFilter::default(), &request).await?;
        if page.items.is_empty() {
            return Ok(None);
        }
        let found = page.items.iter().find_map(Self::noted_in);
        let strange =
            "the store has connections: give an empty one, or one that this filled (`--store`)";
        found.context(strange).map(Some)
    }

    fn noted_in(connection: &Connection) -> Option<Self> {
        let number = |name: &str| connection.params.get(name)?.parse().ok();
        Some(Plan {
            since: connection.created_at,
            incidents: number(INCIDENTS)?,
            activities: number(ACTIVITIES)?,
        })
    }

    /// Notes it in a connection of the store.
    pub(super) fn note_in(&self, connection: &mut Connection) {
        let mut note = |name: &str, count: u64| {
            connection.params.insert(name.into(), count.to_string());
        };
        note(INCIDENTS, self.incidents);
        note(ACTIVITIES, self.activities);
    }

    /// Refuses counts that were asked for and are not these.
    pub(super) fn must_have(
        &self,
        incidents: Option<u64>,
        activities: Option<u64>,
    ) -> anyhow::Result<()> {
        ensure!(
            incidents.is_none_or(|asked| asked == self.incidents)
                && activities.is_none_or(|asked| asked == self.activities),
            "the store was filled with {} incidents and {} activities: leave `--incidents` and `--activities` away, or give another store",
            self.incidents,
            self.activities
        );
        Ok(())
    }
}
