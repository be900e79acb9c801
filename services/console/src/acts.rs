//! What a person can do, once for the API and the pages: each act checks, changes, and is audited.

use event_model::AuditId;
use ports::NewAudit;

use crate::Console;
use crate::auth::Actor;
use crate::problem::Problem;

pub(crate) mod breakers;
pub(crate) mod exceptions;
pub(crate) mod incidents;
pub(crate) mod policies;
pub(crate) mod quarantine;
pub(crate) mod remedies;
pub(crate) mod replays;
mod requests;

impl Console {
    /// Writes an act into the audit trail.
    pub(crate) async fn record(
        &self,
        by: &Actor,
        action: &str,
        subject: impl ToString,
        detail: impl Into<String>,
    ) -> Result<(), Problem> {
        let at = self.ports.clock.now();
        let entry = NewAudit {
            id: AuditId::new(at, self.ports.entropy.draw()),
            at,
            actor: by.0.to_owned(),
            action: action.to_owned(),
            subject: subject.to_string(),
            detail: detail.into(),
        };
        Ok(self.ports.audit.audit(&entry).await?)
    }
}
