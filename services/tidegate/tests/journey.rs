//! The real binary sends each journey to a collector: one trace from the delivery to the effect.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::process::Command;

type Taken = Arc<Mutex<Vec<Span>>>;

async fn take(State(taken): State<Taken>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans);
    taken
        .lock()
        .unwrap()
        .extend(scopes.flat_map(|scope| scope.spans));
}

/// A collector, and what it took.
async fn collector() -> (String, Taken) {
    let taken = Taken::default();
    let router = Router::new()
        .route("/v1/traces", post(take))
        .with_state(Arc::clone(&taken));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (format!("http://{address}"), taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_is_one_trace_from_the_delivery_to_the_effect() {
    let (endpoint, taken) = collector().await;
    let data = tempfile::tempdir().unwrap();
    let played = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args([
            "up",
            "--demo",
            "--once",
            "--listen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(data.path())
        .env("TIDEGATE_OTLP_ENDPOINT", endpoint)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&played.stderr).into_owned();
    assert!(played.status.success(), "{said}");

    let spans = taken.lock().unwrap().clone();
    let mut journeys: BTreeMap<Vec<u8>, Vec<&Span>> = BTreeMap::new();
    for span in &spans {
        journeys
            .entry(span.trace_id.clone())
            .or_default()
            .push(span);
    }
    let acted: Vec<_> = journeys
        .values()
        .filter(|spans| spans.iter().any(|span| span.name == "remedy"))
        .collect();
    assert!(
        acted.len() >= 2,
        "{} journeys reached an effect",
        acted.len()
    );
    for journey in acted {
        let named = |name: &str| -> Vec<&&Span> {
            journey.iter().filter(|span| span.name == name).collect()
        };
        let first = named("append");
        let [first] = first.as_slice() else {
            panic!("{} beginnings of one journey", first.len());
        };
        assert!(first.parent_span_id.is_empty());
        let evaluated = named("evaluate");
        assert!(
            evaluated
                .iter()
                .all(|span| span.parent_span_id == first.span_id)
        );
        let evaluated: BTreeSet<_> = evaluated.iter().map(|span| &span.span_id).collect();
        let remedies = named("remedy");
        assert!(
            remedies
                .iter()
                .all(|span| evaluated.contains(&span.parent_span_id)),
            "a remedy follows no evaluation"
        );
        let known: BTreeSet<_> = journey.iter().map(|span| &span.span_id).collect();
        assert!(
            named("call")
                .iter()
                .all(|span| known.contains(&span.parent_span_id)),
            "a call follows nothing"
        );
        assert!(!named("call").is_empty(), "nothing was called");
    }
}
