//! Prints how fast content goes into the vault and out of it beside a plain copy of the same file, and what
//! the process had at most in memory: `cargo run --release -p vault --example put_speed -- MIB FOLDER`.
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]
#![expect(clippy::print_stdout, reason = "printing is what it does")]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use event_model::VaultOrigin;
use ports::{Entropy, SystemClock, SystemEntropy};
use sealing::{Key, Sealer};
use store_sqlite::SqliteStore;
use vault::{Act, KeyRing, LocalKms, NewItem, Storage, Vault, VaultPorts};

const ROUNDS: usize = 5;
const FILE_BYTES: usize = 1024 * 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mib: u64 = arguments.next().as_deref().unwrap_or("1024").parse()?;
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder)?;
    let source = folder.path().join("source");
    write_source(&source, mib)?;
    let vault = vault_in(folder.path()).await?;
    let resting = memory_mib("VmRSS:")?;
    for round in 1..=ROUNDS {
        std::fs::write("/proc/self/clear_refs", "5")?;
        let copy = copied(&source, &folder.path().join("copy"))?;
        let put = Instant::now();
        let new = NewItem {
            name: "source".into(),
            origin: VaultOrigin::Stream,
            keep_until: None,
        };
        let mut item = vault.put(new, "example").await?;
        item.copy_from_file(File::open(&source)?, |_| ()).await?;
        let item = item.finish().await?;
        let put = put.elapsed().as_secs_f64();
        let get = Instant::now();
        let content = vault.open(item.id, "example", Act::Read).await?;
        content.copy_to(&mut tokio::io::sink(), |_| ()).await?;
        let get = get.elapsed().as_secs_f64();
        vault.delete(item.id, "example").await?;
        let speed = |seconds: f64| mib as f64 / seconds;
        println!(
            "{round}: copy {:>6.0} MiB/s, put {:>6.0} ({:.2} of it), read {:>6.0}; memory at most {:.0} MiB above {resting:.0}",
            speed(copy),
            speed(put),
            copy / put,
            speed(get),
            memory_mib("VmHWM:")? - resting,
        );
    }
    Ok(())
}

async fn vault_in(folder: &Path) -> Result<Vault, Box<dyn Error>> {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let url = format!("sqlite:{}", folder.join("index.db").display());
    let sealer = Sealer::new(vec![Key::new("example", [1; 32])])?;
    let store = Arc::new(SqliteStore::open(&url, sealer, Arc::clone(&entropy)).await?);
    let kms = LocalKms::from_file(folder.join("keys"), Arc::clone(&entropy))?;
    Ok(Vault::new(VaultPorts {
        index: store.clone(),
        audit: store,
        storage: Storage::folder(&folder.join("vault"))?,
        keys: KeyRing::new(Arc::new(kms), Vec::new()),
        clock: Arc::new(SystemClock::new()),
        entropy,
    }))
}

fn copied(from: &Path, to: &Path) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    std::fs::copy(from, to)?;
    File::open(to)?.sync_all()?;
    File::open(to.parent().ok_or("it lies in a folder")?)?.sync_all()?;
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

/// A line of `/proc/self/status`, in MiB.
fn memory_mib(name: &str) -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib
        .ok_or("`/proc/self/status` has another form")?
        .parse::<f64>()?
        / 1024.0)
}
