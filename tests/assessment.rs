//! Đánh giá hồ sơ and Ghi nhận: what must hold before *hợp lệ*, what a rejection needs, and what becomes of it.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::TimeDelta;
use diesel::prelude::*;

use support::desk::CHECKLIST;
use support::{TestApp, both_databases};
use tnhs::clock;
use tnhs::db::events::NewEvent;
use tnhs::db::schema::applications;
use tnhs::db::{accounts, events};
use tnhs::domain::application::{PhotoKind, Sex, Status};
use tnhs::domain::dates::BirthDate;
use tnhs::domain::event::EventKind;
use tnhs::domain::message::REASONS;

both_databases! {
    fn the_checklist_is_mandatory_tick_by_tick(app: TestApp) {
        let application = app.ready("Lê Thị Thu Trang");
        let officer = app.officer(&app.offices.ba_dinh);
        for left_out in CHECKLIST {
            let page = officer.submit(officer.open(&application).valid().uncheck(left_out)).expect(422);
            assert!(page.told().contains("Đánh dấu đủ"), "{page}");
            let form = page.form("Ghi nhận");
            for tick in CHECKLIST {
                assert_eq!(form.value(tick).is_empty(), tick == left_out, "what was ticked stays ticked: {tick}");
            }
            assert_eq!((app.status(&application), app.accounts()), (Status::Pending, 0));
        }
        // Whoever waits for a code must have brought everything too.
        let unknown = app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Thu Hà"));
        officer.submit(officer.open(&unknown).valid().uncheck("form_signed")).expect(422);
        assert_eq!(app.status(&unknown), Status::Pending);
    }

    fn nothing_is_approved_without_a_portrait(app: TestApp) {
        let person = app.citizen("Đỗ Văn Long");
        app.registered(&person);
        let application = app.declared_without_portrait(&app.offices.ba_dinh, &person, clock::now());
        app.add_photo(application.id, PhotoKind::IdFront, support::portrait());
        let officer = app.officer(&app.offices.ba_dinh);
        assert!(app.forced(&officer, &application).contains("ảnh chân dung"));
        app.add_photo(application.id, PhotoKind::Portrait, support::portrait());
        officer.submit(officer.open(&application).valid()).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn a_code_that_has_an_account_gets_no_second_one(app: TestApp) {
        let first = app.ready("Vũ Thị Lan");
        let person = &first.declaration;
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&first).valid()).expect(200);
        let second = app.declared(&app.offices.ba_dinh, person);
        assert!(app.forced(&officer, &second).contains("đã có tài khoản"));
        assert!(officer.open(&second).form("Ghi nhận").value("reason").contains("đã có tài khoản"));
        assert_eq!(app.accounts(), 1);
    }

    fn the_same_id_number_under_two_codes_is_blocked_and_said(app: TestApp) {
        let first = app.ready("Vũ Thị Lan");
        let person = &first.declaration;
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&first).valid()).expect(200);
        let mut other = app.citizen("Vũ Thị Lan");
        other.id_number = person.id_number.clone();
        app.registered(&other);
        let second = app.declared(&app.offices.ba_dinh, &other);
        assert!(app.forced(&officer, &second).contains(person.code.as_str()), "the officer learns which code");
        assert_eq!(app.accounts(), 1);
    }

    fn an_id_number_that_tells_another_sex_or_year_is_a_warning_only(app: TestApp) {
        let mut person = app.citizen("Ngô Văn Minh");
        person.sex = Some(Sex::Male);
        app.registered(&person);
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert!(page.text_of("p.warning").contains("giới tính khác"), "{page}");
        officer.submit(page.valid()).expect(200);
    }

    fn a_rejection_needs_a_reason_that_can_be_sent(app: TestApp) {
        let application = app.ready("Hồ Văn Phúc");
        let officer = app.officer(&app.offices.ba_dinh);
        let long = "Thiếu giấy tờ. ".repeat(21);
        for reason in
            ["", "   ", "...", "Xem https://example.vn", "Vào baohiemxahoi.gov.vn", "bit.ly/abc", long.trim()]
        {
            let page = officer.submit(officer.open(&application).invalid(reason)).expect(422);
            assert!(page.fault("reason").is_some(), "«{reason}» has no sentence beside it on\n{page}");
            let form = page.form("Ghi nhận");
            assert_eq!((form.value("outcome"), form.value("reason")), ("invalid", reason), "what was typed stays");
            assert_eq!((app.status(&application), app.messages(&application).len()), (Status::Pending, 0));
        }
        let page = officer.submit(officer.open(&application).form("Ghi nhận").set("reason", "Ảnh mờ")).expect(422);
        assert!(page.fault("outcome").is_some(), "neither hợp lệ nor không hợp lệ was chosen: {page}");
        assert_eq!(page.form("Ghi nhận").value("reason"), "Ảnh mờ");

        let form = page.invalid("Đề nghị chụp lại").set("reason_choice", REASONS[1]);
        let page = officer.submit(form).expect(200);
        assert!(page.told().to_lowercase().contains("từ chối duyệt thành công"), "{page}");
        assert_eq!(page.status_shown(), "Từ chối");
        assert_eq!(app.application(application.id).reason.unwrap(), format!("{}. Đề nghị chụp lại", REASONS[1]));
        assert_eq!(app.accounts(), 0);
    }

    fn the_message_of_a_rejection_can_be_read_before_it_is_sent(app: TestApp) {
        let application = app.ready("Hồ Văn Phúc");
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.open(&application).invalid("Ảnh chân dung bị mờ");
        // The button beside the text sends the same fields elsewhere.
        let preview = officer.open(&application).form("Xem lại tin nhắn");
        let preview = preview.set("outcome", "invalid").set("reason", form.value("reason"));
        let page = officer.submit(preview).expect(200);
        let sms = page.text_of("[data-sms]");
        assert!(sms.contains("khong duoc duyet. Ly do: Anh chan dung bi mo."), "{sms}");
        assert_eq!(page.form("Ghi nhận").value("reason"), "Ảnh chân dung bị mờ");
        assert_eq!(app.status(&application), Status::Pending);
    }

    fn what_is_decided_is_not_decided_again(app: TestApp) {
        let application = app.ready("Lý Thị Hoa");
        let person = &application.declaration;
        let (first, second) = (app.employee(tnhs::domain::permission::Role::Officer, &app.offices.ba_dinh),
            app.officer(&app.offices.ba_dinh));
        let stale = second.open(&application);
        let first_browser = app.sign_in(&first);
        first_browser.submit(first_browser.open(&application).valid()).expect(200);

        let page = second.submit(stale.invalid("Ảnh bị mờ")).expect(409);
        for words in [first.name.as_str(), "Đã duyệt", "Ảnh bị mờ"] {
            assert!(page.has_text(words), "«{words}» is missing on\n{page}");
        }
        assert!(!second.open(&application).has_button("Ghi nhận"), "nothing is left to decide");
        // Also not when the form claims to know the newest version.
        let version = app.application(application.id).version.to_string();
        for form in [stale.invalid("Ảnh bị mờ"), stale.valid()] {
            let page = second.submit(form.forge("version", &version)).expect(422);
            assert!(page.told().contains("Đã duyệt"), "{page}");
        }
        let decided = app.application(application.id);
        assert_eq!((decided.status, decided.decided_by, decided.reason), (Status::Approved, Some(first.id), None));
        assert_eq!(app.messages(&application).len(), 2, "one SMS and one mail to {}", person.code);
    }

    fn one_that_ran_out_cannot_be_decided(app: TestApp) {
        let application = app.ready("Lý Thị Hoa");
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.open(&application).valid();
        app.db(|conn| {
            diesel::update(applications::table.find(application.id))
                .set(applications::status.eq(Status::Expired))
                .execute(conn)
        });
        assert!(officer.submit(form).expect(422).told().contains("Quá hạn"));
        assert!(!officer.open(&application).has_button("Ghi nhận"));
    }

    fn a_minors_notices_go_to_the_guardian(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let guardian = app.citizen("Trần Văn An");
        let mut child = app.citizen("Trần Gia Bảo");
        child.id_number = None;
        child.birth_date = BirthDate::parse("05/03/2018", clock::now().date()).ok();
        child.guardian = Some(tnhs::domain::application::Guardian {
            name: guardian.name.clone(),
            code: None,
            phone: guardian.phone.clone(),
            email: guardian.email.clone(),
            relation: None,
        });
        app.registered(&child);
        let application = app.declared(&app.offices.ba_dinh, &child);
        app.add_photo(application.id, PhotoKind::BirthCertificate, support::portrait());
        let page = officer.open(&application);
        assert!(page.text_of(".when-valid").contains(guardian.phone.as_str()), "{page}");
        officer.submit(page.valid()).expect(200);
        let to: Vec<String> = app.messages(&application).into_iter().map(|message| message.recipient).collect();
        assert_eq!(to, [guardian.phone.as_str(), guardian.email.as_ref().unwrap().as_str()]);

        // A guardian without an address gets no mail, and the child's is not used instead.
        let mut sister = app.citizen("Trần Gia Hân");
        sister.id_number = None;
        sister.birth_date = child.birth_date.clone();
        sister.guardian = child.guardian.clone().map(|guardian| tnhs::domain::application::Guardian {
            email: None,
            ..guardian
        });
        let application = app.declared(&app.offices.ba_dinh, &sister);
        let page = officer.submit(officer.open(&application).invalid("Giấy khai sinh bị mờ")).expect(200);
        assert!(page.text_of("[aria-labelledby=messages]").contains(guardian.phone.as_str()), "{page}");
        assert_eq!(app.messages(&application).len(), 1);
    }

    fn the_same_telephone_on_several_accounts_is_shown_and_not_blocked(app: TestApp) {
        let first = app.ready("Mai Văn Tú");
        let person = &first.declaration;
        app.db(|conn| accounts::insert(conn, &first, clock::now()));
        let mut wife = app.citizen("Mai Thị Tư");
        (wife.phone, wife.email) = (person.phone.clone(), person.email.clone());
        app.registered(&wife);
        let application = app.declared(&app.offices.ba_dinh, &wife);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        let warnings = page.texts_of("p.warning");
        assert!(warnings[0].contains("Số điện thoại này đang dùng cho 1 tài khoản khác"), "{page}");
        assert!(warnings[1].contains("Email này đang dùng cho 1 tài khoản khác"), "{page}");
        officer.submit(page.valid()).expect(200);
        assert_eq!(app.accounts(), 2);
    }

    fn earlier_attempts_are_shown_with_their_reasons(app: TestApp) {
        let first = app.ready("Đinh Thị Nga");
        let person = &first.declaration;
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&first).invalid("Tờ khai chưa ký")).expect(200);
        let second = app.declared(&app.offices.ba_dinh, person);
        let page = officer.open(&second);
        let attempts = page.text_of(".attempts");
        for words in [first.number.as_str(), "Từ chối", "Lý do: Tờ khai chưa ký"] {
            assert!(attempts.contains(words), "«{words}» is missing in {attempts}");
        }
        let page = officer.click(&page, first.number.as_str()).expect(200);
        assert_eq!(page.path(), format!("/applications/{}", first.id));
    }

    fn a_photo_that_changed_since_the_look_is_told_and_nothing_is_applied(app: TestApp) {
        let application = app.ready("Tạ Thị Kim Oanh");
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.open(&application).valid();
        let colleague = app.officer(&app.offices.ba_dinh);
        let upload = colleague.open(&application).form("Thay ảnh");
        let other = support::drawing(300, 400, [90, 60, 40]);
        colleague.submit(upload.attach("file", "anh.jpg", "image/jpeg", &other)).expect(200);
        let page = officer.submit(form).expect(409);
        assert!(page.told().contains("Hồ sơ đã có thay đổi sau khi bạn mở"), "{page}");
        assert_eq!(app.status(&application), Status::Pending);
        let form = page.form("Ghi nhận");
        assert_eq!(form.value("outcome"), "valid", "what was chosen stays");
        assert!(CHECKLIST.iter().all(|tick| form.value(tick).is_empty()), "it was checked on another photo");
        officer.submit(form).expect(422);
        officer.submit(page.valid()).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn the_history_says_who_decided_what_and_how_it_stood_before(app: TestApp) {
        let application = app.ready("Quách Văn Hùng");
        let employee = app.employee(tnhs::domain::permission::Role::Officer, &app.offices.ba_dinh);
        let officer = app.sign_in(&employee);
        let page = officer.submit(officer.open(&application).valid()).expect(200);
        // Newest first; looking at the result is in the history too.
        let approval = &page.history()[0];
        for words in
            ["Ghi nhận hợp lệ, cấp tài khoản", &employee.name, "127.0.0.1", "Trạng thái: Chờ duyệt → Đã duyệt",
             "Kiểm tra HGĐ: Khớp"]
        {
            assert!(approval.contains(words), "«{words}» is missing in {approval}");
        }
        let application = app.ready("Quách Văn Hạnh");
        let page = officer.submit(officer.open(&application).invalid("Chữ ký khác giấy tờ")).expect(200);
        let rejection = &page.history()[0];
        for words in ["Ghi nhận không hợp lệ", "Trạng thái: Chờ duyệt → Từ chối", "Lý do: Chữ ký khác giấy tờ"] {
            assert!(rejection.contains(words), "«{words}» is missing in {rejection}");
        }
    }

    fn looking_is_in_the_history_once_in_ten_minutes(app: TestApp) {
        let application = app.ready("Thái Thị Loan");
        let employee = app.employee(tnhs::domain::permission::Role::Officer, &app.offices.ba_dinh);
        let officer = app.sign_in(&employee);
        let looks = || app.events_of(application.id, EventKind::Viewed);
        officer.open(&application);
        officer.open(&application);
        assert_eq!(looks(), 1);
        app.officer(&app.offices.ba_dinh).open(&application);
        assert_eq!(looks(), 2, "another person's look is another look");
        let looked = |minutes| {
            let look = NewEvent {
                application: Some(application.id),
account: None,
                staff: Some(employee.id),
                kind: EventKind::Viewed,
                at: clock::now() - TimeDelta::minutes(minutes),
                address: None,
                before: None,
                after: None,
            };
            app.db(|conn| events::add(conn, &look));
        };
        looked(11);
        officer.open(&application);
        assert_eq!(looks(), 4);
        looked(9);
        officer.open(&application);
        assert_eq!(looks(), 5);
    }
}
