//! The sinks as an administrator sees them: how far each has come, and a test message to one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_model::{SinkItem, SinkTrial};
use ports::{SinkDesk, SinkStandings, StoreError};

use crate::destination;
use crate::{DeliveryError, Reach, SinkSettings, Told};

/// Longest that a test message may take.
const TRIAL_MAX: Duration = Duration::from_secs(30);

/// The sinks of a file, and where what they note stands.
pub struct Desk {
    sinks: Vec<SinkSettings>,
    standings: Arc<dyn SinkStandings>,
    reach: Reach,
}

impl Desk {
    /// The desk over these sinks; none of them is opened before it is tried.
    pub fn new(sinks: Vec<SinkSettings>, standings: Arc<dyn SinkStandings>, reach: Reach) -> Self {
        Desk {
            sinks,
            standings,
            reach,
        }
    }
}

#[async_trait]
impl SinkDesk for Desk {
    async fn sinks(&self) -> Result<Vec<SinkItem>, StoreError> {
        let noted = self.standings.sink_standings().await?;
        let item = |sink: &SinkSettings| SinkItem {
            name: sink.name.clone(),
            kind: sink.kind().to_owned(),
            least_severity: sink.least_severity.word().to_owned(),
            only_new: sink.only_new,
            streams: sink.followed(),
            standings: noted
                .iter()
                .filter(|one| one.sink == sink.name)
                .cloned()
                .collect(),
        };
        Ok(self.sinks.iter().map(item).collect())
    }

    async fn try_sink(&self, name: &str) -> Option<SinkTrial> {
        let sink = self.sinks.iter().find(|one| one.name == name)?;
        let at = self.reach.clock.now();
        let told = Told::test(at);
        let tried = tokio::time::timeout(TRIAL_MAX, hand_over(sink, &self.reach, &told)).await;
        let error = match tried {
            Ok(tried) => tried.err().map(|error| error.to_string()),
            Err(_) => Some(format!("it took longer than {} s", TRIAL_MAX.as_secs())),
        };
        let took = self.reach.clock.now() - at;
        Some(SinkTrial {
            name: sink.name.clone(),
            id: told.id().to_owned(),
            taken: error.is_none(),
            error,
            took_ms: took.num_milliseconds().max(0) as u64,
            at,
        })
    }
}

/// Hands one event to a sink that is made for it, once.
pub(crate) async fn hand_over(
    sink: &SinkSettings,
    reach: &Reach,
    told: &Told,
) -> Result<(), DeliveryError> {
    let made = destination::of(sink, reach);
    let mut destination = made.map_err(|error| DeliveryError::Refused {
        reason: error.to_string(),
    })?;
    destination.deliver(std::slice::from_ref(told)).await.1
}
