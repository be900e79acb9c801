use std::path::Path;

use event_model::{ConnectionId, Secret};
use ports::contract::{self, samples};
use ports::{
    AuditTrail, ClientSecretStore, ConnectionStore, ConsentStore, EvaluationStore, PendingConsent,
    SeededEntropy,
};
use sealing::Key;

use super::*;

fn sealer() -> Sealer {
    Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap()
}

async fn open_at(url: &str) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(url, sealer(), Arc::new(SeededEntropy::new(1))).await
}

async fn in_memory() -> SqliteStore {
    open_at("sqlite::memory:").await.unwrap()
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}/data/tidegate.db", folder.display())
}

/// A store in a file, and the folder that goes with it.
async fn in_file() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(&url(folder.path())).await.unwrap();
    (store, folder)
}

macro_rules! contracts {
    ($($suite:ident,)*) => {
        $(
            #[tokio::test]
            async fn $suite() {
                contract::$suite::all(&in_memory).await;
            }
        )*
    };
}

mod holds_the_contract_of {
    use super::{contract, in_memory};

    contracts! {
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
}

#[tokio::test]
async fn a_store_in_a_file_holds_the_contract_with_its_readers_beside_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let made = std::sync::atomic::AtomicU32::new(0);
    let fresh = async || {
        let n = made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let url = format!("sqlite:{}/{n}.db", folder.path().display());
        open_at(&url).await.unwrap()
    };
    contract::evaluation::all(&fresh).await;
    contract::incidents::all(&fresh).await;
    contract::cases::all(&fresh).await;
    contract::outbox::all(&fresh).await;
    contract::quarantine::all(&fresh).await;
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let (store, folder) = in_file().await;
    store.create(&samples::connection(1)).await.unwrap();
    store.close().await;
    let store = open_at(&url(folder.path())).await.unwrap();
    let read = store.get(samples::connection_id(1)).await.unwrap();
    assert_eq!(read, Some(samples::connection(1)));
}

#[tokio::test]
async fn a_schema_newer_than_the_program_is_refused() {
    let (store, folder) = in_file().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'from the future', 1, x'00', 0)",
    )
    .execute(&store.writer)
    .await
    .unwrap();
    store.close().await;
    match open_at(&url(folder.path())).await {
        Err(OpenError::NewerSchema { found, .. }) => assert_eq!(found, 99),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("opened a newer schema"),
    }
}

