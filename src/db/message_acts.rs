//! Messages that a person sends: one that did not arrive again, or one that tries a gateway. In the caller's one transaction.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::account_acts::Stopped;
use super::events::{NewEvent, Stamp};
use super::message_list::{self, Told};
use super::messages::{self as outbox, Act, Place};
use super::schema::messages;
use super::{Conn, accounts, events};
use crate::domain::account::Account;
use crate::domain::delivery::{MessageState, RESEND_WINDOW, may_resend};
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, AgencyId, ApplicationId, MessageId};
use crate::domain::outbox::{Draft, MessageChannel, MessageKind};
use crate::domain::permission::{Actor, Scope};
use crate::domain::refusal::Refusal;
use crate::domain::to_json;
use crate::domain::trial::{TEST_WINDOW, may_test, trial};

/// What is sent again.
#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Sent {
    application_id: Option<ApplicationId>,
    account_id: Option<AccountId>,
    agency_id: AgencyId,
    province_id: Option<AgencyId>,
    kind: MessageKind,
    channel: MessageChannel,
    recipient: String,
    subject: Option<String>,
    body: String,
    html: Option<String>,
    state: MessageState,
    settled: bool,
    root_id: Option<MessageId>,
}

/// Sends a message again, as a new one on the same channel. One with a password goes to where the account's messages go now, and
/// another password is made when it leaves; those that may have arrived stay good.
///
/// # Errors
/// `NotFound` when somebody else was quicker: looking again says at what.
pub fn resend(conn: &mut Conn, told: &Told, stamp: Stamp<'_>) -> Result<MessageId, Stopped> {
    let id = told.message.id;
    let old: Sent = messages::table.find(id).select(Sent::as_select()).first(conn)?;
    if old.settled {
        return Err(Refusal::AlreadySettled.into());
    }
    // Before anything else is asked: of two presses at once, the second waits here and finds nothing left to mark.
    let as_it_was = messages::table.find(id).filter(messages::settled.eq(false)).filter(messages::state.eq(old.state));
    super::one_row(diesel::update(as_it_was).set(messages::settled.eq(true)).execute(conn)?)?;
    let root = old.root_id.unwrap_or(id);
    let account = match old.account_id.filter(|_| old.kind.has_password()) {
        Some(account) => accounts::find(conn, Scope::Country, account)?,
        None => None,
    };
    may_resend(old.kind, old.state, &earlier(conn, root, account.as_ref(), stamp.at)?, stamp.at)?;
    let recipient = match &account {
        Some(account) => {
            account.awaits_first_password()?;
            if password_waits(conn, account)? {
                return Err(Refusal::PasswordOnItsWay.into());
            }
            address(account, old.channel)
        }
        // Where the account's messages go now, unless the other place was told of a change.
        None if old.account_id.is_some() && !MessageKind::TO_BOTH.contains(&old.kind) => {
            match old.account_id.map(|id| accounts::find(conn, Scope::Country, id)).transpose()?.flatten() {
                Some(account) => address(&account, old.channel),
                None => None,
            }
        }
        None => Some(old.recipient).filter(|to| !to.is_empty()),
    };
    let (Some(recipient), Some(application)) = (recipient, old.application_id) else {
        return Err(Refusal::RecipientGone.into());
    };
    let place = Place {
        application: Some(application),
        agency: old.agency_id,
        province: old.province_id,
        root: Some(root),
        invitation: None,
    };
    let draft = Draft {
        kind: old.kind,
        channel: old.channel,
        recipient,
        subject: old.subject,
        body: old.body,
        html: old.html,
        account: old.account_id,
        otp: None,
    };
    let key = format!("again-{id}");
    let new = outbox::insert(conn, &place, Act { staff: Some(stamp.staff), key: &key, at: stamp.at }, &draft)?;
    // Two messages with a password of one account, sent again at once by two people.
    if let Some(account) = &account {
        accounts::touch(conn, account)?;
    }
    record(conn, EventKind::MessageResent, (Some(application), old.account_id), &About::new(&draft), stamp)?;
    Ok(new)
}

