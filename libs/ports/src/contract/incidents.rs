//! The suite of [`IncidentStore`](crate::IncidentStore).

use event_model::{
    CaseChange, CaseVerdict, ConnectionId, EventId, Incident, IncidentId, IncidentStatus,
    PageRequest, RemedyKind, Severity, TimelineKind,
};

use super::RelationalStore;
use super::samples::{
    act, at, batch, closing, connection_id, evaluated, incident, policy_id, record, with_remedies,
};
use crate::{CaseError, IncidentFilter, StoreError};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    an_incident_comes_back_with_its_remedies(&fresh().await).await;
    incidents_are_narrowed_by_each_filter(&fresh().await).await;
    incidents_are_read_page_by_page_while_more_come(&fresh().await).await;
    incidents_are_found_by_their_activities(&fresh().await).await;
    a_status_is_set_by_who_read_the_last_revision(&fresh().await).await;
    changes_are_told_in_order(&fresh().await).await;
}

/// Records an incident with an activity of its own.
async fn add(
    store: &impl RelationalStore,
    n: u8,
    change: impl FnOnce(&mut Incident),
) -> IncidentId {
    let mut record = record(&format!("e{n}"), &format!("f{n}"), i64::from(n));
    let mut one = incident(n, &record);
    change(&mut one);
    record.activity = one.activity.clone();
    record.connection_id = one.connection_id;
    let id = one.id;
    let recorded = store
        .record(&batch(vec![evaluated(record, vec![one])]))
        .await;
    assert_eq!(recorded.expect("it is recorded").incidents_new, [id]);
    id
}

async fn read(store: &impl RelationalStore, id: IncidentId) -> Incident {
    let found = store.incident(id).await.expect("a read");
    found.expect("it was recorded")
}

async fn an_incident_comes_back_with_its_remedies(store: &impl RelationalStore) {
    let record = record("a", "f1", 1);
    let kinds = [RemedyKind::Quarantine, RemedyKind::Notify];
    let mut given = with_remedies(incident(1, &record), &kinds);
    let one = batch(vec![evaluated(record, vec![given.clone()])]);
    store.record(&one).await.expect("it is recorded");
    given.number = "DLP-1".into();
    assert_eq!(read(store, given.id).await, given);
    let page = store
        .incident_page(&IncidentFilter::default(), &PageRequest::first(9))
        .await
        .expect("a page");
    assert_eq!(page.items, [given]);
    let none = store.incident(IncidentId::new(at(0), 9)).await;
    assert_eq!(none.expect("a read"), None);
}

async fn incidents_are_found_by_their_activities(store: &impl RelationalStore) {
    let twice = record("e0", "f0", 0);
    let first = with_remedies(incident(1, &twice), &[RemedyKind::RemoveLink]);
    let both = vec![first, incident(2, &twice)];
    let both = store.record(&batch(vec![evaluated(twice, both)])).await;
    let both = both.expect("they are recorded").incidents_new;
    let mut ids = both.clone();
    for n in 3..=120 {
        ids.push(add(store, n, |_| {}).await);
    }
    let elsewhere = add(store, 121, |one| one.connection_id = connection_id(2)).await;
    let event = |n: u8| EventId::new(format!("e{n}")).expect("a short event id");
    let mut asked = vec![(connection_id(1), event(0))];
    asked.extend((3..=121).map(|n| (connection_id(1), event(n))));
    let found = async |asked: &[(ConnectionId, EventId)], policy, limit| {
        let found = store.incidents_of_events(asked, policy, limit).await;
        found.expect("a read")
    };
    let every = found(&asked, None, 500).await;
    let mut every_id: Vec<IncidentId> = every.iter().map(|one| one.id).collect();
    every_id.sort();
    assert_eq!(every_id, ids, "and not {elsewhere} of another connection");
    let first = every.iter().find(|one| one.id == both[0]);
    assert_eq!(first.expect("it is there").remedies.len(), 1);
    let of_one = found(&asked, Some(policy_id(2)), 500).await;
    assert_eq!(of_one.len(), 1);
    assert_eq!(of_one[0].id, both[1]);
    assert_eq!(found(&asked, None, 3).await.len(), 3, "at most so many");
    assert!(found(&[], None, 3).await.is_empty());
}

