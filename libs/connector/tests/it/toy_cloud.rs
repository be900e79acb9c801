//! From consent to restoration, against toy-cloud.

use connector::{Ask, CallError, Delivery, OAuthError, ServiceClient, WebhookOffer};
use event_model::{Activity, Field, Particulars, Position, RemedyKind, Secret, Snapshot};
use ports::WebhookSecret;
use serde_json::{Value, json};
use toy_cloud::{Act, Acted, Config, ToyCloud};

use crate::world::{World, now, plain, raw};

async fn started() -> (ToyCloud, World) {
    let toy = ToyCloud::start(Config::default()).await.unwrap();
    let world = World::consented(&toy.url(), "admin").await;
    (toy, world)
}

fn act(toy: &ToyCloud, act: Value) -> Acted {
    let mut whole = json!({"tenant": "acme", "user": "alice"});
    whole
        .as_object_mut()
        .unwrap()
        .extend(act.as_object().unwrap().clone());
    toy.model()
        .act(&serde_json::from_value::<Act>(whole).unwrap())
        .unwrap()
}

/// Everything after a position, to the end.
async fn everything(world: &World, from: Position) -> Vec<connector::Mapped> {
    let mapper = world.connector.mapper(&world.connection);
    let mut at = from;
    let mut all = Vec::new();
    loop {
        let page = world.client.page_after("activity", &at).await.unwrap();
        assert_eq!(page.from, at);
        for event in &page.events {
            all.extend(mapper.map(event, now()).unwrap());
        }
        at = page.to;
        if !page.more {
            return all;
        }
    }
}

async fn latest(world: &World, id: &str) -> Activity {
    let all = everything(world, Position::Start).await;
    all.into_iter()
        .map(|mapped| mapped.activity)
        .find(|activity| activity.event_id.as_str() == id)
        .unwrap()
}

/// A file of alice's, with two links and two permissions, and the activity of its last link.
async fn shared_file(toy: &ToyCloud, world: &World) -> (String, Activity) {
    let file = act(
        toy,
        json!({"do": "upload", "name": "q3.txt", "content": "4111 1111 1111 1111"}),
    )
    .file_id
    .unwrap();
    act(
        toy,
        json!({"do": "share", "file_id": file, "with": "gus@partner.example", "role": "editor"}),
    );
    act(toy, json!({"do": "share", "file_id": file, "with": "bob"}));
    act(
        toy,
        json!({"do": "link", "file_id": file, "visibility": "organization"}),
    );
    let done = act(
        toy,
        json!({"do": "link", "file_id": file, "visibility": "public"}),
    );
    let activity = latest(world, &done.event_id.unwrap()).await;
    (file, activity)
}

/// What an observer sees of a file: place, permissions, links, bytes.
fn state(toy: &ToyCloud, file: &str) -> Value {
    let model = toy.model();
    let view = serde_json::to_value(model.file("acme", file).unwrap()).unwrap();
    let part = |keys: &[&str]| -> Value {
        keys.iter()
            .map(|key| ((*key).to_owned(), view[*key].clone()))
            .collect()
    };
    json!({
        "file": part(&["name", "path", "parent_id", "owner", "sha256", "version", "trashed", "restricted"]),
        "permissions": model.permissions("acme", file).unwrap(),
        "links": model.links("acme", file).unwrap(),
    })
}

