//! *Mẫu tin nhắn*: an admin of the centre gives the words that citizens are sent; what is queued next has them, what was queued
//! before keeps its own.

#![allow(clippy::unwrap_used)]

mod support;

use diesel::prelude::*;

use support::{Browser, Page, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::schema::{events, message_texts, messages};
use tnhs::db::texts;
use tnhs::domain::dates::show_time;
use tnhs::domain::deadline::removed_at;
use tnhs::domain::event::EventKind;
use tnhs::domain::permission::Role;
use tnhs::domain::texts::TextKey;

const APPROVED: &str = "BHXH VN: {so} duoc duyet. Ten: {tai_khoan}. Mat khau: {mat_khau}.";

fn admin(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Admin, &app.offices.centre))
}

fn open(browser: &Browser, key: TextKey) -> Page {
    browser.get(&format!("/texts/{}", key.code())).expect(200)
}

fn save(browser: &Browser, key: TextKey, body: &str) -> Page {
    browser.submit(open(browser, key).form("Lưu").set("body", body))
}

/// The versions of a text, oldest first; None is the program's own words.
fn versions(app: &TestApp, key: TextKey) -> Vec<(i32, Option<String>)> {
    app.db(|conn| {
        let all = message_texts::table.filter(message_texts::text_key.eq(key)).order(message_texts::version);
        all.select((message_texts::version, message_texts::body)).load(conn)
    })
}

fn history(app: &TestApp) -> Vec<(Option<String>, Option<String>)> {
    app.db(|conn| {
        let all = events::table.filter(events::kind.eq(EventKind::TextChanged)).order(events::id);
        all.select((events::before, events::after)).load(conn)
    })
}

