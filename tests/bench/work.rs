//! What officers ask for, and the same asked of the database directly.

use anyhow::Context;
use chrono::{NaiveTime, TimeDelta};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use tnhs::clock;
use tnhs::db::decisions;
use tnhs::db::events::Stamp;
use tnhs::db::list::{self, Query};
use tnhs::db::{Db, DbError, accounts, agencies, applications, events, messages, photos, registry, staff};
use tnhs::domain::application::{Kind, Status};
use tnhs::domain::assessment::{Assessment, Checklist, Decision, assess};
use tnhs::domain::dates::{from_hanoi, show_date, to_hanoi};
use tnhs::domain::deadline::DeadlineState;
use tnhs::domain::filter::{Filter, Group, Sort};
use tnhs::domain::ids::{ApplicationId, StaffId};
use tnhs::domain::names;
use tnhs::domain::permission::Scope;

pub struct Who {
    pub login: &'static str,
    pub password: &'static str,
}

/// Those that the demonstration has: an officer of its largest office, the supervisor of its largest province.
pub const OFFICER: Who = Who { login: "canbo", password: "canbo-lam-giang" };
const SUPERVISOR: Who = Who { login: "giamsat", password: "giamsat-lam-giang" };

/// The login of one of the demonstration's sixteen other officers; they have the same password.
pub fn colleague(number: usize) -> String {
    const OFFICES: [&str; 8] = ["99001", "99002", "99003", "99004", "99005", "99006", "99101", "99102"];
    format!("canbo{}.{}", number % 2 + 1, OFFICES[number / 2 % OFFICES.len()])
}

/// One search and the page of its result.
#[derive(Clone)]
pub struct Ask {
    scope: Scope,
    pub filter: Filter,
    pub page: u32,
    pub fields: Vec<(&'static str, String)>,
}

impl Ask {
    fn new(scope: Scope, filter: Filter, page: u32) -> Self {
        let code = |code: Option<&'static str>| code.unwrap_or_default().to_owned();
        let mut fields = vec![
            ("q", filter.q.clone()),
            ("code", filter.code.clone()),
            ("from", filter.from.map(show_date).unwrap_or_default()),
            ("to", filter.to.map(show_date).unwrap_or_default()),
            ("kind", code(filter.kind.map(Kind::code))),
            ("status", code(filter.status.map(Status::code))),
            ("deadline", code(filter.deadline.map(DeadlineState::code))),
            ("agency", filter.agency.map(|agency| agency.to_string()).unwrap_or_default()),
            ("group", code(filter.group.map(Group::code))),
            ("sort", filter.sort.code().to_owned()),
            ("size", filter.size.to_string()),
        ];
        if filter == Filter::default() {
            fields.clear();
        }
        Self { scope, filter, page, fields }
    }

    fn query(&self) -> Query {
        let midnight = |date| from_hanoi(date, NaiveTime::MIN);
        Query {
            scope: self.scope,
            terms: self.filter.terms().unwrap_or_default(),
            agency: self.filter.agency,
            kind: self.filter.kind,
            status: self.filter.status,
            deadline: self.filter.deadline,
            from: self.filter.from.map(midnight),
            before: self.filter.to.map(|to| midnight(to + TimeDelta::days(1))),
            sort: self.filter.sort,
            descending: self.filter.descending,
            group: self.filter.group,
            now: clock::now(),
        }
    }
}

pub struct Case {
    pub name: String,
    pub who: &'static Who,
    pub asks: Vec<Ask>,
}

/// The database as the measurements know it.
pub struct Desk {
    pub applications: i64,
    pub officer: Scope,
    pub officer_id: StaffId,
    supervisor: Scope,
    /// Applications of the officer, of every age.
    pub seen: Vec<ApplicationId>,
    rows: Vec<list::ListRow>,
    rng: StdRng,
}

impl Desk {
    pub fn new(db: &Db) -> anyhow::Result<Self> {
        db.read(|conn| {
            let all = agencies::all(conn, Scope::Country)?;
            let of = |code: &str| all.iter().find(|agency| agency.code == code).map(|agency| agency.id);
            let officer = Scope::Agency(of("99001").context("this is not the demonstration's database")?);
            let supervisor = Scope::Province(of("990").context("this is not the demonstration's database")?);
            let officer_id = staff::credentials(conn, OFFICER.login)?.context("nobody to sign in as")?.id;
            let newest =
                Ask::new(Scope::Country, Filter { sort: Sort::Submitted, descending: true, ..Filter::default() }, 1);
            let newest = list::page(conn, &newest.query(), 1, 0)?;
            let applications = newest.first().context("there are no applications")?.id.0;
            let mut rng = StdRng::seed_from_u64(1);
            let mut rows = Vec::new();
            while rows.len() < 2_000 {
                let ids: Vec<_> = (0..400).map(|_| ApplicationId(rng.random_range(1..=applications))).collect();
                for id in ids {
                    let scope = officer;
                    if applications::find(conn, scope, id)?.is_some() {
                        rows.push(id);
                    }
                }
            }
            let seen = rows;
            let sample = list_rows(conn, officer, &seen[..600])?;
            Ok::<_, anyhow::Error>(Self { applications, officer, officer_id, supervisor, seen, rows: sample, rng })
        })
    }