#[tokio::test]
async fn consent_gives_tokens_that_rotate_and_can_be_revoked() {
    let toy = ToyCloud::start(Config::default()).await.unwrap();
    let world = World::unproven(&toy.url());
    let (tokens, extra) = world.consent("admin").await;
    assert_eq!(extra.get("tenant_id"), Some(&json!("acme")));
    assert!(!extra.contains_key("access_token") && !extra.contains_key("refresh_token"));
    assert_eq!(
        tokens.expires_at,
        Some(now() + chrono::TimeDelta::seconds(3600))
    );
    let oauth = world.oauth();
    let fresh = oauth.refresh(&tokens, now()).await.unwrap();
    assert!(fresh.refresh_token != tokens.refresh_token && fresh.scope.is_some());
    oauth.revoke(&fresh, now()).await.unwrap();
    oauth.revoke(&fresh, now()).await.unwrap();
    let dead = oauth.refresh(&fresh, now()).await.unwrap_err();
    assert!(matches!(dead, OAuthError::GrantDead { .. }), "{dead}");
    let wrong = Some(Secret::new("wrong".to_owned()));
    let wrong = world
        .connector
        .oauth(&world.connection, wrong, &world.egress)
        .unwrap();
    let outcome = wrong.refresh(&fresh, now()).await.unwrap_err();
    assert!(
        matches!(outcome, OAuthError::Misconfigured { .. }),
        "{outcome}"
    );
    toy.model().set_faults(serde_json::from_value(json!({"rules": [
        {"match": {"path_prefix": "/oauth/token"}, "what": {"status": 503}, "times": 1},
        {"match": {"path_prefix": "/oauth/token"}, "what": {"status": 429, "retry_after_s": 9}, "times": 1},
    ]})).unwrap()).unwrap();
    let busy: Vec<OAuthError> = [
        oauth.refresh(&fresh, now()).await,
        oauth.refresh(&fresh, now()).await,
    ]
    .into_iter()
    .map(Result::unwrap_err)
    .collect();
    assert!(
        busy.iter()
            .all(|error| matches!(error, OAuthError::Throttled { .. })),
        "{busy:?}"
    );
}

#[tokio::test]
async fn health_proves_the_reach_of_an_administrator_and_says_what_another_lacks() {
    let (toy, world) = started().await;
    let by_name = |checks: Vec<event_model::HealthCheck>| -> Vec<(String, bool, String)> {
        checks
            .into_iter()
            .map(|check| (check.name, check.ok, check.detail))
            .collect()
    };
    let before = by_name(world.client.health().await);
    assert!(before.iter().all(|(_, ok, _)| *ok), "{before:#?}");
    assert!(
        before[2].2.contains("No other user has a file yet"),
        "{before:#?}"
    );
    act(
        &toy,
        json!({"do": "upload", "name": "a.txt", "content": "x"}),
    );
    let after = by_name(world.client.health().await);
    assert_eq!(
        after[2],
        (
            "content_of_all_users".into(),
            true,
            "The content of another user's file can be read.".into()
        )
    );
    assert_eq!(
        world.client.tenant_id().await.unwrap().as_deref(),
        Some("acme")
    );
    let alice = World::consented(&toy.url(), "alice").await;
    let lacking = by_name(alice.client.health().await);
    assert!(
        lacking[0].1 && !lacking[1].1 && !lacking[3].1,
        "{lacking:#?}"
    );
    assert!(
        lacking[1]
            .2
            .contains("Consent must be given by a user with the role administrator")
    );
}

#[tokio::test]
async fn activity_is_pulled_to_the_end_and_a_lost_place_says_where_to_go_on() {
    let (toy, world) = started().await;
    let start = world.client.first_position("activity").await;
    assert_eq!(start, Position::Now);
    let page = world.client.page_after("activity", &start).await.unwrap();
    assert!(page.events.is_empty() && !page.more);
    for n in 0..7 {
        act(
            &toy,
            json!({"do": "upload", "name": format!("{n}.txt"), "content": "x"}),
        );
    }
    toy.model()
        .set_faults(
            serde_json::from_value(json!({"events": {"short_page": 0.7, "empty_page": 0.5}}))
                .unwrap(),
        )
        .unwrap();
    let all = everything(&world, page.to.clone()).await;
    assert_eq!(all.len(), 7);
    assert!(
        all.iter()
            .all(|mapped| !mapped.own && mapped.activity.event_type.word() == "data_creation")
    );
    let again = everything(&world, page.to).await;
    assert_eq!(again.len(), 7, "a place can be asked again");
    let lost = world
        .client
        .page_after("activity", &Position::cursor("nonsense"))
        .await
        .unwrap_err();
    let CallError::CursorExpired {
        resume: Some(resume),
        ..
    } = lost
    else {
        panic!("{lost}")
    };
    toy.model()
        .set_faults(serde_json::from_value(json!({})).unwrap())
        .unwrap();
    assert!(everything(&world, resume).await.len() >= 7);
}

