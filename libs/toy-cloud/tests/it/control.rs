//! What tests ask of the service: acts, the ledger, load runs, and the handle in process.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use toy_cloud::{Act, Config, ToyCloud, Verb};

use crate::world::{ALL, World, until};

#[tokio::test]
async fn control_needs_its_token() {
    let world = World::new().await;
    for (method, path) in [
        ("PUT", "/control/faults"),
        ("GET", "/control/ledger"),
        ("GET", "/control/summary"),
        ("POST", "/control/act"),
        ("POST", "/control/load"),
        ("GET", "/control/load"),
        ("POST", "/control/tokens/expire"),
    ] {
        let request = world
            .http
            .request(method.parse().unwrap(), world.url(path))
            .body("{}");
        world
            .send(request.header("x-toy-control", "wrong"))
            .await
            .expect(401, "control_token_required");
    }
    let healthy = world.send(world.http.get(world.url("/healthz"))).await;
    assert_eq!(healthy.status, 200);
}

/// What a user does, in this order, and the activity it makes.
fn deeds() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"do": "login"}), "user.login"),
        (
            json!({"do": "login_failed", "ip": "198.51.100.9"}),
            "user.login_failed",
        ),
        (
            json!({"do": "upload", "name": "a.txt", "content": "x"}),
            "file.created",
        ),
        (
            json!({"do": "update", "content_base64": "eHl6"}),
            "file.updated",
        ),
        (json!({"do": "view"}), "file.viewed"),
        (json!({"do": "download"}), "file.downloaded"),
        (
            json!({"do": "share", "with": "bob", "role": "editor"}),
            "file.shared",
        ),
        (
            json!({"do": "share", "with": "bob", "role": "viewer"}),
            "share.updated",
        ),
        (
            json!({"do": "unshare", "with": "bob@acme.example"}),
            "share.removed",
        ),
        (
            json!({"do": "link", "visibility": "organization"}),
            "link.created",
        ),
        (json!({"do": "unlink"}), "link.removed"),
        (
            json!({"do": "move", "folder": "/alice", "name": "b.txt"}),
            "file.moved",
        ),
        (json!({"do": "trash"}), "file.trashed"),
        (json!({"do": "restore"}), "file.restored"),
    ]
}

#[tokio::test]
async fn every_deed_of_a_user_makes_its_activity() {
    let world = World::new().await;
    let base = json!({"tenant": "acme", "user": "alice"});
    let mut file = Value::Null;
    for (act, kind) in deeds() {
        let mut whole = base.clone();
        whole
            .as_object_mut()
            .unwrap()
            .extend(act.as_object().unwrap().clone());
        if !["login", "login_failed", "upload"].contains(&act["do"].as_str().unwrap()) {
            whole["file_id"] = file.clone();
        }
        let acted = world.act(whole).await;
        if act["do"] == "upload" {
            file = acted["file_id"].clone();
        }
        let all = world.cloud.model().activities("acme").unwrap();
        let last = all.last().unwrap();
        assert_eq!(
            (last.kind.name(), Some(last.id.as_str())),
            (kind, acted["event_id"].as_str())
        );
    }
    let same = json!({"tenant": "acme", "user": "alice", "do": "restore", "file_id": file});
    assert_eq!(
        world.act(same).await["event_id"],
        Value::Null,
        "there was nothing to restore"
    );
    let view = world
        .cloud
        .model()
        .file("acme", file.as_str().unwrap())
        .unwrap();
    assert_eq!((view.path.as_str(), view.version), ("/alice/b.txt", 2));

    let by_name = json!({"tenant": "acme", "user": "alice", "do": "trash", "name": "b.txt"});
    assert_eq!(world.act(by_name).await["file_id"], file);
}

