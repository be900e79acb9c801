//! The service from inside its process, for tests and the demo: the same verbs, checks and answers as over HTTP.

use std::sync::Arc;
use std::time::Duration;

use crate::act::{Act, Acted};
use crate::dialects::console::Entered;
use crate::faults::{BadPlan, Plan};
use crate::ledger::{LedgerPage, Summary};
use crate::load::{self, Load, LoadOrder};
use crate::model::activity::Activity;
use crate::model::labels::LabelView;
use crate::model::large::Large;
use crate::model::objects::Content;
use crate::model::views::{FileView, LinkView, PermissionView};
use crate::model::{By, Refusal};
use crate::service::Service;

/// The service from inside the process: the verbs of `/control`, and what an administrator sees.
#[derive(Debug, Clone)]
pub struct ModelHandle {
    service: Arc<Service>,
}

/// The service refused; the text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl ModelHandle {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// Acts as a user.
    ///
    /// # Errors
    /// As the user would be refused.
    pub fn act(&self, act: &Act) -> Result<Acted, Refused> {
        Ok(self.service.model().act(act)?)
    }

    /// Replaces the fault plan.
    ///
    /// # Errors
    /// When the plan makes no sense; the one before it stays.
    pub fn set_faults(&self, plan: Plan) -> Result<(), BadPlan> {
        self.service.ground.faults.replace(plan)
    }

    /// The ledger's entries with a number above `since`, at most `limit` and 10,000 of them.
    #[must_use]
    pub fn ledger(&self, since: u64, limit: usize) -> LedgerPage {
        self.service.ground.ledger.page(since, limit)
    }

    /// Counts over everything since the start.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.service.summary()
    }

    /// Begins a load run; call it inside a tokio runtime.
    ///
    /// # Errors
    /// When the order is out of bounds or a run is going on.
    pub fn start_load(&self, order: LoadOrder) -> Result<(), Refused> {
        load::begin(&self.service, order).map_err(|refusal| Refused(refusal.to_string()))
    }

    /// How the load run stands.
    #[must_use]
    pub fn load_progress(&self) -> Load {
        self.service.load().clone()
    }

    /// Where each origin of a dialect is found: `https://host=address` pairs separated by commas; none when it is not spoken here.
    #[must_use]
    pub fn endpoints(&self, dialect: &str) -> Option<String> {
        crate::dialects::endpoints(dialect, &self.service.ground.base_url)
    }

    /// An administrator of the tenant enters a webhook in the console of the dialect's service, which signs with that secret.
    /// Returns when the address has answered the service's challenge.
    ///
    /// # Errors
    /// When the service has no such console, or the address does not answer as it must.
    pub async fn enters_webhook(
        &self,
        dialect: &str,
        tenant_id: &str,
        url: &str,
        secret: &str,
    ) -> Result<(), Refused> {
        let console = crate::dialects::console_of(dialect);
        let console =
            console.ok_or_else(|| Refused("webhooks are not entered there".to_owned()))?;
        let entered = Entered {
            url: url.to_owned(),
            secret: secret.to_owned(),
        };
        let by = administrator(tenant_id);
        Ok(self.service.enter_webhook(console, &by, entered).await?)
    }

    /// All access tokens die, of one tenant or of all; refresh tokens live. Returns how many grants there are.
    #[must_use]
    pub fn expire_tokens(&self, tenant_id: Option<&str>) -> usize {
        self.service.oauth().expire(tenant_id)
    }

    /// Moves the service's clock forward.
    pub fn advance_clock(&self, by: Duration) {
        self.service.ground.clock.advance(by);
    }

    /// Everything that was done in the tenant and is kept, in no promised order, visible in the events API yet or not.
    ///
    /// # Errors
    /// When there is no such tenant.
    pub fn activities(&self, tenant_id: &str) -> Result<Vec<Arc<Activity>>, Refused> {
        Ok(self.service.model().tenant(tenant_id)?.log.everything())
    }

    /// A file or folder as an administrator sees it.
    ///
    /// # Errors
    /// When there is none.
    pub fn file(&self, tenant_id: &str, id: &str) -> Result<FileView, Refused> {
        Ok(self.service.model().file(&administrator(tenant_id), id)?)
    }

    /// A user as an administrator sees him: `suspended`, `sessions_valid_from` and the rest.
    ///
    /// # Errors
    /// When there is none.
    pub fn user(&self, tenant_id: &str, id: &str) -> Result<serde_json::Value, Refused> {
        let model = self.service.model();
        let user = model.user(&administrator(tenant_id), id)?;
        Ok(serde_json::json!(user))
    }

    /// A file of chance, of any length, in a user's home: the same seed makes the same bytes. It stands on disk.
    ///
    /// # Errors
    /// When the service was started without a folder for large files, or it cannot be written there.
    pub fn make_large_file(&self, user: &Act, bytes: u64, seed: u64) -> Result<Acted, Refused> {
        let folder = self.service.large_files.as_deref();
        let folder = folder.ok_or_else(|| Refused("there is no folder for large files".into()))?;
        let large = Large::made(folder, bytes, seed);
        let large = large.map_err(|error| Refused(format!("it cannot be written: {error}")))?;
        let content = Content::large(Arc::new(large), "application/octet-stream");
        Ok(self.service.model().act_with(user, content)?)
    }

    /// A classifying system gives an object these labels and no others.
    ///
    /// # Errors
    /// When there is no such object, or a label has no id or name.
    pub fn classify(
        &self,
        tenant_id: &str,
        id: &str,
        labels: Vec<LabelView>,
    ) -> Result<(), Refused> {
        let by = administrator(tenant_id);
        self.service.model().set_labels(&by, id, labels)?;
        Ok(())
    }

    /// Its permissions.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn permissions(&self, tenant_id: &str, id: &str) -> Result<Vec<PermissionView>, Refused> {
        Ok(self
            .service
            .model()
            .permissions(&administrator(tenant_id), id)?)
    }

    /// Its active links.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn links(&self, tenant_id: &str, id: &str) -> Result<Vec<LinkView>, Refused> {
        Ok(self.service.model().links(&administrator(tenant_id), id)?)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.to_string())
    }
}

fn administrator(tenant_id: &str) -> By {
    By {
        tenant_id: tenant_id.to_owned(),
        user_id: format!("u_{tenant_id}_admin"),
        app_id: None,
        ip: String::new(),
        user_agent: String::new(),
    }
}
