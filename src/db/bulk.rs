//! Many rows at once, for filling an empty database: no round trip per row, so the caller gives the ids and calls
//! [`go_on_after`] at the end. Rules are not checked here; whoever fills a database keeps them.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::Conn;
use super::applications::declared;
use super::events::{NewEvent, recorded};
use super::schema::{accounts, agencies, agency_serials, applications, events, messages, name_tokens, photos};
use crate::domain::account::AccountState;
use crate::domain::application::{Application, PhotoKind};
use crate::domain::delivery::{Cause, Gateway, Lane, MessageState};
use crate::domain::ids::{AccountId, AgencyId, ApplicationId, MessageId, StaffId};
use crate::domain::names;
use crate::domain::outbox::{Draft, MessageChannel};
use crate::on_backend;

/// SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535.
const PARAMETERS: usize = 32_000;

/// Gives SQLite room for the pages that many inserts touch again and again: with its usual few megabytes a big load
/// reads and writes each page of every index hundreds of times. The room is taken as it is needed.
pub fn with_room<T, E: From<diesel::result::Error>>(
    conn: &mut Conn,
    load: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    if matches!(conn, Conn::Postgres(_)) {
        return load(conn);
    }
    let usual: CacheSize = diesel::sql_query("SELECT cache_size FROM pragma_cache_size").get_result(conn)?;
    conn.batch_execute("PRAGMA cache_size = -512000")?;
    let outcome = load(conn);
    conn.batch_execute(&format!("PRAGMA cache_size = {}; PRAGMA shrink_memory", usual.cache_size))?;
    outcome
}

#[derive(QueryableByName)]
struct CacheSize {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    cache_size: i32,
}

/// An application as it stands, with what its page does not show.
pub struct Filed {
    pub application: Application,
    pub province_id: Option<AgencyId>,
    pub serial: i32,
    pub entered_by: Option<StaffId>,
    /// How often somebody who has not come was reminded.
    pub reminders: i32,
}

/// Inserts applications and what their names are found by.
pub fn applications(conn: &mut Conn, filed: &[Filed]) -> QueryResult<()> {
    const COLUMNS: usize = 36;
    for batch in filed.chunks(PARAMETERS / COLUMNS) {
        let rows: Vec<_> = batch
            .iter()
            .map(|Filed { application, province_id, serial, entered_by, reminders }| {
                (
                    (
                        applications::id.eq(application.id),
                        applications::agency_id.eq(application.agency_id),
                        applications::province_id.eq(province_id),
                        applications::number.eq(&application.number),
                        applications::serial.eq(serial),
                        applications::kind.eq(application.kind),
                        applications::status.eq(application.status),
                        applications::channel.eq(application.channel),
                        applications::submitted_at.eq(application.submitted_at),
                        applications::received_at.eq(application.received_at),
                        applications::due_at.eq(application.due_at),
                        applications::decided_at.eq(application.decided_at),
                        applications::decided_by.eq(application.decided_by),
                        applications::reason.eq(application.reason.as_ref()),
                        applications::entered_by.eq(entered_by),
                        applications::reminders.eq(reminders),
                    ),
                    applications::version.eq(application.version),
                    applications::name_sort.eq(names::sort_key(application.declaration.name.as_str())),
                    declared!(applications, &application.declaration),
                )
            })
            .collect();
        on_backend!(conn, c => diesel::insert_into(applications::table).values(&rows).execute(c))?;
    }
    name_tokens(conn, filed)
}

