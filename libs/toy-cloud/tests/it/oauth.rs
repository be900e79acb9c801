//! OAuth: the way to a token, everything that must not lead to one, and how far one reaches.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{ALL, CALLBACK, VERIFIER, World, parameter};

#[tokio::test]
async fn an_administrator_grants_access_and_the_token_opens_the_tenant() {
    let world = World::new().await;
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let query = format!(
        "/oauth/authorize?response_type=code&client_id=tidegate&redirect_uri={CALLBACK}&scope=users:read&state=%22%3E%3Cscript%3E\
         &code_challenge={challenge}&code_challenge_method=S256&tenant=globex"
    );
    let page = world.send(world.http.get(world.url(&query))).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Grant tidegate access"), "{}", page.text);
    assert!(
        !page.text.contains("<script>"),
        "the state is escaped: {}",
        page.text
    );
    assert!(page.text.contains("<option value=\"globex\" selected>"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:9"),
        "{policy}"
    );
    assert!(policy.contains("default-src 'none'"), "{policy}");

    let answer = world.consent(&[]).await;
    let location = answer.header("location").to_owned();
    assert_eq!(answer.status, 303);
    assert!(location.starts_with(CALLBACK), "{location}");
    assert_eq!(parameter(&location, "state").unwrap(), "s1");
    assert_eq!(parameter(&location, "iss").unwrap(), world.cloud.url());
    let tokens = world.exchange(&parameter(&location, "code").unwrap()).await;
    assert_eq!(tokens.header("cache-control"), "no-store");
    let tokens = tokens.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], ALL);
    assert_eq!(tokens["tenant_id"], "acme");

    let token = tokens["access_token"].as_str().unwrap();
    let me = world.get(token, "/api/v1/me").await.json();
    let expected = json!({"id": "u_acme_admin", "name": "Ada Admin", "email": "admin@acme.example",
        "role": "administrator", "tenant_id": "acme"});
    assert_eq!(me, expected);
    let tenant = world.get(token, "/api/v1/tenant").await.json();
    assert_eq!(
        tenant,
        json!({"id": "acme", "name": "Acme", "domains": ["acme.example"]})
    );
}

#[tokio::test]
async fn users_are_listed_in_pages_and_only_those_of_the_tenant() {
    let world = World::new().await;
    let token = &world.administrator().await;
    let first = world.get(token, "/api/v1/users?limit=3").await.json();
    let next = first["next"].as_str().unwrap();
    let second = world
        .get(token, &format!("/api/v1/users?limit=3&cursor={next}"))
        .await
        .json();
    assert_eq!(second["next"], Value::Null);
    let all = [
        first["items"].as_array().unwrap().clone(),
        second["items"].as_array().unwrap().clone(),
    ];
    let ids: Vec<_> = all.concat().iter().map(|user| user["id"].clone()).collect();
    assert_eq!(
        ids,
        [
            "u_acme_admin",
            "u_acme_alice",
            "u_acme_bob",
            "u_acme_carol",
            "u_acme_gus"
        ]
    );
    let gus = world.get(token, "/api/v1/users/u_acme_gus").await.json();
    assert_eq!(
        (&gus["external"], &gus["role"]),
        (&json!(true), &json!("guest"))
    );
    world
        .get(token, "/api/v1/users/u_globex_alice")
        .await
        .expect(404, "not_found");
}

#[tokio::test]
async fn a_wrong_client_or_redirect_gets_a_page_and_anything_else_is_told_to_the_redirect() {
    let world = World::new().await;
    let dead_ends = [
        [("client_id", "nobody")],
        [("redirect_uri", "http://evil.example/oauth/callback")],
        [("redirect_uri", "http://127.0.0.1:9/other")],
    ];
    for form in dead_ends {
        let answer = world.consent(&form).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (400, ""),
            "{form:?}"
        );
    }
    let told = [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "content:read everything"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("decision", "deny"), "access_denied"),
    ];
    for (pair, error) in told {
        let answer = world.consent(&[pair]).await;
        let location = answer.header("location");
        assert_eq!(
            parameter(location, "error").as_deref(),
            Some(error),
            "{pair:?}"
        );
        assert_eq!(
            parameter(location, "state").as_deref(),
            Some("s1"),
            "{pair:?}"
        );
    }
    for pair in [
        ("password", "wrong"),
        ("user", "nobody"),
        ("tenant", "nowhere"),
    ] {
        let answer = world.consent(&[pair]).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (401, ""),
            "{pair:?}"
        );
    }
    let kinds: Vec<_> = world.cloud.model().activities("acme").unwrap();
    let kinds: Vec<_> = kinds.iter().map(|activity| activity.kind.name()).collect();
    assert_eq!(
        kinds,
        ["user.login_failed"],
        "only a user who exists can fail to log in"
    );
}

