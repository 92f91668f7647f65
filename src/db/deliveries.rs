//! What becomes of messages after they left: receipts, receipts that do not come, and what is done about a message that did not
//! arrive. In the caller's one transaction.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::events::NewEvent;
use super::messages::{self as outbox, Occasion, Step};
use super::schema::messages;
use super::{Conn, accounts, applications, events, texts};
use crate::domain::account::AccountState;
use crate::domain::delivery::{Cause, Gateway, MessageState, RECEIPT_WAIT, Receipt, on_receipt};
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, ApplicationId, MessageId, StaffId};
use crate::domain::outbox::{MessageChannel, MessageKind, password_by_email};
use crate::domain::permission::Scope;
use crate::domain::to_json;

/// Whether what a gateway tells of attempt number `of` at a message would change anything now.
pub fn awaits(conn: &mut Conn, id: MessageId, of: i32, receipt: Receipt) -> QueryResult<bool> {
    let row = standing(conn, id)?;
    Ok(row.is_some_and(|(state, attempts)| on_receipt(state, attempts, of, receipt).is_some()))
}

/// The state of a message, and its attempts.
fn standing(conn: &mut Conn, id: MessageId) -> QueryResult<Option<(MessageState, i32)>> {
    messages::table.find(id).select((messages::state, messages::attempts)).first(conn).optional()
}

/// A gateway tells what became of attempt number `of` at a message. False when that changes nothing.
pub fn receive(
    conn: &mut Conn,
    id: MessageId,
    of: i32,
    (by, receipt): (Gateway, Receipt),
    now: NaiveDateTime,
) -> QueryResult<bool> {
    let Some((state, attempts)) = standing(conn, id)? else { return Ok(false) };
    let Some((next, cause)) = on_receipt(state, attempts, of, receipt) else { return Ok(false) };
    // Two receipts at once, or one and a worker: whoever is second looks again.
    let as_it_was = messages::table.find(id).filter(messages::state.eq(state)).filter(messages::attempts.eq(attempts));
    let changed = diesel::update(as_it_was)
        .set((
            messages::state.eq(next),
            messages::lease.eq(None::<String>),
            messages::cause.eq(cause),
            messages::gateway.eq(by),
            messages::next_attempt_at.eq(now),
            messages::receipt_due_at.eq((next == MessageState::Accepted).then_some(now + RECEIPT_WAIT)),
            messages::delivered_at.eq((next == MessageState::Delivered).then_some(now)),
        ))
        .execute(conn)?;
    if changed == 0 {
        return receive(conn, id, of, (by, receipt), now);
    }
    let unsent = messages::table.find(id).filter(messages::sent_at.is_null());
    if next != MessageState::Undelivered {
        diesel::update(unsent).set(messages::sent_at.eq(now)).execute(conn)?;
    }
    outbox::add_steps(conn, &[Step { message: id, at: now, state: next, attempt: of, gateway: Some(by), cause }])?;
    if next.is_trouble() {
        gave_up(conn, id, now)?;
    }
    Ok(true)
}

/// Messages whose receipt did not come in time, the longest overdue first.
pub fn unreceipted(conn: &mut Conn, limit: i64, now: NaiveDateTime) -> QueryResult<Vec<MessageId>> {
    messages::table
        // The condition of the index `messages_receipt_due`, to the letter.
        .filter(sql::<Bool>("state = 'accepted' AND receipt_due_at IS NOT NULL"))
        .filter(messages::receipt_due_at.le(now))
        .order((messages::receipt_due_at, messages::id))
        .limit(limit)
        .select(messages::id)
        .load(conn)
}

/// The receipt is awaited no longer. False when it came meanwhile.
pub fn expire(conn: &mut Conn, id: MessageId, now: NaiveDateTime) -> QueryResult<bool> {
    let cause = Some(Cause::NoReceipt);
    let waiting = messages::table.find(id).filter(messages::state.eq(MessageState::Accepted));
    let set = (messages::state.eq(MessageState::Expired), messages::cause.eq(cause));
    if diesel::update(waiting).set(set).execute(conn)? == 0 {
        return Ok(false);
    }
    let (attempt, gateway) = messages::table.find(id).select((messages::attempts, messages::gateway)).first(conn)?;
    outbox::add_steps(conn, &[Step { message: id, at: now, state: MessageState::Expired, attempt, gateway, cause }])?;
    Ok(true)
}

/// A message did not arrive, for good: the history says so, and a password goes by e-mail now, where there is an address and
/// nothing newer is under way.
pub fn gave_up(conn: &mut Conn, id: MessageId, now: NaiveDateTime) -> QueryResult<()> {
    let message: GivenUp = messages::table.find(id).select(GivenUp::as_select()).first(conn)?;
    #[derive(serde::Serialize)]
    struct About {
        kind: MessageKind,
        channel: MessageChannel,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    }
    if message.application_id.is_some() {
        events::add(
            conn,
            &NewEvent {
                application: message.application_id,
                account: message.account_id,
                staff: None,
                kind: EventKind::MessageFailed,
                at: now,
                address: None,
                before: None,
                after: Some(to_json(&About { kind: message.kind, channel: message.channel, cause: message.cause })),
            },
        )?;
    }
    let is_password = message.kind.has_password() && message.channel == MessageChannel::Sms;
    let (Some(application), Some(account), true) = (message.application_id, message.account_id, is_password) else {
        return Ok(());
    };
    let newer = messages::table
        .filter(messages::account_id.eq(account))
        .filter(messages::kind.eq_any(MessageKind::WITH_PASSWORD))
        .filter(messages::id.gt(id));
    if diesel::select(diesel::dsl::exists(newer)).get_result(conn)? {
        return Ok(());
    }
    let Some(application) = applications::find(conn, Scope::Country, application)? else { return Ok(()) };
    let Some(account) = accounts::find(conn, Scope::Country, account)? else { return Ok(()) };
    if account.state != AccountState::Active || !account.must_change_password {
        return Ok(());
    }
    let to = account.notice_email();
    let (texts, number) = (texts::current(conn)?, application.number.as_str());
    if let Some(draft) = password_by_email(&texts, message.kind, number, account.id, account.code(), to) {
        let key = format!("{}-email", message.idempotency_key);
        let occasion = Occasion { application: application.id, staff: message.staff_id, key: &key, at: now };
        outbox::queue(conn, occasion, &draft)?;
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct GivenUp {
    idempotency_key: String,
    application_id: Option<ApplicationId>,
    account_id: Option<AccountId>,
    staff_id: Option<StaffId>,
    kind: MessageKind,
    channel: MessageChannel,
    cause: Option<Cause>,
}
