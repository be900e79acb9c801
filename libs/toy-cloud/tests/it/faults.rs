//! Each kind of request fault, before and after the work, and that a seed repeats.

use std::time::Instant;

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn each_kind_of_fault_strikes_and_stops_after_its_times() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let rule = |what: Value| json!({"rules": [{"match": {"method": "GET", "path_prefix": "/api/v1/me"}, "what": what, "times": 1}]});

    world.faults(rule(json!({"status": 503}))).await;
    world
        .get(&admin, "/api/v1/me")
        .await
        .expect(503, "unavailable");
    assert_eq!(world.get(&admin, "/api/v1/me").await.status, 200);

    world
        .faults(rule(json!({"status": 429, "retry_after_s": 7})))
        .await;
    assert_eq!(
        world.get(&admin, "/api/v1/tenant").await.status,
        200,
        "the rule is about another path"
    );
    let limited = world.get(&admin, "/api/v1/me").await;
    assert_eq!(limited.header("retry-after"), "7");
    limited.expect(429, "too_many_requests");

    world.faults(rule(json!({"delay_ms": 150}))).await;
    let asked = Instant::now();
    assert_eq!(world.get(&admin, "/api/v1/me").await.status, 200);
    assert!(asked.elapsed().as_millis() >= 150);

    world.faults(rule(json!({"close": true}))).await;
    let request = world.http.get(world.url("/api/v1/me")).bearer_auth(&admin);
    assert!(request.send().await.unwrap_err().status().is_none());
    assert_eq!(world.get(&admin, "/api/v1/me").await.status, 200);
    let faults: Vec<_> = world.ledger("request").await;
    let faults: Vec<_> = faults
        .iter()
        .filter(|entry| !entry["fault"].is_null())
        .map(|entry| json!([entry["fault"], entry["status"]]))
        .collect();
    let expected = [
        json!(["status", 503]),
        json!(["status", 429]),
        json!(["delay", 200]),
        json!(["close", null]),
    ];
    assert_eq!(faults, expected);
}

#[tokio::test]
async fn a_fault_after_the_work_fails_the_answer_but_not_the_work() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let what = [
        json!({"close": true, "after": true}),
        json!({"status": 500, "after": true}),
    ];
    for what in what {
        let id = world.alice_uploads("a.txt", "x").await;
        let path = format!("/api/v1/files/{id}");
        world
            .faults(json!({"rules": [{"match": {"method": "DELETE"}, "what": what, "times": 1}]}))
            .await;
        let request = world.http.delete(world.url(&path)).bearer_auth(&admin);
        let answer = request.send().await;
        assert!(answer.is_err() || answer.unwrap().status() == 500);
        assert_eq!(world.get(&admin, &path).await.json()["trashed"], true);
    }
    let id = world.alice_uploads("a.txt", "x").await;
    let path = format!("/api/v1/files/{id}");
    world
        .faults(json!({"rules": [{"match": {"method": "DELETE"}, "what": {"status": 500}}]}))
        .await;
    world
        .call(&admin, "DELETE", &path, Value::Null)
        .await
        .expect(500, "unavailable");
    assert_eq!(world.get(&admin, &path).await.json()["trashed"], false);
}

#[tokio::test]
async fn the_same_seed_fails_the_same_requests() {
    let run = async |seed: u64| {
        let world = World::new().await;
        let admin = world.administrator().await;
        let rule = json!({"match": {"path_prefix": "/api/v1"}, "what": {"status": 503}, "probability": 0.4});
        world.faults(json!({"rules": [rule], "seed": seed})).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(world.get(&admin, "/api/v1/me").await.status);
        }
        statuses
    };
    let first = run(5).await;
    assert_eq!(first, run(5).await);
    assert_ne!(first, run(6).await);
    assert!(first.contains(&200) && first.contains(&503));
}

#[tokio::test]
async fn a_bad_plan_is_refused_and_the_old_one_stays() {
    let world = World::new().await;
    let admin = world.administrator().await;
    world
        .faults(json!({"rules": [{"what": {"status": 503}}]}))
        .await;
    let bad = json!({"rules": [{"what": {}}]});
    world
        .control("PUT", "/control/faults", bad)
        .await
        .expect(400, "invalid_request");
    world
        .get(&admin, "/api/v1/me")
        .await
        .expect(503, "unavailable");
    world.faults(json!({})).await;
    assert_eq!(world.get(&admin, "/api/v1/me").await.status, 200);
}
