//! What goes wrong, one after the other; after each the platform must go on by itself.

use std::time::Duration;

use ports::{Clock, Entropy, SeededEntropy};
use tokio::sync::watch;

use crate::fleet::Role;
use crate::pressure::Pressure;
use crate::stage::Stage;

/// Longest until activities are recorded again after a trouble.
const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// How long a server stays dead or frozen.
const AWAY: Duration = Duration::from_secs(3);
/// How long a service is stalled while the other must go on.
const STALLED: Duration = Duration::from_secs(8);
/// A paused poller is looked at so often whether it holds the stream.
const PAUSES_MAX: usize = 40;
/// A lease that nobody renewed for so long is held by one who sleeps.
const ASLEEP: Duration = Duration::from_secs(2);
/// Longest until another poller reads a stream whose reader sleeps.
const TAKEN_OVER_MAX: Duration = Duration::from_secs(60);
/// How often a state is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often memory is looked at under pressure, and how often it is said.
const MEMORY_EVERY: Duration = Duration::from_millis(500);
const MEMORY_SAID_EVERY: Duration = Duration::from_secs(30);
/// What a process of ingest may grow by while the log takes nothing, in bytes: its 256 MiB of bodies under way,
/// 64 MiB of records in flight, held once by us until they are handed over and once by the client, and the
/// allocator's slack.
const GROWTH_BYTES_MAX: u64 = (256 + 2 * 64 + 64) * 1024 * 1024;
/// How long it must have been under pressure before it must have stopped growing.
const SETTLED_AFTER: Duration = Duration::from_secs(120);
/// What it may use more in the second half than in the first.
const UNSETTLED_MAX: f64 = 1.15;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    Killed(Role),
    BrokerKilled,
    BrokerFrozen,
    PostgresKilled,
    PollerAsleep,
    Rebalanced,
    ServiceStalled,
}

impl Trouble {
    /// Every trouble once.
    pub(crate) fn in_some_order(chance: &SeededEntropy) -> Vec<Self> {
        let mut troubles: Vec<Self> = Role::ALL.into_iter().map(Trouble::Killed).collect();
        troubles.extend([
            Trouble::BrokerKilled,
            Trouble::BrokerFrozen,
            Trouble::PostgresKilled,
            Trouble::PollerAsleep,
            Trouble::Rebalanced,
            Trouble::ServiceStalled,
        ]);
        troubles.sort_by_cached_key(|_| chance.draw());
        troubles
    }
}

impl Stage {
    /// A trouble, and then activities are recorded again.
    pub(crate) async fn suffers(&mut self, round: u64, trouble: Trouble) {
        let pause = Duration::from_millis((self.chance.draw() % 1_000) as u64);
        tokio::time::sleep(pause).await;
        let began = self.clock.monotonic();
        match trouble {
            Trouble::Killed(role) => {
                let n = (self.chance.draw() % self.fleet.count(role) as u128) as usize;
                self.fleet.kill(role, n).await;
            }
            Trouble::BrokerKilled => self.is_away("kill", &["kafka"], "start").await,
            Trouble::BrokerFrozen => self.is_away("freeze", &["kafka"], "thaw").await,
            Trouble::PostgresKilled => self.is_away("kill", &["postgres"], "start").await,
            Trouble::PollerAsleep => self.a_poller_sleeps().await,
            Trouble::Rebalanced => self.evaluators_come_and_go().await,
            Trouble::ServiceStalled => self.a_service_stalls().await,
        }
        let ended = self.clock.monotonic();
        self.goes_on().await;
        self.fleet.all_live();
        eprintln!(
            "round {round}, {trouble:?}: took {:.1} s, went on after {:.1} s",
            (ended - began).as_secs_f64(),
            (self.clock.monotonic() - ended).as_secs_f64(),
        );
    }

