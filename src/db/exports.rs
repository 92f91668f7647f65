//! What was taken out as a file. A list is written by a worker that holds a lease; whatever it records, it records under that
//! lease. The event stands in the transaction that lets the file out, so that none can be had without it.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::Serialize;

use super::events::{NewEvent, add};
use super::schema::exports;
use super::{Conn, one_row};
use crate::domain::event::EventKind;
use crate::domain::export::{AT_ONCE, ATTEMPTS, ExportState, Format, KEPT, Subject};
use crate::domain::ids::{ExportId, StaffId};
use crate::domain::permission::Scope;
use crate::domain::report::{Figure, Request};
use crate::domain::to_json;
use crate::on_backend;

/// For how long a worker that says nothing is believed to be alive.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);

pub struct NewExport<'a> {
    pub staff: StaffId,
    pub scope: Scope,
    pub subject: &'a Subject,
    pub format: Format,
    /// Why codes, ID numbers and telephones are shown in full, when they are.
    pub in_full: Option<&'a str>,
    pub address: Option<&'a str>,
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = exports)]
pub struct Export {
    pub id: ExportId,
    pub staff_id: StaffId,
    scope: String,
    subject: String,
    pub format: Format,
    pub in_full: bool,
    pub reason: Option<String>,
    pub state: ExportState,
    pub rows_done: i64,
    pub rows_total: i64,
    pub lease: Option<String>,
    pub bytes: i64,
    pub address: Option<String>,
    pub created_at: NaiveDateTime,
    pub at: NaiveDateTime,
}

impl Export {
    /// What it is of; none when another version of the program wrote what this one cannot read.
    pub fn subject(&self) -> Option<Subject> {
        serde_json::from_str(&self.subject).ok()
    }

    /// Whose applications its maker saw.
    pub fn scope(&self) -> Scope {
        serde_json::from_str(&self.scope).unwrap_or(Scope::Nothing)
    }

    /// Until when it can be downloaded.
    pub fn kept_until(&self) -> NaiveDateTime {
        self.at + KEPT
    }
}

fn insert(
    conn: &mut Conn,
    new: &NewExport<'_>,
    state: ExportState,
    rows: i64,
    now: NaiveDateTime,
) -> QueryResult<ExportId> {
    on_backend!(conn, c => diesel::insert_into(exports::table)
        .values((
            exports::staff_id.eq(new.staff),
            exports::scope.eq(to_json(&new.scope)),
            exports::subject.eq(to_json(new.subject)),
            exports::format.eq(new.format),
            exports::in_full.eq(new.in_full.is_some()),
            exports::reason.eq(new.in_full),
            exports::state.eq(state),
            exports::rows_done.eq(rows),
            exports::rows_total.eq(rows),
            exports::attempts.eq(0),
            exports::bytes.eq(0),
            exports::address.eq(new.address),
            exports::created_at.eq(now),
            exports::at.eq(now),
        ))
        .returning(exports::id)
        .get_result(c))
}

/// Asks for a list; none when this person has [`AT_ONCE`] in the making.
pub fn queue(conn: &mut Conn, new: &NewExport<'_>, now: NaiveDateTime) -> QueryResult<Option<ExportId>> {
    let open: i64 = exports::table
        .filter(exports::staff_id.eq(new.staff))
        .filter(exports::state.eq_any(ExportState::AT_WORK))
        .count()
        .get_result(conn)?;
    if open >= AT_ONCE { Ok(None) } else { insert(conn, new, ExportState::Queued, 0, now).map(Some) }
}

/// A report that goes out at once, with its event.
pub fn sent(conn: &mut Conn, new: &NewExport<'_>, rows: i64, now: NaiveDateTime) -> QueryResult<ExportId> {
    let id = insert(conn, new, ExportState::Sent, rows, now)?;
    let export = exports::table.find(id).select(Export::as_select()).first(conn)?;
    tell(conn, &export, rows, now)?;
    Ok(id)
}

/// What the history says of an export: nothing of a person, so of a rejection's reason only that there was one.
#[derive(Serialize)]
struct Told<'a> {
    number: ExportId,
    #[serde(flatten)]
    what: What,
    format: Format,
    in_full: bool,
    reason: Option<&'a str>,
    rows: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    List { figure: Figure, of_a_reason: bool },
    Report(Request),
    Unknown,
}

fn tell(conn: &mut Conn, export: &Export, rows: i64, now: NaiveDateTime) -> QueryResult<()> {
    let what = match export.subject() {
        Some(Subject::List(figure)) => {
            let of_a_reason = figure.reason.is_some();
            What::List { figure: Figure { reason: None, ..figure }, of_a_reason }
        }
        Some(Subject::Report(request)) => What::Report(request),
        None => What::Unknown,
    };
    let (format, in_full, reason) = (export.format, export.in_full, export.reason.as_deref());
    let event = NewEvent {
        application: None,
        account: None,
        staff: Some(export.staff_id),
        kind: EventKind::Exported,
        at: now,
        address: export.address.as_deref(),
        before: None,
        after: Some(to_json(&Told { number: export.id, what, format, in_full, reason, rows })),
    };
    add(conn, &event)
}

/// A person's exports, the newest first.
pub fn of(conn: &mut Conn, staff: StaffId, limit: i64) -> QueryResult<Vec<Export>> {
    exports::table
        .filter(exports::staff_id.eq(staff))
        .order(exports::id.desc())
        .limit(limit)
        .select(Export::as_select())
        .load(conn)
}

