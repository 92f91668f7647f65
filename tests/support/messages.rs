//! Messages that wait, fail and are sent again, and the pages that tell of them.

use argon2::Argon2;
use argon2::password_hash::{PasswordVerifier, phc::PasswordHash};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use tnhs::db::messages::Shown;
use tnhs::db::schema::{accounts, messages as stored};
use tnhs::domain::application::Application;
use tnhs::domain::delivery::MessageState;
use tnhs::domain::ids::MessageId;
use tnhs::domain::permission::{Actor, Role};

use super::gateways::Answer::{self, Says};
use super::gateways::Gateway;
use super::{Agency, Browser, Employee, Form, Page, TestApp, TestDb};

const REFUSES: &[Answer] = &[Says(400, "Number not allowed")];

/// The test with a gateway that knows no number.
pub fn without_numbers(database: TestDb) -> TestApp {
    database.serve(&[("TNHS_SMS_URL", &Gateway::answering(REFUSES).url)])
}

/// Somebody without an e-mail address whom an officer rejects; the SMS about it waits.
pub fn rejected(app: &TestApp, officer: &Browser) -> Application {
    let mut person = app.citizen("Lê Thị Hồng");
    person.email = None;
    let application = app.declared(&app.offices.ba_dinh, &person);
    officer.submit(officer.open(&application).invalid("Ảnh bị mờ")).expect(200);
    application
}

pub fn only(app: &TestApp, application: &Application) -> Shown {
    let [message] = app.messages(application).try_into().ok().expect("one message");
    message
}

/// As if all of this had happened so long ago.
pub fn age(app: &TestApp, by: TimeDelta) {
    app.db(|conn| {
        let all: Vec<(MessageId, NaiveDateTime)> = stored::table.select((stored::id, stored::created_at)).load(conn)?;
        for (id, at) in all {
            diesel::update(stored::table.find(id)).set(stored::created_at.eq(at - by)).execute(conn)?;
        }
        Ok(())
    });
}

pub fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

/// Each row of the list by its message's number, those that need somebody first.
pub fn listed(page: &Page) -> Vec<i64> {
    let links = page.select("table.list td:first-child a");
    links.iter().map(|link| link.attr("href").unwrap().rsplit('/').next().unwrap().parse().unwrap()).collect()
}

pub fn again(browser: &Browser, page: &Page, id: MessageId) -> Page {
    browser.submit(page.form(&format!("/messages/{id}/resend"))).expect(200)
}

/// *Gửi lại* as somebody sends it whom no page offers it.
pub fn forced(browser: &Browser, id: MessageId) -> Form {
    let mut form = browser.get("/password").form("Đổi mật khẩu");
    form.action = format!("/messages/{id}/resend");
    form.forge("back", &format!("/messages/{id}"))
}

/// What is told to somebody who sends this again.
#[track_caller]
pub fn refusal(browser: &Browser, id: MessageId) -> String {
    browser.submit(forced(browser, id)).expect(200).text_of(".flashes .flash.note")
}

pub fn supervisor(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi))
}

pub fn admin(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi))
}

pub fn set_state(app: &TestApp, id: MessageId, state: MessageState) {
    app.db(|conn| diesel::update(stored::table.find(id)).set(stored::state.eq(state)).execute(conn));
}

/// As what message it was sent first, and whether it was sent again.
pub fn chain(app: &TestApp, id: MessageId) -> (Option<MessageId>, bool) {
    app.db(|conn| stored::table.find(id).select((stored::root_id, stored::settled)).first(conn))
}

/// Whether a password signs the holder of this application's account in.
pub fn signs_in(app: &TestApp, application: &Application, password: &str) -> bool {
    let hashes: Option<String> = app.db(|conn| {
        let of_it = accounts::table.filter(accounts::application_id.eq(application.id));
        of_it.select(accounts::password_hashes).first(conn)
    });
    hashes
        .unwrap_or_default()
        .lines()
        .any(|hash| Argon2::default().verify_password(password.as_bytes(), &PasswordHash::new(hash).unwrap()).is_ok())
}

pub fn password_in(text: &str) -> String {
    let (_, rest) = text.split_once("Mat khau: ").expect("no password");
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

impl TestApp {
    /// An officer as a handler knows them.
    pub fn actor(&self, officer: &Employee, office: &Agency) -> Actor {
        Actor {
            id: officer.id,
            name: officer.name.clone(),
            role: Role::Officer,
            agency_id: office.id,
            agency_name: office.name.clone(),
            province_id: office.province_id,
            must_change_password: false,
        }
    }
}
