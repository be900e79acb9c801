//! toy-cloud: a cloud storage service with a real HTTP face, described in `docs/toy-cloud-api.md`. It knows nothing of Tidegate.
//! Demo, tests and load runs use it as the cloud service. Everything is in memory: a process that ends forgets all. It misbehaves by
//! plan and under a seed, and keeps a ledger of what really happened.

mod act;
mod chance;
mod clock;
mod config;
mod dialects;
mod faults;
mod handle;
mod http;
mod ledger;
mod load;
mod model;
mod oauth;
mod pages;
mod secrets;
mod server;
mod service;
mod webhooks;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use crate::act::{Act, Acted, Verb};
pub use crate::config::{Client, Config};
pub use crate::faults::{
    BadPlan, DELAY_MS_MAX, DeliveryFaults, EMPTY_PAGES_IN_A_ROW_MAX, EventFaults, Fault, Matcher,
    Plan, REORDER_LAG_MS_MIN, RULES_MAX, Rule,
};
pub use crate::handle::{ModelHandle, Refused};
pub use crate::http::{JSON_BYTES_MAX, SESSION_TTL_S, UPLOAD_BYTES_MAX};
pub use crate::ledger::{
    Action, Deed, EffectCount, Entry, LEDGER_ENTRIES_MAX, LEDGER_PAGE_MAX, LedgerPage, Outcome,
    Summary, TokenAction,
};
pub use crate::load::{
    LOAD_EVENTS_KEPT_MAX, LOAD_USERS_MAX, Load, LoadOrder, RATE_PER_S_MAX, SECONDS_MAX, Violation,
};
pub use crate::model::activity::{
    ActedOn, Activity, Actor, ClientUsed, Kind, Share, SharedLink, Target,
};
pub use crate::model::labels::{LABEL_BYTES_MAX, LABELS_MAX, LabelChange, LabelView};
pub use crate::model::links::{LINKS_MAX, Visibility};
pub use crate::model::listing::PAGE_MAX;
pub use crate::model::log::{EVENTS_KEPT_DAYS, EVENTS_KEPT_MAX, EVENTS_PAGE_MAX};
pub use crate::model::objects::{DEPTH_MAX, OBJECTS_MAX, STORED_BYTES_MAX, VERSIONS_MAX};
pub use crate::model::permissions::{PERMISSIONS_MAX, Role};
pub use crate::model::tenants::{USERS_MAX, UserRole};
pub use crate::model::views::{
    FileView, LinkView, OwnerView, PermissionView, PermittedView, VersionView,
};
pub use crate::oauth::{CODE_TTL_S, CODES_MAX, GRANTS_MAX};
pub use crate::server::CONNECTIONS_MAX;
pub use crate::service::UPLOADS_CONCURRENT_MAX;
pub use crate::webhooks::{DELIVERIES_CONCURRENT_MAX, DELIVERIES_PENDING_MAX, WEBHOOKS_MAX};

use crate::clock::Clock;
use crate::faults::Faults;
use crate::ledger::Ledger;
use crate::model::Ground;
use crate::server::{CountedListener, Peer};
use crate::service::Service;

const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A toy-cloud that serves.
#[derive(Debug)]
pub struct ToyCloud {
    address: SocketAddr,
    service: Arc<Service>,
    serving: JoinHandle<()>,
}

/// Why it does not serve.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("failed to listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Webhooks could not be sent.
    #[error("failed to make the HTTP client for webhooks")]
    HttpClient(#[source] reqwest::Error),
}

impl ToyCloud {
    /// Listens and serves until [`Self::shutdown`], or until the runtime ends.
    ///
    /// # Errors
    /// When it cannot listen, or cannot make the client that sends webhooks.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let wanted = config.listen;
        let refused = |source| StartError::Listen {
            address: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let http = webhook_client().map_err(StartError::HttpClient)?;
        let service = Arc::new(Service::new(config.clone(), ground(&config, address), http));
        let router = http::router(Arc::clone(&service));
        let mut stopping = service.stopping();
        let server = axum::serve(
            CountedListener::new(listener),
            router.into_make_service_with_connect_info::<Peer>(),
        )
        .with_graceful_shutdown(async move {
            // An error means that the service is gone, which is a reason to stop as well.
            let _gone = stopping.wait_for(|stop| *stop).await;
        });
        let serving = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "toy-cloud stopped serving");
            }
        });
        Ok(Self {
            address,
            service,
            serving,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Under which others reach it, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.service.ground.base_url.clone()
    }

    /// What `X-Toy-Control` must carry.
    #[must_use]
    pub fn control_token(&self) -> &str {
        &self.service.control_token
    }

    /// The service from inside the process.
    #[must_use]
    pub fn model(&self) -> ModelHandle {
        ModelHandle::new(Arc::clone(&self.service))
    }

    /// Stops accepting, delivering and generating; answers what was asked, for at most 5 seconds.
    pub async fn shutdown(mut self) {
        self.service.stop();
        if tokio::time::timeout(SHUTDOWN_WAIT, &mut self.serving)
            .await
            .is_err()
        {
            self.serving.abort();
        }
    }
}

fn ground(config: &Config, address: SocketAddr) -> Ground {
    let clock = Arc::new(Clock::default());
    let base_url = config
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    Ground {
        base_url: base_url.trim_end_matches('/').to_owned(),
        faults: Arc::new(Faults::new(config.seed, config.access_token_ttl_s)),
        ledger: Arc::new(Ledger::new(Arc::clone(&clock))),
        clock,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a cloud service sends webhooks wherever it is told to"
)]
fn webhook_client() -> Result<reqwest::Client, reqwest::Error> {
    // Process-wide; an error means that another part of the process was first, which is as good.
    let _first = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .build()
}
