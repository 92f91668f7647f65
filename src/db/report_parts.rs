//! What reports count that no tally has: the reasons of rejections, and how soon each officer decides.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text};

use super::schema::{agencies, staff};
use super::tallies::within;
use super::{Conn, tallies};
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::names::sort_key;
use crate::domain::permission::Scope;
use crate::domain::report::Period;
use crate::domain::report::officers::Officer;
use crate::domain::report::reasons::key;
use crate::on_backend;

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

/// Each spelling of a reason for which something was rejected, and how often.
pub fn reasons(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<Vec<(String, i64)>> {
    let (within, id) = within(scope);
    let text = format!(
        "SELECT COALESCE(reason, '') AS reason, count(*) AS times FROM stays \
         WHERE left_as = 'rejected' AND {within} AND left_day >= $2 AND left_day <= $3 GROUP BY reason"
    );
    let written: Vec<Written> = period_query(conn, &text, id, period)?;
    Ok(written.into_iter().map(|it| (it.reason, it.times)).collect())
}

/// The spellings of a scope and period that count as the same reason as this one.
pub fn spellings(conn: &mut Conn, scope: Scope, period: Period, reason: &str) -> QueryResult<Vec<String>> {
    let same = key(reason);
    let written = reasons(conn, scope, period)?;
    Ok(written.into_iter().map(|(spelling, _)| spelling).filter(|spelling| key(spelling) == same).collect())
}

#[derive(QueryableByName)]
struct Decided {
    #[diesel(sql_type = BigInt)]
    staff_id: StaffId,
    #[diesel(sql_type = Integer)]
    hours: i32,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

/// After how many hours each member of staff decided, and how often after so many.
fn hours(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<HashMap<StaffId, Vec<(i32, i64)>>> {
    let (within, id) = within(scope);
    // Of the country most stays count: SQLite would look each up by its day instead of walking over the index that has it all.
    let by = if matches!((&*conn, scope), (Conn::Sqlite(_), Scope::Country)) { "INDEXED BY stays_hours" } else { "" };
    let text = format!(
        "SELECT staff_id, COALESCE(hours, 0) AS hours, count(*) AS times FROM stays {by} \
         WHERE staff_id IS NOT NULL AND {within} AND left_day >= $2 AND left_day <= $3 GROUP BY staff_id, hours"
    );
    let decided: Vec<Decided> = period_query(conn, &text, id, period)?;
    let mut hours: HashMap<_, Vec<_>> = HashMap::new();
    for it in decided {
        hours.entry(it.staff_id).or_default().push((it.hours, it.times));
    }
    Ok(hours)
}

/// Runs a query over stays with $1 for the scope, $2 and $3 for the first and the last day.
fn period_query<T>(conn: &mut Conn, text: &str, id: Option<AgencyId>, period: Period) -> QueryResult<Vec<T>>
where
    T: diesel::deserialize::QueryableByName<diesel::sqlite::Sqlite>
        + diesel::deserialize::QueryableByName<diesel::pg::Pg>
        + 'static,
{
    let (first, last): (NaiveDate, NaiveDate) = (period.first(), period.last());
    on_backend!(conn, c => sql_query(text)
        .bind::<Nullable<BigInt>, _>(id.map(|id| id.0))
        .bind::<Date, _>(first)
        .bind::<Date, _>(last)
        .load(c))
}

/// The name and the office of a member of staff, also of one who is locked.
pub fn officer(conn: &mut Conn, id: StaffId) -> QueryResult<(String, AgencyId, Option<AgencyId>)> {
    let row = staff::table.inner_join(agencies::table).filter(staff::id.eq(id));
    row.select((staff::name, agencies::id, agencies::province_id)).first(conn)
}

/// Who decided something, by name.
pub fn officers(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<Vec<Officer>> {
    let counts = tallies::by_staff(conn, scope, period)?;
    let mut hours = hours(conn, scope, period)?;
    let names: Vec<(StaffId, String, String)> =
        staff::table.inner_join(agencies::table).select((staff::id, staff::name, agencies::name)).load(conn)?;
    let mut officers: Vec<_> = names
        .into_iter()
        .filter_map(|(id, name, office)| {
            let counts = *counts.get(&id)?;
            Some(Officer { id, name, office, counts, hours: hours.remove(&id).unwrap_or_default() })
        })
        .collect();
    officers.sort_by_cached_key(|it| (sort_key(&it.name), it.id.0));
    Ok(officers)
}
