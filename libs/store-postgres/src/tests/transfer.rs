//! An embedded store moved here: what was there is there, and what was interrupted goes on.

use std::sync::Arc;

use event_model::{AccessChange, PageRequest, RemedyKind, Secret};
use ports::contract::{access, audit, detectors, samples, vault};
use ports::{
    AccessStore, ActivityFilter, AuditTrail, ClientSecretStore, ConnectionFilter, ConnectionStore,
    DetectorStore, EvaluationStore, GrantStore, IncidentFilter, IncidentStore, LeaseStore,
    PolicyStore, QuarantineFilter, RelationalStore, RemedyFilter, SeededEntropy, Tokens,
    VaultFilter, VaultIndex,
};
use store_rows::transfer::{TABLES, Table};
use store_sqlite::SqliteStore;

use super::{Server, sealer};
use crate::{PostgresStore, TransferError};

/// Moves some rows; whether there were any.
async fn step(source: &SqliteStore, target: &PostgresStore, table: &Table) -> bool {
    let after = target.taken_through(table).await.unwrap();
    let rows = source.rows_of(table, after, 100).await.unwrap();
    let is_empty = rows.rows.is_empty();
    target.take_rows(table, rows).await.unwrap();
    !is_empty
}

/// A store with something in every table, and more activity than is moved at once.
async fn filled() -> SqliteStore {
    let entropy = Arc::new(SeededEntropy::new(1));
    let store = SqliteStore::open("sqlite::memory:", sealer(), entropy);
    let store = store.await.unwrap();
    let id = samples::connection_id(1);
    store.create(&samples::connection(1)).await.unwrap();
    store
        .save_policy(&samples::policy(1, 1, true))
        .await
        .unwrap();
    let secret = Secret::new("client".to_owned());
    store.put_client_secret(id, &secret).await.unwrap();
    let tokens = Tokens {
        access_token: Secret::new("access".to_owned()),
        refresh_token: None,
        expires_at: None,
        scope: None,
    };
    store.replace_grant(id, None, &tokens).await.unwrap();
    let ttl = std::time::Duration::from_secs(30);
    store
        .acquire_lease("pull", "a", ttl, samples::at(0))
        .await
        .unwrap();
    for n in 1..=250_u8 {
        let record = samples::record(&format!("e{n}\u{E000}"), &format!("f{n}"), i64::from(n));
        let incidents = match n % 50 {
            0 => vec![samples::with_remedies(
                samples::incident(n, &record),
                &[RemedyKind::Quarantine, RemedyKind::Notify],
            )],
            _ => Vec::new(),
        };
        let batch = samples::batch(vec![samples::evaluated(record, incidents)]);
        store.record(&batch).await.unwrap();
    }
    let policies = AccessChange {
        policies: vec![access::policy(1), access::policy(2)],
        groups: vec![access::group(1, &[2, 1])],
        ..AccessChange::default()
    };
    store.change_access(0, &policies).await.unwrap();
    for n in 1..=5 {
        store.audit(&audit::entry(n)).await.unwrap();
        store.add_vault_item(&vault::item(n)).await.unwrap();
    }
    let detector = detectors::detector("parts");
    store.save_detector(&detector, None).await.unwrap();
    store
}

