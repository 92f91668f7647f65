//! What the database itself must guarantee, on both.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Integer, Text};

use support::{Backend, TestApp, TestDb, both_databases};
use tnhs::db::events::{self, NewEvent};
use tnhs::db::schema::photos as photo_table;
use tnhs::db::{Conn, Db, DbError, accounts, agencies, applications, photos, registry};
use tnhs::domain::application::{Channel, Kind, PhotoKind};
use tnhs::domain::event::EventKind;
use tnhs::domain::permission::Scope;
use tnhs::{clock, on_backend};

const THREADS: i32 = 8;

/// Tries a write that the database must refuse; returns its words.
fn refused<T>(db: &Db, f: impl FnOnce(&mut Conn) -> QueryResult<T>) -> String {
    match db.write(|conn| Ok::<_, DbError>(f(conn)?)) {
        Ok(_) => panic!("the database accepted it"),
        Err(error) => error.to_string(),
    }
}

both_databases! {
    fn migrations_go_up_down_and_up_again(database: TestDb) {
        let db = database.open(2);
        assert!(!db.needs_migration().unwrap());
        let there = tables(&db);
        let migrations = db.revert_all().unwrap();
        assert!(migrations > 0 && db.needs_migration().unwrap());
        assert_eq!(tables(&db), BTreeMap::new(), "something stays after the way down");
        assert_eq!(db.migrate().unwrap(), migrations);
        assert_eq!(tables(&db), there);
    }

    fn the_migrations_make_what_schema_rs_says(database: TestDb) {
        assert_eq!(tables(&database.open(2)), written_schema());
    }

    fn history_can_only_be_added_to(app: TestApp) {
        let event = NewEvent {
            application: None,
account: None,
            staff: None,
            kind: EventKind::ALL[0],
            at: clock::now(),
            address: None,
            before: None,
            after: None,
        };
        app.db(|conn| events::add(conn, &event));
        for statement in ["UPDATE events SET after = 'x'", "DELETE FROM events"] {
            let words = refused(&app.parts.db, |conn| on_backend!(conn, c => sql_query(statement).execute(c)));
            assert!(words.contains("append-only"), "{statement}: {words}");
        }
    }

    /// Each reads the version and writes the next one, as officers do with a decision: whoever comes second is told.
    fn nothing_is_lost_when_many_read_and_then_write(app: TestApp) {
        const TIMES: i32 = 25;
        let id = app.declared(&app.offices.ba_dinh, &app.citizen("Trần Văn Đức")).id;
        let db = &app.parts.db;
        let touch = || db.write(|conn| {
            let version = applications::find(conn, Scope::Country, id)?.unwrap().version;
            Ok::<_, DbError>(applications::touch(conn, id, version)?)
        });
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..TIMES).for_each(|_| while touch().unwrap() == 0 {}));
            }
        });
        assert_eq!(app.application(id).version, 1 + THREADS * TIMES);
    }

    fn numbers_have_no_gap_and_none_is_given_twice(app: TestApp) {
        const TIMES: i32 = 5;
        let (db, office) = (&app.parts.db, &app.offices.dong_da);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| for _ in 0..TIMES {
                    let person = app.citizen("Lê Thị Thủy");
                    // Every other one comes to nothing and must leave no hole.
                    let _ = db.write(|conn| {
                        applications::insert(conn, &filing(office, &person))?;
                        Err::<(), DbError>(diesel::result::Error::RollbackTransaction.into())
                    });
                    app.declared_without_portrait(office, &person, clock::now());
                });
            }
        });
        let given: BTreeSet<i32> = app.db(|conn| {
            use tnhs::db::schema::applications::dsl;
            dsl::applications.select(dsl::serial).load(conn)
        }).into_iter().collect();
        assert_eq!(given, (1..=THREADS * TIMES).collect());
    }

    fn a_code_has_one_account_and_an_id_number_one_code(app: TestApp) {
        let person = app.citizen("Phạm Ngọc An");
        let mut same_code = app.citizen("Phạm Ngọc An");
        same_code.code = person.code.clone();
        let mut same_id_number = app.citizen("Phạm Ngọc An");
        same_id_number.id_number = person.id_number.clone();
        let declared = |person| app.declared(&app.offices.ba_dinh, person);

        let first = declared(&person);
        app.db(|conn| accounts::insert(conn, &first, clock::now()));
        for second in [declared(&same_code), declared(&same_id_number)] {
            let words = refused(&app.parts.db, |conn| accounts::insert(conn, &second, clock::now()));
            assert!(words.to_lowercase().contains("unique"), "{words}");
        }
    }

    fn of_each_kind_one_photo_is_current(app: TestApp) {
        let id = app.declared(&app.offices.ba_dinh, &app.citizen("Hoàng Minh Sơn")).id;
        app.add_photo(id, PhotoKind::IdFront, support::portrait());
        app.add_photo(id, PhotoKind::Portrait, &support::drawing(300, 400, [90, 60, 40]));
        let mut current: Vec<_> = app.db(|conn| photos::of_application(conn, id));
        assert_eq!(current.len(), 3, "the replaced one stays");
        current.retain(|photo| photo.current);
        assert_eq!(current.len(), 2);
        let words = refused(&app.parts.db, |conn| {
            diesel::update(photo_table::table).set(photo_table::current.eq(true)).execute(conn)
        });
        assert!(words.to_lowercase().contains("unique"), "{words}");
    }

    /// Lists that ignore the spaces between syllables, as many a PostgreSQL does by itself, would mix An with Anh.
    fn names_are_sorted_as_vietnamese_lists_are(app: TestApp) {
        use tnhs::db::schema::applications::dsl;
        let sorted = ["Trần Văn An", "Bùi Thị Anh", "Lê Thị Ánh", "Đỗ Ân", "Lê Dũng", "Lý Đức", "Hồ Văn Ơn", "Cao Uy"];
        for name in sorted.iter().rev() {
            app.declared_without_portrait(&app.offices.ba_dinh, &app.citizen(name), clock::now());
        }
        let names: Vec<String> = app.db(|conn| dsl::applications.order(dsl::name_sort).select(dsl::name).load(conn));
        assert_eq!(names, sorted);
    }

    fn a_registry_entry_is_brought_up_to_date_by_its_code(app: TestApp) {
        let mut member = app.registered(&app.citizen("Đặng Văn Quỳnh"));
        member.phone = None;
        app.register(&member);
        let found = app.db(|conn| registry::find(conn, &member.code));
        assert_eq!(found, Some(member));
    }
}

