//! What keeps a remedy from being carried out now: something stronger was done to the same object, or is
//! about to be; or its policy did as much as it may.

use std::time::Duration;

use chrono::TimeDelta;
use event_model::{PAGE_ITEMS_MAX, PageRequest, Remedy, RemedyState};
use ports::{Admitted, ClaimedRemedy, RemedyFilter, RemedyProgress};

use crate::Actions;
use crate::failure::RemedyError;

/// How long a remedy waits at least for one that goes first.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether a remedy is carried out now.
enum Standing {
    GoesOn,
    /// Something else was done to the object.
    LeftOut(String),
    /// That one goes first.
    Waits(Box<Remedy>),
    /// A person must look first.
    StandsStill(String),
}

impl Actions {
    /// Whether the remedy goes on now. If not, its row says why.
    pub(crate) async fn goes_on(&self, claimed: &mut ClaimedRemedy) -> Result<bool, RemedyError> {
        match self.standing(claimed).await? {
            Standing::GoesOn => return Ok(true),
            Standing::LeftOut(because) => {
                self.stop(claimed, RemedyState::Superseded, "was left out", because)
                    .await?;
            }
            Standing::StandsStill(because) => {
                self.stop(claimed, RemedyState::Held, "stands still", because)
                    .await?;
            }
            Standing::Waits(first) => self.wait_for(claimed, &first).await?,
        }
        Ok(false)
    }

    async fn standing(&self, claimed: &ClaimedRemedy) -> Result<Standing, RemedyError> {
        let remedy = &claimed.remedy;
        // What was begun is ended, and what a person asked for is done.
        if remedy.snapshot.is_some() || remedy.requested_by.is_some() {
            return Ok(Standing::GoesOn);
        }
        let others = self.others(claimed).await?;
        let undone: Vec<_> = others.iter().filter_map(|one| one.of).collect();
        let done = others.iter().filter(|one| !undone.contains(&one.id));
        if let Some(because) = done.clone().find_map(|one| remedy.superseded_by(one)) {
            return Ok(Standing::LeftOut(because));
        }
        let first = |one: &&Remedy| remedy.lets_go_first(one) && is_next(one, &others);
        if let Some(first) = others.iter().find(first) {
            return Ok(Standing::Waits(Box::new(first.clone())));
        }
        let Some(limit) = remedy.limit else {
            return Ok(Standing::GoesOn);
        };
        let asked = self.ports.remedies.admit_remedy(
            remedy.id,
            claimed.policy_id,
            remedy.connection_id,
            limit,
            self.ports.clock.now(),
        );
        Ok(match asked.await? {
            Admitted::GoesOn => Standing::GoesOn,
            Admitted::StandsStill => Standing::StandsStill(format!(
                "the policy may do {} actions in {} hours on this connection",
                limit.actions, limit.per_hours
            )),
        })
    }

    /// The other remedies of the same object, newest first; of a remedy about a user, none.
    pub(crate) async fn others(&self, claimed: &ClaimedRemedy) -> Result<Vec<Remedy>, RemedyError> {
        let remedy = &claimed.remedy;
        let object = claimed.activity.object_id.clone();
        let Some(object) = object.filter(|_| remedy.kind.is_about_object()) else {
            return Ok(Vec::new());
        };
        let filter = RemedyFilter {
            connection: Some(remedy.connection_id),
            object: Some(object),
            ..RemedyFilter::default()
        };
        let request = PageRequest::first(PAGE_ITEMS_MAX);
        let page = self.ports.remedies.remedy_page(&filter, &request).await?;
        let others = page.items.into_iter().filter(|one| one.id != remedy.id);
        Ok(others.collect())
    }

    async fn stop(
        &self,
        claimed: &mut ClaimedRemedy,
        to: RemedyState,
        what: &str,
        because: String,
    ) -> Result<(), RemedyError> {
        let text = format!("{what}: {because}");
        tracing::warn!(remedy.id = %claimed.remedy.id, state = to.word(), "a remedy is not carried out");
        claimed.remedy.because = Some(because);
        claimed.remedy.attempts = claimed.remedy.attempts.saturating_sub(1);
        claimed.remedy.step(to, self.ports.clock.now())?;
        let progress = RemedyProgress {
            timeline: Some(self.entry(&claimed.remedy, &text)),
            release: true,
            ..RemedyProgress::default()
        };
        self.save(claimed, &progress).await?;
        self.audit(&claimed.remedy, &text).await;
        Ok(())
    }

    async fn wait_for(
        &self,
        claimed: &mut ClaimedRemedy,
        first: &Remedy,
    ) -> Result<(), RemedyError> {
        let soon = self.ports.clock.now() + TimeDelta::from_std(PAUSE).unwrap_or_default();
        let remedy = &mut claimed.remedy;
        remedy.because = Some(format!("{} ({}) goes first", first.kind, first.id));
        remedy.attempts = remedy.attempts.saturating_sub(1);
        remedy.next_attempt_at = soon.max(first.next_attempt_at);
        let progress = RemedyProgress {
            release: true,
            ..RemedyProgress::default()
        };
        self.save(claimed, &progress).await
    }
}

/// Whether no earlier remedy of its incident is still to be done: otherwise the two could wait for each
/// other.
fn is_next(one: &Remedy, others: &[Remedy]) -> bool {
    let before = |other: &&Remedy| {
        other.incident_id == one.incident_id
            && other.ordinal < one.ordinal
            && !other.state.is_final()
    };
    !others.iter().any(|other| before(&other))
}
