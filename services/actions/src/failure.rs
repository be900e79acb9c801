//! What becomes of a remedy that failed: tried again later, or given up with what to do next.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use connector::{CallError, Disposition};
use event_model::{IllegalTransition, RemedyState};
use ports::{ClaimedRemedy, MailError, RemedyProgress, StoreError};
use thiserror::Error;
use vault::VaultError;

use crate::{Actions, quarantine};

/// First pause after a failure; doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// A snapshot that no longer fits is taken anew at most so often.
const STALE_SNAPSHOTS_MAX: u32 = 5;

/// Why a remedy was not carried out now.
#[derive(Debug, Error)]
pub(crate) enum RemedyError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("what came is not what the service says it has: {0}")]
    Differs(String),
    #[error("the connection is not enabled")]
    NotEnabled,
    #[error("the service took the calls, but does not show their effect")]
    NotInEffect,
    #[error("there is no snapshot to go back to")]
    NothingToUndo,
    #[error("the notification has nobody to go to")]
    NobodyToTell,
    #[error("no label is named")]
    NoLabel,
    #[error("{0}")]
    Label(String),
}

/// What to do about a failure.
enum Next {
    TryAgain(Duration),
    /// The object changed since the snapshot: look at it anew.
    SnapshotAnew,
    GiveUp(&'static str),
}

impl Actions {
    /// Notes the failure in the remedy's row. Gives the word that counts it.
    pub(crate) async fn failed(
        &self,
        claimed: &mut ClaimedRemedy,
        error: &RemedyError,
    ) -> &'static str {
        let id = claimed.remedy.connection_id;
        if let RemedyError::Call(CallError::GrantDead { reason }) = error
            && let Err(error) = self.ports.clients.grant_died(id, reason).await
        {
            tracing::error!(connection.id = %id, error = %error, "a dead grant could not be noted");
        }
        let now = self.ports.clock.now();
        let (state, pause, advice) = match self.next(claimed, error) {
            Next::TryAgain(pause) => (RemedyState::Failed, pause, ""),
            Next::SnapshotAnew => {
                // What the vault has stands in the snapshot: it was taken anew already.
                if claimed.remedy.vaulted.is_none() {
                    claimed.remedy.snapshot = None;
                }
                (RemedyState::Failed, Duration::ZERO, "")
            }
            Next::GiveUp(advice) => (RemedyState::GivenUp, Duration::ZERO, advice),
        };
        claimed.remedy.last_error = Some(format!("{error}{advice}"));
        claimed.remedy.next_attempt_at = now + TimeDelta::from_std(pause).unwrap_or_default();
        let given_up = state == RemedyState::GivenUp;
        if claimed.remedy.step(state, now).is_err() {
            return "failed";
        }
        let text = format!("failed: {error}{advice}");
        let timeline = given_up.then(|| self.entry(&claimed.remedy, &text));
        let progress = RemedyProgress {
            timeline,
            quarantine: given_up
                .then(|| quarantine::held_on(claimed, now))
                .flatten(),
            release: true,
        };
        if given_up {
            tracing::error!(remedy.id = %claimed.remedy.id, error = %error, "a remedy was given up");
        } else {
            tracing::warn!(remedy.id = %claimed.remedy.id, error = %error, "a remedy will be tried again");
        }
        if let Err(error) = self.save(claimed, &progress).await {
            tracing::error!(remedy.id = %claimed.remedy.id, error = %error, "a failed remedy could not be noted");
        }
        if given_up { "given_up" } else { "failed" }
    }

    fn next(&self, claimed: &ClaimedRemedy, error: &RemedyError) -> Next {
        let attempts = claimed.remedy.attempts;
        let pause = (PAUSE_FIRST * 2u32.saturating_pow(attempts.saturating_sub(1).min(16)))
            .min(self.options.pause_max);
        let worn_out = attempts >= self.options.attempts_max;
        match error {
            RemedyError::Call(CallError::VersionMismatch) if attempts <= STALE_SNAPSHOTS_MAX => {
                Next::SnapshotAnew
            }
            RemedyError::Call(CallError::GrantDead { .. }) | RemedyError::NotEnabled => {
                // It waits for the connection to be enabled again: such remedies are not claimed.
                Next::TryAgain(PAUSE_FIRST)
            }
            RemedyError::Call(error) => match error.disposition() {
                Disposition::Retry(_) if worn_out => {
                    Next::GiveUp(": retry it when the service is well")
                }
                Disposition::Retry(after) => Next::TryAgain(pause.max(after)),
                Disposition::AskAdmin => {
                    Next::GiveUp(": check what the grant may do, then retry it")
                }
                Disposition::GiveUp => Next::GiveUp(""),
            },
            RemedyError::Mail(MailError::Later(_)) if !worn_out => Next::TryAgain(pause),
            RemedyError::Mail(_) => Next::GiveUp(": mend the mail settings, then retry it"),
            RemedyError::Store(_) => Next::TryAgain(pause),
            RemedyError::NotInEffect if !worn_out => Next::TryAgain(pause),
            RemedyError::Differs(_) if attempts <= STALE_SNAPSHOTS_MAX => Next::TryAgain(pause),
            RemedyError::Vault(error) if may_pass(error) && !worn_out => Next::TryAgain(pause),
            RemedyError::Vault(error) if may_pass(error) => {
                Next::GiveUp(": mend the vault, then retry it")
            }
            RemedyError::NotInEffect
            | RemedyError::Vault(_)
            | RemedyError::Differs(_)
            | RemedyError::Illegal(_)
            | RemedyError::NothingToUndo
            | RemedyError::NobodyToTell
            | RemedyError::NoLabel
            | RemedyError::Label(_) => Next::GiveUp(""),
        }
    }
}

/// Whether the vault may do it another time.
pub(crate) fn may_pass(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::Storage(_)
            | VaultError::Store(_)
            | VaultError::Key { .. }
            | VaultError::Keys(_)
            | VaultError::PutElsewhere(_)
            | VaultError::PutFailed(_)
            | VaultError::GivenUp(_)
    )
}

/// Seconds since the activity was planned to be remedied.
pub(crate) fn age(claimed: &ClaimedRemedy, now: DateTime<Utc>) -> f64 {
    let since = claimed.received_at.unwrap_or(claimed.remedy.created_at);
    (now - since).num_microseconds().unwrap_or(0) as f64 / 1e6
}
