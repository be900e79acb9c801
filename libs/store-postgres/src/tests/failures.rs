//! The server goes and comes back.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ports::contract::{samples, servers};
use ports::{Changes, ConnectionStore, EvaluationStore, LeaseStore, StatsStore, StoreError};

use super::{Server, open};
use crate::PostgresStore;

const PATIENCE: Duration = Duration::from_secs(60);

/// Records an event; tries again while the store is away, as an evaluator does.
async fn record_until_it_is_there(store: &PostgresStore, event: &str) {
    let one = samples::evaluated(samples::record(event, "f1", 1), Vec::new());
    let batch = samples::batch(vec![one]);
    let recording = async {
        loop {
            match store.record(&batch).await {
                Ok(_) => return,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        }
    };
    let recorded = tokio::time::timeout(PATIENCE, recording).await;
    recorded.unwrap_or_else(|_| panic!("`{event}` was not recorded"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_when_every_connection_was_cut() {
    let Some(server) = Server::find() else { return };
    let mut url = url::Url::parse(&server.schema().await).unwrap();
    // Other tests use the server at the same time: only this one's connections are cut, by their name.
    let name = servers::fresh_name();
    url.query_pairs_mut().append_pair("application_name", &name);
    let (a, b) = (
        open(url.as_str()).await.unwrap(),
        open(url.as_str()).await.unwrap(),
    );
    let mut woken: Changes = b.changes();
    for n in 1..=5 {
        record_until_it_is_there(&a, &format!("e{n}")).await;
        let cut = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '{name}'"
        );
        server.run(&cut).await;
    }
    assert_eq!(a.overview().await.unwrap().activities, 5);
    woken.borrow_and_update();
    a.create(&samples::connection(1)).await.unwrap();
    let signal = tokio::time::timeout(PATIENCE, woken.changed()).await;
    signal.expect("listening goes on").unwrap();
    server.drop_schemas().await;
}

/// A server of its own, which may be stopped. None where no server runs: then none can be started.
struct OwnServer {
    folder: tempfile::TempDir,
    speaks_tls: bool,
}

impl OwnServer {
    fn start(speaks_tls: bool) -> Option<Self> {
        servers::server("TIDEGATE_TEST_POSTGRES")?;
        let folder = tempfile::tempdir().unwrap();
        // The server's user must be able to enter it.
        let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open_to_all).unwrap();
        let server = OwnServer { folder, speaks_tls };
        server.services("start");
        Some(server)
    }

    fn services(&self, action: &str) {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/services");
        let status = Command::new(script)
            .args([action, "postgres"])
            .env("TIDEGATE_SERVICES_DIR", self.folder.path())
            .env(
                "TIDEGATE_SERVICES_POSTGRES_TLS",
                if self.speaks_tls { "1" } else { "" },
            )
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{action}");
    }

    fn url(&self) -> String {
        let written = std::fs::read_to_string(self.folder.path().join("env")).unwrap();
        let line = written.lines().find(|line| line.contains("POSTGRES"));
        line.unwrap().split_once('=').unwrap().1.to_owned()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.services("stop");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_killed_server_and_calls_go_on() {
    let Some(server) = OwnServer::start(false) else {
        return;
    };
    let store = Arc::new(open(&server.url()).await.unwrap());
    let lease = store
        .acquire_lease("r", "a", Duration::from_secs(30), samples::at(0))
        .await
        .unwrap()
        .unwrap();
    let recording = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for n in 0..200 {
                record_until_it_is_there(&store, &format!("e{n}")).await;
            }
        }
    });
    while store.overview().await.unwrap().activities < 20 {
        tokio::task::yield_now().await;
    }
    server.services("kill");
    let away = store.overview().await;
    assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
    server.services("start");
    tokio::time::timeout(PATIENCE, recording)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(store.overview().await.unwrap().activities, 200);
    let renewed = store
        .renew_lease(&lease, Duration::from_secs(30), samples::at(1))
        .await;
    assert_eq!(
        renewed.unwrap().epoch,
        lease.epoch,
        "the lease is there, too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_speaks_tls_and_refuses_a_server_that_another_authority_vouches_for() {
    let Some(server) = OwnServer::start(true) else {
        return;
    };
    let authority = server.folder.path().join("certificates/ca.crt");
    let address = |mode: &str, authority: &std::path::Path| {
        format!(
            "{}?sslmode={mode}&sslrootcert={}",
            server.url(),
            authority.display()
        )
    };
    let store = open(&address("verify-full", &authority)).await.unwrap();
    let speaks: bool =
        sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            .fetch_one(&store.pool)
            .await
            .unwrap();
    assert!(speaks);
    store.create(&samples::connection(1)).await.unwrap();

    let strange = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let stranger = server.folder.path().join("stranger.crt");
    std::fs::write(&stranger, strange.cert.pem()).unwrap();
    let refused = open(&address("verify-full", &stranger))
        .await
        .err()
        .unwrap();
    let said = format!("{:#}", anyhow::Error::from(refused));
    assert!(said.contains("certificate"), "{said}");
}
