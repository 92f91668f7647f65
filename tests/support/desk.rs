//! What an officer does at the desk and what then stands on the page and in the database, in the words of the work.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use tnhs::clock;
use tnhs::db::applications::{self, NewApplication};
use tnhs::db::messages::{self, Shown};
use tnhs::db::schema::{accounts, events, message_steps, messages as stored, sessions};
use tnhs::domain::account::Account;
use tnhs::domain::application::{Application, Declaration, Kind, Status};
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::ApplicationId;

use super::{Browser, Form, Page, TestApp, filing};

/// What must be ticked before *hợp lệ*.
pub const CHECKLIST: [&str; 3] = ["id_compared", "form_signed", "photo_matches"];

impl Browser {
    /// Opens the page of an application.
    #[track_caller]
    pub fn open(&self, application: &Application) -> Page {
        self.get(&format!("/applications/{}", application.id)).expect(200)
    }
}

impl Page {
    /// The decision *hợp lệ* with the whole checklist.
    #[track_caller]
    pub fn valid(&self) -> Form {
        CHECKLIST.iter().fold(self.form("Ghi nhận").set("outcome", "valid"), |form, tick| form.check(tick))
    }

    /// The decision *không hợp lệ* for a reason that the officer writes.
    #[track_caller]
    pub fn invalid(&self, reason: &str) -> Form {
        self.form("Ghi nhận").set("outcome", "invalid").set("reason", reason)
    }

    /// The sentence beside a field, when something is wrong with it.
    pub fn fault(&self, field: &str) -> Option<String> {
        self.texts_of(&format!("p.error#{field}-about")).pop()
    }

    /// What the page tells on top: of success, or why not.
    #[track_caller]
    pub fn told(&self) -> String {
        self.text_of("p.flash.good, p.flash.bad, .flashes p.flash.note")
    }

    /// *Trạng thái* on an application's page.
    #[track_caller]
    pub fn status_shown(&self) -> String {
        self.texts_of(".identity .badge").remove(0)
    }

    /// *Lịch sử*, newest first.
    pub fn history(&self) -> Vec<String> {
        self.texts_of("ol.history li")
    }
}

impl TestApp {
    /// Somebody who declared at Ba Đình with a portrait and whom the registry knows exactly as declared.
    pub fn ready(&self, name: &str) -> Application {
        self.ready_at(name, clock::now())
    }

    pub fn ready_at(&self, name: &str, at: NaiveDateTime) -> Application {
        let person = self.citizen(name);
        self.registered(&person);
        self.declared_at(&self.offices.ba_dinh, &person, at)
    }

    /// Somebody who declared at Ba Đình and whose application this officer approved.
    #[track_caller]
    pub fn approved(&self, officer: &Browser, name: &str) -> Application {
        let application = self.ready(name);
        officer.submit(officer.open(&application).valid()).expect(200);
        let application = self.application(application.id);
        assert_eq!(application.status, Status::Approved);
        application
    }

    /// The account of this application's code, as it is now.
    pub fn account_of(&self, application: &Application) -> Account {
        let code = application.declaration.code.as_str();
        self.db(|conn| tnhs::db::accounts::of_code(conn, code)).expect("there is no such account")
    }

    /// The holder of this application's account declares on the portal, with no picture, that this is changed.
    pub fn change_declared(&self, application: &Application, change: impl FnOnce(&mut Declaration)) -> Application {
        let mut declaration = self.account_of(application).holder;
        change(&mut declaration);
        let new = NewApplication { kind: Kind::Change, ..filing(&self.offices.ba_dinh, &declaration, clock::now()) };
        let (id, _) = self.db(|conn| applications::insert(conn, &new));
        self.application(id)
    }

    /// *Hợp lệ* is posted although the page does not offer it, and must be refused; returns the reason that is told.
    #[track_caller]
    pub fn forced(&self, officer: &Browser, application: &Application) -> String {
        let page = officer.open(application);
        assert!(page.select("input[name=outcome][value=valid][disabled]").len() == 1, "hợp lệ is offered on\n{page}");
        let form = page.form("Ghi nhận").forge("outcome", "valid");
        let page = officer.submit(CHECKLIST.iter().fold(form, |form, tick| form.check(tick))).expect(422);
        assert_eq!(self.status(application), Status::Pending);
        assert_eq!((self.accounts_of(application.id), self.messages(application).len()), (0, 0));
        page.told()
    }

    /// As [`TestApp::forced`], of a change of information; the account stays as it is.
    #[track_caller]
    pub fn forced_change(&self, officer: &Browser, application: &Application) -> String {
        let page = officer.open(application);
        let form = page.form("Ghi nhận").forge("outcome", "valid").forge("confirmed", "1");
        let page = officer.submit(CHECKLIST.iter().fold(form, |form, tick| form.check(tick))).expect(422);
        assert_eq!(
            (self.status(application), self.events_of(application.id, EventKind::Changed)),
            (Status::Pending, 0)
        );
        page.told()
    }

    pub fn status(&self, application: &Application) -> Status {
        self.application(application.id).status
    }

    /// How many accounts an application has led to.
    pub fn accounts_of(&self, id: ApplicationId) -> i64 {
        self.db(|conn| accounts::table.filter(accounts::application_id.eq(id)).count().get_result(conn))
    }

    pub fn accounts(&self) -> i64 {
        self.db(|conn| accounts::table.count().get_result(conn))
    }

    /// What is queued for an application or was sent, oldest first.
    pub fn messages(&self, application: &Application) -> Vec<Shown> {
        self.db(|conn| messages::of_application(conn, application.id))
    }

    /// Every state that a message about it has been in, in order.
    pub fn steps(&self, application: &Application) -> Vec<MessageState> {
        self.db(|conn| {
            stored::table
                .inner_join(message_steps::table)
                .filter(stored::application_id.eq(application.id))
                .order(message_steps::id)
                .select(message_steps::state)
                .load(conn)
        })
    }

    pub fn events_of(&self, id: ApplicationId, kind: EventKind) -> i64 {
        self.db(|conn| {
            let of_it = events::table.filter(events::application_id.eq(id));
            of_it.filter(events::kind.eq(kind)).count().get_result(conn)
        })
    }

    /// Time passes until everybody's session has ended.
    pub fn end_all_sessions(&self) {
        self.db(|conn| diesel::delete(sessions::table).execute(conn));
    }
}
