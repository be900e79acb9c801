//! A small listener of the conformance check: the service's consent page leads back to it, and
//! deliveries arrive at it. One check at a time; it forgets everything when it is dropped.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use connector::{Delivery, Receiver, Verified};
use ports::Clock;
use serde::Deserialize;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Where the consent page leads back to.
pub const CALLBACK_PATH: &str = "/oauth/callback";
/// Where deliveries arrive.
pub const WEBHOOK_PATH: &str = "/webhook";
/// Largest delivery, in bytes.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most deliveries that wait to be looked at; later ones are refused, and come again.
const WAITING_MAX: usize = 256;

/// The listener could not be opened.
#[derive(Debug, Error)]
#[error("`{address}` cannot be listened on")]
pub struct ListenerError {
    address: SocketAddr,
    #[source]
    cause: std::io::Error,
}

/// What came back from the consent page.
#[derive(Debug, Clone, Deserialize)]
pub struct Consented {
    /// Must be the one that was sent there.
    pub state: Option<String>,
    /// What tokens are exchanged for.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

/// What arrived at the webhook.
#[derive(Debug)]
pub(super) enum Arrived {
    /// The service asked whether the webhook is ours, and was answered.
    Handshake,
    /// A delivery whose signature holds.
    Proved(Verified),
    /// A delivery whose signature does not hold, and why.
    Unproved(&'static str),
}

/// An open listener.
pub struct Listener {
    public_url: String,
    shared: Arc<Shared>,
    consents: tokio::sync::Mutex<mpsc::Receiver<Consented>>,
    deliveries: tokio::sync::Mutex<mpsc::Receiver<Arrived>>,
    serving: JoinHandle<()>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    receiver: Mutex<Option<Arc<Receiver>>>,
    consents: mpsc::Sender<Consented>,
    deliveries: mpsc::Sender<Arrived>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Listener {
    /// Listens. `public_url` is where the service and the administrator's browser reach it; without
    /// one, the address itself.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn open(
        address: SocketAddr,
        public_url: Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ListenerError> {
        let failed = |cause| ListenerError { address, cause };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        let (consents, consented) = mpsc::channel(WAITING_MAX);
        let (deliveries, delivered) = mpsc::channel(WAITING_MAX);
        let shared = Arc::new(Shared {
            clock,
            receiver: Mutex::default(),
            consents,
            deliveries,
        });
        let routes = Router::new()
            .route(CALLBACK_PATH, get(callback))
            .route(WEBHOOK_PATH, any(delivery))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            // It ends when the listener is dropped; there is nobody to tell before.
            drop(axum::serve(socket, routes).await);
        });
        let public_url = public_url.unwrap_or_else(|| format!("http://{bound}"));
        Ok(Listener {
            public_url: public_url.trim_end_matches('/').to_owned(),
            shared,
            consents: tokio::sync::Mutex::new(consented),
            deliveries: tokio::sync::Mutex::new(delivered),
            serving,
        })
    }

    /// The redirect URI of the consent.
    pub fn callback_url(&self) -> String {
        format!("{}{CALLBACK_PATH}", self.public_url)
    }

    /// The address for deliveries.
    pub fn webhook_url(&self) -> String {
        format!("{}{WEBHOOK_PATH}", self.public_url)
    }

    /// What came back from the consent page; none within the patience.
    pub async fn consented(&self, patience: Duration) -> Option<Consented> {
        let mut consents = self.consents.lock().await;
        let next = tokio::time::timeout(patience, consents.recv()).await;
        next.ok().flatten()
    }

    /// From now on deliveries are proved with this.
    pub(super) fn prove_with(&self, receiver: Receiver) {
        *self.shared.receiver.lock().expect("no holder panics") = Some(Arc::new(receiver));
    }

    /// The next delivery; none within the patience.
    pub(super) async fn arrived(&self, patience: Duration) -> Option<Arrived> {
        let mut deliveries = self.deliveries.lock().await;
        let next = tokio::time::timeout(patience, deliveries.recv()).await;
        next.ok().flatten()
    }
}

async fn callback(
    State(shared): State<Arc<Shared>>,
    Query(consented): Query<Consented>,
) -> (StatusCode, &'static str) {
    match shared.consents.try_send(consented) {
        Ok(()) => (
            StatusCode::OK,
            "Thank you. The check goes on where it was started; this page can be closed.",
        ),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "Nobody waits for this."),
    }
}

async fn delivery(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let receiver = shared.receiver.lock().expect("no holder panics").clone();
    let Some(receiver) = receiver else {
        // The service may deliver before it has told us the secret: it comes again.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let sent = Delivery {
        method: &method,
        query: uri.query(),
        headers: &headers,
        body: &body,
    };
    if let Some(answer) = receiver.handshake(&sent) {
        drop(shared.deliveries.try_send(Arrived::Handshake));
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        let kind = [(header::CONTENT_TYPE, answer.content_type)];
        return (status, kind, answer.body).into_response();
    }
    let (status, arrived) = match receiver.verify(&sent, shared.clock.now()) {
        Ok(verified) => (receiver.accepted_status(), Arrived::Proved(verified)),
        Err(refused) => (refused.status(), Arrived::Unproved(refused.word())),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED);
    match shared.deliveries.try_send(arrived) {
        Ok(()) => status.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
