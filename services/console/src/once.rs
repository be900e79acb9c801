//! Requests that ask to be carried out once: `Idempotency-Key`.
//!
//! Promises: of a `POST` with a key, its owner gets the first answer however often it is sent within
//! [`KEPT_FOR`], and it is carried out once; with another body or path under the same key it is refused. What
//! was begun and never answered is not begun again: who asks looks first. Answers that say that nothing was
//! done, because of who asks or when, are not kept.

use std::time::Duration;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{OriginalUri, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use event_model::ConnectionScope;
use ports::{ANSWER_BYTES_MAX, Claimed, KeptAnswer, OnceAsked};
use ring::digest::{Context, SHA256};

use crate::auth::Actor;
use crate::problem::{Mistake, Problem};
use crate::{Shared, body, scope};

/// The header with the key.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says of an answer that it is the first one again.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;
/// How long an answer is kept.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// Who comes while the first is under way comes back after so long.
const COME_BACK: Duration = Duration::from_secs(2);
/// The headers that belong to an answer.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// Answers within the scope; a request with a key once.
pub(crate) async fn answer(
    console: &Shared,
    actor: &Actor,
    within: ConnectionScope,
    request: Request,
    next: Next,
) -> Response {
    match keyed(&request) {
        Ok(None) => scope::answer(within, request, next).await,
        Ok(Some(key)) => match once(console, actor, within, &key, request, next).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        },
        Err(problem) => problem.into_response(),
    }
}

/// The key of a request that is to be carried out once.
fn keyed(request: &Request) -> Result<Option<String>, Problem> {
    let given = request.headers().get(KEY);
    let Some(given) = given.filter(|_| request.method() == Method::POST) else {
        return Ok(None);
    };
    let text = given.to_str().unwrap_or_default().trim();
    let is_key = (1..=KEY_BYTES_MAX).contains(&text.len());
    match is_key && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Some(text.to_owned())),
        false => {
            let message = format!("is not 1 to {KEY_BYTES_MAX} letters, digits and signs of ASCII");
            Err(Problem::bad_request(vec![Mistake::new(
                "Idempotency-Key",
                message,
            )]))
        }
    }
}

async fn once(
    console: &Shared,
    actor: &Actor,
    within: ConnectionScope,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, given) = request.into_parts();
    let bytes = body::read(given).await?;
    let whole = parts.extensions.get::<OriginalUri>();
    let uri = whole.map_or(&parts.uri, |whole| &whole.0);
    let asked = digest(&[uri.to_string().as_bytes(), &bytes]);
    let once = OnceAsked {
        owner: actor.name(),
        key,
        request: &asked,
    };
    let now = console.ports.clock.now();
    let answers = &console.ports.answers;
    match answers.claim_answer(once, now, now + KEPT_FOR).await? {
        Claimed::New => {}
        Claimed::Begun => return Err(begun()),
        Claimed::Other => return Err(other()),
        Claimed::Answered(kept) => return Ok(again(kept)),
    }
    let request = Request::from_parts(parts, Body::from(bytes));
    let (console, owner, key) = (console.clone(), actor.name().to_owned(), key.to_owned());
    // It ends although who asked went away: whoever comes again is answered.
    let carried = tokio::spawn(async move {
        let response = scope::answer(within, request, next).await;
        let (response, kept) = kept(response).await;
        let once = OnceAsked {
            owner: &owner,
            key: &key,
            request: &asked,
        };
        let answers = &console.ports.answers;
        match kept {
            Some(kept) => answers.keep_answer(once, &kept).await?,
            None => answers.forget_answer(once).await?,
        }
        Ok(response)
    });
    carried.await.unwrap_or_else(|_| Err(broken()))
}

/// The answer, and what is kept of it: nothing, when nothing was done.
async fn kept(response: Response) -> (Response, Option<KeptAnswer>) {
    let nothing_done = matches!(
        response.status(),
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
    );
    let length = response.body().size_hint().exact();
    let fits = length.is_some_and(|length| length <= ANSWER_BYTES_MAX as u64);
    if nothing_done || !fits {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    // A body of known length is there already: it does not fail.
    let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    let header = |name: &HeaderName| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    };
    let kept = KeptAnswer {
        status: parts.status.as_u16(),
        headers: KEPT_HEADERS.iter().filter_map(header).collect(),
        body: bytes.to_vec(),
    };
    (Response::from_parts(parts, Body::from(bytes)), Some(kept))
}

fn again(kept: KeptAnswer) -> Response {
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    let told = HeaderValue::from_static("true");
    response.headers_mut().insert(REPLAYED, told);
    response
}

/// Of parts with their lengths, so that no two questions look alike.
fn digest(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    hex::encode(context.finish())
}

fn begun() -> Problem {
    let detail = "a request with this `Idempotency-Key` was begun and is not answered: wait for it, or look \
                  what became of it and use another key";
    Problem::conflict(detail).retry_after(Some(COME_BACK))
}

fn broken() -> Problem {
    let detail = "the request could not be carried out";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

fn other() -> Problem {
    let detail = "this `Idempotency-Key` was used for another request";
    let mistake = Mistake::new("Idempotency-Key", "is of another path or body");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).errors(vec![mistake])
}
