use crate::{Isolation, Setup};

/// Off Linux there is nothing to confine a worker with: it is a process of its own, and that is all.
pub(crate) fn confine(_setup: &Setup) -> Isolation {
    Isolation {
        trouble: Some("only Linux can confine a process from within".to_owned()),
        ..Isolation::default()
    }
}

/// Nothing limits the time of one document but the pool's patience.
pub(crate) fn begin_document(_setup: &Setup) {}
