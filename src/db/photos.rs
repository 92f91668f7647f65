//! Which photos an application has. The pictures themselves are in the photo store, named by their SHA-256.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{applications, photos, staff};
use super::{Conn, one_row};
use crate::domain::application::{PhotoKind, Status};
use crate::domain::ids::{ApplicationId, PhotoId, StaffId};
use crate::domain::numbers::SocialCode;

#[derive(Clone, Queryable)]
pub struct Photo {
    pub id: PhotoId,
    pub kind: PhotoKind,
    pub sha256: String,
    pub current: bool,
    pub added_at: NaiveDateTime,
    pub added_by_name: Option<String>,
}

/// All photos of an application, newest first; of each kind at most one is current.
pub fn of_application(conn: &mut Conn, id: ApplicationId) -> QueryResult<Vec<Photo>> {
    photos::table
        .left_join(staff::table.on(photos::added_by.eq(staff::id.nullable())))
        .filter(photos::application_id.eq(id))
        .order(photos::id.desc())
        .select((photos::id, photos::kind, photos::sha256, photos::current, photos::added_at, staff::name.nullable()))
        .load(conn)
}

/// The photos that speak for an account: of each kind the current one of the latest application of its code that was approved.
pub fn of_account(conn: &mut Conn, code: &SocialCode) -> QueryResult<Vec<Photo>> {
    let mut all: Vec<Photo> = photos::table
        .inner_join(applications::table)
        .left_join(staff::table.on(photos::added_by.eq(staff::id.nullable())))
        .filter(applications::code.eq(code))
        .filter(applications::status.eq(Status::Approved))
        .filter(photos::current.eq(true))
        // The order in which they were declared: one that was decided anew does not outrank a later change.
        .order((applications::id.desc(), photos::id.desc()))
        .select((photos::id, photos::kind, photos::sha256, photos::current, photos::added_at, staff::name.nullable()))
        .load(conn)?;
    let mut seen = Vec::new();
    all.retain(|photo| {
        let first = !seen.contains(&photo.kind);
        seen.push(photo.kind);
        first
    });
    Ok(all)
}

/// Adds a photo and makes it the current one of its kind; the one before stays. Returns that one's SHA-256.
pub fn replace(
    conn: &mut Conn,
    application: ApplicationId,
    kind: PhotoKind,
    sha256: &str,
    by: Option<StaffId>,
    at: NaiveDateTime,
) -> QueryResult<Option<String>> {
    let before = retire(conn, application, kind)?;
    diesel::insert_into(photos::table)
        .values((
            photos::application_id.eq(application),
            photos::kind.eq(kind),
            photos::sha256.eq(sha256),
            photos::current.eq(true),
            photos::added_at.eq(at),
            photos::added_by.eq(by),
        ))
        .execute(conn)?;
    Ok(before)
}

/// Makes an earlier photo the current one of its kind again. Returns the kind, and the SHA-256 of the one before and of
/// the restored.
pub fn restore(
    conn: &mut Conn,
    application: ApplicationId,
    id: PhotoId,
) -> QueryResult<(PhotoKind, Option<String>, String)> {
    let row = photos::table.filter(photos::id.eq(id)).filter(photos::application_id.eq(application));
    let (kind, sha256) = row.select((photos::kind, photos::sha256)).first::<(PhotoKind, String)>(conn)?;
    let before = retire(conn, application, kind)?;
    one_row(diesel::update(photos::table.find(id)).set(photos::current.eq(true)).execute(conn)?)?;
    Ok((kind, before, sha256))
}

fn retire(conn: &mut Conn, application: ApplicationId, kind: PhotoKind) -> QueryResult<Option<String>> {
    let current = || {
        photos::table
            .filter(photos::application_id.eq(application))
            .filter(photos::kind.eq(kind))
            .filter(photos::current.eq(true))
    };
    let before = current().select(photos::sha256).first(conn).optional()?;
    diesel::update(current()).set(photos::current.eq(false)).execute(conn)?;
    Ok(before)
}