/// Everything that can be asked for, as text.
async fn everything(store: &impl RelationalStore) -> String {
    let first = PageRequest::first(200);
    let id = samples::connection_id(1);
    let overview = store.overview().await.unwrap();
    let connections = store
        .page(&ConnectionFilter::default(), &first)
        .await
        .unwrap();
    let activities = store
        .activity_page(&ActivityFilter::default(), &first)
        .await
        .unwrap();
    let incidents = store
        .incident_page(&IncidentFilter::default(), &first)
        .await
        .unwrap();
    let remedies = store
        .remedy_page(&RemedyFilter::default(), &first)
        .await
        .unwrap();
    let held = store
        .quarantine_page(&QuarantineFilter::default(), &first)
        .await
        .unwrap();
    let policies = store.policies_in_use().await.unwrap();
    let audit = store.audit_page(&first).await.unwrap();
    let grant = store
        .grant(id)
        .await
        .unwrap()
        .map(|grant| (grant.version, grant.tokens.access_token.expose().clone()));
    let secret = store
        .client_secret(id)
        .await
        .unwrap()
        .map(|one| one.expose().clone());
    let place = store.checkpoint(id, "s").await.unwrap();
    let vault = store.vault_page(&VaultFilter::default(), &first).await;
    let vault = vault.unwrap();
    let access = store.access_records().await.unwrap();
    let access = (access.policies, access.groups);
    let changes = store.incident_changes_after(0, 1_000).await.unwrap();
    let raw = store.raw_activity(id, "e7\u{E000}").await.unwrap();
    let detectors = store.every_detector().await.unwrap();
    format!(
        "{detectors:#?}{overview:#?}{connections:#?}{activities:#?}{incidents:#?}{remedies:#?}{held:#?}\
         {policies:#?}{audit:#?}{vault:#?}{access:#?}{grant:#?}{secret:?}{place:#?}{changes:#?}{raw:?}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_store_answers_as_before_and_goes_on() {
    let Some(server) = Server::find() else { return };
    let (source, target) = (filled().await, server.store().await);
    // Interrupted in the middle of the activity, as by a crash: a step is there or not.
    target.begin_transfer(false).await.unwrap();
    for table in &TABLES[..9] {
        step(&source, &target, table).await;
    }
    assert!(target.is_being_filled().await.unwrap());
    let unasked = target.begin_transfer(false).await;
    assert!(
        matches!(unasked, Err(TransferError::UnderWay)),
        "{unasked:?}"
    );
    target.begin_transfer(true).await.unwrap();
    for table in TABLES {
        while step(&source, &target, table).await {}
        let (there, here) = (source.count_of(table).await, target.count_of(table).await);
        assert_eq!(there.unwrap(), here.unwrap(), "{}", table.name);
    }
    let numbers = source.incident_numbers().await.unwrap();
    target.end_transfer(&numbers).await.unwrap();
    assert!(!target.is_being_filled().await.unwrap());
    assert_eq!(everything(&target).await, everything(&source).await);
    assert_eq!(target.verify_audit().await.unwrap(), 5);

    let again = target.begin_transfer(true).await;
    assert!(
        matches!(again, Err(TransferError::InUse { .. })),
        "{again:?}"
    );
    // Numbers, sequences and epochs go on; what is known stays known.
    let record = samples::record("new", "f1", 1_000);
    let known = samples::record("e50\u{E000}", "f50", 50);
    let batch = samples::batch(vec![
        samples::evaluated(known.clone(), vec![samples::incident(50, &known)]),
        samples::evaluated(record.clone(), vec![samples::incident(251, &record)]),
    ]);
    let recorded = target.record(&batch).await.unwrap();
    assert_eq!(
        (recorded.activities_new, recorded.incidents_new.len()),
        (1, 1)
    );
    let incident = target.incident(recorded.incidents_new[0]).await.unwrap();
    assert_eq!(incident.unwrap().number, "DLP-6");
    let ttl = std::time::Duration::from_secs(30);
    let lease = target.acquire_lease("pull", "b", ttl, samples::at(1)).await;
    assert_eq!(lease.unwrap().expect("nobody holds it").epoch, 2);
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_taken_away_are_made_again_by_who_goes_on() {
    let Some(server) = Server::find() else { return };
    let target = server.store().await;
    let indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
                   AND tablename IN ('incidents', 'activities') ORDER BY 1";
    let all = async || -> Vec<String> {
        let found = sqlx::query_scalar(indexes).fetch_all(&target.pool).await;
        let found: Vec<String> = found.unwrap();
        let whole = |one: &String| one.replacen(" ON ONLY ", " ON ", 1);
        found.iter().map(whole).collect()
    };
    let before = all().await;
    target.begin_transfer(false).await.unwrap();
    let away = target.take_indexes_away().await.unwrap();
    assert!(all().await.len() < before.len());
    target.make_index(&away[0]).await.unwrap();
    // Another goes on: what is there is taken away once more, or left, and nothing is forgotten.
    target.begin_transfer(true).await.unwrap();
    assert_eq!(target.take_indexes_away().await.unwrap(), away);
    assert_eq!(target.indexes_taken_away().await.unwrap(), away);
    for index in away.iter().chain(&away[..1]) {
        target.make_index(index).await.unwrap();
    }
    assert_eq!(all().await, before);
    target.end_transfer(&[]).await.unwrap();
    assert_eq!(
        target.indexes_taken_away().await.unwrap(),
        Vec::<String>::new()
    );
}
