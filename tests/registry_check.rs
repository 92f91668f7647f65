//! The check against the household registry: each verdict and what it means for the decision.

#![allow(clippy::unwrap_used)]

mod support;

use support::desk::CHECKLIST;
use support::{Page, Program, TestApp, both_databases};
use tnhs::clock;
use tnhs::domain::application::{Application, Sex, Status};
use tnhs::domain::dates::BirthDate;
use tnhs::domain::names::Name;
use tnhs::domain::registry::Member;

/// Somebody who declared at Ba Đình and stands in the registry under `registered`.
fn declared_as(app: &TestApp, name: &str, registered: &str) -> Application {
    let person = app.citizen(name);
    let mut known = person.clone();
    known.name = Name::parse(registered).unwrap();
    app.registered(&known);
    app.declared(&app.offices.ba_dinh, &person)
}

/// What the registry says of it.
fn verdict(page: &Page) -> String {
    page.text_of("#verdict .badge")
}

both_databases! {
    fn an_equal_name_is_approved(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let person = &application.declaration;
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert_eq!(verdict(&page), "Khớp");
        let page = officer.submit(page.valid()).expect(200);
        assert!(page.told().to_lowercase().contains("đăng ký thành công"), "{page}");
        assert_eq!(page.status_shown(), "Đã duyệt");
        assert!(page.text_of("[aria-labelledby=account]").contains(person.code.as_str()));
        assert_eq!((app.status(&application), app.accounts_of(application.id)), (Status::Approved, 1));
    }

    fn a_name_that_is_only_written_another_way_is_equal(app: TestApp) {
        let application = declared_as(&app, "NGUYỄN  thị hoà", "Nguyễn Thị Hòa");
        assert_eq!(verdict(&app.officer(&app.offices.ba_dinh).open(&application)), "Khớp");
    }

    fn a_name_equal_without_diacritics_needs_the_tick_that_it_was_compared(app: TestApp) {
        let application = declared_as(&app, "Tran Thi Bich Ngoc", "Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert_eq!(verdict(&page), "Khớp không dấu");
        assert!(!page.texts_of(".compare mark").is_empty(), "the syllables that differ are marked");
        let page = officer.submit(page.valid()).expect(422);
        assert!(page.told().contains("Đã đối chiếu họ tên với giấy tờ"), "{page}");
        assert_eq!(app.status(&application), Status::Pending);
        officer.submit(page.form("Ghi nhận").check("name_compared")).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
    }

    fn a_similar_or_another_name_cannot_be_approved_and_the_reason_is_offered(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        for (registered, says) in [("Trần Thị Bích Ngân", "Gần giống"), ("Lê Văn Dũng", "Khác")] {
            let application = declared_as(&app, "Trần Thị Bích Ngọc", registered);
            let page = officer.open(&application);
            assert_eq!(verdict(&page), says);
            assert!(page.texts_of(".compare mark").iter().any(|word| registered.contains(word.as_str())), "{page}");
            assert!(app.forced(&officer, &application).contains(registered));

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
        assert_eq!(verdict(&page), "Không có mã số");
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
        let imported = Program::beside(&app).run(&["import", "registry", file.to_str().unwrap()]).expect(0);
        assert!(imported.stdout.contains("1 added") && imported.stdout.contains("1 applications that waited"), "{imported:#?}");
        assert_eq!((app.status(&found), app.status(&still)), (Status::Pending, Status::AwaitingCode));
        let page = officer.open(&found);
        assert!(page.history()[0].contains("Đã có mã số trên HGĐ, chuyển lại Chờ duyệt · Hệ thống"), "{page}");
        assert_eq!(verdict(&page), "Khớp");
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

    fn a_declaration_without_birth_date_and_sex_is_shown_with_a_warning(app: TestApp) {
        let mut person = app.citizen("Ngô Thị Mai");
        app.registered(&person);
        (person.birth_date, person.sex) = (None, None);
        let application = app.declared(&app.offices.ba_dinh, &person);
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert_eq!(
            page.texts_of("p.warning"),
            ["Chưa có ngày sinh: đối chiếu với giấy tờ.", "Chưa có giới tính: đối chiếu với giấy tờ."]
        );
        assert!(page.texts_of(".compare mark").is_empty(), "nothing to compare is no difference: {page}");
        assert!(page.text_of(".compare").contains("Ngày sinh Chưa có 05/03/1990 Giới tính Chưa có Nữ"), "{page}");
        assert!(officer.get(&format!("/applications/{}/form", application.id)).expect(200).text_of("ol").contains("……"));
        assert!(officer.get("/applications").expect(200).text_of("table.list").contains("Chưa có"));
        officer.submit(page.valid()).expect(200);
        assert_eq!(app.status(&application), Status::Approved);
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
            member.birth_date = person.birth_date.clone();
        });
        registered(&|member| member.name = person.name.clone());
        let application = app.declared(&app.offices.ba_dinh, &person);
        let page = app.officer(&app.offices.ba_dinh).open(&application);
        let codes = page.texts_of("[aria-labelledby=candidates] tbody td:first-child");
        assert_eq!(codes, [same_id_number.as_str(), same_name_and_birth.as_str()]);
    }

    fn a_registry_that_changed_since_the_look_is_told_and_nothing_is_applied(app: TestApp) {
        let application = app.ready("Tạ Thị Kim Oanh");
        let person = &application.declaration;
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
}
