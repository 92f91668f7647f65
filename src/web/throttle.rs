//! Wrong passwords make the next try wait. A try is counted before the password is looked at and taken back when it was
//! right, so that many tries at once are not one.

use chrono::{NaiveDateTime, TimeDelta};
use sha2::{Digest, Sha256};

use crate::db::staff;
use crate::domain::ids::StaffId;
use crate::domain::staff::{Counter, FORGET_AFTER, delay};
use crate::error::AppError;
use crate::startup::Parts;

/// A try at a password under way.
pub struct Try(Vec<(String, Counter)>);

/// Under what failures of a name are counted: a table of the names that were tried would be a table of names.
fn key(kind: &str, value: &str) -> String {
    Sha256::digest(format!("{kind}:{value}").as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key under which failures for a name from anywhere are counted.
pub fn login_key(login: &str) -> String {
    key("login", login)
}

/// The key under which an officer's wrong tries to receive somebody of another office are counted.
pub fn receive_key(staff: StaffId) -> String {
    key("receive", &staff.to_string())
}

impl Try {
    /// Counts a try, or says how long it must wait.
    pub async fn begin(
        parts: &Parts,
        login: &str,
        address: &str,
        now: NaiveDateTime,
    ) -> Result<Result<Self, TimeDelta>, AppError> {
        let counters = vec![
            (key("pair", &format!("{login}@{address}")), Counter::Pair),
            (login_key(login), Counter::Login),
            (key("address", address), Counter::Address),
        ];
        parts
            .write(move |conn| {
                staff::forget_failures(conn, now - FORGET_AFTER)?;
                for (key, counter) in &counters {
                    if let Some((failures, last_at)) = staff::failures(conn, key)? {
                        let wait = last_at + delay(*counter, failures) - now;
                        if wait > TimeDelta::zero() {
                            return Ok(Err(wait));
                        }
                    }
                }
                for (key, _) in &counters {
                    staff::add_failure(conn, key, now)?;
                }
                Ok(Ok(Self(counters)))
            })
            .await
    }

    /// The password was right: this try does not count, and neither do those before it.
    pub async fn succeed(self, parts: &Parts) -> Result<(), AppError> {
        parts
            .write(move |conn| {
                for (key, _) in &self.0 {
                    staff::clear_failures(conn, key)?;
                }
                Ok(())
            })
            .await
    }
}

/// The sentence for somebody who must wait.
pub fn sentence(wait: TimeDelta) -> String {
    let seconds = wait.num_seconds() + 1;
    let time = if seconds < 120 { format!("{seconds} giây") } else { format!("{} phút", seconds / 60 + 1) };
    format!("Đã nhập sai nhiều lần. Hãy đợi {time} rồi thử lại.")
}
