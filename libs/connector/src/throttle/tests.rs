use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::connector::Connector;
use crate::testing::connection;

const RULES: &str = "
    - {status: 429}
    - {status: 403, header: {x-ratelimit-remaining: '0'}, wait_until_header: x-ratelimit-reset, otherwise: 60s}
    - {status: 403, header: {x-mashery-error-code: ERR_403_DEVELOPER_OVER}, otherwise: 5s}
    - {status: 403, when: {path: /error/errors/0/reason, in: [rateLimitExceeded, quotaExceeded]}, otherwise: 5s, grows: true}
    - {status: 409, otherwise: 7s}
    - {status: 503, otherwise: 5s, grows: true}
    - {status: 200, when: {path: /error, equals: ratelimited}, otherwise: 30s}";

fn rules() -> Vec<Throttled> {
    let fields = event_model::Field::ALL.map(|field| format!("    {field}: /{field}\n"));
    let yaml = format!(
        "manifest: 1\nid: t\nname: T\nauth: {{kind: api_key, header: authorization}}\nhttp:\n  base: https://a.example\n  hosts: [a.example]\n  throttle:{RULES}\n\
         pull: {{stream: s, first: start, request: {{get: /}}, page: {{kind: cursor, query: c, items: '', next: {{offset: true}}}}}}\nnormalize:\n  fields:\n{}",
        fields.concat()
    );
    let connector = Connector::parse(&yaml, "t").unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    connector.http.unwrap().throttle
}

fn asked(rules: &[Throttled], status: u16, header: &str, body: &str) -> Option<Patience> {
    let now = time::parse("2015-10-21T07:27:00Z", Format::Rfc3339).unwrap();
    let mut headers = HeaderMap::new();
    for line in header.split('\n').filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.insert(name.parse::<HeaderName>().unwrap(), value);
    }
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: body.to_owned().into(),
        rest: None,
    };
    let (connection, params) = (connection(None), BTreeMap::new());
    asked_for(rules, &answer, &Scope::new(&connection, &params), now)
}

#[test]
fn a_gentle_caller_uses_its_part_and_leaves_the_others_theirs() {
    let secs = Duration::from_secs;
    let budget = Budget {
        requests: 100,
        per: secs(100),
    };
    let throttle = Throttle::new(Some(budget));
    let gentle = |now| throttle.enter_at(now, Pace::Gentle(20));
    for _ in 0..20 {
        assert_eq!(gentle(secs(0)), Ok(()));
    }
    assert_eq!(gentle(secs(0)), Err(secs(5)), "a fifth of one a second");
    assert_eq!(
        throttle.enter_at(secs(0), Pace::Full),
        Ok(()),
        "the others are not held back"
    );
    assert_eq!(gentle(secs(5)), Ok(()));
    // The others use half of it and more: gentle callers wait until that has flowed back.
    for _ in 0..60 {
        assert_eq!(throttle.enter(secs(30)), Ok(()));
    }
    assert!(gentle(secs(30)).is_err());
    assert_eq!(gentle(secs(60)), Ok(()));
    let unnamed = Throttle::new(None);
    let entered = (0..9).filter(|_| unnamed.enter_at(secs(0), Pace::Gentle(20)).is_ok());
    assert_eq!(
        entered.count(),
        5,
        "a service without a budget gets a small one"
    );
}

