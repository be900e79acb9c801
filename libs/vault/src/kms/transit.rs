//! The transit engine of HashiCorp Vault, or of OpenBao, over HTTP: data keys go there to be wrapped, and
//! the key that wraps them never leaves. The context of a data key is its associated data, so a key of
//! type `aes256-gcm96` or `chacha20-poly1305` is needed.
//!
//! Paths and names are those of the transit engine's documented HTTP API.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event_model::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::{Kms, KmsError};
use crate::cipher::DataKey;

/// Longest that a call may take.
const CALL_MAX: Duration = Duration::from_secs(10);
/// Most bytes read of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Most characters kept of what a refusal says.
const DETAIL_LENGTH_MAX: usize = 200;

/// Where the key is, and who may use it.
#[derive(Debug, Clone)]
pub struct TransitOptions {
    /// The address, the engine's mount and the key: `https://vault.example.org:8200/transit/tidegate`.
    pub key: Url,
    /// The token, which needs `update` on `encrypt` and `decrypt` and `read` on the key; and `update` on
    /// `rotate` to make a new key from here.
    pub token: Secret<String>,
    /// The namespace, where there are any.
    pub namespace: Option<String>,
}

/// Wraps with a key of the transit engine.
pub struct TransitKms {
    http: reqwest::Client,
    options: TransitOptions,
    origin: String,
    mount: String,
    name: String,
}

impl TransitKms {
    /// Makes no call yet.
    ///
    /// # Errors
    /// With what is wrong with the address.
    pub fn new(options: TransitOptions) -> Result<Self, String> {
        let shape = || {
            format!(
                "`{}` is not the address of a key: write `https://vault.example.org:8200/transit/KEY`",
                options.key
            )
        };
        let path = options.key.path().trim_matches('/');
        let (mount, name) = path.rsplit_once('/').ok_or_else(shape)?;
        let is_http = matches!(options.key.scheme(), "http" | "https");
        if !is_http || mount.is_empty() || name.is_empty() || options.key.query().is_some() {
            return Err(shape());
        }
        Ok(TransitKms {
            http: client().map_err(|error| error.to_string())?,
            origin: options.key.origin().ascii_serialization(),
            mount: mount.to_owned(),
            name: name.to_owned(),
            options,
        })
    }

    async fn call(&self, method: Method, act: &str, body: Option<Value>) -> Result<Value, Failure> {
        let url = format!("{}/v1/{}/{act}", self.origin, self.mount);
        let mut request = self
            .http
            .request(method, url)
            .header("X-Vault-Token", self.options.token.expose());
        if let Some(namespace) = &self.options.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(body) = body {
            let text = Zeroizing::new(body.to_string());
            request = request
                .header("Content-Type", "application/json")
                .body(text.as_bytes().to_vec());
        }
        let unavailable = |error: reqwest::Error| Failure::Unavailable(error.without_url().into());
        let mut answer = request.send().await.map_err(unavailable)?;
        let mut text = Zeroizing::new(Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(unavailable)? {
            if text.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Failure::Unavailable("its answer is too long".into()));
            }
            text.extend_from_slice(&chunk);
        }
        let status = answer.status();
        if status.is_success() && text.is_empty() {
            return Ok(Value::Null);
        }
        let read = serde_json::from_slice::<Value>(&text);
        if status.is_success() {
            return read.map_err(|_| Failure::Unavailable("its answer is not JSON".into()));
        }
        let said = format!("{} {}", status.as_u16(), said(&read.unwrap_or_default()));
        Err(match status.as_u16() {
            429 | 472 | 473 | 500.. => Failure::Unavailable(said.into()),
            code => Failure::Refused { code, said },
        })
    }

    fn failed(&self, failure: Failure) -> KmsError {
        let place = self.options.key.to_string();
        match failure {
            Failure::Unavailable(source) => KmsError::Unavailable { place, source },
            Failure::Refused { said, .. } => KmsError::Refused {
                place,
                detail: said,
            },
        }
    }

    fn field<'a>(&self, answer: &'a Value, name: &str) -> Result<&'a Value, KmsError> {
        let field = answer.get("data").and_then(|data| data.get(name));
        field.ok_or_else(|| {
            let lacks = format!("its answer has no `{name}`");
            self.failed(Failure::Unavailable(lacks.into()))
        })
    }

    fn text<'a>(&self, answer: &'a Value, name: &str) -> Result<&'a str, KmsError> {
        Ok(self.field(answer, name)?.as_str().unwrap_or_default())
    }
}

/// A call that brought nothing.
enum Failure {
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    Refused { code: u16, said: String },
}

/// What a refusal says, in a line.
fn said(answer: &Value) -> String {
    let errors = answer.get("errors").and_then(Value::as_array);
    let texts: Vec<&str> = errors
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let line = texts.join(", ");
    line.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(DETAIL_LENGTH_MAX)
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "calls the key service that the configuration names, with no service's token"
)]
fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(CALL_MAX)
        .build()
}

/// The number in `vault:v7:…`.
fn version(wrapped: &str) -> Option<u64> {
    let (version, _) = wrapped.strip_prefix("vault:v")?.split_once(':')?;
    version.parse().ok()
}

#[async_trait]
impl Kms for TransitKms {
    fn scheme(&self) -> &'static str {
        "transit"
    }

    fn describe(&self) -> String {
        format!("the transit key `{}`", self.options.key)
    }

    async fn wrap(&self, key: &DataKey, context: &str) -> Result<String, KmsError> {
        let body = json!({
            "plaintext": STANDARD.encode(key.bytes()),
            "associated_data": STANDARD.encode(context),
        });
        let act = format!("encrypt/{}", self.name);
        let answer = self.call(Method::POST, &act, Some(body)).await;
        let answer = answer.map_err(|failure| self.failed(failure))?;
        Ok(self.text(&answer, "ciphertext")?.to_owned())
    }

    async fn unwrap(&self, wrapped: &str, context: &str) -> Result<DataKey, KmsError> {
        let body = json!({
            "ciphertext": wrapped,
            "associated_data": STANDARD.encode(context),
        });
        let act = format!("decrypt/{}", self.name);
        let answer = self.call(Method::POST, &act, Some(body)).await;
        let answer = answer.map_err(|failure| match failure {
            // The engine says 400 for what does not open, and 403 for who may not ask.
            Failure::Refused { code: 400, said } => KmsError::NotOpened { detail: said },
            failure => self.failed(failure),
        })?;
        let plain = Zeroizing::new(
            STANDARD
                .decode(self.text(&answer, "plaintext")?)
                .unwrap_or_default(),
        );
        DataKey::of(&plain).ok_or_else(|| KmsError::NotOpened {
            detail: "it is no data key".into(),
        })
    }

    async fn is_current(&self, wrapped: &str) -> Result<bool, KmsError> {
        let act = format!("keys/{}", self.name);
        let answer = self.call(Method::GET, &act, None).await;
        let answer = answer.map_err(|failure| self.failed(failure))?;
        let latest = self.field(&answer, "latest_version")?.as_u64();
        Ok(latest.is_some() && version(wrapped) == latest)
    }

    async fn renew(&self) -> Result<(), KmsError> {
        let act = format!("keys/{}/rotate", self.name);
        let answer = self.call(Method::POST, &act, None).await;
        answer.map(drop).map_err(|failure| self.failed(failure))
    }
}
