//! Everything from a cloud service is hostile: names, paths, addresses, roles, reasons.

use axum::http::StatusCode;
use event_model::{EventId, FieldSource, RemedyKind, RemedyState};

use crate::browser::Browser;
use crate::world::World;

const SCRIPT: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}";

/// As it stands in an address.
fn encoded(text: &str) -> String {
    let bytes = text.bytes();
    bytes.map(|byte| format!("%{byte:02X}")).collect()
}

fn infect(text: &mut Option<String>) {
    *text = Some(SCRIPT.into());
}

#[tokio::test]
async fn nothing_that_a_service_sent_is_ever_markup() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let incident = world
        .violates_as(connection, SCRIPT, &[RemedyKind::Quarantine], |incident| {
            let activity = &mut incident.activity;
            activity.event_id = EventId::new(SCRIPT).unwrap();
            for text in [
                &mut activity.tenant_id,
                &mut activity.event_name,
                &mut activity.actor_id,
                &mut activity.actor_name,
                &mut activity.actor_email,
                &mut activity.actor_role,
                &mut activity.actor_ip_address,
                &mut activity.object_id,
                &mut activity.file_download_url,
                &mut activity.object_type,
                &mut activity.object_name,
                &mut activity.object_path,
                &mut activity.from_email,
                &mut activity.target_user_email,
                &mut activity.target_user_id,
                &mut activity.role,
                &mut activity.shared_link,
                &mut incident.notification,
            ] {
                infect(text);
            }
            incident.policy.name = SCRIPT.into();
            incident.evidence[0].masked = SCRIPT.into();
            incident.evidence[0].place = SCRIPT.into();
            incident.blind_spots[0].reason = SCRIPT.into();
            incident.blind_spots[0].detail = SCRIPT.into();
            incident.trace.note = Some(SCRIPT.into());
            incident.trace.value = SCRIPT.into();
            incident.timeline[0].text = SCRIPT.into();
            let reason = FieldSource::Absent(SCRIPT.into());
            incident.provenance.set(event_model::Field::Role, reason);
        })
        .await;
    world.carries_out(RemedyState::Done).await;
    let browser = Browser::signs_in(&world).await;
    let mut pages = vec![
        "/".to_owned(),
        format!("/incidents/{}", incident.id),
        "/activity".to_owned(),
        "/quarantine".to_owned(),
        format!("/connections/{connection}"),
        "/remedies?state=done".to_owned(),
        "/blind-spots".to_owned(),
        "/labels".to_owned(),
        "/audit".to_owned(),
        format!("/activity/{connection}/{}", encoded(SCRIPT)),
    ];
    let typed = encoded("\"'><script>alert(1)</script>");
    pages.push("/overview".to_owned());
    for path in [
        "/?q=",
        "/activity?q=",
        "/?actor_email=",
        "/exceptions?path_like=",
        "/activity?actor=",
        "/activity?object=",
        "/activity?blind_spot=",
        "/remedies?object_id=",
        "/blind-spots?reason=",
        "/audit?q=",
        "/audit?by=",
        "/connections?q=",
    ] {
        pages.push(format!("{path}{typed}"));
    }
    for path in pages {
        let text = browser.shows(&path).await;
        assert!(!text.contains("<script>"), "{path}: {text}");
        assert!(!text.contains("<img"), "{path}: {text}");
        assert!(!text.contains("=\"\"'>"), "{path}: {text}");
        assert!(!text.contains("javascript:"), "{path}: {text}");
    }
    let shown = browser.shows(&format!("/incidents/{}", incident.id)).await;
    assert!(
        shown.matches("&#60;script&#62;alert(1)").count() > 20,
        "all of it is shown as text"
    );
    let missing = browser.get("/incidents/%22%3E%3Cscript%3Ealert(1)").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(!missing.text.contains("<script>a"), "{}", missing.text);
}

#[tokio::test]
async fn what_was_sent_is_found_again_by_its_links() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let event = "a/b?c=d&e#f %2F";
    world
        .violates_as(connection, event, &[], |incident| {
            incident.activity.object_id = Some("x&status=resolved#\"".into());
        })
        .await;
    let browser = Browser::signs_in(&world).await;
    let page = browser.shows("/activity").await;
    let links: Vec<String> = page
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().replace("&#38;", "&"))
        .filter(|link| {
            link.contains("/activity/") || link.contains("object_id") || link.contains("event_id")
        })
        .collect();
    assert_eq!(links.len(), 3, "{links:?}");
    for link in links {
        let shown = browser.shows(&link).await;
        let found = shown.contains("SHR-1") || shown.contains("Salaries");
        assert!(found, "{link}: {shown}");
    }
}

#[tokio::test]
async fn an_exported_name_is_no_formula_and_breaks_no_row() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    world
        .violates_as(connection, "e1", &[], |incident| {
            incident.activity.object_name = Some("=cmd|' /C calc'!A0".into());
            incident.activity.actor_name = Some("a\",\"b".into());
            incident.activity.role = Some("@SUM(1)".into());
        })
        .await;
    let activities = world.call("GET", "/activities/export", "").await.text;
    for written in ["\"'=cmd|' /C calc'!A0\"", "\"a\"\",\"\"b\"", "\"'@SUM(1)\""] {
        assert!(activities.contains(written), "{written}: {activities}");
    }
    let csv = world
        .call("GET", "/incidents/export?format=csv", "")
        .await
        .text;
    assert!(csv.contains("\"'=cmd|' /C calc'!A0\""), "{csv}");
    assert!(csv.contains("\"a\"\",\"\"b\""), "{csv}");
    assert!(csv.contains("\"'@SUM(1)\""), "{csv}");
    let row = csv.lines().nth(1).unwrap();
    // 34 cells have 33 borders; the name with a quoted comma looks like one more.
    assert_eq!(row.matches("\",\"").count(), 34, "{row}");
}

#[tokio::test]
async fn a_consent_page_of_another_scheme_is_not_linked() {
    let world = World::new().await;
    let new = r#"{"service":"toy-cloud","name":"x","params":{"domain":"a.com"},"base_url":"javascript:"}"#;
    let made = world.call("POST", "/connections", new).await.json();
    let browser = Browser::signs_in(&world).await;
    let path = format!("/connections/{}/authorize", made["id"].as_str().unwrap());
    let answer = browser.posts(&path, "").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(!answer.text.contains("javascript:"), "{}", answer.text);
}
