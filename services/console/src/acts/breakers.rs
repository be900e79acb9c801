//! What stands still because a policy did as much as it may: a person continues or cancels it.

use event_model::{ConnectionId, PolicyId, Remedy, RemedyId};
use ports::{Breaker, BreakerRuling};

use crate::Console;
use crate::auth::Actor;
use crate::problem::Problem;

/// Most rounds of one ruling; each is about 1,000 remedies.
const ROUNDS_MAX: usize = 100;

impl Console {
    /// The breakers behind which something stands still.
    pub(crate) async fn breakers(&self) -> Result<Vec<Breaker>, Problem> {
        Ok(self.ports.remedies.breakers().await?)
    }

    /// Rules on the breaker behind which that remedy stands still.
    pub(crate) async fn rule_on_held(
        &self,
        by: &Actor,
        id: RemedyId,
        ruling: BreakerRuling,
    ) -> Result<Remedy, Problem> {
        let remedy = self.remedy(id).await?;
        let incident = self.incident(remedy.incident_id).await?;
        self.rule_on_breaker(by, incident.policy.id, remedy.connection_id, ruling)
            .await?;
        self.remedy(id).await
    }

    /// Does or drops what stands still. Gives how many remedies that were.
    pub(crate) async fn rule_on_breaker(
        &self,
        by: &Actor,
        policy: PolicyId,
        connection: ConnectionId,
        ruling: BreakerRuling,
    ) -> Result<u64, Problem> {
        let word = match ruling {
            BreakerRuling::Continue => "continued",
            BreakerRuling::Cancel => "cancelled",
        };
        let entry = self.said(format!("{} {word} what stood still", by.name()));
        let mut all = 0;
        for _ in 0..ROUNDS_MAX {
            let now = self.ports.clock.now();
            let remedies = &self.ports.remedies;
            let ruled = remedies.rule_on_breaker(policy, connection, ruling, &entry, now);
            match ruled.await? {
                0 => break,
                some => all += some,
            }
        }
        if all == 0 {
            return Err(Problem::conflict("nothing stands still there"));
        }
        let detail = format!("{all} remedies on {connection}");
        self.record(by, &format!("breaker.{word}"), policy, detail)
            .await?;
        Ok(all)
    }
}
