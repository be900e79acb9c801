//! Proves what a connection reaches, question by question, each with what to do when it fails.

use std::borrow::Cow;

use event_model::HealthCheck;

use crate::call::CallError;
use crate::client::ServiceClient;
use crate::client::run::Run;
use crate::manifest::action::Check;
use crate::scope::scalar;

impl ServiceClient {
    /// Asks every question of the manifest.
    pub async fn health(&self) -> Vec<HealthCheck> {
        let mut checks = Vec::with_capacity(self.connector().checks.len());
        for check in &self.connector().checks {
            checks.push(self.check(check).await);
        }
        checks
    }

    async fn check(&self, check: &Check) -> HealthCheck {
        let (ok, detail) = match Run::new(self).all(&check.steps).await {
            Ok(true) => (true, check.proves.clone()),
            Ok(false) => (
                false,
                format!("the answer is not as expected. {}", check.fix),
            ),
            Err(CallError::NotSupported { what }) => match &check.nothing {
                Some(nothing) => (true, nothing.clone()),
                None => (false, format!("{what}. {}", check.fix)),
            },
            Err(error) => (false, format!("{error}. {}", check.fix)),
        };
        HealthCheck {
            name: check.name.clone(),
            ok,
            detail,
        }
    }

    /// The service's own id of the tenant that the grant belongs to; none when the manifest does
    /// not say how to ask.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn tenant_id(&self) -> Result<Option<String>, CallError> {
        let Some(step) = &self.connector().tenant else {
            return Ok(None);
        };
        let mut run = Run::new(self);
        run.must(std::slice::from_ref(step)).await?;
        Ok(run.kept.get("id").and_then(scalar).map(Cow::into_owned))
    }
}
