//! The household registry. It changes by changesets: rows are written while nobody sees them, in as many transactions as
//! it takes, and count from the one moment when their changeset becomes visible.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{imports, registry_changesets, registry_members};
use super::{Conn, meta, one_row};
use crate::domain::application::{Declaration, Sex};
use crate::domain::dates::BirthDate;
use crate::domain::ids::{AgencyId, ChangesetId, ImportId};
use crate::domain::import::ImportState;
use crate::domain::names::Name;
use crate::domain::numbers::{IdNumber, SocialCode};
use crate::domain::registry::Member;
use crate::on_backend;

#[derive(Queryable, Selectable)]
#[diesel(table_name = registry_members)]
pub(super) struct Row {
    code: SocialCode,
    name: Name,
    birth_date: Option<BirthDate>,
    sex: Option<Sex>,
    id_number: Option<IdNumber>,
    phone: Option<String>,
    email: Option<String>,
    address: Option<String>,
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
            email: row.email,
            address: row.address,
            household_code: row.household_code,
            relation_code: row.relation_code,
        }
    }
}

/// The rows that count, or counted before a later changeset.
#[diesel::dsl::auto_type]
fn visible() -> _ {
    registry_members::table.inner_join(registry_changesets::table).filter(registry_changesets::visible)
}

pub fn find(conn: &mut Conn, code: &SocialCode) -> QueryResult<Option<Member>> {
    let row = visible()
        .filter(registry_members::code.eq(code))
        .order(registry_members::changeset_id.desc())
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Member::from))
}

/// Those of the codes that the registry has.
pub fn find_all(conn: &mut Conn, codes: &[&str]) -> QueryResult<HashMap<String, Member>> {
    let mut found = HashMap::with_capacity(codes.len());
    for batch in codes.chunks(BATCH) {
        let rows: Vec<Row> = visible()
            .filter(registry_members::code.eq_any(batch))
            .order(registry_members::changeset_id)
            .select(Row::as_select())
            .load(conn)?;
        // Of the same code the latest comes last.
        found.extend(rows.into_iter().map(|row| (row.code.as_str().to_owned(), Member::from(row))));
    }
    Ok(found)
}

/// Other people of the registry who may be the applicant: the same ID number, or the same name and birth date.
pub fn candidates(conn: &mut Conn, declared: &Declaration) -> QueryResult<Vec<Member>> {
    const AT_MOST: i64 = 20;
    const SHOWN: usize = 5;
    let others = || visible().filter(registry_members::code.ne(&declared.code)).select(Row::as_select()).limit(AT_MOST);
    let mut rows: Vec<Row> = Vec::new();
    if let Some(id_number) = &declared.id_number {
        rows.extend(others().filter(registry_members::id_number.eq(id_number)).load(conn)?);
    }
    if let Some(birth_date) = &declared.birth_date {
        rows.extend(
            others()
                .filter(registry_members::name_folded.eq(declared.name.folded()))
                .filter(registry_members::birth_date.eq(birth_date))
                .load(conn)?,
        );
    }
    let mut found: Vec<Member> = Vec::new();
    for member in rows.into_iter().map(Member::from) {
        // A row that a later changeset replaced may say what no longer holds.
        if !found.contains(&member) && find(conn, &member.code)?.as_ref() == Some(&member) {
            found.push(member);
        }
    }
    found.truncate(2 * SHOWN);
    Ok(found)
}

/// How many rows a statement takes at once: SQLite allows 32,766 parameters in a statement.
const BATCH: usize = 2_000;

#[derive(Insertable)]
#[diesel(table_name = registry_members, treat_none_as_default_value = false)]
struct NewRow<'a> {
    changeset_id: ChangesetId,
    code: &'a SocialCode,
    name: &'a Name,
    name_folded: String,
    birth_date: Option<&'a BirthDate>,
    sex: Option<Sex>,
    id_number: Option<&'a IdNumber>,
    phone: Option<&'a str>,
    email: Option<&'a str>,
    address: Option<&'a str>,
    household_code: Option<&'a str>,
    relation_code: Option<&'a str>,
}

impl<'a> NewRow<'a> {
    fn of(changeset_id: ChangesetId, member: &'a Member) -> Self {
        Self {
            changeset_id,
            code: &member.code,
            name: &member.name,
            name_folded: member.name.folded(),
            birth_date: member.birth_date.as_ref(),
            sex: member.sex,
            id_number: member.id_number.as_ref(),
            phone: member.phone.as_deref(),
            email: member.email.as_deref(),
            address: member.address.as_deref(),
            household_code: member.household_code.as_deref(),
            relation_code: member.relation_code.as_deref(),
        }
    }
}

/// Begins a changeset that nobody sees yet. Its people are those of `agency`, or of the centre.
pub fn begin(
    conn: &mut Conn,
    import: Option<ImportId>,
    agency: Option<AgencyId>,
    now: NaiveDateTime,
) -> QueryResult<ChangesetId> {
    on_backend!(conn, c => diesel::insert_into(registry_changesets::table)
        .values((
            registry_changesets::import_id.eq(import),
            registry_changesets::agency_id.eq(agency),
            registry_changesets::visible.eq(false),
            registry_changesets::at.eq(now),
        ))
        .returning(registry_changesets::id)
        .get_result(c))
}

