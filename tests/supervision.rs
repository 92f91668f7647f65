//! What a supervisor does with the applications of their offices: opening a decided one again, giving a waiting one to
//! another office.

#![allow(clippy::unwrap_used)]

mod support;

use support::{Browser, TestApp, both_databases};
use tnhs::clock;
use tnhs::domain::account::{AccountState, LockCause};
use tnhs::domain::application::Status;
use tnhs::domain::dates::{from_hanoi, to_hanoi};
use tnhs::domain::event::EventKind;
use tnhs::domain::outbox::MessageKind;
use tnhs::domain::permission::Role;
use tnhs::domain::refusal::Refusal;

fn supervisor(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi))
}

fn officer_rejects(app: &TestApp, application: &tnhs::domain::application::Application) {
    let officer = app.officer(&app.offices.ba_dinh);
    officer.submit(officer.open(application).invalid("Ảnh bị mờ")).expect(200);
}

both_databases! {
    fn a_rejected_application_is_opened_again_with_a_reason_and_new_working_days(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.ready("Trần Thị Bích Ngọc");
        officer.submit(officer.open(&application).invalid("Ảnh bị mờ")).expect(200);
        let supervisor = supervisor(&app);
        let page = supervisor.open(&application);
        let page = supervisor.submit(page.form("Mở lại")).expect(422);
        assert!(page.fault("reopen_reason").is_some(), "{page}");
        let page = supervisor.submit(page.form("Mở lại").set("reopen_reason", "Ảnh đủ rõ")).expect(200);
        assert!(page.told().contains("Chờ duyệt") && page.history()[0].contains("Lý do: Ảnh đủ rõ"), "{page}");
        let now = app.application(application.id);
        assert_eq!((now.status, now.reason, now.decided_at), (Status::Pending, None, None));
        let received = now.received_at.unwrap();
        assert!(now.due_at > received && to_hanoi(now.due_at).format("%H:%M").to_string() == "17:00");
        let page = officer.open(&application);
        assert!(page.text_of(".reopened").contains("Lý do: Ảnh đủ rõ"), "{page}");
        officer.submit(page.valid()).expect(200);
        assert_eq!((app.status(&application), app.accounts()), (Status::Approved, 1));
    }

    fn an_approved_one_is_opened_only_knowingly_and_its_account_is_locked_meanwhile(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        let supervisor = supervisor(&app);
        let form = supervisor.open(&application).form("Mở lại").set("reopen_reason", "Nghi nhầm người");
        let page = supervisor.submit(form).expect(422);
        assert_eq!(page.told(), Refusal::NotAcknowledged.to_string());
        assert_eq!(page.form("Mở lại").value("reopen_reason"), "Nghi nhầm người");
        supervisor.submit(page.form("Mở lại").check("acknowledged")).expect(200);
        let account = app.account_of(&application);
        assert_eq!((account.state, account.lock_cause), (AccountState::Locked, Some(LockCause::Reopened)));
        let kinds: Vec<MessageKind> = app.messages(&application).iter().map(|message| message.kind).collect();
        assert_eq!(kinds[2..], [MessageKind::Locked, MessageKind::Locked]);
        // The password that had not left yet does not leave while it is locked.
        app.outbox_drain();
        assert!(!app.sms().iter().any(|sms| sms.contains("Mat khau:")), "{:?}", app.sms());

        officer.submit(officer.open(&application).valid()).expect(200);
        let account = app.account_of(&application);
        assert_eq!((account.state, account.lock_cause), (AccountState::Active, None));
        assert_eq!(app.accounts(), 1);
        // It comes now: otherwise nobody could sign in.
        app.outbox_drain();
        assert_eq!(app.sms().iter().filter(|sms| sms.contains("Mat khau moi")).count(), 1, "{:?}", app.sms());
    }

    fn rejecting_what_was_approved_closes_its_account_and_a_new_registration_opens_it_anew(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let supervisor = supervisor(&app);
        let form = supervisor.open(&application).form("Mở lại").set("reopen_reason", "Nghi nhầm người");
        supervisor.submit(form.check("acknowledged")).expect(200);
        officer.submit(officer.open(&application).invalid("Giấy tờ không phải của người này")).expect(200);
        let closed = app.account_of(&application);
        assert_eq!((closed.state, closed.has_password), (AccountState::Closed, false));

        let again = app.declared(&app.offices.dong_da, &application.declaration);
        let elsewhere = app.officer(&app.offices.dong_da);
        let page = elsewhere.open(&again);
        assert!(page.has_text("Lần trước bị từ chối") && page.has_text("Giấy tờ không phải của người này"), "{page}");
        elsewhere.submit(page.valid()).expect(200);
        let account = app.account_of(&again);
        assert_eq!((account.id, account.state, account.application_id), (closed.id, AccountState::Active, again.id));
        app.outbox_drain();
        assert_eq!(app.sms().iter().filter(|sms| sms.contains("Mat khau:")).count(), 2);

        // The first one cannot be opened any more: the account is another application's.
        let page = supervisor.open(&application);
        supervisor.submit(page.form("Mở lại").set("reopen_reason", "Nhầm")).expect(200);
        assert!(officer.open(&application).has_text("đã có tài khoản"));
    }

    fn an_application_that_is_moved_keeps_its_number_and_changes_its_queue(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let [officer, other] = [&app.offices.ba_dinh, &app.offices.dong_da].map(|office| app.officer(office));
        let supervisor = supervisor(&app);
        let page = supervisor.open(&application);
        let offered = page.texts_of("#agency option");
        assert!(offered.iter().all(|office| !office.contains("Huế") && !office.contains("Ba Đình")), "{offered:?}");
        let page = supervisor.submit(page.form("Chuyển").set("agency", "00102")).expect(422);
        assert!(page.fault("move_reason").is_some() && page.form("Chuyển").value("agency") == "00102", "{page}");
        let stale = officer.open(&application);
        let page = supervisor.submit(page.form("Chuyển").set("move_reason", "Người dân ở gần Đống Đa")).expect(200);
        assert!(page.told().contains("Đống Đa"), "{page}");
        let moved = page.history().remove(0);
        assert!(moved.contains("Từ Bảo hiểm xã hội cơ sở Ba Đình đến Bảo hiểm xã hội cơ sở Đống Đa"), "{moved}");

        let page = officer.submit(stale.invalid("Ảnh bị mờ")).expect(422);
        for words in ["đã được chuyển đến Bảo hiểm xã hội cơ sở Đống Đa", "Ảnh bị mờ"] {
            assert!(page.has_text(words), "«{words}» is missing on\n{page}");
        }
        // Whose it never was learns nothing.
        let stranger = app.officer(&app.offices.phu_xuan);
        let form = stale.invalid("Ảnh bị mờ").forge("csrf", stranger.get("/password").form("Đổi mật khẩu").value("csrf"));
        stranger.submit(form).expect(404);
        assert_eq!(app.application(application.id).number, application.number);
        for (browser, found) in [(&officer, 0), (&other, 1)] {
            let list = browser.get("/applications");
            for (field, text) in [("q", "bich ngoc"), ("numbers", application.number.as_str())] {
                let page = browser.submit(list.form("Tra cứu").set(field, text)).expect(200);
                assert_eq!(page.texts_of("td.name").len(), found, "{field}");
            }
        }
        other.submit(other.open(&application).valid()).expect(200);
        assert_eq!((app.status(&application), app.messages(&application).len()), (Status::Approved, 2));
    }

    fn a_reason_is_words_whatever_is_typed(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let supervisor = supervisor(&app);
        let page = supervisor.open(&application);
        for naughty in ["", "  ", "\u{0}", "a\u{202e}b", "\u{fffd}", &"x".repeat(301)] {
            let form = page.form("Chuyển").set("agency", "00102").forge("move_reason", naughty);
            let page = supervisor.submit(form).expect(422);
            assert!(page.fault("move_reason").is_some(), "{naughty:?}\n{page}");
        }
        // It stays for good: nobody is named in it.
        for naming in ["Chị Trần Thị Bích Ngọc ở gần", "tran thi bich ngoc", "Gọi 0912345678"] {
            let form = page.form("Chuyển").set("agency", "00102").set("move_reason", naming);
            assert!(supervisor.submit(form).expect(422).fault("move_reason").is_some(), "{naming}");
        }
        officer_rejects(&app, &application);
        let page = supervisor.open(&application);
        for naughty in ["", "...", "\u{0}", "xem bit.ly/abc", &"{".repeat(300)] {
            let page = supervisor.submit(page.form("Mở lại").forge("reopen_reason", naughty)).expect(422);
            assert!(page.fault("reopen_reason").is_some(), "{naughty:?}\n{page}");
        }
        let page = supervisor.submit(page.form("Mở lại").set("reopen_reason", "<b>'; DROP TABLE x;--")).expect(200);
        assert!(page.history()[0].contains("<b>'; DROP TABLE x;--"), "{:?}", page.history());
    }

    fn the_account_goes_along_with_the_application_that_it_came_from(app: TestApp) {
        let application = app.approved(&app.officer(&app.offices.ba_dinh), "Trần Thị Bích Ngọc");
        let supervisor = supervisor(&app);
        let form = supervisor.open(&application).form("Mở lại").set("reopen_reason", "Nhầm cơ quan");
        let page = supervisor.submit(form.check("acknowledged")).expect(200);
        supervisor.submit(page.form("Chuyển").set("agency", "00102").set("move_reason", "Gần nhà")).expect(200);
        let account = app.account_of(&application);
        app.officer(&app.offices.dong_da).get(&format!("/accounts/{}", account.id)).expect(200);
        app.officer(&app.offices.ba_dinh).get(&format!("/accounts/{}", account.id)).expect(404);
    }

    fn an_application_goes_only_to_an_office_within_the_supervisors_reach(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let supervisor = supervisor(&app);
        let form = || supervisor.open(&application).form("Chuyển").set("move_reason", "Gần nhà");
        for (code, told) in [("04601", "Chọn cơ quan nhận hồ sơ."), ("", "Chọn cơ quan nhận hồ sơ."), ("99999", "Chọn cơ quan nhận hồ sơ.")] {
            let page = supervisor.submit(form().forge("agency", code)).expect(422);
            assert_eq!(page.fault("agency").as_deref(), Some(told), "{code}");
        }
        let page = supervisor.submit(form().forge("agency", "00101")).expect(422);
        assert_eq!(page.told(), Refusal::AlreadyThere.to_string());
        assert_eq!(app.application(application.id).agency_id, app.offices.ba_dinh.id);
    }

    fn who_is_told_of_another_change_acts_on_nothing(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let supervisor = supervisor(&app);
        let stale = supervisor.open(&application).form("Chuyển").set("agency", "00102").set("move_reason", "Gần nhà");
        officer.submit(officer.open(&application).invalid("Ảnh bị mờ")).expect(200);
        let page = supervisor.submit(stale).expect(422);
        assert_eq!(page.told(), Refusal::NotMovable(Status::Rejected).to_string());
        let stale = supervisor.open(&application).form("Mở lại").set("reopen_reason", "Ảnh đủ rõ");
        supervisor.submit(stale.clone()).expect(200);
        officer.submit(officer.open(&application).invalid("Ảnh vẫn mờ")).expect(200);
        let page = supervisor.submit(stale).expect(409);
        assert_eq!(page.form("Mở lại").value("reopen_reason"), "Ảnh đủ rõ");
        assert_eq!(app.events_of(application.id, EventKind::Reopened), 1);
    }

    fn an_application_that_waited_for_its_code_has_been_received(app: TestApp) {
        let person = app.citizen("Lê Hoàng Bảo Ngọc");
        let declared = clock::now() - chrono::TimeDelta::days(9);
        let application = app.declared_at(&app.offices.ba_dinh, &person, declared);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&application).valid()).expect(200);
        let waiting = app.application(application.id);
        assert_eq!(waiting.status, Status::AwaitingCode);
        assert!(waiting.received_at.is_some() && waiting.due_at > clock::now());
        assert!(waiting.due_at >= from_hanoi(to_hanoi(clock::now()).date(), chrono::NaiveTime::MIN));
    }

    /// A declaration is not removed while its person stands at the counter.
    fn whoever_came_with_the_papers_is_received_and_not_removed(app: TestApp) {
        let declared = clock::now() - chrono::TimeDelta::days(9);
        let person = app.citizen("Trần Thị Bích Ngọc");
        app.registered(&person);
        let application = app.declared_at(&app.offices.ba_dinh, &person, declared);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.submit(officer.open(&application).form("Đã nhận hồ sơ giấy")).expect(200);
        assert!(page.told().contains("ba ngày làm việc"), "{page}");
        let received = app.application(application.id);
        assert!(received.received_at.is_some() && received.due_at > clock::now());
        assert!(page.history()[0].contains("Đã nhận hồ sơ giấy") && page.has_text("Nhận hồ sơ giấy lúc"), "{page}");
        assert_eq!(app.sweep(declared + chrono::TimeDelta::days(20)).expire().unwrap(), 0);
        assert_eq!(app.status(&application), Status::Pending);
        let mut again = page.form("Ghi nhận");
        again.action = format!("/applications/{}/receive", application.id);
        let page = officer.submit(again).expect(422);
        assert!(page.has_text(&Refusal::AlreadyReceived.to_string()), "{page}");
    }

    fn the_earlier_reason_and_what_was_corrected_since_stand_beside_a_new_attempt(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.ready("Trần Thị Bích Ngọc");
        officer.submit(officer.open(&first).invalid("Số điện thoại không liên lạc được")).expect(200);
        let mut person = first.declaration.clone();
        let same = app.declared(&app.offices.ba_dinh, &person);
        assert!(officer.open(&same).text_of(".earlier").contains("chưa sửa gì"));
        person.phone = tnhs::domain::numbers::Phone::parse("0912345678").unwrap();
        let again = app.declared_without_portrait(&app.offices.ba_dinh, &person, clock::now());
        app.add_photo(again.id, tnhs::domain::application::PhotoKind::Portrait, &support::drawing(300, 400, [90, 60, 40]));
        let page = officer.open(&again);
        let earlier = page.text_of(".earlier");
        for words in [first.number.as_str(), "Số điện thoại không liên lạc được", "0912345678", "Ảnh chân dung"] {
            assert!(earlier.contains(words), "«{words}» is missing in {earlier}");
        }
    }
}
