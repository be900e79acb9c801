//! Where parts stand: a folder of this machine, or a bucket that speaks S3.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use event_model::{Secret, VaultId};
use futures::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use thiserror::Error;

pub(crate) mod folder;

pub(crate) use folder::Arriving;

/// How often removing a folder is tried in which somebody still writes.
const REMOVALS_MAX: u32 = 5;

/// Why no storage was opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("the folder `{path}` cannot be made", path = path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The storage cannot be used as it is configured.
    #[error("the storage cannot be used")]
    Storage(#[from] object_store::Error),
}

/// How a bucket is reached.
#[derive(Debug, Clone)]
pub struct BucketOptions {
    /// The bucket.
    pub bucket: String,
    /// Put before the name of every object; may be empty.
    pub prefix: String,
    /// The address, where it is not Amazon's own.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The access key and its secret. Without them, nobody in particular asks.
    pub credentials: Option<(String, Secret<String>)>,
}

/// Where parts stand.
#[derive(Clone)]
pub struct Storage {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    folder: Option<PathBuf>,
}

/// One read of a part, at the beginning of some memory.
pub(crate) struct Got {
    pub(crate) memory: Vec<u8>,
    /// So many bytes came.
    pub(crate) bytes: usize,
    /// How long the whole part is.
    pub(crate) whole: u64,
}

/// One read of a part.
pub(crate) struct Piece {
    pub(crate) bytes: bytes::Bytes,
    /// How long the whole part is.
    pub(crate) whole: u64,
}

impl Storage {
    /// A folder of this machine, made when it is missing. What is written there is durable.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(path: &FilePath) -> Result<Self, OpenError> {
        private_folder(path).map_err(|source| OpenError::Folder {
            path: path.to_owned(),
            source,
        })?;
        // It reads; what is written here is written by `folder`, which begins its way to the disk.
        let objects = LocalFileSystem::new_with_prefix(path)?;
        Ok(Storage {
            objects: Arc::new(objects),
            prefix: Path::default(),
            folder: Some(path.to_owned()),
        })
    }

    /// A bucket that speaks S3. It must know conditional writes (`If-None-Match`).
    ///
    /// # Errors
    /// When the options do not fit together.
    pub fn bucket(options: &BucketOptions) -> Result<Self, OpenError> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&options.bucket)
            .with_region(&options.region);
        if let Some(endpoint) = &options.endpoint {
            builder = builder
                .with_endpoint(endpoint)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        builder = match &options.credentials {
            Some((key, secret)) => builder
                .with_access_key_id(key)
                .with_secret_access_key(secret.expose()),
            None => builder.with_skip_signature(true),
        };
        Ok(Storage {
            objects: Arc::new(builder.build()?),
            prefix: Path::from(options.prefix.as_str()),
            folder: None,
        })
    }

    /// In memory, for as long as the process lives.
    pub fn memory() -> Self {
        Storage::of(Arc::new(InMemory::new()))
    }

    /// Any object store that knows conditional writes.
    pub fn of(objects: Arc<dyn ObjectStore>) -> Self {
        Storage {
            objects,
            prefix: Path::default(),
            folder: None,
        }
    }

    fn item(&self, id: VaultId) -> Path {
        self.prefix.clone().join(id.to_string())
    }

    fn part(&self, id: VaultId, version: u32, part: u32) -> Path {
        let item = self.item(id);
        item.join(version.to_string()).join(format!("{part:07}"))
    }

    /// Writes a part that is not there yet; all of it, or nothing. It is durable then.
    pub(crate) async fn put(
        &self,
        id: VaultId,
        version: u32,
        part: u32,
        stored: bytes::Bytes,
    ) -> object_store::Result<()> {
        let arriving = self.put_soon(id, version, part, stored).await?;
        self.arrived(arriving).await?;
        self.sync_names(id, version).await
    }

    /// Writes a part that is not there yet; all of it, or nothing. It is durable after [`Self::arrived`] and
    /// [`Self::sync_names`].
    pub(crate) async fn put_soon(
        &self,
        id: VaultId,
        version: u32,
        part: u32,
        stored: bytes::Bytes,
    ) -> object_store::Result<Arriving> {
        // INVARIANT: a part is never written over: who gave a put up cannot change what another made of it.
        let at = self.part(id, version, part);
        if let Some(folder) = &self.folder {
            let path = folder.join(at.as_ref());
            let placed = in_folder(move || folder::place(&path, &stored)).await;
            return placed.map_err(|error| not_placed(&at, error));
        }
        let options = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(stored);
        self.objects.put_opts(&at, payload, options).await?;
        Ok(Arriving::default())
    }

    /// Waits until parts that were written are durable. A bucket's are, when they are written.
    pub(crate) async fn arrived(&self, arriving: Arriving) -> object_store::Result<()> {
        if arriving.len() == 0 {
            return Ok(());
        }
        in_folder(move || arriving.arrived())
            .await
            .map_err(of_folder)
    }

    /// Waits until a part that somebody wrote is durable.
    pub(crate) async fn sync(
        &self,
        id: VaultId,
        version: u32,
        part: u32,
    ) -> object_store::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let at = self.part(id, version, part);
        synced(folder.join(at.as_ref())).await
    }

    /// Waits until the names of an item's parts are durable, too.
    pub(crate) async fn sync_names(&self, id: VaultId, version: u32) -> object_store::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let item = folder.join(id.to_string());
        synced(item.join(version.to_string())).await?;
        synced(item).await?;
        synced(folder.clone()).await
    }

    /// Reads some bytes of a part, or all of them.
    pub(crate) async fn get(
        &self,
        id: VaultId,
        version: u32,
        part: u32,
        range: Option<std::ops::Range<u64>>,
    ) -> object_store::Result<Piece> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let at = self.part(id, version, part);
        let found = self.objects.get_opts(&at, options).await?;
        let whole = found.meta.size;
        let bytes = found.bytes().await?;
        Ok(Piece { bytes, whole })
    }

    /// Reads some bytes of a part into memory that is at hand, or into its own. Beyond the part's end come
    /// fewer, or it is an error.
    pub(crate) async fn get_into(
        &self,
        id: VaultId,
        version: u32,
        part: u32,
        range: std::ops::Range<u64>,
        mut memory: Vec<u8>,
    ) -> object_store::Result<Got> {
        let Some(folder) = &self.folder else {
            let Piece { bytes, whole } = self.get(id, version, part, Some(range)).await?;
            let memory = Vec::from(bytes);
            return Ok(Got {
                bytes: memory.len(),
                memory,
                whole,
            });
        };
        let at = self.part(id, version, part);
        let path = folder.join(at.as_ref());
        let read = in_folder(move || {
            let (bytes, whole) = folder::read(&path, range, &mut memory)?;
            Ok(Got {
                memory,
                bytes,
                whole,
            })
        });
        read.await.map_err(|error| not_read(&at, error))
    }

    /// How long a part is.
    pub(crate) async fn length(
        &self,
        id: VaultId,
        version: u32,
        part: u32,
    ) -> object_store::Result<u64> {
        let meta = self.objects.head(&self.part(id, version, part)).await?;
        Ok(meta.size)
    }

    /// The numbers of the parts that are there, in order.
    pub(crate) async fn parts(&self, id: VaultId, version: u32) -> object_store::Result<Vec<u32>> {
        let at = self.item(id).join(version.to_string());
        let found = self.objects.list(Some(&at));
        let number = |name: Option<&str>| name?.parse::<u32>().ok();
        let mut parts: Vec<u32> = found
            .try_filter_map(async |meta| Ok(number(meta.location.filename())))
            .try_collect()
            .await?;
        parts.sort_unstable();
        Ok(parts)
    }

    pub(crate) async fn remove_part(
        &self,
        id: VaultId,
        version: u32,
        part: u32,
    ) -> object_store::Result<()> {
        self.objects.delete(&self.part(id, version, part)).await
    }

    /// Removes everything of an item; what is not there is not missed.
    pub(crate) async fn remove(&self, id: VaultId) -> object_store::Result<()> {
        if let Some(folder) = &self.folder {
            let removed = remove_folder(&folder.join(id.to_string())).await;
            return removed.map_err(of_folder);
        }
        let found = self.objects.list(Some(&self.item(id)));
        let locations = found.map_ok(|meta| meta.location);
        locations
            .try_for_each(async |at| match self.objects.delete(&at).await {
                Err(object_store::Error::NotFound { .. }) => Ok(()),
                other => other,
            })
            .await
    }

    /// Looks whether the storage answers.
    pub(crate) async fn look(&self) -> object_store::Result<()> {
        let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
        self.objects.list(prefix).try_next().await.map(drop)
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.folder {
            Some(folder) => write!(f, "the folder `{}`", folder.display()),
            None => write!(f, "{}", self.objects),
        }
    }
}

