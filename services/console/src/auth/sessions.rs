//! Sessions in memory: opaque to the browser, found by hash, bounded in number and time.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event_model::Secret;
use ports::Entropy;
use ring::digest::{SHA256, digest};

/// Most sessions at a time; the one that ends first makes room.
const SESSIONS_MAX: usize = 1_000;

/// A browser that is signed in.
#[derive(Clone)]
pub(crate) struct Session {
    csrf: String,
    until: Duration,
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
}

/// The open sessions, by the SHA-256 of what the cookie carries.
pub(crate) struct Sessions {
    open: Mutex<HashMap<[u8; 32], Session>>,
    ttl: Duration,
}

impl Sessions {
    pub(crate) fn lasting(ttl: Duration) -> Self {
        Sessions {
            open: Mutex::new(HashMap::new()),
            ttl,
        }
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Opens a session and gives what its cookie carries.
    pub(crate) fn open(&self, entropy: &dyn Entropy, now: Duration) -> Secret<String> {
        let opaque = draw(entropy);
        let session = Session {
            csrf: draw(entropy),
            until: now + self.ttl,
        };
        let mut open = self.open.lock().expect("no holder panics");
        open.retain(|_, session| session.until > now);
        if open.len() >= SESSIONS_MAX {
            let first = open.iter().min_by_key(|(_, session)| session.until);
            if let Some(key) = first.map(|(key, _)| *key) {
                open.remove(&key);
            }
        }
        open.insert(fingerprint(&opaque), session);
        Secret::new(opaque)
    }

    pub(crate) fn find(&self, opaque: &str, now: Duration) -> Option<Session> {
        let open = self.open.lock().expect("no holder panics");
        let session = open.get(&fingerprint(opaque))?;
        (session.until > now).then(|| session.clone())
    }

    pub(crate) fn close(&self, opaque: &str) {
        let mut open = self.open.lock().expect("no holder panics");
        open.remove(&fingerprint(opaque));
    }
}

fn draw(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn fingerprint(text: &str) -> [u8; 32] {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::SeededEntropy;

    #[test]
    fn a_session_ends_and_their_number_is_bounded() {
        let entropy = SeededEntropy::new(1);
        let sessions = Sessions::lasting(Duration::from_secs(60));
        let first = sessions.open(&entropy, Duration::ZERO);
        let at = Duration::from_secs;
        assert!(sessions.find(first.expose(), at(59)).is_some());
        assert!(sessions.find(first.expose(), at(60)).is_none());
        assert!(sessions.find("", at(1)).is_none());
        for _ in 0..SESSIONS_MAX {
            sessions.open(&entropy, at(1));
        }
        assert!(sessions.find(first.expose(), at(2)).is_none(), "made room");
        assert_eq!(sessions.open.lock().unwrap().len(), SESSIONS_MAX);
    }

    #[test]
    fn two_sessions_share_no_token() {
        let entropy = SeededEntropy::new(1);
        let sessions = Sessions::lasting(Duration::from_secs(60));
        let opaque = [0, 1].map(|_| sessions.open(&entropy, Duration::ZERO));
        let [a, b] = opaque.map(|key| sessions.find(key.expose(), Duration::ZERO).unwrap());
        assert!(a.is_csrf(a.csrf()) && !a.is_csrf(b.csrf()) && !a.is_csrf(""));
    }
}
