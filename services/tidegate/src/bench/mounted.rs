//! Reads of an item through the mount, by another process: as `cp` makes them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, ensure};
use event_model::VaultId;
use guard::{FileKeys, Guard, Mounted, Mounting, Rules, Witness, WitnessOptions};
use ports::{Clock, Entropy};
use store_sqlite::SqliteStore;
use vault::{KeyRing, Vault};

/// Everybody reads.
const POLICIES: &str =
    r#"{"groups": [{"name": "bench", "os_type": "Linux", "default_access": "Read"}]}"#;

/// A vault that is mounted.
pub(super) struct MountedVault {
    mounted: Mounted,
    over: PathBuf,
}

impl MountedVault {
    /// Below that folder; none where nothing can be mounted.
    pub(super) fn new(
        folder: &Path,
        vault: Vault,
        store: Arc<SqliteStore>,
        keys: KeyRing,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> anyhow::Result<Option<Self>> {
        if !Path::new("/dev/fuse").exists() || !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let (policies, over) = (folder.join("policies.json"), folder.join("mount"));
        std::fs::write(&policies, POLICIES)?;
        std::fs::create_dir(&over)?;
        let options = WitnessOptions {
            host: "bench".to_owned(),
            scripts: false,
            apart: vec![over.clone()],
        };
        let witness = Witness::new(options, Arc::clone(&clock));
        let rules = Rules::from_file(policies, None, Arc::clone(&entropy))?;
        let (audit, judge) = (store.clone(), Arc::clone(&entropy));
        let guard = Guard::new(witness, rules, audit, Arc::clone(&clock), judge);
        let mounting = Mounting {
            guard: Arc::new(guard),
            vault,
            index: store,
            keys: FileKeys::new(keys, entropy),
            clock,
            folders: Vec::new(),
            keep: None,
            for_all: false,
        };
        let mounted = mounting.mount(&over).context("nothing can be mounted")?;
        Ok(Some(MountedVault { mounted, over }))
    }

    /// Copies an item to a file, durably.
    pub(super) fn copy(&self, id: VaultId, to: &Path) -> anyhow::Result<()> {
        let from = self.over.join("vault").join(id.to_string());
        let copied = Command::new("cp").arg(from).arg(to).status()?;
        ensure!(copied.success(), "`cp` did not read through the mount");
        Ok(File::open(to)?.sync_all()?)
    }

    /// Takes the mount away.
    pub(super) fn end(self) -> anyhow::Result<()> {
        Ok(self.mounted.end()?)
    }
}
