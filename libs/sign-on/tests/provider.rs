//! Against a small provider over HTTP that signs real statements: what is taken, and what is refused.
#![expect(
    clippy::unwrap_used,
    reason = "a failing helper of a test is a failing test"
)]

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use connector::{Egress, EgressOptions, ProviderCalls, challenge_of};
use event_model::{Role, Secret};
use ports::{Clock, ManualClock, SignOn, SignOnError, SignOnTie, SignedOn};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use sign_on::{Provider, SignOnSettings};

/// What the played provider answers with.
#[derive(Default)]
struct Played {
    issuer: String,
    published_issuer: Option<String>,
    keys: Vec<Value>,
    statement: String,
    keys_read: u32,
    padding: usize,
    /// The forms and headers that came to the token's endpoint.
    asked: Vec<(HashMap<String, String>, Option<String>)>,
}

type Shared = Arc<Mutex<Played>>;

async fn discovery(State(played): State<Shared>) -> Json<Value> {
    let played = played.lock().unwrap();
    let issuer = &played.issuer;
    Json(json!({
        "issuer": played.published_issuer.as_ref().unwrap_or(issuer),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "padding": "x".repeat(played.padding),
    }))
}

async fn keys(State(played): State<Shared>) -> Json<Value> {
    let mut played = played.lock().unwrap();
    played.keys_read += 1;
    Json(json!({ "keys": played.keys }))
}

async fn token(
    State(played): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Json<Value> {
    let mut played = played.lock().unwrap();
    let authorization = headers.get("authorization");
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    played.asked.push((form, authorization));
    Json(json!({ "access_token": "a", "token_type": "Bearer", "id_token": played.statement }))
}

/// A key that signs, by its name.
struct Signer {
    kid: &'static str,
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap();
        Signer { kid, pair }
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]) })
    }

    fn signs(&self, header: &Value, claims: &Value) -> String {
        let content = unsigned(header, claims);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), content.as_bytes())
            .unwrap();
        format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A key in PKCS#8 that tests share.
fn rsa() -> Vec<u8> {
    let pem = include_str!("../../connector/src/oauth/test-key.pem");
    let base64: String = pem.lines().filter(|line| !line.contains("---")).collect();
    STANDARD.decode(base64).unwrap()
}

struct World {
    played: Shared,
    clock: Arc<ManualClock>,
    provider: Provider,
    signer: Signer,
}

fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_853_600, 0).unwrap()
}

fn tie() -> SignOnTie {
    SignOnTie {
        state: "the-state".into(),
        nonce: "the-nonce".into(),
        verifier: Secret::new("v".repeat(43)),
    }
}

