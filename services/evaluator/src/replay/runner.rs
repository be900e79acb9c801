//! Works at the trials that were asked for, one after the other, whatever number of processes could.

use std::sync::Arc;
use std::time::Duration;

use event_model::{Job, JobKind, JobState, JobWork};
use ports::{ActivityStore, Clock, IncidentStore, JobStore, Lease, LeaseStore, StoreError};
use tokio::sync::watch;

use super::Replayer;

/// Named bounds of trials.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// A trial is saved at least so often while it goes on.
    pub saved_every: Duration,
    /// How long nobody else works at trials after who does was last heard of.
    pub lease: Duration,
    /// How often trials are looked for that no signal told of.
    pub looked_for_every: Duration,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        ReplayOptions {
            saved_every: Duration::from_millis(500),
            lease: Duration::from_secs(20),
            looked_for_every: Duration::from_secs(5),
        }
    }
}

/// What trials need of the world. None of it can act, and only the jobs can be written.
pub struct ReplayPorts {
    /// The trials.
    pub jobs: Arc<dyn JobStore>,
    /// Who works at them.
    pub leases: Arc<dyn LeaseStore>,
    /// What they are tried on.
    pub activities: Arc<dyn ActivityStore>,
    /// What they are compared with.
    pub incidents: Arc<dyn IncidentStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Works at trials of policies.
pub struct Replays {
    ports: ReplayPorts,
    options: ReplayOptions,
    holder: String,
}

/// The resource that who works at trials must hold.
const RESOURCE: &str = "replay";

impl Replays {
    /// Over its ports; `holder` is this process's name.
    pub fn new(ports: ReplayPorts, options: ReplayOptions, holder: String) -> Self {
        Replays {
            ports,
            options,
            holder,
        }
    }

    /// Works until told to stop. What is interrupted is taken up again.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut changes = self.ports.jobs.job_changes();
        while !*stop.borrow() {
            let worked = tokio::select! {
                worked = self.step() => worked,
                _ = stop.changed() => return,
            };
            match worked {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a trial of a policy was interrupted, it goes on"
                ),
            }
            tokio::select! {
                _ = tokio::time::timeout(self.options.looked_for_every, changes.changed()) => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// Works at the oldest trial, to its end, unless somebody else works at trials. Whether there was one.
    pub async fn step(&self) -> Result<bool, StoreError> {
        let (jobs, leases) = (&self.ports.jobs, &self.ports.leases);
        let (now, ttl) = (self.ports.clock.now(), self.options.lease);
        let open = jobs.open_jobs(JobKind::Replay, now, 1).await?;
        let Some(job) = open.into_iter().next() else {
            return Ok(false);
        };
        let lease = leases.acquire_lease(RESOURCE, &self.holder, ttl, now);
        let Some(lease) = lease.await? else {
            return Ok(false);
        };
        let worked = self.work(job, &lease).await;
        leases.release_lease(&lease).await?;
        match worked {
            // Somebody canceled it, or took it over: it is read again.
            Err(StoreError::Conflict { .. } | StoreError::Fenced { .. }) => Ok(true),
            worked => worked.map(|()| true),
        }
    }

    async fn work(&self, mut job: Job, lease: &Lease) -> Result<(), StoreError> {
        let JobWork::Replay(replay) = &job.work else {
            return Ok(());
        };
        let (activities, incidents) = (&self.ports.activities, &self.ports.incidents);
        let replayer = Replayer::new(Arc::clone(activities), Arc::clone(incidents), replay);
        let replayer = match replayer {
            Ok(replayer) => replayer,
            Err(mistake) => return self.fail(job, mistake).await,
        };
        job = self.save(job, JobState::Running).await?;
        loop {
            let more = match self.stretch(&replayer, &mut job).await {
                Ok(more) => more,
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => return self.fail(job, error.to_string()).await,
            };
            if !more {
                self.save(job, JobState::Done).await?;
                return Ok(());
            }
            job = self.save(job, JobState::Running).await?;
            let (ttl, now) = (self.options.lease, self.ports.clock.now());
            self.ports.leases.renew_lease(lease, ttl, now).await?;
        }
    }

    /// Pages until it is time to save. Whether there are more.
    async fn stretch(&self, replayer: &Replayer, job: &mut Job) -> Result<bool, StoreError> {
        let JobWork::Replay(replay) = &mut job.work else {
            return Ok(false);
        };
        let began = self.ports.clock.monotonic();
        loop {
            if !replayer.page(replay).await? {
                return Ok(false);
            }
            let took = self.ports.clock.monotonic().saturating_sub(began);
            if took >= self.options.saved_every {
                return Ok(true);
            }
        }
    }

    async fn fail(&self, mut job: Job, why: String) -> Result<(), StoreError> {
        job.note = Some(why);
        self.save(job, JobState::Failed).await?;
        Ok(())
    }

    async fn save(&self, mut job: Job, state: JobState) -> Result<Job, StoreError> {
        let stepped = job.step(state, self.ports.clock.now());
        stepped.map_err(|_| StoreError::Conflict {
            what: "job",
            id: job.id.to_string(),
        })?;
        self.ports.jobs.save_job(&job).await
    }
}
