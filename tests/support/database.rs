//! A database for one test, copied from a template that is migrated once. Dropping it removes it; the last one to go
//! takes the template along.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, SqliteConnection, sql_query};
use tempfile::TempDir;

use tnhs::db::{DatabaseUrl, Db};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A migrated database with nothing in it, for one test alone.
pub struct TestDb {
    place: Place,
    _template: Arc<Template>,
}

struct Template(Place);

/// Where a database is. Dropped, there is nothing left of it.
enum Place {
    Sqlite(TempDir),
    Postgres(String),
}

impl TestDb {
    pub fn on(backend: Backend) -> Self {
        let template = Template::of(backend);
        let place = Place::new(backend);
        match (&template.0, &place) {
            (Place::Sqlite(from), Place::Sqlite(to)) => {
                std::fs::copy(from.path().join(FILE), to.path().join(FILE)).unwrap();
            }
            (Place::Postgres(from), Place::Postgres(to)) => {
                admin().batch_execute(&format!("CREATE DATABASE {to} TEMPLATE {from}")).unwrap();
            }
            _ => unreachable!(),
        }
        Self { place, _template: template }
    }

    /// As in `DATABASE_URL`.
    pub fn url(&self) -> String {
        self.place.url()
    }

    pub fn backend(&self) -> Backend {
        match self.place {
            Place::Sqlite(_) => Backend::Sqlite,
            Place::Postgres(_) => Backend::Postgres,
        }
    }

    /// A pool of its own on this database.
    pub fn open(&self, size: u32) -> Db {
        self.place.open(size)
    }
}

impl Template {
    fn of(backend: Backend) -> Arc<Self> {
        static SQLITE: Mutex<Weak<Template>> = Mutex::new(Weak::new());
        static POSTGRES: Mutex<Weak<Template>> = Mutex::new(Weak::new());
        let known = match backend {
            Backend::Sqlite => &SQLITE,
            Backend::Postgres => &POSTGRES,
        };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.upgrade().unwrap_or_else(|| {
            let template = Arc::new(Self::new(backend));
            *known = Arc::downgrade(&template);
            template
        })
    }

    fn new(backend: Backend) -> Self {
        let place = Place::new(backend);
        if let Place::Postgres(name) = &place {
            admin().batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        }
        place.open(2).migrate().unwrap();
        match &place {
            // Into the file itself: the copy takes no log along.
            Place::Sqlite(folder) => SqliteConnection::establish(&folder.path().join(FILE).to_string_lossy())
                .unwrap()
                .batch_execute("PRAGMA busy_timeout = 10000; PRAGMA wal_checkpoint(TRUNCATE)")
                .unwrap(),
            Place::Postgres(name) => wait_until_unused(name),
        }
        Self(place)
    }
}

const FILE: &str = "tnhs.db";

impl Place {
    /// A free place; on PostgreSQL nothing is there yet.
    fn new(backend: Backend) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        match backend {
            Backend::Sqlite => Self::Sqlite(tempfile::tempdir().unwrap()),
            Backend::Postgres => {
                let number = MADE.fetch_add(1, Ordering::Relaxed);
                Self::Postgres(format!("tnhs_test_{}_{number}", std::process::id()))
            }
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}", folder.path().join(FILE).display()),
            Self::Postgres(name) => postgres_url(name),
        }
    }

    fn open(&self, size: u32) -> Db {
        Db::open(&DatabaseUrl::parse(&self.url()).unwrap(), size).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Postgres(name) = self {
            let dropped =
                PgConnection::establish(&postgres_server()).map_err(|error| error.to_string()).and_then(|mut conn| {
                    conn.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                        .map_err(|error| error.to_string())
                });
            if let Err(error) = dropped {
                eprintln!("{name} was left behind: {error}");
            }
        }
    }
}

/// The server that tests may create databases on.
fn postgres_server() -> String {
    std::env::var("TNHS_TEST_POSTGRES").expect(
        "TNHS_TEST_POSTGRES is not set: every test runs on PostgreSQL too. Start them with tests/run, or name a server \
         on which databases may be created, such as postgres://postgres@127.0.0.1:5432/postgres",
    )
}

fn postgres_url(database: &str) -> String {
    let server = postgres_server();
    let (address, query) =
        server.split_once('?').map_or((server.as_str(), String::new()), |(a, q)| (a, format!("?{q}")));
    let (host, _) = address.rsplit_once('/').expect("TNHS_TEST_POSTGRES must end in /postgres");
    format!("{host}/{database}{query}")
}

fn admin() -> PgConnection {
    PgConnection::establish(&postgres_server()).expect("no PostgreSQL at TNHS_TEST_POSTGRES")
}

/// A pool that was dropped closes its connections a moment later; a template may have none.
fn wait_until_unused(database: &str) {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let mut conn = admin();
    let start = Instant::now();
    loop {
        let users: Count = sql_query("SELECT count(*) FROM pg_stat_activity WHERE datname = $1")
            .bind::<Text, _>(database)
            .get_result(&mut conn)
            .unwrap();
        if users.count == 0 {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{database} is still in use");
        std::thread::sleep(Duration::from_millis(10));
    }
}
