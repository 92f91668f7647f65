//! The cells of a report as a page shows them.

use super::figure;
use crate::domain::report::{Cell, Column, Unit};
use crate::web::show;

/// The words of a cell; of nothing, none.
pub fn words(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Count(count) | Cell::Figure(count, _) => signed(*count),
        Cell::Decimal(value) => one_decimal(*value),
        Cell::Share(share) => format!("{} %", one_decimal(share * 100.0)),
        Cell::Date(date) => show::date(date),
        Cell::Time(time) => show::time(time),
    }
}

/// Where a cell leads: to the list that it counts.
pub fn link(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Figure(_, of) => Some(figure::address(of)),
        _ => None,
    }
}

/// The class of a column's cells.
pub fn class(column: &Column) -> &'static str {
    match column.unit {
        Unit::Count if column.label == "STT" => "count stt",
        Unit::Text => "wrap",
        Unit::Date | Unit::Time => "num",
        Unit::Count | Unit::Decimal | Unit::Share => "count",
    }
}

fn signed(count: i64) -> String {
    let minus = if count < 0 { "-" } else { "" };
    format!("{minus}{}", show::thousands(&count.abs()))
}

fn one_decimal(value: f64) -> String {
    let tenths = format!("{:.1}", value.abs());
    let (whole, tenth) = tenths.split_once('.').unwrap_or((&tenths, "0"));
    let minus = if value < 0.0 && tenths != "0.0" { "-" } else { "" };
    format!("{minus}{},{tenth}", show::thousands(&whole.parse().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_here() {
        let words_of = [
            Cell::Count(1_234_567),
            Cell::Count(-123),
            Cell::Count(-1_234),
            Cell::Decimal(1234.56),
            Cell::Decimal(-0.04),
            Cell::Share(0.999_9),
            Cell::Empty,
        ]
        .map(|cell| words(&cell));
        assert_eq!(words_of, ["1.234.567", "-123", "-1.234", "1.234,6", "0,0", "100,0 %", ""]);
    }
}
