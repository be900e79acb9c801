//! Detectors of one's own in use: a policy names one, content is looked through with it at once, and it stays
//! while the policy names it.

use base64::Engine;
use reqwest::Method;
use serde_json::{Value, json};

use super::administration::policy;
use super::{World, text};

fn parts(pattern: &str) -> Value {
    json!({
        "name": "part-number", "title": "Part number", "group": "plans",
        "looks_for": {"kind": "pattern", "pattern": pattern},
    })
}

impl World {
    async fn saves_detector(&self, detector: &Value) -> Value {
        let path = format!("/api/v1/detectors/{}", text(detector, "/name"));
        self.tidegate.put(&path, detector).await.unwrap()
    }

    /// The status of an answer, and what it says.
    async fn is_told(&self, method: Method, path: &str, body: &Value) -> (u16, String) {
        let answer = self.call(method, path, body).await;
        (answer.status, answer.text())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_on_a_detector_of_ones_own_makes_incidents_and_the_detector_stays_while_it_does() {
    let world = World::new(81).await;
    let alice = world.user("acme", "alice");
    world.connects("Acme", "acme", "pull").await;
    let rule = "_share.public and _content.count('part-number') >= 2";
    let leaks = policy("Part lists", rule, json!([]));
    let unknown = world.call(Method::POST, "/api/v1/policies", &leaks).await;
    assert_eq!(unknown.status, 422, "{}", unknown.text());
    assert!(
        unknown
            .text()
            .contains("there is no detector `part-number`")
    );

    world.saves_detector(&parts(r"\bPX-[0-9]{4}\b")).await;
    world
        .tidegate
        .post("/api/v1/policies", &leaks)
        .await
        .unwrap();
    let file = alice.uploads("list.txt", b"PX-0001, PX-0002 and PX-0002");
    let incident = world.incident_of(&alice.shares_publicly(&file).event).await;
    assert_eq!(text(&incident, "/policy/name"), "Part lists");
    assert_eq!(text(&incident, "/evidence/0/detector"), "part-number");
    assert!(!incident.to_string().contains("PX-0001"), "{incident}");

    // A change counts for the next content: nothing is started again.
    world.saves_detector(&parts(r"\bQY-[0-9]{4}\b")).await;
    let old = alice.uploads("old.txt", b"PX-0003, PX-0004");
    let old = alice.shares_publicly(&old).event;
    let new = alice.uploads("new.txt", b"QY-0003, QY-0004");
    world.incident_of(&alice.shares_publicly(&new).event).await;
    world.activity_of(&old).await;
    let of_old = world.all(&format!("incidents?event_id={old}")).await;
    assert_eq!(of_old.unwrap(), Vec::<Value>::new());

    let path = "/api/v1/detectors/part-number";
    let (status, said) = world.is_told(Method::DELETE, path, &Value::Null).await;
    assert_eq!(status, 409, "{said}");
    assert!(said.contains("`Part lists`"), "{said}");
    let by_group = policy("Plans", "_content.has('plans')", json!([]));
    world
        .tidegate
        .post("/api/v1/policies", &by_group)
        .await
        .unwrap();
    let mut other_group = parts("x{4}");
    other_group["group"] = json!("papers");
    let (status, said) = world.is_told(Method::PUT, path, &other_group).await;
    assert_eq!(status, 409, "{said}");
    assert!(said.contains("`Plans`"), "{said}");
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_is_inspected_with_them_and_its_labels_count() {
    let world = World::new(82).await;
    let acme = world.connects("Acme", "acme", "pull").await;
    world.saves_detector(&parts(r"\bPX-[0-9]{4}\b")).await;
    for (name, rule) in [
        ("Parts", "_content.has('part-number')"),
        ("Labelled", "_content.label('US SSN')"),
    ] {
        world.saves_policy(name, rule, json!([])).await;
    }
    // content => the policy that denies it
    for (content, expected) in [
        ("the part PX-0001", Some("Parts")),
        ("ssn 536-22-8145 of Ann", Some("Labelled")),
        ("nothing", None),
    ] {
        let attempt = json!({
            "connection": acme, "action": "share",
            "activity": {"actor_email": "alice@acme.example", "object_id": "f_1",
                "object_name": "plan.txt", "visibility": "public"},
            "content": {"base64": base64::engine::general_purpose::STANDARD.encode(content)},
        });
        let answer = world
            .call(Method::POST, "/api/v1/decisions", &attempt)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let decided = answer.json();
        let winner = decided["winner"]["policy"]["name"].as_str();
        assert_eq!(winner, expected, "{content}: {decided}");
    }
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detector_is_tried_before_it_is_saved_and_its_mistakes_are_told() {
    let world = World::new(83).await;
    let tries = async |body: Value| {
        let path = "/api/v1/detectors/try";
        world.call(Method::POST, path, &body).await
    };
    let told = tries(json!({"text": "a PX-0007 b", "detector": parts("PX-[0-9]{4}")})).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let found = told.json()["findings"][0].clone();
    assert_eq!(
        (text(&found, "/detector"), &found["offset"]),
        ("part-number", &json!(2))
    );
    assert!(!told.text().contains("PX-0007"), "{}", told.text());
    let built_in = tries(json!({"text": "ssn 536-22-8145"})).await.json();
    assert_eq!(text(&built_in, "/findings/0/detector"), "us-ssn");
    let mut wrong_name = parts("x");
    wrong_name["name"] = json!("credit-card");
    // what is saved => what is said
    for (detector, said) in [
        (parts("("), "the pattern at line 1"),
        (wrong_name, "another detector or group has this name"),
    ] {
        let path = format!("/api/v1/detectors/{}", text(&detector, "/name"));
        let (status, answer) = world.is_told(Method::PUT, &path, &detector).await;
        assert_eq!(status, 422, "{answer}");
        assert!(answer.contains(said), "{said}: {answer}");
    }
    world.saves_detector(&parts("PX-[0-9]{4}")).await;
    let mut taken = parts("x{4}");
    (taken["name"], taken["group"]) = (json!("other"), json!("part-number"));
    let path = "/api/v1/detectors/other";
    let (status, answer) = world.is_told(Method::PUT, path, &taken).await;
    assert_eq!(
        status, 422,
        "a group is not called as a detector is: {answer}"
    );
    let gone = "/api/v1/detectors/none";
    let (status, _) = world.is_told(Method::DELETE, gone, &Value::Null).await;
    assert_eq!(status, 404);
    world.ends_at_rest().await;
}
