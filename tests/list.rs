//! The list itself: its order, its pages, its counters, and the filter that comes back.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::TimeDelta;
use diesel::prelude::*;

use support::{Browser, Page, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::schema::applications;
use tnhs::domain::application::{Application, Status};
use tnhs::domain::permission::Role;

fn names(page: &Page) -> Vec<String> {
    page.texts_of("td.name")
}

/// Declared at Ba Đình so many hours ago.
fn declared(app: &TestApp, name: &str, hours: i64) -> Application {
    app.declared_at(&app.offices.ba_dinh, &app.citizen(name), clock::now() - TimeDelta::hours(hours))
}

fn put(app: &TestApp, application: &Application, status: Status, by: Option<&support::Employee>) {
    app.db(|conn| {
        diesel::update(applications::table.find(application.id))
            .set((
                applications::status.eq(status),
                applications::decided_by.eq(by.map(|by| by.id)),
                applications::decided_at.eq(by.map(|_| clock::now())),
            ))
            .execute(conn)
    });
}

fn found(page: &Page) -> String {
    page.texts_of(".counters p").remove(0)
}

fn press(browser: &Browser, page: &Page, button: &str) -> Page {
    browser.submit(page.form(button)).expect(200)
}

both_databases! {
    fn what_waits_comes_first_and_the_newest_first(app: TestApp) {
        for (name, hours, status) in [("Cũ Chờ", 90, Status::Pending), ("Duyệt", 1, Status::Approved),
            ("Mới Chờ", 20, Status::Pending), ("Từ Chối", 2, Status::Rejected), ("Chờ Mã", 3, Status::AwaitingCode)]
        {
            put(&app, &declared(&app, name, hours), status, None);
        }
        app.declared(&app.offices.dong_da, &app.citizen("Nơi Khác"));
        let page = app.officer(&app.offices.ba_dinh).get("/applications");
        assert_eq!(names(&page), ["Mới Chờ", "Cũ Chờ", "Duyệt", "Từ Chối", "Chờ Mã"]);
        assert_eq!(page.texts_of("td.stt"), ["1", "2", "3", "4", "5"]);
        let above = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi)).get("/applications");
        assert_eq!(names(&above), ["Nơi Khác", "Duyệt", "Từ Chối", "Chờ Mã", "Mới Chờ", "Cũ Chờ"], "by time alone");
    }

    fn a_row_tells_all_that_the_columns_promise(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let officer = app.sign_in(&employee);
        let heads = officer.get("/applications").texts_of("thead th");
        assert_eq!(heads[1..], ["STT", "Số hồ sơ", "Mã số BHXH", "Họ và tên", "Ngày sinh", "Điện thoại", "Ngày gửi",
            "Hạn", "Cơ quan BHXH", "Tình trạng", "Trạng thái", "Cán bộ"]);
        officer.submit(officer.open(&application).valid()).expect(200);
        let row = officer.get("/applications").texts_of("tbody td");
        let person = &application.declaration;
        let sent = tnhs::domain::dates::show_time(application.submitted_at);
        assert_eq!(row[1..], ["1", application.number.as_str(), person.code.as_str(), "Trần Thị Bích Ngọc",
            "05/03/1990", person.phone.as_str(), &sent, "Đúng hạn", "BHXH cơ sở Ba Đình", "Đăng ký mới",
            "Đã duyệt", &employee.name]);
    }

    fn each_column_sorts_both_ways(app: TestApp) {
        // Each order by another column is another one. Who has no birth date comes last.
        let people = [("Trần Văn An", "1980", 30), ("Bùi Thị Anh", "", 10), ("Lê Thị Ánh", "1970", 20)];
        for (name, born, hours) in people {
            let mut person = app.citizen(name);
            person.birth_date = tnhs::domain::dates::BirthDate::parse(born, clock::now().date()).ok();
            app.declared_at(&app.offices.ba_dinh, &person, clock::now() - TimeDelta::hours(hours));
        }
        let officer = app.officer(&app.offices.ba_dinh);
        let start = officer.get("/applications");
        let (an, anh, accented) = ("Trần Văn An", "Bùi Thị Anh", "Lê Thị Ánh");
        for (column, expected) in [
            ("Họ và tên", [an, anh, accented]), ("Ngày sinh", [accented, an, anh]), ("Ngày gửi", [an, accented, anh]),
            ("Hạn", [an, accented, anh]), ("Số hồ sơ", [an, anh, accented]), ("Mã số BHXH", [an, anh, accented]),
            ("Điện thoại", [an, anh, accented]), ("Trạng thái", [an, anh, accented]),
            ("Tình trạng", [an, anh, accented]),
            ("Cơ quan BHXH", [an, anh, accented]), ("Cán bộ", [an, anh, accented]),
        ] {
            let page = press(&officer, &start, column);
            assert_eq!(names(&page), expected, "by {column}");
            assert_eq!(page.texts_of("th[aria-sort=ascending]"), [column]);
            let page = press(&officer, &page, column);
            assert!(names(&page).iter().eq(expected.iter().rev()), "by {column}, the other way: {:?}", names(&page));
            assert_eq!(page.texts_of("th[aria-sort=descending]"), [column]);
            let page = press(&officer, &page, "Về thứ tự mặc định");
            assert_eq!(names(&page), [anh, accented, an]);
        }
    }

    fn sorting_by_officer_keeps_each_ones_together(app: TestApp) {
        let [first, second] = [(); 2].map(|()| app.employee(Role::Officer, &app.offices.ba_dinh));
        for (count, by) in [Some(&second), None, Some(&first), None, Some(&second)].into_iter().enumerate() {
            let status = if by.is_some() { Status::Approved } else { Status::Pending };
            put(&app, &declared(&app, "Lê Thị Hồng", count as i64), status, by);
        }
        let officer = app.sign_in(&first);
        let page = press(&officer, &officer.get("/applications"), "Cán bộ");
        let officers = page.texts_of("td[data-label='Cán bộ']");
        let (one, two) = (first.name.as_str(), second.name.as_str());
        assert_eq!(officers, [one, two, two, "", ""], "what nobody has decided comes last");
        assert_eq!(press(&officer, &page, "Cán bộ").texts_of("td[data-label='Cán bộ']"), [two, two, one, "", ""]);
    }

    fn pages_neither_repeat_nor_lose_a_row(app: TestApp) {
        for count in 0..60 {
            // All at one moment: only the number can keep them apart.
            let person = app.citizen("Lê Thị Hồng");
            let at = clock::now() - TimeDelta::hours(count / 30);
            app.declared_without_portrait(&app.offices.ba_dinh, &person, at);
        }
        let officer = app.officer(&app.offices.ba_dinh);
        let start = officer.get("/applications");
        assert_eq!(start.texts_of("#size option"), ["25", "50", "100", "500"]);
        for sorted in [start.form("Tra cứu"), start.form("Trạng thái"), start.form("Tra cứu").set("q", "hong le")] {
            let mut page = officer.submit(sorted).expect(200);
            let (mut numbers, mut positions) = (Vec::new(), Vec::new());
            for size in [25, 25, 10] {
                assert_eq!((names(&page).len(), found(&page)), (size, "60 hồ sơ".into()));
                numbers.extend(page.texts_of("td[data-label='Số hồ sơ']"));
                positions.extend(page.texts_of("td.stt"));
                assert!(page.text_of(".pages").contains("/ 3"), "{page}");
                if page.has_link("Trang sau ›") {
                    page = officer.click(&page, "Trang sau ›").expect(200);
                }
            }
            assert!(!page.has_link("Trang sau ›"));
            assert!(positions.iter().enumerate().all(|(at, stt)| *stt == (at + 1).to_string()));
            numbers.sort();
            numbers.dedup();
            assert_eq!(numbers.len(), 60);
            assert_eq!(names(&officer.click(&page, "‹ Trang trước").expect(200)).len(), 25);
            let page = officer.submit(page.form("Đến").set("page", "3")).expect(200);
            assert_eq!(names(&page).len(), 10);
            let page = officer.submit(page.form("Đến").set("page", "9")).expect(200);
            assert!(page.has_text("Trang này đã hết hồ sơ."), "{page}");
        }
        for (size, rows) in [("50", 50), ("100", 60), ("500", 60), ("25", 25)] {
            let page = officer.submit(officer.get("/applications").form("Tra cứu").set("size", size)).expect(200);
            assert_eq!(names(&page).len(), rows, "{size} a page");
            assert_eq!(page.form("Tra cứu").value("size"), size);
        }
        let page = officer.submit(start.form("Tra cứu").forge("size", "1000000")).expect(200);
        assert_eq!(names(&page).len(), 25, "a size that is not offered is the usual one");
    }

    fn the_counters_tell_how_many_are_found_and_how_many_of_mine_are_late(app: TestApp) {
        for hours in [1, 2, 24 * 11, 24 * 12] {
            declared(&app, "Lê Thị Hồng", hours);
        }
        put(&app, &declared(&app, "Lê Văn Muộn", 24 * 15), Status::Approved, None);
        let person = app.citizen("Nơi Khác");
        app.declared_at(&app.offices.dong_da, &person, clock::now() - TimeDelta::days(11));
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.get("/applications");
        assert_eq!(found(&page), "5 hồ sơ");
        assert_eq!(page.text_of("p.late"), "2 hồ sơ của cơ quan tôi đang muộn");
        let late = press(&officer, &page, "2 hồ sơ của cơ quan tôi đang muộn");
        assert_eq!((found(&late), names(&late).len()), ("2 hồ sơ".into(), 2));
        assert!(late.texts_of("td[data-label='Hạn'] .badge").iter().all(|badge| badge == "Muộn"));
        // What is decided counts at once, also right after a look.
        let link = late.texts_of("td[data-label='Số hồ sơ']").remove(0);
        let detail = officer.click(&late, &link);
        officer.submit(detail.invalid("Tờ khai chưa ký")).expect(200);
        assert_eq!(officer.get("/applications").text_of("p.late"), "1 hồ sơ của cơ quan tôi đang muộn");
        let above = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi)).get("/applications");
        assert_eq!((found(&above), above.text_of("p.late")), ("6 hồ sơ".into(), "2 hồ sơ đang muộn".into()));
        let nobody = app.officer(&app.offices.phu_xuan).get("/applications");
        assert!(nobody.has_text("Không có hồ sơ muộn"), "{nobody}");
    }

    fn the_filter_survives_leaving_and_comes_back(app: TestApp) {
        let application = declared(&app, "Trần Thị Bích Ngọc", 1);
        declared(&app, "Lê Văn Dũng", 2);
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.get("/applications").form("Tra cứu").set("q", "bich ngoc").set("size", "100");
        let list = officer.submit(form.set("status", "pending")).expect(200);
        let list = press(&officer, &list, "Ngày sinh");
        let is_there = |page: &Page| {
            assert_eq!(names(page), ["Trần Thị Bích Ngọc"], "{page}");
            let form = page.form("Tra cứu");
            assert_eq!((form.value("q"), form.value("status"), form.value("size")), ("bich ngoc", "pending", "100"));
            assert_eq!(page.texts_of("th[aria-sort=ascending]"), ["Ngày sinh"]);
        };
        let detail = officer.click(&list, application.number.as_str());
        is_there(&officer.click(&detail, "Thoát"));
        is_there(&officer.click(&detail, "Về danh sách"));
        is_there(&officer.click(&officer.get("/applications/new"), "Cá nhân"));
        // The list that was open in another tab keeps its own.
        let other = officer.submit(list.form("Tra cứu").set("q", "dung")).expect(200);
        assert_eq!(names(&other), ["Lê Văn Dũng"]);
        is_there(&officer.click(&detail, "Thoát"));
        let detail = officer.submit(detail.invalid("Tờ khai chưa ký")).expect(200);
        let back = officer.click(&detail, "Thoát");
        assert_eq!((names(&back).len(), back.form("Tra cứu").value("q")), (0, "bich ngoc"), "it waits no more");
        assert!(!app.officer(&app.offices.ba_dinh).get("/applications").has_text("Tìm:"), "nobody else has it");
    }

    fn each_criterion_can_be_taken_away(app: TestApp) {
        declared(&app, "Trần Thị Bích Ngọc", 1);
        let lone = declared(&app, "Lê Văn Dũng", 2);
        put(&app, &lone, Status::Rejected, None);
        let officer = app.officer(&app.offices.ba_dinh);
        let day = tnhs::domain::dates::show_date(tnhs::domain::dates::to_hanoi(clock::now()).date());
        let mut form = officer.get("/applications").form("Tra cứu");
        for (field, value) in [("q", "bich"), ("numbers", "1 2"), ("from", "01/01/2020"), ("to", day.as_str()),
            ("kind", "new"), ("status", "pending"), ("deadline", "on_time"), ("group", "officer")]
        {
            form = form.set(field, value);
        }
        let page = officer.submit(form).expect(200);
        let chips = page.texts_of(".chips li");
        assert_eq!(chips, ["Tìm: bich ×", "Số hồ sơ: 1 2 ×", "Từ ngày: 01/01/2020 ×", &format!("Đến ngày: {day} ×"),
            "Tình trạng: Đăng ký mới ×", "Trạng thái: Chờ duyệt ×", "Hạn: Đúng hạn ×", "Nhóm theo: Cán bộ ×"]);
        let page = press(&officer, &page, "Bỏ điều kiện Tìm: bich");
        assert_eq!(page.select(".chips li").len(), 7);
        assert_eq!(names(&page), ["Trần Thị Bích Ngọc"]);
        let page = press(&officer, &page, "Bỏ điều kiện Trạng thái: Chờ duyệt");
        assert_eq!(names(&page).len(), 2);
        let page = press(&officer, &page, "Bỏ hết điều kiện");
        assert!(page.select(".chips").is_empty());
        assert_eq!(names(&page).len(), 2);
    }

    fn the_list_can_be_grouped(app: TestApp) {
        let [first, second] = [(); 2].map(|()| app.employee(Role::Officer, &app.offices.ba_dinh));
        let people = [("Hai", 1, Some(&second)), ("Ba", 2, None), ("Tư", 3, Some(&first)), ("Năm", 4, Some(&second))];
        for (name, hours, by) in people {
            let status = if by.is_some() { Status::Approved } else { Status::Pending };
            put(&app, &declared(&app, &format!("Lê {name}"), hours), status, by);
        }
        app.declared(&app.offices.dong_da, &app.citizen("Lê Đống Đa"));
        let officer = app.sign_in(&first);
        let grouped = |browser: &Browser, by: &str| {
            browser.submit(browser.get("/applications").form("Tra cứu").set("group", by)).expect(200)
        };
        let page = grouped(&officer, "officer");
        assert_eq!(page.texts_of("tr.group"), [first.name.as_str(), &second.name, "Chưa có cán bộ"]);
        assert_eq!(names(&page), ["Lê Tư", "Lê Hai", "Lê Năm", "Lê Ba"]);
        let above = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        let page = grouped(&above, "agency");
        assert_eq!(page.texts_of("tr.group"), [app.offices.ba_dinh.name.as_str(), &app.offices.dong_da.name]);
    }

    fn an_unknown_or_ended_filter_is_said_to_be_one(app: TestApp) {
        declared(&app, "Trần Thị Bích Ngọc", 1);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.get("/applications?list=Zz0Zz0Zz").expect(200);
        assert!(page.has_text("Điều kiện lọc của trang đó không còn"));
        assert_eq!(names(&page).len(), 1);
        // So many tabs are remembered; one more pushes the first one out.
        let searches: Vec<Page> = (1..=21).map(|n| {
            officer.submit(page.form("Tra cứu").set("q", &format!("{n}00"))).expect(200)
        }).collect();
        assert_eq!(names(&officer.get(&searches[1].url)).len(), 0);
        let ended = officer.get(&searches[0].url);
        assert!(ended.has_text("Điều kiện lọc của trang đó không còn") && ended.has_text("Tìm: 2100"));
        assert!(!officer.get("/applications").has_text("Điều kiện lọc của trang đó không còn"), "it is said once");
    }
}
