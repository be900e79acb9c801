//! A toy-cloud, and the check of it by whoever consents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use connector::{
    Connector, Egress, EgressOptions, ServiceClient, TokenError, TokenSource, Witness, pkce,
};
use connector_kit::conformance::{Granted, Heard, Listener, Options, Report, Subject};
use event_model::{Connection, ConnectionId, Lifecycle, Secret};
use ports::{Clock, SeededEntropy, SystemClock, SystemEntropy, Tokens};
use serde_json::{Value, json};
use toy_cloud::{Act, Acted, Config, Plan, ToyCloud};

pub(crate) const MANIFEST: &str = include_str!("../../../../connectors/toy-cloud/connector.yaml");

/// Who consents, and to what.
pub(crate) struct Consent {
    pub(crate) user: &'static str,
    /// In place of all that the manifest asks for.
    pub(crate) scopes: Option<&'static str>,
}

pub(crate) const ADMINISTRATOR: Consent = Consent {
    user: "admin",
    scopes: None,
};

pub(crate) struct World {
    pub(crate) toy: ToyCloud,
}

struct Held(Mutex<Tokens>);

#[async_trait]
impl TokenSource for Held {
    async fn bearer(&self) -> Result<Secret<String>, TokenError> {
        Ok(self.0.lock().unwrap().access_token.clone())
    }

    async fn rejected(&self, bearer: &Secret<String>) -> Result<Secret<String>, TokenError> {
        Ok(bearer.clone())
    }
}

impl World {
    pub(crate) async fn new() -> World {
        let toy = ToyCloud::start(Config::default()).await.unwrap();
        World { toy }
    }

    pub(crate) fn act(&self, act: Value) -> Acted {
        let mut whole = json!({"tenant": "acme", "user": "alice"});
        let members = act.as_object().unwrap().clone();
        whole.as_object_mut().unwrap().extend(members);
        let act: Act = serde_json::from_value(whole).unwrap();
        self.toy.model().act(&act).unwrap()
    }

    pub(crate) fn faults(&self, plan: Value) {
        let plan: Plan = serde_json::from_value(plan).unwrap();
        self.toy.model().set_faults(plan).unwrap();
    }

    /// A day of a tenant: all that makes the 24 fields appear.
    pub(crate) fn day(&self) {
        self.act(json!({"do": "login"}));
        let upload = json!({"do": "upload", "name": "q3.txt", "content": "4111 1111 1111 1111"});
        let file = self.act(upload).file_id.unwrap();
        self.act(json!({"do": "download", "file_id": file}));
        let guest = json!({"do": "share", "file_id": file, "with": "gus@partner.example"});
        self.act(guest);
        self.act(json!({"do": "link", "file_id": file}));
        self.act(json!({"user": "bob", "do": "upload", "name": "b.txt", "content": "b"}));
    }

    /// Checks the service by this manifest and the grant of this consent.
    pub(crate) async fn check(&self, yaml: &str, consent: &Consent, options: &Options) -> Report {
        let connector = Arc::new(Connector::parse(yaml, "test").unwrap());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let heard = Arc::new(Heard::default());
        let egress = Egress::new(EgressOptions {
            witness: Some(Arc::clone(&heard) as Arc<dyn Witness>),
            ..EgressOptions::default()
        })
        .unwrap();
        let listen = ([127, 0, 0, 1], 0).into();
        let listener = Listener::open(listen, None, Arc::clone(&clock))
            .await
            .unwrap();
        let connection = self.connection(clock.now());
        let tokens = self
            .consented(&connector, &connection, &egress, &listener, consent)
            .await;
        let client = ServiceClient::new(
            Arc::clone(&connector),
            Arc::new(connection.clone()),
            egress,
            Arc::new(Held(Mutex::new(tokens))),
            Arc::clone(&clock),
        );
        let granted = Granted {
            how: "consent with PKCE".into(),
            by_consent: true,
            evidence: heard.take(),
        };
        let subject = Subject {
            connector,
            connection,
            client,
            granted,
            heard,
            listener: Some(listener),
            client_secret: None,
            clock,
            entropy: Arc::new(SeededEntropy::new(3)),
        };
        subject.conform(options).await
    }

    fn connection(&self, now: DateTime<Utc>) -> Connection {
        Connection {
            id: ConnectionId::new(now, 1),
            service: "toy-cloud".into(),
            name: "Conformance".into(),
            params: BTreeMap::new(),
            base_url: Some(self.toy.url()),
            client_id: Some("tidegate".into()),
            tenant_id: None,
            lifecycle: Lifecycle::Authorized { since: now },
            health: None,
            created_at: now,
            revision: 1,
        }
    }

    /// The user agrees on the consent page, and the browser is led back to the listener.
    async fn consented(
        &self,
        connector: &Arc<Connector>,
        connection: &Connection,
        egress: &Egress,
        listener: &Listener,
        consent: &Consent,
    ) -> Tokens {
        let secret = Some(Secret::new("toy-secret".to_owned()));
        let oauth = connector.oauth(connection, secret, egress).unwrap();
        let (verifier, challenge) = pkce(&SystemEntropy);
        let callback = listener.callback_url();
        let page = oauth
            .authorize_url(&callback, "state-1", &challenge)
            .unwrap();
        let page = url::Url::parse(&page).unwrap();
        let mut form: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        if let Some(scopes) = consent.scopes {
            form.insert("scope".into(), scopes.into());
        }
        for (name, value) in [
            ("tenant", "acme"),
            ("user", consent.user),
            ("password", "toy"),
            ("decision", "allow"),
        ] {
            form.insert(name.into(), value.into());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a person's browser, on this machine only"
        )]
        let browser = reqwest::Client::builder().no_proxy().build().unwrap();
        let consent = page.join("/oauth/consent").unwrap();
        let answer = browser.post(consent).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.url());
        let patience = std::time::Duration::from_secs(10);
        let consented = listener.consented(patience).await.unwrap();
        assert_eq!(consented.state.as_deref(), Some("state-1"));
        let now = SystemClock::new().now();
        let code = consented.code.unwrap();
        let exchanged = oauth.exchange(&code, &callback, &verifier, now).await;
        exchanged.unwrap().0
    }
}
