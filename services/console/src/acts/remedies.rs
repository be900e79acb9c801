//! What a person can do to a remedy: retry it, approve it, have it undone. Each is refused with a reason
//! when the remedy is in another state.

use event_model::{
    Incident, Particulars, Remedy, RemedyId, RemedyKind, RemedyState, Role, TimelineEntry,
    TimelineKind,
};
use ports::QuarantineFilter;

use crate::Console;
use crate::auth::Actor;
use crate::problem::Problem;

impl Console {
    /// The remedy.
    pub(crate) async fn remedy(&self, id: RemedyId) -> Result<Remedy, Problem> {
        let found = self.ports.remedies.remedy(id).await?;
        found.ok_or_else(|| Problem::not_found("remedy", id))
    }

    /// Makes a remedy due again that failed or was given up.
    pub(crate) async fn retry(&self, by: &Actor, id: RemedyId) -> Result<Remedy, Problem> {
        let remedy = self.remedy(id).await?;
        if !matches!(remedy.state, RemedyState::Failed | RemedyState::GivenUp) {
            let detail = format!("a remedy that is `{}` cannot be retried", remedy.state);
            return Err(Problem::conflict(detail));
        }
        let entry = self.said(format!("{} retried {}", by.name(), remedy.kind));
        let now = self.ports.clock.now();
        let remedy = self.ports.remedies.retry_remedy(id, &entry, now).await?;
        self.decided(by, "remedy.retried", remedy).await
    }

    /// Takes a person's approval of a remedy that waits for it.
    pub(crate) async fn approve(&self, by: &Actor, id: RemedyId) -> Result<Remedy, Problem> {
        let mut remedy = self.remedy(id).await?;
        let kind = remedy.kind;
        let now = self.ports.clock.now();
        // What would be refused is said in words; the store decides.
        remedy.approve(by.name(), now).map_err(Problem::conflict)?;
        self.is_another_person(by, &remedy).await?;
        let entry = self.said(format!("{} approved {kind}", by.name()));
        let remedies = &self.ports.remedies;
        let remedy = remedies.approve_remedy(id, by.name(), &entry, now).await?;
        self.decided(by, "remedy.approved", remedy).await
    }

    /// Refuses an approval that may be of who asked, with the administrator's token beside an account: the
    /// token is nobody's in particular, and every administrator may hold it.
    async fn is_another_person(&self, by: &Actor, remedy: &Remedy) -> Result<(), Problem> {
        let is_token = |name: &str| name == Actor::machine().name();
        if is_token(by.name()) && self.has_administrator_but(None).await? {
            let detail = "the administrator's token approves nothing once administrators have accounts: \
                          approve with an account";
            return Err(Problem::conflict(detail));
        }
        let asked_by_token = remedy.requested_by.as_deref().is_some_and(is_token);
        if asked_by_token && by.roles.contains(&Role::Administrator) && !is_token(by.name()) {
            let detail = "this was asked for with the administrator's token, which an administrator may hold: \
                          somebody who is no administrator approves it";
            return Err(Problem::conflict(detail));
        }
        Ok(())
    }

    /// Takes back a remedy that was not begun.
    pub(crate) async fn cancel(&self, by: &Actor, id: RemedyId) -> Result<Remedy, Problem> {
        let remedy = self.remedy(id).await?;
        if remedy.state.step(RemedyState::Cancelled).is_err() {
            let detail = format!("a remedy that is `{}` cannot be cancelled", remedy.state);
            return Err(Problem::conflict(detail));
        }
        let entry = self.said(format!("{} cancelled {}", by.name(), remedy.kind));
        let now = self.ports.clock.now();
        let remedy = self.ports.remedies.cancel_remedy(id, &entry, now).await?;
        self.decided(by, "remedy.cancelled", remedy).await
    }

    async fn decided(&self, by: &Actor, action: &str, remedy: Remedy) -> Result<Remedy, Problem> {
        let detail = format!("{} of {}", remedy.kind, remedy.incident_id);
        self.record(by, action, remedy.id, detail).await?;
        Ok(remedy)
    }

