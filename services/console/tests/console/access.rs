//! Access policies: administered over API and pages, and held to whenever the vault's content is read or moved.

mod api;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use event_model::{
    ConnectionScope, Permission, QuarantineId, QuarantineItem, QuarantineState, RemedyKind,
    RemedyState, Role, Snapshot, VaultOrigin, Vaulted, VaultedContent,
};
use ports::{AccountStore, Clock, RemedyProgress, RemedyStore};
use serde_json::{Value, json};
use vault::NewItem;

use crate::browser::Browser;
use crate::people::Person;
use crate::world::{Answer, World};

impl World {
    /// An object that was taken into the vault, with these contents, the oldest first.
    async fn vaults(&self, contents: &[&str]) -> QuarantineId {
        let connection = self.connects("toy-cloud").await;
        self.violates(connection, "e1", &[RemedyKind::QuarantineToVault])
            .await;
        let mut held = Vec::new();
        for content in contents {
            let new = NewItem {
                name: "salaries \"2026\".xlsx".into(),
                origin: VaultOrigin::Stream,
                keep_until: None,
            };
            let mut put = self.vault.put(new, "test").await.unwrap();
            put.copy_from(&mut content.as_bytes(), |_| ())
                .await
                .unwrap();
            held.push(VaultedContent {
                item: put.finish().await.unwrap().id,
                of: Value::Null,
                bytes: Some(content.len() as u64),
                sha256: None,
            });
        }
        let (now, ttl) = (self.clock.now(), Duration::from_secs(60));
        let claimed = self
            .store
            .claim_remedies("test", 1, ttl, now)
            .await
            .unwrap();
        let claimed = claimed.into_iter().next().unwrap();
        let mut remedy = claimed.remedy;
        remedy.snapshot = Some(Snapshot {
            taken_at: now,
            values: serde_json::Map::new(),
        });
        remedy.vaulted = Some(Vaulted {
            tombstone: "away".into(),
            tombstone_stays: true,
            contents: held,
        });
        remedy.step(RemedyState::Executing, now).unwrap();
        remedy.step(RemedyState::Done, now).unwrap();
        let id = QuarantineId::for_remedy(remedy.id);
        let vaulted = remedy.vaulted.iter().flat_map(|one| &one.contents);
        let item = QuarantineItem {
            id,
            connection_id: remedy.connection_id,
            incident_id: remedy.incident_id,
            remedy_id: remedy.id,
            object_id: "file-1".into(),
            object_name: None,
            object_path: None,
            state: QuarantineState::Held,
            snapshot: remedy.snapshot.clone(),
            vault_items: vaulted.map(|one| one.item).collect(),
            restoration: None,
            held_at: now,
            updated_at: now,
        };
        let progress = RemedyProgress {
            timeline: None,
            quarantine: Some(item),
            release: true,
        };
        let saved = self
            .store
            .save_remedy(&claimed.lease, now, &remedy, &progress);
        saved.await.unwrap();
        id
    }

    async fn makes(&self, path: &str, body: Value) -> String {
        let made = self.call("POST", path, &body.to_string()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{body}: {}", made.text);
        assert_eq!(made.header("etag"), "\"1\"");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("location"), format!("/api/v1{path}/{id}"));
        id
    }

    /// The group that holds for the vault, with that default and those policies, added in that order.
    async fn guards_the_vault(&self, default: &str, policies: &[Value]) -> String {
        let mut linked = Vec::new();
        for policy in policies {
            linked.push(self.makes("/access-policies", policy.clone()).await);
        }
        let group = json!({"name": "vault", "os_type": "Linux", "default_access": default,
            "policies": linked});
        self.makes("/access-policy-groups", group).await
    }
}

