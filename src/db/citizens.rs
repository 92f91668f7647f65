//! What citizens do with their accounts from the app or the portal: the account, its history and its messages, in the
//! caller's one transaction.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::QueryResult;
use diesel::result::Error::NotFound;

use super::events::NewEvent;
use super::messages::Occasion;
use super::{Conn, accounts, credentials, events, messages, texts};
use crate::domain::account::{Account, AccountState, LockCause, OtpPurpose};
use crate::domain::citizen::{Device, OTP_WINDOW, otp_wait};
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, OtpId};
use crate::domain::outbox::{Draft, MessageKind, to_holder};
use crate::domain::permission::Scope;
use crate::domain::{notice, to_json};

/// When something is done, and from where.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub at: NaiveDateTime,
    pub address: String,
}

/// The account whose password was right; it is this transaction's until it ends. None when the password is no longer the one
/// that was compared.
pub fn proven(conn: &mut Conn, id: AccountId, hashes: &str) -> QueryResult<Option<Account>> {
    if credentials::right_password(conn, id, hashes)? { accounts::find(conn, Scope::Country, id) } else { Ok(None) }
}

/// Locks an account when its tries are used up, and tells its holder.
pub fn lock_when_used_up(conn: &mut Conn, id: AccountId, stamp: &Stamp) -> QueryResult<()> {
    if !credentials::must_lock(conn, id)? {
        return Ok(());
    }
    let account = accounts::find(conn, Scope::Country, id)?.ok_or(NotFound)?;
    accounts::set_state(conn, &account, AccountState::Locked, Some(LockCause::WrongPasswords), stamp.at)?;
    let notice = notice::locked_by_tries(&texts::current(conn)?, account.code());
    let drafts = to_holder(&account, MessageKind::Locked, notice);
    tell(conn, &account, &drafts, stamp)?;
    record(conn, id, EventKind::AccountLockedByTries, None, stamp)
}

/// Signs a device in, and the one that was signed in out; returns whether there was another.
pub fn sign_in(conn: &mut Conn, id: AccountId, device: &Device, stamp: &Stamp) -> QueryResult<bool> {
    let before = credentials::device(conn, id)?;
    credentials::sign_in(conn, id, device, stamp.at)?;
    let is_new = before.as_deref() != Some(device.hash());
    if is_new {
        record(conn, id, EventKind::CitizenSignedIn, None, stamp)?;
    }
    Ok(is_new && before.is_some())
}

#[derive(serde::Serialize)]
struct Asked {
    purpose: OtpPurpose,
}

/// Queues a one-time password to where the account's messages go; those before it are void. When it comes too soon, nothing
/// is queued and the answer is how long to wait. The account must be this transaction's.
pub fn ask_otp(
    conn: &mut Conn,
    account: &Account,
    purpose: OtpPurpose,
    device: Option<&Device>,
    stamp: &Stamp,
) -> QueryResult<Result<OtpId, TimeDelta>> {
    let earlier = credentials::otp_times(conn, account.id, stamp.at - OTP_WINDOW)?;
    if let Some(wait) = otp_wait(&earlier, stamp.at) {
        return Ok(Err(wait));
    }
    let otp = credentials::new_otp(conn, account.id, purpose, device, stamp.at)?;
    let body = notice::otp(&texts::current(conn)?, account.code(), purpose);
    let sms = Draft::sms(MessageKind::Otp, account.notice_phone().as_str(), body, Some(account.id));
    let draft = Draft { otp: Some(otp), ..sms };
    let occasion =
        Occasion { application: account.application_id, staff: None, key: &format!("otp-{otp}"), at: stamp.at };
    messages::queue_all(conn, occasion, &[draft])?;
    record(conn, account.id, EventKind::OtpAsked, Some(to_json(&Asked { purpose })), stamp)?;
    Ok(Ok(otp))
}

/// Uses the one-time password up and keeps the hash of the password that the citizen chose. The device that is signed in
/// stays so when it is the one that asks. False, and nothing is changed, when the one-time password was used meanwhile.
pub fn change_password(
    conn: &mut Conn,
    account: &Account,
    otp: OtpId,
    hash: &str,
    device: Option<&Device>,
    stamp: &Stamp,
) -> QueryResult<bool> {
    if !credentials::use_otp(conn, (otp, account.id), OtpPurpose::Password, stamp.at)? {
        return Ok(false);
    }
    let active = credentials::device(conn, account.id)?;
    let stays = device.filter(|device| active.as_deref() == Some(device.hash()));
    credentials::choose_password(conn, (account.id, account.version), hash, stays, stamp.at)?;
    let notice = notice::password_changed(&texts::current(conn)?, account.code());
    let drafts = to_holder(account, MessageKind::PasswordChanged, notice);
    tell(conn, account, &drafts, stamp)?;
    record(conn, account.id, EventKind::CitizenPasswordChanged, None, stamp)?;
    Ok(true)
}

/// One set of notices for each version that was acted upon.
fn tell(conn: &mut Conn, account: &Account, drafts: &[Draft], stamp: &Stamp) -> QueryResult<()> {
    let key = format!("account-{}-{}", account.id, account.version);
    messages::queue_all(
        conn,
        Occasion { application: account.application_id, staff: None, key: &key, at: stamp.at },
        drafts,
    )
}

fn record(conn: &mut Conn, id: AccountId, kind: EventKind, after: Option<String>, stamp: &Stamp) -> QueryResult<()> {
    events::add(
        conn,
        &NewEvent {
            application: None,
            account: Some(id),
            staff: None,
            kind,
            at: stamp.at,
            address: Some(&stamp.address),
            before: None,
            after,
        },
    )
}
