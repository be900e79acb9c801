//! A whole run: servers, processes, tenants at work; and what must hold in the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ports::contract::servers::fresh_name;
use ports::{Clock, SeededEntropy, SystemClock};
use serde_json::{Value, json};
use tidegate::demo::Api;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fleet::{Fleet, Shared};
use crate::front::Front;
use crate::oracle::Seen;
use crate::record::Record;
use crate::servers::{Removed, Servers};
use crate::tenants::Tenant;

/// So long nothing may move before everything is at rest. What was made meanwhile is worked off first,
/// however much that is: ten minutes without Kafka leave hundreds of thousands of activities.
const STANDSTILL_MAX: Duration = Duration::from_secs(120);
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest that the last leases may take to end, once nobody is there.
const LEASES_END_MAX: Duration = Duration::from_secs(30);

/// Everything of a run. What is dropped first stands first.
pub(crate) struct Stage {
    pub(crate) fleet: Fleet,
    pub(crate) push: Arc<Tenant>,
    pub(crate) pull: Arc<Tenant>,
    pub(crate) record: Record,
    pub(crate) servers: Servers,
    pub(crate) chance: SeededEntropy,
    pub(crate) clock: SystemClock,
    /// Events that were accepted of others than the tenants' services.
    pub(crate) accepted: BTreeSet<String>,
    began_at_ms: i64,
    stop: watch::Sender<bool>,
    work: Vec<JoinHandle<()>>,
    _removed: Removed,
}

impl Stage {
    /// None, aloud, where no servers are to be had.
    pub(crate) async fn set(seed: u64, activities_per_s: u64) -> Option<Self> {
        let (servers, removed) = Servers::start().await?;
        let shared = || async {
            let name = fresh_name();
            Shared {
                store: servers.database(&name).await,
                kafka: servers.kafka(),
                prefix: format!("{name}."),
            }
        };
        let shared = shared().await;
        let record = Record::of(&shared);
        let fleet = Fleet::start(shared, Front::open().await).await;
        let api = fleet.api();
        let push = Tenant::connect(&api, "acme", "push", seed).await;
        let pull = Tenant::connect(&api, "globex", "pull", seed + 1).await;
        api.post("/api/v1/policies", &policy()).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let mut work = Vec::new();
        for tenant in [&push, &pull] {
            tenant.is_unreliable().await;
            // Half of the activities each; a document makes two.
            let documents_per_s = (activities_per_s / 4).max(1);
            work.push(tenant.works(documents_per_s, stopped.clone()));
        }
        let clock = SystemClock::new();
        Some(Stage {
            fleet,
            push,
            pull,
            record,
            servers,
            chance: SeededEntropy::new(seed),
            began_at_ms: clock.now().timestamp_millis(),
            clock,
            accepted: BTreeSet::new(),
            stop,
            work,
            _removed: removed,
        })
    }

    /// The users go home, everything comes to rest, the processes end; and every promise was kept.
    pub(crate) async fn ends(mut self) {
        self.stop.send_replace(true);
        for work in self.work.drain(..) {
            work.await.unwrap();
        }
        let worked_until_ms = self.clock.now().timestamp_millis();
        for tenant in [&self.push, &self.pull] {
            tenant.is_calm().await;
        }
        self.fleet.all_live();
        let [push, pull] = self.comes_to_rest().await;
        eprintln!("{}", self.push.checked(&push));
        eprintln!("{}", self.pull.checked(&pull));
        let pairs = self.record.order_is_kept(&self.fleet.shared).await;
        eprintln!("order kept in {pairs} pairs of activities of one object");
        self.fleet.stop().await;
        self.no_lease_is_held().await;
        let worked = self.began_at_ms..worked_until_ms;
        let recorded = self.record.evaluated_at_ms().await;
        let accepted = self.push.accepted_at_ms();
        eprintln!(
            "{:.0} s of load; longest without a new activity {:.1} s, without a 2xx {:.1} s",
            (worked.end - worked.start) as f64 / 1e3,
            longest_pause_s(&recorded, &worked),
            longest_pause_s(&accepted, &worked),
        );
    }

    async fn comes_to_rest(&mut self) -> [Seen; 2] {
        let began = self.clock.monotonic();
        let (mut moved, mut before) = (began, None);
        loop {
            let (recorded, open) = self.record.counts().await.unwrap();
            if before.replace((recorded, open)) != Some((recorded, open)) {
                moved = self.clock.monotonic();
            }
            let expected = self.push.activities() + self.pull.activities() + self.accepted.len();
            drop((self.push.deeds(), self.pull.deeds()));
            let late = self.clock.monotonic() - moved > STANDSTILL_MAX;
            if late || (open == 0 && recorded as usize >= expected) {
                let seen = self.look().await;
                let missing: Vec<String> = [(&self.push, &seen[0]), (&self.pull, &seen[1])]
                    .iter()
                    .filter_map(|(tenant, seen)| tenant.what_is_missing(seen))
                    .collect();
                if missing.is_empty() && open == 0 {
                    let took = self.clock.monotonic() - began;
                    eprintln!(
                        "at rest {:.1} s after the last document",
                        took.as_secs_f64()
                    );
                    return seen;
                }
                assert!(!late, "it did not come to rest, {open} open: {missing:?}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self) -> [Seen; 2] {
        let incidents = all(&self.fleet.api(), "/api/v1/incidents?limit=500").await;
        let mut push = self.push.looked_at(&incidents, &self.record).await;
        push.accepted.extend(self.accepted.iter().cloned());
        [push, self.pull.looked_at(&incidents, &self.record).await]
    }

    async fn no_lease_is_held(&self) {
        let began = self.clock.monotonic();
        loop {
            let held = self.record.leases_held().await.unwrap();
            if held == 0 {
                return;
            }
            let waited = self.clock.monotonic() - began;
            assert!(waited < LEASES_END_MAX, "{held} leases are held in the end");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn policy() -> Value {
    json!({
        "name": "Payment cards behind a public link",
        "severity": "critical",
        "trigger": {"connections": [], "actions": ["share"]},
        "rule": "_share.public and _content.has('credit-card')",
        "effect": "DENY",
        "mode": "enforce",
        "responses": [{"kind": "remove_link"}, {"kind": "quarantine"}],
    })
}

async fn all(api: &Api, first: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut path = first.to_owned();
    loop {
        let page = api.get(&path).await.unwrap();
        items.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => path = format!("{first}&cursor={next}"),
            None => return items,
        }
    }
}

/// The longest time within the range in which nothing happened.
fn longest_pause_s(moments_ms: &[i64], range: &std::ops::Range<i64>) -> f64 {
    let within = moments_ms.iter().copied().filter(|at| range.contains(at));
    let mut last = range.start;
    let mut longest = 0;
    for at in within.chain([range.end]) {
        longest = longest.max(at - last);
        last = at;
    }
    longest as f64 / 1e3
}
