//! The OAuth 2.0 server: authorization code with PKCE, refresh tokens that rotate, revocation. Tokens carry their grant's number
//! under a MAC, so that no token is stored and a refresh token that was used before is known as such for as long as its grant lives;
//! using it again revokes the grant, and so does using a code again.

pub(crate) mod redirects;
pub(crate) mod scopes;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::Serialize;

use self::scopes::Scopes;
use crate::clock::Moment;
use crate::config::Client;
use crate::ledger::{Deed, TokenAction};
use crate::model::Ground;
use crate::secrets::{random_bytes, random_token, same_secret};

/// So many grants are kept; the oldest give way.
pub const GRANTS_MAX: usize = 10_000;
/// So many codes wait to be exchanged; the oldest give way.
pub const CODES_MAX: usize = 10_000;
/// A code lives this long.
pub const CODE_TTL_S: u64 = 60;

/// What a user consented to.
#[derive(Debug, Clone)]
pub(crate) struct Consent {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    /// Empty where the authorization had none.
    pub(crate) code_challenge: String,
    pub(crate) tenant_id: String,
    pub(crate) user_id: String,
    pub(crate) scopes: Scopes,
}

#[derive(Debug)]
struct Code {
    consent: Consent,
    expires_at: Moment,
    number: u64,
    /// The grant that was made of it.
    spent_for: Option<u64>,
    spent: bool,
}

#[derive(Debug)]
struct Grant {
    client_id: Arc<str>,
    tenant_id: Arc<str>,
    user_id: Arc<str>,
    scopes: Scopes,
    /// Of the one refresh token that is good.
    generation: u64,
    /// Access tokens of earlier generations than this are dead.
    access_from: u64,
    /// Counts access tokens.
    access_issued: u64,
}

/// A good access token's bearer.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) client_id: Arc<str>,
    pub(crate) tenant_id: Arc<str>,
    pub(crate) user_id: Arc<str>,
    pub(crate) scopes: Scopes,
}

/// What the token endpoint answers.
#[derive(Debug, Serialize)]
pub(crate) struct TokenPair {
    pub(crate) access_token: String,
    pub(crate) token_type: &'static str,
    pub(crate) expires_in: u64,
    pub(crate) refresh_token: String,
    pub(crate) scope: String,
    pub(crate) tenant_id: String,
}

/// Why the token endpoint would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefusal {
    #[error("the client or its secret is wrong")]
    InvalidClient,
    #[error("{0}")]
    InvalidGrant(&'static str),
}

#[derive(Debug)]
pub(crate) struct Oauth {
    ground: Ground,
    clients: Vec<Client>,
    key: hmac::Key,
    codes: HashMap<String, Code>,
    codes_by_age: BTreeMap<u64, String>,
    codes_made: u64,
    grants: BTreeMap<u64, Grant>,
    grants_made: u64,
}

impl Oauth {
    pub(crate) fn new(ground: Ground, clients: Vec<Client>) -> Self {
        Self {
            ground,
            clients,
            key: hmac::Key::new(hmac::HMAC_SHA256, &random_bytes::<32>()),
            codes: HashMap::new(),
            codes_by_age: BTreeMap::new(),
            codes_made: 0,
            grants: BTreeMap::new(),
            grants_made: 0,
        }
    }

    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    pub(crate) fn clients(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter()
    }

    /// A grant without a code, and its first pair.
    pub(crate) fn grant(&mut self, consent: &Consent) -> Result<TokenPair, TokenRefusal> {
        let number = self.make_grant(consent);
        self.pair(number, TokenAction::Issued)
    }

    pub(crate) fn check_client(&self, id: &str, secret: &str) -> Result<(), TokenRefusal> {
        match self.client(id) {
            Some(client) if same_secret(&client.secret, secret) => Ok(()),
            _ => Err(TokenRefusal::InvalidClient),
        }
    }

    pub(crate) fn issue_code(&mut self, consent: Consent) -> String {
        let now = self.ground.clock.now();
        while let Some((number, oldest)) = self.codes_by_age.first_key_value().map(|(n, c)| (*n, c))
        {
            let expired = self
                .codes
                .get(oldest)
                .is_none_or(|code| code.expires_at <= now);
            if !expired && self.codes.len() < CODES_MAX {
                break;
            }
            self.codes.remove(oldest);
            self.codes_by_age.remove(&number);
        }
        self.codes_made += 1;
        let number = self.codes_made;
        let token = random_token();
        let expires_at = now.plus_ms(CODE_TTL_S * 1_000);
        let code = Code {
            consent,
            expires_at,
            number,
            spent_for: None,
            spent: false,
        };
        self.codes_by_age.insert(code.number, token.clone());
        self.codes.insert(token.clone(), code);
        token
    }

