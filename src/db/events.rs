//! The history. Rows are only ever added; the database itself refuses to change or delete one.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Conn;
use super::schema::{events, staff};
use crate::domain::event::EventKind;
use crate::domain::ids::{ApplicationId, StaffId};

/// What happened: who, what, when, from where, before and after (JSON).
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    pub application: Option<ApplicationId>,
    pub staff: Option<StaffId>,
    pub kind: EventKind,
    pub at: NaiveDateTime,
    /// The network address of the person.
    pub address: Option<&'a str>,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// The columns of an event.
macro_rules! recorded {
    ($event:expr) => {
        (
            events::application_id.eq($event.application),
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
    let latest = |conn: &mut Conn, looks: bool| -> QueryResult<Vec<(i64, Event)>> {
        let query = events::table
            .left_join(staff::table)
            .filter(events::application_id.eq(id))
            .order(events::id.desc())
            .limit(limit)
            .select((
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
            ));
        if looks {
            query.filter(events::kind.eq(EventKind::Viewed)).load(conn)
        } else {
            query.filter(events::kind.ne(EventKind::Viewed)).load(conn)
        }
    };
    let mut all = latest(conn, true)?;
    all.extend(latest(conn, false)?);
    all.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    Ok(all.into_iter().map(|(_, event)| event).collect())
}