/// `establish` of the derived connection would take anything for a SQLite file's name.
#[test]
fn an_address_of_another_kind_is_refused() {
    for url in ["mysql://localhost/tnhs", "sqlit://tnhs.db", "tnhs.db", "postgres:/localhost", "", "sqlite://"] {
        assert!(tnhs::db::DatabaseUrl::parse(url).is_err(), "{url}");
    }
}

fn filing<'a>(
    office: &agencies::Agency,
    declaration: &'a tnhs::domain::application::Declaration,
) -> applications::NewApplication<'a> {
    let now = clock::now();
    applications::NewApplication {
        request_key: None,
        agency_id: office.id,
        kind: Kind::New,
        channel: Channel::Counter,
        declaration,
        submitted_at: now,
        received_at: Some(now),
        due_at: now,
        entered_by: None,
        year: tnhs::domain::dates::hanoi_year(now),
    }
}

/// A table's columns in order, each as schema.rs writes it: `name -> Nullable<Text>`.
type Tables = BTreeMap<String, Vec<String>>;

fn written_schema() -> Tables {
    let text = concat!(include_str!("../src/db/schema.rs"), include_str!("../src/db/schema/reports.rs"));
    let mut tables = Tables::new();
    for table in text.split("diesel::table! {").skip(1) {
        let (head, body) = table.split_once('{').unwrap();
        let name = head.split('(').next().unwrap().trim().to_owned();
        let body = body.split_once('}').unwrap().0;
        tables.insert(
            name,
            body.lines()
                .map(|line| line.trim().trim_end_matches(',').to_owned())
                .filter(|line| !line.is_empty())
                .collect(),
        );
    }
    tables
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
    /// 1 when it may be NULL.
    #[diesel(sql_type = Integer)]
    optional: i32,
}

/// What is really there.
fn tables(db: &Db) -> Tables {
    const POSTGRES: &str = "SELECT table_name::text, column_name::text, data_type::text, \
         (is_nullable = 'YES')::int AS optional \
         FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position";
    // The key of a row is an INTEGER in SQLite, whatever its size; a part of a key is never NULL.
    const SQLITE: &str = "SELECT t.name AS table_name, c.name AS column_name, \
         CASE WHEN t.sql LIKE '% id INTEGER PRIMARY KEY%' AND c.pk = 1 AND c.type = 'INTEGER' THEN 'bigint' \
              ELSE lower(c.type) END AS data_type, \
         c.\"notnull\" = 0 AND c.pk = 0 AS optional \
         FROM sqlite_schema t, pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid";
    let columns: Vec<Column> = db
        .read(|conn| {
            let sql = if matches!(conn, Conn::Sqlite(_)) { SQLITE } else { POSTGRES };
            Ok::<_, DbError>(on_backend!(conn, c => sql_query(sql).load(c))?)
        })
        .unwrap();
    let mut tables = Tables::new();
    for column in columns.into_iter().filter(|column| column.table_name != "__diesel_schema_migrations") {
        let plain = match column.data_type.as_str() {
            "bigint" => "BigInt",
            "integer" => "Integer",
            "text" => "Text",
            "boolean" => "Bool",
            "date" => "Date",
            "timestamp" | "timestamp without time zone" => "Timestamp",
            other => panic!("{}.{} is {other}", column.table_name, column.column_name),
        };
        let kind = if column.optional == 1 { format!("Nullable<{plain}>") } else { plain.to_owned() };
        tables.entry(column.table_name).or_default().push(format!("{} -> {kind}", column.column_name));
    }
    tables
}

/// A list is quick only while its index is there, on both.
#[test]
fn both_databases_have_the_same_indexes() {
    #[derive(QueryableByName)]
    struct Index {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let indexes = |backend| -> Vec<String> {
        let sql = match backend {
            Backend::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
            Backend::Postgres => {
                "SELECT indexname::text AS name FROM pg_indexes WHERE schemaname = 'public' \
                 AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key'"
            }
        };
        let found = TestDb::on(backend)
            .open(1)
            .read(|conn| Ok::<Vec<Index>, DbError>(on_backend!(conn, c => sql_query(sql).load(c))?));
        let mut names: Vec<String> = found.unwrap().into_iter().map(|index| index.name).collect();
        names.sort();
        names
    };
    assert_eq!(indexes(Backend::Sqlite), indexes(Backend::Postgres));
}
