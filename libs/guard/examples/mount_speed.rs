//! Prints how fast another program reads an item through the mount, beside a plain copy of the same file; as
//! root, where there is `/dev/fuse`: `cargo run --release -p guard --example mount_speed -- MIB FOLDER`.
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]
#![expect(clippy::print_stdout, reason = "printing is what it does")]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use event_model::VaultOrigin;
use guard::{FileKeys, Guard, Mounted, Mounting, Rules, Witness, WitnessOptions};
use ports::{Clock, Entropy, SystemClock, SystemEntropy};
use sealing::{Key, Sealer};
use store_sqlite::SqliteStore;
use vault::{KeyRing, LocalKms, NewItem, Storage, Vault, VaultPorts};

const ROUNDS: usize = 5;
const FILE_BYTES: usize = 1024 * 1024;
/// Everybody reads.
const POLICIES: &str =
    r#"{"groups": [{"name": "example", "os_type": "Linux", "default_access": "Read"}]}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mib: u64 = arguments.next().as_deref().unwrap_or("1024").parse()?;
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder)?;
    let (source, to) = (folder.path().join("source"), folder.path().join("to"));
    write_source(&source, mib)?;
    let (vault, mounted, over) = mounted(folder.path()).await?;
    let new = NewItem {
        name: "source".into(),
        origin: VaultOrigin::Stream,
        keep_until: None,
    };
    let mut item = vault.put(new, "example").await?;
    item.copy_from(&mut tokio::fs::File::open(&source).await?, |_| ())
        .await?;
    let item = item.finish().await?;
    let from = over.join("vault").join(item.id.to_string());
    for round in 1..=ROUNDS {
        let copy = timed(
            || std::fs::copy(&source, &to).map(drop).map_err(Into::into),
            &to,
        )?;
        let read = timed(
            || match Command::new("cp").args([&from, &to]).status()?.success() {
                true => Ok(()),
                false => Err("`cp` did not read through the mount".into()),
            },
            &to,
        )?;
        let speed = |seconds: f64| mib as f64 / seconds;
        println!(
            "{round}: copy {:>6.0} MiB/s, through the mount {:>6.0} ({:.2} of it)",
            speed(copy),
            speed(read),
            copy / read,
        );
    }
    tokio::task::spawn_blocking(|| mounted.end()).await??;
    Ok(())
}

async fn mounted(folder: &Path) -> Result<(Vault, Mounted, PathBuf), Box<dyn Error>> {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let url = format!("sqlite:{}", folder.join("index.db").display());
    let sealer = Sealer::new(vec![Key::new("example", [1; 32])])?;
    let store = Arc::new(SqliteStore::open(&url, sealer, Arc::clone(&entropy)).await?);
    let kms = LocalKms::from_file(folder.join("keys"), Arc::clone(&entropy))?;
    let keys = KeyRing::new(Arc::new(kms), Vec::new());
    let vault = Vault::new(VaultPorts {
        index: store.clone(),
        audit: store.clone(),
        storage: Storage::folder(&folder.join("vault"))?,
        keys: keys.clone(),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
    });
    let (policies, over) = (folder.join("policies.json"), folder.join("mount"));
    std::fs::write(&policies, POLICIES)?;
    std::fs::create_dir(&over)?;
    let options = WitnessOptions {
        host: "example".to_owned(),
        scripts: false,
        apart: vec![over.clone()],
    };
    let witness = Witness::new(options, Arc::clone(&clock));
    let rules = Rules::from_file(policies, None, Arc::clone(&entropy))?;
    let (audit, judge) = (store.clone(), Arc::clone(&entropy));
    let guard = Guard::new(witness, rules, audit, Arc::clone(&clock), judge);
    let mounting = Mounting {
        guard: Arc::new(guard),
        vault: vault.clone(),
        index: store,
        keys: FileKeys::new(keys, entropy),
        clock,
        folders: Vec::new(),
        keep: None,
        for_all: false,
    };
    Ok((vault, mounting.mount(&over)?, over))
}

/// Until what was written is durable; then it is removed.
fn timed(
    act: impl FnOnce() -> Result<(), Box<dyn Error>>,
    to: &Path,
) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    act()?;
    File::open(to)?.sync_all()?;
    let took = began.elapsed().as_secs_f64();
    std::fs::remove_file(to)?;
    Ok(took)
}

/// Chance, so that nothing on the way can make it smaller.
fn write_source(path: &Path, mib: u64) -> Result<(), Box<dyn Error>> {
    let (mut file, mut buffer) = (File::create_new(path)?, vec![0; FILE_BYTES]);
    for _ in 0..mib {
        SystemEntropy.fill(&mut buffer);
        file.write_all(&buffer)?;
    }
    Ok(file.sync_all()?)
}
