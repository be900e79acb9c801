//! The suite of [`VaultIndex`](crate::VaultIndex).

use event_model::{
    LegalHold, PageRequest, VaultId, VaultItem, VaultOrigin, VaultState, WrappedKey,
};

use super::samples::at;
use super::{RelationalStore, every_item};
use crate::{StoreError, VaultFilter};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    an_item_comes_back_as_it_was_written(&fresh().await).await;
    a_change_over_a_change_of_someone_else_is_refused(&fresh().await).await;
    lists_are_narrowed_and_read_page_by_page(&fresh().await).await;
}

/// The n-th item: its content is coming in.
pub fn item(n: u8) -> VaultItem {
    VaultItem {
        id: VaultId::new(at(i64::from(n)), u128::from(n)),
        name: format!("file {n}\0.pdf"),
        origin: VaultOrigin::File {
            path: format!("/srv/file {n}\0.pdf"),
            mode: 0o640,
            uid: 1,
            gid: 2,
            modified_at: at(0),
        },
        version: 1,
        state: VaultState::Receiving,
        bytes: None,
        key: Some(WrappedKey {
            scheme: "local".into(),
            wrapped: "AQID".into(),
        }),
        keep_until: Some(at(99)),
        legal_hold: None,
        received_at: at(i64::from(n)),
        updated_at: at(i64::from(n)),
        revision: 1,
    }
}

async fn an_item_comes_back_as_it_was_written(store: &impl RelationalStore) {
    let given = item(1);
    store.add_vault_item(&given).await.expect("it is added");
    let read = store.vault_item(given.id).await.expect("a read");
    assert_eq!(read, Some(given.clone()));
    let none = store.vault_item(item(2).id).await.expect("a read");
    assert_eq!(none, None, "one that was never added");
    let again = store.add_vault_item(&given).await;
    assert!(
        matches!(again, Err(StoreError::Conflict { .. })),
        "{again:?}"
    );
}

async fn a_change_over_a_change_of_someone_else_is_refused(store: &impl RelationalStore) {
    let read = item(1);
    store.add_vault_item(&read).await.expect("it is added");
    let held = VaultItem {
        state: VaultState::Held,
        bytes: Some(u64::from(u32::MAX) * 1_000),
        legal_hold: Some(LegalHold {
            reason: "case 7".into(),
            by: "grace".into(),
            since: at(5),
        }),
        ..read.clone()
    };
    let written = store.save_vault_item(&held).await.expect("it is saved");
    let next = VaultItem {
        revision: read.revision + 1,
        ..held
    };
    assert_eq!(written, next);
    let refused = store.save_vault_item(&read).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
    let stored = store.vault_item(read.id).await.expect("a read");
    assert_eq!(stored, Some(written), "nothing was written over");
    let gone = store.save_vault_item(&item(2)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
}

async fn lists_are_narrowed_and_read_page_by_page(store: &impl RelationalStore) {
    for n in 1..=5 {
        let mut item = item(n);
        if n % 2 == 0 {
            item.state = VaultState::Held;
        }
        store.add_vault_item(&item).await.expect("it is added");
    }
    use VaultState::{Deleted, Held, Receiving};
    for (state, expected) in [
        (vec![], vec![5, 4, 3, 2, 1]),
        (vec![Held], vec![4, 2]),
        (vec![Receiving], vec![5, 3, 1]),
        (vec![Receiving, Held], vec![5, 4, 3, 2, 1]),
        (vec![Deleted], vec![]),
    ] {
        let filter = VaultFilter { state };
        let found = every_item(2, async |request: PageRequest| {
            store.vault_page(&filter, &request).await
        })
        .await;
        let ids: Vec<VaultId> = found.iter().map(|one| one.id).collect();
        let expected: Vec<VaultId> = expected.into_iter().map(|n| item(n).id).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
    let filter = VaultFilter::default();
    let stranger = PageRequest::after("x", 2);
    let refused = store.vault_page(&filter, &stranger).await;
    assert!(
        matches!(refused, Err(StoreError::BadCursor { .. })),
        "{refused:?}"
    );
}
