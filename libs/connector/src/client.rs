//! Everything that is asked of a cloud service on behalf of one connection.
//!
//! INVARIANT: the bearer token goes to hosts of the manifest's allow-list only; after the service
//! said "too many", no call of the connection goes out before the pause it asked for has passed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_model::{Activity, Connection};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use ports::Clock;
use serde_json::Value;
use url::Url;

use crate::call::CallError;
use crate::client::enrich::AnswerCache;
use crate::connector::Connector;
use crate::egress::payload::{Payload, Streamed};
use crate::egress::{Answer, Call, Egress, Reach};
use crate::json;
use crate::manifest::http::Http;
use crate::manifest::step::{Body, Request};
use crate::oauth::short;
use crate::scope::Scope;
use crate::template::{Missing, Template};
use crate::throttle::{self, Pace, Throttle};
use crate::tokens::TokenSource;

mod authorised;
mod content;
mod enrich;
mod feed;
mod health;
mod labels;
mod multipart;
mod registration;
mod rehearsal;
mod remedy;
mod run;
mod trial;
mod vaulting;

pub use content::Download;
pub use feed::{CrawledElement, CrawledPage};
pub use labels::{LabelFile, ToldLabel};
pub use registration::{Registered, WebhookOffer, WebhookScope};
pub use rehearsal::{Rehearsal, RehearsedCall};
pub use remedy::Ask;
pub use vaulting::{ContentHash, HashKind, Incoming, KeptContent, ToKeep};

/// Largest JSON answer of a service, in bytes.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest wait for the manifest's budget before the caller is asked to come again.
pub const BUDGET_WAIT_MAX: Duration = Duration::from_secs(2);
/// Longest such wait of a caller that goes gently: its part of the budget is small, and nobody waits for it.
const GENTLE_WAIT_MAX: Duration = Duration::from_secs(10);

/// Calls a service for one connection. Clones share everything, and each has its pace.
#[derive(Clone)]
pub struct ServiceClient(Arc<Inner>, Pace);

struct Inner {
    connector: Arc<Connector>,
    connection: Arc<Connection>,
    params: BTreeMap<String, String>,
    egress: Egress,
    reach: Reach,
    tokens: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    throttle: Arc<Throttle>,
    /// When the service was last told to begin a stream, on the monotonic clock.
    begun: Mutex<BTreeMap<String, Duration>>,
    /// What enrichment was told of late.
    answers: AnswerCache,
}

impl ServiceClient {
    /// A client for that connection.
    pub fn new(
        connector: Arc<Connector>,
        connection: Arc<Connection>,
        egress: Egress,
        tokens: Arc<dyn TokenSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let http = connector.http.as_ref();
        let hosts = http.map(|http| http.hosts.as_slice()).unwrap_or_default();
        let budget = http.and_then(|http| http.budget);
        let params = connector.params_of(&connection);
        let account = account_of(&connector, &connection, &params);
        let inner = Inner {
            throttle: egress.throttle(account, budget),
            params,
            reach: Reach::new(hosts, connection.base_url.as_deref()),
            connector,
            connection,
            egress,
            tokens,
            clock,
            begun: Mutex::default(),
            answers: AnswerCache::default(),
        };
        ServiceClient(Arc::new(inner), Pace::Full)
    }

    /// The same client for work that may wait: it uses at most so much of the service's budget, in
    /// percent, and leaves the others theirs.
    pub fn gently(&self, budget_percent: u8) -> Self {
        ServiceClient(Arc::clone(&self.0), Pace::Gentle(budget_percent))
    }

    fn connector(&self) -> &Connector {
        &self.0.connector
    }

