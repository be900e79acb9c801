//! A grant of the check's own: an administrator agrees once, or the service takes the credentials.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use connector::{Connector, Egress, OAuthClient, TokenError, TokenSource, pkce};
use connector_kit::conformance::Listener;
use event_model::{Connection, Secret};
use ports::{Clock, Entropy, SystemEntropy, Tokens};

use super::out;

/// How long the administrator may take to agree.
const PATIENCE: Duration = Duration::from_secs(600);

/// Tokens in memory, for as long as the check takes.
pub(super) struct Own {
    tokens: Mutex<Tokens>,
    /// One refresh at a time: refresh tokens rotate.
    refreshing: tokio::sync::Mutex<()>,
    oauth: OAuthClient,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl TokenSource for Own {
    async fn bearer(&self) -> Result<Secret<String>, TokenError> {
        let tokens = self.tokens.lock().expect("no holder panics");
        Ok(tokens.access_token.clone())
    }

    async fn rejected(&self, bearer: &Secret<String>) -> Result<Secret<String>, TokenError> {
        let _one = self.refreshing.lock().await;
        let held = self.tokens.lock().expect("no holder panics").clone();
        if held.access_token.expose() != bearer.expose() {
            return Ok(held.access_token);
        }
        let fresh = self.oauth.refresh(&held, self.clock.now()).await?;
        let bearer = fresh.access_token.clone();
        *self.tokens.lock().expect("no holder panics") = fresh;
        Ok(bearer)
    }
}

/// The grant, how it was come by, and the tenant that the service named.
pub(super) async fn own(
    connector: &Arc<Connector>,
    connection: &Connection,
    secret: Option<Secret<String>>,
    egress: &Egress,
    listener: &Listener,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Own, String, Option<String>)> {
    let Some(oauth) = connector.oauth(connection, secret, egress) else {
        bail!("the service takes tokens for a client: give --client-id");
    };
    let (tokens, tenant_id, how) = match connector.needs_consent(connection) {
        true => by_consent(&oauth, listener, clock.as_ref()).await?,
        false => {
            let tokens = oauth.obtain(clock.now()).await?;
            (tokens, None, "the credentials that were given".to_owned())
        }
    };
    let own = Own {
        tokens: Mutex::new(tokens),
        refreshing: tokio::sync::Mutex::new(()),
        oauth,
        clock: Arc::clone(clock),
    };
    Ok((own, how, tenant_id))
}

async fn by_consent(
    oauth: &OAuthClient,
    listener: &Listener,
    clock: &dyn Clock,
) -> anyhow::Result<(Tokens, Option<String>, String)> {
    let (verifier, challenge) = pkce(&SystemEntropy);
    let callback = listener.callback_url();
    let mut chance = [0; 16];
    SystemEntropy.fill(&mut chance);
    let state: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
    let page = oauth.authorize_url(&callback, &state, &challenge)?;
    out("Open this as an administrator of the service, and agree:");
    out(&format!("  {page}"));
    out(&format!(
        "(the service must know the redirect URI {callback})"
    ));
    let consented = listener.consented(PATIENCE).await;
    let consented = consented.context("nobody agreed within ten minutes")?;
    if consented.state.as_deref() != Some(state.as_str()) {
        bail!("what came back from the consent page is not what was asked there");
    }
    let Some(code) = consented.code else {
        bail!(
            "the service gave no code: {}",
            consented.error.unwrap_or_default()
        );
    };
    let exchanged = oauth
        .exchange(&code, &callback, &verifier, clock.now())
        .await;
    let (tokens, extra) = exchanged?;
    let renewable = match tokens.refresh_token {
        Some(_) => "the grant can be renewed",
        None => "the service gave no refresh token: the grant ends with its token",
    };
    let how = format!(
        "an administrator agreed on the consent page, and a code was exchanged for a token; {renewable}"
    );
    Ok((tokens, oauth.tenant_id(&extra), how))
}
