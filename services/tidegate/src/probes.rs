//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use ports::StatsStore;
use telemetry::{Gauge, Metrics};

/// What the probes look at.
pub(crate) struct Probes {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stats: Arc<dyn StatsStore>,
    pub(crate) ready: AtomicBool,
}

pub(crate) fn router(probes: Arc<Probes>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(probes)
}

async fn ready(State(probes): State<Arc<Probes>>) -> impl IntoResponse {
    if !probes.ready.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n");
    }
    match probes.stats.answers().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store is not available\n",
        ),
    }
}

async fn metrics(State(probes): State<Arc<Probes>>) -> impl IntoResponse {
    if let Ok(overview) = probes.stats.overview().await {
        for (state, count) in &overview.remedies_by_state {
            probes
                .metrics
                .set(Gauge::RemediesByState, &[state], *count as f64);
        }
    }
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, probes.metrics.exposition())
}
