//! The worker on a bad day: it is killed at random moments, asked to stop while a gateway thinks, and shares its queue with others.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::{PasswordVerifier, phc::PasswordHash};
use chrono::TimeDelta;
use diesel::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use support::gateways::Answer::{HangsUntilTheNext, Says, Silent};
use support::gateways::{Gateway, Request};
use support::{Program, TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::db::messages::Occasion;
use tnhs::db::schema::{accounts, messages as stored};
use tnhs::db::{Conn, messages};
use tnhs::domain::application::Application;
use tnhs::domain::delivery::{Cause, LEASE, MessageState, by_day};
use tnhs::domain::ids::MessageId;
use tnhs::domain::outbox::{Draft, MessageKind};

const KILLS: usize = 20;
const MESSAGES: usize = 1_000;
const PASSWORDS: usize = 30;

const TAKES_ALL: &[support::gateways::Answer] = &[Says(202, "0: Accepted for delivery")];

/// A text of its own for each message.
fn queue(app: &TestApp, application: &Application, kind: MessageKind, count: usize) -> Vec<String> {
    let texts: Vec<String> = (0..count).map(|nth| format!("BHXH VN: Tin {} so {nth}.", kind.code())).collect();
    app.db(|conn| {
        for text in &texts {
            let draft = Draft::sms(kind, application.declaration.phone.as_str(), text.clone(), None);
            let key = format!("{} {text}", application.id);
            let occasion = Occasion { application: application.id, staff: None, key: &key, at: clock::now() };
            messages::queue(conn, occasion, &draft)?;
        }
        Ok(())
    });
    texts
}

/// Time passes: what a dead worker had leased is anybody's again, and what was to be tried again is due.
fn let_leases_run_out(app: &TestApp) {
    let past = clock::now() - TimeDelta::seconds(1);
    app.db(|conn| {
        diesel::update(stored::table.filter(stored::state.eq_any(MessageState::WAITING)))
            .set(stored::next_attempt_at.eq(past))
            .execute(conn)
    });
}

fn under_way(app: &TestApp) -> Vec<(MessageId, String)> {
    let sending = stored::table.filter(stored::state.eq(MessageState::Sending));
    app.db(|conn: &mut Conn| sending.select((stored::id, stored::body)).load(conn))
}

fn count(app: &TestApp, state: MessageState) -> i64 {
    app.db(|conn| stored::table.filter(stored::state.eq(state)).count().get_result(conn))
}

fn wait_until_nothing_waits(app: &TestApp) {
    let start = Instant::now();
    while MessageState::WAITING.iter().any(|state| count(app, *state) > 0) {
        assert!(start.elapsed() < Duration::from_secs(60), "messages still wait");
        thread::sleep(Duration::from_millis(20));
    }
}

fn arrivals(got: &[Request]) -> BTreeMap<&str, usize> {
    got.iter().fold(BTreeMap::new(), |mut counts, request| {
        *counts.entry(request.text.as_str()).or_default() += 1;
        counts
    })
}

both_databases! {
    fn killed_at_any_moment_the_worker_loses_no_message_and_repeats_only_what_was_under_way(database: TestDb) {
        let seed = std::env::var("TNHS_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
        println!("TNHS_TEST_SEED={seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let gateway = Gateway::answering(TAKES_ALL);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let citizen = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        let officer = app.officer(&app.offices.ba_dinh);
        let holders: Vec<Application> = (0..PASSWORDS).map(|_| app.ready("Trần Thị Bích Ngọc")).collect();
        for holder in &holders {
            officer.submit(officer.open(holder).valid()).expect(200);
        }
        let texts = queue(&app, &citizen, MessageKind::Rejected, MESSAGES - PASSWORDS);
        let worker = Program::beside(&app).set("TNHS_SMS_URL", &gateway.url);

        let mut moments: Vec<usize> = (0..KILLS).map(|_| rng.random_range(1..MESSAGES)).collect();
        moments.sort_unstable();
        // How often a message was under way when the worker died.
        let mut interrupted: BTreeMap<String, usize> = BTreeMap::new();
        for (kill, moment) in (1..).zip(moments) {
            let running = worker.start(&["worker"]);
            let start = Instant::now();
            while gateway.count() < moment && start.elapsed() < Duration::from_secs(20) {
                thread::sleep(Duration::from_millis(1));
            }
            running.kill();
            let under_way = under_way(&app);
            assert!(under_way.len() <= 48 + 16, "kill {kill}: {} under way", under_way.len());
            for (_, text) in under_way {
                *interrupted.entry(text).or_default() += 1;
            }
            let_leases_run_out(&app);
        }
        let running = worker.start(&["worker"]);
        wait_until_nothing_waits(&app);
        running.stop();

        let got = gateway.got();
        let arrived = arrivals(&got);
        for text in &texts {
            let times = arrived.get(text.as_str()).copied().unwrap_or_default();
            let at_most = 1 + interrupted.get(text).copied().unwrap_or_default();
            assert!((1..=at_most).contains(&times), "«{text}» came {times} times, {at_most} at most");
        }
        // Of those with an account the body is one, up to the number and the password.
        for holder in &holders {
            let number = holder.number.as_str();
            let passwords: Vec<String> = got.iter().filter(|it| it.text.contains(number)).map(|it| password(&it.text)).collect();
            let times = interrupted.iter().filter(|(text, _)| text.contains(number)).map(|(_, times)| times).sum::<usize>();
            assert!((1..=1 + times).contains(&passwords.len()), "{number}: {} passwords", passwords.len());
            let hashes: String = app.db(|conn| {
                let own = accounts::table.filter(accounts::application_id.eq(holder.id));
                own.select(accounts::password_hashes.assume_not_null()).first(conn)
            });
            for password in passwords {
                let works = hashes.lines().any(|hash| {
                    Argon2::default().verify_password(password.as_bytes(), &PasswordHash::new(hash).unwrap()).is_ok()
                });
                assert!(works, "{number}: a password that arrived does not sign in");
            }
        }
    }

    fn asked_to_stop_it_waits_for_answers_that_come_and_not_for_those_that_do_not(database: TestDb) {
        let gateway = Gateway::answering(&[Says(202, "0: Accepted for delivery"), Silent]);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let citizen = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        queue(&app, &citizen, MessageKind::Rejected, 5);
        let mut running = Program::beside(&app).set("TNHS_SMS_URL", &gateway.url).start(&["worker"]);
        gateway.wait_for(5);

        let asked = Instant::now();
        running.ask_to_stop();
        assert!(running.wait_for_end().success(), "{}", running.stderr());
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
        assert_eq!((count(&app, MessageState::Accepted), count(&app, MessageState::Unknown)), (1, 4));
        assert_eq!(count(&app, MessageState::Sending), 0, "nobody has to wait for a lease");
        let causes: Vec<Option<Cause>> = app.messages(&citizen).iter().map(|message| message.cause).collect();
        assert_eq!(causes.iter().filter(|cause| **cause == Some(Cause::Stopped)).count(), 4);
    }

    fn workers_of_several_processes_send_each_message_once(database: TestDb) {
        let gateway = Gateway::answering(TAKES_ALL);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let citizen = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        let texts = queue(&app, &citizen, MessageKind::Rejected, 300);
        let programs: Vec<Program> =
            (0..3).map(|_| Program::beside(&app).set("TNHS_SMS_URL", &gateway.url)).collect();
        let running: Vec<_> = programs.iter().map(|program| program.start(&["worker"])).collect();
        wait_until_nothing_waits(&app);
        for worker in running {
            worker.stop();
        }
        let got = gateway.got();
        assert_eq!((got.len(), arrivals(&got).len()), (texts.len(), texts.len()));
    }

    fn a_gateway_that_hangs_keeps_no_mail_waiting(database: TestDb) {
        let gateway = Gateway::answering(&[Silent]);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.ready("Trần Thị Bích Ngọc");
        officer.submit(officer.open(&application).valid()).expect(200);
        queue(&app, &application, MessageKind::Rejected, 60);
        let running = Program::beside(&app).set("TNHS_SMS_URL", &gateway.url).start(&["worker"]);
        gateway.wait_for(40);
        let start = Instant::now();
        while app.mails().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(10), "the mail waits for the SMS");
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(app.sms().len(), 0);
        running.kill();
    }

    fn who_waits_with_the_telephone_in_hand_goes_first(database: TestDb) {
        let gateway = Gateway::answering(TAKES_ALL);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let citizen = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        let in_bulk = queue(&app, &citizen, MessageKind::Invitation, 100);
        let usual = queue(&app, &citizen, MessageKind::Rejected, 10);
        let urgent = queue(&app, &citizen, MessageKind::Test, 1);
        // It is day.
        app.outbox_step_at(by_day(clock::now() + TimeDelta::hours(24)));
        let arrived = gateway.got();
        let sent = |text: &String| arrived.iter().any(|request| request.text == *text);
        assert!(urgent.iter().chain(&usual).all(sent), "they do not wait behind the others");
        assert_eq!(in_bulk.iter().filter(|text| sent(text)).count(), 48 - 11, "the rest of the places");
    }

    fn a_slow_gateway_leaves_room_for_what_is_urgent(database: TestDb) {
        let gateway = Gateway::answering(&[Silent]);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let citizen = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        queue(&app, &citizen, MessageKind::Rejected, 100);
        let running = Program::beside(&app).set("TNHS_SMS_URL", &gateway.url).start(&["worker"]);
        gateway.wait_for(42);
        let urgent = queue(&app, &citizen, MessageKind::Test, 1);
        let start = Instant::now();
        while !gateway.got().iter().any(|request| request.text == urgent[0]) {
            assert!(start.elapsed() < Duration::from_secs(10), "it waits behind those that hang");
            thread::sleep(Duration::from_millis(20));
        }
        running.kill();
    }

    fn an_answer_that_cannot_be_stored_as_it_is_keeps_no_other_message_from_being_settled(database: TestDb) {
        let gateway = Gateway::answering(&[Says(503, "bu\0sy\u{7}"), Says(202, "0: Accepted for delivery")]);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let citizen = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        queue(&app, &citizen, MessageKind::Rejected, 10);
        app.outbox_drain();
        assert_eq!(gateway.count(), 10);
        assert_eq!((count(&app, MessageState::Accepted), count(&app, MessageState::Queued)), (9, 1));
    }

    fn what_was_sent_while_the_database_was_away_is_settled_before_more_is_taken(database: TestDb) {
        let gateway = Gateway::answering(TAKES_ALL);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let citizen = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        queue(&app, &citizen, MessageKind::Rejected, 5);
        app.dies_at("UPDATE", "messages", "NEW.state = 'accepted'");
        let running = Program::beside(&app).set("TNHS_SMS_URL", &gateway.url).start(&["worker"]);
        gateway.wait_for(5);
        // The lease runs out in the meantime.
        let_leases_run_out(&app);
        thread::sleep(Duration::from_millis(700));
        app.starts_again("messages");
        wait_until_nothing_waits(&app);
        running.stop();
        assert_eq!(gateway.count(), 5, "none is sent again");
        assert_eq!(count(&app, MessageState::Accepted), 5);
    }

    fn an_answer_that_comes_after_the_lease_changes_nothing(database: TestDb) {
        let gateway = Gateway::answering(&[HangsUntilTheNext, Says(400, "Number not allowed")]);
        let app = database.serve(&[("TNHS_SMS_URL", &gateway.url)]);
        let citizen = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        queue(&app, &citizen, MessageKind::Rejected, 1);
        let now = clock::now();
        thread::scope(|scope| {
            let hanging = scope.spawn(|| app.outbox_drain_at(now));
            gateway.wait_for(1);
            app.outbox_drain_at(now + LEASE);
            hanging.join().unwrap();
        });
        use MessageState::{Failed, Queued};
        assert_eq!(app.steps(&citizen), [Queued, Failed], "the second worker's word, once");
    }
}

/// The password in an SMS with an account.
#[track_caller]
fn password(text: &str) -> String {
    let (_, rest) = text.split_once("Mat khau: ").expect("no password");
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}
