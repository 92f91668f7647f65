//! How many accounts each agency had, and when: every account that an agency gains or loses is a row, written in the transaction
//! that brings it about, and never changed. A job adds them up by day and month ([`tally`]); what it has not come to yet is added
//! when somebody asks, so that the answer is exact at every moment.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Date, Nullable};

use super::schema::{account_changes, account_tallies, accounts, events, meta};
use super::stays::Office;
use super::tallies::within;
use super::{Conn, Db, DbError, one_row};
use crate::domain::account::AccountState;
use crate::domain::dates::to_hanoi;
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, AgencyId};
use crate::domain::permission::Scope;
use crate::domain::report::{Grain, Level, first_of};
use crate::on_backend;

/// An account is taken from one agency and given to another; of one that is opened there is no first, of one that is closed no
/// second.
pub fn record(
    conn: &mut Conn,
    account: AccountId,
    (from, to): (Option<Office>, Option<Office>),
    at: NaiveDateTime,
) -> QueryResult<()> {
    if from == to {
        return Ok(());
    }
    let day = to_hanoi(at).date();
    for (office, change) in [(from, -1), (to, 1)] {
        if let Some((agency_id, province_id)) = office {
            let new = Change { account_id: account, agency_id, province_id, day, change };
            diesel::insert_into(account_changes::table).values(new).execute(conn)?;
        }
    }
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = account_changes, treat_none_as_default_value = false)]
struct Change {
    account_id: AccountId,
    agency_id: AgencyId,
    province_id: Option<AgencyId>,
    day: NaiveDate,
    change: i64,
}

/// How many accounts the agencies of a scope had at the end of a day, where any.
pub fn on(conn: &mut Conn, scope: Scope, day: NaiveDate) -> QueryResult<HashMap<AgencyId, i64>> {
    #[derive(QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        agency_id: AgencyId,
        #[diesel(sql_type = BigInt)]
        accounts: i64,
    }
    let (within, id) = within(scope);
    // One statement, so that nothing is tallied between its parts.
    let text = format!(
        "SELECT agency_id, CAST(sum(change) AS BIGINT) AS accounts FROM (\
         SELECT agency_id, change FROM account_tallies WHERE {within} AND level = 'month' AND start < $2 \
         UNION ALL \
         SELECT agency_id, change FROM account_tallies WHERE {within} AND level = 'day' AND start >= $2 AND start <= $3 \
         UNION ALL \
         SELECT agency_id, change FROM account_changes WHERE {within} AND tallied = FALSE AND day <= $3\
         ) AS changes GROUP BY agency_id"
    );
    let sums: Vec<Sum> = on_backend!(conn, c => sql_query(&text)
        .bind::<Nullable<BigInt>, _>(id.map(|id| id.0))
        .bind::<Date, _>(first_of(Grain::Month, day))
        .bind::<Date, _>(day)
        .load(c))?;
    Ok(sums.into_iter().filter(|sum| sum.accounts != 0).map(|sum| (sum.agency_id, sum.accounts)).collect())
}

/// How many changes one transaction tallies.
const BATCH: i64 = 5_000;

/// Tallies all that is new. A batch is one transaction with the marks of what is tallied. Blocks.
pub fn tally_all(db: &Db) -> Result<(), DbError> {
    while db.write(|conn| Ok::<_, DbError>(tally(conn, BATCH)?))? > 0 {}
    Ok(())
}

