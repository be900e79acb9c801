//! The pages beside the incidents: remedies, activity and its search, blind spots, labels, audit, settings.

use axum::http::StatusCode;
use console::{LabelSettings, Setting};
use event_model::{BlindSpot, ConnectionScope, RemedyKind, RemedyState, Role};

use crate::browser::Browser;
use crate::people::Person;
use crate::world::World;

#[tokio::test]
async fn remedies_are_listed_by_where_they_stand_and_worked_from_the_list() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    let empty = browser.shows("/remedies").await;
    assert!(empty.contains("Nothing waits for people"), "{empty}");
    let connection = world.connects("toy-cloud").await;
    let kinds = [RemedyKind::RemoveLink, RemedyKind::Notify];
    let incident = world.violates(connection, "e1", &kinds).await;
    world.carries_out(RemedyState::GivenUp).await;
    let list = browser.shows("/remedies").await;
    assert!(list.contains("the file is locked by its owner"), "{list}");
    assert!(list.contains(&incident.number) && list.contains("its policy"));
    let policy = incident.policy.id;
    for (query, shown) in [
        ("state=given_up", true),
        ("state=done", false),
        ("kind=remove_link", true),
        ("kind=delete", false),
        (&format!("policy={policy}"), true),
        ("policy=pol_00000000000000000000000000", false),
        (&format!("connection={connection}"), true),
    ] {
        let page = browser.shows(&format!("/remedies?{query}")).await;
        assert_eq!(page.contains(&incident.number), shown, "{query}");
    }
    let remedy = incident.remedies[0].id;
    let retry = format!("/remedies/{remedy}/retry");
    let done = browser
        .posts(&retry, "back=state%3Dgiven_up%26kind%3Dremove_link")
        .await;
    let list = "/remedies?state=given%5Fup&kind=remove%5Flink";
    assert_eq!(done.header("location"), list);
    let refused = browser.posts(&retry, "back=").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
}

#[tokio::test]
async fn a_form_leads_back_to_the_list_and_nowhere_else() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let browser = Browser::signs_in(&world).await;
    for (event, back, place) in [
        ("e1", "", "/remedies"),
        ("e2", "%2F%2Fevil.example", "/remedies"),
        ("e3", "x%0d%0aset-cookie%3a%20a%3db", ""),
        ("e4", "kind%3Dnotify%23%2F..%2F", "/remedies?kind=notify"),
    ] {
        let incident = world
            .violates(connection, event, &[RemedyKind::Notify])
            .await;
        let path = format!("/remedies/{}/cancel", incident.remedies[0].id);
        let done = browser.posts(&path, &format!("back={back}")).await;
        let own = format!("/incidents/{}", incident.id);
        let expected = if place.is_empty() { &own } else { place };
        assert_eq!(done.header("location"), expected, "{back}");
        assert!(!done.header("set-cookie").contains("a=b"));
    }
}

#[tokio::test]
async fn who_asked_for_a_remedy_is_not_offered_to_approve_it() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let both = [Role::Analyst, Role::Reviewer];
    let ada = Person::having(&world, &both, ConnectionScope::Every).await;
    let eve = Person::with(&world, Role::Reviewer, ConnectionScope::Every).await;
    let ann = Person::with(&world, Role::Auditor, ConnectionScope::Every).await;
    let name = ada.account.name.clone();
    world
        .violates_as(connection, "e1", &[RemedyKind::Delete], |incident| {
            let remedy = &mut incident.remedies[0];
            remedy.state = RemedyState::NeedsApproval;
            remedy.approvals_needed = 1;
            remedy.requested_by = Some(name);
        })
        .await;
    let path = "/remedies?state=needs_approval";
    let own = ada.get(&world, path).await.text;
    assert!(own.contains("You asked for it") && !own.contains(">Approve<"));
    assert!(own.contains(">Cancel<"), "{own}");
    let other = eve.get(&world, path).await.text;
    assert!(other.contains(">Approve<"), "{other}");
    assert!(other.contains(&ada.account.name), "it says who asked");
    let looks = ann.get(&world, path).await.text;
    assert!(!looks.contains(">Approve<") && !looks.contains(">Cancel<"));
}

