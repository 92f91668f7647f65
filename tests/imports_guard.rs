//! Who may bring lists in, whose imports they see, and what an upload may be.

#![allow(clippy::unwrap_used)]

#[macro_use]
mod support;

use support::*;
use tnhs::domain::permission::Role;

const CSV: &[u8] = "Mã số BHXH;Họ và tên\n0200000001;Phạm Thị Mới\n0200000002;\n".as_bytes();

/// Every address of an import, and how it is asked.
const PAGES: [&str; 6] = ["", "/progress", "/rollback", "/refused.xlsx", "/report.xlsx", "/report.json"];
const ACTS: [&str; 5] = ["/read", "/layout", "/apply", "/cancel", "/rollback"];

fn filled(browser: &Browser) -> Form {
    browser.get("/imports").form("Đọc thử").set("kind", "registry").attach("file", "a.csv", "text/csv", CSV)
}

/// A list that was read, by its address.
fn uploaded(app: &TestApp, browser: &Browser) -> String {
    let page = browser.submit(filled(browser)).expect(200);
    app.imports_drain();
    page.path().to_owned()
}

/// What a program posts without a page of ours before it.
fn post(browser: &Browser, path: &str, csrf: &str) -> Page {
    let body = format!("csrf={csrf}&seen=0").into_bytes();
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", browser.base())];
    browser.send("POST", path, &headers, body)
}

fn csrf(browser: &Browser) -> String {
    browser.get("/password").form("/sign-out").value("csrf").to_owned()
}

/// The folders of imports; whatever else lies there was left behind.
fn kept(app: &TestApp) -> Vec<String> {
    let files = std::fs::read_dir(app.data_dir().join("imports")).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

fn nothing_was_kept(app: &TestApp, browser: &Browser) {
    assert_eq!(kept(app), Vec::<String>::new());
    assert!(browser.get("/imports").has_text("Chưa có lần nhập nào"));
}

both_databases! {
    fn only_an_admin_brings_lists_in(app: TestApp) {
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi));
        let path = uploaded(&app, &admin);
        for role in [Role::Officer, Role::Supervisor] {
            let browser = app.sign_in(&app.employee(role, &app.offices.hanoi));
            let token = csrf(&browser);
            browser.get("/imports").expect(403);
            PAGES.iter().for_each(|page| drop(browser.get(&format!("{path}{page}")).expect(403)));
            ACTS.iter().for_each(|act| drop(post(&browser, &format!("{path}{act}"), &token).expect(403)));
            let upload = filled(&admin).forge("csrf", &token);
            browser.submit_only(&upload).expect(403);
        }
        let stranger = app.browser();
        assert_eq!(stranger.get("/imports").path(), "/sign-in");
        assert_eq!(stranger.get(&path).path(), "/sign-in");
        assert_eq!(stranger.submit(filled(&admin)).path(), "/sign-in");
        assert_eq!(stranger.get(&format!("{path}/report.json")).path(), "/sign-in");
        assert_eq!(kept(&app).len(), 1, "nothing of all that was kept");
    }

    fn an_admin_sees_the_imports_of_their_own_reach(app: TestApp) {
        let sign_in = |office| app.sign_in(&app.employee(Role::Admin, office));
        let (hanoi, hue, centre) = (sign_in(&app.offices.hanoi), sign_in(&app.offices.hue), sign_in(&app.offices.centre));
        let (ba_dinh, dong_da) = (sign_in(&app.offices.ba_dinh), sign_in(&app.offices.dong_da));
        let path = uploaded(&app, &ba_dinh);
        for browser in [&ba_dinh, &hanoi, &centre] {
            assert_eq!(browser.get("/imports").texts_of("td[data-label='Tệp']"), ["a.csv"]);
            browser.get(&path).expect(200);
            browser.get(&format!("{path}/refused.xlsx")).expect(200);
        }
        for browser in [&hue, &dong_da] {
            assert!(browser.get("/imports").has_text("Chưa có lần nhập nào"));
            let token = csrf(browser);
            PAGES.iter().for_each(|page| drop(browser.get(&format!("{path}{page}")).expect(404)));
            ACTS.iter().for_each(|act| drop(post(browser, &format!("{path}{act}"), &token).expect(404)));
        }
        assert_eq!(ba_dinh.get(&path).text_of(".identity .badge"), "Chờ xác nhận");
        // Those of the command line reach the whole country.
        let program = Program::beside(&app);
        std::fs::write(program.file("b.csv"), CSV).unwrap();
        program.run(&["import", "registry", "b.csv"]);
        assert_eq!(centre.get("/imports").texts_of("td[data-label='Người nhập']")[0], "Dòng lệnh");
        assert_eq!(hanoi.get("/imports").texts_of("td[data-label='Tệp']"), ["a.csv"]);
    }

    fn a_form_that_is_not_ours_does_nothing(app: TestApp) {
        let browser = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        browser.submit(filled(&browser).forge("csrf", "wrong")).expect(403);
        browser.submit(filled(&browser).without("csrf")).expect(400);
        browser.submit(filled(&browser).forge("more", "1")).expect(400);
        let (content_type, body) = filled(&browser).body();
        let headers = [("Content-Type", content_type), ("Origin", "http://evil.example")];
        browser.send("POST", "/imports", &headers, body).expect(403);
        nothing_was_kept(&app, &browser);
        let path = uploaded(&app, &browser);
        for act in ACTS {
            post(&browser, &format!("{path}{act}"), "wrong").expect(403);
        }
        // An upload is taken where uploads are expected, nowhere else.
        let mut elsewhere = filled(&browser);
        elsewhere.action = format!("{path}/layout");
        browser.submit(elsewhere).expect(400);
    }

    fn what_is_missing_is_said_beside_the_field(app: TestApp) {
        let browser = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        let page = browser.submit(browser.get("/imports").form("Đọc thử")).expect(422);
        assert_eq!(page.texts_of(".upload .error"), ["Chọn tệp là danh sách gì.", "Chọn tệp bảng tính trước."]);
        let page = browser.submit(browser.get("/imports").form("Đọc thử").set("kind", "staff")).expect(422);
        assert_eq!(page.text_of(".upload .error"), "Chọn tệp bảng tính trước.");
        assert_eq!(page.form("Đọc thử").value("kind"), "staff", "what was chosen stays");
        nothing_was_kept(&app, &browser);
        // A file without a byte is a file: its page says what is wrong with it.
        let empty = browser.get("/imports").form("Đọc thử").set("kind", "staff").attach("file", "0.xlsx", "", b"");
        let page = browser.submit(empty).expect(200);
        app.imports_drain();
        assert!(browser.get(page.path()).text_of(".flash.bad").contains("Tệp rỗng"));
    }

    fn a_list_that_is_too_large_is_refused_and_not_kept(database: TestDb) {
        let app = database.serve(&[("TNHS_IMPORT_MAX_MB", "1")]);
        let browser = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        let large = |bytes: usize| {
            let form = browser.get("/imports").form("Đọc thử").set("kind", "registry");
            form.attach("file", "a.csv", "text/csv", &vec![b'x'; bytes])
        };
        // With the form around it a little more fits through the door; the file itself does not.
        for bytes in [(1 << 20) + 1, 3 << 20] {
            let page = browser.submit(large(bytes)).expect(413);
            assert!(page.text_of(".upload .error").contains("lớn hơn 1 MB"), "{page}");
        }
        nothing_was_kept(&app, &browser);
        let page = browser.submit(large(1 << 20)).expect(200);
        assert!(page.path().starts_with("/imports/"));
    }
}
