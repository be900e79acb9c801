//! The only way out: every call to a cloud service passes here.
//!
//! A call goes to hosts of the manifest's allow-list only, redirects included; the credential and
//! every other header of ours stay behind when a redirect leaves the host. Names that resolve to
//! private addresses are not called, unless the host and port are those of the base URL that an
//! administrator typed. Bodies are read up to a bound. No proxy is taken from the environment.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use thiserror::Error;
use tracing::{Instrument, Span};
use url::Url;

use crate::call::CallError;
use crate::manifest::http::Budget;
use crate::throttle::Throttle;
use address::{Guard, PrivateAddress};
pub use endpoints::{ENDPOINTS_MAX, EndpointError, Endpoints};
use payload::Payload;
pub(crate) use reach::{Reach, Route};
pub use witness::{Witness, Witnessed};

mod address;
mod endpoints;
pub(crate) mod payload;
mod reach;
mod witness;

/// Most redirects followed.
pub const REDIRECTS_MAX: usize = 5;
/// Of an answer that is no success so much is read, in bytes.
pub const ERROR_BYTES_MAX: usize = 64 * 1024;
/// Accounts remembered for throttling before the idle ones are forgotten.
const THROTTLES_IDLE_MAX: usize = 10_000;
/// So long a body is believed when it is announced: its memory is there before it comes, in bytes.
const BELIEVED_BYTES_MAX: usize = 1024 * 1024;

/// How calls are made.
#[derive(Debug, Clone)]
pub struct EgressOptions {
    /// Longest time to reach a host.
    pub connect_timeout: Duration,
    /// Longest time of one call, from its first byte out to its last byte in.
    pub call_timeout: Duration,
    /// What we call ourselves.
    pub user_agent: String,
    /// Origins that are called at another address.
    pub endpoints: Endpoints,
    /// Who is told of every answer.
    pub witness: Option<Arc<dyn Witness>>,
}

impl Default for EgressOptions {
    fn default() -> Self {
        EgressOptions {
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(30),
            user_agent: concat!("tidegate/", env!("CARGO_PKG_VERSION")).to_owned(),
            endpoints: Endpoints::default(),
            witness: None,
        }
    }
}

/// The way out could not be made: no root certificates, or a user agent that is no header.
#[derive(Debug, Error)]
#[error("the HTTP client could not be set up")]
pub struct EgressError(#[source] reqwest::Error);

/// The way out, shared by every connection of the process.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    /// Refuses names that resolve to private addresses.
    public: reqwest::Client,
    /// For the base URL that an administrator typed.
    private: reqwest::Client,
    call_timeout: Duration,
    endpoints: Endpoints,
    witness: Option<Arc<dyn Witness>>,
    throttles: Mutex<HashMap<String, Arc<Throttle>>>,
}

/// One call.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Payload>,
    /// What proves who calls, marked as sensitive.
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
    pub(crate) take: Take,
}

/// What is taken of a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// At most so many bytes; 0 leaves the body unread.
    Bytes(usize),
    /// Whatever there is, piece by piece, by who asked.
    Streamed,
}

