//! Đánh giá hồ sơ and Ghi nhận: what the registry says, what must hold before *hợp lệ*, and what becomes of an application.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::TimeDelta;
use diesel::prelude::*;

use support::desk::CHECKLIST;
use support::{Browser, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::events::NewEvent;
use tnhs::db::schema::applications;
use tnhs::db::{accounts, events};
use tnhs::domain::application::{Application, Declaration, Kind, PhotoKind, Sex, Status};
use tnhs::domain::dates::BirthDate;
use tnhs::domain::event::EventKind;
use tnhs::domain::message::REASONS;
use tnhs::domain::names::Name;
use tnhs::domain::registry::Member;

/// Somebody who declared at Ba Đình and stands in the registry under `registered`.
fn declared_as(app: &TestApp, name: &str, registered: &str) -> (Declaration, Application) {
    let person = app.citizen(name);
    let mut known = person.clone();
    known.name = Name::parse(registered).unwrap();
    app.registered(&known);
    let application = app.declared(&app.offices.ba_dinh, &person);
    (person, application)
}

/// Somebody whom the registry knows exactly as they declared.
fn ready(app: &TestApp, name: &str) -> (Declaration, Application) {
    declared_as(app, name, name)
}

/// *Hợp lệ* is posted although the page does not offer it, and refused; returns the reason.
#[track_caller]
fn forced(app: &TestApp, officer: &Browser, application: &Application) -> String {
    let page = officer.open(application);
    assert!(page.select("input[name=outcome][value=valid][disabled]").len() == 1, "hợp lệ is offered on\n{page}");
    let mut form = page.form("Ghi nhận").forge("outcome", "valid");
    for tick in CHECKLIST {
        form = form.check(tick);
    }
    let page = officer.submit(form).expect(422);
    assert_eq!(app.status(application), Status::Pending);
    assert_eq!((app.accounts_of(application.id), app.messages(application).len()), (0, 0));
    page.told()
}

fn badge(page: &support::Page) -> String {
    page.text_of("#verdict .badge")
}

both_databases! {
    fn an_equal_name_is_approved(app: TestApp) {
        let (person, application) = ready(&app, "Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert_eq!(badge(&page), "Khớp");
        let page = officer.submit(page.valid()).expect(200);
        assert!(page.told().to_lowercase().contains("đăng ký thành công"), "{page}");
        assert_eq!(page.status_shown(), "Đã duyệt");
        assert!(page.text_of("[aria-labelledby=account]").contains(person.code.as_str()));
        assert_eq!((app.status(&application), app.accounts_of(application.id)), (Status::Approved, 1));
    }

    fn a_name_that_is_only_written_another_way_is_equal(app: TestApp) {
        let (_, application) = declared_as(&app, "NGUYỄN  thị hoà", "Nguyễn Thị Hòa");
        assert_eq!(badge(&app.officer(&app.offices.ba_dinh).open(&application)), "Khớp");
    }

    fn a_name_equal_without_diacritics_needs_the_tick_that_it_was_compared(app: TestApp) {
        let (_, application) = declared_as(&app, "Tran Thi Bich Ngoc", "Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert_eq!(badge(&page), "Khớp không dấu");
        assert!(!page.texts_of(".compare mark").is_empty(), "the syllables that differ are marked");
        let page = officer.submit(page.valid()).expect(422);
        assert!(page.told().contains("Đã đối chiếu họ tên với giấy tờ"), "{page}");
        assert_eq!(app.status(&application), Status::Pending);
        officer.submit(page.form("Ghi nhận").check("name_compared")).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn a_similar_or_another_name_cannot_be_approved_and_the_reason_is_offered(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        for (registered, verdict) in [("Trần Thị Bích Ngân", "Gần giống"), ("Lê Văn Dũng", "Khác")] {
            let (_, application) = declared_as(&app, "Trần Thị Bích Ngọc", registered);
            let page = officer.open(&application);
            assert_eq!(badge(&page), verdict);
            assert!(page.texts_of(".compare mark").iter().any(|word| registered.contains(word.as_str())), "{page}");
            assert!(forced(&app, &officer, &application).contains(registered));

            let form = officer.open(&application).form("Ghi nhận");
            assert_eq!(form.value("outcome"), "invalid");
            let reason = form.value("reason").to_owned();
            assert!(reason.contains("không trùng"), "{reason}");
            officer.submit(form).expect(200);
            let refused = app.application(application.id);
            assert_eq!((refused.status, refused.reason), (Status::Rejected, Some(reason)));
        }
    }

    fn an_unknown_code_waits_until_it_is_issued(app: TestApp) {
        let person = app.citizen("Phạm Văn Sơn");
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert_eq!(badge(&page), "Không có mã số");
        assert!(page.has_text("thủ tục cấp mã số BHXH"), "the officer is told what to advise: {page}");
        let page = officer.submit(page.valid()).expect(200);
        assert!(page.told().contains("Chờ cấp mã số"), "{page}");
        assert_eq!(page.status_shown(), "Chờ cấp mã số");
        assert_eq!((app.accounts_of(application.id), app.messages(&application).len()), (0, 0));

        let page = officer.submit(page.form("Kiểm tra lại với HGĐ")).expect(200);
        assert!(page.told().contains("vẫn chưa có"), "{page}");
        let page = officer.submit(page.valid()).expect(422);
        assert!(page.told().contains("vẫn chưa có"), "{page}");
        assert_eq!(app.status(&application), Status::AwaitingCode);

        app.registered(&person);
        let page = officer.submit(page.form("Kiểm tra lại với HGĐ")).expect(200);
        assert_eq!(page.status_shown(), "Chờ duyệt");
        assert!(page.history().iter().any(|event| event.contains("Đã có mã số trên HGĐ")), "{page}");
        officer.submit(page.valid()).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn one_that_waits_for_its_code_can_be_rejected(app: TestApp) {
        let application = app.declared(&app.offices.ba_dinh, &app.citizen("Phạm Văn Sơn"));
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.submit(officer.open(&application).valid()).expect(200);
        officer.submit(page.invalid("Người đăng ký xin rút hồ sơ")).expect(200);
        assert_eq!(app.status(&application), Status::Rejected);
    }

    fn an_import_into_the_registry_brings_waiting_applications_back(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let [found, still] = ["Phạm Văn Sơn", "Phạm Văn Hải"].map(|name| {
            let application = app.declared(&app.offices.ba_dinh, &app.citizen(name));
            officer.submit(officer.open(&application).valid()).expect(200);
            application
        });
        let file = app.data_dir().join("list.xlsx");
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_row(0, 0, ["mã số bhxh", "họ tên"]).unwrap();
        sheet.write_row(1, 0, [found.declaration.code.as_str(), found.declaration.name.as_str()]).unwrap();
        workbook.save(&file).unwrap();
        let report = tnhs::jobs::import::registry(&app.parts.db, &file, None, clock::now()).unwrap();
        assert_eq!((report.added, report.rechecked), (1, 1));
        assert_eq!((app.status(&found), app.status(&still)), (Status::Pending, Status::AwaitingCode));
        let page = officer.open(&found);
        assert!(page.history()[0].contains("Đã có mã số trên HGĐ, chuyển lại Chờ duyệt · Hệ thống"), "{page}");
        assert_eq!(badge(&page), "Khớp");
    }

    fn the_checklist_is_mandatory_tick_by_tick(app: TestApp) {
        let (_, application) = ready(&app, "Lê Thị Thu Trang");
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
        assert!(forced(&app, &officer, &application).contains("ảnh chân dung"));
        app.add_photo(application.id, PhotoKind::Portrait, support::portrait());
        officer.submit(officer.open(&application).valid()).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn a_code_that_has_an_account_gets_no_second_one(app: TestApp) {
        let (person, first) = ready(&app, "Vũ Thị Lan");
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&first).valid()).expect(200);
        let second = app.declared(&app.offices.ba_dinh, &person);
        assert!(forced(&app, &officer, &second).contains("đã có tài khoản"));
        assert!(officer.open(&second).form("Ghi nhận").value("reason").contains("đã có tài khoản"));
        assert_eq!(app.accounts(), 1);
    }

    fn the_same_id_number_under_two_codes_is_blocked_and_said(app: TestApp) {
        let (person, first) = ready(&app, "Vũ Thị Lan");
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&first).valid()).expect(200);
        let mut other = app.citizen("Vũ Thị Lan");
        other.id_number = person.id_number.clone();
        app.registered(&other);
        let second = app.declared(&app.offices.ba_dinh, &other);
        assert!(forced(&app, &officer, &second).contains(person.code.as_str()), "the officer learns which code");
        assert_eq!(app.accounts(), 1);
    }

    fn another_birth_date_sex_or_id_number_is_a_warning_only(app: TestApp) {
        let person = app.citizen("Ngô Thị Mai");
        let mut known = app.registered(&person);
        known.birth_date = Some(BirthDate::parse("06/03/1990", clock::now().date()).unwrap());
        known.sex = Some(Sex::Male);
        known.id_number = app.citizen("Ngô Thị Mai").id_number;
        app.register(&known);
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        let marked = page.texts_of(".compare mark");
        assert_eq!(marked, ["06/03/1990", "Nam", known.id_number.as_ref().unwrap().as_str()]);
        officer.submit(page.valid()).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn an_id_number_that_tells_another_sex_or_year_is_a_warning_only(app: TestApp) {
        let mut person = app.citizen("Ngô Văn Minh");
        person.sex = Sex::Male;
        app.registered(&person);
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert!(page.text_of("p.warning").contains("giới tính khác"), "{page}");
        officer.submit(page.valid()).expect(200);
    }

    fn others_in_the_registry_who_may_be_the_person_are_shown(app: TestApp) {
        let person = app.citizen("Bùi Thị Hương");
        let registered = |change: &dyn Fn(&mut Member)| {
            let mut member = app.registered(&app.citizen("Cao Văn Lâm"));
            member.birth_date = None;
            change(&mut member);
            app.register(&member);
            member.code
        };
        let same_id_number = registered(&|member| member.id_number = person.id_number.clone());
        let same_name_and_birth = registered(&|member| {
            member.name = Name::parse("Bùi Thị Hường").unwrap();
            member.birth_date = Some(person.birth_date.clone());
        });
        registered(&|member| member.name = person.name.clone());
        let application = app.declared(&app.offices.ba_dinh, &person);
        let page = app.officer(&app.offices.ba_dinh).open(&application);
        let codes = page.texts_of("[aria-labelledby=candidates] tbody td:first-child");
        assert_eq!(codes, [same_id_number.as_str(), same_name_and_birth.as_str()]);
    }

    fn a_rejection_needs_a_reason_that_can_be_sent(app: TestApp) {
        let (_, application) = ready(&app, "Hồ Văn Phúc");
        let officer = app.officer(&app.offices.ba_dinh);
        let long = "Thiếu giấy tờ. ".repeat(21);
        for reason in ["", "   ", "...", "Xem https://example.vn", "Vào baohiemxahoi.gov.vn", "bit.ly/abc", long.trim()] {
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
        let (_, application) = ready(&app, "Hồ Văn Phúc");
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

    fn a_change_of_information_cannot_be_approved_here_and_the_officer_is_told(app: TestApp) {
        let (_, application) = ready(&app, "Dương Thị Yến");
        app.db(|conn| {
            diesel::update(applications::table.find(application.id))
                .set(applications::kind.eq(Kind::Change))
                .execute(conn)
        });
        let officer = app.officer(&app.offices.ba_dinh);
        assert!(officer.open(&application).has_text("Hồ sơ thay đổi thông tin chưa thể duyệt tại đây."));
        assert!(forced(&app, &officer, &application).contains("thay đổi thông tin"));
    }

    fn what_is_decided_is_not_decided_again(app: TestApp) {
        let (person, application) = ready(&app, "Lý Thị Hoa");
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
        let (_, application) = ready(&app, "Lý Thị Hoa");
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
        child.birth_date = BirthDate::parse("05/03/2018", clock::now().date()).unwrap();
        child.guardian = Some(tnhs::domain::application::Guardian {
            name: guardian.name.clone(),
            code: None,
            phone: guardian.phone.clone(),
            email: guardian.email.clone(),
            relation: None,
        });
        app.registered(&child);
        let application = app.declared(&app.offices.ba_dinh, &child);
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
        let (person, first) = ready(&app, "Mai Văn Tú");
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
        let (person, first) = ready(&app, "Đinh Thị Nga");
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&first).invalid("Tờ khai chưa ký")).expect(200);
        let second = app.declared(&app.offices.ba_dinh, &person);
        let page = officer.open(&second);
        let attempts = page.text_of(".attempts");
        for words in [first.number.as_str(), "Từ chối", "Lý do: Tờ khai chưa ký"] {
            assert!(attempts.contains(words), "«{words}» is missing in {attempts}");
        }
        assert_eq!(officer.click(&page, first.number.as_str()).expect(200).path(), format!("/applications/{}", first.id));
    }

    fn a_registry_that_changed_since_the_look_is_told_and_nothing_is_applied(app: TestApp) {
        let (person, application) = ready(&app, "Tạ Thị Kim Oanh");
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.open(&application).valid();
        let mut renamed = person.clone();
        renamed.name = Name::parse("Ta Thi Kim Oanh").unwrap();
        app.registered(&renamed);
        let page = officer.submit(form).expect(409);
        assert!(page.told().contains("Dữ liệu trên hệ thống HGĐ vừa thay đổi"), "{page}");
        assert!(page.told().contains("Khớp không dấu"), "{page}");
        assert_eq!((app.status(&application), app.accounts()), (Status::Pending, 0));
        let form = page.form("Ghi nhận");
        assert!(CHECKLIST.iter().all(|tick| !form.value(tick).is_empty()), "what was ticked stays ticked");
        officer.submit(form.check("name_compared")).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn a_photo_that_changed_since_the_look_is_told_and_nothing_is_applied(app: TestApp) {
        let (_, application) = ready(&app, "Tạ Thị Kim Oanh");
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.open(&application).valid();
        let colleague = app.officer(&app.offices.ba_dinh);
        let upload = colleague.open(&application).form("Thay ảnh");
        let other = support::drawing(300, 400, [90, 60, 40]);
        colleague.submit(upload.attach("file", "anh.jpg", "image/jpeg", &other)).expect(200);
        let page = officer.submit(form).expect(409);
        assert!(page.told().contains("Hồ sơ đã có thay đổi sau khi bạn mở"), "{page}");
        assert_eq!(app.status(&application), Status::Pending);
        officer.submit(page.form("Ghi nhận")).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn the_history_says_who_decided_what_and_how_it_stood_before(app: TestApp) {
        let (_, application) = ready(&app, "Quách Văn Hùng");
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
        let (_, application) = ready(&app, "Quách Văn Hạnh");
        let page = officer.submit(officer.open(&application).invalid("Chữ ký khác giấy tờ")).expect(200);
        let rejection = &page.history()[0];
        for words in ["Ghi nhận không hợp lệ", "Trạng thái: Chờ duyệt → Từ chối", "Lý do: Chữ ký khác giấy tờ"] {
            assert!(rejection.contains(words), "«{words}» is missing in {rejection}");
        }
    }

    fn looking_is_in_the_history_once_in_ten_minutes(app: TestApp) {
        let (_, application) = ready(&app, "Thái Thị Loan");
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
