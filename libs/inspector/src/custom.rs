//! The detectors of an administrator, made ready once for everybody who inspects: checked here, and sent
//! as text to workers, which make them ready again before they are confined.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use inspect::{CustomDetector, CustomError, DetectorSet};

/// Bytes of all definitions together, as they are sent to a worker.
pub const DETECTORS_BYTES_MAX: usize = 64 << 20;

/// Detectors that an administrator wrote, together with the built-in ones.
#[derive(Debug)]
pub struct CustomSet {
    set: DetectorSet,
    definitions: Bytes,
}

impl CustomSet {
    /// The built-in detectors alone.
    pub fn none() -> Self {
        CustomSet {
            set: DetectorSet::built_in()
                .with(&[])
                .expect("there is nothing that could be wrong"),
            definitions: Bytes::from_static(b"[]"),
        }
    }

    /// The built-in detectors and these.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn of(custom: &[CustomDetector]) -> Result<Self, Vec<CustomError>> {
        let set = DetectorSet::built_in().with(custom)?;
        let definitions = serde_json::to_vec(custom).expect("detectors have string keys only");
        Ok(CustomSet {
            set,
            definitions: definitions.into(),
        })
    }

    /// All of them, ready to scan.
    pub fn set(&self) -> &DetectorSet {
        &self.set
    }

    /// Their definitions as a worker is sent them.
    pub(crate) fn definitions(&self) -> Bytes {
        self.definitions.clone()
    }
}

/// What is in use now, and how often that changed.
#[derive(Debug)]
pub(crate) struct InUse {
    now: RwLock<Arc<CustomSet>>,
    changes: AtomicU64,
}

impl Default for InUse {
    fn default() -> Self {
        InUse {
            now: RwLock::new(Arc::new(CustomSet::none())),
            changes: AtomicU64::new(0),
        }
    }
}

impl InUse {
    pub(crate) fn change(&self, to: Arc<CustomSet>) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = to;
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// INVARIANT: the count is taken first, so that what is read is at least as new as the count says.
    pub(crate) fn now(&self) -> (u64, Arc<CustomSet>) {
        let changes = self.changes();
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        (changes, Arc::clone(&now))
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}
