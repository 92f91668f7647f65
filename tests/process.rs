//! The program while it runs: the demo, what a load balancer asks, how it stops, what its log says, and clients that
//! never finish.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use support::form::encoded;
use support::{Backend, Browser, PASSWORD, Page, Program, TestApp, TestDb, both_databases};
use tnhs::db::schema::{agencies, applications, events, messages, meta, registry_members, sessions, staff};
use tnhs::db::{Conn, Db, DbError};
use tnhs::demo::walk_through::EXACT;
use tnhs::domain::permission::Role;

/// A small demo.
const DEMO: [&str; 5] = ["demo", "--applications", "40", "--registry", "60"];

both_databases! {
    fn the_demo_is_filled_once_and_keeps_what_was_done_in_it(database: TestDb) {
        database.open(1).revert_all().unwrap();
        let program = Program::on(&database);
        let server = program.serve(&DEMO);
        let said = server.stdout();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0], program.url);
        let sign_ins: Vec<Vec<&str>> = lines[1..].iter().map(|line| line.split(' ').collect()).collect();
        let roles: Vec<&str> = sign_ins.iter().map(|words| words[0]).collect();
        assert_eq!(roles, ["officer", "supervisor", "admin"]);
        for words in &sign_ins {
            let [_, login, password] = words[..] else { panic!("{said}") };
            sign_in(&program.url, login, password);
        }
        let officer = sign_in(&program.url, sign_ins[0][1], sign_ins[0][2]);
        let page = approve(&officer, EXACT.code);
        assert!(page.has_text("Đăng ký thành công"), "{page}");
        let (address, counts) = (page.path().to_owned(), counts(&database.open(1)));
        wait_until_sent(&database.open(1));
        server.stop();
        // Made-up people have no telephones, whatever gateway is configured.
        let sms = std::fs::read_dir(program.file("data").join("sms")).unwrap().count();
        assert!(sms == 1 && !program.file("sms").exists(), "{sms}");

        let server = program.serve(&DEMO);
        assert_eq!(server.stdout(), format!("{said}{said}"));
        let page = sign_in(&program.url, sign_ins[0][1], sign_ins[0][2]).get(&address);
        assert!(page.has_text("Đã duyệt") && !page.has_button("Ghi nhận"), "{page}");
        server.stop();
        assert_eq!(self::counts(&database.open(1))[..4], counts[..4]);
        let checked = program.run(&["check"]).expect(0);
        assert!(checked.stdout.contains("made-up people, 0 messages wait"), "{checked:#?}");
    }

    fn the_demo_is_refused_where_there_is_real_data(app: TestApp) {
        app.declared(&app.offices.ba_dinh, &app.citizen("Trần Văn Đức"));
        let before = counts(&app.parts.db);
        let program = Program::beside(&app);
        for arguments in [&DEMO[..], &["demo", "--no-serve"]] {
            let finished = program.run(arguments).expect(1);
            assert!(finished.complaint().contains("real data"), "{finished:#?}");
        }
        assert_eq!(counts(&app.parts.db), before);
        let checked = program.run(&["check"]).expect(0);
        assert!(checked.stdout.contains("holds      real data"), "{checked:#?}");
    }

    fn made_up_people_reach_no_gateway(database: TestDb) {
        database.open(1).revert_all().unwrap();
        let program = Program::on(&database);
        program.run(&["demo", "--applications", "40", "--registry", "60", "--no-serve"]).expect(0);
        for (variable, gateway) in [
            ("TNHS_SMS_URL", "kannel+http://tnhs:secret@127.0.0.1:1"),
            ("TNHS_SMS_BACKUP_URL", "kannel+https://tnhs:secret@127.0.0.1:1"),
            ("TNHS_SMTP_URL", "smtp://127.0.0.1:1?from=tnhs@example.vn"),
        ] {
            let program = Program::on(&database).set(variable, gateway);
            for command in ["serve", "worker"] {
                let mut running = program.start(&[command]);
                assert_eq!(running.wait_for_end().code(), Some(1), "{variable}");
                assert!(running.stderr().contains("made-up people"), "{variable}: {}", running.stderr());
            }
        }
    }

    fn it_says_whether_it_lives_and_whether_it_can_work(database: TestDb) {
        let program = Program::on(&database);
        let server = program.serve(&["serve", "--no-jobs"]);
        let ask = |path: &str| Browser::new(&program.url).send("GET", path, &[], Vec::new());
        assert_eq!((ask("/healthz").status, ask("/readyz").status), (200, 200));
        assert_eq!(server.stdout(), format!("{}\n", program.url));

        let second = program.run(&["serve", "--no-jobs"]).expect(1);
        assert!(second.stderr.contains("TNHS_LISTEN: cannot listen on"), "{second:#?}");

        database.open(1).revert_all().unwrap();
        assert_eq!((ask("/healthz").status, ask("/readyz").status), (200, 503));
        server.stop();
    }

    fn asked_to_stop_it_finishes_what_is_under_way(app: TestApp) {
        let program = Program::beside(&app);
        let officer = app.employee(Role::Officer, &app.offices.ba_dinh);
        let mut server = program.serve(&["serve"]);
        let (_idle, mut open) = (Browser::new(&program.url).get("/healthz"), connect(&program.url));
        let body = format!("login={}&password={}", officer.login, encoded(PASSWORD));
        let (half, rest) = body.split_at(body.len() / 2);
        open.write_all(post_head(&program.url, body.len()).as_bytes()).unwrap();
        open.write_all(half.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(300));

        let asked = Instant::now();
        server.ask_to_stop();
        thread::sleep(Duration::from_millis(500));
        open.write_all(rest.as_bytes()).unwrap();
        let answer = read_all(open);
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        assert!(server.wait_for_end().success(), "{}", server.stderr());
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());

        let worker = program.start(&["worker"]);
        while !worker.stderr().contains("working") {
            thread::sleep(Duration::from_millis(10));
        }
        thread::sleep(Duration::from_millis(100));
        worker.stop();
    }

    fn the_log_of_a_whole_day_names_nobody(app: TestApp) {
        let mut person = app.citizen("Nguyễn Thị Quỳnh Hoa");
        person.address = Some("Số 7 phố Hàng Chiếu".into());
        app.registered(&person);
        app.declared(&app.offices.ba_dinh, &person);
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let program = Program::beside(&app).set("TNHS_LOG", "debug");
        let server = program.serve(&["serve"]);

        let wrong = Browser::new(&program.url);
        let form = wrong.get("/sign-in").form("/sign-in").set("login", &employee.login);
        assert_eq!(wrong.submit(form.set("password", "Sai mat khau 2026")).status, 401);
        let officer = sign_in(&program.url, &employee.login, PASSWORD);
        for words in ["Nguyễn Thị Quỳnh Hoa", "quynh hoa", person.phone.as_str(), person.code.as_str()] {
            let found = officer.submit(officer.get("/applications").form("Tra cứu").set("q", words));
            assert!(found.has_text("Nguyễn Thị Quỳnh Hoa"), "{words}: {found}");
        }
        assert_eq!(officer.get(&format!("/{}/{}", person.code, encoded("Nguyễn Thị Quỳnh Hoa"))).status, 404);
        assert!(approve(&officer, person.code.as_str()).has_text("Đăng ký thành công"));
        wait_until_sent(&app.parts.db);
        server.stop();

        let sms = app.sms().concat();
        let (_, password) = sms.split_once("/Mat khau: ").unwrap();
        let log = std::fs::read_to_string(program.file("stderr")).unwrap();
        assert!(log.contains("serving on") && !log.contains('\u{1b}'), "{log}");
        let id_number = person.id_number.as_ref().unwrap().to_string();
        let email = person.email.as_ref().unwrap().to_string();
        let log = log.to_lowercase();
        for secret in [
            "quỳnh", "quynh", "Qu%E1%BB%B3nh", "hàng chiếu", person.code.as_str(), person.phone.as_str(), &id_number,
            &email, &password[..12], PASSWORD, "Sai mat khau", &encoded(PASSWORD), &employee.name, "csrf", "cookie",
        ] {
            assert!(!log.contains(&secret.to_lowercase()), "«{secret}» stands in the log:\n{log}");
        }
    }
}