/// Adds up to `limit` changes to the tallies; returns how many. One process does so at a time.
pub fn tally(conn: &mut Conn, limit: i64) -> QueryResult<usize> {
    type Row = (i64, NaiveDate, AgencyId, Option<AgencyId>, i64);
    lock(conn)?;
    let new: Vec<Row> = account_changes::table
        .filter(diesel::dsl::sql::<Bool>("tallied = FALSE"))
        .order(account_changes::id)
        .limit(limit)
        .select((
            account_changes::id,
            account_changes::day,
            account_changes::agency_id,
            account_changes::province_id,
            account_changes::change,
        ))
        .load(conn)?;
    let ids: Vec<i64> = new.iter().map(|row| row.0).collect();
    diesel::update(account_changes::table.filter(account_changes::id.eq_any(&ids)))
        .set(account_changes::tallied.eq(true))
        .execute(conn)?;
    let mut sums: BTreeMap<(&str, NaiveDate, AgencyId), (Option<AgencyId>, i64)> = BTreeMap::new();
    for (_, day, agency, province, change) in new {
        for (level, start) in [(Level::Day, day), (Level::Month, first_of(Grain::Month, day))] {
            sums.entry((level.code(), start, agency)).or_insert((province, 0)).1 += change;
        }
    }
    let rows: Vec<_> = sums
        .iter()
        .map(|((level, start, agency), (province, change))| {
            (
                account_tallies::level.eq(*level),
                account_tallies::start.eq(start),
                account_tallies::agency_id.eq(agency),
                account_tallies::province_id.eq(province),
                account_tallies::change.eq(change),
            )
        })
        .collect();
    use diesel::upsert::excluded;
    for batch in rows.chunks(5_000) {
        on_backend!(conn, c => diesel::insert_into(account_tallies::table)
            .values(batch)
            .on_conflict((account_tallies::level, account_tallies::start, account_tallies::agency_id))
            .do_update()
            .set(account_tallies::change.eq(account_tallies::change + excluded(account_tallies::change)))
            .execute(c))?;
    }
    Ok(ids.len())
}

/// Lets one transaction at a time change the sums.
fn lock(conn: &mut Conn) -> QueryResult<()> {
    one_row(diesel::update(meta::table.find("account_tallies")).set(meta::value.eq("")).execute(conn)?)
}

/// Throws the tallies away; [`tally`] makes them again.
pub fn forget(conn: &mut Conn) -> QueryResult<()> {
    lock(conn)?;
    diesel::delete(account_tallies::table).execute(conn)?;
    diesel::update(account_changes::table).set(account_changes::tallied.eq(false)).execute(conn)?;
    Ok(())
}

/// Makes the changes of all accounts behind `after` that have none from what is known of them. Earlier agencies of an
/// account are not known: what it has now stands for them.
pub fn retell(conn: &mut Conn, mut after: AccountId) -> QueryResult<()> {
    const ACCOUNTS: i64 = 2_000;
    type Row = (AccountId, AgencyId, Option<AgencyId>, AccountState, NaiveDateTime, Option<NaiveDateTime>);
    loop {
        let batch: Vec<Row> = accounts::table
            .filter(accounts::id.gt(after))
            .filter(dsl::not(dsl::exists(account_changes::table.filter(account_changes::account_id.eq(accounts::id)))))
            .order(accounts::id)
            .limit(ACCOUNTS)
            .select((
                accounts::id,
                accounts::agency_id,
                accounts::province_id,
                accounts::state,
                accounts::created_at,
                accounts::state_at,
            ))
            .load(conn)?;
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(()) };
        let mut history: HashMap<AccountId, Vec<(EventKind, NaiveDateTime)>> = HashMap::new();
        let told: Vec<(AccountId, EventKind, NaiveDateTime)> = events::table
            .filter(events::account_id.ge(first.0).and(events::account_id.le(last.0)))
            .filter(events::kind.eq_any([EventKind::Approved, EventKind::Rejected, EventKind::AccountClosed]))
            .order(events::id)
            .select((events::account_id.assume_not_null(), events::kind, events::at))
            .load(conn)?;
        for (account, kind, at) in told {
            history.entry(account).or_default().push((kind, at));
        }
        after = last.0;
        let mut rows = Vec::new();
        for (account_id, agency_id, province_id, state, created_at, state_at) in batch {
            let mut add = |at: NaiveDateTime, change| {
                rows.push(Change { account_id, agency_id, province_id, day: to_hanoi(at).date(), change });
            };
            add(created_at, 1);
            let mut is_open = true;
            // An event of an account that did not open or close it says the same as it was.
            for (kind, at) in history.remove(&account_id).unwrap_or_default() {
                let opens = kind == EventKind::Approved;
                if opens != is_open {
                    add(at, if opens { 1 } else { -1 });
                    is_open = opens;
                }
            }
            if is_open != (state != AccountState::Closed) {
                add(state_at.unwrap_or(created_at), if is_open { -1 } else { 1 });
            }
        }
        for batch in rows.chunks(5_000) {
            on_backend!(conn, c => diesel::insert_into(account_changes::table).values(batch).execute(c))?;
        }
    }
}

/// Makes the changes of accounts that have none: of a database that was made before they were kept, also when a migration was
/// killed over it and work went on.
pub fn retell_if_never(conn: &mut Conn) -> QueryResult<()> {
    retell(conn, AccountId(0))
}
