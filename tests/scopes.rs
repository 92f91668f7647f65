//! Whose applications a person sees and decides: one's own office, the province below, or none. What is outside does
//! not exist, whichever address is asked.

#![allow(clippy::unwrap_used)]

mod support;

use support::{Browser, Form, Page, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::agencies::Agency;
use tnhs::domain::application::{Application, Status};
use tnhs::domain::permission::Role;

fn signed_in(app: &TestApp, role: Role, office: &Agency) -> Browser {
    app.sign_in(&app.employee(role, office))
}

fn at(app: &TestApp, office: &Agency, name: &str) -> Application {
    let person = app.citizen(name);
    app.registered(&person);
    app.declared(office, &person)
}

fn names(page: &Page) -> Vec<String> {
    page.texts_of("td.name")
}

/// Each form of an application's page as somebody posts it who copied it from elsewhere.
fn every_post(app: &TestApp, insider: &Browser, application: &Application, csrf: &str) -> Vec<Form> {
    let page = insider.open(application);
    let photo = support::drawing(300, 400, [90, 60, 40]);
    let upload = page.form("Thay ảnh").attach("file", "a.jpg", "image/jpeg", &photo);
    // There is an earlier photo to put back, and the application waits for its code.
    insider.submit(upload.clone()).expect(200);
    let earlier = app.db(|conn| tnhs::db::photos::of_application(conn, application.id)).pop().unwrap();
    let page = insider.open(application);
    let restore = page.form(&format!("/applications/{}/photos/{}/restore", application.id, earlier.id));
    let mut recheck = restore.clone();
    recheck.action = format!("/applications/{}/recheck", application.id);
    let not_a_photo = upload.clone().attach("file", "a.jpg", "image/jpeg", b"no picture");
    [
        page.valid(),
        page.invalid("Ảnh bị mờ"),
        page.invalid(""),
        page.form("Xem lại tin nhắn"),
        recheck,
        upload,
        not_a_photo,
        restore,
    ]
    .into_iter()
    .map(|form| form.forge("csrf", csrf))
    .collect()
}

fn csrf(browser: &Browser) -> String {
    browser.get("/password").form("Đổi mật khẩu").value("csrf").to_owned()
}

both_databases! {
    fn what_is_outside_ones_office_does_not_exist(app: TestApp) {
        let application = at(&app, &app.offices.ba_dinh, "Trần Thị Bích Ngọc");
        let insider = app.officer(&app.offices.ba_dinh);
        let employee = app.employee(Role::Officer, &app.offices.dong_da);
        let outsider = app.sign_in(&employee);
        let forms = every_post(&app, &insider, &application, &csrf(&outsider));
        let before = app.application(application.id).version;
        let photo = app.db(|conn| tnhs::db::photos::of_application(conn, application.id)).remove(0);
        let path = format!("/applications/{}", application.id);
        let nothing = outsider.get("/applications/999999").expect(404).text();
        for address in [path.clone(), format!("{path}/form"), format!("{path}/photos/{}", photo.id)] {
            insider.get(&address).expect(200);
            assert_eq!(outsider.get(&address).expect(404).text(), nothing, "{address}");
        }
        for form in forms {
            let page = outsider.submit(form.clone()).expect(404);
            assert_eq!(page.text(), nothing, "{}", form.action);
        }
        let data = [("Accept", "application/json"), ("Origin", app.url.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded")];
        let body = format!("csrf={}&reason=x", csrf(&outsider)).into_bytes();
        outsider.send("POST", &format!("{path}/preview"), &data, body).expect(404);
        let after = app.application(application.id);
        assert_eq!((after.status, after.version), (Status::Pending, before));
        assert!(!insider.open(&application).has_text(&employee.name), "the outsider left no trace");
    }

    fn a_photo_is_found_under_its_own_application_only(app: TestApp) {
        let [mine, theirs] = [&app.offices.ba_dinh, &app.offices.dong_da].map(|office| at(&app, office, "Lê Thị Hồng"));
        let photo = app.db(|conn| tnhs::db::photos::of_application(conn, theirs.id)).remove(0);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.get(&format!("/applications/{}/photos/{}", mine.id, photo.id)).expect(404);
        let mut restore = officer.open(&mine).form("Ghi nhận");
        restore.action = format!("/applications/{}/photos/{}/restore", mine.id, photo.id);
        officer.submit(restore).expect(404);
        assert_eq!(app.application(mine.id).version, 1);
    }

    fn a_list_holds_what_is_within_the_scope(app: TestApp) {
        let o = &app.offices;
        for (office, name) in [(&o.ba_dinh, "Lê Ba Đình"), (&o.dong_da, "Lê Đống Đa"), (&o.hanoi, "Lê Hà Nội"),
            (&o.phu_xuan, "Lê Phú Xuân")]
        {
            at(&app, office, name);
        }
        let hanoi = ["Lê Hà Nội", "Lê Đống Đa", "Lê Ba Đình"];
        let all = ["Lê Phú Xuân", "Lê Hà Nội", "Lê Đống Đa", "Lê Ba Đình"];
        for (role, office, sees) in [
            (Role::Officer, &o.ba_dinh, &hanoi[2..]),
            (Role::Officer, &o.hanoi, &hanoi[..1]),
            (Role::Supervisor, &o.hanoi, &hanoi[..]),
            (Role::Supervisor, &o.dong_da, &hanoi[1..2]),
            (Role::Supervisor, &o.hue, &all[..1]),
            (Role::Supervisor, &o.centre, &all[..]),
        ] {
            let browser = signed_in(&app, role, office);
            let list = browser.get("/applications");
            assert_eq!(names(&list), sees, "{role:?} of {}", office.name);
            assert!(list.text_of(".counters").starts_with(&format!("{} hồ sơ", sees.len())), "{list}");
            // Neither a name nor a number leads out of it.
            let search = |field: &str, text: &str| browser.submit(list.form("Tra cứu").set(field, text)).expect(200);
            assert_eq!(names(&search("q", "le")), sees, "{role:?} of {}", office.name);
            assert_eq!(names(&search("numbers", "1")), sees, "every office has its own number 1");
        }
    }

    fn a_filter_by_an_office_outside_the_scope_finds_nothing(app: TestApp) {
        let o = &app.offices;
        for office in [&o.ba_dinh, &o.dong_da, &o.phu_xuan] {
            at(&app, office, "Lê Thị Hồng");
        }
        for (role, office, asked, found) in [
            (Role::Officer, &o.ba_dinh, &o.dong_da, 0),
            (Role::Officer, &o.ba_dinh, &o.ba_dinh, 1),
            (Role::Supervisor, &o.hanoi, &o.dong_da, 1),
            (Role::Supervisor, &o.hanoi, &o.phu_xuan, 0),
        ] {
            let browser = signed_in(&app, role, office);
            let form = browser.get("/applications").form("Tra cứu").forge("agency", &asked.id.to_string());
            let page = browser.submit(form).expect(200);
            assert_eq!(names(&page).len(), found, "{role:?} of {} asks for {}", office.name, asked.name);
            assert!(found == 1 || !page.has_text(&asked.name), "{page}");
        }
        let choice = signed_in(&app, Role::Supervisor, &o.hanoi).get("/applications").texts_of("#agency option");
        assert_eq!(choice, ["Tất cả", &o.hanoi.name, &o.ba_dinh.name, &o.dong_da.name]);
    }

    fn a_supervisor_sees_the_applications_below_and_decides_none(app: TestApp) {
        let application = at(&app, &app.offices.ba_dinh, "Trần Thị Bích Ngọc");
        let supervisor = signed_in(&app, Role::Supervisor, &app.offices.hanoi);
        let page = supervisor.open(&application);
        assert!(!page.has_button("Ghi nhận") && !page.has_button("Thay ảnh"), "{page}");
        assert!(page.has_text("Chỉ cán bộ của Bảo hiểm xã hội cơ sở Ba Đình đánh giá hồ sơ này."));
        let forms = every_post(&app, &app.officer(&app.offices.ba_dinh), &application, &csrf(&supervisor));
        let before = app.application(application.id).version;
        for form in forms {
            let page = supervisor.submit(form.clone()).expect(403);
            assert!(page.has_text("không được làm việc này"), "{}: {page}", form.action);
        }
        supervisor.get("/applications/new").expect(403);
        supervisor.get("/staff").expect(403);
        assert_eq!(app.application(application.id).version, before);
        let elsewhere = signed_in(&app, Role::Supervisor, &app.offices.hue);
        elsewhere.get(&format!("/applications/{}", application.id)).expect(404);
    }

    fn an_admin_sees_no_application(app: TestApp) {
        let application = at(&app, &app.offices.ba_dinh, "Trần Thị Bích Ngọc");
        let admin = signed_in(&app, Role::Admin, &app.offices.centre);
        assert_eq!(admin.get("/").path(), "/staff");
        let photo = app.db(|conn| tnhs::db::photos::of_application(conn, application.id)).remove(0);
        let path = format!("/applications/{}", application.id);
        for address in ["/applications", "/applications/new", "/applications/next", &path, &format!("{path}/form"),
            &format!("{path}/photos/{}", photo.id)]
        {
            admin.get(address).expect(403);
        }
        for form in every_post(&app, &app.officer(&app.offices.ba_dinh), &application, &csrf(&admin)) {
            admin.submit(form).expect(403);
        }
        assert_eq!(app.status(&application), Status::Pending);
    }

    fn only_an_admin_runs_the_staff(app: TestApp) {
        let employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let admin = signed_in(&app, Role::Admin, &app.offices.centre);
        let page = admin.get("/staff");
        let forms = [page.form("Thêm cán bộ"), page.form(&format!("Khóa {}", employee.login)),
            page.form(&format!("Kết thúc phiên {}", employee.login))];
        for role in [Role::Officer, Role::Supervisor] {
            let browser = signed_in(&app, role, &app.offices.hanoi);
            browser.get("/staff").expect(403);
            for form in &forms {
                browser.submit(form.clone().forge("csrf", &csrf(&browser))).expect(403);
            }
        }
        app.sign_in(&employee);
    }

    fn attempts_at_other_offices_are_shown_and_lead_nowhere(app: TestApp) {
        let person = app.citizen("Trần Thị Bích Ngọc");
        let elsewhere = app.declared(&app.offices.dong_da, &person);
        let other = app.officer(&app.offices.dong_da);
        other.submit(other.open(&elsewhere).invalid("Tờ khai chưa ký")).expect(200);
        let here = app.declared_at(&app.offices.ba_dinh, &person, clock::now());
        let page = app.officer(&app.offices.ba_dinh).open(&here);
        let attempts = page.text_of(".attempts");
        for words in [elsewhere.number.as_str(), "Từ chối", &app.offices.dong_da.name, "Lý do: Tờ khai chưa ký"] {
            assert!(attempts.contains(words), "«{words}» is missing in {attempts}");
        }
        assert!(page.select(".attempts a").is_empty(), "there is no way to the other office");
        let above = signed_in(&app, Role::Supervisor, &app.offices.hanoi);
        above.click(&above.open(&here), elsewhere.number.as_str()).expect(200);
    }

    fn the_next_one_that_waits_is_one_of_ones_own_office(app: TestApp) {
        at(&app, &app.offices.dong_da, "Lê Đống Đa");
        let officer = app.officer(&app.offices.ba_dinh);
        assert_eq!(officer.get("/applications/next").path(), "/applications");
        let mine = [7, 9].map(|days| {
            let at = clock::now() - chrono::TimeDelta::days(days);
            app.declared_at(&app.offices.ba_dinh, &app.citizen("Lê Ba Đình"), at)
        });
        let page = officer.get("/applications/next").expect(200);
        assert_eq!(page.path(), format!("/applications/{}", mine[1].id), "the one that has waited longest");
        let page = officer.submit(page.invalid("Tờ khai chưa ký")).expect(200);
        let page = officer.click(&page, "Mở hồ sơ chờ duyệt tiếp theo");
        assert_eq!(page.path(), format!("/applications/{}", mine[0].id));
    }
}
