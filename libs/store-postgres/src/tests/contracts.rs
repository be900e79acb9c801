use ports::contract;

use super::Server;

macro_rules! holds_the_contract_of {
    ($($suite:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $suite() {
                let Some(server) = Server::find() else { return };
                contract::$suite::all(&async || server.store().await).await;
                server.drop_schemas().await;
            }
        )*
    };
}

holds_the_contract_of! {
    access,
    accounts,
    answers,
    audit,
    cases,
    connections,
    detectors,
    evaluation,
    exceptions,
    feed_notes,
    findings,
    incidents,
    jobs,
    leases,
    many,
    outbox,
    policies,
    quarantine,
    remedies,
    scope,
    secrets,
    sinks,
    vault,
}
