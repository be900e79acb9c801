//! The pages as a browser uses them: sessions, forms, redirects.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use event_model::{RemedyKind, RemedyState};

use crate::world::{Answer, TOKEN, World};

pub(crate) struct Browser<'w> {
    world: &'w World,
    pub(crate) cookie: String,
    csrf: String,
}

impl<'w> Browser<'w> {
    pub(crate) async fn signs_in(world: &'w World) -> Self {
        let answer = login(world, TOKEN, "/").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let set = answer.header("set-cookie").to_owned();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(set.contains(part), "{set}");
        }
        let cookie = set.split(';').next().unwrap().to_owned();
        let mut browser = Browser {
            world,
            cookie,
            csrf: String::new(),
        };
        let page = browser.get("/connections").await;
        let token = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
        browser.csrf = token.split('"').next().unwrap().to_owned();
        browser
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header("cookie", &self.cookie);
        self.world.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn shows(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.text
    }

    pub(crate) async fn posts(&self, path: &str, form: &str) -> Answer {
        self.posts_with(path, &format!("csrf={}&{form}", self.csrf), &[])
            .await
    }

    async fn posts_with(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path)
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.world
            .send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }
}

async fn login(world: &World, token: &str, next: &str) -> Answer {
    let request =
        Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
    let body = format!("token={token}&next={next}");
    world.send(request.body(Body::from(body)).unwrap()).await
}

async fn visit(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_the_login_and_back() {
    let world = World::new().await;
    for path in [
        "/",
        "/connections",
        "/policies/new",
        "/quarantine",
        "/activity",
        "/nowhere",
    ] {
        let answer = visit(&world, path, &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(
            answer.header("location").starts_with("/login?next=%2F"),
            "{path}"
        );
    }
    let refused = login(&world, "wrong", "/").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.headers.get("set-cookie").is_none());
    let back = login(&world, TOKEN, "%2Fpolicies").await;
    assert_eq!(back.header("location"), "/policies");
    let away = login(&world, TOKEN, "%2F%2Fevil.example").await;
    assert_eq!(away.header("location"), "/");
}

#[tokio::test]
async fn a_link_from_another_site_is_followed_once_more_from_our_own_page() {
    let world = World::new().await;
    let cross = [("sec-fetch-site", "cross-site")];
    let answer = visit(&world, "/connections/x?a='b&c", &cross).await;
    assert_eq!(answer.status, StatusCode::OK);
    let again = "/login?next=%2Fconnections%2Fx%3Fa%3D%27b%26c";
    let refresh = format!("http-equiv=\"refresh\" content=\"0;url={again}\"");
    assert!(answer.text.contains(&refresh), "{}", answer.text);
    let form = visit(&world, again, &[]).await;
    assert!(
        form.text.contains("type=\"password\""),
        "who is not signed in signs in"
    );
    let signed_in = Browser::signs_in(&world).await.get(again).await;
    assert_eq!(signed_in.header("location"), "/connections/x?a='b&c");
}

#[tokio::test]
async fn a_session_ends_with_time_and_with_signing_out() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    let other = Browser::signs_in(&world).await;
    assert_eq!(
        browser.posts("/logout", "").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(other.get("/").await.status, StatusCode::OK);
    world
        .clock
        .advance(std::time::Duration::from_secs(12 * 3600 + 1));
    assert_eq!(other.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn no_form_is_taken_without_its_token_nor_from_another_site() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let incident = world
        .violates(connection, "e1", &[RemedyKind::Quarantine])
        .await;
    let item = world.carries_out(RemedyState::Done).await.unwrap();
    let (browser, other) = (
        Browser::signs_in(&world).await,
        Browser::signs_in(&world).await,
    );
    let remedy = incident.remedies[0].id;
    for path in [
        "/logout".to_owned(),
        "/connections".to_owned(),
        format!("/connections/{connection}/disable"),
        format!("/incidents/{}/status", incident.id),
        format!("/remedies/{remedy}/undo"),
        format!("/quarantine/{item}/delete"),
        "/policies".to_owned(),
    ] {
        let stolen = format!("csrf={}&status=resolved", other.csrf);
        let own = format!("csrf={}&status=resolved", browser.csrf);
        let none: &[(&str, &str)] = &[];
        let cross: &[(&str, &str)] = &[("sec-fetch-site", "cross-site")];
        let sibling: &[(&str, &str)] = &[("sec-fetch-site", "same-site")];
        for (body, headers) in [("", none), (&stolen, none), (&own, cross), (&own, sibling)] {
            let answer = browser.posts_with(&path, body, headers).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{path} {body} {headers:?}"
            );
        }
    }
    let audited = world.audited().await;
    assert_eq!(audited, ["session.opened"; 2], "nothing else was done");
    assert_eq!(world.read(incident.id).await, {
        let mut same = world.read(incident.id).await;
        same.status = event_model::IncidentStatus::New;
        same
    });
}

#[tokio::test]
async fn a_session_reads_the_api_and_changes_only_with_its_token() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    assert_eq!(browser.get("/api/v1/stats").await.status, StatusCode::OK);
    let body = r#"{"name":"x","trigger":{"actions":["share"]},"rule":"_share.public"}"#;
    for (token, status) in [("", 403), (browser.csrf.as_str(), 200)] {
        let request = Request::post("/api/v1/policies/check")
            .header("cookie", &browser.cookie)
            .header("x-csrf-token", token)
            .header("content-type", "application/json");
        let answer = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    }
}

