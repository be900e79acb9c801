//! Tells of incidents: what waits in the outbox is appended to `tidegate.incidents` as OCSF, and what their
//! remedies came to to `tidegate.remedies`.
//!
//! What it promises: an entry is forgotten only after the log has made it durable, so none is lost; a
//! death in between, or a holder that wakes after its lease ended, tells entries again, with the same
//! `ce_id`. The records of an incident have one key: their first appearances stand
//! in the order of its versions. One process at a time tells; the others wait for its lease to end.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use event_model::{ConnectionId, Incident, IncidentId, PAGE_ITEMS_MAX, PageRequest, Remedy};
use ports::{
    ActivityLog, AppendError, Clock, ConnectionStore, IncidentOutbox, IncidentStore, Lease,
    LeaseStore, LogRecord, OutboxEntry, RemedyFilter, RemedyStore, StoreError, Topic,
};
use telemetry::{Counter, Gauge, Metrics};
use thiserror::Error;
use tokio::sync::watch;

mod records;

/// The resource that who tells must hold.
const RESOURCE: &str = "outbox/incidents";
/// Services remembered by connection; beyond it the memory is begun anew.
const SERVICES_MAX: usize = 20_000;

/// Named bounds of the publisher.
#[derive(Debug, Clone)]
pub struct PublisherOptions {
    /// Entries told at a time.
    pub entries_max: u32,
    /// How long telling is one process's; renewed when half of it is over.
    pub lease: Duration,
    /// How often the outbox is looked at when nothing signals a change.
    pub tick: Duration,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        PublisherOptions {
            entries_max: 200,
            lease: Duration::from_secs(30),
            tick: Duration::from_secs(1),
        }
    }
}

/// What the publisher needs of the world.
pub struct PublisherPorts {
    /// What is to be told.
    pub outbox: Arc<dyn IncidentOutbox>,
    /// Signals that something is to be told.
    pub incidents: Arc<dyn IncidentStore>,
    /// What was done about the incidents.
    pub remedies: Arc<dyn RemedyStore>,
    /// The services of the connections.
    pub connections: Arc<dyn ConnectionStore>,
    /// Who tells.
    pub leases: Arc<dyn LeaseStore>,
    /// Where it is told.
    pub log: Arc<dyn ActivityLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts what was told, and shows what waits.
    pub metrics: Arc<Metrics>,
}

/// Tells of incidents; `holder` names this process among the replicas.
pub struct Publisher {
    ports: PublisherPorts,
    options: PublisherOptions,
    holder: String,
}

/// Why nothing was told. It comes again.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The outbox, or the lease.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// What a look at the outbox came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// Another process tells.
    Elsewhere,
    /// So many entries were told; more may wait unless it is 0.
    Told(usize),
}

/// Services by connection, as far as they were asked for.
pub type Services = HashMap<ConnectionId, Option<String>>;

/// The remedies of incidents, as they stood when they were asked for.
type Remedies = HashMap<IncidentId, Vec<Remedy>>;

impl Publisher {
    /// The publisher over its ports.
    pub fn new(ports: PublisherPorts, options: PublisherOptions, holder: String) -> Self {
        Publisher {
            ports,
            options,
            holder,
        }
    }

