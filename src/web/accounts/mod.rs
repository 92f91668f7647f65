//! *Tài khoản*: looking for citizens' accounts, one account with all that belongs to it, and what a desk does with it.

pub mod acts;
pub mod detail;
pub mod list;
pub mod receive;

use chrono::NaiveDateTime;

use crate::db::events::{self, NewEvent};
use crate::db::{Conn, accounts};
use crate::domain::account::Account;
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, StaffId};
use crate::domain::permission::Actor;
use crate::error::AppError;

/// The account, when this person may see it now; otherwise nobody learns that it exists.
fn within_reach(conn: &mut Conn, actor: &Actor, id: AccountId, now: NaiveDateTime) -> Result<Account, AppError> {
    accounts::find_for(conn, actor, id, now)?.ok_or(AppError::NotFound)
}

/// Records that a member of staff looked at an account, or received its holder.
fn note(
    conn: &mut Conn,
    kind: EventKind,
    id: AccountId,
    by: StaffId,
    address: &str,
    at: NaiveDateTime,
) -> Result<(), AppError> {
    let event = NewEvent {
        application: None,
        account: Some(id),
        staff: Some(by),
        kind,
        at,
        address: Some(address),
        before: None,
        after: None,
    };
    Ok(events::add(conn, &event)?)
}
