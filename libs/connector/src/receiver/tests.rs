use chrono::TimeDelta;
use event_model::Secret;
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::catalogue::Catalogue;
use crate::testing::connection;
use crate::time::{Format, parse};

/// A manifest that only receives, with this `push`.
pub(super) fn connector(push: &str) -> Arc<Connector> {
    let mapped: Vec<String> = event_model::Field::ALL
        .iter()
        .map(|field| format!("    {field}: /{field}"))
        .collect();
    let yaml = format!(
        "manifest: 1\nid: test\nname: Test\nauth: {{kind: none}}\npush:\n{push}\n  reconcile: {{nothing: test}}\nnormalize:\n  fields:\n{}\n",
        mapped.join("\n")
    );
    let parsed = Connector::parse(&yaml, "test");
    Arc::new(parsed.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")))
}

pub(super) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    });
    let mut map = HeaderMap::new();
    pairs.for_each(|(name, value)| {
        map.append(name, value);
    });
    map
}

pub(super) fn secret(text: &str) -> WebhookSecret {
    WebhookSecret {
        secret: Secret::new(text.into()),
        not_after: None,
    }
}

pub(super) fn verdict(
    push: &str,
    secrets: &[WebhookSecret],
    given: &[(&str, &str)],
    body: &str,
    now: &str,
) -> Result<Verified, Refused> {
    let receiver = connector(push)
        .receiver(&connection(None), secrets)
        .unwrap();
    let (headers, body) = (headers(given), Bytes::copy_from_slice(body.as_bytes()));
    let delivery = Delivery {
        method: &Method::POST,
        query: None,
        headers: &headers,
        body: &body,
    };
    receiver.verify(&delivery, parse(now, Format::EpochSeconds).unwrap())
}

const STANDARD: &str = "  verify: {kind: standard_webhooks}";
const RUST_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const RUST_BODY: &str = r#"{"email":"test@example.com","username":"test_user"}"#;
const RUST_ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const RUST_SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

#[test]
fn standard_webhooks_takes_the_official_vectors_and_refuses_what_differs() {
    let good = RUST_SIGNATURE;
    let among = format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,abc {good} v1,xx");
    let partial = "v1,tZ1I4/hD";
    let future_version = good.replacen("v1,", "v2,", 1);
    // id, timestamp, signature, now => outcome
    let rows = [
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(good),
            "1649367553",
            "ok",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(&*among),
            "1649367553",
            "ok",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(good),
            "1649367853",
            "ok",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(good),
            "1649367253",
            "ok",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(good),
            "1649367854",
            "stale",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(good),
            "1649367252",
            "stale",
        ),
        (
            None,
            Some("1649367553"),
            Some(good),
            "1649367553",
            "missing_header",
        ),
        (
            Some(RUST_ID),
            None,
            Some(good),
            "1649367553",
            "missing_header",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            None,
            "1649367553",
            "missing_header",
        ),
        (
            Some(RUST_ID),
            Some("soon"),
            Some(good),
            "1649367553",
            "malformed_header",
        ),
        (
            Some(RUST_ID),
            Some("1649367554"),
            Some(good),
            "1649367553",
            "bad_signature",
        ),
        (
            Some("msg_2"),
            Some("1649367553"),
            Some(good),
            "1649367553",
            "bad_signature",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some("v1,"),
            "1649367553",
            "bad_signature",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(partial),
            "1649367553",
            "bad_signature",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(&*future_version),
            "1649367553",
            "bad_signature",
        ),
        (
            Some(RUST_ID),
            Some("1649367553"),
            Some(""),
            "1649367553",
            "bad_signature",
        ),
    ];
    for (id, stamp, signature, now, expected) in rows {
        let given: Vec<(&str, &str)> = [
            id.map(|id| ("webhook-id", id)),
            stamp.map(|stamp| ("webhook-timestamp", stamp)),
            signature.map(|signature| ("webhook-signature", signature)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let outcome = verdict(STANDARD, &[secret(RUST_SECRET)], &given, RUST_BODY, now);
        let word = outcome
            .as_ref()
            .map_or_else(|refused| refused.word(), |_| "ok");
        assert_eq!(word, expected, "{given:?} at {now}");
        if let Ok(verified) = outcome {
            assert_eq!(verified.delivery_id(), id);
        }
    }
}

#[test]
fn standard_webhooks_takes_any_secret_in_force_and_none_that_is_empty_or_over() {
    let at = |seconds| parse(seconds, Format::EpochSeconds).unwrap();
    let over = |end| WebhookSecret {
        not_after: Some(at(end)),
        ..secret(RUST_SECRET)
    };
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let rows = [
        (vec![secret(other), secret(RUST_SECRET)], "ok"),
        (vec![secret(&RUST_SECRET["whsec_".len()..])], "ok"),
        (vec![over("1649367554")], "ok"),
        (vec![over("1649367553")], "no_secret"),
        (vec![secret(other), over("1649367000")], "bad_signature"),
        (vec![secret("whsec_")], "bad_signature"),
        (vec![secret("")], "no_secret"),
        (vec![], "no_secret"),
    ];
    let given = [
        ("webhook-id", RUST_ID),
        ("webhook-timestamp", "1649367553"),
        ("webhook-signature", RUST_SIGNATURE),
    ];
    for (secrets, expected) in rows {
        let outcome = verdict(STANDARD, &secrets, &given, RUST_BODY, "1649367553");
        let word = outcome.map_or_else(|refused| refused.word(), |_| "ok");
        assert_eq!(word, expected, "{} secrets", secrets.len());
    }
    let javascript = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        (
            "webhook-signature",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ];
    let body = r#"{"test": 2432232314}"#;
    assert!(verdict(STANDARD, &[secret(other)], &javascript, body, "1614265330").is_ok());
    let twice = [&javascript[..], &javascript[..1]].concat();
    let outcome = verdict(STANDARD, &[secret(other)], &twice, body, "1614265330");
    assert_eq!(outcome.unwrap_err(), Refused::MissingHeader);
}

#[test]
fn standard_webhooks_takes_an_ed25519_signature_under_a_public_key() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = format!("whpk_{}", BASE64.encode(pair.public_key()));
    let signature = pair.sign(b"msg_1.1700000000.{}");
    let signature = format!("v1a,{}", BASE64.encode(signature));
    let given = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1700000000"),
        ("webhook-signature", signature.as_str()),
    ];
    assert!(verdict(STANDARD, &[secret(&key)], &given, "{}", "1700000000").is_ok());
    let outcome = verdict(STANDARD, &[secret(&key)], &given, "{ }", "1700000000");
    assert_eq!(outcome.unwrap_err(), Refused::BadSignature);
}

