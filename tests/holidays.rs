//! *Ngày nghỉ*: an admin of the centre keeps the days on which offices are closed; what waits for its decision follows.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::atomic::AtomicBool;

use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;

use support::{Browser, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::holidays;
use tnhs::db::schema::{events, holidays as days};
use tnhs::domain::application::{Application, Status};
use tnhs::domain::dates::{show_date, to_hanoi};
use tnhs::domain::event::EventKind;
use tnhs::domain::holiday::{Holiday, missing_year};
use tnhs::domain::permission::Role;
use tnhs::jobs::deadlines::Sweep;

fn admin(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Admin, &app.offices.centre))
}

fn today() -> NaiveDate {
    to_hanoi(clock::now()).date()
}

/// The first working day after a day.
fn working_day(app: &TestApp, after: NaiveDate) -> NaiveDate {
    let calendar = app.db(holidays::calendar);
    after.iter_days().skip(1).find(|day| calendar.is_working_day(*day)).unwrap()
}

/// Somebody who has come and waits for a code.
fn received(app: &TestApp, officer: &Browser) -> Application {
    let application = app.declared(&app.offices.ba_dinh, &app.citizen("Phạm Văn Sơn"));
    officer.submit(officer.open(&application).valid()).expect(200);
    assert_eq!(app.status(&application), Status::AwaitingCode);
    app.application(application.id)
}

/// What the history says of the days, oldest first.
fn history(app: &TestApp) -> Vec<(EventKind, Option<String>)> {
    let kinds = [EventKind::HolidayAdded, EventKind::HolidayRemoved];
    app.db(|conn| {
        let all = events::table.filter(events::kind.eq_any(kinds)).order(events::id);
        all.select((events::kind, events::after)).load(conn)
    })
}

fn add(browser: &Browser, day: &str, name: &str) -> support::Page {
    browser.submit(browser.get("/holidays").form("Thêm ngày nghỉ").set("day", day).set("name", name))
}

