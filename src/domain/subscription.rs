//! A report that comes by e-mail, again and again: when, and of which period.

use chrono::{Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use super::dates::{from_hanoi, to_hanoi};
use super::export::Subject;
use super::message::{self, Email};
use super::report::{Grain, Period, Span, first_of};
use super::text::{self, FieldError};

text_enum! {
    pub enum Every {
        Week = "week" => "Hằng tuần",
        Month = "month" => "Hằng tháng",
    }
}

text_enum! {
    /// Why the latest one did not leave, in words that say what to do.
    pub enum Fault {
        NoAddress = "no_address" => "Bạn chưa có địa chỉ e-mail. Hãy nhờ quản trị bổ sung.",
        NotAllowed = "not_allowed" => "Bạn không còn được xem báo cáo của cơ quan này, nên báo cáo không được gửi.",
        Gateway = "gateway" => "Máy chủ thư không nhận. Báo cáo này không được gửi; kỳ sau sẽ gửi như thường.",
        Retrying = "retrying" => "Máy chủ thư chưa nhận. Hệ thống đang thử lại.",
    }
}

/// How many reports one person may have sent to them (decided).
pub const MOST: i64 = 20;

/// When: Hanoi's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub every: Every,
    /// Of the week, 1 is Monday; or of the month, 1 to 28, which every month has.
    day: u32,
    /// After midnight.
    minute: u32,
}

impl Schedule {
    /// As a form or the database has it: the day's number, and the time as HH:MM.
    ///
    /// # Errors
    /// For the field «day» or «time»: not a day or time.
    pub fn parse(every: Every, day: &str, time: &str) -> Result<Self, (&'static str, FieldError)> {
        let most = match every {
            Every::Week => 7,
            Every::Month => 28,
        };
        let wrong_day = || ("day", FieldError::new(format!("Chọn ngày từ 1 đến {most}.")));
        let day = day.trim().parse().ok().filter(|day| (1..=most).contains(day)).ok_or_else(wrong_day)?;
        let typed = text::required_line(time, 10).map_err(|fault| ("time", fault))?;
        let time = NaiveTime::parse_from_str(&typed, "%H:%M");
        let wrong_time = |_| ("time", FieldError::new("Gõ giờ và phút, ví dụ 07:00."));
        let time = time.map_err(wrong_time)?;
        Ok(Self { every, day, minute: time.num_seconds_from_midnight() / 60 })
    }

    pub fn stored(every: Every, day: i32, minute: i32) -> Self {
        Self { every, day: u32::try_from(day).unwrap_or(1), minute: u32::try_from(minute).unwrap_or(0) }
    }

    /// Day and minute, for the database.
    pub fn parts(&self) -> (i32, i32) {
        (i32::try_from(self.day).unwrap_or(1), i32::try_from(self.minute).unwrap_or(0))
    }

    fn time(&self) -> NaiveTime {
        NaiveTime::from_num_seconds_from_midnight_opt(self.minute * 60, 0).unwrap_or(NaiveTime::MIN)
    }

    /// The first time (UTC) after a moment.
    pub fn after(&self, moment: NaiveDateTime) -> NaiveDateTime {
        let today = to_hanoi(moment).date();
        let this = self.within(today);
        if this > moment {
            return this;
        }
        self.within(match self.every {
            Every::Week => today + TimeDelta::days(7),
            Every::Month => first_of(Grain::Month, today) + Months::new(1),
        })
    }

    /// The time in the week or month that a day is in.
    fn within(&self, day: NaiveDate) -> NaiveDateTime {
        let first = first_of(if self.every == Every::Week { Grain::Week } else { Grain::Month }, day);
        from_hanoi(first + TimeDelta::days(i64::from(self.day) - 1), self.time())
    }

    /// What the report that is due then is of: the whole week or month before.
    pub fn period(&self, due: NaiveDateTime) -> Period {
        let span = match self.every {
            Every::Week => Span::Week,
            Every::Month => Span::Month,
        };
        Period::before(span, to_hanoi(due).date())
    }

