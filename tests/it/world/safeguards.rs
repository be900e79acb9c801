//! What holds remedies back: approval, the window in which they can be cancelled, the breaker; what prevails when
//! two policies want different things; and what a dry run says.

use reqwest::Method;
use serde_json::{Value, json};
use toy_cloud::Role;

use super::administration::{policy, remedies};
use super::{World, text};

impl World {
    async fn saves(&self, policy: &Value) -> Value {
        let saved = self.tidegate.post("/api/v1/policies", policy).await;
        saved.unwrap()
    }

    /// The first incident of an event, whatever is still to do on it, once its remedies are in these states.
    async fn incident_in(&self, event: &str, states: &[&str]) -> Value {
        self.until(&format!("{states:?} for {event}"), || async {
            let found = self.all(&format!("incidents?event_id={event}")).await?;
            let is = |incident: &Value| {
                let shown = incident["remedies"].as_array();
                let shown = shown.into_iter().flatten().map(|one| &one["state"]);
                shown.eq(states.iter().copied())
            };
            Ok(found.into_iter().find(is))
        })
        .await
    }
}

fn first_remedy(incident: &Value) -> String {
    text(incident, "/remedies/0/id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_wants_approved_waits_and_what_is_cancelled_is_not_done() {
    let world = World::new(101).await;
    world.connects("Acme", "acme", "push").await;
    let mut wanted = policy("Links", "_share.public", json!([{"kind": "remove_link"}]));
    wanted["approval"] = json!("required");
    world.saves(&wanted).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let link = alice.shares_publicly(&file);
    let incident = world.incident_in(&link.event, &["needs_approval"]).await;
    assert_eq!(world.links("acme", &file).len(), 1, "nobody has said yes");
    let id = first_remedy(&incident);
    let retried = world
        .call(
            Method::POST,
            &format!("/api/v1/remedies/{id}/retry"),
            &Value::Null,
        )
        .await;
    assert_eq!(retried.status, 409, "retrying is no way round");
    let done = world
        .has_done(&format!("/api/v1/remedies/{id}/approve"))
        .await;
    assert_eq!(done["state"], "done");
    assert_eq!(text(&done, "/approvals/0/by"), "administrator");
    assert!(world.links("acme", &file).is_empty());
    assert_eq!(world.audited("remedy.approved").await.len(), 1);

    let other = alice.uploads("minutes.txt", b"minutes");
    let link = alice.shares_publicly(&other);
    let incident = world.incident_in(&link.event, &["needs_approval"]).await;
    let id = first_remedy(&incident);
    let path = format!("/api/v1/remedies/{id}/cancel");
    let cancelled = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    assert_eq!(cancelled.json()["state"], "cancelled");
    assert_eq!(world.links("acme", &other).len(), 1);
    let again = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(again.status, 409);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_for_something_cannot_approve_it_and_a_purge_can_be_cancelled() {
    let world = World::new(102).await;
    world.connects("Acme", "acme", "push").await;
    let mut wanted = policy("Links", "_share.public", json!([{"kind": "quarantine"}]));
    wanted["approval"] = json!("irreversible");
    wanted["undo_window_minutes"] = json!(60);
    world.saves(&wanted).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(
        remedies(&incident),
        ["quarantine: done"],
        "it can be undone"
    );
    let item = world.quarantined_for(&incident).await;
    let path = format!("/api/v1/quarantine/{}/delete", text(&item, "/id"));
    let purge = world.call(Method::POST, &path, &Value::Null).await.json();
    assert_eq!(purge["state"], "needs_approval", "{purge}");
    let id = text(&purge, "/id");
    let approved = world
        .call(
            Method::POST,
            &format!("/api/v1/remedies/{id}/approve"),
            &Value::Null,
        )
        .await;
    assert_eq!(approved.status, 409);
    assert!(
        approved.text().contains("somebody else must"),
        "{}",
        approved.text()
    );
    let path = format!("/api/v1/remedies/{id}/cancel");
    let cancelled = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    let item = world.quarantined_for(&incident).await;
    assert_eq!(item["state"], "held");
    assert_eq!(world.file("acme", &file).unwrap()["restricted"], true);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_limit_a_policy_stands_still_until_a_person_continues() {
    let world = World::new(103).await;
    let connection = world.connects("Acme", "acme", "push").await;
    let mut wanted = policy("Links", "_share.public", json!([{"kind": "remove_link"}]));
    wanted["limit"] = json!({"actions": 2, "per_hours": 24});
    let saved = world.saves(&wanted).await;
    let alice = world.user("acme", "alice");
    let mut held = Vec::new();
    for n in 0..4 {
        let file = alice.uploads(&format!("{n}.txt"), b"plan");
        let link = alice.shares_publicly(&file);
        let state = if n < 2 { "done" } else { "held" };
        let incident = world.incident_in(&link.event, &[state]).await;
        if n >= 2 {
            let why = text(&incident, "/remedies/0/because");
            assert!(why.contains("2 actions in 24 hours"), "{why}");
            assert_eq!(world.links("acme", &file).len(), 1);
            held.push(file);
        }
    }
    let breakers = world.tidegate.get("/api/v1/breakers").await.unwrap();
    let shown = |what: &str| breakers["items"][0][what].clone();
    assert_eq!((shown("admitted"), shown("held")), (json!(2), json!(2)));
    let policy_id = text(&saved, "/id");
    let path = format!("/api/v1/breakers/{policy_id}/{connection}/continue");
    let continued = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(continued.json(), json!({"remedies": 2}));
    world
        .until("what stood still to be done", || async {
            let open = held
                .iter()
                .any(|file| !world.links("acme", file).is_empty());
            Ok((!open).then_some(()))
        })
        .await;
    let breakers = world.tidegate.get("/api/v1/breakers").await.unwrap();
    assert_eq!(breakers["items"], json!([]));
    assert_eq!(world.audited("breaker.continued").await.len(), 1);
    let nothing = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(nothing.status, 409);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_and_one_deletions_the_last_is_stopped_and_nothing_is_lost() {
    const LIMIT: usize = 100;
    let world = World::new(108).await;
    let connection = world.connects("Acme", "acme", "push").await;
    let mut wanted = policy("Links", "_share.public", json!([{"kind": "delete"}]));
    wanted["limit"] = json!({"actions": LIMIT, "per_hours": 24});
    let saved = world.saves(&wanted).await;
    let alice = world.user("acme", "alice");
    let shared: Vec<(String, String)> = (0..=LIMIT)
        .map(|n| {
            let file = alice.uploads(&format!("{n}.txt"), format!("plan {n}").as_bytes());
            let event = alice.shares_publicly(&file).event;
            (file, event)
        })
        .collect();
    let before: Vec<_> = shared
        .iter()
        .map(|(file, _)| world.file("acme", file).unwrap()["sha256"].clone())
        .collect();
    let mut stopped = Vec::new();
    for (file, event) in &shared {
        let states = world.until("each to be dealt with", || async {
            let found = world.all(&format!("incidents?event_id={event}")).await?;
            let state = found.first().map(|one| one["remedies"][0]["state"].clone());
            Ok(state.filter(|state| state == "done" || state == "held"))
        });
        match states.await == "held" {
            true => stopped.push(file),
            false => assert_eq!(world.file("acme", file).unwrap()["trashed"], true),
        }
    }
    assert_eq!(stopped.len(), 1, "the limit is {LIMIT}: {stopped:?}");
    let shown = world.file("acme", stopped[0]).unwrap();
    assert_eq!(shown["trashed"], false, "it stays where it is");
    let path = format!(
        "/api/v1/breakers/{}/{connection}/cancel",
        text(&saved, "/id")
    );
    let cancelled = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(cancelled.json(), json!({"remedies": 1}));
    for ((file, _), sha256) in shared.iter().zip(&before) {
        if file != stopped[0] {
            alice.takes_out_of_the_trash(file);
        }
        let shown = world.file("acme", file).unwrap();
        assert_eq!(
            (&shown["trashed"], &shown["sha256"]),
            (&json!(false), sha256)
        );
    }
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_policies_on_one_object_the_stronger_prevails_and_the_other_is_shown_left_out() {
    let world = World::new(104).await;
    world.connects("Acme", "acme", "push").await;
    for (name, kind) in [("Delete it", "delete"), ("Keep it", "quarantine")] {
        world
            .saves_policy(name, "_share.public", json!([{ "kind": kind }]))
            .await;
    }
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let link = alice.shares_publicly(&file);
    let settled = world
        .until("both incidents to be settled", || async {
            let found = world
                .all(&format!("incidents?event_id={}", link.event))
                .await?;
            let mut told: Vec<String> = found.iter().flat_map(remedies).collect();
            told.sort();
            Ok((told == ["delete: superseded", "quarantine: done"]).then_some(found))
        })
        .await;
    let left_out = settled
        .iter()
        .find(|one| one["remedies"][0]["kind"] == "delete");
    let why = text(left_out.unwrap(), "/remedies/0/because");
    assert!(
        why.starts_with("quarantine was done to the same object"),
        "{why}"
    );
    let held = world.file("acme", &file).unwrap();
    assert_eq!(
        (&held["restricted"], &held["trashed"]),
        (&json!(true), &json!(false))
    );
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_done_and_changes_nothing() {
    let world = World::new(105).await;
    world.connects("Acme", "acme", "push").await;
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    alice.shares_with(&file, "bob", Role::Editor);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    let path = format!("/api/v1/incidents/{}/remedies", text(&incident, "/id"));
    let dry = format!("{path}?dry_run=true");
    for response in [
        json!({"kind": "quarantine"}),
        json!({"kind": "remove_link"}),
        json!({"kind": "make_private"}),
        json!({"kind": "expire_link", "after_hours": 4}),
        json!({"kind": "transfer_owner", "new_owner": "carol@acme.example"}),
        json!({"kind": "suspend_user", "whom": "actor"}),
    ] {
        let effects = world.our_effects();
        let told = world.call(Method::POST, &dry, &response).await;
        assert_eq!(told.status, 200, "{response}: {}", told.text());
        let told = told.json();
        assert!(!told["calls"].as_array().unwrap().is_empty(), "{told}");
        assert_eq!(told["refused"], Value::Null, "{told}");
        assert!(told["snapshot"].is_object(), "{told}");
        assert_eq!(world.our_effects(), effects, "{response} changed something");
    }
    let links = world
        .call(Method::POST, &dry, &json!({"kind": "remove_link"}))
        .await
        .json();
    assert_eq!(links["in_effect"], false);
    assert_eq!(text(&links, "/calls/0/method"), "DELETE");
    assert_eq!(text(&links, "/calls/0/about"), link.url);
    let wrong = world
        .call(Method::POST, &dry, &json!({"kind": "expire_link"}))
        .await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());

    let done = world
        .has_done_with(&path, &json!({"kind": "make_private"}))
        .await;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(text(&done, "/requested_by"), "administrator");
    assert!(world.links("acme", &file).is_empty() && world.shares("acme", &file).is_empty());
    world.ends_at_rest().await;
}
