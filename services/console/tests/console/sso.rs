//! Single sign-on at a played provider: tied to the browser, and what the provider's groups make of people.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use event_model::{Account, ConnectionScope, PageRequest, Role, Secret, Subject};
use ports::{AccountStore, SignOn, SignOnError, SignOnTie, SignedOn};

use crate::world::{Answer, World};

/// Lets everybody in as `comes` says.
struct PlayedProvider {
    comes: Mutex<SignedOn>,
}

#[async_trait]
impl SignOn for PlayedProvider {
    fn name(&self) -> &str {
        "<b>Example"
    }

    async fn begin(&self, tie: &SignOnTie) -> Result<String, SignOnError> {
        Ok(format!("https://id.example/authorize?state={}", tie.state))
    }

    async fn finish(
        &self,
        code: &Secret<String>,
        tie: &SignOnTie,
    ) -> Result<SignedOn, SignOnError> {
        assert!(tie.verifier.expose().len() >= 43 && tie.nonce != tie.state);
        match code.expose().as_str() {
            "good" => Ok(self.comes.lock().unwrap().clone()),
            _ => Err(SignOnError::Refused {
                detail: "it is of another sign-in".into(),
            }),
        }
    }
}

fn somebody(subject: &str, name: &str, roles: &[Role]) -> SignedOn {
    SignedOn {
        subject: Subject {
            issuer: "https://id.example".into(),
            subject: subject.into(),
        },
        name: name.into(),
        groups: BTreeSet::from(["<script>soc".to_owned()]),
        roles: roles.iter().copied().collect(),
        scope: ConnectionScope::Every,
        second_factor: false,
    }
}

async fn world() -> (World, Arc<PlayedProvider>) {
    world_asking(&[]).await
}

/// Those of these roles prove a second factor.
async fn world_asking(roles: &[Role]) -> (World, Arc<PlayedProvider>) {
    let comes = Mutex::new(somebody("7", "ada", &[Role::Analyst]));
    let provider = Arc::new(PlayedProvider { comes });
    let roles = roles.iter().copied().collect();
    let world = World::signing_on(provider.clone(), roles).await;
    (world, provider)
}

async fn visits(world: &World, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path).header(header::COOKIE, cookie);
    world.send(request.body(Body::empty()).unwrap()).await
}

fn cookies(answer: &Answer) -> String {
    let set = answer.headers.get_all("set-cookie").iter();
    let pairs = set.map(|value| value.to_str().unwrap().split(';').next().unwrap());
    pairs.collect::<Vec<_>>().join("; ")
}

/// Goes to the provider and comes back.
async fn signs_on(world: &World, next: &str) -> Answer {
    let begun = visits(world, &format!("/login/sso?next={next}"), "").await;
    let state = begun
        .header("location")
        .split("state=")
        .nth(1)
        .unwrap()
        .to_owned();
    let path = format!("/login/sso/callback?state={state}&code=good&iss=x");
    visits(world, &path, &cookies(&begun)).await
}

async fn accounts(world: &World) -> Vec<Account> {
    let page = world.store.account_page(&PageRequest::first(9)).await;
    page.unwrap().items
}

#[tokio::test]
async fn somebody_comes_for_the_first_time_and_goes_on_to_where_they_wanted() {
    let (world, _) = world().await;
    let login = visits(&world, "/login?next=%2Fpolicies", "").await;
    assert!(
        login.text.contains("/login/sso?next=%2Fpolicies"),
        "{}",
        login.text
    );
    assert!(!login.text.contains("<b>Example"), "{}", login.text);
    let came = signs_on(&world, "%2Fpolicies").await;
    assert_eq!(came.status, StatusCode::OK, "{}", came.text);
    assert!(
        came.text.contains("content=\"0;url=/policies\""),
        "{}",
        came.text
    );
    let set = came.headers.get_all("set-cookie").iter();
    let set: Vec<&str> = set.map(|value| value.to_str().unwrap()).collect();
    assert!(set[0].contains("HttpOnly; SameSite=Strict"), "{set:?}");
    assert!(set[1].starts_with("tidegate_sign_on=; "), "{set:?}");
    let page = visits(&world, "/account", &cookies(&came)).await;
    assert!(page.text.contains("ada"), "{}", page.text);
    assert!(!page.text.contains("<script>soc"), "{}", page.text);
    let known = accounts(&world).await;
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].roles, BTreeSet::from([Role::Analyst]));
}

#[tokio::test]
async fn an_answer_is_taken_from_the_browser_only_that_was_sent() {
    let (world, _) = world().await;
    let begun = visits(&world, "/login/sso", "").await;
    let state = begun
        .header("location")
        .split("state=")
        .nth(1)
        .unwrap()
        .to_owned();
    let other = visits(&world, "/login/sso", "").await;
    let path = |state: &str, rest: &str| format!("/login/sso/callback?state={state}&{rest}");
    for (path, cookie, status) in [
        (path(&state, "code=good"), String::new(), 400),
        (path(&state, "code=good"), cookies(&other), 400),
        (path("", "code=good"), cookies(&begun), 400),
        (
            path(&state, "error=access_denied%3Cscript%3E"),
            cookies(&begun),
            403,
        ),
        (path(&state, "code=bad"), cookies(&begun), 403),
        ("/login/sso/callback".to_owned(), cookies(&begun), 400),
    ] {
        let answer = visits(&world, &path, &cookie).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        assert!(answer.headers.get("set-cookie").is_none(), "{path}");
        assert!(!answer.text.contains("denied<script>"), "{}", answer.text);
    }
    assert_eq!(accounts(&world).await.len(), 0);
}

