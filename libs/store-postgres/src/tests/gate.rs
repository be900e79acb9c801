use std::time::Duration;

use ports::contract::samples::connection_id;
use ports::{CallGate, Clock, SystemClock, contract};

use super::{Server, open};
use crate::{Arc, GateSettings, PostgresGate, PostgresStore};

fn gate(store: &Arc<PostgresStore>, holder: &str, entry: Duration) -> PostgresGate {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let settings = GateSettings { entry };
    PostgresGate::new(Arc::clone(store), holder.into(), clock, settings)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gates_of_two_processes_hold_the_contract() {
    let Some(server) = Server::find() else { return };
    contract::gate::all(&async || {
        let url = server.schema().await;
        let mut two = Vec::new();
        for holder in ["a", "b"] {
            let store = Arc::new(open(&url).await.unwrap());
            let gate = gate(&store, holder, GateSettings::default().entry);
            two.push(Arc::new(gate) as Arc<dyn CallGate>);
        }
        two.try_into().ok().unwrap()
    })
    .await;
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_process_is_waited_for_until_its_entry_ends_and_its_pass_holds_no_longer() {
    let Some(server) = Server::find() else { return };
    let store = Arc::new(server.store().await);
    let entry = Duration::from_secs(2);
    let [dead, alive] = ["dead", "alive"].map(|holder| gate(&store, holder, entry));
    let connection = connection_id(1);
    let pass = dead.enter(connection).await.unwrap();
    // Its task is gone, as with a process that was killed or frozen; what it was doing is not.
    dead.tending.abort();
    assert!(pass.holds());
    let closing = tokio::time::timeout(Duration::from_secs(30), alive.close(connection));
    closing.await.expect("its entry ends").unwrap();
    assert!(!pass.holds(), "nobody waits for it any more");
    assert!(
        dead.enter(connection).await.is_err(),
        "and it does not get in again"
    );
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_renewed_while_somebody_is_inside_and_given_back_when_it_is_idle() {
    let Some(server) = Server::find() else { return };
    let store = Arc::new(server.store().await);
    let entry = Duration::from_millis(1_500);
    let gate = gate(&store, "a", entry);
    let entries = async || {
        let count = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM gate_entries");
        count.fetch_one(&store.pool).await.unwrap()
    };
    let pass = gate.enter(connection_id(1)).await.unwrap();
    let clock = SystemClock::new();
    while clock.monotonic() < entry * 2 {
        assert!(pass.holds(), "after {:?}", clock.monotonic());
        assert_eq!(entries().await, 1);
        tokio::task::yield_now().await;
    }
    drop(pass);
    let given_back = async {
        while entries().await > 0 {
            tokio::task::yield_now().await;
        }
    };
    let given_back = tokio::time::timeout(Duration::from_secs(20), given_back).await;
    given_back.expect("nobody needs it");
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_leaves_no_entry_that_others_wait_for() {
    let Some(server) = Server::find() else { return };
    let url = server.schema().await;
    let (ending, staying) = (
        super::open(&url).await.unwrap(),
        super::open(&url).await.unwrap(),
    );
    let (ending, staying) = (Arc::new(ending), Arc::new(staying));
    let hours = Duration::from_secs(3_600);
    let (one, other) = (
        gate(&ending, "ending", hours),
        gate(&staying, "staying", hours),
    );
    drop(one.enter(connection_id(1)).await.unwrap());
    ending.close().await;
    let closing = tokio::time::timeout(Duration::from_secs(30), other.close(connection_id(1)));
    closing.await.expect("nobody is inside").unwrap();
    server.drop_schemas().await;
}
