//! What signs a citizen in: the hashes of passwords, and how they come and go. No clear text is ever here.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{accounts, messages, otps};
use super::{Conn, one_row};
use crate::domain::account::AccountState;
use crate::domain::ids::{AccountId, OtpId};
use crate::domain::outbox::{MessageKind, MessageState};

/// Keeps the hash of a password that is about to leave, beside those of the ones that may have arrived before. False when
/// the citizen has already chosen one of their own, or the account is not in use: then nothing must be sent.
pub fn add_first_password(conn: &mut Conn, id: AccountId, hash: &str, now: NaiveDateTime) -> QueryResult<bool> {
    let changed = change_passwords(conn, id, |hashes| hashes.push(hash.to_owned()))?;
    if changed {
        let set = (accounts::password_set_at.eq(now), accounts::expiry_notices.eq(0));
        diesel::update(accounts::table.find(id)).set(set).execute(conn)?;
    }
    Ok(changed)
}

/// Forgets the hash of a password that surely did not leave.
pub fn drop_first_password(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<bool> {
    change_passwords(conn, id, |hashes| hashes.retain(|known| known != hash))
}

fn change_passwords(conn: &mut Conn, id: AccountId, change: impl FnOnce(&mut Vec<String>)) -> QueryResult<bool> {
    let first = accounts::table
        .find(id)
        .filter(accounts::must_change_password.eq(true))
        .filter(accounts::state.eq(AccountState::Active));
    let Some(before) = first.select(accounts::password_hashes).first::<Option<String>>(conn).optional()? else {
        return Ok(false);
    };
    let mut hashes: Vec<String> = before.as_deref().unwrap_or_default().lines().map(str::to_owned).collect();
    change(&mut hashes);
    let after = (!hashes.is_empty()).then(|| hashes.join("\n"));
    // Nobody else changes them meanwhile: only the worker that holds the lease of the account's one message does.
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
    let waits = messages::state.eq(MessageState::Queued);
    let worker_died = messages::state.eq(MessageState::Sending).and(messages::next_attempt_at.le(now));
    diesel::update(
        messages::table
            .filter(messages::account_id.eq(id))
            .filter(messages::kind.eq_any(MessageKind::WITH_PASSWORD))
            .filter(waits.or(worker_died)),
    )
    .set((messages::state.eq(MessageState::Dropped), messages::lease.eq(None::<String>)))
    .execute(conn)
}

/// Messages with a password that have not left must not leave any more.
pub fn drop_waiting_passwords(conn: &mut Conn, id: AccountId) -> QueryResult<()> {
    diesel::update(
        messages::table
            .filter(messages::account_id.eq(id))
            .filter(messages::kind.eq_any(MessageKind::WITH_PASSWORD))
            .filter(messages::state.eq_any([MessageState::Queued, MessageState::Sending])),
    )
    .set((messages::state.eq(MessageState::Dropped), messages::lease.eq(None::<String>)))
    .execute(conn)?;
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
