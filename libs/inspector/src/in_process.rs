use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use inspect::{DetectorSet, Inspection, Limits, Reason};

use crate::{InspectError, Inspector, blind, over};

/// Inspects within this process, off the reactor: a document that ends the process ends it whole.
#[derive(Debug, Clone)]
pub struct InProcess {
    /// The bounds of one extraction.
    pub limits: Limits,
    /// Longest that one document is waited for.
    pub patience: Duration,
}

impl Default for InProcess {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            patience: Duration::from_secs(30),
        }
    }
}

#[async_trait]
impl Inspector for InProcess {
    async fn inspect(
        &self,
        bytes: Bytes,
        name: Option<String>,
    ) -> Result<Inspection, InspectError> {
        let limits = self.limits.clone();
        let work = tokio::task::spawn_blocking(move || {
            inspect::inspect(&bytes, name.as_deref(), &limits, DetectorSet::built_in())
        });
        Ok(match tokio::time::timeout(self.patience, work).await {
            Ok(Ok(inspection)) => inspection,
            Ok(Err(_)) => blind(Reason::Malformed {
                what: "inspecting the content failed".to_owned(),
            }),
            Err(_) => blind(over("seconds_max")),
        })
    }
}
