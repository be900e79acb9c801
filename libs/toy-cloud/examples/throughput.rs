//! Prints how many small API requests, and how many acts, a toy-cloud takes per second from this very process:
//! `cargo run --release -p toy-cloud --example throughput`.
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock and talks to a service it started itself"
)]
#![expect(clippy::print_stdout, reason = "printing is what it does")]

use std::error::Error;
use std::time::Instant;

use serde_json::json;
use toy_cloud::{Config, ToyCloud};

const REQUESTS: u32 = 40_000;
const CONNECTIONS: u32 = 16;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = ToyCloud::start(Config::default()).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let url = cloud.url();
    let health = || http.get(format!("{url}/healthz"));
    let unknown = || http.get(format!("{url}/api/v1/me")).bearer_auth("unknown");
    let upload = || {
        let act =
            json!({"tenant": "acme", "user": "alice", "do": "upload", "name": "x", "content": "x"});
        http.post(format!("{url}/control/act"))
            .header("x-toy-control", "toy-control")
            .json(&act)
    };
    println!(
        "GET /healthz           {:>7.0} per second",
        rate(health).await?
    );
    println!(
        "GET /api/v1/me (401)   {:>7.0} per second",
        rate(unknown).await?
    );
    println!(
        "POST /control/act      {:>7.0} per second",
        rate(upload).await?
    );
    cloud.shutdown().await;
    Ok(())
}

async fn rate(request: impl Fn() -> reqwest::RequestBuilder) -> Result<f64, Box<dyn Error>> {
    let started = Instant::now();
    let lanes = (0..CONNECTIONS).map(|_| async {
        for _ in 0..REQUESTS / CONNECTIONS {
            let mut response = request().send().await?;
            while response.chunk().await?.is_some() {}
        }
        Ok::<(), reqwest::Error>(())
    });
    futures::future::try_join_all(lanes).await?;
    Ok(f64::from(REQUESTS) / started.elapsed().as_secs_f64())
}
