//! *Ngày nghỉ*: the days on which offices are closed besides Saturdays and Sundays. They hold for the whole country; from them
//! the working days of a deadline are counted (the guide, section 3; [`super::deadline::Calendar`]).

use chrono::{Datelike, NaiveDate, Weekday};

use super::dates::parse_date;
use super::declaration::Faults;
use super::text::{self, FieldError};

/// So many years ahead, and one back, a day can be entered: another year is a slip of the finger.
const YEARS_AHEAD: i32 = 5;

/// Announcements for the next year come in autumn; from this month on it is time to enter them.
const ANNOUNCED_BY: u32 = 10;

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Holiday {
    pub day: NaiveDate,
    pub name: String,
}

impl Holiday {
    /// Reads what an admin typed.
    ///
    /// # Errors
    /// The sentences beside the fields `day` and `name`.
    pub fn parse(day: &str, name: &str, today: NaiveDate) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let day = parse_date(day)
            .and_then(|day| day.ok_or_else(|| FieldError::new("Nhập ngày nghỉ, ví dụ 02/09/2026.")))
            .and_then(|day| usable(day, today))
            .map_err(|fault| faults.push(("day", fault)));
        let name = text::required_line(name, 100).map_err(|fault| faults.push(("name", fault)));
        match (day, name) {
            (Ok(day), Ok(name)) => Ok(Self { day, name }),
            _ => Err(faults),
        }
    }

    pub fn weekday(&self) -> &'static str {
        match self.day.weekday() {
            Weekday::Mon => "Thứ Hai",
            Weekday::Tue => "Thứ Ba",
            Weekday::Wed => "Thứ Tư",
            Weekday::Thu => "Thứ Năm",
            Weekday::Fri => "Thứ Sáu",
            Weekday::Sat => "Thứ Bảy",
            Weekday::Sun => "Chủ nhật",
        }
    }
}

fn usable(day: NaiveDate, today: NaiveDate) -> Result<NaiveDate, FieldError> {
    let years = today.year() - 1..=today.year() + YEARS_AHEAD;
    if !years.contains(&day.year()) {
        let sentence = format!("Năm phải từ {} đến {}. Hãy kiểm tra lại.", years.start(), years.end());
        return Err(FieldError::new(sentence));
    }
    match day.weekday() {
        Weekday::Sat | Weekday::Sun => {
            Err(FieldError::new("Thứ Bảy và Chủ nhật đã là ngày nghỉ hằng tuần, không cần thêm."))
        }
        _ => Ok(day),
    }
}

/// The next year, when it is time to enter its days and there is none yet.
pub fn missing_year(holidays: &[Holiday], today: NaiveDate) -> Option<i32> {
    let next = today.year() + 1;
    let missing = today.month() >= ANNOUNCED_BY && holidays.iter().all(|holiday| holiday.day.year() != next);
    missing.then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_taken_as_typed_and_nonsense_is_refused_beside_its_field() {
        let today = day("2026-11-24");
        assert_eq!(
            Holiday::parse("2/9/2027", " Quốc khánh ", today),
            Ok(Holiday { day: day("2027-09-02"), name: "Quốc khánh".into() })
        );
        for (typed, name, fields) in [
            ("", "", ["day", "name"].as_slice()),
            ("31/02/2027", "Tết", &["day"]),
            ("02/09/2206", "Quốc khánh", &["day"]),
            ("05/09/2026", "Thứ Bảy", &["day"]),
            ("02/09/2027", "\u{0}", &["name"]),
        ] {
            let faults = Holiday::parse(typed, name, today).unwrap_err();
            assert_eq!(faults.iter().map(|(field, _)| *field).collect::<Vec<_>>(), fields, "{typed}");
        }
    }

    #[test]
    fn from_october_on_the_next_year_must_have_its_days() {
        let this_year = [Holiday { day: day("2026-09-02"), name: "Quốc khánh".into() }];
        assert_eq!(missing_year(&this_year, day("2026-09-30")), None);
        assert_eq!(missing_year(&this_year, day("2026-10-01")), Some(2027));
        assert_eq!(missing_year(&this_year, day("2025-12-31")), None);
    }
}
