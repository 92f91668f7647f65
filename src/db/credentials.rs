//! What signs a citizen in: the hashes of passwords, and how they come and go. No clear text is ever here.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::messages::drop_messages;
use super::schema::{accounts, messages, otps};
use super::{Conn, one_row};
use crate::domain::account::{Account, AccountState, OTP_LIFE, OTP_TRIES, OtpPurpose, WRONG_PASSWORDS};
use crate::domain::citizen::Device;
use crate::domain::delivery::MessageState;
use crate::domain::ids::{AccountId, OtpId};
use crate::domain::numbers::SocialCode;
use crate::domain::outbox::MessageKind;
use crate::on_backend;

/// Keeps the hash of a password that is about to leave, beside those of the ones that may have arrived before. False when
/// the citizen has already chosen one of their own, or the account is not in use: then nothing must be sent.
pub fn add_first_password(conn: &mut Conn, id: AccountId, hash: &str, now: NaiveDateTime) -> QueryResult<bool> {
    let in_use = accounts::table.find(id).filter(accounts::state.eq(AccountState::Active));
    if in_use.select(accounts::id).first::<AccountId>(conn).optional()?.is_none() {
        return Ok(false);
    }
    let changed = change_passwords(conn, id, |hashes| hashes.push(hash.to_owned()))?;
    if changed {
        let set = (accounts::password_set_at.eq(now), accounts::expiry_notices.eq(0));
        diesel::update(accounts::table.find(id)).set(set).execute(conn)?;
    }
    Ok(changed)
}

/// Forgets the hash of a password that surely did not leave, also when the account was locked meanwhile.
pub fn drop_first_password(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<bool> {
    change_passwords(conn, id, |hashes| hashes.retain(|known| known != hash))
}

fn change_passwords(conn: &mut Conn, id: AccountId, change: impl FnOnce(&mut Vec<String>)) -> QueryResult<bool> {
    let first = accounts::table.find(id).filter(accounts::must_change_password.eq(true));
    // The account is this transaction's until it ends: an SMS and a mail may each carry a password of it.
    if diesel::update(first).set(accounts::must_change_password.eq(true)).execute(conn)? == 0 {
        return Ok(false);
    }
    let Some(before) = first.select(accounts::password_hashes).first::<Option<String>>(conn).optional()? else {
        return Ok(false);
    };
    let mut hashes: Vec<String> = before.as_deref().unwrap_or_default().lines().map(str::to_owned).collect();
    change(&mut hashes);
    let after = (!hashes.is_empty()).then(|| hashes.join("\n"));
    one_row(diesel::update(first).set(accounts::password_hashes.eq(after)).execute(conn)?)?;
    Ok(true)
}

/// Whether a worker is just sending a password of this account: what it sends must still be good when it arrives.
pub fn password_is_leaving(conn: &mut Conn, id: AccountId, now: NaiveDateTime) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        messages::table
            .filter(messages::account_id.eq(id))
            .filter(messages::kind.eq_any(MessageKind::WITH_PASSWORD))
            .filter(messages::state.eq(MessageState::Sending))
            .filter(messages::next_attempt_at.gt(now)),
    ))
    .get_result(conn)
}

