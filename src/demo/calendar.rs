//! The time during which offices are open, as one line of seconds: positions on it can be added and compared, and each
//! is an instant on a working day between 8:00 and 11:30 or 13:30 and 17:00, Hanoi time.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::domain::dates::{from_hanoi, to_hanoi};
use crate::domain::deadline;

const MORNING: u32 = 8 * 3600;
const AFTERNOON: u32 = 13 * 3600 + 1800;
const HALF_DAY: u32 = 3 * 3600 + 1800;
/// An office day in seconds.
pub const DAY: i64 = 2 * HALF_DAY as i64;

pub struct Calendar {
    days: Vec<NaiveDate>,
}

impl Calendar {
    /// The working days from `days` ago until now.
    pub fn of_last(days: i64, now: NaiveDateTime, official: &deadline::Calendar) -> Self {
        let today = to_hanoi(now).date();
        let first = today - TimeDelta::days(days);
        let days = first.iter_days().take_while(|day| *day <= today);
        Self { days: days.filter(|day| official.is_working_day(*day)).collect() }
    }

    /// How much of the line had passed at an instant (UTC).
    pub fn position(&self, instant: NaiveDateTime) -> i64 {
        let local = to_hanoi(instant);
        let whole = self.days.partition_point(|day| *day < local.date());
        let seconds = if self.days.get(whole) == Some(&local.date()) {
            let of_day = (local - local.date().and_time(NaiveTime::MIN)).num_seconds();
            let within = |opens: u32| (of_day - i64::from(opens)).clamp(0, i64::from(HALF_DAY));
            within(MORNING) + within(AFTERNOON)
        } else {
            0
        };
        i64::try_from(whole).unwrap_or(0) * DAY + seconds
    }

    /// The instant (UTC) at a position.
    pub fn instant(&self, position: i64) -> NaiveDateTime {
        let end = i64::try_from(self.days.len()).unwrap_or(0) * DAY;
        let position = position.min(end - 1).max(0);
        let day = usize::try_from(position / DAY).unwrap_or(0);
        let seconds = u32::try_from(position % DAY).unwrap_or(0);
        let of_day = if seconds < HALF_DAY { MORNING + seconds } else { AFTERNOON + seconds - HALF_DAY };
        let time = NaiveTime::from_num_seconds_from_midnight_opt(of_day, 0).unwrap_or_default();
        from_hanoi(self.days.get(day).copied().unwrap_or_default(), time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        let local = NaiveDateTime::parse_from_str(text, "%d/%m/%Y %H:%M").unwrap();
        from_hanoi(local.date(), local.time())
    }

    #[test]
    fn every_position_is_in_office_hours() {
        let calendar = Calendar::of_last(10, at("24/11/2026 10:00"), &deadline::Calendar::default());
        for (instant, office) in [
            ("24/11/2026 10:00", "24/11/2026 10:00"),
            ("24/11/2026 12:15", "24/11/2026 13:30"),
            ("22/11/2026 10:00", "23/11/2026 08:00"),
            ("20/11/2026 16:59", "20/11/2026 16:59"),
        ] {
            assert_eq!(calendar.instant(calendar.position(at(instant))), at(office), "{instant}");
        }
        assert_eq!(calendar.position(at("24/11/2026 08:00")) - calendar.position(at("20/11/2026 08:00")), 2 * DAY);
    }
}
