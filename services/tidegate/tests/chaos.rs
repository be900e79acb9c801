//! The real binary as many processes on a real Kafka and a real Postgres, under load by push and pull, while
//! everything that can die or freeze does: nothing accepted is lost, and nothing is done twice.
//!
//! The short form is part of `make test`; `make chaos` is the long one. `TIDEGATE_CHAOS_RATE` sets the
//! activities per second, `TIDEGATE_CHAOS_ROUNDS` how often every trouble is made, in an order that
//! `TIDEGATE_CHAOS_SEED` sets, `TIDEGATE_CHAOS_PRESSURE_S` how long Kafka is away under the load of
//! `TIDEGATE_CHAOS_CLIENTS` clients, and `TIDEGATE_CHAOS_BINARY` the binary.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

#[path = "process/deeds.rs"]
mod deeds;
#[path = "chaos/fleet.rs"]
mod fleet;
#[path = "chaos/front.rs"]
mod front;
#[path = "process/oracle.rs"]
mod oracle;
#[path = "chaos/pressure.rs"]
mod pressure;
#[path = "chaos/record.rs"]
mod record;
#[path = "chaos/servers.rs"]
mod servers;
#[path = "chaos/stage.rs"]
mod stage;
#[path = "chaos/tenants.rs"]
mod tenants;
#[path = "chaos/trouble.rs"]
mod trouble;

use stage::Stage;
use trouble::Trouble;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_process_or_server_fails_nothing_is_lost_and_nothing_is_done_twice() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seed = setting("TIDEGATE_CHAOS_SEED", 1);
    let rate = setting("TIDEGATE_CHAOS_RATE", 16);
    let Some(mut stage) = Stage::set(seed, rate).await else {
        return;
    };
    for round in 1..=setting("TIDEGATE_CHAOS_ROUNDS", 1) {
        for trouble in Trouble::in_some_order(&stage.chance) {
            stage.suffers(round, trouble).await;
        }
    }
    stage
        .is_under_pressure(setting("TIDEGATE_CHAOS_PRESSURE_S", 20))
        .await;
    stage.ends().await;
}
