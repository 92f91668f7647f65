//! *Tin nhắn*: who sees which messages and how far they got, page by page, and who is told of those that did not arrive.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use support::messages::{
    admin, again, age, chain, forced, listed, minutes, only, rejected, supervisor, without_numbers,
};
use support::{Employee, TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::db::messages::{self, Occasion, Shown};
use tnhs::db::schema::messages as stored;
use tnhs::domain::outbox::{Draft, MessageKind};
use tnhs::domain::permission::Role;

both_databases! {
    fn what_is_outside_ones_scope_is_not_listed_and_does_not_exist(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let id = only(&app, &rejected(&app, &officer)).id;
        assert_eq!(listed(&officer.get("/messages").expect(200)), [id.0]);
        assert_eq!(listed(&supervisor(&app).get("/messages")), [id.0]);
        assert_eq!(listed(&admin(&app).get("/messages")), [id.0]);
        let elsewhere = app.officer(&app.offices.dong_da);
        let of_hue = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hue));
        for outsider in [&elsewhere, &of_hue] {
            assert!(listed(&outsider.get("/messages").expect(200)).is_empty());
            outsider.get(&format!("/messages/{id}")).expect(404);
            outsider.submit(forced(outsider, id)).expect(404);
        }
        assert_eq!(chain(&app, id), (None, false), "nobody sent it again");
    }

    fn an_admin_sees_where_it_is_and_not_to_whom_it_goes(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = rejected(&app, &officer);
        let message = only(&app, &application);
        let address = format!("/messages/{}", message.id);
        let page = officer.get(&address).expect(200);
        assert!(page.has_text(&message.recipient) && page.text_of(".sms").contains("Ly do: Anh bi mo"), "{page}");
        let admin = admin(&app);
        for address in ["/messages", &address] {
            let page = admin.get(address).expect(200);
            assert!(page.has_text(&format!("******{}", &message.recipient[6..])), "{page}");
            assert!(!page.html.contains(&message.recipient), "{page}");
            assert!(!page.has_button("Gửi lại") && page.select(&format!("a[href='/applications/{}']", application.id)).is_empty());
        }
        assert!(!admin.get(&address).html.contains("Anh bi mo"));
        admin.submit(forced(&admin, message.id)).expect(403);
    }

    fn a_message_with_a_password_is_not_shown(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let [credentials, notice] = app.messages(&application).try_into().ok().unwrap();
        let page = officer.get(&format!("/messages/{}", credentials.id)).expect(200);
        assert!(page.has_text("chỉ người nhận đọc được") && !page.has_text("Tai khoan:"), "{page}");
        let page = officer.get(&format!("/messages/{}", notice.id)).expect(200);
        assert!(page.text_of(".sms").contains("đã được duyệt"), "{page}");
    }

    fn what_did_not_arrive_stands_first_and_the_rest_newest_first(database: TestDb) {
        let app = without_numbers(database);
        let officer = app.officer(&app.offices.ba_dinh);
        let failed = only(&app, &rejected(&app, &officer)).id;
        app.outbox_drain();
        let [older, newer] = [(); 2].map(|()| only(&app, &rejected(&app, &officer)).id);
        let page = officer.get("/messages").expect(200);
        assert_eq!(listed(&page), [failed.0, newer.0, older.0]);
        assert_eq!(page.text_of("#need-title"), "Cần xử lý: 1 tin không đến được người nhận");
        let row = page.text_of(".need tbody tr");
        for words in ["Không gửi được", "Số điện thoại hoặc địa chỉ không nhận được tin", "1 lần thử", "Gửi lại"] {
            assert!(row.contains(words), "«{words}» is missing in {row}");
        }
        assert!(page.texts_of("#list tbody tr")[0].contains("Chờ gửi"), "{page}");
        // Erased, or of a kind that is asked for anew: nobody can do anything.
        app.db(|conn| diesel::update(stored::table.find(failed)).set(stored::kind.eq(MessageKind::Otp)).execute(conn));
        assert_eq!(listed(&officer.get("/messages")), [newer.0, older.0, failed.0]);
    }

    fn the_list_is_filtered_and_comes_back_as_it_was(database: TestDb) {
        let app = without_numbers(database);
        let officer = app.officer(&app.offices.ba_dinh);
        let application = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let yesterday = only(&app, &rejected(&app, &officer)).id;
        age(&app, TimeDelta::days(1));
        let today = only(&app, &rejected(&app, &officer)).id;
        let [sms, notice, by_mail] = app.messages(&application).try_into().ok().map(|all: [Shown; 3]| all.map(|m| m.id)).unwrap();
        let search = |set: &[(&str, &str)]| {
            let form = officer.get("/messages").form("Tra cứu");
            let form = ["standing", "channel", "kind"].iter().fold(form, |form, field| form.set(field, ""));
            let form = form.set("from", "").set("to", "");
            officer.submit(set.iter().fold(form, |form, (field, value)| form.set(field, value)))
        };
        let day = |at: NaiveDateTime| tnhs::domain::dates::show_date(tnhs::domain::dates::to_hanoi(at).date());
        let at = |id| app.db(|conn| stored::table.find(id).select(stored::created_at).first::<NaiveDateTime>(conn));
        let (now, before) = (day(at(today)), day(at(yesterday)));
        for (set, found) in [
            (&[("standing", "trouble")][..], &[sms.0][..]),
            (&[("standing", "queued")], &[today.0, yesterday.0]),
            (&[("standing", "accepted")], &[by_mail.0, notice.0]),
            (&[("channel", "email")], &[by_mail.0, notice.0]),
            (&[("kind", "rejected")], &[today.0, yesterday.0]),
            (&[("from", &now)], &[today.0]),
            (&[("from", &before), ("to", &before), ("kind", "rejected")], &[yesterday.0]),
        ] {
            assert_eq!(listed(&search(set).expect(200)), found, "{set:?}");
        }
        // It is still so when one comes back from elsewhere, and goes with a press.
        officer.get("/applications");
        let page = officer.get("/messages").expect(200);
        assert_eq!((page.texts_of(".chips li").len(), listed(&page)), (3, vec![yesterday.0]));
        assert_eq!(listed(&officer.submit(page.form("Bỏ hết điều kiện"))).len(), 5);
        let page = search(&[("from", &now), ("to", &before)]).expect(422);
        assert_eq!(page.fault("to").as_deref(), Some("Đến ngày phải từ ngày bắt đầu trở đi."));
        assert_eq!(page.form("Tra cứu").value("from"), now, "nothing typed is lost");
    }

    fn a_supervisor_filters_by_office_within_the_scope(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let id = only(&app, &rejected(&app, &officer)).id;
        let above = supervisor(&app);
        for (office, found) in [(&app.offices.ba_dinh, vec![id.0]), (&app.offices.dong_da, vec![])] {
            let form = above.get("/messages").form("Tra cứu").set("agency", &office.id.to_string());
            assert_eq!(listed(&above.submit(form).expect(200)), found, "{}", office.name);
        }
        let hue = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hue));
        let form = hue.get("/messages").form("Tra cứu").forge("agency", &app.offices.ba_dinh.id.to_string());
        assert!(listed(&hue.submit(form).expect(200)).is_empty(), "a forged office opens nothing");
    }

    fn pages_lead_through_all_of_it_and_back(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let application = rejected(&app, &officer);
        // All at the same moment: the order must still be one.
        let at = clock::now() - minutes(1);
        app.db(|conn| {
            for nth in 0..59 {
                let key = format!("page-{nth}");
                let draft = Draft::sms(MessageKind::Reminder, "0900000001", "BHXH VN".into(), None);
                messages::queue(conn, Occasion { application: application.id, staff: None, key: &key, at }, &draft)?;
            }
            Ok(())
        });
        let (mut page, mut seen, mut firsts) = (officer.get("/messages"), Vec::new(), Vec::new());
        loop {
            let here = listed(&page);
            firsts.push(here[0]);
            seen.extend(here);
            if !page.has_link("Trang sau ›") {
                break;
            }
            page = officer.click(&page, "Trang sau ›");
        }
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!((seen.len(), once.len(), firsts.len()), (60, 60, 3));
        page = officer.click(&page, "‹ Trang trước");
        assert_eq!(listed(&page)[0], firsts[1]);
        page = officer.click(&page, "‹ Trang trước");
        assert_eq!((listed(&page)[0], page.has_link("‹ Trang trước")), (firsts[0], false));
    }

    fn an_officer_is_told_of_what_did_not_arrive_of_theirs(database: TestDb) {
        let app = without_numbers(database);
        let mine: Employee = app.employee(Role::Officer, &app.offices.ba_dinh);
        let (officer, colleague) = (app.sign_in(&mine), app.officer(&app.offices.ba_dinh));
        let applications = [(); 2].map(|()| rejected(&app, &officer));
        assert!(officer.get("/applications").select(".lost").is_empty(), "they are on their way");
        app.outbox_drain();
        age(&app, minutes(6));
        let page = officer.get("/applications").expect(200);
        assert!(page.text_of(".lost").starts_with("2 tin do bạn gửi không đến được người nhận."), "{page}");
        assert!(colleague.get("/applications").select(".lost").is_empty());
        let page = officer.click(&page, "Xem các tin này");
        assert_eq!(listed(&page).len(), 2);
        let id = only(&app, &applications[0]).id;
        let page = again(&officer, &page, id);
        assert_eq!((page.path(), listed(&page).len()), ("/messages", 1));
        assert!(officer.get("/applications").text_of(".lost").starts_with("1 tin do bạn gửi"));
    }
}
