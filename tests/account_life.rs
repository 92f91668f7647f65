//! One act after the other on the same account: what was changed stays changed, what was locked stays locked, and a secret is
//! good only where the account's messages go now.

#![allow(clippy::unwrap_used)]

mod support;

use support::api::{OWN, PHONE};
use support::{Browser, Page, TestApp, both_databases};
use tnhs::domain::account::{Account, AccountAct, AccountState, LockCause};
use tnhs::domain::application::{Application, Status};
use tnhs::domain::numbers::{IdNumber, Phone};
use tnhs::domain::outbox::{MessageChannel, MessageKind};
use tnhs::domain::permission::Role;

fn phone(number: &str) -> Phone {
    Phone::parse(number).unwrap()
}

fn reopen(app: &TestApp, application: &Application) {
    let supervisor = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
    let form = supervisor.open(application).form("Mở lại").set("reopen_reason", "Xét lại hồ sơ");
    supervisor.submit(form.check("acknowledged")).expect(200);
}

/// *Hợp lệ*, *Ghi nhận*, *Xác nhận* of a change.
fn confirm(officer: &Browser, change: &Application) -> Page {
    let question = officer.submit(officer.open(change).valid()).expect(200);
    officer.submit(question.form("Xác nhận")).expect(200)
}

fn act(officer: &Browser, account: &Account, act: AccountAct) -> Page {
    officer.submit(officer.open_account(account).act(act, "Chủ tài khoản yêu cầu"))
}

fn told(app: &TestApp, application: &Application, kind: MessageKind) -> Vec<(MessageChannel, String)> {
    let told = app.messages(application).into_iter().filter(|message| message.kind == kind);
    told.map(|message| (message.channel, message.recipient)).collect()
}

/// How many text messages with a password left for this telephone.
fn passwords_to(app: &TestApp, to: &str) -> usize {
    app.sms().iter().filter(|sms| sms.starts_with(&format!("To: {to}\n")) && sms.contains("Mat khau")).count()
}

