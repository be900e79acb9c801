//! The door on a real socket, a real vault and this process, whose program is what policies name.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use event_model::{PageRequest, VaultId};
use ports::{AuditTrail, ManualClock, SeededEntropy};
use sealing::{Key, Sealer};
use store_sqlite::SqliteStore;
use tokio::net::UnixListener;
use vault::{Act, KeyRing, LocalKms, NewItem, Storage, Vault, VaultPorts};

use crate::*;

mod asking;
mod files;
mod wire;

const KEYS: &str = "a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A vault that is served.
struct World {
    folder: tempfile::TempDir,
    store: Arc<SqliteStore>,
    vault: Vault,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl World {
    async fn new() -> Self {
        let entropy = Arc::new(SeededEntropy::new(8));
        let sealer = Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap();
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy.clone()).await;
        let store = Arc::new(store.unwrap());
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let kms = LocalKms::from_text(KEYS, entropy.clone()).ok().unwrap();
        let vault = Vault::new(VaultPorts {
            index: store.clone(),
            audit: store.clone(),
            storage: Storage::memory(),
            keys: KeyRing::new(Arc::new(kms), Vec::new()),
            clock: clock.clone(),
            entropy: entropy.clone(),
        });
        let mut world = World {
            folder: tempfile::tempdir().unwrap(),
            store: store.clone(),
            vault,
            stop: None,
        };
        world.allow("NoAccess");
        let options = WitnessOptions {
            host: "here".into(),
            scripts: false,
            apart: Vec::new(),
        };
        let witness = Witness::new(options, clock.clone());
        let rules = Rules::from_file(world.path("policies"), None, entropy.clone()).unwrap();
        let guard = Guard::new(witness, rules, store.clone(), clock.clone(), entropy);
        let door = Door::new(Arc::new(guard), world.vault.clone(), store, clock, None);
        let listener = UnixListener::bind(world.path("socket")).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        tokio::spawn(Arc::new(door).serve(listener, async { drop(stopped.await) }));
        world.stop = Some(stop);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What this process may do from now on.
    fn allow(&self, access: &str) {
        let program = std::env::current_exe().unwrap();
        let text = format!(
            r#"{{"groups": [{{"name": "g", "os_type": "Linux", "policies": [
                {{"name": "p", "process": "{}", "access": "{access}"}}]}}]}}"#,
            program.display()
        );
        std::fs::write(self.path("beside"), text).unwrap();
        std::fs::rename(self.path("beside"), self.path("policies")).unwrap();
    }

    async fn client(&self) -> Client {
        Client::connect(&self.path("socket")).await.unwrap()
    }

    async fn put(&self, name: &str, content: &[u8]) -> VaultId {
        let new = NewItem {
            name: name.into(),
            origin: event_model::VaultOrigin::Stream,
            keep_until: None,
        };
        let mut put = self.vault.put(new, "ada").await.unwrap();
        put.copy_from(&mut &content[..], |_| ()).await.unwrap();
        put.finish().await.unwrap().id
    }

    async fn plaintext(&self, id: VaultId) -> Vec<u8> {
        let content = self.vault.open(id, "ada", Act::Read).await.unwrap();
        let mut read = Vec::new();
        content.copy_to(&mut read, |_| ()).await.unwrap();
        read
    }

    async fn audited(&self) -> Vec<(String, String)> {
        let page = self
            .store
            .audit_page(&PageRequest::first(200))
            .await
            .unwrap();
        page.items
            .into_iter()
            .map(|entry| (entry.action, format!("{} {}", entry.actor, entry.detail)))
            .collect()
    }
}

async fn whole(client: &mut Client, name: &str) -> Result<(Shown, Vec<u8>), ClientError> {
    let opened = client.open(name, false).await?;
    let mut all = Vec::new();
    while (all.len() as u64) < opened.bytes {
        let piece = client
            .read(opened.handle, all.len() as u64, DATA_BYTES_MAX)
            .await?;
        assert!(!piece.is_empty());
        all.extend_from_slice(&piece);
    }
    client.close(opened.handle).await?;
    Ok((opened.shown, all))
}

fn code(error: ClientError) -> Code {
    match error {
        ClientError::Refused { code, .. } => code,
        other => panic!("{other}"),
    }
}
