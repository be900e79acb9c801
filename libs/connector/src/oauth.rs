//! Where tokens come from: OAuth 2.0 by a code with PKCE, by the client's own credentials, by a signed
//! statement; or the connection's secret itself. Source: RFC 6749, RFC 7636, RFC 7009, RFC 7523.
//!
//! The address of the consent page and the PKCE challenge are made by the `oauth2` crate. Token
//! answers are read here, because services answer in many ways: numbers as texts, no `token_type`,
//! errors under 400, 401, 403 or 409. Nothing of a secret gets into an error.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use event_model::{Connection, Secret};
use http::{HeaderMap, HeaderValue, Method, header};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use ports::{Entropy, Tokens};
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::call::CallError;
use crate::connector::Connector;
use crate::egress::{Answer, Call, Egress, Reach};
use crate::manifest::auth::{Auth, ClientAuth, OauthCode, TokenEndpoint};
use crate::scope::{self, scalar};
use crate::template::Template;
use crate::throttle;
use crate::tokens::TokenUse;

mod answer;
mod obtain;
mod statement;

const CLIENT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Largest answer of a token endpoint, in bytes.
const TOKEN_BYTES_MAX: usize = 256 * 1024;
/// Longest text of a service that is repeated in an error, in characters.
const DETAIL_CHARS_MAX: usize = 200;
/// Patience when a token endpoint says "too many" and not how long.
const DEFAULT_RETRY: Duration = Duration::from_secs(30);

/// Why there are no tokens.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OAuthError {
    /// The code or the refresh token is no longer taken: consent is needed again.
    #[error("the service no longer takes the grant: {reason}")]
    GrantDead {
        /// What it said.
        reason: String,
    },
    /// Too many requests.
    #[error("the token endpoint asks for {}s of patience", retry_after.as_secs())]
    Throttled {
        /// Not before this long.
        retry_after: Duration,
    },
    /// It does not answer, or says that it cannot.
    #[error("the token endpoint is not available: {detail}")]
    Unavailable {
        /// What was seen.
        detail: String,
    },
    /// The OAuth client or the manifest is not as the service expects.
    #[error("the OAuth client is not set up: {detail}")]
    Misconfigured {
        /// What it said.
        detail: String,
    },
    /// The answer cannot be read.
    #[error("the token endpoint's answer is not in its form: {detail}")]
    Malformed {
        /// What is wrong.
        detail: String,
    },
}

impl From<CallError> for OAuthError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Throttled { retry_after } => OAuthError::Throttled { retry_after },
            CallError::Unavailable { detail } => OAuthError::Unavailable { detail },
            CallError::Malformed { detail } => OAuthError::Malformed { detail },
            other => OAuthError::Misconfigured {
                detail: other.to_string(),
            },
        }
    }
}

/// A fresh PKCE verifier and its S256 challenge.
pub fn pkce(entropy: &dyn Entropy) -> (Secret<String>, String) {
    let mut bytes = [0u8; 32];
    entropy.fill(&mut bytes);
    let verifier = PkceCodeVerifier::new(URL_SAFE_NO_PAD.encode(bytes));
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    (
        Secret::new(verifier.into_secret()),
        challenge.as_str().to_owned(),
    )
}

/// The S256 challenge of a PKCE verifier.
pub fn challenge_of(verifier: &str) -> String {
    let verifier = PkceCodeVerifier::new(verifier.to_owned());
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    challenge.as_str().to_owned()
}

/// Asks for a connection's tokens.
pub struct OAuthClient {
    connector: Arc<Connector>,
    connection: Connection,
    client_secret: Option<Secret<String>>,
    egress: Egress,
    reach: Reach,
}

