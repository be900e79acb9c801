//! From the topic to a destination: read, hand over, commit.
//!
//! INVARIANT: a place is committed only when every event up to it was taken, was refused for good, or is not this
//! sink's to tell. So a death costs repetitions, never an event.

use std::sync::Arc;
use std::time::Duration;

use ports::{ActivityLog, Clock, LogReader, Place, Topic};
use telemetry::{Counter, Gauge, Metrics};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::destination::{self, Destination};
use crate::{DeliveryError, SettingsError, SinkSettings, Told};

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
    /// Where incidents are told.
    pub log: Arc<dyn ActivityLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts what was taken, and shows what waits.
    pub metrics: Arc<Metrics>,
}

struct Sink {
    settings: SinkSettings,
    destination: Box<dyn Destination>,
    ports: SinksPorts,
}

/// The sinks of an installation, at work.
pub struct Sinks(Vec<Sink>);

impl Sinks {
    /// The sinks that the settings name; their secrets and authorities are read now.
    ///
    /// # Errors
    /// When one of them cannot be made: the message names it.
    pub fn new(settings: Vec<SinkSettings>, ports: &SinksPorts) -> Result<Self, SettingsError> {
        let made = settings.into_iter().map(|settings| {
            Ok(Sink {
                destination: destination::of(&settings, &ports.clock)?,
                settings,
                ports: ports.clone(),
            })
        });
        made.collect::<Result<_, _>>().map(Sinks)
    }

    /// Hands on until told to stop.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut pumps = JoinSet::new();
        for sink in self.0 {
            pumps.spawn(sink.run(stop.clone()));
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
    pub async fn try_out(
        settings: &SinkSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<(), DeliveryError> {
        let made = destination::of(settings, clock);
        let mut destination = made.map_err(|error| DeliveryError::Refused {
            reason: error.to_string(),
        })?;
        destination.deliver(&[Told::test(clock.now())]).await.1
    }
}

impl Sink {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let group = self.settings.group();
            let opened = self.ports.log.reader(Topic::Incidents, &group).await;
            let ended = match opened {
                Ok(mut reader) => self.follow(reader.as_mut(), &mut stop).await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                tracing::error!(
                    sink = self.settings.name,
                    error = &error as &dyn std::error::Error,
                    "the incidents could not be read"
                );
                pause(PAUSE_FIRST, &mut stop).await;
            }
        }
    }

    async fn follow(
        &mut self,
        reader: &mut dyn LogReader,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), ports::LogError> {
        while !*stop.borrow() {
            let records = tokio::select! {
                records = reader.next(EVENTS_MAX, WAIT) => records?,
                _ = stop.changed() => return Ok(()),
            };
            let places: Vec<Place> = records.iter().map(|record| record.place).collect();
            let mut events = Vec::with_capacity(records.len());
            for record in records {
                match Told::read(record.record.value) {
                    Ok(told) => events.extend(self.is_wanted(&told).then_some(told)),
                    Err(reason) => {
                        self.count("unreadable", 1);
                        tracing::error!(
                            sink = self.settings.name,
                            reason,
                            "an incident cannot be read"
                        );
                    }
                }
            }
            if !self.hand_over(&events, stop).await {
                return Ok(());
            }
            if !places.is_empty() {
                reader.commit(&places).await?;
            }
            let lag = reader.lag().await as f64;
            self.ports
                .metrics
                .set(Gauge::SinkLag, &[&self.settings.name], lag);
        }
        Ok(())
    }

    fn is_wanted(&self, told: &Told) -> bool {
        told.severity() >= self.settings.least_severity
            && (told.is_new() || !self.settings.only_new)
    }

    /// Until every event was taken or refused for good; false when told to stop before.
    async fn hand_over(&mut self, mut events: &[Told], stop: &mut watch::Receiver<bool>) -> bool {
        let (mut one_by_one, mut next_pause) = (false, PAUSE_FIRST);
        while !events.is_empty() {
            if *stop.borrow() {
                return false;
            }
            let some = if one_by_one { &events[..1] } else { events };
            let (taken, result) = self.destination.deliver(some).await;
            self.count("taken", taken);
            events = &events[taken..];
            if taken > 0 {
                next_pause = PAUSE_FIRST;
            }
            match result {
                Ok(()) => {}
                Err(DeliveryError::Refused { reason }) if some.len() == 1 => {
                    self.count("refused", 1);
                    let id = events[0].id();
                    tracing::error!(
                        sink = self.settings.name,
                        event = id,
                        reason,
                        "an incident was refused, the next ones go on"
                    );
                    events = &events[1..];
                }
                // Which of them is meant shows when they come one by one.
                Err(DeliveryError::Refused { .. }) => one_by_one = true,
                Err(DeliveryError::Later { reason, after }) => {
                    self.count("put_off", 1);
                    tracing::warn!(
                        sink = self.settings.name,
                        reason,
                        waiting = events.len(),
                        "incidents wait for their receiver"
                    );
                    pause(after.unwrap_or(next_pause), stop).await;
                    next_pause = (next_pause * 2).min(PAUSE_MAX);
                }
            }
        }
        true
    }

    fn count(&self, outcome: &str, number: usize) {
        let labels = [self.settings.name.as_str(), outcome];
        self.ports
            .metrics
            .count(Counter::SinkEvents, &labels, number as u64);
    }
}

async fn pause(time: Duration, stop: &mut watch::Receiver<bool>) {
    let _ = tokio::time::timeout(time, stop.changed()).await;
}
