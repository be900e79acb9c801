//! Work that takes longer than a lease: while it goes on, the lease is prolonged, and the connection is
//! looked at, for it may be disabled meanwhile.

use std::time::Duration;

use futures::future::BoxFuture;
use ports::{ClaimedRemedy, Pass, RemedyProgress};

use crate::Actions;
use crate::failure::RemedyError;

/// How often the connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Actions {
    /// What the work comes to, unless the remedy is claimed by another or the connection disabled: then it
    /// is dropped where it is.
    pub(super) async fn while_leased<T>(
        &self,
        claimed: &mut ClaimedRemedy,
        pass: &Pass,
        mut work: BoxFuture<'_, Result<T, RemedyError>>,
    ) -> Result<T, RemedyError> {
        let looks = (self.options.lease.as_secs() / 2 / LOOK_EVERY.as_secs()).max(1);
        let mut looked = 0;
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(LOOK_EVERY) => looked += 1,
            }
            let id = claimed.remedy.connection_id;
            let connection = self.ports.connections.get(id).await?;
            let is_enabled = connection.is_some_and(|one| one.lifecycle.is_enabled());
            if !is_enabled || !pass.holds() {
                return Err(RemedyError::NotEnabled);
            }
            if looked % looks == 0 {
                self.save(claimed, &RemedyProgress::default()).await?;
            }
        }
    }
}