#[test]
fn every_dialect_of_too_many_is_understood() {
    let secs = Duration::from_secs;
    let quota = r#"{"error": {"errors": [{"reason": "quotaExceeded"}]}}"#;
    let rows = [
        (429, "retry-after: 120", "", Some(Patience::For(secs(120)))),
        (
            429,
            "retry-after: 1.5",
            "",
            Some(Patience::For(Duration::from_millis(1_500))),
        ),
        (
            429,
            "retry-after: Wed, 21 Oct 2015 07:28:00 GMT",
            "",
            Some(Patience::For(secs(60))),
        ),
        (
            429,
            "retry-after: Wed, 21 Oct 2015 07:26:00 GMT",
            "",
            Some(Patience::For(secs(0))),
        ),
        (429, "retry-after: soon", "", Some(Patience::For(secs(30)))),
        (429, "", "", Some(Patience::For(secs(30)))),
        (
            403,
            "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1445412480",
            "",
            Some(Patience::For(secs(60))),
        ),
        (
            403,
            "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1445412480000",
            "",
            Some(Patience::For(secs(60))),
        ),
        (
            403,
            "x-ratelimit-remaining: 0",
            "",
            Some(Patience::For(secs(60))),
        ),
        (
            403,
            "x-mashery-error-code: ERR_403_DEVELOPER_OVER_QPS",
            "",
            Some(Patience::For(secs(5))),
        ),
        (
            403,
            "x-mashery-error-code: ERR_403_NOT_AUTHORIZED",
            "",
            None,
        ),
        (403, "", quota, Some(Patience::Growing(secs(5)))),
        (
            403,
            "",
            r#"{"error": {"errors": [{"reason": "forbidden"}]}}"#,
            None,
        ),
        (403, "", "not json", None),
        (409, "", "", Some(Patience::For(secs(7)))),
        (503, "", "", Some(Patience::Growing(secs(5)))),
        (503, "retry-after: 3", "", Some(Patience::For(secs(3)))),
        (
            200,
            "",
            r#"{"ok": false, "error": "ratelimited"}"#,
            Some(Patience::For(secs(30))),
        ),
        (200, "", r#"{"ok": true}"#, None),
        (500, "", "", None),
    ];
    let rules = rules();
    for (status, headers, body, expected) in rows {
        assert_eq!(
            asked(&rules, status, headers, body),
            expected,
            "{status} {headers} {body}"
        );
    }
}

#[test]
fn a_wait_is_read_as_seconds_or_as_a_date() {
    let now = time::parse("2015-10-21T07:27:00Z", Format::Rfc3339).unwrap();
    let rows = [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
        ("-5", None),
        ("NaN", None),
        ("inf", None),
        ("1e300", None),
    ];
    for (text, seconds) in rows {
        let expected = seconds.map(Duration::from_secs);
        assert_eq!(retry_after(text, now), expected, "{text}");
    }
}

#[test]
fn a_budget_lets_its_requests_through_and_then_as_many_as_flow_back() {
    let per = Duration::from_secs(10);
    let throttle = Throttle::new(Some(Budget { requests: 2, per }));
    let at = Duration::from_secs;
    assert!(throttle.enter(at(0)).is_ok());
    assert!(throttle.enter(at(0)).is_ok());
    assert_eq!(throttle.enter(at(0)), Err(at(5)));
    assert!(throttle.enter(at(5)).is_ok());
    assert!(throttle.enter(at(6)).is_err());
    assert!(throttle.enter(at(1_000)).is_ok());
    assert!(throttle.enter(at(1_000)).is_ok());
    let third = throttle.enter(at(1_000));
    assert!(third.is_err(), "what is not used does not pile up");
}

#[test]
fn a_pause_grows_while_it_is_not_enough_and_begins_anew_after_a_call_that_was_taken() {
    let throttle = Throttle::new(None);
    let at = Duration::from_secs;
    let grows = Patience::Growing(at(5));
    assert_eq!(throttle.signal(at(0), grows), at(5));
    assert_eq!(
        throttle.signal(at(1), grows),
        at(5),
        "of a call that was under way"
    );
    throttle.relieve(at(2));
    assert_eq!(throttle.signal(at(6), grows), at(10));
    assert_eq!(throttle.signal(at(16), grows), at(20));
    assert_eq!(
        throttle.signal(at(17), Patience::For(at(1))),
        at(19),
        "a shorter one does not cut it"
    );
    assert_eq!(throttle.enter(at(35)), Err(at(1)));
    throttle.relieve(at(36));
    assert_eq!(throttle.signal(at(37), grows), at(5));
    for n in 0..40u64 {
        let wait = throttle.signal(at(1_000_000 * (n + 1)), grows);
        assert!(wait <= GROWN_MAX, "{wait:?}");
    }
}

/// What a caller does at one moment.
#[derive(Debug, Clone)]
enum Act {
    Wait(u64),
    Call,
    Signal(u64, bool),
    Taken,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0u64..20_000).prop_map(Act::Wait),
        Just(Act::Call),
        (0u64..30_000, any::<bool>()).prop_map(|(wait, grows)| Act::Signal(wait, grows)),
        Just(Act::Taken),
    ];
    prop::collection::vec(act, 0..200)
}

proptest! {
    #[test]
    fn nothing_enters_between_a_signal_and_the_end_of_its_pause(acts in acts(), requests in 1u32..5) {
        let per = Duration::from_secs(1);
        let throttle = Throttle::new(Some(Budget { requests, per }));
        let (mut now, mut closed_until) = (Duration::ZERO, Duration::ZERO);
        for act in acts {
            match act {
                Act::Wait(millis) => now += Duration::from_millis(millis),
                Act::Call => {
                    let entered = throttle.enter(now);
                    prop_assert!(entered.is_err() || now >= closed_until);
                    if let Err(wait) = entered {
                        prop_assert!(!wait.is_zero() && wait <= PAUSE_MAX);
                    }
                }
                Act::Signal(millis, grows) => {
                    let wait = Duration::from_millis(millis);
                    let patience = if grows { Patience::Growing(wait) } else { Patience::For(wait) };
                    let pause = throttle.signal(now, patience);
                    prop_assert!(pause >= wait.min(GROWN_MAX));
                    closed_until = closed_until.max(now + pause);
                }
                Act::Taken => throttle.relieve(now),
            }
        }
    }

    #[test]
    fn no_header_makes_its_reader_panic_or_ask_for_more_than_the_longest_pause(
        status in prop::sample::select(vec![200u16, 403, 409, 429, 503]),
        value in "[ -~]{0,40}", number in any::<f64>(), body in r#"[\[\]{}: "a-z0-9]{0,40}"#,
    ) {
        let rules = rules();
        for value in [value.trim().to_owned(), number.to_string(), format!("{number:e}")] {
            for name in ["retry-after", "x-ratelimit-reset"] {
                let headers = format!("x-ratelimit-remaining: 0\n{name}: {value}");
                if let Some(patience) = asked(&rules, status, &headers, &body) {
                    prop_assert!(patience.at_first() <= PAUSE_MAX);
                    prop_assert!(Throttle::new(None).signal(Duration::ZERO, patience) <= PAUSE_MAX);
                }
            }
        }
    }
}
