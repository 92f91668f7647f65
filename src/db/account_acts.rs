//! Recording what a desk does with an account: its state, its passwords, its history and the messages, in the caller's one
//! transaction.

use chrono::NaiveDateTime;
use diesel::QueryResult;
use diesel::result::Error::NotFound;

use super::events::{NewEvent, Stamp};
use super::messages::Occasion;
use super::{Conn, accounts, credentials, events, messages, texts};
use crate::domain::account::{self, Account, AccountAct, AccountState, LockCause, REPEAT_WINDOW};
use crate::domain::change::{self, Change};
use crate::domain::desk::{Contact, Deed, Order};
use crate::domain::event::EventKind;
use crate::domain::outbox::{Draft, MessageKind};
use crate::domain::permission::Scope;
use crate::domain::refusal::Refusal;
use crate::domain::{notice, outbox, to_json};

/// Why an act did not happen. Nothing of it may be committed.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// `NotFound` when somebody else changed the account since it was read.
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

/// What stands in the way of an act, whatever is typed: the page says so beforehand, and the act asks again.
pub fn possible(conn: &mut Conn, account: &Account, act: AccountAct, now: NaiveDateTime) -> Result<(), Stopped> {
    account.allows(act)?;
    if act == AccountAct::ChangeContact {
        account.own_contact()?;
    }
    if let Some(pause) = act.pause() {
        if credentials::password_is_leaving(conn, account.id, now)? {
            return Err(Refusal::PasswordOnItsWay.into());
        }
        account::may_repeat(&events::times(conn, account.id, act.event(), now - REPEAT_WINDOW)?, pause, now)?;
    }
    Ok(())
}

/// What happened besides the act itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// A new password was queued.
    pub new_password: bool,
}

/// What the history says of an act.
#[derive(serde::Serialize)]
struct Recorded<'a> {
    state: AccountState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Change]>::is_empty")]
    changes: &'a [Change],
}

/// Does what was ordered.
pub fn record(conn: &mut Conn, account: &Account, order: &Order, stamp: Stamp<'_>) -> Result<Done, Stopped> {
    let act = order.deed.act();
    possible(conn, account, act, stamp.at)?;
    order.check.complete()?;
    let (drafts, changes) = effect(conn, account, order, stamp)?;
    credentials::void_otps(conn, account, stamp.at)?;
    let now = as_it_is(conn, account)?;
    let key = format!("account-{}-{}", account.id, account.version);
    let occasion = Occasion { application: account.application_id, staff: Some(stamp.staff), key: &key, at: stamp.at };
    messages::queue_all(conn, occasion, &drafts)?;
    events::add(
        conn,
        &NewEvent {
            application: None,
            account: Some(account.id),
            staff: Some(stamp.staff),
            kind: act.event(),
            at: stamp.at,
            address: stamp.address,
            before: Some(to_json(&Recorded { state: account.state, reason: None, changes: &[] })),
            after: Some(to_json(&Recorded { state: now.state, reason: Some(&order.reason), changes: &changes })),
        },
    )?;
    Ok(Done { new_password: drafts.iter().any(|draft| draft.kind == MessageKind::NewPassword) })
}

/// Opens the lock. What was to leave while it was locked was dropped, or is now: whoever has no password gets one.
pub fn unlock(conn: &mut Conn, account: &Account, at: NaiveDateTime) -> QueryResult<Vec<Draft>> {
    if !account.has_password {
        credentials::drop_queued_passwords(conn, account.id, at)?;
    }
    accounts::set_state(conn, account, AccountState::Active, None, at)?;
    Ok(outbox::on_unlock(&texts::current(conn)?, account))
}

type Effect = (Vec<Draft>, Vec<Change>);

