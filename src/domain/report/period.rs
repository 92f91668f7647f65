//! From which day to which day a report counts: Hanoi's days.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};

use crate::domain::dates::show_date;
use crate::domain::text::FieldError;

text_enum! {
    /// The kinds of period that are offered.
    pub enum Span {
        Day = "day" => "Ngày",
        Week = "week" => "Tuần",
        Month = "month" => "Tháng",
        Quarter = "quarter" => "Quý",
        Year = "year" => "Năm",
        Between = "between" => "Từ ngày đến ngày",
    }
}

text_enum! {
    /// How a period is cut into rows.
    pub enum Grain {
        Day = "day" => "Ngày",
        Week = "week" => "Tuần",
        Month = "month" => "Tháng",
    }
}

text_enum! {
    /// What the tallies are sums of.
    pub enum Level {
        Day = "day" => "Ngày",
        Month = "month" => "Tháng",
    }
}

/// Two days of Hanoi's calendar and all between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Period {
    first: NaiveDate,
    last: NaiveDate,
}

/// Whole days or whole months, `from` a first day to `before` another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub level: Level,
    pub from: NaiveDate,
    pub before: NaiveDate,
}

impl Period {
    /// How many days a report may span: ten years.
    pub const MAX_DAYS: i64 = 3_660;

    /// # Errors
    /// The last day before the first, more than ten years, or years that no report is about.
    pub fn between(first: NaiveDate, last: NaiveDate) -> Result<Self, FieldError> {
        if last < first {
            return Err(FieldError::new("Đến ngày phải từ ngày bắt đầu trở đi."));
        }
        if first.year() < 2000 || last.year() > 2199 {
            return Err(FieldError::new("Chọn các ngày từ năm 2000 đến năm 2199."));
        }
        if (last - first).num_days() >= Self::MAX_DAYS {
            return Err(FieldError::new("Kỳ báo cáo dài nhất là mười năm. Hãy chọn khoảng ngắn hơn."));
        }
        Ok(Self { first, last })
    }

    /// The period of this kind that `day` is in; of [`Span::Between`] the day alone.
    pub fn of(span: Span, day: NaiveDate) -> Self {
        let first = match span {
            Span::Day | Span::Between => day,
            Span::Week => first_of(Grain::Week, day),
            Span::Month => first_of(Grain::Month, day),
            Span::Quarter => day.with_day(1).and_then(|day| day.with_month0(day.month0() / 3 * 3)).unwrap_or(day),
            Span::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap_or(day),
        };
        let next = match span {
            Span::Day | Span::Between => first + TimeDelta::days(1),
            Span::Week => first + TimeDelta::days(7),
            Span::Month => first + Months::new(1),
            Span::Quarter => first + Months::new(3),
            Span::Year => first + Months::new(12),
        };
        Self { first, last: next - TimeDelta::days(1) }
    }

    /// The whole period of this kind before the one that `day` is in.
    pub fn before(span: Span, day: NaiveDate) -> Self {
        Self::of(span, Self::of(span, day).first - TimeDelta::days(1))
    }

    pub fn first(&self) -> NaiveDate {
        self.first
    }

    pub fn last(&self) -> NaiveDate {
        self.last
    }

    pub fn contains(&self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }

    /// *Từ ngày … đến ngày …*
    pub fn title(&self) -> String {
        format!("Từ ngày {} đến ngày {}", show_date(self.first), show_date(self.last))
    }

    /// The period as a row is named by it: a day, a month, or its first and last day.
    pub fn name(&self) -> String {
        if self.first == self.last {
            show_date(self.first)
        } else if *self == Self::of(Span::Month, self.first) {
            self.first.format("Tháng %m/%Y").to_string()
        } else {
            format!("{} – {}", self.first.format("%d/%m"), show_date(self.last))
        }
    }

    /// The period cut into days, weeks or months; those at its ends may be cut short.
    pub fn pieces(&self, grain: Grain) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut first = self.first;
        while first <= self.last {
            let next = match grain {
                Grain::Day => first + TimeDelta::days(1),
                Grain::Week => first_of(grain, first) + TimeDelta::days(7),
                Grain::Month => first_of(grain, first) + Months::new(1),
            };
            pieces.push(Self { first, last: self.last.min(next - TimeDelta::days(1)) });
            first = next;
        }
        pieces
    }

    /// The fewest sums that make up the period: whole months, and the days at both ends.
    pub fn stretches(&self) -> Vec<Stretch> {
        let end = self.last + TimeDelta::days(1);
        stretches(Some(self.first), end)
    }

    /// The same for all the time before the period.
    pub fn stretches_before(&self) -> Vec<Stretch> {
        stretches(None, self.first)
    }
}

