//! Secrets as they are sealed, each bound to its row: a sealed value copied to another row does not
//! open there. The forms are the same in every store, so that rows can be moved as they are.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use event_model::{AccountId, ConnectionId, Secret};
use ports::{
    Claimed, Credentials, Entropy, KeptAnswer, OnceAsked, PendingConsent, SecondFactor, StoreError,
    Tokens, WEBHOOK_SECRETS_MAX, WebhookSecret,
};
use ring::digest::{SHA256, digest};
use sealing::{NONCE_BYTES, Sealer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::corrupt;
use crate::instants::{instant, micros};

/// Seals and opens what rows hold.
pub struct RowSealer {
    sealer: Sealer,
    entropy: Arc<dyn Entropy>,
}

/// [`Tokens`] as they are sealed.
#[derive(Serialize, Deserialize)]
struct SealedTokens {
    access_token: String,
    refresh_token: Option<String>,
    expires_at_us: Option<i64>,
    scope: Option<String>,
}

/// A [`WebhookSecret`] as it is sealed.
#[derive(Serialize, Deserialize)]
struct SealedSecret {
    secret: String,
    not_after_us: Option<i64>,
}

/// A [`PendingConsent`] as it is sealed.
#[derive(Serialize, Deserialize)]
struct SealedConsent {
    connection_id: ConnectionId,
    code_verifier: String,
    redirect_uri: String,
    expires_at_us: i64,
}

/// A [`KeptAnswer`] as it is sealed.
#[derive(Serialize, Deserialize)]
struct SealedAnswer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// [`Credentials`] as they are sealed.
#[derive(Serialize, Deserialize)]
struct SealedCredentials {
    password: Option<String>,
    second_factor: Option<SealedFactor>,
    enrolling: Option<String>,
}

/// A [`SecondFactor`] as it is sealed.
#[derive(Serialize, Deserialize)]
struct SealedFactor {
    secret: String,
    step: u64,
    recovery: Vec<String>,
}

fn answer_context(asked: OnceAsked<'_>) -> String {
    format!("answer/{}/{}", asked.key, asked.owner)
}

/// The `state` of a consent is a bearer secret of the callback: only its hash is stored.
pub fn state_hash(state: &str) -> String {
    hex::encode(digest(&SHA256, state.as_bytes()))
}

fn exposed(secret: &Secret<String>) -> String {
    secret.expose().clone()
}

impl RowSealer {
    /// With those keys and that chance.
    pub fn new(sealer: Sealer, entropy: Arc<dyn Entropy>) -> Self {
        RowSealer { sealer, entropy }
    }

    fn seal<T: Serialize>(&self, context: &str, value: &T) -> Vec<u8> {
        let plain = serde_json::to_vec(value).expect("what is sealed has no failing Serialize");
        self.seal_bytes(context, &plain)
    }

    fn seal_bytes(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        self.entropy.fill(&mut nonce);
        self.sealer.seal(context, plain, nonce)
    }

    fn open<T: DeserializeOwned>(&self, context: &str, sealed: &[u8]) -> Result<T, StoreError> {
        let plain = self.sealer.open(context, sealed);
        let plain = plain.map_err(corrupt("secret"))?;
        // The parser's message could quote what it read.
        serde_json::from_slice(&plain).map_err(|_| corrupt("secret")("it has another form"))
    }

    /// Seals an answer that is kept.
    pub fn seal_answer(&self, asked: OnceAsked<'_>, answer: &KeptAnswer) -> Vec<u8> {
        let sealed = SealedAnswer {
            status: answer.status,
            headers: answer.headers.clone(),
            body: hex::encode(&answer.body),
        };
        self.seal(&answer_context(asked), &sealed)
    }

    /// What the row of a key says to who asks under it.
    ///
    /// # Errors
    /// `Corrupt` when the answer does not open or read.
    pub fn claimed(
        &self,
        asked: OnceAsked<'_>,
        request: &str,
        sealed: Option<&[u8]>,
    ) -> Result<Claimed, StoreError> {
        let sealed = match sealed {
            _ if request != asked.request => return Ok(Claimed::Other),
            None => return Ok(Claimed::Begun),
            Some(sealed) => sealed,
        };
        let opened: SealedAnswer = self.open(&answer_context(asked), sealed)?;
        Ok(Claimed::Answered(KeptAnswer {
            status: opened.status,
            headers: opened.headers,
            body: hex::decode(opened.body).map_err(corrupt("answer"))?,
        }))
    }

    /// Seals the definition of a detector: who has a salt can guess what its hashes are of.
    pub fn seal_detector(&self, name: &str, definition: &str) -> Vec<u8> {
        self.seal_bytes(&format!("detector/{name}"), definition.as_bytes())
    }

    /// Opens the definition of a detector.
    ///
    /// # Errors
    /// `Corrupt` when it does not open.
    pub fn open_detector(&self, name: &str, sealed: &[u8]) -> Result<String, StoreError> {
        let plain = self.sealer.open(&format!("detector/{name}"), sealed);
        let plain = plain.map_err(corrupt("detector"))?;
        let text = std::str::from_utf8(&plain).map_err(corrupt("detector"))?;
        Ok(text.to_owned())
    }

    /// Seals a connection's tokens.
    pub fn seal_tokens(&self, id: ConnectionId, tokens: &Tokens) -> Vec<u8> {
        let sealed = SealedTokens {
            access_token: exposed(&tokens.access_token),
            refresh_token: tokens.refresh_token.as_ref().map(exposed),
            expires_at_us: tokens.expires_at.map(micros),
            scope: tokens.scope.clone(),
        };
        self.seal(&format!("grant/{id}"), &sealed)
    }

    /// Opens a connection's tokens.
    ///
    /// # Errors
    /// `Corrupt` when they do not open or read.
    pub fn open_tokens(&self, id: ConnectionId, sealed: &[u8]) -> Result<Tokens, StoreError> {
        let opened: SealedTokens = self.open(&format!("grant/{id}"), sealed)?;
        Ok(Tokens {
            access_token: Secret::new(opened.access_token),
            refresh_token: opened.refresh_token.map(Secret::new),
            expires_at: opened.expires_at_us.map(instant).transpose()?,
            scope: opened.scope,
        })
    }

    /// Seals a connection's client secret.
    pub fn seal_client_secret(&self, id: ConnectionId, secret: &Secret<String>) -> Vec<u8> {
        self.seal(&format!("client-secret/{id}"), &exposed(secret))
    }

    /// Opens a connection's client secret.
    ///
    /// # Errors
    /// `Corrupt` when it does not open or read.
    pub fn open_client_secret(
        &self,
        id: ConnectionId,
        sealed: &[u8],
    ) -> Result<Secret<String>, StoreError> {
        let opened = self.open(&format!("client-secret/{id}"), sealed);
        opened.map(Secret::new)
    }

    /// Seals a connection's webhook secrets. Those beyond [`WEBHOOK_SECRETS_MAX`], the oldest, are
    /// not kept.
    pub fn seal_webhook_secrets(&self, id: ConnectionId, secrets: &[WebhookSecret]) -> Vec<u8> {
        let kept: Vec<SealedSecret> = secrets
            .iter()
            .take(WEBHOOK_SECRETS_MAX)
            .map(|one| SealedSecret {
                secret: exposed(&one.secret),
                not_after_us: one.not_after.map(micros),
            })
            .collect();
        self.seal(&format!("webhook-secrets/{id}"), &kept)
    }

    /// Opens a connection's webhook secrets.
    ///
    /// # Errors
    /// `Corrupt` when they do not open or read.
    pub fn open_webhook_secrets(
        &self,
        id: ConnectionId,
        sealed: &[u8],
    ) -> Result<Vec<WebhookSecret>, StoreError> {
        let opened: Vec<SealedSecret> = self.open(&format!("webhook-secrets/{id}"), sealed)?;
        let secret = |one: SealedSecret| {
            Ok(WebhookSecret {
                secret: Secret::new(one.secret),
                not_after: one.not_after_us.map(instant).transpose()?,
            })
        };
        opened.into_iter().map(secret).collect()
    }

    /// Seals what proves a person.
    pub fn seal_credentials(&self, id: AccountId, credentials: &Credentials) -> Vec<u8> {
        let sealed = SealedCredentials {
            password: credentials.password.as_ref().map(exposed),
            second_factor: credentials.second_factor.as_ref().map(|one| SealedFactor {
                secret: hex::encode(one.secret.expose()),
                step: one.step,
                recovery: one.recovery.clone(),
            }),
            enrolling: credentials
                .enrolling
                .as_ref()
                .map(|secret| hex::encode(secret.expose())),
        };
        self.seal(&format!("credentials/{id}"), &sealed)
    }

    /// Opens what proves a person.
    ///
    /// # Errors
    /// `Corrupt` when it does not open or read.
    pub fn open_credentials(
        &self,
        id: AccountId,
        sealed: &[u8],
    ) -> Result<Credentials, StoreError> {
        let opened: SealedCredentials = self.open(&format!("credentials/{id}"), sealed)?;
        let bytes = |text: String| {
            let bytes = hex::decode(text).map_err(|_| corrupt("secret")("it is not hex"))?;
            Ok::<_, StoreError>(Secret::new(bytes))
        };
        let factor = |one: SealedFactor| {
            Ok::<_, StoreError>(SecondFactor {
                secret: bytes(one.secret)?,
                step: one.step,
                recovery: one.recovery,
            })
        };
        Ok(Credentials {
            password: opened.password.map(Secret::new),
            second_factor: opened.second_factor.map(factor).transpose()?,
            enrolling: opened.enrolling.map(bytes).transpose()?,
        })
    }

    /// Seals a consent under the hash of its `state`.
    pub fn seal_consent(&self, state_hash: &str, consent: &PendingConsent) -> Vec<u8> {
        let sealed = SealedConsent {
            connection_id: consent.connection_id,
            code_verifier: exposed(&consent.code_verifier),
            redirect_uri: consent.redirect_uri.clone(),
            expires_at_us: micros(consent.expires_at),
        };
        self.seal(&format!("consent/{state_hash}"), &sealed)
    }

    /// Opens a consent that has not expired.
    ///
    /// # Errors
    /// `Corrupt` when it does not open or read, or its row said that it had not expired.
    pub fn open_consent(
        &self,
        state_hash: &str,
        sealed: &[u8],
        now: DateTime<Utc>,
    ) -> Result<PendingConsent, StoreError> {
        let opened: SealedConsent = self.open(&format!("consent/{state_hash}"), sealed)?;
        let expires_at = instant(opened.expires_at_us)?;
        if expires_at <= now {
            return Err(corrupt("consent")("its expiry was changed"));
        }
        Ok(PendingConsent {
            connection_id: opened.connection_id,
            code_verifier: Secret::new(opened.code_verifier),
            redirect_uri: opened.redirect_uri,
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what was once written, and writes it as it was.
    fn survives<T: Serialize + DeserializeOwned>(written: &str) {
        let read: T = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
    }

    #[test]
    fn what_was_sealed_before_is_still_read() {
        survives::<SealedTokens>(
            r#"{"access_token":"a","refresh_token":null,"expires_at_us":60000000,"scope":"files"}"#,
        );
        survives::<SealedSecret>(r#"{"secret":"s","not_after_us":null}"#);
        survives::<SealedCredentials>(
            r#"{"password":"$argon2id$","second_factor":{"secret":"00ff","step":7,"recovery":["a"]},"enrolling":null}"#,
        );
        survives::<SealedAnswer>(r#"{"status":201,"headers":[["etag","1"]],"body":"7b7d"}"#);
        survives::<SealedConsent>(
            r#"{"connection_id":"conn_01HF7YAM6800000000000000G1","code_verifier":"v","redirect_uri":"http://here","expires_at_us":60000000}"#,
        );
    }
}
