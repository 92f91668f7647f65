//! The words that an admin gave the texts citizens receive: each row is one version of one text, the highest is in force. A text
//! that nobody changed has no row.
//!
//! Whoever queues a message reads the texts in the transaction of the act that it tells of; nothing is kept for the next one.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::Conn;
use super::schema::{message_texts, staff};
use crate::domain::ids::StaffId;
use crate::domain::texts::{TextKey, Texts, Words};

/// One version of a text.
#[derive(Queryable)]
pub struct Version {
    pub key: TextKey,
    pub version: i32,
    subject: Option<String>,
    body: Option<String>,
    pub staff_id: StaffId,
    pub staff_name: String,
    pub at: NaiveDateTime,
}

impl Version {
    /// None when it is the program's own words again.
    pub fn words(&self) -> Option<Words> {
        Some(Words { subject: self.subject.clone(), body: self.body.clone()? })
    }
}

/// Whether no later version of the same text is there.
const LATEST: &str = "NOT EXISTS (SELECT 1 FROM message_texts later WHERE later.text_key = message_texts.text_key \
     AND later.version > message_texts.version)";

#[diesel::dsl::auto_type(no_type_alias)]
fn all() -> _ {
    message_texts::table.inner_join(staff::table).select((
        message_texts::text_key,
        message_texts::version,
        message_texts::subject,
        message_texts::body,
        message_texts::staff_id,
        staff::name,
        message_texts::created_at,
    ))
}

/// The texts in force.
pub fn current(conn: &mut Conn) -> QueryResult<Texts> {
    let changed: Vec<(TextKey, Option<String>, String)> = message_texts::table
        .filter(message_texts::body.is_not_null())
        .filter(sql::<Bool>(LATEST))
        .select((message_texts::text_key, message_texts::subject, message_texts::body.assume_not_null()))
        .load(conn)?;
    Ok(changed.into_iter().map(|(key, subject, body)| (key, Words { subject, body })).collect())
}

/// The latest version of each text that was ever changed.
pub fn latest(conn: &mut Conn) -> QueryResult<Vec<Version>> {
    all().filter(sql::<Bool>(LATEST)).load(conn)
}

/// The versions of a text, the latest first.
pub fn versions(conn: &mut Conn, key: TextKey, limit: i64) -> QueryResult<Vec<Version>> {
    all().filter(message_texts::text_key.eq(key)).order(message_texts::version.desc()).limit(limit).load(conn)
}

/// Adds the version behind `before`; None is the program's own words. The database refuses a version that is there already:
/// somebody else was quicker.
pub fn add(
    conn: &mut Conn,
    (key, before): (TextKey, i32),
    words: Option<&Words>,
    staff: StaffId,
    at: NaiveDateTime,
) -> QueryResult<()> {
    diesel::insert_into(message_texts::table)
        .values((
            message_texts::text_key.eq(key),
            message_texts::version.eq(before + 1),
            message_texts::subject.eq(words.and_then(|words| words.subject.as_deref())),
            message_texts::body.eq(words.map(|words| words.body.as_str())),
            message_texts::staff_id.eq(staff),
            message_texts::created_at.eq(at),
        ))
        .execute(conn)?;
    Ok(())
}
