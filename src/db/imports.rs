//! Imports: what was brought in, by whom, where each stands, and what it wrote. One worker at a time works on an import:
//! it holds a lease, and whatever it records it records under that lease.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::schema::{import_layouts, import_rows, imports, staff};
use super::{Conn, one_row};
use crate::domain::ids::{AgencyId, ImportId, StaffId};
use crate::domain::import::ImportState;
use crate::domain::permission::Scope;
use crate::domain::workbook::{Encoding, FileFault, Kind};
use crate::on_backend;

/// For how long a worker that says nothing is believed to be alive.
pub const LEASE: TimeDelta = TimeDelta::seconds(20);

pub struct NewImport<'a> {
    pub kind: Kind,
    pub file_name: &'a str,
    pub sha256: &'a str,
    pub bytes: i64,
    pub staff: Option<StaffId>,
    /// The agency of whoever started it, and its province: whose admins see the import.
    pub office: Option<(AgencyId, Option<AgencyId>)>,
    /// Of a list of the registry: whose people they are.
    pub of_agency: Option<AgencyId>,
    pub sheet: Option<&'a str>,
    /// JSON: the layouts that a person gives.
    pub layouts: Option<&'a str>,
    pub confirmed: bool,
}

pub fn insert(conn: &mut Conn, new: &NewImport<'_>, now: NaiveDateTime) -> QueryResult<ImportId> {
    let zeros = (
        imports::base.eq(0),
        imports::rows_total.eq(0),
        imports::rows_read.eq(0),
        imports::rows_written.eq(0),
        imports::added.eq(0),
        imports::changed.eq(0),
        imports::unchanged.eq(0),
        imports::warned.eq(0),
        imports::refused.eq(0),
        imports::repaired.eq(0),
        imports::kept.eq(0),
    );
    on_backend!(conn, c => diesel::insert_into(imports::table)
        .values((
            imports::kind.eq(new.kind),
            imports::state.eq(ImportState::Reading),
            imports::file_name.eq(new.file_name),
            imports::sha256.eq(new.sha256),
            imports::bytes.eq(new.bytes),
            imports::staff_id.eq(new.staff),
            imports::acted_by.eq(new.staff),
            imports::agency_id.eq(new.office.map(|(agency, _)| agency)),
            imports::province_id.eq(new.office.and_then(|(_, province)| province)),
            imports::of_agency_id.eq(new.of_agency),
            imports::sheet.eq(new.sheet),
            imports::layouts.eq(new.layouts),
            imports::layouts_remembered.eq(false),
            imports::needs_confirmation.eq(false),
            imports::has_files.eq(true),
            imports::confirmed.eq(new.confirmed),
            imports::stop_asked.eq(false),
            imports::created_at.eq(now),
            imports::at.eq(now),
            zeros,
        ))
        .returning(imports::id)
        .get_result(c))
}

/// How many rows came to what.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Queryable, Selectable, AsChangeset, serde::Serialize, serde::Deserialize,
)]
#[diesel(table_name = imports)]
pub struct Counts {
    pub added: i64,
    pub changed: i64,
    pub unchanged: i64,
    pub warned: i64,
    pub refused: i64,
    /// Cells that were repaired without a word.
    pub repaired: i64,
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = imports)]
pub struct Import {
    pub id: ImportId,
    pub kind: Kind,
    pub state: ImportState,
    pub file_name: String,
    pub sha256: String,
    pub bytes: i64,
    pub staff_id: Option<StaffId>,
    pub acted_by: Option<StaffId>,
    pub sheet: Option<String>,
    pub layouts: Option<String>,
    pub layouts_remembered: bool,
    pub encoding: Option<Encoding>,
    pub needs_confirmation: bool,
    pub confirmed: bool,
    pub has_files: bool,
    pub fault: Option<FileFault>,
    pub base: i64,
    pub rows_total: i64,
    pub rows_read: i64,
    pub rows_written: i64,
    #[diesel(embed)]
    pub counts: Counts,
    pub rechecked: Option<i64>,
    pub kept: i64,
    pub note: Option<String>,
    pub stop_asked: bool,
    pub lease: Option<String>,
    pub created_at: NaiveDateTime,
    pub at: NaiveDateTime,
    pub of_agency_id: Option<AgencyId>,
}