/// The first day of the week (Monday) or the month that a day is in.
pub fn first_of(grain: Grain, day: NaiveDate) -> NaiveDate {
    match grain {
        Grain::Day => day,
        Grain::Week => day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday())),
        Grain::Month => day.with_day(1).unwrap_or(day),
    }
}

fn stretches(from: Option<NaiveDate>, before: NaiveDate) -> Vec<Stretch> {
    let last_month = first_of(Grain::Month, before);
    let first_month = match from {
        None => NaiveDate::default(),
        Some(from) if from == first_of(Grain::Month, from) => from,
        Some(from) => first_of(Grain::Month, from) + Months::new(1),
    };
    let first = from.unwrap_or(first_month);
    let all = if first_month < last_month || from.is_none() {
        vec![
            (Level::Day, first, first_month),
            (Level::Month, first_month, last_month),
            (Level::Day, last_month, before),
        ]
    } else {
        vec![(Level::Day, first, before)]
    };
    let stretch = |(level, from, before)| Stretch { level, from, before };
    all.into_iter().map(stretch).filter(|stretch| stretch.from < stretch.before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_the_one_that_its_day_is_in() {
        for (span, first, last) in [
            (Span::Day, "2026-11-24", "2026-11-24"),
            (Span::Week, "2026-11-23", "2026-11-29"),
            (Span::Month, "2026-11-01", "2026-11-30"),
            (Span::Quarter, "2026-10-01", "2026-12-31"),
            (Span::Year, "2026-01-01", "2026-12-31"),
        ] {
            let period = Period::of(span, day("2026-11-24"));
            assert_eq!((period.first(), period.last()), (day(first), day(last)), "{span:?}");
        }
        let january = Period::before(Span::Month, day("2026-02-28"));
        assert_eq!((january.first(), january.last()), (day("2026-01-01"), day("2026-01-31")));
    }

    #[test]
    fn the_stretches_of_a_period_are_its_days_once_each() {
        let days = |all: Vec<Stretch>| -> Vec<NaiveDate> {
            let each = |it: Stretch| it.from.iter_days().take_while(move |day| *day < it.before).collect::<Vec<_>>();
            all.into_iter().flat_map(each).collect()
        };
        for (first, last) in [
            ("2026-01-01", "2026-12-31"),
            ("2026-01-15", "2026-01-20"),
            ("2026-01-15", "2026-02-10"),
            ("2026-01-15", "2026-03-10"),
            ("2026-02-01", "2026-02-28"),
            ("2025-12-31", "2026-01-01"),
        ] {
            let period = Period::between(day(first), day(last)).unwrap();
            let expected: Vec<_> = day(first).iter_days().take_while(|it| *it <= day(last)).collect();
            assert_eq!(days(period.stretches()), expected, "{first} {last}");
            let before = period.stretches_before();
            assert_eq!(before.last().map(|it| it.before), Some(day(first)));
            assert!(before.windows(2).all(|pair| pair[0].before == pair[1].from));
            assert!(before[0].level == Level::Month && before[0].from < day("1971-01-01"));
            for month in period.stretches().into_iter().chain(before).filter(|it| it.level == Level::Month) {
                assert_eq!((month.from.day(), month.before.day()), (1, 1));
            }
        }
    }

    #[test]
    fn the_pieces_of_a_period_are_weeks_from_monday_and_months_from_the_first() {
        let period = Period::between(day("2026-11-24"), day("2026-12-09")).unwrap();
        let firsts = |grain| period.pieces(grain).iter().map(|piece| piece.first().to_string()).collect::<Vec<_>>();
        assert_eq!(firsts(Grain::Week), ["2026-11-24", "2026-11-30", "2026-12-07"]);
        assert_eq!(firsts(Grain::Month), ["2026-11-24", "2026-12-01"]);
        assert_eq!(firsts(Grain::Day).len(), 16);
        assert_eq!(period.pieces(Grain::Week).last().map(Period::last), Some(day("2026-12-09")));
    }

    #[test]
    fn a_period_that_ends_before_it_begins_is_refused() {
        assert!(Period::between(day("2026-11-24"), day("2026-11-23")).is_err());
        assert!(Period::between(day("2000-01-01"), day("2026-11-23")).is_err());
        assert!(Period::between(day("1999-12-31"), day("2000-01-01")).is_err());
    }
}
