//! Opening: one writer and a few readers on one file, its schema brought up to date first. A schema
//! newer than this program is refused, so that an old binary never writes into it.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};
use thiserror::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

const READERS_MAX: u32 = 4;
/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for a connection of ours.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// Page cache of each connection, in KiB.
const CACHE_KIB: u32 = 32 * 1024;
/// Page of a new file: an activity with its payload fits into one.
const PAGE_BYTES: u32 = 8 * 1024;
/// So many pages gather in the write-ahead log before they are moved into the file, 32 MiB: the
/// pages of indexes are written once for many batches.
const CHECKPOINT_PAGES: u32 = 4 * 1024;

/// Why a store was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Not `sqlite:<path>` or `sqlite::memory:`.
    #[error("`{url}` is not an address of a SQLite store")]
    Url {
        /// As given.
        url: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The folder of the file cannot be made.
    #[error("the folder `{}` cannot be made", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("the store cannot be opened")]
    Unavailable(#[source] sqlx::Error),
    /// A newer program has changed the schema.
    #[error(
        "the store has schema {found}, this program knows up to {known}: use the newer program"
    )]
    NewerSchema {
        /// A version in the store.
        found: i64,
        /// The newest version of this program.
        known: i64,
    },
    /// The schema cannot be brought up to date.
    #[error("the store's schema cannot be brought up to date")]
    Migration(#[source] MigrateError),
}

pub(crate) struct Pools {
    pub(crate) writer: SqlitePool,
    pub(crate) reader: SqlitePool,
}

pub(crate) async fn pools(url: &str) -> Result<Pools, OpenError> {
    let options = SqliteConnectOptions::from_str(url).map_err(|source| OpenError::Url {
        url: url.to_owned(),
        source,
    })?;
    let in_memory = url.contains(":memory:");
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .page_size(PAGE_BYTES)
        .pragma("cache_size", format!("-{CACHE_KIB}"))
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .disable_statement_logging();
    if !in_memory {
        make_folder(options.get_filename())?;
    }
    let writer = connect(&options, 1).await?;
    migrate(&writer).await?;
    let reader = if in_memory {
        // Each connection to memory is a store of its own: there is only one.
        writer.clone()
    } else {
        connect(&options.read_only(true), READERS_MAX).await?
    };
    Ok(Pools { writer, reader })
}

fn make_folder(file: &Path) -> Result<(), OpenError> {
    let Some(folder) = file.parent().filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|source| OpenError::Folder {
        path: folder.to_owned(),
        source,
    })
}

async fn connect(
    options: &SqliteConnectOptions,
    connections_max: u32,
) -> Result<SqlitePool, OpenError> {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await
        .map_err(OpenError::Unavailable)
}

async fn migrate(pool: &SqlitePool) -> Result<(), OpenError> {
    let known = MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default();
    MIGRATIONS.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) if found > known => {
            OpenError::NewerSchema { found, known }
        }
        other => OpenError::Migration(other),
    })
}
