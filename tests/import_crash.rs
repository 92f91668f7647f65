//! A process that dies while it writes an import leaves the registry as before or as after, and the import says which.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_xlsxwriter::Workbook;

use support::{Program, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::DatabaseUrl;
use tnhs::db::imports::Import;
use tnhs::db::registry;
use tnhs::db::schema::{imports, registry_changesets, registry_members};
use tnhs::domain::import::ImportState;
use tnhs::domain::permission::Role;
use tnhs::jobs::import;

const PEOPLE: u32 = 4_000;
const KILLS: u32 = 20;

fn code(number: u32) -> String {
    format!("02{number:08}")
}

/// A list in which everybody's given name is this.
fn list(file: &Path, given: &str) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, ["Mã số BHXH", "Họ và tên", "Ngày sinh", "Giới tính"]).unwrap();
    for number in 1..=PEOPLE {
        sheet
            .write_row(number, 0, [code(number).as_str(), &format!("Nguyễn Văn {given}"), "05/03/1990", "Nam"])
            .unwrap();
    }
    workbook.save(file).unwrap();
}

impl TestApp {
    fn last_import(&self) -> Option<Import> {
        self.db(|conn| imports::table.order(imports::id.desc()).select(Import::as_select()).first(conn).optional())
    }

    /// PostgreSQL ends what it had begun for a process that is dead.
    fn wait_for_what_is_being_committed(&self) {
        #[derive(QueryableByName)]
        struct Busy {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            backends: i64,
        }
        if matches!(self.parts.db.url(), DatabaseUrl::Sqlite(_)) {
            return;
        }
        let query = "SELECT count(*) AS backends FROM pg_stat_activity \
                     WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
        while self.db(|conn| diesel::sql_query(query).get_result::<Busy>(conn)).backends > 0 {
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The names of everybody in the registry.
    fn names(&self) -> BTreeSet<String> {
        let codes: Vec<String> = (1..=PEOPLE).map(code).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let members = self.db(|conn| registry::find_all(conn, &codes));
        assert_eq!(members.len(), PEOPLE as usize);
        members.values().map(|member| member.name.as_str().to_owned()).collect()
    }

    /// What another worker does when the dead one has not been heard of for a minute.
    fn take_over(&self) {
        let later = clock::now() + TimeDelta::minutes(1);
        while import::step(&self.parts, later, &AtomicBool::new(false)).unwrap() {}
        import::sweep(&self.parts, later).unwrap();
    }
}

both_databases! {
    fn killed_while_it_writes_an_import_leaves_all_or_nothing(app: TestApp) {
        let program = Program::beside(&app);
        let file = program.file("danh sách.xlsx");
        let arguments = ["import", "registry", file.to_str().unwrap()];
        list(&file, "Bình");
        program.run(&arguments).expect(0);
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.centre));
        let mut given = "Bình";
        let mut writing = Duration::from_millis(300);
        let mut rng = StdRng::seed_from_u64(3);
        let (mut before, mut after) = (0, 0);
        for _ in 0..KILLS {
            let next = if given == "Bình" { "Dũng" } else { "Bình" };
            list(&file, next);
            let earlier = app.last_import().unwrap().id;
            let running = program.start(&arguments);
            let import = loop {
                match app.last_import() {
                    Some(import) if import.id != earlier && !matches!(import.state, ImportState::Reading | ImportState::Ready) => break import,
                    _ => thread::sleep(Duration::from_millis(2)),
                }
            };
            let began = Instant::now();
            thread::sleep(writing.mul_f64(rng.random_range(0.0..1.3)));
            running.kill();
            app.wait_for_what_is_being_committed();
            let state = app.last_import().unwrap().state;
            let counts = matches!(state, ImportState::Settling | ImportState::Applied);
            let name = |given: &str| BTreeSet::from([format!("Nguyễn Văn {given}")]);
            assert_eq!(app.names(), name(if counts { next } else { given }), "{state:?} after {:?}", began.elapsed());

            app.take_over();
            let state = app.last_import().unwrap().state;
            let page = admin.get(&format!("/imports/{}", import.id)).expect(200);
            if counts {
                after += 1;
                writing = writing.mul_f64(0.9);
                assert_eq!(state, ImportState::Applied);
                assert!(page.has_text("Đã nhập"), "{page}");
            } else {
                before += 1;
                assert_eq!(state, ImportState::Ready, "a person decides whether it is begun again");
                assert!(page.has_text("Dữ liệu vẫn như trước khi nhập"), "{page}");
            }
            given = if counts { next } else { given };
            assert_eq!(app.names(), name(given));
            let unseen = registry_members::table
                .inner_join(registry_changesets::table)
                .filter(diesel::dsl::not(registry_changesets::visible))
                .count();
            assert_eq!(app.db(|conn| unseen.get_result::<i64>(conn)), 0);
        }
        println!("killed before the end {before} times, after it {after} times");
        assert!(before > 0, "nobody was killed while it wrote");
        program.run(&arguments).expect(0);
    }
}
