//! What time alone brings about, to the minute: removal after ten days, reminders before, decisions that are due, passwords that
//! grow old. By whichever worker, and whatever an officer does at the same moment.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::thread;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use support::{TestApp, TestDb, both_databases, filing, hanoi};
use tnhs::clock;
use tnhs::db::applications::NewApplication;
use tnhs::db::decisions::{evidence, record};
use tnhs::db::events::Stamp;
use tnhs::db::schema::{accounts as held, applications as filed, events, messages as queued};
use tnhs::db::{accounts, applications, credentials};
use tnhs::domain::application::{Application, Channel, Declaration, Guardian, Kind, Status};
use tnhs::domain::assessment::Decision;
use tnhs::domain::dates::show_time;
use tnhs::domain::deadline::DeadlineState;
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{AccountId, ApplicationId};
use tnhs::domain::names::Name;
use tnhs::domain::numbers::{Email, Phone};
use tnhs::domain::outbox::MessageKind;
use tnhs::domain::permission::Role;
use tnhs::jobs::{deadlines::Sweep, recheck};

const MINUTE: TimeDelta = TimeDelta::minutes(1);

fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

/// A minor, whose guardian declares.
fn ward(app: &TestApp) -> Declaration {
    let guardian = Guardian {
        name: Name::parse("Lê Thị Hồng").unwrap(),
        code: None,
        phone: Phone::parse("0900999999").unwrap(),
        email: Email::parse("nguoi.giam.ho@example.vn").ok(),
        relation: None,
    };
    Declaration { id_number: None, guardian: Some(guardian), ..app.citizen("Lê Gia Bảo") }
}

/// So many people declared at this time.
fn many(app: &TestApp, count: usize, at: NaiveDateTime) -> Vec<ApplicationId> {
    let people: Vec<_> = (0..count).map(|_| app.citizen("Trần Thị Bích Ngọc")).collect();
    app.db(|conn| {
        let file = |person| Ok(applications::insert(conn, &filing(&app.offices.ba_dinh, person, at))?.0);
        people.iter().map(file).collect()
    })
}

/// How many events of this kind, and how many applications they tell of.
fn happened(app: &TestApp, kind: EventKind) -> (usize, usize) {
    let mut ids: Vec<Option<i64>> =
        app.db(|conn| events::table.filter(events::kind.eq(kind)).select(events::application_id).load(conn));
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    (all, ids.len())
}

fn reminders(app: &TestApp, application: &Application) -> Vec<MessageState> {
    let messages = app.messages(application).into_iter();
    messages.filter(|message| message.kind == MessageKind::Reminder).map(|message| message.state).collect()
}

/// An account whose password was set at this time.
fn account(app: &TestApp, person: &Declaration, set_at: NaiveDateTime) -> (Application, AccountId) {
    let application = app.declared_without_portrait(&app.offices.ba_dinh, person, set_at - days(1));
    let id = app.db(|conn| {
        let id = accounts::insert(conn, &application, set_at)?;
        assert!(credentials::add_first_password(conn, id, "a hash", set_at)?);
        Ok(id)
    });
    (application, id)
}

/// The notices about passwords, by kind and recipient.
fn told(app: &TestApp, application: &Application) -> Vec<(MessageKind, String)> {
    app.messages(application).into_iter().map(|message| (message.kind, message.recipient)).collect()
}

/// Two workers do the same at the same moment; how much each has done.
fn two_workers(work: impl Fn() -> usize + Sync) -> [usize; 2] {
    let start = Barrier::new(2);
    let one = || {
        start.wait();
        work()
    };
    thread::scope(|scope| {
        let other = scope.spawn(one);
        [one(), other.join().unwrap()]
    })
}