both_databases! {
    /// A decision that is recorded anew puts nothing back that was changed since.
    fn what_was_changed_since_survives_a_reopened_registration_by_change(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let change = app.change_declared(&first, |d| { d.phone = phone("0912345678"); d.address = Some("Số 77".into()); });
        confirm(&officer, &change);
        reopen(&app, &first);
        officer.submit(officer.open(&first).valid()).expect(200);
        assert_eq!(app.account_of(&first).holder, change.declaration);
    }

    fn what_was_changed_since_survives_a_reopened_registration_by_desk(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let account = app.account_of(&first);
        let form = officer.open_account(&account).act(AccountAct::ChangeContact, "Sai số").set("phone", "0912345678");
        officer.submit(form).expect(200);
        reopen(&app, &first);
        officer.submit(officer.open(&first).valid()).expect(200);
        assert_eq!(app.account_of(&first).holder.phone, phone("0912345678"));
        app.outbox_drain();
        assert_eq!(passwords_to(&app, first.declaration.phone.as_str()), 1, "only the very first went to the wrong phone: {:?}", app.sms());
    }

    fn a_change_applied_while_reopened_survives_the_new_approval(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        reopen(&app, &first);
        let change = app.change_declared(&first, |d| d.phone = phone("0912345678"));
        confirm(&officer, &change);
        assert_eq!(app.account_of(&first).state, AccountState::Locked, "a change opens no lock");
        officer.submit(officer.open(&first).valid()).expect(200);
        assert_eq!(app.account_of(&first).holder.phone, phone("0912345678"));
    }

    /// Whatever locked an account before it was looked at again is still there after.
    fn a_desks_lock_outlives_a_reopening(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        act(&officer, &app.account_of(&first), AccountAct::Lock).expect(200);
        reopen(&app, &first);
        officer.submit(officer.open(&first).valid()).expect(200);
        let account = app.account_of(&first);
        assert_eq!((account.state, account.lock_cause), (AccountState::Locked, Some(LockCause::Desk)));
    }

    fn reset_then_change_then_reopen_leaves_one_good_password_at_the_right_phone(app: TestApp) {
        let client = app.client();
        let mut citizen = app.settled_citizen("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        client.verify(&citizen, OWN, PHONE).expect(200);
        let account = app.account(citizen.account);
        act(&officer, &account, AccountAct::ResetPassword).expect(200);
        client.verify(&citizen, OWN, PHONE).expect(401);
        // Before it leaves, the telephone changes.
        let change = app.change_declared(&citizen.application, |d| d.phone = phone("0912345678"));
        confirm(&officer, &change);
        app.outbox_drain();
        assert_eq!(passwords_to(&app, "0912345678"), 1, "{:?}", app.sms());
        assert_eq!(passwords_to(&app, citizen.application.declaration.phone.as_str()), 1, "only the very first: {:?}", app.sms());
        let sms = app.sms().into_iter().rev().find(|s| s.contains("Mat khau moi")).unwrap();
        citizen.password = sms.split(&format!("{}: ", citizen.code)).nth(1).unwrap().chars().take_while(char::is_ascii_alphanumeric).collect();
        let answer = client.verify(&citizen, &citizen.password, PHONE).expect(200);
        assert_eq!(answer.says(), "change_password");
        reopen(&app, &citizen.application);
        let locked = client.verify(&citizen, &citizen.password, PHONE);
        assert_eq!(locked.status, 403, "{}", locked.body);
        for refused in AccountAct::ALL {
            let page = officer.submit(officer.open_account(&account).forced_act(&app.account(account.id), *refused)).expect(422);
            assert!(page.has_text("đang được xét lại"), "{refused:?}");
        }
        officer.submit(officer.open(&citizen.application).valid()).expect(200);
        app.outbox_drain();
        assert_eq!(app.account(citizen.account).state, AccountState::Active);
        assert_eq!(client.verify(&citizen, &citizen.password, PHONE).expect(200).says(), "change_password");
    }

    fn an_otp_that_went_to_the_old_telephone_is_void_after_the_telephone_changed(app: TestApp) {
        let client = app.client();
        let citizen = app.settled_citizen("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let otp = app.otp(&client, &citizen, "password", None);
        let form = officer.open_account(&app.account(citizen.account)).act(AccountAct::ChangeContact, "Mất SIM").set("phone", "0912345678");
        officer.submit(form).expect(200);
        let answer = client.change(&citizen, "Mật khẩu của kẻ nhặt SIM", &otp, None);
        assert_ne!(answer.status, 200, "an OTP at the lost telephone still changes the password: {}", answer.body);
    }

    fn an_otp_is_void_after_a_change_application_moved_the_telephone(app: TestApp) {
        let client = app.client();
        let citizen = app.settled_citizen("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let otp = app.otp(&client, &citizen, "password", None);
        confirm(&officer, &app.change_declared(&citizen.application, |d| d.phone = phone("0912345678")));
        let answer = client.change(&citizen, "Mật khẩu của kẻ nhặt SIM", &otp, None);
        assert_ne!(answer.status, 200, "{}", answer.body);
    }

    fn an_otp_outlives_neither_lock_nor_close_nor_reset(app: TestApp) {
        let client = app.client();
        let officer = app.officer(&app.offices.ba_dinh);
        for deed in [AccountAct::Lock, AccountAct::Close, AccountAct::ResetPassword] {
            let citizen = app.settled_citizen("Trần Thị Bích Ngọc");
            let otp = app.otp(&client, &citizen, "password", None);
            act(&officer, &app.account(citizen.account), deed).expect(200);
            let answer = client.change(&citizen, "Mật khẩu khác hẳn 12", &otp, None);
            assert!(matches!(answer.status, 401 | 403), "{deed:?} {}", answer.body);
        }
    }

    /// A one-time password that has not left yet when the telephone changes.
    fn an_otp_that_waits_does_not_leave_for_the_old_telephone(app: TestApp) {
        let client = app.client();
        let citizen = app.settled_citizen("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        client.ask_otp(&citizen, "password", None).expect(202);
        let form = officer.open_account(&app.account(citizen.account)).act(AccountAct::ChangeContact, "Mất SIM").set("phone", "0912345678");
        officer.submit(form).expect(200);
        app.outbox_drain();
        let old = format!("To: {}\n", citizen.application.declaration.phone);
        assert!(!app.sms().iter().any(|s| s.starts_with(&old) && s.contains("Ma xac thuc")), "{:?}", app.sms());
    }

    /// The device OTP is the same thing for a second device.
    fn a_device_otp_at_the_old_telephone_opens_no_device(app: TestApp) {
        let client = app.client();
        let citizen = app.settled_citizen("Trần Thị Bích Ngọc");
        client.verify(&citizen, OWN, PHONE).expect(200);
        let officer = app.officer(&app.offices.ba_dinh);
        let otp = app.otp(&client, &citizen, "device", Some(support::api::TABLET));
        let form = officer.open_account(&app.account(citizen.account)).act(AccountAct::ChangeContact, "Mất SIM").set("phone", "0912345678");
        officer.submit(form).expect(200);
        let answer = client.verify_with(&citizen, support::api::TABLET, &otp);
        assert_ne!(answer.says(), "signed_in", "{}", answer.body);
    }

    fn a_rejected_change_is_told_to_the_registered_telephone(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let change = app.change_declared(&first, |d| d.phone = phone("0912345678"));
        officer.submit(officer.open(&change).invalid("Không đúng chủ tài khoản")).expect(200);
        let all = told(&app, &change, MessageKind::Rejected);
        assert!(all.iter().any(|(_, to)| *to == first.declaration.phone.to_string()), "the holder's own phone is not among {all:?}");
    }

    fn a_wards_password_follows_the_guardian_who_changes_telephone_before_it_leaves(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let mother = app.holder("Đỗ Thị Hoà");
        app.outbox_drain();
        let old = mother.notice_phone().to_string();
        let before = passwords_to(&app, &old);
        let child = app.holder_at(&app.offices.ba_dinh, &app.child(&mother.holder, true));
        let form = officer.open_account(&app.account(mother.id)).act(AccountAct::ChangeContact, "Đổi số").set("phone", "0912345678");
        officer.submit(form).expect(200);
        app.outbox_drain();
        assert_eq!(passwords_to(&app, &old), before, "the child's password went to the telephone that is not the guardian's any more: {:?}", app.sms());
        let sms: Vec<String> = app.sms().into_iter().filter(|s| s.contains(child.code()) && s.contains("Mat khau")).collect();
        assert!(sms.iter().all(|s| s.starts_with("To: 0912345678\n")) && !sms.is_empty(), "{sms:?}");
    }

    fn a_guardians_change_application_moves_a_wards_waiting_password(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let mother = app.holder("Đỗ Thị Hoà");
        app.outbox_drain();
        let child = app.holder_at(&app.offices.ba_dinh, &app.child(&mother.holder, true));
        confirm(&officer, &app.change_declared(&app.application(mother.application_id), |d| d.phone = phone("0912345678")));
        app.outbox_drain();
        let sms: Vec<String> = app.sms().into_iter().filter(|s| s.contains(child.code()) && s.contains("Mat khau")).collect();
        assert!(sms.iter().all(|s| s.starts_with("To: 0912345678\n")) && !sms.is_empty(), "{sms:?}");
    }

    /// As for an account of one's own: the password that went to the wrong telephone opens nothing any more.
    fn a_wards_unused_password_is_renewed_when_the_guardians_telephone_is_corrected(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let mother = app.holder("Đỗ Thị Hoà");
        let child = app.holder_at(&app.offices.ba_dinh, &app.child(&mother.holder, true));
        app.outbox_drain();
        let form = officer.open_account(&app.account(mother.id)).act(AccountAct::ChangeContact, "Đổi số").set("phone", "0912345678");
        officer.submit(form).expect(200);
        app.outbox_drain();
        let sms: Vec<String> = app.sms().into_iter().filter(|s| s.contains(child.code()) && s.contains("Mat khau moi")).collect();
        assert_eq!(sms.len(), 1, "{:?}", app.sms());
    }

    fn the_message_that_is_announced_is_the_one_that_leaves(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let before = app.sms().len();
        reopen(&app, &first);
        let page = officer.open(&first);
        let announces = page.has_text("da duoc duyet. Tai khoan:");
        officer.submit(page.valid()).expect(200);
        app.outbox_drain();
        let sent: Vec<String> = app.sms()[before..].to_vec();
        assert_eq!(announces, sent.iter().any(|s| s.contains("da duoc duyet. Tai khoan:")), "the page announces an SMS with a password; sent: {sent:?}");
    }

    fn a_number_that_another_has_taken_since_stands_in_no_ones_way(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let old = first.declaration.id_number.clone();
        confirm(&officer, &app.change_declared(&first, |d| d.id_number = IdNumber::parse("001190777777").ok()));
        let mut other = app.citizen("Lê Thị Hồng");
        other.id_number = old;
        app.registered(&other);
        let second = app.declared(&app.offices.ba_dinh, &other);
        officer.submit(officer.open(&second).valid()).expect(200);
        assert_eq!(app.status(&second), Status::Approved);
        reopen(&app, &first);
        let page = officer.open(&first);
        let blocked = page.select("input[name=outcome][value=valid][disabled]").len() == 1;
        assert!(!blocked, "the holder's own number is 001190777777 by now, yet the page says: {}", page.texts_of(".flash, .refusal, .hint").join(" | "));
        officer.submit(page.valid()).expect(200);
        assert_eq!(app.account_of(&first).holder.id_number, IdNumber::parse("001190777777").ok());
    }

    /// A password on its way to the guardian's old telephone stands in the way of a change of the telephone, as for one's own.
    fn a_wards_reset_follows_the_guardian_too(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let mother = app.holder("Đỗ Thị Hoà");
        let child = app.holder_at(&app.offices.ba_dinh, &app.child(&mother.holder, true));
        app.outbox_drain();
        officer.submit(officer.open_account(&app.account(child.id)).act(AccountAct::ResetPassword, "Quên")).expect(200);
        let form = officer.open_account(&app.account(mother.id)).act(AccountAct::ChangeContact, "Mất SIM").set("phone", "0912345678");
        officer.submit(form).expect(200);
        app.outbox_drain();
        let sms: Vec<String> = app.sms().into_iter().filter(|s| s.contains(child.code()) && s.contains("Mat khau moi")).collect();
        assert!(sms.iter().all(|s| s.starts_with("To: 0912345678\n")), "{sms:?}");
    }
}
