//! The server's clock, the only one that counts.

use chrono::{NaiveDateTime, SubsecRound, Utc};

/// Now, in UTC, to the millisecond: both databases keep that exactly.
#[expect(clippy::disallowed_methods, reason = "here and nowhere else")]
pub fn now() -> NaiveDateTime {
    Utc::now().naive_utc().trunc_subsecs(3)
}
