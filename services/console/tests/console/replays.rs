//! Trials of policies on recorded activity, as they are asked for and shown; who works at them is the evaluator.

use axum::http::StatusCode;
use event_model::{IncidentDelta, Job, JobState, JobWork, ReplayExample};
use ports::{Clock, JobStore};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::World;

fn draft() -> Value {
    json!({ "name": "Links <b>now</b>", "trigger": { "actions": ["share"] },
            "rule": "_share.public", "responses": [{ "kind": "remove_link" }] })
}

async fn saved(world: &World) -> String {
    let answer = world.call("POST", "/policies", &draft().to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_trial_says_what_it_tries_and_what_it_is_compared_with() {
    let world = World::new().await;
    let id = saved(&world).await;
    let second = world
        .call("PUT", &format!("/policies/{id}"), &draft().to_string())
        .await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    // body => which version, compared with what
    let rows = [
        (json!({ "document": draft() }), Value::Null, "nothing"),
        (json!({ "policy": id }), json!(2), "recorded"),
        (json!({ "policy": id, "version": 1 }), json!(1), "recorded"),
        (
            json!({ "policy": id, "document": draft() }),
            json!(2),
            "recorded",
        ),
        (
            json!({ "policy": id, "compare_version": 1 }),
            json!(2),
            "version",
        ),
    ];
    for (body, version, with) in rows {
        let begun = world
            .call("POST", "/policies/replay", &body.to_string())
            .await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{body}: {}", begun.text);
        let place = begun.header("location").strip_prefix("/api/v1").unwrap();
        let read = world.get(place).await;
        assert_eq!(
            (&read["kind"], &read["state"]),
            (&json!("replay"), &json!("waiting"))
        );
        assert_eq!(read["ask"]["policy"]["version"], version, "{body}");
        assert_eq!(read["ask"]["baseline"]["with"], with, "{body}");
        let (from, to) = (&read["ask"]["from"], &read["ask"]["to"]);
        assert!(from.as_str() < to.as_str(), "{from} to {to}");
    }
    let of_it = world.get(&format!("/replays?policy={id}")).await;
    assert_eq!(of_it["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused_with_its_place() {
    let world = World::new().await;
    let mut wrong = draft();
    wrong["rule"] = json!("_share.pubic");
    let nowhere = format!("pol_{}", "0".repeat(26));
    let rows = [
        (json!({}), 422, "/document"),
        (json!({ "document": wrong }), 422, "/rule"),
        (
            json!({ "document": draft(), "compare_version": 1 }),
            422,
            "/compare_version",
        ),
        (
            json!({ "document": draft(), "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z" }),
            422,
            "/from",
        ),
        (
            json!({ "document": draft(), "from": "2016-01-01T00:00:00Z" }),
            422,
            "/from",
        ),
        (json!({ "policy": nowhere }), 404, ""),
        (json!({ "documnt": draft() }), 422, ""),
    ];
    for (body, status, field) in rows {
        let refused = world
            .call("POST", "/policies/replay", &body.to_string())
            .await;
        assert_eq!(refused.status.as_u16(), status, "{body}: {}", refused.text);
        let error = &refused.json()["errors"][0];
        assert!(
            error["field"]
                .as_str()
                .unwrap_or_default()
                .starts_with(field),
            "{body}: {error}"
        );
    }
    assert_eq!(world.get("/replays").await["items"], json!([]));
}

#[tokio::test]
async fn only_so_many_trials_wait_and_a_canceled_one_makes_room() {
    let world = World::new().await;
    let body = json!({ "document": draft() }).to_string();
    let mut first = None;
    for _ in 0..20 {
        let begun = world.call("POST", "/policies/replay", &body).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
        let id = begun.json()["id"].as_str().unwrap().to_owned();
        first.get_or_insert(id);
    }
    let refused = world.call("POST", "/policies/replay", &body).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let cancel = format!("/replays/{}/cancel", first.unwrap());
    let canceled = world.call("POST", &cancel, "").await;
    assert_eq!(canceled.json()["state"], "canceled", "{}", canceled.text);
    let twice = world.call("POST", &cancel, "").await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "it is over");
    let begun = world.call("POST", "/policies/replay", &body).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
}

/// What the evaluator would have written.
fn worked(mut job: Job, now: chrono::DateTime<chrono::Utc>) -> Job {
    job.step(JobState::Running, now).unwrap();
    let JobWork::Replay(replay) = &mut job.work else {
        panic!("a trial");
    };
    replay.percent = 40;
    let delta = IncidentDelta {
        added: 3,
        gone: 1,
        same: 2,
        undecided: 4,
    };
    let report = &mut replay.report;
    report.incidents = delta;
    let day = now.date_naive().to_string();
    report.days.insert(day, delta);
    report.users.insert("ada@example.com".into(), delta);
    report.undecided.insert("content: it is not kept".into(), 4);
    report.added.push(ReplayExample {
        connection_id: event_model::ConnectionId::new(now, 1),
        event_id: event_model::EventId::new("e <1>").unwrap(),
        received_at: now,
        event_name: Some("<script>".into()),
        actor: Some("ada@example.com".into()),
        object: None,
        incident: None,
        why: "_share.public".into(),
    });
    job
}

#[tokio::test]
async fn a_policy_is_tried_on_the_past_from_its_form_before_it_is_saved() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    let form = browser.shows("/policies/new").await;
    assert!(form.contains("Try it on the past"));
    let draft = "name=Links&severity=high&action=share&rule=_share.public&effect=DENY&mode=enforce";
    let range = "try_from=2026-01-02&try_to=2026-01-31";
    let wrong = format!("{}&{range}&act=try", draft.replace("public", "pubic"));
    let shown = browser.posts("/policies", &wrong).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        shown.text.contains("_share.pubic"),
        "it is as it was written"
    );
    assert!(
        shown.text.contains("value=\"2026-01-02\""),
        "so is the range"
    );
    let begun = browser
        .posts("/policies", &format!("{draft}&{range}&act=try"))
        .await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    assert_eq!(
        world.get("/policies").await["items"],
        json!([]),
        "nothing is saved"
    );
    let place = begun.header("location").to_owned();
    let waiting = browser.shows(&place).await;
    assert!(
        waiting.contains("http-equiv=\"refresh\""),
        "it comes again by itself"
    );
    let id = place.rsplit('/').next().unwrap().parse().unwrap();
    let job = world.store.job(id).await.unwrap().unwrap();
    let JobWork::Replay(replay) = &job.work else {
        panic!("a trial");
    };
    let day = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(replay.ask.from, day("2026-01-02T00:00:00Z"));
    assert_eq!(
        replay.ask.to,
        day("2026-02-01T00:00:00Z"),
        "the day is included"
    );
    world
        .store
        .save_job(&worked(job, world.clock.now()))
        .await
        .unwrap();
    let going_on = browser.shows(&place).await;
    for part in [
        "40 % of the range",
        "<strong class=\"bad\">3</strong> would be added",
        "<rect class=\"added\"",
        "ada@example.com",
        "it is not kept",
        "/activity?connection=",
        "&lt;script&gt;",
    ] {
        let part = part.replace("&lt;", "&#60;").replace("&gt;", "&#62;");
        assert!(going_on.contains(&part), "{part} is not in {going_on}");
    }
    assert!(!going_on.contains("<script>"), "it is text");
    let canceled = browser.posts(&format!("{place}/cancel"), "").await;
    assert_eq!(canceled.status, StatusCode::SEE_OTHER);
    let ended = browser.shows(&place).await;
    assert!(ended.contains("canceled") && !ended.contains("http-equiv"));
}
