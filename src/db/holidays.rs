//! The days on which offices are closed.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::Conn;
use super::schema::holidays;
use crate::domain::deadline::Calendar;

/// Day and name, in order.
pub fn all(conn: &mut Conn) -> QueryResult<Vec<(NaiveDate, String)>> {
    holidays::table.order(holidays::day).load(conn)
}

pub fn calendar(conn: &mut Conn) -> QueryResult<Calendar> {
    Ok(Calendar::of(holidays::table.select(holidays::day).load::<NaiveDate>(conn)?))
}
