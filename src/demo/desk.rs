//! What the first office's desk has done with some accounts, through the same functions as the desk itself; what it told
//! the citizens has left.

use chrono::{NaiveDateTime, TimeDelta};

use crate::db::account_acts::{self, Stopped};
use crate::db::account_list::{self, Query};
use crate::db::events::NewEvent;
use crate::db::events::Stamp;
use crate::db::messages::Occasion;
use crate::db::registry_list::From;
use crate::db::{Conn, accounts, credentials, events, messages};
use crate::domain::account::{Account, AccountAct, AccountState, DeskCheck, LockCause};
use crate::domain::account_search::Sought;
use crate::domain::delivery::{Gateway, Outcome, after_attempt};
use crate::domain::desk::{Contact, Deed, Order};
use crate::domain::event::EventKind;
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::numbers::Email;
use crate::domain::outbox::{self, MessageChannel, MessageKind};
use crate::domain::permission::Scope;
use crate::domain::texts::Texts;
use crate::domain::{notice, to_json};

/// Every so many of the older accounts something was done with.
const EVERY: usize = 7;

pub fn work(
    conn: &mut Conn,
    agency: AgencyId,
    officer: StaffId,
    password_hash: &str,
    now: NaiveDateTime,
) -> Result<(), Stopped> {
    let query = Query { scope: Scope::Agency(agency), sought: Sought::Everybody, state: None };
    let found = account_list::look(conn, &query)?;
    let mut older = account_list::page(conn, &query, &found, From::Start, 500)?;
    older.retain(|row| now - row.since() > TimeDelta::days(2));
    let tried = [
        Some(AccountAct::Lock),
        Some(AccountAct::ChangeContact),
        None,
        Some(AccountAct::ResetPassword),
        Some(AccountAct::Close),
        Some(AccountAct::Lock),
    ];
    for (nth, (row, act)) in older.iter().step_by(EVERY).zip(tried).enumerate() {
        let at = now - TimeDelta::minutes(400 - 45 * nth as i64);
        let Some(account) = accounts::find(conn, Scope::Country, row.id)? else { continue };
        match act {
            Some(act) => {
                let stamp = Stamp { staff: officer, at, address: Some("192.0.2.11") };
                account_acts::record(conn, &account, &order(act, &account, nth), stamp)?;
            }
            None => lock_by_tries(conn, &account, at)?,
        }
        let mut leased = messages::lease(conn, "demo", MessageChannel::Sms, [16; 3], at)?;
        leased.extend(messages::lease(conn, "demo", MessageChannel::Email, [16; 3], at)?);
        for sent in leased {
            let by = match sent.channel {
                MessageChannel::Sms => Gateway::Sms,
                MessageChannel::Email => Gateway::Mail,
            };
            let taken = after_attempt(Outcome::Accepted { by, receipt: false }, 1, at, at);
            messages::settle(conn, &sent, "demo", &taken, None, at)?;
            if sent.kind == MessageKind::NewPassword {
                credentials::add_first_password(conn, account.id, password_hash, at)?;
            }
        }
    }
    Ok(())
}

fn order(act: AccountAct, account: &Account, nth: usize) -> Order {
    let deed = match act {
        AccountAct::ResetPassword => Deed::ResetPassword,
        AccountAct::ChangeContact => Deed::ChangeContact(Contact {
            phone: account.notice_phone().clone(),
            email: Some(Email::from_stored(format!("moi.{}@example.com", account.id))),
        }),
        AccountAct::Lock => Deed::Lock,
        AccountAct::Unlock => Deed::Unlock,
        AccountAct::Close => Deed::Close,
    };
    let reason = act.reasons().iter().cycle().nth(nth + 1).copied().unwrap_or_default().to_owned();
    Order { deed, reason, check: DeskCheck { id_compared: true, asked_by_holder: true } }
}

fn lock_by_tries(conn: &mut Conn, account: &Account, at: NaiveDateTime) -> Result<(), Stopped> {
    accounts::set_state(conn, account, AccountState::Locked, Some(LockCause::WrongPasswords), at)?;
    let notice = notice::locked_by_tries(&Texts::default(), account.code());
    let drafts = outbox::to_holder(account, MessageKind::Locked, notice);
    let key = format!("tries-{}", account.id);
    messages::queue_all(conn, Occasion { application: account.application_id, staff: None, key: &key, at }, &drafts)?;
    #[derive(serde::Serialize)]
    struct State {
        state: AccountState,
    }
    events::add(
        conn,
        &NewEvent {
            application: None,
            account: Some(account.id),
            staff: None,
            kind: EventKind::AccountLockedByTries,
            at,
            address: None,
            before: Some(to_json(&State { state: account.state })),
            after: Some(to_json(&State { state: AccountState::Locked })),
        },
    )?;
    Ok(())
}
