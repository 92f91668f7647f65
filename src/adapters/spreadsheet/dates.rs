//! What makes a number a date: the format that its cell has.

use chrono::{Duration, NaiveDate, NaiveDateTime};

use super::out::Value;

/// Whether a format shows a date or a time of day, such as `dd/mm/yyyy`; a length of time (`[h]:mm`) is neither.
pub fn is_date_format(code: &str) -> bool {
    let mut chars = code.chars();
    let mut found = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                chars.by_ref().find(|c| *c == '"');
            }
            '\\' | '_' | '*' => {
                chars.next();
            }
            '[' => {
                let (inside, rest) = chars.as_str().split_once(']').unwrap_or_default();
                if !inside.is_empty() && inside.chars().all(|c| matches!(c, 'h' | 'H' | 'm' | 'M' | 's' | 'S')) {
                    return false;
                }
                chars = rest.chars();
            }
            ';' => break,
            'G' | 'g' if chars.as_str().get(..6).is_some_and(|rest| rest.eq_ignore_ascii_case("eneral")) => {
                chars.nth(5);
            }
            'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' => found = true,
            _ => {}
        }
    }
    found
}

/// A number in a cell with a date's format. Below one it is a time of day, and beyond year 9999 no calendar reaches it.
pub fn date(serial: f64, is_1904: bool) -> Value<'static> {
    if !(1.0..2_958_466.0).contains(&serial) {
        return Value::Number(serial);
    }
    // The calendar of 1900 has a 29 February, because Lotus 1-2-3 had it.
    let first = match (is_1904, serial < 60.0) {
        (true, _) => NaiveDate::from_ymd_opt(1904, 1, 1),
        (false, true) => NaiveDate::from_ymd_opt(1899, 12, 31),
        (false, false) => NaiveDate::from_ymd_opt(1899, 12, 30),
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number below three million, times the milliseconds of a day"
    )]
    let milliseconds = (serial * 86_400_000.0).round() as i64;
    first
        .and_then(|day| NaiveDateTime::from(day).checked_add_signed(Duration::milliseconds(milliseconds)))
        .map_or(Value::Number(serial), Value::Date)
}

/// A date that is written out: `1990-05-12`, `1990-05-12T08:30:00`.
pub fn iso_date(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim().trim_end_matches('Z');
    text.parse().ok().or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(NaiveDateTime::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_dates_are_told_from_those_of_numbers() {
        for code in ["dd/mm/yyyy", "[$-42A]d mmmm yyyy;@", "h:mm AM/PM", "\"ngày\" dd", "yyyy\\-mm", "[Red]d/m/yy"] {
            assert!(is_date_format(code), "{code}");
        }
        for code in
            ["General", "0.00", "@", "#,##0\"d\"", "[h]:mm:ss", "0\\d", "[Red]0", "0;dd", "_(* #,##0_)", "[", "GENERAL"]
        {
            assert!(!is_date_format(code), "{code}");
        }
    }

    #[test]
    fn numbers_become_the_days_that_programs_show() {
        let shown = |serial, is_1904| match date(serial, is_1904) {
            Value::Date(date) => date.format("%Y-%m-%d %H:%M:%S").to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(shown(33_005.0, false), "1990-05-12 00:00:00");
        assert_eq!(shown(1.0, false), "1900-01-01 00:00:00");
        assert_eq!(shown(61.5, false), "1900-03-01 12:00:00");
        assert_eq!(shown(31_543.0, true), "1990-05-12 00:00:00");
        assert_eq!(shown(0.5, false), "Number(0.5)");
        assert_eq!(shown(2_958_466.0, false), "Number(2958466.0)");
        assert_eq!(shown(f64::NAN, false), "Number(NaN)");
    }
}
