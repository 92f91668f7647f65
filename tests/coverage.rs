//! Coverage: accounts and people of each agency on any day, and the targets that a supervisor or an admin sets.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use rust_xlsxwriter::Workbook;
use support::{Browser, Page, TestApp, both_databases, hanoi};
use tnhs::db::accounts;
use tnhs::db::agencies::Agency;
use tnhs::db::schema::{account_changes, events};
use tnhs::db::{account_changes as changes, coverage, decisions, reports};
use tnhs::domain::account::{Account, AccountState};
use tnhs::domain::assessment::Decision;
use tnhs::domain::dates::to_hanoi;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{AccountId, AgencyId};
use tnhs::domain::permission::{Role, Scope};
use tnhs::domain::report::coverage::Standing;
use tnhs::domain::report::{Cell, Grain, Kind, Period, Request, Span, Table};
use tnhs::{clock, db, jobs};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn today() -> NaiveDate {
    to_hanoi(clock::now()).date()
}

/// Somebody who was approved at an office at this time.
fn opened(app: &TestApp, office: &Agency, at: NaiveDateTime) -> Account {
    let person = app.citizen("Trần Thị Bích Ngọc");
    app.registered(&person);
    let application = app.declared_at(office, &person, at);
    let staff = app.employee(Role::Officer, office).id;
    let done = app.db(|conn| {
        let evidence = decisions::evidence(conn, application.clone())?;
        let stamp = db::events::Stamp { staff, at, address: None };
        Ok(decisions::record(conn, &evidence, &Decision::Approve, stamp).unwrap())
    });
    assert!(done);
    app.account_of(&application)
}

fn closed(app: &TestApp, account: &Account, at: NaiveDateTime) {
    app.db(|conn| accounts::set_state(conn, account, AccountState::Closed, None, at));
}

fn on(app: &TestApp, day: &str) -> HashMap<AgencyId, i64> {
    app.db(|conn| changes::on(conn, Scope::Country, day.parse().unwrap()))
}

fn report(app: &TestApp, scope: Scope, day: NaiveDate) -> Table {
    let request = Request { kind: Kind::Coverage, period: Period::of(Span::Day, day), agency: None, grain: Grain::Day };
    app.parts.db.snapshot(|conn| Ok::<_, db::DbError>(reports::table(conn, scope, &request)?)).unwrap().unwrap()
}

/// The cells of an office's row behind its name.
fn row(table: &Table, office: &Agency) -> Vec<Cell> {
    let name = Cell::Text(office.name.clone());
    table.rows.iter().find(|row| row.cells[1] == name).map(|row| row.cells[2..].to_vec()).unwrap_or_default()
}

/// Lets an admin bring a list of the registry in, of an office.
fn registered(app: &TestApp, admin: &Browser, office: &Agency, people: &[(&str, &str)]) -> Page {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, label) in (0..).zip(["Mã số BHXH", "Họ và tên"]) {
        sheet.write_string(0, column, label).unwrap();
    }
    for (line, (code, name)) in (1..).zip(people) {
        sheet.write_string(line, 0, *code).unwrap();
        sheet.write_string(line, 1, *name).unwrap();
    }
    let bytes = workbook.save_to_buffer().unwrap();
    const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let form = admin.get("/imports").form("Đọc thử").set("kind", "registry").set("agency", &office.code);
    let page = admin.submit(form.attach("file", "danh-ba.xlsx", XLSX, &bytes)).expect(200);
    app.imports_drain();
    let page = admin.get(page.path());
    let page = admin.submit(page.form("Nhập vào danh bạ")).expect(200);
    app.imports_drain();
    jobs::tallies::tally(&app.parts.db).unwrap();
    admin.get(page.path())
}

fn standing(app: &TestApp, office: &Agency, day: NaiveDate) -> Standing {
    app.db(|conn| coverage::standings(conn, Scope::Country, day)).get(&office.id).copied().unwrap_or_default()
}

fn sheet(page: &Page, office: &Agency) -> String {
    page.form("Lưu chỉ tiêu").value(&format!("a{}", office.id)).to_owned()
}