/// What somebody gets of an item: `plaintext`, `ciphertext`, or the code of the refusal.
async fn gets(answer: Answer, plaintext: &str) -> String {
    if answer.status == StatusCode::OK {
        let view = answer.header("x-tidegate-view").to_owned();
        assert_eq!(answer.text.contains(plaintext), view == "plaintext");
        assert!(view == "plaintext" || answer.text.starts_with("TGVAULT1"));
        let named = answer.header("content-disposition");
        assert_eq!(
            named,
            "attachment; filename*=UTF-8''salaries%20%222026%22%2Exlsx"
        );
        return view;
    }
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    answer.json()["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn without_a_group_for_the_vault_the_roles_hold_alone() {
    let world = World::new().await;
    let item = world.vaults(&["the older one", "the newer one"]).await;
    let path = format!("/quarantine/{item}/content");
    for (role, expected) in [
        (Role::Administrator, "plaintext"),
        (Role::Reviewer, "plaintext"),
        (Role::Analyst, "TG-060"),
        (Role::Auditor, "TG-060"),
    ] {
        let person = Person::with(&world, role, ConnectionScope::Every).await;
        let answer = person.calls(&world, "GET", &path, "").await;
        assert_eq!(gets(answer, "the newer one").await, expected, "{role}");
    }
    for (version, status, expected) in [
        ("1", 200, "the older one"),
        ("2", 200, "the newer one"),
        ("3", 400, "is 1 to 2"),
        ("0", 400, "is 1 to 2"),
        ("x", 400, "version"),
    ] {
        let answer = world
            .call("GET", &format!("{path}?version={version}"), "")
            .await;
        assert_eq!(answer.status.as_u16(), status, "{version}: {}", answer.text);
        assert!(answer.text.contains(expected), "{}", answer.text);
    }
    let read = world.audited().await;
    assert_eq!(read.iter().filter(|one| *one == "vault.read").count(), 4);
}

#[tokio::test]
async fn what_the_vault_holds_is_read_and_moved_only_as_policies_and_role_let() {
    // default, policy => what a reviewer reads by browser; what by a token; whether restoring, deleting is let
    let rows: [(&str, Value, &str, &str, bool, bool); 9] = [
        ("NoAccess", json!(null), "TG-066", "TG-066", false, false),
        (
            "ReadWrite",
            json!(null),
            "plaintext",
            "plaintext",
            true,
            true,
        ),
        ("Read", json!(null), "plaintext", "plaintext", false, false),
        (
            "ReadWriteCipher",
            json!(null),
            "ciphertext",
            "ciphertext",
            true,
            false,
        ),
        ("Write", json!(null), "TG-066", "TG-066", true, true),
        (
            "NoAccess",
            json!({"group": "soc", "access": "Read"}),
            "plaintext",
            "plaintext",
            false,
            false,
        ),
        (
            "ReadWrite",
            json!({"process": "/tidegate/api", "access": "ReadCipher"}),
            "plaintext",
            "ciphertext",
            true,
            true,
        ),
        (
            "NoAccess",
            json!({"process": "/tidegate/api/{user}/ci", "access": "Read"}),
            "TG-066",
            "plaintext",
            false,
            false,
        ),
        (
            "NoAccess",
            json!({"user": "{user}@tidegate", "process": "/tidegate/console", "access": "ReadWrite"}),
            "plaintext",
            "TG-066",
            true,
            true,
        ),
    ];
    for (default, policy, by_browser, by_token, restores, deletes) in rows {
        let world = World::new().await;
        let item = world.vaults(&["salaries"]).await;
        let reviewer = Person::with(&world, Role::Reviewer, ConnectionScope::Every).await;
        let mut account = reviewer.account.clone();
        account.groups = ["soc".to_owned()].into();
        world.store.save_account(&account).await.unwrap();
        let said = policy.to_string().replace("{user}", &account.name);
        let policy: Value = serde_json::from_str(&said).unwrap();
        let policies: Vec<Value> = [policy.clone()]
            .into_iter()
            .filter(|one| !one.is_null())
            .collect();
        world.guards_the_vault(default, &policies).await;
        let row = format!("{default} {policy}");
        let path = format!("/quarantine/{item}");
        let read = reviewer
            .calls(&world, "GET", &format!("{path}/content"), "")
            .await;
        assert_eq!(gets(read, "salaries").await, by_browser, "{row}");
        let token = reviewer
            .token(&world, &[Permission::QuarantineContent])
            .await;
        let request = Request::get(format!("/api/v1{path}/content"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let read = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(gets(read, "salaries").await, by_token, "{row}");
        // Deleting waits for approval or is planned; restoring comes first only where deleting is refused.
        let deleted = reviewer
            .calls(&world, "POST", &format!("{path}/delete"), "")
            .await;
        assert_eq!(
            deleted.status == StatusCode::ACCEPTED,
            deletes,
            "{row}: {}",
            deleted.text
        );
        if !deletes {
            assert_eq!(deleted.json()["code"], "TG-066", "{row}");
            let restored = reviewer
                .calls(&world, "POST", &format!("{path}/restore"), "")
                .await;
            assert_eq!(
                restored.status == StatusCode::ACCEPTED,
                restores,
                "{row}: {}",
                restored.text
            );
        }
        let refused = by_browser == "TG-066" || by_token == "TG-066" || !deletes;
        let trail = world.audited().await;
        assert_eq!(
            trail.contains(&"access.refuse".to_owned()),
            refused,
            "{row}"
        );
    }
}

#[tokio::test]
async fn no_policy_gives_more_than_the_role() {
    let world = World::new().await;
    let item = world.vaults(&["salaries"]).await;
    world.guards_the_vault("ReadWrite", &[]).await;
    let path = format!("/quarantine/{item}");
    for role in [Role::Analyst, Role::Auditor] {
        let person = Person::with(&world, role, ConnectionScope::Every).await;
        let name = person.account.name.clone();
        let own = json!({"user": name, "access": "ReadWrite"});
        world.makes("/access-policies", own).await;
        let read = person
            .calls(&world, "GET", &format!("{path}/content"), "")
            .await;
        assert_eq!(gets(read, "salaries").await, "TG-060", "{role}");
        let deleted = person
            .calls(&world, "POST", &format!("{path}/delete"), "")
            .await;
        assert_eq!(deleted.json()["code"], "TG-060", "{role}");
    }
    // A token that is for reading the list reads no content, whoever owns it.
    let owner = Person::with(&world, Role::Administrator, ConnectionScope::Every).await;
    let token = owner.token(&world, &[Permission::QuarantineRead]).await;
    let request = Request::get(format!("/api/v1{path}/content"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let read = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(gets(read, "salaries").await, "TG-060");
}

#[tokio::test]
async fn the_pages_work_by_forms_alone_and_say_who_wins_and_who_loses() {
    let world = World::new().await;
    let browser = Browser::signs_in(&world).await;
    let page = browser.shows("/access").await;
    assert!(
        page.contains("No group is called <code>vault</code>"),
        "{page}"
    );
    let made = browser
        .posts("/access/policies", "name=own&user=ada&access=ReadWrite")
        .await;
    let own = made.header("location").to_owned();
    let made = browser
        .posts(
            "/access/policies",
            "name=all+of+hr&group=hr&process=%2Fbin%2Fcat&access=Read",
        )
        .await;
    let hr = made.header("location").to_owned();
    assert!(
        browser
            .shows(&hr)
            .await
            .contains("user or group with process")
    );
    let wrong = browser
        .posts("/access/policies", "user=a%2Fb&name=%3Cb%3E")
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("is not the name of a user") && wrong.text.contains("value=\"a/b\"")
    );
    assert!(!wrong.text.contains("<b>"), "{}", wrong.text);
    let made = browser
        .posts(
            "/access/groups",
            "name=vault&os_type=Linux&encrypt_data=yes&default_access=NoAccess",
        )
        .await;
    let group = made.header("location").to_owned();
    for policy in [&own, &hr] {
        let id = policy.rsplit('/').next().unwrap();
        let linked = browser
            .posts(&format!("{group}/link"), &format!("policy={id}"))
            .await;
        assert_eq!(linked.status, StatusCode::SEE_OTHER, "{}", linked.text);
    }
    let page = browser.shows(&group).await;
    let places: Vec<usize> = ["all of hr</a>", "own</a>", "whom no policy is about"]
        .iter()
        .map(|text| page.find(text).unwrap())
        .collect();
    assert!(
        places.is_sorted(),
        "the one with a process comes first: {places:?}"
    );
    let asked = format!("{group}?user=ada&member_of=hr&process=%2Fbin%2Fcat");
    let page = browser.shows(&asked).await;
    assert!(page.contains("<strong>all of hr</strong> wins"), "{page}");
    assert!(page.contains("loses"), "{page}");
    let page = browser.shows(&format!("{group}?user=eve&item=qua_x")).await;
    assert!(page.contains("role=\"alert\""), "{page}");
    let page = browser.shows("/access").await;
    assert!(!page.contains("No group is called"), "{page}");

    let auditor = Person::with(&world, Role::Auditor, ConnectionScope::Every).await;
    let seen = auditor.get(&world, &group).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(!seen.text.contains("Change it"), "{}", seen.text);
    let refused = auditor.posts(&world, &format!("{group}/delete"), "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let form = "name=own&user=ada&access=NoAccess&version=1";
    for (form, expected) in [
        (form, StatusCode::SEE_OTHER),
        (form, StatusCode::PRECONDITION_FAILED),
    ] {
        let saved = browser.posts(&format!("{own}/save"), form).await;
        assert_eq!(saved.status, expected, "{}", saved.text);
    }
    let deleted = browser.posts(&format!("{group}/delete"), "version=3").await;
    assert_eq!(deleted.header("location"), "/access", "{}", deleted.text);
}
