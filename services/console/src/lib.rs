//! The `console` role: the REST API under `/api/v1`, its OpenAPI document, incidents as server-sent
//! events, and the server-rendered console.
//!
//! Promises: nothing is answered without a token or a session that may have it, but for the pages that
//! lead to one, the assets and the OAuth callback (whose `state` is the proof); who asks sees what is of
//! their connections and nothing else. Every change is audited. Whatever a
//! cloud service sent is shown as text and nothing else. Every mistake of a request is reported at
//! once, as RFC 9457 problem JSON. Lists, bodies, sessions, streams and exports are bounded by name.
//!
//! [`router`] is all that wiring needs; probes and metrics are the binary's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use decisions::Decider;
use event_model::{Role, Secret};
use ports::{
    AccessStore, AccountStore, ActivityStore, AnswerStore, AuditTrail, Clock,
    ConnectionAdministration, ConnectionStore, DetectorStore, Entropy, ExceptionStore,
    IncidentStore, JobStore, PolicyStore, QuarantineStore, RemedyStore, SessionStore, SignOn,
    SinkDesk, StatsStore, TokenStore, ViewStore,
};
use tokio::sync::{Mutex, Semaphore, watch};

mod acts;
mod api;
mod auth;
mod body;
mod headers;
mod installation;
mod once;
mod openapi;
mod pages;
mod permissions;
mod problem;
mod query;
mod scope;
mod sse;

pub use auth::passwords::PasswordCost;
pub use installation::{LabelSettings, Setting};
pub use openapi::openapi;
pub use permissions::authorisation;

/// What the console reaches of the world.
pub struct ConsolePorts {
    /// Administration of connections: consent, feeds, health.
    pub connections: Arc<dyn ConnectionAdministration>,
    /// The connections, to read.
    pub connection_store: Arc<dyn ConnectionStore>,
    /// The policies.
    pub policies: Arc<dyn PolicyStore>,
    /// The incidents.
    pub incidents: Arc<dyn IncidentStore>,
    /// What is let be.
    pub exceptions: Arc<dyn ExceptionStore>,
    /// The views that people keep.
    pub views: Arc<dyn ViewStore>,
    /// Work in the background.
    pub jobs: Arc<dyn JobStore>,
    /// The recorded activity.
    pub activities: Arc<dyn ActivityStore>,
    /// The remedies.
    pub remedies: Arc<dyn RemedyStore>,
    /// What is held aside.
    pub quarantine: Arc<dyn QuarantineStore>,
    /// Access policies.
    pub access: Arc<dyn AccessStore>,
    /// The vault, where this process reaches it: its content is read as far as access policies go.
    pub vault: Option<vault::Vault>,
    /// The audit trail.
    pub audit: Arc<dyn AuditTrail>,
    /// Detectors of administrators' own.
    pub detectors: Arc<dyn DetectorStore>,
    /// Counts.
    pub stats: Arc<dyn StatsStore>,
    /// The accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// The sessions of browsers.
    pub sessions: Arc<dyn SessionStore>,
    /// The tokens of programs.
    pub tokens: Arc<dyn TokenStore>,
    /// The provider of identities, where people sign in at one.
    pub sign_on: Option<Arc<dyn SignOn>>,
    /// Answers that are kept.
    pub answers: Arc<dyn AnswerStore>,
    /// Where incidents are handed on to.
    pub sinks: Arc<dyn SinkDesk>,
    /// Decisions before the fact.
    pub decider: Arc<Decider>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for ids and sessions.
    pub entropy: Arc<dyn Entropy>,
    /// Becomes `true`, or is dropped, when the program stops: live views end.
    pub shutdown: watch::Receiver<bool>,
}

/// What an operator decides about the console.
pub struct ConsoleConfig {
    /// Who has it is an administrator.
    pub admin_token: Secret<String>,
    /// How long a browser stays signed in, used or not.
    pub session_ttl: Duration,
    /// How long a browser stays signed in that does nothing.
    pub session_idle: Duration,
    /// What guessing a password costs who has the hashes.
    pub password_cost: PasswordCost,
    /// Who has one of these roles signs in with a second factor.
    pub second_factor_roles: BTreeSet<Role>,
    /// Where browsers reach the console, without a slash at the end: links that are handed on begin so.
    pub public_url: String,
    /// Most live views at a time.
    pub sse_streams_max: usize,
    /// A live view without an event sends a comment after so long, so that proxies keep it.
    pub sse_heartbeat: Duration,
    /// Whether browsers send the session over HTTPS only: off where the console is reached at
    /// `http://127.0.0.1`.
    pub secure_cookies: bool,
    /// The names of built-in detectors and their groups, for checking policies.
    pub detectors: Vec<String>,
    /// Whom labels are believed.
    pub labels: LabelSettings,
    /// The settings of the installation, as people are shown them.
    pub settings: Vec<Setting>,
}

impl ConsoleConfig {
    /// The defaults: 12 hours and 2 without use, no second factor required, 64 live views with a heartbeat of 15 seconds, cookies that work over plain HTTP on this machine.
    pub fn new(admin_token: Secret<String>, detectors: Vec<String>) -> Self {
        ConsoleConfig {
            admin_token,
            session_ttl: Duration::from_secs(12 * 3600),
            session_idle: Duration::from_secs(2 * 3600),
            password_cost: PasswordCost::USUAL,
            second_factor_roles: BTreeSet::new(),
            public_url: String::new(),
            sse_streams_max: 64,
            sse_heartbeat: Duration::from_secs(15),
            secure_cookies: false,
            detectors,
            labels: LabelSettings::default(),
            settings: Vec::new(),
        }
    }
}

/// Everything a handler may need.
pub(crate) struct Console {
    pub(crate) ports: ConsolePorts,
    pub(crate) config: ConsoleConfig,
    pub(crate) gatekeeper: auth::Gatekeeper,
    pub(crate) streams: Arc<Semaphore>,
    /// Who holds it saves or removes a detector.
    pub(crate) saving_detectors: Mutex<()>,
    /// Room for trying detectors: making them ready costs more than a request should.
    pub(crate) trying_detectors: Semaphore,
}

pub(crate) type Shared = Arc<Console>;

/// The role: API, callback and pages on one router, without a listener.
pub fn router(ports: ConsolePorts, config: ConsoleConfig) -> Router {
    let console = Arc::new(Console {
        gatekeeper: auth::Gatekeeper::new(&config, &*ports.entropy),
        streams: Arc::new(Semaphore::new(config.sse_streams_max)),
        saving_detectors: Mutex::new(()),
        trying_detectors: Semaphore::new(acts::detectors::TRIALS_AT_ONCE_MAX),
        ports: scope::ports(ports),
        config,
    });
    Router::new()
        .nest("/api/v1", api::routes(&console))
        .merge(api::data_routes(&console))
        .route("/api/{*rest}", axum::routing::any(api::no_such_version))
        .merge(pages::routes(&console))
        .layer(axum::middleware::from_fn(headers::harden))
        .with_state(console)
}
