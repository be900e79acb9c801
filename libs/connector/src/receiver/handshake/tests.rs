use bytes::Bytes;
use http::HeaderMap;

use super::*;
use crate::receiver::tests::{connector, headers, secret};
use crate::testing::connection;

const SLACK: &str = "{kind: echo_json, path: /type, equals: url_verification, echo: /challenge}";
const OKTA: &str =
    "{kind: header_to_json, header: X-Okta-Verification-Challenge, key: verification}";
const ZOOM: &str = "{kind: hmac_crc, path: /event, equals: endpoint.url_validation, token: /payload/plainToken, token_key: plainToken, proof_key: encryptedToken}";
const GITHUB: &str = "{kind: ping, header: x-github-event, equals: ping}";
const GOOGLE: &str = "{kind: ping, header: x-goog-resource-state, equals: sync, status: 204}";

fn asked(
    handshake: &str,
    method: &Method,
    given: &HeaderMap,
    body: &str,
) -> Option<HandshakeAnswer> {
    let push = format!("  handshake: {handshake}\n  verify: {{kind: static_header, header: x}}");
    let receiver = connector(&push)
        .receiver(&connection(None), &[secret("s3cret")])
        .unwrap();
    receiver.handshake(&Delivery {
        method,
        query: None,
        headers: given,
        body: &Bytes::copy_from_slice(body.as_bytes()),
    })
}

#[test]
fn a_question_is_answered_in_its_known_form_and_nothing_else_is() {
    let long = "x".repeat(1025);
    let long_challenge = format!(r#"{{"type":"url_verification","challenge":"{long}"}}"#);
    let zoom = |token: &str| {
        format!(r#"{{"event":"endpoint.url_validation","payload":{{"plainToken":"{token}"}}}}"#)
    };
    // HMAC-SHA256 of the token under `s3cret`, made with Python's hmac.
    let proved = r#"200 application/json {"encryptedToken":"f54f2d5fee8f181aab8371bada7fed9bb675eae464f18ed4fb91715244b58ef4","plainToken":"qgg8vlvZRS6UYooatFL8Aw"}"#;
    let token = zoom("qgg8vlvZRS6UYooatFL8Aw");
    let forged = zoom("v0:1700000000:{}");
    let too_long = zoom(&"a".repeat(129));
    type Row<'a> = (
        &'a str,
        Method,
        &'a [(&'a str, &'a str)],
        &'a str,
        Option<&'a str>,
    );
    let rows: [Row<'_>; 17] = [
        (
            SLACK,
            Method::POST,
            &[],
            r#"{"type":"url_verification","challenge":"3eZ<b>"}"#,
            Some("200 text/plain; charset=utf-8 3eZ<b>"),
        ),
        (
            SLACK,
            Method::POST,
            &[],
            r#"{"type":"event","challenge":"x"}"#,
            None,
        ),
        (
            SLACK,
            Method::GET,
            &[],
            r#"{"type":"url_verification","challenge":"x"}"#,
            None,
        ),
        (
            SLACK,
            Method::POST,
            &[],
            r#"{"type":"url_verification"}"#,
            None,
        ),
        (SLACK, Method::POST, &[], &long_challenge, None),
        (SLACK, Method::POST, &[], "hello", None),
        (
            OKTA,
            Method::GET,
            &[("x-okta-verification-challenge", "a\"b")],
            "",
            Some(r#"200 application/json {"verification":"a\"b"}"#),
        ),
        (
            OKTA,
            Method::POST,
            &[("x-okta-verification-challenge", "a")],
            "",
            None,
        ),
        (
            OKTA,
            Method::GET,
            &[("x-okta-verification-challenge", &long)],
            "",
            None,
        ),
        (OKTA, Method::GET, &[], "", None),
        (ZOOM, Method::POST, &[], &token, Some(proved)),
        (ZOOM, Method::POST, &[], &forged, None),
        (ZOOM, Method::POST, &[], &too_long, None),
        (
            GITHUB,
            Method::POST,
            &[("x-github-event", "ping")],
            "{}",
            Some("200 text/plain; charset=utf-8 "),
        ),
        (
            GITHUB,
            Method::POST,
            &[("x-github-event", "push")],
            "{}",
            None,
        ),
        (
            GOOGLE,
            Method::POST,
            &[("x-goog-resource-state", "sync")],
            "",
            Some("204 text/plain; charset=utf-8 "),
        ),
        (
            GOOGLE,
            Method::GET,
            &[("x-goog-resource-state", "sync")],
            "",
            None,
        ),
    ];
    for (handshake, method, given, body, expected) in rows {
        let answer = asked(handshake, &method, &headers(given), body);
        let answer = answer.map(|it| format!("{} {} {}", it.status, it.content_type, it.body));
        assert_eq!(answer.as_deref(), expected, "{handshake} {body}");
    }
}

#[test]
fn the_question_of_cloud_events_is_answered_in_headers_and_only_to_who_may_ask() {
    const ANY: &str = "{kind: cloud_events}";
    const SOME: &str = "{kind: cloud_events, origins: [events.example], rate: 120}";
    let origin = ("webhook-request-origin", "events.example");
    let rate = |rate| ("webhook-request-rate", rate);
    type Row<'a> = (&'a str, Method, Vec<(&'a str, &'a str)>, Option<&'a str>);
    let rows: Vec<Row<'_>> = vec![
        (
            ANY,
            Method::OPTIONS,
            vec![origin],
            Some("allow: POST, webhook-allowed-origin: events.example"),
        ),
        (
            SOME,
            Method::OPTIONS,
            vec![origin, rate("1000")],
            Some("allow: POST, webhook-allowed-origin: events.example, webhook-allowed-rate: 120"),
        ),
        (
            SOME,
            Method::OPTIONS,
            vec![origin, rate("7")],
            Some("allow: POST, webhook-allowed-origin: events.example, webhook-allowed-rate: 7"),
        ),
        (
            SOME,
            Method::OPTIONS,
            vec![origin, rate("*")],
            Some("allow: POST, webhook-allowed-origin: events.example, webhook-allowed-rate: 120"),
        ),
        (
            SOME,
            Method::OPTIONS,
            vec![("webhook-request-origin", "stranger.example")],
            None,
        ),
        (SOME, Method::OPTIONS, vec![], None),
        (SOME, Method::POST, vec![origin], None),
    ];
    for (handshake, method, given, expected) in rows {
        let answer = asked(handshake, &method, &headers(&given), "");
        let told = answer.map(|answer| {
            let lines = answer.headers.iter();
            let lines = lines.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
            lines.collect::<Vec<_>>().join(", ")
        });
        assert_eq!(told.as_deref(), expected, "{handshake} {given:?}");
    }
}
