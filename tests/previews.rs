//! What a citizen will read is shown while the officer still types the reason, by the same rules as when it is recorded.

#![allow(clippy::unwrap_used)]

mod support;

use support::{Browser, Form, Page, TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::db::texts;
use tnhs::domain::account::AccountAct;
use tnhs::domain::permission::Role;
use tnhs::domain::texts::{TextKey, Words};

/// What the script asks for.
fn part(browser: &Browser, form: &Form) -> Page {
    let headers = [
        ("Accept", "text/x-preview"),
        ("Origin", browser.base()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    browser.send("POST", &form.action, &headers, form.urlencoded().into_bytes())
}

/// An admin gave a text these words.
fn reworded(app: &TestApp, key: TextKey, body: &str) {
    let staff = app.employee(Role::Admin, &app.offices.centre).id;
    let words = Words { subject: None, body: body.to_owned() };
    app.db(|conn| texts::add(conn, (key, 0), Some(&words), staff, clock::now()));
}

both_databases! {
    fn the_message_of_a_rejection_is_shown_with_its_parts_its_price_and_what_is_wrong(database: TestDb) {
        let app = database.serve(&[("TNHS_SMS_PRICE", "1200")]);
        let application = app.ready("Hồ Văn Phúc");
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.open(&application).form("Xem lại tin nhắn").set("outcome", "invalid");
        let shown = part(&officer, &form.clone().set("reason", "Ảnh chân dung bị mờ 😀")).expect(200);
        let sms = shown.text_of("[data-sms]");
        assert!(sms.contains("khong duoc duyet. Ly do: Anh chan dung bi mo. Lien he"), "{sms}");
        assert_eq!(shown.text_of("[data-count]"), format!("{} ký tự, 1 tin, còn {} ký tự, 1.200 đồng", sms.len(), 160 - sms.len()));
        assert!(shown.has_text("sẽ bỏ: 😀"), "{shown}");
        assert!(shown.texts_of(".error").is_empty() && shown.select("form").is_empty(), "{shown}");
        for (reason, words) in [("Xem www.x", "liên kết"), ("Gửi mã OTP cho cán bộ", "OTP"), (&"a".repeat(301), "tối đa 300")] {
            let shown = part(&officer, &form.clone().forge("reason", reason)).expect(200);
            assert!(shown.text_of(".error").contains(words), "«{reason}»: {shown}");
            // Recording it says the same, beside the field, once.
            let page = officer.submit(officer.open(&application).invalid("x").forge("reason", reason)).expect(422);
            assert!(page.fault("reason").is_some_and(|fault| fault.contains(words)), "{page}");
            assert_eq!(page.texts_of(".when-invalid .error").len(), 1, "{page}");
        }
        let outsider = app.officer(&app.offices.dong_da);
        let csrf = outsider.get("/password").form("Đổi mật khẩu").value("csrf").to_owned();
        part(&outsider, &form.forge("csrf", &csrf)).expect(404);
    }

    fn a_reason_is_measured_with_the_words_in_force(app: TestApp) {
        let application = app.ready("Hồ Văn Phúc");
        let officer = app.officer(&app.offices.ba_dinh);
        reworded(&app, TextKey::Rejected, &format!("{{so}} {{ly_do}} {}", "a".repeat(250)));
        let reason = "b".repeat(250);
        let form = officer.open(&application).form("Xem lại tin nhắn").set("outcome", "invalid").set("reason", &reason);
        let page = officer.submit(form).expect(200);
        assert!(page.text_of("[data-count]").contains(", 4 tin, "), "{page}");
        assert!(page.text_of("[data-previewed] .error").contains("dài hơn 3 tin"), "{page}");
        let page = officer.submit(page.form("Ghi nhận")).expect(422);
        assert!(page.fault("reason").is_some_and(|fault| fault.contains("dài hơn 3 tin")), "{page}");
        let page = officer.submit(page.form("Ghi nhận").set("reason", "Ảnh mờ")).expect(200);
        app.outbox_drain();
        assert!(app.sms()[0].contains(&format!("{} Anh mo aaa", application.number)), "{page}");
    }

    fn what_an_act_on_an_account_tells_is_shown_before_it_is_done(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open_account(&account);
        assert!(page.select("#reset_password [data-sms], #unlock [data-sms]").is_empty(), "nobody is told why");
        for (act, words) in [(AccountAct::Lock, "da bi khoa"), (AccountAct::Close, "da duoc huy")] {
            let mut form = page.act(act, "Mất điện thoại");
            form.action = format!("/accounts/{}/acts/{}/preview", account.id, act.code());
            let shown = part(&officer, &form).expect(200);
            let sms = shown.text_of("[data-sms]");
            assert!(sms.contains(&format!("Tai khoan {} {words}. Ly do: Mat dien thoai. ", account.code())), "{sms}");
            // Without a script: the page again, with what was typed.
            let again = officer.submit(form).expect(200);
            assert_eq!(again.text_of(&format!("#{}[open] [data-sms]", act.code())), sms);
            assert_eq!(again.form(act.label()).value("reason"), "Mất điện thoại");
        }
        let mut form = page.act(AccountAct::ResetPassword, "Quên mật khẩu");
        form.action = format!("/accounts/{}/acts/reset_password/preview", account.id);
        part(&officer, &form).expect(404);
        assert_eq!(app.account(account.id).version, account.version, "nothing was done");
        let page = officer.submit(page.act(AccountAct::Lock, "Gửi mã OTP cho cán bộ")).expect(422);
        assert!(page.fault("reason").is_some_and(|fault| fault.contains("OTP")), "{page}");
    }

    fn what_opening_an_application_again_tells_is_shown_when_somebody_is_told(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        let supervisor = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        let form = supervisor.open(&application).form("Xem lại tin nhắn").set("reopen_reason", "Cần đối chiếu lại ảnh");
        let sms = part(&supervisor, &form).expect(200).text_of("[data-sms]");
        assert!(sms.contains("dang duoc xet lai") && sms.contains("Ly do: Can doi chieu lai anh. "), "{sms}");
        let page = supervisor.submit(form).expect(200);
        assert_eq!(page.text_of("[data-sms]"), sms);
        supervisor.submit(page.form("Mở lại").check("acknowledged")).expect(200);
        app.outbox_drain();
        assert!(app.sms().iter().any(|left| left.contains(&sms)), "{:?}", app.sms());

        let rejected = app.ready("Hồ Văn Phúc");
        officer.submit(officer.open(&rejected).invalid("Ảnh mờ")).expect(200);
        let page = supervisor.open(&rejected);
        assert!(page.has_button("Mở lại") && page.select("[data-sms]").is_empty(), "nobody is told: {page}");
    }
}
