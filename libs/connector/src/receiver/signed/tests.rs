use crate::receiver::tests::{secret, verdict};

const SLACK: &str = "  verify: {kind: hmac, over: \"v0:{header.x-slack-request-timestamp}:{body}\", signature: {header: x-slack-signature, prefix: v0=}, timestamp: {header: x-slack-request-timestamp, tolerance: 300s}}";
const ZOOM: &str = "  verify: {kind: hmac, over: \"v0:{header.x-zm-request-timestamp}:{body}\", signature: {header: x-zm-signature, prefix: v0=}, timestamp: {header: x-zm-request-timestamp, tolerance: 300s}}";
const BOX: &str = "  verify: {kind: hmac, over: \"{body}{header.box-delivery-timestamp}\", encoding: base64, signature: [{header: box-signature-primary}, {header: box-signature-secondary}], timestamp: {header: box-delivery-timestamp, format: rfc3339, tolerance: 600s}, delivery_id: box-delivery-id}";
const DROPBOX: &str =
    "  verify: {kind: hmac, over: \"{body}\", signature: {header: x-dropbox-signature}}";

/// The example of Slack's own page on verifying requests.
const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const SLACK_SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
/// The vectors of Box's SDKs.
const BOX_BODY: &str = r#"{"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","source":{"id":"1234567890","type":"file","name":"Test.txt"}}"#;
const BOX_PRIMARY: &str = "6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI=";
const BOX_SECONDARY: &str = "v+1CD1Jdo3muIcbpv5lxxgPglOqMfsNHPV899xWYydo=";
/// Made with Python's hmac: Dropbox and Zoom publish no vector.
const DROPBOX_BODY: &str = r#"{"list_folder":{"accounts":["dbid:AAH4f99T0taONIb"]}}"#;
const DROPBOX_SIGNATURE: &str = "94951a88919d1f4a9311320b1021ebe1f9d473661dcee8aa3657249130ffc120";
const ZOOM_BODY: &str = r#"{"event":"meeting.started"}"#;
const ZOOM_SIGNATURE: &str = "v0=fb3489a41412ea9d4492d5aea74d84a7ba89dd5724f94b6281867ca7c4c9fada";

#[test]
fn the_vectors_of_the_services_are_taken_and_what_differs_is_refused() {
    let slack = |stamp| {
        [
            ("x-slack-request-timestamp", stamp),
            ("x-slack-signature", SLACK_SIGNATURE),
        ]
    };
    let boxed = |primary, secondary| {
        [
            ("box-delivery-timestamp", "2020-01-01T00:00:00-07:00"),
            ("box-delivery-id", "f96bb54b"),
            ("box-signature-primary", primary),
            ("box-signature-secondary", secondary),
        ]
    };
    let zoom = [
        ("x-zm-request-timestamp", "1700000000"),
        ("x-zm-signature", ZOOM_SIGNATURE),
    ];
    let dropbox = [("x-dropbox-signature", DROPBOX_SIGNATURE)];
    let slack_secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let (primary, secondary) = ("SamplePrimaryKey", "SampleSecondaryKey");
    type Row<'a> = (
        &'a str,
        &'a str,
        &'a [(&'a str, &'a str)],
        &'a str,
        &'a str,
        &'a str,
    );
    let rows: [Row<'_>; 14] = [
        (
            SLACK,
            slack_secret,
            &slack("1531420618"),
            SLACK_BODY,
            "1531420918",
            "ok",
        ),
        (
            SLACK,
            slack_secret,
            &slack("1531420618"),
            SLACK_BODY,
            "1531420919",
            "stale",
        ),
        (
            SLACK,
            slack_secret,
            &slack("1531420618"),
            SLACK_BODY,
            "1531420317",
            "stale",
        ),
        (
            SLACK,
            slack_secret,
            &slack("1531420619"),
            SLACK_BODY,
            "1531420618",
            "bad_signature",
        ),
        (
            SLACK,
            slack_secret,
            &slack("soon"),
            SLACK_BODY,
            "1531420618",
            "malformed_header",
        ),
        (
            BOX,
            primary,
            &boxed(BOX_PRIMARY, BOX_SECONDARY),
            BOX_BODY,
            "1577862000",
            "ok",
        ),
        (
            BOX,
            secondary,
            &boxed(BOX_PRIMARY, BOX_SECONDARY),
            BOX_BODY,
            "1577862600",
            "ok",
        ),
        (
            BOX,
            secondary,
            &boxed(BOX_PRIMARY, BOX_PRIMARY),
            BOX_BODY,
            "1577862000",
            "bad_signature",
        ),
        (
            BOX,
            primary,
            &boxed(BOX_PRIMARY, ""),
            BOX_BODY,
            "1577862601",
            "stale",
        ),
        (
            BOX,
            primary,
            &boxed(&BOX_PRIMARY[..8], "x"),
            BOX_BODY,
            "1577862000",
            "bad_signature",
        ),
        (DROPBOX, "app-secret", &dropbox, DROPBOX_BODY, "0", "ok"),
        (
            DROPBOX,
            "app-secret",
            &[],
            DROPBOX_BODY,
            "0",
            "missing_header",
        ),
        (ZOOM, "zoom-token", &zoom, ZOOM_BODY, "1700000000", "ok"),
        (
            ZOOM,
            "zoom-token",
            &zoom,
            DROPBOX_BODY,
            "1700000000",
            "bad_signature",
        ),
    ];
    for (push, key, given, body, now, expected) in rows {
        let outcome = verdict(push, &[secret(key)], given, body, now);
        let word = outcome.map_or_else(|refused| refused.word(), |_| "ok");
        assert_eq!(word, expected, "{push} {given:?} at {now}");
    }
}
