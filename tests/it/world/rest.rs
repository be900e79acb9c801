//! How every world ends: at rest, and with every promise kept.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate::demo::wait_for;

use super::administration::is_final;
use super::{World, text};

/// What our client does in the service besides remedies.
const NO_REMEDY: [&str; 3] = [
    "webhook_registered",
    "webhook_deregistered",
    "folder_created",
];

impl World {
    /// Waits until nothing is left to do, checks every promise, and stops everything.
    pub(crate) async fn ends_at_rest(self) {
        let rested = wait_for("the world to rest", || async {
            let left = self.what_is_left().await?;
            Ok(left.is_none().then_some(()))
        })
        .await;
        if rested.is_err() {
            panic!("no rest: {:?}", self.what_is_left().await);
        }
        self.every_activity_is_recorded_once().await;
        self.every_incident_is_unique().await;
        self.no_effect_is_there_twice().await;
        self.shuts_down().await;
    }

    /// Stops the platform, which must end well, and the cloud service.
    pub(crate) async fn shuts_down(self) {
        self.stop.send_replace(true);
        self.running.await.unwrap().unwrap();
        self.cloud.shutdown().await;
        if let Some(servers) = self.servers {
            servers.remove().await;
        }
        drop(self.data);
    }

    async fn what_is_left(&self) -> anyhow::Result<Option<String>> {
        let recorded = self.recorded().await?;
        let missing: Vec<(String, String)> =
            self.expected().difference(&recorded).cloned().collect();
        if let Some((connection, event)) = missing.first() {
            let count = missing.len();
            return Ok(Some(format!(
                "{count} activities are missing, the first is {event} of {connection}"
            )));
        }
        let remedies = self.all("remedies").await?;
        if let Some(open) = remedies.iter().find(|remedy| !is_final(remedy)) {
            return Ok(Some(format!("an open remedy: {open}")));
        }
        let unread = self
            .metric("tidegate_log_lag_records{group=\"evaluator\"}")
            .await;
        Ok((unread > 0.0).then(|| format!("{unread} records of the log are unread")))
    }

    /// What the enabled connections must have brought: connection and event.
    fn expected(&self) -> BTreeSet<(String, String)> {
        let watched = self.watched.lock().unwrap();
        let of = |(connection, watched): (&String, &super::Watched)| {
            let events = self.events_of(&watched.tenant);
            let since: Vec<_> = events.difference(&watched.before).cloned().collect();
            let connection = connection.clone();
            since
                .into_iter()
                .map(move |event| (connection.clone(), event))
        };
        watched.iter().flat_map(of).collect()
    }

    async fn recorded(&self) -> anyhow::Result<BTreeSet<(String, String)>> {
        let activities = self.all("activities").await?;
        Ok(activities.iter().map(key).collect())
    }

    async fn every_activity_is_recorded_once(&self) {
        let activities = self.all("activities").await.unwrap();
        let unique: BTreeSet<(String, String)> = activities.iter().map(key).collect();
        assert_eq!(
            activities.len(),
            unique.len(),
            "an activity is recorded twice"
        );
    }

    async fn every_incident_is_unique(&self) {
        let incidents = self.all("incidents").await.unwrap();
        let mut seen = BTreeSet::new();
        for incident in &incidents {
            let of = |pointer| text(incident, pointer);
            let violation = (
                of("/connection_id"),
                of("/activity/event_id"),
                of("/policy/id"),
            );
            assert!(seen.insert(violation), "two incidents of {violation:?}");
        }
    }

    async fn no_effect_is_there_twice(&self) {
        let undone = self.undone_by_object().await;
        for (effect, times) in self.our_effects() {
            // Undoing a changed role, link or owner is the same action again; every other undoing is another one.
            let same = ["permission_updated", "link_updated", "owner_changed"];
            let undone = undone
                .get(&effect.0)
                .filter(|_| same.contains(&effect.1.as_str()));
            let at_most = 1 + undone.copied().unwrap_or(0);
            assert!(times <= at_most, "{effect:?} was done {times} times");
        }
    }

    /// How many remedies were undone, by object.
    async fn undone_by_object(&self) -> BTreeMap<String, usize> {
        let mut undone = BTreeMap::new();
        for incident in self.all("incidents").await.unwrap() {
            let remedies = incident["remedies"].as_array().unwrap();
            let count = remedies
                .iter()
                .filter(|one| one["kind"] == "restore")
                .count();
            let object = incident["activity"]["object_id"]
                .as_str()
                .unwrap_or_default();
            // As the service itself calls it, whatever the dialect puts before that.
            let object = object.trim_start_matches("id:");
            *undone.entry(object.to_owned()).or_default() += count;
        }
        undone
    }

    /// What our client changed about objects, by object, action and detail, with how often.
    pub(crate) fn our_effects(&self) -> BTreeMap<(String, String, String), usize> {
        let mut effects = BTreeMap::new();
        for entry in self.ledger(0) {
            let ours = entry["kind"] == "effect" && entry["client_id"] == "tidegate";
            let action = entry["action"].as_str().unwrap_or_default();
            if ours && entry["changed"] == true && !NO_REMEDY.contains(&action) {
                let detail = entry["detail"].as_str().unwrap_or_default().to_owned();
                let effect = (
                    text(&entry, "/object_id").to_owned(),
                    action.to_owned(),
                    detail,
                );
                *effects.entry(effect).or_default() += 1;
            }
        }
        effects
    }
}

fn key(activity: &Value) -> (String, String) {
    let of = |pointer| text(activity, pointer).to_owned();
    (of("/connection_id"), of("/event_id"))
}
