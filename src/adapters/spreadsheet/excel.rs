//! What the readers of Excel's workbooks have in common: calamine reads the cells, and here they become ours.

use calamine::{DataType, Dimensions, Sheet, SheetType, SheetVisible};

use super::Stop;
use super::dates::iso_date;
use super::out::{Value, add_span};
use crate::domain::workbook::Span;

/// What calamine holds of a workbook besides its texts: styles, names, the list of sheets. Workbooks that went through many
/// hands have tens of thousands of styles.
pub const MAX_INDEX_BYTES: u64 = 64 << 20;
/// The texts, which it holds one by one: a text of ten letters costs as much memory as it has bytes in the file.
pub const MAX_STRINGS_BYTES: u64 = 256 << 20;

/// A list is on a sheet of cells that is shown.
pub fn is_read(sheet: &Sheet) -> bool {
    sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet
}

pub fn value(cell: &impl DataType) -> Value<'_> {
    if let Some(text) = cell.get_string() {
        return Value::Text(text);
    }
    if let Some(number) = cell.get_float() {
        return Value::Number(number);
    }
    if let Some(number) = cell.get_int() {
        #[expect(clippy::cast_precision_loss, reason = "whole numbers in binary workbooks have thirty bits")]
        return Value::Number(number as f64);
    }
    if let Some(date) = cell.get_datetime() {
        let serial = date.as_f64();
        // Below one it is a time of day, and beyond year 9999 no calendar reaches it; a length of time is no date either.
        let is_date = date.is_datetime() && (1.0..2_958_466.0).contains(&serial);
        return date.as_datetime().filter(|_| is_date).map_or(Value::Number(serial), Value::Date);
    }
    if let Some(value) = cell.get_bool() {
        return Value::Bool(value);
    }
    if let Some(text) = cell.get_datetime_iso() {
        return iso_date(text).map_or(Value::Text(text), Value::Date);
    }
    // Lengths of time; what is left is nothing or an error.
    cell.get_duration_iso().map_or(Value::Empty, Value::Text)
}

pub fn spans(merged: &[Dimensions]) -> Result<Vec<Span>, Stop> {
    let mut spans = Vec::with_capacity(merged.len());
    for area in merged {
        let [first, last] = [area.start, area.end].map(|(row, column)| (u64::from(row) + 1, u64::from(column)));
        add_span(&mut spans, (first.0, last.0), (first.1, last.1))?;
    }
    Ok(spans)
}
