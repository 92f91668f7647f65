//! A made-up country for the bench of reports: 34 provinces with 700 offices, five officers in each, and a year of their work.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use tnhs::db::agencies::{self, Agency};
use tnhs::db::bulk::{self, Filed, NewAccount};
use tnhs::db::events::NewEvent;
use tnhs::db::schema::applications;
use tnhs::db::staff::{self, NewStaff};
use tnhs::db::{Conn, Db, DbError, account_changes, message_tallies, stays, tallies};
use tnhs::domain::application::{Application, Channel, Declaration, Kind, Sex, Status};
use tnhs::domain::dates::{BirthDate, to_hanoi};
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{AccountId, ApplicationId, StaffId};
use tnhs::domain::names::Name;
use tnhs::domain::numbers::{ApplicationNumber, IdNumber, Phone, SocialCode};
use tnhs::domain::permission::Role;

const PROVINCES: usize = 34;
const OFFICES: usize = 700;
const OFFICERS: usize = 5;
/// How many applications one transaction writes.
const BATCH: usize = 5_000;
/// Far from those of the demonstration.
const FIRST_ID: i64 = 10_000_000;
const REASONS: [&str; 8] = [
    "Ảnh chân dung không rõ mặt",
    "Thông tin khai khác giấy tờ tùy thân",
    "Họ tên khác với danh bạ hộ gia đình",
    "Giấy tờ tùy thân đã hết hạn",
    "Tờ khai chưa có chữ ký",
    "Số điện thoại không phải của người đăng ký",
    "Đã có tài khoản giao dịch điện tử",
    "Ảnh giấy tờ bị mờ, không đọc được",
];

struct Office {
    agency: Agency,
    officers: Vec<StaffId>,
    serial: i32,
}

/// Adds the country to the demonstration in the database, unless it is there; returns how many applications it has now.
pub fn fill(db: &Db, count: usize, now: NaiveDateTime) -> anyhow::Result<usize> {
    let is_there: bool = db.read(|conn| {
        let first = applications::table.filter(applications::id.ge(FIRST_ID));
        Ok::<_, DbError>(diesel::select(diesel::dsl::exists(first)).get_result(conn)?)
    })?;
    if !is_there {
        let mut offices = db.write(open)?;
        let mut rng = StdRng::seed_from_u64(2026);
        let mut next = FIRST_ID;
        db.load(|load| {
            for _ in 0..count.div_ceil(BATCH) {
                load.write(|conn| write(conn, &mut offices, &mut rng, &mut next, now))?;
            }
            load.write(|conn| {
                let last = ApplicationId(next);
                Ok::<_, DbError>(bulk::go_on_after(conn, last, AccountId(next))?)
            })
        })?;
    }
    db.write(send)?;
    tallies::tally_all(db)?;
    message_tallies::tally_all(db)?;
    account_changes::tally_all(db)?;
    db.analyze()?;
    let all: i64 = db.read(|conn| Ok::<_, DbError>(applications::table.count().get_result(conn)?))?;
    Ok(usize::try_from(all)?)
}

/// One message about each decision, delivered at once.
fn send(conn: &mut Conn) -> Result<(), DbError> {
    use tnhs::db::schema::messages;
    let sent = messages::table.filter(messages::idempotency_key.like("bench-%"));
    if diesel::select(diesel::dsl::exists(sent)).get_result(conn)? {
        return Ok(());
    }
    for text in [
        "INSERT INTO messages (idempotency_key, application_id, agency_id, province_id, kind, channel, recipient, body, state, \
         attempts, next_attempt_at, created_at, sent_at, delivered_at, lane, settled) \
         SELECT 'bench-' || number, id, agency_id, province_id, 'rejected', 'sms', phone, '', 'delivered', 1, decided_at, \
         decided_at, decided_at, decided_at, 1, FALSE FROM applications WHERE id >= 10000000 AND decided_by IS NOT NULL ORDER BY id",
        "INSERT INTO message_steps (message_id, at, state, attempt) \
         SELECT id, created_at, 'queued', 0 FROM messages WHERE idempotency_key LIKE 'bench-%' ORDER BY id",
        "INSERT INTO message_steps (message_id, at, state, attempt) \
         SELECT id, created_at, state, 1 FROM messages WHERE idempotency_key LIKE 'bench-%' ORDER BY id",
    ] {
        conn.batch_execute(text)?;
    }
    Ok(())
}

fn open(conn: &mut Conn) -> Result<Vec<Office>, DbError> {
    let centre = agencies::find_by_code(conn, "000")?.ok_or(diesel::result::Error::NotFound)?;
    let mut provinces = Vec::new();
    for number in 0..PROVINCES {
        let (code, name) = (format!("8{number:02}"), format!("Bảo hiểm xã hội tỉnh thử nghiệm {}", number + 1));
        provinces.push(agencies::insert(conn, &code, &name, Some(&centre), None)?);
    }
    let mut offices = Vec::new();
    for number in 0..OFFICES {
        let above = &provinces[number % PROVINCES];
        let (code, name) =
            (format!("{}{:02}", above.code, number / PROVINCES), format!("Bảo hiểm xã hội cơ sở {number}"));
        let agency = agencies::insert(conn, &code, &name, Some(above), None)?;
        let mut officers = Vec::new();
        for nth in 0..OFFICERS {
            let new = NewStaff {
                login: &format!("bench{nth}.{code}"),
                name: "Cán Bộ Thử Nghiệm",
                role: Role::Officer,
                agency_id: agency.id,
                password_hash: "",
                must_change_password: true,
            };
            officers.push(staff::insert(conn, &new, NaiveDateTime::default())?);
        }
        offices.push(Office { agency, officers, serial: 0 });
    }
    Ok(offices)
}

