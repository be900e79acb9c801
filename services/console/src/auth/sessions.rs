//! Sessions of browsers: opaque chance in a cookie, found by its hash in the store.
//!
//! Promises: a session ends with its time, used or not, and when it was not used for a while; one that was
//! brought along is never taken over at sign-in; who is disabled has none from the next request on. The
//! CSRF token is made from what the cookie carries, so that nobody has it who has not the cookie.

use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, header, request::Parts};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use event_model::{
    Account, AccountState, CameBy, Identity, Secret, Session as Record, SessionId, SessionStage,
};
use ring::hmac;

use super::{Actor, draw, fingerprint};
use crate::Console;
use crate::problem::Problem;

/// The cookie that carries a session.
pub(super) const COOKIE: &str = "tidegate_session";
/// That a session was used is noted this often.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(60);
/// A session on the way to being signed in ends after so long.
const ON_THE_WAY: Duration = Duration::from_secs(600);
/// Longest name of a browser that is kept, in characters.
const AGENT_LENGTH_MAX: usize = 200;

/// A browser that is signed in, or on the way.
#[derive(Clone)]
pub(crate) struct Session {
    csrf: String,
    pub(crate) record: Record,
    pub(crate) actor: Actor,
    pub(crate) account: Option<Account>,
}

impl Session {
    /// The token that every form of this session carries.
    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether it is this session's token. Digests are compared: their bytes say nothing of the token.
    pub(crate) fn is_csrf(&self, given: &str) -> bool {
        fingerprint(given) == fingerprint(&self.csrf)
    }

    /// Whether everything was proved that is asked for.
    pub(crate) fn is_full(&self) -> bool {
        self.record.stage == SessionStage::Full
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    /// The address; absent where the listener does not tell.
    pub(crate) address: Option<String>,
    pub(crate) agent: String,
}

impl Visitor {
    pub(crate) fn of(parts: &Parts) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>();
        let agent = parts.headers.get(header::USER_AGENT);
        let agent = agent.and_then(|value| value.to_str().ok());
        Visitor {
            address: peer.map(|peer| peer.0.ip().to_canonical().to_string()),
            agent: agent
                .unwrap_or_default()
                .chars()
                .take(AGENT_LENGTH_MAX)
                .collect(),
        }
    }
}

impl Console {
    /// The session that the cookie carries, if it has not ended.
    pub(crate) async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, Problem> {
        let Some(opaque) = cookie_of(headers, COOKIE) else {
            return Ok(None);
        };
        let now = self.ports.clock.now();
        let hash = hex::encode(fingerprint(opaque));
        let Some((record, account)) = self.ports.sessions.session(&hash, now).await? else {
            return Ok(None);
        };
        let unused = now - record.seen_at;
        let idle = TimeDelta::from_std(self.config.session_idle).unwrap_or(TimeDelta::MAX);
        if unused > idle {
            self.ports.sessions.end_session(record.id).await?;
            return Ok(None);
        }
        let identity = match &account {
            Some(account) if account.state == AccountState::Active => {
                account.identity(CameBy::Session)
            }
            None if record.account.is_none() => Identity::machine(),
            _ => return Ok(None),
        };
        if unused >= SEEN_EVERY {
            self.ports.sessions.see_session(record.id, now).await?;
        }
        Ok(Some(Session {
            csrf: csrf_of(opaque),
            record,
            actor: Actor::new(identity),
            account,
        }))
    }

    /// Opens a session and gives the `Set-Cookie` value that carries it. What the browser brought along
    /// is ended.
    pub(crate) async fn open_session(
        &self,
        account: Option<&Account>,
        stage: SessionStage,
        headers: &HeaderMap,
        visitor: &Visitor,
    ) -> Result<Secret<String>, Problem> {
        self.end_brought(headers).await?;
        let opaque = draw(&*self.ports.entropy);
        let now = self.ports.clock.now();
        let lasting = match stage {
            SessionStage::Full => self.config.session_ttl,
            SessionStage::SecondFactor | SessionStage::Enrolling => ON_THE_WAY,
        };
        let ends_at = TimeDelta::from_std(lasting).ok();
        let ends_at = ends_at.and_then(|lasting| now.checked_add_signed(lasting));
        let record = Record {
            id: SessionId::new(now, self.ports.entropy.draw()),
            account: account.map(|account| account.id),
            stage,
            created_at: now,
            seen_at: now,
            ends_at: ends_at.unwrap_or(now),
            address: visitor.address.clone(),
            agent: visitor.agent.clone(),
        };
        let hash = hex::encode(fingerprint(&opaque));
        self.ports.sessions.open_session(&hash, &record).await?;
        Ok(Secret::new(self.session_cookie(&opaque, lasting.as_secs())))
    }

    /// Ends the session that came with the request, and gives the `Set-Cookie` value that forgets it.
    pub(crate) async fn close_session(&self, headers: &HeaderMap) -> Result<String, Problem> {
        self.end_brought(headers).await?;
        Ok(self.session_cookie("", 0))
    }

    async fn end_brought(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if let Some(session) = self.session(headers).await? {
            self.ports.sessions.end_session(session.record.id).await?;
        }
        Ok(())
    }

    fn session_cookie(&self, value: &str, age_s: u64) -> String {
        let secure = if self.config.secure_cookies {
            "; Secure"
        } else {
            ""
        };
        format!("{COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}")
    }
}

/// Made from the cookie's chance in one direction only.
fn csrf_of(opaque: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, opaque.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"tidegate form").as_ref())
}

/// The value of a cookie.
pub(crate) fn cookie_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        for value in [
            "a=1; xtidegate_session=no",
            "tidegate_session2=no; tidegate_session=yes",
        ] {
            headers.append(header::COOKIE, value.parse().unwrap());
        }
        assert_eq!(cookie_of(&headers, COOKIE), Some("yes"));
        assert_eq!(cookie_of(&headers, "b"), None);
    }

    #[test]
    fn no_two_sessions_share_a_token_and_none_tells_its_cookie() {
        let (one, other) = (csrf_of("a"), csrf_of("b"));
        assert_ne!(one, other);
        assert_eq!(one, csrf_of("a"));
        assert_eq!(one.len(), 43);
    }
}
