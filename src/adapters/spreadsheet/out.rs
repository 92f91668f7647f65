//! Gathers cells into rows, keeps to the limits, and hands over. Texts are kept for reuse: a list has millions of them.

use std::ops::ControlFlow;

use chrono::NaiveDateTime;

use super::{Cell, Event, Limits, NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, Span};

/// What spreadsheet programs allow in a cell, in characters; the rest is cut off.
pub const MAX_TEXT: usize = 32_767;
const MAX_SPANS: usize = 1_000_000;
/// As many as the place of a row can name.
const MAX_SHEETS: u16 = u16::MAX;

#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Empty,
    Text(&'a str),
    Number(f64),
    Date(NaiveDateTime),
    Bool(bool),
}

impl From<Value<'_>> for Cell {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Empty => Self::Empty,
            Value::Text(text) => Self::Text(cut(text).to_owned()),
            Value::Number(number) => Self::Number(number),
            Value::Date(date) => Self::Date(date),
            Value::Bool(value) => Self::Bool(value),
        }
    }
}

impl<'a> From<&'a Cell> for Value<'a> {
    fn from(cell: &'a Cell) -> Self {
        match cell {
            Cell::Empty => Value::Empty,
            Cell::Text(text) => Value::Text(text),
            Cell::Number(number) => Value::Number(*number),
            Cell::Date(date) => Value::Date(*date),
            Cell::Bool(value) => Value::Bool(*value),
        }
    }
}

pub struct Out<'a> {
    each: &'a mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    limits: &'a Limits,
    sheets: u16,
    rows: u32,
    seen: u64,
    text_bytes: u64,
    /// The row that is being gathered.
    number: u32,
    cells: Vec<Cell>,
    spare: Vec<String>,
}

impl<'a> Out<'a> {
    pub fn new(each: &'a mut dyn FnMut(Event<'_>) -> ControlFlow<()>, limits: &'a Limits) -> Self {
        let (cells, spare) = (Vec::new(), Vec::new());
        Self { each, limits, sheets: 0, rows: 0, seen: 0, text_bytes: 0, number: 0, cells, spare }
    }

    /// How many columns count.
    pub fn columns(&self) -> u32 {
        self.limits.columns
    }

    pub fn file(&mut self, bytes: Bytes) -> Result<(), Stop> {
        self.hand_over(|each, _| each(Event::File { bytes }))
    }

    pub fn sheet(&mut self, name: &str, spans: &[Span], rows: Option<u32>) -> Result<(), Stop> {
        self.finish()?;
        self.number = 0;
        self.sheets = self.sheets.checked_add(1).filter(|sheets| *sheets < MAX_SHEETS).ok_or(TOO_LARGE)?;
        self.hand_over(|each, _| each(Event::Sheet { name, spans, rows }))
    }

    /// `number` from 1, `column` from 0. Rows come in ascending order, the cells of a row in any.
    pub fn cell(&mut self, number: u32, column: u32, value: Value<'_>) -> Result<(), Stop> {
        self.seen += 1;
        if self.seen > self.limits.cells {
            return Err(TOO_LARGE);
        }
        if column >= self.limits.columns {
            return Ok(());
        }
        let cell = match value {
            Value::Empty => return Ok(()),
            // Spaces are handed over: whoever is shown why a row is not taken sees what its cell holds.
            Value::Text("") => return Ok(()),
            Value::Text(text) => Cell::Text(self.keep(text)?),
            Value::Number(number) if !number.is_finite() => return Ok(()),
            Value::Number(number) => Cell::Number(number),
            Value::Date(date) => Cell::Date(date),
            Value::Bool(value) => Cell::Bool(value),
        };
        if number != self.number {
            if number < self.number {
                return Err(NOT_ONE);
            }
            self.finish()?;
            self.number = number;
        }
        let column = column as usize;
        if let Some(place) = self.cells.get_mut(column) {
            *place = cell;
        } else {
            self.cells.resize(column, Cell::Empty);
            self.cells.push(cell);
        }
        Ok(())
    }

    /// The cells that a row repeats many times over: whether they go beyond the limits is known before.
    pub fn expect(&self, rows: u64, cells: u64, text_bytes: u64) -> Result<(), Stop> {
        let beyond = self.seen.saturating_add(rows.saturating_mul(cells)) > self.limits.cells
            || u64::from(self.rows).saturating_add(rows) > u64::from(self.limits.rows)
            || rows.saturating_mul(text_bytes) > 64 << 20;
        if rows > 1 && beyond { Err(TOO_LARGE) } else { Ok(()) }
    }

    /// Hands over the row that was being gathered.
    pub fn finish(&mut self) -> Result<(), Stop> {
        if self.cells.is_empty() {
            return Ok(());
        }
        self.rows += 1;
        if self.rows > self.limits.rows {
            return Err(TOO_LARGE);
        }
        let number = self.number;
        self.hand_over(|each, cells| each(Event::Row { number, cells }))?;
        for cell in self.cells.drain(..) {
            if let Cell::Text(text) = cell
                && text.capacity() <= 1024
                && self.spare.len() < 256
            {
                self.spare.push(text);
            }
        }
        Ok(())
    }

    fn keep(&mut self, text: &str) -> Result<String, Stop> {
        let text = cut(text);
        self.text_bytes += text.len() as u64;
        if self.text_bytes > self.limits.unpacked_bytes {
            return Err(TOO_LARGE);
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        kept.push_str(text);
        Ok(kept)
    }

    fn hand_over(
        &mut self,
        what: impl FnOnce(&mut dyn FnMut(Event<'_>) -> ControlFlow<()>, &[Cell]) -> ControlFlow<()>,
    ) -> Result<(), Stop> {
        if what(self.each, &self.cells).is_break() { Err(Stop::Enough) } else { Ok(()) }
    }
}

/// The text as far as a cell holds it.
pub fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    text.char_indices().nth(MAX_TEXT).map_or(text, |(end, _)| &text[..end])
}

/// Takes one more merged area.
pub fn add_span(spans: &mut Vec<Span>, rows: (u64, u64), columns: (u64, u64)) -> Result<(), Stop> {
    if spans.len() >= MAX_SPANS {
        return Err(TOO_LARGE);
    }
    let row = |row: u64| u32::try_from(row).unwrap_or(u32::MAX);
    let column = |column: u64| u16::try_from(column).unwrap_or(u16::MAX);
    let span = Span {
        first_row: row(rows.0),
        last_row: row(rows.1),
        first_column: column(columns.0),
        last_column: column(columns.1),
    };
    if span.first_row <= span.last_row && span.first_column <= span.last_column {
        spans.push(span);
    }
    Ok(())
}
