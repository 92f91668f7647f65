//! *Danh bạ HGĐ*: an admin looks people up in the household registry and takes it out as a workbook.

#![allow(clippy::unwrap_used)]

#[macro_use]
mod support;

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use support::*;
use tnhs::clock;
use tnhs::db::registry;
use tnhs::domain::dates::BirthDate;
use tnhs::domain::event::EventKind;
use tnhs::domain::names::Name;
use tnhs::domain::permission::Role;
use tnhs::domain::registry::Member;

fn admin(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi))
}

fn look_up(browser: &Browser, typed: &str) -> Page {
    browser.submit(browser.get("/registry").form("/registry/search").set("q", typed)).expect(200)
}

fn names(page: &Page) -> Vec<String> {
    page.texts_of("td[data-label='Họ và tên']")
}

/// People with these names, known to the registry.
fn known(app: &TestApp, names: &[&str]) -> Vec<Member> {
    names.iter().map(|name| app.registered(&app.citizen(name))).collect()
}

/// What the history keeps of the workbooks that were taken out.
fn exported(app: &TestApp) -> Vec<String> {
    use diesel::prelude::*;
    use tnhs::db::schema::events;
    let of = events::table.filter(events::kind.eq(EventKind::RegistryExported)).order(events::id);
    app.db(|conn| of.select(events::after.assume_not_null()).load(conn))
}

fn rows(page: &Page) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(page.bytes.clone())).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    assert!(book.worksheet_formula("Danh bạ HGĐ").unwrap().is_empty(), "a formula");
    let text = |cell: &Data| match cell {
        Data::DateTime(date) => {
            let (year, month, day, ..) = date.to_ymd_hms_milli();
            format!("{day:02}/{month:02}/{year}")
        }
        cell => cell.to_string(),
    };
    range.rows().map(|row| row.iter().map(text).collect()).collect()
}