/// Makes every password of an account void and drops those that wait to be sent, so that only the next one is good. False,
/// and nothing may be committed, when a worker is just sending one.
pub fn void_passwords(conn: &mut Conn, id: AccountId, now: NaiveDateTime) -> QueryResult<bool> {
    drop_queued_passwords(conn, id, now)?;
    // Asked only now: what no worker had taken before, none can take any more.
    if password_is_leaving(conn, id, now)? {
        return Ok(false);
    }
    // One may have been put back into the queue between the two.
    drop_queued_passwords(conn, id, now)?;
    settle_passwords(conn, id)?;
    diesel::update(accounts::table.find(id))
        .set((
            accounts::password_hashes.eq(None::<String>),
            accounts::password_set_at.eq(None::<NaiveDateTime>),
            accounts::must_change_password.eq(true),
            accounts::failed_tries.eq(0),
            accounts::expiry_notices.eq(0),
            accounts::device_hash.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(true)
}

/// Drops the messages with a password that no worker is sending; returns how many there were.
pub fn drop_queued_passwords(conn: &mut Conn, id: AccountId, now: NaiveDateTime) -> QueryResult<usize> {
    let waits = messages::state.eq_any([MessageState::Queued, MessageState::Unknown]);
    let worker_died = messages::state.eq(MessageState::Sending).and(messages::next_attempt_at.le(now));
    let with_password = messages::account_id.eq(id).and(messages::kind.eq_any(MessageKind::WITH_PASSWORD));
    Ok(drop_messages!(conn, with_password.and(waits.or(worker_died)), now))
}

/// Messages with a password that have not left must not leave any more.
pub fn drop_waiting_passwords(conn: &mut Conn, id: AccountId, now: NaiveDateTime) -> QueryResult<()> {
    let with_password = messages::account_id.eq(id).and(messages::kind.eq_any(MessageKind::WITH_PASSWORD));
    drop_messages!(conn, with_password.and(messages::state.eq_any(MessageState::WAITING)), now);
    settle_passwords(conn, id)
}

/// That a password did not arrive needs nobody any more: another one takes its place, or none is needed.
fn settle_passwords(conn: &mut Conn, id: AccountId) -> QueryResult<()> {
    let lost = messages::table
        .filter(messages::account_id.eq(id))
        .filter(messages::kind.eq_any(MessageKind::WITH_PASSWORD))
        .filter(messages::state.eq_any(MessageState::TROUBLE));
    diesel::update(lost).set(messages::settled.eq(true)).execute(conn)?;
    Ok(())
}

/// Keeps the hash of a one-time password that is about to leave. False when it was used or has run out.
pub fn add_otp(conn: &mut Conn, id: OtpId, hash: &str, now: NaiveDateTime) -> QueryResult<bool> {
    let good = otps::table.find(id).filter(otps::used_at.is_null()).filter(otps::expires_at.gt(now));
    let Some(before) = good.select(otps::hashes).first::<Option<String>>(conn).optional()? else {
        return Ok(false);
    };
    let after = before.map_or_else(|| hash.to_owned(), |before| format!("{before}\n{hash}"));
    one_row(diesel::update(good).set(otps::hashes.eq(after)).execute(conn)?)?;
    Ok(true)
}

/// One-time passwords that are on their way, or arrived, are good no more: the account is not in use, or its messages go
/// elsewhere; those of its holder's wards likewise.
pub fn void_otps(conn: &mut Conn, account: &Account, now: NaiveDateTime) -> QueryResult<()> {
    let mut ids = super::accounts::wards(conn, &account.holder.code)?;
    ids.push(account.id);
    let open = otps::table.filter(otps::account_id.eq_any(ids)).filter(otps::expires_at.gt(now));
    diesel::update(open).set(otps::expires_at.eq(now)).execute(conn)?;
    Ok(())
}

/// A try at a password, counted before the password is compared, so that many at once are not one.
#[derive(Clone, Debug)]
pub struct Tried {
    pub account: AccountId,
    /// None when nothing can be right: there is no password, or the tries are used up.
    pub hashes: Option<String>,
    /// False when the tries were used up before.
    pub counted: bool,
    /// Whether no further try is left if this one is wrong.
    pub is_last: bool,
}

/// Counts a try. None when there is no such account.
pub fn count_try(conn: &mut Conn, code: &SocialCode) -> QueryResult<Option<Tried>> {
    let account = accounts::table.filter(accounts::code.eq(code));
    let counted = diesel::update(account.filter(accounts::failed_tries.lt(WRONG_PASSWORDS)))
        .set(accounts::failed_tries.eq(accounts::failed_tries + 1))
        .execute(conn)?
        == 1;
    let row: Option<(AccountId, Option<String>, i32)> =
        account.select((accounts::id, accounts::password_hashes, accounts::failed_tries)).first(conn).optional()?;
    Ok(row.map(|(account, hashes, tries)| Tried {
        account,
        hashes: hashes.filter(|_| counted),
        counted,
        is_last: tries >= WRONG_PASSWORDS,
    }))
}

/// A try that was never judged does not count.
pub fn take_try_back(conn: &mut Conn, id: AccountId) -> QueryResult<()> {
    diesel::update(accounts::table.find(id).filter(accounts::failed_tries.gt(0)))
        .set(accounts::failed_tries.eq(accounts::failed_tries - 1))
        .execute(conn)?;
    Ok(())
}

/// Whether the tries of an account in use are used up. The account is this transaction's until it ends.
pub fn must_lock(conn: &mut Conn, id: AccountId) -> QueryResult<bool> {
    let used_up = accounts::table
        .find(id)
        .filter(accounts::state.eq(AccountState::Active))
        .filter(accounts::failed_tries.ge(WRONG_PASSWORDS));
    Ok(diesel::update(used_up).set(accounts::failed_tries.eq(WRONG_PASSWORDS)).execute(conn)? == 1)
}

/// The password was right: wrong ones before it are forgotten, and the account is this transaction's until it ends. False
/// when it is no longer the password that was compared.
pub fn right_password(conn: &mut Conn, id: AccountId, hashes: &str) -> QueryResult<bool> {
    let same = accounts::table.find(id).filter(accounts::password_hashes.eq(hashes));
    Ok(diesel::update(same).set(accounts::failed_tries.eq(0)).execute(conn)? == 1)
}

/// The hash of the one device that is signed in.
pub fn device(conn: &mut Conn, id: AccountId) -> QueryResult<Option<String>> {
    accounts::table.find(id).select(accounts::device_hash).first(conn)
}

/// Signs a device in, and out whichever was.
pub fn sign_in(conn: &mut Conn, id: AccountId, device: &Device, now: NaiveDateTime) -> QueryResult<()> {
    let set = (accounts::device_hash.eq(device.hash()), accounts::last_sign_in_at.eq(now));
    one_row(diesel::update(accounts::table.find(id)).set(set).execute(conn)?)
}

/// The password that a citizen chose takes the place of all before. Signed in stays `device` alone, if any.
pub fn choose_password(
    conn: &mut Conn,
    (id, version): (AccountId, i32),
    hash: &str,
    device: Option<&Device>,
    now: NaiveDateTime,
) -> QueryResult<()> {
    let as_it_was = accounts::table.find(id).filter(accounts::version.eq(version));
    let set = (
        accounts::password_hashes.eq(hash),
        accounts::password_set_at.eq(now),
        accounts::must_change_password.eq(false),
        accounts::expiry_notices.eq(0),
        accounts::failed_tries.eq(0),
        accounts::device_hash.eq(device.map(Device::hash)),
        accounts::version.eq(version + 1),
    );
    // Messages before accounts, as everywhere: two transactions would else wait for each other.
    drop_waiting_passwords(conn, id, now)?;
    one_row(diesel::update(as_it_was).set(set).execute(conn)?)
}

/// When an account asked for one-time passwords since then.
pub fn otp_times(conn: &mut Conn, id: AccountId, since: NaiveDateTime) -> QueryResult<Vec<NaiveDateTime>> {
    otps::table.filter(otps::account_id.eq(id)).filter(otps::created_at.gt(since)).select(otps::created_at).load(conn)
}

/// The one-time password, while it can be used.
macro_rules! good_otp {
    ($id:expr, $account:expr, $purpose:expr, $now:expr) => {
        otps::table
            .find($id)
            .filter(otps::account_id.eq($account))
            .filter(otps::purpose.eq($purpose))
            .filter(otps::used_at.is_null())
            .filter(otps::expires_at.gt($now))
    };
}

/// A one-time password to be made and sent; those before it are void.
pub fn new_otp(
    conn: &mut Conn,
    account: AccountId,
    purpose: OtpPurpose,
    device: Option<&Device>,
    now: NaiveDateTime,
) -> QueryResult<OtpId> {
    let open = otps::table.filter(otps::account_id.eq(account)).filter(otps::expires_at.gt(now));
    diesel::update(open).set(otps::expires_at.eq(now)).execute(conn)?;
    on_backend!(conn, c => diesel::insert_into(otps::table)
        .values((
            otps::account_id.eq(account),
            otps::purpose.eq(purpose),
            otps::device_hash.eq(device.map(Device::hash)),
            otps::tries.eq(0),
            otps::created_at.eq(now),
            otps::expires_at.eq(now + OTP_LIFE),
        ))
        .returning(otps::id)
        .get_result(c))
}

/// Counts a try at a one-time password, before its digits are compared. None when it is not good for this account, purpose
/// and device, has not been sent, or is used, run out or tried too often.
pub fn count_otp_try(
    conn: &mut Conn,
    (id, account): (OtpId, AccountId),
    purpose: OtpPurpose,
    device: Option<&Device>,
    now: NaiveDateTime,
) -> QueryResult<Option<String>> {
    let row: Option<(Option<String>, Option<String>)> =
        good_otp!(id, account, purpose, now).select((otps::device_hash, otps::hashes)).first(conn).optional()?;
    let of_device = row.filter(|(bound_to, _)| bound_to.as_deref() == device.map(Device::hash));
    let Some(hashes) = of_device.and_then(|(_, hashes)| hashes) else {
        return Ok(None);
    };
    let left = good_otp!(id, account, purpose, now).filter(otps::tries.lt(OTP_TRIES));
    let counted = diesel::update(left).set(otps::tries.eq(otps::tries + 1)).execute(conn)?;
    Ok((counted == 1).then_some(hashes))
}

/// Uses a one-time password up whose digits were right. False when somebody was quicker.
pub fn use_otp(
    conn: &mut Conn,
    (id, account): (OtpId, AccountId),
    purpose: OtpPurpose,
    now: NaiveDateTime,
) -> QueryResult<bool> {
    let good = good_otp!(id, account, purpose, now);
    Ok(diesel::update(good).set(otps::used_at.eq(now)).execute(conn)? == 1)
}
