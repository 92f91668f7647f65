//! .csv: UTF-8 with a BOM, without which Excel takes it for Windows-1252; `;` between the cells and a comma in numbers, as
//! Vietnamese Windows has them, so that a double click opens it in columns. The first line is the heading and nothing stands
//! over it: programs read it too. Who made it and the number of the export stand below the rows.

use std::io::{self, Write};

use super::{labels, made};
use crate::domain::dates::{show_date, show_time};
use crate::domain::report::{Cell, Letterhead, Table};

/// A list, row by row.
pub struct ListText<W> {
    out: W,
    closing: Vec<String>,
}

impl<W: Write> ListText<W> {
    /// # Errors
    /// When the disk is full.
    pub fn new(table: &Table, head: &Letterhead, mut out: W) -> io::Result<Self> {
        out.write_all("\u{FEFF}".as_bytes())?;
        let mut text = Self { out, closing: vec![table.title.clone()] };
        text.line(labels(&table.columns).map(guarded))?;
        text.closing.extend(table.subtitles.iter().chain(&table.notes).cloned());
        text.closing.extend([head.office.clone(), made(head)]);
        Ok(text)
    }

    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, cells: &[Cell]) -> io::Result<()> {
        self.line(cells.iter().map(shown))
    }

    /// # Errors
    /// When the disk is full.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\r\n")?;
        for line in std::mem::take(&mut self.closing) {
            self.line([guarded(&line)].into_iter())?;
        }
        Ok(self.out)
    }

    fn line(&mut self, cells: impl Iterator<Item = String>) -> io::Result<()> {
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                self.out.write_all(b";")?;
            }
            self.out.write_all(cell.as_bytes())?;
        }
        self.out.write_all(b"\r\n")
    }
}

pub fn write(table: &Table, head: &Letterhead) -> io::Result<Vec<u8>> {
    let mut text = ListText::new(table, head, Vec::new())?;
    for row in table.rows.iter().chain(&table.total) {
        text.add(&row.cells)?;
    }
    text.finish()
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => guarded(text),
        Cell::Count(number) | Cell::Figure(number, _) => number.to_string(),
        Cell::Decimal(number) => format!("{number:.1}").replace('.', ","),
        Cell::Share(share) => format!("{:.1}%", share * 100.0).replace('.', ","),
        Cell::Date(date) => show_date(*date),
        Cell::Time(at) => show_time(*at),
    }
}

/// A text that no reader takes for a formula or for two cells.
fn guarded(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([';', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