#[tokio::test]
async fn every_answer_is_hardened_and_assets_are_kept() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    for path in [
        "/",
        "/login",
        "/api/v1/stats",
        "/api/v1/none",
        "/nowhere",
        "/oauth/callback",
    ] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        for inline in ["<style", "style=\"", "onclick", "<script>"] {
            assert!(!answer.text.contains(inline), "{path} has {inline}");
        }
    }
    let page = browser.shows("/").await;
    for name in ["console.css", "console.js"] {
        let end = page.find(name).unwrap() + name.len();
        let start = page[..end].rfind("/assets/").unwrap();
        let asset = browser.get(&page[start..end]).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert!(asset.header("cache-control").contains("immutable"));
        assert_eq!(
            browser.get(&format!("/assets/0/{name}")).await.status,
            StatusCode::NOT_FOUND
        );
    }
    assert_eq!(browser.get("/nowhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_administrator_connects_a_service_by_forms_alone() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    assert!(browser.shows("/").await.contains("Connect a cloud service"));
    let refused = browser
        .posts("/connections", "service=toy-cloud&name=My+%22cloud%22")
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("/params/domain"),
        "the mistake is shown"
    );
    assert!(
        refused.text.contains("My &#34;cloud&#34;"),
        "what was typed is kept"
    );
    let form = "service=toy-cloud&name=Headquarters&param_domain=example.com&client_id=a&client_secret=b&base_url=https%3A%2F%2Fc.example";
    let made = browser.posts("/connections", form).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let page = made.header("location").to_owned();
    assert!(browser.shows(&page).await.contains("Awaits consent"));
    let leave = browser.posts(&format!("{page}/authorize"), "").await;
    assert!(
        leave
            .text
            .contains("href=\"https://cloud.example/consent?state=yes&#38;a=1\""),
        "{}",
        leave.text
    );
    let back = visit(&world, "/oauth/callback?state=yes&code=c&iss=x", &[]).await;
    assert_eq!(
        (back.status, back.header("location")),
        (StatusCode::SEE_OTHER, page.as_str())
    );
    browser.posts(&format!("{page}/health"), "").await;
    browser.posts(&format!("{page}/enable"), "feed=auto").await;
    let shown = browser.shows(&page).await;
    assert!(
        shown.contains("Enabled") && shown.contains("content_of_all_users"),
        "{shown}"
    );
    assert!(browser.shows("/").await.contains("Write a policy"));
}

