//! Detectors of one's own, by the API and on their page.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::{Answer, World};

fn parts() -> Value {
    json!({"name": "part-number", "title": "Part number",
        "looks_for": {"kind": "pattern", "pattern": "PX-[0-9]{4}"}})
}

/// One row of two columns, as a client hashes it.
fn customers() -> Value {
    let hash = "00112233445566778899aabbccddeeff";
    json!({"name": "our-customers", "title": "Our customers", "looks_for": {
        "kind": "rows", "salt": "f".repeat(32), "columns": ["account", "name"], "together": 2,
        "within": 300, "rows": [[hash, hash]], "first_lengths": [8]}})
}

impl World {
    async fn saves(&self, detector: &Value) -> Answer {
        let path = format!("/detectors/{}", detector["name"].as_str().unwrap());
        self.call("PUT", &path, &detector.to_string()).await
    }
}

#[tokio::test]
async fn a_detector_is_saved_revision_by_revision_and_every_act_is_in_the_trail() {
    let world = World::new().await;
    let made = world.saves(&parts()).await;
    assert_eq!(
        (made.status, made.header("etag")),
        (StatusCode::CREATED, "\"1\""),
        "{}",
        made.text
    );
    let path = "/detectors/part-number";
    // the revision that was seen => the status
    for (seen, status) in [("\"1\"", 200), ("\"1\"", 412), ("\"2\"", 200)] {
        let body = parts().to_string();
        let answer = world
            .call_with("PUT", path, &body, &[("if-match", seen)])
            .await;
        assert_eq!(answer.status.as_u16(), status, "{seen}");
    }
    let read = world.get(path).await;
    assert_eq!(
        (&read["revision"], &read["entries"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(read["definition"]["looks_for"]["pattern"], "PX-[0-9]{4}");
    let other = parts().to_string();
    let other = world.call("PUT", "/detectors/other", &other).await;
    assert_eq!(
        other.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "another name"
    );
    // the revision that was seen => the status
    for (seen, status) in [("\"2\"", 412), ("\"3\"", 204), ("\"3\"", 404)] {
        let answer = world
            .call_with("DELETE", path, "", &[("if-match", seen)])
            .await;
        assert_eq!(answer.status.as_u16(), status, "{seen}");
        if status == 412 {
            assert_eq!(answer.header("etag"), "\"3\"", "what it is now");
        }
    }
    let expected = [
        "detector.removed",
        "detector.saved",
        "detector.saved",
        "detector.saved",
    ];
    assert_eq!(world.audited().await, expected);
}

#[tokio::test]
async fn hashes_and_their_salt_come_in_and_never_go_out() {
    let world = World::new().await;
    let saved = world.saves(&customers()).await;
    assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);
    let one = world.call("GET", "/detectors/our-customers", "").await;
    assert_eq!(one.json()["definition"]["looks_for"]["together"], 2);
    let browser = Browser::signs_in(&world).await;
    let shown = [
        saved.text,
        one.text,
        world.call("GET", "/detectors", "").await.text,
        browser.shows("/detectors").await,
        browser.shows("/detectors?name=our-customers").await,
    ];
    for text in shown {
        for hidden in ["00112233445566778899aabbccddeeff", &"f".repeat(32)] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused_with_why() {
    let world = World::new().await;
    let changed = |change: fn(&mut Value)| {
        let mut detector = parts();
        change(&mut detector);
        detector
    };
    // a detector => what is said
    let rows: [(Value, &str); 6] = [
        (
            changed(|one| one["looks_for"]["pattern"] = json!("(")),
            "the pattern at line 1",
        ),
        (
            changed(|one| one["looks_for"]["pattern"] = json!("x".repeat(1_025))),
            "1024",
        ),
        (
            changed(|one| one["looks_for"]["pattern"] = json!("(x{1000}){1000}")),
            "1048576",
        ),
        (changed(|one| one["name"] = json!("credit-card")), "name"),
        (changed(|one| one["name"] = json!("Part")), "name"),
        (
            changed(|one| one["looks_for"] = json!({"kind": "dictionary", "entries": []})),
            "entr",
        ),
    ];
    for (detector, said) in rows {
        let answer = world.saves(&detector).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{detector}: {}",
            answer.text
        );
        assert!(answer.text.contains(said), "{said}: {}", answer.text);
    }
    assert_eq!(world.get("/detectors").await["items"], json!([]));
}

#[tokio::test]
async fn a_detector_is_written_tried_and_removed_on_its_page() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    let written = "name=part-number&title=%3Cb%3EPart&group=&kind=pattern&validator=&confidence=high&positive=&negative=\
                   &looked_for=PX-%5B0-9%5D%7B4%7D&text=a+PX-0007+b";
    let tried = browser
        .posts("/detectors", &format!("{written}&act=try"))
        .await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.text);
    assert!(tried.text.contains("<td>part-number<br>"), "{}", tried.text);
    assert_eq!(world.get("/detectors").await["items"], json!([]));
    let saved = browser
        .posts("/detectors", &format!("{written}&act=save"))
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let shown = browser.shows("/detectors?name=part-number").await;
    assert!(shown.contains(">PX-[0-9]{4}</textarea>"), "{shown}");
    assert!(!shown.contains("<b>Part"), "{shown}");
    let wrong = written.replace("PX-", "%28");
    let wrong = browser
        .posts("/detectors", &format!("{wrong}&act=save"))
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("role=\"alert\""), "{}", wrong.text);
    let policy = json!({"name": "Parts", "severity": "high", "trigger": {"actions": ["share"]},
        "rule": "_content.has('part-number')", "effect": "DENY", "mode": "enforce"});
    let policy = world.call("POST", "/policies", &policy.to_string()).await;
    assert_eq!(policy.status, StatusCode::CREATED, "{}", policy.text);
    let kept = browser.posts("/detectors/part-number/remove", "").await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    assert!(kept.text.contains("`Parts`"), "{}", kept.text);
}