#[tokio::test]
async fn no_secret_and_no_state_stands_in_the_file() {
    let (store, folder) = in_file().await;
    let id = samples::connection_id(1);
    let secret = Secret::new("hunter2-secret".to_owned());
    store.put_client_secret(id, &secret).await.unwrap();
    let consent = PendingConsent {
        connection_id: id,
        code_verifier: secret,
        redirect_uri: "http://here".into(),
        expires_at: samples::at(60),
    };
    store
        .begin_consent("the-state-value", &consent)
        .await
        .unwrap();
    store.close().await;
    for file in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in ["hunter2-secret", "the-state-value"] {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
}

#[tokio::test]
async fn a_secret_copied_to_another_row_does_not_open_there() {
    let store = in_memory().await;
    let [a, b]: [ConnectionId; 2] = [1, 2].map(samples::connection_id);
    let secret = |text: &str| Secret::new(text.to_owned());
    store.put_client_secret(a, &secret("of a")).await.unwrap();
    store.put_client_secret(b, &secret("of b")).await.unwrap();
    sqlx::query(
        "UPDATE client_secrets
         SET sealed = (SELECT sealed FROM client_secrets WHERE connection_id = $1)
         WHERE connection_id = $2",
    )
    .bind(a.to_string())
    .bind(b.to_string())
    .execute(&store.writer)
    .await
    .unwrap();
    assert_eq!(store.client_secret(a).await.unwrap(), Some(secret("of a")));
    assert!(matches!(
        store.client_secret(b).await,
        Err(StoreError::Corrupt { .. })
    ));
}

#[tokio::test]
async fn a_hand_in_the_audit_trail_is_found() {
    for (tampering, broken_at) in [
        ("UPDATE audit SET detail = 'x' WHERE sequence = 2", Some(2)),
        ("UPDATE audit SET actor = 'x' WHERE sequence = 4", Some(4)),
        ("UPDATE audit SET at = at + 1 WHERE sequence = 1", Some(1)),
        ("DELETE FROM audit WHERE sequence = 3", Some(3)),
        (
            "UPDATE audit SET sequence = sequence - 1 WHERE sequence > 1",
            Some(1),
        ),
        // Words moved from one field into the next are not the same entry.
        (
            "UPDATE audit SET actor = actor || action, action = '' WHERE sequence = 2",
            Some(2),
        ),
        ("SELECT 1", None),
    ] {
        let store = in_memory().await;
        for n in 1..=4 {
            store.audit(&contract::audit::entry(n)).await.unwrap();
        }
        if tampering.contains("sequence - 1") {
            let removed = sqlx::query("DELETE FROM audit WHERE sequence = 1");
            removed.execute(&store.writer).await.unwrap();
        }
        sqlx::query(tampering).execute(&store.writer).await.unwrap();
        match (store.verify_audit().await, broken_at) {
            (Ok(entries), None) => assert_eq!(entries, 4),
            (Err(ports::BrokenChain::At { sequence }), Some(at)) => {
                assert_eq!(sequence, at, "{tampering}")
            }
            (outcome, _) => panic!("{tampering}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_batch_that_fails_in_the_middle_leaves_nothing() {
    let store = in_memory().await;
    let record = samples::record("a", "f1", 1);
    let first = samples::incident(1, &record);
    let mut second = samples::incident(2, &record);
    second.id = first.id;
    let batch = samples::batch(vec![samples::evaluated(record, vec![first, second])]);
    store.record(&batch).await.unwrap_err();
    let overview = ports::StatsStore::overview(&store).await.unwrap();
    assert_eq!(overview, ports::Overview::default());
}

#[tokio::test]
async fn lists_are_answered_by_indexes() {
    let store = in_memory().await;
    for query in [
        "SELECT document FROM incidents WHERE 1 = 1 AND status = 'new' ORDER BY created_at DESC, id DESC LIMIT 51",
        "SELECT document FROM incidents WHERE 1 = 1 ORDER BY created_at DESC, id DESC LIMIT 51",
        "SELECT raw FROM activities WHERE 1 = 1 AND (received_at, sequence) < (1, 2) ORDER BY received_at DESC, sequence DESC LIMIT 51",
        "SELECT raw FROM activities WHERE 1 = 1 AND actor_email = 'a' ORDER BY received_at DESC, sequence DESC LIMIT 51",
        "SELECT raw FROM activities WHERE 1 = 1 AND object_id = 'a' ORDER BY received_at DESC, sequence DESC LIMIT 51",
        "SELECT document FROM remedies WHERE incident_id IN ('a', 'b')",
        "SELECT r.id FROM remedies r WHERE r.open = 1 ORDER BY r.created_at, r.ordinal, r.id LIMIT 10",
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")))
                .fetch_all(&store.reader)
                .await
                .unwrap();
        let steps: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
        assert!(steps[0].contains("USING INDEX"), "{query}: {steps:?}");
    }
}

#[tokio::test]
async fn old_changes_are_removed_beyond_their_bound() {
    let store = in_memory().await;
    let add = async |n: u8| {
        let record = samples::record(&format!("e{n}"), "f1", 1);
        let incident = samples::incident(n, &record);
        let batch = samples::batch(vec![samples::evaluated(record, vec![incident])]);
        store.record(&batch).await.unwrap();
    };
    let kept = async || {
        let changes = ports::IncidentStore::incident_changes_after(&store, 0, 10).await;
        let sequences: Vec<u64> = changes.unwrap().iter().map(|one| one.sequence).collect();
        sequences
    };
    add(1).await;
    let far_on = "UPDATE sqlite_sequence SET seq = 1000998 WHERE name = 'incident_changes'";
    sqlx::query(far_on).execute(&store.writer).await.unwrap();
    add(2).await;
    assert_eq!(kept().await, [1, 1_000_999]);
    add(3).await;
    assert_eq!(kept().await, [1_000_999, 1_001_000]);
    let backlog = ports::IncidentOutbox::outbox_backlog(&store).await.unwrap();
    let expected = ports::OutboxBacklog {
        waiting: 2,
        dropped: 1,
    };
    assert_eq!(backlog, expected, "what was not told is bounded, too");
}

#[tokio::test]
async fn who_starts_alone_takes_over_at_once_and_fences_the_holder_of_before() {
    use ports::{LeaseStore, RemedyProgress, RemedyStore};
    use std::time::Duration;
    let store = in_memory().await;
    let hour = Duration::from_secs(3_600);
    let record = samples::record("a", "f1", 1);
    let incident = samples::with_remedies(
        samples::incident(1, &record),
        &[event_model::RemedyKind::Notify],
    );
    let batch = samples::batch(vec![samples::evaluated(record, vec![incident])]);
    store.record(&batch).await.unwrap();
    let now = samples::at(100_000);
    let lease = store.acquire_lease("pull/x", "dead", hour, now).await;
    let lease = lease.unwrap().unwrap();
    let claimed = store.claim_remedies("dead", 10, hour, now).await.unwrap();
    assert_eq!(claimed.len(), 1);

    store.forget_holders(now).await.unwrap();
    let taken = store.acquire_lease("pull/x", "new", hour, now).await;
    assert!(taken.unwrap().unwrap().epoch > lease.epoch);
    assert_eq!(
        store
            .claim_remedies("new", 10, hour, now)
            .await
            .unwrap()
            .len(),
        1
    );
    let late = store
        .save_remedy(
            &claimed[0].lease,
            now,
            &claimed[0].remedy,
            &RemedyProgress::default(),
        )
        .await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
    assert!(store.renew_lease(&lease, hour, now).await.is_err());
}
