use event_model::{QuarantineId, QuarantineItem, Remedy, RemedyKind};

use crate::Console;
use crate::auth::Actor;
use crate::problem::Problem;

impl Console {
    /// The quarantine item.
    pub(crate) async fn held(&self, id: QuarantineId) -> Result<QuarantineItem, Problem> {
        let found = self.ports.quarantine.quarantine_item(id).await?;
        found.ok_or_else(|| Problem::not_found("quarantine item", id))
    }

    /// Plans putting a quarantined object back.
    pub(crate) async fn restore(&self, by: &Actor, id: QuarantineId) -> Result<Remedy, Problem> {
        self.plan(by, id, RemedyKind::Restore, "restore").await
    }

    /// Plans deleting a quarantined object for good.
    pub(crate) async fn purge(&self, by: &Actor, id: QuarantineId) -> Result<Remedy, Problem> {
        self.plan(by, id, RemedyKind::Purge, "delete for good")
            .await
    }

    async fn plan(
        &self,
        by: &Actor,
        id: QuarantineId,
        kind: RemedyKind,
        what: &str,
    ) -> Result<Remedy, Problem> {
        let item = self.held(id).await?;
        if item.state != event_model::QuarantineState::Held {
            let detail = format!("an item that is `{}` is not held any more", item.state);
            return Err(Problem::conflict(detail));
        }
        let incident = self.incident(item.incident_id).await?;
        let of = self.remedy(item.remedy_id).await?;
        if of.vaulted.is_some() {
            match kind {
                RemedyKind::Purge => self.refuse_deleting(by, id).await?,
                _ => self.refuse_restoring(by, id).await?,
            }
        }
        let mut remedy = self.follow_up(by, &incident, &of, kind);
        if kind == RemedyKind::Purge {
            self.guard(&incident, &mut remedy, true).await?;
        }
        let entry = self.said(format!(
            "{} asked to {what} what was quarantined",
            by.name()
        ));
        let remedies = &self.ports.remedies;
        remedies.plan_for_quarantine(id, &remedy, &entry).await?;
        let action = format!("quarantine.{kind}_planned");
        self.record(by, &action, id, format!("for {}", incident.number))
            .await?;
        Ok(remedy)
    }
}
