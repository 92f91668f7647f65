//! The forms with which a desk acts on an account: what is typed wrong, twice, too late, by two at once, or by nobody who may.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Barrier;
use std::thread;

use support::{Browser, Form, TestApp, both_databases};
use tnhs::domain::account::{AccountAct, AccountState};
use tnhs::domain::event::EventKind;
use tnhs::domain::permission::Role;
use tnhs::domain::refusal::Refusal;

/// Sends both forms at the same moment.
fn at_once(first: (&Browser, &Form), second: (&Browser, &Form)) -> [u16; 2] {
    let start = Barrier::new(2);
    let send = |(browser, form): (&Browser, &Form)| {
        start.wait();
        browser.submit_only(form).status
    };
    thread::scope(|scope| {
        let one = scope.spawn(|| send(first));
        let other = send(second);
        [one.join().unwrap(), other]
    })
}

both_databases! {
    fn nothing_that_is_typed_is_lost_or_believed(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open_account(&account);
        let bare = page.form("Cấp lại mật khẩu").set("reason", "Quên mật khẩu").check("id_compared");
        let page = officer.submit(bare).expect(422);
        assert_eq!(page.told(), Refusal::DeskCheck.to_string());
        let form = page.form("Cấp lại mật khẩu");
        assert_eq!([form.value("reason"), form.value("id_compared"), form.value("asked_by_holder")], ["Quên mật khẩu", "1", ""]);
        for text in ["", " ", "a\0b", "\u{202E}abc", "\u{FFFD}", "...", "Xem http://x.vn", "bit.ly/x", &"a".repeat(301)] {
            for act in AccountAct::ALL {
                let form = page.forced_act(&account, *act).forge("reason", text);
                let answer = officer.submit(form).expect(422);
                assert!(act.allowed_in(AccountState::Active, None).is_err() || answer.fault("reason").is_some(), "{text:?}: {answer}");
            }
        }
        for text in ["", "12", "abc", "0912\u{0}345678", "' OR 1=1 --", "0123456789", "<script>alert(1)</script>"] {
            let form = page.act(AccountAct::ChangeContact, "Đổi số").forge("phone", text);
            let answer = officer.submit(form).expect(422);
            assert!(answer.fault("phone").is_some(), "{text:?}");
            assert_eq!(answer.form("Đổi điện thoại, email").value("phone"), text.replace('\0', "\u{FFFD}"));
        }
        for text in ["a", "a@b", "a\0@b.vn", "a b@c.vn", "\u{202E}a@b.vn", "a@b.vn\r\nBcc: c@d.vn"] {
            let form = page.act(AccountAct::ChangeContact, "Đổi số").forge("email", text);
            assert!(officer.submit(form).expect(422).fault("email").is_some(), "{text:?}");
        }
        officer.submit(page.forced_act(&account, AccountAct::Lock).forge("version", "x")).expect(409);
        let mut unknown = page.forced_act(&account, AccountAct::Lock);
        unknown.action = format!("/accounts/{}/acts/explode", account.id);
        officer.submit(unknown).expect(404);
        assert_eq!(app.account(account.id).version, account.version);
        assert_eq!(officer.get(&format!("/accounts/{}/acts/lock", account.id)).path(), format!("/accounts/{}", account.id));
    }

    fn a_form_that_comes_after_the_session_ended_is_handed_back(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let officer = app.sign_in(&employee);
        let form = officer.open_account(&account).act(AccountAct::Lock, "Mất điện thoại");
        app.end_all_sessions();
        let page = officer.submit(form).expect(401);
        let form = page.form("/sign-in").set("login", &employee.login).set("password", support::PASSWORD);
        let page = officer.submit(form).expect(200);
        assert_eq!(page.path(), format!("/accounts/{}", account.id));
        assert_eq!(page.form("Khóa tài khoản").value("reason"), "Mất điện thoại");
        assert_eq!(app.account(account.id).state, AccountState::Active);
    }

    fn the_same_form_posted_twice_counts_once(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        for act in [AccountAct::ResetPassword, AccountAct::ChangeContact, AccountAct::Lock, AccountAct::Close] {
            let account = app.holder("Trần Thị Bích Ngọc");
            let mut form = officer.open_account(&account).act(act, "Chủ tài khoản yêu cầu");
            if act == AccountAct::ChangeContact {
                form = form.set("phone", "0912345678");
            }
            officer.submit(form.clone()).expect(200);
            let before = app.messages_about(&account).len();
            let page = officer.submit(form).expect(200);
            assert!(page.told().contains("không làm lại"), "{page}");
            assert_eq!(app.messages_about(&account).len(), before);
            assert_eq!(app.events_about(&account, act.event()), 1);
        }
        for _ in 0..5 {
            let account = app.holder("Trần Thị Bích Ngọc");
            let form = officer.open_account(&account).act(AccountAct::ResetPassword, "Quên mật khẩu");
            assert_eq!(at_once((&officer, &form), (&officer, &form)), [303, 303]);
            assert_eq!(app.events_about(&account, EventKind::AccountPasswordReset), 1);
        }
        // Another telephone is not the same form.
        let account = app.holder("Trần Thị Bích Ngọc");
        let form = officer.open_account(&account).act(AccountAct::ChangeContact, "Đổi số").set("phone", "0912345678");
        officer.submit(form.clone()).expect(200);
        let page = officer.submit(form.set("phone", "0987654321")).expect(409);
        assert!(page.told().contains("Tài khoản đã có thay đổi"), "{page}");
    }

    fn of_two_officers_one_wins_and_the_other_is_told(app: TestApp) {
        let employees = [(); 2].map(|()| app.employee(Role::Officer, &app.offices.ba_dinh));
        let [mine, theirs] = [0, 1].map(|at| app.sign_in(&employees[at]));
        let stale = app.holder("Lê Thị Hồng");
        let form = theirs.open_account(&stale).act(AccountAct::ResetPassword, "Quên mật khẩu");
        mine.submit(mine.open_account(&stale).act(AccountAct::ChangeContact, "Đổi số").set("phone", "0912345678")).expect(200);
        let page = theirs.submit(form).expect(409);
        for words in [&employees[0].name, "Đổi điện thoại, email"] {
            assert!(page.told().contains(words), "{page}");
        }
        let form = page.form("Cấp lại mật khẩu");
        assert_eq!([form.value("reason"), form.value("id_compared")], ["Quên mật khẩu", ""], "to be checked again");

        for race in 0..10 {
            let account = app.holder("Trần Thị Bích Ngọc");
            let reset = mine.open_account(&account).act(AccountAct::ResetPassword, "Quên mật khẩu");
            let other = match race % 2 {
                0 => theirs.open_account(&account).act(AccountAct::Close, "Gộp mã số"),
                _ => theirs.open_account(&account).act(AccountAct::ResetPassword, "Quên mật khẩu"),
            };
            let statuses = at_once((&mine, &reset), (&theirs, &other));
            assert!(matches!(statuses, [303, 409] | [409, 303]), "race {race}: {statuses:?}");
            assert_eq!(app.account(account.id).version, account.version + 1);
            let done = [EventKind::AccountPasswordReset, EventKind::AccountClosed].map(|kind| app.events_about(&account, kind));
            assert_eq!(done[0] + done[1], 1);
        }
        app.outbox_drain();
    }

    fn only_an_officer_acts(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        let supervisor = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        let page = supervisor.open_account(&account);
        assert!(page.has_text("Chỉ cán bộ tiếp nhận thực hiện") && page.select(".deeds form").is_empty());
        assert!(!page.has_link("Đăng ký thay đổi thông tin"));
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        for act in AccountAct::ALL {
            supervisor.submit(page.forced_act(&account, *act)).expect(403);
            admin.submit(admin.get("/staff").forced_act(&account, *act)).expect(403);
        }
        assert_eq!(app.account(account.id).version, account.version);
    }
}
