//! A connection to a service, and the administrator who consents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use connector::{
    Ask, Catalogue, Connector, Egress, EgressOptions, OAuthClient, ServiceClient, TokenError,
    TokenSource, pkce,
};
use event_model::{
    Activity, Connection, ConnectionId, Lifecycle, Particulars, RawEvent, RemedyKind, Secret,
};
use ports::{Clock, ManualClock, SystemEntropy, Tokens};
use serde_json::{Map, Value, json};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:8080/oauth/callback";

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_323_045, 0).unwrap()
}

pub(crate) fn raw(value: &Value) -> RawEvent {
    RawEvent {
        json: serde_json::value::to_raw_value(value).unwrap().into(),
    }
}

/// What is asked for without anything besides.
pub(crate) fn plain(kind: RemedyKind, activity: &Activity) -> Ask<'_> {
    static NOTHING: Particulars = Particulars {
        role: None,
        label: None,
        after_hours: None,
        scope: None,
        new_owner: None,
        whom: None,
        tombstone: None,
    };
    Ask {
        kind,
        activity,
        particulars: &NOTHING,
        asked_at: now(),
        vaulted: None,
    }
}

/// Tokens in memory, refreshed by the service when one is refused.
pub(crate) struct Held {
    tokens: Mutex<Tokens>,
    oauth: Option<OAuthClient>,
    pub(crate) rejections: Mutex<u32>,
}

#[async_trait]
impl TokenSource for Held {
    async fn bearer(&self) -> Result<Secret<String>, TokenError> {
        Ok(self.tokens.lock().unwrap().access_token.clone())
    }

    async fn rejected(&self, _bearer: &Secret<String>) -> Result<Secret<String>, TokenError> {
        *self.rejections.lock().unwrap() += 1;
        let old = self.tokens.lock().unwrap().clone();
        let fresh = match &self.oauth {
            Some(oauth) => oauth.refresh(&old, now()).await?,
            None => old,
        };
        *self.tokens.lock().unwrap() = fresh.clone();
        Ok(fresh.access_token)
    }
}

/// A connection to toy-cloud, or to something that speaks like it.
pub(crate) struct World {
    pub(crate) connector: Arc<Connector>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) egress: Egress,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) held: Arc<Held>,
    pub(crate) client: ServiceClient,
}

impl World {
    /// With a token that means nothing.
    pub(crate) fn unproven(base_url: &str) -> World {
        World::with(base_url, meaningless(), false)
    }

    /// Of another manifest, with a token that means nothing.
    pub(crate) fn of(connector: Connector, base_url: &str) -> World {
        World::made(Arc::new(connector), base_url, meaningless(), false)
    }

    pub(crate) fn with(base_url: &str, tokens: Tokens, refreshing: bool) -> World {
        let connector = Catalogue::built_in().get("toy-cloud").unwrap();
        World::made(connector, base_url, tokens, refreshing)
    }

    /// A client for another connection to the same service, through the same way out.
    pub(crate) fn sibling(&self, n: u128, tenant: &str) -> ServiceClient {
        let connection = Connection {
            id: ConnectionId::new(now(), n),
            tenant_id: Some(tenant.to_owned()),
            ..Connection::clone(&self.connection)
        };
        ServiceClient::new(
            Arc::clone(&self.connector),
            Arc::new(connection),
            self.egress.clone(),
            Arc::clone(&self.held) as Arc<dyn TokenSource>,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
        )
    }

    /// The same connection with these tokens.
    pub(crate) fn holding(self, tokens: Tokens) -> World {
        let base_url = self.connection.base_url.clone().unwrap();
        World::made(self.connector, &base_url, tokens, false)
    }

    fn made(connector: Arc<Connector>, base_url: &str, tokens: Tokens, refreshing: bool) -> World {
        let connection = Arc::new(connection(base_url));
        let egress = Egress::new(EgressOptions {
            call_timeout: Duration::from_secs(10),
            ..EgressOptions::default()
        })
        .unwrap();
        let secret = Some(Secret::new("toy-secret".to_owned()));
        let oauth = refreshing
            .then(|| connector.oauth(&connection, secret, &egress))
            .flatten();
        let held = Arc::new(Held {
            tokens: Mutex::new(tokens),
            oauth,
            rejections: Mutex::default(),
        });
        let clock = Arc::new(ManualClock::at(now()));
        let client = ServiceClient::new(
            Arc::clone(&connector),
            Arc::clone(&connection),
            egress.clone(),
            Arc::clone(&held) as Arc<dyn TokenSource>,
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        World {
            connector,
            connection,
            egress,
            clock,
            held,
            client,
        }
    }

    /// After that user of `acme` consented.
    pub(crate) async fn consented(base_url: &str, user: &str) -> World {
        let world = World::unproven(base_url);
        let (tokens, extra) = world.consent(user).await;
        assert_eq!(world.oauth().tenant_id(&extra).as_deref(), Some("acme"));
        World::with(base_url, tokens, true)
    }

    pub(crate) fn oauth(&self) -> OAuthClient {
        let secret = Some(Secret::new("toy-secret".to_owned()));
        self.connector
            .oauth(&self.connection, secret, &self.egress)
            .unwrap()
    }

    /// Goes to the consent page, agrees there, and comes back with a code.
    pub(crate) async fn consent(&self, user: &str) -> (Tokens, Map<String, Value>) {
        let oauth = self.oauth();
        let (verifier, challenge) = pkce(&SystemEntropy);
        let page = oauth
            .authorize_url(REDIRECT, "state-1", &challenge)
            .unwrap();
        let page = url::Url::parse(&page).unwrap();
        let mut form: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        for (name, value) in [
            ("tenant", "acme"),
            ("user", user),
            ("password", "toy"),
            ("decision", "allow"),
        ] {
            form.insert(name.into(), value.into());
        }
        let browser = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let consent = page.join("/oauth/consent").unwrap();
        let answer = browser.post(consent).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let back = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let back: BTreeMap<String, String> = back.query_pairs().into_owned().collect();
        assert_eq!(back["state"], "state-1");
        oauth
            .exchange(&back["code"], REDIRECT, &verifier, now())
            .await
            .unwrap()
    }
}

fn meaningless() -> Tokens {
    Tokens {
        access_token: Secret::new("token".into()),
        refresh_token: None,
        expires_at: None,
        scope: None,
    }
}

fn connection(base_url: &str) -> Connection {
    Connection {
        id: ConnectionId::new(now(), 1),
        service: "toy-cloud".into(),
        name: "Acme".into(),
        params: BTreeMap::new(),
        base_url: Some(base_url.to_owned()),
        client_id: Some("tidegate".into()),
        tenant_id: Some("acme".into()),
        lifecycle: Lifecycle::Authorized { since: now() },
        health: None,
        created_at: now(),
        revision: 1,
    }
}

/// An activity about that object.
pub(crate) fn activity_about(world: &World, object: Value) -> event_model::Activity {
    let event =
        json!({"id": "evt_1", "type": "link.created", "category": "sharing", "object": object});
    let mapper = world.connector.mapper(&world.connection);
    mapper.map(&raw(&event), now()).unwrap().remove(0).activity
}
