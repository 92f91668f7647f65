//! The household registry as a workbook, in the columns that officers' own lists have and that an import reads back. Rows
//! go to the disk as they come: a province's million people take no more memory than one.

use std::fs::File;
use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::domain::application::Sex;
use crate::domain::dates::BirthDate;
use crate::domain::places::relation_name;
use crate::domain::registry::Member;

const COLUMNS: [(&str, f64); 11] = [
    ("STT", 7.0),
    ("Mã số BHXH", 14.0),
    ("Họ và tên", 28.0),
    ("Ngày sinh", 12.0),
    ("Giới tính", 9.0),
    ("Số CCCD", 15.0),
    ("Số điện thoại", 14.0),
    ("Địa chỉ", 48.0),
    ("Mã hộ gia đình", 15.0),
    ("Mối quan hệ", 12.0),
    ("Email", 28.0),
];

/// How many people a sheet has room for, below its head.
const ROWS: u32 = 1_048_575;

pub struct RegistryBook {
    workbook: Workbook,
    people: u32,
    text: Format,
    date: Format,
}

impl RegistryBook {
    /// `folder` is where parts of it lie until it is saved.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(folder: &Path) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder)?;
        let text = Format::new().set_num_format("@");
        let date = Format::new().set_num_format("dd/mm/yyyy");
        let mut book = Self { workbook, people: 0, text, date };
        book.add_sheet()?;
        Ok(book)
    }

    fn add_sheet(&mut self) -> Result<(), XlsxError> {
        let name = match self.people / ROWS {
            0 => "Danh bạ HGĐ".to_owned(),
            more => format!("Danh bạ HGĐ ({})", more + 1),
        };
        let head = Format::new().set_bold();
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?.set_freeze_panes(1, 0)?;
        for (column, (label, width)) in (0..).zip(COLUMNS) {
            sheet.set_column_width(column, width)?;
            sheet.write_string_with_format(0, column, label, &head)?;
        }
        Ok(())
    }

    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, member: &Member) -> Result<(), XlsxError> {
        if self.people > 0 && self.people.is_multiple_of(ROWS) {
            self.add_sheet()?;
        }
        let (sheet, row) = (self.people / ROWS, self.people % ROWS + 1);
        self.people += 1;
        let sheet = self.workbook.worksheet_from_index(sheet as usize)?;
        sheet.write_number(row, 0, self.people)?;
        let texts = [
            (1, Some(member.code.as_str())),
            (2, Some(member.name.as_str())),
            (4, member.sex.map(Sex::label)),
            (5, member.id_number.as_ref().map(|id| id.as_str())),
            (6, member.phone.as_deref()),
            (7, member.address.as_deref()),
            (8, member.household_code.as_deref()),
            (9, member.relation_code.as_deref().and_then(relation_name)),
            (10, member.email.as_deref()),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                // As a text whatever it begins with: never a number that loses its zero, never a formula.
                sheet.write_string_with_format(row, column, text, &self.text)?;
            }
        }
        if let Some(date) = &member.birth_date {
            write_date(sheet, row, date, &self.text, &self.date)?;
        }
        Ok(())
    }

    /// # Errors
    /// When the disk is full.
    pub fn save(mut self, file: &mut File) -> Result<(), XlsxError> {
        self.workbook.save_to_writer(file)
    }
}

/// What is known only by its year or month stays a text, and so do the first two months of 1900, which Excel counts wrongly.
fn write_date(
    sheet: &mut Worksheet,
    row: u32,
    date: &BirthDate,
    text: &Format,
    format: &Format,
) -> Result<(), XlsxError> {
    const COLUMN: u16 = 3;
    let whole = date.as_str().len() == "1990-05-12".len() && date.as_str() >= "1900-03-01";
    if whole {
        let date = ExcelDateTime::parse_from_str(date.as_str())?;
        sheet.write_datetime_with_format(row, COLUMN, date, format)?;
    } else {
        sheet.write_string_with_format(row, COLUMN, date.to_string(), text)?;
    }
    Ok(())
}
