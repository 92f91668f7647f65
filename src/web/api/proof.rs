//! Whether somebody is who they say: the password, and the one-time password. Tries are counted before anything is compared,
//! in the database, so that neither many at once nor many servers give more of them. When the process dies in between, a try
//! counts that was never judged; the next one after the last locks the account.

use super::problem::Problem;
use crate::db::Conn;
use crate::db::citizens::{self, Stamp};
use crate::db::credentials::{self, Tried};
use crate::domain::account::{Account, AccountState, OtpPurpose};
use crate::domain::citizen::{Device, Password};
use crate::domain::ids::{AccountId, OtpId};
use crate::domain::numbers::SocialCode;
use crate::error::AppError;
use crate::startup::Parts;

/// The account whose password was right, and the hashes that it was compared with.
pub struct Proven {
    pub account: Account,
    pub hashes: String,
}

/// Compares a password, and goes on with the account in the transaction that forgets wrong tries.
pub async fn prove<T, F>(
    parts: &Parts,
    stamp: &Stamp,
    (code, password): (SocialCode, Password),
    go_on: F,
) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn, Proven) -> Result<Result<T, Problem>, AppError> + Send + 'static,
{
    parts.limits.account(&code)?;
    let tried = parts.note(move |conn| Ok(credentials::count_try(conn, &code)?)).await?;
    let hashes = tried.as_ref().and_then(|tried| tried.hashes.clone());
    let right = match parts.hasher.verify(password.into_clear(), hashes).await {
        Ok(right) => right,
        Err(error) => {
            if let Some(Tried { account, counted: true, .. }) = tried {
                parts.note(move |conn| Ok(credentials::take_try_back(conn, account)?)).await?;
            }
            return Err(error.into());
        }
    };
    match tried {
        Some(Tried { account, hashes: Some(hashes), .. }) if right => {
            parts.note(move |conn| still_proven(conn, account, hashes, go_on)).await?
        }
        Some(Tried { account, is_last: true, .. }) => {
            let stamp = stamp.clone();
            parts.write(move |conn| Ok(citizens::lock_when_used_up(conn, account, &stamp)?)).await?;
            Err(Problem::WrongPassword)
        }
        _ => Err(Problem::WrongPassword),
    }
}

/// Goes on with an account if its password is still the one that was compared, and the account in use.
pub fn still_proven<T>(
    conn: &mut Conn,
    id: AccountId,
    hashes: String,
    go_on: impl FnOnce(&mut Conn, Proven) -> Result<Result<T, Problem>, AppError>,
) -> Result<Result<T, Problem>, AppError> {
    let Some(account) = citizens::proven(conn, id, &hashes)? else {
        return Ok(Err(Problem::WrongPassword));
    };
    match account.state {
        AccountState::Active => go_on(conn, Proven { account, hashes }),
        AccountState::Locked => Ok(Err(Problem::Locked(account.lock_cause))),
        AccountState::Closed => Ok(Err(Problem::WrongPassword)),
    }
}

/// A one-time password that is given.
pub struct Otp {
    pub id: OtpId,
    pub digits: String,
}

/// Compares the digits; a try is counted before. Using it up is another step.
pub async fn judge_otp(
    parts: &Parts,
    Otp { id, digits }: Otp,
    account: AccountId,
    (purpose, device): (OtpPurpose, Option<Device>),
    stamp: &Stamp,
) -> Result<OtpId, Problem> {
    let now = stamp.at;
    let hashes = parts
        .note(move |conn| Ok(credentials::count_otp_try(conn, (id, account), purpose, device.as_ref(), now)?))
        .await?;
    if parts.hasher.verify(digits, hashes).await? { Ok(id) } else { Err(Problem::WrongOtp) }
}
