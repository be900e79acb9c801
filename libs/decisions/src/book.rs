use std::sync::{Arc, Mutex};

use policy::PolicySet;
use ports::{PolicyStore, StoreError};

/// The policies in use, compiled, as of the last change.
pub struct PolicyBook {
    store: Arc<dyn PolicyStore>,
    compiled: Mutex<Option<(u64, Arc<PolicySet>)>>,
}

impl PolicyBook {
    /// A book that is read at the first look.
    pub fn new(store: Arc<dyn PolicyStore>) -> Self {
        PolicyBook {
            store,
            compiled: Mutex::new(None),
        }
    }

    /// The policies in use now. A stored policy that no longer compiles is an error of ours: it is
    /// logged, and the others are used.
    ///
    /// # Errors
    /// When they changed, and the store cannot be read.
    pub async fn current(&self) -> Result<Arc<PolicySet>, StoreError> {
        // INVARIANT: the generation is taken before the store is read, so a change made meanwhile
        // leaves the book stale.
        let generation = *self.store.policy_changes().borrow();
        if let Some((compiled_at, set)) = self.compiled.lock().expect("no holder panics").as_ref()
            && *compiled_at == generation
        {
            return Ok(Arc::clone(set));
        }
        let versions = self.store.policies_in_use().await?;
        let (set, broken) = PolicySet::compile(&versions);
        for (id, mistakes) in broken {
            tracing::error!(policy.id = %id, mistakes = mistakes.len(), "a policy in use does not compile and is not applied");
        }
        let set = Arc::new(set);
        *self.compiled.lock().expect("no holder panics") = Some((generation, Arc::clone(&set)));
        Ok(set)
    }
}
