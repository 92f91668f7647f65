//! The days on which offices are closed, and the deadlines that depend on them.
//!
//! A change of the days is followed in the same transaction by the deadlines that it surely touches, up to a number that lets
//! nobody wait. That all have followed is known by two counters in `meta`: a worker that finds them unequal looks at every open
//! application again, whatever died in between.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::prelude::*;

use super::schema::{applications, holidays, meta};
use super::{Conn, one_row};
use crate::domain::application::Status;
use crate::domain::dates::from_hanoi;
use crate::domain::deadline::Calendar;
use crate::domain::holiday::Holiday;
use crate::domain::ids::ApplicationId;
use crate::on_backend;

/// In order.
pub fn all(conn: &mut Conn) -> QueryResult<Vec<Holiday>> {
    let days: Vec<(NaiveDate, String)> = holidays::table.order(holidays::day).load(conn)?;
    Ok(days.into_iter().map(|(day, name)| Holiday { day, name }).collect())
}

pub fn calendar(conn: &mut Conn) -> QueryResult<Calendar> {
    Ok(Calendar::of(holidays::table.select(holidays::day).load::<NaiveDate>(conn)?))
}

/// Adds a day. False when it is there already.
pub fn add(conn: &mut Conn, holiday: &Holiday) -> QueryResult<bool> {
    let added = on_backend!(conn, c => diesel::insert_into(holidays::table)
        .values((holidays::day.eq(holiday.day), holidays::name.eq(&holiday.name)))
        .on_conflict_do_nothing()
        .execute(c))?;
    if added == 1 {
        next_revision(conn)?;
    }
    Ok(added == 1)
}

/// Removes a day. None when it is not there any more.
pub fn remove(conn: &mut Conn, day: NaiveDate) -> QueryResult<Option<Holiday>> {
    let row = holidays::table.find(day);
    let Some(name) = row.select(holidays::name).first(conn).optional()? else { return Ok(None) };
    if diesel::delete(row).execute(conn)? == 0 {
        return Ok(None);
    }
    next_revision(conn)?;
    Ok(Some(Holiday { day, name }))
}

const REVISION: &str = "holidays_revision";
const FOLLOWED: &str = "due_at_revision";

fn next_revision(conn: &mut Conn) -> QueryResult<()> {
    let next = "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'holidays_revision'";
    one_row(diesel::sql_query(next).execute(conn)?)
}

/// The holidays' revision, when the deadlines have not followed it yet.
pub fn unfollowed(conn: &mut Conn) -> QueryResult<Option<String>> {
    let value = |key: &'static str| meta::table.find(key).select(meta::value);
    let revision: String = value(REVISION).first(conn)?;
    let followed: String = value(FOLLOWED).first(conn)?;
    Ok((revision != followed).then_some(revision))
}

/// Notes that all deadlines have followed this revision. Of two workers the slower may set it back: then all are looked at once
/// more.
pub fn set_followed(conn: &mut Conn, revision: &str) -> QueryResult<()> {
    one_row(diesel::update(meta::table.find(FOLLOWED)).set(meta::value.eq(revision)).execute(conn)?)
}

/// An application that waits for its decision, and until when.
#[derive(Queryable)]
pub struct Waiting {
    pub id: ApplicationId,
    submitted_at: NaiveDateTime,
    received_at: Option<NaiveDateTime>,
    due_at: NaiveDateTime,
}

/// Applications that were received and wait for their decision.
#[diesel::dsl::auto_type(no_type_alias)]
fn waiting() -> _ {
    let open: [Status; 2] = [Status::Pending, Status::AwaitingCode];
    applications::table
        .filter(applications::status.eq_any(open))
        .filter(applications::received_at.is_not_null())
        .order(applications::id)
        .select((applications::id, applications::submitted_at, applications::received_at, applications::due_at))
}

/// Those of which a change of this day can move the deadline: received before it, due on it or after it.
pub fn waiting_around(conn: &mut Conn, day: NaiveDate, limit: i64) -> QueryResult<Vec<Waiting>> {
    let begin = from_hanoi(day, NaiveTime::MIN);
    waiting().filter(applications::received_at.lt(begin)).filter(applications::due_at.ge(begin)).limit(limit).load(conn)
}

/// All of them, behind `after`.
pub fn waiting_after(conn: &mut Conn, after: ApplicationId, limit: i64) -> QueryResult<Vec<Waiting>> {
    waiting().filter(applications::id.gt(after)).limit(limit).load(conn)
}

/// Lets deadlines follow the calendar; returns how many moved. The version stays: an officer's open form is not disturbed. An
/// application that was decided or reopened since it was read has its deadline by the calendar already.
pub fn follow(conn: &mut Conn, waiting: &[Waiting]) -> QueryResult<usize> {
    let calendar = calendar(conn)?;
    let mut moved = 0;
    for Waiting { id, submitted_at, received_at, due_at } in waiting {
        let by_calendar = calendar.due_at(*submitted_at, *received_at);
        if by_calendar != *due_at {
            let as_it_was = applications::table
                .filter(applications::id.eq(id))
                .filter(applications::status.eq_any([Status::Pending, Status::AwaitingCode]))
                .filter(applications::received_at.eq(received_at));
            moved += diesel::update(as_it_was).set(applications::due_at.eq(by_calendar)).execute(conn)?;
        }
    }
    Ok(moved)
}
