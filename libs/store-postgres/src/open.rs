//! Opening: one connection first, so that what is wrong is said at once and by its name; then the
//! schema, under a lock, so that many processes may start at the same time; then the pools.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use thiserror::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long the first connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection is used at most: a server behind a load balancer may change.
const LIFETIME_MAX: Duration = Duration::from_secs(30 * 60);
/// What the server holds every session to.
const SESSION: [(&str, &str); 4] = [
    // Statements here are short: compiling one takes longer than running it.
    ("jit", "off"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    // A process that stops in the middle of a transaction must not keep its locks.
    ("idle_in_transaction_session_timeout", "15s"),
];

/// What may be set of a store.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Most connections of this process, besides one that listens.
    pub connections_max: u32,
    /// How often is looked for changes whose notification was lost.
    pub look_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            connections_max: 16,
            look_every: Duration::from_secs(5),
        }
    }
}

/// Why a store was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Not an address of Postgres. The address is not told: it may hold a password.
    #[error("the address is not `postgres://user:password@host:port/database`")]
    Url(#[source] sqlx::Error),
    /// Nobody answers there.
    #[error("nobody answers at `{place}`")]
    Unreachable {
        /// Host, port and database.
        place: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Nobody answered in time.
    #[error("nobody answered at `{place}` within {} s", CONNECT_TIMEOUT.as_secs())]
    NoAnswer {
        /// Host, port and database.
        place: String,
    },
    /// The server does not let that user in.
    #[error("`{place}` refuses the user `{user}`: wrong name or password")]
    Credentials {
        /// Host, port and database.
        place: String,
        /// Which user.
        user: String,
        /// What the server says.
        #[source]
        source: sqlx::Error,
    },
    /// There is no such database.
    #[error("there is no database at `{place}`: make it first")]
    NoDatabase {
        /// Host, port and database.
        place: String,
        /// What the server says.
        #[source]
        source: sqlx::Error,
    },
    /// The user may not do what is needed.
    #[error(
        "the user `{user}` may not make tables at `{place}`: make it the owner of the database"
    )]
    Permission {
        /// Host, port and database.
        place: String,
        /// Which user.
        user: String,
        /// What the server says.
        #[source]
        source: MigrateError,
    },
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
    pub(crate) calls: PgPool,
    pub(crate) listening: PgPool,
}

/// Host, port and database of an address, without user and password; a word for what is no address.
pub fn place(url: &str) -> String {
    PgConnectOptions::from_str(url).map_or("an unreadable address".to_owned(), |options| {
        place_of(&options)
    })
}

fn place_of(options: &PgConnectOptions) -> String {
    let database = options
        .get_database()
        .unwrap_or_else(|| options.get_username());
    format!("{}:{}/{database}", options.get_host(), options.get_port())
}

pub(crate) async fn pools(url: &str, settings: Settings) -> Result<Pools, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(OpenError::Url)?;
    // A name that the address tells is kept: whoever reads `pg_stat_activity` can tell processes apart.
    let name = options
        .get_application_name()
        .unwrap_or("tidegate")
        .to_owned();
    let options = options.application_name(&name).disable_statement_logging();
    migrate(&options).await?;
    // Lazily: the server was just reached, and what it does next is for the calls to find out.
    let calls = PgPoolOptions::new()
        .max_connections(settings.connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(LIFETIME_MAX)
        .connect_lazy_with(options.clone().options(SESSION));
    let listening = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(options);
    Ok(Pools { calls, listening })
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let place = place_of(options);
    let connecting = PgConnection::connect_with(options);
    let source = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(connection)) => return Ok(connection),
        Ok(Err(source)) => source,
        Err(_) => return Err(OpenError::NoAnswer { place }),
    };
    let code = source.as_database_error().and_then(|error| error.code());
    Err(match code.as_deref() {
        Some("28P01" | "28000") => OpenError::Credentials {
            place,
            user: options.get_username().to_owned(),
            source,
        },
        Some("3D000") => OpenError::NoDatabase { place, source },
        _ => OpenError::Unreachable { place, source },
    })
}

async fn migrate(options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = connect(options).await?;
    let known = MIGRATIONS.iter().map(|one| one.version).max();
    let known = known.unwrap_or_default();
    let run = MIGRATIONS.run(&mut connection).await;
    // The lock of the migration ends with the session, whatever became of it.
    let _ = connection.close().await;
    run.map_err(|error| match error {
        MigrateError::VersionMissing(found) if found > known => {
            OpenError::NewerSchema { found, known }
        }
        source if is_permission(&source) => OpenError::Permission {
            place: place_of(options),
            user: options.get_username().to_owned(),
            source,
        },
        other => OpenError::Migration(other),
    })
}

fn is_permission(error: &MigrateError) -> bool {
    let (MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _)) = error else {
        return false;
    };
    let code = source.as_database_error().and_then(|error| error.code());
    // Without the right to use any schema of its path, the user is told that there is none.
    matches!(code.as_deref(), Some("42501" | "3F000"))
}
