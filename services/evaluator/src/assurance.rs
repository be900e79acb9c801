//! Events that are not sure: deliveries that are proved by a secret which is sent along.
//!
//! Whoever learns such a secret can forge a delivery. Its incident is shown at once, and what can be
//! undone is done; what cannot be undone waits for approval, until the same event comes by pull, from
//! the service itself, or a person approves.

use std::collections::HashMap;

use event_model::{
    ActivityRecord, Assurance, Incident, PageRequest, Remedy, RemedyKind, RemedyState,
    TimelineEntry, TimelineKind,
};
use ports::{IncidentFilter, StoreError};

use crate::Evaluator;
use crate::batch::Look;

/// Most incidents of one event that are looked at.
const INCIDENTS_MAX: u32 = 200;

impl Evaluator {
    /// Whether this remedy, once carried out in the activity's service, cannot be undone.
    pub(crate) fn is_irreversible(&self, record: &ActivityRecord, kind: RemedyKind) -> bool {
        let connector = self.ports.clients.catalogue().get(&record.service);
        let can_undo = connector.is_some_and(|connector| connector.can_undo(kind));
        kind.acts_in_service() && !can_undo
    }

    /// What waited for the service's own word goes on, when the service itself now says the same of an
    /// event that is recorded already.
    pub(crate) async fn confirm_recorded(
        &self,
        looks: &[Look],
        known: &[bool],
    ) -> Result<(), StoreError> {
        let again = looks.iter().zip(known).filter(|(_, known)| **known);
        for (look, _) in again {
            let record = &look.record;
            if record.assurance == Assurance::Signed && self.delivers_unsure(record) {
                self.confirm(record).await?;
            }
        }
        Ok(())
    }

    fn delivers_unsure(&self, record: &ActivityRecord) -> bool {
        let connector = self.ports.clients.catalogue().get(&record.service);
        connector.is_some_and(|connector| connector.delivers_unsure())
    }

    async fn confirm(&self, record: &ActivityRecord) -> Result<(), StoreError> {
        let filter = IncidentFilter {
            connection: Some(record.connection_id),
            event_id: Some(record.activity.event_id.to_string()),
            ..IncidentFilter::default()
        };
        let request = PageRequest::first(INCIDENTS_MAX);
        let found = self
            .ports
            .incidents
            .incident_page(&filter, &request)
            .await?;
        for incident in found.items {
            if says_the_same(&incident, record) {
                self.release(&incident).await?;
            }
        }
        Ok(())
    }

    async fn release(&self, incident: &Incident) -> Result<(), StoreError> {
        // What a policy wants approved waits for a person, however sure the event is.
        let waits = |remedy: &&Remedy| {
            remedy.state == RemedyState::NeedsApproval && remedy.approvals_needed == 0
        };
        for remedy in incident.remedies.iter().filter(waits) {
            let at = self.ports.clock.now();
            let kind = remedy.kind.word().replace('_', " ");
            let entry = TimelineEntry {
                at,
                kind: TimelineKind::Remedy,
                text: format!("{kind} goes on: the service confirms the event"),
            };
            match self
                .ports
                .remedies
                .retry_remedy(remedy.id, &entry, at)
                .await
            {
                // A person was faster.
                Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => {}
                released => drop(released?),
            }
        }
        Ok(())
    }
}

/// Whether the service's own word is about the same object and the same kind of activity. Who forged a
/// delivery may have taken the id of an event that there really was.
fn says_the_same(incident: &Incident, record: &ActivityRecord) -> bool {
    let (told, sure) = (&incident.activity, &record.activity);
    told.event_type == sure.event_type
        && told.object_id == sure.object_id
        && told.actor_id == sure.actor_id
}

/// Of the same event twice in a batch, the service's own word stands in the place of the first.
pub(crate) fn surest(mut looks: Vec<Look>) -> Vec<Look> {
    let mut first = HashMap::new();
    for place in 0..looks.len() {
        let record = &looks[place].record;
        let key = (record.connection_id, record.activity.event_id.clone());
        let before = *first.entry(key).or_insert(place);
        let is_surer = |a: &Look, b: &Look| {
            a.record.assurance == Assurance::Signed && b.record.assurance == Assurance::Low
        };
        if is_surer(&looks[place], &looks[before]) {
            looks.swap(place, before);
        }
    }
    looks
}
