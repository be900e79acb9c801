//! Tokens of programs: shown once, found by hash, narrowed by what they were made for.

use chrono::TimeDelta;
use event_model::{AccountState, ApiToken, CameBy, Secret};
use ports::Entropy;

use super::codes::base32;
use super::{Actor, fingerprint};
use crate::Console;
use crate::problem::Problem;

/// That a token was used is noted this often.
const USED_EVERY: TimeDelta = TimeDelta::seconds(60);
/// Bytes of chance in a token.
const CHANCE_BYTES: usize = 30;

/// The text of a fresh token: `tgd_` and 48 letters and digits, as scanners for secrets look for it.
pub(crate) fn new_text(entropy: &dyn Entropy) -> Secret<String> {
    let mut bytes = [0; CHANCE_BYTES];
    entropy.fill(&mut bytes);
    Secret::new(format!("{}{}", ApiToken::PREFIX, base32(&bytes)))
}

/// What is kept of its text.
pub(crate) fn hash(text: &str) -> String {
    hex::encode(fingerprint(text))
}

impl Console {
    /// Who shows the token, if it is taken.
    pub(super) async fn bearer_of(&self, text: &str) -> Result<Option<Actor>, Problem> {
        if !text.starts_with(ApiToken::PREFIX) {
            return Ok(None);
        }
        let found = self.ports.tokens.token_of_hash(&hash(text)).await?;
        let now = self.ports.clock.now();
        let good = |(token, account): &(ApiToken, event_model::Account)| {
            token.is_valid(now) && account.state == AccountState::Active
        };
        let Some((token, account)) = found.filter(good) else {
            return Ok(None);
        };
        if token.used_at.is_none_or(|used| now - used >= USED_EVERY) {
            self.ports.tokens.token_used(token.id, now).await?;
        }
        let mut identity = account.identity(CameBy::Token {
            id: token.id,
            name: token.name,
            permissions: token.permissions,
        });
        identity.scope = identity.scope.and(&token.scope);
        Ok(Some(Actor::new(identity)))
    }
}
