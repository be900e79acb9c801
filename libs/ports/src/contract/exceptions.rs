//! The suites of [`ExceptionStore`](crate::ExceptionStore) and [`ViewStore`](crate::ViewStore).

use event_model::{Exception, ExceptionId, ExceptionMatch, PageRequest, SavedView, ViewId};

use super::RelationalStore;
use super::samples::{at, policy_id};
use crate::{ExceptionFilter, StoreError, VIEWS_MAX};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    an_exception_counts_from_its_making_to_its_end(&fresh().await).await;
    a_view_is_its_owners_unless_it_is_shared(&fresh().await).await;
}

/// The n-th exception, of the n-th policy: made at n seconds, for a hundred.
fn exception(n: u8) -> Exception {
    let created_at = at(i64::from(n));
    Exception {
        id: ExceptionId::new(created_at, u128::from(n)),
        policy_id: policy_id(n),
        matches: ExceptionMatch {
            path_like: Some("/press/*".into()),
            ..ExceptionMatch::default()
        },
        owner: "ada".into(),
        reason: "the press kit is public".into(),
        created_by: "grace".into(),
        created_at,
        expires_at: at(i64::from(n) + 100),
        ended_at: None,
        ended_by: None,
    }
}

async fn an_exception_counts_from_its_making_to_its_end(store: &impl RelationalStore) {
    for n in 1..=3 {
        store
            .add_exception(&exception(n))
            .await
            .expect("it is added");
    }
    let twice = store.add_exception(&exception(3)).await;
    assert!(matches!(twice, Err(StoreError::Conflict { .. })));
    let in_use = async |seconds| -> Vec<ExceptionId> {
        let found = store.exceptions_in_use(at(seconds)).await.expect("a read");
        found.iter().map(|one| one.id).collect()
    };
    let [a, b, c] = [1, 2, 3].map(|n| exception(n).id);
    assert_eq!(in_use(50).await, [a, b, c]);
    let ended = store
        .end_exception(b, "eve", at(60))
        .await
        .expect("it ends");
    assert_eq!(
        (ended.ended_at, ended.ended_by.as_deref()),
        (Some(at(60)), Some("eve"))
    );
    let again = store.end_exception(b, "mallory", at(70)).await;
    assert_eq!(
        again.expect("it has ended"),
        ended,
        "who ended it first is kept"
    );
    assert_eq!(in_use(70).await, [a, c]);
    assert_eq!(in_use(101).await, [c], "the first has expired");
    assert_eq!(store.exception(b).await.expect("a read"), Some(ended));
    let none = store.end_exception(exception(9).id, "eve", at(60)).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })));
    for (filter, expected) in [
        (ExceptionFilter::default(), vec![c, b, a]),
        (
            ExceptionFilter {
                policy: Some(policy_id(2)),
                ..ExceptionFilter::default()
            },
            vec![b],
        ),
        (
            ExceptionFilter {
                in_use_at: Some(at(70)),
                ..ExceptionFilter::default()
            },
            vec![c, a],
        ),
    ] {
        let page = async |request| store.exception_page(&filter, &request).await;
        let found = super::every_item(2, page).await;
        let found: Vec<ExceptionId> = found.iter().map(|one| one.id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let all = PageRequest::first(9);
    let read = store
        .exception_page(&ExceptionFilter::default(), &all)
        .await;
    assert_eq!(read.expect("a page").items[2], exception(1));
}

fn view(n: u8, owner: &str, shared: bool) -> SavedView {
    SavedView {
        id: ViewId::new(at(i64::from(n)), u128::from(n)),
        name: format!("view {n:03}"),
        owner: owner.into(),
        shared,
        query: "status=new&severity=high".into(),
        created_at: at(i64::from(n)),
    }
}

async fn a_view_is_its_owners_unless_it_is_shared(store: &impl RelationalStore) {
    let given = [
        view(3, "ada", false),
        view(1, "ada", true),
        view(2, "eve", false),
    ];
    for one in &given {
        store.add_view(one).await.expect("it is kept");
    }
    let names = async |owner: &str| -> Vec<String> {
        let views = store.views(owner).await.expect("a read");
        views.into_iter().map(|one| one.name).collect()
    };
    assert_eq!(names("ada").await, ["view 001", "view 003"]);
    assert_eq!(names("eve").await, ["view 001", "view 002"]);
    assert_eq!(store.views("ada").await.expect("a read")[1], given[0]);
    let mut same = view(9, "ada", false);
    same.name = "view 003".into();
    let refused = store.add_view(&same).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "one name once"
    );
    let others = store.remove_view(given[1].id, "eve").await;
    assert!(!others.expect("an answer"), "it is another's");
    assert!(
        store
            .remove_view(given[1].id, "ada")
            .await
            .expect("an answer")
    );
    assert_eq!(names("eve").await, ["view 002"]);
    for n in 100..100 + VIEWS_MAX as u8 - 1 {
        store
            .add_view(&view(n, "eve", false))
            .await
            .expect("it is kept");
    }
    let beyond = store.add_view(&view(200, "eve", false)).await;
    assert!(
        matches!(beyond, Err(StoreError::Conflict { .. })),
        "so many are enough"
    );
}