both_databases! {
    fn people_are_found_by_name_and_by_every_number(app: TestApp) {
        let mut people = known(&app, &["Trần Thị Bích Ngọc", "Trần Thị Bích Ngân", "Lê Văn Ngọc", "Đỗ Thị Hoà"]);
        people[2].household_code = Some("7700000001".into());
        app.register(&people[2]);
        let browser = admin(&app);
        let all = browser.get("/registry").expect(200);
        assert_eq!(all.text_of(".counters p"), "4 người");
        for (typed, found) in [
            ("tran thi bich", vec!["Trần Thị Bích Ngân", "Trần Thị Bích Ngọc"]),
            ("TRẦN THỊ BÍCH NGỌC", vec!["Trần Thị Bích Ngọc"]),
            // Nobody's name begins so: the word is looked for anywhere.
            ("ngoc", vec!["Lê Văn Ngọc", "Trần Thị Bích Ngọc"]),
            ("do thi hòa", vec!["Đỗ Thị Hoà"]),
            (people[1].code.as_str(), vec!["Trần Thị Bích Ngân"]),
            (people[1].id_number.as_ref().unwrap().as_str(), vec!["Trần Thị Bích Ngân"]),
            ("7700000001", vec!["Lê Văn Ngọc"]),
            ("goc", vec![]), ("%", vec![]), ("9999999999", vec![]),
        ] {
            let page = look_up(&browser, typed);
            assert_eq!(names(&page), found, "{typed}");
            assert!(!page.url.contains("ngoc") && !page.url.contains(people[1].code.as_str()), "{}", page.url);
            assert_eq!(page.form("/registry/search").value("q"), typed, "what was typed stays");
            assert_eq!(page.has_text("Không tìm thấy ai"), found.is_empty());
        }
    }

    fn pages_neither_repeat_nor_lose_anybody(app: TestApp) {
        let named: Vec<String> = (0..120).map(|at| format!("Lê Thị {}", if at % 2 == 0 { "Hồng" } else { "Hoa" })).collect();
        known(&app, &named.iter().map(String::as_str).collect::<Vec<_>>());
        let browser = admin(&app);
        for first in [browser.get("/registry"), look_up(&browser, "le thi")] {
            let codes = |page: &Page| page.texts_of("td[data-label='Mã số BHXH']");
            let second = browser.click(&first, "Trang sau ›");
            let third = browser.click(&second, "Trang sau ›");
            assert!(!third.has_link("Trang sau ›") && !first.has_link("‹ Trang trước"));
            let mut all: Vec<String> = [&first, &second, &third].into_iter().flat_map(codes).collect();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), 120);
            let back = browser.click(&third, "‹ Trang trước");
            assert_eq!(codes(&back), codes(&second));
            assert_eq!(codes(&browser.click(&back, "‹ Trang trước")), codes(&first));
            assert_eq!(codes(&browser.click(&third, "« Trang đầu")), codes(&first));
        }
    }

    fn each_code_shows_what_the_latest_changeset_says(app: TestApp) {
        let mut member = known(&app, &["Trần Văn An"]).remove(0);
        member.name = Name::parse("Trần Văn Ân").unwrap();
        app.register(&member);
        // Of a changeset that does not count nothing is seen.
        let unseen = app.citizen("Lê Thị Chưa Có");
        app.db(|conn| {
            let changeset = registry::begin(conn, None, None, clock::now())?;
            registry::write(conn, changeset, &[registry_entry(&unseen)])
        });
        let browser = admin(&app);
        assert_eq!(names(&browser.get("/registry")), ["Trần Văn Ân"]);
        assert_eq!(names(&look_up(&browser, "tran van an")), ["Trần Văn Ân"]);
        assert_eq!(names(&look_up(&browser, "le thi")), Vec::<String>::new());
    }

    fn the_search_is_taken_out_as_a_workbook(app: TestApp) {
        let mut people = known(&app, &["Trần Thị Bích Ngọc", "Lê Văn Ngọc", "Phạm Thị Lan", "Trần Văn Đức"]);
        let today = clock::now().date();
        people[0].birth_date = BirthDate::parse("03/1990", today).ok();
        people[0].address = Some("=HYPERLINK(\"http://example.com\")".into());
        people[0].email = Some("ngoc@example.com".into());
        people[1].birth_date = BirthDate::parse("1955", today).ok();
        people[3].birth_date = BirthDate::parse("01/01/1900", today).ok();
        people[3].sex = None;
        people.iter().for_each(|member| app.register(member));
        let browser = admin(&app);
        let page = browser.submit(browser.get("/registry").form("/registry/export")).expect(200);
        let name = page.header("content-disposition").unwrap();
        let date = tnhs::domain::dates::to_hanoi(clock::now()).format("%Y%m%d");
        assert_eq!(name, format!("attachment; filename=\"DanhBaHGD_{date}.xlsx\""));
        let rows_of = rows(&page);
        let head = ["STT", "Mã số BHXH", "Họ và tên", "Ngày sinh", "Giới tính", "Số CCCD", "Số điện thoại", "Địa chỉ",
            "Mã hộ gia đình", "Mối quan hệ", "Email"];
        assert_eq!(rows_of[0], head);
        assert_eq!(rows_of.len(), 5);
        let [code, id, phone] = [people[0].code.as_str(), people[0].id_number.as_ref().unwrap().as_str(),
            people[0].phone.as_deref().unwrap()];
        assert_eq!(rows_of[1], ["1", code, "Trần Thị Bích Ngọc", "03/1990", "Nữ", id, phone,
            "=HYPERLINK(\"http://example.com\")", "0100000001", "Chủ hộ", "ngoc@example.com"]);
        let dates: Vec<&str> = rows_of[1..].iter().map(|row| row[3].as_str()).collect();
        assert_eq!(dates, ["03/1990", "1955", "05/03/1990", "01/01/1900"]);

        let found = look_up(&browser, "ngoc");
        let page = browser.submit(found.form("/registry/export")).expect(200);
        assert_eq!(rows(&page)[1..].iter().map(|row| row[2].as_str()).collect::<Vec<_>>(),
            ["Lê Văn Ngọc", "Trần Thị Bích Ngọc"]);
        assert_eq!(exported(&app), [r#"{"people":4,"everybody":true}"#, r#"{"people":2,"everybody":false}"#]);
    }

    fn only_an_admin_looks_through_the_registry(app: TestApp) {
        for role in [Role::Officer, Role::Supervisor] {
            let browser = app.sign_in(&app.employee(role, &app.offices.hanoi));
            let page = browser.get("/applications");
            assert!(!page.has_link("Danh bạ HGĐ") && !page.has_link("Nhập từ Excel"));
            browser.get("/registry").expect(403);
            for path in ["/registry/search", "/registry/export"] {
                let mut form = page.form("/sign-out").forge("q", "an");
                form.action = path.into();
                browser.submit(form).expect(403);
            }
        }
        let browser = admin(&app);
        let form = browser.get("/registry").form("/registry/search");
        browser.submit(form.forge("csrf", "wrong")).expect(403);
        assert_eq!(app.browser().get("/registry").path(), "/sign-in");
    }
}