#[test]
fn other_services_signatures_are_described_by_their_manifests() {
    let github = "  verify: {kind: hmac, over: \"{body}\", signature: {header: x-hub-signature-256, prefix: sha256=}}";
    let github_signature =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let github_secret = "It's a Secret to Everybody";
    let slack = "  verify: {kind: hmac, over: \"v0:{header.x-slack-request-timestamp}:{body}\", signature: {header: x-slack-signature, prefix: v0=}, timestamp: {header: x-slack-request-timestamp}}";
    let slack_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"s3cret");
    let slack_tag = hex::encode(ring::hmac::sign(&slack_key, b"v0:1531420618:{}"));
    let slack_signature = format!("v0={slack_tag}");
    let box_push = "  verify: {kind: hmac, over: \"{body}{header.box-delivery-timestamp}\", encoding: base64, signature: [{header: box-signature-primary}, {header: box-signature-secondary}], timestamp: {header: box-delivery-timestamp, format: rfc3339, tolerance: 600s}, delivery_id: box-delivery-id}";
    let box_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"second");
    let box_stamp = "2020-01-01T00:00:00-07:00";
    let box_tag = ring::hmac::sign(&box_key, format!("{{}}{box_stamp}").as_bytes());
    let box_signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, box_tag);
    let header_push = "  verify: {kind: static_header, header: authorization, prefix: \"Bearer \"}";
    type Row<'a> = (
        &'a str,
        &'a str,
        &'a [(&'a str, &'a str)],
        &'a str,
        &'a str,
        &'a str,
    );
    let rows: [Row<'_>; 10] = [
        (
            github,
            github_secret,
            &[("x-hub-signature-256", github_signature)],
            "Hello, World!",
            "0",
            "ok",
        ),
        (
            github,
            github_secret,
            &[("x-hub-signature-256", github_signature)],
            "Hello, World?",
            "0",
            "bad_signature",
        ),
        (
            github,
            github_secret,
            &[("x-hub-signature-256", &github_signature[7..])],
            "Hello, World!",
            "0",
            "missing_header",
        ),
        (
            slack,
            "s3cret",
            &[
                ("x-slack-request-timestamp", "1531420618"),
                ("x-slack-signature", &slack_signature),
            ],
            "{}",
            "1531420700",
            "ok",
        ),
        (
            slack,
            "s3cret",
            &[
                ("x-slack-request-timestamp", "1531420618"),
                ("x-slack-signature", &slack_signature),
            ],
            "{}",
            "1531421000",
            "stale",
        ),
        (
            box_push,
            "second",
            &[
                ("box-delivery-timestamp", box_stamp),
                ("box-signature-primary", "AAAA"),
                ("box-signature-secondary", &box_signature),
                ("box-delivery-id", "d1"),
            ],
            "{}",
            "1577862000",
            "ok",
        ),
        (
            header_push,
            "tok",
            &[("authorization", "Bearer tok")],
            "{}",
            "0",
            "ok",
        ),
        (
            header_push,
            "tok",
            &[("authorization", "Bearer toke")],
            "{}",
            "0",
            "bad_signature",
        ),
        (
            header_push,
            "tok",
            &[("authorization", "tok")],
            "{}",
            "0",
            "malformed_header",
        ),
        (header_push, "tok", &[], "{}", "0", "missing_header"),
    ];
    for (push, key, given, body, now, expected) in rows {
        let outcome = verdict(push, &[secret(key)], given, body, now);
        let word = outcome.map_or_else(|refused| refused.word(), |_| "ok");
        assert_eq!(word, expected, "{push} {given:?}");
    }
}

