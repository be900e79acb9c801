use async_trait::async_trait;
use event_model::{
    CaseAct, CaseChange, ConnectionId, EventId, Incident, IncidentId, Page, PageRequest, PolicyId,
};
use ports::{CaseError, Changes, IncidentChange, IncidentFilter, IncidentStore, StoreError};

use super::{Within, current, none, seen, sees};

#[async_trait]
impl IncidentStore for Within<dyn IncidentStore> {
    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        Ok(seen(self.0.incident(id).await?, |one| one.connection_id))
    }

    async fn incident_page(
        &self,
        filter: &IncidentFilter,
        request: &PageRequest,
    ) -> Result<Page<Incident>, StoreError> {
        self.0.incident_page(&narrowed(filter), request).await
    }

    async fn incidents_of_events(
        &self,
        events: &[(ConnectionId, EventId)],
        policy: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Incident>, StoreError> {
        let own: Vec<_> = events.iter().filter(|one| sees(one.0)).cloned().collect();
        self.0.incidents_of_events(&own, policy, limit).await
    }

    async fn incident_count(&self, filter: &IncidentFilter, most: u64) -> Result<u64, StoreError> {
        self.0.incident_count(&narrowed(filter), most).await
    }

    async fn work_on_incident(
        &self,
        id: IncidentId,
        revision: Option<u64>,
        change: &CaseChange,
        act: &CaseAct,
    ) -> Result<Incident, CaseError> {
        let there = self.incident(id).await?;
        there.ok_or_else(|| none("incident", id))?;
        self.0.work_on_incident(id, revision, change, act).await
    }

    /// Numbers and ids of all: what they are about is read one by one, and seen or not.
    async fn incident_changes_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<IncidentChange>, StoreError> {
        self.0.incident_changes_after(sequence, limit).await
    }

    async fn last_incident_change(&self) -> Result<u64, StoreError> {
        self.0.last_incident_change().await
    }

    fn incident_changes(&self) -> Changes {
        self.0.incident_changes()
    }
}

/// The filter, within the scope of who asks.
fn narrowed(filter: &IncidentFilter) -> IncidentFilter {
    IncidentFilter {
        within: current().and(&filter.within),
        ..filter.clone()
    }
}
