//! A service asks before the fact: each mode and form, recorded once, by the policies as they are at that moment.

use base64::Engine;
use reqwest::Method;
use serde_json::{Value, json};

use super::administration::policy;
use super::{Answer, Setting, World, text};
use crate::geoip::database;

/// A share that anyone could use.
fn public_share(connection: &str, key: &str) -> Value {
    json!({
        "connection": connection,
        "action": "share",
        "activity": {
            "actor_email": "alice@acme.example",
            "actor_ip_address": "203.0.113.7",
            "object_id": "f_1",
            "object_path": "/finance/plan.docx",
            "visibility": "public",
        },
        "idempotency_key": key,
    })
}

impl World {
    async fn asks(&self, query: &str, attempt: &Value) -> Answer {
        let path = format!("/api/v1/decisions{query}");
        self.call(Method::POST, &path, attempt).await
    }

    async fn is_answered(&self, attempt: &Value) -> Value {
        let answer = self.asks("", attempt).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_attempt_is_recorded_once_in_either_mode_and_the_service_is_left_alone() {
    let world = World::new(41).await;
    let acme = world.connects("Acme", "acme", "pull").await;
    let mut links = policy("Links", "_share.public", json!([{"kind": "remove_link"}]));
    links["notification"] = json!("Ask <a href=\"https://intranet.example/\">us</a>.");
    let links = world
        .tidegate
        .post("/api/v1/policies", &links)
        .await
        .unwrap();
    let mut watched = policy("Finance", "_share.pathStartsWith('/finance/')", json!([]));
    watched["mode"] = json!("permissive");
    world
        .tidegate
        .post("/api/v1/policies", &watched)
        .await
        .unwrap();

    let first = world.is_answered(&public_share(&acme, "s-1")).await;
    assert_eq!(first["decision"], "deny");
    assert_eq!(first["recorded"], "new");
    assert_eq!(text(&first, "/winner/policy/name"), "Links");
    assert_eq!(text(&first, "/winner/reasons/0"), "`_share.public` is true");
    assert_eq!(
        text(&first, "/message/text"),
        "Ask us (https://intranet.example/)."
    );
    assert_eq!(text(&first, "/event_id"), "inline:s-1");
    let again = world.is_answered(&public_share(&acme, "s-1")).await;
    assert_eq!(
        (&again["decision"], &again["recorded"]),
        (&json!("deny"), &json!("repeated"))
    );

    // The chain ends at the enforcing policy, which is the older of two equally severe ones.
    let incidents = world.all("incidents").await.unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    let incident = &incidents[0];
    assert_eq!(incident["policy"]["id"], links["id"]);
    assert_eq!(text(incident, "/activity/object_name"), "plan.docx");
    assert_eq!(
        text(incident, "/provenance/role"),
        "absent: it was not told with the attempt"
    );
    assert_eq!(
        incident["remedies"],
        json!([]),
        "nothing has happened that could be undone"
    );
    let raw = format!("/api/v1/activities/{acme}/inline:s-1/raw");
    assert_eq!(world.tidegate.get(&raw).await.unwrap()["action"], "share");

    // Permissive: allowed, and recorded all the same.
    let mut quiet = public_share(&acme, "s-2");
    quiet["activity"]["visibility"] = json!("restricted");
    let passed = world.is_answered(&quiet).await;
    assert_eq!(
        (&passed["decision"], &passed["recorded"]),
        (&json!("allow"), &json!("new"))
    );
    assert_eq!(text(&passed, "/losers/0/policy/name"), "Finance");
    assert_eq!(passed["message"], Value::Null);
    assert_eq!(world.all("incidents").await.unwrap().len(), 2);

    // Nothing against it: not recorded.
    quiet["activity"]["object_path"] = json!("/team/plan.docx");
    let clean = world.is_answered(&quiet).await;
    assert_eq!(
        (&clean["decision"], &clean["recorded"]),
        (&json!("allow"), &json!("nothing"))
    );
    let mut activities = world.all("activities").await.unwrap();
    activities.retain(|one| text(one, "/event_id").starts_with("inline:"));
    assert_eq!(activities.len(), 2, "{activities:?}");
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_counts_from_the_moment_in_which_it_is_saved_or_taken_out_of_use() {
    let world = World::new(42).await;
    let acme = world.connects("Acme", "acme", "pull").await;
    let attempt = |key: &str| public_share(&acme, key);
    assert_eq!(world.is_answered(&attempt("a")).await["decision"], "allow");
    let saved = world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let denied = world.asks("?enforce=status", &attempt("b")).await;
    assert_eq!(denied.status, 403, "{}", denied.text());
    assert_eq!(denied.json()["decision"], "deny");
    let mut changed = saved.clone();
    changed["rule"] = json!("_share.public and _activity.role == 'owner'");
    let path = format!("/api/v1/policies/{}", text(&saved, "/id"));
    let put = world.call(Method::PUT, &path, &changed).await;
    assert_eq!(put.status, 200, "{}", put.text());

    // What is not known decides nothing, unless the caller says so.
    let unknown = world.is_answered(&attempt("c")).await;
    assert_eq!(unknown["decision"], "allow");
    assert_eq!(
        unknown["needs"],
        json!({"content": false, "fields": ["role"]})
    );
    let note = text(&unknown, "/undecided/0/reasons/0");
    assert!(note.contains("role is absent: it was not told"), "{note}");
    let strict = world
        .asks("?undecided=deny&enforce=status", &attempt("d"))
        .await;
    assert_eq!(strict.status, 403, "{}", strict.text());
    assert_eq!(strict.json()["recorded"], "nothing");

    let path = format!("{path}/disable");
    world.tidegate.post(&path, &json!({})).await.unwrap();
    let free = world
        .asks("?undecided=deny&enforce=status", &attempt("e"))
        .await;
    assert_eq!(free.status, 200, "{}", free.text());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_tells_what_the_fields_do_not_and_may_bring_its_content() {
    let world = World::new(43).await;
    let acme = world.connects("Acme", "acme", "pull").await;
    let rules = [
        ("Cards", "_content.has('credit-card')", "share"),
        (
            "Groups",
            "_metadata.existsWithValue('Security.internal', true) and not _user.inGroup('Staff')",
            "download",
        ),
        (
            "Browsers",
            "_request.agent != 'Web browser' or _request.isAdminLogin",
            "login",
        ),
    ];
    for (name, rule, action) in rules {
        let mut policy = policy(name, rule, json!([]));
        policy["trigger"]["actions"] = json!([action]);
        policy["notification"] = Value::Null;
        world
            .tidegate
            .post("/api/v1/policies", &policy)
            .await
            .unwrap();
    }
    let bytes = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let card = bytes("Payment card number: 4539 5787 6362 1486");
    let share = |content: Value| json!({"connection": acme, "action": "share", "content": content});
    let download = |groups: Value| {
        json!({"connection": acme, "action": "download", "user": {"groups": groups},
        "metadata": [{"Security.internal": true}, {"Project.name": "Apollo"}]})
    };
    let login = |agent: &str| {
        json!({"connection": acme, "action": "login",
        "request": {"user_agent": agent, "is_admin_login": false}})
    };
    let rows = [
        (share(Value::Null), "allow", "content"),
        (share(json!({"matches": {"credit-card": 2}})), "deny", ""),
        (
            share(json!({"matches": {"credit-card": [4, 0, 0]}})),
            "allow",
            "",
        ),
        (
            share(json!({"coverage": "none", "reason": "encrypted"})),
            "allow",
            "",
        ),
        (share(json!({"base64": card})), "deny", ""),
        (
            share(json!({"base64": bytes("See you at nine.")})),
            "allow",
            "",
        ),
        (download(json!(["staff"])), "allow", ""),
        (download(json!(["Guests"])), "deny", ""),
        (login("Mozilla/5.0 (X11; Linux x86_64)"), "allow", ""),
        (login("curl/8.9"), "deny", ""),
    ];
    for (attempt, decision, needs) in rows {
        let answer = world.is_answered(&attempt).await;
        assert_eq!(answer["decision"], decision, "{attempt}: {answer}");
        assert_eq!(
            answer["needs"]["content"],
            needs == "content",
            "{attempt}: {answer}"
        );
    }
    let found = world.all("incidents").await.unwrap();
    let with_evidence = found.iter().find(|one| one["evidence"][0].is_object());
    let incident = with_evidence.unwrap_or_else(|| panic!("no evidence in {found:?}"));
    assert_eq!(text(incident, "/evidence/0/detector"), "credit-card");
    let id = text(incident, "/activity/event_id");
    let raw = format!("/api/v1/activities/{acme}/{id}/raw");
    let kept = world.tidegate.get(&raw).await.unwrap().to_string();
    assert!(
        !kept.contains(&card) && !incident.to_string().contains("4539"),
        "{kept}"
    );
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_come_in_batches_and_by_the_data_api_of_opa() {
    let world = World::new(44).await;
    let acme = world.connects("Acme", "acme", "pull").await;
    world
        .saves_policy("Links", "_share.public", json!([]))
        .await;
    let mut quiet = public_share(&acme, "q");
    quiet["activity"]["visibility"] = json!("restricted");
    let attempts = json!({"attempts": [public_share(&acme, "x"), quiet, public_share(&acme, "x"), public_share(&acme, "y")]});
    let answer = world.asks("/batch", &attempts).await.json();
    let came: Vec<(&str, &str)> = (0..4)
        .map(|n| {
            let item = &answer["items"][n];
            (text(item, "/decision"), text(item, "/recorded"))
        })
        .collect();
    let expected = [
        ("deny", "new"),
        ("allow", "nothing"),
        ("deny", "repeated"),
        ("deny", "new"),
    ];
    assert_eq!(came, expected, "{answer}");
    assert_eq!(world.all("incidents").await.unwrap().len(), 2);

    let wrong = json!({"attempts": [quiet, {"service": "none", "action": "share"}, {"connection": acme, "action": "share",
        "idempotency_key": "a b", "activity": {"actor_ip_address": "here"}, "content": {"base64": "!"}}]});
    let refused = world.asks("/batch", &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let problem = refused.json();
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| text(e, "/field"))
        .collect();
    assert_eq!(
        fields,
        [
            "/attempts/1/service",
            "/attempts/2/idempotency_key",
            "/attempts/2/activity/actor_ip_address",
            "/attempts/2/content/base64"
        ]
    );

    let data = |document: &str| format!("/v1/data/tidegate/{document}");
    let opa = |document: &'static str, body: Value| {
        let path = data(document);
        let world = &world;
        async move { world.call(Method::POST, &path, &body).await }
    };
    let allowed = opa("allow", json!({"input": quiet})).await;
    assert_eq!(
        (allowed.status, &allowed.json()["result"]),
        (200, &json!(true))
    );
    let denied = opa("allow", json!({"input": public_share(&acme, "x")}))
        .await
        .json();
    assert_eq!(
        (&denied["result"], &denied["decision_id"]),
        (&json!(false), &json!("inline:x"))
    );
    let whole = opa("decision", json!({"input": public_share(&acme, "x")}))
        .await
        .json();
    assert_eq!(
        (&whole["result"]["allow"], &whole["result"]["recorded"]),
        (&json!(false), &json!("repeated"))
    );
    assert_eq!(opa("other", json!({"input": {}})).await.json(), json!({}));
    let lost = opa("allow", json!({})).await;
    assert_eq!(
        (lost.status, &lost.json()["code"]),
        (400, &json!("invalid_parameter"))
    );
    let stranger = world
        .visit(&format!("{}{}", world.url, data("allow")))
        .await;
    assert!(matches!(stranger.status, 401 | 405), "{}", stranger.text());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_country_of_an_address_is_looked_up_inline_and_of_recorded_activity() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countries.mmdb");
    std::fs::write(&path, database(&[("203.0.113.0/24", "DE")])).unwrap();
    let setting = Setting {
        geoip_database: Some(path.clone()),
        ..Setting::default()
    };
    let world = World::with(45, setting).await;
    let acme = world.connects("Acme", "acme", "push").await;
    let rule = "_request.remoteCountryCode != 'US'";
    world.saves_policy("Abroad", rule, json!([])).await;
    let denied = world.is_answered(&public_share(&acme, "a")).await;
    assert_eq!(denied["decision"], "deny");
    assert!(
        text(&denied, "/winner/reasons/0").contains("`DE`"),
        "{denied}"
    );
    let mut nowhere = public_share(&acme, "b");
    nowhere["activity"]["actor_ip_address"] = json!("198.51.100.1");
    let unknown = world.is_answered(&nowhere).await;
    assert_eq!(unknown["decision"], "allow");
    assert!(
        text(&unknown, "/undecided/0/reasons/0").contains("not in the database"),
        "{unknown}"
    );

    // An event of the feed, from the same address.
    let alice = world.user("acme", "alice");
    let shared = alice.shares_publicly(&alice.uploads("plan.txt", b"plan"));
    let incident = world.incident_of(&shared.event).await;
    assert!(
        incident["trace"].to_string().contains("\"DE\""),
        "{}",
        incident["trace"]
    );

    // The file changes: the address is in America now.
    std::fs::write(
        &path,
        database(&[("203.0.113.0/24", "US"), ("8.8.8.0/24", "US")]),
    )
    .unwrap();
    world
        .until("the changed file to be read", || async {
            let answer = world.is_answered(&public_share(&acme, "c")).await;
            Ok((answer["decision"] == "allow").then_some(()))
        })
        .await;
    world.ends_at_rest().await;
}
