//! What *Tổng quan* asks besides the tallies: what waits now, and how long decisions took.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Timestamp};
use diesel::{QueryResult, QueryableByName, RunQueryDsl};

use super::Conn;
use super::tallies::within;
use crate::domain::ids::AgencyId;
use crate::domain::permission::Scope;
use crate::domain::report::Period;
use crate::domain::report::overview::Waiting;
use crate::on_backend;

/// What waits in the queues of a scope, from the indexes of what is open. `tomorrow` is when today ends, in UTC.
pub fn waiting(
    conn: &mut Conn,
    scope: Scope,
    now: NaiveDateTime,
    tomorrow: NaiveDateTime,
) -> QueryResult<HashMap<AgencyId, Waiting>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        agency_id: AgencyId,
        #[diesel(sql_type = BigInt)]
        waiting: i64,
        #[diesel(sql_type = BigInt)]
        due_today: i64,
        #[diesel(sql_type = BigInt)]
        overdue: i64,
    }
    let (within, id) = within(scope);
    let text = format!(
        "SELECT agency_id, count(*) AS waiting, \
         CAST(sum(CASE WHEN due_at >= $2 AND due_at < $3 THEN 1 ELSE 0 END) AS BIGINT) AS due_today, \
         CAST(sum(CASE WHEN due_at < $2 THEN 1 ELSE 0 END) AS BIGINT) AS overdue \
         FROM applications WHERE {within} AND decided_at IS NULL GROUP BY agency_id"
    );
    // SQLite counts parameters in the order in which they are first named.
    let text = if matches!(conn, Conn::Sqlite(_)) { text.replace('$', "?") } else { text };
    let rows: Vec<Row> = on_backend!(conn, c => sql_query(&text)
        .bind::<Nullable<BigInt>, _>(id.map(|id| id.0))
        .bind::<Timestamp, _>(now)
        .bind::<Timestamp, _>(tomorrow)
        .load(c))?;
    let waiting =
        |Row { agency_id, waiting, due_today, overdue }| (agency_id, Waiting { all: waiting, due_today, overdue });
    Ok(rows.into_iter().map(waiting).collect())
}

/// How many decisions of a period took how many hours.
pub fn hours(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<Vec<(i32, i64)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        hours: i32,
        #[diesel(sql_type = BigInt)]
        decisions: i64,
    }
    let (within, id) = within(scope);
    let text = format!(
        "SELECT hours, count(*) AS decisions FROM stays \
         WHERE {within} AND left_day >= $2 AND left_day <= $3 AND hours IS NOT NULL GROUP BY hours"
    );
    let rows: Vec<Row> = on_backend!(conn, c => sql_query(&text)
        .bind::<Nullable<BigInt>, _>(id.map(|id| id.0))
        .bind::<Date, _>(period.first())
        .bind::<Date, _>(period.last())
        .load(c))?;
    Ok(rows.into_iter().map(|row| (row.hours, row.decisions)).collect())
}
