//! The suites of [`LeaseStore`](crate::LeaseStore) and [`CheckpointStore`](crate::CheckpointStore).

use std::time::Duration;

use event_model::{Checkpoint, Position};

use super::RelationalStore;
use super::samples::{at, connection_id};
use crate::{Lease, StoreError};

const TTL: Duration = Duration::from_secs(30);

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_lease_is_held_by_one_until_it_ends(&fresh().await).await;
    of_many_who_acquire_at_once_one_does(&fresh().await).await;
    a_renewed_lease_keeps_its_epoch_and_a_lost_one_is_fenced(&fresh().await).await;
    a_released_lease_is_free_and_its_epoch_never_comes_again(&fresh().await).await;
    the_leases_of_a_kind_that_are_held_are_shown(&fresh().await).await;
    a_checkpoint_moves_from_where_it_was_read(&fresh().await).await;
    a_zombie_moves_no_checkpoint(&fresh().await).await;
}

async fn lease(store: &impl RelationalStore, holder: &str, seconds: i64) -> Option<Lease> {
    store
        .acquire_lease("r", holder, TTL, at(seconds))
        .await
        .expect("the store answers")
}

fn is_fenced<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Fenced { .. }))
}

async fn a_lease_is_held_by_one_until_it_ends(store: &impl RelationalStore) {
    let first = lease(store, "a", 0).await.expect("free");
    assert_eq!(first.until, at(30));
    assert_eq!(lease(store, "b", 29).await, None, "held");
    let own = lease(store, "a", 29).await.expect("already its own");
    assert!(own.epoch > first.epoch, "a new epoch each time");
    let second = lease(store, "b", 59).await.expect("ended");
    assert!(second.epoch > own.epoch);
    let other = store.acquire_lease("other", "a", TTL, at(59)).await;
    assert!(other.expect("an answer").is_some(), "another resource");
}

async fn of_many_who_acquire_at_once_one_does(store: &impl RelationalStore) {
    let holders: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let all = holders.iter().map(|holder| lease(store, holder, 0));
    let all = futures::future::join_all(all).await;
    assert_eq!(all.into_iter().flatten().count(), 1);
}

async fn a_renewed_lease_keeps_its_epoch_and_a_lost_one_is_fenced(store: &impl RelationalStore) {
    let first = lease(store, "a", 0).await.expect("free");
    let renewed = store.renew_lease(&first, TTL, at(20)).await;
    let renewed = renewed.expect("still its own");
    assert_eq!((renewed.epoch, renewed.until), (first.epoch, at(50)));
    assert_eq!(lease(store, "b", 49).await, None, "renewed, so held");
    lease(store, "b", 50).await.expect("ended");
    let zombie = store.renew_lease(&renewed, TTL, at(51)).await;
    assert!(is_fenced(&zombie), "{zombie:?}");
    store
        .release_lease(&renewed)
        .await
        .expect("nothing happens");
    assert_eq!(
        lease(store, "c", 52).await,
        None,
        "the zombie freed nothing"
    );
}

async fn a_released_lease_is_free_and_its_epoch_never_comes_again(store: &impl RelationalStore) {
    let first = lease(store, "a", 0).await.expect("free");
    store.release_lease(&first).await.expect("given back");
    let second = lease(store, "b", 1).await.expect("free again");
    assert!(second.epoch > first.epoch);
    let zombie = store.renew_lease(&first, TTL, at(2)).await;
    assert!(is_fenced(&zombie), "{zombie:?}");
}

async fn the_leases_of_a_kind_that_are_held_are_shown(store: &impl RelationalStore) {
    let take = async |resource: &str, holder: &str, seconds: i64| {
        let taken = store
            .acquire_lease(resource, holder, TTL, at(seconds))
            .await;
        taken.expect("the store answers").expect("free")
    };
    let first = take("kind/1", "a", 0).await;
    let second = take("kind/2", "b", 10).await;
    let third = take("kind/3", "c", 10).await;
    take("kinds", "d", 10).await;
    take("kin", "e", 10).await;
    store.release_lease(&third).await.expect("given back");
    for (seconds, expected) in [
        (20, vec![first, second.clone()]),
        (30, vec![second]),
        (40, vec![]),
    ] {
        let live = store.live_leases("kind/", at(seconds)).await;
        assert_eq!(live.expect("a read"), expected, "after {seconds} s");
    }
}

fn checkpoint(cursor: &str) -> Checkpoint {
    Checkpoint::initial("s", Position::cursor(cursor))
}

async fn a_checkpoint_moves_from_where_it_was_read(store: &impl RelationalStore) {
    let id = connection_id(1);
    let lease = lease(store, "a", 0).await.expect("free");
    let [a, b, c] = ["a", "b", "c"].map(checkpoint);
    // from | to | whether it moves
    for (from, to, moves) in [
        (Some(&a), &b, false),
        (None, &a, true),
        (None, &b, false),
        (Some(&a), &b, true),
        (Some(&a), &c, false),
        (Some(&b), &b, true),
        (Some(&b), &c, true),
    ] {
        let before = store.checkpoint(id, "s").await.expect("a read");
        let moved = store.advance_checkpoint(id, &lease, from, to).await;
        match moves {
            true => moved.expect("it joins"),
            false => assert!(
                matches!(moved, Err(StoreError::Conflict { .. })),
                "{from:?} to {to:?}: {moved:?}"
            ),
        }
        let after = store.checkpoint(id, "s").await.expect("a read");
        assert_eq!(after, if moves { Some(to.clone()) } else { before });
    }
    let other = store.checkpoint(id, "other").await.expect("a read");
    assert_eq!(other, None, "each stream has its own");
}

async fn a_zombie_moves_no_checkpoint(store: &impl RelationalStore) {
    let id = connection_id(1);
    let zombie = lease(store, "a", 0).await.expect("free");
    let [a, b] = ["a", "b"].map(checkpoint);
    let moved = store.advance_checkpoint(id, &zombie, None, &a).await;
    moved.expect("its own lease");
    lease(store, "b", 31).await.expect("ended");
    let moved = store.advance_checkpoint(id, &zombie, Some(&a), &b).await;
    assert!(is_fenced(&moved), "{moved:?}");
    let stored = store.checkpoint(id, "s").await.expect("a read");
    assert_eq!(stored, Some(a));
}
