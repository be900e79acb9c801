//! The suite of [`AccountStore`](crate::AccountStore), [`SessionStore`](crate::SessionStore) and
//! [`TokenStore`](crate::TokenStore).

use std::collections::BTreeSet;

use event_model::{
    Account, AccountId, AccountState, ApiToken, ConnectionScope, PageRequest, Permission, Role,
    Secret, Session, SessionId, SessionStage, Subject, TokenId,
};

use super::samples::at;
use super::{RelationalStore, every_item};
use crate::{AccountLink, Credentials, SESSIONS_MAX, SecondFactor, StoreError};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_name_and_a_subject_are_one_accounts(&fresh().await).await;
    an_account_changes_by_its_revision_only(&fresh().await).await;
    credentials_are_replaced_by_who_read_the_last(&fresh().await).await;
    a_link_is_taken_once_and_in_time(&fresh().await).await;
    a_session_is_found_until_it_ends(&fresh().await).await;
    the_least_used_session_makes_room(&fresh().await).await;
    sessions_are_ended_one_by_one_and_together(&fresh().await).await;
    a_token_is_revoked_for_good(&fresh().await).await;
}

/// The n-th account.
pub fn account(n: u32) -> Account {
    Account {
        id: AccountId::new(at(i64::from(n)), u128::from(n)),
        name: format!("Person-{n}"),
        roles: BTreeSet::from([Role::Analyst]),
        groups: BTreeSet::from(["soc\0\u{E000}".to_owned()]),
        scope: ConnectionScope::Every,
        state: AccountState::Active,
        subject: None,
        second_factor: false,
        created_at: at(i64::from(n)),
        signed_in_at: None,
        revision: 1,
    }
}

fn session(n: u32, account: Option<AccountId>) -> Session {
    let now = at(100 + i64::from(n));
    Session {
        id: SessionId::new(now, u128::from(n)),
        account,
        stage: SessionStage::Full,
        created_at: now,
        seen_at: now,
        ends_at: at(100_000),
        address: Some("192.0.2.1".into()),
        agent: "a browser".into(),
    }
}

fn token(n: u32, account: AccountId) -> ApiToken {
    let now = at(100 + i64::from(n));
    ApiToken {
        id: TokenId::new(now, u128::from(n)),
        account,
        name: "ci".into(),
        permissions: BTreeSet::from([Permission::StatsRead]),
        scope: ConnectionScope::nothing(),
        created_at: now,
        expires_at: at(100_000),
        used_at: None,
        revoked_at: None,
    }
}

fn is_conflict<T: std::fmt::Debug>(outcome: Result<T, StoreError>, why: &str) {
    assert!(
        matches!(outcome, Err(StoreError::Conflict { .. })),
        "{why}: {outcome:?}"
    );
}

async fn a_name_and_a_subject_are_one_accounts(store: &impl RelationalStore) {
    let subject = Subject {
        issuer: "https://id.example".into(),
        subject: "7".into(),
    };
    let first = Account {
        subject: Some(subject.clone()),
        ..account(1)
    };
    store.add_account(&first).await.expect("it is added");
    for (why, name, of) in [
        ("the name is taken", "Person-1", None),
        ("the name is taken in another case", "pERSON-1", None),
        ("the subject is taken", "Other", Some(subject.clone())),
    ] {
        let other = Account {
            name: name.into(),
            subject: of,
            ..account(2)
        };
        is_conflict(store.add_account(&other).await, why);
    }
    store.add_account(&account(2)).await.expect("it is added");
    let same = Account {
        id: first.id,
        ..account(3)
    };
    is_conflict(store.add_account(&same).await, "the id is taken");
    let named = store.account_named("PERSON-1").await.expect("a read");
    assert_eq!(named, Some(first.clone()));
    let of = store.account_of(&subject).await.expect("a read");
    assert_eq!(of, Some(first.clone()));
    let split = Subject {
        issuer: "https://id.exampl".into(),
        subject: "e7".into(),
    };
    assert_eq!(store.account_of(&split).await.expect("a read"), None);
    assert_eq!(store.account(first.id).await.expect("a read"), Some(first));
    assert_eq!(store.account_count().await.expect("a count"), 2);
    let listed = every_item(1, async |request| store.account_page(&request).await).await;
    let names: Vec<&str> = listed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["Person-1", "Person-2"], "the oldest first");
}

