//! Files and folders: content, bounds, listings, the trash, and quarantine there and back.

use serde_json::{Value, json};

use crate::world::{ALL, World};

#[tokio::test]
async fn a_file_has_metadata_versions_and_content_by_range() {
    let world = World::new().await;
    let alice = world.granted("alice", ALL).await;
    let made = world.upload(&alice, "name=q3.txt", b"0123456789").await;
    assert_eq!((made.status, made.header("etag")), (201, "\"v1\""));
    let file = made.json();
    assert_eq!(
        (&file["path"], &file["type"]),
        (&json!("/alice/q3.txt"), &json!("file"))
    );
    assert_eq!(file["owner"]["email"], "alice@acme.example");
    assert_eq!(file["mime_type"], "text/plain");
    let hash = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
    assert_eq!(file["sha256"], hash);
    let id = file["id"].as_str().unwrap();
    let content = format!("/api/v1/files/{id}/content");

    let put = |if_match: &str, body: &'static str| {
        let request = world.http.put(world.url(&content)).bearer_auth(&alice);
        request.header("if-match", if_match).body(body)
    };
    assert_eq!(
        world.send(put("\"v1\"", "second")).await.header("etag"),
        "\"v2\""
    );
    world
        .send(put("\"v1\"", "third"))
        .await
        .expect(412, "version_mismatch");
    world
        .send(put("nonsense", "third"))
        .await
        .expect(412, "version_mismatch");
    assert_eq!(world.send(put("*", "third")).await.status, 200);
    let versions = world
        .get(&alice, &format!("/api/v1/files/{id}"))
        .await
        .json()["versions"]
        .clone();
    assert_eq!(versions.as_array().unwrap().len(), 3);
    assert_eq!(
        (&versions[0]["sha256"], &versions[1]["size"]),
        (&json!(hash), &json!(6))
    );

    assert_eq!(world.get(&alice, &content).await.text, "third");
    let old = world.get(&alice, &format!("{content}?version=1")).await;
    assert_eq!(
        (old.text.as_str(), old.header("etag")),
        ("0123456789", "\"v1\"")
    );
    world
        .get(&alice, &format!("{content}?version=9"))
        .await
        .expect(404, "not_found");
    let ranged = |range: &str| {
        let request = world.http.get(world.url(&format!("{content}?version=1")));
        request.bearer_auth(&alice).header("range", range)
    };
    let part = world.send(ranged("bytes=2-4")).await;
    assert_eq!((part.status, part.text.as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let outside = world.send(ranged("bytes=10-")).await;
    assert_eq!(
        (outside.status, outside.header("content-range")),
        (416, "bytes */10")
    );
    let without = world.http.get(world.url(&content));
    world.send(without).await.expect(401, "invalid_token");
}

#[tokio::test]
async fn names_places_and_sizes_have_bounds() {
    let world = World::new().await;
    let alice = world.granted("alice", ALL).await;
    for name in ["", ".", "..", "a%2Fb", "a%00b", &"x".repeat(256)] {
        let refused = world.upload(&alice, &format!("name={name}"), b"x").await;
        refused.expect(400, "invalid_request");
    }
    let too_large = vec![0; toy_cloud::UPLOAD_BYTES_MAX + 1];
    world
        .upload(&alice, "name=big", &too_large)
        .await
        .expect(413, "too_large");
    world
        .upload(&alice, "name=x&parent_id=f_999", b"x")
        .await
        .expect(404, "not_found");
    let file = world.upload(&alice, "name=x", b"x").await.id();
    world
        .upload(&alice, &format!("name=y&parent_id={file}"), b"x")
        .await
        .expect(400, "invalid_request");
    let gus = world.granted("gus", ALL).await;
    world
        .upload(&gus, "name=x", b"x")
        .await
        .expect(403, "forbidden");

    let mut parent = world
        .call(&alice, "POST", "/api/v1/folders", json!({"name": "d"}))
        .await
        .id();
    let refused = loop {
        let body = json!({"name": "d", "parent_id": parent});
        let made = world.call(&alice, "POST", "/api/v1/folders", body).await;
        if made.status != 201 {
            break made;
        }
        parent = made.id();
    };
    refused.expect(403, "quota_exceeded");
    let path = world
        .get(&alice, &format!("/api/v1/files/{parent}"))
        .await
        .json()["path"]
        .clone();
    assert_eq!(
        path.as_str().unwrap().matches('/').count(),
        toy_cloud::DEPTH_MAX
    );
}

#[tokio::test]
async fn listings_filter_page_and_show_each_user_his_own() {
    let world = World::new().await;
    let (admin, alice) = (
        world.administrator().await,
        world.granted("alice", ALL).await,
    );
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(world.alice_uploads(&format!("{n}.txt"), "x").await);
    }
    let bobs =
        json!({"tenant": "acme", "user": "bob", "do": "upload", "name": "b.txt", "content": "x"});
    let bobs = world.act(bobs).await["file_id"].clone();
    let ids = |page: Value| -> Vec<Value> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].clone())
            .collect()
    };
    let mut seen = Vec::new();
    let mut query = "/api/v1/files?owner=alice@acme.example&limit=2".to_owned();
    loop {
        let page = world.get(&admin, &query).await.json();
        let next = page["next"].as_str().map(str::to_owned);
        seen.extend(ids(page));
        let Some(next) = next else { break };
        query = format!("/api/v1/files?owner=alice@acme.example&limit=2&cursor={next}");
    }
    assert_eq!(seen[1..], made, "her home folder comes first");
    let by_path = world
        .get(&admin, "/api/v1/files?path=/alice/3.txt")
        .await
        .json();
    assert_eq!(ids(by_path), [made[3].clone()]);
    let home = seen[0].as_str().unwrap();
    let by_parent = world
        .get(&admin, &format!("/api/v1/files?parent_id={home}&limit=1"))
        .await
        .json();
    assert_eq!(ids(by_parent), [made[0].clone()]);
    let root = world
        .get(&admin, "/api/v1/files?parent_id=root")
        .await
        .json();
    assert_eq!(ids(root).len(), 4, "the members' home folders");
    assert!(ids(world.get(&admin, "/api/v1/files").await.json()).contains(&bobs));
    assert!(!ids(world.get(&alice, "/api/v1/files").await.json()).contains(&bobs));
    world
        .get(&alice, &format!("/api/v1/files/{}", bobs.as_str().unwrap()))
        .await
        .expect(404, "not_found");
}

