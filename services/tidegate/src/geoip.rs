//! Countries by IP address, from a file in MaxMind's format (GeoLite2, DB-IP, IPinfo and others have it).
//!
//! The file is read into memory and read again when it changes. A file that cannot be read, as one that is being
//! copied, is left: what was read before goes on, and the log says so. Source of the format: MaxMind DB File Format
//! Specification, version 2.0.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use maxminddb::{PathElement, Reader};
use ports::{Countries, CountryCode};
use tokio::sync::watch;

/// Largest database, in bytes.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// How often it is looked whether the file changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where a database has the country of an address; the first that is there counts. Where somebody registered an
/// address stands in for where it is used.
const PLACES: [&[&str]; 3] = [
    &["country", "iso_code"],
    &["registered_country", "iso_code"],
    &["country_code"],
];

/// What identifies a state of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    modified: SystemTime,
    length: u64,
}

/// Countries from a file.
pub struct MaxMindCountries {
    path: PathBuf,
    current: RwLock<(Version, Arc<Reader<Vec<u8>>>)>,
}

impl MaxMindCountries {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, is larger than [`FILE_BYTES_MAX`], or is not in MaxMind's format.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let current = read(path)?;
        Ok(MaxMindCountries {
            path: path.to_owned(),
            current: RwLock::new(current),
        })
    }

    /// Reads the file again if it changed; what was read before stays when it cannot be.
    ///
    /// # Errors
    /// When it changed and cannot be read.
    pub fn look_again(&self) -> anyhow::Result<()> {
        let seen = self.current.read().expect("no holder panics").0;
        if version(&self.path)? == seen {
            return Ok(());
        }
        let fresh = read(&self.path)?;
        *self.current.write().expect("no holder panics") = fresh;
        tracing::info!(file = %self.path.display(), "read the database of countries again");
        Ok(())
    }

    /// Looks for changes until told to stop.
    pub async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut complained = false;
        while !*stop.borrow() {
            if let Ok(Err(_)) = tokio::time::timeout(LOOK_EVERY, stop.changed()).await {
                return;
            }
            let countries = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || countries.look_again()).await;
            match looked {
                Ok(Err(error)) if !complained => {
                    complained = true;
                    tracing::warn!(error = %error, "the database of countries changed and cannot be read: the one before is used");
                }
                Ok(Ok(())) => complained = false,
                _ => {}
            }
        }
    }
}

impl Countries for MaxMindCountries {
    fn country(&self, address: IpAddr) -> Result<CountryCode, &'static str> {
        let address = address.to_canonical();
        if is_private(address) {
            return Err("a private address has no country");
        }
        let reader = Arc::clone(&self.current.read().expect("no holder panics").1);
        let broken = "the database of countries has an entry that cannot be read";
        let found = reader.lookup(address).map_err(|_| broken)?;
        for place in PLACES {
            let mut path = [PathElement::Key(""), PathElement::Key("")];
            for (element, key) in path.iter_mut().zip(place) {
                *element = PathElement::Key(key);
            }
            let code: Option<&str> = found.decode_path(&path[..place.len()]).unwrap_or(None);
            if let Some(code) = code.and_then(CountryCode::new) {
                return Ok(code);
            }
        }
        Err("the address is not in the database of countries")
    }
}

/// Addresses of no place: private networks, this machine, this link.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

fn version(path: &Path) -> anyhow::Result<Version> {
    let metadata = std::fs::metadata(path)
        .with_context(|| format!("the database `{}` cannot be read", path.display()))?;
    Ok(Version {
        modified: metadata.modified()?,
        length: metadata.len(),
    })
}

fn read(path: &Path) -> anyhow::Result<(Version, Arc<Reader<Vec<u8>>>)> {
    let version = version(path)?;
    let shown = path.display();
    anyhow::ensure!(
        version.length <= FILE_BYTES_MAX,
        "the database `{shown}` has more than {FILE_BYTES_MAX} bytes"
    );
    let bytes =
        std::fs::read(path).with_context(|| format!("the database `{shown}` cannot be read"))?;
    let reader = Reader::from_source(bytes)
        .with_context(|| format!("`{shown}` is not a database in MaxMind's format"))?;
    Ok((version, Arc::new(reader)))
}
