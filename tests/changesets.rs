//! What an import wrote counts all at once or not at all, and can be taken back while nothing later touched it.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use support::{PASSWORD, TestApp, both_databases, registry_entry};
use tnhs::clock;
use tnhs::db::imports::{self, NewImport, Written};
use tnhs::db::listed::{self, By};
use tnhs::db::schema::{agencies, applications, events, registry_changesets, registry_members, staff};
use tnhs::db::{meta, registry, tallies};
use tnhs::domain::dates::to_hanoi;
use tnhs::domain::ids::{ChangesetId, ImportId};
use tnhs::domain::import::ImportState;
use tnhs::domain::names::Name;
use tnhs::domain::permission::{Role, Scope};
use tnhs::domain::registry::Member;
use tnhs::domain::report::{Period, Span};
use tnhs::domain::to_json;
use tnhs::domain::workbook::{Field, Kind, Values};

impl TestApp {
    fn import(&self, kind: Kind) -> ImportId {
        let new = NewImport {
            kind,
            file_name: "danh sách.xlsx",
            sha256: "00",
            bytes: 1,
            staff: None,
            office: None,
            of_agency: None,
            sheet: None,
            layouts: None,
            confirmed: false,
        };
        self.db(|conn| imports::insert(conn, &new, clock::now()))
    }

    /// A changeset with these people that nobody sees yet.
    fn unseen(&self, members: &[Member]) -> ChangesetId {
        let import = self.import(Kind::Registry);
        self.db(|conn| {
            let changeset = registry::begin(conn, Some(import), None, clock::now())?;
            registry::write(conn, changeset, members)?;
            Ok(changeset)
        })
    }

    fn show(&self, changeset: ChangesetId, base: i64) -> bool {
        self.db(|conn| registry::publish(conn, changeset, Some(base)))
    }

    fn revision(&self) -> i64 {
        self.db(meta::registry_revision)
    }

    fn name_of(&self, member: &Member) -> Option<String> {
        self.db(|conn| registry::find(conn, &member.code)).map(|found| found.name.as_str().to_owned())
    }

    /// Writes one row as an import would, and remembers what it was before.
    fn write_row(&self, kind: Kind, values: &Values) -> Written {
        let by = self.by(kind);
        let key = values.get(kind.key()).unwrap().to_owned();
        self.db(|conn| {
            let known = listed::known(conn, kind, &[&key])?.remove(&key);
            let row_id = listed::write(conn, kind, known.as_ref(), values, by)?;
            let before = known.map(|known| to_json(&known.values));
            Ok(Written { import_id: by.import, key: key.clone(), row_id, before, after: to_json(values) })
        })
    }

    fn put_back(&self, kind: Kind, written: &Written) -> bool {
        let by = self.by(kind);
        self.db(|conn| listed::put_back(conn, kind, written, by))
    }

    fn by(&self, kind: Kind) -> By {
        By { import: self.import(kind), staff: None, at: clock::now() }
    }
}

fn renamed(member: &Member, name: &str) -> Member {
    Member { name: Name::parse(name).unwrap(), ..member.clone() }
}

fn values(all: &[(Field, &str)]) -> Values {
    let mut values = Values::default();
    for (field, value) in all {
        values.set(*field, (*value).to_owned());
    }
    values
}

fn declared(code: &str) -> Values {
    values(&[
        (Field::Code, code),
        (Field::Name, "Phạm Quốc Khánh"),
        (Field::IdNumber, "001090000001"),
        (Field::Phone, "0951000001"),
        (Field::AgencyCode, "00101"),
    ])
}

