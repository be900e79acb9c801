//! The pages that people work with: the overview, kept views, exceptions, what stands around an incident.

use axum::http::StatusCode;
use event_model::{Incident, RemedyKind};
use serde_json::json;

use crate::browser::Browser;
use crate::world::World;

#[tokio::test]
async fn every_number_of_the_overview_leads_to_the_list_that_it_counts() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    let empty = browser.shows("/overview").await;
    assert!(
        empty.contains("Connect a cloud service"),
        "it says what to do next"
    );
    let connection = world.connects("toy-cloud").await;
    world.violates(connection, "e1", &[]).await;
    world.violates(connection, "e2", &[]).await;
    let page = browser.shows("/overview").await;
    assert!(page.contains("<svg class=\"days\""), "the days are drawn");
    assert!(page.contains("Our toy-cloud"), "{page}");
    let mut links = 0;
    for rest in page.split("href=\"").skip(1) {
        let href = rest.split('"').next().unwrap().replace("&#38;", "&");
        if href.starts_with("/?") || href.starts_with("/activity") || href.starts_with("/api/") {
            links += 1;
            let answer = browser.get(&href).await;
            assert_eq!(answer.status, StatusCode::OK, "{href}");
        }
    }
    assert!(links > 15, "{links}");
    let high = page.split("severity=high").nth(1).unwrap();
    let high = high.split("</strong>").next().unwrap();
    assert!(
        high.ends_with('1'),
        "the repeat is not counted twice: {high}"
    );
}

#[tokio::test]
async fn a_view_is_kept_shown_and_forgotten() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    world.violates(connection, "e1", &[]).await;
    let browser = Browser::signs_in(&world).await;
    let form = "name=Hot+ones&query=severity%3Dhigh%2Ccritical&shared=yes";
    let kept = browser.posts("/views", form).await;
    assert_eq!(
        kept.header("location"),
        "/?severity=high,critical",
        "{}",
        kept.text
    );
    let list = browser.shows("/").await;
    assert!(list.contains(">Hot ones</a>"), "{list}");
    let away = browser
        .posts("/views", "name=x&query=%2F%2Fevil.example")
        .await;
    assert_eq!(
        away.status,
        StatusCode::BAD_REQUEST,
        "it is no query of the list"
    );
    let id = list
        .split("/views/")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    browser.posts(&format!("/views/{id}/remove"), "").await;
    assert!(!browser.shows("/").await.contains("Hot ones"));
}

#[tokio::test]
async fn an_incident_leads_to_an_exception_with_its_values_filled_in() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let policy =
        json!({ "name": "Shares", "trigger": { "actions": ["share"] }, "rule": "_share.public" });
    let policy = world
        .call("POST", "/policies", &policy.to_string())
        .await
        .json();
    let id = policy["id"].as_str().unwrap().to_owned();
    let change = |one: &mut Incident| one.policy.id = id.parse().unwrap();
    let incident = world.violates_as(connection, "e1", &[], change).await;
    let browser = Browser::signs_in(&world).await;
    let page = browser
        .shows(&format!("/incidents/{}", incident.number))
        .await;
    let href = page
        .split("href=\"/exceptions?")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let form = browser
        .shows(&format!("/exceptions?{}", href.replace("&#38;", "&")))
        .await;
    assert!(
        form.contains("value=\"file-1\"") && form.contains("value=\"ann@example.com\""),
        "{form}"
    );
    let typed = format!("policy={id}&object_id=file-1&reason=&expires=2026-03-01");
    let refused = browser.posts("/exceptions", &typed).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(
        refused.text.contains("/reason") && refused.text.contains("value=\"file-1\""),
        "{}",
        refused.text
    );
    let typed = format!("policy={id}&object_id=file-1&reason=agreed&expires=2026-03-01");
    assert_eq!(
        browser
            .posts("/exceptions", &typed)
            .await
            .header("location"),
        "/exceptions"
    );
    let list = browser.shows("/exceptions").await;
    assert!(list.contains("in use") && list.contains("agreed"), "{list}");
    let ended = list
        .split("/exceptions/exc_")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    browser
        .posts(&format!("/exceptions/exc_{ended}/end"), "")
        .await;
    assert!(browser.shows("/exceptions").await.contains("ended"));
}

#[tokio::test]
async fn what_stands_around_an_incident_is_shown_and_a_response_is_previewed_first() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let first = world.violates(connection, "e1", &[]).await;
    let browser = Browser::signs_in(&world).await;
    let form = "status=resolved&verdict=benign&comment=the+press+has+it";
    browser
        .posts(&format!("/incidents/{}/status", first.id), form)
        .await;
    let second = world.violates(connection, "e2", &[]).await;
    let path = format!("/incidents/{}", second.id);
    let page = browser.shows(&path).await;
    assert!(
        page.contains("Benign: it may happen: the press has it"),
        "how it was handled last time"
    );
    assert!(
        page.contains("On this object") && page.contains("See what it would do"),
        "{page}"
    );
    let respond = format!("{path}/respond");
    let preview = browser.posts(&respond, "kind=remove_link").await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    assert!(preview.text.contains("nothing was done yet"));
    assert!(world.read(second.id).await.remedies.is_empty());
    let done = browser.posts(&respond, "kind=remove_link&act=do").await;
    assert_eq!(done.header("location"), path);
    let kinds: Vec<RemedyKind> = world
        .read(second.id)
        .await
        .remedies
        .iter()
        .map(|one| one.kind)
        .collect();
    assert_eq!(kinds, [RemedyKind::RemoveLink]);
}

#[tokio::test]
async fn a_policy_shows_its_precision_and_what_its_last_version_changed() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let policy =
        json!({ "name": "Shares", "trigger": { "actions": ["share"] }, "rule": "_share.public" });
    let saved = world
        .call("POST", "/policies", &policy.to_string())
        .await
        .json();
    let id = saved["id"].as_str().unwrap().to_owned();
    let browser = Browser::signs_in(&world).await;
    assert!(browser.shows("/policies").await.contains("no verdicts"));
    let mut next = policy.clone();
    next["rule"] = json!("_share.public and _file.name == 'x'");
    world
        .call("PUT", &format!("/policies/{id}"), &next.to_string())
        .await;
    let page = browser.shows(&format!("/policies/{id}")).await;
    assert!(
        page.contains("What this version changed") && page.contains("<span>+</span>"),
        "{page}"
    );
    let change = |one: &mut Incident| one.policy.id = id.parse().unwrap();
    let incident = world.violates_as(connection, "e1", &[], change).await;
    let form = "status=resolved&verdict=true_positive&comment=x";
    browser
        .posts(&format!("/incidents/{}/status", incident.id), form)
        .await;
    assert!(browser.shows("/policies").await.contains("100 %"));
}