async fn an_account_changes_by_its_revision_only(store: &impl RelationalStore) {
    store.add_account(&account(1)).await.expect("it is added");
    let mut changed = account(1);
    changed.state = AccountState::Disabled;
    let saved = store.save_account(&changed).await.expect("it is saved");
    assert_eq!(saved.revision, 2);
    let read = store.account(saved.id).await.expect("a read");
    assert_eq!(read, Some(saved.clone()));
    is_conflict(store.save_account(&changed).await, "it was changed");
    let renamed = Account {
        name: "Other".into(),
        ..saved
    };
    is_conflict(store.save_account(&renamed).await, "a name is for good");
    is_conflict(store.save_account(&account(9)).await, "there is none");
}

async fn credentials_are_replaced_by_who_read_the_last(store: &impl RelationalStore) {
    let id = account(1).id;
    let nothing = Credentials::default();
    let none = store.replace_credentials(id, 0, &nothing).await;
    assert!(
        matches!(none, Err(StoreError::NotFound { .. })),
        "there is no account: {none:?}"
    );
    store.add_account(&account(1)).await.expect("it is added");
    let read = store.credentials(id).await.expect("a read");
    assert_eq!(read, (Credentials::default(), 0));
    let first = Credentials {
        password: Some(Secret::new("$argon2id$".into())),
        second_factor: Some(SecondFactor {
            secret: Secret::new(vec![0, 255]),
            step: 7,
            recovery: vec!["ab".into()],
        }),
        enrolling: Some(Secret::new(vec![1])),
    };
    let kept = store.replace_credentials(id, 0, &first).await;
    kept.expect("nobody was before");
    let (read, version) = store.credentials(id).await.expect("a read");
    assert_eq!(read, first);
    let late = store.replace_credentials(id, 0, &nothing).await;
    is_conflict(late, "another was before");
    let next = store.replace_credentials(id, version, &nothing).await;
    next.expect("it was read last");
    let again = store.replace_credentials(id, version, &first).await;
    is_conflict(again, "another was before");
}

async fn a_link_is_taken_once_and_in_time(store: &impl RelationalStore) {
    let (one, other) = (account(1).id, account(2).id);
    let link = |account, end| AccountLink {
        account,
        expires_at: at(end),
    };
    store.add_link("a", &link(one, 10)).await.expect("kept");
    store.add_link("b", &link(other, 10)).await.expect("kept");
    assert_eq!(
        store.link("a", at(9)).await.expect("a read"),
        Some(link(one, 10))
    );
    assert_eq!(store.link("a", at(10)).await.expect("a read"), None);
    assert_eq!(store.take_link("a", at(10)).await.expect("late"), None);
    store.add_link("c", &link(one, 20)).await.expect("kept");
    assert_eq!(store.link("a", at(9)).await.expect("a read"), None);
    let taken = store.take_link("c", at(9)).await.expect("taken");
    assert_eq!(taken, Some(link(one, 20)));
    assert_eq!(store.take_link("c", at(9)).await.expect("again"), None);
    assert!(store.take_link("b", at(9)).await.expect("taken").is_some());
}

async fn a_session_is_found_until_it_ends(store: &impl RelationalStore) {
    let owner = account(1);
    store.add_account(&owner).await.expect("it is added");
    let (mine, machine) = (session(1, Some(owner.id)), session(2, None));
    store.open_session("a", &mine).await.expect("kept");
    store.open_session("b", &machine).await.expect("kept");
    let found = store.session("a", at(200)).await.expect("a read");
    assert_eq!(found, Some((mine.clone(), Some(owner))));
    let found = store.session("b", at(200)).await.expect("a read");
    assert_eq!(found, Some((machine, None)));
    let late = store.session("a", mine.ends_at).await.expect("a read");
    assert_eq!(late, None);
    store.see_session(mine.id, at(500)).await.expect("seen");
    store.see_session(mine.id, at(400)).await.expect("seen");
    let (seen, _) = store
        .session("a", at(600))
        .await
        .expect("a read")
        .expect("one");
    assert_eq!(seen.seen_at, at(500), "it was not used earlier than that");
    let later = Session {
        created_at: at(100_001),
        ends_at: at(200_000),
        ..session(3, None)
    };
    store.open_session("c", &later).await.expect("kept");
    let ended = store.session("a", at(100)).await.expect("a read");
    assert_eq!(ended, None, "what ended is forgotten");
}

