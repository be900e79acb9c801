//! What people make of incidents: closed with a verdict, many at a time, found by number, let be.

use axum::http::StatusCode;
use event_model::{Incident, IncidentStatus};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::World;

/// Incidents on so many objects.
async fn several(world: &World, count: usize) -> Vec<Incident> {
    let connection = world.connects("toy-cloud").await;
    let mut all = Vec::new();
    for n in 1..=count {
        let object = format!("file-{n}");
        let change = |one: &mut Incident| one.activity.object_id = Some(object);
        let event = format!("e{n}");
        all.push(world.violates_as(connection, &event, &[], change).await);
    }
    all
}

#[tokio::test]
async fn an_incident_is_closed_with_a_verdict_and_a_reason() {
    let world = World::new().await;
    let incident = &several(&world, 1).await[0];
    let path = format!("/incidents/{}", incident.number.to_lowercase());
    // body | status | what must be mended, or the status of the incident
    for (body, status, said) in [
        (json!({ "status": "resolved" }), 400, "/verdict"),
        (
            json!({ "status": "resolved", "verdict": "benign" }),
            400,
            "/comment",
        ),
        (
            json!({ "status": "resolved", "verdict": "benign", "comment": " " }),
            400,
            "/comment",
        ),
        (
            json!({ "status": "false_positive", "verdict": "benign", "comment": "x" }),
            400,
            "/verdict",
        ),
        (json!({ "add_tags": ["no spaces"] }), 400, "/tags"),
        (
            json!({ "status": "in_progress", "owner": "ada", "add_tags": ["VIP"] }),
            200,
            "in_progress",
        ),
        (json!({ "verdict": "undetermined" }), 200, "in_progress"),
        (
            json!({ "status": "false_positive", "comment": "a test file" }),
            200,
            "false_positive",
        ),
        (json!({ "status": "resolved", "comment": "no" }), 409, ""),
        (json!({ "status": "reopened" }), 200, "reopened"),
        (
            json!({ "owner": null, "severity": "critical", "remove_tags": ["vip"] }),
            200,
            "reopened",
        ),
    ] {
        let answer = world.call("PATCH", &path, &body.to_string()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        let answer = answer.json();
        match status {
            200 => assert_eq!(answer["status"], said, "{body}"),
            400 => assert_eq!(answer["errors"][0]["field"], said, "{body}"),
            _ => {}
        }
    }
    let kept = world.read(incident.id).await;
    assert_eq!(kept.status, IncidentStatus::Reopened);
    assert_eq!((kept.case.owner, kept.case.verdict), (None, None));
    assert!(kept.case.tags.is_empty());
    assert_eq!(kept.severity, event_model::Severity::Critical);
    let said: Vec<&str> = kept.timeline.iter().map(|entry| &*entry.text).collect();
    let expected = "administrator set the status to false_positive, came to the verdict \
                    false_positive: a test file";
    assert!(said.contains(&expected), "{said:?}");
}

#[tokio::test]
async fn many_are_worked_on_at_once_and_each_refusal_says_why() {
    let world = World::new().await;
    let all = several(&world, 5).await;
    let close = json!({ "status": "resolved", "verdict": "true_positive", "comment": "done" });
    let body = json!({ "incidents": ["SHR-1", all[1].id, "SHR-99", "nothing"], "change": close });
    let worked = world
        .call("POST", "/incidents/work", &body.to_string())
        .await;
    assert_eq!(worked.json()["changed"], 2, "{}", worked.text);
    let refused = worked.json()["refused"].as_array().unwrap().clone();
    let names: Vec<&str> = refused
        .iter()
        .map(|one| one["incident"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["SHR-99", "nothing"]);
    let take = json!({ "status": "in_progress", "owner": "ada" });
    let body = json!({ "matching": "status=new,resolved", "change": take });
    let worked = world
        .call("POST", "/incidents/work", &body.to_string())
        .await;
    let worked = worked.json();
    assert_eq!(
        (&worked["changed"], &worked["next"]),
        (&json!(3), &Value::Null),
        "{worked}"
    );
    assert_eq!(
        worked["refused"].as_array().unwrap().len(),
        2,
        "two are closed"
    );
    for (query, expected) in [
        ("owner=ada", 3),
        ("owner=none", 2),
        ("verdict=true_positive", 2),
        ("q=shr-1,SHR-4", 2),
        ("number=SHR-5", 1),
        ("tag=none", 0),
    ] {
        let list = world.get(&format!("/incidents?{query}")).await;
        assert_eq!(list["items"].as_array().unwrap().len(), expected, "{query}");
    }
    let verdicts = world.get("/policies/verdicts").await;
    assert_eq!(verdicts["items"][0]["precision_percent"], 100);
    let times = world.get("/stats").await["case_times"].clone();
    assert!(times["to_resolve_ms"]["p90"].is_number(), "{times}");
    assert!(
        times["to_triage_ms"].is_null(),
        "nobody took the two that are closed"
    );
}

#[tokio::test]
async fn repeats_are_one_row_that_counts_and_leads_to_them() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    for n in 1..=3 {
        world.violates(connection, &format!("e{n}"), &[]).await;
    }
    let browser = Browser::signs_in(&world).await;
    let list = browser.shows("/").await;
    assert!(list.contains("SHR-1") && list.contains("+2"), "{list}");
    assert!(!list.contains("SHR-2"), "it is in the first");
    assert!(browser.shows("/?repeats=true").await.contains("SHR-3"));
    let page = browser.shows("/incidents/shr-2").await;
    assert!(page.contains("It repeats"), "{page}");
    let form = "status=resolved&verdict=benign&comment=all+of+them";
    browser.posts("/incidents/SHR-1/status", form).await;
    let closed = world.get("/incidents?status=resolved").await;
    assert_eq!(closed["items"].as_array().unwrap().len(), 3);
    world.violates(connection, "e4", &[]).await;
    assert!(
        browser.shows("/").await.contains("SHR-4"),
        "it is not in what is closed"
    );
    let page = browser.shows("/incidents/SHR-4").await;
    assert!(page.contains("The same came before as"), "{page}");
}

#[tokio::test]
async fn an_exception_has_an_owner_a_reason_and_an_end() {
    let world = World::new().await;
    world.connects("toy-cloud").await;
    let policy =
        json!({ "name": "Shares", "trigger": { "actions": ["share"] }, "rule": "_share.public" });
    let policy = world
        .call("POST", "/policies", &policy.to_string())
        .await
        .json();
    let exception = |matches: Value, until: &str| {
        json!({ "policy_id": policy["id"], "matches": matches, "reason": "the press kit is public",
                "expires_at": until })
    };
    let path = json!({ "path_like": "/press/*" });
    for (body, fields) in [
        (
            exception(json!({}), "2026-03-01T00:00:00Z"),
            vec!["/matches"],
        ),
        (
            exception(path.clone(), "2020-03-01T00:00:00Z"),
            vec!["/expires_at"],
        ),
        (
            exception(path.clone(), "2036-03-01T00:00:00Z"),
            vec!["/expires_at"],
        ),
        (
            exception(json!({ "path_like": "*" }), "2020-03-01T00:00:00Z"),
            vec!["/matches/path_like", "/expires_at"],
        ),
    ] {
        let refused = world.call("POST", "/exceptions", &body.to_string()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        let errors = refused.json()["errors"].as_array().unwrap().clone();
        let found: Vec<&str> = errors
            .iter()
            .map(|one| one["field"].as_str().unwrap())
            .collect();
        assert_eq!(found, fields, "{body}");
    }
    let body = exception(path, "2026-03-01T00:00:00Z").to_string();
    let made = world.call("POST", "/exceptions", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json()["owner"], "administrator");
    let count = async || {
        world.get("/exceptions?in_use=true").await["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count().await, 1);
    let ended = world
        .call("POST", &format!("/exceptions/{id}/end"), "")
        .await;
    assert_eq!(ended.json()["ended_by"], "administrator");
    assert_eq!(count().await, 0);
    let audited = world.audited().await;
    assert_eq!(audited[..2], ["exception.ended", "exception.created"]);
}

#[tokio::test]
async fn a_form_works_on_what_is_ticked_or_on_all_that_match() {
    let world = World::new().await;
    let all = several(&world, 4).await;
    let browser = Browser::signs_in(&world).await;
    let nothing = browser
        .posts("/incidents/work", "scope=chosen&status=in_progress")
        .await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST, "nothing is ticked");
    let ticked = format!("incident={}&incident={}", all[0].id, all[1].id);
    let form = format!("scope=chosen&{ticked}&owner=me&status=in_progress&back=status%3Dnew");
    let done = browser.posts("/incidents/work", &form).await;
    assert_eq!(done.header("location"), "/?status=new", "{}", done.text);
    let mine = world.get("/incidents?owner=administrator").await;
    assert_eq!(mine["items"].as_array().unwrap().len(), 2);
    let form = "scope=matching&matching=status%3Dnew%2Cin_progress&status=resolved&verdict=benign&comment=a+drill";
    browser.posts("/incidents/work", form).await;
    let closed = world.get("/incidents?status=resolved").await;
    assert_eq!(closed["items"].as_array().unwrap().len(), 4);
    let form = "scope=matching&matching=verdict%3Dbenign&respond=remove_link";
    let asked = browser.posts("/incidents/work", form).await;
    assert!(
        asked.text.contains("<strong>4 incidents</strong>"),
        "{}",
        asked.text
    );
    assert!(
        world.read(all[0].id).await.remedies.is_empty(),
        "it was only asked"
    );
    let sure = browser
        .posts("/incidents/work", &format!("{form}&sure=yes"))
        .await;
    assert_eq!(sure.status, StatusCode::SEE_OTHER, "{}", sure.text);
    assert_eq!(world.read(all[3].id).await.remedies.len(), 1);
    let away = browser
        .posts(
            "/incidents/work",
            &format!("{form}&sure=yes&back=%2F%2Fevil.example"),
        )
        .await;
    assert!(
        away.header("location").starts_with("/?"),
        "{}",
        away.header("location")
    );
}
