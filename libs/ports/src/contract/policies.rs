//! The suite of [`PolicyStore`](crate::PolicyStore).

use event_model::{PageRequest, PolicyVersion};

use super::samples::{policy, policy_id};
use super::{RelationalStore, every_item};
use crate::StoreError;

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    versions_follow_each_other_and_never_change(&fresh().await).await;
    at_most_one_version_is_in_use(&fresh().await).await;
    a_name_in_use_is_not_taken_twice(&fresh().await).await;
    the_list_shows_the_latest_version_of_each(&fresh().await).await;
}

fn is_conflict<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Conflict { .. }))
}

async fn in_use(store: &impl RelationalStore) -> Vec<(PolicyVersion, u32)> {
    let versions = store.policies_in_use().await.expect("a read");
    versions
        .into_iter()
        .map(|version| (version.clone(), version.version))
        .collect()
}

async fn versions_follow_each_other_and_never_change(store: &impl RelationalStore) {
    let refused = store.save_policy(&policy(1, 2, false)).await;
    assert!(is_conflict(&refused), "the first is 1: {refused:?}");
    let first = policy(1, 1, false);
    store.save_policy(&first).await.expect("the first");
    let mut other = policy(1, 1, false);
    other.document.rule = "false".into();
    assert!(is_conflict(&store.save_policy(&other).await), "taken");
    let second = policy(1, 2, false);
    store.save_policy(&second).await.expect("the second");
    let latest = store.latest_policy(policy_id(1)).await.expect("a read");
    assert_eq!(latest, Some(second));
    let read = store.policy_version(policy_id(1), 1).await.expect("a read");
    assert_eq!(read, Some(first));
    let none = store.policy_version(policy_id(1), 3).await.expect("a read");
    assert_eq!(none, None);
    let none = store.latest_policy(policy_id(2)).await.expect("a read");
    assert_eq!(none, None);
}

async fn at_most_one_version_is_in_use(store: &impl RelationalStore) {
    let mut changes = store.policy_changes();
    let (id, save) = (policy_id(1), async |version, enabled| {
        let saved = store.save_policy(&policy(1, version, enabled)).await;
        saved.expect("it is saved");
    });
    let versions = async || -> Vec<u32> {
        let used = in_use(store).await;
        used.into_iter().map(|(_, version)| version).collect()
    };
    save(1, true).await;
    assert_eq!(versions().await, [1]);
    assert!(changes.has_changed().expect("the store is there"));
    changes.borrow_and_update();
    save(2, true).await;
    assert_eq!(
        versions().await,
        [2],
        "it takes the place of the one in use"
    );
    save(3, false).await;
    assert_eq!(versions().await, [2], "not switched on, it takes no place");
    let old = store.set_policy_enabled(id, 2, true).await;
    assert!(is_conflict(&old), "not the latest: {old:?}");
    let on = store.set_policy_enabled(id, 3, true).await;
    assert!(on.expect("it is switched on").enabled);
    assert_eq!(versions().await, [3]);
    let off = store.set_policy_enabled(id, 3, false).await;
    assert!(!off.expect("it is switched off").enabled);
    assert_eq!(versions().await, [0; 0], "nothing of it is in use");
    assert!(changes.has_changed().expect("the store is there"));
    let none = store.set_policy_enabled(policy_id(9), 1, true).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })));
}

async fn a_name_in_use_is_not_taken_twice(store: &impl RelationalStore) {
    let named = |n, version, enabled| {
        let mut policy = policy(n, version, enabled);
        policy.document.name = "The name".into();
        policy
    };
    store
        .save_policy(&named(1, 1, false))
        .await
        .expect("saved, not in use");
    store
        .save_policy(&named(2, 1, true))
        .await
        .expect("no other of that name is in use");
    let refused = store.save_policy(&named(3, 1, true)).await;
    assert!(is_conflict(&refused), "{refused:?}");
    let refused = store.set_policy_enabled(policy_id(1), 1, true).await;
    assert!(is_conflict(&refused), "{refused:?}");
    store
        .save_policy(&named(2, 2, true))
        .await
        .expect("its own name");
    assert_eq!(in_use(store).await, [(named(2, 2, true), 2)]);
}

async fn the_list_shows_the_latest_version_of_each(store: &impl RelationalStore) {
    for n in 1..=5 {
        for version in 1..=u32::from(n % 2) + 1 {
            let saved = store.save_policy(&policy(n, version, true)).await;
            saved.expect("it is saved");
        }
    }
    let listed = every_item(2, async |request| store.policy_page(&request).await).await;
    let expected: Vec<PolicyVersion> = (1..=5)
        .map(|n| policy(n, u32::from(n % 2) + 1, true))
        .collect();
    assert_eq!(listed, expected);
    let garbage = PageRequest::after("garbage", 2);
    let refused = store.policy_page(&garbage).await;
    assert!(matches!(refused, Err(StoreError::BadCursor { .. })));
}
