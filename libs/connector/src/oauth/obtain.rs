//! Tokens without a person: by the client's own credentials, by a signed statement about a user, or the
//! connection's secret itself. Source: RFC 6749 section 4.4, RFC 7523.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderValue, header};
use ports::Tokens;
use serde_json::{Map, Value};

use super::{OAuthClient, OAuthError, answer, misconfigured, statement};
use crate::manifest::auth::{Auth, GithubApp, JwtBearer, KeyNames, TokenEndpoint};
use crate::tokens::TokenUse;

/// How long a signed statement is good for.
const STATEMENT_LASTS: Duration = Duration::from_secs(300);
/// How much the clocks of both sides may differ.
const CLOCKS_DIFFER_S: i64 = 60;
const NO_KEY: &str = "the secret is not an RSA private key (PKCS#8, PEM)";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

impl OAuthClient {
    /// Gets tokens without a person: where `Connector::needs_consent` is false. A secret that is sent
    /// itself is its own token, and does not expire.
    ///
    /// # Errors
    /// `Misconfigured` when the connection has no secret, the secret is no key, or the service does
    /// not take it, or when a person must agree first; see [`OAuthError`].
    pub async fn obtain(&self, now: DateTime<Utc>) -> Result<Tokens, OAuthError> {
        self.obtain_for(&TokenUse::default(), now).await
    }

    /// The same for another of the connection's tokens: of another audience, about another user.
    ///
    /// # Errors
    /// As of [`Self::obtain`].
    pub async fn obtain_for(
        &self,
        of: &TokenUse,
        now: DateTime<Utc>,
    ) -> Result<Tokens, OAuthError> {
        let form = match self.auth() {
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
                let scope = self.scopes(endpoint.scopes_of(of.audience))?.join(" ");
                let scope = Some(("scope", scope)).filter(|(_, scope)| !scope.is_empty());
                let grant = ("grant_type", "client_credentials".to_owned());
                [grant].into_iter().chain(scope).collect()
            }
            Auth::JwtBearer(bearer) => vec![
                ("grant_type", JWT_BEARER.to_owned()),
                ("assertion", self.statement_about_user(bearer, of, now)?),
            ],
            Auth::GithubApp(app) => return self.installation_token(app, now).await,
        };
        let said = self.ask_token(form, now).await?;
        answer::read_tokens(said, self.endpoint()?, None, now).map(|(tokens, _)| tokens)
    }

    /// An app proves itself by a statement, and gets the token of one installation.
    async fn installation_token(
        &self,
        app: &GithubApp,
        now: DateTime<Utc>,
    ) -> Result<Tokens, OAuthError> {
        let mut claims = Map::new();
        claims.insert("iss".into(), self.text(&app.issuer, false)?.into());
        // The clock there may be behind ours: a statement of the future is not taken.
        claims.insert("iat".into(), (now.timestamp() - CLOCKS_DIFFER_S).into());
        claims.insert("exp".into(), (now.timestamp() + lasts_s()).into());
        let statement = statement::signed(self.secret()?.expose(), Map::new(), claims)
            .ok_or_else(|| misconfigured(NO_KEY))?;
        let mut call = self.written(&app.endpoint.token, Vec::new(), now)?;
        let bearer = HeaderValue::try_from(format!("Bearer {statement}"));
        let mut bearer = bearer.map_err(|_| misconfigured(NO_KEY))?;
        bearer.set_sensitive(true);
        call.credential = Some((header::AUTHORIZATION, bearer));
        let answer = self.egress.call(&self.reach, call).await?;
        self.judge(&answer, now)?;
        let said = answer::document(&answer)?;
        answer::read_tokens(said, &app.endpoint, None, now).map(|(tokens, _)| tokens)
    }

    fn statement_about_user(
        &self,
        bearer: &JwtBearer,
        of: &TokenUse,
        now: DateTime<Utc>,
    ) -> Result<String, OAuthError> {
        let mut claims = Map::new();
        claims.insert("iss".into(), self.text(&bearer.issuer, false)?.into());
        let own = bearer.subject.as_ref();
        let subject = match &of.subject {
            Some(subject) => Some(subject.clone()),
            None => own.map(|own| self.text(own, false)).transpose()?,
        };
        if let Some(subject) = subject {
            claims.insert("sub".into(), subject.into());
        }
        let scopes = self.scopes(bearer.endpoint.scopes_of(of.audience))?;
        if !scopes.is_empty() {
            claims.insert("scope".into(), scopes.join(" ").into());
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
        claims.insert("exp".into(), (now.timestamp() + lasts_s()).into());
        let mut names = Map::new();
        for (name, value) in &key.0 {
            names.insert((*name).to_owned(), self.text(value, false)?.into());
        }
        statement::signed(self.secret()?.expose(), names, claims)
            .ok_or_else(|| misconfigured(NO_KEY))
    }
}

fn lasts_s() -> i64 {
    i64::try_from(STATEMENT_LASTS.as_secs()).unwrap_or_default()
}