#[tokio::test]
async fn a_code_is_good_once_for_its_client_redirect_verifier_and_minute() {
    let world = World::new().await;
    let table = [
        [
            ("redirect_uri", "http://127.0.0.1:8/oauth/callback"),
            ("code_verifier", VERIFIER),
        ],
        [
            ("redirect_uri", CALLBACK),
            (
                "code_verifier",
                "another-verifier-that-is-long-enough-to-be-one",
            ),
        ],
        [("redirect_uri", CALLBACK), ("code_verifier", "")],
    ];
    for wrong in table {
        let code = world.code(&[]).await;
        let form = [
            wrong.as_slice(),
            &[("grant_type", "authorization_code"), ("code", &code)],
        ]
        .concat();
        world.token(&form).await.expect(400, "invalid_grant");
        world.exchange(&code).await.expect(400, "invalid_grant");
    }
    let code = world.code(&[]).await;
    world.cloud.model().advance_clock(Duration::from_secs(61));
    world.exchange(&code).await.expect(400, "invalid_grant");

    let code = world.code(&[]).await;
    let body = [
        ("grant_type", "authorization_code"),
        ("client_id", "tidegate"),
        ("client_secret", "wrong"),
    ];
    let request = world.http.post(world.url("/oauth/token")).form(&body);
    world.send(request).await.expect(401, "invalid_client");
    let tokens = world.exchange(&code).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(world.get(token, "/api/v1/me").await.status, 200);
    world.exchange(&code).await.expect(400, "invalid_grant");
    world
        .get(token, "/api/v1/me")
        .await
        .expect(401, "invalid_token");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_using_an_old_one_revokes_the_grant() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    let first = world.exchange(&code).await.json();
    let first_refresh = first["refresh_token"].as_str().unwrap();
    let second = world.refresh(first_refresh).await.json();
    let access = second["access_token"].as_str().unwrap();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(world.get(access, "/api/v1/me").await.status, 200);
    world
        .refresh(first_refresh)
        .await
        .expect(400, "invalid_grant");
    let refused = world.get(access, "/api/v1/me").await;
    assert_eq!(
        refused.header("www-authenticate"),
        "Bearer error=\"invalid_token\""
    );
    refused.expect(401, "invalid_token");
    world
        .refresh(second["refresh_token"].as_str().unwrap())
        .await
        .expect(400, "invalid_grant");
    let tokens = world.ledger("token").await;
    let actions: Vec<_> = tokens.iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["issued", "refreshed", "reuse_revoked"]);
}

