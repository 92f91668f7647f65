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
