//! Tra cứu: every criterion of the list, alone and together, in whatever form an officer has it at hand.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use diesel::prelude::*;

use support::form::encoded;
use support::{Browser, Page, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::schema::applications;
use tnhs::domain::application::{Application, Kind, Status};
use tnhs::domain::dates::{from_hanoi, show_date, to_hanoi};

fn names(page: &Page) -> Vec<String> {
    page.texts_of("td.name")
}

/// An officer of Ba Đình at an empty search form.
struct Desk {
    officer: Browser,
    blank: Page,
}

impl Desk {
    fn at_ba_dinh(app: &TestApp) -> Self {
        let officer = app.officer(&app.offices.ba_dinh);
        let blank = officer.get("/applications");
        Self { officer, blank }
    }

    /// *Tra cứu* with these criteria and no other.
    fn search(&self, criteria: &[(&str, &str)]) -> Page {
        let form = self.blank.form("Tra cứu");
        self.officer.submit(criteria.iter().fold(form, |form, (field, value)| form.set(field, value)))
    }

    /// The names that are found, in alphabetical order of their first words.
    #[track_caller]
    fn finds(&self, criteria: &[(&str, &str)]) -> Vec<String> {
        let page = self.search(criteria).expect(200);
        let mut found = names(&page);
        found.sort();
        let count = page.texts_of(".counters p").remove(0);
        assert_eq!(count, format!("{} hồ sơ", found.len()), "the counter differs from the rows");
        found
    }
}

fn declared(app: &TestApp, name: &str, at: NaiveDateTime) -> Application {
    app.declared_at(&app.offices.ba_dinh, &app.citizen(name), at)
}

/// One application of every stage and deadline: its name says which.
fn one_of_each(app: &TestApp) {
    let now = clock::now();
    let put = |application: &Application, status: Status, decided: Option<NaiveDateTime>| {
        app.db(|conn| {
            diesel::update(applications::table.find(application.id))
                .set((applications::status.eq(status), applications::decided_at.eq(decided)))
                .execute(conn)
        });
    };
    declared(app, "Mới", now);
    declared(app, "Sắp", now - TimeDelta::hours(9 * 24 + 12));
    declared(app, "Muộn", now - TimeDelta::days(11));
    put(&declared(app, "Chờ Mã", now), Status::AwaitingCode, None);
    put(&declared(app, "Duyệt", now - TimeDelta::days(20)), Status::Approved, Some(now - TimeDelta::days(18)));
    put(&declared(app, "Duyệt Muộn", now - TimeDelta::days(20)), Status::Approved, Some(now - TimeDelta::days(5)));
    put(&declared(app, "Từ Chối", now - TimeDelta::days(3)), Status::Rejected, Some(now));
    put(&declared(app, "Hết Hạn", now - TimeDelta::days(15)), Status::Expired, Some(now - TimeDelta::days(4)));
    let change = declared(app, "Thay Đổi", now);
    app.db(|conn| {
        diesel::update(applications::table.find(change.id)).set(applications::kind.eq(Kind::Change)).execute(conn)
    });
}

both_databases! {
    fn the_panel_speaks_the_words_of_the_portal(app: TestApp) {
        let desk = Desk::at_ba_dinh(&app);
        let page = &desk.blank;
        assert_eq!(page.text_of("h1"), "Danh sách hồ sơ đăng ký giao dịch điện tử cá nhân");
        assert_eq!(page.text_of("#filter summary"), "Mở rộng");
        let labels = page.texts_of("#filter details label");
        assert_eq!(labels[..6], ["Số hồ sơ", "Mã số BHXH", "Từ ngày", "Đến ngày", "Tình trạng", "Trạng thái"]);
        assert_eq!(page.texts_of("#kind option"), ["Tất cả", "Đăng ký mới", "Đăng ký thay đổi thông tin"]);
        let stages = ["Tất cả", "Chờ duyệt", "Chờ cấp mã số", "Đã duyệt", "Từ chối", "Quá hạn"];
        assert_eq!(page.texts_of("#status option"), stages);
        assert_eq!(page.texts_of("#deadline option"), ["Tất cả", "Đúng hạn", "Sắp đến hạn", "Muộn"]);
        assert!(page.has_text("Không có hồ sơ nào."));
        assert!(page.select("#filter details[open]").is_empty(), "with nothing set the panel is closed");
        assert!(!desk.search(&[("status", "pending")]).select("#filter details[open]").is_empty());
    }

    fn each_criterion_alone(app: TestApp) {
        one_of_each(&app);
        let desk = Desk::at_ba_dinh(&app);
        for (field, value, found) in [
            ("kind", "change", &["Thay Đổi"][..]),
            ("kind", "new", &["Chờ Mã", "Duyệt", "Duyệt Muộn", "Hết Hạn", "Muộn", "Mới", "Sắp", "Từ Chối"]),
            ("status", "pending", &["Muộn", "Mới", "Sắp", "Thay Đổi"]),
            ("status", "awaiting_code", &["Chờ Mã"]),
            ("status", "approved", &["Duyệt", "Duyệt Muộn"]),
            ("status", "rejected", &["Từ Chối"]),
            ("status", "expired", &["Hết Hạn"]),
            ("deadline", "on_time", &["Chờ Mã", "Duyệt", "Mới", "Thay Đổi", "Từ Chối"]),
            ("deadline", "due_soon", &["Sắp"]),
            ("deadline", "late", &["Duyệt Muộn", "Hết Hạn", "Muộn"]),
        ] {
            let mut found = found.to_vec();
            found.sort_unstable();
            assert_eq!(desk.finds(&[(field, value)]), found, "{field} = {value}");
        }
        assert_eq!(desk.finds(&[]).len(), 9);
    }

    fn criteria_together_must_all_hold(app: TestApp) {
        one_of_each(&app);
        let desk = Desk::at_ba_dinh(&app);
        assert_eq!(desk.finds(&[("status", "approved"), ("deadline", "late")]), ["Duyệt Muộn"]);
        assert_eq!(desk.finds(&[("q", "duyet"), ("deadline", "on_time")]), ["Duyệt"]);
        assert_eq!(desk.finds(&[("q", "duyet"), ("status", "pending")]), Vec::<String>::new());
        let days_ago = |days| show_date(to_hanoi(clock::now()).date() - TimeDelta::days(days));
        let (from, to) = (days_ago(12), days_ago(2));
        assert_eq!(desk.finds(&[("from", &from), ("to", &to), ("status", "pending")]), ["Muộn", "Sắp"]);
        assert_eq!(
            desk.finds(&[("from", &from), ("to", &to), ("status", "pending"), ("deadline", "late"), ("kind", "new"),
                ("numbers", "3 1 2"), ("q", "muon")]),
            ["Muộn"]
        );
        let code = app.db(|conn| {
            applications::table.filter(applications::name.eq("Muộn")).select(applications::code).first::<String>(conn)
        });
        assert_eq!(desk.finds(&[("code", &code)]), ["Muộn"]);
        assert_eq!(desk.finds(&[("code", &code), ("status", "approved")]), Vec::<String>::new());
    }

    fn dates_are_whole_days_in_hanoi(app: TestApp) {
        let day = to_hanoi(clock::now()).date() - TimeDelta::days(5);
        let at = |days: i64, hour, minute, second| {
            from_hanoi(day + TimeDelta::days(days), NaiveTime::from_hms_opt(hour, minute, second).unwrap())
        };
        declared(&app, "Tối Trước", at(-1, 23, 59, 59));
        declared(&app, "Nửa Đêm", at(0, 0, 0, 0));
        declared(&app, "Cuối Ngày", at(0, 23, 59, 59));
        declared(&app, "Hôm Sau", at(1, 0, 0, 0));
        let desk = Desk::at_ba_dinh(&app);
        let typed = show_date(day);
        assert_eq!(desk.finds(&[("from", &typed), ("to", &typed)]), ["Cuối Ngày", "Nửa Đêm"]);
        assert_eq!(desk.finds(&[("from", &typed)]), ["Cuối Ngày", "Hôm Sau", "Nửa Đêm"]);
        assert_eq!(desk.finds(&[("to", &typed)]), ["Cuối Ngày", "Nửa Đêm", "Tối Trước"]);
        for same in [day.format("%-d/%-m/%Y"), day.format("%d-%m-%Y"), day.format("%d%m%Y"), day.format("%Y-%m-%d")] {
            assert_eq!(desk.finds(&[("to", &same.to_string())]).len(), 3, "{same}");
        }
    }

    fn numbers_are_found_by_the_serial_alone_and_many_at_once(app: TestApp) {
        let all: Vec<Application> =
            ["Lê An", "Lê Ba", "Lê Chi", "Lê Dung"].iter().map(|name| declared(&app, name, clock::now())).collect();
        app.db(|conn| {
            diesel::update(applications::table.find(all[3].id))
                .set((applications::serial.eq(3706), applications::number.eq("03706/2026/00101")))
                .execute(conn)
        });
        let desk = Desk::at_ba_dinh(&app);
        for box_name in ["numbers", "q"] {
            for (typed, found) in [
                ("3706", &["Lê Dung"][..]),
                ("03706", &["Lê Dung"]),
                ("03706/2026/00101", &["Lê Dung"]),
                ("3706/2026/00101", &["Lê Dung"]),
                ("3706/2026/00102", &[]),
                ("1 2", &["Lê An", "Lê Ba"]),
                ("1;2; 3706", &["Lê An", "Lê Ba", "Lê Dung"]),
                ("1, 3706/2026/00101", &["Lê An", "Lê Dung"]),
            ] {
                assert_eq!(desk.finds(&[(box_name, typed)]), found, "{box_name} «{typed}»");
            }
        }
        let pasted = format!("{}\r\n{}\n\n  {};", all[0].number, all[1].number, all[2].number);
        assert_eq!(desk.finds(&[("numbers", &pasted)]), ["Lê An", "Lê Ba", "Lê Chi"]);
        assert_eq!(desk.finds(&[("q", "4")]), Vec::<String>::new(), "a serial is whole");
        let many = (1..=500).map(|n| format!("{n:05}/2026/00101")).collect::<Vec<_>>().join("\n");
        assert_eq!(desk.finds(&[("numbers", &many)]).len(), 3);
        let page = desk.search(&[("numbers", &format!("{many}\n501"))]).expect(422);
        assert!(page.fault("numbers").unwrap().contains("tối đa 500"), "{page}");
    }

    fn a_name_is_found_with_or_without_diacritics_in_part_and_in_any_order(app: TestApp) {
        for name in ["Trần Thị Bích Ngọc", "Trần Thị Ngọc Bích", "Nguyễn Văn Đức", "Hoàng Thị Thuỷ", "Lê Ngọc Trần"] {
            declared(&app, name, clock::now());
        }
        let desk = Desk::at_ba_dinh(&app);
        for (typed, found) in [
            ("Trần Thị Bích Ngọc", &["Trần Thị Bích Ngọc"][..]),
            ("tran thi bich ngoc", &["Trần Thị Bích Ngọc"]),
            ("TRẦN THỊ BÍCH NGỌC", &["Trần Thị Bích Ngọc"]),
            ("  bích   ngọc ", &["Trần Thị Bích Ngọc"]),
            ("ngoc bich", &["Trần Thị Ngọc Bích"]),
            ("thi bich", &["Trần Thị Bích Ngọc"]),
            ("ngoc", &["Lê Ngọc Trần", "Trần Thị Bích Ngọc", "Trần Thị Ngọc Bích"]),
            ("duc", &["Nguyễn Văn Đức"]),
            ("Ðức", &["Nguyễn Văn Đức"]),
            ("thủy", &["Hoàng Thị Thuỷ"]),
            ("Nguye\u{302}\u{303}n Va\u{306}n", &["Nguyễn Văn Đức"]),
            // Nobody has these words side by side in this order.
            ("ngoc tran bich", &["Trần Thị Bích Ngọc", "Trần Thị Ngọc Bích"]),
            ("đức nguyễn", &["Nguyễn Văn Đức"]),
            ("tran van", &[]),
            ("bich ngocc", &[]),
        ] {
            assert_eq!(desk.finds(&[("q", typed)]), found, "«{typed}»");
        }
    }

    fn one_box_takes_code_telephone_and_id_number(app: TestApp) {
        let wanted = declared(&app, "Trần Thị Bích Ngọc", clock::now());
        let mut foreigner = app.citizen("John Smith");
        foreigner.id_number = tnhs::domain::numbers::IdNumber::parse("C1234567").ok();
        app.declared(&app.offices.ba_dinh, &foreigner);
        let person = &wanted.declaration;
        let (phone, id) = (person.phone.as_str(), person.id_number.as_ref().unwrap().as_str());
        let (code, abroad) = (person.code.as_str(), format!("+84 {} {}", &phone[1..4], &phone[4..]));
        let desk = Desk::at_ba_dinh(&app);
        for typed in [phone, id, code, &abroad, &phone[1..], &format!("{}.{}", &code[..4], &code[4..]),
            &format!("GD4 01 {code}")]
        {
            assert_eq!(desk.finds(&[("q", typed)]), ["Trần Thị Bích Ngọc"], "«{typed}»");
        }
        assert_eq!(desk.finds(&[("q", "c1234567")]), ["John Smith"]);
        assert_eq!(desk.finds(&[("q", "0999999999")]), Vec::<String>::new());
        assert_eq!(desk.finds(&[("code", code)]), ["Trần Thị Bích Ngọc"]);
        assert_eq!(desk.finds(&[("q", phone), ("code", foreigner.code.as_str())]), Vec::<String>::new());
    }

    fn what_cannot_be_read_gets_a_sentence_beside_it_and_stays(app: TestApp) {
        declared(&app, "Lê An", clock::now());
        let desk = Desk::at_ba_dinh(&app);
        let (tabs, many) = ("\u{7}", "12 ".repeat(600));
        for (field, wrong) in [
            ("from", "31/02/2026"), ("from", "hôm qua"), ("to", "2026"), ("to", "32/01/2026"), ("code", "123"),
            ("code", "abc"), ("numbers", "03706/2026"), ("numbers", "12; abc"), ("numbers", &many), ("q", tabs),
            ("q", "Ngọc\u{202E}Trần"), ("code", "01234\u{200F}56789x"),
        ] {
            let page = desk.search(&[(field, wrong), ("status", "pending")]).expect(422);
            assert!(page.fault(field).is_some(), "{field} «{wrong}»: no sentence beside it on\n{page}");
            let form = page.form("Tra cứu");
            assert_eq!((form.value(field), form.value("status")), (wrong, "pending"), "what was typed stays");
            assert!(!page.select("#filter details[open]").is_empty(), "the panel shows what is wrong");
            assert_eq!(names(&page), ["Lê An"], "the list before is still there");
            // Taking the wrong one away heals it.
            let page = desk.officer.submit(form.set(field, "")).expect(200);
            assert_eq!(names(&page), ["Lê An"]);
            desk.officer.submit(desk.blank.form("Bỏ hết điều kiện")).expect(200);
        }
        let page = desk.search(&[("from", "02/03/2026"), ("to", "01/03/2026")]).expect(422);
        assert!(page.fault("to").is_some(), "{page}");
    }

    fn nothing_that_is_typed_breaks_the_list(app: TestApp) {
        declared(&app, "Lê An", clock::now());
        let desk = Desk::at_ba_dinh(&app);
        let long = "ư".repeat(9_000);
        let hostile = ["\0", "a\0b", "%", "_", "'", "\"; DROP TABLE applications; --", "<script>alert(1)</script>",
            "{{7*7}}", "\u{202E}gnp.exe", "\u{FFFD}", "\u{FEFF}", "👩‍👩‍👧", "\u{FDD0}", "-1",
            "99999999999999999999", "1e9",
            "☃ ☃", "'' OR 1=1", "\\", "\r\nSet-Cookie: a=b", &long];
        let token = desk.blank.form("Tra cứu").value("csrf").to_owned();
        let post = |body: Vec<u8>| {
            let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", app.url.as_str())];
            desk.officer.send("POST", "/applications/search", &headers, body)
        };
        for field in ["q", "numbers", "code", "from", "to", "kind", "status", "deadline", "agency", "group", "size",
            "sort", "sort_by", "descending", "without", "clear"]
        {
            for typed in hostile {
                let page = post(format!("csrf={token}&{field}={}", encoded(typed)).into_bytes());
                assert!(matches!(page.status, 303 | 413 | 422), "{field} {typed:?}: {}", page.status);
                assert!(!page.html.contains("<script>alert"), "{field}");
                let page = desk.officer.get("/applications");
                assert!(page.status == 200 && !page.html.contains("<script>alert"), "{field} {typed:?}");
            }
            // Bytes that are no UTF-8, as an escape and bare.
            for bytes in [&b"%FF%FE"[..], b"%C0%80", b"\xFF\xFE", b"%", b"%zz", b"%ED%A0%80"] {
                let body = [format!("csrf={token}&{field}=").as_bytes(), bytes].concat();
                let page = post(body);
                assert!(page.status < 500, "{field} {bytes:?}: {}", page.status);
            }
        }
        for address in ["/applications?list=%00", "/applications?list=%FF", "/applications?page=%00",
            "/applications?page=-1", "/applications?page=0", "/applications?page=4294967295",
            "/applications?page=99999999999",
            "/applications/%00", "/applications/-1", "/applications/99999999999999999999", "/applications/1%00",
            "/applications/1?list=%00%FF", "/applications/1/photos/%00", "/applications/next?list=%0d%0a",
            "/%00", "/%FF",
            "/static/x/..%2f..%2fCargo.toml", "/places/%00"]
        {
            let page = desk.officer.send("GET", address, &[], Vec::new());
            assert!(page.status < 500, "{address}: {}", page.status);
        }
        assert_eq!(desk.finds(&[]), ["Lê An"]);
    }
}