async fn the_least_used_session_makes_room(store: &impl RelationalStore) {
    let owner = account(1).id;
    for n in 0..SESSIONS_MAX + 2 {
        let one = session(n, Some(owner));
        store
            .open_session(&format!("h{n}"), &one)
            .await
            .expect("kept");
        if n == 0 {
            store.see_session(one.id, at(50_000)).await.expect("seen");
        }
    }
    let other = session(900, Some(account(2).id));
    store.open_session("other", &other).await.expect("kept");
    let mine = store.sessions_of(Some(owner), at(200)).await;
    let mine = mine.expect("a list");
    assert_eq!(mine.len(), SESSIONS_MAX as usize);
    assert_eq!(mine[0].seen_at, at(50_000), "the last used first");
    assert!(
        store
            .session("h1", at(200))
            .await
            .expect("a read")
            .is_none()
    );
    assert!(
        store
            .session("h3", at(200))
            .await
            .expect("a read")
            .is_some()
    );
}

async fn sessions_are_ended_one_by_one_and_together(store: &impl RelationalStore) {
    let owner = account(1).id;
    for n in 1..=4 {
        let of = if n == 4 { None } else { Some(owner) };
        let kept = store.open_session(&format!("h{n}"), &session(n, of)).await;
        kept.expect("kept");
    }
    store
        .end_session(session(1, None).id)
        .await
        .expect("it ends");
    store.end_session(session(1, None).id).await.expect("twice");
    let ended = store.end_sessions(Some(owner), Some(session(2, None).id));
    assert_eq!(ended.await.expect("they end"), 1);
    let left = store.sessions_of(Some(owner), at(200)).await;
    let left: Vec<SessionId> = left.expect("a list").iter().map(|one| one.id).collect();
    assert_eq!(left, [session(2, None).id]);
    assert_eq!(store.end_sessions(None, None).await.expect("they end"), 1);
    let mine = store.sessions_of(Some(owner), at(200)).await;
    assert_eq!(mine.expect("a list").len(), 1, "nobody else's ended");
}

async fn a_token_is_revoked_for_good(store: &impl RelationalStore) {
    let owner = account(1);
    store.add_account(&owner).await.expect("it is added");
    let first = token(1, owner.id);
    store.add_token("a", &first).await.expect("kept");
    is_conflict(store.add_token("a", &token(2, owner.id)).await, "the hash");
    is_conflict(store.add_token("b", &first).await, "the id");
    store
        .add_token("b", &token(2, owner.id))
        .await
        .expect("kept");
    let found = store.token_of_hash("a").await.expect("a read");
    assert_eq!(found, Some((first.clone(), owner.clone())));
    assert_eq!(store.token_of_hash("x").await.expect("a read"), None);
    let revoked = store.revoke_token(first.id, at(300)).await;
    assert_eq!(revoked.expect("revoked").revoked_at, Some(at(300)));
    store.token_used(first.id, at(250)).await.expect("noted");
    let again = store.revoke_token(first.id, at(400)).await;
    let again = again.expect("revoked");
    assert_eq!(again.revoked_at, Some(at(300)), "the first moment stays");
    assert_eq!(again.used_at, Some(at(250)));
    assert_eq!(store.token(first.id).await.expect("a read"), Some(again));
    let none = store.revoke_token(token(9, owner.id).id, at(1)).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })), "{none:?}");
    for (of, count) in [(None, 2), (Some(owner.id), 2), (Some(account(2).id), 0)] {
        let listed = every_item(1, async |request: PageRequest| {
            store.token_page(of, &request).await
        });
        assert_eq!(listed.await.len(), count);
    }
}
