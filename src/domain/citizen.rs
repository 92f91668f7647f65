//! What holds for a citizen's own use of an account.

use chrono::{Months, NaiveDateTime, TimeDelta};

use super::dates::{from_hanoi, to_hanoi};

/// When a password that was made or chosen then expires, on Hanoi's calendar: after six months on the same day, or on the last
/// one of a shorter month (the guide, section 3). None when passwords do not expire (`months` is 0). UTC.
pub fn password_expires_at(set_at: NaiveDateTime, months: u32) -> Option<NaiveDateTime> {
    if months == 0 {
        return None;
    }
    let local = to_hanoi(set_at).checked_add_months(Months::new(months))?;
    Some(from_hanoi(local.date(), local.time()))
}

/// Passwords that expire at `until` or before were set then or before; of the last three days of a longer month not all.
pub fn set_before(until: NaiveDateTime, months: u32) -> Option<NaiveDateTime> {
    let local = to_hanoi(until).checked_sub_months(Months::new(months))? + TimeDelta::days(3);
    Some(from_hanoi(local.date(), local.time()))
}

/// So long before a password expires its holder is told (**decided**).
pub const EXPIRY_NOTICE: TimeDelta = TimeDelta::days(7);

/// How many of the two notices, that it will expire and that it has, must have left for a password by now.
pub fn expiry_notices_due(set_at: NaiveDateTime, months: u32, now: NaiveDateTime) -> i32 {
    password_expires_at(set_at, months)
        .map_or(0, |expires_at| i32::from(expires_at - EXPIRY_NOTICE <= now) + i32::from(expires_at <= now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        let local = NaiveDateTime::parse_from_str(text, "%d/%m/%Y %H:%M").unwrap();
        from_hanoi(local.date(), local.time())
    }

    #[test]
    fn a_password_expires_after_six_months_on_the_same_day_or_the_last_of_the_month() {
        for (set, expires) in [
            ("24/05/2026 09:00", "24/11/2026 09:00"),
            ("31/08/2026 23:59", "28/02/2027 23:59"),
            // In UTC it is still the day before.
            ("31/08/2026 00:30", "28/02/2027 00:30"),
        ] {
            assert_eq!(password_expires_at(at(set), 6), Some(at(expires)), "{set}");
        }
        assert_eq!(password_expires_at(at("24/05/2026 09:00"), 0), None);
    }

    #[test]
    fn its_holder_is_told_seven_days_before_and_when_it_has_expired() {
        let due = |now| expiry_notices_due(at("24/05/2026 09:00"), 6, at(now));
        assert_eq!(due("17/11/2026 08:59"), 0);
        assert_eq!(due("17/11/2026 09:00"), 1);
        assert_eq!(due("24/11/2026 08:59"), 1);
        assert_eq!(due("24/11/2026 09:00"), 2);
        assert_eq!(expiry_notices_due(at("24/05/2020 09:00"), 0, at("24/11/2026 09:00")), 0);
    }
}