both_databases! {
    fn nobody_sees_a_changeset_before_its_end(app: TestApp) {
        let person = app.citizen("Trần Văn Đức");
        let known = app.registered(&person);
        let newcomer = registry_entry(&app.citizen("Lê Hoàng Bảo Ngọc"));
        let changeset = app.unseen(&[renamed(&known, "Trần Văn Đúc"), newcomer.clone()]);
        assert_eq!(app.name_of(&known).as_deref(), Some("Trần Văn Đức"));
        assert_eq!(app.name_of(&newcomer), None);
        assert_eq!(app.db(|conn| registry::candidates(conn, &app.citizen("Lê Hoàng Bảo Ngọc"))), []);

        assert!(app.show(changeset, app.revision()));
        assert_eq!(app.name_of(&known).as_deref(), Some("Trần Văn Đúc"));
        assert_eq!(app.name_of(&newcomer).as_deref(), Some("Lê Hoàng Bảo Ngọc"));
        let found = app.db(|conn| registry::find_all(conn, &[known.code.as_str(), newcomer.code.as_str()]));
        assert_eq!(found[known.code.as_str()].name.as_str(), "Trần Văn Đúc");
    }

    fn a_changeset_that_was_compared_with_an_older_registry_is_not_shown(app: TestApp) {
        let base = app.revision();
        let member = registry_entry(&app.citizen("Hồ Thị Mai"));
        let late = app.unseen(&[renamed(&member, "Hồ Thị Mại")]);
        let first = app.unseen(std::slice::from_ref(&member));
        assert!(app.show(first, base));
        assert!(!app.show(late, base));
        assert_eq!(app.name_of(&member).as_deref(), Some("Hồ Thị Mai"));
    }

    fn taking_a_changeset_back_brings_the_earlier_words_back_but_not_over_later_ones(app: TestApp) {
        let touched = app.registered(&app.citizen("Vũ Đức Bình"));
        let untouched = app.registered(&app.citizen("Đỗ Thị Hạnh"));
        let newcomer = registry_entry(&app.citizen("Ngô Quang Dũng"));
        let changeset =
            app.unseen(&[renamed(&touched, "Vũ Đức Bính"), renamed(&untouched, "Đỗ Thị Hanh"), newcomer.clone()]);
        assert!(app.show(changeset, app.revision()));
        app.register(&renamed(&touched, "Vũ Đình Bính"));

        let (count, codes) = app.db(|conn| registry::touched_later(conn, changeset, 10));
        assert_eq!((count, codes), (1, vec![touched.code.clone()]));
        app.db(|conn| registry::withdraw(conn, changeset));
        assert_eq!(app.name_of(&touched).as_deref(), Some("Vũ Đình Bính"));
        assert_eq!(app.name_of(&untouched).as_deref(), Some("Đỗ Thị Hạnh"));
        assert_eq!(app.name_of(&newcomer), None);
        let by_old_name = Member { ..renamed(&untouched, "Đỗ Thị Hanh") };
        let mut look = app.citizen("Đỗ Thị Hanh");
        look.birth_date = by_old_name.birth_date.clone();
        assert!(app.db(|conn| registry::candidates(conn, &look)).iter().all(|found| found.name != by_old_name.name));
    }

    fn what_does_not_count_is_cleared_away_and_what_is_being_written_is_not(app: TestApp) {
        let member = registry_entry(&app.citizen("Bùi Văn Lợi"));
        let abandoned = app.unseen(std::slice::from_ref(&member));
        let under_way = app.unseen(std::slice::from_ref(&member));
        let at_work: ImportId = app.db(|conn| {
            registry_changesets::table
                .find(under_way)
                .select(registry_changesets::import_id)
                .first::<Option<ImportId>>(conn)
        }).unwrap();
        app.registered(&app.citizen("Bùi Văn Lộc"));
        let moved = |conn: &mut tnhs::db::Conn| {
            imports::change_state(conn, at_work, ImportState::Reading, ImportState::Applying, clock::now())
        };
        assert!(app.db(moved));
        assert_eq!(app.db(registry::abandoned), Some(abandoned));
        while app.db(|conn| registry::clear(conn, abandoned)) {}
        assert_eq!(app.db(registry::abandoned), None);
        assert_eq!(app.db(|conn| registry_members::table.count().get_result::<i64>(conn)), 2);
    }

    fn an_imported_application_goes_as_long_as_nobody_has_looked_at_it(app: TestApp) {
        let [untouched, seen] = ["0190000001", "0190000002"].map(|code| app.write_row(Kind::Applications, &declared(code)));
        let officer = app.officer(&app.offices.ba_dinh);
        officer.get(&format!("/applications/{}", seen.row_id)).expect(200);

        let filed = || {
            let today = Period::of(Span::Day, to_hanoi(clock::now()).date());
            app.db(|conn| tallies::by_agency(conn, Scope::Country, today))[&app.offices.ba_dinh.id].counts.filed
        };
        tallies::tally_all(&app.parts.db).unwrap();
        assert_eq!(filed(), 2);
        assert!(app.put_back(Kind::Applications, &untouched));
        assert!(!app.put_back(Kind::Applications, &seen));
        assert_eq!(filed(), 1);
        let left: Vec<i64> = app.db(|conn| applications::table.select(applications::id).load(conn));
        assert_eq!(left, [seen.row_id]);
        let of_untouched = events::table.filter(events::application_id.eq(untouched.row_id)).count();
        assert_eq!(app.db(|conn| of_untouched.get_result::<i64>(conn)), 0);
        assert!(!app.put_back(Kind::Applications, &untouched), "there is nothing left to take back");
        let number = officer.get("/applications").text().contains("00002/");
        assert!(number, "the second number was given and stays");
    }

    fn the_history_of_an_application_cannot_be_deleted(app: TestApp) {
        let row = app.write_row(Kind::Applications, &declared("0190000003"));
        let delete = |conn: &mut tnhs::db::Conn| {
            diesel::delete(events::table.filter(events::application_id.eq(row.row_id))).execute(conn)
        };
        let refused = app.parts.db.write(|conn| Ok::<_, tnhs::db::DbError>(delete(conn)?));
        assert!(refused.unwrap_err().to_string().contains("append-only"));
    }

    fn an_imported_member_of_staff_needs_a_password_before_they_can_sign_in(app: TestApp) {
        let person = values(&[
            (Field::Login, "mai.ht"),
            (Field::Name, "Hồ Thị Mai"),
            (Field::Role, "officer"),
            (Field::AgencyCode, "00101"),
            (Field::Email, "mai.ht@example.org"),
        ]);
        let written = app.write_row(Kind::Staff, &person);
        let browser = app.browser();
        for password in ["", PASSWORD] {
            let form = browser.get("/sign-in").form("/sign-in").set("login", "mai.ht").set("password", password);
            assert_ne!(browser.submit(form).status, 200);
        }
        let admin = app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi));
        let page = admin.get("/staff");
        assert!(page.has_text("Chưa có mật khẩu") && page.has_text("1 cán bộ được nhập từ danh sách"), "{page}");
        let page = admin.submit(page.form("/staff/first-passwords")).expect(200);
        let password = page.texts_of(".secret").remove(0);
        assert!(!app.put_back(Kind::Staff, &written), "somebody was handed a password for them");
        assert!(!page.has_text("Chưa có mật khẩu"), "{page}");
        let form = browser.get("/sign-in").form("/sign-in").set("login", "mai.ht").set("password", &password);
        assert_eq!(browser.submit(form).expect(200).path(), "/password", "they choose one of their own first");
    }

    fn a_member_of_staff_who_was_changed_by_a_list_is_put_back(app: TestApp) {
        let person = values(&[
            (Field::Login, "mai.ht"),
            (Field::Name, "Hồ Thị Mai"),
            (Field::Role, "officer"),
            (Field::AgencyCode, "00101"),
        ]);
        let written = app.write_row(Kind::Staff, &person);
        let moved = values(&[
            (Field::Login, "mai.ht"),
            (Field::Name, "Hồ Thị Mai"),
            (Field::Role, "supervisor"),
            (Field::AgencyCode, "001"),
        ]);
        let moved = app.write_row(Kind::Staff, &moved);
        let role = |app: &TestApp| app.db(|conn| staff::table.find(written.row_id).select(staff::role).first::<Role>(conn));
        assert_eq!(role(&app), Role::Supervisor);
        assert!(!app.put_back(Kind::Staff, &written), "somebody was moved since");
        assert!(app.put_back(Kind::Staff, &moved));
        assert_eq!(role(&app), Role::Officer);
        assert!(app.put_back(Kind::Staff, &written));
        assert_eq!(app.db(|conn| staff::table.filter(staff::login.eq("mai.ht")).count().get_result::<i64>(conn)), 0);
    }

    fn an_agency_that_is_at_work_stays(app: TestApp) {
        let office = |code: &str, parent: &str| {
            values(&[(Field::Code, code), (Field::Name, "Bảo hiểm xã hội cơ sở Thử Nghiệm"), (Field::ParentCode, parent),
                (Field::ValidFrom, "2025-07-01")])
        };
        let [idle, busy] = ["00198", "00199"].map(|code| app.write_row(Kind::Agencies, &office(code, "001")));
        let province: Option<i64> =
            app.db(|conn| agencies::table.find(busy.row_id).select(agencies::province_id).first(conn));
        assert_eq!(province, Some(app.offices.hanoi.id.0));
        let declared = Values::clone(&declared("0190000004"));
        let declared = { let mut it = declared; it.set(Field::AgencyCode, "00199".into()); it };
        app.write_row(Kind::Applications, &declared);
        assert!(app.put_back(Kind::Agencies, &idle));
        assert!(!app.put_back(Kind::Agencies, &busy));
        let new_province = app.write_row(Kind::Agencies, &office("048", "000"));
        let own: Option<i64> =
            app.db(|conn| agencies::table.find(new_province.row_id).select(agencies::province_id).first(conn));
        assert_eq!(own, Some(new_province.row_id));
        assert!(app.put_back(Kind::Agencies, &new_province));
    }

    fn one_worker_at_a_time_holds_an_import(app: TestApp) {
        let id = app.import(Kind::Registry);
        let now: NaiveDateTime = clock::now();
        let claim = |lease: &str, now| app.db(|conn| imports::claim(conn, lease, now));
        let (claimed, interrupted) = claim("one", now).unwrap();
        assert_eq!((claimed.id, interrupted), (id, false));
        assert!(claim("two", now).is_none());
        let beat = |lease: &str, now| app.db(|conn| imports::go_on(conn, id, lease, imports::Progress::default(), now));
        assert!(beat("one", now));
        let later = now + imports::LEASE + chrono::TimeDelta::seconds(1);
        let (_, interrupted) = claim("two", later).unwrap();
        assert!(interrupted, "the first one has not been heard of");
        assert!(!beat("one", later), "it comes back too late");
        assert!(beat("two", later));
        app.db(|conn| imports::ask_to_stop(conn, id));
        assert!(!beat("two", later));
    }
}
