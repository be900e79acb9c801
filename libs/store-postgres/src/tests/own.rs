//! What is this store's own: the schema, partitions, hostile texts, errors at opening.

use event_model::{ConnectionId, EventId, PageRequest, Secret};
use ports::contract::{self, samples};
use ports::{
    ActivityFilter, ActivityStore, AuditTrail, BrokenChain, ClientSecretStore, EvaluationStore,
    StatsStore, StoreError, SystemClock,
};
use sqlx::AssertSqlSafe;

use super::{Server, open};
use crate::{OpenError, PostgresStore};

async fn run(store: &PostgresStore, sql: &str) {
    sqlx::query(AssertSqlSafe(sql))
        .execute(&store.pool)
        .await
        .unwrap();
}

async fn partitions(store: &PostgresStore) -> Vec<String> {
    let names = sqlx::query_scalar(
        "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = to_regclass('activities') ORDER BY 1",
    );
    names.fetch_all(&store.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_open_an_empty_store_at_once() {
    let Some(server) = Server::find() else { return };
    let url = server.schema().await;
    let opened = futures::future::join_all((0..6).map(|_| open(&url))).await;
    for store in opened {
        store.unwrap().answers().await.unwrap();
    }
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_newer_than_the_program_is_refused() {
    let Some(server) = Server::find() else { return };
    let url = server.schema().await;
    let store = open(&url).await.unwrap();
    run(
        &store,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'from the future', TRUE, '', 0)",
    )
    .await;
    store.close().await;
    match open(&url).await {
        Err(OpenError::NewerSchema { found, .. }) => assert_eq!(found, 99),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("opened a newer schema"),
    }
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_at_opening_is_said_by_name_and_without_the_password() {
    let Some(server) = Server::find() else { return };
    let right = server.schema().await;
    let name = ports::contract::servers::fresh_name();
    server
        .run(&format!("CREATE ROLE {name} LOGIN PASSWORD 'of-the-role'"))
        .await;
    let changed = |change: &dyn Fn(&mut url::Url)| {
        let mut url = url::Url::parse(&right).unwrap();
        change(&mut url);
        url.to_string()
    };
    let rows = [
        ("nonsense".to_owned(), "the address is not"),
        (
            changed(&|url| url.set_port(Some(1)).unwrap()),
            "nobody answers at",
        ),
        (
            changed(&|url| url.set_password(Some("wrong-word")).unwrap()),
            "wrong name or password",
        ),
        (
            changed(&|url| url.set_path("/nowhere")),
            "there is no database",
        ),
        (
            changed(&|url| {
                url.set_username(&name).unwrap();
                url.set_password(Some("of-the-role")).unwrap();
            }),
            "may not make tables",
        ),
    ];
    for (url, expected) in rows {
        let error = open(&url).await.err().expect(expected);
        let said = format!("{error} {error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(
            !said.contains("wrong-word") && !said.contains("of-the-role"),
            "{said}"
        );
    }
    server.run(&format!("DROP ROLE {name}")).await;
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_postgres_does_not_take_is_stored_and_found() {
    let Some(server) = Server::find() else { return };
    let store = server.store().await;
    let long = "é".repeat(20_000);
    let texts = ["with \0 in it", "\u{E000}", &long];
    for (n, hostile) in texts.into_iter().enumerate() {
        let id = EventId::new(format!("{n}\0")).unwrap();
        let mut record = samples::record("a", hostile, 1);
        record.activity.event_id = id.clone();
        record.activity.actor_email = Some(hostile.to_owned());
        let mut incident = samples::incident(n as u8 + 1, &record);
        incident.activity = record.activity.clone();
        let batch = samples::batch(vec![samples::evaluated(record.clone(), vec![incident])]);
        let recorded = store.record(&batch).await.unwrap();
        assert_eq!(
            (recorded.activities_new, recorded.incidents_new.len()),
            (1, 1)
        );
        assert_eq!(
            store.record(&batch).await.unwrap(),
            ports::Recorded::default()
        );
        let asked = [(record.connection_id, id.clone())];
        assert_eq!(store.are_recorded(&asked).await.unwrap(), [true]);
        let filters = [
            ActivityFilter {
                object_id: Some(hostile.into()),
                ..Default::default()
            },
            ActivityFilter {
                actor_email: Some(hostile.into()),
                ..Default::default()
            },
            ActivityFilter {
                event_id: Some(id.to_string()),
                text: Some(hostile.into()),
                ..Default::default()
            },
        ];
        for filter in filters {
            let page = store.activity_page(&filter, &PageRequest::first(10)).await;
            let found = page.unwrap().items;
            assert_eq!(found.len(), 1, "{n}: {filter:?}");
            assert_eq!(found[0].activity, record.activity);
        }
        let raw = store.raw_activity(record.connection_id, id.as_str()).await;
        assert_eq!(raw.unwrap().as_deref(), Some(record.raw.get()));
    }
    let mut entry = contract::audit::entry(1);
    entry.detail = "a\0b\u{E000}".into();
    store.audit(&entry).await.unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), 1);
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn months_have_partitions_and_what_is_too_old_goes_with_its_partition() {
    let Some(server) = Server::find() else { return };
    let store = server.store().await;
    let month = 31 * 24 * 3_600;
    let records = [
        ("a", 0),
        ("b", 1),
        ("c", month),
        ("d", 2 * month),
        ("e", 2 * month + 1),
    ];
    let records = records.map(|(event, at)| samples::record(event, "f1", at));
    let evaluated = records
        .clone()
        .map(|one| samples::evaluated(one, Vec::new()));
    store
        .record(&samples::batch(evaluated.into()))
        .await
        .unwrap();
    let made = partitions(&store).await;
    for name in [
        "activities_2023_11",
        "activities_2023_12",
        "activities_2024_01",
    ] {
        assert!(made.iter().any(|one| one == name), "{made:?}");
    }
    // Two in dropped months, their keys with them as far as the limit goes; one row of the third month.
    let before = samples::at(2 * month + 1);
    let mut forgotten = 0;
    loop {
        match store.forget_activities(before, 2).await.unwrap() {
            0 => break,
            some => forgotten += some,
        }
    }
    assert!(forgotten >= 4, "{forgotten}");
    assert!(
        !partitions(&store)
            .await
            .contains(&"activities_2023_12".to_owned())
    );
    let page = store
        .activity_page(&ActivityFilter::default(), &PageRequest::first(10))
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(store.overview().await.unwrap().activities, 1);
    let keys = records
        .clone()
        .map(|one| (one.connection_id, one.activity.event_id));
    let known = store.are_recorded(&keys).await.unwrap();
    assert_eq!(known, [false, false, false, false, true]);
    // What comes again is new, and its partition is made again.
    let again = samples::evaluated(records[0].clone(), Vec::new());
    let recorded = store.record(&samples::batch(vec![again])).await.unwrap();
    assert_eq!(recorded.activities_new, 1);
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_another_process_dropped_is_made_again() {
    let Some(server) = Server::find() else { return };
    let store = server.store().await;
    for event in ["a", "b"] {
        let one = samples::evaluated(samples::record(event, "f1", 1), Vec::new());
        let recorded = store.record(&samples::batch(vec![one])).await.unwrap();
        assert_eq!(recorded.activities_new, 1, "{event}");
        run(&store, "DROP TABLE activities_2023_11").await;
    }
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_copied_to_another_row_does_not_open_there() {
    let Some(server) = Server::find() else { return };
    let store = server.store().await;
    let [a, b]: [ConnectionId; 2] = [1, 2].map(samples::connection_id);
    for id in [a, b] {
        let secret = Secret::new(id.to_string());
        store.put_client_secret(id, &secret).await.unwrap();
    }
    let copy = format!(
        "UPDATE client_secrets SET sealed = (SELECT sealed FROM client_secrets
         WHERE connection_id = '{a}') WHERE connection_id = '{b}'"
    );
    run(&store, &copy).await;
    assert_eq!(
        store.client_secret(a).await.unwrap(),
        Some(Secret::new(a.to_string()))
    );
    let opened = store.client_secret(b).await;
    assert!(matches!(opened, Err(StoreError::Corrupt { .. })));
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_in_the_audit_trail_is_found() {
    let Some(server) = Server::find() else { return };
    for (tampering, broken_at) in [
        ("UPDATE audit SET detail = 'x' WHERE sequence = 2", 2),
        ("DELETE FROM audit WHERE sequence = 3", 3),
    ] {
        let store = server.store().await;
        for n in 1..=4 {
            store.audit(&contract::audit::entry(n)).await.unwrap();
        }
        run(&store, tampering).await;
        match store.verify_audit().await {
            Err(BrokenChain::At { sequence }) => assert_eq!(sequence, broken_at, "{tampering}"),
            other => panic!("{tampering}: {other:?}"),
        }
    }
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_answered_by_indexes() {
    let Some(server) = Server::find() else { return };
    let store = server.store().await;
    let one = samples::evaluated(samples::record("a", "f1", 1), Vec::new());
    store.record(&samples::batch(vec![one])).await.unwrap();
    for query in [
        "SELECT document FROM incidents WHERE 1 = 1 AND status = 'new' ORDER BY created_at DESC, id DESC LIMIT 51",
        "SELECT document FROM incidents WHERE 1 = 1 ORDER BY created_at DESC, id DESC LIMIT 51",
        "SELECT raw FROM activities WHERE 1 = 1 AND received_at <= 1700000001000000 AND (received_at, sequence) < (1700000001000000, 2) ORDER BY received_at DESC, sequence DESC LIMIT 51",
        "SELECT raw FROM activities WHERE 1 = 1 AND actor_email = 'a' ORDER BY received_at DESC, sequence DESC LIMIT 51",
        "SELECT raw FROM activities WHERE 1 = 1 AND object_id = 'a' ORDER BY received_at DESC, sequence DESC LIMIT 51",
        "SELECT document FROM remedies WHERE incident_id = ANY('{a,b}')",
        "SELECT r.id FROM remedies r WHERE r.open ORDER BY r.created_at, r.ordinal, r.id LIMIT 10",
    ] {
        let mut tx = store.pool.begin().await.unwrap();
        // The tables are nearly empty: a scan would be cheaper, and a sort too.
        for setting in ["enable_seqscan", "enable_sort", "enable_bitmapscan"] {
            let off = AssertSqlSafe(format!("SET LOCAL {setting} = off"));
            sqlx::query(off).execute(&mut *tx).await.unwrap();
        }
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN {query}")))
            .fetch_all(&mut *tx)
            .await
            .unwrap();
        let plan = plan.join("\n");
        let scans = plan.contains("Seq Scan") || plan.contains("Sort Key");
        assert!(
            plan.contains("Index") && !scans || plan.contains("Append"),
            "{query}:\n{plan}"
        );
        assert!(!plan.contains("Seq Scan"), "{query}:\n{plan}");
    }
    server.drop_schemas().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clocks_of_one_machine_agree() {
    let Some(server) = Server::find() else { return };
    let store = server.store().await;
    let ahead = store.clock_ahead(&SystemClock::new()).await.unwrap();
    assert!(ahead.abs() < chrono::TimeDelta::seconds(5), "{ahead}");
    server.drop_schemas().await;
}