fn write(
    conn: &mut Conn,
    offices: &mut [Office],
    rng: &mut StdRng,
    next: &mut i64,
    now: NaiveDateTime,
) -> Result<(), DbError> {
    let (mut filed, mut events, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
    let first = ApplicationId(*next);
    for _ in 0..BATCH {
        let number = rng.random_range(0..OFFICES);
        let office = &mut offices[number];
        office.serial += 1;
        let application = invent(office, rng, ApplicationId(*next), now);
        *next += 1;
        let event = |kind, at, staff, after: Option<String>| NewEvent {
            application: Some(application.id),
            account: None,
            staff,
            kind,
            at,
            address: None,
            before: None,
            after,
        };
        events.push(event(EventKind::Submitted, application.submitted_at, None, None));
        if let Some(at) = application.decided_at {
            let (kind, staff) = match application.status {
                Status::Approved => (EventKind::Approved, application.decided_by),
                Status::Rejected => (EventKind::Rejected, application.decided_by),
                _ => (EventKind::Expired, None),
            };
            let reason = application.reason.as_ref().map(|reason| format!(r#"{{"reason":"{reason}"}}"#));
            events.push(event(EventKind::Viewed, at, staff, None));
            events.push(event(kind, at, staff, reason));
        }
        if application.status == Status::Approved {
            accounts.push(NewAccount { id: AccountId(application.id.0), of: filed.len(), must_change_password: true });
        }
        let (province_id, serial) = (office.agency.province_id, office.serial);
        filed.push(Filed { application, province_id, serial, entered_by: None, reminders: 0 });
    }
    bulk::applications(conn, &filed)?;
    bulk::accounts(conn, &filed, &accounts, "")?;
    bulk::events(conn, &events)?;
    stays::retell(conn, ApplicationId(first.0 - 1))?;
    Ok(())
}

fn invent(office: &Office, rng: &mut StdRng, id: ApplicationId, now: NaiveDateTime) -> Application {
    let mut pick = |words: &[&'static str]| words[rng.random_range(0..words.len())];
    let name = [
        pick(&["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đặng", "Bùi", "Đỗ"]),
        pick(&["Thị", "Văn", "Minh", "Ngọc", "Thanh", "Quốc"]),
        pick(&["Hạnh", "Sơn", "Thủy", "Đức", "Quỳnh", "An", "Bình", "Hà", "Long", "Mai"]),
    ]
    .join(" ");
    let reason = pick(&REASONS);
    let submitted_at = now - TimeDelta::seconds(rng.random_range(0..365 * 86_400));
    let decided = submitted_at + TimeDelta::minutes(rng.random_range(10..9 * 1_440));
    let officer = office.officers[rng.random_range(0..OFFICERS)];
    let status = match rng.random_range(0..100) {
        _ if decided > now => Status::Pending,
        ..82 => Status::Approved,
        82..94 => Status::Rejected,
        94..98 => Status::Expired,
        _ => Status::Pending,
    };
    let is_open = status == Status::Pending;
    let serial = office.serial.unsigned_abs();
    let number = id.0 - FIRST_ID;
    Application {
        id,
        agency_id: office.agency.id,
        agency_name: String::new(),
        number: ApplicationNumber::compose(serial, tnhs::domain::dates::hanoi_year(submitted_at), &office.agency.code),
        kind: Kind::New,
        status,
        channel: Channel::ALL[rng.random_range(0..Channel::ALL.len())],
        declaration: Declaration {
            code: SocialCode::from_stored(format!("8{number:09}")),
            name: Name::from_stored(name),
            birth_date: Some(BirthDate::of(to_hanoi(submitted_at).date() - TimeDelta::days(12_000))),
            sex: Some(Sex::Female),
            id_number: Some(IdNumber::from_stored(format!("8{number:011}"))),
            id_issued_on: None,
            id_issued_by: None,
            phone: Phone::from_stored(format!("09{number:08}")),
            email: None,
            address: None,
            province_code: None,
            commune_code: None,
            guardian: None,
        },
        submitted_at,
        received_at: (!is_open).then_some(submitted_at),
        due_at: submitted_at + TimeDelta::days(if is_open { 10 } else { 5 }),
        decided_at: (!is_open).then_some(decided),
        decided_by: (!is_open && status != Status::Expired).then_some(officer),
        decided_by_name: None,
        reason: (status == Status::Rejected).then(|| reason.to_owned()),
        erased_at: None,
        version: 1,
    }
}