    /// As many different asks as there are samples.
    fn asks(&mut self, scope: Scope, ask: impl Fn(&mut StdRng, &list::ListRow) -> Filter) -> Vec<Ask> {
        let Self { rows, rng, .. } = self;
        rows.iter().map(|row| Ask::new(scope, ask(rng, row), 1)).collect()
    }

    pub fn cases(&mut self) -> anyhow::Result<Vec<Case>> {
        let default = Filter::default;
        let mut cases = Vec::new();
        let mut add = |who: &'static Who, name: &str, asks: Vec<Ask>| {
            let role = if who.login == OFFICER.login { "officer" } else { "supervisor" };
            cases.push(Case { name: format!("{role}: {name}"), who, asks });
        };
        let (mine, province) = (self.officer, self.supervisor);
        let fixed = |scope, filter, page| vec![Ask::new(scope, filter, page)];

        add(&OFFICER, "first page", fixed(mine, default(), 1));
        add(&OFFICER, "status, kind, dates", self.asks(mine, some_filter));
        add(&OFFICER, "number", self.asks(mine, |_, row| Filter { q: row.number.clone(), ..default() }));
        add(&OFFICER, "serial", self.asks(mine, |_, row| Filter { q: serial(row), ..default() }));
        add(&OFFICER, "code", self.asks(mine, |_, row| Filter { q: row.code.clone(), ..default() }));
        add(&OFFICER, "telephone", self.asks(mine, |_, row| Filter { q: row.phone.clone(), ..default() }));
        add(&OFFICER, "name part", self.asks(mine, |rng, row| Filter { q: name_part(rng, row), ..default() }));
        add(&OFFICER, "surname alone", self.asks(mine, |_, row| Filter { q: surname(row), ..default() }));
        add(
            &OFFICER,
            "name part, status, dates",
            self.asks(mine, |rng, row| Filter { q: name_part(rng, row), ..some_filter(rng, row) }),
        );
        add(&OFFICER, "page 2,000", fixed(mine, default(), 2_000));
        let late = || Filter { deadline: Some(DeadlineState::Late), ..default() };
        add(&OFFICER, "late and pending", fixed(mine, Filter { status: Some(Status::Pending), ..late() }, 1));
        add(&OFFICER, "late, decided or not", fixed(mine, late(), 1));
        let changed_late = || Filter { kind: Some(Kind::Change), status: Some(Status::Expired), ..late() };
        add(&OFFICER, "rare: expired changes, late", fixed(mine, changed_late(), 1));
        add(&OFFICER, "by name", fixed(mine, Filter { sort: Sort::Name, ..default() }, 1));
        add(&OFFICER, "by deadline", fixed(mine, Filter { sort: Sort::Due, ..default() }, 1));
        add(&OFFICER, "by telephone", fixed(mine, Filter { sort: Sort::Phone, ..default() }, 1));
        add(&OFFICER, "by officer, grouped", fixed(mine, Filter { group: Some(Group::Officer), ..default() }, 1));
        add(&OFFICER, "500 rows", fixed(mine, Filter { size: 500, ..default() }, 1));

        add(&SUPERVISOR, "first page", fixed(province, default(), 1));
        add(&SUPERVISOR, "status, kind, dates", self.asks(province, some_filter));
        add(&SUPERVISOR, "name part", self.asks(province, |rng, row| Filter { q: name_part(rng, row), ..default() }));
        add(&SUPERVISOR, "surname alone", self.asks(province, |_, row| Filter { q: surname(row), ..default() }));
        add(&SUPERVISOR, "serial", self.asks(province, |_, row| Filter { q: serial(row), ..default() }));
        add(&SUPERVISOR, "page 2,000", fixed(province, default(), 2_000));
        add(&SUPERVISOR, "late, decided or not", fixed(province, late(), 1));
        add(&SUPERVISOR, "rare: expired changes, late", fixed(province, changed_late(), 1));
        add(&SUPERVISOR, "by name", fixed(province, Filter { sort: Sort::Name, ..default() }, 1));
        add(&SUPERVISOR, "by office, grouped", fixed(province, Filter { group: Some(Group::Agency), ..default() }, 1));
        Ok(cases)
    }
}

fn list_rows(conn: &mut tnhs::db::Conn, scope: Scope, ids: &[ApplicationId]) -> anyhow::Result<Vec<list::ListRow>> {
    let mut rows = Vec::new();
    for id in ids {
        let number = applications::find(conn, scope, *id)?.context("an application that is gone")?.number;
        let ask = Ask::new(scope, Filter { q: number.as_str().to_owned(), ..Filter::default() }, 1);
        rows.extend(list::page(conn, &ask.query(), 1, 0)?);
    }
    Ok(rows)
}

