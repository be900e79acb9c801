//! Paging against a service that answers anything: no panic, no endless walk, nothing that grows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use connector::CallError;
use event_model::{Checkpoint, Position};
use proptest::prelude::*;

use crate::paging::{CLASSES, connector, runtime};
use crate::world::World;

/// More pages than any walk here takes: spans of half a minute, over what the service keeps.
const PAGES_MAX: usize = 200;

/// One answer: status, the headers that lead on, and a body.
type Said = (u16, String, String);

#[derive(Default)]
struct Liar {
    answers: Mutex<VecDeque<Said>>,
}

async fn answer(State(liar): State<Arc<Liar>>) -> Response {
    let said = liar.answers.lock().unwrap().pop_front();
    let (status, leads_on, body) = said.unwrap_or((200, String::new(), "[]".into()));
    let mut headers = HeaderMap::new();
    for name in [
        "link",
        "nextpageuri",
        "x-activity-last-given",
        "x-activity-first-known",
        "retry-after",
    ] {
        if let (Ok(value), false) = (HeaderValue::from_str(&leads_on), leads_on.is_empty()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let status = StatusCode::from_u16(status).unwrap();
    (status, headers, body).into_response()
}

/// Bodies that look like pages more often than chance would have it.
fn bodies() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"x\"".to_owned()),
        Just("-7".to_owned()),
        Just("1e999".to_owned()),
        "[0-9]{1,12}",
        Just(
            "[{\"at\": 1, \"id\": \"1\", \"contentUri\": \"/x\", \"file\": \"//evil.example/\"}]"
                .to_owned()
        ),
        Just("[{\"at\": \"no\"}, [], null]".to_owned()),
        "\"[ -!#-~]{0,20}\"",
    ];
    let page = (value.clone(), value.clone(), value.clone()).prop_map(|(items, next, more)| {
        format!(
            "{{\"items\": {items}, \"events\": {items}, \"files\": {items}, \"ocs\": {{\"data\": {items}}}, \"next\": {next}, \"cursor\": {next}, \"has_more\": {more}, \"error\": {{\".tag\": \"reset\", \"reset\": {more}}}}}"
        )
    });
    prop_oneof![page, value, r#"[\[\]{},: "a-z0-9]{0,60}"#]
}

fn answers() -> impl Strategy<Value = Vec<Said>> {
    let status = prop::sample::select(vec![200u16, 200, 200, 200, 204, 304, 404, 409, 410, 500]);
    let leads_on = prop_oneof![
        Just(String::new()),
        Just("</linked?after=3>; rel=\"next\"".to_owned()),
        Just("<https://evil.example/>; rel=\"next\"".to_owned()),
        Just("<<>>;rel=next".to_owned()),
        "[ -~]{0,30}",
    ];
    prop::collection::vec((status, leads_on, bodies()), 1..12)
}

/// Reads as the poller does; gives how many pages were asked for.
async fn walked(pull: &str, answers: Vec<Said>) -> usize {
    let liar = Arc::new(Liar::default());
    liar.answers.lock().unwrap().extend(answers);
    let router = Router::new().fallback(answer).with_state(Arc::clone(&liar));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let world = World::of(connector(pull, "start"), &address);
    let mut here = Checkpoint::initial("s", Position::Start);
    for pages in 1..=PAGES_MAX {
        let page = match world.client.page_after("s", &here.position).await {
            Ok(page) => page,
            Err(CallError::CursorExpired { resume, .. }) => {
                here = Checkpoint::initial("s", resume.unwrap_or(Position::Start));
                continue;
            }
            Err(_) if liar.answers.lock().unwrap().is_empty() => return pages,
            Err(_) => continue,
        };
        let stored = serde_json::to_string(&page.to).unwrap();
        assert!(stored.len() < 4 * Position::CURSOR_BYTES_MAX, "{stored}");
        match here.advance(&page) {
            Ok(there) if page.more && there != here => here = there,
            _ => return pages,
        }
    }
    PAGES_MAX
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_a_service_answers_the_reader_neither_panics_nor_walks_on_forever(answers in answers()) {
        for (class, pull) in CLASSES {
            let pages = runtime().block_on(walked(pull, answers.clone()));
            prop_assert!(pages < PAGES_MAX, "{class}: {pages} pages");
        }
    }
}
