//! The keys of programs that use the interface, by their hashes.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::events::{self, NewEvent};
use super::schema::{api_keys, staff};
use super::{Conn, one_row};
use crate::domain::api_key::{ApiScope, join_scopes, key_hash, split_scopes};
use crate::domain::event::EventKind;
use crate::domain::ids::{ApiKeyId, StaffId};
use crate::domain::to_json;
use crate::on_backend;

/// Who adds or revokes a key, when and from where; nobody on a page when it is done by a command.
#[derive(Clone, Copy)]
pub struct By<'a> {
    pub staff: Option<StaffId>,
    pub at: NaiveDateTime,
    pub address: Option<&'a str>,
}

/// Keeps a new key. None, and nothing is kept, when one that is in use has this name.
pub fn add(conn: &mut Conn, name: &str, scopes: &[ApiScope], key: &str, by: By<'_>) -> QueryResult<Option<ApiKeyId>> {
    let same = api_keys::table.filter(api_keys::name.eq(name)).filter(api_keys::revoked_at.is_null());
    if diesel::select(diesel::dsl::exists(same)).get_result(conn)? {
        return Ok(None);
    }
    let id = on_backend!(conn, c => diesel::insert_into(api_keys::table)
        .values((
            api_keys::name.eq(name),
            api_keys::key_hash.eq(key_hash(key)),
            api_keys::scopes.eq(join_scopes(scopes)),
            api_keys::created_at.eq(by.at),
            api_keys::created_by.eq(by.staff),
        ))
        .returning(api_keys::id)
        .get_result(c))?;
    record(conn, EventKind::ApiKeyAdded, id, by)?;
    Ok(Some(id))
}

/// From now on the key opens nothing. False when there is none that does.
pub fn revoke(conn: &mut Conn, id: ApiKeyId, by: By<'_>) -> QueryResult<bool> {
    let in_use = api_keys::table.find(id).filter(api_keys::revoked_at.is_null());
    if diesel::update(in_use).set(api_keys::revoked_at.eq(by.at)).execute(conn)? == 0 {
        return Ok(false);
    }
    record(conn, EventKind::ApiKeyRevoked, id, by)?;
    Ok(true)
}

#[derive(serde::Serialize)]
struct About {
    api_key: ApiKeyId,
}

fn record(conn: &mut Conn, kind: EventKind, id: ApiKeyId, by: By<'_>) -> QueryResult<()> {
    events::add(
        conn,
        &NewEvent {
            application: None,
            account: None,
            staff: by.staff,
            kind,
            at: by.at,
            address: by.address,
            before: None,
            after: Some(to_json(&About { api_key: id })),
        },
    )
}

/// The key in use with this name.
pub fn named(conn: &mut Conn, name: &str) -> QueryResult<Option<ApiKeyId>> {
    api_keys::table
        .filter(api_keys::name.eq(name))
        .filter(api_keys::revoked_at.is_null())
        .select(api_keys::id)
        .first(conn)
        .optional()
}

/// A key that opens something.
#[derive(Clone, Debug)]
pub struct InUse {
    pub id: ApiKeyId,
    pub scopes: Vec<ApiScope>,
    pub last_used_at: Option<NaiveDateTime>,
}

pub fn find(conn: &mut Conn, key: &str) -> QueryResult<Option<InUse>> {
    let row: Option<(ApiKeyId, String, Option<NaiveDateTime>)> = api_keys::table
        .filter(api_keys::key_hash.eq(key_hash(key)))
        .filter(api_keys::revoked_at.is_null())
        .select((api_keys::id, api_keys::scopes, api_keys::last_used_at))
        .first(conn)
        .optional()?;
    Ok(row.map(|(id, scopes, last_used_at)| InUse { id, scopes: split_scopes(&scopes), last_used_at }))
}

/// How exactly the last use is known: not every call shall write.
pub const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

pub fn used(conn: &mut Conn, id: ApiKeyId, now: NaiveDateTime) -> QueryResult<()> {
    one_row(diesel::update(api_keys::table.find(id)).set(api_keys::last_used_at.eq(now)).execute(conn)?)
}

/// A key as the page shows it.
#[derive(Queryable)]
pub struct Listed {
    pub id: ApiKeyId,
    pub name: String,
    scopes: String,
    pub created_at: NaiveDateTime,
    pub created_by: Option<String>,
    pub last_used_at: Option<NaiveDateTime>,
    pub revoked_at: Option<NaiveDateTime>,
}

impl Listed {
    pub fn scopes(&self) -> Vec<ApiScope> {
        split_scopes(&self.scopes)
    }
}

/// Those in use first, the newest first.
pub fn all(conn: &mut Conn) -> QueryResult<Vec<Listed>> {
    api_keys::table
        .left_join(staff::table.on(staff::id.nullable().eq(api_keys::created_by)))
        .order((api_keys::revoked_at.is_not_null(), api_keys::id.desc()))
        .select((
            api_keys::id,
            api_keys::name,
            api_keys::scopes,
            api_keys::created_at,
            staff::name.nullable(),
            api_keys::last_used_at,
            api_keys::revoked_at,
        ))
        .load(conn)
}