fn of_folder(error: std::io::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: "folder",
        source: error.into(),
    }
}

/// Why a part was not written: one that is there already is told from everything else.
fn not_placed(at: &Path, error: std::io::Error) -> object_store::Error {
    match error.kind() {
        ErrorKind::AlreadyExists => object_store::Error::AlreadyExists {
            path: at.to_string(),
            source: error.into(),
        },
        _ => of_folder(error),
    }
}

/// Why a part was not read: one that is not there is told from everything else.
fn not_read(at: &Path, error: std::io::Error) -> object_store::Error {
    match error.kind() {
        ErrorKind::NotFound => object_store::Error::NotFound {
            path: at.to_string(),
            source: error.into(),
        },
        _ => of_folder(error),
    }
}

/// A file, or a folder with the names in it, made durable.
async fn synced(path: PathBuf) -> object_store::Result<()> {
    let synced = in_folder(move || std::fs::File::open(path)?.sync_all()).await;
    synced.map_err(of_folder)
}

/// Does what waits for a disk beside the rest.
pub(crate) async fn in_folder<T: Send + 'static>(
    act: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let done = tokio::task::spawn_blocking(act).await;
    done.map_err(std::io::Error::other)?
}

/// Removes a folder with what a killed process left half written there; tried again while somebody still
/// writes into it.
async fn remove_folder(path: &FilePath) -> std::io::Result<()> {
    for _ in 1..REMOVALS_MAX {
        match tokio::fs::remove_dir_all(path).await {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => return other,
        }
    }
    tokio::fs::remove_dir_all(path).await
}

fn private_folder(path: &FilePath) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
