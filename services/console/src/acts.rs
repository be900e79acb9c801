//! What a person can do, once for the API and the pages: each act checks, changes, and is audited.

use event_model::AuditId;
use ports::NewAudit;

use crate::Console;
use crate::auth::Actor;
use crate::problem::Problem;

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod breakers;
pub(crate) mod detectors;
pub(crate) mod exceptions;
pub(crate) mod incidents;
pub(crate) mod own;
pub(crate) mod policies;
pub(crate) mod quarantine;
pub(crate) mod remedies;
pub(crate) mod replays;
mod requests;
pub(crate) mod scans;
pub(crate) mod sign_in;
pub(crate) mod sign_on;
pub(crate) mod sinks;
pub(crate) mod vaulted;

impl Console {
    /// Writes an act into the audit trail.
    pub(crate) async fn record(
        &self,
        by: &Actor,
        action: &str,
        subject: impl ToString,
        detail: impl Into<String>,
    ) -> Result<(), Problem> {
        self.record_as(&by.signature(), action, subject, detail)
            .await
    }

    /// Writes what happened into the audit trail, where nobody who is known did it.
    pub(crate) async fn record_as(
        &self,
        actor: &str,
        action: &str,
        subject: impl ToString,
        detail: impl Into<String>,
    ) -> Result<(), Problem> {
        let at = self.ports.clock.now();
        let entry = NewAudit {
            id: AuditId::new(at, self.ports.entropy.draw()),
            at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_string(),
            detail: detail.into(),
        };
        Ok(self.ports.audit.audit(&entry).await?)
    }
}
