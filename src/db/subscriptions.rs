//! Reports that are sent by e-mail, again and again. A worker sends one under a lease and moves it on to its next time in the
//! same transaction in which it says that it was sent: at least once, a process that dies between the two sends it again with
//! the same number and the same Message-ID.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::schema::{agencies, staff, subscriptions};
use super::{Conn, one_row};
use crate::domain::ids::{AgencyId, ExportId, StaffId, SubscriptionId};
use crate::domain::report::Kind;
use crate::domain::subscription::{Every, Fault, MOST, Schedule};

/// For how long a worker has one to itself: longer than making a report and a mail server's deadline.
const LEASE: TimeDelta = TimeDelta::minutes(3);

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = subscriptions)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub staff_id: StaffId,
    pub kind: Kind,
    pub agency_id: Option<AgencyId>,
    every: Every,
    on_day: i32,
    minute: i32,
    /// For when the next one is meant (UTC).
    pub due_at: NaiveDateTime,
    pub tries: i32,
    pub export_id: Option<ExportId>,
    pub sent_at: Option<NaiveDateTime>,
    pub fault: Option<Fault>,
}

impl Subscription {
    pub fn schedule(&self) -> Schedule {
        Schedule::stored(self.every, self.on_day, self.minute)
    }
}

/// A person's, with the names of the agencies.
pub fn of(conn: &mut Conn, who: StaffId) -> QueryResult<Vec<(Subscription, Option<String>)>> {
    subscriptions::table
        .left_join(agencies::table.on(subscriptions::agency_id.eq(agencies::id.nullable())))
        .filter(subscriptions::staff_id.eq(who))
        .filter(subscriptions::stopped_at.is_null())
        .order(subscriptions::id)
        .select((Subscription::as_select(), agencies::name.nullable()))
        .load(conn)
}

/// False when this person has [`MOST`].
pub fn add(
    conn: &mut Conn,
    who: StaffId,
    kind: Kind,
    agency: Option<AgencyId>,
    schedule: &Schedule,
    now: NaiveDateTime,
) -> QueryResult<bool> {
    let own = subscriptions::table.filter(subscriptions::staff_id.eq(who)).filter(subscriptions::stopped_at.is_null());
    if own.count().get_result::<i64>(conn)? >= MOST {
        return Ok(false);
    }
    let ((day, minute), due) = (schedule.parts(), schedule.after(now));
    diesel::insert_into(subscriptions::table)
        .values((
            subscriptions::staff_id.eq(who),
            subscriptions::kind.eq(kind),
            subscriptions::agency_id.eq(agency),
            subscriptions::every.eq(schedule.every),
            subscriptions::on_day.eq(day),
            subscriptions::minute.eq(minute),
            subscriptions::due_at.eq(due),
            subscriptions::next_at.eq(due),
            subscriptions::tries.eq(0),
            subscriptions::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(true)
}

/// False when it is nobody's or somebody else's, or was stopped before.
pub fn stop(conn: &mut Conn, who: StaffId, id: SubscriptionId, now: NaiveDateTime) -> QueryResult<bool> {
    let own = subscriptions::table.find(id).filter(subscriptions::staff_id.eq(who));
    let changed = diesel::update(own.filter(subscriptions::stopped_at.is_null()))
        .set(subscriptions::stopped_at.eq(now))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Where a person's reports go.
pub fn address(conn: &mut Conn, who: StaffId) -> QueryResult<Option<String>> {
    staff::table.find(who).select(staff::email).first(conn)
}

/// What is due and nobody sends.
macro_rules! due {
    ($now:expr) => {
        subscriptions::table
            .filter(subscriptions::stopped_at.is_null())
            .filter(subscriptions::next_at.le($now))
            .filter(subscriptions::lease_until.is_null().or(subscriptions::lease_until.lt($now)))
    };
}

pub fn is_some_due(conn: &mut Conn, now: NaiveDateTime) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(due!(now))).get_result(conn)
}

/// Takes the one that has waited longest under a lease.
pub fn claim(conn: &mut Conn, lease: &str, now: NaiveDateTime) -> QueryResult<Option<Subscription>> {
    let next: Option<SubscriptionId> = due!(now)
        .order((subscriptions::next_at, subscriptions::id))
        .select(subscriptions::id)
        .first(conn)
        .optional()?;
    let Some(id) = next else { return Ok(None) };
    // Another worker may have been quicker.
    let taken = diesel::update(due!(now).filter(subscriptions::id.eq(id)))
        .set((subscriptions::lease.eq(lease), subscriptions::lease_until.eq(now + LEASE)))
        .execute(conn)?;
    if taken == 0 {
        return Ok(None);
    }
    subscriptions::table.find(id).select(Subscription::as_select()).first(conn).optional()
}

macro_rules! held {
    ($id:expr, $lease:expr) => {
        subscriptions::table.find($id).filter(subscriptions::lease.eq($lease))
    };
}

/// The due one has a number now; every try of it has the same.
pub fn numbered(conn: &mut Conn, id: SubscriptionId, lease: &str, export: ExportId) -> QueryResult<()> {
    one_row(diesel::update(held!(id, lease)).set(subscriptions::export_id.eq(export)).execute(conn)?)
}

/// It was sent, or is given up with a reason: moves on to the next time.
pub fn settle(
    conn: &mut Conn,
    of: &Subscription,
    lease: &str,
    fault: Option<Fault>,
    now: NaiveDateTime,
) -> QueryResult<()> {
    // What was due while nothing ran is not made up for: each report would be of the past.
    let next = of.schedule().after(now);
    let changed = diesel::update(held!(of.id, lease))
        .set((
            subscriptions::due_at.eq(next),
            subscriptions::next_at.eq(next),
            subscriptions::tries.eq(0),
            subscriptions::export_id.eq(None::<ExportId>),
            subscriptions::lease.eq(None::<String>),
            subscriptions::lease_until.eq(None::<NaiveDateTime>),
            subscriptions::sent_at.eq(if fault.is_none() { Some(now) } else { of.sent_at }),
            subscriptions::fault.eq(fault),
        ))
        .execute(conn)?;
    one_row(changed)
}

/// It surely or perhaps did not leave: tried again at `at`.
pub fn try_again(conn: &mut Conn, id: SubscriptionId, lease: &str, at: NaiveDateTime) -> QueryResult<()> {
    let changed = diesel::update(held!(id, lease))
        .set((
            subscriptions::next_at.eq(at),
            subscriptions::tries.eq(subscriptions::tries + 1),
            subscriptions::fault.eq(Fault::Retrying),
            subscriptions::lease.eq(None::<String>),
            subscriptions::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    one_row(changed)
}
