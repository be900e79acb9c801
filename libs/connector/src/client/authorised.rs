//! Calls with a token: the one that the host takes, about the user whom the request is made for. A token
//! that is refused is replaced once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use event_model::Secret;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use url::Url;

use crate::call::CallError;
use crate::client::{ServiceClient, said, written};
use crate::egress::{Answer, Call, Take};
use crate::json;
use crate::manifest::auth::Auth;
use crate::manifest::http::Http;
use crate::manifest::step::Request;
use crate::scope::Scope;
use crate::tokens::TokenUse;

/// Largest answer that is looked into for an error under a success, in bytes.
const DEAD_BYTES_MAX: usize = 64 * 1024;

impl ServiceClient {
    /// The same request at another address, which the allow-list decides about.
    pub(super) async fn send_to(
        &self,
        url: Url,
        request: &Request,
        scope: &Scope<'_>,
        bytes_max: usize,
    ) -> Result<Answer, CallError> {
        let extra = HeaderMap::new();
        let take = Take::Bytes(bytes_max);
        self.exchange(url, request, scope, extra, take).await
    }

    /// The same with more headers, and an answer that may be streamed.
    pub(super) async fn exchange(
        &self,
        url: Url,
        request: &Request,
        scope: &Scope<'_>,
        extra: HeaderMap,
        take: Take,
    ) -> Result<Answer, CallError> {
        let http = self.http()?;
        let (mut headers, body) = written(http, request, scope)?;
        headers.extend(extra);
        let of = self.token_use(&url, request, scope)?;
        self.enter().await?;
        let tokens = &self.0.tokens;
        let token = tokens.token_for(&of, None).await?;
        let call = |token: &Secret<String>| -> Result<Call, CallError> {
            let credential = Some(self.credential(token)?);
            Ok(Call {
                method: request.method.clone(),
                url: url.clone(),
                headers: headers.clone(),
                body: body.clone(),
                credential,
                take,
            })
        };
        let answer = self.attempt(http, call(&token)?).await?;
        if !self.is_refused(http, &answer) {
            return Ok(answer);
        }
        // The token was refused: another one, once.
        let fresh = tokens.token_for(&of, Some(&token)).await?;
        self.enter().await?;
        let answer = self.attempt(http, call(&fresh)?).await?;
        match self.is_refused(http, &answer) {
            false => Ok(answer),
            // A user whom no token can be about does not end the connection's grant.
            true if of.subject.is_some() => Err(CallError::Forbidden {
                detail: said(&answer),
            }),
            true => Err(CallError::GrantDead {
                reason: said(&answer),
            }),
        }
    }

    /// Which token the request is made with.
    fn token_use(
        &self,
        url: &Url,
        request: &Request,
        scope: &Scope<'_>,
    ) -> Result<TokenUse, CallError> {
        let auth = self.auth();
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let endpoint = auth.endpoint();
        let audience = endpoint.and_then(|endpoint| endpoint.audience_of(host, port));
        let subject = match (&request.acting_as, auth) {
            (Some(subject), Auth::JwtBearer(_)) => Some(subject.text(scope)?),
            _ => None,
        };
        let subject = subject.filter(|subject| !subject.is_empty());
        Ok(TokenUse { audience, subject })
    }

    fn auth(&self) -> &Auth {
        self.connector().auth_of(&self.0.connection)
    }

    /// Whether the token was not taken: by the status, or by what stands under a success.
    fn is_refused(&self, http: &Http, answer: &Answer) -> bool {
        if answer.status == 401 {
            return true;
        }
        let looks_into = !http.dead.is_empty()
            && answer.status.is_success()
            && answer.body.len() <= DEAD_BYTES_MAX
            && answer.body.starts_with(b"{");
        if !looks_into {
            return false;
        }
        let body = json::value(&answer.body).unwrap_or(Value::Null);
        let scope = self.scope();
        let scope = scope.over(&body);
        http.dead.iter().any(|condition| condition.holds(&scope))
    }

    /// The header that proves who calls.
    fn credential(&self, token: &Secret<String>) -> Result<(HeaderName, HeaderValue), CallError> {
        let token = token.expose();
        let (name, text) = match self.auth() {
            Auth::ApiKey { header, prefix } => (header.clone(), format!("{prefix}{token}")),
            Auth::Basic { user } => {
                let pair = format!("{}:{token}", user.text(&self.scope())?);
                (
                    header::AUTHORIZATION,
                    format!("Basic {}", STANDARD.encode(pair)),
                )
            }
            _ => (header::AUTHORIZATION, format!("Bearer {token}")),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| CallError::GrantDead {
            reason: "the token is not a header's value".into(),
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}
