//! Whether somebody is who they say: the password, and the one-time password. Tries are counted before anything is compared,
//! in the database, so that neither many at once nor many servers give more of them. When the process dies in between, a try
//! counts that was never judged; the next one after the last locks the account.

use actix_web::{rt, web};

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

/// Compares a password, and goes on with the account in the transaction that forgets wrong tries. It goes through to its end
/// also when the caller has hung up: a try that was counted and never judged would bring a patient citizen closer to the lock
/// whenever the server is slow.
pub async fn prove<T, F>(
    parts: &web::Data<Parts>,
    stamp: &Stamp,
    (code, password): (SocialCode, Password),
    go_on: F,
) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn, Proven) -> Result<Result<T, Problem>, AppError> + Send + 'static,
{
    parts.limits.account(&code)?;
    let (parts, stamp) = (parts.clone(), stamp.clone());
    let judged = rt::spawn(async move {
        let tried = parts.note(move |conn| Ok(credentials::count_try(conn, &code)?)).await?;
        let known = tried.as_ref().map(|tried| (tried.account, tried.hashes.clone()));
        match (judge(&parts, known, password, go_on).await, tried) {
            (Ok(Some(outcome)), _) => Ok(outcome),
            (Ok(None), Some(Tried { account, is_last: true, .. })) => {
                parts.write(move |conn| Ok(citizens::lock_when_used_up(conn, account, &stamp)?)).await?;
                Ok(Err(Problem::WrongPassword))
            }
            (Ok(None), _) => Ok(Err(Problem::WrongPassword)),
            (Err(fault), Some(Tried { account, counted: true, .. })) => {
                parts.note(move |conn| Ok(credentials::take_try_back(conn, account)?)).await?;
                Err(fault)
            }
            (Err(fault), _) => Err(fault),
        }
    });
    judged.await.map_err(anyhow::Error::from)??
}

/// What a right password leads to; None when it is wrong, an error when that could not be found out.
async fn judge<T, F>(
    parts: &Parts,
    known: Option<(AccountId, Option<String>)>,
    password: Password,
    go_on: F,
) -> Result<Option<Result<T, Problem>>, AppError>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn, Proven) -> Result<Result<T, Problem>, AppError> + Send + 'static,
{
    let (account, hashes) = known.unzip();
    let hashes = hashes.flatten();
    let right = parts.hasher.verify(password.into_clear(), hashes.clone()).await?;
    match (account, hashes) {
        (Some(account), Some(hashes)) if right => {
            parts.note(move |conn| still_proven(conn, account, hashes, go_on)).await.map(Some)
        }
        _ => Ok(None),
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