    /// A grant's first pair for its code. A code is spent by the first try, good or not.
    pub(crate) fn exchange(
        &mut self,
        client_id: &str,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<TokenPair, TokenRefusal> {
        let now = self.ground.clock.now();
        let wrong = |why| Err(TokenRefusal::InvalidGrant(why));
        let Some(found) = self
            .codes
            .get_mut(code)
            .filter(|found| found.consent.client_id == client_id)
        else {
            return wrong("the code is unknown");
        };
        if std::mem::replace(&mut found.spent, true) {
            if let Some(grant) = found.spent_for {
                self.revoke_grant(grant, TokenAction::ReuseRevoked);
            }
            return wrong("the code was used before");
        }
        if found.expires_at <= now {
            return wrong("the code has expired");
        }
        if found.consent.redirect_uri != redirect_uri {
            return wrong("the redirect_uri is not the one of the authorization");
        }
        if !verifies(verifier, &found.consent.code_challenge) {
            return wrong("the code_verifier does not fit the code_challenge");
        }
        let consent = found.consent.clone();
        let number = self.make_grant(&consent);
        if let Some(found) = self.codes.get_mut(code) {
            found.spent_for = Some(number);
        }
        self.pair(number, TokenAction::Issued)
    }

    /// A new pair for a refresh token, which is dead from now on.
    pub(crate) fn refresh(
        &mut self,
        client_id: &str,
        token: &str,
    ) -> Result<TokenPair, TokenRefusal> {
        let unknown =
            TokenRefusal::InvalidGrant("the refresh token is unknown, expired or revoked");
        let [number, generation] = self.open("toyr", token).ok_or(unknown)?;
        let grant = self.grants.get_mut(&number).ok_or(unknown)?;
        if &*grant.client_id != client_id {
            return Err(unknown);
        }
        if grant.generation != generation {
            self.revoke_grant(number, TokenAction::ReuseRevoked);
            return Err(TokenRefusal::InvalidGrant(
                "the refresh token was used before",
            ));
        }
        grant.generation += 1;
        self.pair(number, TokenAction::Refreshed)
    }

    /// Revokes the grant of either of its tokens; a token that says nothing is ignored.
    pub(crate) fn revoke(&mut self, token: &str) {
        let refresh = self.open("toyr", token).map(|[number, _]| number);
        let access = || self.open("toya", token).map(|[number, _, _]| number);
        if let Some(number) = refresh.or_else(access) {
            self.revoke_grant(number, TokenAction::Revoked);
        }
    }

    pub(crate) fn bearer(&self, token: &str) -> Option<Bearer> {
        let [number, serial, expires_ms] = self.open("toya", token)?;
        let grant = self.grants.get(&number)?;
        let now_ms = u64::try_from(self.ground.clock.now().0).unwrap_or(u64::MAX);
        (serial >= grant.access_from && now_ms < expires_ms).then(|| Bearer {
            client_id: Arc::clone(&grant.client_id),
            tenant_id: Arc::clone(&grant.tenant_id),
            user_id: Arc::clone(&grant.user_id),
            scopes: grant.scopes,
        })
    }

    /// All access tokens die, of one tenant or of all; how many grants had one.
    pub(crate) fn expire(&mut self, tenant_id: Option<&str>) -> usize {
        let grants = self.grants.values_mut();
        let concerned = grants.filter(|grant| tenant_id.is_none_or(|id| id == &*grant.tenant_id));
        concerned
            .map(|grant| grant.access_from = grant.access_issued + 1)
            .count()
    }

    fn make_grant(&mut self, consent: &Consent) -> u64 {
        if self.grants.len() >= GRANTS_MAX {
            self.grants.pop_first();
        }
        self.grants_made += 1;
        let grant = Grant {
            client_id: consent.client_id.as_str().into(),
            tenant_id: consent.tenant_id.as_str().into(),
            user_id: consent.user_id.as_str().into(),
            scopes: consent.scopes,
            generation: 1,
            access_from: 1,
            access_issued: 0,
        };
        self.grants.insert(self.grants_made, grant);
        self.grants_made
    }

    fn revoke_grant(&mut self, number: u64, action: TokenAction) {
        if let Some(grant) = self.grants.remove(&number) {
            self.note(&grant, action);
        }
    }

    fn pair(&mut self, number: u64, action: TokenAction) -> Result<TokenPair, TokenRefusal> {
        let expires_in = self.ground.faults.access_token_ttl_s();
        let expires_ms = self.ground.clock.now().plus_ms(expires_in * 1_000).0;
        let gone = TokenRefusal::InvalidGrant("the grant is revoked");
        let grant = self.grants.get_mut(&number).ok_or(gone)?;
        grant.access_issued += 1;
        let (serial, generation) = (grant.access_issued, grant.generation);
        let grant = self.grants.get(&number).ok_or(gone)?;
        self.note(grant, action);
        Ok(TokenPair {
            access_token: self.seal("toya", &[number, serial, expires_ms.unsigned_abs()]),
            token_type: "Bearer",
            expires_in,
            refresh_token: self.seal("toyr", &[number, generation]),
            scope: grant.scopes.to_string(),
            tenant_id: grant.tenant_id.to_string(),
        })
    }

    fn note(&self, grant: &Grant, action: TokenAction) {
        self.ground.ledger.write(Deed::Token {
            client_id: grant.client_id.to_string(),
            tenant_id: grant.tenant_id.to_string(),
            action,
        });
    }

    fn seal(&self, prefix: &str, numbers: &[u64]) -> String {
        let claims = numbers
            .iter()
            .fold(prefix.to_owned(), |claims, n| format!("{claims}.{n}"));
        let mac = hmac::sign(&self.key, claims.as_bytes());
        format!("{claims}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    fn open<const N: usize>(&self, prefix: &str, token: &str) -> Option<[u64; N]> {
        let (claims, mac) = token.rsplit_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        hmac::verify(&self.key, claims.as_bytes(), &mac).ok()?;
        let mut parts = claims.split('.');
        let numbers: Vec<u64> = match parts.next()? {
            found if found == prefix => parts.map_while(|part| part.parse().ok()).collect(),
            _ => return None,
        };
        numbers.try_into().ok()
    }
}

fn verifies(verifier: &str, challenge: &str) -> bool {
    if challenge.is_empty() {
        return true;
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    (43..=128).contains(&verifier.len()) && same_secret(&URL_SAFE_NO_PAD.encode(digest), challenge)
}
