//! The reader of .xlsx workbooks, which come from anybody. A file of a kilobyte can claim cells, strings or bytes
//! without end, and a failed allocation ends the whole process. So rows are streamed, never gathered into a rectangle,
//! and everything that a file may claim has a limit that is checked before it is believed.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};
use chrono::{NaiveDate, NaiveDateTime};
use zip::ZipArchive;

pub use crate::domain::spreadsheet::Cell;

pub const MAX_FILE_BYTES: u64 = 50 * 1024 * 1024;
pub const MAX_ROWS: u32 = 1_048_576;
/// Columns beyond are passed over: no list of ours is that wide, and stray cells at the far end are common.
pub const MAX_COLUMNS: u32 = 200;
pub const MAX_CELLS: u64 = 20_000_000;
/// All parts of the workbook, unpacked.
const MAX_UNPACKED_BYTES: u64 = 512 * 1024 * 1024;
/// Texts are held in memory while rows are read.
const MAX_STRINGS_BYTES: u64 = 128 * 1024 * 1024;
/// So are styles and the list of sheets; one byte of a style becomes many.
const MAX_INDEX_BYTES: u64 = 8 * 1024 * 1024;

/// Why a file cannot be read: a sentence for whoever sent it.
#[derive(Debug, thiserror::Error)]
pub enum SpreadsheetError {
    #[error(
        "Tệp không phải bảng tính .xlsx. Hãy mở bằng Excel hoặc LibreOffice, bỏ mật khẩu nếu có, rồi lưu dạng .xlsx."
    )]
    NotXlsx,
    #[error("Tệp bảng tính bị hỏng, không đọc được. Hãy mở bằng Excel hoặc LibreOffice rồi lưu lại dạng .xlsx.")]
    Damaged,
    #[error("Bảng tính quá lớn: tối đa 50 MB, {MAX_ROWS} dòng và 20 triệu ô. Hãy chia thành nhiều tệp.")]
    TooLarge,
    #[error("Bảng tính không có dữ liệu ở trang nào đang hiện.")]
    NoData,
    #[error("spreadsheet: {0}")]
    Io(#[from] std::io::Error),
}

/// Hands over each row of the first visible sheet that holds anything: its number as Excel shows it, and its cells from
/// column A on. Rows without content are passed over. `row` may end the reading with [`ControlFlow::Break`]. Blocks.
///
/// # Errors
/// Not a workbook, damaged, beyond a limit, or nothing in it. Rows may have been handed over before.
pub fn read_rows(path: &Path, mut row: impl FnMut(u32, &[Cell]) -> ControlFlow<()>) -> Result<(), SpreadsheetError> {
    let mut file = File::open(path)?;
    match file.metadata()?.len() {
        0 => return Err(SpreadsheetError::NoData),
        bytes if bytes > MAX_FILE_BYTES => return Err(SpreadsheetError::TooLarge),
        _ => {}
    }
    let mut signature = [0; 4];
    if file.read_exact(&mut signature).is_err() || signature != *b"PK\x03\x04" {
        return Err(SpreadsheetError::NotXlsx);
    }
    check_parts(BufReader::new(&file))?;
    file.rewind()?;

    let mut workbook = Xlsx::new(BufReader::new(file)).map_err(|error| match error {
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => SpreadsheetError::NotXlsx,
        _ => SpreadsheetError::Damaged,
    })?;
    if workbook.sheets_metadata().is_empty() {
        return Err(SpreadsheetError::NotXlsx);
    }
    let visible =
        |sheet: &&calamine::Sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet;
    let names: Vec<String> =
        workbook.sheets_metadata().iter().filter(visible).map(|sheet| sheet.name.clone()).collect();
    for name in names {
        let cells = workbook.worksheet_cells_reader(&name).map_err(|_| SpreadsheetError::Damaged)?;
        if read_sheet(cells, &mut row)? {
            return Ok(());
        }
    }
    Err(SpreadsheetError::NoData)
}