fn verified(push: &str, body: &str) -> Verified {
    let push = format!("{push}\n  verify: {{kind: static_header, header: x}}");
    let given = [("x", "s"), ("x-kind", "a\"b"), ("x-other", "o")];
    verdict(&push, &[secret("s")], &given, body, "0").unwrap()
}

#[test]
fn events_come_out_byte_for_byte_and_what_is_none_is_set_aside_with_its_reason() {
    let deep = format!("{{\"data\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let rows = [
        (
            "  events: /data",
            r#"{"data": {"a": 1.0,  "a":2}}"#,
            r#"{"a": 1.0,  "a":2}"#,
        ),
        (
            "  events: /data",
            r#"{"data": [{"a":1}, 7]}"#,
            r#"{"a":1}|7"#,
        ),
        ("  events: /data", r#"{"data": []}"#, ""),
        ("  events: \"\"", r#"[{"a":1}]"#, r#"{"a":1}"#),
        ("  events: /data", r#"{"type":"ping"}"#, "not_mappable"),
        ("  events: /data", r#"{"data": "x"}"#, "not_mappable"),
        ("  events: /data", "hello", "not_json"),
        ("  events: /data", &deep, "too_deep"),
        (
            "  headers: [X-Kind, x-absent]\n  events: \"\"",
            r#"{"a": 1.0,  "a":2}"#,
            r#"{"headers":{"x-kind":"a\"b"},"body":{"a": 1.0,  "a":2}}"#,
        ),
    ];
    for (push, body, expected) in rows {
        let outcome = match verified(push, body).events() {
            Ok(events) => {
                let texts: Vec<&str> = events.iter().map(|event| event.json.get()).collect();
                texts.join("|")
            }
            Err(error) => error.reason.to_string(),
        };
        assert_eq!(outcome, expected, "{body}");
    }
}

#[test]
fn only_a_bounded_post_is_taken_and_only_the_services_question_is_echoed() {
    let push = "  handshake: {kind: echo_query, param: validationToken}\n  body_max: 10\n  verify: {kind: static_header, header: x}";
    let receiver = connector(push)
        .receiver(&connection(None), &[secret("s")])
        .unwrap();
    let headers = headers(&[("x", "s")]);
    let (small, large) = (Bytes::from("{}"), Bytes::from("{          }"));
    let delivery = |method, query, body| Delivery {
        method,
        query,
        headers: &headers,
        body,
    };
    let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(1);
    let verify = |delivery| receiver.verify(&delivery, now).err();
    assert_eq!(verify(delivery(&Method::POST, None, &small)), None);
    assert_eq!(
        verify(delivery(&Method::GET, None, &small)),
        Some(Refused::Method)
    );
    assert_eq!(
        verify(delivery(&Method::POST, None, &large)),
        Some(Refused::TooLarge)
    );
    let asked = |query| receiver.handshake(&delivery(&Method::POST, query, &small));
    assert_eq!(
        asked(Some("a=b&validationToken=x%3Cy")).unwrap().body,
        "x<y"
    );
    assert_eq!(asked(Some("a=b")), None);
    let long = format!("validationToken={}", "x".repeat(2_000));
    assert_eq!(asked(Some(&long)), None);
    assert!(
        Catalogue::built_in()
            .get("generic")
            .unwrap()
            .receiver(&connection(None), &[])
            .is_some()
    );
}

proptest! {
    #[test]
    fn no_headers_and_no_body_make_the_receiver_panic(
        id in "[ -~]{0,20}", stamp in "[ -~]{0,20}", signature in "[ -~]{0,80}", body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let receiver = connector(STANDARD).receiver(&connection(None), &[secret(RUST_SECRET)]).unwrap();
        let headers = headers(&[("webhook-id", &id), ("webhook-timestamp", &stamp), ("webhook-signature", &signature)]);
        let body = Bytes::from(body);
        let delivery = Delivery { method: &Method::POST, query: None, headers: &headers, body: &body };
        prop_assert!(receiver.verify(&delivery, DateTime::UNIX_EPOCH).is_err());
        let forced = Verified { body, events: Pointer::whole(), headers: None, delivery_id: None };
        let _ = forced.events();
    }
}
