//! The detailed list as a workbook whose rows go to the disk as they come.

use std::fs::File;
use std::path::Path;

use rust_xlsxwriter::{Workbook, XlsxError};

use super::page::{self, Styles};
use crate::domain::report::{Cell, Letterhead, Table};

/// How many rows a sheet takes: a sheet has 1,048,576, and the head and the foot need some.
const ROWS: u32 = 1_048_500;

pub struct ListBook {
    workbook: Workbook,
    styles: Styles,
    table: Table,
    head: Letterhead,
    /// How many rows all sheets have, and where the next one comes.
    rows: u64,
    per_sheet: u32,
    header: u32,
    next: u32,
}

impl ListBook {
    /// `folder` is where parts of it lie until it is saved.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(table: &Table, head: &Letterhead, folder: &Path) -> Result<Self, XlsxError> {
        Self::with_room(table, head, folder, ROWS)
    }

    /// As [`ListBook::new`], with fewer rows on each sheet.
    ///
    /// # Errors
    /// As [`ListBook::new`].
    pub fn with_room(table: &Table, head: &Letterhead, folder: &Path, per_sheet: u32) -> Result<Self, XlsxError> {
        let mut workbook = page::workbook(table, head)?;
        workbook.set_tempdir(folder)?;
        let (table, head) = (table.clone(), head.clone());
        let styles = Styles::new(&table.columns, false);
        let mut book = Self { workbook, styles, table, head, rows: 0, per_sheet, header: 0, next: 0 };
        book.add_sheet()?;
        Ok(book)
    }

    fn add_sheet(&mut self) -> Result<(), XlsxError> {
        let name = match self.workbook.worksheets().len() {
            0 => "Danh sách".to_owned(),
            more => format!("Danh sách ({})", more + 1),
        };
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        self.header = page::head(sheet, &self.table, &self.head, &self.styles)?;
        self.next = self.header + 1;
        Ok(())
    }

    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, cells: &[Cell]) -> Result<(), XlsxError> {
        if self.next - self.header > self.per_sheet {
            self.end_sheet()?;
            self.add_sheet()?;
        }
        let at = self.next;
        self.next += 1;
        self.rows += 1;
        let current = self.workbook.worksheets().len() - 1;
        let sheet = self.workbook.worksheet_from_index(current)?;
        page::list_row(sheet, at, cells)
    }

    fn end_sheet(&mut self) -> Result<(), XlsxError> {
        let current = self.workbook.worksheets().len() - 1;
        let sheet = self.workbook.worksheet_from_index(current)?;
        let last = page::last(&self.table.columns);
        let end = (self.next - 1).max(self.header);
        sheet.autofilter(self.header, 0, end, last)?;
        page::rule(sheet, self.header, end, last)?;
        Ok(())
    }

    /// # Errors
    /// When the disk is full.
    pub fn save(mut self, file: &mut File) -> Result<(), XlsxError> {
        self.end_sheet()?;
        self.table.notes.insert(0, format!("Tổng cộng: {} dòng.", self.rows));
        let current = self.workbook.worksheets().len() - 1;
        let sheet = self.workbook.worksheet_from_index(current)?;
        page::foot(sheet, self.next, &self.table, &self.head, &self.styles)?;
        self.workbook.save_to_writer(file)
    }
}
