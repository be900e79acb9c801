//! The suite of [`ConnectionStore`](crate::ConnectionStore).

use event_model::{Connection, PageRequest};

use super::samples::{at, connection, connection_id};
use super::{RelationalStore, every_item};
use crate::{ConnectionFilter, StoreError};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_connection_comes_back_as_it_was_written(&fresh().await).await;
    a_change_over_a_change_of_someone_else_is_refused(&fresh().await).await;
    names_are_unique(&fresh().await).await;
    lists_are_narrowed_and_read_page_by_page(&fresh().await).await;
    a_change_is_signalled(&fresh().await).await;
}

async fn a_connection_comes_back_as_it_was_written(store: &impl RelationalStore) {
    let given = connection(1);
    store.create(&given).await.expect("it is created");
    let read = store.get(given.id).await.expect("it is read");
    assert_eq!(read, Some(given));
    let none = store.get(connection_id(2)).await.expect("a read");
    assert_eq!(none, None, "one that was never created");
}

async fn a_change_over_a_change_of_someone_else_is_refused(store: &impl RelationalStore) {
    let read = connection(1);
    store.create(&read).await.expect("it is created");
    let disabled = Connection {
        lifecycle: read.lifecycle.clone().disabled(at(9)),
        ..read.clone()
    };
    let written = store.update(&disabled).await.expect("it is updated");
    assert_eq!(written.revision, read.revision + 1);
    let refused = store.update(&read).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
    let stored = store.get(read.id).await.expect("it is read");
    assert_eq!(stored, Some(written), "nothing was written over");
    let gone = store.update(&connection(2)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
}

async fn names_are_unique(store: &impl RelationalStore) {
    let (first, mut second) = (connection(1), connection(2));
    store.create(&first).await.expect("it is created");
    second.name = first.name.clone();
    let refused = store.create(&second).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
    second.name = "another".into();
    store.create(&second).await.expect("it is created");
    second.name = first.name;
    let refused = store.update(&second).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
}

async fn lists_are_narrowed_and_read_page_by_page(store: &impl RelationalStore) {
    for n in 1..=5 {
        let mut one = connection(n);
        if n % 2 == 0 {
            one.lifecycle = one.lifecycle.disabled(at(9));
            one.service = "other".into();
        }
        store.create(&one).await.expect("it is created");
    }
    for (service, state, expected) in [
        (None, None, vec![1, 2, 3, 4, 5]),
        (Some("other"), None, vec![2, 4]),
        (None, Some("enabled"), vec![1, 3, 5]),
        (Some("other"), Some("enabled"), vec![]),
    ] {
        let filter = ConnectionFilter {
            service: service.map(str::to_owned),
            state: state.map(str::to_owned),
            ..ConnectionFilter::default()
        };
        let found = every_item(2, async |request| store.page(&filter, &request).await).await;
        let found: Vec<_> = found.iter().map(|one| one.id).collect();
        let expected: Vec<_> = expected.into_iter().map(connection_id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let garbage = PageRequest::after("garbage", 2);
    let refused = store.page(&ConnectionFilter::default(), &garbage).await;
    assert!(
        matches!(refused, Err(StoreError::BadCursor { .. })),
        "{refused:?}"
    );
}

async fn a_change_is_signalled(store: &impl RelationalStore) {
    let mut changes = store.changes();
    changes.borrow_and_update();
    store.create(&connection(1)).await.expect("it is created");
    assert!(changes.has_changed().expect("the store is there"));
}
