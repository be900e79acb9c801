//! A simulated feed, in the dialect of each paging class, on the clock of its reader.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use ports::{Clock, ManualClock};
use serde_json::{Value, json};

use super::shapes;
use crate::world::now;

/// Events of a page.
pub(crate) const PAGE: usize = 3;

/// One event: when it happened, and when the feed shows it, in seconds from the start.
#[derive(Debug, Clone)]
pub(crate) struct Happening {
    pub(crate) at: i64,
    pub(crate) shown: i64,
}

/// What goes wrong at the service, by chance, until it ends.
pub(crate) struct Trouble {
    /// How far the service's clock is ahead, in seconds.
    skew: i64,
    /// What chance comes from; 0 when nothing goes wrong.
    seed: AtomicU64,
}

impl Trouble {
    pub(crate) fn new(skew: i64, seed: u64) -> Self {
        Trouble {
            skew,
            seed: AtomicU64::new(seed.wrapping_mul(2).wrapping_add(1)),
        }
    }

    fn none() -> Self {
        Trouble {
            skew: 0,
            seed: AtomicU64::new(0),
        }
    }

    /// From now on nothing goes wrong; the clocks still differ.
    pub(crate) fn end(&self) {
        self.seed.store(0, Ordering::Relaxed);
    }

    /// A number below that one; 0 when nothing goes wrong.
    fn below(&self, bound: u64) -> u64 {
        let seed = self.seed.load(Ordering::Relaxed);
        let next = seed.wrapping_mul(6_364_136_223_846_793_005);
        self.seed.store(next, Ordering::Relaxed);
        (next >> 33) % bound
    }
}

/// Some calls fail, in the ways in which services fail.
async fn troubled(State(feed): State<Arc<Feed>>, request: Request, next: Next) -> Response {
    match feed.trouble.below(48) {
        1 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        2 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3")]).into_response(),
        3 => (StatusCode::OK, "{\"items\": [").into_response(),
        _ => next.run(request).await,
    }
}

/// The service: a clock that both sides share, and what happens.
pub(crate) struct Feed {
    pub(crate) events: Vec<Happening>,
    pub(crate) clock: Mutex<Option<Arc<ManualClock>>>,
    /// Page tokens made before this one are no longer known.
    tokens_known_from: Mutex<u64>,
    tokens: Mutex<u64>,
    address: Mutex<String>,
    pub(crate) trouble: Trouble,
}

pub(crate) type Params = Query<BTreeMap<String, String>>;

impl Feed {
    pub(crate) fn seconds(&self) -> i64 {
        let clock = self.clock.lock().unwrap();
        let at = clock.as_ref().map_or_else(now, |clock| clock.now());
        (at - now()).num_seconds() + self.trouble.skew
    }

    /// Ids of what is shown, in the order in which it was shown.
    pub(crate) fn shown(&self) -> Vec<usize> {
        let by = self.seconds();
        let mut ids: Vec<usize> = (0..self.events.len())
            .filter(|id| self.events[*id].shown <= by)
            .collect();
        ids.sort_by_key(|id| (self.events[*id].shown, *id));
        ids
    }

    /// Ids of what is shown of a span of time, oldest first.
    pub(crate) fn span(&self, query: &BTreeMap<String, String>) -> Vec<usize> {
        let bound = |name: &str| -> Option<i64> {
            let text = query.get(name)?.trim_start_matches("created:>=");
            Some(text.parse::<i64>().unwrap() - now().timestamp())
        };
        let since = bound("since").unwrap();
        let until = bound("until").unwrap_or(i64::MAX);
        let mut ids = self.shown();
        ids.retain(|id| (since..until).contains(&self.events[*id].at));
        ids.sort_by_key(|id| (self.events[*id].at, *id));
        ids
    }

    pub(crate) fn items(&self, ids: &[usize]) -> Vec<Value> {
        let item = |id: &usize| json!({"id": id.to_string(), "at": now().timestamp() + self.events[*id].at});
        ids.iter().map(item).collect()
    }

    /// A token that leads to an offset, and what such a token leads to.
    pub(crate) fn token(&self, offset: usize) -> String {
        let mut tokens = self.tokens.lock().unwrap();
        *tokens += 1;
        format!("{}-{offset}", *tokens)
    }

    pub(crate) fn offset(&self, token: Option<&String>) -> Option<usize> {
        let Some((number, offset)) = token.and_then(|token| token.split_once('-')) else {
            return Some(0);
        };
        let known = *self.tokens_known_from.lock().unwrap() <= number.parse::<u64>().unwrap();
        known.then(|| offset.parse().unwrap())
    }
}

/// Newest first, by page token. New events push those before them to later pages; an empty page may
/// come before the last.
async fn newest_first(State(feed): State<Arc<Feed>>, Query(query): Params) -> Response {
    let mut ids = feed.span(&query);
    ids.reverse();
    let Some(offset) = feed.offset(query.get("token")) else {
        return StatusCode::GONE.into_response();
    };
    let end = ids.len().min(offset + PAGE);
    let items = feed.items(&ids[offset.min(end)..end]);
    let next = (items.len() == PAGE).then(|| feed.token(end));
    axum::Json(json!({"items": items, "next": next})).into_response()
}

