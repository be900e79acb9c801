//! An item that is written through the mount, from its beginning to its end: encrypted as it comes, and held
//! when the last who has it open closes it. What was broken off, or is not right, is given up then, and what
//! stood there before stays.
//!
//! Writing over an item makes another one of its name, which is the newest; the former one is kept, and shown
//! by its id. Ciphertext that comes back mends the item that it is of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event_model::{VaultId, VaultItem};
use fuser::Errno;
use tokio::sync::Mutex;
use vault::{Mending, Put, VaultError};

use super::items::{self, Items};
use crate::wire::Shown;

/// What is written.
pub(super) struct Writing {
    pub(super) shown: Shown,
    received: AtomicU64,
    taking: Mutex<Taking>,
}

enum Taking {
    /// An item that is to be written over: nothing came yet.
    Over { item: Box<VaultItem>, by: String },
    /// Plaintext of a new item.
    New(Box<Put>),
    /// Ciphertext of an item that comes back.
    Back(Box<Mending>),
    /// It failed, or has ended.
    Ended,
}

impl Writing {
    fn new(shown: Shown, taking: Taking) -> Self {
        Writing {
            shown,
            received: AtomicU64::new(0),
            taking: Mutex::new(taking),
        }
    }

    /// A new item of that name, and the id that it will have.
    pub(super) async fn create(
        items: &Items,
        name: &str,
        by: &str,
    ) -> Result<(VaultId, Arc<Self>), VaultError> {
        let put = items.put(name, by).await?;
        let id = put.id();
        let writing = Arc::new(Writing::new(Shown::Plaintext, Taking::New(Box::new(put))));
        items.comes(id, &writing);
        Ok((id, writing))
    }

    /// Over an item: as plaintext anew, as ciphertext mending it.
    pub(super) async fn over(
        items: &Items,
        item: VaultItem,
        by: String,
        shown: Shown,
    ) -> Result<Self, VaultError> {
        let taking = match shown {
            Shown::Ciphertext => {
                let mending = items.vault().mend(item.id, &by).await?;
                Taking::Back(Box::new(mending))
            }
            Shown::Plaintext => Taking::Over {
                item: Box::new(item),
                by,
            },
        };
        Ok(Writing::new(shown, taking))
    }

    /// How much came, in bytes.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Acquire)
    }

    /// Cut to nothing, it is written anew; anything else is not to be done with an item.
    pub(super) async fn set_bytes(&self, items: &Items, bytes: u64) -> Result<(), Errno> {
        let mut taking = self.taking.lock().await;
        match &*taking {
            Taking::Over { item, by } if bytes == 0 => {
                let put = items.put(&item.name, by).await.map_err(told)?;
                *taking = Taking::New(Box::new(put));
                Ok(())
            }
            Taking::New(_) | Taking::Back(_) if bytes == self.received() => Ok(()),
            // Ciphertext is put over what stands there, part by part.
            Taking::Back(_) if bytes == 0 => Ok(()),
            _ => Err(Errno::ESPIPE),
        }
    }

    /// Takes what comes next.
    pub(super) async fn write(
        &self,
        items: &Items,
        offset: Option<u64>,
        data: &[u8],
    ) -> Result<(), Errno> {
        let mut taking = self.taking.lock().await;
        if offset.is_some_and(|offset| offset != self.received()) {
            return Err(Errno::ESPIPE);
        }
        let done = match &mut *taking {
            Taking::New(put) => put.take(data).await,
            Taking::Back(mending) => mending.write(data).await,
            // What stands there would be changed in a place.
            Taking::Over { .. } => return Err(Errno::ESPIPE),
            Taking::Ended => return Err(Errno::EIO),
        };
        match done {
            Ok(()) => {
                self.received.fetch_add(data.len() as u64, Ordering::AcqRel);
                Ok(())
            }
            Err(error) => {
                if let Taking::New(put) = std::mem::replace(&mut *taking, Taking::Ended) {
                    let id = put.id();
                    put.pause().await;
                    give_up(items, id).await;
                }
                Err(told(error))
            }
        }
    }

    /// Nobody has it open any more.
    pub(super) async fn end(&self, items: &Items) {
        let taking = std::mem::replace(&mut *self.taking.lock().await, Taking::Ended);
        let done = match taking {
            Taking::New(put) => {
                let id = put.id();
                let done = put.finish().await.map(drop);
                if done.is_err() {
                    give_up(items, id).await;
                }
                done
            }
            Taking::Back(mending) => mending.finish().await.map(drop),
            Taking::Over { .. } | Taking::Ended => return,
        };
        items.changed();
        if let Err(error) = done {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what was written through the mount is not held"
            );
        }
    }
}

async fn give_up(items: &Items, id: VaultId) {
    if let Err(error) = items.vault().delete(id, "mount").await {
        tracing::warn!(%id, %error, "a put that was broken off is left to `vault sweep`");
    }
}

fn told(error: VaultError) -> Errno {
    items::told(&error)
        .raw_os_error()
        .map_or(Errno::EIO, Errno::from_i32)
}
