//! What the deadlines change: declarations whose person did not come, passwords that grow old. Each query finds what is due by
//! an index made for it, so that a look when nothing is due costs nothing; whether something is due is decided by `domain`.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::Conn;
use super::applications::declared;
use super::messages::drop_messages;
use super::schema::{accounts, applications, import_rows, imports, messages, name_tokens, photos};
use crate::domain::account::AccountState;
use crate::domain::application::{Application, Declaration, Status};
use crate::domain::deadline::{REMINDER_DAYS, VISIT_DAYS, removed_at};
use crate::domain::delivery::MessageState;
use crate::domain::ids::{AccountId, ApplicationId};
use crate::domain::names;
use crate::domain::outbox::MessageKind;
use crate::domain::workbook::Kind;

/// The condition of the index `applications_unvisited`, to the letter.
const UNVISITED: &str = "status = 'pending' AND received_at IS NULL AND guardian_name IS NULL";

/// Declarations whose person has not come within the ten days, the longest past first.
pub fn overdue(conn: &mut Conn, now: NaiveDateTime, limit: i64) -> QueryResult<Vec<ApplicationId>> {
    applications::table
        .filter(sql::<Bool>(UNVISITED))
        .filter(applications::submitted_at.le(now - TimeDelta::days(VISIT_DAYS)))
        .order((applications::submitted_at, applications::id))
        .limit(limit)
        .select(applications::id)
        .load(conn)
}

