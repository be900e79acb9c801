//! Documents inspected by the real program's workers: as within one process, confined, and with
//! nothing lost but the document when a worker dies.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use inspect::{Confidence, Coverage, CustomDetector, DetectorSet, Inspection, Limits, Reason};
use inspector::{CustomSet, Inspector, PoolOptions, WorkerPool};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");
const CSV: &[u8] = b"name,ssn\nAnn,536-22-8145\nBob,536-22-9273\n";

fn options() -> PoolOptions {
    PoolOptions::new(PROGRAM.into(), &["inspect-worker"])
}

async fn inspect(pool: &WorkerPool, bytes: impl Into<Bytes>, name: &str) -> Inspection {
    let inspected = pool.inspect(bytes.into(), Some(name.to_owned())).await;
    inspected.expect("a worker can be started")
}

/// Text that takes any worker a good while.
fn long_text() -> Vec<u8> {
    "account 4539 5787 6362 1486 of password eyJ and more\n"
        .repeat(1 << 20)
        .into_bytes()
}

fn limit(name: &str) -> Coverage {
    Coverage::None {
        reason: Reason::Limit {
            name: name.to_owned(),
        },
    }
}

/// Whether the process of that number has ended.
fn is_gone(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The state stands behind the name.
    stat.rsplit(") ")
        .next()
        .is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
}

fn kill(id: u32) {
    let killed = Command::new("kill")
        .args(["-9", &id.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

/// Waits until `state` holds, for a minute.
async fn until(what: &str, mut state: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if state() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still not so: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_die_at_any_time_and_costs_its_document_only() {
    let pool = Arc::new(WorkerPool::new(PoolOptions {
        workers_max: 2,
        ..options()
    }));
    assert_eq!(
        pool.isolation().await.map(|isolation| isolation.is_full()),
        Ok(true),
        "{:?}",
        pool.isolation().await
    );

    // As within one process.
    let here = inspect::inspect(
        CSV,
        Some("a.csv"),
        &Limits::default(),
        DetectorSet::built_in(),
    );
    assert_eq!(inspect(&pool, CSV, "a.csv").await, here);
    let idle = pool.idle_processes();
    assert_eq!(idle.len(), 1);

    // Killed in the middle, while another reads on.
    let reading = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { inspect(&pool, long_text(), "a.txt").await }
    });
    until("the worker reads", || pool.idle_processes().is_empty()).await;
    assert_eq!(inspect(&pool, CSV, "a.csv").await, here);
    let other = pool.idle_processes();
    kill(idle[0]);
    let died = reading.await.unwrap();
    assert_eq!(
        died.coverage,
        limit("memory_bytes_max"),
        "what the system kills has taken too much"
    );
    assert_eq!(inspect(&pool, CSV, "a.csv").await, here);
    assert_eq!(pool.idle_processes(), other, "the other one is still there");

    // Killed while idle: nobody notices.
    kill(other[0]);
    until("the worker is gone", || is_gone(other[0])).await;
    assert_eq!(inspect(&pool, CSV, "a.csv").await, here);

    let last = pool.idle_processes();
    // Nobody waits any more: it does not read on.
    let abandoned = tokio::time::timeout(
        Duration::from_millis(300),
        inspect(&pool, long_text(), "a.txt"),
    )
    .await;
    assert!(abandoned.is_err());
    until("the worker is gone", || is_gone(last[0])).await;
    assert_eq!(inspect(&pool, CSV, "a.csv").await, here);
}

#[tokio::test]
async fn a_document_that_takes_too_long_is_a_blind_spot() {
    let pool = WorkerPool::new(PoolOptions {
        seconds_max: 1,
        ..options()
    });
    assert_eq!(
        inspect(&pool, long_text(), "a.txt").await.coverage,
        limit("seconds_max")
    );
    assert!(inspect(&pool, CSV, "a.csv").await.coverage.is_full());
}

#[tokio::test]
async fn a_document_that_takes_too_much_memory_is_a_blind_spot() {
    let pool = WorkerPool::new(PoolOptions {
        memory_bytes_max: 200 << 20,
        ..options()
    });
    // Each byte decodes to two.
    let mut large = vec![0xE9; 100 << 20];
    large.extend_from_slice(b" the end");
    assert_eq!(
        inspect(&pool, large, "a.txt").await.coverage,
        limit("memory_bytes_max")
    );
    assert!(inspect(&pool, CSV, "a.csv").await.coverage.is_full());
}

#[tokio::test]
async fn a_worker_is_replaced_after_so_many_documents() {
    let pool = WorkerPool::new(PoolOptions {
        documents_max: 2,
        ..options()
    });
    inspect(&pool, CSV, "a.csv").await;
    let first = pool.idle_processes();
    inspect(&pool, CSV, "a.csv").await;
    assert!(pool.idle_processes().is_empty());
    inspect(&pool, CSV, "a.csv").await;
    assert_ne!(pool.idle_processes(), first);
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_told() {
    for (program, arguments) in [("/bin/false", &[][..]), (PROGRAM, &["config"])] {
        let pool = WorkerPool::new(PoolOptions::new(program.into(), arguments));
        let outcome = pool.inspect(Bytes::from_static(CSV), None).await;
        assert!(outcome.is_err(), "{program}");
    }
}

#[test]
fn a_person_sees_what_a_file_holds_and_never_the_values() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("staff.csv");
    std::fs::write(&file, CSV).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .arg(&file)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = run(&["inspect"]);
    for line in [
        "kind      csv",
        "coverage  full",
        "us-ssn *****8145 (high) in row 2, column 2 (ssn)",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("536-22"));
    let json: serde_json::Value = serde_json::from_str(&run(&["inspect", "--json"])).unwrap();
    assert_eq!(json["coverage"]["coverage"], "full");
    assert_eq!(json["findings"]["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn detectors_of_ones_own_are_looked_for_from_the_next_document_on() {
    let pool = WorkerPool::new(PoolOptions {
        workers_max: 1,
        ..options()
    });
    let text = "the part PX-0001";
    let finds = async || {
        let inspection = inspect(&pool, text, "a.txt").await;
        inspection.findings.has("part-number", Confidence::Low)
    };
    assert!(!finds().await);
    let part: CustomDetector = serde_json::from_str(
        r#"{"name": "part-number", "title": "Part number",
            "looks_for": {"kind": "pattern", "pattern": "PX-[0-9]{4}"}}"#,
    )
    .unwrap();
    let first = pool.idle_processes();
    pool.use_detectors(Arc::new(CustomSet::of(&[part]).unwrap()));
    assert!(finds().await);
    let second = pool.idle_processes();
    assert_ne!(first, second, "another process took its place");
    assert!(finds().await);
    assert_eq!(
        pool.idle_processes(),
        second,
        "it stays while nothing changes"
    );
    pool.use_detectors(Arc::new(CustomSet::none()));
    assert!(!finds().await);
}
