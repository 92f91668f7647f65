//! A declaration whose person did not come is removed, and its personal data erased after the retention period: nothing of the
//! person is left in any table, nor a picture; number, dates and agency stay.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use support::{Browser, TestApp, TestDb, both_databases, drawing, filing, hanoi};
use tnhs::clock;
use tnhs::db::applications::NewApplication;
use tnhs::db::photos;
use tnhs::db::schema::{applications as filed, import_rows, messages as queued};
use tnhs::domain::application::{Application, Declaration, PhotoKind, Status};
use tnhs::domain::dates::{show_date, to_hanoi};
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::names;
use tnhs::domain::permission::Role;

fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

/// Everything that a form can hold.
fn person(app: &TestApp) -> Declaration {
    Declaration {
        id_issued_on: "2021-04-17".parse().ok(),
        id_issued_by: Some("Cục Cấp Giấy Thử Nghiệm".into()),
        commune_code: Some("00004".into()),
        ..app.citizen("Tống Khánh Vy")
    }
}

/// What of this person could still be found somewhere.
fn traces(person: &Declaration) -> Vec<String> {
    let mut traces = vec![
        person.code.to_string(),
        person.name.as_str().to_owned(),
        person.name.folded(),
        names::sort_key(person.name.as_str()),
        person.phone.to_string(),
    ];
    traces.extend(person.birth_date.as_ref().map(|date| date.as_str().to_owned()));
    traces.extend(person.id_number.as_ref().map(ToString::to_string));
    traces.extend(person.id_issued_on.map(|date| date.to_string()));
    traces.extend(person.email.as_ref().map(ToString::to_string));
    traces.extend([&person.id_issued_by, &person.address].into_iter().flatten().cloned());
    traces
}

/// Where the person is still found.
fn found(app: &TestApp, traces: &[String]) -> Vec<String> {
    let rows = app.dump().into_iter();
    rows.filter(|row| traces.iter().any(|trace| row.to_lowercase().contains(&trace.to_lowercase()))).collect()
}

fn pictures_of(app: &TestApp, application: &Application) -> Vec<String> {
    let photos = app.db(|conn| photos::of_application(conn, application.id));
    photos.into_iter().map(|photo| photo.sha256).collect()
}

/// Lets the ten days pass; returns when the declaration was removed.
fn removed(app: &TestApp, submitted: NaiveDateTime) -> NaiveDateTime {
    let at = submitted + days(10);
    assert!(app.sweep(at).expire().unwrap() > 0);
    at
}

fn found_by(officer: &Browser, q: &str) -> Vec<String> {
    let page = officer.submit(officer.get("/applications").form("Tra cứu").set("q", q)).expect(200);
    page.texts_of("td[data-label='Số hồ sơ']")
}

