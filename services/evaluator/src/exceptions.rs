use ports::{EvaluatedActivity, StoreError};

use crate::Evaluator;

impl Evaluator {
    /// Lets be what an exception covers: it is recorded, and nothing is done about it. The exceptions are
    /// read anew for each batch with a violation, so that one that was ended no longer counts.
    pub(crate) async fn let_be<'a>(
        &self,
        activities: impl Iterator<Item = &'a mut EvaluatedActivity>,
    ) -> Result<(), StoreError> {
        let violating = activities.filter(|one| !one.incidents.is_empty());
        let violating: Vec<&mut EvaluatedActivity> = violating.collect();
        if violating.is_empty() {
            return Ok(());
        }
        let now = self.ports.clock.now();
        let exceptions = self.ports.exceptions.exceptions_in_use(now).await?;
        for new in violating.into_iter().flat_map(|one| &mut one.incidents) {
            let incident = &mut new.incident;
            if let Some(covering) = exceptions.iter().find(|one| one.covers(incident)) {
                covering.let_be(incident);
            }
        }
        Ok(())
    }
}
