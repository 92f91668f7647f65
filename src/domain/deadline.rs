//! Until when an office has to act.
//!
//! A declaration made from afar waits ten days for its person to come; a decision is due three working days after receipt
//! (point 3 of the domain guide, **decided**: at the close of the third working day, 17:00). At a counter the papers are
//! received at once; a minor's declaration needs no visit, so it counts as received when it comes in.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

use super::application::{Application, Status};
use super::dates::{from_hanoi, to_hanoi};

text_enum! {
    pub enum DeadlineState {
        OnTime = "on_time" => "Đúng hạn",
        DueSoon = "due_soon" => "Sắp đến hạn",
        Late = "late" => "Muộn",
    }
}

/// From when on a deadline is near.
pub const DUE_SOON_SECONDS: i64 = 24 * 3600;

/// After this many days a declaration whose person did not come is removed.
pub const VISIT_DAYS: i64 = 10;

/// So many days after declaring somebody who has not come is reminded, the first and the second time (the guide, section 3,
/// **decided**).
pub const REMINDER_DAYS: [i64; 2] = [7, 9];

const WORKING_DAYS: u32 = 3;

/// The days on which offices are closed besides Saturdays and Sundays. An admin keeps the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar(HashSet<NaiveDate>);

impl Calendar {
    pub fn of(holidays: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self(holidays.into_iter().collect())
    }

    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !self.0.contains(&day)
    }

    /// When a declaration must have been acted upon: UTC.
    pub fn due_at(&self, submitted_at: NaiveDateTime, received_at: Option<NaiveDateTime>) -> NaiveDateTime {
        let Some(received_at) = received_at else {
            return removed_at(submitted_at);
        };
        let mut day = to_hanoi(received_at).date();
        let mut left = WORKING_DAYS;
        while left > 0 {
            day += TimeDelta::days(1);
            left -= u32::from(self.is_working_day(day));
        }
        from_hanoi(day, NaiveTime::from_hms_opt(17, 0, 0).unwrap_or_default())
    }
}

/// When a declaration is removed whose person did not come: UTC.
pub fn removed_at(submitted_at: NaiveDateTime) -> NaiveDateTime {
    submitted_at + TimeDelta::days(VISIT_DAYS)
}

/// Whether a declaration still waits for its person to come. A minor's needs no visit (the guide, section 3), and whoever was
/// assessed has come, also when the application came back from *Chờ cấp mã số* or was reopened.
pub fn awaits_visit(application: &Application) -> bool {
    application.status == Status::Pending
        && application.received_at.is_none()
        && application.declaration.guardian.is_none()
}

/// Whether a declaration is to be removed because its person did not come: exactly from the end of the tenth day on.
pub fn is_removed(application: &Application, now: NaiveDateTime) -> bool {
    awaits_visit(application) && removed_at(application.submitted_at) <= now
}

/// How often somebody who has not come must have been reminded by now. Of a declaration that is to be removed nobody is
/// reminded any more.
pub fn reminders_due(submitted_at: NaiveDateTime, now: NaiveDateTime) -> i32 {
    if removed_at(submitted_at) <= now {
        return 0;
    }
    REMINDER_DAYS.into_iter().map(|days| i32::from(submitted_at + TimeDelta::days(days) <= now)).sum()
}

impl DeadlineState {
    /// How an application stands: when it was decided, or now.
    pub fn of(due_at: NaiveDateTime, decided_at: Option<NaiveDateTime>, now: NaiveDateTime) -> Self {
        if decided_at.unwrap_or(now) > due_at {
            Self::Late
        } else if decided_at.is_none() && due_at - now < TimeDelta::seconds(DUE_SOON_SECONDS) {
            Self::DueSoon
        } else {
            Self::OnTime
        }
    }
}