both_databases! {
    fn nothing_of_the_person_is_left_anywhere(app: TestApp) {
        let office = &app.offices.ba_dinh;
        let submitted = clock::now() - days(9);
        let declared = person(&app);
        let new = NewApplication { request_key: Some("a form's key"), ..filing(office, &declared, submitted) };
        let application = app.filed(&new);
        for (kind, shade) in [
            (PhotoKind::Portrait, 10), (PhotoKind::Portrait, 60), (PhotoKind::IdFront, 110), (PhotoKind::IdBack, 160),
        ] {
            app.add_photo(application.id, kind, &drawing(300, 400, [shade, 60, 40]));
        }
        let pictures = pictures_of(&app, &application);
        // An officer looked for them and replaced a photo; one reminder was sent, one
        // still waits; let it say all that a message can.
        let officer = app.officer(office);
        assert_eq!(found_by(&officer, "Tống Khánh Vy"), [application.number.as_str()]);
        let photo = officer.open(&application).form("Thay ảnh");
        officer.submit(photo.attach("file", "vy.jpg", "image/jpeg", &drawing(300, 400, [200, 60, 40]))).expect(200);
        assert_eq!(app.sweep(submitted + days(7)).remind().unwrap(), 1);
        app.outbox_drain_at(submitted + days(7));
        assert_eq!(app.sweep(submitted + days(9)).remind().unwrap(), 1);
        let traces = traces(&declared);
        app.db(|conn| {
            let waiting = queued::table.filter(queued::state.eq(MessageState::Queued));
            let words = format!("{}, {}", declared.name.as_str(), declared.phone);
            let set = (queued::subject.eq(&words), queued::body.eq(&words), queued::html.eq(&words), queued::last_error.eq(&words));
            diesel::update(waiting).set(set).execute(conn)
        });
        assert!(found(&app, &traces).len() >= 4, "the test does not look well");
        let removed_at = removed(&app, submitted);
        app.end_all_sessions();

        assert_eq!(app.sweep(removed_at + days(30)).erase().unwrap(), 1);
        assert_eq!(found(&app, &traces), Vec::<String>::new());
        assert_eq!(pictures_of(&app, &application), Vec::<String>::new());
        for sha256 in pictures {
            assert!(app.parts.photos.load(&sha256).is_err(), "a picture is still there");
        }
        let folders = std::fs::read_dir(app.data_dir().join("photos")).unwrap();
        let left: usize = folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum();
        assert_eq!(left, 0, "a picture is still there");
        let tokens = app.db(|conn| tnhs::db::schema::name_tokens::table.count().get_result::<i64>(conn));
        assert_eq!(tokens, 0);

        // What stays, for counting.
        let after = app.application(application.id);
        assert_eq!(
            (&after.number, after.kind, after.status, after.channel, after.agency_id),
            (&application.number, application.kind, Status::Expired, application.channel, office.id)
        );
        assert_eq!(
            (after.submitted_at, after.received_at, after.due_at, after.decided_at, after.erased_at),
            (submitted, None, removed_at, Some(removed_at), Some(removed_at + days(30)))
        );
        assert_eq!(after.declaration, Declaration::erased());
        assert_eq!(app.events_of(application.id, EventKind::Erased), 1);
        let messages = app.messages(&application);
        assert!(messages.iter().all(|m| matches!(m.state, MessageState::Accepted | MessageState::Dropped)), "nothing may leave");
        app.outbox_drain_at(removed_at + days(40));
        assert_eq!(app.sms().len(), 1);
    }

    fn what_a_list_brought_is_erased_too_and_stays_what_a_rollback_leaves(app: TestApp) {
        let declared = person(&app);
        let mut texts = traces(&declared);
        texts.retain(|text| !text.contains("Cục") && text != "2021-04-17");
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        let list = format!(
            "Mã số BHXH;Họ và tên;Ngày sinh;Giới tính;Số CCCD;Điện thoại;Email;Địa chỉ;Mã cơ quan\n{};{};05/03/1990;Nữ;{};{};{};{};00101\n",
            declared.code, declared.name.as_str(), declared.id_number.as_ref().unwrap(), declared.phone,
            declared.email.as_ref().unwrap(), declared.address.as_ref().unwrap(),
        );
        let form = admin.get("/imports").form("Đọc thử").set("kind", "applications");
        let page = admin.submit(form.attach("file", "a.csv", "text/csv", list.as_bytes())).expect(200);
        app.imports_drain();
        let page = admin.get(page.path()).expect(200);
        admin.submit(page.form(&page.text_of(".bar .primary"))).expect(200);
        app.imports_drain();
        let (id, submitted): (i64, NaiveDateTime) =
            app.db(|conn| filed::table.select((filed::id, filed::submitted_at)).first(conn));
        assert!(found(&app, &texts).iter().any(|row| row.starts_with("import_rows")), "{:?}", app.dump());
        // Whoever is on a list has handed the papers in; a list from before that was decided may hold others.
        app.db(|conn| diesel::update(filed::table.find(id)).set(filed::received_at.eq(None::<NaiveDateTime>)).execute(conn));
        let removed_at = removed(&app, submitted);
        assert_eq!(app.sweep(removed_at + days(30)).erase().unwrap(), 1);
        assert_eq!(found(&app, &texts), Vec::<String>::new());
        assert_eq!(app.db(|conn| import_rows::table.count().get_result::<i64>(conn)), 1);

        let page = admin.get(&format!("{}/rollback", page.path())).expect(200);
        admin.submit(page.form(&page.text_of("main button.primary, main button.danger"))).expect(200);
        app.imports_drain();
        assert!(app.db(|conn| filed::table.count().get_result::<i64>(conn)) == 1, "the tombstone was taken away");
    }

    fn it_is_kept_for_as_long_as_is_set_to_the_minute(database: TestDb) {
        let app = database.serve(&[("TNHS_RETENTION_DAYS", "5")]);
        let submitted = hanoi("14/11/2026 09:30");
        let application = app.declared_at(&app.offices.ba_dinh, &app.citizen("Lê Văn An"), submitted);
        let removed_at = removed(&app, submitted);
        assert_eq!(app.sweep(removed_at + days(5) - TimeDelta::minutes(1)).erase().unwrap(), 0);
        assert_eq!(app.application(application.id).declaration, application.declaration);
        assert_eq!(app.sweep(removed_at + days(5)).erase().unwrap(), 1);
        assert_eq!(app.sweep(removed_at + days(500)).erase().unwrap(), 0);
        assert_eq!(app.application(application.id).version, 3);
    }

    fn kept_for_no_day_it_is_erased_when_it_is_removed(database: TestDb) {
        let app = database.serve(&[("TNHS_RETENTION_DAYS", "0")]);
        let submitted = hanoi("14/11/2026 09:30");
        app.declared_at(&app.offices.ba_dinh, &app.citizen("Lê Văn An"), submitted);
        let removed_at = removed(&app, submitted);
        assert_eq!(app.sweep(removed_at).erase().unwrap(), 1);
    }

    fn its_page_shows_the_tombstone_only(app: TestApp) {
        let office = &app.offices.ba_dinh;
        let submitted = clock::now() - days(50);
        let application = app.declared_at(office, &person(&app), submitted);
        let photo = app.db(|conn| photos::of_application(conn, application.id)).remove(0);
        let officer = app.officer(office);
        let form = officer.open(&application).valid();
        // Another of the same office, with nothing erased.
        let other = app.ready("Phạm Thị Mai");
        let removed_at = removed(&app, submitted);
        let erased_at = removed_at + days(30);
        app.sweep(erased_at).erase().unwrap();

        let page = officer.open(&application);
        let sentence = format!("Dữ liệu cá nhân đã được xóa ngày {}", show_date(to_hanoi(erased_at).date()));
        for words in [sentence.as_str(), application.number.as_str(), "Quá hạn", &office.name, "Xóa dữ liệu cá nhân"] {
            assert!(page.has_text(words), "«{words}» is not on\n{page}");
        }
        assert!(!page.has_button("Ghi nhận") && page.select("main img").is_empty(), "{page}");
        let path = format!("/applications/{}", application.id);
        officer.get(&format!("{path}/form")).expect(404);
        officer.get(&format!("{path}/photos/{}", photo.id)).expect(404);
        // Whoever still had the page open.
        let page = officer.submit(form).expect(409);
        assert!(page.has_text(&sentence), "{page}");
        assert_eq!(app.application(application.id).status, Status::Expired);

        // Its number finds it, the person does not.
        let list = officer.get("/applications").expect(200);
        assert_eq!(list.texts_of("td.name"), ["Phạm Thị Mai", "(đã xóa)"]);
        assert_eq!(found_by(&officer, application.number.as_str()), [application.number.as_str()]);
        let gone = &application.declaration;
        for q in [gone.name.as_str(), gone.code.as_str(), gone.phone.as_str(), gone.id_number.as_ref().unwrap().as_str()] {
            assert_eq!(found_by(&officer, q), Vec::<String>::new(), "«{q}»");
        }
        let there = &other.declaration;
        for q in [there.code.as_str(), there.phone.as_str(), there.id_number.as_ref().unwrap().as_str()] {
            assert_eq!(found_by(&officer, q), [other.number.as_str()], "«{q}»");
        }
        // To an outsider it does not exist, as before.
        app.officer(&app.offices.dong_da).get(&path).expect(404);
    }

    fn a_picture_that_somebody_else_has_too_stays_until_both_are_erased(app: TestApp) {
        let office = &app.offices.ba_dinh;
        let submitted = hanoi("14/11/2026 09:30");
        let [first, second] = ["Lê Văn An", "Lê Thị Hoa"].map(|name| app.declared_at(office, &app.citizen(name), submitted));
        // The same person again, later, with the same face.
        let again = app.declared_at(office, &first.declaration, submitted + days(20));
        let portrait = pictures_of(&app, &again).remove(0);
        let removed_at = removed(&app, submitted);
        assert_eq!(app.sweep(removed_at + days(30)).erase().unwrap(), 2);
        assert!(app.parts.photos.load(&portrait).is_ok(), "the later declaration has lost its picture");
        assert_eq!(pictures_of(&app, &second), Vec::<String>::new());

        // Two that are erased in different transactions do not keep it for each other.
        let third = app.declared_at(office, &app.citizen("Lê Thị Hoa"), submitted + days(20));
        let removed_at = removed(&app, submitted + days(20));
        let sweep = app.sweep(removed_at + days(30));
        assert_eq!(tnhs::jobs::deadlines::Sweep { batch: 1, ..sweep }.erase().unwrap(), 2);
        assert!(app.parts.photos.load(&portrait).is_err(), "a face that nobody finds any more");
        assert_eq!(app.application(third.id).declaration, Declaration::erased());
    }

    fn a_worker_that_dies_after_the_pictures_goes_on_with_the_rows(app: TestApp) {
        let submitted = hanoi("14/11/2026 09:30");
        let application = app.declared_at(&app.offices.ba_dinh, &app.citizen("Lê Văn An"), submitted);
        let portrait = pictures_of(&app, &application).remove(0);
        let removed_at = removed(&app, submitted);
        app.dies_at("INSERT", "events", "NEW.kind = 'erased'");
        app.sweep(removed_at + days(30)).erase().unwrap_err();
        assert!(app.parts.photos.load(&portrait).is_err());
        assert_eq!(app.application(application.id).declaration, application.declaration);
        app.starts_again("events");
        assert_eq!(app.sweep(removed_at + days(30)).erase().unwrap(), 1);
        assert_eq!(pictures_of(&app, &application), Vec::<String>::new());
        assert_eq!(app.events_of(application.id, EventKind::Erased), 1);
    }
}
