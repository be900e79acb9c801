//! The suite of [`CallGate`](crate::CallGate): two gates of one installation, as two processes have
//! them; for a gate of one process the same one twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use event_model::ConnectionId;

use super::samples::connection_id;
use crate::{CallGate, GateError};

/// How long is waited for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two gates of one installation.
pub type Two = [Arc<dyn CallGate>; 2];

/// Everything.
pub async fn all(fresh: &impl AsyncFn() -> Two) {
    closing_waits_for_who_is_inside_anywhere_and_lets_nobody_else_in(fresh().await).await;
    another_connection_is_not_stopped(fresh().await).await;
    closing_again_and_opening_again_change_nothing(fresh().await).await;
    after_closing_nobody_is_inside(fresh().await).await;
}

async fn is_open(gate: &Arc<dyn CallGate>, connection: ConnectionId) -> bool {
    match gate.enter(connection).await {
        Ok(pass) => {
            assert!(pass.holds() && pass.connection() == connection);
            true
        }
        Err(GateError::Closed(closed)) => {
            assert_eq!(closed, connection);
            false
        }
        Err(GateError::Store(error)) => panic!("{error}"),
    }
}

async fn closing_waits_for_who_is_inside_anywhere_and_lets_nobody_else_in([here, there]: Two) {
    let connection = connection_id(1);
    let pass = here.enter(connection).await.expect("it is open");
    let mut closing = tokio::spawn({
        let there = Arc::clone(&there);
        async move { there.close(connection).await }
    });
    let until_closed = async {
        while is_open(&here, connection).await || is_open(&there, connection).await {
            tokio::task::yield_now().await;
        }
    };
    let closed = tokio::time::timeout(PATIENCE, until_closed).await;
    closed.expect("nobody else is let in");
    let early = tokio::time::timeout(Duration::from_millis(300), &mut closing).await;
    assert!(early.is_err(), "someone is still inside");
    assert!(pass.holds(), "and is waited for");
    drop(pass);
    let closed = tokio::time::timeout(PATIENCE, closing).await;
    closed
        .expect("nobody is inside")
        .expect("no panic")
        .expect("closed");
    there.open(connection).await.expect("the gate opens");
    assert!(is_open(&here, connection).await && is_open(&there, connection).await);
}

async fn another_connection_is_not_stopped([here, there]: Two) {
    here.close(connection_id(1)).await.expect("closed");
    for gate in [&here, &there] {
        assert!(!is_open(gate, connection_id(1)).await);
        assert!(is_open(gate, connection_id(2)).await);
    }
}

async fn closing_again_and_opening_again_change_nothing([here, there]: Two) {
    let connection = connection_id(1);
    for gate in [&here, &there, &here] {
        gate.close(connection).await.expect("closed");
        assert!(!is_open(&here, connection).await && !is_open(&there, connection).await);
    }
    for gate in [&there, &here] {
        gate.open(connection).await.expect("open");
        assert!(is_open(&here, connection).await && is_open(&there, connection).await);
    }
}

async fn after_closing_nobody_is_inside(gates: Two) {
    const ROUNDS: usize = 5;
    const CALLERS: usize = 4;
    let connection = connection_id(1);
    let inside = Arc::new(AtomicUsize::new(0));
    for round in 0..ROUNDS {
        let callers: Vec<_> = (0..CALLERS)
            .map(|n| {
                let (gate, inside) = (Arc::clone(&gates[n % 2]), Arc::clone(&inside));
                tokio::spawn(async move {
                    let mut calls = 0;
                    while let Ok(_pass) = gate.enter(connection).await {
                        inside.fetch_add(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let closing = gates[round % 2].close(connection);
        let closed = tokio::time::timeout(PATIENCE, closing).await;
        closed.expect("in time").expect("closed");
        assert_eq!(inside.load(Ordering::SeqCst), 0, "in round {round}");
        for caller in callers {
            let ended = tokio::time::timeout(PATIENCE, caller).await;
            let _: usize = ended.expect("it is refused").expect("no panic");
        }
        gates[0].open(connection).await.expect("open");
    }
}
