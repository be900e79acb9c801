//! The suite of [`FeedNotes`](crate::FeedNotes).

use chrono::DateTime;
use event_model::{CoverageGap, GapReason, StreamStanding};

use super::RelationalStore;
use super::samples::{at, connection_id};
use crate::GAPS_KEPT_MAX;

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    gaps_come_back_newest_first_each_once(&fresh().await).await;
    the_oldest_gaps_go_first(&fresh().await).await;
    a_stream_stands_where_it_was_noted_last(&fresh().await).await;
    of_two_pauses_the_later_end_counts(&fresh().await).await;
}

fn gap(stream: &str, n: i64) -> CoverageGap {
    CoverageGap {
        connection_id: connection_id(1),
        stream: stream.into(),
        from: (n % 2 == 0).then(|| at(n - 60)),
        to: Some(at(n)),
        reason: GapReason::RetentionExceeded,
        noted_at: at(n),
    }
}

async fn gaps_come_back_newest_first_each_once(store: &impl RelationalStore) {
    for gap in [gap("a", 1), gap("a", 3), gap("b", 2), gap("a", 3)] {
        store.note_gap(&gap).await.expect("it is noted");
    }
    let read = store.gaps(connection_id(1), 9).await.expect("an answer");
    assert_eq!(read, [gap("a", 3), gap("b", 2), gap("a", 1)]);
    let newest = store.gaps(connection_id(1), 1).await.expect("an answer");
    assert_eq!(newest, [gap("a", 3)]);
    let others = store.gaps(connection_id(2), 9).await.expect("an answer");
    assert!(others.is_empty(), "another connection");
}

async fn the_oldest_gaps_go_first(store: &impl RelationalStore) {
    let kept = i64::from(GAPS_KEPT_MAX);
    for n in 0..kept + 2 {
        store.note_gap(&gap("a", n)).await.expect("it is noted");
    }
    let read = store.gaps(connection_id(1), GAPS_KEPT_MAX + 9).await;
    let read = read.expect("an answer");
    assert_eq!(read.len() as i64, kept);
    assert_eq!(read.last(), Some(&gap("a", 2)));
}

async fn a_stream_stands_where_it_was_noted_last(store: &impl RelationalStore) {
    let standing = |stream: &str, n| StreamStanding {
        stream: stream.into(),
        read_until: at(n),
    };
    let id = connection_id(1);
    for standing in [standing("b", 5), standing("a", 9), standing("b", 4)] {
        let noted = store.note_standing(id, &standing).await;
        noted.expect("it is noted");
    }
    let read = store.standings(id).await.expect("an answer");
    assert_eq!(read, [standing("a", 9), standing("b", 4)]);
    let others = store.standings(connection_id(2)).await.expect("an answer");
    assert!(others.is_empty(), "another connection");
}

async fn of_two_pauses_the_later_end_counts(store: &impl RelationalStore) {
    let id = connection_id(1);
    let paused =
        async || -> Option<DateTime<_>> { store.paused_until(id).await.expect("an answer") };
    assert_eq!(paused().await, None);
    for (until, later) in [(10, 10), (5, 10), (20, 20)] {
        store.note_pause(id, at(until)).await.expect("it is noted");
        assert_eq!(paused().await, Some(at(later)));
    }
}