#[tokio::test]
async fn a_grant_shows_nothing_of_another_tenant_and_nonsense_is_refused() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let file = world.alice_uploads("a.txt", "x").await;
    let globex = world.code(&[("tenant", "globex")]).await;
    let globex = world.exchange(&globex).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .get(&globex, &format!("/api/v1/files/{file}"))
        .await
        .expect(404, "not_found");
    world
        .get(&admin, "/api/v1/files?cursor=nonsense")
        .await
        .expect(400, "invalid_request");
    world
        .get(&admin, "/api/v1/files?limit=many")
        .await
        .expect(400, "invalid_request");
}

#[tokio::test]
async fn the_trash_gives_back_and_deletion_does_not() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("a.txt", "text").await;
    let path = format!("/api/v1/files/{id}");
    let link = world
        .act(json!({"tenant": "acme", "user": "alice", "do": "link", "file_id": id}))
        .await;
    let link = link["link_url"].as_str().unwrap();
    let trash = || world.call(&admin, "DELETE", &path, Value::Null);
    assert_eq!(trash().await.status, 204);
    assert_eq!(world.get(&admin, &path).await.json()["trashed"], true);
    assert_eq!(world.send(world.http.get(link)).await.status, 404);
    assert_eq!(trash().await.status, 204);
    let listed = world
        .get(&admin, "/api/v1/files?path=/alice/a.txt")
        .await
        .json();
    assert_eq!(listed["items"], json!([]));
    let listed = world
        .get(&admin, "/api/v1/files?path=/alice/a.txt&trashed=true")
        .await
        .json();
    assert_eq!(listed["items"][0]["id"], json!(id));
    let put = world
        .http
        .put(world.url(&format!("{path}/content")))
        .bearer_auth(&admin)
        .body("x");
    world.send(put).await.expect(409, "conflict");

    let back = format!("{path}/restore");
    let restore = || world.call(&admin, "POST", &back, Value::Null);
    assert_eq!(restore().await.json()["path"], "/alice/a.txt");
    assert_eq!(restore().await.status, 200);
    assert_eq!(world.send(world.http.get(link)).await.text, "text");
    let gone = format!("{path}?permanent=true");
    assert_eq!(
        world.status(&admin, "DELETE", &gone, Value::Null).await,
        204
    );
    world.get(&admin, &path).await.expect(404, "not_found");
    world
        .call(&admin, "DELETE", &gone, Value::Null)
        .await
        .expect(404, "not_found");
    assert_eq!(world.send(world.http.get(link)).await.status, 404);

    let effects = world.ledger("effect").await;
    let by_client = effects
        .iter()
        .filter(|entry| entry["client_id"] == "tidegate");
    let told: Vec<_> = by_client
        .map(|entry| json!([entry["action"], entry["object_id"], entry["changed"]]))
        .collect();
    let expected = [
        json!(["trash", id, true]),
        json!(["trash", id, false]),
        json!(["restore", id, true]),
        json!(["restore", id, false]),
        json!(["delete", id, true]),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_trashed_folder_takes_what_is_below_with_it() {
    let world = World::new().await;
    let alice = world.granted("alice", ALL).await;
    let folder = world
        .call(&alice, "POST", "/api/v1/folders", json!({"name": "f"}))
        .await
        .id();
    let file = world
        .upload(&alice, &format!("name=x&parent_id={folder}"), b"x")
        .await
        .id();
    world
        .call(
            &alice,
            "DELETE",
            &format!("/api/v1/files/{folder}"),
            Value::Null,
        )
        .await;
    assert_eq!(
        world
            .get(&alice, &format!("/api/v1/files/{file}"))
            .await
            .json()["trashed"],
        true
    );
    let restore = format!("/api/v1/files/{file}/restore");
    world
        .call(&alice, "POST", &restore, Value::Null)
        .await
        .expect(409, "conflict");
    world
        .upload(&alice, &format!("name=y&parent_id={folder}"), b"x")
        .await
        .expect(409, "conflict");
    let again = world
        .call(&alice, "POST", "/api/v1/folders", json!({"name": "f"}))
        .await;
    assert_eq!(again.status, 201, "a name in the trash is free");
    let restore = format!("/api/v1/files/{folder}/restore");
    world
        .call(&alice, "POST", &restore, Value::Null)
        .await
        .expect(409, "conflict");
    let gone = format!("/api/v1/files/{folder}?permanent=true");
    assert_eq!(
        world.status(&alice, "DELETE", &gone, Value::Null).await,
        204
    );
    world
        .get(&alice, &format!("/api/v1/files/{file}"))
        .await
        .expect(404, "not_found");
    let home =
        world.get(&alice, "/api/v1/files?path=/alice").await.json()["items"][0]["id"].clone();
    let home = format!("/api/v1/files/{}", home.as_str().unwrap());
    world
        .call(&alice, "DELETE", &home, Value::Null)
        .await
        .expect(409, "conflict");
}

#[tokio::test]
async fn a_restricted_folder_is_made_by_administrators_and_once() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let alice = world.granted("alice", ALL).await;
    let folder = json!({"name": "Quarantine", "parent_id": null, "restricted": true});
    let refused = world.call(&alice, "POST", "/api/v1/folders", folder.clone());
    refused.await.expect(403, "forbidden");
    let made = world.call(&admin, "POST", "/api/v1/folders", folder.clone());
    let made = made.await.id();
    let taken = world.call(&admin, "POST", "/api/v1/folders", folder).await;
    assert_eq!(taken.json()["existing"]["id"], json!(made));
    taken.expect(409, "conflict");
}