both_databases! {
    fn a_day_is_added_and_taken_away_and_the_deadlines_follow(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let waiting = received(&app, &officer);
        let page = officer.open(&waiting);
        let decided = app.ready("Trần Thị Bích Ngọc");
        officer.submit(officer.open(&decided).valid()).expect(200);
        let decided = app.application(decided.id);
        let unvisited = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Văn An"));
        let browser = admin(&app);
        let day = working_day(&app, today());

        let shown = add(&browser, &show_date(day), "Nghỉ bù").expect(200);
        assert!(shown.told().contains(&format!("Đã thêm ngày nghỉ {}", show_date(day))), "{shown}");
        assert!(shown.told().contains("được tính lại"), "{shown}");
        assert!(shown.texts_of("td[data-label='Tên ngày nghỉ']").contains(&"Nghỉ bù".to_owned()));
        let moved = app.application(waiting.id);
        let last = to_hanoi(waiting.due_at).date();
        assert_eq!(to_hanoi(moved.due_at).date(), working_day(&app, last), "one working day later");
        assert_eq!(moved.version, waiting.version);
        assert_eq!(app.application(decided.id).due_at, decided.due_at);
        assert_eq!(app.application(unvisited.id).due_at, unvisited.due_at);
        // The officer had the page open all the time.
        officer.submit(page.invalid("Ảnh bị mờ")).expect(200);

        let waiting = received(&app, &officer);
        let button = format!("Bỏ ngày {}", show_date(day));
        let shown = browser.submit(browser.get("/holidays").form(&button)).expect(200);
        assert!(shown.told().contains(&format!("Đã bỏ ngày nghỉ {}", show_date(day))), "{shown}");
        assert!(!shown.has_button(&button));
        assert_eq!(to_hanoi(app.application(waiting.id).due_at).date(), last);
        let after = Some(format!(r#"{{"day":"{day}","name":"Nghỉ bù"}}"#));
        assert_eq!(history(&app), [(EventKind::HolidayAdded, after.clone()), (EventKind::HolidayRemoved, after)]);
        // All has followed already.
        assert_eq!(app.sweep(clock::now()).follow_calendar().unwrap(), 0);
    }

    fn what_is_wrong_stands_beside_the_field_and_nothing_typed_is_lost(app: TestApp) {
        let browser = admin(&app);
        let saturday = today().iter_days().find(|day| day.weekday() == chrono::Weekday::Sat).unwrap();
        let known = app.db(holidays::all).pop().unwrap();
        let free = show_date(working_day(&app, today()));
        for (day, name, field, words) in [
            ("", "Tết", "day", "Nhập ngày nghỉ"),
            ("31/02/2027", "Tết", "day", "Không có ngày"),
            ("02/09/2206", "Quốc khánh", "day", "Năm phải từ"),
            (&show_date(saturday), "Tết", "day", "Thứ Bảy và Chủ nhật"),
            (&show_date(known.day), "Tết", "day", "đã có trong danh sách"),
            (&free, "", "name", "Bắt buộc nhập"),
        ] {
            let page = add(&browser, day, name).expect(422);
            assert!(page.fault(field).is_some_and(|fault| fault.contains(words)), "«{day}» {name}: {:?}", page.fault(field));
            let form = page.form("Thêm ngày nghỉ");
            assert_eq!((form.value("day"), form.value("name")), (day, name));
        }
        assert_eq!(history(&app), []);
    }

    fn only_an_admin_of_the_centre_changes_what_holds_for_the_country(app: TestApp) {
        let keeper = admin(&app);
        let form = keeper.get("/holidays").form("Thêm ngày nghỉ");
        let removal = keeper.get("/holidays").form("/holidays/remove");
        let day = show_date(working_day(&app, today()));
        let before = app.db(holidays::all);
        let token = |browser: &Browser| browser.get("/password").form("Đổi mật khẩu").value("csrf").to_owned();
        for office in [&app.offices.hanoi, &app.offices.ba_dinh] {
            let browser = app.sign_in(&app.employee(Role::Admin, office));
            let page = browser.get("/holidays").expect(200);
            assert_eq!(page.texts_of("td[data-label='Ngày']").len(), before.len());
            assert!(page.has_link("Ngày nghỉ") && page.select("main form").is_empty(), "{page}");
            let csrf = token(&browser);
            browser.submit(form.clone().set("day", &day).set("name", "Nghỉ").forge("csrf", &csrf)).expect(403);
            browser.submit(removal.clone().forge("csrf", &csrf)).expect(403);
        }
        for role in [Role::Officer, Role::Supervisor] {
            let browser = app.sign_in(&app.employee(role, &app.offices.centre));
            assert!(!browser.get("/applications").has_link("Ngày nghỉ"));
            browser.get("/holidays").expect(403);
            browser.submit(form.clone().set("day", &day).set("name", "Nghỉ").forge("csrf", &token(&browser))).expect(403);
        }
        assert_eq!(app.browser().get("/holidays").path(), "/sign-in");
        assert_eq!((app.db(holidays::all), history(&app)), (before, vec![]));
    }

    /// The days were changed, and the process died, or the change touched more than one transaction moves.
    fn deadlines_that_were_left_behind_follow_with_the_next_sweep(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let waiting: Vec<Application> = (0..7).map(|_| received(&app, &officer)).collect();
        let day = working_day(&app, today());
        assert_eq!(app.sweep(clock::now()).follow_calendar().unwrap(), 0);
        assert!(app.db(|conn| holidays::add(conn, &Holiday { day, name: "Nghỉ bù".into() })));
        let sweep = || Sweep { batch: 2, ..app.sweep(clock::now()) };
        // It dies in the third batch.
        app.dies_at("UPDATE", "applications", &format!("NEW.id = {}", waiting[4].id));
        sweep().follow_calendar().unwrap_err();
        app.starts_again("applications");
        let leaving = AtomicBool::new(true);
        assert_eq!(Sweep { leaving: &leaving, ..sweep() }.follow_calendar().unwrap(), 0);
        assert_eq!(sweep().follow_calendar().unwrap(), 3);
        assert_eq!(sweep().follow_calendar().unwrap(), 0);
        let calendar = app.db(holidays::calendar);
        for before in waiting {
            let after = app.application(before.id);
            assert_eq!(after.due_at, calendar.due_at(after.submitted_at, after.received_at));
            assert!(after.due_at > before.due_at && after.version == before.version);
        }
    }

    fn a_day_that_nobody_waits_over_moves_nothing(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let waiting = received(&app, &officer);
        let browser = admin(&app);
        let day = working_day(&app, to_hanoi(waiting.due_at).date());
        let page = add(&browser, &show_date(day), "Nghỉ bù").expect(200);
        assert!(!page.told().contains("tính lại"), "{page}");
        assert_eq!(app.application(waiting.id).due_at, waiting.due_at);
    }

    fn the_next_year_is_asked_for_in_time(app: TestApp) {
        let next = today().year() + 1;
        let first = NaiveDate::from_ymd_opt(next, 1, 1).unwrap();
        app.db(|conn| diesel::delete(days::table.filter(days::day.ge(first))).execute(conn));
        let browser = admin(&app);
        let asks = |browser: &Browser| browser.get("/holidays").has_text(&format!("Năm {next} chưa có ngày nghỉ nào"));
        assert_eq!(asks(&browser), missing_year(&app.db(holidays::all), today()).is_some());
        let holiday = Holiday { day: working_day(&app, first), name: "Tết".into() };
        app.db(|conn| holidays::add(conn, &holiday));
        assert!(!asks(&browser));
    }

    fn two_admins_who_add_the_same_day_at_once_make_one(app: TestApp) {
        let day = show_date(working_day(&app, today()));
        let admins = [admin(&app), admin(&app)];
        let forms = admins.each_ref().map(|browser| {
            browser.get("/holidays").form("Thêm ngày nghỉ").set("day", &day).set("name", "Nghỉ bù")
        });
        let start = std::sync::Barrier::new(2);
        let post = |at: usize| {
            start.wait();
            admins[at].submit_only(&forms[at]).status
        };
        let statuses = std::thread::scope(|scope| {
            let other = scope.spawn(|| post(1));
            [post(0), other.join().unwrap()]
        });
        assert!(matches!(statuses, [303, 422] | [422, 303]), "{statuses:?}");
        assert_eq!(history(&app).len(), 1);
    }
}