    fn scope(&self) -> Scope<'_> {
        Scope::new(&self.0.connection, &self.0.params)
    }

    fn scope_of<'a>(&'a self, activity: &'a Activity) -> Scope<'a> {
        Scope {
            activity: Some(activity),
            ..self.scope()
        }
    }

    fn http(&self) -> Result<&Http, CallError> {
        self.connector()
            .http
            .as_ref()
            .ok_or_else(|| not_supported("the service is never called"))
    }

    /// Makes a request and gives whatever the service answered, throttling and 401 aside.
    async fn send(
        &self,
        request: &Request,
        scope: &Scope<'_>,
        extra_query: &[(&str, &str)],
        bytes_max: usize,
    ) -> Result<Answer, CallError> {
        let url = self.address(request, scope, extra_query)?;
        self.send_to(url, request, scope, bytes_max).await
    }

    /// The whole address of a request. Of parameters of one name the extra one is taken.
    fn address(
        &self,
        request: &Request,
        scope: &Scope<'_>,
        extra_query: &[(&str, &str)],
    ) -> Result<Url, CallError> {
        let mut url = self.url(self.http()?, &request.url, scope)?;
        add_query(&mut url, request, scope, extra_query)?;
        Ok(url)
    }

    async fn attempt(&self, http: &Http, call: Call) -> Result<Answer, CallError> {
        let answer = self.0.egress.call(&self.0.reach, call).await?;
        let (now, monotonic) = (self.0.clock.now(), self.0.clock.monotonic());
        match throttle::asked_for(&http.throttle, &answer, &self.scope(), now) {
            Some(patience) => Err(CallError::Throttled {
                retry_after: self.0.throttle.signal(monotonic, patience),
            }),
            None => {
                self.0.throttle.relieve(monotonic);
                Ok(answer)
            }
        }
    }

    /// Waits for the budget, if that is not long; a pause that the service asked for is not waited out.
    async fn enter(&self) -> Result<(), CallError> {
        let throttle = &self.0.throttle;
        let Err(wait) = throttle.enter_at(self.0.clock.monotonic(), self.1) else {
            return Ok(());
        };
        let wait_max = match self.1 {
            Pace::Full => BUDGET_WAIT_MAX,
            Pace::Gentle(_) => GENTLE_WAIT_MAX,
        };
        if wait > wait_max {
            return Err(CallError::Throttled { retry_after: wait });
        }
        tokio::time::sleep(wait).await;
        let entered = throttle.enter_at(self.0.clock.monotonic(), self.1);
        entered.map_err(|retry_after| CallError::Throttled { retry_after })
    }

    /// The address of a request: relative ones under `http.base`; a template that is one value and
    /// nothing else is a whole address, or one from the root of the service's host, and the
    /// allow-list decides about it.
    fn url(&self, http: &Http, template: &Template, scope: &Scope<'_>) -> Result<Url, CallError> {
        if template.is_whole() {
            let given = template.text(scope)?;
            if !given.starts_with('/') || given.starts_with("//") {
                return parse_url(&given);
            }
            let base = parse_url(&http.base.url(scope)?)?;
            let joined = base.join(&given);
            return joined.map_err(|_| CallError::malformed("a value is not an address"));
        }
        let rendered = template.url(scope)?;
        let text = match rendered.starts_with('/') {
            true => format!("{}{rendered}", http.base.url(scope)?.trim_end_matches('/')),
            false => rendered,
        };
        let path = text.split(['?', '#']).next().unwrap_or_default();
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(CallError::malformed(
                "a value climbs out of its place in the address",
            ));
        }
        parse_url(&text)
    }
}

/// Whose calls count together: those of an account, or of the connection alone.
fn account_of(
    connector: &Connector,
    connection: &Connection,
    params: &BTreeMap<String, String>,
) -> String {
    let named = connector.http.as_ref().and_then(|http| {
        let scope = Scope::new(connection, params);
        http.account.as_ref()?.text(&scope).ok()
    });
    match named.filter(|account| !account.is_empty()) {
        Some(account) => format!("{}/{account}", connector.id),
        None => connection.id.to_string(),
    }
}

fn parse_url(text: &str) -> Result<Url, CallError> {
    Url::parse(text).map_err(|_| CallError::malformed("a value is not an address"))
}

fn add_query(
    url: &mut Url,
    request: &Request,
    scope: &Scope<'_>,
    extra: &[(&str, &str)],
) -> Result<(), CallError> {
    let mut given = Vec::with_capacity(request.query.len());
    let own = request
        .query
        .iter()
        .filter(|(name, _)| extra.iter().all(|(given, _)| given != name));
    for (name, value) in own {
        let value = value.text(scope)?;
        // An optional value that is missing leaves its parameter out.
        if !value.is_empty() {
            given.push((name.as_str(), value));
        }
    }
    if !given.is_empty() || !extra.is_empty() {
        url.query_pairs_mut()
            .extend_pairs(given)
            .extend_pairs(extra);
    }
    Ok(())
}

