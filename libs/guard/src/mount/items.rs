//! The items that are held, as a folder shows them: by their names, or by their ids where several have a
//! name or it is none of a file. What came or went is seen within [`LISTED_FOR`].

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use event_model::{PageRequest, VaultId, VaultItem, VaultState};
use futures::TryStreamExt;
use ports::{Clock, StoreError, VaultFilter, VaultIndex};
use rustix::io::Errno;
use vault::{Act, Content, SealedContent, Vault, VaultError};

use crate::wire::Shown;

/// How long a list is the same.
const LISTED_FOR: Duration = Duration::from_secs(1);
/// Most items that are shown; the newest.
const ITEMS_MAX: usize = 100_000;
/// Items asked for at a time.
const PAGE_ITEMS: u32 = 200;
/// Longest name of a file, in bytes. Source: `NAME_MAX` of Linux.
const NAME_BYTES_MAX: usize = 255;
/// Bytes that are read ahead for who reads one piece after the other.
const AHEAD_BYTES: u64 = 4 * 1024 * 1024;

pub(super) struct Items {
    vault: Vault,
    index: Arc<dyn VaultIndex>,
    clock: Arc<dyn Clock>,
    listed: Mutex<Option<(Duration, Arc<Listed>)>>,
}

/// What is held, by the names that it is shown by.
pub(super) struct Listed {
    pub(super) by_name: HashMap<String, VaultItem>,
}

/// An item that is open. What was read ahead is this opener's alone.
pub(super) struct OpenItem {
    content: OpenContent,
    ahead: Mutex<(u64, Bytes)>,
}

enum OpenContent {
    Plaintext(Box<Content>),
    Ciphertext(Box<SealedContent>),
}

impl Items {
    pub(super) fn new(vault: Vault, index: Arc<dyn VaultIndex>, clock: Arc<dyn Clock>) -> Self {
        Items {
            vault,
            index,
            clock,
            listed: Mutex::default(),
        }
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
        let mut named: HashMap<String, usize> = HashMap::new();
        for item in &items {
            *named.entry(item.name.clone()).or_default() += 1;
        }
        let by_name = items.into_iter().map(|item| {
            let is_alone = named.get(&item.name) == Some(&1);
            let name = match is_alone && is_of_a_file(&item.name) {
                true => item.name.clone(),
                false => item.id.to_string(),
            };
            (name, item)
        });
        Ok(Listed {
            by_name: by_name.collect(),
        })
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
        Ok(OpenItem {
            content,
            ahead: Mutex::default(),
        })
    }
}

/// Whether a file can be called so, and nobody takes it for an id.
fn is_of_a_file(name: &str) -> bool {
    let is_plain = !matches!(name, "" | "." | "..") && name.len() <= NAME_BYTES_MAX;
    is_plain && !name.contains(['/', '\0']) && name.parse::<VaultId>().is_err()
}

impl OpenItem {
    fn bytes(&self) -> u64 {
        match &self.content {
            OpenContent::Plaintext(content) => content.bytes(),
            OpenContent::Ciphertext(content) => content.bytes(),
        }
    }

    /// Some bytes: fewer at the end only.
    pub(super) async fn read(&self, offset: u64, bytes: u32) -> Result<Bytes, VaultError> {
        let end = offset.saturating_add(u64::from(bytes)).min(self.bytes());
        let (from, ahead) = self.ahead.lock().expect("no holder panics").clone();
        if offset >= end {
            return Ok(Bytes::new());
        }
        if offset >= from && end <= from + ahead.len() as u64 {
            return Ok(ahead.slice((offset - from) as usize..(end - from) as usize));
        }
        // Who goes on where the last read ended is likely to go on again.
        let follows = offset == from + ahead.len() as u64
            || (offset > from && offset < from + ahead.len() as u64);
        let until = match follows || offset == 0 {
            true => (offset + AHEAD_BYTES).max(end).min(self.bytes()),
            false => end,
        };
        let read = self.range(offset, until).await?;
        *self.ahead.lock().expect("no holder panics") = (offset, read.clone());
        Ok(read.slice(..(end - offset) as usize))
    }

    async fn range(&self, from: u64, to: u64) -> Result<Bytes, VaultError> {
        let mut all = BytesMut::with_capacity((to - from) as usize);
        match &self.content {
            OpenContent::Plaintext(content) => {
                let mut pieces = Box::pin(content.read(from..to)?);
                while let Some(piece) = pieces.try_next().await? {
                    if piece.len() as u64 == to - from {
                        return Ok(piece);
                    }
                    all.extend_from_slice(&piece);
                }
            }
            OpenContent::Ciphertext(content) => {
                while (all.len() as u64) < to - from {
                    let piece = content.read(from + all.len() as u64..to).await?;
                    all.extend_from_slice(&piece);
                }
            }
        }
        Ok(all.freeze())
    }
}

/// What a program is told.
pub(super) fn told(error: &VaultError) -> io::Error {
    match error {
        VaultError::NotFound(_) | VaultError::State { .. } | VaultError::NoKey(_) => {
            Errno::NOENT.into()
        }
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "an item");
            Errno::IO.into()
        }
    }
}
