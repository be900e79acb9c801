//! The suite of [`JobStore`](crate::JobStore).

use event_model::{
    Baseline, CrawlList, Job, JobId, JobKind, JobState, JobWork, PageRequest, Replay, ReplayAsk,
    Scan, ScanAsk, ScanKind, ScanMode,
};

use super::samples::{at, connection_id, policy, policy_id};
use super::{RelationalStore, every_item};
use crate::{JOBS_KEPT_MAX, JobFilter, StoreError};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    a_job_changes_by_its_revision_only(&fresh().await).await;
    lists_are_narrowed_and_newest_first(&fresh().await).await;
    what_is_open_and_due_is_given_oldest_first(&fresh().await).await;
    only_so_many_that_are_over_are_kept(&fresh().await).await;
    a_scan_is_kept_with_its_place(&fresh().await).await;
}

/// The n-th job: a trial of the n-th policy.
pub fn job(n: u32) -> Job {
    let version = policy((n % 200) as u8, 1, false);
    let ask = ReplayAsk {
        policy: Some(version.reference()),
        document: version.document,
        baseline: Baseline::Nothing,
        from: at(0),
        to: at(86_400),
        connection: None,
    };
    let now = at(i64::from(n));
    let work = JobWork::Replay(Box::new(Replay::of(ask)));
    Job::new(JobId::new(now, u128::from(n)), "ada", work, now)
}

async fn a_job_changes_by_its_revision_only(store: &impl RelationalStore) {
    let mut changes = store.job_changes();
    let first = job(1);
    store.add_job(&first).await.expect("it is added");
    assert!(changes.has_changed().expect("the store is there"));
    changes.borrow_and_update();
    let twice = store.add_job(&first).await;
    assert!(
        matches!(twice, Err(StoreError::Conflict { .. })),
        "{twice:?}"
    );
    let mut worked = first.clone();
    worked.step(JobState::Running, at(5)).expect("a step");
    let saved = store.save_job(&worked).await.expect("nobody changed it");
    assert_eq!(saved.revision, 2);
    assert!(changes.has_changed().expect("the store is there"));
    let read = store.job(first.id).await.expect("a read");
    assert_eq!(read, Some(saved), "what was saved is read");
    let mut late = first.clone();
    late.step(JobState::Canceled, at(6)).expect("a step");
    let refused = store.save_job(&late).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "it was changed meanwhile: {refused:?}"
    );
    let unknown = store.save_job(&job(9)).await;
    assert!(
        matches!(unknown, Err(StoreError::Conflict { .. })),
        "there is none: {unknown:?}"
    );
    assert_eq!(store.job(job(9).id).await.expect("a read"), None);
}

async fn lists_are_narrowed_and_newest_first(store: &impl RelationalStore) {
    for n in 1..=5 {
        store.add_job(&job(n)).await.expect("it is added");
    }
    let listed = async |filter: JobFilter| {
        let jobs = every_item(2, async |request| store.job_page(&filter, &request).await).await;
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let newest_first: Vec<JobId> = (1..=5).rev().map(|n| job(n).id).collect();
    assert_eq!(listed(JobFilter::default()).await, newest_first);
    let of_kind = JobFilter {
        kind: Some(JobKind::Replay),
        ..JobFilter::default()
    };
    assert_eq!(listed(of_kind).await, newest_first);
    let of_one = JobFilter {
        subject: Some(policy_id(3).to_string()),
        ..JobFilter::default()
    };
    assert_eq!(listed(of_one).await, [job(3).id]);
    let garbage = PageRequest::after("garbage", 2);
    let refused = store.job_page(&JobFilter::default(), &garbage).await;
    assert!(matches!(refused, Err(StoreError::BadCursor { .. })));
}

async fn what_is_open_and_due_is_given_oldest_first(store: &impl RelationalStore) {
    for n in 1..=6 {
        let mut job = job(n);
        if n == 6 {
            job.due_at = at(100);
        }
        store.add_job(&job).await.expect("it is added");
    }
    for (n, states) in [
        (2, &[JobState::Running, JobState::Done][..]),
        (3, &[JobState::Paused]),
        (4, &[JobState::Running]),
    ] {
        let mut job = job(n);
        for state in states {
            job.step(*state, at(10)).expect("a step");
        }
        store.save_job(&job).await.expect("nobody changed it");
    }
    let open = async |now, limit| {
        let open = store.open_jobs(JobKind::Replay, at(now), limit).await;
        let ids = open.expect("a read").into_iter().map(|job| job.id);
        ids.collect::<Vec<_>>()
    };
    let ids = |numbers: &[u32]| -> Vec<JobId> { numbers.iter().map(|n| job(*n).id).collect() };
    assert_eq!(open(50, 9).await, ids(&[1, 4, 5]));
    assert_eq!(open(50, 2).await, ids(&[1, 4]), "at most so many");
    assert_eq!(open(100, 9).await, ids(&[1, 4, 5, 6]), "it is due now");
}

async fn only_so_many_that_are_over_are_kept(store: &impl RelationalStore) {
    let waiting = job(0);
    store.add_job(&waiting).await.expect("it is added");
    for n in 1..=JOBS_KEPT_MAX + 2 {
        let mut job = job(n);
        job.step(JobState::Canceled, at(10)).expect("a step");
        store.add_job(&job).await.expect("it is added");
    }
    let filter = JobFilter::default();
    let kept = every_item(500, async |request| store.job_page(&filter, &request).await).await;
    assert_eq!(kept.len(), JOBS_KEPT_MAX as usize + 1);
    assert_eq!(kept.last(), Some(&waiting), "what is not over is kept");
}

async fn a_scan_is_kept_with_its_place(store: &impl RelationalStore) {
    store.add_job(&job(1)).await.expect("it is added");
    let mut scan = Scan::of(
        ScanAsk {
            connection: connection_id(2),
            kind: ScanKind::Content,
            mode: ScanMode::Act,
            policies: vec![policy_id(1)],
            path: Some("/Finance".into()),
            user: None,
            actions_max: 10,
            budget_percent: 20,
            every_hours: Some(24),
        },
        Some(7),
    );
    scan.lists.push(CrawlList {
        level: 1,
        item: serde_json::Map::from_iter([("user".to_owned(), "ada".into())]),
        next: Some("c2".into()),
    });
    scan.done_of_page.insert("0011".into());
    scan.report.users.insert("ada@example.com".into(), 3);
    let work = JobWork::Scan(Box::new(scan));
    let mut begun = Job::new(JobId::new(at(2), 2), "ada", work, at(2));
    store.add_job(&begun).await.expect("it is added");
    begun.step(JobState::Running, at(3)).expect("a step");
    let saved = store.save_job(&begun).await.expect("nobody changed it");
    let read = store.job(begun.id).await.expect("a read");
    assert_eq!(read.as_ref(), Some(&saved), "its place is kept");
    let open = store.open_jobs(JobKind::Scan, at(9), 9).await;
    assert_eq!(
        open.expect("a read"),
        std::slice::from_ref(&saved),
        "and no trial"
    );
    let of_connection = JobFilter {
        kind: Some(JobKind::Scan),
        subject: Some(connection_id(2).to_string()),
    };
    let page = store.job_page(&of_connection, &PageRequest::first(9)).await;
    assert_eq!(page.expect("a page").items, [saved]);
}