impl Connector {
    /// What gets tokens; none when the service is never called, or its tokens are for a client and
    /// the connection has none. `client_secret` is the connection's secret, whatever the kind: an
    /// OAuth client's, a private key in PEM, an API key, a password.
    pub fn oauth(
        self: &Arc<Self>,
        connection: &Connection,
        client_secret: Option<Secret<String>>,
        egress: &Egress,
    ) -> Option<OAuthClient> {
        match self.auth_of(connection) {
            Auth::None => return None,
            auth if auth.endpoint().is_some() => drop(connection.client_id.as_ref()?),
            _ => {}
        }
        let hosts = self.http.as_ref().map(|http| http.hosts.as_slice());
        Some(OAuthClient {
            reach: Reach::new(hosts.unwrap_or_default(), connection.base_url.as_deref()),
            connector: Arc::clone(self),
            connection: connection.clone(),
            client_secret,
            egress: egress.clone(),
        })
    }
}

impl OAuthClient {
    fn auth(&self) -> &Auth {
        self.connector.auth_of(&self.connection)
    }

    fn endpoint(&self) -> Result<&TokenEndpoint, OAuthError> {
        let endpoint = self.auth().endpoint();
        endpoint.ok_or_else(|| misconfigured("the service has no token endpoint"))
    }

    fn code(&self) -> Result<&OauthCode, OAuthError> {
        match self.auth() {
            Auth::OauthCode(code) => Ok(code),
            _ => Err(misconfigured("the service has no consent page")),
        }
    }

    fn secret(&self) -> Result<&Secret<String>, OAuthError> {
        let secret = self.client_secret.as_ref();
        let secret = secret.filter(|secret| !secret.expose().is_empty());
        secret.ok_or_else(|| misconfigured("the connection has no secret"))
    }

    fn client_id(&self) -> &str {
        self.connection.client_id.as_deref().unwrap_or_default()
    }

    fn text(&self, template: &Template, url: bool) -> Result<String, OAuthError> {
        let params = self.connector.params_of(&self.connection);
        let scope = scope::Scope::new(&self.connection, &params);
        let text = if url {
            template.url(&scope)
        } else {
            template.text(&scope)
        };
        text.map_err(|missing| OAuthError::Misconfigured {
            detail: missing.to_string(),
        })
    }

    /// The address of the consent page. `state` must be kept and compared when the answer comes;
    /// `code_challenge` is of [`pkce`].
    ///
    /// # Errors
    /// When the connection lacks a parameter of it, or the address is none.
    pub fn authorize_url(
        &self,
        redirect_uri: &str,
        state: &str,
        code_challenge: &str,
    ) -> Result<String, OAuthError> {
        let oauth = self.code()?;
        let broken = |what: &str| OAuthError::Misconfigured {
            detail: format!("{what} is not an address"),
        };
        let authorize = AuthUrl::new(self.text(&oauth.authorize, true)?)
            .map_err(|_| broken("the consent page"))?;
        let redirect =
            RedirectUrl::new(redirect_uri.to_owned()).map_err(|_| broken("the redirect URI"))?;
        let client = BasicClient::new(ClientId::new(self.client_id().to_owned()))
            .set_auth_uri(authorize)
            .set_redirect_uri(redirect);
        let mut request = client
            .authorize_url(|| CsrfToken::new(state.to_owned()))
            .add_scopes(
                self.scopes(&oauth.endpoint.scopes)?
                    .into_iter()
                    .map(Scope::new),
            );
        if oauth.pkce {
            request = request
                .add_extra_param("code_challenge", code_challenge.to_owned())
                .add_extra_param("code_challenge_method", "S256");
        }
        for (name, value) in &oauth.authorize_extra {
            request = request.add_extra_param(name.clone(), self.text(value, false)?);
        }
        Ok(request.url().0.into())
    }

