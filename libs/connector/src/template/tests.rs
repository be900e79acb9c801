use std::collections::BTreeMap;

use event_model::RemedyKind;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::connection;

fn rendered(text: &str, document: &Value) -> (String, String, Option<Value>) {
    let connection = connection(Some("https://cloud.example/"));
    let params = BTreeMap::from([("domain".to_owned(), "Acme.Example".to_owned())]);
    let scope = Scope::new(&connection, &params).over(document);
    let template = Template::parse(text, &Names::STEP).unwrap();
    let or_missing =
        |text: Result<String, Missing>| text.unwrap_or_else(|missing| missing.to_string());
    (
        or_missing(template.text(&scope)),
        or_missing(template.url(&scope)),
        template.value(&scope).ok().flatten(),
    )
}

#[test]
fn values_are_encoded_for_where_they_are_put() {
    let document = json!({"at": "2026-01-02T03:04:05.678Z", "midnight": "2026-01-02T00:00:00Z", "id": "a/../b?c#d %", "n": 7, "list": [1], "path": "/x y/../z", "empty": ""});
    let rows = [
        ("plain {{x}}", "plain {x}", "plain {x}", json!("plain {x}")),
        (
            "/f/{/id}",
            "/f/a/../b?c#d %",
            "/f/a%2F..%2Fb%3Fc%23d%20%25",
            json!("/f/a/../b?c#d %"),
        ),
        ("{/n}", "7", "7", json!(7)),
        (
            "{/list}",
            "`{/list}` has no value",
            "`{/list}` has no value",
            json!([1]),
        ),
        (
            "{base_url}/x",
            "https://cloud.example/x",
            "https://cloud.example/x",
            json!("https://cloud.example/x"),
        ),
        (
            "{params.domain|lower}",
            "acme.example",
            "acme.example",
            json!("acme.example"),
        ),
        (
            "{/path|path}",
            "/x y/../z",
            "x%20y/../z",
            json!("/x y/../z"),
        ),
        ("{/path|basename}", "z", "z", json!("z")),
        (
            "{/path|dirname}",
            "/x y/..",
            "%2Fx%20y%2F..",
            json!("/x y/.."),
        ),
        (
            "{/path|folder}.ip-labels",
            "/x y/../.ip-labels",
            "%2Fx%20y%2F..%2F.ip-labels",
            json!("/x y/../.ip-labels"),
        ),
        ("a{/nothing?}b", "ab", "ab", json!("ab")),
        (
            "{/at|seconds}",
            "2026-01-02T03:04:05Z",
            "2026-01-02T03%3A04%3A05Z",
            json!("2026-01-02T03:04:05Z"),
        ),
        (
            "{/at|day_after}",
            "2026-01-03",
            "2026-01-03",
            json!("2026-01-03"),
        ),
        (
            "{/midnight|day_after}",
            "2026-01-02",
            "2026-01-02",
            json!("2026-01-02"),
        ),
        (
            "a{/empty}b",
            "`{/empty}` has no value",
            "`{/empty}` has no value",
            Value::Null,
        ),
    ];
    for (text, plain, url, value) in rows {
        let value = Some(value).filter(|value| !value.is_null());
        assert_eq!(
            rendered(text, &document),
            (plain.into(), url.into(), value),
            "{text}"
        );
    }
}

#[test]
fn a_template_with_an_unknown_name_or_an_open_brace_is_refused() {
    for text in [
        "{",
        "}",
        "{a",
        "a}b",
        "{unknown}",
        "{activity.object_id}",
        "{/x|shout}",
        "{connection.secret}",
    ] {
        assert!(Template::parse(text, &Names::STEP).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_template_reader_panic(text in ".{0,60}") {
        let _ = Template::parse(&text, &Names::of_remedy(RemedyKind::DowngradeRole, true));
    }

    #[test]
    fn no_value_leaves_its_path_segment(value in "\\PC{1,40}") {
        let (_, url, _) = rendered("/files/{/v}/content", &json!({"v": value}));
        prop_assert_eq!(url.matches('/').count(), 3);
        prop_assert!(!url.contains(['?', '#', '\\', ' ']));
    }
}