#[tokio::test]
async fn activity_is_searched_by_each_field_and_shown_whole() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let from = |incident: &mut event_model::Incident| {
        incident.activity.actor_ip_address = Some("198.51.100.7".into());
    };
    world.violates_as(connection, "e1", &[], from).await;
    let browser = Browser::signs_in(&world).await;
    let hit = "/activity/conn_";
    for (query, found) in [
        ("", true),
        ("actor=ANN%40", true),
        ("actor=nobody", false),
        ("address=198.51.100.7", true),
        ("address=198.51.100", false),
        ("object=salaries", true),
        ("object=ann%40", false),
        ("event_type=sharing", true),
        ("event_type=other", false),
        ("from=2020-01-01&to=2020-01-02", false),
        ("blind_spot=encrypted", true),
        ("blind_spot=image_only", false),
    ] {
        let page = browser.shows(&format!("/activity?{query}")).await;
        assert_eq!(page.contains(hit), found, "{query}: {page}");
    }
    let list = browser.shows("/activity?actor=ann&object=sal").await;
    assert!(
        list.contains("href=\"/activity?object=sal\"") && list.contains("value=\"ann\""),
        "each filter is a chip that takes it away: {list}"
    );
    let event = browser.shows(&format!("/activity/{connection}/e1")).await;
    let fields = event.split("<td title=").count() - 1;
    assert_eq!(fields, 24);
    for part in [
        "received",
        "evaluated",
        "SHR-1",
        "encrypted",
        "What the service sent",
    ] {
        assert!(event.contains(part), "{part}: {event}");
    }
    let none = browser.get(&format!("/activity/{connection}/e2")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn blind_spots_are_counted_by_reason_and_lead_to_their_objects() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    let empty = browser.shows("/blind-spots").await;
    assert!(empty.contains("could be read"), "{empty}");
    let connection = world.connects("toy-cloud").await;
    for event in ["e1", "e2"] {
        world.violates(connection, event, &[]).await;
    }
    let scan = |incident: &mut event_model::Incident| {
        incident.blind_spots = vec![BlindSpot {
            reason: "image_only".into(),
            detail: "12 pages".into(),
        }];
    };
    world.violates_as(connection, "e3", &[], scan).await;
    let page = browser.shows("/blind-spots").await;
    let counts = page
        .replace("<td class=\"right\">", "")
        .replace("</td>", "");
    assert!(counts.contains(">encrypted</a>2"), "{counts}");
    assert!(counts.contains(">image only</a>1"), "{counts}");
    assert!(page.contains("Ask who shared it"), "what to do next");
    assert!(page.contains("Our toy-cloud"));
    let one = browser.shows("/blind-spots?reason=image_only").await;
    assert!(one.contains("12 pages") && !one.contains("has a password"));
    let later = browser.get("/blind-spots?days=7&kind=sharing").await;
    assert_eq!(later.status, StatusCode::BAD_REQUEST, "7 is the default");
}

#[tokio::test]
async fn labels_say_whom_we_believe_and_what_was_seen() {
    let world = World::configured(|config| {
        config.labels = LabelSettings {
            keys: vec![("classifier".into(), "p256".into())],
            detected: vec![("Cards".into(), "credit_card".into(), "high".into(), 1)],
            ..LabelSettings::default()
        };
    })
    .await;
    let connection = world.connects("toy-cloud").await;
    world.violates(connection, "e1", &[]).await;
    let stale = |incident: &mut event_model::Incident| {
        incident.trace.expression = "_content.label('Top secret')".into();
        incident.blind_spots = vec![BlindSpot {
            reason: "labels_stale".into(),
            detail: "`plan.docx` was labelled before".into(),
        }];
    };
    world.violates_as(connection, "e2", &[], stale).await;
    let page = Browser::signs_in(&world).await.shows("/labels").await;
    for part in [
        "classifier",
        "do not count",
        ">Cards</td>",
        ">Top secret</td>",
        "`plan.docx` was labelled before",
        "none malformed",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn settings_are_shown_with_where_they_were_written_and_secrets_are_not() {
    let world = World::configured(|config| {
        let setting = |name: &str, value: Option<&str>, is_secret, origin: Option<&str>| Setting {
            name: name.into(),
            value: value.map(str::to_owned),
            is_secret,
            is_set: true,
            origin: origin.map(str::to_owned),
            about: "It sets something.".into(),
        };
        config.settings = vec![
            setting(
                "listen",
                Some("0.0.0.0:80"),
                false,
                Some("tidegate.toml, line 3"),
            ),
            setting("store", None, true, Some("TIDEGATE_STORE")),
            setting("log", Some("embedded:./log"), false, None),
        ];
    })
    .await;
    let page = Browser::signs_in(&world).await.shows("/settings").await;
    for part in [
        "0.0.0.0:80",
        "tidegate.toml, line 3",
        "TIDEGATE_STORE",
        "set, not shown",
        ">default<",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn a_connection_shows_what_its_service_can_do_and_how_its_feed_goes() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let browser = Browser::signs_in(&world).await;
    let page = browser.shows(&format!("/connections/{connection}")).await;
    for part in [
        "the manifest has no action",
        "read every 1.0 min",
        "its manifest maps nothing to it",
        "1 of the 24 fields it never has",
        "within 60 s",
        "up to 3 min",
        "180 days",
        "Nothing was missed",
        "aria-current=\"step\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let found = browser.shows("/connections?q=READ+cloud").await;
    assert!(found.contains("Read-only Cloud") && !found.contains("<strong>Toy Cloud"));
    let none = browser.shows("/connections?q=nothing").await;
    assert!(none.contains("The catalogue has no such service"));
    let ann = Person::with(&world, Role::Auditor, ConnectionScope::Every).await;
    let seen = ann.get(&world, &format!("/connections/{connection}")).await;
    assert!(!seen.text.contains(">Disable<"), "she may not");
}
