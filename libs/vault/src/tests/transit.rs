//! The transit engine: on a server that keeps to its documented HTTP API, and on a real one when
//! `TIDEGATE_TEST_TRANSIT` has the address of a key and `TIDEGATE_TEST_TRANSIT_TOKEN` a token for it.

use std::sync::Mutex;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, body::Bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event_model::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::*;

const TOKEN: &str = "s.test";

/// A transit engine with one key, whose versions are keys of `sealing`.
#[derive(Default)]
struct Engine {
    versions: Mutex<Vec<u8>>,
    is_sealed: Mutex<bool>,
}

type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

fn no(status: u16, said: &str) -> (StatusCode, Json<Value>) {
    let status = StatusCode::from_u16(status).unwrap();
    (status, Json(json!({ "errors": [said] })))
}

impl Engine {
    fn admit(&self, headers: &HeaderMap) -> Result<(), (StatusCode, Json<Value>)> {
        if *self.is_sealed.lock().unwrap() {
            return Err(no(503, "Vault is sealed"));
        }
        match headers.get("X-Vault-Token").map(|token| token.as_bytes()) {
            Some(token) if token == TOKEN.as_bytes() => Ok(()),
            _ => Err(no(403, "permission denied")),
        }
    }

    fn sealer(&self, version: usize) -> Option<Sealer> {
        let versions = self.versions.lock().unwrap();
        let byte = *versions.get(version.checked_sub(1)?)?;
        Sealer::new(vec![Key::new("k", [byte; 32])]).ok()
    }

    fn latest(&self) -> usize {
        self.versions.lock().unwrap().len()
    }
}

fn field(body: &Value, name: &str) -> String {
    let encoded = body[name].as_str().unwrap();
    String::from_utf8_lossy(&STANDARD.decode(encoded).unwrap()).into_owned()
}

type Shared = State<Arc<Engine>>;

async fn encrypt(
    State(engine): Shared,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    engine.admit(&headers)?;
    assert_eq!(key, "tidegate");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let plain = STANDARD
        .decode(body["plaintext"].as_str().unwrap())
        .unwrap();
    let version = engine.latest();
    let sealed = engine.sealer(version).unwrap();
    let sealed = sealed.seal(&field(&body, "associated_data"), &plain, [7; 12]);
    let ciphertext = format!("vault:v{version}:{}", STANDARD.encode(sealed));
    Ok(Json(
        json!({ "data": { "ciphertext": ciphertext, "key_version": version } }),
    ))
}

async fn decrypt(State(engine): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    engine.admit(&headers)?;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let invalid = || no(400, "invalid ciphertext: no prefix");
    let text = body["ciphertext"].as_str().unwrap();
    let (version, sealed) = text
        .strip_prefix("vault:v")
        .and_then(|rest| rest.split_once(':'))
        .ok_or_else(invalid)?;
    let sealer = engine
        .sealer(version.parse().unwrap())
        .ok_or_else(invalid)?;
    let sealed = STANDARD.decode(sealed).map_err(|_| invalid())?;
    let opened = sealer.open(&field(&body, "associated_data"), &sealed);
    let plain = opened.map_err(|_| no(400, "cipher: message authentication failed"))?;
    Ok(Json(
        json!({ "data": { "plaintext": STANDARD.encode(&plain[..]) } }),
    ))
}

async fn key(State(engine): Shared, headers: HeaderMap) -> Answer {
    engine.admit(&headers)?;
    Ok(Json(
        json!({ "data": { "name": "tidegate", "latest_version": engine.latest() } }),
    ))
}

async fn rotate(
    State(engine): Shared,
    headers: HeaderMap,
) -> Result<StatusCode, (StatusCode, Json<Value>)> {
    engine.admit(&headers)?;
    let mut versions = engine.versions.lock().unwrap();
    let next = versions.len() as u8 + 1;
    versions.push(next);
    Ok(StatusCode::NO_CONTENT)
}

async fn served() -> (Arc<Engine>, Url) {
    let engine = Arc::new(Engine::default());
    engine.versions.lock().unwrap().push(1);
    let app = Router::new()
        .route("/v1/a/transit/encrypt/{key}", post(encrypt))
        .route("/v1/a/transit/decrypt/{key}", post(decrypt))
        .route("/v1/a/transit/keys/{key}", get(key))
        .route("/v1/a/transit/keys/{key}/rotate", post(rotate))
        .with_state(engine.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/a/transit/tidegate",
        listener.local_addr().unwrap()
    );
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (engine, url.parse().unwrap())
}

fn kms(key: &Url, token: &str) -> Arc<TransitKms> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = TransitOptions {
        key: key.clone(),
        token: Secret::new(token.to_owned()),
        namespace: None,
    };
    Arc::new(TransitKms::new(options).unwrap())
}