/// An import, with the name of whoever started it; None for the command line.
pub type Listed = (Import, Option<String>);

/// The imports of the offices within a scope. Those of the command line belong to the whole country.
#[diesel::dsl::auto_type]
fn listed() -> _ {
    imports::table.left_join(staff::table.on(imports::staff_id.eq(staff::id.nullable())))
}

macro_rules! within {
    ($query:expr, $scope:expr, $query_of:ident => $then:expr) => {
        match $scope {
            Scope::Country => {
                let $query_of = $query;
                $then
            }
            Scope::Province(province) => {
                let $query_of = $query.filter(imports::province_id.eq(province));
                $then
            }
            Scope::Agency(agency) => {
                let $query_of = $query.filter(imports::agency_id.eq(agency));
                $then
            }
            Scope::Nothing => {
                let $query_of = $query.filter(imports::id.is_null());
                $then
            }
        }
    };
}

/// A page of the history before an id.
pub fn page(conn: &mut Conn, scope: Scope, before: Option<ImportId>, limit: i64) -> QueryResult<Vec<Listed>> {
    let before = before.unwrap_or(ImportId(i64::MAX));
    let query = listed()
        .filter(imports::id.lt(before))
        .order(imports::id.desc())
        .limit(limit)
        .select((Import::as_select(), staff::name.nullable()));
    within!(query, scope, q => q.load(conn))
}

pub fn find(conn: &mut Conn, scope: Scope, id: ImportId) -> QueryResult<Option<Listed>> {
    let query = listed().filter(imports::id.eq(id)).select((Import::as_select(), staff::name.nullable()));
    within!(query, scope, q => q.first(conn).optional())
}

/// As it stands, for the worker.
pub fn get(conn: &mut Conn, id: ImportId) -> QueryResult<Import> {
    imports::table.find(id).select(Import::as_select()).first(conn)
}