#[tokio::test]
async fn acting_as_a_user_reaches_no_further_than_the_user() {
    let world = World::new().await;
    let file = world.alice_uploads("b.txt", "x").await;
    let refused = [
        (
            json!({"tenant": "acme", "user": "bob", "do": "trash", "file_id": file}),
            404,
        ),
        (
            json!({"tenant": "acme", "user": "bob", "do": "trash", "name": "b.txt"}),
            404,
        ),
        (
            json!({"tenant": "nowhere", "user": "bob", "do": "login"}),
            404,
        ),
        (
            json!({"tenant": "acme", "user": "bob", "do": "upload", "name": "x"}),
            400,
        ),
        (json!({"tenant": "acme", "user": "bob", "do": "dance"}), 400),
    ];
    for (act, status) in refused {
        assert_eq!(
            world
                .control("POST", "/control/act", act.clone())
                .await
                .status,
            status,
            "{act}"
        );
    }
}

#[tokio::test]
async fn a_users_role_decides_from_the_moment_it_changes() {
    let world = World::new().await;
    let bob = world.granted("bob", ALL).await;
    world
        .get(&bob, "/api/v1/events")
        .await
        .expect(403, "admin_role_required");
    let change = |user: &str, with: &str, role: &str| json!({"tenant": "acme", "user": user, "do": "change_user_role", "with": with, "user_role": role});
    let acted = world.act(change("admin", "bob", "administrator")).await;
    let all = world.cloud.model().activities("acme").unwrap();
    let last = all.last().unwrap();
    assert_eq!(
        (last.kind.name(), json!(last.id)),
        ("user.role_changed", acted["event_id"].clone())
    );
    assert_eq!(last.object.as_ref().unwrap().id, "u_acme_bob");
    assert_eq!(world.get(&bob, "/api/v1/events").await.status, 200);
    assert_eq!(
        world.act(change("bob", "admin", "member")).await["file_id"],
        Value::Null
    );
    let refused = world
        .control("POST", "/control/act", change("admin", "bob", "guest"))
        .await;
    refused.expect(403, "admin_role_required");
    let refused = world
        .control("POST", "/control/act", change("bob", "bob", "guest"))
        .await;
    refused.expect(409, "conflict");
}

#[tokio::test]
async fn the_ledger_tells_what_was_asked_and_what_it_did() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("a.txt", "x").await;
    world.get(&admin, &format!("/api/v1/files/{id}")).await;
    world.get(&admin, &format!("/api/v1/files/{id}")).await;
    world.get("", "/api/v1/me").await;
    let entries = world
        .control("GET", "/control/ledger", Value::Null)
        .await
        .json();
    let items = entries["items"].as_array().unwrap();
    let numbers: Vec<_> = items
        .iter()
        .map(|entry| entry["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let last = &items[items.len() - 2];
    let told = json!([
        last["kind"],
        last["method"],
        last["path"],
        last["client_id"],
        last["tenant_id"],
        last["status"]
    ]);
    assert_eq!(
        told,
        json!([
            "request",
            "GET",
            format!("/api/v1/files/{id}"),
            "tidegate",
            "acme",
            200
        ])
    );
    let effect = items
        .iter()
        .find(|entry| entry["kind"] == "effect")
        .unwrap();
    assert_eq!(
        (&effect["action"], &effect["client_id"]),
        (&json!("file_created"), &Value::Null)
    );
    let since = format!("/control/ledger?since={}", entries["next"]);
    let rest = world.control("GET", &since, Value::Null).await.json();
    assert_eq!(
        (&rest["items"], &rest["next"]),
        (&json!([]), &entries["next"])
    );
}

#[tokio::test]
async fn the_summary_counts_requests_by_route_and_client() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("a.txt", "x").await;
    world.get(&admin, &format!("/api/v1/files/{id}")).await;
    world.get(&admin, &format!("/api/v1/files/{id}")).await;
    world.get("", "/api/v1/me").await;
    let summary = world
        .control("GET", "/control/summary", Value::Null)
        .await
        .json();
    assert_eq!(
        summary["requests"]["GET /api/v1/files/{id}"],
        json!({"tidegate": 2})
    );
    assert_eq!(summary["requests"]["GET /api/v1/me"], json!({"-": 1}));
    assert_eq!(
        summary["requests"]["POST /oauth/token"],
        json!({"tidegate": 1})
    );
    assert_eq!(summary["statuses"]["401"], 1);
    assert_eq!(summary["tokens"], json!({"issued": 1}));
    assert_eq!(
        summary["effects"],
        json!({}),
        "persons' deeds are in the ledger alone"
    );
}

