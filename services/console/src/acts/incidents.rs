use event_model::{Incident, IncidentId, IncidentStatus};
use ports::{StatusChange, StoreError};

use crate::Console;
use crate::auth::Actor;
use crate::problem::{Mistake, Problem};

/// Longest comment on an incident, in bytes.
pub(crate) const COMMENT_BYTES_MAX: usize = 4 * 1024;

/// How often a status is set anew when remedies changed the incident meanwhile.
const ATTEMPTS_MAX: usize = 5;

/// A person's word on an incident.
pub(crate) struct Ruling {
    pub(crate) status: IncidentStatus,
    pub(crate) comment: Option<String>,
    /// Only if the incident still has this revision.
    pub(crate) revision: Option<u64>,
}

impl Console {
    /// The incident.
    pub(crate) async fn incident(&self, id: IncidentId) -> Result<Incident, Problem> {
        let found = self.ports.incidents.incident(id).await?;
        found.ok_or_else(|| Problem::not_found("incident", id))
    }

    /// Sets an incident's status. Without a revision, a change made meanwhile is read and tried again.
    pub(crate) async fn rule(
        &self,
        by: &Actor,
        id: IncidentId,
        ruling: Ruling,
    ) -> Result<Incident, Problem> {
        let comment = ruling.comment.as_deref().unwrap_or_default();
        if comment.len() > COMMENT_BYTES_MAX {
            let message = format!("is longer than {COMMENT_BYTES_MAX} bytes");
            return Err(Problem::bad_request(vec![Mistake::new(
                "/comment", message,
            )]));
        }
        for _ in 0..ATTEMPTS_MAX {
            if let Some(incident) = self.try_rule(by, id, &ruling).await? {
                let detail = format!("{} is now {}", incident.number, incident.status);
                self.record(by, "incident.status_set", id, detail).await?;
                return Ok(incident);
            }
        }
        Err(Problem::precondition("incident"))
    }

    async fn try_rule(
        &self,
        by: &Actor,
        id: IncidentId,
        ruling: &Ruling,
    ) -> Result<Option<Incident>, Problem> {
        let incident = self.incident(id).await?;
        if ruling
            .revision
            .is_some_and(|revision| revision != incident.revision)
        {
            return Err(Problem::precondition("incident"));
        }
        let change = StatusChange {
            status: incident.status.set(ruling.status)?,
            by: by.name().to_owned(),
            comment: ruling.comment.clone(),
            at: self.ports.clock.now(),
        };
        let incidents = &self.ports.incidents;
        match incidents
            .set_incident_status(id, incident.revision, &change)
            .await
        {
            Ok(incident) => Ok(Some(incident)),
            Err(StoreError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