both_databases! {
    fn whoever_does_not_come_within_ten_days_is_removed_to_the_minute(app: TestApp) {
        let submitted = hanoi("14/11/2026 09:30");
        let office = &app.offices.ba_dinh;
        let (person, changed) = (app.citizen("Trần Thị Bích Ngọc"), app.citizen("Lê Văn An"));
        let new = app.declared_at(office, &person, submitted);
        let change = app.filed(&NewApplication { kind: Kind::Change, ..filing(office, &changed, submitted) });
        let removed = hanoi("24/11/2026 09:30");
        assert_eq!(app.sweep(removed - MINUTE).expire().unwrap(), 0);
        assert_eq!([app.status(&new), app.status(&change)], [Status::Pending; 2]);
        assert_eq!(app.sweep(removed).expire().unwrap(), 2);
        for application in [&new, &change] {
            let after = app.application(application.id);
            assert_eq!((after.status, after.decided_at, after.version), (Status::Expired, Some(removed), 2));
            assert_eq!(after.decided_by, None);
            assert_eq!(app.events_of(application.id, EventKind::Expired), 1);
        }
        assert_eq!(app.sweep(removed + MINUTE).expire().unwrap(), 0);

        let page = app.officer(office).open(&new);
        assert_eq!(page.status_shown(), "Quá hạn");
        assert!(!page.has_button("Ghi nhận"), "{page}");
        assert!(page.history()[0].contains("Quá hạn, xóa tờ khai · Hệ thống"), "{:?}", page.history());
    }

    fn a_minor_and_whoever_has_come_stay(app: TestApp) {
        let office = &app.offices.ba_dinh;
        let submitted = clock::now() - days(2);
        let minor = app.declared_at(office, &ward(&app), submitted);
        let came = app.citizen("Lê Văn An");
        let at_the_counter = NewApplication {
            channel: Channel::Counter, received_at: Some(submitted), ..filing(office, &came, submitted)
        };
        let came = app.filed(&at_the_counter);
        // Two wait for their codes; one of them comes back.
        let officer = app.officer(office);
        let [waits, back] = ["Phạm Văn Sơn", "Phạm Thị Mai"].map(|name| {
            let application = app.declared_at(office, &app.citizen(name), submitted);
            officer.submit(officer.open(&application).valid()).expect(200);
            assert_eq!(app.status(&application), Status::AwaitingCode);
            application
        });
        app.registered(&back.declaration);
        assert_eq!(recheck::run(&app.parts.db, clock::now()).unwrap(), 1);
        let decided = app.declared_at(office, &app.citizen("Đặng Văn Bình"), submitted);
        officer.submit(officer.open(&decided).invalid("Ảnh bị mờ")).expect(200);

        let much_later = submitted + days(400);
        for now in [submitted + days(7), submitted + days(9), much_later] {
            assert_eq!(app.sweep(now).expire().unwrap() + app.sweep(now).remind().unwrap(), 0);
        }
        let status = |application: &Application| app.status(application);
        assert_eq!([&minor, &came, &waits, &back].map(status), [
            Status::Pending, Status::Pending, Status::AwaitingCode, Status::Pending,
        ]);
        assert_eq!(app.sweep(much_later).erase().unwrap(), 0);
        assert_eq!(app.application(decided.id).declaration.name.as_str(), "Đặng Văn Bình");
    }

    fn a_person_is_reminded_on_the_seventh_and_the_ninth_day(app: TestApp) {
        let submitted = clock::now() - days(9);
        let application = app.ready_at("Trần Thị Bích Ngọc", submitted);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        for (day, sent) in [(7, 1), (9, 2)] {
            let due = submitted + days(day);
            assert_eq!(app.sweep(due - MINUTE).remind().unwrap(), 0);
            assert_eq!(app.sweep(due).remind().unwrap(), 1);
            assert_eq!(app.sweep(due + MINUTE).remind().unwrap(), 0, "reminded twice");
            app.outbox_drain_at(due);
            assert_eq!(app.sms().len(), sent);
            assert_eq!(app.events_of(application.id, EventKind::Reminded), sent as i64);
        }
        let text = &app.sms()[1];
        for words in [application.number.as_str(), &show_time(submitted + days(10)), application.declaration.phone.as_str()] {
            assert!(text.contains(words), "{text}");
        }
        assert!(app.mails().is_empty());
        // The officer had the page open all the time.
        assert_eq!(officer.submit(page.valid()).expect(200).told(), "Đăng ký thành công Mở hồ sơ chờ duyệt tiếp theo");
    }

    fn a_worker_that_slept_reminds_once_and_never_too_late(app: TestApp) {
        let submitted = hanoi("14/11/2026 09:30");
        let application = app.declared_at(&app.offices.ba_dinh, &app.citizen("Lê Văn An"), submitted);
        assert_eq!(app.sweep(submitted + days(9)).remind().unwrap(), 1);
        assert_eq!(app.sweep(submitted + days(10) - MINUTE).remind().unwrap(), 0);
        assert_eq!(reminders(&app, &application), [MessageState::Queued]);
        let late = app.declared_at(&app.offices.ba_dinh, &app.citizen("Lê Thị Hoa"), submitted);
        assert_eq!(app.sweep(submitted + days(10)).remind().unwrap(), 0);
        assert!(app.messages(&late).is_empty());
    }

    fn nobody_is_asked_to_come_who_has_or_who_was_removed(app: TestApp) {
        let submitted = clock::now() - days(8);
        let [came, removed] = ["Lê Văn An", "Lê Thị Hoa"].map(|name| app.ready_at(name, submitted));
        assert_eq!(app.sweep(clock::now()).remind().unwrap(), 2);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&came).invalid("Ảnh bị mờ")).expect(200);
        assert_eq!(app.sweep(submitted + days(10)).expire().unwrap(), 1);
        for application in [&came, &removed] {
            assert_eq!(reminders(&app, application), [MessageState::Dropped]);
        }
        app.outbox_drain_at(submitted + days(10));
        assert!(app.sms().iter().all(|sms| !sms.contains("se bi xoa")), "{:?}", app.sms());
    }

    fn a_decision_is_due_at_five_on_the_third_working_day(app: TestApp) {
        let staff = app.employee(Role::Officer, &app.offices.ba_dinh).id;
        for (received, due) in [
            ("26/11/2026 16:59", "01/12/2026 17:00"), // A Thursday.
            ("13/02/2026 15:00", "25/02/2026 17:00"), // The last working day before Tết.
            ("31/12/2026 09:00", "06/01/2027 17:00"), // The first of January is a holiday, then comes a weekend.
        ] {
            let (received, due) = (hanoi(received), hanoi(due));
            let person = app.citizen("Phạm Văn Sơn");
            let application = app.declared_at(&app.offices.ba_dinh, &person, received - days(1));
            app.db(|conn| {
                let evidence = evidence(conn, application.clone())?;
                let stamp = Stamp { staff, at: received, address: None };
                Ok(record(conn, &evidence, &Decision::AwaitCode, stamp).unwrap())
            });
            let after = app.application(application.id);
            assert_eq!(after.due_at, due, "received {}", show_time(received));
            let state = |now| DeadlineState::of(after.due_at, after.decided_at, now);
            let chips = [due - days(1), due - days(1) + MINUTE, due, due + MINUTE].map(state);
            assert_eq!(chips, [DeadlineState::OnTime, DeadlineState::DueSoon, DeadlineState::DueSoon, DeadlineState::Late]);
        }
    }

    fn a_password_expires_after_six_months_with_a_notice_before(app: TestApp) {
        let set_at = hanoi("31/08/2026 10:00");
        let expires = hanoi("28/02/2027 10:00");
        let person = app.citizen("Trần Thị Bích Ngọc");
        let (application, id) = account(&app, &person, set_at);
        let (minors, _) = account(&app, &ward(&app), set_at);
        // Set earlier, and yet it expires later: on the last day of February too.
        let (other, _) = account(&app, &app.citizen("Lê Văn An"), hanoi("29/08/2026 12:00"));
        let phone_and_mail = |of: &Application, kind| {
            let person = &of.declaration;
            let mail = person.notice_email().unwrap().as_str();
            [person.notice_phone().as_str(), mail].map(|to| (kind, to.to_owned()))
        };
        let [expiring, expired] = [MessageKind::PasswordExpires, MessageKind::PasswordExpired];
        assert_eq!(app.sweep(expires - days(7) - MINUTE).expire_passwords().unwrap(), 0);
        assert_eq!(app.sweep(expires - days(7)).expire_passwords().unwrap(), 2);
        assert_eq!(app.sweep(expires - MINUTE).expire_passwords().unwrap(), 1);
        assert_eq!(told(&app, &other), phone_and_mail(&other, expiring));
        for of in [&application, &minors] {
            assert_eq!(told(&app, of), phone_and_mail(of, expiring));
        }
        assert_eq!(told(&app, &minors)[0].1, "0900999999");
        assert_eq!(app.sweep(expires).expire_passwords().unwrap(), 2);
        assert_eq!(app.sweep(hanoi("28/02/2027 11:59")).expire_passwords().unwrap(), 0);
        assert_eq!(app.sweep(hanoi("28/02/2027 12:00")).expire_passwords().unwrap(), 1);
        assert_eq!(app.sweep(expires + days(400)).expire_passwords().unwrap(), 0);
        for of in [&application, &minors] {
            assert_eq!(told(&app, of), [phone_and_mail(of, expiring), phone_and_mail(of, expired)].concat());
        }
        let noted = app.db(|conn| tnhs::db::events::of_account(conn, id, 10));
        assert_eq!(noted.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::CitizenPasswordExpired]);
        app.outbox_drain_at(expires);
        assert!(app.sms().iter().any(|sms| sms.contains("het han luc 28/02/2027 10:00")), "{:?}", app.sms());

        // With the next password it begins anew.
        app.db(|conn| credentials::add_first_password(conn, id, "another hash", expires));
        let next = hanoi("28/08/2027 10:00");
        assert_eq!(app.sweep(next - days(7) - MINUTE).expire_passwords().unwrap(), 0);
        assert_eq!(app.sweep(next - days(7)).expire_passwords().unwrap(), 1);
    }

    fn of_two_notices_that_were_slept_through_the_latter_leaves(app: TestApp) {
        let (application, _) = account(&app, &app.citizen("Lê Văn An"), hanoi("24/05/2026 09:00"));
        assert_eq!(app.sweep(hanoi("24/11/2026 09:00")).expire_passwords().unwrap(), 1);
        let kinds: Vec<_> = told(&app, &application).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [MessageKind::PasswordExpired; 2]);
    }

    fn a_password_of_an_account_out_of_use_or_one_that_never_left_is_nobodys_concern(app: TestApp) {
        let set_at = hanoi("24/05/2026 09:00");
        let [(_, locked), (_, never)] = ["Lê Văn An", "Lê Thị Hoa"].map(|name| account(&app, &app.citizen(name), set_at));
        app.db(|conn| {
            diesel::update(held::table.find(locked)).set(held::state.eq("locked")).execute(conn)?;
            credentials::drop_first_password(conn, never, "a hash")
        });
        assert_eq!(app.sweep(set_at + days(400)).expire_passwords().unwrap(), 0);
    }

    fn passwords_do_not_expire_where_that_is_off(database: TestDb) {
        let app = database.serve(&[("TNHS_PASSWORD_MONTHS", "0")]);
        account(&app, &app.citizen("Lê Văn An"), hanoi("24/05/2020 09:00"));
        assert_eq!(app.sweep(hanoi("24/11/2026 09:00")).expire_passwords().unwrap(), 0);
    }

    fn two_workers_do_everything_once(app: TestApp) {
        const EACH: usize = 60;
        let now = hanoi("24/11/2026 09:30");
        many(&app, EACH, now - days(10));
        many(&app, EACH, now - days(8));
        for number in 0..6 {
            account(&app, &app.citizen("Lê Văn An"), hanoi("20/05/2026 09:00") + TimeDelta::seconds(number));
        }
        // The accounts' own declarations are due too.
        app.db(|conn| {
            let of_accounts = filed::table.filter(filed::submitted_at.lt(hanoi("01/06/2026 00:00")));
            diesel::update(of_accounts).set(filed::status.eq(Status::Approved)).execute(conn)
        });
        let sweep = || Sweep { batch: 7, ..app.sweep(now) };
        let removed = two_workers(|| sweep().expire().unwrap());
        assert_eq!(removed[0] + removed[1], EACH, "{removed:?}");
        let reminded = two_workers(|| sweep().remind().unwrap());
        assert_eq!(reminded[0] + reminded[1], EACH, "{reminded:?}");
        let told = two_workers(|| sweep().expire_passwords().unwrap());
        assert_eq!(told[0] + told[1], 6, "{told:?}");
        assert_eq!(happened(&app, EventKind::Expired), (EACH, EACH));
        assert_eq!(happened(&app, EventKind::Reminded), (EACH, EACH));
        let messages = |kind| app.db(|conn| queued::table.filter(queued::kind.eq(kind)).count().get_result::<i64>(conn));
        assert_eq!(messages(MessageKind::Reminder), EACH as i64);
        assert_eq!(messages(MessageKind::PasswordExpired), 2 * 6);
        let erased = two_workers(|| Sweep { batch: 7, ..app.sweep(now + days(30)) }.erase().unwrap());
        assert_eq!(erased[0] + erased[1], EACH, "{erased:?}");
        assert_eq!(happened(&app, EventKind::Erased), (EACH, EACH));
    }

    /// Whoever is first counts, never both.
    fn an_officer_decides_at_the_moment_of_removal(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let (mut decided, mut removed) = (0, 0);
        for race in 0..40 {
            let submitted = clock::now() - days(10);
            let application = app.ready_at("Trần Thị Bích Ngọc", submitted);
            let form = officer.open(&application).valid();
            let start = Barrier::new(2);
            let (answer, expired) = thread::scope(|scope| {
                let worker = scope.spawn(|| {
                    start.wait();
                    app.sweep(submitted + days(10)).expire().unwrap()
                });
                start.wait();
                (officer.submit_only(&form), worker.join().unwrap())
            });
            let after = app.application(application.id);
            assert_eq!(after.version, 2, "race {race}");
            let both = [EventKind::Approved, EventKind::Expired].map(|kind| app.events_of(application.id, kind));
            let (accounts, messages) = (app.accounts_of(application.id), app.messages(&application).len());
            match after.status {
                Status::Approved => {
                    assert_eq!((answer.status, expired, both, accounts, messages), (303, 0, [1, 0], 1, 2), "race {race}");
                    decided += 1;
                }
                Status::Expired => {
                    assert_eq!((answer.status, expired, both, accounts, messages), (409, 1, [0, 1], 0, 0), "race {race}");
                    assert!(answer.text_of(".kept").contains("Hồ sơ hợp lệ"), "what was entered is lost on\n{answer}");
                    removed += 1;
                }
                other => panic!("race {race}: {other:?}"),
            }
        }
        assert_eq!(decided + removed, 40);
    }

    fn a_worker_that_dies_between_two_batches_loses_nothing_and_does_nothing_twice(app: TestApp) {
        let now = hanoi("24/11/2026 09:30");
        let ids = many(&app, 9, now - days(8));
        let sweep = |now| Sweep { batch: 3, ..app.sweep(now) };
        // In the second batch, at its second row.
        app.dies_at("INSERT", "messages", &format!("NEW.application_id = {}", ids[4]));
        sweep(now).remind().unwrap_err();
        assert_eq!(happened(&app, EventKind::Reminded), (3, 3));
        app.starts_again("messages");
        assert_eq!(sweep(now).remind().unwrap(), 6);
        assert_eq!(happened(&app, EventKind::Reminded), (9, 9));

        app.dies_at("INSERT", "events", &format!("NEW.application_id = {}", ids[4]));
        sweep(now + days(2)).expire().unwrap_err();
        let expired = || app.db(|conn| filed::table.filter(filed::status.eq(Status::Expired)).count().get_result::<i64>(conn));
        assert_eq!((expired(), happened(&app, EventKind::Expired)), (3, (3, 3)));
        app.starts_again("events");
        assert_eq!(sweep(now + days(2)).expire().unwrap(), 6);
        assert_eq!((expired(), happened(&app, EventKind::Expired)), (9, (9, 9)));
    }

    fn a_worker_that_is_to_end_leaves_the_rest_to_the_next(app: TestApp) {
        let now = hanoi("24/11/2026 09:30");
        many(&app, 2, now - days(10));
        let leaving = AtomicBool::new(true);
        assert_eq!(Sweep { leaving: &leaving, ..app.sweep(now) }.expire().unwrap(), 0);
        assert_eq!(app.sweep(now).expire().unwrap(), 2);
    }

    /// The loop that `serve` and `worker` run.
    fn it_all_happens_by_itself(app: TestApp) {
        let application = app.declared_at(&app.offices.ba_dinh, &app.citizen("Lê Văn An"), clock::now() - days(11));
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let jobs = runtime.spawn(tnhs::jobs::run(app.parts.clone(), stopped));
        runtime.block_on(async {
            while app.status(&application) == Status::Pending {
                tokio::task::yield_now().await;
            }
            stop.send(true).unwrap();
            jobs.await.unwrap();
        });
        assert_eq!(app.status(&application), Status::Expired);
    }
}
