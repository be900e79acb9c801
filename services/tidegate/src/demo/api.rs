//! A small client of JSON APIs: the platform's and toy-cloud's.

use std::time::Duration;

use anyhow::{Context, bail};
use futures::StreamExt;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest that one call may take.
const CALL_MAX: Duration = Duration::from_secs(30);

/// A client with a token.
#[derive(Clone)]
pub struct Api {
    client: Client,
    pub(crate) url: String,
    header: (&'static str, String),
}

impl Api {
    /// A client of the platform.
    pub fn new(url: String, token: String) -> Self {
        Api {
            client: client(),
            url,
            header: ("authorization", format!("Bearer {token}")),
        }
    }

    /// A client of toy-cloud's control endpoints.
    pub fn control(url: String, token: String) -> Self {
        Api {
            client: client(),
            url,
            header: ("x-toy-control", token),
        }
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// When the answer is not 2xx (with what it says), not JSON, too large or too late.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        json(self.send(self.request(Method::GET, path)).await?).await
    }

    /// Sends JSON and reads JSON; `null` when the answer has no body.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        json(
            self.send(self.request(Method::POST, path).json(body))
                .await?,
        )
        .await
    }

    /// Replaces by JSON.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        json(
            self.send(self.request(Method::PUT, path).json(body))
                .await?,
        )
        .await
    }

    /// Deletes.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let sent = self.send(self.request(Method::DELETE, path)).await?;
        body(sent).await.map(drop)
    }

    /// Reads text.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn get_text(&self, path: &str) -> anyhow::Result<String> {
        let body = body(self.send(self.request(Method::GET, path)).await?).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Posts a form without following the redirect, and gives its target.
    ///
    /// # Errors
    /// When the answer is no redirect.
    pub async fn post_form(url: &str, form: &[(String, String)]) -> anyhow::Result<String> {
        let answer = client().post(url).form(form).send().await?;
        if !answer.status().is_redirection() {
            bail!("`{url}` answered {} and not a redirect", answer.status());
        }
        let target = answer
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok());
        target
            .map(str::to_owned)
            .context("the redirect has no target")
    }

    /// Follows one redirect, without the token, and gives the status.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn visit(url: &str) -> anyhow::Result<StatusCode> {
        Ok(client().get(url).send().await?.status())
    }

    /// Opens a stream of server-sent events.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub async fn stream(&self, path: &str) -> anyhow::Result<ResponseStream> {
        let request = self
            .request(Method::GET, path)
            .timeout(Duration::from_secs(u32::MAX.into()));
        Ok(ResponseStream(self.send(request).await?))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let (name, value) = &self.header;
        self.client
            .request(method, format!("{}{path}", self.url))
            .header(*name, value)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request
            .send()
            .await
            .with_context(|| format!("`{}` does not answer", self.url))?;
        let (status, url) = (answer.status(), answer.url().path().to_owned());
        if status.is_success() {
            return Ok(answer);
        }
        let said = body(answer).await.unwrap_or_default();
        bail!(
            "`{url}` answered {status}: {}",
            String::from_utf8_lossy(&said)
        )
    }
}

/// The chunks of an endless answer.
pub struct ResponseStream(Response);

impl ResponseStream {
    /// The next chunk; none at the end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn chunk(&mut self) -> anyhow::Result<Option<bytes::Bytes>> {
        Ok(self.0.chunk().await?)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "talks to this machine only, with no service's token"
)]
fn client() -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(CALL_MAX)
        .build()
        .expect("a client without certificates of its own can be built")
}

async fn body(answer: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > ANSWER_BYTES_MAX {
            bail!("the answer is larger than {ANSWER_BYTES_MAX} bytes");
        }
    }
    Ok(body)
}

async fn json(answer: Response) -> anyhow::Result<Value> {
    let body = body(answer).await?;
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).context("the answer is not JSON")
}
