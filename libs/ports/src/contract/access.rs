//! The suite of [`AccessStore`](crate::AccessStore).

use event_model::{
    AccessChange, AccessGroupId, AccessGroupRecord, AccessPermission, AccessPolicyId,
    AccessPolicyRecord, AccessRecords, OsType,
};

use super::RelationalStore;
use super::samples::at;
use crate::StoreError;

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_change_is_done_whole_and_seen_whole(&fresh().await).await;
    of_two_changes_of_one_moment_one_is_refused(&fresh().await).await;
    a_name_is_given_once(&fresh().await).await;
}

/// The n-th policy.
pub fn policy(n: u8) -> AccessPolicyRecord {
    AccessPolicyRecord {
        id: AccessPolicyId::new(at(i64::from(n)), u128::from(n)),
        name: format!("policy {n}"),
        user: Some(format!("user{n}@<localhost>")),
        group: None,
        process: None,
        access: AccessPermission::ReadCipher,
        version: 1,
        changed_by: "ada".into(),
        changed_at: at(i64::from(n)),
    }
}

/// The n-th group, with policies linked.
pub fn group(n: u8, linked: &[u8]) -> AccessGroupRecord {
    AccessGroupRecord {
        id: AccessGroupId::new(at(i64::from(n)), u128::from(n)),
        name: format!("group {n}"),
        os_type: OsType::Linux,
        encrypt_data: true,
        default_access: AccessPermission::NoAccess,
        policies: linked.iter().map(|n| policy(*n).id).collect(),
        version: 1,
        changed_by: "ada".into(),
        changed_at: at(i64::from(n)),
    }
}

async fn records(store: &impl RelationalStore) -> AccessRecords {
    store.access_records().await.expect("a read")
}

async fn a_change_is_done_whole_and_seen_whole(store: &impl RelationalStore) {
    assert_eq!(records(store).await, AccessRecords::default());
    let first = AccessChange {
        // The order in which they are given is not the order in which they are listed: their ids are.
        policies: vec![policy(2), policy(1), policy(3)],
        groups: vec![group(2, &[2, 1]), group(1, &[])],
        ..AccessChange::default()
    };
    let revision = store.change_access(0, &first).await.expect("it is done");
    assert_eq!(revision, 1);
    assert_eq!(store.access_revision().await.expect("a read"), 1);
    let expected = AccessRecords {
        revision: 1,
        ..AccessRecords::default().with(&first)
    };
    assert_eq!(records(store).await, expected);
    assert_eq!(expected.policies, [policy(1), policy(2), policy(3)]);

    let mut renamed = policy(1);
    (renamed.name, renamed.version) = ("another name".into(), 2);
    let second = AccessChange {
        policies: vec![renamed],
        groups: vec![group(2, &[1])],
        removed_policies: vec![policy(2).id],
        removed_groups: vec![group(1, &[]).id],
    };
    let revision = store.change_access(1, &second).await.expect("it is done");
    let expected = AccessRecords {
        revision,
        ..expected.with(&second)
    };
    assert_eq!(revision, 2);
    assert_eq!(records(store).await, expected);
}

async fn of_two_changes_of_one_moment_one_is_refused(store: &impl RelationalStore) {
    let change = |n| AccessChange {
        policies: vec![policy(n)],
        ..AccessChange::default()
    };
    let (one, two) = (change(1), change(2));
    let (one, two) = futures::join!(store.change_access(0, &one), store.change_access(0, &two));
    let done = [&one, &two].iter().filter(|done| done.is_ok()).count();
    assert_eq!(done, 1, "{one:?} {two:?}");
    let refused = one.err().or(two.err());
    assert!(matches!(refused, Some(StoreError::Conflict { .. })));
    let found = records(store).await;
    assert_eq!((found.revision, found.policies.len()), (1, 1));
}

async fn a_name_is_given_once(store: &impl RelationalStore) {
    let first = AccessChange {
        policies: vec![policy(1)],
        groups: vec![group(1, &[])],
        ..AccessChange::default()
    };
    store.change_access(0, &first).await.expect("it is done");
    let (mut like_policy, mut like_group) = (policy(2), group(2, &[]));
    like_policy.name = policy(1).name;
    like_group.name = group(1, &[]).name;
    let twice = [
        AccessChange {
            policies: vec![policy(3), like_policy.clone()],
            ..AccessChange::default()
        },
        AccessChange {
            policies: vec![policy(3)],
            groups: vec![like_group],
            ..AccessChange::default()
        },
    ];
    for change in twice {
        let refused = store.change_access(1, &change).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })));
        let found = records(store).await;
        assert_eq!(
            (found.revision, found.policies.len()),
            (1, 1),
            "all or nothing"
        );
    }
    // A name that is free again in the same change can be given.
    let moved = AccessChange {
        policies: vec![like_policy],
        removed_policies: vec![policy(1).id],
        ..AccessChange::default()
    };
    store.change_access(1, &moved).await.expect("it is done");
}
