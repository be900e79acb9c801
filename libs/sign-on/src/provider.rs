//! Speaks with the provider: discovery, the address to send browsers to, the exchange of the code.
//!
//! What the provider publishes is read when it is needed and kept for a while; keys are read again when a
//! statement names one that is not known, but not more often than once in [`AGAIN_AFTER`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connector::{CallError, KeySet, ProviderCalls, Unproved, challenge_of, proved_claims};
use event_model::Secret;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ports::{Clock, SignOn, SignOnError, SignOnTie, SignedOn};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::SignOnSettings;
use crate::claims::{groups_of, has_second_factor, name_of, subject_of};

/// What is published is read again after this long.
const KEPT_FOR: Duration = Duration::from_secs(3_600);
/// Keys are not read again before this long, whatever is asked.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// A provider of identities.
pub struct Provider {
    settings: SignOnSettings,
    secret: Option<Secret<String>>,
    redirect_uri: String,
    calls: ProviderCalls,
    clock: Arc<dyn Clock>,
    published: tokio::sync::Mutex<Option<Published>>,
}

/// What the provider publishes of itself. Source: OpenID Connect Discovery 1.0, section 3.
#[derive(Debug, Clone, Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Clone)]
struct Published {
    discovered: Arc<Discovered>,
    keys: Arc<KeySet>,
    read_at: Duration,
}

/// The answer to a code. Source: RFC 6749, section 5.1.
#[derive(Deserialize)]
struct Exchanged {
    id_token: String,
}

impl Provider {
    /// With those settings, which have no mistakes; browsers come back to `redirect_uri`.
    pub fn new(
        settings: SignOnSettings,
        secret: Option<Secret<String>>,
        redirect_uri: String,
        calls: ProviderCalls,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Provider {
            settings,
            secret,
            redirect_uri,
            calls,
            clock,
            published: tokio::sync::Mutex::default(),
        }
    }

    /// What is published; read again when it is older than `age`.
    async fn published(&self, age: Duration) -> Result<Published, SignOnError> {
        let mut kept = self.published.lock().await;
        let now = self.clock.monotonic();
        if let Some(kept) = kept
            .as_ref()
            .filter(|one| now.saturating_sub(one.read_at) < age)
        {
            return Ok(kept.clone());
        }
        let issuer = self.settings.issuer.trim_end_matches('/');
        let address = format!("{issuer}/.well-known/openid-configuration");
        let read = self.calls.read(&address).await.map_err(unavailable)?;
        let discovered: Discovered = serde_json::from_slice(&read)
            .map_err(|_| refused("it publishes nothing that reads"))?;
        // Otherwise one provider could speak for another.
        if discovered.issuer != self.settings.issuer {
            return Err(refused(
                "it publishes another issuer than the settings have",
            ));
        }
        let keys = self.calls.keys(&discovered.jwks_uri).await;
        let fresh = Published {
            discovered: Arc::new(discovered),
            keys: Arc::new(keys.map_err(unavailable)?),
            read_at: now,
        };
        *kept = Some(fresh.clone());
        Ok(fresh)
    }

    async fn exchange(
        &self,
        discovered: &Discovered,
        code: &Secret<String>,
        tie: &SignOnTie,
    ) -> Result<String, SignOnError> {
        let settings = &self.settings;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose().as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("code_verifier", tie.verifier.expose().as_str()),
        ];
        let secret = self.secret.as_ref().map(|secret| secret.expose().as_str());
        let methods = &discovered.token_endpoint_auth_methods_supported;
        let takes = |name: &str| methods.iter().any(|method| method == name);
        // Without a word on it, the header is what a provider takes.
        let by_form = takes("client_secret_post") && !takes("client_secret_basic");
        let basic = match secret {
            Some(secret) if !by_form => {
                // RFC 6749, section 2.3.1: each part is encoded as in a form.
                let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let pair = format!("{}:{}", part(&settings.client_id), part(secret));
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
            Some(secret) => {
                form.push(("client_id", &settings.client_id));
                form.push(("client_secret", secret));
                None
            }
            None => {
                form.push(("client_id", &settings.client_id));
                None
            }
        };
        let address = &discovered.token_endpoint;
        let answer = self.calls.send(address, &form, basic.as_deref()).await;
        let answer = answer.map_err(unavailable)?;
        let exchanged: Exchanged = serde_json::from_slice(&answer)
            .map_err(|_| refused("it gives no statement for the code"))?;
        Ok(exchanged.id_token)
    }

    async fn proved(&self, statement: &str) -> Result<Value, SignOnError> {
        let published = self.published(KEPT_FOR).await?;
        match proved_claims(&published.keys, statement) {
            // Its keys may have been changed since they were read.
            Err(Unproved::UnknownKey | Unproved::Signature) => {
                let again = self.published(AGAIN_AFTER).await?;
                proved_claims(&again.keys, statement)
            }
            proved => proved,
        }
        .map_err(|why| refused(&why.to_string()))
    }
}

#[async_trait]
impl SignOn for Provider {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn begin(&self, tie: &SignOnTie) -> Result<String, SignOnError> {
        let published = self.published(KEPT_FOR).await?;
        let address = &published.discovered.authorization_endpoint;
        let mut address =
            Url::parse(address).map_err(|_| refused("it has no address to send browsers to"))?;
        let same = Url::parse(&self.settings.issuer)
            .is_ok_and(|issuer| issuer.origin() == address.origin());
        if address.scheme() != "https" && !same {
            return Err(refused(
                "it sends browsers to an address that is not `https`",
            ));
        }
        let scopes: Vec<&str> = std::iter::once("openid")
            .chain(self.settings.scopes.iter().map(String::as_str))
            .collect();
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &tie.state)
            .append_pair("nonce", &tie.nonce)
            .append_pair("code_challenge", &challenge_of(tie.verifier.expose()))
            .append_pair("code_challenge_method", "S256");
        Ok(address.into())
    }

    async fn finish(
        &self,
        code: &Secret<String>,
        tie: &SignOnTie,
    ) -> Result<SignedOn, SignOnError> {
        let published = self.published(KEPT_FOR).await?;
        let statement = self.exchange(&published.discovered, code, tie).await?;
        let claims = self.proved(&statement).await?;
        let now = self.clock.now();
        let subject = subject_of(&claims, &self.settings, &tie.nonce, now).map_err(refused)?;
        let groups = groups_of(&claims, &self.settings.groups_claim);
        let (roles, scope) = self.settings.made_of(&groups);
        Ok(SignedOn {
            subject,
            name: name_of(&claims, &self.settings.name_claim),
            groups,
            roles,
            scope,
            second_factor: has_second_factor(&claims, &self.settings),
        })
    }
}

fn refused(detail: &str) -> SignOnError {
    SignOnError::Refused {
        detail: detail.to_owned(),
    }
}

fn unavailable(error: CallError) -> SignOnError {
    SignOnError::Unavailable {
        detail: error.to_string(),
    }
}
