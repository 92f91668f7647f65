//! The real Kannel of Debian with its fake telephone network, as tests/run starts it with the configuration of docs/sms.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use tempfile::TempDir;

use support::{TestApp, TestDb, both_databases};
use tnhs::db::schema::messages as stored;
use tnhs::domain::application::Application;
use tnhs::domain::delivery::{Cause, MessageState};

/// The folder of the Kannel that runs beside the tests.
fn shared() -> PathBuf {
    std::env::var_os("TNHS_TEST_KANNEL")
        .expect("TNHS_TEST_KANNEL is not set: run it as tests/run with cargo test --test kannel")
        .into()
}

fn url(folder: &std::path::Path) -> String {
    std::fs::read_to_string(folder.join("url")).unwrap().trim().to_owned()
}

/// A Kannel that a test has to itself.
struct Own(TempDir);

impl Own {
    fn start(how: &[&str]) -> Self {
        let own = Self(tempfile::tempdir().unwrap());
        own.say(how);
        own
    }

    fn say(&self, what: &[&str]) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/kannel");
        assert!(Command::new(script).arg(self.0.path()).args(what).status().unwrap().success());
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.say(&["stop"]);
    }
}

/// The message to somebody whose account was just made. It has left.
fn approved(app: &TestApp, change: impl FnOnce(&TestApp)) -> Application {
    let mut person = app.citizen("Trần Thị Bích Ngọc");
    person.email = None;
    app.registered(&person);
    let application = app.declared(&app.offices.ba_dinh, &person);
    let officer = app.officer(&app.offices.ba_dinh);
    officer.submit(officer.open(&application).valid()).expect(200);
    change(app);
    app.outbox_drain();
    application
}

fn as_queued(_: &TestApp) {}

fn standing(app: &TestApp, application: &Application) -> (MessageState, Option<Cause>) {
    let message = app.messages(application).remove(0);
    (message.state, message.cause)
}

#[track_caller]
fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} did not happen");
        thread::sleep(Duration::from_millis(20));
    }
}

both_databases! {
    fn a_message_reaches_the_telephone_as_it_was_written_and_the_receipt_comes_back(database: TestDb) {
        let app = database.serve(&[("TNHS_SMS_URL", &url(&shared()))]);
        // Every letter that is not one of a name: {} count twice in GSM-7.
        let mark = format!("{:016x} @$_^{{}}[]~|\\ !\"#%&'()*+,-./:;<=>?", rand::random::<u64>());
        let application = approved(&app, |app| {
            app.db(|conn| {
                let text = format!("BHXH VN: Mat khau: {{mat_khau}}. {mark}");
                diesel::update(stored::table).set(stored::body.eq(text)).execute(conn)
            });
        });
        wait_until("the receipt", || standing(&app, &application) == (MessageState::Delivered, None));
        let network = std::fs::read_to_string(shared().join("network.log")).unwrap();
        let got: Vec<&str> = network.lines().filter(|line| line.contains(&mark[..16])).collect();
        let [got] = got.as_slice() else { panic!("{got:#?}") };
        let phone = &application.declaration.phone;
        let (beginning, text) = got.split_once(&format!("<BHXH {phone} text ")).expect(got);
        assert!(beginning.contains("Got message"), "{got}");
        let (password, rest) = text.strip_prefix("BHXH VN: Mat khau: ").unwrap().split_once(". ").unwrap();
        assert!(password.len() >= 8 && password.chars().all(|c| c.is_ascii_alphanumeric()), "{got}");
        assert_eq!(rest, format!("{mark}>"));
        // Receipts may be quicker than the answer.
        let steps = app.steps(&application);
        assert!(steps.first() == Some(&MessageState::Queued) && steps.last() == Some(&MessageState::Delivered), "{steps:?}");
    }

    fn a_wrong_password_is_told_from_a_busy_gateway(database: TestDb) {
        let app = database.serve(&[("TNHS_SMS_URL", &url(&shared()).replace("secret", "wrong"))]);
        let application = approved(&app, as_queued);
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::Denied)));
    }

    fn a_number_that_is_none_is_not_tried_again(database: TestDb) {
        let app = database.serve(&[("TNHS_SMS_URL", &url(&shared()))]);
        let mut person = app.citizen("Lê Thị Hồng");
        person.email = None;
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).invalid("Tờ khai chưa ký")).expect(200);
        app.db(|conn| diesel::update(stored::table).set(stored::recipient.eq("khong phai so")).execute(conn));
        app.outbox_drain();
        assert_eq!(standing(&app, &application), (MessageState::Failed, Some(Cause::BadRecipient)));
    }

    fn a_kannel_without_a_network_keeps_the_message(database: TestDb) {
        let kannel = Own::start(&["without-network"]);
        let app = database.serve(&[("TNHS_SMS_URL", &url(kannel.0.path()))]);
        let application = approved(&app, as_queued);
        assert_eq!(standing(&app, &application), (MessageState::Accepted, None));
        assert!(app.messages(&application)[0].delivered_at.is_none());
    }

    fn a_kannel_that_is_down_has_nothing(database: TestDb) {
        let kannel = Own::start(&[]);
        let app = database.serve(&[("TNHS_SMS_URL", &url(kannel.0.path()))]);
        kannel.say(&["stop"]);
        let application = approved(&app, as_queued);
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::Unreachable)));
    }
}