/// The file without the time of its last change, its permissions and its links.
async fn state_of(world: &World, token: &str, path: &str) -> (Value, Value, Value) {
    let mut file = world.get(token, path).await.json();
    file.as_object_mut().unwrap().remove("updated_at");
    let permissions = world.get(token, &format!("{path}/permissions")).await;
    let links = world.get(token, &format!("{path}/links")).await;
    (file, permissions.json(), links.json())
}

#[tokio::test]
async fn quarantine_and_back_keeps_id_versions_permissions_and_links() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let alice = world.granted("alice", ALL).await;
    let text = "4111 1111 1111 1111";
    let id = world.alice_uploads("cards.txt", text).await;
    let path = format!("/api/v1/files/{id}");
    let permission = json!({"email": "gus@partner.example", "role": "editor"});
    let permissions = format!("{path}/permissions");
    world.call(&alice, "POST", &permissions, permission).await;
    let link = world
        .act(json!({"tenant": "acme", "user": "alice", "do": "link", "file_id": id}))
        .await;
    let link = link["link_url"].as_str().unwrap();
    let state = async || state_of(&world, &admin, &path).await;
    let before = state().await;
    let home = before.0["parent_id"].clone();

    let folder = json!({"name": "Quarantine", "parent_id": null, "restricted": true});
    let quarantine = world.call(&admin, "POST", "/api/v1/folders", folder).await;
    let quarantine = quarantine.id();

    let there = json!({"parent_id": quarantine});
    let moved = world
        .call(&admin, "POST", &format!("{path}/move"), there.clone())
        .await
        .json();
    assert_eq!(
        (&moved["path"], &moved["restricted"]),
        (&json!("/Quarantine/cards.txt"), &json!(true))
    );
    assert_eq!(
        world
            .status(&admin, "POST", &format!("{path}/move"), there)
            .await,
        200
    );
    let during = state().await;
    assert_eq!((&during.1, &during.2), (&before.1, &before.2));
    let gus = world.granted("gus", ALL).await;
    for token in [&alice, &gus] {
        world.get(token, &path).await.expect(404, "not_found");
        world
            .get(token, &format!("{path}/content"))
            .await
            .expect(404, "not_found");
        let listed = world.get(token, "/api/v1/files").await;
        assert!(!listed.text.contains("cards.txt"), "{listed:?}");
    }
    assert_eq!(world.send(world.http.get(link)).await.status, 404);
    let content = format!("{path}/content");
    assert_eq!(world.get(&admin, &content).await.text, text);

    let back = json!({"parent_id": home});
    assert_eq!(
        world
            .status(&admin, "POST", &format!("{path}/move"), back)
            .await,
        200
    );
    assert_eq!(state().await, before);
    assert_eq!(world.get(&gus, &content).await.text, text);
    assert_eq!(world.send(world.http.get(link)).await.text, text);
}