    /// *Thứ Hai hằng tuần, 07:00*
    pub fn words(&self) -> String {
        let time = self.time().format("%H:%M");
        match self.every {
            Every::Week => format!("{} hằng tuần, {time}", WEEKDAYS[(self.day.clamp(1, 7) - 1) as usize]),
            Every::Month => format!("Ngày {} hằng tháng, {time}", self.day),
        }
    }
}

/// From Monday on.
pub const WEEKDAYS: [&str; 7] = ["Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ nhật"];

/// How long after the failed try of this number, from 1, the next one waits; none when it is given up, after a day or so.
pub fn pause(tries: i32) -> Option<TimeDelta> {
    let minutes = [1, 5, 15, 60, 180, 360, 720];
    minutes.get(usize::try_from(tries - 1).ok()?).map(|minutes| TimeDelta::minutes(*minutes))
}

/// The mail around a report, to a member of staff.
pub fn mail(name: &str, subject: &Subject, schedule: &Schedule) -> Email {
    let (title, period) = (subject.title(), subject.period());
    let paragraphs = [
        format!("Kính gửi {name},"),
        format!("Gửi kèm báo cáo «{title}». {period}."),
        format!(
            "Bạn nhận thư này vì đã đăng ký nhận báo cáo ({}). Muốn dừng, vào mục Báo cáo qua e-mail.",
            schedule.words()
        ),
        "Thư này được gửi tự động, vui lòng không trả lời.".to_owned(),
    ];
    message::letter(format!("{title}. {period}"), &paragraphs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hanoi(text: &str) -> NaiveDateTime {
        let local = NaiveDateTime::parse_from_str(text, "%d/%m/%Y %H:%M").unwrap();
        from_hanoi(local.date(), local.time())
    }

    #[test]
    fn a_report_of_monday_is_of_the_week_before() {
        let monday = Schedule::parse(Every::Week, "1", "07:00").unwrap();
        let due = monday.after(hanoi("24/11/2026 10:00"));
        assert_eq!(due, hanoi("30/11/2026 07:00"));
        assert_eq!(monday.after(hanoi("30/11/2026 06:59")), due);
        assert_eq!(monday.after(due), hanoi("07/12/2026 07:00"));
        let period = monday.period(due);
        assert_eq!((period.first(), period.last()), ("2026-11-23".parse().unwrap(), "2026-11-29".parse().unwrap()));
        assert_eq!(monday.words(), "Thứ Hai hằng tuần, 07:00");
        // Hanoi's Monday begins on UTC's Sunday.
        let early = Schedule::parse(Every::Week, "1", "00:30").unwrap();
        assert_eq!(early.after(hanoi("29/11/2026 23:50")), hanoi("30/11/2026 00:30"));
        assert_eq!(early.period(hanoi("30/11/2026 00:30")), period);
    }

    #[test]
    fn a_report_of_the_first_is_of_the_month_before() {
        let first = Schedule::parse(Every::Month, "1", "07:00").unwrap();
        assert_eq!(first.after(hanoi("31/12/2026 23:00")), hanoi("01/01/2027 07:00"));
        assert_eq!(first.after(hanoi("01/01/2027 07:00")), hanoi("01/02/2027 07:00"));
        let period = first.period(hanoi("01/03/2027 07:00"));
        assert_eq!((period.first(), period.last()), ("2027-02-01".parse().unwrap(), "2027-02-28".parse().unwrap()));
    }

    #[test]
    fn a_day_or_time_that_does_not_exist_is_refused() {
        for (every, day, time) in [
            (Every::Week, "8", "07:00"),
            (Every::Month, "29", "07:00"),
            (Every::Month, "0", "07:00"),
            (Every::Week, "1", "24:00"),
            (Every::Week, "1", ""),
        ] {
            assert!(Schedule::parse(every, day, time).is_err(), "{day} {time}");
        }
    }

    #[test]
    fn a_failing_gateway_is_tried_for_a_day() {
        let all: Vec<_> = (1..).map_while(pause).collect();
        assert!(all.is_sorted() && all.iter().sum::<TimeDelta>() < TimeDelta::days(1));
    }
}
