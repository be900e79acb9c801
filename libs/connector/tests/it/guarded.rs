//! What a hostile or overworked service cannot make us do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use connector::{CallError, Disposition};
use event_model::{Position, RemedyKind};
use serde_json::json;

use crate::world::{World, activity_about, plain};

type Seen = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// Serves, answers by the path, and remembers what it was asked.
async fn serve(answer: fn(&str, SocketAddr) -> Response) -> (SocketAddr, Seen) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let remember = Arc::clone(&seen);
    let handler = move |State(()): State<()>, request: Request| async move {
        let path = request.uri().to_string();
        remember
            .lock()
            .unwrap()
            .push((path.clone(), request.headers().clone()));
        answer(&path, address)
    };
    let router = Router::new().fallback(handler).with_state(());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

fn found(location: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, location.to_owned())]).into_response()
}

fn count(seen: &Seen) -> usize {
    seen.lock().unwrap().len()
}

#[tokio::test]
async fn a_download_goes_nowhere_but_to_the_allow_list_redirects_included() {
    let (elsewhere, elsewhere_seen) = serve(|_, _| "stolen".into_response()).await;
    let (address, seen) = serve(|path, address| match path {
        "/here" => found("/api/v1/files/f_1/content"),
        "/api/v1/files/f_1/content" => ([(header::ETAG, "\"v1\"")], "bytes").into_response(),
        "/around" => found("/around"),
        "/nowhere" => StatusCode::FOUND.into_response(),
        path => match path.strip_prefix("/to/") {
            Some(port) if port.starts_with('@') => {
                found(&format!("http://{}{port}/", address.ip()))
            }
            Some(target) => found(&target.replace("__", "://").replace('_', "/")),
            None => StatusCode::NOT_FOUND.into_response(),
        },
    })
    .await;
    let base = format!("http://{address}");
    let world = World::unproven(&base);
    let outside = |host: &str| CallError::OutsideAllowList {
        host: host.to_owned(),
    };
    let rows = [
        (format!("{base}/here"), Ok("bytes")),
        (format!("http://{elsewhere}/x"), Err(outside("127.0.0.1"))),
        (
            format!("{base}/to/http__{elsewhere}_x"),
            Err(outside("127.0.0.1")),
        ),
        (
            "https://evil.example/x".into(),
            Err(outside("evil.example")),
        ),
        (
            "http://169.254.169.254/latest".into(),
            Err(outside("169.254.169.254")),
        ),
        ("file:///etc/passwd".into(), Err(outside(""))),
        (
            format!("{base}/to/https__evil.example_x"),
            Err(outside("evil.example")),
        ),
        (
            format!("http://user:pw@{address}/here"),
            Err(outside("127.0.0.1")),
        ),
        (
            format!("{base}/around"),
            Err(CallError::Malformed {
                detail: "more than 5 redirects".into(),
            }),
        ),
        (
            format!("{base}/nowhere"),
            Err(CallError::Malformed {
                detail: "a redirect that leads nowhere".into(),
            }),
        ),
        (format!("{base}/gone"), Err(CallError::NotFound)),
        (
            "not an address".into(),
            Err(CallError::Malformed {
                detail: "a value is not an address".into(),
            }),
        ),
    ];
    for (url, expected) in rows {
        let activity = activity_about(
            &world,
            json!({"id": "f_1", "type": "file", "download_url": url}),
        );
        let outcome = world.client.download(&activity, 1_000).await;
        let outcome = outcome.map(|download| String::from_utf8(download.bytes.to_vec()).unwrap());
        assert_eq!(outcome, expected.map(str::to_owned), "{url}");
    }
    assert_eq!(count(&elsewhere_seen), 0, "nothing of ours went elsewhere");
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter()
            .all(|(_, headers)| headers[header::AUTHORIZATION] == "Bearer token")
    );
}

