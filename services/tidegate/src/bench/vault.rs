//! Content into the vault and out of it, beside the bare cipher, SHA-256 and a plain copy of the same file in
//! the same run. Copy, put and get end with what they wrote being durable. Peak memory is what the process
//! had at most while it put and got, above what it had before.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use event_model::{VaultId, VaultOrigin};
use ports::{Clock, Entropy, SystemClock, SystemEntropy};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use sealing::{Key, Sealer};
use store_sqlite::SqliteStore;
use vault::{Act, CHUNK_BYTES, KeyRing, LocalKms, NewItem, Storage, VaultPorts};

use super::mounted::MountedVault;
use super::report::{Bar, Report};
use crate::cli::bench;

const MIB: f64 = 1024.0 * 1024.0;
/// Bytes written or read of a file at a time.
const FILE_BYTES: usize = 1024 * 1024;
/// How long the cipher and the hash run alone.
const ALONE: Duration = Duration::from_secs(1);
/// Putting is at least so much of a plain copy.
const PUT_OF_COPY_MIN: f64 = 0.7;
/// Reading through the mount is at least so much of a plain copy.
const MOUNT_OF_COPY_MIN: f64 = 0.5;
/// Most memory that putting or getting may take, in MiB, however long the file is.
const MEMORY_MIB_MAX: f64 = 64.0;

/// What is measured with, and on.
struct Stage {
    clock: SystemClock,
    folder: PathBuf,
    source: PathBuf,
    vault: vault::Vault,
    mounted: Option<MountedVault>,
    mib: f64,
}

pub(crate) async fn run(options: &bench::Vault) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(&options.on)
        .with_context(|| format!("`{}` cannot be written (--on)", options.on.display()))?;
    let stage = Stage::new(folder.path(), options.mib).await?;
    let mut report = Report::new("vault", &options.report.report);
    report.line(&format!(
        "A file of {} MiB; {} rounds, the median counts. MiB/s. Copy, put, get and the reading through the \
         mount end when what they wrote is on the disk (fsync); of copy and put, the folder with its name, too.\n",
        options.mib, options.rounds
    ));
    let (cipher, hash) = (stage.cipher(), stage.hash());
    let before = memory_mib("VmRSS")?;
    reset_peak()?;
    let (mut copy, mut put, mut get) = (Vec::new(), Vec::new(), Vec::new());
    let mut mount = Vec::new();
    for _ in 0..options.rounds {
        copy.push(stage.copy()?);
        let (speed, id) = stage.put().await?;
        put.push(speed);
        mount.extend(stage.read_mounted(id)?);
        get.push(stage.get(id).await?);
    }
    let memory = memory_mib("VmHWM")? - before;
    let (copy, put, get) = (median(copy), median(put), median(get));
    let rows = [
        ("AES-256-GCM alone", cipher),
        ("SHA-256 alone", hash),
        ("plain copy", copy),
        ("vault put", put),
        ("vault get", get),
    ];
    for (name, speed) in rows {
        report.line(&format!("{name:<20} {speed:>8.0}"));
    }
    report.line(&format!(
        "\nput {:.2} of the plain copy (aim: at least {PUT_OF_COPY_MIN}), get {:.2}",
        put / copy,
        get / copy
    ));
    match mount.is_empty() {
        true => report.line("reads through the mount: none, for nothing can be mounted here"),
        false => {
            let mount = median(mount);
            report.line(&format!(
                "reads through the mount {mount:.0}: {:.2} of the plain copy (aim: at least {MOUNT_OF_COPY_MIN})",
                mount / copy
            ));
        }
    }
    report.line(&format!(
        "additional memory at most {memory:.0} MiB (aim: at most {MEMORY_MIB_MAX})"
    ));
    let bars = rows.map(|(name, value)| Bar { name, value });
    report.chart("MiB per second", &bars);
    stage.end()?;
    report.write()
}

impl Stage {
    async fn new(folder: &Path, mib: u64) -> anyhow::Result<Self> {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let source = folder.join("source");
        write_source(&source, mib, entropy.as_ref())?;
        let url = format!("sqlite:{}", folder.join("tidegate.db").display());
        let sealer = Sealer::new(vec![Key::new("bench", [1; 32])])?;
        let store = Arc::new(SqliteStore::open(&url, sealer, Arc::clone(&entropy)).await?);
        let kms = LocalKms::from_file(folder.join("keys"), Arc::clone(&entropy))?;
        let keys = KeyRing::new(Arc::new(kms), Vec::new());
        let vault = vault::Vault::new(VaultPorts {
            index: store.clone(),
            audit: store.clone(),
            storage: Storage::folder(&folder.join("vault"))?,
            keys: keys.clone(),
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::clone(&entropy),
        });
        let clock = Arc::new(SystemClock::new());
        let mounted = MountedVault::new(folder, vault.clone(), store, keys, clock, entropy)?;
        Ok(Stage {
            clock: SystemClock::new(),
            folder: folder.to_owned(),
            source,
            vault,
            mounted,
            mib: mib as f64,
        })
    }