async fn incidents_are_narrowed_by_each_filter(store: &impl RelationalStore) {
    add(store, 1, |one| one.severity = Severity::Low).await;
    add(store, 2, |one| one.connection_id = connection_id(2)).await;
    add(store, 3, |one| {
        one.activity.actor_email = Some("Grace@x.org".into())
    })
    .await;
    let resolved = add(store, 4, |one| one.policy.name = "50% off".into()).await;
    let change = CaseChange {
        owner: Some(Some("grace".into())),
        tags_added: vec!["VIP".into(), "hr".into()],
        ..closing(IncidentStatus::Resolved)
    };
    let set = store
        .work_on_incident(resolved, None, &change, &act(5_000))
        .await;
    set.expect("it is resolved");
    for (filter, expected) in filter_rows() {
        let page = store.incident_page(&filter, &PageRequest::first(9)).await;
        let page = page.expect("a page");
        let found: Vec<u8> = page
            .items
            .iter()
            .map(|one| (one.created_at - at(1_000)).num_seconds() as u8)
            .collect();
        assert_eq!(found, expected, "{filter:?}");
        let count = async |most| store.incident_count(&filter, most).await.expect("a count");
        assert_eq!(count(9).await, expected.len() as u64, "{filter:?}");
        assert_eq!(
            count(1).await,
            expected.len().min(1) as u64,
            "up to a bound"
        );
    }
}

/// Filters, and which incidents each shows.
fn filter_rows() -> Vec<(IncidentFilter, &'static [u8])> {
    let none = IncidentFilter::default;
    let text = |text: &str| IncidentFilter {
        text: Some(text.into()),
        ..none()
    };
    vec![
        (none(), &[4, 3, 2, 1][..]),
        (
            IncidentFilter {
                status: vec![IncidentStatus::Resolved],
                ..none()
            },
            &[4],
        ),
        (
            IncidentFilter {
                status: vec![IncidentStatus::Resolved, IncidentStatus::New],
                severity: vec![Severity::High],
                ..none()
            },
            &[4, 3, 2],
        ),
        (
            IncidentFilter {
                severity: vec![Severity::Low, Severity::Info],
                ..none()
            },
            &[1],
        ),
        (
            IncidentFilter {
                connection: Some(connection_id(2)),
                ..none()
            },
            &[2],
        ),
        (
            IncidentFilter {
                policy: Some(policy_id(3)),
                ..none()
            },
            &[3],
        ),
        (
            IncidentFilter {
                actor_email: Some("grace@X.org".into()),
                ..none()
            },
            &[3],
        ),
        (
            IncidentFilter {
                object_id: Some("f2".into()),
                ..none()
            },
            &[2],
        ),
        (
            IncidentFilter {
                event_id: Some("e1".into()),
                ..none()
            },
            &[1],
        ),
        (
            IncidentFilter {
                from: Some(at(1_002)),
                to: Some(at(1_004)),
                ..none()
            },
            &[3, 2],
        ),
        (
            IncidentFilter {
                numbers: vec!["DLP-1".into(), "DLP-3".into(), "SHR-2".into()],
                ..none()
            },
            &[3, 1],
        ),
        (
            IncidentFilter {
                owner: Some("grace".into()),
                ..none()
            },
            &[4],
        ),
        (
            IncidentFilter {
                owner: Some(String::new()),
                ..none()
            },
            &[3, 2, 1],
        ),
        (
            IncidentFilter {
                tag: Some("Vip".into()),
                ..none()
            },
            &[4],
        ),
        (
            IncidentFilter {
                tag: Some("vi".into()),
                ..none()
            },
            &[],
        ),
        (
            IncidentFilter {
                verdict: vec![CaseVerdict::TruePositive, CaseVerdict::Benign],
                ..none()
            },
            &[4],
        ),
        (text("dlp-2"), &[2]),
        (text("POLICY 3"), &[3]),
        (text("0% o"), &[4]),
        (text("5_%"), &[]),
        (text("F1.pdf"), &[1]),
    ]
}

