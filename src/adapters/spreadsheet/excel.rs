//! What the readers of Excel's workbooks have in common: calamine reads the cells, and here they become ours.

use calamine::{DataType, Dimensions, Sheet, SheetType, SheetVisible};

use super::dates::iso_date;
use super::out::{Value, add_span};
use super::{Stop, TOO_LARGE};
use crate::domain::workbook::Span;

/// What calamine holds of a workbook besides its texts: styles, names, the list of sheets. Workbooks that went through many
/// hands have tens of thousands of styles.
pub const MAX_INDEX_BYTES: u64 = 64 << 20;
/// What it holds of the texts.
pub const MAX_TEXT_BYTES: u64 = 300 << 20;
/// What it takes to hold a text besides its letters.
const BYTES_OF_A_TEXT: u64 = 24;
/// So many texts may be in a workbook in any case.
const FEW_TEXTS: u64 = 1_000_000;
/// A cell that refers to a text has as many at least.
const BYTES_OF_A_CELL: u64 = 12;

/// A list is on a sheet of cells that is shown.
pub fn is_read(sheet: &Sheet) -> bool {
    sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet
}

/// Whether calamine may read the texts of a workbook, each of which it holds apart: so many of them in so many bytes. Many
/// are believed only when the rest of the workbook, of which `unpacked` says how large it is as a whole, can use each once.
pub fn check_texts(unpacked: u64, texts: u64, bytes: u64) -> Result<(), Stop> {
    let used = unpacked.saturating_sub(bytes) / BYTES_OF_A_CELL;
    let is_too_much = texts.saturating_mul(BYTES_OF_A_TEXT).saturating_add(bytes) > MAX_TEXT_BYTES;
    if is_too_much || texts > used.max(FEW_TEXTS) { Err(TOO_LARGE) } else { Ok(()) }
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
