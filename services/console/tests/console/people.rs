//! People who are signed in, without going through the login: what they see is what is looked at.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event_model::{
    Account, AccountId, AccountState, ApiToken, ConnectionScope, Permission, Role, Session,
    SessionId, SessionStage, TokenId,
};
use ports::{AccountStore, Clock, SessionStore, TokenStore};
use ring::digest::{SHA256, digest};
use ring::hmac;

use crate::world::{Answer, World};

/// Everybody made so far: no two have the same name.
static MADE: AtomicU32 = AtomicU32::new(1);

/// Somebody with a session.
pub(crate) struct Person {
    pub(crate) account: Account,
    opaque: String,
}

fn hash(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}

impl Person {
    /// Somebody with that role, within that scope.
    pub(crate) async fn with(world: &World, role: Role, scope: ConnectionScope) -> Self {
        Person::having(world, &[role], scope).await
    }

    /// Somebody with those roles, within that scope.
    pub(crate) async fn having(world: &World, roles: &[Role], scope: ConnectionScope) -> Self {
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let now = world.clock.now();
        let account = Account {
            id: AccountId::new(now, u128::from(n)),
            name: format!("person-{n}"),
            roles: roles.iter().copied().collect(),
            groups: BTreeSet::new(),
            scope,
            state: AccountState::Active,
            subject: None,
            second_factor: false,
            created_at: now,
            signed_in_at: None,
            revision: 1,
        };
        world.store.add_account(&account).await.unwrap();
        let opaque = format!("opaque-{n}");
        let session = Session {
            id: SessionId::new(now, u128::from(n)),
            account: Some(account.id),
            stage: SessionStage::Full,
            created_at: now,
            seen_at: now,
            ends_at: now + chrono::TimeDelta::hours(1),
            address: None,
            agent: String::new(),
        };
        let kept = world.store.open_session(&hash(&opaque), &session).await;
        kept.unwrap();
        Person { account, opaque }
    }

    pub(crate) fn cookie(&self) -> String {
        format!("tidegate_session={}", self.opaque)
    }

    pub(crate) fn csrf(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.opaque.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"tidegate form").as_ref())
    }

    pub(crate) async fn get(&self, world: &World, path: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, self.cookie());
        world.send(request.body(Body::empty()).unwrap()).await
    }

    /// A call of the API with the session.
    pub(crate) async fn calls(
        &self,
        world: &World,
        method: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::COOKIE, self.cookie())
            .header("x-csrf-token", self.csrf())
            .header(header::CONTENT_TYPE, "application/json");
        world
            .send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn posts(&self, world: &World, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, self.cookie())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = format!("csrf={}&{form}", self.csrf());
        world.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A token of theirs for that.
    pub(crate) async fn token(&self, world: &World, permissions: &[Permission]) -> String {
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let now = world.clock.now();
        let token = ApiToken {
            id: TokenId::new(now, u128::from(n)),
            account: self.account.id,
            name: "ci".into(),
            permissions: permissions.iter().copied().collect(),
            scope: ConnectionScope::Every,
            created_at: now,
            expires_at: now + chrono::TimeDelta::hours(1),
            used_at: None,
            revoked_at: None,
        };
        let text = format!("{}TEST{n}", ApiToken::PREFIX);
        let kept = world.store.add_token(&hash(&text), &token).await;
        kept.unwrap();
        text
    }
}