    async fn is_away(
        &self,
        goes: &'static str,
        which: &'static [&'static str],
        comes: &'static str,
    ) {
        self.servers.told(goes, which).await;
        tokio::time::sleep(AWAY).await;
        self.servers.told(comes, which).await;
    }

    /// New activities of both tenants are recorded.
    async fn goes_on(&self) {
        for connection in [&self.push.connection, &self.pull.connection] {
            let before = self.recorded_of(connection, None).await;
            self.recorded_of(connection, Some(before)).await;
        }
    }

    /// How many activities of a connection are recorded; with a number, once there are more than that.
    async fn recorded_of(&self, connection: &str, more_than: Option<usize>) -> usize {
        let began = self.clock.monotonic();
        loop {
            let counted = self.record.count_of(connection).await;
            match (counted, more_than) {
                (Ok(count), None) => return count,
                (Ok(count), Some(before)) if count > before => return count,
                _ => {}
            }
            let waited = self.clock.monotonic() - began;
            assert!(
                waited < RECOVERY_MAX,
                "nothing of {connection} is recorded any more"
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A poller falls asleep while it reads; another takes over; the first wakes up and disturbs nobody.
    async fn a_poller_sleeps(&mut self) {
        let connection = self.pull.connection.clone();
        for attempt in 0..PAUSES_MAX {
            let n = attempt % self.fleet.count(Role::Poller);
            self.fleet.pause(Role::Poller, n);
            if let Some(epoch) = self.epoch_of_a_sleeper(&connection).await {
                self.is_taken_over(&connection, epoch).await;
                let before = self.recorded_of(&connection, None).await;
                self.recorded_of(&connection, Some(before)).await;
                self.fleet.resume(Role::Poller, n);
                return;
            }
            self.fleet.resume(Role::Poller, n);
            // It reads now and then: another moment finds it reading.
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("no poller fell asleep while it read");
    }

    /// The epoch of the stream's lease, if nobody renews it or gives it back.
    async fn epoch_of_a_sleeper(&self, connection: &str) -> Option<i64> {
        let first = self.record.pull_lease(connection).await.unwrap()?;
        first.holder.as_ref()?;
        tokio::time::sleep(ASLEEP).await;
        let second = self.record.pull_lease(connection).await.unwrap()?;
        (first == second).then_some(first.epoch)
    }

    async fn is_taken_over(&self, connection: &str, epoch: i64) {
        let began = self.clock.monotonic();
        loop {
            let lease = self.record.pull_lease(connection).await.unwrap();
            if lease.is_some_and(|lease| lease.epoch > epoch) {
                return;
            }
            let waited = self.clock.monotonic() - began;
            assert!(
                waited < TAKEN_OVER_MAX,
                "nobody reads for the one who sleeps"
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// From one evaluator to three, to two, to one: killed, and dismissed.
    async fn evaluators_come_and_go(&mut self) {
        self.fleet.add(Role::Evaluator).await;
        self.fleet.add(Role::Evaluator).await;
        self.goes_on().await;
        self.fleet.dismiss(Role::Evaluator, 1).await;
        self.goes_on().await;
        self.fleet.dismiss(Role::Evaluator, 0).await;
    }

    /// One tenant's service does not answer any more; the other's activities are recorded all the same.
    async fn a_service_stalls(&mut self) {
        self.pull.is_stalled().await;
        let until = self.clock.monotonic() + STALLED;
        while self.clock.monotonic() < until {
            let before = self.recorded_of(&self.push.connection, None).await;
            self.recorded_of(&self.push.connection, Some(before)).await;
        }
        self.pull.is_unreliable().await;
    }

    /// Kafka is away for so long while deliveries come as fast as they are answered.
    pub(crate) async fn is_under_pressure(&mut self, seconds: u64) {
        let ingests = self.fleet.count(Role::Ingest) as u64;
        let (url, keys) = (self.fleet.front.url(), self.fleet.keys());
        let shared = &self.fleet.shared;
        let pressure = Pressure::on(&url, &self.push.connection, shared, &keys).await;
        self.servers.told("kill", &["kafka"]).await;
        let before = self.fleet.resident_bytes(Role::Ingest);
        let (stop, stopped) = watch::channel(false);
        let clients = pressure.begin(&stopped);
        let halves = Duration::from_secs(seconds) / 2;
        let first = self.most_memory(halves).await;
        let second = self.most_memory(halves).await;
        let most = first.max(second);
        let (began, answers) = (self.clock.monotonic(), &pressure.answers);
        while answers.later() == 0 {
            let waited = self.clock.monotonic() - began;
            assert!(
                waited < RECOVERY_MAX,
                "nobody is told to come again: {answers}"
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
        assert!(
            pressure.accepted().is_empty(),
            "accepted without a log: {:?}",
            pressure.accepted()
        );
        self.servers.told("start", &["kafka"]).await;
        let back = self.clock.monotonic();
        while pressure.accepted().is_empty() {
            let waited = self.clock.monotonic() - back;
            assert!(waited < RECOVERY_MAX, "no delivery is accepted any more");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let recovery = self.clock.monotonic() - back;
        stop.send_replace(true);
        clients.join_all().await;
        self.accepted = pressure.accepted();
        eprintln!("pressure: {}", pressure.answers);
        eprintln!(
            "pressure: ingest had {} MiB before, {} MiB at most in {ingests} processes; accepted again after {:.1} s",
            before >> 20,
            most >> 20,
            recovery.as_secs_f64()
        );
        assert_eq!(pressure.answers.others(), Vec::<String>::new());
        assert!(
            most <= before + ingests * GROWTH_BYTES_MAX,
            "ingest grew beyond {} MiB a process",
            GROWTH_BYTES_MAX >> 20
        );
        assert!(
            halves < SETTLED_AFTER || second as f64 <= first as f64 * UNSETTLED_MAX,
            "ingest goes on growing: {} MiB in the first half, {} MiB in the second",
            first >> 20,
            second >> 20
        );
        self.goes_on().await;
        self.fleet.all_live();
    }

    /// The most memory that ingest has in that time.
    async fn most_memory(&self, time: Duration) -> u64 {
        let began = self.clock.monotonic();
        let (mut most, mut said) = (0, began);
        while self.clock.monotonic() - began < time {
            let now = self.fleet.resident_bytes(Role::Ingest);
            most = most.max(now);
            if self.clock.monotonic() - said >= MEMORY_SAID_EVERY {
                said = self.clock.monotonic();
                let after = (said - began).as_secs();
                eprintln!("pressure: {} MiB after {after} s", now >> 20);
            }
            tokio::time::sleep(MEMORY_EVERY).await;
        }
        most
    }
}
