//! Looks at what exists already: the shares or the files of a connection, page by page, as if each were
//! made now.
//!
//! What it promises: a preview records nothing and does nothing. Acting goes the ordinary way: incidents
//! and their remedies, so that everything can be undone; each violation becomes one incident however often
//! it is scanned, for the same thing in the same state has the same event id. After so many actions a scan
//! stands still until a person continues it; actions are counted before they are planned, so that a crash
//! never lets more through. Its place is saved after every few elements. It uses a part of the service's
//! budget only, and waits while live looks at contents wait. The gate and the connection's state are heeded
//! before every page.

mod page;
mod policies;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use connector::{CallError, Disposition};
use event_model::{Connection, Job, JobId, JobKind, JobState, JobWork, Scan};
use futures::future::join_all;
use ports::{GateError, JobStore, Lease, LeaseStore, StoreError};
use tokio::sync::watch;

use crate::scan::page::Stretch;
use crate::{Evaluator, EvaluatorOptions, EvaluatorPorts};

/// Named bounds of scans.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// Scans worked at by one process at a time, each of another connection.
    pub at_once_max: usize,
    /// Elements between two savings.
    pub elements_at_once_max: usize,
    /// Elements evaluated at a time.
    pub side_by_side_max: usize,
    /// A connection's lease is given back after so long, so that nobody keeps one for ever.
    pub stretch: Duration,
    /// How long nobody else works at a connection's scans after who does was last heard of.
    pub lease: Duration,
    /// How often scans are looked for that no signal told of.
    pub looked_for_every: Duration,
    /// How long a scan waits before it asks again, where the service does not say.
    pub pause: Duration,
    /// Longest that a scan waits for live looks before it goes on with a few elements.
    pub yields_max: Duration,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions {
            at_once_max: 4,
            elements_at_once_max: 25,
            side_by_side_max: 4,
            stretch: Duration::from_secs(30),
            lease: Duration::from_secs(120),
            looked_for_every: Duration::from_secs(5),
            pause: Duration::from_secs(30),
            yields_max: Duration::from_secs(60),
        }
    }
}

/// What scans need of the world.
pub struct ScanPorts {
    /// The scans.
    pub jobs: Arc<dyn JobStore>,
    /// Who works at which connection.
    pub leases: Arc<dyn LeaseStore>,
    /// What is found is evaluated as activity is.
    pub evaluator: EvaluatorPorts,
    /// Who looks at live activity, and goes first.
    pub live: Arc<Evaluator>,
}

/// Works at scans.
pub struct Scans {
    ports: ScanPorts,
    options: ScanOptions,
    holder: String,
}

/// Scans looked at for some to work at: others may hold some of them.
const OPEN_JOBS_MAX: u32 = 100;

/// Why a scan does not go on now.
enum Stop {
    /// It is asked for again after so long.
    For(Duration),
    /// Until a person looks at it.
    Held(String),
    /// It cannot be done.
    Failed(String),
}

impl Scans {
    /// Over its ports; `holder` is this process's name.
    pub fn new(ports: ScanPorts, options: ScanOptions, holder: String) -> Self {
        Scans {
            ports,
            options,
            holder,
        }
    }

