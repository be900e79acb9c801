//! The way to a provider of identities, guarded as calls to services are: to the address that an
//! administrator typed, and to the public ones that the provider names; with bounded answers.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use url::Url;

use crate::call::CallError;
use crate::egress::{Call, Egress, Reach};
use crate::manifest::http::HostPattern;
use crate::receiver::keys::KeySet;

/// Largest answer of a provider, in bytes.
pub const PROVIDER_BYTES_MAX: usize = 512 * 1024;

/// Calls to one provider.
#[derive(Clone)]
pub struct ProviderCalls {
    egress: Egress,
    base: String,
}

impl ProviderCalls {
    /// To the provider of that address: the one that an administrator typed.
    pub fn new(egress: Egress, base: String) -> Self {
        ProviderCalls { egress, base }
    }

    /// Reads an address of the provider.
    ///
    /// # Errors
    /// When it may not be called, does not answer, or answers no success; see [`CallError`].
    pub async fn read(&self, address: &str) -> Result<Bytes, CallError> {
        self.call(address, Method::GET, None, None).await
    }

    /// Reads the provider's keys.
    ///
    /// # Errors
    /// As [`Self::read`], and when they are no set of keys.
    pub async fn keys(&self, address: &str) -> Result<KeySet, CallError> {
        KeySet::read(&self.read(address).await?).map_err(CallError::malformed)
    }

    /// Sends a form, with what proves who sends it in the header `authorization`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn send(
        &self,
        address: &str,
        form: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> Result<Bytes, CallError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let credential = match authorization {
            None => None,
            Some(text) => {
                let value = HeaderValue::from_str(text);
                let mut value =
                    value.map_err(|_| CallError::malformed("the client is no header"))?;
                value.set_sensitive(true);
                Some((header::AUTHORIZATION, value))
            }
        };
        self.call(address, Method::POST, Some(body.into_bytes()), credential)
            .await
    }

    async fn call(
        &self,
        address: &str,
        method: Method,
        body: Option<Vec<u8>>,
        credential: Option<(http::HeaderName, HeaderValue)>,
    ) -> Result<Bytes, CallError> {
        let url = Url::parse(address).map_err(|_| CallError::malformed("that is no address"))?;
        let named = url.host_str().zip(url.port_or_known_default());
        let named = named.map(|(host, port)| HostPattern::Exact(host.to_lowercase(), port));
        let hosts: Vec<HostPattern> = named.into_iter().chain([HostPattern::Base]).collect();
        let reach = Reach::new(&hosts, Some(&self.base));
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if body.is_some() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(header::CONTENT_TYPE, form);
        }
        let call = Call {
            method,
            url,
            headers,
            body,
            credential,
            bytes_max: PROVIDER_BYTES_MAX,
        };
        let answer = self.egress.call(&reach, call).await?;
        match answer.status.is_success() {
            true => Ok(answer.body),
            false => Err(CallError::Unavailable {
                detail: format!("it answers with status {}", answer.status.as_u16()),
            }),
        }
    }
}
