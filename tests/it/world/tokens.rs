//! The life of a token, among replicas and crashes: one refresh, nothing used before it is durable, and
//! never a loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use connections::{KeeperPorts, TokenKeeper};
use connector::{Catalogue, Egress, EgressOptions, TokenError, TokenSource};
use event_model::{Connection, ConnectionId};
use futures::future::join_all;
use ports::{Grant, GrantStore, StoreError, SystemClock, SystemEntropy, Tokens};
use serde_json::{Value, json};
use telemetry::Metrics;
use tidegate::wiring::Store;

use super::World;

/// A store of grants in which a write can fail, as if the process had died before it, and which can show
/// what was there before.
struct Grants {
    store: Arc<dyn Store>,
    loses_writes: AtomicBool,
    stale: Option<Grant>,
    stale_reads: AtomicUsize,
}

impl Grants {
    fn of(store: &Arc<dyn Store>) -> Self {
        Grants {
            store: Arc::clone(store),
            loses_writes: AtomicBool::new(false),
            stale: None,
            stale_reads: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl GrantStore for Grants {
    async fn grant(&self, id: ConnectionId) -> Result<Option<Grant>, StoreError> {
        let left = self.stale_reads.load(Ordering::SeqCst);
        if left > 0 {
            self.stale_reads.store(left - 1, Ordering::SeqCst);
            return Ok(self.stale.clone());
        }
        self.store.grant(id).await
    }

    async fn replace_grant(
        &self,
        id: ConnectionId,
        read: Option<u64>,
        tokens: &Tokens,
    ) -> Result<Grant, StoreError> {
        if self.loses_writes.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the process died".into()));
        }
        self.store.replace_grant(id, read, tokens).await
    }

    async fn forget_grant(&self, id: ConnectionId) -> Result<(), StoreError> {
        self.store.forget_grant(id).await
    }
}

/// The tokens of a connection as a replica has them.
fn replica(
    name: &str,
    store: &Arc<dyn Store>,
    grants: Grants,
    connection: &Arc<Connection>,
) -> Arc<dyn TokenSource> {
    let ports = KeeperPorts {
        grants: Arc::new(grants),
        client_secrets: store.clone(),
        connections: store.clone(),
        leases: store.clone(),
        audit: store.clone(),
        clock: Arc::new(SystemClock::new()),
        entropy: Arc::new(SystemEntropy),
        metrics: Arc::new(Metrics::new()),
    };
    let egress = Egress::new(EgressOptions::default()).unwrap();
    let catalogue = Arc::new(Catalogue::built_in());
    let keeper = Arc::new(TokenKeeper::new(ports, catalogue, egress, name.to_owned()));
    keeper.source(Arc::clone(connection))
}

async fn connected(world: &World) -> (String, Arc<dyn Store>, Arc<Connection>) {
    let id = world.connects("Acme", "acme", "pull").await;
    let store = world.store().await;
    let connection = store.get(id.parse().unwrap()).await.unwrap().unwrap();
    (id, store, Arc::new(connection))
}

async fn expire(world: &World) {
    let tenant = json!({"tenant": "acme"});
    world
        .toy
        .post("/control/tokens/expire", &tenant)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_callers_of_three_replicas_refresh_an_expired_token_once() {
    let world = World::new(70).await;
    let (_, store, connection) = connected(&world).await;
    let replicas = ["a", "b", "c"];
    let replicas = replicas.map(|name| replica(name, &store, Grants::of(&store), &connection));
    let old = replicas[0].bearer().await.unwrap();
    expire(&world).await;
    let callers = replicas
        .iter()
        .flat_map(|replica| std::iter::repeat_n(replica, 50));
    let fresh = join_all(callers.map(|replica| replica.rejected(&old))).await;
    let first = fresh[0].as_ref().unwrap();
    assert_ne!(first, &old);
    assert!(fresh.iter().all(|token| token.as_ref().ok() == Some(first)));
    assert_eq!(world.tokens("refreshed"), 1);
    assert_eq!(world.tokens("reuse_revoked"), 0);
    world.user("acme", "alice").logs_in();
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_answer_and_the_write_ends_in_a_clear_notice_and_no_loop() {
    let world = World::new(71).await;
    // Authorized only: nothing else uses the grant meanwhile.
    let id = world.creates("Acme").await;
    let back = world.consents(&id, "acme", "admin", "allow").await;
    assert_eq!(world.visit(&back).await.status, 303);
    let store = world.store().await;
    let connection = store.get(id.parse().unwrap()).await.unwrap().unwrap();
    let connection = Arc::new(connection);
    let dying = Grants::of(&store);
    dying.loses_writes.store(true, Ordering::SeqCst);
    let dying = replica("a", &store, dying, &connection);
    let old = dying.bearer().await.unwrap();
    let lost = dying.rejected(&old).await;
    assert!(
        matches!(lost, Err(TokenError::Unavailable { .. })),
        "{lost:?}"
    );

    let next = replica("b", &store, Grants::of(&store), &connection);
    let dead = next.rejected(&old).await;
    assert!(
        matches!(dead, Err(TokenError::GrantDead { .. })),
        "{dead:?}"
    );
    let connection = world.until_it_is(&id, "needs_consent").await;
    assert!(
        connection["lifecycle"]["reason"].is_string(),
        "{connection}"
    );
    let asked = || {
        let requests = world.ledger(0).into_iter();
        requests
            .filter(|entry| entry["path"] == "/oauth/token")
            .count()
    };
    let before = asked();
    let path = format!("/api/v1/connections/{id}/health");
    let health = world
        .call(reqwest::Method::POST, &path, &Value::Null)
        .await
        .json();
    let grant = &health["checks"][0];
    assert_eq!(
        (&grant["name"], &grant["ok"]),
        (&json!("grant"), &json!(false)),
        "{health}"
    );
    assert!(
        grant["detail"]
            .to_string()
            .contains("Authorize the connection again"),
        "{health}"
    );
    assert_eq!(asked(), before, "the dead grant is tried again");
    assert_eq!(world.audited("connection.needs_consent").await.len(), 1);

    let back = world.consents(&id, "acme", "admin", "allow").await;
    assert_eq!(world.visit(&back).await.status, 303);
    assert_eq!(world.connection(&id).await["state"], "authorized");
    world.shuts_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_somebody_used_already_is_no_dead_grant_while_a_newer_one_is_stored() {
    let world = World::new(72).await;
    let (id, store, connection) = connected(&world).await;
    let seen = store.grant(connection.id).await.unwrap();
    let other = replica("a", &store, Grants::of(&store), &connection);
    let old = other.bearer().await.unwrap();
    let newer = other.rejected(&old).await.unwrap();

    // A replica that read the grant before, and believes that it is still so.
    let late = Grants {
        stale: seen,
        stale_reads: AtomicUsize::new(2),
        ..Grants::of(&store)
    };
    let late = replica("b", &store, late, &connection);
    assert_eq!(late.rejected(&old).await.unwrap(), newer);
    assert_eq!(world.audited("connection.needs_consent").await.len(), 0);
    assert!(!id.is_empty());
    world.shuts_down().await;
}