/// The time left of an open application, in words; nothing once it is decided.
pub fn time_left(status: Status, due_at: NaiveDateTime, now: NaiveDateTime) -> Option<String> {
    if !status.is_open() {
        return None;
    }
    let left = due_at - now;
    let (days, hours) = (left.num_days().abs(), left.num_hours().abs() % 24);
    let words = match (days, hours) {
        (0, 0) => "dưới 1 giờ".to_owned(),
        (0, hours) => format!("{hours} giờ"),
        (1, hours @ 1..) => format!("1 ngày {hours} giờ"),
        // Of many days nobody plans the hours.
        (days, _) => format!("{days} ngày"),
    };
    Some(if left < TimeDelta::zero() { format!("quá hạn {words}") } else { format!("còn {words}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        let local = NaiveDateTime::parse_from_str(text, "%d/%m/%Y %H:%M").unwrap();
        from_hanoi(local.date(), local.time())
    }

    #[test]
    fn a_decision_is_due_three_working_days_after_receipt() {
        let days = [
            "2026-01-01",
            "2026-02-16",
            "2026-02-17",
            "2026-02-18",
            "2026-02-19",
            "2026-02-20",
            "2026-04-30",
            "2026-05-01",
        ];
        let calendar = Calendar::of(days.map(|day| day.parse().unwrap()));
        for (received, due) in [
            ("23/11/2026 09:00", "26/11/2026 17:00"),
            ("26/11/2026 16:59", "01/12/2026 17:00"),
            ("28/11/2026 10:00", "02/12/2026 17:00"),
            // Tết 2026: the 16th to the 20th of February.
            ("13/02/2026 15:00", "25/02/2026 17:00"),
            ("29/04/2026 08:00", "06/05/2026 17:00"),
            // The year's end.
            ("30/12/2025 08:00", "05/01/2026 17:00"),
        ] {
            assert_eq!(calendar.due_at(at(received), Some(at(received))), at(due), "{received}");
        }
    }

    #[test]
    fn a_person_who_did_not_come_has_ten_days() {
        assert_eq!(Calendar::default().due_at(at("20/11/2026 09:00"), None), at("30/11/2026 09:00"));
    }

    #[test]
    fn whoever_has_not_come_is_reminded_after_seven_and_nine_days_and_not_after_the_tenth() {
        let submitted = at("20/11/2026 09:00");
        for (now, reminders) in [
            ("27/11/2026 08:59", 0),
            ("27/11/2026 09:00", 1),
            ("29/11/2026 08:59", 1),
            ("29/11/2026 09:00", 2),
            ("30/11/2026 08:59", 2),
            ("30/11/2026 09:00", 0),
        ] {
            assert_eq!(reminders_due(submitted, at(now)), reminders, "{now}");
        }
    }

    #[test]
    fn a_deadline_is_near_on_its_last_day_and_a_decision_stops_the_clock() {
        let due = at("26/11/2026 17:00");
        assert_eq!(DeadlineState::of(due, None, at("25/11/2026 16:00")), DeadlineState::OnTime);
        assert_eq!(DeadlineState::of(due, None, at("25/11/2026 18:00")), DeadlineState::DueSoon);
        assert_eq!(DeadlineState::of(due, None, at("26/11/2026 17:01")), DeadlineState::Late);
        assert_eq!(DeadlineState::of(due, Some(at("26/11/2026 16:00")), at("30/11/2026 17:01")), DeadlineState::OnTime);
        assert_eq!(DeadlineState::of(due, Some(at("27/11/2026 16:00")), at("30/11/2026 17:01")), DeadlineState::Late);
    }

    #[test]
    fn the_time_left_is_said_in_words() {
        let due = at("26/11/2026 17:00");
        let left = |now| time_left(Status::Pending, due, at(now)).unwrap();
        assert_eq!(left("24/11/2026 14:00"), "còn 2 ngày");
        assert_eq!(left("26/11/2026 16:30"), "còn dưới 1 giờ");
        assert_eq!(left("27/11/2026 18:00"), "quá hạn 1 ngày 1 giờ");
        assert_eq!(time_left(Status::Approved, due, at("27/11/2026 18:00")), None);
    }
}
