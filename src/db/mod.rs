//! All the SQL. One file per aggregate; each function takes a connection and returns a `QueryResult`, so that a caller
//! composes several of them into one transaction. Nothing here decides anything: rules live in `domain`.
//!
//! One binary speaks to SQLite and to PostgreSQL through [`Conn`]. The few statements that diesel cannot write for both at
//! once go through [`crate::on_backend!`].

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::r2d2;
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub mod account_acts;
pub mod account_changes;
pub mod account_list;
pub mod accounts;
pub mod agencies;
pub mod api_keys;
pub mod applications;
pub mod bulk;
pub mod citizens;
pub mod coverage;
pub mod credentials;
pub mod deadlines;
pub mod decisions;
pub mod deliveries;
pub mod events;
pub mod exports;
pub mod holidays;
pub mod imports;
pub mod invitations;
pub mod list;
pub mod listed;
pub mod message_acts;
pub mod message_list;
pub mod message_tallies;
pub mod messages;
pub mod meta;
pub mod overview;
pub mod photos;
pub mod queue_health;
pub mod registry;
pub mod registry_list;
pub mod report_parts;
pub mod reports;
pub mod schema;
pub mod sessions;
pub mod staff;
pub mod stay_list;
pub mod stays;
pub mod subscriptions;
pub mod tallies;
pub mod targets;
pub mod texts;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Expands one expression for each backend, where diesel's common denominator has no word for it
/// (`on_conflict`, batch insert, `returning`).
#[macro_export]
macro_rules! on_backend {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => $body,
            $crate::db::Conn::Postgres($c) => $body,
        }
    };
}

/// Where the data lives: `sqlite://PATH` or `postgres://…`.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(String),
    Postgres(String),
}

impl std::fmt::Debug for DatabaseUrl {
    /// Without the address: it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.backend())
    }
}

impl DatabaseUrl {
    /// Refuses every scheme but the two: the derived connection would try each in turn and create a file for a typo.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            if path.is_empty() {
                return Err("sqlite:// needs a path, such as sqlite://var/tnhs.db".into());
            }
            return Ok(Self::Sqlite(path.to_owned()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err("it must begin with sqlite:// or postgres://".into())
    }

    pub fn backend(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    fn connect(&self) -> Result<Conn, diesel::ConnectionError> {
        match self {
            Self::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path)?;
                // FULL: a decision that was shown as recorded survives a power cut, not only a crash of the process. Big sorts
                // go to temporary files, as is the default: in memory some officers could take all of it.
                conn.batch_execute(
                    "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA cache_size = -4000;",
                )
                .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                Ok(Conn::Sqlite(conn))
            }
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(url)?;
                // Our queries are short: compiling one would take longer than running it.
                conn.batch_execute("SET jit = off").map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                Ok(Conn::Postgres(conn))
            }
        }
    }
}

#[derive(Debug)]
struct Manager(DatabaseUrl);

/// A connection of the pool. After an error it is suspect, and asked whether it still answers before anybody uses it again:
/// asking at every checkout instead would cost each request a round trip, and never asking would keep the connections of a
/// database that was restarted.
struct Pooled {
    conn: Conn,
    suspect: bool,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Pooled, r2d2::Error> {
        let conn = self.0.connect().map_err(r2d2::Error::ConnectionError)?;
        Ok(Pooled { conn, suspect: false })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), r2d2::Error> {
        pooled.conn.batch_execute("SELECT 1").map_err(r2d2::Error::QueryError)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        // In the middle of a panic the connection may be in the middle of a transaction.
        std::thread::panicking() || (std::mem::take(&mut pooled.suspect) && self.is_valid(pooled).is_err())
    }
}

/// The pool. Checking a connection out and using it both belong on a blocking thread: `web` and `jobs` call
/// [`Db::read`] and [`Db::write`] from there only.
#[derive(Clone)]
pub struct Db {
    pool: r2d2::Pool<Manager>,
    url: DatabaseUrl,
    /// SQLite has one writer. Queueing for it here, in order, beats polling its lock, where the unlucky wait for long.
    writer: Arc<Mutex<()>>,
}

/// A connection of [`Db::load`].
pub struct Load<'a> {
    db: &'a Db,
    conn: &'a mut Conn,
}

impl Load<'_> {
    /// One transaction.
    pub fn write<T, E: From<DbError>>(&mut self, f: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E> {
        let _queue = self.db.queue();
        transaction(self.conn, f)
    }
}

