//! The real binary under load from toy-cloud, push and pull, faults on, killed again and again.
//!
//! `TIDEGATE_KILL_POINTS` sets how often it is killed (10 without), `TIDEGATE_KILL_SEED` the seed.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

#[path = "process/deeds.rs"]
mod deeds;
#[path = "process/oracle.rs"]
mod oracle;
#[path = "process/subject.rs"]
mod subject;
#[path = "process/vaulting.rs"]
mod vaulting;

use std::time::Duration;

use serde_json::json;
use toy_cloud::{Config, ToyCloud};

use deeds::Deeds;
use oracle::Book;
use subject::Subject;

/// Documents per second while the binary is killed; each makes two activities.
const DOCUMENTS_PER_S: u64 = 10;
/// Longest that everything may take to come to rest after the last kill.
const REST_MAX: Duration = Duration::from_secs(240);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn faults(seed: u64) -> serde_json::Value {
    let api = |method: &str| json!({"method": method, "path_prefix": "/api/v1"});
    json!({
        "seed": seed,
        "rules": [
            {"match": api("GET"), "what": {"status": 503}, "probability": 0.02, "times": null},
            {"match": api("GET"), "what": {"status": 429, "retry_after_s": 1}, "probability": 0.005, "times": null},
            {"match": api("POST"), "what": {"status": 500, "after": true}, "probability": 0.05, "times": null},
            {"match": api("DELETE"), "what": {"close": true, "after": true}, "probability": 0.05, "times": null},
            {"match": {"method": "GET", "path_prefix": "/api/v1/files"}, "what": {"delay_ms": 40}, "probability": 0.1, "times": null},
        ],
        "events": {"lag_ms": 300, "repeat": 0.2, "reorder": 0.2, "short_page": 0.3, "empty_page": 0.1},
        "deliveries": {"drop": 0.05, "duplicate": 0.1, "delay_ms": 20},
        "access_token_ttl_s": 90,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_when_nothing_is_lost_and_nothing_is_done_twice() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let points = setting("TIDEGATE_KILL_POINTS", 10);
    let seed = setting("TIDEGATE_KILL_SEED", 1);
    let cloud = ToyCloud::start(Config {
        seed,
        ..Config::default()
    })
    .await
    .unwrap();
    let mut subject = Subject::start(&cloud, seed).await;
    subject.set_up(&cloud).await;
    subject
        .toy
        .put("/control/faults", &faults(seed))
        .await
        .unwrap();

    let mut book = Book::default();
    for point in 1..=points {
        let tenant = if point % 2 == 0 { "globex" } else { "acme" };
        let before = subject.random_pause();
        subject.use_the_service(tenant, DOCUMENTS_PER_S).await;
        tokio::time::sleep(before).await;
        subject.kill_and_restart().await;
        subject.wait_for_load(&mut book).await;
        if point % 20 == 0 || point == points {
            println!(
                "{point} of {points} kills, {} activities so far",
                book.activities()
            );
        }
    }

    let calm = json!({"seed": seed, "rules": [], "events": {}, "deliveries": {}, "access_token_ttl_s": 3600});
    subject.toy.put("/control/faults", &calm).await.unwrap();
    let seen = subject.come_to_rest(&book, &cloud.model(), REST_MAX).await;
    let report = book.check(&seen, &Deeds::of(&cloud.model()).effects);
    println!("{report}");
    subject.stop().await;
    cloud.shutdown().await;
}
