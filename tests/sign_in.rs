//! Đăng nhập and sessions: who gets in, for how long, and that nothing typed is lost.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::TimeDelta;
use diesel::prelude::*;

use support::{Browser, Employee, PASSWORD, Page, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::schema::{events, sessions, sign_in_failures, staff};
use tnhs::domain::application::{PhotoKind, Status};
use tnhs::domain::event::EventKind;
use tnhs::domain::permission::Role;

const OWN: &str = "ba con mèo ngủ trưa hè";

fn try_to_sign_in(browser: &Browser, login: &str, password: &str) -> Page {
    browser.submit_only(&browser.get("/sign-in").form("/sign-in").set("login", login).set("password", password))
}

/// The session's cookie that an answer sets, as it is sent back.
#[track_caller]
fn cookie(answer: &Page) -> String {
    answer.header("set-cookie").expect("no cookie").split(';').next().unwrap().to_owned()
}

/// Whether this cookie alone opens a page.
fn opens(app: &TestApp, cookie: &str) -> bool {
    app.browser().send("GET", "/applications", &[("Cookie", cookie)], Vec::new()).status == 200
}

fn is_signed_in(browser: &Browser) -> bool {
    browser.get("/applications").path() == "/applications"
}

fn officer(app: &TestApp) -> (Employee, Browser) {
    let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
    let browser = app.sign_in(&employee);
    (employee, browser)
}

/// Moves every session's beginning or its last sign of life into the past.
fn age_sessions(app: &TestApp, idle: TimeDelta, age: TimeDelta) {
    let now = clock::now();
    app.db(|conn| {
        diesel::update(sessions::table)
            .set((sessions::last_seen_at.eq(now - idle), sessions::created_at.eq(now - age)))
            .execute(conn)
    });
}

fn wrong_passwords(app: &TestApp, failures: i32, ago: TimeDelta) {
    app.db(|conn| {
        diesel::update(sign_in_failures::table)
            .set((sign_in_failures::failures.eq(failures), sign_in_failures::last_at.eq(clock::now() - ago)))
            .execute(conn)
    });
}

/// Signs in on the page that came instead of the answer to a form.
fn sign_in_again(browser: &Browser, page: &Page, employee: &Employee) -> Page {
    assert!(page.status == 401 && page.has_text("Nội dung bạn vừa nhập được giữ lại"), "{page}");
    let form = page.form("Đăng nhập").set("login", &employee.login);
    // A slip does not lose it either.
    let page = browser.submit(form.clone().set("password", "a wrong one")).expect(401);
    browser.submit(page.form("Đăng nhập").set("password", PASSWORD)).expect(200)
}

both_databases! {
    fn whoever_signs_in_lands_on_the_list_and_the_history_knows(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let browser = app.browser();
        let answer = try_to_sign_in(&browser, &employee.login.to_uppercase(), PASSWORD);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
        let attributes = answer.header("set-cookie").unwrap().to_owned();
        assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"), "{attributes}");
        let page = browser.get("/");
        assert_eq!(page.path(), "/applications");
        assert!(page.text_of(".person").contains(&employee.name));
        let kinds: Vec<EventKind> = app.db(|conn| {
            events::table.filter(events::staff_id.eq(employee.id)).select(events::kind).load(conn)
        });
        assert_eq!(kinds, [EventKind::SignedIn]);
    }

    fn an_unknown_name_a_wrong_password_and_a_locked_person_get_the_same_answer(app: TestApp) {
        let [known, locked] = [(); 2].map(|()| app.employee(Role::Officer, &app.offices.ba_dinh));
        app.db(|conn| tnhs::db::staff::set_locked(conn, locked.id, Some(clock::now())));
        let answers = [("nobody.here", PASSWORD), (&known.login, "a wrong one"), (&locked.login, PASSWORD)];
        let answers = answers.map(|(login, password)| {
            let page = try_to_sign_in(&app.browser(), login, password);
            (page.status, page.text(), page.html.replace(login, "…"))
        });
        assert_eq!(answers[0].0, 401);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }

    fn wrong_passwords_make_one_wait_longer_and_longer(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let browser = app.browser();
        for _ in 0..3 {
            assert_eq!(try_to_sign_in(&browser, &employee.login, "a wrong one").status, 401);
        }
        wrong_passwords(&app, 3, TimeDelta::zero());
        let page = try_to_sign_in(&browser, &employee.login, PASSWORD).expect(429);
        assert!(page.has_text("Hãy đợi 1 giây") && page.form("/sign-in").value("login") == employee.login, "{page}");
        wrong_passwords(&app, 10, TimeDelta::seconds(100));
        assert!(try_to_sign_in(&browser, &employee.login, PASSWORD).expect(429).has_text("Hãy đợi 2"), "128 − 100");
        wrong_passwords(&app, 10, TimeDelta::seconds(129));
        assert_eq!(try_to_sign_in(&browser, &employee.login, PASSWORD).status, 303);
    }

    fn the_right_password_or_a_day_makes_the_wrong_ones_forgotten(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let wrong = |times| (0..times).for_each(|_| {
            assert_eq!(try_to_sign_in(&app.browser(), &employee.login, "a wrong one").status, 401);
        });
        wrong(2);
        app.sign_in(&employee);
        wrong(2);
        assert_eq!(try_to_sign_in(&app.browser(), &employee.login, PASSWORD).status, 303, "2 and 2 are not 4");
        wrong(1);
        wrong_passwords(&app, 1_000, TimeDelta::hours(23));
        wrong(1);
        wrong_passwords(&app, 1_000, TimeDelta::hours(25));
        wrong(1);
        let failures: Vec<i32> =
            app.db(|conn| sign_in_failures::table.select(sign_in_failures::failures).load(conn));
        assert_eq!(failures, [1, 1, 1], "of the name here, of the name anywhere, of the address");
    }

    fn trying_many_names_from_one_address_is_slowed_down_too(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        assert_eq!(try_to_sign_in(&app.browser(), "first.name", "a wrong one").status, 401);
        wrong_passwords(&app, 49, TimeDelta::zero());
        assert_eq!(try_to_sign_in(&app.browser(), "second.name", "a wrong one").status, 401, "an office shares one");
        wrong_passwords(&app, 50, TimeDelta::zero());
        assert_eq!(try_to_sign_in(&app.browser(), "third.name", "a wrong one").status, 429);
        assert_eq!(try_to_sign_in(&app.browser(), &employee.login, PASSWORD).status, 429);
    }

    fn whoever_guesses_from_elsewhere_keeps_nobody_out(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let from_elsewhere = || {
            let body = format!("login={}&password=x", employee.login).into_bytes();
            let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", app.url.as_str()),
                ("X-Forwarded-For", "198.51.100.7")];
            app.browser().send("POST", "/sign-in", &headers, body).status
        };
        assert_eq!(from_elsewhere(), 401);
        wrong_passwords(&app, 10, TimeDelta::zero());
        assert_eq!(from_elsewhere(), 429);
        assert_eq!(try_to_sign_in(&app.browser(), &employee.login, PASSWORD).status, 303);
        // However many there are, nobody waits for more than a minute because of what somebody else does.
        wrong_passwords(&app, 0, TimeDelta::zero());
        assert_eq!(from_elsewhere(), 401);
        wrong_passwords(&app, 1_000, TimeDelta::seconds(61));
        assert_eq!(from_elsewhere(), 429);
        assert_eq!(try_to_sign_in(&app.browser(), &employee.login, PASSWORD).status, 303);
    }

    /// Each try is counted before it is judged: a hundred at once are not one.
    fn wrong_passwords_at_once_are_counted_each(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..12)
                .map(|_| scope.spawn(|| try_to_sign_in(&app.browser(), &employee.login, "a wrong one").status))
                .collect();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let judged = statuses.iter().filter(|status| **status == 401).count();
        assert!((3..=6).contains(&judged) && statuses.iter().all(|s| matches!(s, 401 | 429)), "{statuses:?}");
    }

    fn signing_in_gives_a_session_of_its_own(app: TestApp) {
        let [first, second] = [(); 2].map(|()| app.employee(Role::Officer, &app.offices.ba_dinh));
        let browser = app.browser();
        let before = cookie(&try_to_sign_in(&browser, &first.login, PASSWORD));
        assert!(opens(&app, &before));
        // Somebody else signs in in the same browser, without signing out first.
        let form = app.browser().get("/sign-in").form("/sign-in");
        let after = cookie(&browser.submit_only(&form.set("login", &second.login).set("password", PASSWORD)));
        assert!(before != after && opens(&app, &after));
        assert!(!opens(&app, &before), "the session before is over");
        let made_up = before.chars().rev().collect::<String>();
        assert!(!opens(&app, &format!("tnhs={made_up}")));
    }

    fn a_session_ends_after_a_quarter_of_an_hour_of_doing_nothing(app: TestApp) {
        let (_, browser) = officer(&app);
        age_sessions(&app, TimeDelta::minutes(14), TimeDelta::hours(1));
        assert!(is_signed_in(&browser), "14 minutes are not yet too long");
        age_sessions(&app, TimeDelta::minutes(16), TimeDelta::hours(1));
        assert!(!is_signed_in(&browser));
        age_sessions(&app, TimeDelta::zero(), TimeDelta::hours(1));
        assert!(!is_signed_in(&browser), "what ended stays ended");
    }

    fn working_keeps_a_session_alive_but_not_for_ever(app: TestApp) {
        let (_, browser) = officer(&app);
        for _ in 0..3 {
            age_sessions(&app, TimeDelta::minutes(10), TimeDelta::hours(7));
            assert!(is_signed_in(&browser));
            let seen: chrono::NaiveDateTime = app.db(|conn| {
                sessions::table.filter(sessions::staff_id.is_not_null()).select(sessions::last_seen_at).first(conn)
            });
            assert!(clock::now() - seen < TimeDelta::minutes(1), "that look was not noted");
        }
        age_sessions(&app, TimeDelta::zero(), TimeDelta::minutes(8 * 60 + 1));
        assert!(!is_signed_in(&browser));
    }

    fn whoever_is_locked_is_out_at_once(app: TestApp) {
        let (first, browser) = officer(&app);
        let (second, other) = officer(&app);
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        admin.submit(admin.get("/staff").form(&format!("Khóa {}", first.login))).expect(200);
        assert!(!is_signed_in(&browser));
        // Also when it is written into the database by hand.
        app.db(|conn| diesel::update(staff::table.find(second.id))
            .set(staff::locked_at.eq(Some(clock::now()))).execute(conn));
        assert!(!is_signed_in(&other));
        admin.submit(admin.get("/staff").form(&format!("Mở khóa {}", first.login))).expect(200);
        assert!(is_signed_in(&app.sign_in(&first)));
    }

    fn an_admin_ends_somebodys_sessions(app: TestApp) {
        let (employee, browser) = officer(&app);
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        admin.submit(admin.get("/staff").form(&format!("Kết thúc phiên {}", employee.login))).expect(200);
        assert!(!is_signed_in(&browser));
        assert!(is_signed_in(&app.sign_in(&employee)));
    }

    fn signing_out_ends_the_session_on_the_server(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let browser = app.browser();
        let cookie = cookie(&try_to_sign_in(&browser, &employee.login, PASSWORD));
        assert_eq!(browser.submit(browser.get("/").form("Đăng xuất")).path(), "/sign-in");
        assert!(!opens(&app, &cookie), "the cookie is worth nothing any more");
        assert!(!is_signed_in(&browser));
    }

    fn a_decision_that_was_typed_when_the_session_ended_is_there_after_signing_in(app: TestApp) {
        let (employee, browser) = officer(&app);
        let application = app.ready("Trần Thị Bích Ngọc");
        let form = browser.open(&application).invalid("Chữ ký khác; \"giấy tờ\" & <tờ khai>").check("id_compared");
        app.end_all_sessions();
        let page = browser.submit(form);
        let page = sign_in_again(&browser, &page, &employee);
        assert_eq!(page.path(), format!("/applications/{}", application.id));
        assert!(page.told().contains("được giữ lại"), "{page}");
        assert_eq!(app.status(&application), Status::Pending, "nothing is recorded without a look");
        let form = page.form("Ghi nhận");
        assert_eq!(form.value("outcome"), "invalid");
        assert_eq!(form.value("reason"), "Chữ ký khác; \"giấy tờ\" & <tờ khai>");
        assert_eq!((form.value("id_compared"), form.value("form_signed")), ("1", ""));
        browser.submit(form).expect(200);
        assert_eq!(app.status(&application), Status::Rejected);
    }

    fn a_declaration_that_was_typed_when_the_session_ended_is_there_after_signing_in(app: TestApp) {
        let (employee, browser) = officer(&app);
        let typed = [("code", "99"), ("name", "Lê Thị Hồng"), ("birth_date", "1990"), ("phone", "+84 951 234 567"),
            ("address", "Số 5, ngõ 7"), ("guardian_name", "Lê Văn Ba")];
        let form = browser.get("/applications/new").form("Ghi nhận");
        let mut form = form.set("sex", "female").set("province_code", "01");
        for (field, value) in typed {
            form = form.set(field, value);
        }
        app.end_all_sessions();
        let page = browser.submit(form);
        let page = sign_in_again(&browser, &page, &employee);
        assert_eq!(page.path(), "/applications/new");
        let form = page.form("Ghi nhận");
        for (field, value) in typed.into_iter().chain([("sex", "female"), ("province_code", "01")]) {
            assert_eq!(form.value(field), value, "{field}");
        }
        let again = browser.get("/applications/new").form("Ghi nhận");
        assert_eq!(again.value("name"), "", "it is handed back once");
    }

    fn a_search_that_was_typed_when_the_session_ended_runs_after_signing_in(app: TestApp) {
        let (employee, browser) = officer(&app);
        app.ready("Trần Thị Bích Ngọc");
        app.declared(&app.offices.ba_dinh, &app.citizen("Phạm Văn Sơn"));
        let form = browser.get("/applications").form("Tra cứu").set("q", "bich ngoc").set("size", "100");
        app.end_all_sessions();
        let page = browser.submit(form);
        let page = sign_in_again(&browser, &page, &employee);
        assert_eq!(page.path(), "/applications");
        assert_eq!(page.texts_of("td.name"), ["Trần Thị Bích Ngọc"]);
        assert_eq!((page.form("Tra cứu").value("q"), page.form("Tra cứu").value("size")), ("bich ngoc", "100"));
    }

    fn a_photo_that_was_sent_when_the_session_ended_leads_back_to_its_page(app: TestApp) {
        let (employee, browser) = officer(&app);
        let application = app.ready("Trần Thị Bích Ngọc");
        let form = browser.open(&application).form("Thay ảnh");
        app.end_all_sessions();
        let page = browser.submit(form.attach("file", "a.jpg", "image/jpeg", support::portrait())).expect(200);
        assert_eq!(page.path(), "/sign-in");
        let form = page.form("Đăng nhập").set("login", &employee.login).set("password", PASSWORD);
        assert_eq!(browser.submit(form).expect(200).path(), format!("/applications/{}", application.id));
        let photos = app.db(|conn| tnhs::db::photos::of_application(conn, application.id));
        assert_eq!(photos.iter().filter(|photo| photo.kind == PhotoKind::Portrait).count(), 1);
    }

    fn a_password_that_was_typed_when_the_session_ended_is_kept_nowhere(app: TestApp) {
        let (_, browser) = officer(&app);
        let form = browser.get("/password").form("Đổi mật khẩu").set("current", PASSWORD);
        app.end_all_sessions();
        let page = browser.submit(form.set("new", OWN).set("again", OWN));
        assert_eq!(page.path(), "/sign-in");
        assert!(!page.html.contains(OWN) && !page.html.contains(PASSWORD), "{}", page.html);
    }

    fn whoever_must_sign_in_first_comes_back_to_the_page(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let application = app.ready("Trần Thị Bích Ngọc");
        let browser = app.browser();
        let page = browser.get(&format!("/applications/{}?list=abc", application.id));
        assert_eq!(page.path(), "/sign-in");
        let page = browser.submit(page.form("Đăng nhập").set("login", &employee.login).set("password", PASSWORD));
        assert_eq!(page.expect(200).url, format!("/applications/{}?list=abc", application.id));
    }

    fn signing_in_leads_nowhere_else(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        for next in ["https://example.com/", "//example.com", "/\\example.com", "\\\\example.com", "/\t/example.com",
            "/\n/example.com", "/ /example.com", "javascript:alert(1)", "example.com", "/\0", "/ứng dụng", ""]
        {
            let browser = app.browser();
            let form = browser.get(&format!("/sign-in?next={}", support::form::encoded(next))).form("Đăng nhập");
            assert_eq!(form.value("next").replace('\u{FFFD}', "\0"), next);
            let form = form.set("login", &employee.login).set("password", PASSWORD).forge("next", next);
            let answer = browser.submit_only(&form);
            assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{next:?}");
            let again = browser.send("GET", &format!("/sign-in?next={}", support::form::encoded(next)), &[], vec![]);
            assert_eq!((again.status, again.header("location")), (303, Some("/")), "{next:?}");
        }
    }

    fn a_password_that_was_given_must_be_changed_before_anything_else(app: TestApp) {
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        let form = admin.get("/staff").form("Thêm cán bộ").set("login", "Hanh.TTM").set("name", "Trần Thị Minh Hạnh");
        let page = admin.submit(form.set("role", "officer").set("agency", "00101")).expect(200);
        let given = page.text_of("code.secret");
        assert!(!admin.get("/staff").html.contains(&given), "it is shown once");

        let browser = app.browser();
        assert_eq!(try_to_sign_in(&browser, "hanh.ttm", &given).status, 303);
        for path in ["/", "/applications", "/applications/new"] {
            assert_eq!(browser.get(path).path(), "/password", "{path}");
        }
        let change = |current: &str, new: &str, again: &str| {
            let form = browser.get("/password").form("Đổi mật khẩu").set("current", current);
            browser.submit(form.set("new", new).set("again", again))
        };
        for (current, new, again, field) in [
            ("a wrong one", OWN, OWN, "current"), (&given, "ngắn", "ngắn", "new"), (&given, "Hanh.ttm-2026", "", "new"),
            (&given, &given, &given, "new"), (&given, OWN, "another one", "again"),
        ] {
            assert!(change(current, new, again).expect(422).fault(field).is_some(), "{new}");
        }
        assert_eq!(browser.get("/applications").path(), "/password", "still");
        assert_eq!(change(&given, OWN, OWN).expect(200).path(), "/applications");
        assert_eq!(try_to_sign_in(&app.browser(), "hanh.ttm", &given).status, 401);
        assert_eq!(try_to_sign_in(&app.browser(), "hanh.ttm", OWN).status, 303);
    }

    fn changing_the_password_ends_the_other_sessions(app: TestApp) {
        let (employee, browser) = officer(&app);
        let elsewhere = app.sign_in(&employee);
        let form = browser.get("/password").form("Đổi mật khẩu").set("current", PASSWORD);
        browser.submit(form.set("new", OWN).set("again", OWN)).expect(200);
        assert!(is_signed_in(&browser) && !is_signed_in(&elsewhere));
    }
}