#[tokio::test]
async fn a_sign_on_leads_only_to_our_own_pages_and_into_no_header() {
    let (world, _) = world().await;
    for next in [
        "https%3A%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2F%0D%0Aset-cookie%3A%20x%3D1",
    ] {
        let came = signs_on(&world, next).await;
        assert!(
            came.text.contains("content=\"0;url=/\""),
            "{next}: {}",
            came.text
        );
        assert!(
            came.headers.get_all("set-cookie").iter().count() == 3,
            "{next}"
        );
    }
}

#[tokio::test]
async fn what_somebody_may_is_what_the_provider_says_at_each_sign_on() {
    let (world, provider) = world().await;
    signs_on(&world, "").await;
    for (roles, status) in [
        (&[Role::Auditor][..], StatusCode::OK),
        (&[], StatusCode::FORBIDDEN),
        (&[Role::Analyst], StatusCode::OK),
    ] {
        provider.comes.lock().unwrap().roles = roles.iter().copied().collect();
        let came = signs_on(&world, "").await;
        assert_eq!(came.status, status, "{roles:?}: {}", came.text);
        let known = accounts(&world).await;
        assert_eq!(known.len(), 1);
        assert_eq!(
            known[0].roles,
            roles.iter().copied().collect(),
            "also when it is none"
        );
    }
    let id = accounts(&world).await[0].id;
    world
        .call("PATCH", &format!("/users/{id}"), r#"{"enabled":false}"#)
        .await;
    let out = signs_on(&world, "").await;
    assert_eq!(
        out.status,
        StatusCode::FORBIDDEN,
        "who is disabled stays out"
    );
    *provider.comes.lock().unwrap() = somebody("8", "eve", &[]);
    assert_eq!(signs_on(&world, "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        accounts(&world).await.len(),
        1,
        "who may not come in leaves nothing"
    );
}

#[tokio::test]
async fn nobody_takes_over_an_account_by_its_name() {
    let (world, provider) = world().await;
    let made = world
        .call(
            "POST",
            "/users",
            r#"{"name":"ada","roles":["administrator"]}"#,
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    for (subject, name) in [("7", "ada"), ("8", "ADA"), ("9", "<script>"), ("10", "")] {
        *provider.comes.lock().unwrap() = somebody(subject, name, &[Role::Analyst]);
        assert_eq!(signs_on(&world, "").await.status, StatusCode::OK, "{name}");
    }
    let known = accounts(&world).await;
    assert_eq!(known.len(), 5);
    let begin = |text: &str| {
        known
            .iter()
            .filter(|one| one.name.starts_with(text))
            .count()
    };
    assert_eq!(
        [begin("ada-"), begin("ADA-"), begin("user-")],
        [1, 1, 2],
        "{known:?}"
    );
    let came = known.iter().filter(|one| one.subject.is_some());
    assert_eq!(came.filter(|one| one.is_administrator()).count(), 0);
}

#[tokio::test]
async fn a_role_that_asks_for_a_second_factor_has_one_at_the_provider_or_here() {
    let (world, provider) = world_asking(&[Role::Reviewer]).await;
    for (roles, proved, page) in [
        (&[Role::Analyst][..], false, ""),
        (&[Role::Reviewer], true, ""),
        (
            &[Role::Analyst, Role::Reviewer],
            false,
            "/account/second-factor",
        ),
    ] {
        let mut comes = somebody("7", "ada", roles);
        comes.second_factor = proved;
        *provider.comes.lock().unwrap() = comes;
        let came = signs_on(&world, "%2Fpolicies").await;
        let shown = visits(&world, "/policies", &cookies(&came)).await;
        match page {
            "" => assert_eq!(shown.status, StatusCode::OK, "{roles:?} {proved}"),
            first => assert_eq!(shown.header("location"), first, "{roles:?} {proved}"),
        }
    }
    // Who has one here is asked for it.
    let account = accounts(&world).await[0].id;
    let (mut credentials, version) = world.store.credentials(account).await.unwrap();
    credentials.second_factor = Some(ports::SecondFactor {
        secret: Secret::new(vec![7; 20]),
        step: 0,
        recovery: Vec::new(),
    });
    let replaced = world
        .store
        .replace_credentials(account, version, &credentials);
    replaced.await.unwrap();
    let came = signs_on(&world, "%2Fpolicies").await;
    let shown = visits(&world, "/policies", &cookies(&came)).await;
    assert_eq!(shown.header("location"), "/login/code");
}
