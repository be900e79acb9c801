//! Each way of proving that is not an HMAC: with keys made for the test, and with every byte changed.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::keys::KeySet;
use super::tests::{connector, headers, secret};
use super::*;
use crate::testing::connection;
use crate::time::{Format, parse};

const BODY: &str = r#"{"type":"file.shared","id":"1"}"#;
const RSA_KEY: &str = include_str!("../oauth/test-key.pem");

fn outcome(
    push: &str,
    secrets: &[&str],
    given: &[(&str, &str)],
    body: &str,
    keys: &KeySet,
) -> String {
    let secrets: Vec<WebhookSecret> = secrets.iter().map(|text| secret(text)).collect();
    let receiver = connector(push)
        .receiver(&connection(None), &secrets)
        .unwrap();
    let (headers, body) = (headers(given), Bytes::copy_from_slice(body.as_bytes()));
    let delivery = Delivery {
        method: &Method::POST,
        query: None,
        headers: &headers,
        body: &body,
    };
    let now = parse("1700000000", Format::EpochSeconds).unwrap();
    let verified = receiver.verify_with(&delivery, keys, now);
    verified.map_or_else(|refused| refused.word().to_owned(), |_| "ok".to_owned())
}

fn rsa() -> RsaKeyPair {
    let base64: String = RSA_KEY
        .lines()
        .filter(|line| !line.contains("---"))
        .collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap()
}

fn rsa_sign(message: &[u8]) -> Vec<u8> {
    let key = rsa();
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
        .unwrap();
    signature
}

/// The key as OpenSSL writes it. Source: RFC 8410.
fn ed25519_pem(key: &[u8]) -> String {
    let start = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let spki = [&start[..], key].concat();
    let encoded = STANDARD.encode(spki);
    format!("-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----")
}

#[test]
fn a_signature_with_a_key_is_taken_in_its_own_algorithm_only() {
    let random = SystemRandom::new();
    let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let ed = Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap();
    let ec_of = |algorithm| {
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap()
    };
    let (fixed, der) = (
        ec_of(&ECDSA_P256_SHA256_FIXED_SIGNING),
        ec_of(&ECDSA_P256_SHA256_ASN1_SIGNING),
    );
    let signed = format!("1700000000.{BODY}");
    let message = signed.as_bytes();
    let pem = ed25519_pem(ed.public_key().as_ref());
    let ec_signature = |key: &EcdsaKeyPair| STANDARD.encode(key.sign(&random, message).unwrap());
    let ed_signature = STANDARD.encode(ed.sign(message));
    let ed_hex = hex::encode(ed.public_key());
    let rsa_key = STANDARD.encode(rsa().public());
    let rows = [
        ("ed25519", ed_hex.clone(), ed_signature.clone(), "ok"),
        ("ed25519", pem, ed_signature.clone(), "ok"),
        (
            "es256",
            STANDARD.encode(fixed.public_key()),
            ec_signature(&fixed),
            "ok",
        ),
        (
            "es256",
            hex::encode(der.public_key()),
            ec_signature(&der),
            "ok",
        ),
        (
            "es256",
            hex::encode(der.public_key()),
            ec_signature(&fixed),
            "bad_signature",
        ),
        (
            "rs256",
            rsa_key.clone(),
            STANDARD.encode(rsa_sign(message)),
            "ok",
        ),
        ("rs256", rsa_key, ed_signature.clone(), "bad_signature"),
        ("es256", ed_hex, ed_signature.clone(), "bad_signature"),
        ("ed25519", "no key".into(), ed_signature, "bad_signature"),
    ];
    for (algorithm, key, signature, expected) in rows {
        let push = format!(
            "  verify: {{kind: public_key, algorithm: {algorithm}, over: \"{{header.x-time}}.{{body}}\", signature: {{header: x-signature}}, timestamp: {{header: x-time}}}}"
        );
        let given = [
            ("x-time", "1700000000"),
            ("x-signature", signature.as_str()),
        ];
        let none = KeySet::default();
        assert_eq!(
            outcome(&push, &[&key], &given, BODY, &none),
            expected,
            "{algorithm} {key}"
        );
        assert_ne!(outcome(&push, &[&key], &given, "{}", &none), "ok");
    }
}

