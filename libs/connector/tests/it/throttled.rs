//! Patience over real HTTP: after the first signal nothing goes out before the pause has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use connector::{CallError, Connector};
use event_model::Position;

use crate::world::World;

/// Status, a header, a body.
type Refusal = (u16, &'static str, &'static str);

/// A service that says "too many" to the first calls, each time in its own way.
struct Strict {
    refusals: Vec<(StatusCode, HeaderMap, &'static str)>,
    asked: AtomicUsize,
}

async fn answer(State(strict): State<Arc<Strict>>) -> Response {
    let asked = strict.asked.fetch_add(1, Ordering::SeqCst);
    match strict.refusals.get(asked) {
        Some(refusal) => refusal.clone().into_response(),
        None => (StatusCode::OK, "{\"items\": [], \"next\": \"c\"}").into_response(),
    }
}

fn connector(throttle: &str) -> Connector {
    let fields = event_model::Field::ALL.map(|field| format!("    {field}: /{field}\n"));
    let yaml = format!(
        "manifest: 1\nid: strict\nname: Strict\nself_hosted: true\nauth: {{kind: oauth2_code, authorize: '{{base_url}}/a', token: '{{base_url}}/t'}}\n\
         http: {{base: '{{base_url}}', hosts: ['{{base_url}}'], account: '{{connection.tenant_id}}', throttle: [{throttle}]}}\n\
         pull: {{stream: s, first: start, request: {{get: /feed}}, page: {{kind: cursor, query: c, items: /items, next: /next}}}}\nnormalize:\n  fields:\n{}",
        fields.concat()
    );
    Connector::parse(&yaml, "strict").unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

async fn world(throttle: &str, refusals: &[Refusal]) -> (Arc<Strict>, World) {
    let refusals = refusals.iter().map(|(status, header, body)| {
        let header = header.split_once(": ").map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        let status = StatusCode::from_u16(*status).unwrap();
        (status, HeaderMap::from_iter(header), *body)
    });
    let strict = Arc::new(Strict {
        refusals: refusals.collect(),
        asked: AtomicUsize::new(0),
    });
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&strict));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let world = World::of(connector(throttle), &address);
    (strict, world)
}

async fn waits(world: &World) -> Option<u64> {
    match world.client.page_after("s", &Position::Start).await {
        Ok(_) => None,
        Err(CallError::Throttled { retry_after }) => Some(retry_after.as_secs()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn after_the_first_signal_nothing_goes_out_before_the_pause_has_ended() {
    let grows = "{status: 503, otherwise: 5s, grows: true}";
    let rows: [(&str, &[Refusal], &[u64]); 5] = [
        ("{status: 429}", &[(429, "retry-after: 20", "")], &[20]),
        (
            "{status: 403, header: {x-code: OVER}, otherwise: 7s}",
            &[(403, "x-code: OVER_QPS", "")],
            &[7],
        ),
        (
            "{status: 403, when: {path: /error, equals: quota}, otherwise: 9s}",
            &[(403, "", "{\"error\": \"quota\"}")],
            &[9],
        ),
        (
            "{status: 429, wait_until_header: x-reset}",
            &[(429, "x-reset: 1767323075", "")],
            &[30],
        ),
        (
            grows,
            &[(503, "", ""), (503, "", ""), (503, "", "")],
            &[5, 10, 20],
        ),
    ];
    for (throttle, refusals, pauses) in rows {
        let (strict, world) = world(throttle, refusals).await;
        for (before, pause) in pauses.iter().enumerate() {
            assert_eq!(waits(&world).await, Some(*pause), "{throttle}");
            world.clock.advance(Duration::from_secs(pause - 3));
            let mut told = Vec::new();
            for _ in 0..20 {
                told.push(waits(&world).await);
            }
            assert!(
                told.iter().all(|wait| *wait == Some(3)),
                "{throttle}: {told:?}"
            );
            assert_eq!(
                strict.asked.load(Ordering::SeqCst),
                before + 1,
                "{throttle}"
            );
            world.clock.advance(Duration::from_secs(3));
        }
        assert_eq!(waits(&world).await, None, "{throttle}");
    }
}

#[tokio::test]
async fn connections_of_one_account_share_a_pause_and_others_do_not() {
    let (_strict, world) = world("{status: 429}", &[(429, "retry-after: 20", "")]).await;
    let sibling = world.sibling(2, "acme");
    let stranger = world.sibling(3, "other");
    assert_eq!(waits(&world).await, Some(20));
    let asked = |client: connector::ServiceClient| async move {
        client.page_after("s", &Position::Start).await
    };
    let refused = asked(sibling).await;
    assert!(
        matches!(refused, Err(CallError::Throttled { .. })),
        "{refused:?}"
    );
    assert!(asked(stranger).await.is_ok());
}
