//! Agencies.

use diesel::prelude::*;

use super::Conn;
use super::schema::agencies;
use crate::domain::ids::AgencyId;
use crate::domain::permission::Scope;
use crate::on_backend;

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = agencies)]
pub struct Agency {
    pub id: AgencyId,
    pub code: String,
    pub name: String,
    pub parent_id: Option<AgencyId>,
    pub province_id: Option<AgencyId>,
    pub province_code: Option<String>,
}

pub fn find_by_code(conn: &mut Conn, code: &str) -> QueryResult<Option<Agency>> {
    agencies::table.filter(agencies::code.eq(code)).select(Agency::as_select()).first(conn).optional()
}

pub fn find(conn: &mut Conn, id: AgencyId) -> QueryResult<Agency> {
    agencies::table.find(id).select(Agency::as_select()).first(conn)
}

/// All agencies within a scope, by code.
pub fn all(conn: &mut Conn, scope: Scope) -> QueryResult<Vec<Agency>> {
    let query = agencies::table.select(Agency::as_select()).order(agencies::code);
    match scope {
        Scope::Country => query.load(conn),
        Scope::Province(province) => query.filter(agencies::province_id.eq(province)).load(conn),
        Scope::Agency(agency) => query.filter(agencies::id.eq(agency)).load(conn),
        Scope::Nothing => Ok(Vec::new()),
    }
}

/// Adds an agency below `parent`. The province-level office is the one whose parent is the centre.
pub fn insert(
    conn: &mut Conn,
    code: &str,
    name: &str,
    parent: Option<&Agency>,
    province_code: Option<&str>,
) -> QueryResult<Agency> {
    let id = on_backend!(conn, c => diesel::insert_into(agencies::table)
        .values((
            agencies::code.eq(code),
            agencies::name.eq(name),
            agencies::parent_id.eq(parent.map(|parent| parent.id)),
            agencies::province_id.eq(parent.and_then(|parent| parent.province_id)),
            agencies::province_code.eq(province_code),
        ))
        .returning(agencies::id)
        .get_result::<AgencyId>(c))?;
    if parent.is_some_and(|parent| parent.parent_id.is_none()) {
        diesel::update(agencies::table.find(id)).set(agencies::province_id.eq(id)).execute(conn)?;
    }
    find(conn, id)
}
