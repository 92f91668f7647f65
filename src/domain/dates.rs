//! Dates as Vietnamese papers write them: dd/mm/yyyy, Hanoi time, and birth dates of which only the year may be known.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

use super::text::{self, FieldError};

/// Hanoi is seven hours ahead of UTC all year.
fn hanoi() -> FixedOffset {
    FixedOffset::east_opt(7 * 3600).unwrap_or_else(|| FixedOffset::east_opt(0).unwrap_or_else(|| unreachable!()))
}

/// The same instant on Hanoi's clock.
pub fn to_hanoi(utc: NaiveDateTime) -> NaiveDateTime {
    utc.and_utc().with_timezone(&hanoi()).naive_local()
}

/// The instant, in UTC, at which Hanoi's clock shows this.
pub fn from_hanoi(date: NaiveDate, time: NaiveTime) -> NaiveDateTime {
    let local = date.and_time(time);
    local.and_local_timezone(hanoi()).single().map_or(local, |instant: DateTime<FixedOffset>| instant.naive_utc())
}

/// dd/mm/yyyy
pub fn show_date(date: NaiveDate) -> String {
    date.format("%d/%m/%Y").to_string()
}

/// dd/mm/yyyy HH:MM, Hanoi time.
pub fn show_time(utc: NaiveDateTime) -> String {
    to_hanoi(utc).format("%d/%m/%Y %H:%M").to_string()
}

/// Reads dd/mm/yyyy, also with `-` or `.` between, without leading zeros, or as ddmmyyyy, and the yyyy-mm-dd of a
/// browser's own date field.
///
/// # Errors
/// Something else, or a day that no calendar has.
pub fn parse_date(raw: &str) -> Result<Option<NaiveDate>, FieldError> {
    let Some(typed) = text::line(raw, 20)? else {
        return Ok(None);
    };
    match Parts::read(&typed) {
        Some(Parts { day: Some(day), month: Some(month), year }) => {
            NaiveDate::from_ymd_opt(year, month, day).map(Some).ok_or_else(|| no_such_day(&typed))
        }
        _ => Err(FieldError::new(format!(
            "«{typed}» không phải ngày. Hãy gõ theo dạng ngày/tháng/năm, ví dụ 05/03/2026."
        ))),
    }
}

fn no_such_day(typed: &str) -> FieldError {
    FieldError::new(format!("Không có ngày «{typed}» trong lịch. Hãy kiểm tra lại ngày và tháng."))
}

struct Parts {
    day: Option<u32>,
    month: Option<u32>,
    year: i32,
}

impl Parts {
    fn read(typed: &str) -> Option<Self> {
        let fields: Vec<&str> = typed.split(['/', '-', '.', ' ']).filter(|field| !field.is_empty()).collect();
        if fields.iter().any(|field| field.len() > 8 || !field.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        let number = |text: &str| text.parse::<u32>().ok();
        let year = |text: &str| (text.len() == 4).then(|| text.parse::<i32>().ok()).flatten();
        match fields.as_slice() {
            [whole] if whole.len() == 8 => {
                Some(Self { day: number(&whole[..2]), month: number(&whole[2..4]), year: year(&whole[4..])? })
            }
            [only] => Some(Self { day: None, month: None, year: year(only)? }),
            [month, last] => Some(Self { day: None, month: number(month), year: year(last)? }),
            [first, month, day] if first.len() == 4 => {
                Some(Self { day: number(day), month: number(month), year: year(first)? })
            }
            [day, month, last] => Some(Self { day: number(day), month: number(month), year: year(last)? }),
            _ => None,
        }
    }
}

/// A birth date as precisely as it is known: a day, a month, or only a year. Stored as `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, diesel::deserialize::FromSqlRow, diesel::expression::AsExpression,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct BirthDate(String);

text_column!(BirthDate);

impl BirthDate {
    /// # Errors
    /// Not a date, before 1900, or after `today`.
    pub fn parse(raw: &str, today: NaiveDate) -> Result<Self, FieldError> {
        let typed = text::required_line(raw, 20)?;
        let wrong = || {
            FieldError::new(format!(
                "«{typed}» không phải ngày sinh. Hãy gõ ngày/tháng/năm, tháng/năm hoặc chỉ năm, ví dụ 05/03/1990."
            ))
        };
        let parts = Parts::read(&typed).ok_or_else(wrong)?;
        let first = NaiveDate::from_ymd_opt(parts.year, parts.month.unwrap_or(1), parts.day.unwrap_or(1));
        let Some(first) = first else {
            return Err(no_such_day(&typed));
        };
        if parts.year < 1900 || first > today {
            return Err(FieldError::new("Ngày sinh phải từ năm 1900 đến hôm nay."));
        }
        Ok(Self(match (parts.day, parts.month) {
            (Some(_), _) => first.format("%Y-%m-%d").to_string(),
            (None, Some(_)) => first.format("%Y-%m").to_string(),
            (None, None) => first.format("%Y").to_string(),
        }))
    }

