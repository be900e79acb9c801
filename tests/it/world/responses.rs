//! Links that end or narrow, shares that go by whom they are with, owners, and what is done to users: each done, seen, undone.

use reqwest::Method;
use serde_json::{Value, json};
use toy_cloud::Role;

use super::administration::remedies;
use super::cloud::PAYROLL;
use super::{World, text};

/// A response to a public link, what the service shows of the object when it is done, and what undoing it brings back.
struct Row {
    response: Value,
    /// A pointer into the object's state, and what stands there then.
    then: &'static [(&'static str, Option<&'static str>)],
    restored: &'static [&'static str],
}

impl Row {
    fn kind(&self) -> &str {
        text(&self.response, "/kind")
    }
}

fn rows() -> [Row; 6] {
    [
        Row {
            response: json!({"kind": "expire_link", "after_hours": 48}),
            then: &[("/links/0/visibility", Some("public"))],
            restored: &["links"],
        },
        Row {
            response: json!({"kind": "set_link_scope", "scope": "people_in_company"}),
            then: &[("/links/0/visibility", Some("organization"))],
            restored: &["links"],
        },
        Row {
            response: json!({"kind": "set_link_scope", "scope": "specific_people"}),
            then: &[("/links/0/visibility", Some("restricted"))],
            restored: &["links"],
        },
        Row {
            response: json!({"kind": "remove_external_collaborators"}),
            then: &[
                ("/shares/0/user/email", Some("bob@acme.example")),
                ("/shares/1", None),
            ],
            restored: &["shares"],
        },
        Row {
            response: json!({"kind": "make_private"}),
            then: &[("/shares/0", None), ("/links/0", None)],
            restored: &["shares", "links"],
        },
        Row {
            response: json!({"kind": "transfer_owner", "new_owner": "carol@acme.example"}),
            then: &[("/file/owner/email", Some("carol@acme.example"))],
            restored: &["owner"],
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_response_to_a_link_is_done_and_undone() {
    let world = World::new(91).await;
    world.connects("Acme", "acme", "push").await;
    for (place, row) in rows().iter().enumerate() {
        let rule = format!("_share.public and _file.name == 'row {place}'");
        let name = format!("Row {place}");
        world
            .saves_policy(&name, &rule, json!([row.response]))
            .await;
    }
    for (place, row) in rows().iter().enumerate() {
        is_done_and_undone(&world, place, row).await;
    }
    let incidents = world.all("incidents").await.unwrap();
    assert_eq!(incidents.len(), rows().len(), "undoing violates nothing");
    world.ends_at_rest().await;
}

async fn is_done_and_undone(world: &World, place: usize, row: &Row) {
    let alice = world.user("acme", "alice");
    let file = alice.uploads(&format!("row {place}"), PAYROLL);
    alice.shares_with(&file, "bob", Role::Editor);
    alice.shares_with(&file, "gus@partner.example", Role::Viewer);
    let link = alice.shares_publicly(&file);
    let before = state(world, &file);

    let incident = world.incident_of(&link.event).await;
    let kind = row.kind();
    assert_eq!(remedies(&incident), [format!("{kind}: done")], "{incident}");
    let then = state(world, &file);
    for (pointer, expected) in row.then {
        let shown = then.pointer(pointer).and_then(Value::as_str);
        assert_eq!(shown, *expected, "{kind}: {pointer} of {then}");
    }
    assert_ne!(then, before, "{kind}");

    let undone = world.undoes(&incident, kind).await;
    let report = json!({"restored": row.restored, "not_restored": []});
    assert_eq!(undone["restoration"], report, "{kind}: {undone}");
    assert_eq!(state(world, &file), before, "{kind}");
}

/// What the service shows of a file, but for when it was touched.
fn state(world: &World, file: &str) -> Value {
    let model = world.cloud.model();
    let mut shown = world.file("acme", file).unwrap();
    shown["updated_at"] = Value::Null;
    json!({
        "file": shown,
        "shares": model.permissions("acme", file).unwrap(),
        "links": model.links("acme", file).unwrap(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_when_the_policy_said_and_never_later_than_it_would_have() {
    let world = World::new(92).await;
    world.connects("Acme", "acme", "push").await;
    let responses = json!([{"kind": "expire_link", "after_hours": 2}]);
    world
        .saves_policy("Links", "_share.public", responses)
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(remedies(&incident), ["expire_link: done"], "{incident}");
    assert_eq!(world.visit(&link.url).await.status, 200, "it is open still");
    let hours = std::time::Duration::from_secs(2 * 3_600 + 60);
    world.cloud.model().advance_clock(hours);
    assert_eq!(world.visit(&link.url).await.status, 404);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_suspended_and_signed_out_and_an_administrator_is_spared() {
    let world = World::new(93).await;
    world.connects("Acme", "acme", "push").await;
    let actor = json!([{"kind": "end_sessions", "whom": "actor"}, {"kind": "suspend_user", "whom": "actor"}]);
    world.saves_policy("Leaks", "_share.public", actor).await;
    let target = json!([{"kind": "suspend_user", "whom": "target"}]);
    let rule = "_activity.target_user_email == 'bob@acme.example'";
    world.saves_policy("Bob", rule, target).await;
    let standing = |user: &str| world.cloud.model().user("acme", user).unwrap();

    let carol = world.user("acme", "carol");
    let file = carol.uploads("plan.txt", b"plan");
    let link = carol.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    let done = ["end_sessions: done", "suspend_user: done"];
    assert_eq!(remedies(&incident), done, "{incident}");
    let after = standing("u_acme_carol");
    assert_eq!(after["suspended"], true);
    assert!(after["sessions_valid_from"].is_string(), "{after}");
    let path = format!(
        "/api/v1/remedies/{}/undo",
        text(&incident, "/remedies/0/id")
    );
    let refused = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(refused.status, 409, "ended sessions do not come back");
    let undone = world.undoes(&incident, "suspend_user").await;
    let report = json!({"restored": ["user"], "not_restored": []});
    assert_eq!(undone["restoration"], report, "{undone}");
    assert_eq!(standing("u_acme_carol")["suspended"], false);

    let alice = world.user("acme", "alice");
    let file = alice.uploads("minutes.txt", b"minutes");
    let shared = alice.shares_with(&file, "bob", Role::Viewer);
    let incident = world.incident_of(&shared).await;
    assert_eq!(remedies(&incident), ["suspend_user: done"], "{incident}");
    assert_eq!(standing("u_acme_bob")["suspended"], true);
    assert_eq!(standing("u_acme_alice")["suspended"], false);

    let admin = world.user("acme", "admin");
    let file = admin.uploads("budget.txt", b"budget");
    let link = admin.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    let refused = ["end_sessions: given_up", "suspend_user: given_up"];
    assert_eq!(remedies(&incident), refused, "{incident}");
    let why = text(&incident, "/remedies/1/last_error");
    assert!(why.contains("the connection acts as this user"), "{why}");
    assert_eq!(standing("u_acme_admin")["suspended"], false);
    world.ends_at_rest().await;
}
