//! What the tests stand on: a private database for each of them, the real server on a port of its own, and factories
//! for offices, staff, citizens and declarations. Everything is made up, and everything is gone when the test ends.

// Each test file is a crate of its own and uses a part of this. A helper that cannot go on has nothing better to do
// than panic.
#![allow(dead_code, unused_imports, unused_macros)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::JoinHandle;

use chrono::NaiveDateTime;
use tempfile::TempDir;

use tnhs::adapters::{hasher, photos::encode};
use tnhs::clock;
use tnhs::config::Config;
use tnhs::db::agencies::{self, Agency};
use tnhs::db::applications::{self, NewApplication};
use tnhs::db::{Conn, DbError, photos, registry, staff};
use tnhs::domain::application::{Application, Channel, Declaration, Kind, PhotoKind, Sex};
use tnhs::domain::dates::{BirthDate, from_hanoi, hanoi_year};
use tnhs::domain::deadline::removed_at;
use tnhs::domain::ids::{ApplicationId, StaffId};
use tnhs::domain::names::Name;
use tnhs::domain::numbers::{Email, IdNumber, Phone, SocialCode};
use tnhs::domain::permission::{Role, Scope};
use tnhs::domain::registry::Member;
use tnhs::jobs::deadlines::{self, Sweep};
use tnhs::startup::{self, Parts};

pub use browser::{Browser, Page};
pub use database::{Backend, TestDb};
pub use form::Form;
pub use program::{Finished, Program, Running};

pub mod accounts;
pub mod api;
pub mod browser;
pub mod database;
pub mod desk;
pub mod dump;
pub mod dying;
pub mod form;
pub mod gateways;
pub mod messages;
pub mod program;
pub mod receipts;
pub mod work;

