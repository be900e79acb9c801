//! The poll simulator: every paging class on a virtual clock, under everything that services do.
//!
//! Events show up late and in any order, several at one moment; pages are empty, fail, or come with the
//! service's clock ahead or behind; cursors and page tokens are forgotten; blobs hold events twice and
//! in another order. Read by the real paging code, deduplicated by event id: nothing may be missed and
//! nothing emitted twice. The latency is printed beside that of a reader who waits until nothing can
//! be late any more: `cargo test -p connector --test it simulator -- --nocapture`. More seeds:
//! `TIDEGATE_SIMULATOR_SEEDS=100`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector::CallError;
use event_model::{Checkpoint, Position};
use ports::Clock;
use serde_json::Value;

use crate::paging::feed::{Feed, Happening, Trouble, serve_with};
use crate::paging::{CLASSES, connector};
use crate::world::{World, now};

/// How late an event may show up, and how far the clocks may differ, in seconds; the manifests'
/// overlap is longer than both together.
const LAG_MAX: u64 = 12;
const SKEW_MAX: i64 = 8;
/// How long the feed is watched, and how often it is asked, in seconds.
const WATCHED: u64 = 180;
const EVERY: u64 = 5;
/// When the first event happens: the reader has begun, whatever the clocks say.
const BEGIN: u64 = 30;
const EVENTS: u64 = 60;

/// Chance, from a seed.
struct Chance(u64);

impl Chance {
    /// A number below that one. Source: Steele, Lea and Flood, SplitMix64 (2014).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn happenings(chance: &mut Chance) -> Vec<Happening> {
    let mut events = Vec::new();
    while (events.len() as u64) < EVENTS {
        let at = BEGIN + chance.below(WATCHED - BEGIN);
        let late = if chance.below(4) == 0 { LAG_MAX } else { 2 };
        for _ in 0..=chance.below(3) {
            let shown = at + chance.below(late + 1);
            events.push(Happening {
                at: at as i64,
                shown: shown as i64,
            });
        }
    }
    events
}

/// What one reader saw.
#[derive(Default)]
struct Seen {
    /// When each event was emitted, in seconds.
    emitted: BTreeMap<String, i64>,
    /// Repetitions that were held back.
    repeated: usize,
    gaps: usize,
    failures: usize,
}

/// Reads to the end, or to a failure, as the poller does.
async fn poll(world: &World, here: &mut Checkpoint, seen: &mut Seen) {
    loop {
        let page = match world.client.page_after("s", &here.position).await {
            Ok(page) => page,
            Err(CallError::CursorExpired { resume, .. }) => {
                *here = Checkpoint::initial("s", resume.unwrap_or(Position::Start));
                seen.gaps += 1;
                continue;
            }
            Err(_) => {
                seen.failures += 1;
                return;
            }
        };
        let there = here.advance(&page).unwrap();
        let at = (world.clock.now() - now()).num_seconds();
        for event in &page.events {
            let event: Value = serde_json::from_str(event.json.get()).unwrap();
            let id = event["id"].as_str().unwrap().to_owned();
            match seen.emitted.entry(id) {
                std::collections::btree_map::Entry::Vacant(first) => drop(first.insert(at)),
                std::collections::btree_map::Entry::Occupied(_) => seen.repeated += 1,
            }
        }
        let more = page.more && there != *here;
        *here = there;
        if !more {
            return;
        }
    }
}

async fn simulated(pull: &str, seed: u64) -> (Arc<Feed>, Seen) {
    let mut chance = Chance(seed);
    let events = happenings(&mut chance);
    let skew = chance.below(2 * SKEW_MAX as u64 + 1) as i64 - SKEW_MAX;
    let trouble = Trouble::new(skew, seed);
    let (feed, address) = serve_with(events, trouble).await;
    let pull = pull.replace("overlap: 2s", "overlap: 21s");
    let world = World::of(connector(&pull, "now"), &address);
    *feed.clock.lock().unwrap() = Some(Arc::clone(&world.clock));
    let mut here = Checkpoint::initial("s", world.client.first_position("s").await);
    let mut seen = Seen::default();
    // As enabling does, before anything happens.
    while here.position == Position::Now {
        poll(&world, &mut here, &mut seen).await;
        world.clock.advance(Duration::from_secs(1));
    }
    for _ in 0..WATCHED / EVERY {
        world.clock.advance(Duration::from_secs(EVERY));
        poll(&world, &mut here, &mut seen).await;
        if chance.below(10) == 0 {
            feed.forget_tokens();
        }
    }
    feed.trouble.end();
    for _ in 0..12 {
        world.clock.advance(Duration::from_secs(EVERY));
        poll(&world, &mut here, &mut seen).await;
    }
    (feed, seen)
}

/// Of sorted latencies that one below which so many of a hundred are.
fn percentile(sorted: &[i64], of_hundred: usize) -> i64 {
    sorted[(sorted.len() * of_hundred / 100).min(sorted.len() - 1)]
}

fn shown(mut latencies: Vec<i64>) -> String {
    latencies.sort_unstable();
    let (half, most) = (percentile(&latencies, 50), percentile(&latencies, 99));
    format!("p50 {half:>3} s, p99 {most:>3} s")
}

/// When a reader emits an event who asks just as often, only for what is older than the lag.
fn waited(event: &Happening) -> i64 {
    let (every, settled) = (EVERY as i64, LAG_MAX as i64 + SKEW_MAX);
    let asked = (event.at + settled).div_euclid(every) + 1;
    asked * every - event.at
}

fn seeds() -> u64 {
    let asked = std::env::var("TIDEGATE_SIMULATOR_SEEDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(3)
}

#[tokio::test]
async fn every_class_misses_nothing_emits_nothing_twice_and_waits_for_no_lag() {
    for (class, pull) in CLASSES {
        let (mut latencies, mut waits) = (Vec::new(), Vec::new());
        let (mut repeated, mut gaps, mut failures) = (0, 0, 0);
        for seed in 0..seeds() {
            let (feed, seen) = simulated(pull, seed).await;
            let ids: Vec<String> = (0..feed.events.len()).map(|id| id.to_string()).collect();
            let missed: Vec<&String> = ids
                .iter()
                .filter(|id| !seen.emitted.contains_key(*id))
                .collect();
            assert!(missed.is_empty(), "{class}, seed {seed}: missed {missed:?}");
            assert_eq!(
                seen.emitted.len(),
                ids.len(),
                "{class}, seed {seed}: invented"
            );
            for (id, event) in ids.iter().zip(&feed.events) {
                latencies.push(seen.emitted[id] - event.at);
                waits.push(waited(event));
            }
            repeated += seen.repeated;
            gaps += seen.gaps;
            failures += seen.failures;
        }
        let events = latencies.len();
        let (read, wait) = (shown(latencies.clone()), shown(waits.clone()));
        println!(
            "{class:<52} {events} events, 0 missed, 0 twice ({repeated} repeated, {gaps} gaps, {failures} failures): {read}; waiting for the lag: {wait}"
        );
        let mean = |all: &[i64]| all.iter().sum::<i64>() / all.len() as i64;
        assert!(
            mean(&latencies) < mean(&waits),
            "{class}: slower than waiting"
        );
    }
}
