//! What a service did and what was done to it, by its ledger: read as it goes, for the ledger keeps its
//! newest entries only.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::Value;
use toy_cloud::{LEDGER_PAGE_MAX, ModelHandle};

/// What was read so far.
#[derive(Default)]
pub(crate) struct Deeds {
    read_to: u64,
    /// Events whose delivery was answered with 2xx.
    pub(crate) accepted: BTreeSet<String>,
    /// When that was, in milliseconds since 1970, in order.
    pub(crate) accepted_at_ms: Vec<i64>,
    /// How often our client changed something about an object, by object and what it did.
    pub(crate) effects: BTreeMap<(String, String), usize>,
}

impl Deeds {
    /// All that was done so far.
    pub(crate) fn of(cloud: &ModelHandle) -> Self {
        let mut deeds = Deeds::default();
        deeds.read(cloud);
        deeds
    }

    /// Reads what was done since the last time. Panics where the ledger has let go of some of it.
    pub(crate) fn read(&mut self, cloud: &ModelHandle) {
        self.read_to = each_entry(cloud, self.read_to, |entry| self.take(entry));
    }

    fn take(&mut self, entry: &Value) {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        if entry["kind"] == "delivery" && entry["outcome"] == "accepted" {
            self.accepted.insert(text("event_id"));
            let at = DateTime::parse_from_rfc3339(&text("at")).unwrap();
            self.accepted_at_ms.push(at.timestamp_millis());
        }
        let on_content = !matches!(
            entry["action"].as_str(),
            Some("webhook_registered" | "webhook_deregistered" | "folder_created")
        );
        let ours = entry["kind"] == "effect" && entry["client_id"] == "tidegate";
        if ours && on_content && entry["changed"] == true {
            let effect = (text("object_id"), text("action"));
            *self.effects.entry(effect).or_default() += 1;
        }
    }
}

/// Gives each entry behind that number, and returns the number of the last.
pub(crate) fn each_entry(cloud: &ModelHandle, since: u64, mut take: impl FnMut(&Value)) -> u64 {
    let mut read_to = since;
    loop {
        let page = serde_json::to_value(cloud.ledger(read_to, LEDGER_PAGE_MAX)).unwrap();
        let items = page["items"].as_array().unwrap();
        let Some(first) = items.first() else {
            return read_to;
        };
        assert_eq!(first["n"], read_to + 1, "the ledger has let go of entries");
        items.iter().for_each(&mut take);
        read_to = page["next"].as_u64().unwrap();
    }
}
