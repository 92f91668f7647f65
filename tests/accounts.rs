//! *Tài khoản*: looking for accounts, whose accounts a person sees, and receiving somebody of another office.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::TimeDelta;
use support::{Browser, Page, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::accounts;
use tnhs::domain::account::{Account, AccountAct, AccountState, LockCause, RECEIVED_FOR};
use tnhs::domain::event::EventKind;
use tnhs::domain::names::Name;
use tnhs::domain::permission::{Actor, Role};

fn search(browser: &Browser, typed: &str) -> Page {
    browser.submit(browser.get("/accounts").form("/accounts/search").set("q", typed)).expect(200)
}

fn names(page: &Page) -> Vec<String> {
    page.texts_of("td.name")
}

fn receive(browser: &Browser, code: &str, papers: &str) -> Page {
    let form = browser.get("/accounts").form("Tiếp nhận").set("code", code).set("papers", papers);
    browser.submit(form)
}

both_databases! {
    fn an_account_is_found_by_whatever_is_at_hand(app: TestApp) {
        let ngoc = app.holder("Trần Thị Bích Ngọc");
        let duc = app.holder("Lê Văn Đức");
        let child = app.holder_at(&app.offices.ba_dinh, &app.child(&app.citizen("Đỗ Thị Hoà"), true));
        let guardian = child.holder.guardian.clone().unwrap();
        let officer = app.officer(&app.offices.ba_dinh);
        let all = ["Trần Bảo An", "Lê Văn Đức", "Trần Thị Bích Ngọc"];
        assert_eq!(names(&officer.get("/accounts")), all, "the newest first");
        let spaced = format!("{} {} {}", &duc.holder.phone.as_str()[..4], &duc.holder.phone.as_str()[4..7],
            &duc.holder.phone.as_str()[7..]);
        for (typed, found) in [
            (ngoc.code(), &all[2..]),
            (ngoc.holder.id_number.as_ref().unwrap().as_str(), &all[2..]),
            (ngoc.holder.email.as_ref().unwrap().as_str(), &all[2..]),
            (&spaced, &all[1..2]),
            (guardian.phone.as_str(), &all[..1]),
            (guardian.email.as_ref().unwrap().as_str(), &all[..1]),
            ("tran thi bich", &all[2..]),
            ("NGỌC trần", &all[2..]), // Nobody is called so: word by word.
            ("le van duc", &all[1..2]),
            ("trần", &["Trần Bảo An", "Trần Thị Bích Ngọc"]),
            ("nguyen", &[]), ("0999999999", &[]), ("3706", &[]), ("%", &[]), ("ai@example.vn", &[]), ("a\0b", &[]),
        ] {
            let page = search(&officer, typed);
            assert_eq!(names(&page), found, "{typed}");
            assert!(page.text_of(".counters").starts_with(&format!("{} tài khoản", found.len())), "{page}");
            assert!(page.path() == "/accounts" && !page.url.contains(ngoc.code()), "{}", page.url);
            assert_eq!(page.has_text("Không tìm thấy tài khoản nào"), found.is_empty());
        }
        let page = search(&officer, ngoc.code());
        assert_eq!(page.form("/accounts/search").value("q"), ngoc.code(), "what was typed stays");
        assert_eq!(officer.click(&page, ngoc.code()).expect(200).path(), format!("/accounts/{}", ngoc.id));
        // Who was looked for last is nobody's business who comes by the menu.
        assert_eq!(names(&officer.click(&page, "Tài khoản")).len(), 3);
        assert_eq!(officer.get("/accounts?list=unknown1").url, "/accounts");
    }

    fn the_list_shows_where_messages_go_and_since_when_it_is_so(app: TestApp) {
        let mother = app.holder("Đỗ Thị Hoà");
        let mut child = app.child(&mother.holder, true);
        child.guardian.as_mut().unwrap().phone = app.citizen("Ai Đó").phone;
        let child = app.holder_at(&app.offices.ba_dinh, &child);
        let locked = app.bring_into(&app.holder("Lê Văn Đức"), AccountState::Locked, Some(LockCause::Desk));
        let officer = app.officer(&app.offices.ba_dinh);
        let page = search(&officer, child.code());
        assert_eq!(page.text_of("td[data-label='Điện thoại nhận tin']"), mother.holder.phone.as_str());
        let form = page.form("/accounts/search").set("q", "").set("state", "locked");
        let page = officer.submit(form).expect(200);
        assert_eq!(names(&page), ["Lê Văn Đức"]);
        assert_eq!(page.text_of("td[data-label='Tình trạng']"), "Đã khóa Cơ quan BHXH khóa");
        let since = tnhs::domain::dates::show_time(locked.state_at);
        assert_eq!(page.text_of("td[data-label='Từ ngày']"), since);
        let both = page.form("/accounts/search").set("q", "hoa").set("state", "locked");
        assert!(names(&officer.submit(both)).is_empty());
    }

    fn pages_neither_repeat_nor_lose_anybody(app: TestApp) {
        let accounts: Vec<Account> = (0..60).map(|at| {
            app.holder(if at % 2 == 0 { "Lê Thị Hồng" } else { "Lê Thị Hoa" })
        }).collect();
        let officer = app.officer(&app.offices.ba_dinh);
        let newest_first: Vec<String> = accounts.iter().rev().map(|account| account.code().to_owned()).collect();
        let codes = |page: &Page| page.texts_of("td[data-label='Mã số BHXH']");
        for first in [officer.get("/accounts"), search(&officer, "le thi")] {
            let second = officer.click(&first, "Trang sau ›");
            let third = officer.click(&second, "Trang sau ›");
            assert!(!third.has_link("Trang sau ›") && !first.has_link("‹ Trang trước"));
            assert_eq!([codes(&first), codes(&second), codes(&third)].concat(), newest_first);
            let back = officer.click(&third, "‹ Trang trước");
            assert_eq!(codes(&back), codes(&second));
            assert_eq!(codes(&officer.click(&back, "‹ Trang trước")), codes(&first));
            assert_eq!(codes(&officer.click(&third, "« Trang đầu")), codes(&first));
        }
        let form = officer.get("/accounts").form("/accounts/search").set("size", "100");
        assert_eq!(codes(&officer.submit(form)).len(), 60);
    }

    fn a_person_sees_the_accounts_within_their_scope(app: TestApp) {
        let o = &app.offices;
        let here = app.holder_at(&o.ba_dinh, &app.citizen("Lê Ba Đình"));
        app.holder_at(&o.dong_da, &app.citizen("Lê Đống Đa"));
        app.holder_at(&o.phu_xuan, &app.citizen("Lê Phú Xuân"));
        let all = ["Lê Phú Xuân", "Lê Đống Đa", "Lê Ba Đình"];
        for (role, office, sees) in [
            (Role::Officer, &o.ba_dinh, &all[2..]),
            (Role::Supervisor, &o.hanoi, &all[1..]),
            (Role::Supervisor, &o.dong_da, &all[1..2]),
            (Role::Supervisor, &o.hue, &all[..1]),
            (Role::Supervisor, &o.centre, &all[..]),
        ] {
            let browser = app.sign_in(&app.employee(role, office));
            assert_eq!(names(&browser.get("/accounts")), sees, "{role:?} of {}", office.name);
            assert_eq!(names(&search(&browser, "le")), sees, "{role:?} of {}", office.name);
            let status = browser.get(&format!("/accounts/{}", here.id)).status;
            assert_eq!(status == 200, sees.contains(&"Lê Ba Đình"), "{role:?} of {}", office.name);
            assert_eq!(names(&search(&browser, here.code())).len(), usize::from(status == 200));
            assert_eq!(browser.get("/accounts").has_button("Tiếp nhận"), role == Role::Officer);
        }
        let admin = app.sign_in(&app.employee(Role::Admin, &o.centre));
        let frame = admin.get("/staff");
        assert!(!frame.has_link("Tài khoản"));
        for address in ["/accounts".to_owned(), format!("/accounts/{}", here.id)] {
            admin.get(&address).expect(403);
        }
        for path in ["/accounts/search", "/accounts/receive", &format!("/accounts/{}/acts/lock", here.id)] {
            let mut form = frame.form("/sign-out").forge("q", "le");
            form.action = path.into();
            admin.submit(form).expect(403);
        }
        assert_eq!(app.browser().get("/accounts").path(), "/sign-in");
    }

    fn an_account_of_another_office_does_not_exist(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        let insider = app.officer(&app.offices.ba_dinh);
        let outsider = app.officer(&app.offices.dong_da);
        let nothing = outsider.get("/accounts/999999").expect(404).text();
        let page = insider.open_account(&account);
        let photo = page.select(".portrait img").remove(0).attr("src").unwrap().to_owned();
        insider.get(&photo).expect(200);
        for address in [format!("/accounts/{}", account.id), photo] {
            assert_eq!(outsider.get(&address).expect(404).text(), nothing, "{address}");
        }
        for act in AccountAct::ALL {
            let form = outsider.get("/accounts").forced_act(&account, *act);
            for form in [form.clone(), form.forge("reason", "")] {
                assert_eq!(outsider.submit(form).expect(404).text(), nothing, "{act:?}");
            }
        }
        assert_eq!(app.account(account.id).version, account.version);
        let elsewhere = app.holder_at(&app.offices.dong_da, &app.citizen("Lê Đống Đa"));
        let other = page.select(".portrait img").remove(0).attr("src").unwrap().rsplit('/').next().unwrap().to_owned();
        outsider.get(&format!("/accounts/{}/photos/{other}", elsewhere.id)).expect(404);
    }

    fn whoever_comes_to_another_office_is_received_there(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        let employee = app.employee(Role::Officer, &app.offices.dong_da);
        let officer = app.sign_in(&employee);
        let id_number = account.holder.id_number.as_ref().unwrap().to_string();
        let page = receive(&officer, account.code(), &id_number).expect(200);
        assert_eq!(page.path(), format!("/accounts/{}", account.id));
        assert!(page.history().iter().any(|line| line.contains("Tiếp nhận tại cơ quan khác") && line.contains(&employee.name)));
        officer.get(page.select(".portrait img").remove(0).attr("src").unwrap()).expect(200);
        assert!(page.select("#filings").is_empty(), "the other office's applications are not shown");
        officer.submit(page.act(AccountAct::Lock, "Mất điện thoại")).expect(200);
        assert_eq!(app.account(account.id).state, AccountState::Locked);
        receive(&officer, account.code(), &id_number).expect(200);
        assert_eq!(app.events_about(&account, EventKind::AccountReceived), 1, "once is enough");
        // It is theirs alone, and for some hours.
        app.officer(&app.offices.dong_da).get(&format!("/accounts/{}", account.id)).expect(404);
        let actor = Actor {
            id: employee.id,
            name: employee.name,
            role: Role::Officer,
            agency_id: app.offices.dong_da.id,
            agency_name: app.offices.dong_da.name.clone(),
            province_id: Some(app.offices.hanoi.id),
            must_change_password: false,
        };
        for (later, there) in [(RECEIVED_FOR - TimeDelta::minutes(1), true), (RECEIVED_FOR, false)] {
            let found = app.db(|conn| accounts::find_for(conn, &actor, account.id, clock::now() + later));
            assert_eq!(found.is_some(), there, "{later}");
        }
        // Of one's own office nothing has to be received.
        let insider = app.officer(&app.offices.ba_dinh);
        receive(&insider, account.code(), &id_number).expect(200);
        assert_eq!(app.events_about(&account, EventKind::AccountReceived), 1);
    }

    fn a_child_is_received_by_the_guardians_code(app: TestApp) {
        let mother = app.citizen("Đỗ Thị Hoà");
        let account = app.holder_at(&app.offices.ba_dinh, &app.child(&mother, true));
        let officer = app.officer(&app.offices.dong_da);
        receive(&officer, account.code(), app.citizen("Ai Đó").code.as_str()).expect(422);
        let page = receive(&officer, account.code(), mother.code.as_str()).expect(200);
        assert_eq!(page.path(), format!("/accounts/{}", account.id));
    }

    fn whoever_guesses_learns_nothing_and_soon_has_to_wait(app: TestApp) {
        let account = app.holder("Trần Thị Bích Ngọc");
        let other = app.citizen("Lê Thị Hồng");
        let id_number = account.holder.id_number.as_ref().unwrap().to_string();
        let other_id = other.id_number.as_ref().unwrap().to_string();
        let officer = app.officer(&app.offices.dong_da);
        let page = receive(&officer, "12", "<b>").expect(422);
        assert!(page.fault("code").is_some() && page.fault("papers").is_some(), "{page}");
        assert_eq!(page.form("Tiếp nhận").value("papers"), "<b>", "what was typed stays");
        let mut told = Vec::new();
        for (code, papers) in [(account.code(), &other_id), (other.code.as_str(), &id_number)] {
            let page = receive(&officer, code, papers).expect(422);
            assert_eq!(page.form("Tiếp nhận").value("code"), code);
            told.push(page.told());
        }
        told.dedup();
        assert_eq!(told, ["Không có tài khoản nào khớp cả mã số BHXH và số giấy tờ này. Hãy kiểm tra lại hai số trên giấy tờ."]);
        for _ in 0..2 {
            receive(&officer, account.code(), &other_id).expect(422);
        }
        // What is right does not count, and does not take back what was wrong.
        receive(&officer, account.code(), &id_number).expect(200);
        receive(&officer, account.code(), &other_id).expect(422);
        let page = receive(&officer, account.code(), &id_number).expect(429);
        assert!(page.told().contains("Hãy đợi 1"), "{page}");
        let colleague = app.officer(&app.offices.dong_da);
        receive(&colleague, account.code(), &id_number).expect(200);
    }

    fn a_page_tells_what_belongs_to_an_account(app: TestApp) {
        let mother = app.holder("Đỗ Thị Hoà");
        let child = app.holder_at(&app.offices.ba_dinh, &app.child(&mother.holder, true));
        let mut elsewhere = app.child(&mother.holder, true);
        elsewhere.name = Name::parse("Trần Đống Đa").unwrap();
        app.holder_at(&app.offices.dong_da, &elsewhere);
        let officer = app.officer(&app.offices.ba_dinh);

        let page = officer.open_account(&mother);
        let wards = page.text_of(".wards");
        assert!(wards.contains(child.code()) && wards.contains("1 người khác tại cơ quan khác"), "{wards}");
        assert!(!page.has_text("Trần Đống Đa"));
        assert!(page.has_text("đang dùng cho 2 tài khoản khác"));
        let page = officer.click(&page, "Trần Bảo An").expect(200);
        assert_eq!(page.path(), format!("/accounts/{}", child.id));
        assert!(page.has_text(&format!("{} qua người giám hộ", mother.holder.phone)), "{page}");
        let page = officer.click(&page, "Tài khoản của người giám hộ");
        assert_eq!(page.path(), format!("/accounts/{}", mother.id));

        app.outbox_drain();
        let page = officer.open_account(&mother);
        let sent = page.texts_of(".sent b");
        assert_eq!(sent, ["Thông báo chấp nhận", "Tài khoản và mật khẩu"], "the newest first");
        assert!(page.has_text("Do hệ thống cấp, phải đổi khi đăng nhập"));
        let application = app.application(mother.application_id);
        let page = officer.click(&page, application.number.as_str()).expect(200);
        assert_eq!(officer.click(&page, "Mở tài khoản").path(), format!("/accounts/{}", mother.id));
        officer.open_account(&mother);
        assert_eq!(app.events_about(&mother, EventKind::AccountViewed), 1, "a look just after is the same look");
    }
}
