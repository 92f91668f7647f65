//! *Nhập từ Excel*: what an admin sees of a list before it counts, corrects, lets count and takes back.

#![allow(clippy::unwrap_used)]

#[macro_use]
mod support;

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use diesel::prelude::*;
use rust_xlsxwriter::Workbook;
use serde_json::Value;
use support::*;
use tnhs::clock;
use tnhs::db::registry;
use tnhs::db::schema::events;
use tnhs::domain::application::Status;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::StaffId;
use tnhs::domain::names::Name;
use tnhs::domain::numbers::SocialCode;
use tnhs::domain::permission::{Role, Scope};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn admin(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Admin, &app.offices.centre))
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A workbook of one sheet.
fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

const HEAD: &[&str] = &["Mã số BHXH", "Họ và tên", "Ngày sinh", "Giới tính", "Điện thoại"];

/// Uploads a file and lets the worker read it.
fn upload(app: &TestApp, browser: &Browser, kind: &str, name: &str, bytes: &[u8]) -> Page {
    let form = browser.get("/imports").form("Đọc thử").set("kind", kind).attach("file", name, XLSX, bytes);
    let page = browser.submit(form).expect(200);
    assert!(page.path().starts_with("/imports/"), "{page}");
    app.imports_drain();
    browser.get(page.path()).expect(200)
}

/// Presses the button and lets the worker do what follows.
fn press(app: &TestApp, browser: &Browser, page: &Page, button: &str) -> Page {
    let page = browser.submit(page.form(button)).expect(200);
    app.imports_drain();
    browser.get(page.path()).expect(200)
}

/// New, changed, unchanged, warned, refused, as the page counts them.
fn tiles(page: &Page) -> Vec<i64> {
    page.texts_of(".tiles b").iter().take(5).map(|text| text.replace('.', "").parse().unwrap()).collect()
}

fn state(page: &Page) -> String {
    page.text_of(".identity .badge")
}

fn rows(page: &Page) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(page.bytes.clone())).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    range.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
}

fn name_of(app: &TestApp, code: &str) -> Option<String> {
    let code = SocialCode::parse(code).unwrap();
    app.db(|conn| registry::find(conn, &code)).map(|member| member.name.as_str().to_owned())
}