/// Adds people as a changeset has them: each code once in it.
pub fn write(conn: &mut Conn, changeset: ChangesetId, members: &[Member]) -> QueryResult<()> {
    for batch in members.chunks(BATCH) {
        let rows: Vec<NewRow<'_>> = batch.iter().map(|member| NewRow::of(changeset, member)).collect();
        match conn {
            Conn::Sqlite(c) => diesel::insert_into(registry_members::table).values(&rows).execute(c)?,
            Conn::Postgres(c) => diesel::copy_from(registry_members::table).from_insertable(&rows).execute(c)?,
        };
    }
    Ok(())
}

/// Lets a changeset count from the end of this transaction on; not when the registry is no longer as it was at revision
/// `base`.
pub fn publish(conn: &mut Conn, changeset: ChangesetId, base: Option<i64>) -> QueryResult<bool> {
    let unchanged = meta::next_registry_revision(conn, base)?;
    if unchanged {
        let unseen = registry_changesets::table.find(changeset).filter(diesel::dsl::not(registry_changesets::visible));
        one_row(diesel::update(unseen).set(registry_changesets::visible.eq(true)).execute(conn)?)?;
    }
    Ok(unchanged)
}

/// Adds people or brings them up to date, by code, in a changeset of their own.
pub fn upsert(conn: &mut Conn, members: &[Member], now: NaiveDateTime) -> QueryResult<()> {
    let changeset = begin(conn, None, None, now)?;
    write(conn, changeset, members)?;
    publish(conn, changeset, None)?;
    Ok(())
}

/// The changeset that an import wrote and that counts.
pub fn changeset_of(conn: &mut Conn, import: ImportId) -> QueryResult<Option<ChangesetId>> {
    registry_changesets::table
        .filter(registry_changesets::import_id.eq(import))
        .filter(registry_changesets::visible)
        .select(registry_changesets::id)
        .first(conn)
        .optional()
}

/// Takes a changeset back: whoever it touched is as before, but for those whom a later one touched.
pub fn withdraw(conn: &mut Conn, changeset: ChangesetId) -> QueryResult<()> {
    meta::next_registry_revision(conn, None)?;
    let changeset = registry_changesets::table.find(changeset);
    one_row(diesel::update(changeset).set(registry_changesets::visible.eq(false)).execute(conn)?)
}

/// The codes of a changeset that a later one touched: how many, and the first `limit`.
pub fn touched_later(conn: &mut Conn, changeset: ChangesetId, limit: i64) -> QueryResult<(i64, Vec<SocialCode>)> {
    let later = diesel::alias!(registry_members as later);
    let touched = || {
        let after = later
            .inner_join(registry_changesets::table)
            .filter(registry_changesets::visible)
            .filter(later.field(registry_members::code).eq(registry_members::code))
            .filter(later.field(registry_members::changeset_id).gt(changeset));
        registry_members::table
            .filter(registry_members::changeset_id.eq(changeset))
            .filter(diesel::dsl::exists(after.select(later.field(registry_members::id))))
    };
    let codes = touched().order(registry_members::code).select(registry_members::code).limit(limit).load(conn)?;
    Ok((touched().count().get_result(conn)?, codes))
}

/// A changeset that does not count and that no import is writing: its rows are only in the way.
pub fn abandoned(conn: &mut Conn) -> QueryResult<Option<ChangesetId>> {
    let applying = imports::table
        .filter(imports::state.eq(ImportState::Applying))
        .filter(registry_changesets::import_id.eq(imports::id.nullable()));
    registry_changesets::table
        .filter(diesel::dsl::not(registry_changesets::visible))
        .filter(registry_changesets::import_id.is_not_null())
        .filter(diesel::dsl::not(diesel::dsl::exists(applying)))
        .select(registry_changesets::id)
        .first(conn)
        .optional()
}

/// Removes some rows of a changeset that does not count, and at the end itself. Returns whether there is more to remove.
pub fn clear(conn: &mut Conn, changeset: ChangesetId) -> QueryResult<bool> {
    const ROWS: i64 = 5_000;
    // Whoever would let it count waits for this transaction, and then finds it gone.
    let unseen = registry_changesets::table.find(changeset).filter(diesel::dsl::not(registry_changesets::visible));
    if diesel::update(unseen).set(registry_changesets::visible.eq(false)).execute(conn)? == 0 {
        return Ok(false);
    }
    let some = registry_members::table
        .filter(registry_members::changeset_id.eq(changeset))
        .select(registry_members::id)
        .limit(ROWS);
    let ids: Vec<i64> = some.load(conn)?;
    if ids.is_empty() {
        diesel::delete(registry_changesets::table.find(changeset)).execute(conn)?;
        return Ok(false);
    }
    diesel::delete(registry_members::table.filter(registry_members::id.eq_any(&ids))).execute(conn)?;
    Ok(true)
}
