//! The suite of [`DetectorStore`](crate::DetectorStore).

use super::RelationalStore;
use super::samples::at;
use crate::{DetectorEntry, KeptDetector, StoreError};

/// Everything.
pub async fn all<S: RelationalStore>(fresh: &impl AsyncFn() -> S) {
    what_is_saved_is_read(&fresh().await).await;
    only_what_was_seen_is_replaced(&fresh().await).await;
    every_change_is_signalled(&fresh().await).await;
}

/// A detector of that name.
pub fn detector(name: &str) -> KeptDetector {
    let definition = format!(r#"{{"name": "{name}", "title": "nul \u0000, 'quote' and é"}}"#);
    KeptDetector {
        entry: DetectorEntry {
            name: name.to_owned(),
            title: format!("The {name}"),
            group: (name != "a-plain").then(|| "plans".to_owned()),
            looks_for: "pattern".to_owned(),
            entries: 1,
            bytes: definition.len() as u64,
            by: "ada".to_owned(),
            saved_at: at(5),
            revision: 0,
        },
        definition,
    }
}

async fn what_is_saved_is_read(store: &impl RelationalStore) {
    for name in ["b-two", "a-plain"] {
        let saved = store.save_detector(&detector(name), None).await;
        let saved = saved.expect("it is saved");
        assert_eq!(saved.revision, 1);
        let read = store.detector(name).await.expect("a read");
        let expected = KeptDetector {
            entry: saved,
            ..detector(name)
        };
        assert_eq!(read, Some(expected));
    }
    assert_eq!(store.detector("none").await.expect("a read"), None);
    let entries = store.detector_entries().await.expect("a read");
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["a-plain", "b-two"], "by name");
    let whole = store.every_detector().await.expect("a read");
    assert_eq!(whole.len(), 2);
    assert_eq!(whole[0].definition, detector("a-plain").definition);
    assert!(store.remove_detector("a-plain").await.expect("it is gone"));
    assert!(!store.remove_detector("a-plain").await.expect("a look"));
    assert_eq!(store.detector("a-plain").await.expect("a read"), None);
}

async fn only_what_was_seen_is_replaced(store: &impl RelationalStore) {
    let one = detector("one");
    // seen => the revision after it, or a conflict
    for (seen, revision) in [
        (Some(1), None),
        (Some(0), Some(1)),
        (Some(0), None),
        (Some(1), Some(2)),
        (None, Some(3)),
        (Some(2), None),
    ] {
        let saved = store.save_detector(&one, seen).await;
        match (saved, revision) {
            (Ok(saved), Some(revision)) => assert_eq!(saved.revision, revision, "{seen:?}"),
            (Err(StoreError::Conflict { .. }), None) => {}
            (other, _) => panic!("{seen:?}: {other:?}"),
        }
    }
}

async fn every_change_is_signalled(store: &impl RelationalStore) {
    let mut changes = store.detector_changes();
    store
        .save_detector(&detector("one"), None)
        .await
        .expect("it is saved");
    assert!(changes.has_changed().expect("the store is there"));
    changes.borrow_and_update();
    store.remove_detector("one").await.expect("it is gone");
    assert!(changes.has_changed().expect("the store is there"));
}
