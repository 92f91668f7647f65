//! A citizen signs in from the app or the portal: the life of an account, one device at a time, and what stops whoever guesses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::thread;
use std::time::{Duration, Instant};

use chrono::{Months, NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::json;
use tokio::net::TcpStream;

use support::api::{Answer, Citizen, Client, OWN, PHONE, TABLET};
use support::{TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::db::messages::Occasion;
use tnhs::db::schema::accounts;
use tnhs::db::{accounts as stored, citizens, credentials, messages};
use tnhs::domain::account::{Account, AccountState, LockCause, WRONG_PASSWORDS};
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::numbers::SocialCode;
use tnhs::domain::outbox::{Draft, MessageKind};
use tnhs::domain::permission::Scope;

fn account(app: &TestApp, citizen: &Citizen) -> Account {
    app.db(|conn| stored::find(conn, Scope::Country, citizen.account)).unwrap()
}

fn bring_into(app: &TestApp, citizen: &Citizen, state: AccountState, cause: Option<LockCause>) {
    let before = account(app, citizen);
    app.db(|conn| stored::set_state(conn, &before, state, cause, clock::now()));
}

fn wrong_tries(app: &TestApp, citizen: &Citizen) -> i32 {
    app.db(|conn| accounts::table.find(citizen.account).select(accounts::failed_tries).first(conn))
}

fn set_wrong_tries(app: &TestApp, citizen: &Citizen, tries: i32) {
    let row = accounts::table.find(citizen.account);
    app.db(|conn| diesel::update(row).set(accounts::failed_tries.eq(tries)).execute(conn));
}

fn set_password_at(app: &TestApp, citizen: &Citizen, at: NaiveDateTime) {
    let row = accounts::table.find(citizen.account);
    app.db(|conn| diesel::update(row).set(accounts::password_set_at.eq(at)).execute(conn));
}

/// The same call from as many at once.
fn at_once<T: Send>(count: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let call = &call;
        let calls: Vec<_> = (0..count).map(|number| scope.spawn(move || call(number))).collect();
        calls.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

/// The last thing that an act on this account would write is there already; returns how to clear the way.
fn in_the_way(app: &TestApp, citizen: &Citizen, kind: &str) -> impl Fn() {
    let key = format!("account-{}-{}-{kind}-email", citizen.account, account(app, citizen).version);
    let blocker = Draft::sms(MessageKind::Rejected, "0900000000", String::new(), None);
    app.db(|conn| {
        messages::queue(
            conn,
            Occasion { application: citizen.application.id, staff: None, key: &key, at: clock::now() },
            &blocker,
        )
    });
    move || {
        let blocker = tnhs::db::schema::messages::idempotency_key.eq(&key);
        app.db(|conn| diesel::delete(tnhs::db::schema::messages::table.filter(blocker)).execute(conn));
    }
}

both_databases! {
    fn the_life_of_an_account(app: TestApp) {
        let client = app.client();
        let person = app.citizen("Trần Thị Bích Ngọc");
        let mut citizen = app.approved_citizen(&person);

        // The first password opens nothing but its change.
        let first = client.verify(&citizen, &citizen.password, PHONE).expect(200);
        assert_eq!(first.json, json!({ "status": "change_password", "why": "first_sign_in" }));
        assert!(!account(&app, &citizen).has_device);
        let asked = client.ask_otp(&citizen, "password", None).expect(202);
        let end = &person.phone.as_str()[6..];
        assert_eq!((&asked.json["expires_in"], &asked.json["sent_to"]), (&json!(300), &json!(format!("******{end}"))));
        let otp = app.otp(&client, &citizen, "password", None);
        let sms = app.sms().pop().unwrap();
        assert!(sms.starts_with(&format!("To: {}\n\nBHXH VN: Ma xac thuc {} de doi mat khau", person.phone, otp.1)), "{sms}");
        assert_eq!(client.change(&citizen, OWN, &otp, None).expect(200).json, json!({ "status": "changed" }));
        assert_eq!(client.verify(&citizen, &citizen.password, PHONE).status, 401, "the first password is over");
        citizen.password = OWN.into();

        let signed_in = json!({ "status": "signed_in", "ended_device": false });
        assert_eq!(client.verify(&citizen, OWN, PHONE).expect(200).json, signed_in);
        assert_eq!(client.verify(&citizen, OWN, PHONE).expect(200).json, signed_in, "the same device again");
        assert!(account(&app, &citizen).last_sign_in_at.is_some());

        // A second device takes a one-time password, and ends the first.
        assert_eq!(client.verify(&citizen, OWN, TABLET).expect(200).json, json!({ "status": "otp_required" }));
        assert_eq!(client.verify(&citizen, OWN, PHONE).expect(200).json, signed_in, "asking alone ends nothing");
        let otp = app.otp(&client, &citizen, "device", Some(TABLET));
        let moved = client.verify_with(&citizen, TABLET, &otp).expect(200);
        assert_eq!(moved.json, json!({ "status": "signed_in", "ended_device": true }));
        assert_eq!(client.verify(&citizen, OWN, PHONE).expect(200).says(), "otp_required");
        assert_eq!(client.verify(&citizen, OWN, TABLET).expect(200).json, signed_in);

        use EventKind::{CitizenPasswordChanged, CitizenSignedIn, OtpAsked};
        let happened = [OtpAsked, OtpAsked, CitizenPasswordChanged, CitizenSignedIn, OtpAsked, CitizenSignedIn];
        assert_eq!(app.happened(&citizen), happened);
        app.outbox_drain();
        assert!(app.sms().iter().any(|sms| sms.contains("vua duoc doi")), "{:?}", app.sms());
        assert!(app.mails().iter().any(|mail| mail.contains("vừa được đổi")), "{:?}", app.mails());
        let hash = app.db(|conn| credentials::device(conn, citizen.account)).unwrap();
        assert!(hash.len() == 64 && !hash.contains("tablet"), "{hash}");
    }

    fn five_wrong_passwords_in_a_row_lock_an_account_and_its_holder_is_told(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let wrong = || client.verify(&citizen, "a wrong one", PHONE).expect(401);
        for _ in 0..4 {
            wrong();
        }
        client.verify(&citizen, OWN, PHONE).expect(200);
        assert_eq!(wrong_tries(&app, &citizen), 0, "four and five are not nine");
        let before = wrong();
        for _ in 0..3 {
            wrong();
        }
        assert_eq!((account(&app, &citizen).state, wrong_tries(&app, &citizen)), (AccountState::Active, 4));
        wrong();
        let locked = account(&app, &citizen);
        assert_eq!((locked.state, locked.lock_cause), (AccountState::Locked, Some(LockCause::WrongPasswords)));
        assert!(!locked.has_device);
        assert_eq!(wrong().all(), before.all(), "whoever guesses does not learn that it is locked");
        let told = client.verify(&citizen, OWN, PHONE).expect(403);
        assert_eq!(told.says(), "account-locked");
        assert!(told.json["detail"].as_str().unwrap().contains("cơ quan BHXH gần nhất"), "{}", told.body);
        client.ask_otp(&citizen, "password", None).expect(403);

        let happened = app.happened(&citizen);
        assert_eq!(happened.iter().filter(|kind| **kind == EventKind::AccountLockedByTries).count(), 1);
        app.outbox_drain();
        assert_eq!(app.sms().iter().filter(|sms| sms.contains("da bi khoa vi nhap sai mat khau 5 lan")).count(), 1);
        assert_eq!(app.told(&citizen, MessageKind::Locked), 2, "one SMS and one mail");
        bring_into(&app, &citizen, AccountState::Active, None);
        client.verify(&citizen, OWN, PHONE).expect(200);
    }

    fn of_fifty_tries_at_once_five_are_judged(app: TestApp) {
        let citizen = app.settled_citizen("Trần Thị Bích Ngọc");
        let code = SocialCode::parse(&citizen.code).unwrap();
        let tried = at_once(50, |_| app.db(|conn| credentials::count_try(conn, &code)).unwrap());
        assert_eq!(tried.iter().filter(|tried| tried.hashes.is_some()).count(), 5);
        assert_eq!(tried.iter().filter(|tried| tried.is_last).count(), 46);
    }

    fn wrong_passwords_at_once_lock_an_account_once(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let answers = at_once(12, |_| client.verify(&citizen, "a wrong one", PHONE));
        assert_eq!(statuses(&answers), [401; 12]);
        assert_eq!(account(&app, &citizen).state, AccountState::Locked);
        assert_eq!(app.happened(&citizen), [EventKind::AccountLockedByTries]);
        assert_eq!(app.told(&citizen, MessageKind::Locked), 2);
    }

    /// As after a process that died between counting and judging.
    fn when_the_tries_are_used_up_even_the_right_password_is_not_compared(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        set_wrong_tries(&app, &citizen, WRONG_PASSWORDS);
        client.verify(&citizen, OWN, PHONE).expect(401);
        assert_eq!(account(&app, &citizen).state, AccountState::Locked, "and the account is locked after all");
        client.verify(&citizen, OWN, PHONE).expect(403);
        // Nobody guesses on at a locked account.
        for _ in 0..5 {
            client.verify(&citizen, "a wrong one", PHONE).expect(401);
        }
        client.verify(&citizen, OWN, PHONE).expect(401);
        assert_eq!(app.happened(&citizen), [EventKind::AccountLockedByTries]);
    }

    fn an_account_whose_holder_cannot_be_told_is_not_locked(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let clear = in_the_way(&app, &citizen, "locked");
        set_wrong_tries(&app, &citizen, 4);
        client.verify(&citizen, "a wrong one", PHONE).expect(500);
        assert_eq!(account(&app, &citizen).state, AccountState::Active);
        assert_eq!((app.happened(&citizen), app.told(&citizen, MessageKind::Locked)), (vec![], 0));
        clear();
        client.verify(&citizen, OWN, PHONE).expect(401);
        assert_eq!(account(&app, &citizen).state, AccountState::Locked, "the next try locks it");
    }

    fn a_citizen_who_hangs_up_is_not_brought_closer_to_the_lock(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let body = json!({ "account": citizen.code, "password": OWN, "device": PHONE }).to_string();
        let host = app.url.strip_prefix("http://").unwrap();
        let call = format!(
            "POST /api/v1/accounts/verify HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            client.key,
            body.len(),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(async {
            let connection = TcpStream::connect(host).await.unwrap();
            connection.writable().await.unwrap();
            assert_eq!(connection.try_write(call.as_bytes()).unwrap(), call.len());
            // What is on its way is thrown away, as when a telephone loses its network.
            connection.set_zero_linger().unwrap();
            connection
        });
        let start = Instant::now();
        let until = |what: &dyn Fn() -> bool| while !what() {
            assert!(start.elapsed() < Duration::from_secs(10), "the try is never judged");
            thread::sleep(Duration::from_millis(1));
        };
        let is_judged = || account(&app, &citizen).last_sign_in_at.is_some();
        until(&|| wrong_tries(&app, &citizen) == 1 || is_judged());
        runtime.block_on(async { drop(connection) });
        until(&is_judged);
        assert_eq!(wrong_tries(&app, &citizen), 0);
    }

    fn a_try_that_could_not_be_judged_does_not_count(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let key = "otp-1-otp-sms";
        let blocker = Draft::sms(MessageKind::Rejected, "0900000000", String::new(), None);
        app.db(|conn| messages::queue(conn, Occasion { application: citizen.application.id, staff: None, key, at: clock::now() }, &blocker));
        client.ask_otp(&citizen, "password", None).expect(500);
        assert_eq!(wrong_tries(&app, &citizen), 0, "the password was right");
    }

    fn only_the_right_password_is_told_anything(app: TestApp) {
        let client = app.client();
        let citizens = ["known", "closed", "locked", "without a password", "unknown"].map(|which| {
            let mut citizen = app.settled_citizen("Trần Thị Bích Ngọc");
            match which {
                "closed" => bring_into(&app, &citizen, AccountState::Closed, None),
                "locked" => bring_into(&app, &citizen, AccountState::Locked, Some(LockCause::Desk)),
                "without a password" => assert!(app.db(|conn| credentials::void_passwords(conn, citizen.account, clock::now()))),
                "unknown" => citizen.code = "0199999999".into(),
                _ => citizen.password = "a wrong one".into(),
            }
            if which == "locked" {
                citizen.password = "a wrong one".into();
            }
            citizen
        });
        let otp = (tnhs::domain::ids::OtpId(1), "123456".to_owned());
        for call in [
            |client: &Client, citizen: &Citizen, _: &_| client.verify(citizen, &citizen.password, PHONE),
            |client: &Client, citizen: &Citizen, _: &_| client.ask_otp(citizen, "password", None),
            |client: &Client, citizen: &Citizen, otp: &_| client.change(citizen, "Một mật khẩu khác", otp, None),
        ] {
            let answers = citizens.each_ref().map(|citizen| call(&client, citizen, &otp));
            assert_eq!((answers[0].status, answers[0].says()), (401, "wrong-password"));
            for answer in &answers {
                assert_eq!(answer.all(), answers[0].all());
            }
        }
    }

    fn an_answer_takes_as_long_whether_or_not_there_is_an_account(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let unknown = Citizen { code: "0199999999".into(), ..citizen.clone() };
        let median = |citizen: &Citizen| {
            let mut times: Vec<Duration> = (0..7).map(|_| {
                set_wrong_tries(&app, citizen, 0);
                let start = Instant::now();
                client.verify(citizen, "a wrong one", PHONE).expect(401);
                start.elapsed()
            }).collect();
            times.sort_unstable();
            (times[0], times[3])
        };
        let [(quickest, known), (other, unknown)] = [median(&citizen), median(&unknown)];
        let floor = tnhs::web::api::accounts::ANSWER_AFTER;
        assert!(quickest >= floor && other >= floor, "{quickest:?} and {other:?}");
        let ratio = known.as_secs_f64() / unknown.as_secs_f64();
        assert!((0.6..1.6).contains(&ratio), "{known:?} and {unknown:?}");
    }

    fn a_password_expires_after_six_months(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let six_months_ago = clock::now() - Months::new(6);
        set_password_at(&app, &citizen, six_months_ago + TimeDelta::days(4));
        assert_eq!(client.verify(&citizen, OWN, PHONE).expect(200).says(), "signed_in");
        set_password_at(&app, &citizen, six_months_ago - TimeDelta::days(4));
        let answer = client.verify(&citizen, OWN, TABLET).expect(200);
        assert_eq!(answer.json, json!({ "status": "change_password", "why": "expired" }));
        // The expired one still changes itself.
        let otp = app.otp(&client, &citizen, "password", None);
        client.change(&citizen, "Mật khẩu mùa đông", &otp, None).expect(200);
        assert_eq!(client.verify(&citizen, "Mật khẩu mùa đông", TABLET).expect(200).says(), "signed_in");
    }

    fn where_passwords_are_good_for_ever_none_expires(database: TestDb) {
        let app = database.serve(&[("TNHS_PASSWORD_MONTHS", "0")]);
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        set_password_at(&app, &citizen, clock::now() - Months::new(600));
        assert_eq!(client.verify(&citizen, OWN, PHONE).expect(200).says(), "signed_in");
    }

    fn a_password_that_is_no_good_is_said_beside_its_field(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let otp = app.otp(&client, &citizen, "password", None);
        let (name, long) = (format!("X{}!", citizen.code), "dài quá ".repeat(17));
        for wrong in ["", "ngắn", "MatKhau123", &name, OWN, &long] {
            let answer = client.change(&citizen, wrong, &otp, None).expect(422);
            assert_eq!((answer.says(), answer.faults()), ("invalid", vec!["new_password"]), "{wrong}");
        }
        client.change(&citizen, "Mật khẩu mới hẳn", &otp, None).expect(200);
    }

    fn changing_the_password_ends_every_other_device(app: TestApp) {
        let (client, mut citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        client.verify(&citizen, OWN, PHONE).expect(200);
        let version = account(&app, &citizen).version;
        let otp = app.otp(&client, &citizen, "password", Some(PHONE));
        client.change(&citizen, "Mật khẩu thứ hai", &otp, Some(PHONE)).expect(200);
        citizen.password = "Mật khẩu thứ hai".into();
        assert_eq!(account(&app, &citizen).version, version + 1);
        assert_eq!(client.verify(&citizen, &citizen.password, TABLET).says(), "otp_required", "the phone stays");
        let otp = app.otp(&client, &citizen, "password", Some(TABLET));
        client.change(&citizen, "Mật khẩu thứ ba", &otp, Some(TABLET)).expect(200);
        assert!(!account(&app, &citizen).has_device, "the phone is out, and the tablet has not signed in");
    }

    fn a_password_that_was_changed_while_it_was_compared_is_wrong(app: TestApp) {
        let citizen = app.settled_citizen("Trần Thị Bích Ngọc");
        let compared = app.hashes(&citizen);
        assert!(app.db(|conn| credentials::void_passwords(conn, citizen.account, clock::now())));
        set_wrong_tries(&app, &citizen, 3);
        assert!(app.db(|conn| citizens::proven(conn, citizen.account, &compared)).is_none());
        assert_eq!(wrong_tries(&app, &citizen), 3);
    }

    fn a_change_that_cannot_be_told_does_not_count(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let otp = app.otp(&client, &citizen, "password", None);
        let clear = in_the_way(&app, &citizen, "password_changed");
        client.change(&citizen, "Mật khẩu mới hẳn", &otp, None).expect(500);
        client.verify(&citizen, OWN, PHONE).expect(200);
        clear();
        client.change(&citizen, "Mật khẩu mới hẳn", &otp, None).expect(200);
        client.verify(&citizen, OWN, PHONE).expect(401);
    }

    fn a_password_that_waits_to_be_sent_is_dropped_when_the_citizen_has_chosen(app: TestApp) {
        let (client, citizen) = (app.client(), app.approved_citizen(&app.citizen("Trần Thị Bích Ngọc")));
        let otp = app.otp(&client, &citizen, "password", None);
        // The same account notice once more, as when the first attempt was lost.
        let text = tnhs::domain::message::approved(&Default::default(), "1", &citizen.code, "{mat_khau}");
        let draft = Draft::sms(MessageKind::Credentials, "0900000000", text, Some(citizen.account));
        app.db(|conn| messages::queue(conn, Occasion { application: citizen.application.id, staff: None, key: "again", at: clock::now() }, &draft));
        client.change(&citizen, OWN, &otp, None).expect(200);
        let last = app.messages(&citizen.application).into_iter().rfind(|one| one.kind == MessageKind::Credentials);
        assert_eq!(last.unwrap().state, MessageState::Dropped);
        app.outbox_drain();
        assert_eq!(app.sms().iter().filter(|sms| sms.contains("Mat khau: ")).count(), 1);
        client.verify(&citizen, OWN, PHONE).expect(200);
    }
}