#[tokio::test]
async fn a_load_run_makes_violations_that_it_can_name() {
    let world = World::new().await;
    let order =
        json!({"tenant": "acme", "rate_per_s": 200, "seconds": 1, "users": 5, "violating": 0.3});
    let started = world.control("POST", "/control/load", order.clone()).await;
    assert_eq!(started.status, 202);
    world
        .control("POST", "/control/load", order)
        .await
        .expect(409, "conflict");
    let done = until("the run is over", async || {
        let brief = world
            .control("GET", "/control/load?ids=false", Value::Null)
            .await
            .json();
        assert_eq!(brief["event_ids"], json!([]));
        (brief["running"] == false).then_some(brief)
    })
    .await;
    assert_eq!(
        (&done["documents"], &done["refused"]),
        (&json!(200), &json!(0))
    );
    let full = world
        .control("GET", "/control/load", Value::Null)
        .await
        .json();
    let ids: BTreeSet<_> = full["event_ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    let all = world.cloud.model().activities("acme").unwrap();
    let made: BTreeSet<_> = all.iter().map(|activity| activity.id.clone()).collect();
    assert_eq!(
        ids, made,
        "two users hired, and two activities of each document"
    );
    assert_eq!(made.len(), 402);
    let violating = full["violating"].as_array().unwrap();
    assert!(
        (30..90).contains(&violating.len()),
        "{} violating",
        violating.len()
    );
    for violation in violating {
        let id = violation["object_id"].as_str().unwrap();
        let links = world.cloud.model().links("acme", id).unwrap();
        let text = world.send(world.http.get(&links[0].url)).await.text;
        assert!(text.contains("Payment card number 1: "), "{text}");
        let event = all
            .iter()
            .find(|activity| violation["event_id"] == activity.id.as_str())
            .unwrap();
        assert_eq!(event.object.as_ref().unwrap().id, id);
        assert_eq!(event.kind.name(), "link.created");
    }
    for order in [
        json!({"tenant": "acme", "rate_per_s": 2001, "seconds": 1}),
        json!({"tenant": "acme", "rate_per_s": 1, "seconds": 3601}),
        json!({"tenant": "acme", "rate_per_s": 1, "seconds": 1, "users": 0}),
        json!({"tenant": "acme", "rate_per_s": 1, "seconds": 1, "violating": 2.0}),
    ] {
        world
            .control("POST", "/control/load", order)
            .await
            .expect(400, "invalid_request");
    }
}

#[tokio::test]
async fn the_model_acts_in_process_and_the_service_stops() {
    let cloud = ToyCloud::start(Config {
        control_token: "t".to_owned(),
        ..Config::default()
    })
    .await
    .unwrap();
    assert_eq!(cloud.control_token(), "t");
    assert_eq!(cloud.url(), format!("http://{}", cloud.address()));
    let model = cloud.model();
    let act = Act {
        tenant: "acme".to_owned(),
        user: "alice".to_owned(),
        verb: Verb::Upload,
        name: Some("x".to_owned()),
        content: Some("x".to_owned()),
        ..Act::default()
    };
    let acted = model.act(&act).unwrap();
    assert_eq!(
        model.activities("acme").unwrap()[0].id,
        acted.event_id.unwrap()
    );
    let refused = model.act(&Act { name: None, ..act }).unwrap_err();
    assert_eq!(refused.to_string(), "an upload needs a name");
    let address = cloud.address();
    let taken = ToyCloud::start(Config {
        listen: address,
        ..Config::default()
    })
    .await;
    assert_eq!(
        taken.unwrap_err().to_string(),
        format!("failed to listen on `{address}`")
    );
    cloud.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
