//! The workbooks that an import gives back: the rows that were not taken, to be corrected and brought in again, and the
//! report of what happened.

use std::iter::Peekable;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::ImportError;
use super::folder::{Folder, List};
use super::read::{Changed, Found};
use crate::adapters::spreadsheet::{self, Cell, Event, Limits};
use crate::db::imports::Listed;
use crate::domain::dates::show_time;
use crate::domain::workbook::{Encoding, Field, Place, Refused, Warning, in_unicode};

/// What stands over the reasons.
const REASON: &str = "Lý do không nhập";

fn broken(error: XlsxError) -> ImportError {
    ImportError::Broken(format!("workbook: {error}"))
}

/// A name that a sheet may have.
fn sheet_name(name: &str, number: usize) -> String {
    const LONGEST: usize = 31;
    let clean: String = name.chars().map(|c| if "[]:*?/\\'".contains(c) || c.is_control() { ' ' } else { c }).collect();
    if clean == name && clean.trim() == clean && !clean.is_empty() && clean.chars().count() <= LONGEST {
        return clean;
    }
    // The number tells it from others that were like it.
    let short: String = clean.trim().chars().take(LONGEST - 7).collect();
    format!("{} {number}", short.trim()).trim().to_owned()
}

fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell, date: &Format) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => return Ok(()),
        Cell::Text(text) => sheet.write_string(row, column, cut(text))?,
        Cell::Number(number) => sheet.write_number(row, column, *number)?,
        Cell::Date(at) => sheet.write_datetime_with_format(row, column, at.date(), date)?,
        Cell::Bool(value) => sheet.write_boolean(row, column, *value)?,
    };
    Ok(())
}

/// A cell holds 32,767 characters.
fn cut(text: &str) -> String {
    text.chars().take(32_000).collect()
}

/// Each download reads the whole file again: one at a time is enough for everybody.
static READING: Mutex<()> = Mutex::new(());

/// The rows of the file that were not taken: each as it came, under its headings, with the reason behind it. Blocks.
pub fn refused(
    program: &Path,
    limits: &Limits,
    folder: &Folder,
    file_name: &str,
    found: &Found,
    to: &Path,
) -> Result<(), ImportError> {
    let _turn = READING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut writer = RefusedRows {
        workbook: Workbook::new(),
        found,
        legacy: found.encoding.filter(|_| found.needs_confirmation),
        refused: folder.all(List::Refused)?.peekable(),
        sheet: None,
        count: 0,
        date: Format::new().set_num_format("dd/mm/yyyy"),
        bold: Format::new().set_bold().set_text_wrap(),
    };
    let mut failed = None;
    spreadsheet::read_apart(program, &folder.source(), file_name, limits, &mut |event| match writer.take(event) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    match failed {
        Some(error) => Err(error),
        None => writer.workbook.save(to).map_err(broken),
    }
}

struct RefusedRows<'a, I: Iterator<Item = std::io::Result<Refused>>> {
    workbook: Workbook,
    found: &'a Found,
    legacy: Option<Encoding>,
    refused: Peekable<I>,
    /// The sheet that is written: its place among those of the file, the column of the reasons, the next row.
    sheet: Option<(usize, u16, u32)>,
    count: u16,
    date: Format,
    bold: Format,
}

impl<I: Iterator<Item = std::io::Result<Refused>>> RefusedRows<'_, I> {
    fn take(&mut self, event: Event<'_>) -> Result<(), ImportError> {
        match event {
            Event::File { .. } => Ok(()),
            Event::Sheet { name, .. } => self.begin(name).map_err(broken),
            Event::Row { number, cells } => self.row(number, cells),
        }
    }

    fn begin(&mut self, name: &str) -> Result<(), XlsxError> {
        let at = usize::from(self.count);
        self.count += 1;
        self.sheet = None;
        let Some(read) = self.found.sheets.get(at).filter(|sheet| !sheet.layout.columns.is_empty()) else {
            return Ok(());
        };
        let reasons = u16::try_from(read.columns.len()).unwrap_or(u16::MAX - 1);
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name(name, at + 1))?;
        sheet.set_column_width(reasons, 60)?;
        self.sheet = Some((at, reasons, 0));
        Ok(())
    }

    fn row(&mut self, number: u32, cells: &[Cell]) -> Result<(), ImportError> {
        let Some((at, reasons, next)) = self.sheet else { return Ok(()) };
        let place = Place { sheet: u16::try_from(at).unwrap_or(u16::MAX), row: number };
        let is_header = self.found.sheets.get(at).is_some_and(|sheet| sheet.layout.header_rows.contains(&number));
        let is_next = |refused: &std::io::Result<Refused>| match refused {
            Ok(refused) => refused.place == place,
            Err(_) => true,
        };
        let reason = match self.refused.next_if(is_next) {
            Some(refused) => refused?.reason,
            None if is_header => REASON.to_owned(),
            None => return Ok(()),
        };
        let current = self.workbook.worksheets().len() - 1;
        let sheet = self.workbook.worksheet_from_index(current).map_err(broken)?;
        let mut write = || -> Result<(), XlsxError> {
            for (column, cell) in (0_u16..).zip(cells) {
                // Whatever stands so far to the right moves behind the reason.
                let column = if column >= reasons { column + 1 } else { column };
                let converted = match (self.legacy, cell) {
                    (Some(encoding), Cell::Text(text)) => in_unicode(encoding, text).map(Cell::Text),
                    _ => None,
                };
                write_cell(sheet, next, column, converted.as_ref().unwrap_or(cell), &self.date)?;
            }
            if is_header {
                sheet.write_string_with_format(next, reasons, &reason, &self.bold)?;
            } else {
                sheet.write_string(next, reasons, &reason)?;
            }
            Ok(())
        };
        write().map_err(broken)?;
        self.sheet = Some((at, reasons, next + 1));
        Ok(())
    }
}

