//! What becomes of a text message when its gateway fails, and the way over the other gateway.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::prelude::*;

use support::gateways::Answer::{self, HangsUp, Repeats, Says, Silent};
use support::gateways::Gateway;
use support::{TestApp, TestDb, both_databases};
use tnhs::adapters::sms::Sms;
use tnhs::clock;
use tnhs::db::schema::messages as stored;
use tnhs::domain::application::Application;
use tnhs::domain::delivery::{Cause, Gateway as By, MessageState, Outcome};

const TAKEN: Answer = Says(202, "0: Accepted for delivery");
const BUSY: Answer = Says(503, "Temporal failure, try again later.");

/// The server with this main gateway, which is waited for no longer than three seconds.
fn with_main(database: TestDb, answers: &'static [Answer]) -> (TestApp, Gateway) {
    let gateway = Gateway::answering(answers);
    (database.serve(&[("TNHS_SMS_URL", &format!("{}&timeout=3", gateway.url))]), gateway)
}

fn with_both(database: TestDb, main: &'static [Answer], backup: &'static [Answer]) -> (TestApp, Gateway, Gateway) {
    let (main, backup) = (Gateway::answering(main), Gateway::answering(backup));
    let main_url = format!("{}&timeout=3", main.url);
    let app = database.serve(&[("TNHS_SMS_URL", &main_url), ("TNHS_SMS_BACKUP_URL", &backup.url)]);
    (app, main, backup)
}

/// Somebody was told by SMS alone that their application was refused; it has not left yet.
fn told(app: &TestApp) -> Application {
    let mut person = app.citizen("Lê Thị Hồng");
    person.email = None;
    let application = app.declared(&app.offices.ba_dinh, &person);
    let officer = app.officer(&app.offices.ba_dinh);
    officer.submit(officer.open(&application).invalid("Tờ khai chưa ký")).expect(200);
    application
}

fn standing(app: &TestApp, application: &Application) -> (MessageState, Option<Cause>) {
    let messages = app.messages(application);
    let [message] = messages.as_slice() else { panic!("{} messages", messages.len()) };
    (message.state, message.cause)
}

fn sent_by(app: &TestApp, application: &Application) -> Option<By> {
    let of_it = stored::table.filter(stored::application_id.eq(application.id));
    app.db(|conn| of_it.select(stored::gateway).first(conn))
}

