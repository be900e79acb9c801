//! Permissions and links: stable ids and urls, who gets in, and that many at once leave one state.

use serde_json::{Value, json};

use crate::world::{ALL, World};

#[tokio::test]
async fn a_permission_keeps_its_id_and_lets_its_user_in() {
    let world = World::new().await;
    let (admin, gus) = (world.administrator().await, world.granted("gus", ALL).await);
    let id = world.alice_uploads("a.txt", "text").await;
    let file = format!("/api/v1/files/{id}");
    let all = format!("{file}/permissions");
    let share = json!({"user_id": "u_acme_gus", "role": "viewer"});
    let first = world.call(&admin, "POST", &all, share.clone()).await;
    assert_eq!(first.status, 201);
    let expected = json!({"id": first.json()["id"], "file_id": id, "role": "viewer",
        "user": {"id": "u_acme_gus", "email": "gus@partner.example", "name": "Gus Guest", "external": true}});
    assert_eq!(first.json(), expected);
    assert_eq!(
        world.get(&gus, &format!("{file}/content")).await.text,
        "text"
    );
    world
        .call(&gus, "DELETE", &file, Value::Null)
        .await
        .expect(403, "forbidden");

    let upgrade = json!({"email": "gus@partner.example", "role": "editor"});
    let again = world.call(&admin, "POST", &all, upgrade).await;
    assert_eq!(
        (again.status, &again.json()["role"]),
        (200, &json!("editor"))
    );
    assert_eq!(again.json()["id"], first.json()["id"]);
    let one = format!("{all}/{}", first.json()["id"].as_str().unwrap());
    let down = world
        .call(&admin, "PATCH", &one, json!({"role": "viewer"}))
        .await;
    assert_eq!((down.status, &down.json()["role"]), (200, &json!("viewer")));
    assert_eq!(
        world
            .status(&admin, "PATCH", &one, json!({"role": "viewer"}))
            .await,
        200
    );
    assert_eq!(world.status(&admin, "DELETE", &one, Value::Null).await, 204);
    world
        .call(&admin, "DELETE", &one, Value::Null)
        .await
        .expect(404, "not_found");
    world.get(&gus, &file).await.expect(404, "not_found");
    let back = world.call(&admin, "POST", &all, share).await;
    assert_eq!(
        (back.status, &back.json()["id"]),
        (201, &first.json()["id"])
    );

    let effects = world.ledger("effect").await;
    let told: Vec<_> = effects[1..]
        .iter()
        .map(|e| json!([e["action"], e["changed"]]))
        .collect();
    let expected = [
        json!(["permission_added", true]),
        json!(["permission_updated", true]),
        json!(["permission_updated", true]),
        json!(["permission_updated", false]),
        json!(["permission_removed", true]),
        json!(["permission_added", true]),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_outside_address_is_invited_and_nonsense_is_not() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("a.txt", "text").await;
    let all = format!("/api/v1/files/{id}/permissions");
    let invited = world
        .call(
            &admin,
            "POST",
            &all,
            json!({"email": "eve@other.example", "role": "viewer"}),
        )
        .await;
    assert_eq!(invited.json()["user"]["external"], true);
    let kinds: Vec<_> = world.cloud.model().activities("acme").unwrap();
    assert_eq!(
        kinds
            .iter()
            .filter(|activity| activity.kind.name() == "user.created")
            .count(),
        1
    );
    for email in [
        "nobody@acme.example",
        "eve",
        "@other.example",
        "a b@other.example",
        "<b>@x.example",
    ] {
        let refused = world
            .call(
                &admin,
                "POST",
                &all,
                json!({"email": email, "role": "viewer"}),
            )
            .await;
        refused.expect(404, "not_found");
    }
    world
        .call(&admin, "POST", &all, json!({"role": "viewer"}))
        .await
        .expect(400, "invalid_request");
    let owner = json!({"email": "alice@acme.example", "role": "viewer"});
    world
        .call(&admin, "POST", &all, owner)
        .await
        .expect(409, "conflict");
}

#[tokio::test]
async fn a_permission_on_a_folder_reaches_what_is_in_it() {
    let world = World::new().await;
    let (alice, bob) = (
        world.granted("alice", ALL).await,
        world.granted("bob", ALL).await,
    );
    let folder = world
        .call(&alice, "POST", "/api/v1/folders", json!({"name": "team"}))
        .await
        .id();
    let file = world
        .upload(&alice, &format!("name=x&parent_id={folder}"), b"text")
        .await
        .id();
    world
        .get(&bob, &format!("/api/v1/files/{file}/content"))
        .await
        .expect(404, "not_found");
    let share = json!({"user_id": "u_acme_bob", "role": "editor"});
    world
        .call(
            &alice,
            "POST",
            &format!("/api/v1/files/{folder}/permissions"),
            share,
        )
        .await
        .id();
    assert_eq!(
        world
            .get(&bob, &format!("/api/v1/files/{file}/content"))
            .await
            .text,
        "text"
    );
    assert_eq!(
        world
            .upload(&bob, &format!("name=y&parent_id={folder}"), b"y")
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_removed_link_leads_nowhere_and_comes_back_with_the_same_url() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world
        .alice_uploads("a.html", "<script>alert(1)</script>")
        .await;
    let all = format!("/api/v1/files/{id}/links");
    let made = world
        .call(
            &admin,
            "POST",
            &all,
            json!({"visibility": "public", "role": "viewer"}),
        )
        .await;
    assert_eq!(made.status, 201);
    let link = made.json();
    let url = link["url"].as_str().unwrap();
    let one = format!("{all}/{}", link["id"].as_str().unwrap());
    let visit = async || world.send(world.http.get(url)).await;
    let visited = visit().await;
    assert_eq!(
        (visited.status, visited.header("x-content-type-options")),
        (200, "nosniff")
    );
    assert_eq!(
        visited.header("content-security-policy"),
        "default-src 'none'; sandbox"
    );

    assert_eq!(world.status(&admin, "DELETE", &one, Value::Null).await, 204);
    assert_eq!(visit().await.status, 404);
    world
        .call(&admin, "DELETE", &one, Value::Null)
        .await
        .expect(404, "not_found");
    world
        .call(&admin, "PATCH", &one, json!({"role": "editor"}))
        .await
        .expect(404, "not_found");
    assert_eq!(world.get(&admin, &all).await.json()["items"], json!([]));
    let restored = world
        .call(&admin, "POST", &format!("{one}/restore"), Value::Null)
        .await;
    assert_eq!(restored.json(), link);
    assert_eq!(
        world
            .call(&admin, "POST", &format!("{one}/restore"), Value::Null)
            .await
            .json(),
        link
    );
    assert_eq!(visit().await.status, 200);
    assert_eq!(world.get(&admin, &all).await.json()["items"][0], link);
}

#[tokio::test]
async fn a_links_changes_are_activities_and_a_narrowed_link_is_not_for_everyone() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("a.txt", "x").await;
    let all = format!("/api/v1/files/{id}/links");
    let public = json!({"visibility": "public"});
    let link = world.call(&admin, "POST", &all, public).await.json();
    let one = format!("{all}/{}", link["id"].as_str().unwrap());
    let visit = async || {
        let url = link["url"].as_str().unwrap();
        world.send(world.http.get(url)).await
    };
    world.call(&admin, "DELETE", &one, Value::Null).await;
    let back = format!("{one}/restore");
    world.call(&admin, "POST", &back, Value::Null).await.id();
    let narrowed = world
        .call(&admin, "PATCH", &one, json!({"visibility": "organization"}))
        .await;
    assert_eq!(narrowed.json()["visibility"], "organization");
    visit().await.expect(403, "forbidden");
    let kinds: Vec<_> = world.cloud.model().activities("acme").unwrap();
    let kinds: Vec<_> = kinds[3..]
        .iter()
        .map(|activity| activity.kind.name())
        .collect();
    assert_eq!(
        kinds,
        [
            "link.created",
            "link.removed",
            "link.restored",
            "link.updated"
        ]
    );
}

#[tokio::test]
async fn many_at_once_leave_one_consistent_state() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("a.txt", "text").await;
    let all = format!("/api/v1/files/{id}/permissions");
    let shares = (0..40).map(|n| {
        let role = if n % 2 == 0 { "viewer" } else { "editor" };
        world.call(
            &admin,
            "POST",
            &all,
            json!({"user_id": "u_acme_gus", "role": role}),
        )
    });
    let answers = futures::future::join_all(shares).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        1,
        "one was the first"
    );
    let folders =
        (0..20).map(|_| world.call(&admin, "POST", "/api/v1/folders", json!({"name": "Q"})));
    let answers = futures::future::join_all(folders).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        1,
        "one has the name"
    );
    let ids: Vec<_> = world.cloud.model().activities("acme").unwrap();
    let mut ids: Vec<_> = ids.iter().map(|activity| activity.id.clone()).collect();
    let made = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), made);
}