/// Unpacks every part without keeping it. The sizes in the archive's own directory are only claims.
fn check_parts(file: impl Read + Seek) -> Result<(), SpreadsheetError> {
    let mut archive = ZipArchive::new(file).map_err(|_| SpreadsheetError::Damaged)?;
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| SpreadsheetError::Damaged)?;
        let name = part.name().map_err(|_| SpreadsheetError::Damaged)?.to_lowercase();
        let holds_strings = name.ends_with("sharedstrings.xml");
        let limit = if holds_strings {
            MAX_STRINGS_BYTES
        } else if name.ends_with(".rels")
            || ["styles.xml", "workbook.xml", "theme1.xml"].iter().any(|it| name.ends_with(it))
        {
            MAX_INDEX_BYTES
        } else {
            MAX_UNPACKED_BYTES
        };
        left -= check_part(part, limit.min(left), holds_strings)?;
    }
    Ok(())
}

/// Returns how many bytes the part has.
fn check_part(mut part: impl Read, limit: u64, holds_strings: bool) -> Result<u64, SpreadsheetError> {
    const OVERLAP: usize = 64;
    let mut buffer = vec![0; 64 * 1024];
    let (mut kept, mut total) = (0, 0);
    loop {
        let read = part.read(&mut buffer[kept..]).map_err(|_| SpreadsheetError::Damaged)?;
        if read == 0 {
            return Ok(total);
        }
        total += read as u64;
        let filled = kept + read;
        if total > limit || (holds_strings && claims_many_strings(&buffer[..filled])) {
            return Err(SpreadsheetError::TooLarge);
        }
        kept = filled.min(OVERLAP);
        buffer.copy_within(filled - kept..filled, 0);
    }
}

/// Whether `uniqueCount`, for which the reader sets memory aside at once, claims ten million texts or more.
fn claims_many_strings(xml: &[u8]) -> bool {
    const CLAIM: &[u8] = b"uniqueCount";
    xml.windows(CLAIM.len()).enumerate().filter(|(_, window)| *window == CLAIM).any(|(at, _)| {
        let value = xml[at + CLAIM.len()..].iter().skip_while(|b| b.is_ascii_whitespace() || b"=\"'".contains(b));
        value.take_while(|b| b.is_ascii_digit()).count() > 7
    })
}

/// Returns whether the sheet holds anything.
fn read_sheet(
    mut cells: XlsxCellReader<'_, BufReader<File>>,
    row: &mut impl FnMut(u32, &[Cell]) -> ControlFlow<()>,
) -> Result<bool, SpreadsheetError> {
    let mut current = 0;
    let mut gathered: Vec<Cell> = Vec::new();
    let mut seen = 0;
    loop {
        let (position, value) = match cells.next_cell() {
            Ok(Some(cell)) => (cell.get_position(), read_cell(cell.get_value())),
            Ok(None) => break,
            // An error with a name newer than calamine, such as #SPILL!: empty, as every cell with an error.
            Err(XlsxError::CellError(_)) => continue,
            Err(_) => return Err(SpreadsheetError::Damaged),
        };
        let (at, column) = position;
        seen += 1;
        if seen > MAX_CELLS || at >= MAX_ROWS {
            return Err(SpreadsheetError::TooLarge);
        }
        if column >= MAX_COLUMNS || value == Cell::Empty {
            continue;
        }
        if at != current && !gathered.is_empty() {
            if at < current {
                return Err(SpreadsheetError::Damaged);
            }
            if row(current + 1, &gathered).is_break() {
                return Ok(true);
            }
            gathered.clear();
        }
        current = at;
        let column = column as usize;
        if gathered.len() <= column {
            gathered.resize(column + 1, Cell::Empty);
        }
        gathered[column] = value;
    }
    // A row is gathered from its first cell with content on: none at the end means none in the sheet.
    let found = !gathered.is_empty();
    if found {
        let _ = row(current + 1, &gathered);
    }
    Ok(found)
}