/// A statement with that header and those claims, signed by the test's RSA key.
fn statement(header: Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let content = format!("{}.{}", part(&header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(rsa_sign(content.as_bytes()));
    format!("{content}.{signature}")
}

fn published() -> KeySet {
    let key = rsa();
    // PKCS#1 ends in the modulus and `02 03 01 00 01`, the exponent.
    let der = key.public().as_ref();
    let public = &der[der.len() - 5 - key.public().modulus_len()..der.len() - 5];
    let key = json!({"kty": "RSA", "kid": "k1", "use": "sig", "n": URL_SAFE_NO_PAD.encode(public), "e": "AQAB"});
    let other = json!({"kty": "oct", "k": "AAAA", "kid": "k2"});
    KeySet::read(json!({"keys": [key, other]}).to_string().as_bytes()).unwrap()
}

const JWT: &str = "  verify: {kind: jwt, algorithm: HS256, audience: tidegate}";

/// The same scheme with published keys, which a manifest that only receives cannot have.
fn jwt(extra: &str) -> String {
    format!(
        "  verify: {{kind: jwt, algorithm: RS256, keys: \"https://a.example/keys\", issuer: them, audience: tidegate{extra}}}"
    )
}

fn outcome_of_jwt(extra: &str, statement: &str, body: &str) -> String {
    let fields = event_model::Field::ALL.map(|field| format!("    {field}: /{field}\n"));
    let yaml = format!(
        "manifest: 1\nid: test\nname: Test\nauth: {{kind: api_key, header: x-key}}\nhttp: {{base: https://a.example, hosts: [a.example]}}\npush:\n{}\n  reconcile: {{nothing: test}}\nnormalize:\n  fields:\n{}",
        jwt(extra),
        fields.concat()
    );
    let connector =
        Connector::parse(&yaml, "test").unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let receiver = Arc::new(connector)
        .receiver(&connection(None), &[])
        .unwrap();
    let bearer = format!("Bearer {statement}");
    let (headers, body) = (
        headers(&[("authorization", &bearer)]),
        Bytes::copy_from_slice(body.as_bytes()),
    );
    let delivery = Delivery {
        method: &Method::POST,
        query: None,
        headers: &headers,
        body: &body,
    };
    let now = parse("1700000000", Format::EpochSeconds).unwrap();
    let verified = receiver.verify_with(&delivery, &published(), now);
    verified.map_or_else(|refused| refused.word().to_owned(), |_| "ok".to_owned())
}

#[test]
fn a_statement_is_taken_from_its_issuer_for_us_in_its_time_and_algorithm_only() {
    let good =
        json!({"iss": "them", "aud": "tidegate", "exp": 1_700_000_060, "iat": 1_699_999_990});
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        claims
    };
    let rs = || json!({"alg": "RS256", "kid": "k1"});
    let hash = hex::encode(digest::digest(&digest::SHA256, BODY.as_bytes()));
    let rows = [
        ("", rs(), good.clone(), "ok"),
        ("", json!({"alg": "RS256"}), good.clone(), "ok"),
        ("", rs(), with("aud", json!(["others", "tidegate"])), "ok"),
        ("", rs(), with("aud", json!("others")), "bad_signature"),
        ("", rs(), with("iss", json!("stranger")), "bad_signature"),
        ("", rs(), with("exp", json!(1_699_999_939)), "stale"),
        ("", rs(), with("iat", json!(1_700_000_061)), "stale"),
        ("", rs(), with("exp", Value::Null), "malformed_header"),
        (
            "",
            json!({"alg": "RS256", "kid": "k9"}),
            good.clone(),
            "unknown_key",
        ),
        (
            "",
            json!({"alg": "none", "kid": "k1"}),
            good.clone(),
            "bad_signature",
        ),
        (
            "",
            json!({"alg": "HS256", "kid": "k1"}),
            good.clone(),
            "bad_signature",
        ),
        (
            ", claims: {appid: app}",
            rs(),
            with("appid", json!("app")),
            "ok",
        ),
        (
            ", claims: {appid: app}",
            rs(),
            good.clone(),
            "bad_signature",
        ),
        (", body_sha256: hash", rs(), with("hash", json!(hash)), "ok"),
        (
            ", body_sha256: hash",
            rs(),
            with("hash", json!("00")),
            "bad_signature",
        ),
        (", body_sha256: hash", rs(), good.clone(), "bad_signature"),
    ];
    for (extra, header, claims, expected) in rows {
        let statement = statement(header.clone(), &claims);
        assert_eq!(
            outcome_of_jwt(extra, &statement, BODY),
            expected,
            "{extra} {header} {claims}"
        );
    }
    for broken in ["", "a", "a.b", "a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9..x"] {
        assert_ne!(outcome_of_jwt("", broken, BODY), "ok", "{broken}");
    }
}

#[test]
fn a_statement_under_the_secret_is_an_hmac() {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let content = format!(
        "{}.{}",
        part(json!({"alg": "HS256"})),
        part(json!({"aud": "tidegate", "exp": 1_700_000_060}))
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, content.as_bytes()));
    let bearer = format!("Bearer {content}.{signature}");
    let given = [("authorization", bearer.as_str())];
    let none = KeySet::default();
    assert_eq!(outcome(JWT, &["s3cret"], &given, BODY, &none), "ok");
    assert_eq!(
        outcome(JWT, &["other"], &given, BODY, &none),
        "bad_signature"
    );
    assert_eq!(
        outcome(JWT, &["other", "s3cret"], &given, BODY, &none),
        "ok"
    );
}

