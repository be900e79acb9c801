use ports::{EvaluatedActivity, StoreError};

use crate::Evaluator;

impl Evaluator {
    /// Lets be what an exception covers: it is recorded, and nothing is done about it. The exceptions are
    /// read anew for each batch with a violation, so that one that was ended no longer counts.
    pub(crate) async fn let_be(
        &self,
        mut activities: Vec<&mut EvaluatedActivity>,
    ) -> Result<(), StoreError> {
        activities.retain(|one| !one.incidents.is_empty());
        if activities.is_empty() {
            return Ok(());
        }
        let now = self.ports.clock.now();
        let exceptions = self.ports.exceptions.exceptions_in_use(now).await?;
        for new in activities.into_iter().flat_map(|one| &mut one.incidents) {
            let incident = &mut new.incident;
            if let Some(covering) = exceptions.iter().find(|one| one.covers(incident)) {
                covering.let_be(incident);
            }
        }
        Ok(())
    }
}