#[tokio::test]
async fn a_move_for_another_version_is_refused() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let id = world.alice_uploads("a.txt", "x").await;
    let relocate = async |version: &str| {
        let path = format!("/api/v1/files/{id}/move");
        let request = world.http.post(world.url(&path)).bearer_auth(&admin);
        let request = request.header("if-match", version);
        world.send(request.json(&json!({"parent_id": null}))).await
    };
    relocate("\"v2\"").await.expect(412, "version_mismatch");
    assert_eq!(relocate("\"v1\"").await.status, 200);
}

#[tokio::test]
async fn a_folder_cannot_be_moved_into_itself_nor_onto_a_taken_name() {
    let world = World::new().await;
    let admin = world.administrator().await;
    let folder = async |name: &str, parent: Value| {
        world
            .call(
                &admin,
                "POST",
                "/api/v1/folders",
                json!({"name": name, "parent_id": parent}),
            )
            .await
            .id()
    };
    let outer = folder("outer", Value::Null).await;
    let inner = folder("inner", json!(outer)).await;
    let other = folder("inner", Value::Null).await;
    let relocate = async |id: &str, body: Value| {
        world
            .call(&admin, "POST", &format!("/api/v1/files/{id}/move"), body)
            .await
    };
    relocate(&outer, json!({"parent_id": inner}))
        .await
        .expect(409, "conflict");
    relocate(&other, json!({"parent_id": outer}))
        .await
        .expect(409, "conflict");
    relocate(&inner, json!({"parent_id": null}))
        .await
        .expect(409, "conflict");
    let renamed = relocate(&inner, json!({"name": "renamed"})).await.json();
    assert_eq!(renamed["path"], "/outer/renamed");
    let moved = relocate(&inner, json!({"parent_id": null, "name": "top"}))
        .await
        .json();
    assert_eq!(moved["path"], "/top");
}