/// Makes two tests of each function, `sqlite::name` and `postgres::name`. The argument's type decides what the test
/// gets: a `TestApp` (the server) or a `TestDb` (a database only).
macro_rules! both_databases {
    ($($(#[$meta:meta])* fn $name:ident($arg:ident: $type:ty) $body:block)+) => {
        $($(#[$meta])* #[allow(clippy::unwrap_used, clippy::expect_used)] fn $name($arg: $type) $body)+

        both_databases!(@on sqlite Sqlite $($name $type,)+);
        both_databases!(@on postgres Postgres $($name $type,)+);
    };
    (@on $module:ident $backend:ident $($name:ident $type:ty,)+) => {
        mod $module {
            use super::*;
            $(#[test] fn $name() { super::$name(<$type>::on($crate::support::Backend::$backend)); })+
        }
    };
}
pub(crate) use both_databases;

/// Every member of staff that a test makes signs in with this.
pub const PASSWORD: &str = "Mot mat khau thu 2026";

/// The server as it runs for real, with a database, a data folder, an SMS folder and a mail folder of its own.
pub struct TestApp {
    pub parts: Arc<Parts>,
    /// Scheme, host and port.
    pub url: String,
    pub offices: Offices,
    server: Option<(actix_web::dev::ServerHandle, JoinHandle<()>)>,
    made: AtomicU32,
    // Dropped last, after the server and the pool.
    folder: TempDir,
    _database: TestDb,
}

/// A small country: the centre, two provinces and their offices.
pub struct Offices {
    pub centre: Agency,
    pub hanoi: Agency,
    pub ba_dinh: Agency,
    pub dong_da: Agency,
    pub hue: Agency,
    pub phu_xuan: Agency,
}

impl Offices {
    fn open(conn: &mut Conn) -> Result<Self, DbError> {
        let mut open = |code: &str, name: &str, parent: Option<&Agency>, province: Option<&str>| {
            agencies::insert(conn, code, name, parent, province)
        };
        let centre = open("000", "Bảo hiểm xã hội Việt Nam", None, None)?;
        let hanoi = open("001", "Bảo hiểm xã hội thành phố Hà Nội", Some(&centre), Some("01"))?;
        let hue = open("046", "Bảo hiểm xã hội thành phố Huế", Some(&centre), Some("46"))?;
        Ok(Self {
            ba_dinh: open("00101", "Bảo hiểm xã hội cơ sở Ba Đình", Some(&hanoi), Some("01"))?,
            dong_da: open("00102", "Bảo hiểm xã hội cơ sở Đống Đa", Some(&hanoi), Some("01"))?,
            phu_xuan: open("04601", "Bảo hiểm xã hội cơ sở Phú Xuân", Some(&hue), Some("46"))?,
            centre,
            hanoi,
            hue,
        })
    }
}

/// Somebody who can sign in, with [`PASSWORD`].
#[derive(Clone, Debug)]
pub struct Employee {
    pub id: StaffId,
    pub login: String,
    pub name: String,
}

impl TestDb {
    /// Starts the server on this database. `settings` are environment variables that the test wants different.
    pub fn serve(self, settings: &[(&str, &str)]) -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let of_folder = |name: &str| format!("file:{}", folder.path().join(name).display());
        let config = Config::from_lookup(|variable| {
            if let Some((_, value)) = settings.iter().find(|(name, _)| *name == variable) {
                return Some((*value).to_owned());
            }
            match variable {
                "DATABASE_URL" => Some(self.url()),
                "TNHS_DATA_DIR" => Some(folder.path().display().to_string()),
                "TNHS_LISTEN" => Some(address.clone()),
                "TNHS_SECRET_KEY" => Some("test".repeat(16)),
                "TNHS_SMS_URL" => Some(of_folder("sms")),
                "TNHS_SMTP_URL" => Some(of_folder("mail")),
                "TNHS_POOL_SIZE" => Some("4".into()),
                "TNHS_PROGRAM" => Some(env!("CARGO_BIN_EXE_tnhs").into()),
                _ => None,
            }
        })
        .unwrap();
        let parts = Parts::build(config).unwrap();
        let offices = parts.db.write(Offices::open).unwrap();
        TestApp {
            url: parts.config.base_url.clone(),
            server: Some(serve_in_a_thread(parts.clone(), listener)),
            parts,
            offices,
            made: AtomicU32::new(0),
            folder,
            _database: self,
        }
    }
}

fn serve_in_a_thread(parts: Arc<Parts>, listener: TcpListener) -> (actix_web::dev::ServerHandle, JoinHandle<()>) {
    let (started, handle) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = startup::server(parts, listener).unwrap();
            started.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    (handle.recv().expect("the server did not start"), thread)
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.server.take() {
            // The command is sent by the call; joining the thread waits for its end.
            drop(handle.stop(false));
            if thread.join().is_err() && !std::thread::panicking() {
                panic!("the server panicked");
            }
        }
    }
}

impl TestApp {
    pub fn on(backend: Backend) -> Self {
        TestDb::on(backend).serve(&[])
    }

    /// Runs queries outside any request, in one transaction.
    pub fn db<T>(&self, f: impl FnOnce(&mut Conn) -> diesel::QueryResult<T>) -> T {
        self.parts.db.write(|conn| Ok::<_, DbError>(f(conn)?)).unwrap()
    }

    pub fn backend(&self) -> Backend {
        self._database.backend()
    }

    fn next(&self) -> u32 {
        self.made.fetch_add(1, Ordering::Relaxed) + 1
    }

    // People.

    /// Somebody who works at the office.
    pub fn employee(&self, role: Role, office: &Agency) -> Employee {
        static HASH: OnceLock<String> = OnceLock::new();
        let hash = HASH.get_or_init(|| hasher::hash_now(PASSWORD).unwrap());
        let number = self.next();
        let login = format!("{}{number}", role.code());
        let name = format!("{} {}", role.label(), invented_name(number));
        let new = staff::NewStaff {
            login: &login,
            name: &name,
            role,
            agency_id: office.id,
            password_hash: hash,
            must_change_password: false,
        };
        let id = self.db(|conn| staff::insert(conn, &new, clock::now()));
        Employee { id, login, name }
    }

    /// A visitor who has not signed in.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// Signs in through the page.
    pub fn sign_in(&self, employee: &Employee) -> Browser {
        let browser = self.browser();
        let form = browser.get("/sign-in").form("/sign-in").set("login", &employee.login).set("password", PASSWORD);
        let page = browser.submit(form);
        assert!(page.status == 200 && page.path() != "/sign-in", "{} could not sign in:\n{page}", employee.login);
        browser
    }

    /// A new officer of the office, signed in.
    pub fn officer(&self, office: &Agency) -> Browser {
        self.sign_in(&self.employee(Role::Officer, office))
    }

    /// What a grown-up citizen with this name declares. Code, ID number and telephone are nobody's; change what the
    /// test is about.
    pub fn citizen(&self, name: &str) -> Declaration {
        let number = self.next();
        Declaration {
            code: SocialCode::parse(&format!("01{number:08}")).unwrap(),
            name: Name::parse(name).unwrap(),
            birth_date: BirthDate::parse("05/03/1990", clock::now().date()).ok(),
            sex: Some(Sex::Female),
            // 1 and 90: a woman born in 1990.
            id_number: Some(IdNumber::parse(&format!("001190{number:06}")).unwrap()),
            id_issued_on: None,
            id_issued_by: None,
            phone: Phone::parse(&format!("0900{number:06}")).unwrap(),
            email: Some(Email::parse(&format!("cong.dan.{number}@example.vn")).unwrap()),
            address: Some("Số 1 phố Thử Nghiệm".into()),
            province_code: Some("01".into()),
            commune_code: None,
            guardian: None,
        }
    }

    /// The household registry knows this person, exactly as declared.
    pub fn registered(&self, person: &Declaration) -> Member {
        let member = registry_entry(person);
        self.register(&member);
        member
    }

    pub fn register(&self, member: &Member) {
        self.db(|conn| registry::upsert(conn, std::slice::from_ref(member), clock::now()));
    }

    // Declarations.

    /// The person declares on the portal, now, with a portrait.
    pub fn declared(&self, office: &Agency, person: &Declaration) -> Application {
        self.declared_at(office, person, clock::now())
    }

    pub fn declared_at(&self, office: &Agency, person: &Declaration, at: NaiveDateTime) -> Application {
        let application = self.declared_without_portrait(office, person, at);
        self.add_photo(application.id, PhotoKind::Portrait, portrait());
        application
    }

    pub fn declared_without_portrait(&self, office: &Agency, person: &Declaration, at: NaiveDateTime) -> Application {
        self.filed(&filing(office, person, at))
    }

    pub fn filed(&self, new: &NewApplication<'_>) -> Application {
        let (id, _) = self.db(|conn| applications::insert(conn, new));
        self.application(id)
    }

    pub fn add_photo(&self, application: ApplicationId, kind: PhotoKind, jpeg: &[u8]) {
        let sha256 = self.parts.photos.keep(jpeg).unwrap();
        self.db(|conn| photos::replace(conn, application, kind, &sha256, None, clock::now()));
    }

    /// The application as it stands in the database.
    pub fn application(&self, id: ApplicationId) -> Application {
        self.db(|conn| applications::find(conn, Scope::Country, id)).expect("there is no such application")
    }

    // Messages.

    /// Lets the worker send all that is due.
    pub fn outbox_drain(&self) {
        self.outbox_drain_at(clock::now());
    }

    /// As [`TestApp::outbox_drain`], at another time.
    pub fn outbox_drain_at(&self, now: NaiveDateTime) {
        while self.outbox_step_at(now) > 0 {}
    }

    /// The worker takes as many as it has places for, once.
    pub fn outbox_step_at(&self, now: NaiveDateTime) -> usize {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(tnhs::jobs::outbox::step(&self.parts, now)).unwrap()
    }

    // Lists.

    /// Lets the worker do all that imports wait for.
    pub fn imports_drain(&self) {
        let never = std::sync::atomic::AtomicBool::new(false);
        while tnhs::jobs::import::step(&self.parts, clock::now(), &never).unwrap() {}
    }

    // Deadlines.

    /// A worker that looks at this time for what is due.
    pub fn sweep(&self, now: NaiveDateTime) -> Sweep<'_> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Sweep { parts: &self.parts, now, batch: deadlines::BATCH, leaving: &NEVER }
    }

    /// The text messages that left, oldest first.
    pub fn sms(&self) -> Vec<String> {
        texts(&self.folder.path().join("sms"))
    }

    /// The mails that left, oldest first.
    pub fn mails(&self) -> Vec<String> {
        texts(&self.folder.path().join("mail"))
    }

    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }
}

/// The instant, in UTC, at which Hanoi's clock shows this, as dd/mm/yyyy HH:MM.
pub fn hanoi(text: &str) -> NaiveDateTime {
    let local = NaiveDateTime::parse_from_str(text, "%d/%m/%Y %H:%M").unwrap();
    from_hanoi(local.date(), local.time())
}

/// What the household registry says of a person who declared everything as it is.
pub fn registry_entry(person: &Declaration) -> Member {
    Member {
        code: person.code.clone(),
        name: person.name.clone(),
        birth_date: person.birth_date.clone(),
        sex: person.sex,
        id_number: person.id_number.clone(),
        phone: Some(person.phone.to_string()),
        email: None,
        address: None,
        household_code: Some("0100000001".into()),
        relation_code: Some("00".into()),
    }
}

/// The person's declaration on the portal, to be inserted.
pub fn filing<'a>(office: &Agency, person: &'a Declaration, at: NaiveDateTime) -> NewApplication<'a> {
    NewApplication {
        agency_id: office.id,
        kind: Kind::New,
        channel: Channel::Portal,
        declaration: person,
        submitted_at: at,
        received_at: None,
        due_at: removed_at(at),
        entered_by: None,
        year: hanoi_year(at),
        request_key: None,
    }
}

