//! The suites of the ports that keep what must not be shown.

use event_model::Secret;

use super::RelationalStore;
use super::samples::{at, connection_id};
use crate::{PendingConsent, StoreError, Tokens, WebhookSecret};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_grant_is_replaced_only_by_who_read_the_last_one(&fresh().await).await;
    of_many_who_replace_a_grant_at_once_one_does(&fresh().await).await;
    a_forgotten_grant_is_not_replaced_by_who_read_it_before(&fresh().await).await;
    client_secrets_are_kept_apart(&fresh().await).await;
    webhook_secrets_are_replaced_together(&fresh().await).await;
    a_consent_is_taken_once_and_not_after_its_expiry(&fresh().await).await;
}

fn tokens(access: &str) -> Tokens {
    Tokens {
        access_token: Secret::new(access.into()),
        refresh_token: Some(Secret::new(format!("refresh {access}"))),
        expires_at: Some(at(60)),
        scope: Some("files".into()),
    }
}

async fn a_grant_is_replaced_only_by_who_read_the_last_one(store: &impl RelationalStore) {
    let id = connection_id(1);
    assert_eq!(store.grant(id).await.expect("a read"), None);
    let first = store.replace_grant(id, None, &tokens("a")).await;
    let first = first.expect("the first grant");
    let read = store.grant(id).await.expect("a read");
    assert_eq!(read, Some(first.clone()));
    let again = store.replace_grant(id, None, &tokens("b")).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    let second = store
        .replace_grant(id, Some(first.version), &tokens("b"))
        .await
        .expect("the second grant");
    assert_eq!(second.version, first.version + 1);
    let late = store
        .replace_grant(id, Some(first.version), &tokens("c"))
        .await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })));
    assert_eq!(store.grant(id).await.expect("a read"), Some(second));
    let other = store.grant(connection_id(2)).await.expect("a read");
    assert_eq!(other, None, "another connection has its own");
}

async fn of_many_who_replace_a_grant_at_once_one_does(store: &impl RelationalStore) {
    let id = connection_id(1);
    let first = store.replace_grant(id, None, &tokens("a")).await;
    let read = Some(first.expect("the first grant").version);
    let given: Vec<Tokens> = (0..8).map(|n| tokens(&n.to_string())).collect();
    let all = given
        .iter()
        .map(|tokens| store.replace_grant(id, read, tokens));
    let all = futures::future::join_all(all).await;
    let won: Vec<_> = all.into_iter().filter_map(Result::ok).collect();
    assert_eq!(won.len(), 1, "two refreshes lose the grant");
    assert_eq!(store.grant(id).await.expect("a read").as_ref(), won.first());
}

async fn a_forgotten_grant_is_not_replaced_by_who_read_it_before(store: &impl RelationalStore) {
    let id = connection_id(1);
    let first = store.replace_grant(id, None, &tokens("a")).await;
    let read = first.expect("the first grant").version;
    store.forget_grant(id).await.expect("it is forgotten");
    assert_eq!(store.grant(id).await.expect("a read"), None);
    let new = store.replace_grant(id, None, &tokens("new")).await;
    let new = new.expect("a new consent");
    let late = store.replace_grant(id, Some(read), &tokens("late")).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })));
    assert_eq!(store.grant(id).await.expect("a read"), Some(new));
}

async fn client_secrets_are_kept_apart(store: &impl RelationalStore) {
    let [a, b] = [1, 2].map(connection_id);
    let secret = |text: &str| Secret::new(text.to_owned());
    for (id, text) in [(a, "old"), (b, "other"), (a, "new")] {
        let put = store.put_client_secret(id, &secret(text)).await;
        put.expect("it is kept");
    }
    let read = store.client_secret(a).await.expect("a read");
    assert_eq!(read, Some(secret("new")));
    let read = store.client_secret(b).await.expect("a read");
    assert_eq!(read, Some(secret("other")));
    let none = store.client_secret(connection_id(3)).await;
    assert_eq!(none.expect("a read"), None);
}

async fn webhook_secrets_are_replaced_together(store: &impl RelationalStore) {
    let id = connection_id(1);
    let secret = |text: &str, not_after| WebhookSecret {
        secret: Secret::new(text.into()),
        not_after,
    };
    let none = store.webhook_secrets(id).await.expect("a read");
    assert_eq!(none, []);
    let given = [secret("new", None), secret("old", Some(at(60)))];
    for secrets in [&given[1..], &given[..]] {
        let put = store.put_webhook_secrets(id, secrets).await;
        put.expect("they are kept");
        let read = store.webhook_secrets(id).await.expect("a read");
        assert_eq!(read, secrets);
    }
}

async fn a_consent_is_taken_once_and_not_after_its_expiry(store: &impl RelationalStore) {
    let consent = PendingConsent {
        connection_id: connection_id(1),
        code_verifier: Secret::new("verifier".into()),
        redirect_uri: "http://127.0.0.1:8080/oauth/callback".into(),
        expires_at: at(60),
    };
    for state in ["once", "late"] {
        let begun = store.begin_consent(state, &consent).await;
        begun.expect("it is begun");
    }
    let unknown = store.take_consent("unknown", at(1)).await.expect("a read");
    assert_eq!(unknown, None);
    let taken = store.take_consent("once", at(59)).await.expect("a read");
    assert_eq!(taken, Some(consent));
    let again = store.take_consent("once", at(59)).await.expect("a read");
    assert_eq!(again, None, "a second callback");
    let late = store.take_consent("late", at(60)).await.expect("a read");
    assert_eq!(late, None, "after its expiry");
    let turned_back = store.take_consent("late", at(1)).await.expect("a read");
    assert_eq!(turned_back, None, "an expired consent is gone");
}
