//! The household registry.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Conn;
use super::schema::registry_members;
use crate::domain::application::{Declaration, Sex};
use crate::domain::dates::BirthDate;
use crate::domain::names::Name;
use crate::domain::numbers::{IdNumber, SocialCode};
use crate::domain::registry::Member;
use crate::on_backend;

#[derive(Queryable, Selectable)]
#[diesel(table_name = registry_members)]
struct Row {
    code: SocialCode,
    name: Name,
    birth_date: Option<BirthDate>,
    sex: Option<Sex>,
    id_number: Option<IdNumber>,
    phone: Option<String>,
    household_code: Option<String>,
    relation_code: Option<String>,
}

impl From<Row> for Member {
    fn from(row: Row) -> Self {
        Self {
            code: row.code,
            name: row.name,
            birth_date: row.birth_date,
            sex: row.sex,
            id_number: row.id_number,
            phone: row.phone,
            household_code: row.household_code,
            relation_code: row.relation_code,
        }
    }
}

pub fn find(conn: &mut Conn, code: &SocialCode) -> QueryResult<Option<Member>> {
    let row = registry_members::table
        .filter(registry_members::code.eq(code))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Member::from))
}

/// Those of the codes that the registry has.
pub fn find_all(conn: &mut Conn, codes: &[SocialCode]) -> QueryResult<Vec<Member>> {
    let mut found = Vec::new();
    for batch in codes.chunks(BATCH) {
        let rows: Vec<Row> =
            registry_members::table.filter(registry_members::code.eq_any(batch)).select(Row::as_select()).load(conn)?;
        found.extend(rows.into_iter().map(Member::from));
    }
    Ok(found)
}

/// Other people of the registry who may be the applicant: the same ID number, or the same name and birth date.
pub fn candidates(conn: &mut Conn, declared: &Declaration) -> QueryResult<Vec<Member>> {
    let others =
        || registry_members::table.filter(registry_members::code.ne(&declared.code)).select(Row::as_select()).limit(5);
    let mut found: Vec<Member> = Vec::new();
    if let Some(id_number) = &declared.id_number {
        found.extend(
            others().filter(registry_members::id_number.eq(id_number)).load(conn)?.into_iter().map(Member::from),
        );
    }
    if let Some(birth_date) = &declared.birth_date {
        let same_person = others()
            .filter(registry_members::name_folded.eq(declared.name.folded()))
            .filter(registry_members::birth_date.eq(birth_date))
            .load(conn)?;
        for member in same_person.into_iter().map(Member::from) {
            if !found.contains(&member) {
                found.push(member);
            }
        }
    }
    Ok(found)
}

/// How many rows a statement takes at once: SQLite allows 32,766 parameters in a statement.
const BATCH: usize = 2_000;

/// Adds people or brings them up to date, by code.
pub fn upsert(conn: &mut Conn, members: &[Member], now: NaiveDateTime) -> QueryResult<()> {
    use diesel::upsert::excluded;
    for batch in members.chunks(BATCH) {
        let rows: Vec<_> = batch
            .iter()
            .map(|member| {
                (
                    registry_members::code.eq(&member.code),
                    registry_members::name.eq(&member.name),
                    registry_members::name_folded.eq(member.name.folded()),
                    registry_members::birth_date.eq(member.birth_date.as_ref()),
                    registry_members::sex.eq(member.sex),
                    registry_members::id_number.eq(member.id_number.as_ref()),
                    registry_members::phone.eq(member.phone.as_ref()),
                    registry_members::household_code.eq(member.household_code.as_ref()),
                    registry_members::relation_code.eq(member.relation_code.as_ref()),
                    registry_members::updated_at.eq(now),
                )
            })
            .collect();
        on_backend!(conn, c => diesel::insert_into(registry_members::table)
            .values(&rows)
            .on_conflict(registry_members::code)
            .do_update()
            .set((
                registry_members::name.eq(excluded(registry_members::name)),
                registry_members::name_folded.eq(excluded(registry_members::name_folded)),
                registry_members::birth_date.eq(excluded(registry_members::birth_date)),
                registry_members::sex.eq(excluded(registry_members::sex)),
                registry_members::id_number.eq(excluded(registry_members::id_number)),
                registry_members::phone.eq(excluded(registry_members::phone)),
                registry_members::household_code.eq(excluded(registry_members::household_code)),
                registry_members::relation_code.eq(excluded(registry_members::relation_code)),
                registry_members::updated_at.eq(excluded(registry_members::updated_at)),
            ))
            .execute(c))?;
    }
    Ok(())
}
