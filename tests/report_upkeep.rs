//! What keeps reports and what they count whole: a recount beside the worker, a migration that was killed, an office that is taken
//! back, addresses that nobody made.

#![allow(clippy::unwrap_used)]

mod support;

use std::thread;

use diesel::prelude::*;
use support::{TestApp, both_databases};
use tnhs::clock;
use tnhs::db::events::{self, NewEvent};
use tnhs::db::imports::Written;
use tnhs::db::listed::{self, By};
use tnhs::db::schema::{account_changes, agencies as offices, stays, tallies as sums};
use tnhs::db::{agencies, tallies, targets};
use tnhs::domain::application::{Application, Status};
use tnhs::domain::dates::to_hanoi;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{ApplicationId, ImportId};
use tnhs::domain::permission::Role;
use tnhs::domain::workbook::Kind;

/// The beginning of its history.
fn submitted(app: &TestApp, application: &Application) {
    let event = NewEvent {
        application: Some(application.id),
        account: None,
        staff: None,
        kind: EventKind::Submitted,
        at: application.submitted_at,
        address: None,
        before: None,
        after: None,
    };
    app.db(|conn| events::add(conn, &event));
}

both_databases! {
    fn a_recount_beside_the_worker_counts_nothing_twice(app: TestApp) {
        for _ in 0..5 {
            let application = app.declared(&app.offices.ba_dinh, &app.citizen("Trần Thị Bích Ngọc"));
            submitted(&app, &application);
        }
        for _ in 0..25 {
            thread::scope(|threads| {
                threads.spawn(|| for _ in 0..10 {
                    tallies::tally_all(&app.parts.db).unwrap();
                });
                assert_eq!(tallies::recount(&app.parts.db).unwrap(), 5);
            });
            let filed = sums::table.filter(sums::facet.eq("all")).filter(sums::level.eq("day"));
            let filed: Vec<i64> = app.db(|conn| filed.select(sums::filed).load(conn));
            assert_eq!(filed, [5]);
        }
    }

    /// The migrations of the schema were through, what reports count was not made yet, and the program went on.
    fn a_migration_that_was_killed_is_ended_by_the_next_one(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let account = app.holder("Phạm Ngọc An");
        let old = app.ready("Trần Thị Bích Ngọc");
        submitted(&app, &old);
        app.db(|conn| {
            diesel::delete(stays::table).execute(conn)?;
            diesel::delete(account_changes::table).execute(conn)
        });
        let new = app.ready("Lê Văn Sơn");
        app.holder("Phạm Ngọc Bình");
        app.parts.db.migrate().unwrap();
        let open = stays::table.filter(stays::left_day.is_null()).order(stays::application_id);
        assert_eq!(app.db(|conn| open.select(stays::application_id).load::<ApplicationId>(conn)), [old.id, new.id]);
        let before = account_changes::table.filter(account_changes::account_id.eq(account.id));
        assert_eq!(app.db(|conn| before.select(account_changes::change).load::<i64>(conn)), [1]);
        officer.submit(officer.open(&old).valid()).expect(200);
        assert_eq!(app.status(&old), Status::Approved);
    }

    fn an_office_that_has_a_target_or_had_work_stays_when_its_list_is_taken_back(app: TestApp) {
        let admin = app.employee(Role::Admin, &app.offices.centre);
        let (today, now) = (to_hanoi(clock::now()).date(), clock::now());
        let by = By { import: ImportId(1), staff: Some(admin.id), at: now };
        let put_back = |code: &str| app.db(|conn| {
            let known = listed::known(conn, Kind::Agencies, &[code])?.remove(code).unwrap();
            let after = serde_json::to_string(&known.values).unwrap();
            let written = Written { import_id: by.import, key: code.into(), row_id: known.row_id, before: None, after };
            listed::put_back(conn, Kind::Agencies, &written, by)
        });
        let hanoi = &app.offices.hanoi;
        let [with_target, with_work, unused] = ["00191", "00192", "00193"]
            .map(|code| app.db(|conn| agencies::insert(conn, code, "Bảo hiểm xã hội cơ sở mới", Some(hanoi), Some("01"))));
        app.db(|conn| targets::put(conn, (with_target.id, today), Some(10), (admin.id, now)));
        let application = app.ready("Trần Thị Bích Ngọc");
        let supervisor = app.sign_in(&app.employee(Role::Supervisor, hanoi));
        for to in [&with_work, &app.offices.ba_dinh] {
            let page = supervisor.open(&application);
            supervisor.submit(page.form("Chuyển").set("agency", &to.code).set("move_reason", "Đúng nơi ở")).expect(200);
        }
        assert_eq!([&with_target, &with_work, &unused].map(|it| put_back(&it.code)), [false, false, true]);
        let left: i64 = app.db(|conn| offices::table.filter(offices::code.like("0019%")).count().get_result(conn));
        assert_eq!(left, 2);
    }

    fn who_has_gone_on_to_another_province_is_counted_and_not_named(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let centre = app.sign_in(&app.employee(Role::Supervisor, &app.offices.centre));
        let page = centre.open(&application);
        let form = page.form("Chuyển").set("move_reason", "Đã chuyển nơi ở").set("agency", "04601");
        centre.submit(form).expect(200);
        let today = to_hanoi(clock::now()).date();
        let list = format!("/reports/applications?measure=moved_out&first={today}&last={today}&below=1");
        let hanoi = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        let page = hanoi.get(&list).expect(200);
        assert!(page.has_text(application.number.as_str()) && page.has_text("(đã chuyển đi nơi khác)"), "{page}");
        let declaration = &application.declaration;
        for told in [declaration.name.as_str(), declaration.code.as_str(), declaration.phone.as_str()] {
            assert!(!page.has_text(told), "{page}");
        }
        assert!(centre.get(&list).expect(200).has_text(declaration.name.as_str()), "whoever sees both provinces sees whose it is");
    }

    fn an_address_that_nobody_made_is_no_fault_of_ours(app: TestApp) {
        let supervisor = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        app.declared(&app.offices.ba_dinh, &app.citizen("Trần Thị Bích Ngọc"));
        let list = "/reports/applications?measure=filed&first=2026-01-01&last=2026-12-31";
        for more in [
            "&day=-262143-01-01&after=1",
            "&day=-4800-01-01&before=1",
            "&day=%2B262142-12-31&after=9223372036854775807",
            "&day=%2B262142-12-31&before=-9223372036854775808",
            "&day=x&after=1",
            "&staff=9223372036854775807",
            "&agency=9223372036854775807",
            "&reason=%00",
            "&below=1",
        ] {
            let page = supervisor.get(&format!("{list}{more}"));
            assert!(page.status < 500, "{more}: {}", page.status);
        }
        for address in [
            "/reports/times?span=between&first=2000-01-01&last=2009-12-31&grain=day",
            "/reports/times?span=between&first=2000-01-01&last=2009-12-31&grain=week",
            "/reports/times?span=year&first=2199-12-31&grain=day",
            "/reports/agencies?span=week&first=2000-01-01",
            "/reports/agencies?span=month&first=%00",
            "/reports/agencies?span=day&first=-262143-01-01",
            "/reports/agencies?span=between&first=%2B262142-12-31&last=%2B262142-12-31",
            "/reports/coverage?span=day&first=2000-01-01&agency=-1",
            "/reports/messages?agency=99999999999999999999",
            "/reports?kind=agencies&span=week&first=01/01/2000",
            "/targets?until=-262143-01-01",
        ] {
            let page = supervisor.get(address);
            assert!(page.status < 500, "{address}: {}", page.status);
        }
    }
}