#[tokio::test]
async fn tokens_end_by_time_by_control_and_by_revocation() {
    let world = World::new().await;
    world.faults(json!({"access_token_ttl_s": 10})).await;
    let code = world.code(&[]).await;
    let pair = world.exchange(&code).await.json();
    assert_eq!(pair["expires_in"], 10);
    let access = pair["access_token"].as_str().unwrap();
    assert_eq!(world.get(access, "/api/v1/me").await.status, 200);
    world.cloud.model().advance_clock(Duration::from_secs(11));
    world
        .get(access, "/api/v1/me")
        .await
        .expect(401, "invalid_token");

    let pair = world
        .refresh(pair["refresh_token"].as_str().unwrap())
        .await
        .json();
    let access = pair["access_token"].as_str().unwrap();
    let expired = world
        .control(
            "POST",
            "/control/tokens/expire",
            json!({"tenant": "globex"}),
        )
        .await;
    assert_eq!(expired.json()["grants"], 0);
    assert_eq!(world.get(access, "/api/v1/me").await.status, 200);
    world
        .control("POST", "/control/tokens/expire", json!({}))
        .await;
    world
        .get(access, "/api/v1/me")
        .await
        .expect(401, "invalid_token");

    let pair = world
        .refresh(pair["refresh_token"].as_str().unwrap())
        .await
        .json();
    let access = pair["access_token"].as_str().unwrap();
    let revoke = world.http.post(world.url("/oauth/revoke"));
    let revoke = revoke.form(&[("token", pair["refresh_token"].as_str().unwrap())]);
    assert_eq!(world.send(revoke).await.status, 200);
    world
        .get(access, "/api/v1/me")
        .await
        .expect(401, "invalid_token");
    for forged in ["", "toya.1.1.99999999999999.AAAA", "nonsense"] {
        world
            .get(forged, "/api/v1/me")
            .await
            .expect(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_grant_reaches_as_far_as_its_scopes_and_its_user() {
    let world = World::new().await;
    let everything = [
        ("GET", "/api/v1/users", "users:read"),
        ("GET", "/api/v1/users/u_acme_bob", "users:read"),
        ("GET", "/api/v1/files", "content:read"),
        ("GET", "/api/v1/files/f_1", "content:read"),
        ("GET", "/api/v1/files/f_1/content", "content:read"),
        ("GET", "/api/v1/files/f_1/permissions", "content:read"),
        ("GET", "/api/v1/files/f_1/links", "content:read"),
        ("POST", "/api/v1/folders", "content:write"),
        ("POST", "/api/v1/files?name=x", "content:write"),
        ("PUT", "/api/v1/files/f_1/content", "content:write"),
        ("POST", "/api/v1/files/f_1/move", "content:write"),
        ("DELETE", "/api/v1/files/f_1", "content:write"),
        ("POST", "/api/v1/files/f_1/restore", "content:write"),
        ("POST", "/api/v1/files/f_1/permissions", "content:write"),
        (
            "PATCH",
            "/api/v1/files/f_1/permissions/p_1",
            "content:write",
        ),
        (
            "DELETE",
            "/api/v1/files/f_1/permissions/p_1",
            "content:write",
        ),
        ("POST", "/api/v1/files/f_1/links", "content:write"),
        ("PATCH", "/api/v1/files/f_1/links/l_1", "content:write"),
        ("DELETE", "/api/v1/files/f_1/links/l_1", "content:write"),
        (
            "POST",
            "/api/v1/files/f_1/links/l_1/restore",
            "content:write",
        ),
        ("GET", "/api/v1/events", "activity:read"),
        ("GET", "/api/v1/webhooks", "webhooks:manage"),
        ("POST", "/api/v1/webhooks", "webhooks:manage"),
        ("GET", "/api/v1/webhooks/wh_1", "webhooks:manage"),
        ("DELETE", "/api/v1/webhooks/wh_1", "webhooks:manage"),
    ];
    let body = json!({"name": "x", "role": "viewer", "visibility": "public", "url": "http://127.0.0.1:9/"});
    for (method, path, scope) in everything {
        let others: Vec<&str> = ALL.split(' ').filter(|other| *other != scope).collect();
        let without = world.granted("admin", &others.join(" ")).await;
        world
            .call(&without, method, path, body.clone())
            .await
            .expect(403, "insufficient_scope");
        let request = world.http.request(method.parse().unwrap(), world.url(path));
        world
            .send(request.json(&body))
            .await
            .expect(401, "invalid_token");
    }
}

#[tokio::test]
async fn activity_and_webhooks_are_for_an_administrators_grant() {
    let world = World::new().await;
    let member = world.granted("alice", ALL).await;
    for path in ["/api/v1/events", "/api/v1/webhooks"] {
        world
            .get(&member, path)
            .await
            .expect(403, "admin_role_required");
    }
    let hook = json!({"url": "http://127.0.0.1:9/"});
    world
        .call(&member, "POST", "/api/v1/webhooks", hook)
        .await
        .expect(403, "admin_role_required");
    world
        .get(&member, "/api/v2/nothing")
        .await
        .expect(404, "not_found");
}