both_databases! {
    fn every_sample_gives_what_it_should(app: TestApp) {
        let browser = admin(&app);
        let expected: Value = serde_json::from_slice(&sample("expected.json")).unwrap();
        // Staff and applications name agencies; who applies is compared with the registry of the lists before.
        let order = ["agencies.xlsx", "staff.xlsx", "a_vnpt_phu_luc.xlsx", "b_hgd_sheet.xlsx", "c_paper_layout.xlsx",
            "d_officer_list.xlsx", "d_officer_list.xls", "d_officer_list.ods", "d_officer_list.csv",
            "applications_ward_drive.xlsx"];
        assert_eq!(order.len(), expected["workbooks"].as_object().unwrap().len());
        for name in order {
            let expected = &expected["workbooks"][name];
            let kind = expected["kind"].as_str().unwrap();
            let page = upload(&app, &browser, kind, name, &sample(name));
            assert_eq!(state(&page), "Chờ xác nhận", "{name}: {page}");
            let counts = tiles(&page);
            let number = |part: &str| expected["counts"][part].as_i64().unwrap();
            assert_eq!(counts[0] + counts[1] + counts[2], number("accepted"), "{name}");
            assert_eq!(counts[3..], [number("warnings"), number("refused")], "{name}");
            let report = browser.get(&page.link("Báo cáo (.json)")).expect(200);
            let report: Value = serde_json::from_slice(&report.bytes).unwrap();
            for (part, value) in expected.as_object().unwrap().iter().filter(|(part, _)| *part != "convention") {
                assert_eq!(&report[part], value, "{name}: {part}");
            }
            let page = press(&app, &browser, &page, &page.text_of(".bar .primary"));
            assert_eq!(state(&page), "Đã nhập", "{name}: {page}");
        }
    }

    fn a_dry_run_shows_what_would_change_and_changes_nothing(app: TestApp) {
        let browser = admin(&app);
        let mut known = app.registered(&app.citizen("Trần Thị Bích Ngọc"));
        known.phone = None;
        app.register(&known);
        let same = app.registered(&app.citizen("Lê Văn An"));
        let phone = same.phone.clone().unwrap();
        let list = workbook(&[
            HEAD,
            &[known.code.as_str(), "Trần Thị Bích Ngân", "05/03/1990", "Nữ", "0951234567"],
            &[same.code.as_str(), "Lê Văn An", "05/03/1990", "Nữ", &phone],
            &["0200000001", "Phạm Thị Mới", "1955", "Nữ", "12"],
            &["0200000002", "Phạm Văn Sai", "05/25/1990", "Nam", ""],
        ]);
        let page = upload(&app, &browser, "registry", "../danh sách.xlsx", &list);
        assert_eq!(page.text_of("h1"), "danh sách.xlsx");
        assert_eq!(tiles(&page), [1, 1, 1, 1, 1]);
        // What was refused stands first: where, what, why.
        let refused = page.texts_of("#rows tbody td");
        assert_eq!(refused[..4], ["5", "C · Ngày sinh", "05/25/1990", "Ngày sai"]);
        assert!(refused[4].len() > 20, "{}", refused[4]);
        let show = |words: &str| browser.get(&page.select(".tiles a").into_iter()
            .find(|link| browser::words_of(*link).ends_with(words)).unwrap().attr("href").unwrap().replace("#rows", ""));
        let changed = show("Thay đổi");
        assert_eq!(changed.texts_of(".changes li"),
            ["Họ và tên: Trần Thị Bích Ngọc → Trần Thị Bích Ngân", "Điện thoại: chưa có → 0951234567"]);
        assert!(show("Mới").has_text("Phạm Thị Mới"));
        assert!(show("Không đổi").has_text("Lê Văn An"));
        assert_eq!(show("Cảnh báo").texts_of("#rows tbody td")[..3], ["4", "E · Điện thoại", "12"]);
        assert_eq!(name_of(&app, known.code.as_str()).unwrap(), "Trần Thị Bích Ngọc");
        assert_eq!(name_of(&app, "0200000001"), None);

        let page = press(&app, &browser, &page, "Nhập vào danh bạ");
        assert!(page.text_of(".lead").starts_with("2 dòng đã được ghi"), "{page}");
        assert_eq!(name_of(&app, known.code.as_str()).unwrap(), "Trần Thị Bích Ngân");
        // The same list again has nothing new.
        let page = upload(&app, &browser, "registry", "danh sách.xlsx", &list);
        assert_eq!(tiles(&page), [0, 0, 3, 1, 1]);
        assert!(page.has_text("Không có gì mới để ghi"), "{page}");
        // All of that is in the history of imports.
        let history = browser.get("/imports");
        assert_eq!(history.texts_of("td[data-label='Tệp']"), ["danh sách.xlsx", "danh sách.xlsx"]);
        assert_eq!(history.texts_of("td[data-label='Trạng thái'] .badge"), ["Chờ xác nhận", "Đã nhập"]);
    }

    fn the_refused_rows_come_back_as_a_workbook(app: TestApp) {
        let browser = admin(&app);
        let wrong: &[&str] = &["0200000002", "Phạm Văn Sai", "05/25/1990", "Nam", ""];
        let page = upload(&app, &browser, "registry", "a.xlsx",
            &workbook(&[HEAD, &["0200000001", "Phạm Thị Mới", "1955", "Nữ", ""], wrong]));
        let refused = browser.click(&page, "Các dòng bị từ chối (.xlsx)").expect(200);
        assert!(refused.header("content-disposition").unwrap().contains("attachment"));
        let rows_of = rows(&refused);
        assert_eq!(rows_of.len(), 2);
        assert_eq!(rows_of[1][..5], *wrong);
        assert_eq!((rows_of[0][5].as_str(), rows_of[1][5].is_empty()), ("Lý do không nhập", false));
        assert_eq!(rows(&browser.click(&page, "Báo cáo (.xlsx)").expect(200))[0][..2], ["Tệp", "a.xlsx"]);
    }

    fn columns_that_are_not_recognised_are_pointed_out_and_remembered(app: TestApp) {
        let browser = admin(&app);
        let list = |code: &str| workbook(&[&["Phường Ba Đình"], &["k1", "k2", "k3"], &["1", code, "Phạm Thị Mới"]]);
        let page = upload(&app, &browser, "registry", "lạ.xlsx", &list("0200000001"));
        assert_eq!(state(&page), "Không nhập được");
        assert!(page.text_of(".flash.bad").contains("chỉ ra dòng và cột ở bên dưới"));
        assert!(page.texts_of(".preview td").contains(&"k2".to_owned()), "{page}");
        let form = |page: &Page| page.form("Đọc lại với cách hiểu này");

        // What is missing is told beside the sheet, and what was chosen stays.
        let again = browser.submit(form(&page).set("rows-0", "2").set("column-0-C", "name")).expect(422);
        assert!(again.text_of(".header-rows .error").contains("«Mã số»"), "{again}");
        assert_eq!((form(&again).value("rows-0"), form(&again).value("column-0-C")), ("2", "name"));
        let again = browser.submit(form(&page).set("rows-0", "hai").set("column-0-C", "name").set("column-0-B", "code"));
        assert!(again.expect(422).text_of(".header-rows .error").contains("Gõ số"));
        browser.submit(form(&page)).expect(422);

        let form = form(&page).set("rows-0", "2").set("column-0-B", "code").set("column-0-C", "name");
        let page = browser.submit(form).expect(200);
        app.imports_drain();
        let page = browser.get(page.path());
        assert_eq!((state(&page).as_str(), tiles(&page)[0]), ("Chờ xác nhận", 1), "{page}");
        press(&app, &browser, &page, "Nhập vào danh bạ");
        assert_eq!(name_of(&app, "0200000001").as_deref(), Some("Phạm Thị Mới"));

        let page = upload(&app, &browser, "registry", "lạ 2.xlsx", &list("0200000002"));
        assert!(page.has_text("Dùng cách hiểu đã lưu từ lần nhập trước"), "{page}");
        assert_eq!(tiles(&page)[0], 1);
        let page = press(&app, &browser, &page, "Để chương trình tự nhận ra");
        assert_eq!(state(&page), "Không nhập được");
        let page = upload(&app, &browser, "registry", "lạ 2.xlsx", &list("0200000002"));
        assert_eq!(state(&page), "Không nhập được", "it is forgotten");
        let page = press(&app, &browser, &page, "Bỏ");
        assert_eq!(state(&page), "Đã bỏ");
        let page = press(&app, &browser, &page, "Đọc lại tệp");
        assert_eq!(state(&page), "Không nhập được");
    }

    fn an_old_encoding_is_converted_only_after_a_look(app: TestApp) {
        let browser = admin(&app);
        // Two names in TCVN3: Nguyễn Thị Hòa, Trần Văn Đức.
        let text = b"Ma so BHXH,Ho ten,Ngay sinh\r\n0200000001,Nguy\xD4n Th\xDE H\xDFa,1990\r\n0200000002,Tr\xC7n V\xA8n \xA7\xF8c,1991\r\n";
        let page = upload(&app, &browser, "registry", "cũ.csv", text);
        assert_eq!(page.texts_of("[aria-labelledby=conversion] tbody tr").len(), 2, "{page}");
        assert!(page.has_text("Nguyễn Thị Hòa"), "{page}");
        let again = browser.submit(page.form("Nhập vào danh bạ")).expect(422);
        assert!(again.has_text("Hãy xem chữ sau khi chuyển mã"), "{again}");
        assert_eq!(name_of(&app, "0200000002"), None);
        let done = browser.submit(again.form("Nhập vào danh bạ").check("confirmed")).expect(200);
        app.imports_drain();
        assert_eq!(state(&browser.get(done.path())), "Đã nhập");
        assert_eq!(name_of(&app, "0200000002").as_deref(), Some("Trần Văn Đức"));
    }

    fn who_waited_for_a_code_comes_back_before_the_officer(app: TestApp) {
        let person = app.citizen("Trần Thị Bích Ngọc");
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).valid()).expect(200);
        assert_eq!(app.status(&application), Status::AwaitingCode);
        let browser = admin(&app);
        let list = workbook(&[HEAD, &[person.code.as_str(), person.name.as_str(), "05/03/1990", "Nữ", ""]]);
        let page = upload(&app, &browser, "registry", "a.xlsx", &list);
        let page = press(&app, &browser, &page, "Nhập vào danh bạ");
        assert!(page.text_of(".lead").contains("1 hồ sơ chờ cấp mã số"), "{page}");
        assert_eq!(app.status(&application), Status::Pending);
    }

    fn an_import_is_taken_back_but_for_what_was_touched_later(app: TestApp) {
        let browser = admin(&app);
        let known = app.registered(&app.citizen("Trần Thị Bích Ngọc"));
        let list = workbook(&[HEAD, &[known.code.as_str(), "Trần Thị Bích Ngân", "", "", ""],
            &["0200000001", "Phạm Thị Mới", "", "", ""], &["0200000002", "Lê Thị Sau", "", "", ""]]);
        let page = upload(&app, &browser, "registry", "a.xlsx", &list);
        let page = press(&app, &browser, &page, "Nhập vào danh bạ");
        let mut later = app.db(|conn| registry::find(conn, &SocialCode::parse("0200000002").unwrap())).unwrap();
        later.name = Name::parse("Lê Thị Sau Nữa").unwrap();
        app.register(&later);

        let question = browser.click(&page, "Hoàn tác…").expect(200);
        assert!(question.has_text("2 dòng mới") && question.has_text("1 dòng đã thay đổi"), "{question}");
        assert_eq!(question.texts_of(".keys-kept li"), ["0200000002"]);
        assert_eq!(name_of(&app, "0200000001").as_deref(), Some("Phạm Thị Mới"), "asking changes nothing");
        let page = press(&app, &browser, &question, "Hoàn tác");
        assert_eq!(state(&page), "Đã hoàn tác");
        assert!(page.text_of(".lead").contains("1 dòng được giữ nguyên"), "{page}");
        assert_eq!(name_of(&app, known.code.as_str()).as_deref(), Some("Trần Thị Bích Ngọc"));
        assert_eq!(name_of(&app, "0200000001"), None);
        assert_eq!(name_of(&app, "0200000002").as_deref(), Some("Lê Thị Sau Nữa"));
        assert_eq!(browser.get(&question.url).path(), page.path(), "there is nothing to ask any more");
    }

    fn nobody_decides_on_what_they_have_not_seen(app: TestApp) {
        let browser = admin(&app);
        let page = upload(&app, &browser, "registry", "a.xlsx", &workbook(&[HEAD, &["0200000001", "Phạm Thị Mới", "", "", ""]]));
        let (apply, cancel) = (page.form("Nhập vào danh bạ"), page.form("Bỏ"));
        let again = page.form("Đọc lại với cách hiểu này");
        browser.submit(again.clone()).expect(200);
        app.imports_drain();
        for form in [apply, cancel, again] {
            let page = browser.submit(form).expect(409);
            assert!(page.has_text("vừa chuyển sang bước khác"), "{page}");
            assert_eq!(state(&page), "Chờ xác nhận");
        }
        // The address of an act leads back to the page.
        assert_eq!(browser.get(&format!("{}/apply", page.path())).path(), page.path());
    }

    fn while_the_worker_works_the_page_says_how_far_it_is(app: TestApp) {
        let browser = admin(&app);
        let bytes = workbook(&[HEAD, &["0200000001", "Phạm Thị Mới", "", "", ""]]);
        let form = browser.get("/imports").form("Đọc thử").set("kind", "registry").attach("file", "a.xlsx", XLSX, &bytes);
        let page = browser.submit(form).expect(200);
        assert_eq!((state(&page), page.text_of("[data-words]")), ("Đang đọc".into(), "Đang chờ đến lượt.".into()));
        assert!(page.html.contains("<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>"));
        let progress = browser.get(&format!("{}/progress", page.path())).expect(200);
        let progress: Value = serde_json::from_slice(&progress.bytes).unwrap();
        assert_eq!(progress, serde_json::json!({ "state": "reading", "percent": null, "words": "Đang chờ đến lượt." }));
        let page = press(&app, &browser, &page, "Dừng");
        assert_ne!(state(&page), "Đang đọc");
        assert!(clock::now().and_utc().timestamp() > 0);
    }

    fn a_list_of_staff_reaches_no_other_province(app: TestApp) {
        let of_hue = app.employee(Role::Officer, &app.offices.phu_xuan);
        let of_hanoi = app.employee(Role::Officer, &app.offices.dong_da);
        let browser = app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi));
        let list = workbook(&[
            &["Tên đăng nhập", "Họ và tên", "Vai trò", "Mã cơ quan"],
            &["moi.hue", "Hồ Thị Mai", "Quản trị", "04601"],
            &[&of_hue.login, "Hồ Thị Mai", "Cán bộ", "00101"],
            &[&of_hanoi.login, "Lê Văn Sơn", "Cán bộ", "00101"],
        ]);
        let page = upload(&app, &browser, "staff", "cán bộ.xlsx", &list);
        assert_eq!(tiles(&page), [0, 1, 0, 0, 2], "{page}");
        let page = press(&app, &browser, &page, &page.text_of(".bar .primary"));
        assert_eq!(state(&page), "Đã nhập", "{page}");
        let known = app.db(|conn| tnhs::db::staff::all(conn, Scope::Country));
        let one = |login: &str| known.iter().find(|one| one.login == login);
        assert!(one("moi.hue").is_none());
        assert_eq!(one(&of_hue.login).unwrap().name, of_hue.name);
        assert_eq!(one(&of_hue.login).unwrap().agency_name, app.offices.phu_xuan.name);
        assert_eq!(one(&of_hanoi.login).unwrap().agency_name, app.offices.ba_dinh.name);
    }

    fn the_history_names_who_pressed(app: TestApp) {
        let [brings, applies] = [(); 2].map(|()| app.employee(Role::Admin, &app.offices.hanoi));
        let list = workbook(&[HEAD, &["0190000001", "Trần Văn Đức", "02/09/1984", "Nam", ""]]);
        let page = upload(&app, &app.sign_in(&brings), "registry", "danh sách.xlsx", &list);
        let browser = app.sign_in(&applies);
        let page = browser.get(page.path()).expect(200);
        press(&app, &browser, &page, "Nhập vào danh bạ");
        let by: Vec<Option<StaffId>> = app.db(|conn| {
            events::table.filter(events::kind.eq(EventKind::ImportApplied)).select(events::staff_id).load(conn)
        });
        assert_eq!(by, [Some(applies.id)]);
    }

    fn what_was_stopped_before_its_turn_is_not_written(app: TestApp) {
        let browser = admin(&app);
        let list = workbook(&[HEAD, &["0190000001", "Trần Văn Đức", "02/09/1984", "Nam", ""]]);
        let page = upload(&app, &browser, "registry", "danh sách.xlsx", &list);
        let page = browser.submit(page.form("Nhập vào danh bạ")).expect(200);
        let page = press(&app, &browser, &page, "Dừng");
        assert_eq!(state(&page), "Chờ xác nhận", "{page}");
        assert!(page.has_text("Đã dừng theo yêu cầu"), "{page}");
        assert_eq!(name_of(&app, "0190000001"), None);
    }
}
