//! What an administrator may rely on when they run the commands: what each prints and where, how it ends, and what it
//! leaves in the database.

#![allow(clippy::unwrap_used)]

mod support;

use std::net::TcpListener;

use diesel::prelude::*;
use rust_xlsxwriter::Workbook;

use support::{PASSWORD, Program, TestApp, TestDb, both_databases};
use tnhs::db::schema::{events, registry_members, staff};
use tnhs::domain::application::Status;
use tnhs::domain::event::EventKind;

/// Every command, with what it needs.
const COMMANDS: [&[&str]; 16] = [
    &["serve"],
    &["worker"],
    &["migrate"],
    &["demo"],
    &["recount"],
    &["check"],
    &["staff"],
    &["staff", "add"],
    &["api-key"],
    &["api-key", "add"],
    &["api-key", "revoke"],
    &["import"],
    &["import", "registry"],
    &["import", "agencies"],
    &["import", "staff"],
    &["import", "applications"],
];

#[test]
fn every_command_explains_itself() {
    // In an environment that no command would accept.
    let program = Program::new().set("DATABASE_URL", "nowhere");
    for command in COMMANDS.iter().copied().chain([&[][..]]) {
        let help = program.run(&[command, &["--help"]].concat()).expect(0);
        assert!(help.stdout.contains("Usage: tnhs") && help.stderr.is_empty(), "{help:#?}");
    }
    let version = program.run(&["--version"]).expect(0);
    assert_eq!(version.stdout, format!("tnhs {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_use_is_answered_in_one_line() {
    let program = Program::new();
    let person = ["staff", "add", "--login", "hanh", "--name", "Nguyễn Thị Hạnh", "--role", "officer"];
    let with = |at: usize, value: &'static str| -> Vec<&'static str> {
        let mut person = person.to_vec();
        person[at] = value;
        [person, vec!["--agency", "00101"]].concat()
    };
    for (wrong, named) in [
        (vec!["approve"], "approve"),
        (vec!["serve", "--fast"], "--fast"),
        (vec!["serve", "now"], "now"),
        (vec!["staff", "remove"], "remove"),
        (vec!["demo", "--applications", "many"], "--applications"),
        (vec!["demo", "--registry", "-1"], "-1"),
        (vec!["import", "registry"], "<FILE>"),
        (vec!["import", "people", "list.xlsx"], "people"),
        (person.to_vec(), "--agency"),
        (with(7, "director"), "--role"),
        (with(3, "Hạnh"), "--login"),
        (with(5, ""), "--name"),
    ] {
        let finished = program.run(&wrong).expect(2);
        let complaint = finished.complaint();
        assert!(complaint.contains(named), "{wrong:?}: {complaint}");
        assert!(complaint.ends_with("see tnhs --help"), "{wrong:?}: {complaint}");
    }
    // Nothing at all, or half a command: the help.
    for half in [&[][..], &["staff"], &["import"]] {
        let finished = program.run(half).expect(2);
        assert!(finished.stdout.is_empty() && finished.stderr.contains("Usage: tnhs"), "{finished:#?}");
    }
    assert!(!program.file("data").exists(), "something was made on the way");
}

#[test]
fn a_wrong_variable_is_named_and_its_secrets_are_not_told() {
    for (name, value) in [
        ("DATABASE_URL", "mysql://tnhs:hunter2@localhost/tnhs"),
        ("DATABASE_URL", "tnhs.db"),
        ("TNHS_LISTEN", "localhost"),
        ("TNHS_LISTEN", "127.0.0.1:99999"),
        ("TNHS_SECRET_KEY", "hunter2"),
        ("TNHS_SMTP_URL", "imap://tnhs:hunter2@mail.example.vn"),
        ("TNHS_SMTP_URL", "smtp://tnhs:hunter2@mail.example.vn"),
        ("TNHS_SMTP_URL", "smtp://tnhs:hunter2@mail.example.vn?from=nobody"),
        ("TNHS_SMTP_URL", "smtp://tnhs:hunter2@mail.example.vn:mail?from=tnhs@example.vn"),
        ("TNHS_SMTP_URL", "smtp://tnhs:hunter2@mail.example.vn?from=tnhs@example.vn&tls=perhaps"),
        ("TNHS_SMS_URL", "https://tnhs:hunter2@gateway.example.vn"),
        ("TNHS_SMS_URL", "kannel+http://hunter2@gateway:13013"),
        ("TNHS_SMS_URL", "kannel+http://tnhs:hunter2@"),
        ("TNHS_SMS_URL", "kannel+http://tnhs:hunter2@gateway:13013?from=BaoHiemXaHoi"),
        ("TNHS_BASE_URL", "tnhs.example.vn"),
        ("TNHS_BASE_URL", "https://tnhs.example.vn/app"),
        ("TNHS_SESSION_IDLE_MINUTES", "0"),
        ("TNHS_SESSION_MAX_HOURS", "all day"),
        ("TNHS_POOL_SIZE", "1"),
        ("TNHS_LOG", "loud"),
    ] {
        let program = Program::new().set(name, value);
        for command in [&["serve"][..], &["worker"], &["migrate"], &["check"]] {
            let finished = program.run(command).expect(2);
            let complaint = finished.complaint();
            assert!(complaint.starts_with(&format!("{name}: ")), "{value}: {complaint}");
            assert!(!complaint.contains("hunter2"), "{complaint}");
        }
    }
}

#[test]
fn messages_must_have_somewhere_to_go_before_anything_is_sent() {
    for name in ["TNHS_SMS_URL", "TNHS_SMTP_URL"] {
        let program = Program::new().without(name);
        for command in [&["serve"][..], &["worker"]] {
            let finished = program.run(command).expect(2);
            assert!(finished.complaint().starts_with(&format!("{name}: not set")), "{finished:#?}");
        }
        // A server that leaves sending to a worker needs neither.
        let finished = program.run(&["serve", "--no-jobs"]).expect(1);
        assert!(finished.complaint().ends_with("run: tnhs migrate"), "{finished:#?}");
    }
}

#[test]
fn a_database_that_does_not_answer_is_told_in_one_line() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::new();
    std::fs::write(program.file("file"), "not a folder").unwrap();
    std::fs::write(program.file("photo.jpg"), "not a database ".repeat(100)).unwrap();
    for url in [
        format!("postgres://tnhs:hunter2@{closed}/tnhs"),
        format!("sqlite://{}", program.file("file").join("tnhs.db").display()),
        format!("sqlite://{}", program.file("photo.jpg").display()),
    ] {
        let finished = Program::new().set("DATABASE_URL", &url).run(&["migrate"]).expect(1);
        let complaint = finished.complaint();
        assert!(complaint.starts_with("DATABASE_URL: ") && !complaint.contains("hunter2"), "{complaint}");
    }
}

both_databases! {
    fn nothing_works_on_a_database_without_tables_until_it_is_migrated(database: TestDb) {
        database.open(1).revert_all().unwrap();
        let program = Program::on(&database);
        let person = "staff add --login hanh --name Hạnh --role officer --agency 00101";
        let person: Vec<&str> = person.split(' ').collect();
        for command in [&["serve"][..], &["serve", "--no-jobs"], &["worker"], &["import", "registry", "x"], &person] {
            let finished = program.run(command).expect(1);
            assert!(finished.complaint().ends_with("run: tnhs migrate"), "{command:?}: {finished:#?}");
        }
        let checked = program.run(&["check"]).expect(1);
        assert!(checked.stderr.ends_with("run: tnhs migrate\n") && !checked.stdout.contains("in order"));

        let first = program.run(&["migrate"]).expect(0);
        assert!(!first.stdout.starts_with("0 ") && first.stdout.contains(" migrations run on "), "{first:#?}");
        let second = program.run(&["migrate"]).expect(0);
        assert!(second.stdout.starts_with("0 migrations run on "), "{second:#?}");

        let checked = program.run(&["check"]).expect(0);
        assert!(checked.stdout.contains("holds      nothing yet") && checked.stdout.ends_with("in order\n"));
        program.serve(&["serve"]).stop();
    }

    fn a_new_member_of_staff_signs_in_with_the_printed_password_and_must_change_it(app: TestApp) {
        let program = Program::beside(&app);
        let add = |login: &str, agency: &str| {
            program.run(&["staff", "add", "--login", login, "--name", "Trần Thị Hoa", "--role", "officer", "--agency", agency])
        };
        let added = add("Hoa.TT", "00101").expect(0);
        let words: Vec<&str> = added.stdout.split_whitespace().collect();
        let [role, login, password] = words[..] else { panic!("{added:#?}") };
        assert_eq!((role, login, added.stdout.lines().count()), ("officer", "hoa.tt", 1));
        assert!(!added.stderr.contains(password), "{added:#?}");

        let browser = app.browser();
        let form = browser.get("/sign-in").form("/sign-in").set("login", login).set("password", password);
        assert_eq!(browser.submit(form).path(), "/password");
        assert_eq!(browser.get("/applications").path(), "/password", "it must be changed first");
        let form = browser.get("/password").form("/password");
        let form = form.set("current", password).set("new", PASSWORD).set("again", PASSWORD);
        browser.submit(form).expect(200);
        assert_eq!(browser.get("/applications").path(), "/applications");
        let again = app.browser();
        let form = again.get("/sign-in").form("/sign-in").set("login", login).set("password", password);
        assert_eq!(again.submit_only(&form).status, 401, "the printed password is of no more use");

        let before = app.db(|conn| staff::table.count().get_result::<i64>(conn));
        assert!(add("la", "00101").expect(2).complaint().contains("--login"));
        assert!(add("hoa.tt", "00102").expect(1).complaint().starts_with("--login: hoa.tt is taken"));
        assert!(add("la.tt", "99999").expect(1).complaint().starts_with("--agency: there is no agency"));
        assert_eq!(app.db(|conn| staff::table.count().get_result::<i64>(conn)), before);
        let added = events::table.filter(events::kind.eq(EventKind::StaffAdded)).count();
        assert_eq!(app.db(|conn| added.get_result::<i64>(conn)), 1);
    }

    fn a_registry_list_is_imported_and_those_who_waited_for_it_go_on(app: TestApp) {
        let program = Program::beside(&app);
        let person = app.citizen("Lê Hoàng Bảo Ngọc");
        let waiting = app.declared(&app.offices.ba_dinh, &person).id;
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.get(&format!("/applications/{waiting}")).form("Ghi nhận").set("outcome", "valid");
        officer.submit(form.check("id_compared").check("form_signed").check("photo_matches")).expect(200);
        assert_eq!(app.application(waiting).status, Status::AwaitingCode);

        let file = program.file("danh sách.xlsx");
        workbook(&[
            ["Mã số BHXH", "Họ và tên", "Ngày sinh", "Điện thoại"],
            [person.code.as_str(), "Lê Hoàng Bảo Ngọc", "05/03/1990", "0900999001"],
            ["0190000002", "Phạm Quốc Khánh", "20/12/1978", "gọi buổi tối"],
            ["01900", "Trần Văn Đức", "02/09/1984", ""],
        ]).save(&file).unwrap();
        let office = app.offices.dong_da.code.as_str();
        let import = || program.run(&["import", "registry", file.to_str().unwrap(), "--agency", office]);
        let nobodys = program.run(&["import", "registry", file.to_str().unwrap(), "--agency", "99999"]).expect(1);
        assert!(nobodys.stderr.contains("there is no agency 99999"), "{nobodys:#?}");

        let first = import().expect(0);
        assert_eq!(app.db(tnhs::db::coverage::count)[&app.offices.dong_da.id], 2, "they are this office's people");
        let told: Vec<&str> = first.stdout.lines().collect();
        assert_eq!(told.len(), 5, "{first:#?}");
        assert_eq!(told[0], "Sheet1: code=A name=B birth_date=C phone=D");
        assert!(told[1].starts_with("Sheet1!4 bad_code (Mã số «01900»): "), "{first:#?}");
        assert!(told[2].starts_with("Sheet1!3 bad_phone (Điện thoại «gọi buổi tối»): "), "{first:#?}");
        assert_eq!(told[3], "2 added, 0 changed, 0 unchanged, 1 refused, 1 warnings, 0 cells repaired");
        assert_eq!(told[4], "applied as import 1; 1 applications that waited for a code are back before their officers");
        assert_eq!(app.application(waiting).status, Status::Pending);
        assert!(officer.get(&format!("/applications/{waiting}")).has_text("Khớp"));

        let second = import().expect(0);
        assert!(second.stdout.contains("0 added, 0 changed, 2 unchanged, 1 refused"), "{second:#?}");
        assert!(second.stdout.contains("applied as import 2; 0 applications"), "{second:#?}");
        assert_eq!(app.db(|conn| registry_members::table.count().get_result::<i64>(conn)), 2);
    }

    fn a_file_that_is_no_list_changes_nothing(app: TestApp) {
        let program = Program::beside(&app);
        std::fs::write(program.file("thư.xlsx"), "Kính gửi").unwrap();
        std::fs::write(program.file("trống.xlsx"), "").unwrap();
        workbook(&[["Tên hàng", "Giá", "", ""], ["Giấy", "70000", "", ""]]).save(program.file("hàng.xlsx")).unwrap();
        for (name, class) in [("thư.xlsx", "no_header"), ("trống.xlsx", "empty_file"), ("hàng.xlsx", "no_header")] {
            for dry in [&["--dry-run"][..], &[]] {
                let finished = program.run(&[&["import", "registry", name], dry].concat()).expect(1);
                assert!(finished.stdout.starts_with(&format!("{class}: ")), "{finished:#?}");
                assert_eq!(finished.stderr, "");
            }
        }
        for name in ["không có.xlsx", "."] {
            let finished = program.run(&["import", "registry", name]).expect(1);
            assert!(finished.complaint().starts_with(&format!("{name}: ")), "{finished:#?}");
        }
        let imported = events::table.filter(events::kind.eq(EventKind::ImportApplied)).count();
        assert_eq!(app.db(|conn| imported.get_result::<i64>(conn)), 0);
    }
}

fn workbook(rows: &[[&str; 4]]) -> Workbook {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    workbook
}
