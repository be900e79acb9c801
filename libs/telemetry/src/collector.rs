//! Stages of journeys, sent to a collector by OTLP over HTTP, in batches and beside the work.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;

use crate::LogSetupError;

/// Longest that sending one batch may take.
const SEND_MAX: Duration = Duration::from_secs(10);
/// Most bytes read of the collector's answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where journeys are sent.
#[derive(Clone)]
pub struct CollectorOptions {
    /// The collector's OTLP address, as `http://127.0.0.1:4318`; `/v1/traces` is put behind it.
    pub endpoint: String,
    /// Headers that the collector asks for.
    pub headers: Vec<(String, String)>,
    /// Share of the journeys that is traced, 0 to 1.
    pub ratio: f64,
    /// What this process is called: `service.name`.
    pub service_name: String,
}

/// Sends what was traced; drop it after the last stage, within the runtime.
pub struct Collector(pub(crate) SdkTracerProvider);

impl Collector {
    pub(crate) fn new(options: &CollectorOptions) -> Result<Self, LogSetupError> {
        let unusable = |error: &dyn fmt::Display| LogSetupError::Collector {
            endpoint: options.endpoint.clone(),
            detail: error.to_string(),
        };
        let client = client().map_err(|error| unusable(&error))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!(
                "{}/v1/traces",
                options.endpoint.trim_end_matches('/')
            ))
            .with_headers(options.headers.iter().cloned().collect::<HashMap<_, _>>())
            .with_timeout(SEND_MAX)
            .build()
            .map_err(|error| unusable(&error))?;
        let resource = Resource::builder()
            .with_service_name(options.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Collector(provider))
    }

    /// Sends what is left. It may wait for the collector: call it where waiting does no harm.
    pub fn close(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(error = %error, "the last stages could not be sent to the collector");
        }
    }
}

/// The exporter works in a thread of its own: calls are made in the runtime that was there first.
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "calls the collector that the configuration names, with no service's token"
)]
fn client() -> Result<Client, reqwest::Error> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(SEND_MAX)
        .build()?;
    Ok(Client {
        http,
        runtime: Handle::current(),
    })
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let mut answer = http.execute(request).await?;
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_BYTES_MAX {
                    break;
                }
            }
            Ok::<_, reqwest::Error>((answer.status(), body))
        });
        let (status, body) = sent.await??;
        Ok(Response::builder().status(status).body(Bytes::from(body))?)
    }
}
