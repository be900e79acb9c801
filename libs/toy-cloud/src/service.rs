//! The running service behind HTTP: the model, the OAuth server and the load generator, each behind one short lock, and the tasks
//! that deliver. Locks are never held over an await, and no two of them at once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use url::Url;

use crate::config::Config;
use crate::dialects::console::{Console, Entered};
use crate::ledger::Summary;
use crate::load::Load;
use crate::model::{By, Ground, Model, Refusal};
use crate::oauth::Oauth;
use crate::secrets::random_bytes;
use crate::webhooks::{self, Order, WebhookView};

/// So many request bodies are read at once; further uploads wait.
pub const UPLOADS_CONCURRENT_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) ground: Ground,
    pub(crate) control_token: String,
    pub(crate) session_key: ring::hmac::Key,
    pub(crate) uploads: Semaphore,
    /// Where large files stand.
    pub(crate) large_files: Option<PathBuf>,
    model: Mutex<Model>,
    oauth: Mutex<Oauth>,
    load: Mutex<Load>,
    http: reqwest::Client,
    stop: watch::Sender<bool>,
}

impl Service {
    pub(crate) fn new(config: Config, ground: Ground, http: reqwest::Client) -> Self {
        let session_key = random_bytes::<32>();
        Self {
            control_token: config.control_token,
            session_key: ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &session_key),
            uploads: Semaphore::new(UPLOADS_CONCURRENT_MAX),
            large_files: config.large_files,
            model: Mutex::new(Model::new(ground.clone())),
            oauth: Mutex::new(Oauth::new(ground.clone(), config.clients)),
            load: Mutex::default(),
            http,
            stop: watch::Sender::new(false),
            ground,
        }
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn oauth(&self) -> MutexGuard<'_, Oauth> {
        self.oauth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn summary(&self) -> Summary {
        let active_registrations = self
            .model()
            .tenants()
            .map(|tenant| tenant.webhooks.active())
            .sum();
        Summary {
            active_registrations,
            ..self.ground.ledger.summary()
        }
    }

    /// Asks an address a question in a header; the answer as JSON, if there is one.
    pub(crate) async fn asks(&self, url: &str, header: &str, question: &str) -> Option<Value> {
        webhooks::asking::ask(&self.http, url, header, question).await
    }

    /// Posts these headers and no body; says whether that was taken.
    pub(crate) async fn tells(&self, url: &str, headers: &[(&'static str, &str)]) -> bool {
        webhooks::asking::tell(&self.http, url, headers).await
    }

    /// Enters an address in the console of a service that registers webhooks so, if the address answers as it must.
    pub(crate) async fn enter_webhook(
        &self,
        console: &Console,
        by: &By,
        entered: Entered,
    ) -> Result<(), Refusal> {
        let Entered { url, secret } = entered;
        let url = Url::parse(&url).map_err(|_| Refusal::Invalid("the url is not a url"))?;
        let challenge = hex::encode(random_bytes::<16>());
        let now = self.ground.clock.now();
        let question = (console.question)(&self.http, &url, &secret, &challenge, now);
        if !webhooks::asking::gives_back(question, &challenge).await {
            return Err(Refusal::Invalid("the url did not answer the challenge"));
        }
        let order = Order {
            url: url.into(),
            events: vec!["*".to_owned()],
            description: String::new(),
            style: console.style,
            key: Some(secret.into_bytes()),
        };
        self.register_webhook(by, order).map(drop)
    }

    /// Registers a webhook and, when it is new, starts delivering to it.
    pub(crate) fn register_webhook(
        &self,
        by: &By,
        order: Order,
    ) -> Result<(WebhookView, bool), Refusal> {
        let registered = self.model().register_webhook(by, order)?;
        let fresh = registered.lane.is_some();
        if let Some(lane) = registered.lane {
            let deliverer = webhooks::run(
                Arc::clone(&lane),
                self.ground.clone(),
                self.http.clone(),
                self.stopping(),
            );
            tokio::spawn(deliverer);
        }
        Ok((registered.view, fresh))
    }
}
