//! A POST for each event, signed. Source: Standard Webhooks 1.0.0, "Signature scheme": HMAC-SHA256 over
//! `id.timestamp.body`, the secret as `whsec_` and base64.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ports::Clock;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use ring::hmac;
use url::Url;

use super::{DeliveryError, OneByOne, http};
use crate::{Told, settings};

/// Shortest secret, in bytes. Source: Standard Webhooks 1.0.0: between 24 and 64 bytes.
const SECRET_BYTES_MIN: usize = 24;

pub(super) struct Hook {
    client: Client,
    url: Url,
    key: hmac::Key,
    clock: Arc<dyn Clock>,
}

impl Hook {
    pub(super) fn new(
        settings: &settings::Webhook,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let secret = settings.secret.read()?;
        let text = secret.strip_prefix("whsec_").unwrap_or(&secret);
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| "the secret is not `whsec_` and base64")?;
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(format!(
                "the secret has {} bytes, fewer than {SECRET_BYTES_MIN}",
                bytes.len()
            ));
        }
        Ok(Hook {
            client: http::client(settings.ca_file.as_deref())?,
            url: settings.url.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
            clock: Arc::clone(clock),
        })
    }
}

#[async_trait]
impl OneByOne for Hook {
    async fn deliver_one(&mut self, event: &Told) -> Result<(), DeliveryError> {
        // Of this try: receivers hold it against their clock.
        let at = self.clock.now().timestamp().to_string();
        let mut signing = hmac::Context::with_key(&self.key);
        for part in [
            event.id().as_bytes(),
            b".",
            at.as_bytes(),
            b".",
            event.json(),
        ] {
            signing.update(part);
        }
        let signature = format!("v1,{}", STANDARD.encode(signing.sign()));
        let request = self
            .client
            .post(self.url.clone())
            .header("webhook-id", event.id())
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .header(CONTENT_TYPE, "application/json")
            .body(event.json().clone());
        http::send(request).await.map(drop)
    }
}