/// Moves an import from one state to another; false when it is no longer in the first.
pub fn change_state(
    conn: &mut Conn,
    id: ImportId,
    from: ImportState,
    to: ImportState,
    now: NaiveDateTime,
) -> QueryResult<bool> {
    let changed = diesel::update(imports::table.find(id).filter(imports::state.eq(from)))
        .set((
            imports::state.eq(to),
            imports::at.eq(now),
            imports::stop_asked.eq(false),
            imports::note.eq(None::<String>),
            imports::rows_written.eq(0),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Lets it be read again, with what a person says of its columns.
pub fn read_again(
    conn: &mut Conn,
    id: ImportId,
    from: ImportState,
    layouts: Option<&str>,
    now: NaiveDateTime,
) -> QueryResult<bool> {
    let moved = change_state(conn, id, from, ImportState::Reading, now)?;
    if moved {
        diesel::update(imports::table.find(id))
            .set((imports::layouts.eq(layouts), imports::layouts_remembered.eq(false), imports::rows_read.eq(0)))
            .execute(conn)?;
    }
    Ok(moved)
}

/// Remembers who acted last: what the worker does next, it does for them.
pub fn acted(conn: &mut Conn, id: ImportId, by: StaffId) -> QueryResult<()> {
    one_row(diesel::update(imports::table.find(id)).set(imports::acted_by.eq(by)).execute(conn)?)
}

pub fn confirm_encoding(conn: &mut Conn, id: ImportId) -> QueryResult<()> {
    one_row(diesel::update(imports::table.find(id)).set(imports::confirmed.eq(true)).execute(conn)?)
}

/// Asks the worker to stop; it does at the next few thousand rows.
pub fn ask_to_stop(conn: &mut Conn, id: ImportId) -> QueryResult<()> {
    one_row(diesel::update(imports::table.find(id)).set(imports::stop_asked.eq(true)).execute(conn)?)
}

/// An import with work to do on which nobody works.
macro_rules! due {
    ($now:expr) => {
        imports::table
            .filter(imports::state.eq_any(ImportState::AT_WORK))
            .filter(imports::lease_until.is_null().or(imports::lease_until.lt($now)))
    };
}

pub fn is_some_due(conn: &mut Conn, now: NaiveDateTime) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(due!(now))).get_result(conn)
}

/// Takes the oldest import that is due under a lease, and says whether another worker had begun it and is gone.
pub fn claim(conn: &mut Conn, lease: &str, now: NaiveDateTime) -> QueryResult<Option<(Import, bool)>> {
    let next: Option<(ImportId, Option<String>)> =
        due!(now).order(imports::id).select((imports::id, imports::lease)).first(conn).optional()?;
    let Some((id, gone)) = next else { return Ok(None) };
    // Another worker may have been quicker.
    let taken = diesel::update(due!(now).filter(imports::id.eq(id)))
        .set((imports::lease.eq(lease), imports::lease_until.eq(now + LEASE)))
        .execute(conn)?;
    if taken == 1 { Ok(Some((get(conn, id)?, gone.is_some()))) } else { Ok(None) }
}

/// Says that the worker lives, while it does something long.
pub fn renew(conn: &mut Conn, id: ImportId, lease: &str, now: NaiveDateTime) -> QueryResult<()> {
    let own = imports::table.find(id).filter(imports::lease.eq(lease));
    diesel::update(own).set(imports::lease_until.eq(now + LEASE)).execute(conn)?;
    Ok(())
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = imports)]
pub struct Progress {
    pub rows_total: i64,
    pub rows_read: i64,
    pub rows_written: i64,
}

/// Says that the worker lives and how far it is. Returns whether it may go on: nobody asked it to stop, and nobody else
/// took its place.
pub fn go_on(conn: &mut Conn, id: ImportId, lease: &str, progress: Progress, now: NaiveDateTime) -> QueryResult<bool> {
    let own = imports::table.find(id).filter(imports::lease.eq(lease));
    let changed = diesel::update(own).set((progress, imports::lease_until.eq(now + LEASE))).execute(conn)?;
    let stop: Option<bool> = imports::table.find(id).select(imports::stop_asked).first(conn).optional()?;
    Ok(changed == 1 && stop == Some(false))
}

/// What a worker leaves behind when it has finished a step.
#[derive(Default, AsChangeset)]
#[diesel(table_name = imports)]
pub struct Outcome {
    pub layouts: Option<String>,
    pub layouts_remembered: Option<bool>,
    pub encoding: Option<Option<Encoding>>,
    pub needs_confirmation: Option<bool>,
    pub fault: Option<Option<FileFault>>,
    pub base: Option<i64>,
    pub rows_total: Option<i64>,
    pub rows_read: Option<i64>,
    pub rows_written: Option<i64>,
    pub rechecked: Option<i64>,
    pub kept: Option<i64>,
    pub note: Option<Option<String>>,
    #[diesel(embed)]
    pub counts: Option<Counts>,
}