impl World {
    async fn new(secret: Option<&str>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let signer = Signer::new("one");
        let played: Shared = Arc::new(Mutex::new(Played {
            issuer: issuer.clone(),
            keys: vec![signer.public()],
            ..Played::default()
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&played));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings = json!({
            "name": "Example", "issuer": issuer, "client_id": "tidegate",
            "rule": [{ "group": "soc", "roles": ["analyst"] }]
        });
        let settings: SignOnSettings = serde_json::from_value(settings).unwrap();
        assert_eq!(settings.mistakes(), []);
        let clock = Arc::new(ManualClock::at(beginning()));
        let egress = Egress::new(EgressOptions::default()).unwrap();
        let provider = Provider::new(
            settings,
            secret.map(|secret| Secret::new(secret.to_owned())),
            "https://tidegate.example/login/sso/callback".into(),
            ProviderCalls::new(egress, issuer),
            clock.clone(),
        );
        World {
            played,
            clock,
            provider,
            signer,
        }
    }

    fn issuer(&self) -> String {
        self.played.lock().unwrap().issuer.clone()
    }

    fn claims(&self) -> Value {
        let now = self.clock.now().timestamp();
        json!({ "iss": self.issuer(), "aud": "tidegate", "sub": "7", "nonce": "the-nonce",
            "iat": now, "exp": now + 300, "preferred_username": "ada", "groups": ["soc", "vpn"] })
    }

    fn header(&self) -> Value {
        json!({ "alg": "ES256", "typ": "JWT", "kid": self.signer.kid })
    }

    async fn finishes(&self, statement: String) -> Result<SignedOn, SignOnError> {
        self.played.lock().unwrap().statement = statement;
        let code = Secret::new("the-code".to_owned());
        self.provider.finish(&code, &tie()).await
    }
}

#[tokio::test]
async fn somebody_comes_with_what_their_groups_make_of_them() {
    let world = World::new(Some("s3cret/+")).await;
    let address = world.provider.begin(&tie()).await.unwrap();
    for part in [
        "response_type=code",
        "client_id=tidegate",
        "redirect_uri=https%3A%2F%2Ftidegate.example%2Flogin%2Fsso%2Fcallback",
        "scope=openid+profile+email+groups",
        "state=the-state",
        "nonce=the-nonce",
        "code_challenge_method=S256",
        &format!("code_challenge={}", challenge_of(&"v".repeat(43))),
    ] {
        assert!(address.contains(part), "{part}: {address}");
    }
    let statement = world.signer.signs(&world.header(), &world.claims());
    let came = world.finishes(statement).await.unwrap();
    assert_eq!(
        (came.name.as_str(), came.subject.subject.as_str()),
        ("ada", "7")
    );
    assert_eq!(came.subject.issuer, world.issuer());
    assert_eq!(came.roles, BTreeSet::from([Role::Analyst]));
    assert_eq!(came.groups.len(), 2);
    let asked = world.played.lock().unwrap().asked.remove(0);
    let (form, authorization) = asked;
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "the-code");
    assert_eq!(form["code_verifier"], "v".repeat(43));
    assert!(!form.contains_key("client_secret"));
    let expected = format!("Basic {}", STANDARD.encode("tidegate:s3cret%2F%2B"));
    assert_eq!(authorization, Some(expected));
}

