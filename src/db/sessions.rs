//! Server-side sessions: found by the hash of the cookie's key, ended by deleting a row.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Conn;
use super::schema::{agencies, sessions, staff};
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::permission::{Actor, Role};

/// A session as it was found, with the person it belongs to as they are now: a change of role or a lock counts at once.
pub struct Session {
    pub state: String,
    pub created_at: NaiveDateTime,
    pub last_seen_at: NaiveDateTime,
    pub actor: Option<Actor>,
    pub locked: bool,
}

type Person = (StaffId, String, Role, AgencyId, bool, Option<NaiveDateTime>, String, Option<AgencyId>);

pub fn load(conn: &mut Conn, key_hash: &str) -> QueryResult<Option<Session>> {
    let row: Option<(String, NaiveDateTime, NaiveDateTime, Option<Person>)> = sessions::table
        .left_join(staff::table.inner_join(agencies::table))
        .filter(sessions::key_hash.eq(key_hash))
        .select((
            sessions::state,
            sessions::created_at,
            sessions::last_seen_at,
            (
                staff::id,
                staff::name,
                staff::role,
                staff::agency_id,
                staff::must_change_password,
                staff::locked_at,
                agencies::name,
                agencies::province_id,
            )
                .nullable(),
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(state, created_at, last_seen_at, person)| {
        let mut locked = false;
        let actor =
            person.map(|(id, name, role, agency_id, must_change_password, locked_at, agency_name, province_id)| {
                locked = locked_at.is_some();
                Actor { id, name, role, agency_id, agency_name, province_id, must_change_password }
            });
        Session { state, created_at, last_seen_at, actor, locked }
    }))
}

pub fn insert(
    conn: &mut Conn,
    key_hash: &str,
    staff_id: Option<StaffId>,
    state: &str,
    now: NaiveDateTime,
) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::key_hash.eq(key_hash),
            sessions::staff_id.eq(staff_id),
            sessions::state.eq(state),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps a session's new state. One that has been ended meanwhile, by an admin or in another tab, stays ended.
pub fn update(conn: &mut Conn, key_hash: &str, staff_id: Option<StaffId>, state: &str) -> QueryResult<()> {
    diesel::update(sessions::table.find(key_hash))
        .set((sessions::staff_id.eq(staff_id), sessions::state.eq(state)))
        .execute(conn)?;
    Ok(())
}

pub fn touch(conn: &mut Conn, key_hash: &str, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(sessions::table.find(key_hash)).set(sessions::last_seen_at.eq(now)).execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut Conn, key_hash: &str) -> QueryResult<()> {
    diesel::delete(sessions::table.find(key_hash)).execute(conn)?;
    Ok(())
}

/// Ends every session of a member of staff; returns how many.
pub fn delete_of(conn: &mut Conn, staff_id: StaffId) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::staff_id.eq(staff_id))).execute(conn)
}

/// Removes the sessions that nobody can use any more.
pub fn sweep(conn: &mut Conn, seen_before: NaiveDateTime, created_before: NaiveDateTime) -> QueryResult<usize> {
    diesel::delete(
        sessions::table.filter(sessions::last_seen_at.lt(seen_before).or(sessions::created_at.lt(created_before))),
    )
    .execute(conn)
}