#[tokio::test]
async fn after_too_many_requests_nothing_is_asked_before_the_pause_is_over() {
    let (address, seen) = serve(|path, _| match path {
        "/api/v1/tenant" => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")]).into_response()
        }
        _ => axum::Json(json!({"items": [], "next": "c1"})).into_response(),
    })
    .await;
    let world = World::unproven(&format!("http://{address}"));
    let seven = CallError::Throttled {
        retry_after: Duration::from_secs(7),
    };
    assert_eq!(world.client.tenant_id().await.unwrap_err(), seven);
    assert_eq!(
        seven.disposition(),
        Disposition::Retry(Duration::from_secs(7))
    );
    let other = connector::ServiceClient::new(
        Arc::clone(&world.connector),
        Arc::clone(&world.connection),
        world.egress.clone(),
        Arc::clone(&world.held) as Arc<dyn connector::TokenSource>,
        Arc::clone(&world.clock) as Arc<dyn ports::Clock>,
    );
    world.clock.advance(Duration::from_secs(4));
    for client in [&world.client, &world.client.clone(), &other] {
        let outcome = client
            .page_after("activity", &Position::Now)
            .await
            .unwrap_err();
        assert_eq!(
            outcome,
            CallError::Throttled {
                retry_after: Duration::from_secs(3)
            }
        );
    }
    assert_eq!(count(&seen), 1, "the service was left alone");
    world.clock.advance(Duration::from_secs(3));
    assert!(other.page_after("activity", &Position::Now).await.is_ok());
    assert_eq!(count(&seen), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once_and_then_the_grant_is_dead() {
    let (address, seen) = serve(|_, _| StatusCode::UNAUTHORIZED.into_response()).await;
    let world = World::unproven(&format!("http://{address}"));
    let outcome = world.client.tenant_id().await.unwrap_err();
    assert!(matches!(outcome, CallError::GrantDead { .. }), "{outcome}");
    assert_eq!(outcome.disposition(), Disposition::AskAdmin);
    assert_eq!(
        (count(&seen), *world.held.rejections.lock().unwrap()),
        (2, 1)
    );
}

#[tokio::test]
async fn an_answer_beyond_its_bound_or_out_of_its_form_is_refused() {
    let (address, _) = serve(|path, _| match path.split('?').next().unwrap() {
        "/api/v1/files/large/content" => vec![0u8; 100_000].into_response(),
        "/api/v1/tenant" => format!("{}{}", "[".repeat(500), "]".repeat(500)).into_response(),
        "/api/v1/events" => axum::Json(json!({"items": "none", "next": 1})).into_response(),
        _ => StatusCode::BAD_GATEWAY.into_response(),
    })
    .await;
    let world = World::unproven(&format!("http://{address}"));
    let client = &world.client;
    let about = |id: &str| activity_about(&world, json!({"id": id, "type": "file"}));
    let outcome = client.download(&about("large"), 99_999).await.unwrap_err();
    assert_eq!(outcome, CallError::TooLarge { limit: 99_999 });
    assert_eq!(
        client
            .download(&about("large"), 100_000)
            .await
            .unwrap()
            .bytes
            .len(),
        100_000
    );
    assert!(matches!(
        client.tenant_id().await,
        Err(CallError::Malformed { .. })
    ));
    let outcome = client.page_after("activity", &Position::Start).await;
    assert!(matches!(outcome, Err(CallError::Malformed { .. })));
    let outcome = client.download(&about("other"), 10).await.unwrap_err();
    assert!(matches!(outcome, CallError::Unavailable { .. }));
    assert!(matches!(outcome.disposition(), Disposition::Retry(_)));
}

#[tokio::test]
async fn a_value_of_an_event_cannot_leave_its_place_in_an_address() {
    let (address, seen) = serve(|_, _| axum::Json(json!({"items": []})).into_response()).await;
    let world = World::unproven(&format!("http://{address}"));
    let ids = [
        (
            "a/../../admin",
            Some("/api/v1/files/a%2F..%2F..%2Fadmin/links"),
        ),
        ("x?y=1#z", Some("/api/v1/files/x%3Fy%3D1%23z/links")),
        ("%2e%2e", Some("/api/v1/files/%252e%252e/links")),
        ("..", None),
        (".", None),
    ];
    for (id, expected) in ids {
        let activity = activity_about(&world, json!({"id": id, "type": "file"}));
        let outcome = world
            .client
            .snapshot(&plain(RemedyKind::RemoveLink, &activity))
            .await;
        assert_eq!(outcome.is_ok(), expected.is_some(), "{id}: {outcome:?}");
        let asked = seen.lock().unwrap().pop().map(|(path, _)| path);
        assert_eq!(asked.as_deref(), expected, "{id}");
    }
    let nameless = activity_about(&world, json!({"type": "file"}));
    let outcome = world
        .client
        .snapshot(&plain(RemedyKind::RemoveLink, &nameless))
        .await;
    assert!(matches!(outcome, Err(CallError::NotSupported { .. })));
    assert_eq!(count(&seen), 0, "no request without the object's id");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = World::unproven(&format!("http://{address}"));
    let outcome = world.client.tenant_id().await.unwrap_err();
    assert!(
        matches!(outcome, CallError::Unavailable { .. }),
        "{outcome}"
    );
    let name = World::unproven("https://metadata.invalid");
    assert!(matches!(
        name.client.tenant_id().await,
        Err(CallError::Unavailable { .. })
    ));
}

#[test]
fn every_call_can_be_made_from_any_thread() {
    fn sendable<T: Send>(_: T) {}
    let world = World::unproven("http://127.0.0.1:1");
    let (client, oauth) = (&world.client, world.oauth());
    let activity = activity_about(&world, json!({"id": "f_1", "type": "file"}));
    let (mut copy, mut provenance) = (activity.clone(), event_model::Provenance::absent("test"));
    let snapshot = event_model::Snapshot {
        taken_at: crate::world::now(),
        values: serde_json::Map::new(),
    };
    let ask = plain(RemedyKind::Delete, &activity);
    sendable(client.page_after("activity", &Position::Now));
    sendable(client.health());
    sendable(client.webhook_scopes());
    sendable(client.enrich(&mut copy, &mut provenance, &[]));
    sendable(client.download(&activity, 1));
    sendable(client.snapshot(&ask));
    sendable(client.in_effect(&ask, Some(&snapshot)));
    sendable(client.execute(&ask, &snapshot));
    sendable(client.undo(&ask, &snapshot));
    sendable(client.purge(&ask, &snapshot));
    sendable(oauth.exchange(
        "code",
        "uri",
        &event_model::Secret::new(String::new()),
        crate::world::now(),
    ));
}