/// What is wrong, and how the statement or its header is changed.
type Row = (&'static str, fn(&mut Value, &mut Value, i64));

const REFUSED: &[Row] = &[
    ("another nonce", |_, claims, _| {
        claims["nonce"] = json!("other")
    }),
    ("no nonce", |_, claims, _| {
        drop(claims.as_object_mut().unwrap().remove("nonce"))
    }),
    ("another audience", |_, claims, _| {
        claims["aud"] = json!("other")
    }),
    ("several audiences without a party", |_, claims, _| {
        claims["aud"] = json!(["tidegate", "other"]);
    }),
    ("made for another party", |_, claims, _| {
        claims["azp"] = json!("other")
    }),
    ("another issuer", |_, claims, _| {
        claims["iss"] = json!("https://evil.example")
    }),
    ("ended", |_, claims, now| claims["exp"] = json!(now - 61)),
    ("no end", |_, claims, _| {
        drop(claims.as_object_mut().unwrap().remove("exp"))
    }),
    ("of the future", |_, claims, now| {
        claims["iat"] = json!(now + 120)
    }),
    ("not valid yet", |_, claims, now| {
        claims["nbf"] = json!(now + 120)
    }),
    ("made long ago", |_, claims, now| {
        claims["iat"] = json!(now - 3_600)
    }),
    ("nobody", |_, claims, _| claims["sub"] = json!("")),
    ("a number for somebody", |_, claims, _| {
        claims["sub"] = json!(7)
    }),
    ("alg none", |header, _, _| header["alg"] = json!("none")),
    ("alg HS256", |header, _, _| header["alg"] = json!("HS256")),
    ("an algorithm of another key", |header, _, _| {
        header["alg"] = json!("RS256")
    }),
    ("a key that is not published", |header, _, _| {
        header["kid"] = json!("two")
    }),
    ("what must be understood", |header, _, _| {
        header["crit"] = json!(["b64"])
    }),
];

#[tokio::test]
async fn a_statement_that_does_not_prove_who_it_is_is_refused() {
    let world = World::new(None).await;
    for (what, change) in REFUSED {
        let (mut header, mut claims) = (world.header(), world.claims());
        change(&mut header, &mut claims, world.clock.now().timestamp());
        let statement = world.signer.signs(&header, &claims);
        let refused = world.finishes(statement).await;
        assert!(
            matches!(refused, Err(SignOnError::Refused { .. })),
            "{what}: {refused:?}"
        );
    }
    let good = world.signer.signs(&world.header(), &world.claims());
    let cut = good.rsplit_once('.').unwrap().0;
    let other = Signer::new("one").signs(&world.header(), &world.claims());
    for (what, statement) in [
        ("no signature", format!("{cut}.")),
        ("another one's signature", other),
        ("more behind it", format!("{good}.x")),
        ("not one at all", "x".into()),
        ("too long", format!("{good}{}", "A".repeat(100_000))),
    ] {
        let refused = world.finishes(statement).await;
        assert!(
            matches!(refused, Err(SignOnError::Refused { .. })),
            "{what}: {refused:?}"
        );
    }
    assert!(world.finishes(good).await.is_ok(), "and this one is taken");
}

#[tokio::test]
async fn what_is_within_the_skew_of_clocks_is_taken() {
    let world = World::new(None).await;
    let now = world.clock.now().timestamp();
    for (claim, value) in [("exp", now - 30), ("iat", now + 30), ("nbf", now + 59)] {
        let mut claims = world.claims();
        claims[claim] = json!(value);
        let came = world
            .finishes(world.signer.signs(&world.header(), &claims))
            .await;
        assert!(came.is_ok(), "{claim}: {came:?}");
    }
    let mut several = world.claims();
    several["aud"] = json!(["other", "tidegate"]);
    several["azp"] = json!("tidegate");
    let came = world
        .finishes(world.signer.signs(&world.header(), &several))
        .await;
    assert!(came.is_ok(), "{came:?}");
}

#[tokio::test]
async fn keys_that_were_changed_are_read_again_and_not_too_often() {
    let world = World::new(None).await;
    let first = world.signer.signs(&world.header(), &world.claims());
    assert!(world.finishes(first.clone()).await.is_ok());
    let next = Signer::new("two");
    world.played.lock().unwrap().keys = vec![next.public()];
    let header = json!({ "alg": "ES256", "kid": "two" });
    let early = world.finishes(next.signs(&header, &world.claims())).await;
    assert!(early.is_err(), "they were read a moment ago");
    assert_eq!(world.played.lock().unwrap().keys_read, 1);
    world.clock.advance(Duration::from_secs(31));
    let late = world.finishes(next.signs(&header, &world.claims())).await;
    assert!(late.is_ok(), "{late:?}");
    assert!(
        world.finishes(first).await.is_err(),
        "the old key is no longer taken"
    );
    assert_eq!(world.played.lock().unwrap().keys_read, 2);
}

#[tokio::test]
async fn a_statement_signed_with_rsa_is_taken() {
    let world = World::new(None).await;
    let pair = RsaKeyPair::from_pkcs8(&rsa()).unwrap();
    let public = pair.public();
    let part = |bytes: &[u8]| {
        let begin = bytes.iter().position(|byte| *byte != 0).unwrap();
        URL_SAFE_NO_PAD.encode(&bytes[begin..])
    };
    let components: ring::rsa::PublicKeyComponents<Vec<u8>> = public.into();
    world.played.lock().unwrap().keys = vec![json!({ "kty": "RSA", "kid": "r", "alg": "RS256",
        "n": part(&components.n), "e": part(&components.e) })];
    let content = unsigned(&json!({ "alg": "RS256", "kid": "r" }), &world.claims());
    let mut signature = vec![0; public.modulus_len()];
    let random = SystemRandom::new();
    pair.sign(
        &RSA_PKCS1_SHA256,
        &random,
        content.as_bytes(),
        &mut signature,
    )
    .unwrap();
    let statement = format!("{content}.{}", URL_SAFE_NO_PAD.encode(&signature));
    let came = world.finishes(statement).await;
    assert!(came.is_ok(), "{came:?}");
}

#[tokio::test]
async fn a_hostile_provider_is_refused_or_bounded() {
    for (what, change) in [
        (
            "it speaks for another",
            (|played| played.published_issuer = Some("https://other.example".into()))
                as fn(&mut Played),
        ),
        ("it answers without end", |played| {
            played.padding = 1024 * 1024
        }),
    ] {
        let world = World::new(None).await;
        change(&mut world.played.lock().unwrap());
        let begun = world.provider.begin(&tie()).await;
        assert!(begun.is_err(), "{what}: {begun:?}");
    }
}
