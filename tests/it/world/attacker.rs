//! A host that nobody allowed, and a cloud service that sends its visitors there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use tokio::net::TcpListener;

/// Writes down the headers of everybody who comes.
#[derive(Clone, Default)]
pub(crate) struct Attacker(Arc<Mutex<Vec<String>>>);

impl Attacker {
    /// Opens it. Gives its address, too.
    pub(crate) async fn opens() -> (Self, SocketAddr) {
        let attacker = Attacker::default();
        let router = Router::new().fallback(lure).with_state(attacker.clone());
        (attacker, serve(router).await)
    }

    /// The headers of each visitor, in text.
    pub(crate) fn visitors(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

async fn lure(State(attacker): State<Attacker>, request: Request) -> &'static str {
    let visitor = format!("{} {:?}", request.uri(), request.headers());
    attacker.0.lock().unwrap().push(visitor);
    "4539 5260 1815 9083"
}

/// Hands everything on to the cloud service, but sends who wants content elsewhere.
#[derive(Clone)]
pub(crate) struct Detour {
    client: reqwest::Client,
    service: Arc<Mutex<Option<SocketAddr>>>,
    elsewhere: Arc<str>,
}

impl Detour {
    /// Opens it, in front of nothing yet. Gives its address, too.
    pub(crate) async fn opens(elsewhere: String) -> (Self, SocketAddr) {
        let detour = Detour {
            client: super::browser(),
            service: Arc::default(),
            elsewhere: elsewhere.into(),
        };
        let router = Router::new().fallback(pass).with_state(detour.clone());
        (detour, serve(router).await)
    }

    pub(crate) fn stands_before(&self, service: SocketAddr) {
        *self.service.lock().unwrap() = Some(service);
    }
}

async fn pass(State(detour): State<Detour>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if parts.uri.path().ends_with("/content") {
        return Redirect::temporary(&detour.elsewhere).into_response();
    }
    let Some(service) = *detour.service.lock().unwrap() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut headers = parts.headers;
    headers.remove(header::HOST);
    let request = detour
        .client
        .request(parts.method, format!("http://{service}{}", parts.uri))
        .headers(headers)
        .body(body);
    let answer = super::answer(request).await;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    *response.headers_mut() = answer.headers;
    response
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
