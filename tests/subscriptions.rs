//! Reports that come by e-mail: at their time, of the period before, once, and only to whoever may still see them.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use calamine::{Reader, Xlsx};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use support::{Browser, Employee, TestApp, TestDb, both_databases, hanoi};
use tnhs::clock;
use tnhs::db::schema::{events, staff, subscriptions as table};
use tnhs::db::subscriptions as sent;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::AgencyId;
use tnhs::domain::permission::Role;
use tnhs::domain::subscription::Fault;
use tnhs::jobs::subscriptions as job;
use tnhs::startup::Parts;

/// A supervisor of Hanoi with an address, and what they see.
fn someone(app: &TestApp) -> (Employee, Browser) {
    let employee = app.employee(Role::Supervisor, &app.offices.hanoi);
    app.db(|conn| {
        diesel::update(staff::table.find(employee.id)).set(staff::email.eq("giam.sat@example.vn")).execute(conn)
    });
    let browser = app.sign_in(&employee);
    (employee, browser)
}

fn subscribed(app: &TestApp, browser: &Browser, every: &str) {
    let page = browser.get("/subscriptions");
    let form = page.form("Nhận báo cáo").set("every", every);
    let page = browser.submit(form).expect(200);
    assert!(page.told().contains("Đã đăng ký. Báo cáo đầu tiên được gửi lúc"), "{page}");
    // The tests have a calendar of their own.
    let due = if every == "week" { hanoi("30/11/2026 07:00") } else { hanoi("01/12/2026 07:00") };
    app.db(|conn| diesel::update(table::table).set((table::due_at.eq(due), table::next_at.eq(due))).execute(conn));
}

fn try_at(parts: &Arc<Parts>, now: NaiveDateTime) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(job::step(parts, now))
}

/// Whether a worker that looks then finds something to send.
fn at(app: &TestApp, now: &str) -> bool {
    try_at(&app.parts, hanoi(now)).unwrap()
}

fn attached(app: &TestApp) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(app.data_dir().join("mail")) else { return Vec::new() };
    let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|it| it == "xlsx"));
    all.sort();
    all
}

