//! From a topic to a destination: read, hand over, commit.
//!
//! INVARIANT: a place is committed only when every event up to it was taken, was refused for good, or is not this
//! sink's to tell. So a death costs repetitions, never an event.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use event_model::SinkStream;
use ports::{ActivityLog, Delivered, LogReader, Place, SinkStandings};
use telemetry::{Counter, Gauge, Metrics};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::board::Board;
use crate::destination::{self, Destination};
use crate::gather::Gathered;
use crate::{DeliveryError, Reach, SettingsError, SinkSettings, Told, desk, stream};

/// Events handed over at a time.
const EVENTS_MAX: usize = 200;
/// How long a reader waits for records before it looks around.
const WAIT: Duration = Duration::from_secs(1);
/// First pause after a receiver could not be had; doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Longest pause, unless the receiver asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What the sinks need of the world.
#[derive(Clone)]
pub struct SinksPorts {
    /// Where incidents, activities and remedies are told.
    pub log: Arc<dyn ActivityLog>,
    /// Where it stands how far each has come.
    pub standings: Arc<dyn SinkStandings>,
    /// By what destinations are reached.
    pub reach: Reach,
    /// Counts what was taken, and shows what waits.
    pub metrics: Arc<Metrics>,
}

/// The destination of a sink: its streams take turns at it.
type Shared = Arc<Mutex<Box<dyn Destination>>>;

/// One stream of a sink.
struct Pump {
    settings: Arc<SinkSettings>,
    stream: SinkStream,
    destination: Shared,
    ports: SinksPorts,
}

/// The sinks of an installation, at work.
pub struct Sinks {
    pumps: Vec<Pump>,
    ports: SinksPorts,
}

impl Sinks {
    /// The sinks that the settings name; their secrets and authorities are read now.
    ///
    /// # Errors
    /// When one of them cannot be made: the message names it.
    pub fn new(settings: Vec<SinkSettings>, ports: &SinksPorts) -> Result<Self, SettingsError> {
        let mut pumps = Vec::new();
        for settings in settings {
            let destination = destination::of(&settings, &ports.reach)?;
            let (destination, settings) = (Arc::new(Mutex::new(destination)), Arc::new(settings));
            for stream in settings.followed() {
                let gathered = match stream {
                    SinkStream::Digest => destination::of_digest(&settings, &ports.reach),
                    _ => None,
                };
                let gathered = gathered.map(|one| Arc::new(Mutex::new(one)));
                pumps.push(Pump {
                    settings: Arc::clone(&settings),
                    stream,
                    destination: gathered.unwrap_or_else(|| Arc::clone(&destination)),
                    ports: ports.clone(),
                });
            }
        }
        let ports = ports.clone();
        Ok(Sinks { pumps, ports })
    }

    /// Hands on until told to stop.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let names = self.pumps.iter().map(|pump| pump.settings.name.clone());
        let names: Vec<String> = names.collect();
        if let Err(error) = self.ports.standings.forget_sinks_but(&names).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what was noted of sinks that are gone is still there"
            );
        }
        let mut pumps = JoinSet::new();
        for pump in self.pumps {
            pumps.spawn(pump.run(stop.clone()));
        }
        while let Some(ended) = pumps.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a sink ended unexpectedly");
            }
        }
    }

    /// Hands one test event to a sink, once.
    ///
    /// # Errors
    /// When it cannot be made, or does not take it.
    pub async fn try_out(settings: &SinkSettings, reach: &Reach) -> Result<(), DeliveryError> {
        desk::hand_over(settings, reach, &Told::test(reach.clock.now())).await
    }
}

