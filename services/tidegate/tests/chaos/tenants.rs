//! Two cloud services with a tenant each, one by push and one by pull, whose users never rest.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::demo::{Api, onboarding};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use toy_cloud::{Config, ToyCloud};

use crate::deeds::Deeds;
use crate::oracle::{Book, Seen};
use crate::record::Record;

/// Users work in stretches of so many seconds, after each of which the book is written.
const STRETCH_S: u64 = 3;
/// How often the end of a stretch is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Share of the documents that violate the policy.
const VIOLATING: f64 = 0.1;

/// A tenant of a cloud service of its own.
pub(crate) struct Tenant {
    pub(crate) name: &'static str,
    pub(crate) connection: String,
    seed: u64,
    cloud: ToyCloud,
    toy: Api,
    book: Mutex<Book>,
    deeds: Mutex<Deeds>,
}

impl Tenant {
    /// Connects a new service's tenant.
    pub(crate) async fn connect(
        tidegate: &Api,
        name: &'static str,
        feed: &str,
        seed: u64,
    ) -> Arc<Self> {
        let config = Config {
            seed,
            ..Config::default()
        };
        let cloud = ToyCloud::start(config).await.unwrap();
        let toy = Api::control(cloud.url(), cloud.control_token().to_owned());
        let connected = onboarding::connect(tidegate, &cloud.url(), name, name, feed).await;
        Arc::new(Tenant {
            name,
            connection: connected.unwrap(),
            seed,
            deeds: Mutex::new(Deeds::of(&cloud.model())),
            cloud,
            toy,
            book: Mutex::default(),
        })
    }

    /// Its users make so many documents a second until told to stop; each makes two activities.
    pub(crate) fn works(
        self: &Arc<Self>,
        documents_per_s: u64,
        stop: watch::Receiver<bool>,
    ) -> JoinHandle<()> {
        let tenant = Arc::clone(self);
        tokio::spawn(async move {
            while !*stop.borrow() {
                tenant.works_a_stretch(documents_per_s).await;
            }
        })
    }

    async fn works_a_stretch(&self, documents_per_s: u64) {
        let load = json!({"tenant": self.name, "rate_per_s": documents_per_s, "seconds": STRETCH_S,
            "users": 3, "violating": VIOLATING});
        self.toy.post("/control/load", &load).await.unwrap();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let progress = self.cloud.model().load_progress();
            if !progress.running {
                let progress = serde_json::to_value(progress).unwrap();
                self.book.lock().unwrap().write(&progress);
                drop(self.deeds());
                return;
            }
        }
    }

    /// Its service fails now and then, forgets and repeats.
    pub(crate) async fn is_unreliable(&self) {
        let api = |method: &str| json!({"method": method, "path_prefix": "/api/v1"});
        let faults = json!({
            "seed": self.seed,
            "rules": [
                {"match": api("GET"), "what": {"status": 503}, "probability": 0.01, "times": null},
                {"match": api("POST"), "what": {"status": 500, "after": true}, "probability": 0.05, "times": null},
                {"match": api("DELETE"), "what": {"close": true, "after": true}, "probability": 0.05, "times": null},
                // So that a reader can be met while it reads.
                {"match": {"method": "GET", "path_prefix": "/api/v1/events"}, "what": {"delay_ms": 300}, "probability": 1.0, "times": null},
            ],
            "events": {"lag_ms": 300, "repeat": 0.2, "reorder": 0.2, "short_page": 0.2, "empty_page": 0.1},
            "deliveries": {"drop": 0.02, "duplicate": 0.1, "delay_ms": 20},
            "access_token_ttl_s": 90,
        });
        self.toy.put("/control/faults", &faults).await.unwrap();
    }

    /// Its service takes a quarter of a minute for every answer.
    pub(crate) async fn is_stalled(&self) {
        let faults = json!({
            "seed": self.seed,
            "rules": [{"match": {"path_prefix": "/api/v1"}, "what": {"delay_ms": 15_000}, "probability": 1.0, "times": null}],
        });
        self.toy.put("/control/faults", &faults).await.unwrap();
    }

    pub(crate) async fn is_calm(&self) {
        let calm = json!({"seed": self.seed, "rules": [], "events": {}, "deliveries": {}, "access_token_ttl_s": 3600});
        self.toy.put("/control/faults", &calm).await.unwrap();
    }

    pub(crate) fn activities(&self) -> usize {
        self.book.lock().unwrap().activities()
    }

    /// What the platform shows of this tenant.
    pub(crate) async fn looked_at(&self, incidents: &[Value], record: &Record) -> Seen {
        // What was accepted is asked for first: it must be there when the platform is looked at.
        let accepted = self.deeds().accepted.clone();
        let ours = |incident: &&Value| incident["connection_id"] == self.connection;
        Seen {
            accepted,
            activities: record.activities(&self.connection).await,
            incidents: incidents.iter().filter(ours).cloned().collect(),
        }
    }

    /// Says what is missing; nothing, when it is at rest.
    pub(crate) fn what_is_missing(&self, seen: &Seen) -> Option<String> {
        let book = self.book.lock().unwrap();
        let missing = || format!("{}: {}", self.name, book.what_is_missing(seen));
        (!book.is_at_rest(seen)).then(missing)
    }

    /// Panics where a promise does not hold; otherwise says the figures.
    pub(crate) fn checked(&self, seen: &Seen) -> String {
        let book = self.book.lock().unwrap();
        format!("{}: {}", self.name, book.check(seen, &self.deeds().effects))
    }

    /// When deliveries were answered with 2xx, in milliseconds since 1970, in order.
    pub(crate) fn accepted_at_ms(&self) -> Vec<i64> {
        self.deeds().accepted_at_ms.clone()
    }

    /// What was done so far. The ledger keeps its newest entries only: whoever waits long looks now and then.
    pub(crate) fn deeds(&self) -> MutexGuard<'_, Deeds> {
        let mut deeds = self.deeds.lock().unwrap();
        deeds.read(&self.cloud.model());
        deeds
    }
}