#[test]
fn a_form_that_is_too_large_is_refused_with_a_page() {
    let app = TestApp::on(Backend::Sqlite);
    let mut open = connect(&app.url);
    let body = "login=".to_owned() + &"x".repeat(1024 * 1024);
    open.write_all(post_head(&app.url, body.len()).as_bytes()).unwrap();
    open.write_all(body.as_bytes()).unwrap();
    let answer = read_all(open);
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("text/html"), "{answer}");
}

#[test]
fn headers_that_never_end_are_cut_off() {
    let app = TestApp::on(Backend::Sqlite);
    let mut open = connect(&app.url);
    open.write_all(b"GET /sign-in HTTP/1.1\r\nHost: ").unwrap();
    let start = Instant::now();
    let answer = read_all(open);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    let waited = start.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(20)).contains(&waited), "{waited:?}");
}

fn sign_in(url: &str, login: &str, password: &str) -> Browser {
    let browser = Browser::new(url);
    let form = browser.get("/sign-in").form("/sign-in").set("login", login).set("password", password);
    let page = browser.submit(form);
    assert!(page.status == 200 && page.path() != "/sign-in", "{login}:\n{page}");
    browser
}

/// Finds the one application of this code and approves it; returns the page after *Ghi nhận*.
fn approve(officer: &Browser, code: &str) -> Page {
    let found = officer.submit(officer.get("/applications").form("Tra cứu").set("code", code));
    let links = found.select("tbody a[href^='/applications/']");
    let address = links.first().and_then(|link| link.attr("href")).unwrap_or_else(|| panic!("{found}")).to_owned();
    let form = officer.get(&address).form("Ghi nhận").set("outcome", "valid");
    officer.submit(form.check("id_compared").check("form_signed").check("photo_matches")).expect(200)
}

fn query<T>(db: &Db, f: impl FnOnce(&mut Conn) -> QueryResult<T>) -> T {
    db.read(|conn| Ok::<_, DbError>(f(conn)?)).unwrap()
}

/// How many rows there are: of what the demo makes, then of what people leave behind.
fn counts(db: &Db) -> [i64; 8] {
    query(db, |conn| {
        Ok([
            applications::table.count().get_result(conn)?,
            registry_members::table.count().get_result(conn)?,
            agencies::table.count().get_result(conn)?,
            staff::table.count().get_result(conn)?,
            messages::table.count().get_result(conn)?,
            meta::table.count().get_result(conn)?,
            events::table.count().get_result(conn)?,
            sessions::table.count().get_result(conn)?,
        ])
    })
}

fn wait_until_sent(db: &Db) {
    let start = Instant::now();
    while query(db, tnhs::db::messages::waiting) > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "the messages do not leave");
        thread::sleep(Duration::from_millis(50));
    }
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn post_head(url: &str, length: usize) -> String {
    let host = url.strip_prefix("http://").unwrap();
    format!(
        "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: {url}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
    )
}

fn read_all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
