//! Signing in as people do it: links, passwords, waiting times, sessions and tokens.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use event_model::{ConnectionScope, Permission, Role};

use crate::people::Person;
use crate::world::{Answer, TOKEN, World};

pub(crate) const PASSWORD: &str = "four words are enough";

/// Sends a form, with the cookie that was brought along.
pub(crate) async fn posts(
    world: &World,
    path: &str,
    form: &[(&str, &str)],
    cookie: &str,
) -> Answer {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::COOKIE, cookie);
    world
        .send(request.body(Body::from(pairs.join("&"))).unwrap())
        .await
}

pub(crate) async fn visits(world: &World, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path).header(header::COOKIE, cookie);
    world.send(request.body(Body::empty()).unwrap()).await
}

pub(crate) async fn login(world: &World, name: &str, password: &str) -> Answer {
    let form = [
        ("name", name),
        ("password", password),
        ("next", "/policies"),
    ];
    posts(world, "/login", &form, "").await
}

pub(crate) fn cookie(answer: &Answer) -> String {
    answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

pub(crate) fn csrf(page: &Answer) -> String {
    let token = page.text.split("name=\"csrf\" value=\"").nth(1);
    token.unwrap().split('"').next().unwrap().to_owned()
}

/// Makes an account over the API, and gives the path of its link.
pub(crate) async fn invites(world: &World, name: &str, roles: &str) -> (String, String) {
    let body = format!(r#"{{"name":"{name}","roles":{roles}}}"#);
    let made = world.call("POST", "/users", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let path = link
        .strip_prefix("https://tidegate.example")
        .unwrap()
        .to_owned();
    (
        made.json()["account"]["id"].as_str().unwrap().to_owned(),
        path,
    )
}

/// Somebody who has set a password.
pub(crate) async fn comes(world: &World, name: &str, roles: &str) -> String {
    let (id, link) = invites(world, name, roles).await;
    let form = [("password", PASSWORD), ("again", PASSWORD)];
    let set = posts(world, &link, &form, "").await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text);
    id
}

#[tokio::test]
async fn the_token_makes_the_first_account_and_is_for_programs_from_then_on() {
    let world = World::new().await;
    let first = visits(&world, "/login", "").await;
    assert!(first.text.contains("name=\"token\""), "{}", first.text);
    let machine = posts(&world, "/login", &[("token", TOKEN)], "").await;
    let machine = cookie(&machine);
    let users = visits(&world, "/users", &machine).await;
    assert!(
        users
            .text
            .contains("You are signed in with the administrator token")
    );
    let form = [
        ("csrf", csrf(&users)),
        ("name", "ada".into()),
        ("role", "administrator".into()),
    ];
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let invited = posts(&world, "/users", &form, &machine).await;
    assert_eq!(invited.status, StatusCode::OK, "{}", invited.text);
    let link = invited
        .text
        .split("https://tidegate.example")
        .nth(1)
        .unwrap();
    let link = link.split('<').next().unwrap().trim();
    assert_eq!(visits(&world, "/", &machine).await.status, StatusCode::OK);
    let welcome = visits(&world, link, "").await;
    assert!(welcome.text.contains("Welcome, ada"), "{}", welcome.text);
    let form = [("password", PASSWORD), ("again", PASSWORD)];
    let ada = posts(&world, link, &form, "").await;
    assert_eq!(
        visits(&world, "/users", &cookie(&ada)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        visits(&world, "/", &machine).await.status,
        StatusCode::SEE_OTHER,
        "the token's sessions have ended"
    );
    let again = posts(&world, "/login", &[("token", TOKEN)], "").await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(again.text.contains("name=\"password\""), "{}", again.text);
    assert_eq!(world.call("GET", "/stats", "").await.status, StatusCode::OK);
    assert_eq!(visits(&world, link, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_failure_to_sign_in_says_the_same() {
    let world = World::new().await;
    comes(&world, "ada", r#"["administrator"]"#).await;
    let (invited, _) = invites(&world, "eve", r#"["analyst"]"#).await;
    let off = comes(&world, "off", r#"["analyst"]"#).await;
    let disabled = world
        .call("PATCH", &format!("/users/{off}"), r#"{"enabled":false}"#)
        .await;
    assert_eq!(disabled.json()["state"], "disabled", "{invited}");
    let without_name = |answer: &Answer, name: &str| answer.text.replace(name, "");
    let expected = login(&world, "ada", "wrong but long enough").await;
    assert_eq!(expected.status, StatusCode::UNAUTHORIZED);
    for (name, password) in [
        ("nobody", PASSWORD),
        ("eve", PASSWORD),
        ("off", PASSWORD),
        ("ada", ""),
        ("<b>x</b>", PASSWORD),
        ("", ""),
    ] {
        let answer = login(&world, name, password).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(answer.headers.get("set-cookie").is_none(), "{name}");
        assert!(!answer.text.contains("<b>x</b>"), "{}", answer.text);
        if !name.is_empty() && !name.contains('<') {
            assert_eq!(without_name(&answer, name), without_name(&expected, "ada"));
        }
    }
    let good = login(&world, "ADA", PASSWORD).await;
    assert_eq!(good.header("location"), "/policies");
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long it really takes is what is looked at"
)]
async fn an_account_that_is_not_there_takes_as_long_as_one_that_is() {
    let world =
        World::configured(|config| config.password_cost = console::PasswordCost::USUAL).await;
    comes(&world, "ada", r#"["administrator"]"#).await;
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..5 {
        for (place, name) in ["ada", "bob"].into_iter().enumerate() {
            let begun = Instant::now();
            login(&world, name, "wrong but long enough").await;
            let took = Instant::now() - begun;
            shortest[place] = shortest[place].min(took);
        }
    }
    let [there, not_there] = shortest;
    // Without a hash it takes a fiftieth; a busy machine does not make up for that.
    assert!(
        not_there * 8 > there && there * 8 > not_there,
        "{there:?} {not_there:?}: one of them does not hash"
    );
}

#[tokio::test]
async fn who_fails_too_often_waits_and_is_told_how_long() {
    let world = World::new().await;
    comes(&world, "ada", r#"["administrator"]"#).await;
    for _ in 0..6 {
        let refused = login(&world, "ada", "wrong but long enough").await;
        assert!(refused.status.is_client_error());
    }
    let waits = login(&world, "Ada", PASSWORD).await;
    assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS, "in any case");
    assert_eq!(waits.header("retry-after"), "2");
    assert!(waits.text.contains("wait 2 s"), "{}", waits.text);
    let other = login(&world, "bob", PASSWORD).await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED, "others do not wait");
    world.clock.advance(Duration::from_secs(3));
    let good = login(&world, "ada", PASSWORD).await;
    assert_eq!(good.status, StatusCode::SEE_OTHER);
    let trail = world.audited().await;
    let refused = trail.iter().filter(|action| *action == "session.refused");
    assert_eq!(
        refused.count(),
        6,
        "a try that waits is not written down: {trail:?}"
    );
}

#[tokio::test]
async fn a_session_that_was_brought_along_is_not_taken_over() {
    let world = World::new().await;
    comes(&world, "ada", r#"["administrator"]"#).await;
    let planted = "tidegate_session=planted";
    let form = [("name", "ada"), ("password", PASSWORD)];
    let first = posts(&world, "/login", &form, planted).await;
    assert_eq!(
        visits(&world, "/", planted).await.status,
        StatusCode::SEE_OTHER
    );
    let second = posts(&world, "/login", &form, &cookie(&first)).await;
    assert_ne!(cookie(&first), cookie(&second));
    assert_eq!(
        visits(&world, "/", &cookie(&first)).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        visits(&world, "/", &cookie(&second)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn what_a_browser_calls_itself_is_shown_as_text() {
    let world = World::new().await;
    comes(&world, "ada", r#"["administrator"]"#).await;
    let form = format!("name=ada&password={}", PASSWORD.replace(' ', "+"));
    let request = Request::post("/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::USER_AGENT, "<script>alert(1)</script>");
    let answer = world.send(request.body(Body::from(form)).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = visits(&world, "/account", &cookie(&answer)).await;
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(page.text.contains("alert(1)"), "it is shown: {}", page.text);
}

#[tokio::test]
async fn a_session_that_is_not_used_ends_and_one_that_is_does_not() {
    let world = World::new().await;
    comes(&world, "ada", r#"["administrator"]"#).await;
    let (idle, used) = (
        login(&world, "ada", PASSWORD).await,
        login(&world, "ada", PASSWORD).await,
    );
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(30 * 60));
        assert_eq!(
            visits(&world, "/", &cookie(&used)).await.status,
            StatusCode::OK
        );
    }
    assert_eq!(
        visits(&world, "/", &cookie(&idle)).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn who_is_disabled_or_loses_a_role_is_without_it_at_once() {
    let world = World::new().await;
    let eve = Person::with(&world, Role::Administrator, ConnectionScope::Every).await;
    let token = eve.token(&world, &[Permission::AuditRead]).await;
    let by_token = async || {
        let request =
            Request::get("/api/v1/audit").header("authorization", format!("Bearer {token}"));
        world
            .send(request.body(Body::empty()).unwrap())
            .await
            .status
    };
    assert_eq!(by_token().await, StatusCode::OK);
    assert_eq!(eve.get(&world, "/users").await.status, StatusCode::OK);
    let path = format!("/users/{}", eve.account.id);
    let last = world.call("PATCH", &path, r#"{"roles":["analyst"]}"#).await;
    assert_eq!(
        last.status,
        StatusCode::CONFLICT,
        "the last administrator stays"
    );
    Person::with(&world, Role::Administrator, ConnectionScope::Every).await;
    let changed = world.call("PATCH", &path, r#"{"roles":["analyst"]}"#).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(
        eve.get(&world, "/users").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(by_token().await, StatusCode::FORBIDDEN);
    world.call("PATCH", &path, r#"{"enabled":false}"#).await;
    assert_eq!(eve.get(&world, "/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(by_token().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_does_what_it_is_for_and_is_shown_once() {
    let world = World::new().await;
    let ada = Person::with(&world, Role::Auditor, ConnectionScope::Every).await;
    let form = "token_name=%3Cscript%3ESIEM&permission=audit_read&days=7";
    let made = ada.posts(&world, "/account/tokens", form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let text = made.text.split("<pre class=\"code\">").nth(1).unwrap();
    let text = text.lines().next().unwrap();
    assert!(text.starts_with("tgd_") && text.len() == 52, "{text}");
    let page = ada.get(&world, "/account").await;
    assert!(!page.text.contains(text), "it is not shown again");
    assert!(!page.text.contains("<script>SIEM"), "{}", page.text);
    let call = async |path: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer {text}"));
        world.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(call("/api/v1/audit").await.status, StatusCode::OK);
    assert_eq!(call("/api/v1/stats").await.status, StatusCode::FORBIDDEN);
    let me = call("/api/v1/me").await.json();
    assert_eq!(me["permissions"], serde_json::json!(["audit_read"]));
    let widened = "token_name=x&permission=accounts_manage";
    let refused = ada.posts(&world, "/account/tokens", widened).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    world.clock.advance(Duration::from_secs(8 * 86_400));
    assert_eq!(call("/api/v1/audit").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn nobody_revokes_or_ends_what_is_another_ones() {
    let world = World::new().await;
    let ada = Person::with(&world, Role::Analyst, ConnectionScope::Every).await;
    let bob = Person::with(&world, Role::Analyst, ConnectionScope::Every).await;
    ada.token(&world, &[Permission::StatsRead]).await;
    let tokens = world.get("/tokens").await;
    let token = tokens["items"][0]["id"].as_str().unwrap().to_owned();
    let listed = bob.get(&world, "/api/v1/tokens").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
    let asked = format!("/api/v1/tokens?user={}", ada.account.id);
    let listed = bob.get(&world, &asked).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
    let path = format!("/tokens/{token}/revoke");
    assert_eq!(
        bob.posts(&world, &path, "").await.status,
        StatusCode::NOT_FOUND
    );
    let page = ada.get(&world, "/account").await.text;
    let session = page.split("/account/sessions/ses_").nth(1).unwrap();
    let session = session.split('/').next().unwrap();
    let path = format!("/account/sessions/ses_{session}/end");
    assert_eq!(
        bob.posts(&world, &path, "").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        ada.posts(&world, &path, "").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        ada.get(&world, "/").await.status,
        StatusCode::SEE_OTHER,
        "it was this one"
    );
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_other_sessions_end() {
    let world = World::new().await;
    comes(&world, "ada", r#"["administrator"]"#).await;
    let (here, there) = (
        login(&world, "ada", PASSWORD).await,
        login(&world, "ada", PASSWORD).await,
    );
    let page = visits(&world, "/account", &cookie(&here)).await;
    let csrf = csrf(&page);
    for (old, new, again, status) in [
        (
            "wrong but long enough",
            "another four words",
            "another four words",
            422,
        ),
        (PASSWORD, "short", "short", 422),
        (PASSWORD, "another four words", "another four wrods", 422),
        (PASSWORD, "another four words", "another four words", 200),
    ] {
        let form = [
            ("csrf", csrf.as_str()),
            ("old", old),
            ("new", new),
            ("again", again),
        ];
        let answer = posts(&world, "/account/password", &form, &cookie(&here)).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{old} {new}: {}",
            answer.text
        );
    }
    assert_eq!(
        visits(&world, "/", &cookie(&here)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        visits(&world, "/", &cookie(&there)).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        login(&world, "ada", PASSWORD).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_account_with_mistakes_is_refused_with_all_of_them() {
    let world = World::new().await;
    let none = "conn_00000000000000000000000000";
    for (body, fields) in [
        (
            r#"{"name":"<script>","roles":[]}"#.to_owned(),
            vec!["/name", "/roles"],
        ),
        (
            r#"{"name":"administrator","roles":["analyst"]}"#.to_owned(),
            vec!["/name"],
        ),
        (
            r#"{"name":"a\r\nset-cookie: x","roles":["analyst"]}"#.to_owned(),
            vec!["/name"],
        ),
        (
            format!(r#"{{"name":"ada","roles":["administrator"],"connections":["{none}"]}}"#),
            vec!["/connections", "/connections"],
        ),
        (
            r#"{"name":"ada","roles":["analyst"],"groups":["a\u0000b"]}"#.to_owned(),
            vec!["/groups"],
        ),
    ] {
        let answer = world.call("POST", "/users", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let errors = answer.json()["errors"].clone();
        let named: Vec<&str> = errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(named, fields, "{body}");
    }
    invites(&world, "ada", r#"["analyst"]"#).await;
    let twice = world
        .call("POST", "/users", r#"{"name":"ADA","roles":["analyst"]}"#)
        .await;
    assert_eq!(
        twice.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        twice.text
    );
}