both_databases! {
    fn a_changed_text_is_what_leaves_next_and_what_was_queued_keeps_its_words(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let before = app.approved(&officer, "Trần Thị Bích Ngọc");
        let browser = admin(&app);
        assert!(save(&browser, TextKey::Approved, APPROVED).expect(200).told().contains("Đã lưu mẫu"));
        let page = open(&browser, TextKey::AcceptedMail);
        let form = page.form("Lưu").set("subject", "Đã duyệt {so}").set("body", "Chào mừng.\n\n\n\nHồ sơ {so} <đã> duyệt.");
        browser.submit(form).expect(200);
        let after = app.approved(&officer, "Phạm Văn Sơn");

        // The password is made when the message leaves: nothing of it is stored.
        let queued: Vec<String> = app.db(|conn| messages::table.order(messages::id).select(messages::body).load(conn));
        let (number, code) = (after.number.as_str(), after.declaration.code.as_str());
        assert_eq!(queued[2], format!("BHXH VN: {number} duoc duyet. Ten: {code}. Mat khau: {{mat_khau}}."));
        app.outbox_drain();
        let sms = app.sms();
        assert!(sms[0].contains(&format!("BHXH VN: Ho so {} da duoc duyet. Tai khoan: ", before.number)), "{}", sms[0]);
        assert!(sms[1].contains(&format!("BHXH VN: {number} duoc duyet. Ten: {code}. Mat khau: ")), "{}", sms[1]);
        assert!(!sms[1].contains('{'), "{}", sms[1]);
        let mails = app.mails();
        assert!(mails[0].contains(&format!("Subject: Hồ sơ {} đã được duyệt", before.number)), "{}", mails[0]);
        assert!(mails[1].contains(&format!("Subject: Đã duyệt {number}\n")), "{}", mails[1]);
        let words = format!("Kính gửi Ông/Bà,\n\nChào mừng.\n\nHồ sơ {number} <đã> duyệt.\n\nTrân trọng,");
        assert!(mails[1].contains(&words), "{}", mails[1]);
        let html: Vec<String> = app.db(|conn| {
            messages::table.filter(messages::html.is_not_null()).order(messages::id).select(messages::html.assume_not_null()).load(conn)
        });
        assert!(html[1].contains("&#60;đã&#62; duyệt"), "{}", html[1]);
    }

    fn what_time_brings_about_is_told_in_the_same_words(app: TestApp) {
        save(&admin(&app), TextKey::Reminder, "BHXH VN: Con den {han} de nop ho so {so}.").expect(200);
        let submitted = clock::now() - chrono::TimeDelta::days(8);
        let application = app.ready_at("Trần Thị Bích Ngọc", submitted);
        assert_eq!(app.sweep(clock::now()).remind().unwrap(), 1);
        app.outbox_drain();
        let until = show_time(removed_at(submitted));
        assert!(app.sms()[0].contains(&format!("BHXH VN: Con den {until} de nop ho so {}.", application.number)));
    }

    fn what_is_wrong_stands_beside_the_field_and_nothing_typed_is_lost(app: TestApp) {
        let browser = admin(&app);
        let all = "{so} {tai_khoan} {mat_khau}";
        for (body, words) in [
            ("", "Bắt buộc nhập"),
            ("Ho so {so}, mat khau {mat_khau}", "Thiếu ô {tai_khoan}."),
            (&format!("{all} {{otp}}"), "Không dùng được ô {otp} ở đây."),
            (&format!("{all} {{ten}}"), "Không dùng được ô {ten} ở đây."),
            (&format!("{all} }}"), "cần đủ hai dấu"),
            (&format!("{all}. Xem vssid.gov.vn"), "liên kết"),
            (&format!("{all}. Hồ sơ đã duyệt"), "Bỏ dấu"),
            (&format!("{all}. Cung cap ma OTP cho can bo"), "mã OTP"),
            (&format!("{all}. {}", "a".repeat(430)), "Dài hơn 3 tin"),
            (&format!("{all}. {}", "a".repeat(480)), "tối đa 480"),
        ] {
            let page = save(&browser, TextKey::Approved, body).expect(422);
            assert!(page.fault("body").is_some_and(|fault| fault.contains(words)), "«{body}»: {:?}", page.fault("body"));
            assert_eq!(page.form("Lưu").value("body"), body);
        }
        let page = open(&browser, TextKey::CredentialsMail);
        let page = browser.submit(page.form("Lưu").set("subject", "Mật khẩu {mat_khau}")).expect(422);
        assert!(page.fault("subject").is_some_and(|fault| fault.contains("{mat_khau}")), "{page}");
        assert!(page.fault("body").is_none(), "{page}");
        assert_eq!(page.form("Lưu").value("subject"), "Mật khẩu {mat_khau}");
        assert!(versions(&app, TextKey::Approved).is_empty() && history(&app).is_empty());
        assert_eq!(app.db(texts::current).words(TextKey::Approved), TextKey::Approved.own());
        browser.get("/texts/unknown").expect(404);
    }

    fn a_preview_shows_the_text_with_made_up_values_and_each_character_that_costs(database: support::TestDb) {
        let app = database.serve(&[("TNHS_SMS_PRICE", "350")]);
        let officer = app.officer(&app.offices.ba_dinh);
        app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let browser = admin(&app);
        let page = open(&browser, TextKey::Approved);
        let shown = "BHXH VN: Ho so 03706/2026/07906 da duoc duyet. Tai khoan: 001099012345/Mat khau: ************. Vui long doi mat khau \
            khi dang nhap lan dau.";
        assert_eq!(page.text_of("[data-sms]"), shown);
        assert_eq!(page.text_of("[data-count]"), format!("{} ký tự, 1 tin, còn {} ký tự, 350 đồng", shown.len(), 160 - shown.len()));

        let form = page.form("Xem trước").set("body", "Hồ sơ {so} đã duyệt, tai khoan {tai_khoan} {mat_khau} 😀");
        let page = browser.submit(form).expect(200);
        assert!(page.has_text("Bỏ dấu sẽ đổi: ồ → o, ơ → o, đ → d, ã → a, ệ → e, 😀 bị bỏ"), "{page}");
        assert!(page.has_text("một tin chỉ còn 70 ký tự thay vì 160"), "{page}");
        assert!(page.text_of("[data-count]").contains(", 2 tin, "), "{page}");
        assert!(page.has_text("Bấm «Bỏ dấu» để đổi"), "{page}");
        let page = browser.submit(page.form("Bỏ dấu")).expect(200);
        assert_eq!(page.form("Lưu").value("body"), "Ho so {so} da duyet, tai khoan {tai_khoan} {mat_khau}");
        assert!(page.text_of("[data-count]").contains(", 1 tin, "), "{page}");
        assert!(page.texts_of(".error").is_empty(), "{page}");
        assert!(versions(&app, TextKey::Approved).is_empty(), "nothing was saved yet");
        browser.submit(page.form("Lưu")).expect(200);
        assert_eq!(versions(&app, TextKey::Approved), [(1, Some("Ho so {so} da duyet, tai khoan {tai_khoan} {mat_khau}".into()))]);

        // What the script asks for is the same, by itself.
        let form = open(&browser, TextKey::RejectedMail).form("Xem trước").set("subject", "Từ chối {so}");
        let headers = [("Accept", "text/x-preview"), ("Origin", app.url.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        let part = browser.send("POST", &form.action, &headers, form.urlencoded().into_bytes()).expect(200);
        assert!(part.has_text("Từ chối 03706/2026/07906") && part.has_text("Kính gửi Ông/Bà,"), "{part}");
        assert!(part.select("form").is_empty(), "{part}");
    }

    fn an_earlier_version_and_the_programs_own_words_can_be_used_again(app: TestApp) {
        let browser = admin(&app);
        let own = TextKey::Unlocked.own().body;
        save(&browser, TextKey::Unlocked, "BHXH VN: Tai khoan {tai_khoan} mo lai.").expect(200);
        save(&browser, TextKey::Unlocked, "BHXH VN: {tai_khoan} da mo.").expect(200);
        let page = save(&browser, TextKey::Unlocked, "BHXH VN:  {tai_khoan} da mo. ").expect(200);
        assert!(page.told().contains("không có gì thay đổi"), "{page}");
        let page = browser.submit(page.form("Dùng lại phiên bản 1")).expect(200);
        assert_eq!(page.form("Lưu").value("body"), "BHXH VN: Tai khoan {tai_khoan} mo lai.");
        assert!(page.has_text("Đang dùng phiên bản 3"), "{page}");
        let page = browser.submit(page.form("Về mẫu gốc")).expect(200);
        assert!(page.has_text("Đang dùng mẫu gốc của chương trình") && !page.has_button("Về mẫu gốc"), "{page}");
        assert_eq!(page.form("Lưu").value("body"), own);
        let first = Some("BHXH VN: Tai khoan {tai_khoan} mo lai.".to_owned());
        let second = Some("BHXH VN: {tai_khoan} da mo.".to_owned());
        assert_eq!(versions(&app, TextKey::Unlocked), [(1, first.clone()), (2, second), (3, first), (4, None)]);
        assert_eq!(app.db(texts::current).words(TextKey::Unlocked).body, own);
        let list = browser.get("/texts").expect(200);
        assert!(list.has_text("4 (mẫu gốc)"), "{list}");

        let history = history(&app);
        assert_eq!(history.len(), 4);
        assert_eq!(history[1].0.as_deref(), Some(r#"{"text":"unlocked","version":1,"body":"BHXH VN: Tai khoan {tai_khoan} mo lai."}"#));
        assert_eq!(history[1].1.as_deref(), Some(r#"{"text":"unlocked","version":2,"body":"BHXH VN: {tai_khoan} da mo."}"#));
    }

    fn the_second_of_two_admins_is_told_who_changed_what_and_keeps_what_they_typed(app: TestApp) {
        let first = app.employee(Role::Admin, &app.offices.centre);
        let (one, two) = (app.sign_in(&first), admin(&app));
        let late = open(&two, TextKey::Unlocked);
        save(&one, TextKey::Unlocked, "BHXH VN: {tai_khoan} da mo.").expect(200);
        let page = two.submit(late.form("Lưu").set("body", "BHXH VN: Mo khoa {tai_khoan}.")).expect(409);
        let told = page.told();
        assert!(told.contains(&first.name) && told.contains("«BHXH VN: {tai_khoan} da mo.»"), "{told}");
        assert_eq!(page.form("Lưu").value("body"), "BHXH VN: Mo khoa {tai_khoan}.");
        assert_eq!(versions(&app, TextKey::Unlocked).len(), 1);
        // Knowing that, they may.
        two.submit(page.form("Lưu")).expect(200);
        assert_eq!(versions(&app, TextKey::Unlocked).len(), 2);
        // An earlier version is not used again behind somebody's back either.
        let late = open(&one, TextKey::Unlocked);
        save(&two, TextKey::Unlocked, "BHXH VN: {tai_khoan} mo.").expect(200);
        one.submit(late.form("Dùng lại phiên bản 1")).expect(409);
        assert_eq!(versions(&app, TextKey::Unlocked).len(), 3);
    }

    fn a_text_that_comes_after_the_session_ended_is_there_after_signing_in(app: TestApp) {
        let employee = app.employee(Role::Admin, &app.offices.centre);
        let browser = app.sign_in(&employee);
        let form = open(&browser, TextKey::Unlocked).form("Lưu").set("body", "BHXH VN: Mo khoa {tai_khoan}.");
        app.end_all_sessions();
        let page = browser.submit(form).expect(401);
        let form = page.form("/sign-in").set("login", &employee.login).set("password", support::PASSWORD);
        let page = browser.submit(form).expect(200);
        assert_eq!(page.path(), "/texts/unlocked");
        assert!(page.told().contains("Phiên trước đã kết thúc"), "{page}");
        assert_eq!(page.form("Lưu").value("body"), "BHXH VN: Mo khoa {tai_khoan}.");
    }

    fn only_admins_of_the_centre_change_texts(app: TestApp) {
        let insider = admin(&app);
        assert!(insider.get("/holidays").has_link("Mẫu tin nhắn"));
        let page = open(&insider, TextKey::Unlocked);
        let forms = [page.form("Lưu").set("body", "{tai_khoan}"), page.form("Xem trước"), page.form("Bỏ dấu")];
        for (role, office) in [
            (Role::Admin, &app.offices.hanoi),
            (Role::Supervisor, &app.offices.centre),
            (Role::Officer, &app.offices.ba_dinh),
        ] {
            let browser = app.sign_in(&app.employee(role, office));
            let page = browser.get("/password");
            assert!(!page.has_link("Mẫu tin nhắn"));
            let csrf = page.form("Đổi mật khẩu").value("csrf").to_owned();
            browser.get("/texts").expect(403);
            browser.get("/texts/unlocked").expect(403);
            for form in &forms {
                browser.submit(form.clone().forge("csrf", &csrf)).expect(403);
            }
            let mut again = forms[0].clone().forge("csrf", &csrf).forge("version", "0").forge("again", "0");
            again.action = "/texts/unlocked/again".into();
            browser.submit(again).expect(403);
        }
        assert!(versions(&app, TextKey::Unlocked).is_empty());
    }
}
