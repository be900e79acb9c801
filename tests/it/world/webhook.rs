//! Deliveries made by hand: signed as the service would, with the secret that only the platform holds.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ports::{Clock, SystemClock, SystemEntropy};
use ring::hmac;
use sealing::Sealer;
use serde_json::Value;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use tidegate::wiring::Store;

use super::{Answer, World, answer};

/// One delivery, headers and body.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// Signs as the service does.
pub(crate) struct Signer(hmac::Key);

impl Signer {
    /// A key that the platform does not know.
    pub(crate) fn stranger() -> Self {
        Signer(hmac::Key::new(hmac::HMAC_SHA256, b"a stranger's key"))
    }

    /// Signs with a `whsec_` secret.
    pub(crate) fn of(secret: &str) -> Self {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_"));
        Signer(hmac::Key::new(hmac::HMAC_SHA256, &key.unwrap()))
    }

    /// A delivery signed so many seconds ago; negative is in the future.
    pub(crate) fn signed(&self, id: &str, body: &[u8], seconds_ago: i64) -> Delivery {
        let stamp = (SystemClock::new().now().timestamp() - seconds_ago).to_string();
        let content = [id.as_bytes(), b".", stamp.as_bytes(), b".", body].concat();
        let signature = STANDARD.encode(hmac::sign(&self.0, &content));
        Delivery {
            headers: vec![
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", stamp),
                ("webhook-signature", format!("v1,{signature}")),
            ],
            body: body.to_vec(),
        }
    }
}

impl World {
    /// Signs with the secret that the service gave the connection's webhook.
    pub(crate) async fn signer_of(&self, connection: &str) -> Signer {
        let store = self.store().await;
        let secrets = store.webhook_secrets(connection.parse().unwrap()).await;
        let secrets = secrets.unwrap();
        let secret = secrets.first().expect("the webhook has a secret");
        let signer = Signer::of(secret.secret.expose());
        store.close().await;
        signer
    }

    /// The service revokes the connection's grant.
    pub(crate) async fn the_service_revokes_the_grant(&self, connection: &str) {
        let store = self.store().await;
        let grant = store.grant(connection.parse().unwrap()).await.unwrap();
        let token = grant.unwrap().tokens.access_token.expose().clone();
        store.close().await;
        let url = format!("{}/oauth/revoke", self.cloud.url());
        let form = [("token", token.as_str())];
        let request = self.browser.post(url).form(&form);
        let revoked = answer(request.basic_auth("tidegate", Some("toy-secret"))).await;
        assert_eq!(revoked.status, 200, "{}", revoked.text());
    }

    /// The service forgets a webhook.
    pub(crate) async fn the_service_drops(&self, connection: &str, webhook: &str) {
        let store = self.store().await;
        let grant = store.grant(connection.parse().unwrap()).await.unwrap();
        let token = grant.unwrap().tokens.access_token.expose().clone();
        store.close().await;
        let url = format!("{}/api/v1/webhooks/{webhook}", self.cloud.url());
        let dropped = answer(self.browser.delete(url).bearer_auth(token)).await;
        assert!((200..300).contains(&dropped.status), "{}", dropped.text());
    }

    /// The platform's store, opened a second time.
    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        let sealer = Sealer::from_file(&self.config.keys_file).unwrap();
        let (address, entropy) = (&self.config.store, Arc::new(SystemEntropy));
        if address.starts_with("sqlite:") {
            let store = SqliteStore::open(address, sealer, entropy).await;
            return Arc::new(store.unwrap());
        }
        let settings = store_postgres::Settings::default();
        let store = PostgresStore::open(address, sealer, entropy, settings).await;
        Arc::new(store.unwrap())
    }

    pub(crate) async fn delivers(&self, connection: &str, delivery: &Delivery) -> Answer {
        let url = format!("{}/webhooks/{connection}", self.url);
        let mut request = self.browser.post(url).timeout(Duration::from_secs(30));
        for (name, value) in &delivery.headers {
            request = request.header(*name, value);
        }
        answer(request.body(delivery.body.clone())).await
    }

    /// Delivers an activity as the service would; it must be accepted.
    pub(crate) async fn the_service_says(&self, connection: &str, activity: &Value) {
        let body = serde_json::json!({
            "type": activity["type"],
            "timestamp": activity["occurred_at"],
            "data": activity,
        });
        let signer = self.signer_of(connection).await;
        let id = format!("msg_{}", super::text(activity, "/id"));
        let signed = signer.signed(&id, body.to_string().as_bytes(), 0);
        let answer = self.delivers(connection, &signed).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
}
