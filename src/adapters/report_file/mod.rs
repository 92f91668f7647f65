//! Reports and lists as files that somebody signs, sends or counts on: .xlsx with the official head and foot (the guide,
//! section 8), .csv for other programs. A report is written from its [`Table`]; a list row by row, so that a million
//! applications take no more memory than one.

mod csv;
mod list;
mod page;
mod xlsx;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub use self::csv::ListText;
pub use self::list::ListBook;

use crate::domain::export::Format;
use crate::domain::report::{Cell, Column, Letterhead, Table};

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("workbook: {0}")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    #[error("disk: {0}")]
    Io(#[from] io::Error),
}

/// A report as the bytes of a file: reports have thousands of rows at most.
///
/// # Errors
/// What the workbook's format cannot hold.
pub fn report(table: &Table, head: &Letterhead, format: Format) -> Result<Vec<u8>, FileError> {
    match format {
        Format::Xlsx => Ok(xlsx::write(table, head)?),
        Format::Csv => Ok(csv::write(table, head)?),
    }
}

/// A list in the making. What stands over it is a [`Table`] without rows.
pub enum List {
    Xlsx(Box<ListBook>),
    Csv(ListText<BufWriter<File>>),
}

impl List {
    /// Writes into `file`; parts of a workbook lie in `folder` until it is finished.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn begin(
        table: &Table,
        head: &Letterhead,
        format: Format,
        file: &File,
        folder: &Path,
    ) -> Result<Self, FileError> {
        Ok(match format {
            Format::Xlsx => Self::Xlsx(Box::new(ListBook::new(table, head, folder)?)),
            Format::Csv => Self::Csv(ListText::new(table, head, BufWriter::new(file.try_clone()?))?),
        })
    }

    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, cells: &[Cell]) -> Result<(), FileError> {
        match self {
            Self::Xlsx(book) => Ok(book.add(cells)?),
            Self::Csv(text) => Ok(text.add(cells)?),
        }
    }

    /// The whole file is on the disk afterwards.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(self, file: &mut File) -> Result<(), FileError> {
        match self {
            Self::Xlsx(book) => book.save(file)?,
            Self::Csv(text) => text.finish()?.flush()?,
        }
        Ok(file.sync_all()?)
    }
}

/// Who made it, when, and under which number.
fn made(head: &Letterhead) -> String {
    let at = crate::domain::dates::show_time(head.made_at);
    match head.number {
        Some(number) => format!("Số xuất dữ liệu: {number}, {}, {at}", head.made_by),
        None => format!("{}, {at}", head.made_by),
    }
}

fn labels(columns: &[Column]) -> impl Iterator<Item = &str> {
    columns.iter().map(|column| column.label.as_str())
}
