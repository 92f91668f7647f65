//! The history. Rows are only ever added; the database itself refuses to change or delete one.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Conn;
use super::schema::{events, staff};
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, ApplicationId, StaffId};

/// What happened: who, what, when, from where, before and after (JSON).
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    pub application: Option<ApplicationId>,
    pub account: Option<AccountId>,
    pub staff: Option<StaffId>,
    pub kind: EventKind,
    pub at: NaiveDateTime,
    /// The network address of the person.
    pub address: Option<&'a str>,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Who does something, when and from where.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    pub staff: StaffId,
    pub at: NaiveDateTime,
    pub address: Option<&'a str>,
}

/// The columns of an event.
macro_rules! recorded {
    ($event:expr) => {
        (
            events::application_id.eq($event.application),
            events::account_id.eq($event.account),
            events::staff_id.eq($event.staff),
            events::kind.eq($event.kind),
            events::at.eq($event.at),
            events::address.eq($event.address),
            events::before.eq($event.before.as_ref()),
            events::after.eq($event.after.as_ref()),
        )
    };
}
pub(super) use recorded;

/// The latest events of one thing, looks and others apart.
macro_rules! latest {
    ($conn:expr, $of:expr, $look:expr, $limit:expr) => {{
        let select = (
            events::id,
            (
                events::kind,
                events::at,
                events::address,
                events::before,
                events::after,
                events::staff_id,
                staff::name.nullable(),
            ),
        );
        let query = || events::table.left_join(staff::table).filter($of).order(events::id.desc()).limit($limit);
        let mut all: Vec<(i64, Event)> = query().filter(events::kind.eq($look)).select(select).load($conn)?;
        all.extend(query().filter(events::kind.ne($look)).select(select).load::<(i64, Event)>($conn)?);
        all.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        Ok(all.into_iter().map(|(_, event)| event).collect())
    }};
}

pub fn add(conn: &mut Conn, event: &NewEvent<'_>) -> QueryResult<()> {
    diesel::insert_into(events::table).values(recorded!(event)).execute(conn)?;
    Ok(())
}

#[derive(Queryable)]
pub struct Event {
    pub kind: EventKind,
    pub at: NaiveDateTime,
    pub address: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub staff_id: Option<StaffId>,
    pub staff_name: Option<String>,
}

/// An application's latest events, newest first: up to `limit` looks and up to `limit` others, so that much looking hides no
/// decision.
pub fn of_application(conn: &mut Conn, id: ApplicationId, limit: i64) -> QueryResult<Vec<Event>> {
    latest!(conn, events::application_id.eq(id), EventKind::Viewed, limit)
}

/// As [`of_application`], of an account.
pub fn of_account(conn: &mut Conn, id: AccountId, limit: i64) -> QueryResult<Vec<Event>> {
    latest!(conn, events::account_id.eq(id), EventKind::AccountViewed, limit)
}

/// From where and to where an application was last moved, and when.
pub fn last_move(conn: &mut Conn, id: ApplicationId) -> QueryResult<Option<(String, String, NaiveDateTime)>> {
    #[derive(serde::Deserialize)]
    struct Office {
        agency: String,
    }
    let row: Option<(Option<String>, Option<String>, NaiveDateTime)> = events::table
        .filter(events::application_id.eq(id))
        .filter(events::kind.eq(EventKind::Moved))
        .order(events::id.desc())
        .select((events::before, events::after, events::at))
        .first(conn)
        .optional()?;
    let office = |json: Option<String>| Some(serde_json::from_str::<Office>(&json?).ok()?.agency);
    Ok(row.and_then(|(before, after, at)| Some((office(before)?, office(after)?, at))))
}

/// When one of these last happened to an account since then.
pub fn last_of(
    conn: &mut Conn,
    id: AccountId,
    kinds: &[EventKind],
    since: NaiveDateTime,
) -> QueryResult<Option<NaiveDateTime>> {
    events::table
        .filter(events::account_id.eq(id))
        .filter(events::kind.eq_any(kinds))
        .filter(events::at.gt(since))
        .select(diesel::dsl::max(events::at))
        .first(conn)
}

/// When this was done with an account since then.
pub fn times(conn: &mut Conn, id: AccountId, kind: EventKind, since: NaiveDateTime) -> QueryResult<Vec<NaiveDateTime>> {
    events::table
        .filter(events::account_id.eq(id))
        .filter(events::kind.eq(kind))
        .filter(events::at.gt(since))
        .select(events::at)
        .load(conn)
}