both_databases! {
    fn what_happens_to_an_account_later_does_not_change_the_past(app: TestApp) {
        let (ba_dinh, dong_da) = (&app.offices.ba_dinh, &app.offices.dong_da);
        let first = opened(&app, ba_dinh, hanoi("05/01/2026 09:00"));
        let second = opened(&app, ba_dinh, hanoi("31/01/2026 23:59"));
        opened(&app, dong_da, hanoi("01/02/2026 00:00"));
        let days = ["2026-01-04", "2026-01-05", "2026-01-31", "2026-02-01", "2026-02-09"];
        let before: Vec<_> = days.iter().map(|day| on(&app, day)).collect();
        let had = |day: usize, office: &Agency| before[day].get(&office.id).copied().unwrap_or_default();
        assert_eq!((0..5).map(|day| had(day, ba_dinh)).collect::<Vec<_>>(), [0, 1, 2, 2, 2]);
        assert_eq!((0..5).map(|day| had(day, dong_da)).collect::<Vec<_>>(), [0, 0, 0, 1, 1]);

        // Half of it is added up before the rest happens.
        app.db(|conn| changes::tally(conn, 2));
        closed(&app, &first, hanoi("10/02/2026 08:00"));
        let moved = app.application(second.application_id);
        app.db(|conn| db::applications::give_to(conn, moved.id, moved.version, dong_da, hanoi("11/02/2026 08:00")));
        let after: Vec<_> = days.iter().map(|day| on(&app, day)).collect();
        assert_eq!(after, before);
        assert_eq!(on(&app, "2026-02-10"), HashMap::from([(ba_dinh.id, 1), (dong_da.id, 1)]));
        assert_eq!(on(&app, "2026-02-11"), HashMap::from([(dong_da.id, 2)]));
        assert_eq!(app.account(second.id).agency_id, dong_da.id);

        // Locked it is still an account; closed a second time it is not lost twice.
        let second = app.bring_into(&app.account(second.id), AccountState::Locked, None);
        closed(&app, &app.account(first.id), clock::now());
        assert_eq!(on(&app, &today().to_string()), HashMap::from([(dong_da.id, 2)]));

        // Added up, added up anew, and not at all: the same.
        let all = || ["2026-01-31", "2026-02-10", "2026-02-11"].map(|day| on(&app, day));
        let expected = all();
        changes::tally_all(&app.parts.db).unwrap();
        assert_eq!(all(), expected);
        app.db(changes::forget);
        assert_eq!(all(), expected);
        changes::tally_all(&app.parts.db).unwrap();
        assert_eq!(all(), expected);

        // Opened anew it counts again, for the office of the new application.
        let account = app.account(first.id);
        let again = app.declared(dong_da, &account.holder);
        app.db(|conn| accounts::open_anew(conn, &account, &again, hanoi("20/02/2026 08:00")));
        assert_eq!(on(&app, "2026-02-20"), HashMap::from([(dong_da.id, 3)]));
        assert_eq!(app.account(second.id).state, AccountState::Locked);
    }

    fn the_accounts_of_an_older_database_are_retold_from_their_history(app: TestApp) {
        let office = &app.offices.ba_dinh;
        let account = opened(&app, office, hanoi("05/01/2026 09:00"));
        opened(&app, office, hanoi("06/01/2026 09:00"));
        let officer = app.officer(office);
        let form = officer.open_account(&account).act(tnhs::domain::account::AccountAct::Close, "Người dân đề nghị");
        officer.submit(form.check("understood")).expect(200);
        let all = || ["2026-01-05", "2026-01-06", &today().to_string()].map(|day| on(&app, day));
        let expected = all();
        assert_eq!(expected[2], HashMap::from([(office.id, 1)]));
        app.db(|conn| diesel::delete(account_changes::table).execute(conn));
        app.db(|conn| changes::retell(conn, AccountId(0)));
        assert_eq!(all(), expected);
    }

    fn the_people_of_a_list_are_its_agencys(app: TestApp) {
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi));
        let (ba_dinh, dong_da) = (&app.offices.ba_dinh, &app.offices.dong_da);
        let people = [("0100000001", "Trần Văn Đức"), ("0100000002", "Lê Thị Hoa"), ("0100000003", "Phạm Văn Kiên")];
        assert_eq!(admin.get("/imports").form("Đọc thử").value("agency"), "001", "their own office is chosen");
        registered(&app, &admin, ba_dinh, &people);
        assert_eq!(standing(&app, ba_dinh, today()).people, 3);
        assert_eq!(standing(&app, ba_dinh, today() - TimeDelta::days(1)).people, 0, "not known before it was brought in");
        // As if that had been a month ago.
        let then = today() - TimeDelta::days(30);
        let counted = app.db(coverage::count);
        app.db(|conn| coverage::keep(conn, then, &counted));
        // Somebody moved: the latest list that has them counts.
        let page = registered(&app, &admin, dong_da, &[("0100000003", "Phạm Văn Kiên An")]);
        let now = [ba_dinh, dong_da].map(|office| standing(&app, office, today()).people);
        assert_eq!(now, [2, 1]);
        assert_eq!([ba_dinh, dong_da].map(|office| standing(&app, office, then).people), [3, 0], "the past is as it was");
        // Taken back it is as before.
        let page = admin.click(&page, "Hoàn tác…");
        admin.submit(page.form("Hoàn tác")).expect(200);
        app.imports_drain();
        jobs::tallies::tally(&app.parts.db).unwrap();
        assert_eq!([ba_dinh, dong_da].map(|office| standing(&app, office, today()).people), [3, 0]);
        // A list cannot be given to an office that the admin does not run.
        let form = admin.get("/imports").form("Đọc thử").set("kind", "registry");
        let form = form.forge("agency", &app.offices.phu_xuan.code).attach("file", "a.csv", "text/csv", b"x");
        let page = admin.submit(form).expect(422);
        assert!(page.has_text("Chọn cơ quan có danh bạ này."), "{page}");
    }

    fn coverage_compares_people_accounts_and_the_target_of_a_day(app: TestApp) {
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi));
        let (ba_dinh, dong_da) = (&app.offices.ba_dinh, &app.offices.dong_da);
        registered(&app, &admin, ba_dinh, &[("0200000001", "Trần Văn Đức"), ("0200000002", "Lê Thị Hoa"),
            ("0200000003", "Phạm Văn Kiên"), ("0200000004", "Đỗ Minh Tuấn")]);
        opened(&app, ba_dinh, clock::now() - TimeDelta::days(1));
        opened(&app, dong_da, clock::now());
        opened(&app, &app.offices.phu_xuan, clock::now());
        let supervisor = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        let until = today() + TimeDelta::days(10);
        let page = supervisor.get(&format!("/targets?until={until}"));
        supervisor.submit(page.form("Lưu chỉ tiêu").set(&format!("a{}", ba_dinh.id), "2")).expect(200);

        let scope = Scope::Province(app.offices.hanoi.id);
        let table = report(&app, scope, today());
        let unknown = Cell::Text("–".into());
        assert_eq!(
            row(&table, ba_dinh),
            [Cell::Count(4), Cell::Count(1), Cell::Share(0.25), Cell::Count(2), Cell::Date(until), Cell::Share(0.5)]
        );
        let cells = row(&table, dong_da);
        assert_eq!([&cells[0], &cells[2], &cells[3], &cells[5]], [&unknown; 4], "no people, no rate, no target");
        assert_eq!(cells[1], Cell::Count(1));
        assert!(row(&table, &app.offices.phu_xuan).is_empty(), "not theirs");
        let total = table.total.unwrap().cells;
        assert_eq!((&total[3], &total[5], &total[7]), (&Cell::Count(2), &Cell::Count(2), &Cell::Share(0.5)));
        // Yesterday there was one account, and nobody knew the people.
        let yesterday = row(&report(&app, scope, today() - TimeDelta::days(1)), ba_dinh);
        assert_eq!((&yesterday[0], &yesterday[1]), (&unknown, &Cell::Count(1)));
        let shown = supervisor.get("/overview").expect(200);
        assert!(shown.text_of("#coverage tfoot").contains("50,0 %"), "{shown}");
    }

    fn a_supervisor_sets_replaces_and_removes_targets_of_several_offices_at_once(app: TestApp) {
        let (ba_dinh, dong_da) = (&app.offices.ba_dinh, &app.offices.dong_da);
        let employee = app.employee(Role::Supervisor, &app.offices.hanoi);
        let supervisor = app.sign_in(&employee);
        let page = supervisor.get("/targets?until=2027-06-30").expect(200);
        assert!(!page.has_text("Phú Xuân"));
        let field = |office: &Agency| format!("a{}", office.id);
        let form = page.form("Lưu chỉ tiêu").set(&field(ba_dinh), "1.200").set(&field(dong_da), "mười");
        let page = supervisor.submit(form).expect(422);
        assert!(page.has_text("Gõ số tài khoản"), "{page}");
        assert_eq!((sheet(&page, ba_dinh).as_str(), sheet(&page, dong_da).as_str()), ("1.200", "mười"), "nothing typed is lost");
        let page = supervisor.submit(page.form("Lưu chỉ tiêu").set(&field(dong_da), "300")).expect(200);
        assert!(page.told().contains("Đã lưu chỉ tiêu đến 30/06/2027 của 2 cơ quan"), "{page}");
        assert!(page.has_text(&employee.name));

        // One is replaced, one removed; whoever presses again without a change changes nothing.
        let page = supervisor.submit(page.form("Lưu chỉ tiêu").set(&field(ba_dinh), "1500").set(&field(dong_da), "")).expect(200);
        let page = supervisor.submit(page.form("Lưu chỉ tiêu")).expect(200);
        assert!(page.told().contains("Không có chỉ tiêu nào thay đổi"), "{page}");
        assert_eq!((sheet(&page, ba_dinh).as_str(), sheet(&page, dong_da).as_str()), ("1500", ""));
        let told: Vec<(EventKind, Option<String>, Option<String>)> = app.db(|conn| events::table
            .filter(events::kind.eq_any([EventKind::TargetSet, EventKind::TargetRemoved]))
            .order(events::id)
            .select((events::kind, events::before, events::after))
            .load(conn));
        assert_eq!(told.iter().map(|it| it.0).collect::<Vec<_>>(),
            [EventKind::TargetSet, EventKind::TargetSet, EventKind::TargetSet, EventKind::TargetRemoved]);
        assert!(told[2].1.as_ref().unwrap().contains("1200") && told[2].2.as_ref().unwrap().contains("1500"), "{told:?}");

        // Another day is another sheet, and the nearest one ahead is what counts.
        let page = supervisor.get("/targets?until=31/12/2027");
        assert!(page.has_text("30/06/2027: 1.500"), "{page}");
        supervisor.submit(page.form("Lưu chỉ tiêu").set(&field(ba_dinh), "5000")).expect(200);
        let target = |text| standing(&app, ba_dinh, day(text)).target.map(|target| target.accounts);
        assert_eq!([target("2027-06-30"), target("2027-07-01"), target("2030-01-01")], [Some(1500), Some(5000), Some(5000)]);
        let page = supervisor.get("/targets?until=40/13/2027").expect(422);
        assert!(page.fault("until").is_some() && page.form("Xem hạn này").value("until") == "40/13/2027", "{page}");
    }

    fn a_share_of_the_people_fills_the_sheet_and_waits_to_be_saved(app: TestApp) {
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi));
        let (ba_dinh, dong_da) = (&app.offices.ba_dinh, &app.offices.dong_da);
        registered(&app, &admin, ba_dinh, &[("0300000001", "Trần Văn Đức"), ("0300000002", "Lê Thị Hoa"), ("0300000003", "Đỗ Minh")]);
        let page = admin.get("/targets?until=2027-06-30").expect(200);
        let page = admin.submit(page.form("Điền vào bảng").set("percent", "200")).expect(422);
        assert!(page.fault("percent").is_some(), "{page}");
        let form = page.form("Điền vào bảng").set("percent", "50").set(&format!("a{}", dong_da.id), "7");
        let page = admin.submit(form).expect(200);
        assert_eq!((sheet(&page, ba_dinh).as_str(), sheet(&page, dong_da).as_str()), ("2", "7"), "half of three, and what was typed");
        assert_eq!(standing(&app, ba_dinh, today()).target, None, "nothing is saved yet");
        admin.submit(page.form("Lưu chỉ tiêu")).expect(200);
        assert_eq!(standing(&app, ba_dinh, today()).target.map(|target| target.accounts), Some(2));
    }

    fn whoever_saves_second_is_told_what_somebody_else_set_meanwhile(app: TestApp) {
        let office = &app.offices.ba_dinh;
        let field = format!("a{}", office.id);
        let [first, second] = [Role::Supervisor, Role::Admin].map(|role| app.sign_in(&app.employee(role, &app.offices.hanoi)));
        let mine = second.get("/targets?until=2027-06-30");
        let theirs = first.get("/targets?until=2027-06-30");
        first.submit(theirs.form("Lưu chỉ tiêu").set(&field, "100")).expect(200);
        let page = second.submit(mine.form("Lưu chỉ tiêu").set(&field, "900")).expect(422);
        assert!(page.has_text("Người khác vừa sửa thành 100"), "{page}");
        assert_eq!(sheet(&page, office), "900");
        assert_eq!(standing(&app, office, today()).target.map(|target| target.accounts), Some(100));
        second.submit(page.form("Lưu chỉ tiêu")).expect(200);
        assert_eq!(standing(&app, office, today()).target.map(|target| target.accounts), Some(900));
    }

    fn nobody_sets_targets_beyond_their_reach(app: TestApp) {
        app.officer(&app.offices.ba_dinh).get("/targets").expect(403);
        let phu_xuan = &app.offices.phu_xuan;
        let supervisor = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        let page = supervisor.get("/targets?until=2027-06-30");
        let forged = page.form("Lưu chỉ tiêu").forge(&format!("a{}", phu_xuan.id), "5");
        let page = supervisor.submit(forged).expect(200);
        assert!(page.told().contains("Không có chỉ tiêu nào thay đổi"), "{page}");
        assert_eq!(standing(&app, phu_xuan, today()).target, None);
        let own = app.sign_in(&app.employee(Role::Supervisor, &app.offices.dong_da)).get("/targets").expect(200);
        assert_eq!(own.select("tbody tr").len(), 1);
        let centre = app.sign_in(&app.employee(Role::Admin, &app.offices.centre)).get("/targets").expect(200);
        assert_eq!(centre.select("tbody tr").len(), 6);
    }
}
