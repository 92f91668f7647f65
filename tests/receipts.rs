//! What gateways tell of messages that they took: in any order, twice, late, or made up by somebody else.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_query;

use support::gateways::Answer::{self, HangsUp, Says, TellsFirst};
use support::gateways::{Gateway, Request};
use support::receipts::{tell, tell_with};
use support::{TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::db::Conn;
use tnhs::db::schema::messages as stored;
use tnhs::domain::application::Application;
use tnhs::domain::delivery::{Cause, Gateway as By, MessageState, RECEIPT_WAIT};
use tnhs::on_backend;

const TAKEN: Answer = Says(202, "0: Accepted for delivery");

/// What Kannel's numbers mean.
const DELIVERED: u16 = 1;
const UNDELIVERED: u16 = 2;
const BUFFERED: u16 = 4;
const TAKEN_BY_THE_NETWORK: u16 = 8;
const REFUSED: u16 = 16;

/// A message about a refusal that its gateway took, and what the gateway got.
fn sent(database: TestDb, answers: &'static [Answer]) -> (TestApp, Application, Request) {
    let gateway = Gateway::answering(answers);
    let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
    let mut person = app.citizen("Lê Thị Hồng");
    person.email = None;
    let application = app.declared(&app.offices.ba_dinh, &person);
    let officer = app.officer(&app.offices.ba_dinh);
    officer.submit(officer.open(&application).invalid("Tờ khai chưa ký")).expect(200);
    app.outbox_drain();
    (app, application, gateway.got().remove(0))
}

fn state(app: &TestApp, application: &Application) -> MessageState {
    app.messages(application)[0].state
}

#[track_caller]
fn taken(address: &str) {
    assert_eq!(tell(address).status(), 200);
}

both_databases! {
    fn a_receipt_says_that_the_message_is_on_the_telephone(database: TestDb) {
        let (app, application, request) = sent(database, &[TAKEN]);
        assert_eq!(state(&app, &application), MessageState::Accepted);
        let receipt = request.header("x-kannel-dlr-url").unwrap();
        assert!(receipt.starts_with(&format!("{}/receipts/", app.url)) && receipt.ends_with("/sms?status=%d"), "{receipt}");
        assert_eq!(request.header("x-kannel-dlr-mask"), Some("31"));
        taken(&request.receipt(DELIVERED));
        let message = app.messages(&application).remove(0);
        assert_eq!((message.state, message.cause), (MessageState::Delivered, None));
        assert!(message.delivered_at.is_some());
    }

    fn receipts_twice_and_in_the_wrong_order_change_nothing(database: TestDb) {
        let (app, application, request) = sent(database, &[TAKEN]);
        taken(&request.receipt(DELIVERED));
        let delivered_at = app.messages(&application)[0].delivered_at;
        for late in [DELIVERED, TAKEN_BY_THE_NETWORK, BUFFERED, UNDELIVERED, REFUSED, DELIVERED] {
            taken(&request.receipt(late));
            assert_eq!(state(&app, &application), MessageState::Delivered, "{late}");
        }
        assert_eq!(app.messages(&application)[0].delivered_at, delivered_at);
        assert_eq!(app.steps(&application).into_iter().filter(|step| *step == MessageState::Delivered).count(), 1);
    }

    fn a_message_that_the_network_gave_up_has_a_cause_and_may_still_arrive(database: TestDb) {
        let (app, application, request) = sent(database, &[TAKEN]);
        taken(&request.receipt(BUFFERED));
        assert_eq!(state(&app, &application), MessageState::Accepted, "the telephone is off");
        taken(&request.receipt(UNDELIVERED));
        let message = app.messages(&application).remove(0);
        assert_eq!((message.state, message.cause), (MessageState::Undelivered, Some(Cause::NotDelivered)));
        let officer = app.officer(&app.offices.ba_dinh);
        assert_eq!(officer.get("/applications").texts_of("td.name .badge"), ["Tin lỗi"]);
        taken(&request.receipt(DELIVERED));
        assert_eq!(state(&app, &application), MessageState::Delivered, "it was only slow");
    }

    fn what_the_network_refuses_did_not_arrive(database: TestDb) {
        let (app, application, request) = sent(database, &[TAKEN]);
        taken(&request.receipt(REFUSED));
        let message = app.messages(&application).remove(0);
        assert_eq!((message.state, message.cause), (MessageState::Undelivered, Some(Cause::Refused)));
    }

    fn a_receipt_that_comes_after_a_day_still_counts(database: TestDb) {
        let (app, application, request) = sent(database, &[TAKEN]);
        app.sweep(clock::now() + RECEIPT_WAIT + TimeDelta::minutes(1)).expire_receipts().unwrap();
        assert_eq!(state(&app, &application), MessageState::Expired);
        taken(&request.receipt(TAKEN_BY_THE_NETWORK));
        assert_eq!(state(&app, &application), MessageState::Expired);
        taken(&request.receipt(DELIVERED));
        assert_eq!(state(&app, &application), MessageState::Delivered);
    }

    fn a_receipt_may_be_quicker_than_the_answer(database: TestDb) {
        let (app, application, _) = sent(database, &[TellsFirst(DELIVERED)]);
        let message = app.messages(&application).remove(0);
        assert_eq!((message.state, message.attempts), (MessageState::Delivered, 1));
        app.outbox_drain_at(clock::now() + TimeDelta::days(1));
        assert_eq!(app.messages(&application)[0].attempts, 1, "it is not sent again");
    }

    fn a_receipt_makes_up_for_an_answer_that_was_lost(database: TestDb) {
        let (app, application, request) = sent(database, &[HangsUp("HTTP/1.1 202 Acc")]);
        assert_eq!(state(&app, &application), MessageState::Unknown);
        taken(&request.receipt(TAKEN_BY_THE_NETWORK));
        assert_eq!(state(&app, &application), MessageState::Accepted);
        app.outbox_drain_at(clock::now() + TimeDelta::days(1));
        assert_eq!(app.messages(&application)[0].attempts, 1, "it is not sent again");
    }

    fn a_forged_receipt_has_the_same_answer_and_changes_nothing(database: TestDb) {
        let (app, application, request) = sent(database, &[TAKEN]);
        let true_one = request.receipt(DELIVERED);
        let (beginning, end) = true_one.split_once("/sms?").unwrap();
        let (before, secret) = beginning.rsplit_once('-').unwrap();
        let forged = [
            format!("{before}-{}/sms?{end}", "0".repeat(32)),
            format!("{before}/sms?{end}"),
            format!("{}-9-{secret}/sms?{end}", before.rsplit_once('-').unwrap().0),
            format!("{}/receipts/999-1-{secret}/sms?{end}", app.url),
            format!("{}/receipts/%FF%00/sms?{end}", app.url),
            format!("{beginning}/mail?{end}"),
            format!("{beginning}/sms_backup?{end}"),
            format!("{beginning}/nobody?{end}"),
            format!("{beginning}/sms?status=99"),
            format!("{beginning}/sms?status="),
            format!("{beginning}/sms"),
        ];
        let answer = |address: &str| {
            let mut answer = tell(address);
            let mut headers: Vec<_> = answer.headers().iter().filter(|(name, _)| *name != "date")
                .map(|(name, value)| format!("{name}: {value:?}")).collect();
            headers.sort();
            (answer.status().as_u16(), headers, answer.body_mut().read_to_string().unwrap())
        };
        let answers: Vec<_> = forged.iter().map(|address| answer(address)).collect();
        assert_eq!(state(&app, &application), MessageState::Accepted, "nobody believes them");
        let honest = answer(&true_one);
        assert_eq!(state(&app, &application), MessageState::Delivered);
        for (forged, address) in answers.iter().zip(&forged) {
            assert_eq!(*forged, honest, "{address}");
        }
        let (status, headers, body) = honest;
        assert_eq!((status, body.as_str()), (200, "OK\n"));
        assert!(headers.iter().any(|header| header == "cache-control: \"no-store\""), "{headers:?}");
        assert!(!headers.iter().any(|header| header.starts_with("set-cookie")), "{headers:?}");
    }

    fn a_receipt_that_is_too_long_is_not_read(database: TestDb) {
        let (app, application, request) = sent(database, &[TAKEN]);
        let form = "application/x-www-form-urlencoded";
        let (bare, _) = request.header("x-kannel-dlr-url").unwrap().split_once('?').unwrap();
        assert_eq!(tell_with(bare, form, &format!("status=1&more={}", "x".repeat(16 * 1024))).status(), 200);
        assert_eq!(state(&app, &application), MessageState::Accepted);
        assert_eq!(tell_with(bare, form, "status=1").status(), 200);
        assert_eq!(state(&app, &application), MessageState::Delivered);
    }

    /// A failure of an attempt that another one followed says nothing; that an earlier one arrived does.
    fn a_receipt_belongs_to_its_attempt(database: TestDb) {
        let gateway = Gateway::answering(&[Says(504, "Gateway Time-out"), TAKEN]);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let mut person = app.citizen("Lê Thị Hồng");
        person.email = None;
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).invalid("Tờ khai chưa ký")).expect(200);
        app.outbox_drain();
        app.outbox_drain_at(clock::now() + TimeDelta::minutes(2));
        let [first, second] = gateway.got().try_into().ok().unwrap();
        assert_ne!(first.receipt(DELIVERED), second.receipt(DELIVERED));
        assert_eq!(state(&app, &application), MessageState::Accepted);
        taken(&first.receipt(UNDELIVERED));
        assert_eq!(state(&app, &application), MessageState::Accepted);
        taken(&first.receipt(DELIVERED));
        assert_eq!(state(&app, &application), MessageState::Delivered);
        let by: Option<By> = app.db(|conn| stored::table.select(stored::gateway).first(conn));
        assert_eq!(by, Some(By::Sms));
    }

    fn a_receipt_that_the_database_cannot_keep_is_asked_for_again(database: TestDb) {
        let (app, application, request) = sent(database, &[TAKEN]);
        let rename = |from: &str, to: &str| {
            let sql = format!("ALTER TABLE {from} RENAME TO {to}");
            app.db(|conn: &mut Conn| on_backend!(conn, c => sql_query(&sql).execute(c)));
        };
        rename("messages", "messages_elsewhere");
        assert_eq!(tell(&request.receipt(DELIVERED)).status(), 503);
        rename("messages_elsewhere", "messages");
        taken(&request.receipt(DELIVERED));
        assert_eq!(state(&app, &application), MessageState::Delivered);
    }
}
