//! How many accounts each agency shall have, and until when.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::{agencies, meta, staff, targets};
use super::{Conn, one_row};
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::permission::Scope;
use crate::domain::report::coverage::Target;

/// A target as it was set.
pub struct Set {
    pub agency: AgencyId,
    pub target: Target,
    pub by: String,
    pub at: NaiveDateTime,
}

/// The targets of the agencies of a scope, by the day they are to be reached on.
pub fn all(conn: &mut Conn, scope: Scope) -> QueryResult<Vec<Set>> {
    type Row = (AgencyId, Option<AgencyId>, NaiveDate, i64, String, NaiveDateTime);
    // Some for each agency: whose they are is asked afterwards.
    let rows: Vec<Row> = targets::table
        .inner_join(agencies::table)
        .inner_join(staff::table)
        .order((targets::until, targets::agency_id))
        .select((
            targets::agency_id,
            agencies::province_id,
            targets::until,
            targets::accounts,
            staff::name,
            targets::set_at,
        ))
        .load(conn)?;
    let within = rows.into_iter().filter(|row| scope.covers(row.0, row.1));
    let set = |(agency, _, until, accounts, by, at): Row| Set { agency, target: Target { until, accounts }, by, at };
    Ok(within.map(set).collect())
}

/// The same by agency, without who set them.
pub fn of(conn: &mut Conn, scope: Scope) -> QueryResult<HashMap<AgencyId, Vec<Target>>> {
    let mut by_agency: HashMap<AgencyId, Vec<Target>> = HashMap::new();
    for set in all(conn, scope)? {
        by_agency.entry(set.agency).or_default().push(set.target);
    }
    Ok(by_agency)
}

/// Sets, replaces (by `Some`) or removes the target of an agency and day.
pub fn put(
    conn: &mut Conn,
    (agency, until): (AgencyId, NaiveDate),
    accounts: Option<i64>,
    (by, at): (StaffId, NaiveDateTime),
) -> QueryResult<()> {
    diesel::delete(targets::table.find((agency, until))).execute(conn)?;
    let Some(accounts) = accounts else { return Ok(()) };
    let new = diesel::insert_into(targets::table).values((
        targets::agency_id.eq(agency),
        targets::until.eq(until),
        targets::accounts.eq(accounts),
        targets::set_by.eq(by),
        targets::set_at.eq(at),
    ));
    one_row(new.execute(conn)?)
}

/// Lets one person at a time change targets: another who asks for this waits until this transaction ends.
pub fn lock(conn: &mut Conn) -> QueryResult<()> {
    one_row(diesel::update(meta::table.find("targets")).set(meta::value.eq("")).execute(conn)?)
}
