//! The items that are held, as a folder shows them: by their names, of several that have one name the newest;
//! the others, and those whose name is none of a file, by their ids. What came or went elsewhere is seen within
//! [`LISTED_FOR`].

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use chrono::TimeDelta;
use event_model::{PageRequest, VaultId, VaultItem, VaultOrigin, VaultState};
use ports::{Clock, StoreError, VaultFilter, VaultIndex};
use rustix::io::Errno;
use vault::{Act, NewItem, Put, Vault, VaultError};

use super::reading::{OpenContent, OpenItem};
use super::writing::Writing;
use crate::wire::Shown;

/// How long a list is the same.
const LISTED_FOR: Duration = Duration::from_secs(1);
/// Most items that are shown; the newest.
const ITEMS_MAX: usize = 100_000;
/// Items asked for at a time.
const PAGE_ITEMS: u32 = 200;
/// Longest name of a file, in bytes. Source: `NAME_MAX` of Linux.
const NAME_BYTES_MAX: usize = 255;

pub(super) struct Items {
    vault: Vault,
    index: Arc<dyn VaultIndex>,
    clock: Arc<dyn Clock>,
    /// How long what is new is kept at least.
    keep: Option<TimeDelta>,
    listed: Mutex<Option<(Duration, Arc<Listed>)>>,
    /// What is being written, by the id that it will have.
    coming: Mutex<HashMap<VaultId, Weak<Writing>>>,
}

/// What is held, by the names that it is shown by.
pub(super) struct Listed {
    pub(super) by_name: HashMap<String, VaultItem>,
}

impl Items {
    pub(super) fn new(
        vault: Vault,
        index: Arc<dyn VaultIndex>,
        clock: Arc<dyn Clock>,
        keep: Option<TimeDelta>,
    ) -> Self {
        Items {
            vault,
            index,
            clock,
            keep,
            listed: Mutex::default(),
            coming: Mutex::default(),
        }
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Begins an item that is written through the mount.
    pub(super) async fn put(&self, name: &str, by: &str) -> Result<Put, VaultError> {
        let new = NewItem {
            name: name.to_owned(),
            origin: VaultOrigin::Stream,
            keep_until: self.keep.map(|keep| self.clock.now() + keep),
        };
        self.vault.put(new, by).await
    }

    /// The kernel asks for what is being written before it is held.
    pub(super) fn comes(&self, id: VaultId, writing: &Arc<Writing>) {
        let mut coming = self.coming.lock().expect("no holder panics");
        coming.retain(|_, writing| writing.strong_count() > 0);
        coming.insert(id, Arc::downgrade(writing));
    }

    /// How much has come of what is being written.
    pub(super) fn coming(&self, id: VaultId) -> Option<u64> {
        let coming = self.coming.lock().expect("no holder panics");
        Some(coming.get(&id)?.upgrade()?.received())
    }

    /// What is held is another now.
    pub(super) fn changed(&self) {
        *self.listed.lock().expect("no holder panics") = None;
    }

    pub(super) async fn list(&self) -> Result<Arc<Listed>, StoreError> {
        let now = self.clock.monotonic();
        if let Some((at, listed)) = &*self.listed.lock().expect("no holder panics")
            && now.saturating_sub(*at) < LISTED_FOR
        {
            return Ok(Arc::clone(listed));
        }
        let listed = Arc::new(self.held().await?);
        *self.listed.lock().expect("no holder panics") = Some((now, Arc::clone(&listed)));
        Ok(listed)
    }

    async fn held(&self) -> Result<Listed, StoreError> {
        let filter = VaultFilter {
            state: vec![VaultState::Held],
        };
        let (mut items, mut page) = (Vec::new(), PageRequest::first(PAGE_ITEMS));
        loop {
            let found = self.index.vault_page(&filter, &page).await?;
            items.extend(found.items);
            match found.next {
                Some(next) if items.len() < ITEMS_MAX => {
                    page = PageRequest::after(next, PAGE_ITEMS);
                }
                _ => break,
            }
        }
        // The newest comes first.
        let mut by_name: HashMap<String, VaultItem> = HashMap::new();
        for item in items {
            let is_shown = is_of_a_file(&item.name) && !by_name.contains_key(&item.name);
            let name = match is_shown {
                true => item.name.clone(),
                false => item.id.to_string(),
            };
            by_name.insert(name, item);
        }
        Ok(Listed { by_name })
    }

    /// The item that is shown by a name, or has that id.
    pub(super) async fn named(&self, name: &str) -> Result<Option<VaultItem>, StoreError> {
        match name.parse() {
            Ok(id) => self.item(id).await,
            Err(_) => Ok(self.list().await?.by_name.get(name).cloned()),
        }
    }

    pub(super) async fn item(&self, id: VaultId) -> Result<Option<VaultItem>, StoreError> {
        let found = self.index.vault_item(id).await?;
        Ok(found.filter(|item| item.state == VaultState::Held))
    }

    pub(super) async fn open(
        &self,
        id: VaultId,
        by: &str,
        shown: Shown,
    ) -> Result<OpenItem, VaultError> {
        let content = match shown {
            Shown::Plaintext => {
                OpenContent::Plaintext(Box::new(self.vault.open(id, by, Act::Read).await?))
            }
            Shown::Ciphertext => {
                OpenContent::Ciphertext(Box::new(self.vault.open_sealed(id, by).await?))
            }
        };
        Ok(OpenItem::new(content))
    }
}

/// Whether a file can be called so, and nobody takes it for an id.
pub(super) fn is_of_a_file(name: &str) -> bool {
    let is_plain = !matches!(name, "" | "." | "..") && name.len() <= NAME_BYTES_MAX;
    is_plain && !name.contains(['/', '\0']) && name.parse::<VaultId>().is_err()
}

/// What a program is told.
pub(super) fn told(error: &VaultError) -> io::Error {
    match error {
        VaultError::NotFound(_) | VaultError::State { .. } | VaultError::NoKey(_) => {
            Errno::NOENT.into()
        }
        VaultError::NotItsCiphertext { .. } => Errno::INVAL.into(),
        VaultError::TooLarge => Errno::FBIG.into(),
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "an item");
            Errno::IO.into()
        }
    }
}
