//! A made-up province to try everything in: offices, staff, a household registry and applications in every state, with
//! the histories, accounts and messages that the desk itself would have left. Nothing in it belongs to a real person.
//!
//! The same [`Size`] gives the same people, and the same story relative to `now`. It is filled in one transaction: a
//! database has the whole province or nothing of it. Nothing waits to be sent afterwards.

mod applications;
mod batch;
mod calendar;
mod cases;
mod desk;
mod people;
mod pictures;
pub mod walk_through;

#[cfg(test)]
mod tests;

use chrono::{NaiveDateTime, TimeDelta};

use crate::adapters::hasher::hash_now;
use crate::adapters::photos::PhotoStore;
use crate::db::agencies::Agency;
use crate::db::staff::NewStaff;
use crate::db::{
    Conn, Db, DbError, account_changes, agencies, bulk, coverage, holidays, message_tallies, meta, staff, tallies,
    targets,
};
use crate::domain::account::new_password;
use crate::domain::dates::to_hanoi;
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::permission::{Role, Scope};
use crate::domain::report::{Period, Span};
use applications::{Office, STORY_DAYS, Writer};
use people::People;
use pictures::Pictures;

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// At least the four of [`walk_through`].
    pub applications: u32,
    /// Raised to the number of applications: each applicant has an entry of their own.
    pub registry: u32,
    pub seed: u64,
}

