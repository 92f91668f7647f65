//! The outbox. A message is queued in the transaction of the decision it tells of, leased by one worker at a time, and ends
//! as sent or dead.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::Conn;
use super::schema::messages;
use crate::domain::ids::{AccountId, ApplicationId, MessageId, OtpId};
use crate::domain::outbox::{Draft, LEASE, MessageChannel, MessageKind, MessageState};

/// Queues all that is told of one act, which `key` names.
pub fn queue_all(
    conn: &mut Conn,
    application: ApplicationId,
    key: &str,
    drafts: &[Draft],
    now: NaiveDateTime,
) -> QueryResult<()> {
    for (at, draft) in drafts.iter().enumerate() {
        let same = |other: &&Draft| other.kind == draft.kind && other.channel == draft.channel;
        let nth = match drafts[..at].iter().filter(same).count() {
            0 => String::new(),
            // The old telephone besides the new.
            earlier => format!("-{}", earlier + 1),
        };
        let key = format!("{key}-{}-{}{nth}", draft.kind.code(), draft.channel.code());
        queue(conn, application, &key, draft, now)?;
    }
    Ok(())
}

/// Queues a message. `key` is its idempotency key: the same for every attempt, and queueing it twice is refused.
pub fn queue(
    conn: &mut Conn,
    application: ApplicationId,
    key: &str,
    draft: &Draft,
    now: NaiveDateTime,
) -> QueryResult<()> {
    diesel::insert_into(messages::table)
        .values((
            messages::idempotency_key.eq(key),
            messages::application_id.eq(application),
            messages::account_id.eq(draft.account),
            messages::otp_id.eq(draft.otp),
            messages::kind.eq(draft.kind),
            messages::channel.eq(draft.channel),
            messages::recipient.eq(&draft.recipient),
            messages::subject.eq(draft.subject.as_ref()),
            messages::body.eq(&draft.body),
            messages::html.eq(draft.html.as_ref()),
            messages::state.eq(MessageState::Queued),
            messages::attempts.eq(0),
            messages::next_attempt_at.eq(now),
            messages::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// A message that a worker has to itself.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct Leased {
    pub id: MessageId,
    pub idempotency_key: String,
    pub application_id: ApplicationId,
    pub account_id: Option<AccountId>,
    pub otp_id: Option<OtpId>,
    pub kind: MessageKind,
    pub channel: MessageChannel,
    pub recipient: String,
    pub subject: Option<String>,
    pub body: String,
    pub html: Option<String>,
    /// Attempts begun, this one included.
    pub attempts: i32,
}

/// Up to `limit` messages that are due, or whose worker has died, the longest due first.
pub fn due(conn: &mut Conn, limit: i64, now: NaiveDateTime) -> QueryResult<Vec<(MessageId, NaiveDateTime)>> {
    messages::table
        .filter(sql::<Bool>("state IN ('queued', 'sending')"))
        .filter(messages::next_attempt_at.le(now))
        .order((messages::next_attempt_at, messages::id))
        .limit(limit)
        .select((messages::id, messages::next_attempt_at))
        .load(conn)
}

/// Leases up to `limit` messages that are due under the name `lease`.
pub fn lease(conn: &mut Conn, lease: &str, limit: i64, now: NaiveDateTime) -> QueryResult<Vec<Leased>> {
    let due = due(conn, limit, now)?;
    let mut mine = Vec::with_capacity(due.len());
    for (id, seen) in due {
        // Another worker may have been quicker: then the time is no longer the one seen.
        let taken = diesel::update(
            messages::table
                .find(id)
                .filter(messages::state.eq_any([MessageState::Queued, MessageState::Sending]))
                .filter(messages::next_attempt_at.eq(seen)),
        )
        .set((
            messages::state.eq(MessageState::Sending),
            messages::lease.eq(lease),
            messages::attempts.eq(messages::attempts + 1),
            messages::next_attempt_at.eq(now + LEASE),
        ))
        .execute(conn)?;
        if taken == 1 {
            mine.push(messages::table.find(id).select(Leased::as_select()).first(conn)?);
        }
    }
    Ok(mine)
}

/// Whether this worker still has the message to itself.
pub fn holds(conn: &mut Conn, id: MessageId, lease: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        messages::table.find(id).filter(messages::lease.eq(lease)).filter(messages::state.eq(MessageState::Sending)),
    ))
    .get_result(conn)
}

/// Sends a message elsewhere than it was meant to go when it was queued.
pub fn readdress(conn: &mut Conn, id: MessageId, to: &str) -> QueryResult<()> {
    diesel::update(messages::table.find(id)).set(messages::recipient.eq(to)).execute(conn)?;
    Ok(())
}

/// Puts a leased message into its next state. False when the lease was lost to another worker meanwhile.
pub fn settle(
    conn: &mut Conn,
    id: MessageId,
    lease: &str,
    state: MessageState,
    next_attempt_at: NaiveDateTime,
    error: Option<&str>,
) -> QueryResult<bool> {
    let sent_at = (state == MessageState::Sent).then_some(next_attempt_at);
    let changed = diesel::update(
        messages::table.find(id).filter(messages::lease.eq(lease)).filter(messages::state.eq(MessageState::Sending)),
    )
    .set((
        messages::state.eq(state),
        messages::lease.eq(None::<String>),
        messages::next_attempt_at.eq(next_attempt_at),
        messages::sent_at.eq(sent_at),
        messages::last_error.eq(error),
    ))
    .execute(conn)?;
    Ok(changed == 1)
}

/// A message as a page shows it: not its text, which may be shown only to its recipient.
#[derive(Queryable)]
pub struct Shown {
    pub kind: MessageKind,
    pub channel: MessageChannel,
    pub recipient: String,
    pub state: MessageState,
    pub attempts: i32,
    pub created_at: NaiveDateTime,
    pub sent_at: Option<NaiveDateTime>,
    pub next_attempt_at: NaiveDateTime,
    pub last_error: Option<String>,
}

/// The columns of [`Shown`].
macro_rules! shown {
    () => {
        (
            messages::kind,
            messages::channel,
            messages::recipient,
            messages::state,
            messages::attempts,
            messages::created_at,
            messages::sent_at,
            messages::next_attempt_at,
            messages::last_error,
        )
    };
}

pub fn of_application(conn: &mut Conn, id: ApplicationId) -> QueryResult<Vec<Shown>> {
    messages::table.filter(messages::application_id.eq(id)).order(messages::id).select(shown!()).load(conn)
}

/// The latest messages about an account, newest first.
pub fn of_account(conn: &mut Conn, id: AccountId, limit: i64) -> QueryResult<Vec<Shown>> {
    messages::table
        .filter(messages::account_id.eq(id))
        .order(messages::id.desc())
        .limit(limit)
        .select(shown!())
        .load(conn)
}

/// How many messages still wait to be sent.
pub fn waiting(conn: &mut Conn) -> QueryResult<i64> {
    messages::table
        .filter(messages::state.eq_any([MessageState::Queued, MessageState::Sending]))
        .count()
        .get_result(conn)
}
