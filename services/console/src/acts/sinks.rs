//! Where incidents are handed on to: looked at, and tried with a test message.

use event_model::{SinkItem, SinkTrial};

use crate::Console;
use crate::auth::Actor;
use crate::problem::Problem;

impl Console {
    /// Every sink with how far it has come.
    pub(crate) async fn sinks(&self) -> Result<Vec<SinkItem>, Problem> {
        Ok(self.ports.sinks.sinks().await?)
    }

    /// Sends a test message to a sink, for real.
    pub(crate) async fn try_sink(&self, by: &Actor, name: &str) -> Result<SinkTrial, Problem> {
        let Some(trial) = self.ports.sinks.try_sink(name).await else {
            let shown: String = name.chars().take(60).collect();
            let detail = format!("there is no sink `{shown}`");
            return Err(Problem::new(axum::http::StatusCode::NOT_FOUND, detail));
        };
        let detail = match &trial.error {
            None => format!("the receiver took {} in {} ms", trial.id, trial.took_ms),
            Some(error) => format!("the receiver did not take {}: {error}", trial.id),
        };
        self.record(by, "sink.tried", &trial.name, detail).await?;
        Ok(trial)
    }
}