    /// Tells until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut changes = self.ports.incidents.incident_changes();
        let (mut lease, mut services) = (None, Services::new());
        while !*stop.borrow() {
            changes.borrow_and_update();
            match self.publish(&mut lease, &mut services).await {
                Ok(Published::Told(told)) if told > 0 => continue,
                Ok(Published::Told(_)) => {}
                Ok(Published::Elsewhere) => {
                    let _ = tokio::time::timeout(self.options.lease / 3, stop.changed()).await;
                    continue;
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "incidents could not be told, they wait"
                    );
                    lease = None;
                    // Not at the next change: a log that is away would be asked at every incident.
                    let _ = tokio::time::timeout(self.options.tick, stop.changed()).await;
                    continue;
                }
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(self.options.tick) => {}
                _ = stop.changed() => {}
            }
        }
        if let Some(lease) = lease {
            // Who comes next need not wait for its end.
            let _ = self.ports.leases.release_lease(&lease).await;
        }
    }

    /// Tells what waits longest, if telling is this process's.
    ///
    /// # Errors
    /// See [`PublishError`]: what was not told waits.
    pub async fn publish(
        &self,
        lease: &mut Option<Lease>,
        services: &mut Services,
    ) -> Result<Published, PublishError> {
        *lease = self.hold(lease.take()).await?;
        if lease.is_none() {
            return Ok(Published::Elsewhere);
        }
        let entries = self
            .ports
            .outbox
            .outbox_waiting(self.options.entries_max)
            .await?;
        let Some(through) = entries.last().map(|entry| entry.sequence) else {
            self.observe(None).await?;
            return Ok(Published::Told(0));
        };
        self.observe(entries.first()).await?;
        let (mut records, mut ended) = (Vec::with_capacity(entries.len()), Vec::new());
        let mut remedies = Remedies::new();
        for OutboxEntry { incident, .. } in &entries {
            let service = self.service(services, incident.connection_id).await?;
            records.push(records::of_incident(incident, service.as_deref()));
            ended.extend(
                self.ended(&mut remedies, incident, service.as_deref())
                    .await?,
            );
        }
        self.ports.log.append(Topic::Incidents, records).await?;
        if !ended.is_empty() {
            self.ports.log.append(Topic::Remedies, ended).await?;
        }
        // INVARIANT: what is forgotten here is durable in the log. A crash before costs a repetition.
        self.ports.outbox.outbox_told(through).await?;
        self.ports
            .metrics
            .count(Counter::IncidentsTold, &[], entries.len() as u64);
        Ok(Published::Told(entries.len()))
    }

    /// The lease: kept, renewed when half of it is over, or acquired.
    async fn hold(&self, held: Option<Lease>) -> Result<Option<Lease>, StoreError> {
        let (ttl, now) = (self.options.lease, self.ports.clock.now());
        let leases = self.ports.leases.as_ref();
        let half = TimeDelta::from_std(ttl / 2).unwrap_or_default();
        match held {
            Some(lease) if now + half < lease.until => Ok(Some(lease)),
            Some(lease) => match leases.renew_lease(&lease, ttl, now).await {
                Err(StoreError::Fenced { .. }) => Ok(None),
                renewed => renewed.map(Some),
            },
            None => leases.acquire_lease(RESOURCE, &self.holder, ttl, now).await,
        }
    }

    async fn service(
        &self,
        services: &mut Services,
        id: ConnectionId,
    ) -> Result<Option<String>, StoreError> {
        if let Some(known) = services.get(&id) {
            return Ok(known.clone());
        }
        if services.len() >= SERVICES_MAX {
            services.clear();
        }
        let connection = self.ports.connections.get(id).await?;
        let service = connection.map(|connection| connection.service);
        services.insert(id, service.clone());
        Ok(service)
    }

    /// The remedies that this change of the incident ended. One that changed again since is told with
    /// that change, whose entry comes later.
    async fn ended(
        &self,
        known: &mut Remedies,
        incident: &Incident,
        service: Option<&str>,
    ) -> Result<Vec<LogRecord>, StoreError> {
        if incident.revision <= 1 {
            return Ok(Vec::new());
        }
        if let Entry::Vacant(place) = known.entry(incident.id) {
            let filter = RemedyFilter {
                incident: Some(incident.id),
                ..RemedyFilter::default()
            };
            let first = PageRequest::first(PAGE_ITEMS_MAX);
            let page = self.ports.remedies.remedy_page(&filter, &first).await?;
            place.insert(page.items);
        }
        let of_incident = known.get(&incident.id).into_iter().flatten();
        let changed = of_incident.filter(|remedy| remedy.updated_at == incident.updated_at);
        Ok(changed
            .filter_map(|remedy| records::of_remedy(remedy, incident, service))
            .collect())
    }

    async fn observe(&self, oldest: Option<&OutboxEntry>) -> Result<(), StoreError> {
        let backlog = self.ports.outbox.outbox_backlog().await?;
        let now = self.ports.clock.now();
        let age = oldest.map(|entry| (now - entry.incident.updated_at).num_milliseconds());
        let age = age.unwrap_or(0).max(0) as f64 / 1_000.0;
        let metrics = &self.ports.metrics;
        metrics.set(Gauge::OutboxWaiting, &[], backlog.waiting as f64);
        metrics.set(Gauge::OutboxDropped, &[], backlog.dropped as f64);
        metrics.set(Gauge::OutboxAge, &[], age);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