impl Call {
    /// The call after a redirect. Pre-authenticated addresses elsewhere need nothing of ours, and
    /// must not get it.
    fn redirected(mut self, target: Url) -> Self {
        if !same_origin(&target, &self.url) {
            self.credential = None;
            self.headers = HeaderMap::new();
        }
        self.url = target;
        self
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body, where it is streamed.
    pub(crate) rest: Option<reqwest::Response>,
}

impl Egress {
    /// Sets up the way out.
    ///
    /// # Errors
    /// Where the system has no root certificates, or the user agent is not a header's value.
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        static PROVIDER: Once = Once::new();
        // A provider that someone else installed before does as well.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        Ok(Egress(Arc::new(Inner {
            public: client(&options, Guard::Public)?,
            private: client(&options, Guard::Private)?,
            call_timeout: options.call_timeout,
            endpoints: options.endpoints,
            witness: options.witness,
            throttles: Mutex::default(),
        })))
    }

    /// The next piece of a streamed answer; none at its end.
    pub(crate) async fn piece(
        &self,
        response: &mut reqwest::Response,
    ) -> Result<Option<Bytes>, CallError> {
        let deadline = self.0.call_timeout;
        let broke_off = |detail: String| CallError::Unavailable {
            detail: format!("the answer broke off: {detail}"),
        };
        match tokio::time::timeout(deadline, response.chunk()).await {
            Ok(piece) => piece.map_err(|error| broke_off(innermost(&error))),
            Err(_) => Err(broke_off(format!(
                "nothing came for {}s",
                deadline.as_secs()
            ))),
        }
    }

    /// What holds an account's calls back, shared by everyone who calls for it.
    pub(crate) fn throttle(&self, account: String, budget: Option<Budget>) -> Arc<Throttle> {
        let mut throttles = self.0.throttles.lock().expect("no holder panics");
        if throttles.len() > THROTTLES_IDLE_MAX {
            throttles.retain(|_, throttle| Arc::strong_count(throttle) > 1);
        }
        let made = throttles
            .entry(account)
            .or_insert_with(|| Arc::new(Throttle::new(budget)));
        Arc::clone(made)
    }

    /// Makes a call, following redirects of a GET or HEAD inside the allow-list.
    pub(crate) async fn call(&self, reach: &Reach, call: Call) -> Result<Answer, CallError> {
        let deadline =
            self.0.call_timeout + call.body.as_ref().map_or(Duration::ZERO, Payload::patience);
        let stage = stage(&call);
        let answer = self.follow(reach, call).instrument(stage.clone());
        match tokio::time::timeout(deadline, answer).await {
            Ok(answer) => {
                let status = answer.as_ref().map(|answer| answer.status.as_u16());
                stage.record("http.response.status_code", status.ok());
                answer
            }
            Err(_) => Err(CallError::Unavailable {
                detail: format!("no answer within {}s", deadline.as_secs()),
            }),
        }
    }

    async fn follow(&self, reach: &Reach, mut call: Call) -> Result<Answer, CallError> {
        for _ in 0..=REDIRECTS_MAX {
            let route = reach.check(&call.url)?;
            let response = self.send(route, &call).await?;
            let target = match redirect_target(&response, &call)? {
                Some(target) => target,
                None => {
                    let answer = match call.take {
                        Take::Streamed if response.status().is_success() => unread(response),
                        Take::Streamed => read(response, 0).await?,
                        Take::Bytes(bytes_max) => read(response, bytes_max).await?,
                    };
                    self.tell(&call, &answer);
                    return Ok(answer);
                }
            };
            call = call.redirected(target);
        }
        Err(CallError::malformed(format!(
            "more than {REDIRECTS_MAX} redirects"
        )))
    }

    fn tell(&self, call: &Call, answer: &Answer) {
        if let Some(witness) = &self.0.witness {
            witness.saw(&Witnessed {
                method: &call.method,
                url: &call.url,
                status: answer.status.as_u16(),
                body: &answer.body,
            });
        }
    }

    async fn send(&self, route: Route, call: &Call) -> Result<reqwest::Response, CallError> {
        let elsewhere = self.0.endpoints.of(&call.url);
        let client = match (route, &elsewhere) {
            (Route::Public, None) => &self.0.public,
            (Route::Private, _) | (_, Some(_)) => &self.0.private,
        };
        let mut headers = call.headers.clone();
        if let Some((name, value)) = &call.credential {
            headers.insert(name, value.clone());
        }
        let request = client
            .request(
                call.method.clone(),
                elsewhere.unwrap_or_else(|| call.url.clone()),
            )
            .headers(headers);
        let request = match &call.body {
            Some(body) => body.of(request).await?,
            None => request,
        };
        request
            .send()
            .await
            .map_err(|error| unreachable_host(&error, &call.url))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a client is made"
)]
fn client(options: &EgressOptions, guard: Guard) -> Result<reqwest::Client, EgressError> {
    reqwest::Client::builder()
        .user_agent(options.user_agent.as_str())
        .connect_timeout(options.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .dns_resolver(guard)
        .build()
        .map_err(EgressError)
}

/// A call made within an activity's journey is a stage of it; the address's path may name people and
/// is left out. Names: OpenTelemetry's conventions for HTTP clients.
fn stage(call: &Call) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    tracing::info_span!(
        target: "journey",
        "call",
        http.request.method = call.method.as_str(),
        server.address = call.url.host_str(),
        http.response.status_code = tracing::field::Empty,
    )
}