/// What holds of every transit engine.
async fn keys_are_wrapped_bound_and_renewed(key: &Url, token: &str) {
    let kms = kms(key, token);
    let plain = DataKey::new([9; 32]);
    let wrapped = kms.wrap(&plain, "vault/x/1").await.unwrap();
    assert!(wrapped.starts_with("vault:v"), "{wrapped}");
    let opened = kms.unwrap(&wrapped, "vault/x/1").await.unwrap();
    assert_eq!(opened.bytes(), plain.bytes());
    for (wrapped, context) in [
        (wrapped.as_str(), "vault/x/2"),
        ("vault:v1:AAAA", "vault/x/1"),
        ("x", "vault/x/1"),
    ] {
        let told = kms.unwrap(wrapped, context).await.err().unwrap();
        assert!(matches!(told, KmsError::NotOpened { .. }), "{told:?}");
    }
    assert!(kms.is_current(&wrapped).await.unwrap());

    let world = World::with(Storage::memory(), kms.clone()).await;
    let id = world.put(b"salaries").await.id;
    let rotated = world.vault.rotate(true, "ada", |_| ()).await.unwrap();
    assert_eq!(
        rotated,
        Rotated {
            rewrapped: 1,
            current: 0,
            not_opened: 0
        }
    );
    assert!(!kms.is_current(&wrapped).await.unwrap());
    assert_eq!(world.get(id).await.unwrap(), b"salaries");
    let rotated = world.vault.rotate(false, "ada", |_| ()).await.unwrap();
    assert_eq!(
        rotated,
        Rotated {
            rewrapped: 0,
            current: 1,
            not_opened: 0
        }
    );
    assert!(
        world
            .vault
            .look()
            .await
            .unwrap()
            .contains("the transit key")
    );

    let denied = super::transit::kms(key, "s.wrong").wrap(&plain, "c").await;
    assert!(
        matches!(denied, Err(KmsError::Refused { .. })),
        "{denied:?}"
    );
}

#[tokio::test]
async fn the_documented_transit_engine_wraps_keys() {
    let (_, key) = served().await;
    keys_are_wrapped_bound_and_renewed(&key, TOKEN).await;
}

#[tokio::test]
async fn a_real_transit_engine_wraps_keys() {
    let given = |name: &str| std::env::var(name).ok();
    let (Some(key), Some(token)) = (
        given("TIDEGATE_TEST_TRANSIT"),
        given("TIDEGATE_TEST_TRANSIT_TOKEN"),
    ) else {
        eprintln!("SKIPPED: `TIDEGATE_TEST_TRANSIT` names no transit engine");
        return;
    };
    keys_are_wrapped_bound_and_renewed(&key.parse().unwrap(), &token).await;
}

#[tokio::test]
async fn keys_of_a_file_are_moved_to_the_transit_engine_and_back() {
    let (engine, url) = served().await;
    let local: Arc<dyn Kms> = Arc::new(
        LocalKms::from_text(KEYS, Arc::new(SeededEntropy::new(1)))
            .ok()
            .unwrap(),
    );
    let transit: Arc<dyn Kms> = kms(&url, TOKEN);
    let world = World::with(Storage::memory(), local.clone()).await;
    let id = world.put(b"salaries").await.id;
    for (current, former) in [(transit.clone(), local.clone()), (local, transit)] {
        let ports = |former| VaultPorts {
            keys: KeyRing::new(current.clone(), former),
            ..world.ports.clone()
        };
        let alone = Vault::new(ports(Vec::new()))
            .open(id, "ada", Act::Read)
            .await;
        let told = std::error::Error::source(&alone.err().unwrap())
            .unwrap()
            .to_string();
        assert!(
            told.contains("is not configured (setting `vault_key`)"),
            "{told}"
        );
        let vault = Vault::new(ports(vec![former]));
        assert_eq!(
            vault.rotate(false, "ada", |_| ()).await.unwrap().rewrapped,
            1
        );
        let scheme = world.item(id).await.key.unwrap().scheme;
        assert_eq!(scheme, current.scheme());
        vault.verify(id, "ada", |_| ()).await.unwrap();
    }
    *engine.is_sealed.lock().unwrap() = true;
    let told = kms(&url, TOKEN)
        .wrap(&DataKey::new([1; 32]), "c")
        .await
        .unwrap_err();
    assert!(matches!(told, KmsError::Unavailable { .. }), "{told}");
    let nobody = kms(&"http://127.0.0.1:1/transit/k".parse().unwrap(), TOKEN);
    let told = nobody.wrap(&DataKey::new([1; 32]), "c").await.unwrap_err();
    assert!(matches!(told, KmsError::Unavailable { .. }), "{told}");
}

#[test]
fn an_address_that_names_no_key_is_refused() {
    for url in [
        "http://h/k",
        "http://h/",
        "ftp://h/transit/k",
        "http://h/transit/k?x=1",
    ] {
        let options = TransitOptions {
            key: url.parse().unwrap(),
            token: Secret::new("t".into()),
            namespace: None,
        };
        let told = TransitKms::new(options).err().unwrap();
        assert!(
            told.contains("is not the address of a key"),
            "{url}: {told}"
        );
    }
}