/// What can go wrong between us and the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("no database connection: {0}")]
    Pool(#[from] diesel::r2d2::PoolError),
    #[error("database: {0}")]
    Query(#[from] diesel::result::Error),
}

impl DbError {
    /// Whether what should be there is not, or no longer as it was.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Query(diesel::result::Error::NotFound))
    }
}

impl Db {
    /// Opens a pool of at most `size` connections.
    ///
    /// # Errors
    /// When no connection can be made within ten seconds, or the folder of a SQLite file cannot be created.
    pub fn open(url: &DatabaseUrl, size: u32) -> anyhow::Result<Self> {
        if let DatabaseUrl::Sqlite(path) = url
            && let Some(folder) = Path::new(path).parent()
        {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("DATABASE_URL: cannot create the folder {}", folder.display()))?;
        }
        // A first connection by hand gives the database's own words, where the pool would only say "timed out".
        drop(url.connect().with_context(|| format!("DATABASE_URL: cannot open the {} database", url.backend()))?);
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(10))
            .build(Manager(url.clone()))?;
        Ok(Self { pool, url: url.clone(), writer: Arc::new(Mutex::new(())) })
    }

    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Runs queries that only read. Blocks.
    pub fn read<T, E: From<DbError>>(&self, f: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E> {
        self.with(f)
    }

    /// As [`Db::read`], for several queries that must all see the database as it is at the first of them. Blocks.
    pub fn snapshot<T, E: From<DbError>>(&self, f: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E> {
        self.with(|conn| {
            let begin = match conn {
                Conn::Sqlite(_) => "BEGIN",
                Conn::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            };
            conn.batch_execute(begin).map_err(DbError::from)?;
            let outcome = f(conn);
            conn.batch_execute("ROLLBACK").map_err(DbError::from)?;
            outcome
        })
    }

    /// Runs `f` in one transaction: all of it is committed, or none. Blocks.
    ///
    /// On SQLite the transaction begins as a writer (`BEGIN IMMEDIATE`): one that first reads and then writes would fail
    /// as locked whenever another wrote in between.
    pub fn write<T, E>(&self, f: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E>
    where
        E: From<DbError>,
    {
        let _queue = self.queue();
        self.with(|conn| transaction(conn, f))
    }

    /// As [`Db::write`], for what a power cut may take back (that somebody looked, what a session remembers): committed
    /// without waiting for the disk. A crash of this process loses none of it. Blocks.
    pub fn note<T, E>(&self, f: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E>
    where
        E: From<DbError>,
    {
        let _queue = self.queue();
        self.with(|conn| match conn {
            Conn::Postgres(_) => transaction(conn, |conn| {
                conn.batch_execute("SET LOCAL synchronous_commit = off").map_err(DbError::from)?;
                f(conn)
            }),
            Conn::Sqlite(_) => {
                conn.batch_execute("PRAGMA synchronous = NORMAL").map_err(DbError::from)?;
                let outcome = transaction(conn, f);
                conn.batch_execute("PRAGMA synchronous = FULL").map_err(DbError::from)?;
                outcome
            }
        })
    }

    /// For many rows in many transactions, which a power cut may take back: one connection with room for the pages that such
    /// rows touch again and again. Others get their turn between two transactions. Blocks.
    pub fn load<T, E: From<DbError>>(&self, f: impl FnOnce(&mut Load<'_>) -> Result<T, E>) -> Result<T, E> {
        self.with(|conn| {
            let (room, usual) = match conn {
                // 64 MB of pages; a checkpoint when as much has been written, and not every 4 MB.
                Conn::Sqlite(_) => (
                    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -64000; PRAGMA wal_autocheckpoint = 16000",
                    "PRAGMA synchronous = FULL; PRAGMA cache_size = -4000; PRAGMA wal_autocheckpoint = 1000; \
                     PRAGMA shrink_memory; PRAGMA wal_checkpoint(PASSIVE)",
                ),
                Conn::Postgres(_) => ("SET synchronous_commit = off", "RESET synchronous_commit"),
            };
            conn.batch_execute(room).map_err(DbError::from)?;
            let outcome = f(&mut Load { db: self, conn });
            conn.batch_execute(usual).map_err(DbError::from)?;
            outcome
        })
    }

    fn with<T, E: From<DbError>>(&self, f: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E> {
        let mut pooled = self.pool.get().map_err(DbError::from)?;
        let outcome = f(&mut pooled.conn);
        pooled.suspect = outcome.is_err();
        outcome
    }

    fn queue(&self) -> Option<std::sync::MutexGuard<'_, ()>> {
        match self.url {
            DatabaseUrl::Sqlite(_) => Some(self.writer.lock().unwrap_or_else(PoisonError::into_inner)),
            DatabaseUrl::Postgres(_) => None,
        }
    }

    /// Brings the schema up to date; returns how many migrations ran.
    pub fn migrate(&self) -> anyhow::Result<usize> {
        let done = match &mut self.pool.get()?.conn {
            Conn::Sqlite(c) => c.run_pending_migrations(SQLITE_MIGRATIONS).map(|done| done.len()),
            Conn::Postgres(c) => c.run_pending_migrations(POSTGRES_MIGRATIONS).map(|done| done.len()),
        }
        .map_err(|error| anyhow::anyhow!("migration failed: {error}"))?;
        // SQL alone cannot read a history: what reports count is retold once.
        self.write(|conn| Ok::<_, DbError>(stays::retell_if_never(conn)?))?;
        self.write(|conn| Ok::<_, DbError>(account_changes::retell_if_never(conn)?))?;
        Ok(done)
    }

    /// Takes every migration back. For tests.
    pub fn revert_all(&self) -> anyhow::Result<usize> {
        match &mut self.pool.get()?.conn {
            Conn::Sqlite(c) => c.revert_all_migrations(SQLITE_MIGRATIONS).map(|done| done.len()),
            Conn::Postgres(c) => c.revert_all_migrations(POSTGRES_MIGRATIONS).map(|done| done.len()),
        }
        .map_err(|error| anyhow::anyhow!("migration failed: {error}"))
    }

    /// Whether migrations are waiting to be run.
    pub fn needs_migration(&self) -> anyhow::Result<bool> {
        match &mut self.pool.get()?.conn {
            Conn::Sqlite(c) => c.has_pending_migration(SQLITE_MIGRATIONS),
            Conn::Postgres(c) => c.has_pending_migration(POSTGRES_MIGRATIONS),
        }
        .map_err(|error| anyhow::anyhow!("cannot read the schema's version: {error}"))
    }

    /// Whether no migration ever ran here.
    pub fn is_new(&self) -> anyhow::Result<bool> {
        match &mut self.pool.get()?.conn {
            Conn::Sqlite(c) => c.applied_migrations().map(|done| done.is_empty()),
            Conn::Postgres(c) => c.applied_migrations().map(|done| done.is_empty()),
        }
        .map_err(|error| anyhow::anyhow!("cannot read the schema's version: {error}"))
    }

    /// Refreshes the planner's statistics: after a big load, plans were up to a hundred times slower without it.
    pub fn analyze(&self) -> Result<(), DbError> {
        self.pool.get()?.conn.batch_execute(match self.url {
            DatabaseUrl::Sqlite(_) => "ANALYZE",
            DatabaseUrl::Postgres(_) => "VACUUM ANALYZE",
        })?;
        Ok(())
    }
}

fn transaction<T, E: From<DbError>>(conn: &mut Conn, f: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E> {
    let sql = |conn: &mut Conn, text: &str| -> Result<(), DbError> { Ok(conn.batch_execute(text)?) };
    sql(conn, if matches!(conn, Conn::Sqlite(_)) { "BEGIN IMMEDIATE" } else { "BEGIN" })?;
    match f(conn) {
        Ok(value) => {
            if let Err(error) = sql(conn, "COMMIT") {
                let _ = sql(conn, "ROLLBACK");
                return Err(error.into());
            }
            Ok(value)
        }
        Err(error) => {
            // What went wrong first is what matters; a connection that cannot even roll back is found broken by the pool.
            let _ = sql(conn, "ROLLBACK");
            Err(error)
        }
    }
}

/// For a change that must meet exactly one row.
fn one_row(changed: usize) -> QueryResult<()> {
    if changed == 1 { Ok(()) } else { Err(diesel::result::Error::NotFound) }
}

/// Counts the rows of a query that has a limit.
#[derive(diesel::query_builder::QueryId)]
struct Counted<Q>(Q);

impl<Q> diesel::query_builder::Query for Counted<Q> {
    type SqlType = diesel::sql_types::BigInt;
}

impl<Q> RunQueryDsl<Conn> for Counted<Q> {}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for Counted<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }
}