pub fn find(conn: &mut Conn, staff: StaffId, id: ExportId) -> QueryResult<Option<Export>> {
    let own = exports::table.find(id).filter(exports::staff_id.eq(staff));
    own.select(Export::as_select()).first(conn).optional()
}

/// A list to be written on which nobody works.
macro_rules! due {
    ($now:expr) => {
        exports::table
            .filter(exports::state.eq_any(ExportState::AT_WORK))
            .filter(exports::lease_until.is_null().or(exports::lease_until.lt($now)))
    };
}

/// Takes the oldest list that is due under a lease. One over which processes died again and again is given up.
pub fn claim(conn: &mut Conn, lease: &str, now: NaiveDateTime) -> QueryResult<Option<Export>> {
    diesel::update(due!(now).filter(exports::attempts.ge(ATTEMPTS)))
        .set((exports::state.eq(ExportState::Failed), exports::at.eq(now)))
        .execute(conn)?;
    let next: Option<ExportId> = due!(now).order(exports::id).select(exports::id).first(conn).optional()?;
    let Some(id) = next else { return Ok(None) };
    // Another worker may have been quicker.
    let taken = diesel::update(due!(now).filter(exports::id.eq(id)))
        .set((
            exports::state.eq(ExportState::Writing),
            exports::rows_done.eq(0),
            exports::rows_total.eq(0),
            exports::attempts.eq(exports::attempts + 1),
            exports::lease.eq(lease),
            exports::lease_until.eq(now + LEASE),
        ))
        .execute(conn)?;
    if taken == 0 {
        return Ok(None);
    }
    exports::table.find(id).select(Export::as_select()).first(conn).optional()
}

pub fn is_some_due(conn: &mut Conn, now: NaiveDateTime) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(due!(now))).get_result(conn)
}

/// What the worker under this lease writes.
macro_rules! held {
    ($id:expr, $lease:expr) => {
        exports::table.find($id).filter(exports::lease.eq($lease)).filter(exports::state.eq(ExportState::Writing))
    };
}

/// Says that the worker lives and how far it is. Returns whether it may go on: it was not cancelled, and nobody else took its
/// place.
pub fn go_on(
    conn: &mut Conn,
    id: ExportId,
    lease: &str,
    (done, total): (i64, i64),
    now: NaiveDateTime,
) -> QueryResult<bool> {
    let changed = diesel::update(held!(id, lease))
        .set((exports::rows_done.eq(done), exports::rows_total.eq(total), exports::lease_until.eq(now + LEASE)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The file is complete: lets it out, with its event.
pub fn finish(
    conn: &mut Conn,
    export: &Export,
    lease: &str,
    rows: i64,
    bytes: i64,
    now: NaiveDateTime,
) -> QueryResult<()> {
    let changed = diesel::update(held!(export.id, lease))
        .set((
            exports::state.eq(ExportState::Ready),
            exports::rows_done.eq(rows),
            exports::rows_total.eq(rows),
            exports::bytes.eq(bytes),
            exports::lease_until.eq(None::<NaiveDateTime>),
            exports::at.eq(now),
        ))
        .execute(conn)?;
    one_row(changed)?;
    tell(conn, export, rows, now)
}

/// Another worker begins anew: this process is to end.
pub fn let_go(conn: &mut Conn, id: ExportId, lease: &str) -> QueryResult<()> {
    diesel::update(held!(id, lease))
        .set((
            exports::state.eq(ExportState::Queued),
            exports::attempts.eq(exports::attempts - 1),
            exports::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn fail(conn: &mut Conn, id: ExportId, lease: &str, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(held!(id, lease))
        .set((exports::state.eq(ExportState::Failed), exports::at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Its maker needs it no more; false when it is not in the making. The worker notices within a second.
pub fn cancel(conn: &mut Conn, staff: StaffId, id: ExportId, now: NaiveDateTime) -> QueryResult<bool> {
    let own = exports::table.find(id).filter(exports::staff_id.eq(staff));
    let changed = diesel::update(own.filter(exports::state.eq_any(ExportState::AT_WORK)))
        .set((exports::state.eq(ExportState::Cancelled), exports::at.eq(now)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Those whose time is over.
pub fn outlived(conn: &mut Conn, now: NaiveDateTime) -> QueryResult<Vec<ExportId>> {
    exports::table
        .filter(exports::state.eq(ExportState::Ready))
        .filter(exports::at.le(now - KEPT))
        .select(exports::id)
        .load(conn)
}

pub fn removed(conn: &mut Conn, id: ExportId, now: NaiveDateTime) -> QueryResult<()> {
    let ready = exports::table.find(id).filter(exports::state.eq(ExportState::Ready));
    diesel::update(ready).set((exports::state.eq(ExportState::Removed), exports::at.eq(now))).execute(conn)?;
    Ok(())
}

/// Whether a file may still be needed: it can be downloaded, or somebody writes it.
pub fn is_kept(conn: &mut Conn, id: ExportId, lease: &str) -> QueryResult<bool> {
    let of = exports::table.find(id).filter(exports::lease.eq(lease));
    let kept = of.filter(exports::state.eq_any([ExportState::Ready, ExportState::Writing]));
    diesel::select(diesel::dsl::exists(kept)).get_result(conn)
}