#[tokio::test]
async fn an_administrator_writes_a_policy_by_forms_alone() {
    let world = World::new().await;
    world.connects("toy-cloud").await;
    let browser = Browser::signs_in(&world).await;
    let written = "name=Shares&severity=high&action=share&rule=_share.pubic&effect=DENY&mode=enforce&response_0=quarantine&to_0=&particular_0=";
    let refused = browser
        .posts("/policies", &format!("{written}&act=save"))
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("_share.public"),
        "a hint stands at the rule"
    );
    assert!(
        refused.text.contains(">_share.pubic</textarea>"),
        "what was typed is kept"
    );
    let mended = written.replace("pubic", "public");
    let checked = browser
        .posts("/policies", &format!("{mended}&act=check"))
        .await;
    assert!(checked.text.contains("No mistakes"), "{}", checked.text);
    let saved = browser
        .posts("/policies", &format!("{mended}&act=save"))
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let policy = saved.header("location").to_owned();
    assert!(browser.shows(&policy).await.contains("in use"));
    let next = browser
        .posts(&policy, &format!("{mended}&version=1&act=save"))
        .await;
    assert_eq!(next.status, StatusCode::SEE_OTHER, "{}", next.text);
    let late = browser
        .posts(&policy, &format!("{mended}&version=1&act=save"))
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    let off = browser.posts(&format!("{policy}/disable"), "").await;
    assert_eq!(off.status, StatusCode::SEE_OTHER);
    assert!(browser.shows("/policies").await.contains("Enable"));
}

#[tokio::test]
async fn an_analyst_follows_an_incident_to_its_end_by_forms_alone() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let kinds = [RemedyKind::RemoveLink, RemedyKind::Quarantine];
    let incident = world.violates(connection, "e1", &kinds).await;
    world.carries_out(RemedyState::GivenUp).await;
    let browser = Browser::signs_in(&world).await;
    assert!(browser.shows("/").await.contains("1 given up"));
    let page = format!("/incidents/{}", incident.id);
    let shown = browser.shows(&page).await;
    for text in [
        "ann@example.com shared “Salaries 2026.xlsx” by a link for anyone",
        "••••••••••••1111",
        "the file is locked by its owner",
        "Try again",
        "<svg class=\"waterfall\"",
        "an archive in it has a password",
        "the service does not send it",
        "_content.count(&#39;credit_card&#39;)",
    ] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
    let link = incident.remedies[0].id;
    let answer = browser.posts(&format!("/remedies/{link}/retry"), "").await;
    assert_eq!(answer.header("location"), page);
    let answer = browser.posts(&format!("/remedies/{link}/retry"), "").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    world.carries_out(RemedyState::Done).await;
    let item = world.carries_out(RemedyState::Done).await.unwrap();
    assert!(
        browser
            .shows("/quarantine")
            .await
            .contains("Salaries 2026.xlsx")
    );
    let answer = browser
        .posts(&format!("/quarantine/{item}/restore"), "")
        .await;
    assert_eq!(answer.header("location"), "/quarantine");
    assert!(
        browser
            .shows("/quarantine")
            .await
            .contains("being put back")
    );
    let form = "status=resolved&comment=talked+to+Ann";
    let refused = browser.posts(&format!("{page}/status"), form).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(
        refused.text.contains("what was it?"),
        "closing needs a verdict"
    );
    let form = "status=resolved&verdict=true_positive&comment=talked+to+Ann";
    let answer = browser.posts(&format!("{page}/status"), form).await;
    assert_eq!(answer.header("location"), page);
    assert!(browser.shows(&page).await.contains("talked to Ann"));
    assert!(
        browser.shows("/").await.contains("Write a policy"),
        "nothing is left to do"
    );
    assert!(browser.shows("/?status=resolved").await.contains("SHR-1"));
    assert!(
        browser
            .shows("/activity?q=salaries")
            .await
            .contains("by a link for anyone")
    );
}

#[tokio::test]
async fn consent_that_is_refused_or_unknown_is_said_in_plain_words() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    for (query, status, text) in [
        (
            "error=access_denied&error_description=%3Cb%3Eno",
            403,
            "&#60;b&#62;no",
        ),
        ("state=stale&code=c", 400, "was not asked for"),
        ("", 400, "was not asked for"),
    ] {
        let answer = visit(&world, &format!("/oauth/callback?{query}"), &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
        assert!(answer.text.contains(text), "{query}: {}", answer.text);
    }
    let shown = world.get(&format!("/connections/{connection}")).await;
    assert_eq!(shown["state"], "enabled");
}