const BASIC: &str = "  verify: {kind: basic, user: hook}";
const GRAPH: &str =
    "  verify: {kind: static_body, each: /value, path: /clientState}\n  events: /value";
const NEXTCLOUD: &str =
    "  verify: {kind: static_header, header: authorization, prefix: \"Bearer \"}";
const O365: &str = "  verify: {kind: static_header, header: webhook-authid}";

#[test]
fn a_secret_that_is_sent_along_is_compared_as_a_whole() {
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let (good, wrong, other_user) = (
        basic("hook:s3cret"),
        basic("hook:s3cre"),
        basic("hack:s3cret"),
    );
    let states = |all: &[&str]| {
        let all: Vec<Value> = all
            .iter()
            .map(|state| json!({"clientState": state}))
            .collect();
        json!({ "value": all }).to_string()
    };
    let (both, one_wrong, none) = (
        states(&["s3cret", "s3cret"]),
        states(&["s3cret", "x"]),
        states(&[]),
    );
    /// Manifest, headers, body, outcome.
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
    let rows: [Row<'_>; 14] = [
        (BASIC, &[("authorization", &good)], BODY, "ok"),
        (BASIC, &[("authorization", &wrong)], BODY, "bad_signature"),
        (
            BASIC,
            &[("authorization", &other_user)],
            BODY,
            "bad_signature",
        ),
        (
            BASIC,
            &[("authorization", "Basic !!")],
            BODY,
            "malformed_header",
        ),
        (BASIC, &[], BODY, "missing_header"),
        (GRAPH, &[], &both, "ok"),
        (GRAPH, &[], &one_wrong, "bad_signature"),
        (GRAPH, &[], &none, "missing_header"),
        (GRAPH, &[], r#"{"value":[{}]}"#, "missing_header"),
        (GRAPH, &[], "no JSON", "malformed_header"),
        (NEXTCLOUD, &[("authorization", "Bearer s3cret")], BODY, "ok"),
        (
            NEXTCLOUD,
            &[("authorization", "s3cret")],
            BODY,
            "malformed_header",
        ),
        (O365, &[("webhook-authid", "s3cret")], BODY, "ok"),
        (
            O365,
            &[("webhook-authid", "s3cret ")],
            BODY,
            "bad_signature",
        ),
    ];
    for (push, given, body, expected) in rows {
        let keys = KeySet::default();
        assert_eq!(
            outcome(push, &["s3cret"], given, body, &keys),
            expected,
            "{push} {given:?} {body}"
        );
    }
}

proptest! {
    #[test]
    fn a_changed_byte_never_verifies(at in 0usize..10_000, flip in 1u8..=255) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
        let changed = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let place = at % bytes.len();
            bytes[place] ^= flip;
            String::from_utf8(bytes).ok()
        };
        let push = "  verify: {kind: hmac, over: \"v0:{header.x-time}:{body}\", signature: {header: x-signature, prefix: v0=}, timestamp: {header: x-time}}";
        let signature = hex::encode(hmac::sign(&key, format!("v0:1700000000:{BODY}").as_bytes()));
        let signature = format!("v0={signature}");
        let none = KeySet::default();
        let judged = |signature: &str, body: &str| {
            let given = [("x-time", "1700000000"), ("x-signature", signature)];
            outcome(push, &["s3cret"], &given, body, &none)
        };
        prop_assert_eq!(judged(&signature, BODY), "ok");
        if let Some(body) = changed(BODY) {
            prop_assert_ne!(judged(&signature, &body), "ok");
        }
        let header_like = |text: &String| text.bytes().all(|byte| (32..127).contains(&byte));
        let is_other = |text: &String| !text.eq_ignore_ascii_case(&signature);
        if let Some(other) = changed(&signature).filter(header_like).filter(is_other) {
            prop_assert_ne!(judged(&other, BODY), "ok");
        }
        let statement = statement(
            json!({"alg": "RS256", "kid": "k1"}),
            &json!({"iss": "them", "aud": "tidegate", "exp": 1_700_000_060}),
        );
        if let Some(other) = changed(&statement).filter(header_like) {
            prop_assert_ne!(outcome_of_jwt("", &other, BODY), "ok");
        }
    }

    #[test]
    fn nothing_that_is_sent_makes_a_check_or_an_answer_panic(
        text in "[ -~]{0,80}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let schemes = [
            "  verify: {kind: standard_webhooks}",
            "  verify: {kind: hmac, over: \"{body}\", signature: {header: x}}",
            "  verify: {kind: public_key, algorithm: es256, over: \"{body}\", signature: {header: x}}",
            "  verify: {kind: jwt, algorithm: HS256, header: x, prefix: \"\"}",
            "  verify: {kind: basic, user: u}",
            "  verify: {kind: static_body, path: /a}",
            "  handshake: [{kind: echo_query, param: a}, {kind: echo_json, path: /a, equals: b, echo: /c}, {kind: header_to_json, header: x, key: k}, {kind: hmac_crc, path: /a, equals: b, token: /t, token_key: t, proof_key: p}, {kind: ping, header: x, equals: y}, {kind: cloud_events}]\n  verify: {kind: static_header, header: x}",
        ];
        let names = ["x", "authorization", "webhook-id", "webhook-timestamp", "webhook-signature", "webhook-request-origin", "webhook-request-rate"];
        let given: Vec<(&str, &str)> = names.iter().map(|name| (*name, text.trim())).collect();
        let (headers, body) = (headers(&given), Bytes::from(body));
        for push in schemes {
            let receiver = connector(push).receiver(&connection(None), &[secret("s3cret")]).unwrap();
            for method in [Method::POST, Method::GET, Method::OPTIONS] {
                let delivery = Delivery { method: &method, query: Some(&text), headers: &headers, body: &body };
                if let Some(answer) = receiver.handshake(&delivery) {
                    prop_assert!(answer.body.len() <= 16 * 1024);
                }
                let verdict = receiver.verify(&delivery, DateTime::UNIX_EPOCH);
                prop_assert!(verdict.is_err() || text.trim() == "s3cret");
            }
        }
    }
}
