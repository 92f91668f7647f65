//! The process is killed at random moments while officers decide and while messages leave: nothing is ever recorded by
//! half, nothing that an officer saw as recorded is lost, every message leaves, and the password that arrives last is
//! the one that works.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use support::{
    Browser, Employee, PASSWORD, Program, Running, TestApp, both_databases, filing, portrait, registry_entry,
};
use tnhs::clock;
use tnhs::db::schema::{accounts, applications as filed, events, message_steps, messages};
use tnhs::db::{Conn, DatabaseUrl, Db, DbError, applications, photos, registry};
use tnhs::domain::application::{PhotoKind, Status};
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{AccountId, ApplicationId, MessageId, StaffId};
use tnhs::domain::message::PASSWORD_PLACEHOLDER;
use tnhs::domain::outbox::{MessageChannel, MessageKind};
use tnhs::domain::permission::Role;

/// How often the server is killed while officers decide, and how often two workers are while they send.
const SERVER_KILLS: usize = 50;
const WORKER_KILLS: usize = 12;
const OFFICERS: usize = 3;
/// So many applications wait for the officers at each start.
const WAITING: usize = 30;

both_databases! {
    fn killed_at_any_moment_it_has_recorded_all_or_nothing_and_loses_no_message(app: TestApp) {
        let seed = std::env::var("TNHS_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
        println!("TNHS_TEST_SEED={seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let program = Program::beside(&app);
        let desk = Desk::open(&app);

        desk.decide_and_be_killed(&program, &mut rng);
        let decided = desk.check("after the last kill");
        let kinds: BTreeSet<&str> = decided.applications.values().map(|it| it.status.code()).collect();
        assert_eq!(kinds, BTreeSet::from(["approved", "awaiting_code", "pending", "rejected"]), "too little happened");

        send_and_be_killed(&desk, &program, &mut rng);
        finish_sending(&desk, &program);
        let sent = desk.check("after everything was sent");
        assert_eq!(sent.decisions, decided.decisions);
        assert!(sent.messages.iter().all(|message| message.state == MessageState::Accepted));
        the_last_password_signs_in(&desk, &sent);
    }
}

/// An office whose work is interrupted all the time.
struct Desk<'a> {
    app: &'a TestApp,
    officers: Vec<Employee>,
    portrait: String,
    /// Not known to be decided.
    open: Mutex<Vec<ApplicationId>>,
    made: Mutex<usize>,
    /// What the officers were told is recorded.
    told: Mutex<BTreeSet<Decided>>,
    closing: AtomicBool,
}

/// Who decided which application, and how.
type Decided = (ApplicationId, StaffId, &'static str);

impl<'a> Desk<'a> {
    fn open(app: &'a TestApp) -> Self {
        Self {
            app,
            officers: (0..OFFICERS).map(|_| app.employee(Role::Officer, &app.offices.ba_dinh)).collect(),
            portrait: app.parts.photos.keep(portrait()).unwrap(),
            open: Mutex::default(),
            made: Mutex::default(),
            told: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// People declare until enough applications wait. The registry does not know every eighth of them, and every third
    /// has no e-mail address.
    fn declare(&self) {
        let now = clock::now();
        let mut open = self.open.lock().unwrap();
        let mut made = self.made.lock().unwrap();
        self.app.db(|conn| {
            while open.len() < WAITING {
                *made += 1;
                let mut person = self.app.citizen("Nguyễn Thị Minh Hạnh");
                if made.is_multiple_of(3) {
                    person.email = None;
                }
                if !made.is_multiple_of(8) {
                    registry::upsert(conn, &[registry_entry(&person)], now)?;
                }
                let (id, _) = applications::insert(conn, &filing(&self.app.offices.ba_dinh, &person, now))?;
                photos::replace(conn, id, PhotoKind::Portrait, &self.portrait, None, now)?;
                open.push(id);
            }
            Ok(())
        });
    }

    fn decide_and_be_killed(&self, program: &Program, rng: &mut StdRng) {
        self.declare();
        let server = program.serve(&["serve"]);
        let browsers: Vec<Browser> = self.officers.iter().map(|officer| sign_in(&program.url, officer)).collect();
        let mut server = Some(server);
        thread::scope(|scope| {
            // Also when a check fails: the scope waits for the officers.
            let _close = CloseOnDrop(&self.closing);
            for (officer, browser) in self.officers.iter().zip(&browsers) {
                let rng = StdRng::seed_from_u64(rng.random());
                scope.spawn(|| self.work(officer.id, browser, rng));
            }
            for kill in 1..=SERVER_KILLS {
                let running = server.take().unwrap_or_else(|| {
                    // The jobs are killed along with it, or have the outbox to themselves later.
                    let jobs = if rng.random_bool(0.3) { &["serve"][..] } else { &["serve", "--no-jobs"] };
                    let mut running = program.start(jobs);
                    // Some do not even get to answer.
                    if rng.random_bool(0.85) {
                        running.wait_until_ready();
                    }
                    running
                });
                thread::sleep(Duration::from_millis(rng.random_range(0..450)));
                running.kill();
                self.check(&format!("after kill {kill}"));
                if kill.is_multiple_of(10) {
                    self.check_as_after_a_power_cut();
                }
                self.declare();
            }
        });
    }

    /// Decides one application after the other, whatever happens to the server.
    fn work(&self, officer: StaffId, browser: &Browser, mut rng: StdRng) {
        while !self.closing.load(Ordering::Relaxed) {
            let next = {
                // Few to choose from, so that officers also meet over one.
                let open = self.open.lock().unwrap();
                open.get(rng.random_range(0..6)).copied()
            };
            if let Some(id) = next {
                // Without an answer nobody knows whether it was recorded; somebody will look again.
                let _ = self.decide(officer, browser, id, &mut rng);
            }
            thread::sleep(Duration::from_millis(rng.random_range(0..120)));
        }
    }

    fn decide(
        &self,
        officer: StaffId,
        browser: &Browser,
        id: ApplicationId,
        rng: &mut StdRng,
    ) -> Result<(), ureq::Error> {
        let page = browser.attempt("GET", &format!("/applications/{id}"), &[], Vec::new())?.expect(200);
        if !page.has_button("Ghi nhận") {
            self.put_away(id);
            return Ok(());
        }
        // Approved by a colleague while the page was read: the account is there already.
        if !page.select("input[name=outcome][value=valid][disabled]").is_empty() {
            return Ok(());
        }
        let form = page.form("Ghi nhận");
        let valid = rng.random_bool(0.5);
        let (form, outcome) = if valid {
            let outcome = if form.value("verdict") == "missing" { "awaiting_code" } else { "approved" };
            let ticked = form.set("outcome", "valid").check("id_compared").check("form_signed").check("photo_matches");
            (ticked, outcome)
        } else {
            (form.set("outcome", "invalid").set("reason", "Ảnh chân dung không rõ mặt"), "rejected")
        };
        let (content_type, body) = form.body();
        let headers = [("Content-Type", content_type), ("Origin", browser.base())];
        let answer = browser.attempt("POST", &form.action, &headers, body)?;
        match answer.status {
            303 => {
                self.told.lock().unwrap().insert((id, officer, outcome));
                self.put_away(id);
            }
            // The registry still does not have the code.
            422 => self.put_away(id),
            // A colleague was quicker.
            409 => {}
            _ => panic!("{answer}"),
        }
        Ok(())
    }

    fn put_away(&self, id: ApplicationId) {
        self.open.lock().unwrap().retain(|open| *open != id);
    }

    /// What is in the database now, with everything in it that must hold at any moment.
    #[track_caller]
    fn check(&self, when: &str) -> Snapshot {
        let told = self.told.lock().unwrap().clone();
        let snapshot = self.app.db(Snapshot::take);
        self.check_snapshot(&snapshot, &told, when);
        snapshot
    }

    #[track_caller]
    fn check_snapshot(&self, snapshot: &Snapshot, told: &BTreeSet<Decided>, when: &str) {
        let lost: Vec<_> = told.iter().filter(|told| !snapshot.decisions.contains(told)).collect();
        assert!(lost.is_empty(), "{when}: recorded before the officers' eyes, and lost: {lost:?}");
        assert_eq!(snapshot.applications.len(), *self.made.lock().unwrap(), "{when}");
        snapshot.check(when);
        for message in snapshot.messages.iter().filter(|message| message.state == MessageState::Accepted) {
            let file = self.file_of(message);
            assert!(file.exists(), "{when}: {} is said to be sent", file.display());
        }
    }

    /// SQLite: what the next process would find if this one, which has the database open too, were not there.
    fn check_as_after_a_power_cut(&self) {
        let DatabaseUrl::Sqlite(path) = self.app.parts.db.url() else { return };
        let told = self.told.lock().unwrap().clone();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.db").display().to_string();
        for part in ["", "-wal"] {
            std::fs::copy(format!("{path}{part}"), format!("{copy}{part}")).unwrap();
        }
        let db = Db::open(&DatabaseUrl::Sqlite(copy), 1).unwrap();
        let snapshot = db.read(|conn| Ok::<_, DbError>(Snapshot::take(conn)?)).unwrap();
        self.check_snapshot(&snapshot, &told, "from the files alone");
    }

    fn file_of(&self, message: &Message) -> PathBuf {
        let folder = match message.channel {
            MessageChannel::Sms => "sms",
            MessageChannel::Email => "mail",
        };
        self.app.data_dir().join(folder).join(format!("{:08}-{}.txt", message.id.0, message.key))
    }
}

struct CloseOnDrop<'a>(&'a AtomicBool);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn sign_in(url: &str, officer: &Employee) -> Browser {
    let browser = Browser::new(url);
    let form = browser.get("/sign-in").form("/sign-in").set("login", &officer.login).set("password", PASSWORD);
    assert_eq!(browser.submit(form).path(), "/applications");
    browser
}

/// Everything that a decision touches, as of one moment.
struct Snapshot {
    applications: BTreeMap<ApplicationId, Filed>,
    decisions: Vec<Decided>,
    /// One for each time that a gateway took a message.
    sent: Vec<ApplicationId>,
    accounts: Vec<(ApplicationId, AccountId, Option<String>)>,
    messages: Vec<Message>,
}

#[derive(Queryable)]
struct Filed {
    id: ApplicationId,
    status: Status,
    version: i32,
    email: Option<String>,
    decided_by: Option<StaffId>,
    reason: Option<String>,
}

#[derive(Queryable)]
struct Message {
    id: MessageId,
    application: ApplicationId,
    key: String,
    kind: MessageKind,
    channel: MessageChannel,
    state: MessageState,
    body: String,
}

impl Snapshot {
    fn take(conn: &mut Conn) -> QueryResult<Self> {
        // What a killed process had begun is still being committed by PostgreSQL perhaps.
        if matches!(conn, Conn::Postgres(_)) {
            conn.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        }
        let applications: Vec<Filed> = filed::table
            .select((filed::id, filed::status, filed::version, filed::email, filed::decided_by, filed::reason))
            .load(conn)?;
        let history: Vec<(Option<ApplicationId>, Option<StaffId>, EventKind)> = events::table
            .filter(events::kind.ne_all([EventKind::Viewed, EventKind::SignedIn]))
            .order(events::id)
            .select((events::application_id, events::staff_id, events::kind))
            .load(conn)?;
        let decisions = history.into_iter().map(|event| match event {
            (Some(id), Some(by), EventKind::Approved) => (id, by, "approved"),
            (Some(id), Some(by), EventKind::Rejected) => (id, by, "rejected"),
            (Some(id), Some(by), EventKind::AwaitingCode) => (id, by, "awaiting_code"),
            other => panic!("nobody did this: {other:?}"),
        });
        Ok(Self {
            applications: applications.into_iter().map(|it| (it.id, it)).collect(),
            decisions: decisions.collect(),
            sent: messages::table
                .inner_join(message_steps::table)
                .filter(message_steps::state.eq(MessageState::Accepted))
                .select(messages::application_id.assume_not_null())
                .load(conn)?,
            accounts: accounts::table
                .select((accounts::application_id, accounts::id, accounts::password_hashes))
                .load(conn)?,
            messages: messages::table
                .order(messages::id)
                .select((
                    messages::id,
                    messages::application_id.assume_not_null(),
                    messages::idempotency_key,
                    messages::kind,
                    messages::channel,
                    messages::state,
                    messages::body,
                ))
                .load(conn)?,
        })
    }

    /// A decision, its event, its account and its messages are there together or not at all.
    #[track_caller]
    fn check(&self, when: &str) {
        for (id, filed) in &self.applications {
            let when = format!("{when}: application {id}, {}", filed.status.code());
            let decisions: Vec<_> = self.decisions.iter().filter(|(of, ..)| of == id).collect();
            let last = decisions.last().map_or("pending", |(_, _, outcome)| outcome);
            assert_eq!(filed.status.code(), last, "{when}: {decisions:?}");
            let final_ones = decisions.iter().filter(|(_, _, outcome)| *outcome != "awaiting_code").count();
            assert!(final_ones <= 1 && decisions.len() - final_ones <= 1, "{when}: {decisions:?}");
            assert_eq!(filed.version, 1 + i32::try_from(decisions.len()).unwrap(), "{when}");
            let is_final = matches!(filed.status, Status::Approved | Status::Rejected);
            let decider = decisions.last().filter(|_| is_final).map(|(_, by, _)| *by);
            assert_eq!(filed.decided_by, decider, "{when}");
            assert_eq!(filed.reason.is_some(), filed.status == Status::Rejected, "{when}");

            let accounts = self.accounts.iter().filter(|(of, ..)| of == id).count();
            assert_eq!(accounts, usize::from(filed.status == Status::Approved), "{when}: accounts");
            let mut expected = match filed.status {
                Status::Approved => vec![("credentials", "sms"), ("accepted", "email")],
                Status::Rejected => vec![("rejected", "sms"), ("rejected", "email")],
                _ => Vec::new(),
            };
            expected.retain(|(_, channel)| *channel == "sms" || filed.email.is_some());
            let mine: Vec<&Message> = self.messages.iter().filter(|message| message.application == *id).collect();
            let queued: Vec<_> = mine.iter().map(|it| (it.kind.code(), it.channel.code())).collect();
            assert_eq!(queued, expected, "{when}: messages");
            let sent = mine.iter().filter(|message| message.state == MessageState::Accepted).count();
            assert_eq!(self.sent.iter().filter(|of| *of == id).count(), sent, "{when}: the history of its messages");
        }
        assert!(self.accounts.iter().all(|(of, ..)| self.applications.contains_key(of)), "{when}");
        for message in &self.messages {
            let holds_place = message.body.contains(PASSWORD_PLACEHOLDER);
            assert_eq!(holds_place, message.kind == MessageKind::Credentials, "{when}: a password in the outbox?");
        }
    }
}

/// Two workers at a time are killed while they send.
fn send_and_be_killed(desk: &Desk<'_>, program: &Program, rng: &mut StdRng) {
    for kill in 1..=WORKER_KILLS {
        let workers = [program.start(&["worker"]), program.start(&["worker"])];
        thread::sleep(Duration::from_millis(rng.random_range(100..700)));
        workers.into_iter().for_each(Running::kill);
        desk.check(&format!("after the workers' kill {kill}"));
        // What they had in hand waits for two minutes. Let these have passed.
        desk.app.db(|conn| {
            diesel::update(messages::table.filter(messages::state.eq(MessageState::Sending)))
                .set(messages::next_attempt_at.eq(clock::now()))
                .execute(conn)
        });
    }
}

/// The server sends what is due by itself; what a killed one still has in hand follows when its lease has run out.
fn finish_sending(desk: &Desk<'_>, program: &Program) {
    let server = program.serve(&["serve"]);
    let start = Instant::now();
    let queued = || {
        desk.app.db(|conn| {
            let queued = messages::table
                .filter(messages::state.ne(MessageState::Accepted))
                .filter(messages::next_attempt_at.le(clock::now()));
            queued.count().get_result::<i64>(conn)
        })
    };
    while queued() > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "{} messages do not leave", queued());
        thread::sleep(Duration::from_millis(50));
    }
    server.stop();
    let again = messages::table.filter(messages::attempts.gt(1));
    let again: i64 = desk.app.db(|conn| again.count().get_result(conn));
    assert!(again > 0, "no worker was killed with a message in hand");
    desk.app.outbox_drain_at(clock::now() + chrono::TimeDelta::minutes(5));
}

/// Each message is one file, however often it was tried, and the password in it is the account's.
fn the_last_password_signs_in(desk: &Desk<'_>, sent: &Snapshot) {
    let files: BTreeSet<PathBuf> = sent.messages.iter().map(|message| desk.file_of(message)).collect();
    let there: BTreeSet<PathBuf> = ["sms", "mail"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(desk.app.data_dir().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        // Half-written ones begin with a dot.
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect();
    assert_eq!(there, files);

    let hasher = &desk.app.parts.hasher;
    let verified = sent.accounts.iter().map(|(application, _, hash)| async move {
        let is_notice = |it: &&Message| it.application == *application && it.kind == MessageKind::Credentials;
        let notice = sent.messages.iter().find(is_notice).unwrap();
        let text = std::fs::read_to_string(desk.file_of(notice)).unwrap();
        let (_, password) = text.split_once("/Mat khau: ").unwrap();
        let (password, _) = password.split_once(". ").unwrap();
        (*application, hasher.verify(password.to_owned(), hash.clone()).await.unwrap())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let wrong: Vec<_> = verified.map(|one| runtime.block_on(one)).filter(|(_, right)| !right).collect();
    assert!(wrong.is_empty(), "their last password does not sign in: {wrong:?}");
}