/// Headers and body of a request.
fn written(
    http: &Http,
    request: &Request,
    scope: &Scope<'_>,
) -> Result<(HeaderMap, Option<Payload>), CallError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/json, */*;q=0.5"),
    );
    let if_match = request
        .if_match
        .iter()
        .map(|value| (&header::IF_MATCH, value));
    let given = http
        .headers
        .iter()
        .chain(&request.headers)
        .map(|(name, value)| (name, value));
    for (name, value) in given.chain(if_match) {
        insert(&mut headers, name, value, scope)?;
    }
    let (content_type, body) = match &request.body {
        Body::None => return Ok((headers, None)),
        Body::Json(template) => {
            let body = template.value(scope)?.unwrap_or(Value::Null);
            ("application/json", whole(body.to_string()))
        }
        Body::Xml(template) => ("text/xml; charset=utf-8", whole(template.xml(scope)?)),
        Body::Text(template) => ("application/octet-stream", whole(template.text(scope)?)),
        Body::Vault => ("application/octet-stream", vault_content(scope)?),
        Body::Form(pairs) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in pairs {
                form.append_pair(name, &value.text(scope)?);
            }
            ("application/x-www-form-urlencoded", whole(form.finish()))
        }
    };
    if let Some(field) = &request.multipart {
        return Ok(multipart::wrapped(field, headers, body));
    }
    // The manifest may know better what it sends.
    headers
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static(content_type));
    Ok((headers, Some(body)))
}

fn whole(text: String) -> Payload {
    Payload::Whole(text.into_bytes())
}

/// The content that the vault has of the element at hand, or the piece of it.
fn vault_content(scope: &Scope<'_>) -> Result<Payload, CallError> {
    let nothing = || not_supported("the vault has no content to send back here");
    let kept = scope.kept.ok_or_else(nothing)?;
    let of = scope.item.cloned().unwrap_or_default();
    let bytes = kept.bytes(&of).ok_or_else(nothing)?;
    Ok(Payload::Streamed(Streamed {
        kept: Arc::clone(kept),
        of,
        range: scope.piece.cloned().unwrap_or(0..bytes),
        before: Vec::new(),
        after: Vec::new(),
    }))
}

fn insert(
    headers: &mut HeaderMap,
    name: &HeaderName,
    value: &Template,
    scope: &Scope<'_>,
) -> Result<(), CallError> {
    let text = value.text(scope)?;
    let value = HeaderValue::try_from(text);
    headers.insert(
        name,
        value.map_err(|_| CallError::malformed("a value is not a header's"))?,
    );
    Ok(())
}

/// The answer when its status is a success or one of those taken; otherwise what it means.
fn accepted(answer: Answer, ok: &[u16]) -> Result<Answer, CallError> {
    let status = answer.status.as_u16();
    if answer.status.is_success() || ok.contains(&status) {
        return Ok(answer);
    }
    let detail = said(&answer);
    Err(match status {
        403 => CallError::Forbidden { detail },
        404 | 410 => CallError::NotFound,
        412 => CallError::VersionMismatch,
        500.. => CallError::Unavailable {
            detail: format!("status {status} {detail}"),
        },
        _ => CallError::Refused { status, detail },
    })
}

/// What a service says of its failure: the usual places, cut short.
fn said(answer: &Answer) -> String {
    let body = json::value(&answer.body).unwrap_or(Value::Null);
    let places = [
        "/message",
        "/error_description",
        "/error/message",
        "/error",
        "/detail",
        "/title",
    ];
    let texts = places
        .iter()
        .filter_map(|place| body.pointer(place)?.as_str());
    short(texts.take(2).collect::<Vec<_>>().join(" ").as_str())
}

fn not_supported(what: impl Into<String>) -> CallError {
    CallError::NotSupported { what: what.into() }
}

/// The body as a value; an empty one, or one that is neither JSON nor XML, is null.
fn document(answer: &Answer) -> Result<Value, CallError> {
    use event_model::DeadLetterReason::TooDeep;
    let kind = answer.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if matches!(kind, "application/xml" | "text/xml") {
        return Ok(crate::xml::value(&answer.body).unwrap_or(Value::Null));
    }
    match json::value(&answer.body) {
        Ok(value) => Ok(value),
        Err(error) if error.reason == TooDeep => Err(CallError::malformed(error.detail)),
        Err(_) => Ok(Value::Null),
    }
}

fn has_all(template: &Template, scope: &Scope<'_>) -> bool {
    !matches!(template.text(scope), Err(Missing(_)))
}