both_databases! {
    fn each_fault_of_a_gateway_has_its_state_and_what_follows(database: TestDb) {
        const FAULTS: [(Answer, MessageState, Option<Cause>); 11] = [
            (Says(202, "0: Accepted for delivery"), MessageState::Accepted, None),
            (Says(202, "3: Queued for later delivery"), MessageState::Accepted, None),
            (Says(202, ""), MessageState::Unknown, Some(Cause::Unclear)),
            (Silent, MessageState::Unknown, Some(Cause::NoAnswer)),
            (HangsUp("HTTP/1.1 20"), MessageState::Unknown, Some(Cause::NoAnswer)),
            (HangsUp("HTTP/1.1 202 Accepted\r\nContent-Length: 24\r\n\r\n0: Acc"), MessageState::Unknown, Some(Cause::NoAnswer)),
            (Says(400, "Number(s) has/have been denied by white- and/or black-lists."), MessageState::Failed,
                Some(Cause::BadRecipient)),
            (Says(400, "Charset or body misformed, rejected"), MessageState::Failed, Some(Cause::Refused)),
            (Says(403, "Authorization failed for sendsms"), MessageState::Queued, Some(Cause::Denied)),
            (BUSY, MessageState::Queued, Some(Cause::Busy)),
            (Says(504, "Gateway Time-out"), MessageState::Unknown, Some(Cause::Unclear)),
        ];
        const ANSWERS: [Answer; 11] = {
            let mut answers = [TAKEN; 11];
            let mut at = 0;
            while at < 11 {
                answers[at] = FAULTS[at].0;
                at += 1;
            }
            answers
        };
        let (app, gateway) = with_main(database, &ANSWERS);
        let now = clock::now() + TimeDelta::seconds(30);
        for (nth, (_, state, cause)) in FAULTS.into_iter().enumerate() {
            let application = told(&app);
            app.outbox_drain_at(now);
            assert_eq!(gateway.got().len(), nth + 1);
            assert_eq!(standing(&app, &application), (state, cause), "fault {nth}");
            let next = app.messages(&application)[0].next_attempt_at;
            let again = if state.is_waiting() { TimeDelta::minutes(1) } else { TimeDelta::zero() };
            assert_eq!(next, now + again, "fault {nth}");
        }
    }

    fn a_gateway_that_is_not_there_has_nothing(database: TestDb) {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let app = database.serve(&[("TNHS_SMS_URL", &format!("kannel+http://tnhs:secret@{closed}"))]);
        let application = told(&app);
        app.outbox_drain();
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::Unreachable)));
    }

    fn what_the_main_gateway_does_not_take_goes_to_the_backup_at_once(database: TestDb) {
        let (app, main, backup) = with_both(database, &[BUSY], &[TAKEN]);
        let application = told(&app);
        app.outbox_drain();
        assert_eq!(standing(&app, &application), (MessageState::Accepted, None));
        assert_eq!((main.got().len(), backup.got().len()), (1, 1));
        assert_eq!((app.messages(&application)[0].attempts, sent_by(&app, &application)), (1, Some(By::SmsBackup)));
        let receipts = |gateway: &Gateway| gateway.got()[0].header("x-kannel-dlr-url").unwrap().to_owned();
        assert!(receipts(&main).ends_with("/sms?status=%d") && receipts(&backup).ends_with("/sms_backup?status=%d"));
    }

    fn what_neither_gateway_takes_waits(database: TestDb) {
        let (app, main, backup) = with_both(database, &[BUSY], &[Says(403, "Authorization failed for sendsms")]);
        let application = told(&app);
        app.outbox_drain();
        assert_eq!(standing(&app, &application), (MessageState::Queued, Some(Cause::Denied)));
        assert_eq!((main.got().len(), backup.got().len()), (1, 1));
        let said: Option<String> = app.db(|conn| stored::table.select(stored::last_error).first(conn));
        let said = said.unwrap();
        assert!(said.contains("Temporal failure") && said.contains("Authorization failed"), "{said}");
    }

    fn what_may_have_left_by_one_gateway_is_not_given_to_the_other_in_the_same_breath(database: TestDb) {
        let (app, main, backup) = with_both(database, &[Silent], &[TAKEN]);
        let application = told(&app);
        let now = clock::now();
        app.outbox_drain_at(now);
        assert_eq!(standing(&app, &application), (MessageState::Unknown, Some(Cause::NoAnswer)));
        assert_eq!((main.got().len(), backup.got().len()), (1, 0));

        app.outbox_drain_at(now + TimeDelta::minutes(1));
        assert_eq!(standing(&app, &application), (MessageState::Accepted, None));
        assert_eq!((main.got().len(), backup.got().len()), (1, 1), "the second attempt begins with the backup");
        assert_eq!(sent_by(&app, &application), Some(By::SmsBackup));
    }

    fn what_one_gateway_refuses_for_good_the_other_is_not_asked(database: TestDb) {
        let (app, _main, backup) = with_both(database, &[Says(400, "Number not allowed")], &[TAKEN]);
        let application = told(&app);
        app.outbox_drain();
        assert_eq!(standing(&app, &application), (MessageState::Failed, Some(Cause::BadRecipient)));
        assert_eq!(backup.got().len(), 0);
    }

    fn a_gateway_that_failed_five_times_is_left_alone_for_a_minute(database: TestDb) {
        const MAIN: [Answer; 7] = [BUSY, BUSY, BUSY, BUSY, BUSY, BUSY, TAKEN];
        let (app, main, backup) = with_both(database, &MAIN, &[TAKEN]);
        for _ in 0..7 {
            told(&app);
            app.outbox_drain();
        }
        assert_eq!((main.got().len(), backup.got().len()), (5, 7));
        assert_eq!(app.parts.sms.as_ref().unwrap().room(Duration::ZERO, Instant::now()), usize::MAX);

        let sms = Sms { key: "1", to: "0900000001", text: "Xin chao", receipts: "http://127.0.0.1:1/receipts/x", attempt: 1 };
        let send_after = |seconds| {
            let outcome = app.parts.sms.as_ref().unwrap().send_at(&sms, Instant::now() + Duration::from_secs(seconds)).outcome;
            let Outcome::Accepted { by, .. } = outcome else { panic!("{outcome:?}") };
            by
        };
        assert_eq!((send_after(61), main.got().len()), (By::SmsBackup, 6), "one tries, and finds it busy");
        assert_eq!((send_after(62), main.got().len()), (By::SmsBackup, 6), "the others are spared");
        assert_eq!((send_after(130), main.got().len()), (By::Sms, 7), "it works again");
        assert_eq!((send_after(130), main.got().len()), (By::Sms, 8));
    }

    fn messages_leave_no_quicker_than_the_gateway_wants_them(database: TestDb) {
        let gateway = Gateway::answering(&[TAKEN]);
        let app = database.serve(&[("TNHS_SMS_URL", &format!("{}&rate=20", gateway.url))]);
        for _ in 0..8 {
            told(&app);
        }
        let start = Instant::now();
        app.outbox_drain();
        assert_eq!(gateway.got().len(), 8);
        assert!(start.elapsed() >= Duration::from_millis(7 * 50), "{:?}", start.elapsed());
        let route = app.parts.sms.as_ref().unwrap();
        assert!((19..=21).contains(&route.room(Duration::from_secs(1), Instant::now() + Duration::from_secs(1))));
    }

    fn a_gateway_that_repeats_what_it_was_sent_puts_no_password_into_the_database(database: TestDb) {
        let (app, gateway) = with_main(database, &[Repeats(503)]);
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).valid()).expect(200);
        app.outbox_drain();
        let text = gateway.got().remove(0).text;
        let (_, password) = text.split_once("Mat khau: ").unwrap();
        let password: String = password.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(password.len() >= 6, "{text}");
        let said: Vec<Option<String>> = app.db(|conn| stored::table.select(stored::last_error).load(conn));
        assert!(said.iter().all(Option::is_none), "nothing is kept of what was said to a password: {said:?}");
    }
}