/// Removes a declaration, when nobody has changed it since it was read. It ends when its ten days do, whenever that is noticed:
/// no office was late with it.
pub fn expire(conn: &mut Conn, application: &Application) -> QueryResult<bool> {
    let as_it_was = applications::table
        .filter(applications::id.eq(application.id))
        .filter(applications::version.eq(application.version));
    let changed = diesel::update(as_it_was)
        .set((
            applications::status.eq(Status::Expired),
            applications::decided_at.eq(removed_at(application.submitted_at)),
            applications::version.eq(application.version + 1),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Declarations whose person has not come and must be reminded once more, the oldest first.
pub fn unreminded(conn: &mut Conn, now: NaiveDateTime, limit: i64) -> QueryResult<Vec<ApplicationId>> {
    let [first, second] = REMINDER_DAYS.map(|days| now - TimeDelta::days(days));
    let never = applications::reminders.eq(0);
    let once = applications::reminders.eq(1).and(applications::submitted_at.le(second));
    applications::table
        .filter(sql::<Bool>(UNVISITED))
        .filter(applications::submitted_at.gt(now - TimeDelta::days(VISIT_DAYS)))
        .filter(applications::submitted_at.le(first))
        .filter(never.or(once))
        .order((applications::submitted_at, applications::id))
        .limit(limit)
        .select(applications::id)
        .load(conn)
}

/// Notes that somebody is now reminded for the `nth` time. False when another worker has, or they have come. The version stays:
/// an officer's open form is not disturbed.
pub fn set_reminded(conn: &mut Conn, id: ApplicationId, nth: i32) -> QueryResult<bool> {
    let unreminded = applications::table
        .filter(applications::id.eq(id))
        .filter(sql::<Bool>(UNVISITED))
        .filter(applications::reminders.lt(nth));
    Ok(diesel::update(unreminded).set(applications::reminders.eq(nth)).execute(conn)? == 1)
}

/// Nobody is asked to come who has, or whose declaration was removed. What is being sent at this moment cannot be held back.
pub fn drop_waiting_reminders(conn: &mut Conn, id: ApplicationId, now: NaiveDateTime) -> QueryResult<()> {
    let reminders = messages::application_id.eq(id).and(messages::kind.eq(MessageKind::Reminder));
    let waiting = messages::state.eq_any([MessageState::Queued, MessageState::Unknown]);
    drop_messages!(conn, reminders.and(waiting), now);
    Ok(())
}

/// Declarations that were removed at `until` or before and still hold personal data, the longest removed first.
pub fn to_erase(conn: &mut Conn, until: NaiveDateTime, limit: i64) -> QueryResult<Vec<ApplicationId>> {
    applications::table
        .filter(sql::<Bool>("status = 'expired' AND erased_at IS NULL"))
        .filter(applications::decided_at.le(until))
        .order((applications::decided_at, applications::id))
        .limit(limit)
        .select(applications::id)
        .load(conn)
}

/// The pictures of these applications, by their SHA-256, that no application has which stays. Two that are both to be erased do
/// not keep a picture for each other, whoever comes first.
pub fn pictures_to_erase(conn: &mut Conn, ids: &[ApplicationId], until: NaiveDateTime) -> QueryResult<Vec<String>> {
    let mut own: Vec<String> =
        photos::table.filter(photos::application_id.eq_any(ids)).select(photos::sha256).distinct().load(conn)?;
    let stays = applications::status.ne(Status::Expired).or(applications::decided_at.gt(until).assume_not_null());
    let kept: Vec<String> = photos::table
        .inner_join(applications::table)
        .filter(photos::sha256.eq_any(&own))
        .filter(stays)
        .select(photos::sha256)
        .distinct()
        .load(conn)?;
    own.retain(|sha256| !kept.contains(sha256));
    Ok(own)
}

/// Erases the personal data of a declaration that was removed, wherever it is: number, dates and agency stay. The history stays
/// too, it names staff only. False when another worker has. The picture files are gone before ([`pictures_to_erase`]).
pub fn erase(conn: &mut Conn, id: ApplicationId, now: NaiveDateTime) -> QueryResult<bool> {
    let unerased = applications::table
        .filter(applications::id.eq(id))
        .filter(applications::status.eq(Status::Expired))
        .filter(applications::erased_at.is_null());
    let row = unerased.select((applications::code, applications::name)).first::<(String, String)>(conn).optional()?;
    let Some((code, name)) = row else { return Ok(false) };
    let nothing = Declaration::erased();
    let changed = diesel::update(unerased)
        .set((
            declared!(applications, &nothing),
            // Behind everybody who has a name.
            applications::name_sort.eq("\u{10ffff}"),
            applications::reason.eq(None::<String>),
            applications::request_key.eq(None::<String>),
            applications::erased_at.eq(now),
            applications::version.eq(applications::version + 1),
        ))
        .execute(conn)?;
    if changed == 0 {
        return Ok(false);
    }
    // By the words, which come first in the index: nobody else's name is read for that.
    let its_words = name_tokens::token.eq_any(names::index_tokens(&name)).and(name_tokens::application_id.eq(id));
    diesel::delete(name_tokens::table.filter(its_words)).execute(conn)?;
    diesel::delete(photos::table.filter(photos::application_id.eq(id))).execute(conn)?;
    let its_messages = messages::table.filter(messages::application_id.eq(id));
    drop_messages!(conn, messages::application_id.eq(id).and(messages::state.eq_any(MessageState::WAITING)), now);
    diesel::update(its_messages)
        .set((
            messages::recipient.eq(""),
            messages::subject.eq(None::<String>),
            messages::body.eq(""),
            messages::html.eq(None::<String>),
            messages::last_error.eq(None::<String>),
        ))
        .execute(conn)?;
    let lists = imports::table.filter(imports::kind.eq(Kind::Applications)).select(imports::id);
    let its_row = import_rows::table
        .filter(import_rows::key.eq(code))
        .filter(import_rows::row_id.eq(id.0))
        .filter(import_rows::import_id.eq_any(lists));
    diesel::update(its_row)
        .set((import_rows::key.eq(""), import_rows::before.eq(None::<String>), import_rows::after.eq("")))
        .execute(conn)?;
    Ok(true)
}

/// Accounts in use that have a password, set at `until` or before, and whose holder was told `told` times that it grows old,
/// behind `after`, the oldest password first.
pub fn old_passwords(
    conn: &mut Conn,
    told: i32,
    until: NaiveDateTime,
    after: Option<(NaiveDateTime, AccountId)>,
    limit: i64,
) -> QueryResult<Vec<(NaiveDateTime, AccountId)>> {
    let set_at = accounts::password_set_at.assume_not_null();
    let (from, id) = after.unwrap_or((NaiveDateTime::MIN, AccountId(0)));
    // The condition of the index `accounts_by_password_age`, to the letter.
    let mut query = accounts::table
        .filter(sql::<Bool>("state = 'active' AND password_set_at IS NOT NULL AND expiry_notices < 2"))
        .filter(accounts::expiry_notices.eq(told))
        .filter(accounts::password_hashes.is_not_null())
        .filter(set_at.le(until))
        .order((accounts::password_set_at, accounts::id))
        .limit(limit)
        .select((set_at, accounts::id))
        .into_boxed();
    if after.is_some() {
        query = query.filter(set_at.ge(from)).filter(set_at.gt(from).or(accounts::id.gt(id)));
    }
    query.load(conn)
}

/// Notes that the holder is now told for the `due`th time that the password set then grows old. False when another worker has,
/// the holder has chosen another, or the account is no longer in use.
pub fn set_told_of_expiry(
    conn: &mut Conn,
    id: AccountId,
    set_at: NaiveDateTime,
    told: i32,
    due: i32,
) -> QueryResult<bool> {
    let untold = accounts::table
        .filter(accounts::id.eq(id))
        .filter(accounts::state.eq(AccountState::Active))
        .filter(accounts::password_set_at.eq(set_at))
        .filter(accounts::expiry_notices.eq(told));
    Ok(diesel::update(untold).set(accounts::expiry_notices.eq(due)).execute(conn)? == 1)
}
