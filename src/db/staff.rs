//! Members of staff, and the count of wrong passwords.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{agencies, sign_in_failures, staff};
use super::{Conn, one_row};
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::permission::{Actor, Role, Scope};
use crate::on_backend;

pub struct NewStaff<'a> {
    pub login: &'a str,
    pub name: &'a str,
    pub role: Role,
    pub agency_id: AgencyId,
    /// A PHC string.
    pub password_hash: &'a str,
    pub must_change_password: bool,
}

pub fn insert(conn: &mut Conn, new: &NewStaff<'_>, now: NaiveDateTime) -> QueryResult<StaffId> {
    on_backend!(conn, c => diesel::insert_into(staff::table)
        .values((
            staff::login.eq(new.login),
            staff::name.eq(new.name),
            staff::role.eq(new.role),
            staff::agency_id.eq(new.agency_id),
            staff::password_hash.eq(new.password_hash),
            staff::must_change_password.eq(new.must_change_password),
            staff::created_at.eq(now),
        ))
        .returning(staff::id)
        .get_result(c))
}

/// What signing in needs to know.
#[derive(Queryable)]
pub struct Credentials {
    pub id: StaffId,
    pub password_hash: String,
    pub locked_at: Option<NaiveDateTime>,
}

pub fn credentials(conn: &mut Conn, login: &str) -> QueryResult<Option<Credentials>> {
    staff::table
        .filter(staff::login.eq(login))
        .select((staff::id, staff::password_hash, staff::locked_at))
        .first(conn)
        .optional()
}

/// Whether this is still the password's hash, and its owner is not locked.
pub fn is_current(conn: &mut Conn, id: StaffId, hash: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        staff::table.find(id).filter(staff::password_hash.eq(hash)).filter(staff::locked_at.is_null()),
    ))
    .get_result(conn)
}

/// As they are now, with their sign-in name; None when they are locked.
pub fn actor(conn: &mut Conn, id: StaffId) -> QueryResult<Option<(Actor, String)>> {
    type Row = (String, String, Role, AgencyId, bool, String, Option<AgencyId>);
    let row: Option<Row> = staff::table
        .inner_join(agencies::table)
        .filter(staff::id.eq(id))
        .filter(staff::locked_at.is_null())
        .select((
            staff::login,
            staff::name,
            staff::role,
            staff::agency_id,
            staff::must_change_password,
            agencies::name,
            agencies::province_id,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(login, name, role, agency_id, must_change_password, agency_name, province_id)| {
        (Actor { id, name, role, agency_id, agency_name, province_id, must_change_password }, login)
    }))
}

pub fn login_and_hash(conn: &mut Conn, id: StaffId) -> QueryResult<(String, String)> {
    staff::table.find(id).select((staff::login, staff::password_hash)).first(conn)
}

pub fn set_password(conn: &mut Conn, id: StaffId, hash: &str, must_change: bool) -> QueryResult<()> {
    one_row(
        diesel::update(staff::table.find(id))
            .set((staff::password_hash.eq(hash), staff::must_change_password.eq(must_change)))
            .execute(conn)?,
    )
}

/// Gives somebody their first password; false when they have one already.
pub fn set_first_password(conn: &mut Conn, id: StaffId, hash: &str) -> QueryResult<bool> {
    let without = staff::table.find(id).filter(staff::password_hash.eq(""));
    let changed = diesel::update(without)
        .set((staff::password_hash.eq(hash), staff::must_change_password.eq(true)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Where reports are sent to them.
pub fn set_email(conn: &mut Conn, id: StaffId, email: &str) -> QueryResult<()> {
    one_row(diesel::update(staff::table.find(id)).set(staff::email.eq(email)).execute(conn)?)
}

pub fn signed_in(conn: &mut Conn, id: StaffId, now: NaiveDateTime) -> QueryResult<()> {
    one_row(diesel::update(staff::table.find(id)).set(staff::last_sign_in_at.eq(now)).execute(conn)?)
}

pub fn set_locked(conn: &mut Conn, id: StaffId, locked_at: Option<NaiveDateTime>) -> QueryResult<()> {
    one_row(diesel::update(staff::table.find(id)).set(staff::locked_at.eq(locked_at)).execute(conn)?)
}

#[derive(Queryable)]
pub struct Listed {
    pub id: StaffId,
    pub login: String,
    pub name: String,
    pub role: Role,
    pub agency_name: String,
    pub locked_at: Option<NaiveDateTime>,
    pub last_sign_in_at: Option<NaiveDateTime>,
    /// False for somebody who came with a list and was never given one.
    pub has_password: bool,
}

/// The members of staff of the offices within a scope, by office and sign-in name.
pub fn all(conn: &mut Conn, scope: Scope) -> QueryResult<Vec<Listed>> {
    let query = staff::table.inner_join(agencies::table).order((agencies::code, staff::login)).select((
        staff::id,
        staff::login,
        staff::name,
        staff::role,
        agencies::name,
        staff::locked_at,
        staff::last_sign_in_at,
        staff::password_hash.ne(""),
    ));
    match scope {
        Scope::Country => query.load(conn),
        Scope::Province(province) => query.filter(agencies::province_id.eq(province)).load(conn),
        Scope::Agency(agency) => query.filter(agencies::id.eq(agency)).load(conn),
        Scope::Nothing => Ok(Vec::new()),
    }
}

/// How often a name or an address was wrong, and when last.
pub fn failures(conn: &mut Conn, key: &str) -> QueryResult<Option<(i32, NaiveDateTime)>> {
    sign_in_failures::table
        .find(key)
        .select((sign_in_failures::failures, sign_in_failures::last_at))
        .first(conn)
        .optional()
}

/// Removes the failures that nobody counts any more.
pub fn forget_failures(conn: &mut Conn, before: NaiveDateTime) -> QueryResult<()> {
    diesel::delete(sign_in_failures::table.filter(sign_in_failures::last_at.lt(before))).execute(conn)?;
    Ok(())
}

/// Counts one more failure.
pub fn add_failure(conn: &mut Conn, key: &str, now: NaiveDateTime) -> QueryResult<()> {
    on_backend!(conn, c => diesel::insert_into(sign_in_failures::table)
        .values((
            sign_in_failures::key.eq(key),
            sign_in_failures::failures.eq(1),
            sign_in_failures::last_at.eq(now),
        ))
        .on_conflict(sign_in_failures::key)
        .do_update()
        .set((
            sign_in_failures::failures.eq(sign_in_failures::failures + 1),
            sign_in_failures::last_at.eq(now),
        ))
        .execute(c))?;
    Ok(())
}

/// Takes one failure back: what was counted beforehand was right.
pub fn take_back_failure(conn: &mut Conn, key: &str) -> QueryResult<()> {
    let one_less = sign_in_failures::failures.eq(sign_in_failures::failures - 1);
    diesel::update(sign_in_failures::table.find(key)).set(one_less).execute(conn)?;
    Ok(())
}

pub fn clear_failures(conn: &mut Conn, key: &str) -> QueryResult<()> {
    diesel::delete(sign_in_failures::table.find(key)).execute(conn)?;
    Ok(())
}