    /// Works until told to stop. What is interrupted is taken up again.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut changes = self.ports.jobs.job_changes();
        while !*stop.borrow() {
            changes.borrow_and_update();
            let worked = tokio::select! {
                worked = self.step() => worked,
                _ = stop.changed() => return,
            };
            match worked {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a scan was interrupted, it goes on"
                ),
            }
            tokio::select! {
                _ = tokio::time::timeout(self.options.looked_for_every, changes.changed()) => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// Works for a while at scans of some connections. Whether there was one.
    pub async fn step(&self) -> Result<bool, StoreError> {
        let now = self.ports.evaluator.clock.now();
        let (jobs, kind) = (&self.ports.jobs, JobKind::Scan);
        let mut taken = Vec::new();
        let mut open = jobs.open_jobs(kind, now, OPEN_JOBS_MAX).await?;
        // Labels that changed are news; what else is scanned was there before.
        open.sort_by_key(|job| !is_of_labels(job));
        for job in open {
            let name = resource(&job);
            let is_taken = |(_, lease): &(Job, Lease)| lease.resource == name;
            if taken.iter().any(is_taken) {
                continue;
            }
            let (ttl, leases) = (self.options.lease, &self.ports.leases);
            let lease = leases.acquire_lease(&name, &self.holder, ttl, now);
            if let Some(lease) = lease.await? {
                taken.push((job, lease));
            }
            if taken.len() >= self.options.at_once_max {
                break;
            }
        }
        let any = !taken.is_empty();
        let work = taken.into_iter().map(|(job, lease)| self.hold(job, lease));
        join_all(work)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        Ok(any)
    }

    async fn hold(&self, job: Job, lease: Lease) -> Result<(), StoreError> {
        let id = job.id;
        let worked = tokio::select! {
            worked = self.work(job, &lease) => worked,
            lost = self.keep(&lease) => Err(lost),
        };
        self.ports.leases.release_lease(&lease).await?;
        match worked {
            // A person paused or canceled it, or another process took it over: it is read again.
            Err(StoreError::Conflict { .. } | StoreError::Fenced { .. }) => Ok(()),
            Err(error) if !error.is_transient() => self.fail(id, error.to_string()).await,
            worked => worked,
        }
    }

    /// Keeps the lease until another has it: why it was lost.
    async fn keep(&self, lease: &Lease) -> StoreError {
        let (leases, ttl) = (&self.ports.leases, self.options.lease);
        loop {
            tokio::time::sleep(ttl / 3).await;
            let now = self.ports.evaluator.clock.now();
            // When the store cannot be reached, the work finds out itself.
            let renewed = leases.renew_lease(lease, ttl, now).await;
            if let Err(error @ StoreError::Fenced { .. }) = renewed {
                return error;
            }
        }
    }

    /// Pages for a while.
    async fn work(&self, mut job: Job, lease: &Lease) -> Result<(), StoreError> {
        job = self.save(job, JobState::Running).await?;
        let stretch = Stretch::new(self, lease);
        loop {
            let (worked, stop) = stretch.page(job).await?;
            job = worked;
            if let Some(stop) = stop {
                return self.stand_still(job, stop).await;
            }
            if scan_of(&mut job).lists.is_empty() {
                return self.finish(job).await;
            }
            if stretch.is_over() {
                return Ok(());
            }
        }
    }

    async fn stand_still(&self, mut job: Job, stop: Stop) -> Result<(), StoreError> {
        let state = match stop {
            Stop::For(wait) => {
                let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1));
                job.due_at = self.ports.evaluator.clock.now() + wait;
                JobState::Running
            }
            Stop::Held(why) => {
                job.note = Some(why);
                JobState::Held
            }
            Stop::Failed(why) => {
                self.ask_again(&mut job).await?;
                job.note = Some(why);
                JobState::Failed
            }
        };
        self.save(job, state).await.map(drop)
    }

    async fn finish(&self, mut job: Job) -> Result<(), StoreError> {
        self.ask_again(&mut job).await?;
        self.save(job, JobState::Done).await.map(drop)
    }

    /// Asks for the next scan, where it is to be done again. The same one is asked for once, whatever dies
    /// before the end of this one is saved.
    async fn ask_again(&self, job: &mut Job) -> Result<(), StoreError> {
        let scan = scan_of(job).clone();
        let Some(hours) = scan.ask.every_hours else {
            return Ok(());
        };
        let now = self.ports.evaluator.clock.now();
        let listed = Some(scan.report.listed).filter(|listed| *listed > 0);
        let next = Scan::of(scan.ask, listed.or(scan.expected));
        let work = JobWork::Scan(Box::new(next));
        let mut next = Job::new(after(job), job.by.clone(), work, now);
        next.due_at = now + TimeDelta::hours(i64::from(hours));
        match self.ports.jobs.add_job(&next).await {
            Err(StoreError::Conflict { .. }) => Ok(()),
            added => added,
        }
    }

    async fn fail(&self, id: JobId, why: String) -> Result<(), StoreError> {
        let Some(job) = self.ports.jobs.job(id).await? else {
            return Ok(());
        };
        match job.state.is_open() {
            true => self.stand_still(job, Stop::Failed(why)).await,
            false => Ok(()),
        }
    }

    async fn save(&self, mut job: Job, state: JobState) -> Result<Job, StoreError> {
        let now = self.ports.evaluator.clock.now();
        job.step(state, now).map_err(|_| StoreError::Conflict {
            what: "job",
            id: job.id.to_string(),
        })?;
        self.ports.jobs.save_job(&job).await
    }

    /// The connection, if something may be asked of it now.
    async fn connection(&self, scan: &Scan) -> Result<Result<Connection, Stop>, StoreError> {
        let found = self
            .ports
            .evaluator
            .connections
            .get(scan.ask.connection)
            .await?;
        Ok(match found {
            None => Err(Stop::Failed("the connection is gone".into())),
            Some(connection) if connection.lifecycle.word() == "needs_consent" => {
                Err(Stop::For(self.options.pause))
            }
            Some(connection) if connection.lifecycle.is_enabled() => Ok(connection),
            Some(_) => Err(Stop::Held("the connection is not enabled".into())),
        })
    }

    /// What follows from a page that could not be read.
    async fn not_read(&self, scan: &Scan, error: &CallError) -> Stop {
        if let CallError::GrantDead { reason } = error {
            let clients = &self.ports.evaluator.clients;
            if let Err(error) = clients.grant_died(scan.ask.connection, reason).await {
                tracing::error!(connection.id = %scan.ask.connection, error = %error, "a dead grant could not be noted");
            }
            return Stop::For(self.options.pause);
        }
        match error.disposition() {
            Disposition::Retry(after) if after.is_zero() => Stop::For(self.options.pause),
            Disposition::Retry(after) => Stop::For(after),
            Disposition::AskAdmin | Disposition::GiveUp => Stop::Failed(error.to_string()),
        }
    }

    /// Who evaluates what is found: gently, with room of its own.
    fn looker(&self, scan: &Scan) -> Evaluator {
        let clients = &self.ports.evaluator.clients;
        let ports = EvaluatorPorts {
            clients: Arc::new(clients.gently(scan.ask.budget_percent)),
            ..self.ports.evaluator.clone()
        };
        let options = EvaluatorOptions {
            contents_at_once_max: self.options.side_by_side_max,
            second_looks_max: page::LOOKS_MAX,
            ..self.ports.live.options.clone()
        };
        Evaluator::new(ports, options)
    }
}

fn closed(error: GateError) -> Result<Stop, StoreError> {
    match error {
        GateError::Closed(_) => Ok(Stop::Held("the connection is disabled".into())),
        GateError::Store(error) => Err(error),
    }
}

/// The id of the scan that follows on this one: always the same.
fn after(job: &Job) -> JobId {
    let chance = job.id.to_string().bytes().fold(0u128, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u128::from(byte))
    });
    JobId::new(job.created_at, chance)
}

fn is_of_labels(job: &Job) -> bool {
    matches!(&job.work, JobWork::Scan(scan) if scan.labels_of.is_some())
}

/// One connection is worked at by one process at a time.
fn resource(job: &Job) -> String {
    let subject = job.work.subject().unwrap_or_default();
    format!("scan/{subject}")
}

/// INVARIANT: only jobs of the kind come here.
fn scan_of(job: &mut Job) -> &mut Scan {
    match &mut job.work {
        JobWork::Scan(scan) => scan,
        JobWork::Replay(_) => unreachable!("open jobs were asked for by kind"),
    }
}
