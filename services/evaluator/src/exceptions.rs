use ports::{EvaluatedBatch, StoreError};

use crate::Evaluator;

impl Evaluator {
    /// Lets be what an exception covers: it is recorded, and nothing is done about it. The exceptions are
    /// read anew for each batch with a violation, so that one that was ended no longer counts.
    pub(crate) async fn let_be(&self, batch: &mut EvaluatedBatch) -> Result<(), StoreError> {
        let new = |one: &ports::EvaluatedActivity| !one.incidents.is_empty();
        if !batch.activities.iter().any(new) {
            return Ok(());
        }
        let now = self.ports.clock.now();
        let exceptions = self.ports.exceptions.exceptions_in_use(now).await?;
        let incidents = batch
            .activities
            .iter_mut()
            .flat_map(|one| &mut one.incidents);
        for new in incidents {
            let incident = &mut new.incident;
            if let Some(covering) = exceptions.iter().find(|one| one.covers(incident)) {
                covering.let_be(incident);
            }
        }
        Ok(())
    }
}
