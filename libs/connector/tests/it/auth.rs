//! Each kind of authorisation that needs no consent, over real HTTP: what the token endpoint is asked,
//! and what proves each call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connector::{Connector, OAuthError};
use event_model::Secret;
use serde_json::{Value, json};

use crate::world::{World, now};

const KEY: &str = include_str!("../../src/oauth/test-key.pem");

/// Path, the headers that prove who calls, and the form, of every request.
type Seen = Arc<Mutex<Vec<(String, HeaderMap, BTreeMap<String, String>)>>>;

async fn answer(State(seen): State<Seen>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let form = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let path = uri.path().to_owned();
    let is_token = path == "/token";
    seen.lock().unwrap().push((path, headers, form));
    let said = match is_token {
        true => json!({"access_token": "t1", "expires_in": 3600}),
        false => json!({"items": [], "next": "c1"}),
    };
    axum::Json(said).into_response()
}

async fn serve() -> (String, Seen) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

fn connector(auth: &str) -> Connector {
    let fields = event_model::Field::ALL.map(|field| format!("    {field}: /{field}\n"));
    let yaml = format!(
        "manifest: 1\nid: service\nname: Service\nself_hosted: true\nauth: {auth}\n\
         http: {{base: '{{base_url}}', hosts: ['{{base_url}}']}}\npull:\n  - stream: s\n    first: start\n    \
         request: {{get: /events}}\n    page: {{kind: cursor, query: cursor, items: /items, next: /next}}\nnormalize:\n  fields:\n{}",
        fields.concat()
    );
    Connector::parse(&yaml, "service").unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// Header and claims of a signed statement, on one line.
fn read_statement(statement: &str) -> String {
    let parts: Vec<&str> = statement.split('.').collect();
    let decoded = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap().to_string()
    };
    format!("{} {}", decoded(parts[0]), decoded(parts[1]))
}

#[tokio::test]
async fn each_kind_asks_for_its_token_and_proves_its_calls_in_its_own_way() {
    // kind, secret => what the token endpoint is asked; what proves a call
    let rows = [
        (
            "{kind: client_credentials, token: '{base_url}/token', scopes: [a, b], token_extra: {box_subject_type: enterprise}}",
            "s3cret",
            "authorization: Basic dGlkZWdhdGU6czNjcmV0 box_subject_type=enterprise grant_type=client_credentials scope=a b",
            "authorization: Bearer t1",
        ),
        (
            "{kind: client_credentials, token: '{base_url}/token', client_auth: body}",
            "s3cret",
            "client_id=tidegate client_secret=s3cret grant_type=client_credentials",
            "authorization: Bearer t1",
        ),
        (
            "{kind: client_credentials, token: '{base_url}/token', client_auth: private_key_jwt, kid: k1, scopes: [okta.logs.read]}",
            KEY,
            "client_assertion={\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"JWT\"} {\"aud\":\"BASE/token\",\"exp\":1767323345,\"iat\":1767323045,\"iss\":\"tidegate\",\"sub\":\"tidegate\"} client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer client_id=tidegate grant_type=client_credentials scope=okta.logs.read",
            "authorization: Bearer t1",
        ),
        (
            "{kind: jwt_bearer, token: '{base_url}/token', subject: '{connection.tenant_id}', scopes: [drive]}",
            KEY,
            "assertion={\"alg\":\"RS256\",\"typ\":\"JWT\"} {\"aud\":\"BASE/token\",\"exp\":1767323345,\"iat\":1767323045,\"iss\":\"tidegate\",\"scope\":\"drive\",\"sub\":\"acme\"} grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer",
            "authorization: Bearer t1",
        ),
        (
            "{kind: api_key, header: authorization, prefix: 'SSWS '}",
            "s3cret",
            "",
            "authorization: SSWS s3cret",
        ),
        (
            "{kind: api_key, header: x-api-key}",
            "s3cret",
            "",
            "x-api-key: s3cret",
        ),
        (
            "{kind: basic, user: '{connection.client_id}'}",
            "s3cret",
            "",
            "authorization: Basic dGlkZWdhdGU6czNjcmV0",
        ),
    ];
    for (auth, secret, token_request, proof) in rows {
        let (address, seen) = serve().await;
        let world = World::of(connector(auth), &address);
        assert!(!world.connector.needs_consent(&world.connection), "{auth}");
        let secret = Some(Secret::new(secret.to_owned()));
        let oauth = world
            .connector
            .oauth(&world.connection, secret, &world.egress)
            .unwrap();
        let tokens = oauth.obtain(now()).await.unwrap();
        let again = oauth.refresh(&tokens, now()).await.unwrap();
        assert_eq!(again.access_token.expose(), tokens.access_token.expose());
        let world = world.holding(tokens);
        world
            .client
            .page_after("s", &event_model::Position::Start)
            .await
            .unwrap();
        let seen = seen.lock().unwrap();
        let written = |(_, headers, form): &(String, HeaderMap, BTreeMap<String, String>)| {
            let proofs = ["authorization", "x-api-key"].iter().filter_map(|name| {
                Some(format!("{name}: {}", headers.get(*name)?.to_str().unwrap()))
            });
            let pairs = form
                .iter()
                .map(|(name, value)| match name.ends_with("assertion") {
                    true => format!("{name}={}", read_statement(value)),
                    false => format!("{name}={value}"),
                });
            proofs
                .chain(pairs)
                .collect::<Vec<_>>()
                .join(" ")
                .replace(&address, "BASE")
        };
        let asked: Vec<_> = seen
            .iter()
            .filter(|(path, ..)| path == "/token")
            .map(written)
            .collect();
        let expected = if token_request.is_empty() {
            vec![]
        } else {
            vec![token_request; 2]
        };
        assert_eq!(asked, expected, "{auth}");
        let calls: Vec<_> = seen
            .iter()
            .filter(|(path, ..)| path == "/events")
            .map(written)
            .collect();
        assert_eq!(calls, [proof], "{auth}");
    }
}

#[tokio::test]
async fn without_its_secret_or_with_one_that_is_no_key_nothing_is_asked() {
    let (address, seen) = serve().await;
    let code = "{kind: oauth2_code, authorize: '{base_url}/a', token: '{base_url}/token'}";
    let credentials = "{kind: client_credentials, token: '{base_url}/token'}";
    let rows = [
        (credentials, None, "the connection has no secret"),
        (
            "{kind: api_key, header: x-api-key}",
            Some(""),
            "the connection has no secret",
        ),
        (
            "{kind: jwt_bearer, token: '{base_url}/token'}",
            Some("no key"),
            "the secret is not an RSA private key (PKCS#8, PEM)",
        ),
        (code, Some("s3cret"), "a person must agree first"),
    ];
    for (auth, secret, expected) in rows {
        let world = World::of(connector(auth), &address);
        let secret = secret.map(|text| Secret::new(text.to_owned()));
        let oauth = world
            .connector
            .oauth(&world.connection, secret, &world.egress)
            .unwrap();
        let Err(OAuthError::Misconfigured { detail }) = oauth.obtain(now()).await else {
            panic!("{auth}")
        };
        assert_eq!(detail, expected, "{auth}");
    }
    let world = World::of(connector(credentials), &address);
    let oauth = world
        .connector
        .oauth(&world.connection, None, &world.egress)
        .unwrap();
    assert!(
        oauth
            .authorize_url("http://127.0.0.1/back", "state", "challenge")
            .is_err()
    );
    assert!(seen.lock().unwrap().is_empty());
}