fn name_tokens(conn: &mut Conn, filed: &[Filed]) -> QueryResult<()> {
    let mut postings: Vec<(i64, ApplicationId, AgencyId, Option<AgencyId>)> = filed
        .iter()
        .flat_map(|Filed { application, province_id, .. }| {
            names::index_tokens(application.declaration.name.as_str())
                .into_iter()
                .map(|token| (token, application.id, application.agency_id, *province_id))
        })
        .collect();
    // In the order of the index: each of its pages is fetched once a batch.
    postings.sort_unstable_by_key(|(token, application, ..)| (*token, *application));
    for batch in postings.chunks(PARAMETERS / 4) {
        let rows: Vec<_> = batch
            .iter()
            .map(|(token, application, agency, province)| {
                (
                    name_tokens::token.eq(token),
                    name_tokens::application_id.eq(application),
                    name_tokens::agency_id.eq(agency),
                    name_tokens::province_id.eq(province),
                )
            })
            .collect();
        on_backend!(conn, c => diesel::insert_into(name_tokens::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// Sets the last serial that was given, by agency and year.
pub fn serials(conn: &mut Conn, last: &[(AgencyId, i32, i32)]) -> QueryResult<()> {
    let rows: Vec<_> = last
        .iter()
        .map(|(agency, year, serial)| {
            (
                agency_serials::agency_id.eq(agency),
                agency_serials::year.eq(year),
                agency_serials::last_serial.eq(serial),
            )
        })
        .collect();
    on_backend!(conn, c => diesel::insert_into(agency_serials::table).values(&rows).execute(c))?;
    Ok(())
}

/// The current photo of its kind.
pub struct Photo<'a> {
    pub application: ApplicationId,
    pub kind: PhotoKind,
    pub sha256: &'a str,
    pub added_at: NaiveDateTime,
    pub added_by: Option<StaffId>,
}

pub fn photos(conn: &mut Conn, all: &[Photo<'_>]) -> QueryResult<()> {
    for batch in all.chunks(PARAMETERS / 6) {
        let rows: Vec<_> = batch
            .iter()
            .map(|photo| {
                (
                    photos::application_id.eq(photo.application),
                    photos::kind.eq(photo.kind),
                    photos::sha256.eq(photo.sha256),
                    photos::current.eq(true),
                    photos::added_at.eq(photo.added_at),
                    photos::added_by.eq(photo.added_by),
                )
            })
            .collect();
        on_backend!(conn, c => diesel::insert_into(photos::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// The account of an approved application. What it has in common with the declaration is copied when it is written.
pub struct NewAccount {
    pub id: AccountId,
    /// Its application's place among those of the same batch.
    pub of: usize,
    pub must_change_password: bool,
}

/// Inserts the accounts of `filed`, all with one password hash.
pub fn accounts(conn: &mut Conn, filed: &[Filed], new: &[NewAccount], password_hash: &str) -> QueryResult<()> {
    for batch in new.chunks(PARAMETERS / 32) {
        let rows: Vec<_> = batch
            .iter()
            .filter_map(|account| {
                let application = &filed.get(account.of)?.application;
                let declaration = &application.declaration;
                Some((
                    accounts::id.eq(account.id),
                    accounts::application_id.eq(application.id),
                    accounts::agency_id.eq(application.agency_id),
                    accounts::province_id.eq(&filed.get(account.of)?.province_id),
                    declared!(accounts, declaration),
                    accounts::state.eq(AccountState::Active),
                    accounts::password_hashes.eq(password_hash),
                    accounts::must_change_password.eq(account.must_change_password),
                    accounts::created_at.eq(application.decided_at.unwrap_or(application.submitted_at)),
                    accounts::password_set_at.eq(application.decided_at),
                ))
            })
            .collect();
        on_backend!(conn, c => diesel::insert_into(accounts::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// A message that has reached its end.
pub struct Ended {
    pub application: ApplicationId,
    pub agency: AgencyId,
    pub key: String,
    pub draft: Draft,
    pub state: MessageState,
    pub attempts: i32,
    pub created_at: NaiveDateTime,
    pub ended_at: NaiveDateTime,
    pub cause: Option<Cause>,
}

pub fn messages(conn: &mut Conn, all: &[Ended]) -> QueryResult<()> {
    let provinces: HashMap<AgencyId, Option<AgencyId>> =
        agencies::table.select((agencies::id, agencies::province_id)).load(conn)?.into_iter().collect();
    let last: Option<MessageId> =
        messages::table.select(messages::id).order(messages::id.desc()).first(conn).optional()?;
    for batch in all.chunks(PARAMETERS / 21) {
        let rows: Vec<_> = batch
            .iter()
            .map(|message| {
                let draft = &message.draft;
                (
                    messages::idempotency_key.eq(&message.key),
                    messages::application_id.eq(message.application),
                    messages::agency_id.eq(message.agency),
                    messages::province_id.eq(provinces.get(&message.agency).copied().flatten()),
                    messages::account_id.eq(draft.account),
                    messages::otp_id.eq(draft.otp),
                    messages::kind.eq(draft.kind),
                    messages::channel.eq(draft.channel),
                    messages::recipient.eq(&draft.recipient),
                    messages::subject.eq(draft.subject.as_ref()),
                    messages::body.eq(&draft.body),
                    messages::html.eq(draft.html.as_ref()),
                    messages::state.eq(message.state),
                    messages::attempts.eq(message.attempts),
                    messages::lane.eq(Lane::of(draft.kind) as i32),
                    messages::next_attempt_at.eq(message.ended_at),
                    messages::created_at.eq(message.created_at),
                    messages::sent_at.eq((message.state == MessageState::Accepted).then_some(message.ended_at)),
                    messages::gateway.eq((message.state == MessageState::Accepted).then_some(match draft.channel {
                        MessageChannel::Sms => Gateway::Sms,
                        MessageChannel::Email => Gateway::Mail,
                    })),
                    messages::cause.eq(message.cause),
                )
            })
            .collect();
        on_backend!(conn, c => diesel::insert_into(messages::table).values(&rows).execute(c))?;
    }
    // Their ids are the database's.
    for (at, state, attempt, more) in
        [("created_at", "'queued'", "0", "NULL, NULL"), ("next_attempt_at", "state", "attempts", "gateway, cause")]
    {
        let steps = format!(
            "INSERT INTO message_steps (message_id, at, state, attempt, gateway, cause) \
             SELECT id, {at}, {state}, {attempt}, {more} FROM messages WHERE id > $1 ORDER BY id"
        );
        let after = last.map_or(0, |id| id.0);
        on_backend!(conn, c => diesel::sql_query(&steps).bind::<BigInt, _>(after).execute(c))?;
    }
    Ok(())
}

pub fn events(conn: &mut Conn, all: &[NewEvent<'_>]) -> QueryResult<()> {
    for batch in all.chunks(PARAMETERS / 8) {
        let rows: Vec<_> = batch.iter().map(|event| recorded!(event)).collect();
        on_backend!(conn, c => diesel::insert_into(events::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// Lets the ids that the database gives begin behind those that were given to it. SQLite does so by itself.
pub fn go_on_after(conn: &mut Conn, application: ApplicationId, account: AccountId) -> QueryResult<()> {
    let Conn::Postgres(c) = conn else { return Ok(()) };
    for (table, next) in [("applications", application.0 + 1), ("accounts", account.0 + 1)] {
        diesel::sql_query("SELECT setval(pg_get_serial_sequence($1, 'id'), $2, false)")
            .bind::<Text, _>(table)
            .bind::<BigInt, _>(next)
            .execute(c)?;
    }
    Ok(())
}