    pub fn of(date: NaiveDate) -> Self {
        Self(date.format("%Y-%m-%d").to_string())
    }

    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn year(&self) -> i32 {
        self.0.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0)
    }

    /// Whether both can be the same day, as far as both are known.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }

    /// Whether the person is surely younger than `years` on this day.
    pub fn is_under(&self, years: i32, today: NaiveDate) -> bool {
        // Of a year alone the first day counts: whoever may be old enough is not a minor.
        let (month, day) = (self.field(5).unwrap_or(1), self.field(8).unwrap_or(1));
        NaiveDate::from_ymd_opt(self.year() + years, month, day)
            .or_else(|| NaiveDate::from_ymd_opt(self.year() + years, 3, 1))
            .is_some_and(|birthday| birthday > today)
    }

    fn field(&self, at: usize) -> Option<u32> {
        self.0.get(at..at + 2)?.parse().ok()
    }
}

impl std::fmt::Display for BirthDate {
    /// dd/mm/yyyy, mm/yyyy or yyyy.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.rsplit('-').collect::<Vec<_>>().join("/"))
    }
}

/// The year on Hanoi's clock: the one that application numbers carry.
pub fn hanoi_year(utc: NaiveDateTime) -> i32 {
    to_hanoi(utc).year()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    #[test]
    fn a_date_is_read_in_the_ways_people_type_it() {
        for typed in ["5/3/2026", "05/03/2026", "05-03-2026", "5.3.2026", " 05032026 ", "2026-03-05"] {
            assert_eq!(parse_date(typed), Ok(Some(day(2026, 3, 5))), "{typed}");
        }
        assert_eq!(parse_date("  "), Ok(None));
        for wrong in ["31/02/2026", "2026", "03/2026", "mai", "1/1/26", "99/99/9999", "1/2/3/2026"] {
            assert!(parse_date(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_birth_date_keeps_the_precision_it_was_given() {
        let today = day(2026, 11, 24);
        for (typed, stored, shown) in
            [("5/3/1990", "1990-03-05", "05/03/1990"), ("3/1990", "1990-03", "03/1990"), ("1990", "1990", "1990")]
        {
            let date = BirthDate::parse(typed, today).unwrap();
            assert_eq!((date.as_str(), date.to_string().as_str()), (stored, shown));
        }
        for wrong in ["", "25/11/2026", "1899", "13/1990", "30/02/1990", "x"] {
            assert!(BirthDate::parse(wrong, today).is_err(), "{wrong}");
        }
    }

    #[test]
    fn birth_dates_agree_as_far_as_both_are_known() {
        let date = |text: &str| BirthDate::from_stored(text.into());
        assert!(date("1990").agrees_with(&date("1990-03-05")));
        assert!(date("1990-03-05").agrees_with(&date("1990-03")));
        assert!(!date("1990-04").agrees_with(&date("1990-03-05")));
    }

    #[test]
    fn a_minor_is_told_by_the_birthday() {
        let date = |text: &str| BirthDate::from_stored(text.into());
        assert!(date("2008-11-25").is_under(18, day(2026, 11, 24)));
        assert!(!date("2008-11-24").is_under(18, day(2026, 11, 24)));
        assert!(!date("2008").is_under(18, day(2026, 11, 24)));
        assert!(date("2008-02-29").is_under(18, day(2026, 2, 28)));
    }

    #[test]
    fn times_are_shown_in_hanoi() {
        let utc = day(2026, 12, 31).and_hms_opt(18, 30, 0).unwrap();
        assert_eq!(show_time(utc), "01/01/2027 01:30");
        assert_eq!(hanoi_year(utc), 2027);
        assert_eq!(from_hanoi(day(2027, 1, 1), NaiveTime::from_hms_opt(1, 30, 0).unwrap()), utc);
    }
}