fn words_of(file: &PathBuf) -> String {
    let mut book: Xlsx<_> = calamine::open_workbook(file).unwrap();
    let range = book.worksheet_range("Báo cáo").unwrap();
    range.rows().flatten().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn due(app: &TestApp) -> (NaiveDateTime, Option<Fault>, i32) {
    app.db(|conn| table::table.select((table::due_at, table::fault, table::tries)).first(conn))
}

fn exported(app: &TestApp) -> i64 {
    app.db(|conn| events::table.filter(events::kind.eq(EventKind::Exported)).count().get_result(conn))
}

both_databases! {
    fn on_monday_at_seven_comes_the_week_before(app: TestApp) {
        let (_, browser) = someone(&app);
        app.declared_at(&app.offices.ba_dinh, &app.citizen("Trần Thị Bích Ngọc"), hanoi("29/11/2026 23:30"));
        app.declared_at(&app.offices.dong_da, &app.citizen("Lê Văn Sơn"), hanoi("30/11/2026 00:30"));
        subscribed(&app, &browser, "week");
        assert!(!at(&app, "30/11/2026 06:59"));
        assert!(at(&app, "30/11/2026 07:00"));
        assert!(!at(&app, "30/11/2026 07:00"), "once");
        let mail = app.mails().pop().unwrap();
        assert!(mail.starts_with("To: giam.sat@example.vn\nSubject: Tình hình giải quyết theo cơ quan. Từ ngày 23/11/2026 đến ngày 29/11/2026"), "{mail}");
        let files = attached(&app);
        assert!(files[0].to_string_lossy().ends_with("TinhHinhGiaiQuyetTheoCoQuan_20261130.xlsx"), "{files:?}");
        let words = words_of(&files[0]);
        assert!(words.contains("Từ ngày 23/11/2026 đến ngày 29/11/2026") && words.contains("Số xuất dữ liệu: "), "{words}");
        assert!(words.contains("Ba Đình") && !words.contains("Đống Đa"), "that of Monday belongs to the next week: {words}");
        assert_eq!((due(&app).0, exported(&app)), (hanoi("07/12/2026 07:00"), 1));
        assert!(browser.get("/subscriptions").has_text("30/11/2026 07:00"));
    }

    fn on_the_first_comes_the_month_before(app: TestApp) {
        let (_, browser) = someone(&app);
        subscribed(&app, &browser, "month");
        assert!(!at(&app, "30/11/2026 23:59") && at(&app, "01/12/2026 07:00"));
        assert!(words_of(&attached(&app)[0]).contains("Từ ngày 01/11/2026 đến ngày 30/11/2026"));
        assert_eq!(due(&app).0, hanoi("01/01/2027 07:00"));
    }

    fn what_was_due_while_nothing_ran_comes_once(app: TestApp) {
        let (_, browser) = someone(&app);
        subscribed(&app, &browser, "week");
        assert!(at(&app, "16/12/2026 10:00") && !at(&app, "16/12/2026 10:00"));
        assert_eq!((app.mails().len(), due(&app).0), (1, hanoi("21/12/2026 07:00")));
    }

    fn of_many_workers_one_sends_it(app: TestApp) {
        let (_, browser) = someone(&app);
        subscribed(&app, &browser, "week");
        let sent = AtomicUsize::new(0);
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    if at(&app, "30/11/2026 07:00") {
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!((sent.into_inner(), attached(&app).len(), exported(&app)), (1, 1, 1));
    }

    /// The process dies between sending and saying so: it is sent again, with the same number under the same key.
    fn a_report_whose_sender_died_is_sent_again_as_the_same(app: TestApp) {
        let (_, browser) = someone(&app);
        subscribed(&app, &browser, "week");
        app.dies_at("UPDATE", "subscriptions", "NEW.sent_at IS NOT NULL");
        assert!(try_at(&app.parts, hanoi("30/11/2026 07:00")).is_err());
        app.starts_again("subscriptions");
        let first = words_of(&attached(&app)[0]);
        assert!(!at(&app, "30/11/2026 07:02"), "its lease has not run out");
        assert!(at(&app, "30/11/2026 07:04"));
        assert_eq!((app.mails().len(), attached(&app).len(), exported(&app)), (1, 1, 1), "a file of the same name");
        let number = |words: &str| words.lines().find(|line| line.starts_with("Số xuất")).map(str::to_owned);
        assert_eq!(number(&first), number(&words_of(&attached(&app)[0])));
    }

    fn a_mail_server_that_is_away_is_asked_again_and_given_up_visibly(database: TestDb) {
        // Nobody listens there.
        let app = database.serve(&[("TNHS_SMTP_URL", "smtp://127.0.0.1:9?from=tnhs@example.vn")]);
        let (_, browser) = someone(&app);
        subscribed(&app, &browser, "week");
        let mut now = hanoi("30/11/2026 07:00");
        assert!(try_at(&app.parts, now).unwrap());
        assert_eq!(due(&app), (hanoi("30/11/2026 07:00"), Some(Fault::Retrying), 1));
        assert!(browser.get("/subscriptions").has_text("Máy chủ thư chưa nhận"));
        assert!(!try_at(&app.parts, now + TimeDelta::seconds(30)).unwrap(), "not at once");
        while due(&app).1 == Some(Fault::Retrying) {
            now += TimeDelta::hours(1);
            try_at(&app.parts, now).unwrap();
        }
        assert!(now < hanoi("02/12/2026 07:00"));
        assert_eq!(due(&app), (hanoi("07/12/2026 07:00"), Some(Fault::Gateway), 0));
        assert_eq!(exported(&app), 1, "all tries are of one export");
        assert!(browser.get("/subscriptions").has_text("Máy chủ thư không nhận"));
    }

    fn nothing_is_sent_to_whoever_may_not_see_it_any_more(app: TestApp) {
        let (employee, browser) = someone(&app);
        subscribed(&app, &browser, "week");
        let of = staff::table.find(employee.id);
        let locked = |at: Option<NaiveDateTime>| app.db(|conn| diesel::update(of).set(staff::locked_at.eq(at)).execute(conn));
        locked(Some(clock::now()));
        assert!(at(&app, "30/11/2026 07:00"));
        assert_eq!((app.mails().len(), due(&app).1, exported(&app)), (0, Some(Fault::NotAllowed), 0));
        locked(None);
        app.db(|conn| diesel::update(of).set(staff::role.eq(Role::Officer)).execute(conn));
        assert!(at(&app, "07/12/2026 07:00"));
        assert_eq!((app.mails().len(), due(&app).1), (0, Some(Fault::NotAllowed)));
        // A supervisor again, but of another province, and the report is of Ba Đình.
        let (hue, ba_dinh) = (app.offices.hue.id, app.offices.ba_dinh.id);
        app.db(|conn| diesel::update(of).set((staff::role.eq(Role::Supervisor), staff::agency_id.eq(hue))).execute(conn));
        app.db(|conn| diesel::update(table::table).set(table::agency_id.eq(Some(ba_dinh))).execute(conn));
        assert!(at(&app, "14/12/2026 07:00"));
        assert_eq!((app.mails().len(), due(&app).1), (0, Some(Fault::NotAllowed)));
        // They may again, and all is as before.
        app.db(|conn| diesel::update(table::table).set(table::agency_id.eq(None::<AgencyId>)).execute(conn));
        assert!(at(&app, "21/12/2026 07:00"));
        assert_eq!((app.mails().len(), due(&app).1), (1, None));
    }

    fn without_an_address_the_page_says_what_to_do(app: TestApp) {
        let employee = app.employee(Role::Supervisor, &app.offices.hanoi);
        let browser = app.sign_in(&employee);
        let page = browser.get("/subscriptions").expect(200);
        assert!(page.has_text("Hãy nhờ quản trị") && !page.has_button("Nhận báo cáo"), "{page}");
        app.officer(&app.offices.ba_dinh).get("/subscriptions").expect(403);
    }

    fn a_wrong_time_is_told_beside_its_field_and_a_report_is_stopped(app: TestApp) {
        let (employee, browser) = someone(&app);
        let form = browser.get("/subscriptions").form("Nhận báo cáo").set("time", "25:00").set("every", "month");
        let page = browser.submit(form).expect(422);
        assert!(page.fault("time").is_some() && page.form("Nhận báo cáo").value("every") == "month", "{page}");
        subscribed(&app, &browser, "week");
        let (_, other) = someone(&app);
        let id: i64 = app.db(|conn| table::table.select(table::id).first(conn));
        assert!(!other.get("/subscriptions").has_button("Dừng"));
        let stop = browser.get("/subscriptions").form(&format!("/subscriptions/{id}/stop"));
        let stopped = app.db(|conn| {
            let other = staff::table.filter(staff::id.ne(employee.id)).select(staff::id).order(staff::id.desc()).first(conn)?;
            sent::stop(conn, other, tnhs::domain::ids::SubscriptionId(id), clock::now())
        });
        assert!(!stopped, "of somebody else");
        browser.submit(stop).expect(200);
        assert!(!at(&app, "30/11/2026 07:00") && app.mails().is_empty());
    }
}
