//! An application's row in the detailed list.

use chrono::NaiveDate;

use crate::db::stay_list::StayRow;
use crate::domain::application::Sex;
use crate::domain::dates::BirthDate;
use crate::domain::export::masked;
use crate::domain::report::Cell;

/// In the order of [`crate::domain::export::list_columns`].
pub fn cells(number: i64, row: &StayRow, in_full: bool) -> Vec<Cell> {
    let StayRow { stay, application, agency, officer } = row;
    let text =
        |text: Option<&str>| text.filter(|text| !text.is_empty()).map_or(Cell::Empty, |it| Cell::Text(it.into()));
    let number_of = |number: &str| match in_full {
        true => text(Some(number)),
        false => text(Some(&masked(number))),
    };
    let time = |at: Option<_>| at.map_or(Cell::Empty, Cell::Time);
    vec![
        Cell::Count(number),
        text(Some(&application.number)),
        number_of(&application.code),
        text(Some(&application.name)),
        application.birth_date.as_ref().map_or(Cell::Empty, born),
        text(application.sex.map(Sex::label)),
        application.id_number.as_deref().map_or(Cell::Empty, number_of),
        number_of(&application.phone),
        text(Some(agency)),
        text(Some(application.kind.label())),
        text(Some(application.channel.label())),
        text(Some(stay.entered_as.label())),
        time(Some(stay.entered_at)),
        time(Some(application.due_at)),
        text(stay.left_as.map(|left| left.label())),
        time(stay.left_at),
        text(stay.late.map(|late| if late { "Muộn" } else { "Đúng hạn" })),
        text(officer.as_deref()),
        text(stay.reason.as_deref()),
    ]
}

/// What is known only by its year or month stays a text, and so do the first two months of 1900, which Excel counts wrongly.
fn born(date: &BirthDate) -> Cell {
    match date.as_str().parse::<NaiveDate>() {
        Ok(day) if date.as_str() >= "1900-03-01" => Cell::Date(day),
        _ => Cell::Text(date.to_string()),
    }
}