async fn incidents_are_read_page_by_page_while_more_come(store: &impl RelationalStore) {
    // All but the newest ones are of one moment: only their ids tell them apart.
    let mut expected = Vec::new();
    for n in 1..=10 {
        let id = add(store, n, |one| one.created_at = at(1_000)).await;
        expected.insert(0, id);
    }
    expected.sort_by_key(|id| std::cmp::Reverse(id.to_string()));
    let mut found = Vec::new();
    let mut request = PageRequest::first(3);
    for more in 11.. {
        let page = store
            .incident_page(&IncidentFilter::default(), &request)
            .await;
        let page = page.expect("a page");
        found.extend(page.items.iter().map(|one| one.id));
        let Some(next) = page.next else { break };
        request = PageRequest::after(next, 3);
        add(store, more, |_| ()).await;
    }
    assert_eq!(found, expected, "without gaps or repetitions");
    for bad in ["", "x", "AAAA", "ä"] {
        let refused = store
            .incident_page(&IncidentFilter::default(), &PageRequest::after(bad, 3))
            .await;
        assert!(
            matches!(refused, Err(StoreError::BadCursor { .. })),
            "{bad}"
        );
    }
}

async fn a_status_is_set_by_who_read_the_last_revision(store: &impl RelationalStore) {
    let id = add(store, 1, |_| ()).await;
    let change = closing(IncidentStatus::FalsePositive);
    let set = store
        .work_on_incident(id, Some(1), &change, &act(5_000))
        .await;
    let set = set.expect("it is set");
    assert_eq!(set, read(store, id).await);
    assert_eq!((Some(set.status), set.revision), (change.status, 2));
    assert_eq!(set.updated_at, at(5_000));
    let [entry] = &set.timeline[..] else {
        panic!("one entry, not {:?}", set.timeline)
    };
    assert_eq!((entry.at, entry.kind), (at(5_000), TimelineKind::Person));
    for word in ["grace", "false_positive", "a test file"] {
        assert!(entry.text.contains(word), "{}", entry.text);
    }
    for (revision, status) in [
        (1, IncidentStatus::Reopened),
        (3, IncidentStatus::Reopened),
        (2, IncidentStatus::InProgress),
    ] {
        let change = closing(status);
        let late = act(6_000);
        let refused = store
            .work_on_incident(id, Some(revision), &change, &late)
            .await;
        let refused = refused.expect_err("it is refused");
        let is_late = matches!(refused, CaseError::Store(StoreError::Conflict { .. }));
        assert_eq!(
            is_late,
            revision != 2,
            "revision {revision} to {status}: {refused:?}"
        );
    }
    assert_eq!(read(store, id).await, set, "nothing was changed");
    let none = IncidentId::new(at(0), 9);
    let refused = store
        .work_on_incident(none, None, &change, &act(6_000))
        .await;
    let is_missing = matches!(refused, Err(CaseError::Store(StoreError::NotFound { .. })));
    assert!(is_missing, "{refused:?}");
}

async fn changes_are_told_in_order(store: &impl RelationalStore) {
    let mut signal = store.incident_changes();
    assert_eq!(store.last_incident_change().await.expect("a number"), 0);
    let a = add(store, 1, |_| ()).await;
    let b = add(store, 2, |_| ()).await;
    assert!(signal.has_changed().expect("the store is there"));
    signal.borrow_and_update();
    let change = closing(IncidentStatus::InProgress);
    let set = store
        .work_on_incident(a, Some(1), &change, &act(5_000))
        .await;
    set.expect("it is set");
    assert!(signal.has_changed().expect("the store is there"));
    let changes = store.incident_changes_after(0, 10).await.expect("changes");
    let told: Vec<_> = changes.iter().map(|change| change.incident_id).collect();
    assert_eq!(told, [a, b, a]);
    assert!(changes.is_sorted_by_key(|change| change.sequence));
    let last = store.last_incident_change().await.expect("a number");
    assert_eq!(last, changes[2].sequence);
    let missed = store.incident_changes_after(changes[0].sequence, 1).await;
    assert_eq!(missed.expect("changes"), changes[1..2]);
    let none = store.incident_changes_after(last, 10).await;
    assert_eq!(none.expect("changes"), []);
}