/// Ends a step: the new state, what came out, and no lease any more. Fails when somebody else holds the lease: then
/// nothing of the step may stay.
pub fn finish(
    conn: &mut Conn,
    id: ImportId,
    lease: &str,
    state: ImportState,
    outcome: &Outcome,
    now: NaiveDateTime,
) -> QueryResult<()> {
    let own = imports::table.find(id).filter(imports::lease.eq(lease));
    let changed = diesel::update(own)
        .set((
            outcome,
            imports::state.eq(state),
            imports::at.eq(now),
            imports::stop_asked.eq(false),
            imports::lease.eq(None::<String>),
            imports::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    one_row(changed)
}

/// Lets go of an import that is left as it is, for the next worker.
pub fn let_go(conn: &mut Conn, id: ImportId, lease: &str) -> QueryResult<()> {
    diesel::update(imports::table.find(id).filter(imports::lease.eq(lease)))
        .set((imports::lease.eq(None::<String>), imports::lease_until.eq(None::<NaiveDateTime>)))
        .execute(conn)?;
    Ok(())
}

/// What was remembered for the first of these headings that is known.
pub fn remembered(conn: &mut Conn, kind: Kind, headings: &[String]) -> QueryResult<Vec<(String, String)>> {
    import_layouts::table
        .filter(import_layouts::kind.eq(kind))
        .filter(import_layouts::heading.eq_any(headings))
        .select((import_layouts::heading, import_layouts::layout))
        .load(conn)
}

pub fn forget(conn: &mut Conn, kind: Kind, headings: &[String]) -> QueryResult<()> {
    let of = import_layouts::table.filter(import_layouts::kind.eq(kind));
    diesel::delete(of.filter(import_layouts::heading.eq_any(headings))).execute(conn)?;
    Ok(())
}

pub fn remember(conn: &mut Conn, kind: Kind, heading: &str, layout: &str, now: NaiveDateTime) -> QueryResult<()> {
    on_backend!(conn, c => diesel::insert_into(import_layouts::table)
        .values((
            import_layouts::kind.eq(kind),
            import_layouts::heading.eq(heading),
            import_layouts::layout.eq(layout),
            import_layouts::saved_at.eq(now),
        ))
        .on_conflict((import_layouts::kind, import_layouts::heading))
        .do_update()
        .set((import_layouts::layout.eq(layout), import_layouts::saved_at.eq(now)))
        .execute(c))?;
    Ok(())
}

/// What an import did to one row of a table: JSON values before and after.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = import_rows, treat_none_as_default_value = false)]
pub struct Written {
    pub import_id: ImportId,
    pub key: String,
    pub row_id: i64,
    pub before: Option<String>,
    pub after: String,
}

pub fn add_written(conn: &mut Conn, rows: &[Written]) -> QueryResult<()> {
    for batch in rows.chunks(5_000) {
        on_backend!(conn, c => diesel::insert_into(import_rows::table).values(batch).execute(c))?;
    }
    Ok(())
}

/// What an import wrote, last first.
pub fn written(conn: &mut Conn, id: ImportId) -> QueryResult<Vec<Written>> {
    import_rows::table
        .filter(import_rows::import_id.eq(id))
        .order(import_rows::id.desc())
        .select(Written::as_select())
        .load(conn)
}

/// Those of the keys that an import of the very same file has written and still holds.
pub fn written_by_same_file(conn: &mut Conn, kind: Kind, sha256: &str, keys: &[&str]) -> QueryResult<Vec<String>> {
    import_rows::table
        .inner_join(imports::table)
        .filter(imports::kind.eq(kind))
        .filter(imports::sha256.eq(sha256))
        .filter(imports::state.eq(ImportState::Applied))
        .filter(import_rows::key.eq_any(keys))
        .select(import_rows::key)
        .load(conn)
}

/// Imports whose files may go: they reached their end, or wait for a person, since before `before`.
pub fn settled_before(conn: &mut Conn, before: NaiveDateTime) -> QueryResult<Vec<ImportId>> {
    imports::table
        .filter(imports::has_files)
        .filter(imports::state.ne_all(ImportState::AT_WORK))
        .filter(imports::at.lt(before))
        .select(imports::id)
        .load(conn)
}

pub fn files_removed(conn: &mut Conn, id: ImportId) -> QueryResult<()> {
    one_row(diesel::update(imports::table.find(id)).set(imports::has_files.eq(false)).execute(conn)?)
}
