//! The vault on a real store in memory, and on storages in memory and in a folder.

use std::io::{Read, Seek};
use std::sync::Arc;

use chrono::DateTime;
use event_model::{VaultId, VaultItem, VaultOrigin, VaultState};
use ports::{ManualClock, SeededEntropy, VaultIndex};
use sealing::{Key, Sealer};
use store_sqlite::SqliteStore;

use crate::*;

mod bucket;
mod custody;
mod damage;
mod failing;
mod keys;
mod round_trip;
mod sealed;
mod transit;

/// A vault and what it stands on.
struct World {
    vault: Vault,
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
    ports: VaultPorts,
}

const KEYS: &str = "a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

impl World {
    async fn on(storage: Storage) -> Self {
        let entropy = Arc::new(SeededEntropy::new(7));
        let kms = LocalKms::from_text(KEYS, entropy.clone()).ok().unwrap();
        World::with(storage, Arc::new(kms)).await
    }

    async fn with(storage: Storage, kms: Arc<dyn Kms>) -> Self {
        let entropy = Arc::new(SeededEntropy::new(8));
        let sealer = Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap();
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy.clone()).await;
        let store = Arc::new(store.unwrap());
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let ports = VaultPorts {
            index: store.clone(),
            audit: store.clone(),
            storage,
            keys: KeyRing::new(kms, Vec::new()),
            clock: clock.clone(),
            entropy,
        };
        World {
            vault: Vault::new(ports.clone()),
            store,
            clock,
            ports,
        }
    }

    async fn put(&self, content: &[u8]) -> VaultItem {
        let mut put = self.vault.put(new_item(), "ada").await.unwrap();
        put.copy_from(&mut &content[..], |_| ()).await.unwrap();
        put.finish().await.unwrap()
    }

    async fn get(&self, id: VaultId) -> Result<Vec<u8>, VaultError> {
        let content = self.vault.open(id, "ada", Act::Read).await?;
        let mut read = Vec::new();
        content.copy_to(&mut read, |_| ()).await?;
        let mut file = tempfile::tempfile().unwrap();
        content.copy_to_file(&file, |_| ()).await?;
        file.rewind().unwrap();
        let mut in_file = Vec::new();
        file.read_to_end(&mut in_file).unwrap();
        assert!(in_file == read, "both ways bring the same");
        Ok(read)
    }

    async fn item(&self, id: VaultId) -> VaultItem {
        self.store.vault_item(id).await.unwrap().unwrap()
    }
}

fn new_item() -> NewItem {
    NewItem {
        name: "salaries.xlsx".into(),
        origin: VaultOrigin::Stream,
        keep_until: None,
    }
}

/// So many bytes; no two chunks of them are alike.
fn content(bytes: usize) -> Vec<u8> {
    const PERIOD: usize = 65_521;
    let mut state = 0x9E37_79B9_u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    let period: Vec<u8> = (0..PERIOD.min(bytes)).map(next).collect();
    let mut content = period.repeat(bytes / PERIOD + 1);
    content.truncate(bytes);
    content
}