/// Somebody did something else about a message that did not arrive, such as calling: it needs nobody any more.
///
/// # Errors
/// It did arrive, or may still; or somebody has done something about it.
pub fn settle(conn: &mut Conn, told: &Told, stamp: Stamp<'_>) -> Result<(), Stopped> {
    let message = &told.message;
    let trouble = messages::table.find(message.id).filter(messages::state.eq_any(MessageState::TROUBLE));
    let open = trouble.filter(messages::settled.eq(false));
    if diesel::update(open).set(messages::settled.eq(true)).execute(conn)? == 0 {
        return Err(if message.state.is_trouble() { Refusal::AlreadySettled } else { Refusal::NothingToSettle }.into());
    }
    let about = About { kind: message.kind, channel: message.channel };
    record(conn, EventKind::MessageSettled, (message.application_id, message.account_id), &about, stamp)
}

/// When a message and what it was sent again as were queued; of one with a password, every one with a password of the account.
fn earlier(
    conn: &mut Conn,
    root: MessageId,
    account: Option<&Account>,
    now: NaiveDateTime,
) -> QueryResult<Vec<NaiveDateTime>> {
    let recent = messages::table.filter(messages::created_at.gt(now - RESEND_WINDOW)).select(messages::created_at);
    match account {
        Some(account) => recent
            .filter(messages::account_id.eq(account.id))
            .filter(messages::kind.eq_any(MessageKind::WITH_PASSWORD))
            .load(conn),
        None => recent.filter(messages::id.eq(root).or(messages::root_id.eq(root).assume_not_null())).load(conn),
    }
}

fn password_waits(conn: &mut Conn, account: &Account) -> QueryResult<bool> {
    let waiting = messages::table
        .filter(messages::account_id.eq(account.id))
        .filter(messages::kind.eq_any(MessageKind::WITH_PASSWORD))
        .filter(messages::state.eq_any(MessageState::WAITING));
    diesel::select(diesel::dsl::exists(waiting)).get_result(conn)
}

/// Where an account's messages go now.
fn address(account: &Account, channel: MessageChannel) -> Option<String> {
    match channel {
        MessageChannel::Sms => Some(account.notice_phone().to_string()),
        MessageChannel::Email => account.notice_email().map(ToString::to_string),
    }
}

/// Queues a message with harmless words to wherever an admin likes.
///
/// # Errors
/// They did so too often just now; a unique violation when they did so twice at once.
pub fn test(
    conn: &mut Conn,
    actor: &Actor,
    channel: MessageChannel,
    to: &str,
    stamp: Stamp<'_>,
) -> Result<MessageId, Stopped> {
    let (last, times) = message_list::tests_of(conn, actor.id, TEST_WINDOW, stamp.at)?;
    may_test(&times)?;
    let draft = trial(channel, to);
    let place =
        Place { application: None, agency: actor.agency_id, province: actor.province_id, root: None, invitation: None };
    let key = format!("test-{}-{}", actor.id, last.map_or(0, |id| id.0));
    let id = outbox::insert(conn, &place, Act { staff: Some(actor.id), key: &key, at: stamp.at }, &draft)?;
    record(conn, EventKind::MessageTested, (None, None), &About::new(&draft), stamp)?;
    Ok(id)
}

#[derive(serde::Serialize)]
struct About {
    kind: MessageKind,
    channel: MessageChannel,
}

impl About {
    fn new(draft: &Draft) -> Self {
        Self { kind: draft.kind, channel: draft.channel }
    }
}

/// The history says what was sent and how, never to whom.
fn record(
    conn: &mut Conn,
    kind: EventKind,
    (application, account): (Option<ApplicationId>, Option<AccountId>),
    about: &About,
    stamp: Stamp<'_>,
) -> Result<(), Stopped> {
    let event = NewEvent {
        application,
        account,
        staff: Some(stamp.staff),
        kind,
        at: stamp.at,
        address: stamp.address,
        before: None,
        after: Some(to_json(about)),
    };
    Ok(events::add(conn, &event)?)
}