#[tokio::test]
async fn an_expired_token_is_refreshed_in_passing() {
    let (toy, world) = started().await;
    assert_eq!(toy.model().expire_tokens(None), 1);
    assert_eq!(
        world.client.tenant_id().await.unwrap().as_deref(),
        Some("acme")
    );
    assert_eq!(*world.held.rejections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_webhook_is_registered_proved_and_taken_away() {
    let (toy, world) = started().await;
    let (listener, mut deliveries) = webhook().await;
    let offer = WebhookOffer {
        url: listener,
        secret: None,
        id: "channel-1".into(),
    };
    let scopes = world.client.webhook_scopes().await.unwrap();
    let registered = world.client.register(&offer, &scopes[0]).await.unwrap();
    let secret = registered.secret.clone().unwrap();
    act(
        &toy,
        json!({"do": "upload", "name": "a.txt", "content": "x"}),
    );
    let deadline = std::time::Duration::from_secs(10);
    let (headers, body) = loop {
        let delivered = tokio::time::timeout(deadline, deliveries.recv()).await;
        let (headers, body) = delivered.unwrap().unwrap();
        if body.windows(12).any(|part| part == b"file.created") {
            break (headers, body);
        }
    };
    let secrets = [WebhookSecret {
        secret,
        not_after: None,
    }];
    let receiver = world
        .connector
        .receiver(&world.connection, &secrets)
        .unwrap();
    let delivery = Delivery {
        method: &http::Method::POST,
        query: None,
        headers: &headers,
        body: &body,
    };
    let stamp: i64 = headers["webhook-timestamp"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let at = chrono::DateTime::from_timestamp(stamp, 0).unwrap();
    let verified = receiver.verify(&delivery, at).unwrap();
    assert_eq!(verified.delivery_id(), headers["webhook-id"].to_str().ok());
    let pushed = verified.events().unwrap();
    let mapper = world.connector.mapper(&world.connection);
    let pushed = mapper.map(&pushed[0], now()).unwrap().remove(0);
    let pulled = latest(&world, pushed.activity.event_id.as_str()).await;
    assert_eq!(
        pushed.activity, pulled,
        "push and pull carry the same event"
    );
    for _ in 0..2 {
        let done = world.client.deregister(&offer.url, &registered.part).await;
        done.unwrap();
    }
    assert_eq!(toy.model().summary().active_registrations, 0);
}

type Delivered = (http::HeaderMap, bytes::Bytes);

/// A webhook that takes everything.
async fn webhook() -> (String, tokio::sync::mpsc::Receiver<Delivered>) {
    let (sender, receiver) = tokio::sync::mpsc::channel(100);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let handler = move |headers: http::HeaderMap, body: bytes::Bytes| async move {
        sender.send((headers, body)).await.unwrap();
        http::StatusCode::ACCEPTED
    };
    let router = axum::Router::new().fallback(handler);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, receiver)
}

#[tokio::test]
async fn content_is_downloaded_and_what_the_event_left_out_is_asked_for() {
    let (toy, world) = started().await;
    let (file, activity) = shared_file(&toy, &world).await;
    let content = world.client.download(&activity, 1_000).await.unwrap();
    assert_eq!(&content.bytes[..], b"4111 1111 1111 1111");
    assert_eq!(content.version.as_deref(), Some("\"v1\""));
    assert_eq!(content.content_type.as_deref(), Some("text/plain"));
    let viewed = act(&toy, json!({"do": "view", "file_id": file}))
        .event_id
        .unwrap();
    let all = everything(&world, Position::Start).await;
    let mut mapped = all
        .into_iter()
        .find(|mapped| mapped.activity.event_id.as_str() == viewed)
        .unwrap();
    let wanted = [Field::SharedLink, Field::Visibility, Field::ActorName];
    world
        .client
        .enrich(&mut mapped.activity, &mut mapped.provenance, &wanted)
        .await
        .unwrap();
    assert_eq!(mapped.activity.shared_link, activity.shared_link);
    assert_eq!(
        mapped.provenance.of(Field::Visibility).to_string(),
        "enriched"
    );
    assert_eq!(mapped.provenance.of(Field::ActorName).to_string(), "native");
    act(&toy, json!({"do": "trash", "file_id": file}));
    let gone = act(&toy, json!({"do": "upload", "name": "b", "content": "x"}))
        .event_id
        .unwrap();
    let all = everything(&world, Position::Start).await;
    let mut mapped = all
        .into_iter()
        .find(|mapped| mapped.activity.event_id.as_str() == gone)
        .unwrap();
    world
        .client
        .enrich(&mut mapped.activity, &mut mapped.provenance, &wanted)
        .await
        .unwrap();
    assert_eq!(
        mapped.provenance.of(Field::SharedLink).to_string(),
        "absent: the service does not have it"
    );
}

async fn carry_out(client: &ServiceClient, ask: &Ask<'_>) -> Snapshot {
    let snapshot = client.snapshot(ask).await.unwrap();
    assert!(
        !client.in_effect(ask, Some(&snapshot)).await.unwrap(),
        "{} before",
        ask.kind
    );
    client.execute(ask, &snapshot).await.unwrap();
    client.execute(ask, &snapshot).await.unwrap();
    assert!(
        client.in_effect(ask, Some(&snapshot)).await.unwrap(),
        "{} after",
        ask.kind
    );
    snapshot
}

#[tokio::test]
async fn every_remedy_is_seen_to_be_done_and_undone_to_the_letter() {
    let (toy, world) = started().await;
    let (file, linked) = shared_file(&toy, &world).await;
    let shared = everything(&world, Position::Start)
        .await
        .into_iter()
        .map(|mapped| mapped.activity);
    let shared = shared
        .into_iter()
        .find(|activity| activity.event_name.as_deref() == Some("file.shared"))
        .unwrap();
    let before = state(&toy, &file);
    let rows = [
        (
            RemedyKind::Quarantine,
            &linked,
            None,
            vec!["path", "shares", "links", "content"],
        ),
        (
            RemedyKind::Delete,
            &linked,
            None,
            vec!["path", "shares", "links"],
        ),
        (RemedyKind::RemoveLink, &linked, None, vec!["links"]),
        (
            RemedyKind::RemoveCollaborator,
            &shared,
            None,
            vec!["shares"],
        ),
        (
            RemedyKind::DowngradeRole,
            &shared,
            Some("viewer"),
            vec!["shares"],
        ),
    ];
    for (kind, activity, role, parts) in rows {
        let particulars = Particulars {
            role: role.map(str::to_owned),
            ..Particulars::default()
        };
        let ask = Ask {
            particulars: &particulars,
            ..plain(kind, activity)
        };
        let snapshot = carry_out(&world.client, &ask).await;
        assert_ne!(state(&toy, &file), before, "{kind}");
        let restoration = world.client.undo(&ask, &snapshot).await.unwrap();
        assert_eq!(
            (restoration.restored, restoration.not_restored),
            (
                parts.iter().map(|part| (*part).to_owned()).collect(),
                vec![]
            ),
            "{kind}"
        );
        assert_eq!(state(&toy, &file), before, "{kind} undone");
        let again = world.client.undo(&ask, &snapshot).await.unwrap();
        assert_eq!(
            again.not_restored,
            Vec::<String>::new(),
            "{kind} undone twice"
        );
    }
    let own = everything(&world, Position::Start).await;
    let own: Vec<&connector::Mapped> = own.iter().filter(|mapped| mapped.own).collect();
    assert!(
        own.iter()
            .any(|mapped| mapped.activity.event_name.as_deref() == Some("file.moved"))
    );
}

#[tokio::test]
async fn quarantine_holds_the_content_and_purge_ends_it() {
    let (toy, world) = started().await;
    let (file, activity) = shared_file(&toy, &world).await;
    let link = activity.shared_link.clone().unwrap();
    assert_eq!(reqwest::get(&link).await.unwrap().status(), 200);
    let snapshot = carry_out(&world.client, &plain(RemedyKind::Quarantine, &activity)).await;
    assert_eq!(reqwest::get(&link).await.unwrap().status(), 404);
    let held = world
        .client
        .quarantined_content(&activity, Some(&snapshot), 1_000)
        .await
        .unwrap();
    assert_eq!(&held.bytes[..], b"4111 1111 1111 1111");
    let purge = plain(RemedyKind::Purge, &activity);
    world.client.purge(&purge, &snapshot).await.unwrap();
    world.client.purge(&purge, &snapshot).await.unwrap();
    assert!(toy.model().file("acme", &file).is_err());
    let outcome = world
        .client
        .undo(&plain(RemedyKind::Quarantine, &activity), &snapshot)
        .await
        .unwrap();
    assert_eq!(outcome.restored, Vec::<String>::new());
    assert!(outcome.not_restored.len() >= 4, "{outcome:?}");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_nothing_is_changed() {
    let (toy, world) = started().await;
    let (file, activity) = shared_file(&toy, &world).await;
    let client = &world.client;
    let snapshot = client
        .snapshot(&plain(RemedyKind::Quarantine, &activity))
        .await
        .unwrap();
    act(
        &toy,
        json!({"do": "update", "file_id": file, "content": "harmless"}),
    );
    let before = state(&toy, &file);
    let outcome = client
        .execute(&plain(RemedyKind::Quarantine, &activity), &snapshot)
        .await;
    assert_eq!(outcome.unwrap_err(), CallError::VersionMismatch);
    assert_eq!(
        state(&toy, &file),
        before,
        "a newer version is not quarantined"
    );
    let outcome = client
        .snapshot(&plain(RemedyKind::RemoveCollaborator, &activity))
        .await
        .unwrap_err();
    let expected = CallError::NotSupported {
        what: "the activity names no user who was shared with".into(),
    };
    assert_eq!(outcome, expected);
    let snapshot = client
        .snapshot(&plain(RemedyKind::Quarantine, &activity))
        .await
        .unwrap();
    client
        .execute(&plain(RemedyKind::Quarantine, &activity), &snapshot)
        .await
        .unwrap();
    let mut broken = snapshot.clone();
    broken.values["permissions"][0]["user"]["id"] = json!("u_acme_nobody");
    let outcome = client
        .undo(&plain(RemedyKind::Quarantine, &activity), &broken)
        .await
        .unwrap();
    assert_eq!(outcome.restored, ["path", "links", "content"]);
    assert!(
        outcome.not_restored[0].starts_with("shares: "),
        "{outcome:?}"
    );
    let unknown = raw(&json!({"id": "e", "type": "user.login", "actor": {"id": "a"}}));
    let login = world
        .connector
        .mapper(&world.connection)
        .map(&unknown, now())
        .unwrap()
        .remove(0);
    let outcome = client
        .snapshot(&plain(RemedyKind::Quarantine, &login.activity))
        .await
        .unwrap_err();
    assert!(matches!(outcome, CallError::NotSupported { .. }));
}

#[tokio::test]
async fn a_folder_that_is_not_restricted_is_no_quarantine() {
    let (toy, world) = started().await;
    let (file, activity) = shared_file(&toy, &world).await;
    let (tokens, _) = world.consent("admin").await;
    let made = reqwest::Client::new()
        .post(format!("{}/api/v1/folders", toy.url()))
        .bearer_auth(tokens.access_token.expose())
        .json(&json!({"name": "Tidegate quarantine", "parent_id": null, "restricted": false}))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    let before = state(&toy, &file);
    let snapshot = world
        .client
        .snapshot(&plain(RemedyKind::Quarantine, &activity))
        .await
        .unwrap();
    let outcome = world
        .client
        .execute(&plain(RemedyKind::Quarantine, &activity), &snapshot)
        .await;
    assert!(
        matches!(outcome, Err(CallError::Malformed { .. })),
        "{outcome:?}"
    );
    assert_eq!(state(&toy, &file), before);
}