    /// Exchanges the code for tokens; gives what else the service said beside them, such as the
    /// tenant's id.
    ///
    /// # Errors
    /// `GrantDead` when the code is not taken; see [`OAuthError`].
    pub async fn exchange(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &Secret<String>,
        now: DateTime<Utc>,
    ) -> Result<(Tokens, Map<String, Value>), OAuthError> {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", redirect_uri.to_owned()),
        ];
        if self.code()?.pkce {
            form.push(("code_verifier", verifier.expose().clone()));
        }
        let answer = self.ask_token(form, now).await?;
        answer::read_tokens(answer, self.endpoint()?, None, now)
    }

    fn scopes(&self, templates: &[Template]) -> Result<Vec<String>, OAuthError> {
        let texts = templates.iter().map(|template| self.text(template, false));
        texts.collect()
    }

    /// Asks for the next tokens. Where no person agrees, that is [`Self::obtain`] again. When the service rotates refresh tokens, the old one is dead
    /// afterwards: keep the new ones durably, and let one asker at a time in.
    ///
    /// # Errors
    /// `GrantDead` when there is no refresh token, or it is not taken; see [`OAuthError`].
    pub async fn refresh(&self, tokens: &Tokens, now: DateTime<Utc>) -> Result<Tokens, OAuthError> {
        self.refresh_for(tokens, &TokenUse::default(), now).await
    }

    /// The same for another of the connection's tokens. Where a person agreed once for all audiences,
    /// the refresh token in the answer is the next of the one grant.
    ///
    /// # Errors
    /// As of [`Self::refresh`].
    pub async fn refresh_for(
        &self,
        tokens: &Tokens,
        of: &TokenUse,
        now: DateTime<Utc>,
    ) -> Result<Tokens, OAuthError> {
        if !self.connector.needs_consent(&self.connection) {
            return self.obtain_for(of, now).await;
        }
        let Some(refresh) = &tokens.refresh_token else {
            return Err(OAuthError::GrantDead {
                reason: "the service gave no refresh token".into(),
            });
        };
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh.expose().clone()),
        ];
        let endpoint = self.endpoint()?;
        if of.audience.is_some() {
            let scopes = self.scopes(endpoint.scopes_of(of.audience))?;
            form.push(("scope", scopes.join(" ")));
        }
        let answer = self.ask_token(form, now).await?;
        answer::read_tokens(answer, endpoint, Some(tokens), now).map(|(tokens, _)| tokens)
    }

    /// Revokes the grant at the service. Where the manifest has no revocation, nothing is done.
    ///
    /// # Errors
    /// See [`OAuthError`]; a token that is unknown to the service is revoked already.
    pub async fn revoke(&self, tokens: &Tokens, now: DateTime<Utc>) -> Result<(), OAuthError> {
        let endpoint = self.auth().endpoint();
        let Some(revoke) = endpoint.and_then(|endpoint| endpoint.revoke.as_ref()) else {
            return Ok(());
        };
        let token = tokens
            .refresh_token
            .as_ref()
            .unwrap_or(&tokens.access_token);
        let form = vec![("token", token.expose().clone())];
        let answer = self.post(revoke, form, now).await?;
        match self.judge(&answer, now) {
            Ok(()) | Err(OAuthError::GrantDead { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Where the token endpoint's answer names the tenant, its id.
    pub fn tenant_id(&self, extra: &Map<String, Value>) -> Option<String> {
        let extra = Value::Object(extra.clone());
        let places = self.auth().endpoint()?.tenant_id.iter();
        let mut found = places.filter_map(|place| scalar(place.of(&extra)?).map(Cow::into_owned));
        found.next()
    }

    async fn ask_token(
        &self,
        mut form: Vec<(&str, String)>,
        now: DateTime<Utc>,
    ) -> Result<Value, OAuthError> {
        let endpoint = self.endpoint()?;
        for (name, value) in &endpoint.token_extra {
            form.push((name, self.text(value, false)?));
        }
        let answer = self.post(&endpoint.token, form, now).await?;
        self.judge(&answer, now)?;
        answer::document(&answer)
    }

    async fn post(
        &self,
        to: &Template,
        form: Vec<(&str, String)>,
        now: DateTime<Utc>,
    ) -> Result<Answer, OAuthError> {
        let call = self.written(to, form, now)?;
        Ok(self.egress.call(&self.reach, call).await?)
    }

    /// A form with the client's credentials where the manifest wants them.
    fn written(
        &self,
        to: &Template,
        form: Vec<(&str, String)>,
        now: DateTime<Utc>,
    ) -> Result<Call, OAuthError> {
        let url = Url::parse(&self.text(to, true)?).map_err(|_| OAuthError::Misconfigured {
            detail: "the token endpoint is not an address".into(),
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let endpoint = self.endpoint()?;
        if let (ClientAuth::Basic, Some(secret)) = (&endpoint.client, &self.client_secret) {
            headers.insert(header::AUTHORIZATION, basic(self.client_id(), secret));
        }
        Ok(Call {
            method: Method::POST,
            url,
            headers,
            body: Some(self.body(endpoint, form, now)?),
            credential: None,
            bytes_max: TOKEN_BYTES_MAX,
        })
    }

    /// The form, with the client's credentials unless they stand in a header.
    fn body(
        &self,
        endpoint: &TokenEndpoint,
        form: Vec<(&str, String)>,
        now: DateTime<Utc>,
    ) -> Result<Vec<u8>, OAuthError> {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form);
        match (&endpoint.client, &self.client_secret) {
            (ClientAuth::Basic, Some(_)) | (ClientAuth::Nothing, _) => {}
            (ClientAuth::PrivateKeyJwt(key), _) => {
                let id = Value::from(self.client_id());
                let claims = [("iss", id.clone()), ("sub", id)];
                let claims = claims.map(|(name, value)| (name.to_owned(), value));
                let statement = self.statement(endpoint, key, claims.into_iter().collect(), now)?;
                body.append_pair("client_id", self.client_id());
                body.append_pair("client_assertion_type", CLIENT_ASSERTION);
                body.append_pair("client_assertion", &statement);
            }
            (ClientAuth::Basic | ClientAuth::Body, secret) => {
                body.append_pair("client_id", self.client_id());
                if let Some(secret) = secret {
                    body.append_pair("client_secret", secret.expose());
                }
            }
        }
        Ok(body.finish().into_bytes())
    }

    /// Success, or what the answer means.
    fn judge(&self, answer: &Answer, now: DateTime<Utc>) -> Result<(), OAuthError> {
        let status = answer.status.as_u16();
        let said = answer::document(answer).unwrap_or(Value::Null);
        let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default();
        // Some services answer 200 with an error.
        let error = match said.get("error") {
            Some(Value::String(word)) => word.as_str(),
            _ if answer.status.is_success() => return Ok(()),
            _ => "",
        };
        let detail = short(&format!(
            "status {status} {error} {}",
            text("error_description")
        ));
        let params = self.connector.params_of(&self.connection);
        let scope = scope::Scope::new(&self.connection, &params);
        if let Some(http) = &self.connector.http
            && let Some(patience) = throttle::asked_for(&http.throttle, answer, &scope, now)
        {
            let retry_after = patience.at_first();
            return Err(OAuthError::Throttled { retry_after });
        }
        Err(match (status, error) {
            (429, _) => OAuthError::Throttled {
                retry_after: DEFAULT_RETRY,
            },
            (500.., _) => OAuthError::Unavailable { detail },
            (_, error) if self.is_dead(error) => OAuthError::GrantDead { reason: detail },
            _ => OAuthError::Misconfigured { detail },
        })
    }

    fn is_dead(&self, error: &str) -> bool {
        let endpoint = self.auth().endpoint();
        endpoint.is_some_and(|endpoint| endpoint.dead.iter().any(|word| word == error))
    }
}

fn misconfigured(detail: &str) -> OAuthError {
    OAuthError::Misconfigured {
        detail: detail.to_owned(),
    }
}

/// HTTP Basic with both parts form-encoded first. Source: RFC 6749 section 2.3.1.
fn basic(id: &str, secret: &Secret<String>) -> HeaderValue {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret.expose()));
    let value = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(value).expect("base64 is ASCII");
    value.set_sensitive(true);
    value
}

/// A service's words, cut short and on one line.
pub(crate) fn short(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let clean = words.join(" ");
    clean
        .chars()
        .filter(|c| !c.is_control())
        .take(DETAIL_CHARS_MAX)
        .collect()
}
