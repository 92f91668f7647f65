//! Nhập hồ sơ: a declaration that a person brings to the counter.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Barrier;
use std::thread;

use diesel::prelude::*;

use support::{Browser, Form, TestApp, both_databases};
use tnhs::db::schema::applications;
use tnhs::domain::application::{Channel, Sex, Status};
use tnhs::domain::dates::{hanoi_year, show_date, to_hanoi};
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::ApplicationId;

/// A grown-up with everything filled in.
const GROWN_UP: [(&str, &str); 13] = [
    ("code", "0123 456 789"),
    ("name", "trần thị  bích ngọc"),
    ("birth_date", "5/3/1990"),
    ("sex", "female"),
    ("id_number", "001190000077"),
    ("id_issued_on", "01/02/2021"),
    ("id_issued_by", "Cục Cảnh sát QLHC về TTXH"),
    ("phone", "+84 951 234 567"),
    ("email", "Ngoc.Tran@example.vn"),
    ("address", "Số 5, ngõ 7 phố Thử"),
    ("province_code", "01"),
    ("commune", "Ba Đình"),
    ("guardian_name", ""),
];

fn filled(officer: &Browser, typed: &[(&str, &str)]) -> Form {
    let form = officer.get("/applications/new").expect(200).form("Ghi nhận");
    typed.iter().fold(form, |form, (field, value)| form.set(field, value))
}

fn count(app: &TestApp) -> i64 {
    app.db(|conn| applications::table.count().get_result(conn))
}

fn newest(app: &TestApp) -> ApplicationId {
    app.db(|conn| applications::table.select(applications::id).order(applications::id.desc()).first(conn))
}

