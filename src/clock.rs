//! The server's clock, the only one that counts.

use chrono::{NaiveDateTime, SubsecRound, Utc};

/// Now, in UTC, to the millisecond: both databases keep that exactly.
pub fn now() -> NaiveDateTime {
    Utc::now().naive_utc().trunc_subsecs(3)
}
