//! The suite of [`AnswerStore`](crate::AnswerStore).

use super::RelationalStore;
use super::samples::at;
use crate::{ANSWERS_KEPT_MAX, Claimed, KeptAnswer, OnceAsked};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_request_is_carried_out_once_and_answered_as_often_as_it_comes(&fresh().await).await;
    a_key_is_of_one_owner_and_ends(&fresh().await).await;
    the_oldest_make_room(&fresh().await).await;
}

fn asked<'a>(owner: &'a str, key: &'a str, request: &'a str) -> OnceAsked<'a> {
    OnceAsked {
        owner,
        key,
        request,
    }
}

async fn claim(store: &impl RelationalStore, asked: OnceAsked<'_>, seconds: i64) -> Claimed {
    let claimed = store
        .claim_answer(asked, at(seconds), at(seconds + 100))
        .await;
    claimed.expect("a claim")
}

fn answer(body: &str) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        headers: vec![("etag".into(), "\"1\"".into())],
        body: body.as_bytes().to_vec(),
    }
}

async fn a_request_is_carried_out_once_and_answered_as_often_as_it_comes(
    store: &impl RelationalStore,
) {
    let one = asked("ada", "k1", "create a");
    assert_eq!(claim(store, one, 0).await, Claimed::New);
    assert_eq!(claim(store, one, 1).await, Claimed::Begun);
    store
        .keep_answer(one, &answer("{}"))
        .await
        .expect("it is kept");
    for _ in 0..2 {
        assert_eq!(claim(store, one, 2).await, Claimed::Answered(answer("{}")));
    }
    let other = asked("ada", "k1", "create b");
    assert_eq!(claim(store, other, 3).await, Claimed::Other);
    let failed = asked("ada", "k2", "create c");
    assert_eq!(claim(store, failed, 4).await, Claimed::New);
    store.forget_answer(failed).await.expect("it is forgotten");
    assert_eq!(claim(store, failed, 5).await, Claimed::New);
}

async fn a_key_is_of_one_owner_and_ends(store: &impl RelationalStore) {
    let one = asked("ada", "k", "create a");
    assert_eq!(claim(store, one, 0).await, Claimed::New);
    store
        .keep_answer(one, &answer("a"))
        .await
        .expect("it is kept");
    assert_eq!(
        claim(store, asked("bo", "k", "create a"), 1).await,
        Claimed::New
    );
    assert_eq!(claim(store, one, 99).await, Claimed::Answered(answer("a")));
    assert_eq!(claim(store, one, 100).await, Claimed::New, "it has ended");
    // Whoever comes late with an answer of before does not answer what was claimed since.
    let before = asked("ada", "k", "something before");
    store
        .keep_answer(before, &answer("b"))
        .await
        .expect("nothing is kept");
    assert_eq!(claim(store, one, 101).await, Claimed::Begun);
}

async fn the_oldest_make_room(store: &impl RelationalStore) {
    for n in 0..=ANSWERS_KEPT_MAX {
        let key = format!("k{n}");
        let one = asked("ada", &key, "create");
        let claimed = store
            .claim_answer(one, at(0), at(1_000 + i64::from(n)))
            .await;
        assert_eq!(claimed.expect("a claim"), Claimed::New);
    }
    let last = format!("k{ANSWERS_KEPT_MAX}");
    for (key, expected) in [
        ("k1", Claimed::Begun),
        (&last, Claimed::Begun),
        ("k0", Claimed::New),
    ] {
        assert_eq!(
            claim(store, asked("ada", key, "create"), 2).await,
            expected,
            "{key}"
        );
    }
}
