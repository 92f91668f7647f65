//! A citizen's password expires some months after it was set (the guide, section 3): a notice before, and one when it has.

use std::cell::Cell;

use chrono::NaiveDateTime;

use super::Sweep;
use crate::db::{DbError, accounts, deadlines, messages};
use crate::domain::citizen::{EXPIRY_NOTICE, expiry_notices_due, password_expires_at, set_before};
use crate::domain::event::EventKind;
use crate::domain::notice;
use crate::domain::outbox::{self, MessageKind};
use crate::domain::permission::Scope;

impl Sweep<'_> {
    /// Tells holders that their password will expire, or that it has; of two notices that came due while no worker ran only the
    /// latter leaves. Returns how many were told.
    pub fn expire_passwords(&self) -> Result<usize, DbError> {
        // Who was never told may be due for either notice.
        Ok(self.tell(0, self.now + EXPIRY_NOTICE)? + self.tell(1, self.now)?)
    }

    /// Tells those who were told `told` times, of passwords that expire at `until` or before.
    fn tell(&self, told: i32, until: NaiveDateTime) -> Result<usize, DbError> {
        let months = self.parts.config.password_months;
        let Some(until) = set_before(until, months).filter(|_| months > 0) else { return Ok(0) };
        let after = Cell::new(None);
        self.batches(
            |conn| {
                loop {
                    let mut found = deadlines::old_passwords(conn, told, until, after.get(), self.batch)?;
                    let Some(last) = found.last() else { return Ok::<_, DbError>(found) };
                    after.set(Some(*last));
                    found.retain(|(set_at, _)| expiry_notices_due(*set_at, months, self.now) > told);
                    if !found.is_empty() {
                        return Ok(found);
                    }
                }
            },
            |conn, texts, (set_at, id)| {
                let due = expiry_notices_due(set_at, months, self.now);
                let (Some(account), Some(expires_at)) =
                    (accounts::find(conn, Scope::Country, id)?, password_expires_at(set_at, months))
                else {
                    return Ok(false);
                };
                if !deadlines::set_told_of_expiry(conn, id, set_at, told, due)? {
                    return Ok(false);
                }
                let drafts = if expires_at <= self.now {
                    self.note(conn, (None, Some(id)), EventKind::CitizenPasswordExpired, (None, None))?;
                    let notice = notice::password_expired(texts, account.code());
                    outbox::to_holder(&account, MessageKind::PasswordExpired, notice)
                } else {
                    let notice = notice::password_expires(texts, account.code(), expires_at);
                    outbox::to_holder(&account, MessageKind::PasswordExpires, notice)
                };
                let key = format!("account-{id}-{}", set_at.and_utc().timestamp_millis());
                let occasion =
                    messages::Occasion { application: account.application_id, staff: None, key: &key, at: self.now };
                messages::queue_all(conn, occasion, &drafts)?;
                Ok(true)
            },
        )
    }
}