/// A week or less around an application, its kind and any status.
fn some_filter(rng: &mut StdRng, row: &list::ListRow) -> Filter {
    let day = to_hanoi(row.submitted_at).date();
    Filter {
        status: Status::ALL.choose(rng).copied(),
        kind: Kind::ALL.choose(rng).copied(),
        from: Some(day - TimeDelta::days(rng.random_range(0..7))),
        to: Some(day),
        ..Filter::default()
    }
}

fn serial(row: &list::ListRow) -> String {
    row.number.split('/').next().unwrap_or_default().to_owned()
}

fn surname(row: &list::ListRow) -> String {
    names::folded(&row.name).split(' ').next().unwrap_or_default().to_owned()
}

/// What officers type: the whole name, the last two words, the first two, the first and the last, the given name.
fn name_part(rng: &mut StdRng, row: &list::ListRow) -> String {
    let folded = names::folded(&row.name);
    let words: Vec<&str> = folded.split(' ').collect();
    let (first, last) = (words[0], words[words.len() - 1]);
    match rng.random_range(0..5) {
        0 => folded.clone(),
        1 => words[words.len().saturating_sub(2)..].join(" "),
        2 => words[..words.len().min(2)].join(" "),
        3 => format!("{first} {last}"),
        _ => last.to_owned(),
    }
}

/// The rows of a page, read as the page reads them.
pub fn rows(db: &Db, ask: &Ask) -> anyhow::Result<()> {
    let size = i64::from(ask.filter.size);
    db.read(|conn| {
        let items = list::page(conn, &ask.query(), size + 1, i64::from(ask.page - 1) * size)?;
        let ids: Vec<_> = items.iter().map(|item| item.id).collect();
        tnhs::db::message_list::with_dead_messages(conn, &ids)?;
        Ok::<_, DbError>(())
    })?;
    Ok(())
}

pub fn count(db: &Db, ask: &Ask) -> anyhow::Result<()> {
    db.read(|conn| {
        list::count(conn, &ask.query())?;
        list::count_late(conn, ask.scope, clock::now())?;
        Ok::<_, DbError>(())
    })?;
    Ok(())
}

pub fn detail(db: &Db, scope: Scope, id: ApplicationId) -> anyhow::Result<()> {
    db.read(|conn| {
        let application = applications::find(conn, scope, id)?.context("an application that is gone")?;
        let evidence = decisions::evidence(conn, application)?;
        let application = &evidence.application;
        registry::candidates(conn, &application.declaration)?;
        applications::attempts(conn, application)?;
        photos::of_application(conn, id)?;
        events::of_application(conn, id, 200)?;
        messages::of_application(conn, id)?;
        accounts::of_application(conn, id)?;
        accounts::sharing(conn, &application.declaration)?;
        Ok(())
    })
}

/// An application that can be approved as it is.
pub struct Pending {
    pub id: ApplicationId,
    pub version: i32,
    pub verdict: &'static str,
}

const COMPLETE: Checklist =
    Checklist { id_compared: true, form_signed: true, photo_matches: true, name_compared: false };

pub fn approvable(db: &Db, scope: Scope, wanted: usize) -> anyhow::Result<Vec<Pending>> {
    let ask = Ask::new(scope, Filter { status: Some(Status::Pending), ..Filter::default() }, 1);
    let (mut found, mut codes) = (Vec::new(), std::collections::HashSet::new());
    db.read(|conn| {
        for row in list::page(conn, &ask.query(), 20_000, 100)? {
            if found.len() == wanted {
                break;
            }
            let application = applications::find(conn, scope, row.id)?.context("an application that is gone")?;
            let evidence = decisions::evidence(conn, application)?;
            let is_approved = matches!(assess(&evidence, Assessment::Valid(COMPLETE)), Ok(Decision::Approve));
            // Of two declarations of one person the first approval refuses the second.
            if is_approved && codes.insert(row.code) {
                let version = evidence.application.version;
                found.push(Pending { id: row.id, version, verdict: evidence.verdict().code() });
            }
        }
        anyhow::ensure!(found.len() == wanted, "only {} of {wanted} can be approved: load again", found.len());
        Ok(())
    })?;
    Ok(found)
}

pub fn approve(db: &Db, scope: Scope, officer: StaffId, pending: &Pending) -> anyhow::Result<()> {
    db.write(|conn| {
        let application = applications::find(conn, scope, pending.id)?.context("an application that is gone")?;
        let evidence = decisions::evidence(conn, application)?;
        let decision = assess(&evidence, Assessment::Valid(COMPLETE))?;
        let stamp = Stamp { staff: officer, at: clock::now(), address: None };
        decisions::record(conn, &evidence, &decision, stamp)?;
        Ok::<_, anyhow::Error>(())
    })
}

/// One password's hash.
pub fn sign_in(_: &Db) -> anyhow::Result<()> {
    tnhs::adapters::hasher::hash_now(OFFICER.password)?;
    Ok(())
}