impl Default for Size {
    fn default() -> Self {
        Self { applications: 2_000, registry: 20_000, seed: 1 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    Now,
    /// It was filled before and is left as it is.
    AlreadyFilled,
}

/// Who can sign in to look around.
pub struct SignIn {
    pub role: Role,
    pub login: &'static str,
    /// Also that of everybody else with this role.
    pub password: &'static str,
    name: &'static str,
}

/// The officer works at the first base office, the others at the province's.
pub const SIGN_INS: &[SignIn] = &[
    SignIn { role: Role::Officer, login: "canbo", password: "canbo-lam-giang", name: "Lê Thu Trang" },
    SignIn { role: Role::Supervisor, login: "giamsat", password: "giamsat-lam-giang", name: "Vũ Hoàng Long" },
    SignIn { role: Role::Admin, login: "quantri", password: "quantri-lam-giang", name: "Đặng Minh Quân" },
];

/// A province that is on no map. Its people live in the communes of a real one, so that the forms have places to offer.
struct Province {
    code: &'static str,
    name: &'static str,
    place: &'static str,
    /// Code, name and share of the applications of each base office.
    offices: &'static [(&'static str, &'static str, u32)],
}

const PROVINCES: [Province; 2] = [
    Province {
        code: "990",
        name: "Bảo hiểm xã hội tỉnh Lam Giang",
        place: "40",
        offices: &[
            ("99001", "Bảo hiểm xã hội cơ sở Bình An", 24),
            ("99002", "Bảo hiểm xã hội cơ sở Phước Hòa", 14),
            ("99003", "Bảo hiểm xã hội cơ sở Tân Lập", 12),
            ("99004", "Bảo hiểm xã hội cơ sở Hòa Mỹ", 10),
            ("99005", "Bảo hiểm xã hội cơ sở Đồng Tâm", 9),
            ("99006", "Bảo hiểm xã hội cơ sở Thạch Sơn", 8),
        ],
    },
    Province {
        code: "991",
        name: "Bảo hiểm xã hội tỉnh Vân Châu",
        place: "51",
        offices: &[("99101", "Bảo hiểm xã hội cơ sở Vân Hải", 13), ("99102", "Bảo hiểm xã hội cơ sở Cửa Sông", 10)],
    },
];

/// Fills an empty database. Blocks.
///
/// # Errors
/// When the database has anything in it that is not a demonstration's, or a picture cannot be stored.
pub fn fill(db: &Db, photos: &PhotoStore, size: &Size, now: NaiveDateTime) -> anyhow::Result<Filled> {
    if db.read(is_filled)? {
        return Ok(Filled::AlreadyFilled);
    }
    let pictures = Pictures::keep(photos)?;
    let outcome = db.write(|conn| {
        // Asked again: another process may have been quicker.
        if is_filled(conn)? {
            return Ok(Filled::AlreadyFilled);
        }
        meta::mark_as_demo(conn)?;
        bulk::with_room(conn, |conn| write(conn, &pictures, size, now))?;
        Ok::<_, anyhow::Error>(Filled::Now)
    })?;
    tallies::tally_all(db)?;
    message_tallies::tally_all(db)?;
    account_changes::tally_all(db)?;
    db.analyze()?;
    Ok(outcome)
}

fn is_filled(conn: &mut Conn) -> anyhow::Result<bool> {
    if meta::is_demo(conn)? {
        return Ok(true);
    }
    anyhow::ensure!(
        meta::is_empty(conn)?,
        "the database already holds data that is not a demonstration's; point DATABASE_URL at an empty one for the demo"
    );
    Ok(false)
}

fn write(conn: &mut Conn, pictures: &Pictures, size: &Size, now: NaiveDateTime) -> anyhow::Result<()> {
    let offices = open_offices(conn, now)?;
    let password_hash = hash_now(&new_password(&mut rand::rng()))?;
    let first = offices.first().and_then(Office::desk);
    let mut writer = Writer::new(offices, pictures, password_hash.clone(), size.seed, now, holidays::calendar(conn)?);
    let guests = u32::try_from(walk_through::GUESTS.len())?;
    let drawn = size.applications.saturating_sub(guests);
    let registered = size.registry.max(drawn);
    // The applicants are spread over the whole registry.
    let stride = registered.checked_div(drawn).unwrap_or(u32::MAX);
    let mut people = People::new();
    let mut written = 0;
    for index in 0..registered {
        let person = people.next(&mut writer.rng);
        if written < drawn && index % stride == 0 {
            writer.apply(f64::from(written) / f64::from(drawn), f64::from(drawn).recip(), person);
            written += 1;
        } else {
            writer.register(person.member());
        }
        writer.flush_when_full(conn)?;
    }
    writer.invite(&walk_through::GUESTS);
    writer.finish(conn)?;
    set_targets(conn, now)?;
    if let Some((agency, officer)) = first {
        desk::work(conn, agency, officer, &password_hash, now)?;
    }
    Ok(())
}

/// Opens the offices and fills them with staff; returns the base offices, the demo officer's first.
fn open_offices(conn: &mut Conn, now: NaiveDateTime) -> anyhow::Result<Vec<Office>> {
    let mut employer = Employer { hashes: Vec::new(), now };
    for sign_in in SIGN_INS {
        employer.hashes.push((sign_in.role, hash_now(sign_in.password)?));
    }
    let centre = agencies::insert(conn, "000", "Bảo hiểm xã hội Việt Nam", None, None)?;
    employer.employ(conn, Role::Supervisor, "giamsat.000", "Trịnh Quốc Việt", centre.id)?;
    let mut offices = Vec::new();
    let mut names = OFFICERS.iter().copied();
    for province in &PROVINCES {
        let above = agencies::insert(conn, province.code, province.name, Some(&centre), Some(province.place))?;
        if province.code == PROVINCES[0].code {
            for sign_in in SIGN_INS.iter().filter(|sign_in| sign_in.role != Role::Officer) {
                employer.employ(conn, sign_in.role, sign_in.login, sign_in.name, above.id)?;
            }
        } else {
            employer.employ(
                conn,
                Role::Supervisor,
                &format!("giamsat.{}", province.code),
                "Hồ Thị Lan Anh",
                above.id,
            )?;
            employer.employ(conn, Role::Admin, &format!("quantri.{}", province.code), "Ngô Đức Tài", above.id)?;
        }
        for &(code, name, share) in province.offices {
            let agency: Agency = agencies::insert(conn, code, name, Some(&above), Some(province.place))?;
            let mut officers = Vec::new();
            if offices.is_empty() {
                for sign_in in SIGN_INS.iter().filter(|sign_in| sign_in.role == Role::Officer) {
                    officers.push(employer.employ(conn, sign_in.role, sign_in.login, sign_in.name, agency.id)?);
                }
            }
            for (at, name) in names.by_ref().take(2).enumerate() {
                officers.push(employer.employ(
                    conn,
                    Role::Officer,
                    &format!("canbo{}.{code}", at + 1),
                    name,
                    agency.id,
                )?);
            }
            offices.push(Office::new(&agency, officers, share, offices.len()));
        }
    }
    Ok(offices)
}

/// The registry is as old as the story, and the supervisor has set each office what it shall have reached when the year ends.
fn set_targets(conn: &mut Conn, now: NaiveDateTime) -> anyhow::Result<()> {
    let today = to_hanoi(now).date();
    let people = coverage::count(conn)?;
    coverage::keep(conn, today - TimeDelta::days(STORY_DAYS), &people)?;
    let supervisor = SIGN_INS.iter().find(|sign_in| sign_in.role == Role::Supervisor).map_or("", |it| it.login);
    let Some(supervisor) = staff::credentials(conn, supervisor)?.map(|it| it.id) else { return Ok(()) };
    let until = Period::of(Span::Year, today).last();
    let accounts = account_changes::on(conn, Scope::Country, today)?;
    let mut offices: Vec<(AgencyId, i64)> = accounts.into_iter().collect();
    offices.sort_unstable();
    for ((agency, accounts), percent) in offices.into_iter().zip([115, 140, 98, 125, 160].into_iter().cycle()) {
        targets::put(conn, (agency, until), Some((accounts * percent / 100).max(1)), (supervisor, now))?;
    }
    Ok(())
}

/// Two for each base office.
const OFFICERS: [&str; 16] = [
    "Trần Quang Huy",
    "Nguyễn Thị Thu Hà",
    "Phạm Văn Kiên",
    "Bùi Thị Hồng Nhung",
    "Đỗ Minh Tuấn",
    "Hoàng Thị Ngọc Ánh",
    "Võ Thanh Sơn",
    "Lý Thị Kim Oanh",
    "Dương Công Thành",
    "Tạ Thị Phương Thảo",
    "Đinh Hữu Nghĩa",
    "Lương Thị Diệu Linh",
    "Huỳnh Quốc Bảo",
    "Phùng Thị Mỹ Duyên",
    "Đào Xuân Trung",
    "Thái Thị Thanh Tâm",
];

struct Employer {
    /// Hashing is slow by intent, so everybody with a role has the same hash.
    hashes: Vec<(Role, String)>,
    now: NaiveDateTime,
}

impl Employer {
    fn employ(
        &self,
        conn: &mut Conn,
        role: Role,
        login: &str,
        name: &str,
        agency_id: AgencyId,
    ) -> Result<StaffId, DbError> {
        let password_hash = self.hashes.iter().find(|(of, _)| *of == role).map_or("", |(_, hash)| hash);
        let new = NewStaff { login, name, role, agency_id, password_hash, must_change_password: false };
        let id = staff::insert(conn, &new, self.now)?;
        if role == Role::Supervisor {
            staff::set_email(conn, id, &format!("{login}@example.vn"))?;
        }
        Ok(id)
    }
}