impl Pump {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        let (name, ports) = (&self.settings.name, &self.ports);
        let clock = &ports.reach.clock;
        let mut board = Board::of(name, self.stream, &ports.standings, clock).await;
        while !*stop.borrow() {
            let group = self.settings.group(self.stream);
            let opened = ports.log.reader(stream::topic(self.stream), &group).await;
            let ended = match opened {
                Ok(mut reader) => match (self.stream, self.settings.rhythm()) {
                    (SinkStream::Digest, Some(rhythm)) => {
                        let gathered = Gathered::new(rhythm);
                        self.gather(gathered, reader.as_mut(), &mut board, &mut stop)
                            .await
                    }
                    _ => self.follow(reader.as_mut(), &mut board, &mut stop).await,
                },
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                tracing::error!(
                    sink = name,
                    stream = %self.stream,
                    error = &error as &dyn std::error::Error,
                    "what is to be handed on could not be read"
                );
                board.unreadable(&error.to_string()).await;
                pause(PAUSE_FIRST, &mut stop).await;
            }
        }
    }

    async fn follow(
        &self,
        reader: &mut dyn LogReader,
        board: &mut Board,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), ports::LogError> {
        while !*stop.borrow() {
            let records = tokio::select! {
                records = reader.next(EVENTS_MAX, WAIT) => records?,
                _ = stop.changed() => return Ok(()),
            };
            let places: Vec<Place> = records.iter().map(|record| record.place).collect();
            let told = records.into_iter().filter_map(|one| self.read(one, board));
            let events: Vec<Told> = told.collect();
            if !self.hand_over(&events, reader, board, stop).await {
                return Ok(());
            }
            if !places.is_empty() {
                reader.commit(&places).await?;
            }
            let lag = reader.lag().await;
            self.show_lag(lag);
            board.stands(&places, lag).await;
        }
        Ok(())
    }

    /// As [`Pump::follow`], but what is told goes out together from time to time, as one delivery.
    async fn gather(
        &self,
        mut gathered: Gathered,
        reader: &mut dyn LogReader,
        board: &mut Board,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), ports::LogError> {
        while !*stop.borrow() {
            let records = tokio::select! {
                records = reader.next(EVENTS_MAX, WAIT) => records?,
                _ = stop.changed() => return Ok(()),
            };
            let caught_up = records.is_empty();
            gathered.take(records.into_iter().map(|one| {
                let told = self.read(one.clone(), board);
                (one, told)
            }));
            while gathered.is_whole(self.ports.reach.clock.now(), caught_up) {
                if !self.hand_over(gathered.events(), reader, board, stop).await {
                    return Ok(());
                }
                reader.commit(&gathered.places()).await?;
                board.stands(&gathered.places(), reader.lag().await).await;
                gathered.begin_next();
            }
            let lag = reader.lag().await;
            self.show_lag(lag);
            match gathered.due() {
                Some(due) => board.gathers(due, lag).await,
                None if gathered.places().is_empty() => board.stands(&[], lag).await,
                // What is not this sink's to tell does not wait.
                None => {
                    reader.commit(&gathered.places()).await?;
                    board.stands(&gathered.places(), reader.lag().await).await;
                    gathered.begin_next();
                }
            }
        }
        Ok(())
    }

    /// The event of a record, if it is this sink's to tell.
    fn read(&self, record: Delivered, board: &mut Board) -> Option<Told> {
        match stream::read(self.stream, record.record.value) {
            Ok(told) => self.settings.wants(self.stream, &told).then_some(told),
            Err(reason) => {
                self.count("unreadable", 1);
                board.failed(&reason);
                tracing::error!(
                    sink = self.settings.name,
                    stream = %self.stream,
                    reason,
                    "an event cannot be read"
                );
                None
            }
        }
    }

    /// Until every event was taken or refused for good; false when told to stop before.
    async fn hand_over(
        &self,
        mut events: &[Told],
        reader: &mut dyn LogReader,
        board: &mut Board,
        stop: &mut watch::Receiver<bool>,
    ) -> bool {
        let (mut one_by_one, mut next_pause) = (false, PAUSE_FIRST);
        while !events.is_empty() {
            if *stop.borrow() {
                return false;
            }
            let some = if one_by_one { &events[..1] } else { events };
            let (taken, result) = self.destination.lock().await.deliver(some).await;
            self.count("taken", taken);
            if let Some(last) = taken.checked_sub(1).and_then(|n| some.get(n)) {
                board.took(last.id());
                next_pause = PAUSE_FIRST;
            }
            let single = some.len() == 1;
            events = &events[taken..];
            match result {
                Ok(()) => {}
                Err(DeliveryError::Refused { reason }) if single => {
                    self.give_up(&events[0], &reason, board);
                    events = &events[1..];
                }
                // Which of them is meant shows when they come one by one.
                Err(DeliveryError::Refused { .. }) => one_by_one = true,
                Err(DeliveryError::Later { reason, after }) => {
                    let time = after.unwrap_or(next_pause);
                    let lag = reader.lag().await;
                    self.wait(&reason, time, lag, board).await;
                    pause(time, stop).await;
                    next_pause = (next_pause * 2).min(PAUSE_MAX);
                }
            }
        }
        true
    }

    fn give_up(&self, event: &Told, reason: &str, board: &mut Board) {
        self.count("refused", 1);
        board.failed(reason);
        tracing::error!(
            sink = self.settings.name,
            stream = %self.stream,
            event = event.id(),
            reason,
            "an event was refused, the next ones go on"
        );
    }

    async fn wait(&self, reason: &str, time: Duration, lag: u64, board: &mut Board) {
        self.count("put_off", 1);
        self.show_lag(lag);
        tracing::warn!(
            sink = self.settings.name,
            stream = %self.stream,
            reason,
            waiting = lag,
            "events wait for their receiver"
        );
        let time = TimeDelta::from_std(time).unwrap_or_default();
        let until = self.ports.reach.clock.now() + time;
        board.put_off(reason, until, lag).await;
    }

    fn show_lag(&self, lag: u64) {
        let labels = [self.settings.name.as_str(), self.stream.word()];
        self.ports.metrics.set(Gauge::SinkLag, &labels, lag as f64);
    }

    fn count(&self, outcome: &str, number: usize) {
        let labels = [self.settings.name.as_str(), self.stream.word(), outcome];
        self.ports
            .metrics
            .count(Counter::SinkEvents, &labels, number as u64);
    }
}

async fn pause(time: Duration, stop: &mut watch::Receiver<bool>) {
    let _ = tokio::time::timeout(time, stop.changed()).await;
}
