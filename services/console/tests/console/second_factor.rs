//! The second factor: made by an app, asked for by a role, taken once, recovered from.

use std::time::Duration;

use axum::http::StatusCode;
use event_model::Role;
use ports::Clock;
use ring::hmac;

use crate::sign_in::{PASSWORD, comes, cookie, csrf, login, posts, visits};
use crate::world::{Answer, World};

/// The code that an authenticator app shows for the key on the page.
fn app(world: &World, page: &Answer) -> String {
    let typed = page
        .text
        .split("<p><code>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let (mut secret, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for letter in typed.bytes() {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let value = alphabet.iter().position(|one| *one == letter).unwrap();
        held = (held << 5) | u32::try_from(value).unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            secret.push(u8::try_from((held >> bits) & 255).unwrap());
        }
    }
    let step = u64::try_from(world.clock.now().timestamp()).unwrap() / 30;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let from = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[from..from + 4].try_into().unwrap();
    format!(
        "{:06}",
        (u32::from_be_bytes(four) & 0x7FFF_FFFF) % 1_000_000
    )
}

#[tokio::test]
async fn a_second_factor_that_a_role_asks_for_is_made_before_anything_else() {
    let world = World::configured(|config| {
        config.second_factor_roles.insert(Role::Administrator);
    })
    .await;
    let id = comes(&world, "ada", r#"["administrator"]"#).await;
    let on_the_way = login(&world, "ada", PASSWORD).await;
    assert_eq!(on_the_way.header("location"), "/account/second-factor");
    let cookie_before = cookie(&on_the_way);
    for path in ["/", "/account", "/users"] {
        let sent = visits(&world, path, &cookie_before).await;
        assert_eq!(sent.header("location"), "/account/second-factor", "{path}");
    }
    let api = visits(&world, "/api/v1/me", &cookie_before).await;
    assert_eq!(api.status, StatusCode::UNAUTHORIZED);
    let page = visits(&world, "/account/second-factor", &cookie_before).await;
    assert!(page.text.contains("<svg class=\"qr\""), "{}", page.text);
    let (csrf, code) = (csrf(&page), app(&world, &page));
    let wrong = [("csrf", csrf.as_str()), ("code", "000000")];
    let wrong = posts(&world, "/account/second-factor", &wrong, &cookie_before).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("csrf", csrf.as_str()), ("code", code.as_str())];
    let done = posts(&world, "/account/second-factor", &right, &cookie_before).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let recovery = done.text.split("<pre class=\"code\">").nth(1).unwrap();
    let recovery = recovery.lines().next().unwrap().to_owned();
    assert_eq!(
        visits(&world, "/", &cookie(&done)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        visits(&world, "/", &cookie_before).await.status,
        StatusCode::SEE_OTHER
    );
    let shown = world.get(&format!("/users/{id}")).await;
    assert_eq!(shown["second_factor"], true);
    second_sign_in(&world, &page, &code, &recovery).await;
}

/// With a second factor: the code of before is refused, the next is taken, and one to recover by once.
async fn second_sign_in(world: &World, page: &Answer, used: &str, recovery: &str) {
    for (code, good) in [
        (used, false),
        ("next", true),
        (recovery, true),
        (recovery, false),
    ] {
        world.clock.advance(Duration::from_secs(30));
        let fresh = app(world, page);
        let code = if code == "next" { fresh.as_str() } else { code };
        let on_the_way = login(world, "ada", PASSWORD).await;
        let asked = on_the_way.header("location").to_owned();
        assert_eq!(asked, "/login/code?next=%2Fpolicies");
        let cookie_now = cookie(&on_the_way);
        assert_eq!(
            visits(world, "/", &cookie_now).await.header("location"),
            "/login/code"
        );
        let form = visits(world, &asked, &cookie_now).await;
        let csrf = csrf(&form);
        let given = [
            ("csrf", csrf.as_str()),
            ("code", code),
            ("next", "/policies"),
        ];
        let answer = posts(world, "/login/code", &given, &cookie_now).await;
        let status = if good {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(answer.status, status, "{code}: {}", answer.text);
        if good {
            assert_eq!(answer.header("location"), "/policies");
        }
    }
}