/// What an act does to the account, who is told, and what is different afterwards. Messages are touched before accounts, in
/// every act: two of them at once would else wait for each other.
fn effect(conn: &mut Conn, account: &Account, order: &Order, stamp: Stamp<'_>) -> Result<Effect, Stopped> {
    let at = stamp.at;
    let (id, code) = (account.id, account.code());
    let drafts = match &order.deed {
        Deed::ResetPassword => {
            void_passwords(conn, account, at)?;
            if account.state == AccountState::Active {
                accounts::touch(conn, account)?;
            } else {
                accounts::set_state(conn, account, AccountState::Active, None, at)?;
            }
            outbox::on_new_password(&texts::current(conn)?, account)
        }
        Deed::ChangeContact(contact) => return change_contact(conn, account, contact, stamp),
        Deed::Lock => {
            accounts::set_state(conn, account, AccountState::Locked, Some(LockCause::Desk), at)?;
            let notice = notice::locked(&texts::current(conn)?, code, &order.reason);
            outbox::to_holder(account, MessageKind::Locked, notice)
        }
        Deed::Unlock => unlock(conn, account, at)?,
        Deed::Close => {
            credentials::drop_waiting_passwords(conn, id, at)?;
            accounts::set_state(conn, account, AccountState::Closed, None, at)?;
            let notice = notice::closed(&texts::current(conn)?, code, &order.reason);
            outbox::to_holder(account, MessageKind::Closed, notice)
        }
    };
    Ok((drafts, Vec::new()))
}

/// Messages go elsewhere from now on, `phone` says whether the telephone is another. Whoever has never chosen a password gets a
/// new one: those before went to the wrong telephone, or were about to. True when it is to be sent, which nothing is to an
/// account that is locked: whoever opens it sends one.
pub fn renews_password(conn: &mut Conn, account: &Account, phone: bool, at: NaiveDateTime) -> Result<bool, Stopped> {
    let dropped = credentials::drop_queued_passwords(conn, account.id, at)?;
    let renews = account.must_change_password && (phone || dropped > 0);
    if renews {
        void_passwords(conn, account, at)?;
    }
    Ok(renews && account.state == AccountState::Active)
}

/// The wards' messages go where the guardian's do: whoever of them has never chosen a password gets a new one, as
/// [`renews_password`] says.
pub fn renew_wards(conn: &mut Conn, guardian: &Account, stamp: Stamp<'_>) -> Result<(), Stopped> {
    let texts = texts::current(conn)?;
    for id in accounts::wards(conn, &guardian.holder.code)? {
        let ward = accounts::find(conn, Scope::Country, id)?.ok_or(NotFound)?;
        if ward.state == AccountState::Closed || !renews_password(conn, &ward, true, stamp.at)? {
            continue;
        }
        accounts::touch(conn, &ward)?;
        let key = format!("account-{}-{}", ward.id, ward.version);
        let occasion = Occasion { application: ward.application_id, staff: Some(stamp.staff), key: &key, at: stamp.at };
        messages::queue_all(conn, occasion, &outbox::on_new_password(&texts, &ward))?;
        let reason = Recorded {
            state: ward.state, reason: Some("Người giám hộ đổi số điện thoại"), changes: &[]
        };
        let event = NewEvent {
            application: None,
            account: Some(ward.id),
            staff: Some(stamp.staff),
            kind: EventKind::AccountPasswordReset,
            at: stamp.at,
            address: stamp.address,
            before: None,
            after: Some(to_json(&reason)),
        };
        events::add(conn, &event)?;
    }
    Ok(())
}

fn change_contact(conn: &mut Conn, account: &Account, contact: &Contact, stamp: Stamp<'_>) -> Result<Effect, Stopped> {
    let at = stamp.at;
    let holder = account.with_contact(contact)?;
    let changes = change::between(&account.holder, &holder, &[]);
    let (phone, email) = notice::moves_contact(&changes);
    let renews = renews_password(conn, account, phone, at)?;
    accounts::set_holder(conn, account, &holder)?;
    let now = as_it_is(conn, account)?;
    let texts = texts::current(conn)?;
    let notice = notice::contact_changed(&texts, account.code(), phone, email);
    let mut drafts = outbox::to_old_and_new(account, &now, MessageKind::ContactChanged, &notice);
    if renews {
        drafts.extend(outbox::on_new_password(&texts, &now));
    }
    if phone {
        renew_wards(conn, &now, stamp)?;
    }
    Ok((drafts, changes))
}

fn void_passwords(conn: &mut Conn, account: &Account, at: NaiveDateTime) -> Result<(), Stopped> {
    if credentials::void_passwords(conn, account.id, at)? { Ok(()) } else { Err(Refusal::PasswordOnItsWay.into()) }
}

fn as_it_is(conn: &mut Conn, account: &Account) -> QueryResult<Account> {
    accounts::find(conn, Scope::Country, account.id)?.ok_or(NotFound)
}