/// What happened to every row that was not simply taken. Blocks.
pub fn report((import, by): &Listed, folder: &Folder, found: &Found, to: &Path) -> Result<(), ImportError> {
    let mut workbook = Workbook::new();
    let bold = Format::new().set_bold();
    let counts = import.counts;
    let sheet = workbook.add_worksheet();
    let facts: [(&str, String); 14] = [
        ("Tệp", import.file_name.clone()),
        ("SHA-256", import.sha256.clone()),
        ("Danh sách", import.kind.label().to_owned()),
        ("Người nhập", by.clone().unwrap_or_else(|| "dòng lệnh".to_owned())),
        ("Tải lên lúc", show_time(import.created_at)),
        ("Trạng thái", format!("{}, {}", import.state.label(), show_time(import.at))),
        ("Bảng mã", found.encoding.map_or("Unicode", |encoding| encoding.label()).to_owned()),
        ("Mới", counts.added.to_string()),
        ("Thay đổi", counts.changed.to_string()),
        ("Không đổi", counts.unchanged.to_string()),
        ("Cảnh báo", counts.warned.to_string()),
        ("Từ chối", counts.refused.to_string()),
        ("Ô đã tự sửa", counts.repaired.to_string()),
        ("Kết quả", import.fault.map_or("", |fault| fault.label()).to_owned()),
    ];
    let mut summary = || -> Result<(), XlsxError> {
        sheet.set_name("Tóm tắt")?.set_column_width(0, 16)?.set_column_width(1, 70)?;
        for (row, (name, value)) in (0_u32..).zip(&facts) {
            sheet.write_string_with_format(row, 0, *name, &bold)?.write_string(row, 1, value)?;
        }
        Ok(())
    };
    summary().map_err(broken)?;
    if found.fault.is_none() {
        let place = |place: Place| {
            let sheet = found.sheets.get(usize::from(place.sheet)).map_or("", |sheet| sheet.layout.name.as_str());
            [sheet.to_owned(), place.row.to_string()]
        };
        let of = |place: Place, field: Field| {
            let sheet = found.sheets.get(usize::from(place.sheet));
            sheet.and_then(|sheet| sheet.layout.columns.get(&field)).cloned().unwrap_or_default()
        };
        let mut table = Table { workbook: &mut workbook, bold: &bold };
        let refused = folder.all::<Refused>(List::Refused)?.map(|row| {
            let row = row?;
            let [sheet, number] = place(row.place);
            let column = of(row.place, row.field);
            Ok([
                sheet,
                number,
                column,
                row.field.label().to_owned(),
                row.value.unwrap_or_default(),
                row.class.label().to_owned(),
                row.reason,
            ])
        });
        table.add("Từ chối", ["Trang", "Dòng", "Cột", "Mục", "Giá trị", "Loại", "Lý do và cách sửa"], refused)?;
        let warnings = folder.all::<Warning>(List::Warnings)?.map(|row| {
            let row = row?;
            let [sheet, number] = place(row.place);
            let column = of(row.place, row.field);
            Ok([
                sheet,
                number,
                column,
                row.field.label().to_owned(),
                row.value.unwrap_or_default(),
                row.class.label().to_owned(),
            ])
        });
        table.add("Cảnh báo", ["Trang", "Dòng", "Cột", "Mục", "Giá trị", "Cảnh báo"], warnings)?;
        let changed = folder.all::<Changed>(List::Changed)?.flat_map(|row| match row {
            Err(error) => vec![Err(error)],
            Ok(Changed { place: at, name, fields }) => fields
                .into_iter()
                .map(|(field, before, after)| {
                    let [sheet, number] = place(at);
                    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
                    Ok([sheet, number, name.clone(), field.label().to_owned(), before, after])
                })
                .collect(),
        });
        table.add("Thay đổi", ["Trang", "Dòng", "Họ và tên", "Mục", "Trước", "Sau"], changed)?;
    }
    workbook.save(to).map_err(broken)
}

/// Adds sheets of text with a frozen header and filters.
struct Table<'a> {
    workbook: &'a mut Workbook,
    bold: &'a Format,
}

impl Table<'_> {
    fn add<const N: usize>(
        &mut self,
        name: &str,
        header: [&str; N],
        rows: impl Iterator<Item = std::io::Result<[String; N]>>,
    ) -> Result<(), ImportError> {
        const MOST: u32 = 1_000_000;
        let sheet = self.workbook.add_worksheet_with_constant_memory().map_err(broken)?;
        let last = u16::try_from(N - 1).unwrap_or(0);
        let mut begin = || -> Result<(), XlsxError> {
            sheet.set_name(name)?.set_freeze_panes(1, 0)?;
            for (column, label) in (0_u16..).zip(header) {
                sheet.set_column_width(column, if column == last { 60 } else { 16 })?;
                sheet.write_string_with_format(0, column, label, self.bold)?;
            }
            Ok(())
        };
        begin().map_err(broken)?;
        let mut end = 0;
        for (number, row) in (1..MOST).zip(rows) {
            for (column, text) in (0_u16..).zip(row?) {
                sheet.write_string(number, column, cut(&text)).map_err(broken)?;
            }
            end = number;
        }
        sheet.autofilter(0, 0, end, last).map_err(broken)?;
        Ok(())
    }
}
