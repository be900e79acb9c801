use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use inspect::{Inspection, Limits, Reason};

use crate::custom::InUse;
use crate::{CustomSet, InspectError, Inspector, blind, over};

/// Inspects within this process, off the reactor: a document that ends the process ends it whole.
#[derive(Debug)]
pub struct InProcess {
    limits: Limits,
    patience: Duration,
    detectors: InUse,
}

impl InProcess {
    /// Within these bounds of one extraction; each document is waited for so long.
    pub fn new(limits: Limits, patience: Duration) -> Self {
        InProcess {
            limits,
            patience,
            detectors: InUse::default(),
        }
    }

    /// From now on every document is looked through with these.
    pub fn use_detectors(&self, custom: Arc<CustomSet>) {
        self.detectors.change(custom);
    }
}

impl Default for InProcess {
    fn default() -> Self {
        InProcess::new(Limits::default(), Duration::from_secs(30))
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
        let (_, custom) = self.detectors.now();
        let work = tokio::task::spawn_blocking(move || {
            inspect::inspect(&bytes, name.as_deref(), &limits, custom.set())
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