both_databases! {
    fn what_was_declared_at_the_counter_is_an_application(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.submit(filled(&officer, &GROWN_UP)).expect(200);
        let application = app.application(newest(&app));
        assert_eq!(page.path(), format!("/applications/{}", application.id));
        assert!(page.told().contains(&format!("Đã nhập hồ sơ số {}", application.number)), "{page}");
        let declared = &application.declaration;
        assert_eq!(declared.code.as_str(), "0123456789");
        assert_eq!(declared.name.as_str(), "trần thị bích ngọc");
        assert_eq!((declared.birth_date.as_ref().unwrap().as_str(), declared.sex), ("1990-03-05", Some(Sex::Female)));
        assert_eq!(declared.phone.as_str(), "0951234567");
        assert_eq!(declared.email.as_ref().unwrap().as_str(), "ngoc.tran@example.vn");
        assert!(declared.commune_code.is_some() && declared.guardian.is_none());
        assert_eq!((application.status, application.channel), (Status::Pending, Channel::Counter));
        assert_eq!(application.agency_id, app.offices.ba_dinh.id);
        assert!(application.received_at.is_some(), "the papers are here: the three working days run");
        assert_eq!(app.events_of(application.id, EventKind::Entered), 1);
        assert_eq!(officer.get("/applications").texts_of("td.name"), ["trần thị bích ngọc"]);
    }

    fn the_number_follows_in_the_sequence_of_the_office(app: TestApp) {
        let year = hanoi_year(tnhs::clock::now());
        let [here, there] = [&app.offices.ba_dinh, &app.offices.dong_da].map(|office| app.officer(office));
        app.declared(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"));
        let numbers = [&here, &there, &here].map(|officer| {
            officer.submit(filled(officer, &GROWN_UP)).expect(200);
            app.application(newest(&app)).number.to_string()
        });
        let expected = [(2, "00101"), (1, "00102"), (3, "00101")].map(|(n, office)| format!("{n:05}/{year}/{office}"));
        assert_eq!(numbers, expected);
        // What is refused takes no number.
        here.submit(filled(&here, &GROWN_UP).set("phone", "12")).expect(422);
        here.submit(filled(&here, &GROWN_UP)).expect(200);
        assert_eq!(app.application(newest(&app)).number.as_str(), format!("00004/{year}/00101"));
    }

    fn each_fault_stands_beside_its_field_and_nothing_is_lost(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let tomorrow = show_date(to_hanoi(tnhs::clock::now()).date() + chrono::TimeDelta::days(1));
        let long = "a".repeat(201);
        for (field, wrong) in [
            ("code", ""), ("code", "123"), ("code", "12345678AB"),
            ("name", ""), ("name", "A"), ("name", "Trần 2 Ngọc"), ("name", "Ngọc\u{202E}Trần"), ("name", "N\u{0}gọc"),
            ("name", "Ng\u{FFFD}c An"),
            ("birth_date", ""), ("birth_date", "31/02/1990"), ("birth_date", "hôm qua"), ("birth_date", &tomorrow),
            ("id_number", ""), ("id_number", "12345"),
            ("id_issued_on", "1/13/2020"), ("id_issued_on", &tomorrow),
            ("phone", ""), ("phone", "0123456789"), ("phone", "95123"),
            ("email", "ngoc.example.vn"), ("email", "a@b"), ("address", &long), ("commune", "Không Có"),
            ("guardian_name", "Trần Văn An"),
        ] {
            let form = filled(&officer, &GROWN_UP).forge(field, wrong);
            // A person with a guardian needs a telephone there: then the one fault is that a grown-up has none.
            let form = if field == "guardian_name" { form.set("guardian_phone", "0951234568") } else { form };
            let page = officer.submit(form.clone()).expect(422);
            assert!(page.fault(field).is_some(), "{field} «{wrong}»: no sentence beside it on\n{page}");
            assert_eq!(page.select("p.error").len(), 1, "{field} «{wrong}»: more than that is wrong on\n{page}");
            assert!(page.has_text("có 1 mục cần sửa"), "{page}");
            let again = page.form("Ghi nhận");
            for (other, typed) in GROWN_UP {
                // No page can hold a NUL; a parser shows U+FFFD in its place.
                let typed = if other == field { wrong.replace('\0', "\u{FFFD}") } else { typed.to_owned() };
                assert_eq!(again.value(other), typed, "{other} after {field} «{wrong}»");
            }
        }
        assert_eq!(count(&app), 0);
        let page = officer.submit(officer.get("/applications/new").form("Ghi nhận")).expect(422);
        let faulty: Vec<_> =
            ["code", "name", "birth_date", "sex", "phone"].into_iter().filter(|f| page.fault(f).is_some()).collect();
        assert_eq!(faulty, ["code", "name", "birth_date", "sex", "phone"], "all at once");
    }

    fn what_the_form_does_not_offer_is_refused_beside_the_field(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        for (field, wrong) in [("sex", "other"), ("province_code", "99"), ("guardian_relation", "zz")] {
            let page = officer.submit(filled(&officer, &GROWN_UP).forge(field, wrong)).expect(422);
            assert!(page.fault(field).is_some(), "{field}: {page}");
        }
        officer.submit(filled(&officer, &GROWN_UP).forge("once", "")).expect(400);
        assert_eq!(count(&app), 0);
        // Whatever else is posted changes nothing of what an officer may not choose.
        let form = filled(&officer, &GROWN_UP).forge("status", "approved").forge("agency", "1").forge("number", "7");
        officer.submit(form).expect(200);
        let application = app.application(newest(&app));
        assert_eq!((application.status, application.agency_id), (Status::Pending, app.offices.ba_dinh.id));
    }

    fn the_same_form_twice_is_one_application(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let form = filled(&officer, &GROWN_UP);
        let start = Barrier::new(2);
        let pages = thread::scope(|scope| {
            let send = || {
                start.wait();
                officer.submit_only(&form)
            };
            let other = scope.spawn(send);
            [send(), other.join().unwrap()]
        });
        let to: Vec<_> = pages.iter().map(|page| (page.status, page.header("location").unwrap().to_owned())).collect();
        assert_eq!(to[0], to[1], "both lead to the same application");
        let page = officer.submit(form.clone()).expect(200);
        assert!(page.told().contains("đã được nhập trước đó"), "{page}");
        assert_eq!(count(&app), 1);
        // Sent again by somebody else it tells nothing of that application.
        let colleague = app.officer(&app.offices.ba_dinh);
        let token = colleague.get("/applications/new").form("Ghi nhận").value("csrf").to_owned();
        colleague.submit(form.forge("csrf", &token)).expect(409);
        // The same person may declare again, on a new form.
        officer.submit(filled(&officer, &GROWN_UP)).expect(200);
        assert_eq!(count(&app), 2);
    }

    fn a_minor_comes_with_a_guardian_and_without_papers(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let child: Vec<_> = GROWN_UP.into_iter().map(|(field, value)| match field {
            "birth_date" => (field, "05/03/2018"),
            "id_number" | "id_issued_on" | "id_issued_by" | "email" => (field, ""),
            _ => (field, value),
        }).collect();
        let page = officer.submit(filled(&officer, &child)).expect(422);
        assert!(page.fault("id_number").unwrap().contains("người giám hộ"), "{page}");
        let page = officer.submit(page.form("Ghi nhận").set("guardian_name", "Trần Văn An")).expect(422);
        assert!(page.fault("guardian_phone").is_some(), "notices need somewhere to go: {page}");
        let form = page.form("Ghi nhận").set("guardian_phone", "0951 234 568").set("guardian_email", "an@example.vn");
        let page = officer.submit(form.set("guardian_relation", "01")).expect(200);
        assert!(page.text_of("tr.guardian").contains("Trần Văn An"), "{page}");
        let application = app.application(newest(&app));
        assert!(application.declaration.id_number.is_none());
        assert_eq!(application.declaration.notice_phone().as_str(), "0951234568");
    }

    fn a_birth_date_is_kept_as_precisely_as_it_is_known(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        for (typed, stored, shown) in
            [("1990", "1990", "1990"), ("3/1990", "1990-03", "03/1990"), ("05-03-1990", "1990-03-05", "05/03/1990")]
        {
            let page = officer.submit(filled(&officer, &GROWN_UP).set("birth_date", typed)).expect(200);
            assert_eq!(app.application(newest(&app)).declaration.birth_date.unwrap().as_str(), stored);
            assert!(page.text_of(".compare").contains(&format!("Ngày sinh {shown} ")), "{page}");
        }
    }

    fn the_printed_form_shows_what_was_declared(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.submit(filled(&officer, &GROWN_UP)).expect(200);
        let application = app.application(newest(&app));
        let paper = officer.click(&page, "In tờ khai mẫu 01").expect(200);
        let day = to_hanoi(application.submitted_at);
        for words in ["Mẫu số 01", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", application.number.as_str(),
            "Kính gửi: Bảo hiểm xã hội cơ sở Ba Đình", "TRẦN THỊ BÍCH NGỌC", "0123456789", "05/03/1990",
            "Giới tính: Nữ",
            "001190000077", "01/02/2021", "Cục Cảnh sát QLHC về TTXH", "Số 5, ngõ 7 phố Thử", "Ba Đình", "Hà Nội",
            "0951234567", "ngoc.tran@example.vn", "Người kê khai",
            &day.format("ngày %d tháng %m năm %Y").to_string()]
        {
            assert!(paper.has_text(words), "«{words}» is missing on\n{paper}");
        }
        assert!(!paper.has_text("Người giám hộ"));
    }

    fn communes_are_suggested_for_a_province(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.get("/places/01").expect(200);
        assert!(page.header("content-type").unwrap().starts_with("application/json") && page.html.contains("Ba Đình"));
        officer.get("/places/99").expect(404);
        assert_eq!(app.browser().get("/places/01").path(), "/sign-in");
        // Without a script the page comes back with those of the province that was chosen.
        let page = officer.submit(officer.get("/applications/new").form("Ghi nhận").set("province_code", "01"));
        assert!(page.select("#commune-list option").len() > 50);
    }
}
