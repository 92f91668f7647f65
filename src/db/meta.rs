//! Facts about the database itself.

use diesel::prelude::*;

use super::Conn;
use super::schema::{agencies, applications, meta, registry_members, staff};

const DEMO: &str = "demo";

/// Marks the database as holding made-up people only.
pub fn mark_as_demo(conn: &mut Conn) -> QueryResult<()> {
    diesel::insert_into(meta::table).values((meta::key.eq(DEMO), meta::value.eq("1"))).execute(conn)?;
    Ok(())
}

pub fn is_demo(conn: &mut Conn) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(meta::table.find(DEMO))).get_result(conn)
}

/// Whether nobody works here and nothing is registered.
pub fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    let some = agencies::table.select(agencies::id).first::<i64>(conn).optional()?.is_some()
        || staff::table.select(staff::id).first::<i64>(conn).optional()?.is_some()
        || applications::table.select(applications::id).first::<i64>(conn).optional()?.is_some()
        || registry_members::table.select(registry_members::id).first::<i64>(conn).optional()?.is_some();
    Ok(!some)
}

/// Counts the changes of the registry, so that what was compared with it can tell whether it is still the same.
const REVISION: &str = "registry_revision";

pub fn registry_revision(conn: &mut Conn) -> QueryResult<i64> {
    let text: String = meta::table.find(REVISION).select(meta::value).first(conn)?;
    text.parse().map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))
}

/// Lets one list at a time be written or taken back: another transaction that asks for this waits until this one ends.
pub fn lock_lists(conn: &mut Conn) -> QueryResult<()> {
    let lock = meta::table.find(REVISION);
    super::one_row(diesel::update(lock).set(meta::value.eq(meta::value)).execute(conn)?)
}

/// Goes on to the next revision, unless `base` is given and is no longer the present one. Whoever else wants to change
/// the registry waits until this transaction ends.
pub fn next_registry_revision(conn: &mut Conn, base: Option<i64>) -> QueryResult<bool> {
    let changed = diesel::sql_query(
        "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'registry_revision'",
    )
    .execute(conn)?;
    super::one_row(changed)?;
    match base {
        Some(base) => Ok(registry_revision(conn)? == base + 1),
        None => Ok(true),
    }
}