/// Oldest first, without a token: the next page is asked for by time.
async fn oldest_first(State(feed): State<Arc<Feed>>, Query(query): Params) -> Response {
    let ids = feed.span(&query);
    let full = &ids[..ids.len().min(4 * PAGE)];
    axum::Json(json!(feed.items(full))).into_response()
}

/// In the order of showing, the address of the next page in a `Link` header, always.
async fn linked(State(feed): State<Arc<Feed>>, uri: Uri, Query(query): Params) -> Response {
    let ids = feed.shown();
    let after = match (query.get("after"), query.get("since")) {
        (Some(after), _) => after.parse().unwrap(),
        (None, Some(_)) => ids.len(),
        (None, None) => 0,
    };
    let end = ids.len().min(after + PAGE);
    let own = format!("<{uri}>; rel=\"self\"");
    let next = format!("</linked?after={end}>; rel=\"next\"");
    let mut headers = HeaderMap::new();
    headers.append("link", own.parse().unwrap());
    headers.append("link", next.parse().unwrap());
    (headers, axum::Json(json!(feed.items(&ids[after..end])))).into_response()
}

/// Blobs of two events each, listed by when they were shown, the next page's address in a header.
async fn blobs(State(feed): State<Arc<Feed>>, Query(query): Params) -> Response {
    let (since, until) = (&query["since"], &query["until"]);
    let seconds = |text: &str| text.parse::<i64>().unwrap() - now().timestamp();
    let mut ids = feed.shown();
    ids.retain(|id| (seconds(since)..seconds(until)).contains(&feed.events[*id].shown));
    let Some(offset) = feed.offset(query.get("token")) else {
        return StatusCode::GONE.into_response();
    };
    let chunks: Vec<&[usize]> = ids.chunks(2).collect();
    let end = chunks.len().min(offset + PAGE);
    let address = feed.address.lock().unwrap().clone();
    let uri = |ids: &&[usize]| {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        json!({"contentUri": format!("{address}/blob?ids={}", ids.join("."))})
    };
    let list: Vec<Value> = chunks[offset.min(end)..end].iter().map(uri).collect();
    let mut headers = HeaderMap::new();
    if end < chunks.len() {
        let next = format!(
            "{address}/blobs?since={since}&until={until}&token={}",
            feed.token(end)
        );
        headers.insert("nextpageuri", next.parse().unwrap());
    }
    (headers, axum::Json(list)).into_response()
}

async fn blob(State(feed): State<Arc<Feed>>, Query(query): Params) -> Response {
    let ids: Vec<usize> = query["ids"]
        .split('.')
        .map(|id| id.parse().unwrap())
        .collect();
    let mut items = feed.items(&ids);
    // Blobs hold events twice and in another order, as it happens.
    if feed.trouble.below(3) == 1 {
        items.extend(items.clone());
        items.reverse();
    }
    axum::Json(items).into_response()
}

/// By a number that a header gives; "nothing new" is a 304 without it.
async fn numbered(State(feed): State<Arc<Feed>>, Query(query): Params) -> Response {
    let ids = feed.shown();
    let newest = query["sort"] == "desc";
    let after = if newest {
        ids.len().saturating_sub(1)
    } else {
        query["since"].parse().unwrap()
    };
    if after > ids.len() {
        // A number that it does not know: it begins again, and only a header tells.
        let known = [("x-activity-first-known", "1")];
        let items = feed.items(&ids[..ids.len().min(PAGE)]);
        return (known, axum::Json(json!({"ocs": {"data": items}}))).into_response();
    }
    let end = ids.len().min(after + PAGE);
    if after >= end {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let given = [("x-activity-last-given", end.to_string())];
    (
        given,
        axum::Json(json!({"ocs": {"data": feed.items(&ids[after..end])}})),
    )
        .into_response()
}

pub(crate) async fn serve(events: Vec<Happening>) -> (Arc<Feed>, String) {
    serve_with(events, Trouble::none()).await
}

pub(crate) async fn serve_with(events: Vec<Happening>, trouble: Trouble) -> (Arc<Feed>, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let feed = Arc::new(Feed {
        events,
        clock: Mutex::default(),
        tokens_known_from: Mutex::default(),
        tokens: Mutex::default(),
        address: Mutex::new(address.clone()),
        trouble,
    });
    let router = Router::new()
        .route("/newest-first", axum::routing::get(newest_first))
        .route("/oldest-first", axum::routing::get(oldest_first))
        .route("/linked", axum::routing::get(linked))
        .route("/blobs", axum::routing::get(blobs))
        .route("/blob", axum::routing::get(blob))
        .route("/numbered", axum::routing::get(numbered))
        .merge(shapes::routes())
        .layer(from_fn_with_state(Arc::clone(&feed), troubled))
        .with_state(Arc::clone(&feed));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (feed, address)
}

impl Feed {
    /// No page token made until now is known any more.
    pub(crate) fn forget_tokens(&self) {
        let made = *self.tokens.lock().unwrap();
        *self.tokens_known_from.lock().unwrap() = made + 1;
    }
}