#[tokio::test]
async fn everything_that_is_shared_is_listed_in_pages_for_administrators() {
    let world = World::new().await;
    let (admin, gus) = (world.administrator().await, world.granted("gus", ALL).await);
    let mut expected = Vec::new();
    for name in ["a.txt", "b.txt", "trashed.txt"] {
        let file = format!("/api/v1/files/{}", world.alice_uploads(name, "text").await);
        for visibility in ["public", "organization"] {
            let link = json!({"visibility": visibility});
            let made = world
                .call(&admin, "POST", &format!("{file}/links"), link)
                .await;
            expected.push(made.json()["id"].clone());
        }
        let share = json!({"user_id": "u_acme_gus", "role": "viewer"});
        let made = world
            .call(&admin, "POST", &format!("{file}/permissions"), share)
            .await;
        expected.push(made.json()["id"].clone());
        if name == "b.txt" {
            let link = format!("{file}/links/{}", expected[3].as_str().unwrap());
            world.call(&admin, "DELETE", &link, Value::Null).await;
            expected.remove(3);
        }
        if name == "trashed.txt" {
            world.call(&admin, "DELETE", &file, Value::Null).await;
            expected.truncate(5);
        }
    }
    let (mut listed, mut path) = (Vec::new(), "/api/v1/shares?limit=2".to_owned());
    loop {
        let page = world.get(&admin, &path).await.json();
        listed.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/shares?limit=2&cursor={next}");
    }
    let ids: Vec<Value> = listed.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, expected);
    assert_eq!(listed[0]["type"], "link");
    assert_eq!(listed[0]["share"]["link"]["visibility"], "public");
    assert_eq!(listed[2]["type"], "permission");
    assert_eq!(listed[2]["share"]["target"]["email"], "gus@partner.example");
    assert_eq!(listed[2]["object"]["path"], "/alice/a.txt");
    let page = world.get(&admin, "/api/v1/shares?limit=2").await.json();
    let taken = format!(
        "/api/v1/files/{}/links/{}",
        listed[0]["object"]["id"].as_str().unwrap(),
        expected[0].as_str().unwrap()
    );
    world.call(&admin, "DELETE", &taken, Value::Null).await;
    let next = page["next"].as_str().unwrap();
    let rest = format!("/api/v1/shares?limit=2&cursor={next}");
    let rest = world.get(&admin, &rest).await.json();
    assert_eq!(rest["items"][0]["id"], expected[2], "nothing is left out");
    world
        .get(&gus, "/api/v1/shares")
        .await
        .expect(403, "admin_role_required");
    world
        .get(&admin, "/api/v1/shares?cursor=x")
        .await
        .expect(400, "invalid_request");
}
