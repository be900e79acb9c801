//! Every response that changes who may reach an object, and its undoing.

use serde_json::json;
use toy_cloud::Role;

use super::World;
use super::administration::remedies;
use super::cloud::PAYROLL;

#[tokio::test(flavor = "multi_thread")]
async fn each_response_can_be_undone() {
    let world = World::new(3).await;
    world.connects("Acme", "acme", "push").await;
    let numbers_outside = |name: &str| {
        format!(
            "_share.path == '/alice/{name}' and _share.hasUsersFromDomain('partner.example') and _content.has('us-ssn')"
        )
    };
    let policies = [
        ("taken.csv", json!([{"kind": "remove_collaborator"}])),
        (
            "lowered.csv",
            json!([{"kind": "downgrade_role", "role": "viewer"}]),
        ),
        ("gone.csv", json!([{"kind": "delete"}])),
    ];
    for (name, responses) in policies {
        world
            .saves_policy(name, &numbers_outside(name), responses)
            .await;
    }
    let alice = world.user("acme", "alice");
    let shared = |name| {
        let file = alice.uploads(name, PAYROLL);
        alice.shares_with(&file, "bob", Role::Editor);
        let event = alice.shares_with(&file, "gus@partner.example", Role::Editor);
        (file, event)
    };
    let (taken, lowered, gone) = (
        shared("taken.csv"),
        shared("lowered.csv"),
        shared("gone.csv"),
    );
    let share = |email: &str, role: &str| (email.to_owned(), role.to_owned());
    let bob = share("bob@acme.example", "editor");
    let as_before = [bob.clone(), share("gus@partner.example", "editor")].into();

    let incident = world.incident_of(&taken.1).await;
    assert_eq!(remedies(&incident), ["remove_collaborator: done"]);
    assert_eq!(world.shares("acme", &taken.0), [bob.clone()].into());
    let undone = world.undoes(&incident, "remove_collaborator").await;
    assert_eq!(
        undone["restoration"],
        json!({"restored": ["shares"], "not_restored": []})
    );
    assert_eq!(world.shares("acme", &taken.0), as_before);

    let incident = world.incident_of(&lowered.1).await;
    assert_eq!(remedies(&incident), ["downgrade_role: done"]);
    let lower = [bob, share("gus@partner.example", "viewer")].into();
    assert_eq!(world.shares("acme", &lowered.0), lower);
    let undone = world.undoes(&incident, "downgrade_role").await;
    assert_eq!(
        undone["restoration"],
        json!({"restored": ["shares"], "not_restored": []})
    );
    assert_eq!(world.shares("acme", &lowered.0), as_before);

    let incident = world.incident_of(&gone.1).await;
    assert_eq!(remedies(&incident), ["delete: done"]);
    assert_eq!(world.file("acme", &gone.0).unwrap()["trashed"], true);
    let undone = world.undoes(&incident, "delete").await;
    assert_eq!(
        undone["restoration"],
        json!({"restored": ["path", "shares", "links"], "not_restored": []})
    );
    let back = world.file("acme", &gone.0).unwrap();
    assert_eq!(
        (&back["trashed"], &back["path"]),
        (&json!(false), &json!("/alice/gone.csv"))
    );
    assert_eq!(world.shares("acme", &gone.0), as_before);

    assert_eq!(
        world.all("incidents").await.unwrap().len(),
        3,
        "giving a share back violates nothing"
    );
    world.ends_at_rest().await;
}
