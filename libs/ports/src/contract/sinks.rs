//! The suite of [`SinkStandings`](crate::SinkStandings).

use event_model::{SinkStanding, SinkState, SinkStream};

use super::RelationalStore;
use super::samples::at;

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_stream_stands_as_it_was_noted_last(&fresh().await).await;
    sinks_that_are_gone_are_forgotten(&fresh().await).await;
}

fn standing(sink: &str, stream: SinkStream, lag: u64) -> SinkStanding {
    SinkStanding {
        state: SinkState::PutOff,
        cursor: [(0, 7), (3, u64::from(u32::MAX) + 1)].into(),
        lag,
        last_delivery_at: Some(at(3)),
        last_delivered: Some("inc_1:2".into()),
        last_error: Some("it answered 503: \u{0}“away”".into()),
        last_error_at: Some(at(4)),
        retry_at: Some(at(9)),
        ..SinkStanding::begun(sink, stream, at(5))
    }
}

async fn a_stream_stands_as_it_was_noted_last(store: &impl RelationalStore) {
    use SinkStream::{Activities, Incidents};
    for (sink, stream, lag) in [
        ("b", Incidents, 4),
        ("a", Incidents, 3),
        ("a", Activities, 2),
        ("b", Incidents, 1),
    ] {
        let noted = store.note_sink(&standing(sink, stream, lag)).await;
        noted.expect("it is noted");
    }
    let read = store.sink_standings().await.expect("an answer");
    let expected = [
        standing("a", Activities, 2),
        standing("a", Incidents, 3),
        standing("b", Incidents, 1),
    ];
    assert_eq!(read, expected);
}

async fn sinks_that_are_gone_are_forgotten(store: &impl RelationalStore) {
    for sink in ["a", "b", "c"] {
        let one = standing(sink, SinkStream::Incidents, 0);
        store.note_sink(&one).await.expect("it is noted");
    }
    let keep = ["b".to_owned(), "z".to_owned()];
    store.forget_sinks_but(&keep).await.expect("it is done");
    let left = store.sink_standings().await.expect("an answer");
    let names: Vec<&str> = left.iter().map(|one| one.sink.as_str()).collect();
    assert_eq!(names, ["b"]);
    store.forget_sinks_but(&[]).await.expect("it is done");
    assert!(store.sink_standings().await.expect("an answer").is_empty());
}
