//! Every response that changes who may reach an object, and its undoing.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use toy_cloud::Role;

use super::World;
use super::administration::remedies;
use super::cloud::PAYROLL;

const BOB: (&str, &str) = ("bob@acme.example", "editor");
const GUS: (&str, &str) = ("gus@partner.example", "editor");

struct Row {
    /// The remedy, and the name of its document.
    kind: &'static str,
    response: Value,
    /// Who may read the document when the remedy is done.
    shares: &'static [(&'static str, &'static str)],
    is_trashed: bool,
    /// What its undoing says it brought back.
    restored: &'static [&'static str],
}

fn rows() -> [Row; 3] {
    [
        Row {
            kind: "remove_collaborator",
            response: json!({"kind": "remove_collaborator"}),
            shares: &[BOB],
            is_trashed: false,
            restored: &["shares"],
        },
        Row {
            kind: "downgrade_role",
            response: json!({"kind": "downgrade_role", "role": "viewer"}),
            shares: &[BOB, ("gus@partner.example", "viewer")],
            is_trashed: false,
            restored: &["shares"],
        },
        Row {
            kind: "delete",
            response: json!({"kind": "delete"}),
            shares: &[BOB, GUS],
            is_trashed: true,
            restored: &["path", "shares", "links"],
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_response_can_be_undone() {
    let world = World::new(3).await;
    world.connects("Acme", "acme", "push").await;
    for row in rows() {
        let rule = format!(
            "_share.path == '/alice/{}' and _share.hasUsersFromDomain('partner.example') and _content.has('us-ssn')",
            row.kind
        );
        let responses = json!([row.response]);
        world.saves_policy(row.kind, &rule, responses).await;
    }
    for row in rows() {
        is_done_and_undone(&world, &row).await;
    }
    let incidents = world.all("incidents").await.unwrap();
    assert_eq!(incidents.len(), 3, "giving a share back violates nothing");
    world.ends_at_rest().await;
}

async fn is_done_and_undone(world: &World, row: &Row) {
    let alice = world.user("acme", "alice");
    let file = alice.uploads(row.kind, PAYROLL);
    alice.shares_with(&file, "bob", Role::Editor);
    let event = alice.shares_with(&file, GUS.0, Role::Editor);
    let before = world.file("acme", &file).unwrap();

    let incident = world.incident_of(&event).await;
    assert_eq!(remedies(&incident), [format!("{}: done", row.kind)]);
    assert_eq!(
        world.shares("acme", &file),
        owned(row.shares),
        "{}",
        row.kind
    );
    let then = world.file("acme", &file).unwrap();
    assert_eq!(then["trashed"], row.is_trashed, "{}", row.kind);

    let undone = world.undoes(&incident, row.kind).await;
    let report = json!({"restored": row.restored, "not_restored": []});
    assert_eq!(undone["restoration"], report, "{}: {undone}", row.kind);
    assert_eq!(
        world.shares("acme", &file),
        owned(&[BOB, GUS]),
        "{}",
        row.kind
    );
    let after = world.file("acme", &file).unwrap();
    for what in ["path", "sha256", "trashed", "version"] {
        assert_eq!(
            after[what], before[what],
            "{what} after undoing {}",
            row.kind
        );
    }
}

fn owned(shares: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let owned = |(email, role): &(&str, &str)| ((*email).to_owned(), (*role).to_owned());
    shares.iter().map(owned).collect()
}
