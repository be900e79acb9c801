//! The API's contract, row by row.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use event_model::{RemedyKind, RemedyState};

use crate::world::{TOKEN, World};

const POLICY: &str = r#"{"name":"No public links","trigger":{"actions":["share"]},"rule":"_share.public","responses":[{"kind":"remove_link"}]}"#;

/// `method path body => status, problem's code`. `{conn}`, `{inc}`, `{rem}`, `{qua}`, `{pol}` are there;
/// `{no-inc}` and so on are well-formed and are not.
const ROWS: &[(&str, &str, &str, u16, &str)] = &[
    ("GET", "/services", "", 200, ""),
    ("GET", "/services?x=1", "", 400, ""),
    ("GET", "/sinks", "", 200, ""),
    ("GET", "/sinks?x=1", "", 400, ""),
    ("POST", "/sinks/archive/test", "", 200, ""),
    ("POST", "/sinks/away/test", "", 200, ""),
    ("POST", "/sinks/none/test", "", 404, ""),
    ("POST", "/sinks/..%2Farchive/test", "", 404, ""),
    ("GET", "/connections", "", 200, ""),
    ("GET", "/connections?state=enabled&limit=1", "", 200, ""),
    ("GET", "/connections?state=on", "", 400, ""),
    ("GET", "/connections/{conn}", "", 200, ""),
    ("GET", "/connections/{no-conn}", "", 404, ""),
    ("GET", "/connections/{inc}", "", 404, ""),
    ("GET", "/connections/..%2F..%2Fetc", "", 404, ""),
    ("POST", "/connections", "{}", 422, ""),
    ("POST", "/connections", "{", 400, ""),
    ("POST", "/connections", "", 400, ""),
    (
        "POST",
        "/connections",
        r#"{"service":"none","name":"x"}"#,
        422,
        "TG-042",
    ),
    (
        "POST",
        "/connections",
        r#"{"service":"toy-cloud","name":"x","admin":true}"#,
        422,
        "",
    ),
    ("POST", "/connections/{conn}/authorize", "", 200, ""),
    ("POST", "/connections/{no-conn}/authorize", "", 404, ""),
    (
        "POST",
        "/connections/{conn}/enable",
        r#"{"feed":"auto"}"#,
        409,
        "",
    ),
    (
        "POST",
        "/connections/{conn}/enable",
        r#"{"feed":"fax"}"#,
        422,
        "",
    ),
    ("GET", "/connections/{conn}/health", "", 404, ""),
    ("POST", "/connections/{conn}/health", "", 200, ""),
    ("GET", "/connections/{conn}/health", "", 200, ""),
    ("GET", "/connections/{conn}/coverage", "", 200, ""),
    ("GET", "/activities", "", 200, ""),
    (
        "GET",
        "/activities?connection={conn}&event_type=sharing&actor_email=ANN@example.com&object_id=file-1&q=salaries",
        "",
        200,
        "",
    ),
    (
        "GET",
        "/activities?connection=x&event_type=x&from=x&limit=x",
        "",
        400,
        "",
    ),
    ("GET", "/activities?cursor=garbage", "", 400, ""),
    ("GET", "/activities/{conn}/e1/raw", "", 200, ""),
    ("GET", "/activities/{conn}/none/raw", "", 404, ""),
    ("GET", "/policies", "", 200, ""),
    ("POST", "/policies", POLICY, 409, "TG-041"),
    ("POST", "/policies", r#"{"name":"x"}"#, 422, ""),
    ("POST", "/policies", "[]", 422, ""),
    ("POST", "/policies/check", POLICY, 200, ""),
    ("GET", "/policies/{pol}", "", 200, ""),
    ("GET", "/policies/{no-pol}", "", 404, ""),
    ("PUT", "/policies/{no-pol}", POLICY, 404, ""),
    ("PUT", "/policies/{pol}", POLICY, 200, ""),
    ("POST", "/policies/{pol}/disable", "", 200, ""),
    ("POST", "/policies/{pol}/enable", "", 200, ""),
    ("DELETE", "/policies/{pol}", "", 204, ""),
    ("DELETE", "/policies/{no-pol}", "", 404, ""),
    ("GET", "/incidents", "", 200, ""),
    (
        "GET",
        "/incidents?status=new,in_progress&severity=high,critical&from=2026-01-01",
        "",
        200,
        "",
    ),
    ("GET", "/incidents?stauts=new", "", 400, ""),
    ("GET", "/incidents/{inc}", "", 200, ""),
    ("GET", "/incidents/{no-inc}", "", 404, ""),
    ("GET", "/incidents/{inc}?expand=all", "", 400, ""),
    (
        "PATCH",
        "/incidents/{inc}",
        r#"{"status":"resolved","comment":"done"}"#,
        400,
        "",
    ),
    (
        "PATCH",
        "/incidents/{inc}",
        r#"{"status":"resolved","verdict":"true_positive","comment":"done"}"#,
        200,
        "",
    ),
    (
        "PATCH",
        "/incidents/{inc}",
        r#"{"status":"in_progress"}"#,
        409,
        "",
    ),
    ("PATCH", "/incidents/{inc}", r#"{"status":"new"}"#, 409, ""),
    ("PATCH", "/incidents/{inc}", r#"{"status":"gone"}"#, 422, ""),
    (
        "PATCH",
        "/incidents/{no-inc}",
        r#"{"status":"resolved"}"#,
        404,
        "",
    ),
    ("GET", "/incidents?number=DLP-1,x", "", 400, ""),
    ("GET", "/incidents?repeats=no", "", 400, ""),
    ("GET", "/incidents/SHR-1", "", 200, ""),
    ("GET", "/incidents/shr-999", "", 404, ""),
    ("PATCH", "/incidents/{inc}", "{}", 400, ""),
    (
        "POST",
        "/incidents/work",
        r#"{"incidents":["SHR-1"],"change":{"owner":null}}"#,
        200,
        "",
    ),
    (
        "POST",
        "/incidents/work",
        r#"{"matching":"stauts=new","change":{"owner":"ada"}}"#,
        400,
        "",
    ),
    (
        "POST",
        "/incidents/work",
        r#"{"change":{"owner":"ada"}}"#,
        400,
        "",
    ),
    ("GET", "/policies/verdicts", "", 200, ""),
    ("GET", "/exceptions?in_use=true", "", 200, ""),
    ("GET", "/exceptions/{inc}", "", 404, ""),
    (
        "POST",
        "/exceptions",
        r#"{"policy_id":"{pol}","matches":{},"reason":"","expires_at":"2020-01-01T00:00:00Z"}"#,
        400,
        "",
    ),
    ("GET", "/views", "", 200, ""),
    (
        "POST",
        "/views",
        r#"{"name":"Mine","query":"status=new"}"#,
        201,
        "",
    ),
    ("POST", "/views", r#"{"name":"Mine","query":""}"#, 409, ""),
    (
        "POST",
        "/views",
        r#"{"name":"","query":"stauts=new"}"#,
        400,
        "",
    ),
    ("DELETE", "/views/{inc}", "", 404, ""),
    ("GET", "/incidents/export?format=csv", "", 200, ""),
    (
        "GET",
        "/incidents/export?format=json&status=resolved",
        "",
        200,
        "",
    ),
    ("GET", "/incidents/export?format=xml", "", 400, ""),
    ("GET", "/incidents/stream?after=x", "", 400, ""),
    (
        "GET",
        "/remedies?state=done&kind=quarantine&incident={inc}&connection={conn}",
        "",
        200,
        "",
    ),
    ("GET", "/remedies?state=dun", "", 400, ""),
    ("GET", "/remedies/{rem}", "", 200, ""),
    ("GET", "/remedies/{no-rem}", "", 404, ""),
    ("POST", "/remedies/{rem}/retry", "", 409, ""),
    ("POST", "/remedies/{rem}/approve", "", 409, ""),
    ("POST", "/remedies/{no-rem}/undo", "", 404, ""),
    ("GET", "/quarantine?state=held", "", 200, ""),
    ("GET", "/quarantine/{qua}", "", 200, ""),
    ("GET", "/quarantine/{no-qua}", "", 404, ""),
    ("POST", "/remedies/{rem}/undo", "", 202, ""),
    ("POST", "/quarantine/{qua}/delete", "", 409, ""),
    ("POST", "/quarantine/{qua}/restore", "", 409, ""),
    ("POST", "/quarantine/{no-qua}/restore", "", 404, ""),
    ("GET", "/blind-spots", "", 200, ""),
    ("GET", "/blind-spots?blind_spot=any", "", 200, ""),
    ("GET", "/activities?actor=a&address=b&object=c", "", 200, ""),
    ("GET", "/activities/export?format=jsonl", "", 200, ""),
    ("GET", "/activities/export?cursor=x", "", 400, ""),
    ("GET", "/remedies?policy=none", "", 400, ""),
    ("GET", "/audit", "", 200, ""),
    ("GET", "/audit?by=a&action=b&subject=c&q=d", "", 200, ""),
    ("GET", "/audit?from=yesterday", "", 400, ""),
    ("GET", "/audit/export?format=json", "", 200, ""),
    ("GET", "/audit/export?format=xml", "", 400, ""),
    ("GET", "/stats", "", 200, ""),
    ("GET", "/openapi.json", "", 200, ""),
    ("GET", "/policy-templates", "", 200, ""),
    ("GET", "/policy-templates?q=x", "", 400, ""),
    ("POST", "/decisions", "{}", 422, ""),
    ("POST", "/decisions", r#"{"action":"share"}"#, 422, ""),
    (
        "POST",
        "/decisions",
        r#"{"action":"share","connection":"{no-conn}"}"#,
        422,
        "",
    ),
    (
        "POST",
        "/decisions",
        r#"{"action":"share","service":"toy-cloud","activity":{"event_id":"x"}}"#,
        422,
        "",
    ),
    (
        "POST",
        "/decisions?enforce=maybe",
        r#"{"action":"share","service":"toy-cloud"}"#,
        400,
        "",
    ),
    (
        "POST",
        "/decisions?enforce=status",
        r#"{"action":"login","service":"toy-cloud"}"#,
        200,
        "",
    ),
    ("POST", "/decisions/batch", r#"{"attempts":[]}"#, 200, ""),
    (
        "POST",
        "/decisions/batch",
        r#"{"attempts":[{"action":"login","service":"none"}]}"#,
        422,
        "",
    ),
    ("GET", "/incident", "", 404, ""),
    ("DELETE", "/incidents", "", 405, ""),
    ("PUT", "/stats", "", 405, ""),
    ("POST", "/connections/{conn}/disable", "", 200, ""),
    ("POST", "/connections/{conn}/disable", "", 200, ""),
];

/// A world with one of each, and what the rows call them.
async fn one_of_each(world: &World) -> Vec<(&'static str, String)> {
    let connection = world.connects("toy-cloud").await;
    let kinds = [RemedyKind::Quarantine];
    let incident = world.violates(connection, "e1", &kinds).await;
    let item = world.carries_out(RemedyState::Done).await.unwrap();
    let policy = world.call("POST", "/policies", POLICY).await;
    assert_eq!(policy.status, StatusCode::CREATED, "{}", policy.text);
    let policy = policy.json()["id"].as_str().unwrap().to_owned();
    let none = "0".repeat(26);
    let mut names = vec![
        ("{conn}", connection.to_string()),
        ("{inc}", incident.id.to_string()),
        ("{rem}", incident.remedies[0].id.to_string()),
        ("{qua}", item.to_string()),
        ("{pol}", policy),
    ];
    for (name, prefix) in [
        ("{no-conn}", "conn"),
        ("{no-inc}", "inc"),
        ("{no-rem}", "rem"),
        ("{no-qua}", "qua"),
        ("{no-pol}", "pol"),
    ] {
        names.push((name, format!("{prefix}_{none}")));
    }
    names
}

fn named(path: &str, names: &[(&str, String)]) -> String {
    let fill = |path: String, (name, id): &(&str, String)| path.replace(name, id);
    names.iter().fold(path.to_owned(), fill)
}

#[tokio::test]
async fn every_row_of_the_contract_holds() {
    let world = World::new().await;
    let names = one_of_each(&world).await;
    for (method, path, body, status, code) in ROWS {
        let answer = world
            .call(method, &named(path, &names), &named(body, &names))
            .await;
        let row = format!("{method} {path} {body} => {}", answer.text);
        assert_eq!(answer.status.as_u16(), *status, "{row}");
        if *status < 400 {
            continue;
        }
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{row}"
        );
        let problem = answer.json();
        assert_eq!(problem["status"], *status, "{row}");
        assert_eq!(problem["code"].as_str().unwrap_or(""), *code, "{row}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{row}");
        if matches!(*status, 400 | 422) {
            assert!(!problem["errors"].as_array().unwrap().is_empty(), "{row}");
        }
        if *status == 405 {
            assert!(!answer.header("allow").is_empty(), "{row}");
        }
    }
}

#[tokio::test]
async fn every_operation_of_the_openapi_document_is_routed_and_guarded() {
    let world = World::new().await;
    let names = one_of_each(&world).await;
    let document = world.get("/openapi.json").await;
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let id = names[0].1.as_str();
            let real = path
                .replace("{connection_id}", id)
                .replace("{event_id}", "e1")
                .replace("{id}", id);
            let request = Request::builder().method(method.as_str()).uri(&real);
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(answer.json()["code"], "TG-040", "{method} {path}");
            if path.ends_with("/stream") {
                continue;
            }
            let routed = world
                .call(&method, real.strip_prefix("/api/v1").unwrap(), "")
                .await;
            assert_ne!(
                routed.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert!(
                !routed.text.contains("the API has no path"),
                "{method} {path}"
            );
            operations += 1;
        }
    }
    assert!(operations > 30, "{operations}");
}

#[tokio::test]
async fn a_path_of_no_version_is_a_problem_too() {
    let world = World::new().await;
    for path in ["/api/v2/incidents", "/api/incidents"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn only_the_administrators_token_opens_the_api() {
    let world = World::new().await;
    for (header, status) in [
        (format!("Bearer {TOKEN}"), 200),
        (format!("bearer  {TOKEN} "), 200),
        (format!("Bearer {TOKEN}x"), 401),
        ("Bearer ".to_owned(), 401),
        (format!("Basic {TOKEN}"), 401),
        (TOKEN.to_owned(), 401),
    ] {
        let request = Request::get("/api/v1/stats").header("authorization", &header);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{header}");
        if status == 401 {
            assert!(
                answer.header("www-authenticate").starts_with("Bearer"),
                "{header}"
            );
        }
    }
}

#[tokio::test]
async fn the_body_is_bounded_and_must_be_json() {
    let world = World::new().await;
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(1024 * 1024));
    let answer = world.call("POST", "/policies", &long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let request = Request::post("/api/v1/policies")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "text/plain");
    let answer = world.send(request.body(Body::from(POLICY)).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let answer = world.call("POST", "/policies", &deep).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_health_check_that_fails_is_an_answer() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    world
        .service
        .healthy
        .store(false, std::sync::atomic::Ordering::Relaxed);
    let answer = world
        .call("POST", &format!("/connections/{connection}/health"), "")
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["ok"], false);
    let shown = world.get(&format!("/connections/{connection}")).await;
    assert_eq!(shown["health"]["checks"][0]["ok"], false);
}
