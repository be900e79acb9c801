//! Tokens without a person: by the client's own credentials, by a signed statement about a user, or the
//! connection's secret itself. Source: RFC 6749 section 4.4, RFC 7523.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ports::Tokens;
use serde_json::{Map, Value};

use super::{OAuthClient, OAuthError, misconfigured, read_tokens, statement};
use crate::manifest::auth::{Auth, JwtBearer, KeyNames, TokenEndpoint};

/// How long a signed statement is good for.
const STATEMENT_LASTS: Duration = Duration::from_secs(300);
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

impl OAuthClient {
    /// Gets tokens without a person: where `Connector::needs_consent` is false. A secret that is sent
    /// itself is its own token, and does not expire.
    ///
    /// # Errors
    /// `Misconfigured` when the connection has no secret, the secret is no key, or the service does
    /// not take it, or when a person must agree first; see [`OAuthError`].
    pub async fn obtain(&self, now: DateTime<Utc>) -> Result<Tokens, OAuthError> {
        let form = match &self.connector.auth {
            Auth::OauthCode(_) | Auth::None => {
                return Err(misconfigured("a person must agree first"));
            }
            Auth::ApiKey { .. } | Auth::Basic { .. } => {
                return Ok(Tokens {
                    access_token: self.secret()?.clone(),
                    refresh_token: None,
                    expires_at: None,
                    scope: None,
                });
            }
            Auth::ClientCredentials(endpoint) => {
                self.secret()?;
                let scope = endpoint.scopes.join(" ");
                let scope = Some(("scope", scope)).filter(|(_, scope)| !scope.is_empty());
                let grant = ("grant_type", "client_credentials".to_owned());
                [grant].into_iter().chain(scope).collect()
            }
            Auth::JwtBearer(bearer) => vec![
                ("grant_type", JWT_BEARER.to_owned()),
                ("assertion", self.statement_about_user(bearer, now)?),
            ],
        };
        let answer = self.ask_token(form, now).await?;
        read_tokens(answer, None, now).map(|(tokens, _)| tokens)
    }

    fn statement_about_user(
        &self,
        bearer: &JwtBearer,
        now: DateTime<Utc>,
    ) -> Result<String, OAuthError> {
        let mut claims = Map::new();
        claims.insert("iss".into(), self.text(&bearer.issuer, false)?.into());
        if let Some(subject) = &bearer.subject {
            claims.insert("sub".into(), self.text(subject, false)?.into());
        }
        if !bearer.endpoint.scopes.is_empty() {
            claims.insert("scope".into(), bearer.endpoint.scopes.join(" ").into());
        }
        self.statement(&bearer.endpoint, &bearer.key, claims, now)
    }

    /// A statement for the token endpoint, signed, for [`STATEMENT_LASTS`].
    pub(super) fn statement(
        &self,
        endpoint: &TokenEndpoint,
        key: &KeyNames,
        mut claims: Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<String, OAuthError> {
        claims.insert("aud".into(), self.text(&endpoint.token, true)?.into());
        claims.insert("iat".into(), now.timestamp().into());
        let lasts = i64::try_from(STATEMENT_LASTS.as_secs()).unwrap_or_default();
        claims.insert("exp".into(), (now.timestamp() + lasts).into());
        let mut names = Map::new();
        for (name, value) in &key.0 {
            names.insert((*name).to_owned(), self.text(value, false)?.into());
        }
        statement::signed(self.secret()?.expose(), names, claims)
            .ok_or_else(|| misconfigured("the secret is not an RSA private key (PKCS#8, PEM)"))
    }
}
