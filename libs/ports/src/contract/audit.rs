//! The suite of [`AuditTrail`](crate::AuditTrail). That a changed entry is found is each adapter's
//! own test: it takes a hand in the table.

use std::collections::HashSet;

use event_model::{AuditId, PageRequest};

use super::samples::at;
use super::{RelationalStore, every_item};
use crate::{AuditFilter, NewAudit};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    entries_come_back_newest_first_each_with_its_own_hash(&fresh().await).await;
    the_same_entry_after_another_has_another_hash(fresh).await;
    entries_are_narrowed_by_each_filter(&fresh().await).await;
}

/// The n-th entry.
pub fn entry(n: u8) -> NewAudit {
    NewAudit {
        id: AuditId::new(at(i64::from(n)), u128::from(n)),
        at: at(i64::from(n)),
        actor: "grace".into(),
        action: "connection.disabled".into(),
        subject: "conn_1".into(),
        detail: format!("for the {n}. time"),
    }
}

async fn entries_come_back_newest_first_each_with_its_own_hash(store: &impl RelationalStore) {
    for n in 1..=5 {
        store.audit(&entry(n)).await.expect("it is written");
    }
    let found = every_item(2, async |request| store.audit_page(&request).await).await;
    let read: Vec<NewAudit> = found
        .iter()
        .map(|one| NewAudit {
            id: one.id,
            at: one.at,
            actor: one.actor.clone(),
            action: one.action.clone(),
            subject: one.subject.clone(),
            detail: one.detail.clone(),
        })
        .collect();
    assert_eq!(read, [5, 4, 3, 2, 1].map(entry));
    let sequences: Vec<u64> = found.iter().map(|one| one.sequence).collect();
    assert_eq!(sequences, [5, 4, 3, 2, 1]);
    let hashes: HashSet<&str> = found.iter().map(|one| one.hash.as_str()).collect();
    assert_eq!(hashes.len(), 5);
    assert!(hashes.iter().all(|hash| hash.len() == 64));
}

async fn the_same_entry_after_another_has_another_hash<S: RelationalStore>(
    fresh: &impl AsyncFn() -> S,
) {
    let mut hashes = Vec::new();
    for before in [1, 2] {
        let store = fresh().await;
        for n in [before, 9] {
            store.audit(&entry(n)).await.expect("it is written");
        }
        let page = store.audit_page(&PageRequest::first(1)).await;
        hashes.push(page.expect("a page").items[0].hash.clone());
    }
    assert_ne!(hashes[0], hashes[1], "the hash covers what was before");
}

/// A filter, and which entries it shows.
fn rows() -> Vec<(AuditFilter, &'static [u64])> {
    let none = AuditFilter::default;
    let action = |action: &str| AuditFilter {
        action: Some(action.into()),
        ..none()
    };
    let text = |text: &str| AuditFilter {
        text: Some(text.into()),
        ..none()
    };
    let actor = AuditFilter {
        actor: Some("o'hara".into()),
        ..none()
    };
    let subject = AuditFilter {
        subject: Some("conn_2".into()),
        ..none()
    };
    let some_time = AuditFilter {
        from: Some(at(2)),
        to: Some(at(4)),
        ..none()
    };
    vec![
        (none(), &[4, 3, 2, 1][..]),
        (actor, &[2]),
        (action("connection.disabled"), &[4, 2, 1]),
        (action("connection"), &[4, 2, 1]),
        (action("conn"), &[]),
        (action("policy"), &[3]),
        (action("%"), &[]),
        (subject, &[4]),
        (text("THE 3. T"), &[3]),
        (text("O'Hara"), &[2]),
        (text("policy.saved"), &[3]),
        (text("100%"), &[]),
        (some_time, &[3, 2]),
    ]
}

async fn entries_are_narrowed_by_each_filter(store: &impl RelationalStore) {
    let mut all = [1, 2, 3, 4].map(entry);
    all[1].actor = "o'hara".into();
    all[2].action = "policy.saved".into();
    all[3].subject = "conn_2".into();
    for one in &all {
        store.audit(one).await.expect("it is written");
    }
    for (filter, expected) in rows() {
        let page = async |request| store.audit_matching(&filter, &request).await;
        let found = every_item(2, page).await;
        let found: Vec<u64> = found.iter().map(|one| one.sequence).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}