    /// Sealing chunks in place, over and over, on one core.
    fn cipher(&self) -> f64 {
        let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("the key has 32 bytes");
        let (key, mut chunk, mut number) = (LessSafeKey::new(key), vec![7; CHUNK_BYTES], 0_u64);
        self.alone(|| {
            let mut nonce = [0; 12];
            nonce[..8].copy_from_slice(&number.to_be_bytes());
            number += 1;
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut chunk);
            std::hint::black_box(tag).is_ok()
        })
    }

    fn hash(&self) -> f64 {
        let chunk = vec![7; CHUNK_BYTES];
        self.alone(|| std::hint::black_box(digest(&SHA256, &chunk)).as_ref().len() == 32)
    }

    fn alone(&self, mut chunk: impl FnMut() -> bool) -> f64 {
        let (began, mut chunks) = (self.clock.monotonic(), 0_u64);
        loop {
            for _ in 0..64 {
                assert!(chunk(), "a chunk is far below any limit");
            }
            chunks += 64;
            let took = self.clock.monotonic().saturating_sub(began);
            if took >= ALONE {
                return chunks as f64 * CHUNK_BYTES as f64 / MIB / took.as_secs_f64();
            }
        }
    }

    fn copy(&self) -> anyhow::Result<f64> {
        let to = self.folder.join("copy");
        let began = self.clock.monotonic();
        std::fs::copy(&self.source, &to)?;
        File::open(&to)?.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        let speed = self.speed(began);
        std::fs::remove_file(&to)?;
        Ok(speed)
    }

    async fn put(&self) -> anyhow::Result<(f64, VaultId)> {
        let began = self.clock.monotonic();
        let new = NewItem {
            name: "source".into(),
            origin: VaultOrigin::Stream,
            keep_until: None,
        };
        let mut put = self.vault.put(new, "bench").await?;
        put.copy_from_file(File::open(&self.source)?, |_| ())
            .await?;
        let item = put.finish().await?;
        Ok((self.speed(began), item.id))
    }

    /// Reads the item into a file, and deletes both.
    async fn get(&self, id: VaultId) -> anyhow::Result<f64> {
        let to = self.folder.join("got");
        let began = self.clock.monotonic();
        let content = self.vault.open(id, "bench", Act::Read).await?;
        let file = File::create_new(&to)?;
        content.copy_to_file(&file, |_| ()).await?;
        file.sync_all()?;
        let speed = self.speed(began);
        std::fs::remove_file(&to)?;
        self.vault.delete(id, "bench").await?;
        Ok(speed)
    }

    /// Copies the item out of the mount, if there is one.
    fn read_mounted(&self, id: VaultId) -> anyhow::Result<Option<f64>> {
        let Some(mounted) = &self.mounted else {
            return Ok(None);
        };
        let to = self.folder.join("read");
        let began = self.clock.monotonic();
        mounted.copy(id, &to)?;
        let speed = self.speed(began);
        std::fs::remove_file(&to)?;
        Ok(Some(speed))
    }

    fn end(self) -> anyhow::Result<()> {
        self.mounted.map_or(Ok(()), MountedVault::end)
    }

    fn speed(&self, began: Duration) -> f64 {
        let took = self.clock.monotonic().saturating_sub(began);
        self.mib / took.as_secs_f64()
    }
}

/// Chance, so that nothing on the way can make it smaller.
fn write_source(path: &Path, mib: u64, entropy: &dyn Entropy) -> anyhow::Result<()> {
    let (mut file, mut buffer) = (File::create_new(path)?, vec![0; FILE_BYTES]);
    for _ in 0..mib {
        entropy.fill(&mut buffer);
        file.write_all(&buffer)?;
    }
    Ok(file.sync_all()?)
}

fn median(mut speeds: Vec<f64>) -> f64 {
    speeds.sort_by(f64::total_cmp);
    speeds[speeds.len() / 2]
}

/// From now on, the peak is of what comes. Source: proc(5), `clear_refs`.
fn reset_peak() -> anyhow::Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("`/proc/self/clear_refs` is needed")
}

/// A line of `/proc/self/status`, in MiB.
fn memory_mib(name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kib.context("`/proc/self/status` has another form")? / 1024.0)
}
