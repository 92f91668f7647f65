//! Excel 97-2003 workbooks (.xls), and those of Excel 5 and 95, which calamine reads as a whole: every cell of every sheet,
//! each sheet as a rectangle, and that twice. So how large the rectangles are is found out before, and a file whose sheets
//! would not fit is refused; the memory limit of the process stands behind it. Protected workbooks of today are packed in
//! the same compound files. Numbers of sections are those of [MS-XLS].

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use calamine::{Reader, Xls, XlsError};
use cfb::CompoundFile;

use super::excel::{is_read, spans, value};
use super::out::Out;
use super::{NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, FileFault};

/// The rectangles of all sheets, in cells of seventy bytes: sixty-five thousand rows of forty-five columns.
const MAX_AREA: u64 = 3_000_000;
/// For so many cells memory may be set aside because a sheet says that it has them.
const MAX_CLAIMED_CELLS: u64 = 8_000_000;

pub fn read(path: &Path, file: File, out: &mut Out<'_>) -> Result<(), Stop> {
    check(file)?;
    let file = File::open(path).map_err(Stop::Io)?;
    let mut xls = Xls::new(BufReader::new(file)).map_err(stop)?;
    if xls.sheets_metadata().is_empty() {
        return Err(NOT_ONE);
    }
    out.file(Bytes::Workbook)?;
    let mut names: Vec<String> = Vec::new();
    for sheet in xls.sheets_metadata().iter().filter(|sheet| is_read(sheet)) {
        if !names.contains(&sheet.name) {
            names.push(sheet.name.clone());
        }
    }
    for name in names {
        let merged = xls.merge_cells_by_sheet_name(&name).map_err(stop)?;
        let range = xls.worksheet_range(&name).map_err(stop)?;
        let (top, left) = range.start().unwrap_or_default();
        out.sheet(&name, &spans(&merged)?, range.end().map(|(row, _)| row + 1))?;
        for (number, row) in (top + 1..).zip(range.rows()) {
            for (column, cell) in (left..).zip(row) {
                out.cell(number, column, value(cell))?;
            }
        }
    }
    Ok(())
}

fn stop(error: XlsError) -> Stop {
    match error {
        XlsError::Password => Stop::Fault(FileFault::Protected),
        XlsError::Io(error) => error.into(),
        _ => NOT_ONE,
    }
}

/// Records by their number in section 2.3.2.
mod record {
    pub const FORMULA: u16 = 0x0006;
    pub const END: u16 = 0x000A;
    pub const PASSWORD: u16 = 0x002F;
    pub const MANY_RK: u16 = 0x00BD;
    pub const RICH: u16 = 0x00D6;
    pub const SHARED: u16 = 0x00FD;
    pub const DIMENSIONS: u16 = 0x0200;
    pub const NUMBER: u16 = 0x0203;
    pub const LABEL: u16 = 0x0204;
    pub const BOOL_OR_ERROR: u16 = 0x0205;
    pub const RK: u16 = 0x027E;
    pub const BEGIN: u16 = 0x0809;
}

/// Whether the file can be opened, and its sheets are not too large.
fn check(file: File) -> Result<(), Stop> {
    let mut compound = CompoundFile::open(file)?;
    if compound.exists("/EncryptedPackage") {
        return Err(Stop::Fault(FileFault::Protected));
    }
    let name = ["/Workbook", "/Book"].into_iter().find(|name| compound.is_stream(name)).ok_or(NOT_ONE)?;
    let mut stream = BufReader::with_capacity(64 << 10, compound.open_stream(name)?);
    let (mut sheet, mut total, mut depth, mut is_first) = (Area::default(), 0_u64, 0_u32, true);
    let mut head = [0; 16];
    while is_whole(stream.read_exact(&mut head[..4]))? {
        let (kind, length) = (u16_at(&head, 0), u16_at(&head, 2));
        if is_first && kind != record::BEGIN {
            return Err(NOT_ONE);
        }
        is_first = false;
        // All that is looked at stands at the beginning of a record.
        let known = length.min(12);
        head[4..].fill(0);
        if !is_whole(stream.read_exact(&mut head[4..4 + usize::from(known)]))? {
            return Err(NOT_ONE);
        }
        stream.seek_relative(i64::from(length - known))?;
        match kind {
            record::PASSWORD => return Err(Stop::Fault(FileFault::Protected)),
            // Charts stand inside of sheets; their cells are passed over.
            record::BEGIN => {
                depth += 1;
                if depth == 1 {
                    sheet = Area::default();
                }
            }
            record::END => {
                if depth == 1 {
                    total = total.saturating_add(sheet.cells());
                }
                depth = depth.saturating_sub(1);
            }
            record::DIMENSIONS if depth == 1 && claimed_cells(&head[4..], length)? > MAX_CLAIMED_CELLS => {
                return Err(TOO_LARGE);
            }
            record::FORMULA
            | record::RICH
            | record::SHARED
            | record::NUMBER
            | record::LABEL
            | record::BOOL_OR_ERROR
            | record::RK
            | record::MANY_RK
                if depth == 1 =>
            {
                let cells = if kind == record::MANY_RK { u64::from(length / 6) } else { 1 };
                sheet.add(u16_at(&head, 4).into(), u16_at(&head, 6).into(), cells);
            }
            _ => {}
        }
        if total.saturating_add(sheet.cells()) > MAX_AREA {
            return Err(TOO_LARGE);
        }
    }
    Ok(())
}

/// How many cells a sheet says that it has, section 2.4.90: rows and columns from the first to before the last.
fn claimed_cells(content: &[u8], length: u16) -> Result<u64, Stop> {
    let short = |at| u64::from(u16_at(content, at));
    let (first_row, end_row, end_column) = if length < 14 {
        (short(0), short(2), short(6))
    } else {
        (short(0) | short(2) << 16, short(4) | short(6) << 16, short(10))
    };
    let rows = if end_row == 0 { 1 } else { end_row.checked_sub(first_row).ok_or(NOT_ONE)? };
    Ok(rows * end_column.max(1))
}

fn u16_at(data: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([data[at], data[at + 1]])
}

fn is_whole(result: std::io::Result<()>) -> Result<bool, Stop> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The smallest rectangle around the cells of a sheet: the first row and column, and those behind the last.
#[derive(Default)]
struct Area {
    rows: Option<(u64, u64)>,
    columns: Option<(u64, u64)>,
}

impl Area {
    fn add(&mut self, row: u64, column: u64, cells: u64) {
        let wider = |old: Option<(u64, u64)>, from: u64, to: u64| {
            Some(old.map_or((from, to), |(first, end)| (first.min(from), end.max(to))))
        };
        self.rows = wider(self.rows, row, row + 1);
        self.columns = wider(self.columns, column, column + cells);
    }

    fn cells(&self) -> u64 {
        let [rows, columns] = [self.rows, self.columns].map(|it| it.map_or(0, |(first, end)| end - first));
        rows * columns
    }
}