/// The files of a folder by name; the gateways begin it with the message's number. Half-written ones begin with a dot.
fn texts(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    // What is attached to a mail lies beside it.
    files.retain(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
    files.retain(|path| path.extension().is_some_and(|it| it == "txt"));
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn invented_name(number: u32) -> String {
    let pick = |words: &[&'static str], step: u32| words[(number / step) as usize % words.len()];
    let family = pick(&["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đặng"], 1);
    let middle = pick(&["Thị", "Văn", "Minh", "Ngọc"], 6);
    let given = pick(&["Hạnh", "Sơn", "Thủy", "Đức", "Quỳnh", "An", "Bình"], 1);
    format!("{family} {middle} {given}")
}

/// A drawn face, 300 × 400, as JPEG.
pub fn portrait() -> &'static [u8] {
    static JPEG: OnceLock<Vec<u8>> = OnceLock::new();
    JPEG.get_or_init(|| drawing(300, 400, [205, 170, 140]))
}

/// A JPEG with an oval of the given colour: another colour is another photo.
pub fn drawing(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let off_centre = |at: u32, of: u32| (f64::from(at) * 2.0 / f64::from(of) - 1.0).powi(2);
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let inside = off_centre(x, width) * 3.0 + off_centre(y, height) * 2.0 < 1.0;
        image::Rgb(if inside { colour } else { [235, 240, 250] })
    });
    encode(&picture.into()).unwrap()
}