/// Where a redirect leads; none when the answer is not one that is followed.
fn redirect_target(response: &reqwest::Response, call: &Call) -> Result<Option<Url>, CallError> {
    let followed = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    if !followed || !matches!(call.method, Method::GET | Method::HEAD) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION);
    let Some(location) = location.and_then(|value| value.to_str().ok()) else {
        return Err(CallError::malformed("a redirect that leads nowhere"));
    };
    let target = call.url.join(location);
    target
        .map(Some)
        .map_err(|_| CallError::malformed("a redirect to no address"))
}

pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host() == b.host()
        && a.port_or_known_default() == b.port_or_known_default()
}

fn unread(response: reqwest::Response) -> Answer {
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: Bytes::new(),
        rest: Some(response),
    }
}

/// Reads the body up to its bound. Of a failure only the start is kept.
async fn read(mut response: reqwest::Response, bytes_max: usize) -> Result<Answer, CallError> {
    let status = response.status();
    let headers = response.headers().clone();
    let limit = if status.is_success() {
        bytes_max
    } else {
        ERROR_BYTES_MAX
    };
    let announced = response.content_length().unwrap_or_default();
    let believed = usize::try_from(announced).unwrap_or(usize::MAX);
    let mut body = BytesMut::with_capacity(believed.min(limit).min(BELIEVED_BYTES_MAX));
    loop {
        if limit == 0 {
            break;
        }
        let chunk = response
            .chunk()
            .await
            .map_err(|error| CallError::Unavailable {
                detail: format!("the answer broke off: {}", innermost(&error)),
            })?;
        let Some(chunk) = chunk else { break };
        if body.len() + chunk.len() > limit {
            if status.is_success() {
                return Err(CallError::TooLarge { limit });
            }
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body: body.freeze(),
        rest: None,
    })
}

fn unreachable_host(error: &reqwest::Error, url: &Url) -> CallError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<PrivateAddress>() {
            return CallError::OutsideAllowList {
                host: url.host_str().unwrap_or_default().to_owned(),
            };
        }
        cause = inner.source();
    }
    CallError::Unavailable {
        detail: innermost(error),
    }
}

/// The last cause: the address is not in it, and so no query and no secret.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if std::ptr::addr_eq(cause, error) {
        "the connection failed".into()
    } else {
        cause.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_to_another_origin_takes_nothing_of_ours_along() {
        let rows = [
            ("https://a.example/x", "https://a.example/y", true),
            ("https://a.example/x", "https://a.example:443/y", true),
            ("https://a.example/x", "https://b.example/x", false),
            ("https://a.example/x", "https://a.example:8443/x", false),
            ("https://a.example/x", "http://a.example/x", false),
            ("https://a.example/x", "https://x.a.example/x", false),
        ];
        let token = HeaderValue::from_static("Bearer token");
        for (from, to, kept) in rows {
            let call = Call {
                method: Method::GET,
                url: Url::parse(from).unwrap(),
                headers: HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("x"))]),
                body: None,
                credential: Some((header::AUTHORIZATION, token.clone())),
                take: Take::Bytes(1),
            };
            let call = call.redirected(Url::parse(to).unwrap());
            assert_eq!(call.url, Url::parse(to).unwrap());
            assert_eq!(
                (call.credential.is_some(), !call.headers.is_empty()),
                (kept, kept),
                "{to}"
            );
        }
    }
}