fn read_cell(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::String(text) => text_cell(text),
        DataRef::SharedString(text) => text_cell(text),
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::DateTime(date) => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            let read = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())
                .and_then(|day| day.and_hms_opt(hour.into(), minute.into(), second.into()));
            // Below one it is a time of day; a length of time, or a number that no calendar reaches, is no date either.
            let is_date = date.is_datetime() && (1.0..2_958_466.0).contains(&date.as_f64());
            read.filter(|_| is_date).map_or(Cell::Number(date.as_f64()), Cell::Date)
        }
        DataRef::DateTimeIso(text) => {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(NaiveDateTime::from);
            text.parse().or(date).map_or_else(|_| text_cell(text), Cell::Date)
        }
        DataRef::DurationIso(text) => text_cell(text),
        DataRef::Error(_) | DataRef::Empty => Cell::Empty,
    }
}

fn text_cell(text: &str) -> Cell {
    if text.trim().is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    fn rows(file: &Path) -> Result<Vec<(u32, Vec<Cell>)>, SpreadsheetError> {
        let mut rows = Vec::new();
        read_rows(file, |number, cells| {
            rows.push((number, cells.to_vec()));
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    #[test]
    fn the_first_visible_sheet_with_content_is_read_and_far_columns_are_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut workbook = Workbook::new();
        workbook.add_worksheet();
        workbook.add_worksheet().set_hidden(true).write(0, 0, "ẩn").unwrap();
        let sheet = workbook.add_worksheet();
        sheet.write(1, 1, "họ tên").unwrap().write(1, 300, "xa").unwrap().write(2, 0, " ").unwrap();
        sheet.write(4, 0, 957_220_295).unwrap().write(4, 2, true).unwrap();
        let date = ExcelDateTime::parse_from_str("1990-05-12").unwrap();
        sheet.write_with_format(4, 3, &date, &Format::new().set_num_format("dd/mm/yyyy")).unwrap();
        workbook.save(file.path()).unwrap();

        let born = NaiveDate::from_ymd_opt(1990, 5, 12).unwrap().into();
        let expected = vec![
            (2, vec![Cell::Empty, Cell::Text("họ tên".into())]),
            (5, vec![Cell::Number(957_220_295.0), Cell::Empty, Cell::Bool(true), Cell::Date(born)]),
        ];
        assert_eq!(rows(file.path()).unwrap(), expected);
    }

    #[test]
    fn two_cells_at_opposite_corners_cost_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut workbook = Workbook::new();
        workbook.add_worksheet().write(0, 0, "A1").unwrap().write(1_048_575, 16_383, "XFD1048576").unwrap();
        workbook.save(file.path()).unwrap();
        assert_eq!(rows(file.path()).unwrap(), [(1, vec![Cell::Text("A1".into())])]);
    }

    #[test]
    fn a_claim_of_more_texts_than_memory_holds_is_not_believed() {
        let sst =
            |count: &str| format!("<sst xmlns=\"m\" {}uniqueCount = \"{count}\">", " ".repeat(65_500)).into_bytes();
        assert!(matches!(check_part(&*sst("99999999999"), 1 << 20, true), Err(SpreadsheetError::TooLarge)));
        assert!(check_part(&*sst("9999999"), 1 << 20, true).is_ok());
        assert!(matches!(check_part(&*sst("1"), 1 << 10, true), Err(SpreadsheetError::TooLarge)));
    }

    #[test]
    fn what_is_no_workbook_is_told_from_one_that_is_broken_or_empty() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let answer = |bytes: &[u8]| {
            std::fs::write(file.path(), bytes).unwrap();
            rows(file.path()).unwrap_err()
        };
        assert!(matches!(answer(b"ho ten;ma so"), SpreadsheetError::NotXlsx));
        assert!(matches!(answer(b"PK"), SpreadsheetError::NotXlsx));
        assert!(matches!(answer(b""), SpreadsheetError::NoData));
        let mut workbook = Workbook::new();
        workbook.add_worksheet();
        let bytes = workbook.save_to_buffer().unwrap();
        assert!(matches!(answer(&bytes), SpreadsheetError::NoData));
        assert!(matches!(answer(&bytes[..bytes.len() / 2]), SpreadsheetError::Damaged));
    }
}