    /// Plans the undoing of a remedy. What was quarantined is restored by its item.
    pub(crate) async fn undo(&self, by: &Actor, id: RemedyId) -> Result<Remedy, Problem> {
        let remedy = self.remedy(id).await?;
        may_be_undone(&remedy).map_err(Problem::conflict)?;
        if let Some(item) = self.quarantine_item_of(&remedy).await? {
            return self.restore(by, item).await;
        }
        if remedy.kind.sets_aside() {
            return Err(Problem::conflict(
                "the quarantine of this remedy holds nothing",
            ));
        }
        let incident = self.incident(remedy.incident_id).await?;
        if self.is_irreversible(&incident, remedy.kind).await? {
            let detail = format!("the service cannot undo a `{}`", remedy.kind);
            return Err(Problem::conflict(detail));
        }
        let undo = self.follow_up(by, &incident, &remedy, RemedyKind::Restore);
        let entry = self.said(format!("{} asked to undo {}", by.name(), remedy.kind));
        self.ports.remedies.plan_undo(&undo, &entry).await?;
        let detail = format!("{} of {}", remedy.kind, remedy.incident_id);
        self.record(by, "remedy.undo_planned", id, detail).await?;
        Ok(undo)
    }

    async fn quarantine_item_of(
        &self,
        remedy: &Remedy,
    ) -> Result<Option<event_model::QuarantineId>, Problem> {
        let filter = QuarantineFilter {
            incident: Some(remedy.incident_id),
            ..QuarantineFilter::default()
        };
        let all = event_model::PageRequest::first(event_model::PAGE_ITEMS_MAX);
        let page = self.ports.quarantine.quarantine_page(&filter, &all).await?;
        let item = page
            .items
            .into_iter()
            .find(|item| item.remedy_id == remedy.id);
        Ok(item.map(|item| item.id))
    }

    /// A remedy that undoes or completes another, last of its incident.
    pub(crate) fn follow_up(
        &self,
        by: &Actor,
        incident: &Incident,
        of: &Remedy,
        kind: RemedyKind,
    ) -> Remedy {
        Remedy {
            of: Some(of.id),
            ..self.asked_for(by, incident, kind)
        }
    }

    /// A remedy that a person asks for, last of its incident.
    pub(crate) fn asked_for(&self, by: &Actor, incident: &Incident, kind: RemedyKind) -> Remedy {
        let now = self.ports.clock.now();
        let last = incident.remedies.iter().map(|remedy| remedy.ordinal).max();
        Remedy {
            id: RemedyId::new(now, self.ports.entropy.draw()),
            incident_id: incident.id,
            connection_id: incident.connection_id,
            kind,
            ordinal: last.map_or(0, |last| last + 1),
            to: Vec::new(),
            particulars: Particulars::default(),
            of: None,
            state: RemedyState::Planned,
            requested_by: Some(by.name().to_owned()),
            approvals_needed: 0,
            approvals: Vec::new(),
            limit: None,
            because: None,
            snapshot: None,
            vaulted: None,
            restoration: None,
            attempts: 0,
            last_error: None,
            next_attempt_at: now,
            created_at: now,
            updated_at: now,
            done_at: None,
        }
    }

    /// An entry of the timeline for what a person did now.
    pub(crate) fn said(&self, text: String) -> TimelineEntry {
        TimelineEntry {
            at: self.ports.clock.now(),
            kind: TimelineKind::Person,
            text,
        }
    }
}

/// Whether the remedy has something to undo; if not, why.
pub(crate) fn may_be_undone(remedy: &Remedy) -> Result<(), String> {
    use RemedyKind::{Notify, Purge, Restore};
    if matches!(remedy.kind, Notify | Purge | Restore) {
        return Err(format!("a `{}` cannot be undone", remedy.kind));
    }
    if remedy.state != RemedyState::Done {
        return Err(format!(
            "a remedy that is `{}` cannot be undone",
            remedy.state
        ));
    }
    if remedy.snapshot.is_none() {
        return Err("nothing was noted down that could be restored".to_owned());
    }
    Ok(())
}
