//! The page for people, as a browser without scripts uses it.

use serde_json::json;

use crate::world::{Answer, World};

async fn sign_in(world: &World, user: &str) -> String {
    let form = [("tenant", "acme"), ("user", user)];
    let answer = world
        .send(world.http.post(world.url("/session")).form(&form))
        .await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap().to_owned()
}

/// A form as a browser sends it; what is before the body of a part is given with its name.
async fn upload(world: &World, cookie: &str, parts: &[(&str, &str)]) -> Answer {
    let part = |(head, body): &(&str, &str)| {
        format!("--edge\r\nContent-Disposition: form-data; name={head}\r\n\r\n{body}\r\n")
    };
    let body: String = parts.iter().map(part).collect();
    let request = world.http.post(world.url("/upload"));
    let request = request.header("content-type", "multipart/form-data; boundary=edge");
    let request = request.header("cookie", cookie);
    world.send(request.body(body + "--edge--\r\n")).await
}

async fn look(world: &World, cookie: &str) -> Answer {
    world
        .send(world.http.get(world.url("/")).header("cookie", cookie))
        .await
}

async fn wish(world: &World, cookie: &str, form: &[(&str, &str)]) -> Answer {
    world
        .send(
            world
                .http
                .post(world.url("/act"))
                .header("cookie", cookie)
                .form(form),
        )
        .await
}

#[tokio::test]
async fn a_person_causes_an_incident_with_three_clicks() {
    let world = World::new().await;
    let entrance = look(&world, "").await;
    assert!(entrance.text.contains("Alice Archer") && entrance.text.contains("Globex"));
    let policy = entrance.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("form-action 'self'"),
        "{policy}"
    );
    let alice = sign_in(&world, "alice").await;
    let uploaded = upload(&world, &alice, &[("sample", "cards")]).await;
    assert_eq!(
        (uploaded.status, uploaded.header("location")),
        (303, "/?done=upload")
    );
    let all = world.cloud.model().activities("acme").unwrap();
    let id = all.last().unwrap().object.as_ref().unwrap().id.clone();
    let done = wish(
        &world,
        &alice,
        &[("do", "link"), ("file_id", &id), ("visibility", "public")],
    )
    .await;
    assert_eq!((done.status, done.header("location")), (303, "/?done=link"));
    let shared = wish(
        &world,
        &alice,
        &[
            ("do", "share"),
            ("file_id", &id),
            ("with", "gus@partner.example"),
        ],
    )
    .await;
    assert_eq!(shared.status, 303);
    let link = world.cloud.model().links("acme", &id).unwrap()[0]
        .url
        .clone();
    assert!(
        world
            .send(world.http.get(&link))
            .await
            .text
            .contains("4111 1111 1111 1111")
    );
    let page = look(&world, &alice).await;
    for expected in [
        "card-refunds.txt",
        &link,
        "gus@partner.example",
        "link.created",
        "external",
    ] {
        assert!(page.text.contains(expected), "{expected}: {}", page.text);
    }
}

#[tokio::test]
async fn a_person_reads_and_cleans_up_his_own_and_nobody_elses() {
    let world = World::new().await;
    let id = world.alice_uploads("a.txt", "4111 1111 1111 1111").await;
    world
        .act(json!({"tenant": "acme", "user": "alice", "do": "link", "file_id": id}))
        .await;
    let alice = sign_in(&world, "alice").await;
    let read = async |path: &str, cookie: &str| {
        world
            .send(world.http.get(world.url(path)).header("cookie", cookie))
            .await
    };
    assert!(
        read(&format!("/files/{id}"), &alice)
            .await
            .text
            .contains("4111")
    );
    let kept = read(&format!("/files/{id}/download"), &alice).await;
    assert!(
        kept.header("content-disposition").starts_with("attachment"),
        "{kept:?}"
    );
    let bob = sign_in(&world, "bob").await;
    assert_eq!(read(&format!("/files/{id}"), &bob).await.status, 404);
    assert_eq!(
        wish(&world, &bob, &[("do", "trash"), ("file_id", &id)])
            .await
            .status,
        404
    );
    assert_eq!(read(&format!("/files/{id}"), "").await.status, 401);
    for (form, done) in [
        (
            [("do", "unlink"), ("file_id", id.as_str())],
            "/?done=unlink",
        ),
        ([("do", "trash"), ("file_id", &id)], "/?done=trash"),
        ([("do", "restore"), ("file_id", &id)], "/?done=restore"),
    ] {
        assert_eq!(wish(&world, &alice, &form).await.header("location"), done);
    }
}

#[tokio::test]
async fn what_others_named_is_escaped_and_forms_of_other_sites_are_refused() {
    let world = World::new().await;
    let alice = sign_in(&world, "alice").await;
    let file = "file; filename=\"<script>alert(2)<\"\r\nContent-Type: text/html";
    let parts = [
        ("name", ""),
        ("text", ""),
        (file, "<script>alert(1)</script>"),
    ];
    let uploaded = upload(&world, &alice, &parts).await;
    assert_eq!(uploaded.status, 303, "{uploaded:?}");
    let page = look(&world, &alice).await;
    assert!(
        page.text.contains("alert(2)") && !page.text.contains("<script>"),
        "{}",
        page.text
    );
    let id = world.cloud.model().activities("acme").unwrap();
    let id = id.last().unwrap().object.as_ref().unwrap().id.clone();
    let view = world
        .http
        .get(world.url(&format!("/files/{id}")))
        .header("cookie", &alice);
    assert_eq!(
        world.send(view).await.header("content-security-policy"),
        "default-src 'none'; sandbox"
    );

    let foreign = world.http.post(world.url("/act")).header("cookie", &alice);
    let foreign = foreign.header("sec-fetch-site", "cross-site");
    let foreign = foreign.form(&[("do", "trash"), ("file_id", id.as_str())]);
    assert_eq!(world.send(foreign).await.status, 403);
    assert!(!world.cloud.model().file("acme", &id).unwrap().trashed);
    let forged = alice.replace("toy_cloud_session=", "toy_cloud_session=x");
    assert!(
        look(&world, &forged)
            .await
            .text
            .contains("Who do you want to be?")
    );
}

#[tokio::test]
async fn a_link_for_the_organization_opens_for_its_people_and_a_quarantined_file_shows_as_such() {
    let world = World::new().await;
    let id = world.alice_uploads("a.txt", "inside").await;
    let act = json!({"tenant": "acme", "user": "alice", "do": "link", "file_id": id, "visibility": "organization"});
    let link = world.act(act).await["link_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let visit = async |user: &str| {
        let cookie = sign_in(&world, user).await;
        world
            .send(world.http.get(&link).header("cookie", cookie))
            .await
            .status
    };
    assert_eq!((visit("bob").await, visit("gus").await), (200, 403));
    let admin = world.administrator().await;
    let folder = json!({"name": "Quarantine", "restricted": true});
    let folder = world
        .call(&admin, "POST", "/api/v1/folders", folder)
        .await
        .id();
    let there = json!({"parent_id": folder});
    assert_eq!(
        world
            .status(&admin, "POST", &format!("/api/v1/files/{id}/move"), there)
            .await,
        200
    );
    assert_eq!(visit("bob").await, 404);
    let page = look(&world, &sign_in(&world, "alice").await).await;
    assert!(page.text.contains("quarantined") && page.text.contains("It is out of your reach."));
}
