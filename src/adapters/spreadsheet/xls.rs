//! Excel 97-2003 workbooks (.xls), and those of Excel 5 and 95: records in a compound file, which is also what protected
//! workbooks of today are packed in. Numbers of sections are those of [MS-XLS].

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};

use cfb::CompoundFile;
use encoding_rs::{Encoding, WINDOWS_1252};

use super::binary::{f64_at, rk, u16_at, u32_at};
use super::dates::date;
use super::out::{Out, Value, add_span};
use super::xls_records::{Globals, Records, record, text_at};
use super::{Cell, NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, FileFault, Span};

/// Of a sheet whose rows are in disorder, which must be gathered before they are handed over.
const MAX_GATHERED: usize = 2_000_000;

type Stream = BufReader<cfb::Stream<File>>;

pub fn read(file: File, out: &mut Out<'_>) -> Result<(), Stop> {
    let mut compound = CompoundFile::open(file)?;
    if compound.exists("/EncryptedPackage") {
        return Err(Stop::Fault(FileFault::Protected));
    }
    let name = ["/Workbook", "/Book"].into_iter().find(|name| compound.is_stream(name)).ok_or(NOT_ONE)?;
    let stream = BufReader::with_capacity(64 << 10, compound.open_stream(name)?);
    let mut records = Records::new(stream);
    let globals = Globals::read(&mut records)?;
    out.file(Bytes::Workbook)?;
    for (position, name) in &globals.sheets {
        let ahead = look_ahead(&mut records, *position)?;
        out.sheet(name, &ahead.spans, ahead.rows)?;
        records.seek(*position)?;
        if ahead.in_order {
            read_sheet(&mut records, &globals, &mut |row, column, value| out.cell(row, column, value))?;
        } else {
            read_in_disorder(&mut records, &globals, out)?;
        }
    }
    Ok(())
}

struct Ahead {
    spans: Vec<Span>,
    rows: Option<u32>,
    in_order: bool,
}

/// What stands behind the rows of a sheet, and whether they are in order: some programs write cells as they come.
fn look_ahead(records: &mut Records<Stream>, position: u64) -> Result<Ahead, Stop> {
    let mut ahead = Ahead { spans: Vec::new(), rows: None, in_order: true };
    let mut last_row = 0;
    records.seek(position)?;
    records.each_of_sheet(|kind, data| {
        match kind {
            // 2.4.168
            record::MERGED => {
                for area in data.get(2..).unwrap_or_default().chunks_exact(8) {
                    let number = |at| u16_at(area, at).map_or(0, u64::from);
                    add_span(&mut ahead.spans, (number(0) + 1, number(2) + 1), (number(4), number(6)))?;
                }
            }
            record::DIMENSIONS => {
                let last = if data.len() >= 14 { u32_at(data, 4) } else { u16_at(data, 2).map(u32::from) };
                ahead.rows = last;
            }
            kind if record::is_cell(kind) => {
                let row = u16_at(data, 0).unwrap_or(0);
                ahead.in_order &= row >= last_row;
                last_row = row;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(ahead)
}

fn read_in_disorder(records: &mut Records<Stream>, globals: &Globals, out: &mut Out<'_>) -> Result<(), Stop> {
    let columns = out.columns();
    let mut cells = Vec::new();
    read_sheet(records, globals, &mut |row, column, value| {
        if cells.len() >= MAX_GATHERED {
            return Err(TOO_LARGE);
        }
        if column < columns {
            cells.push((row, column, Cell::from(value)));
        }
        Ok(())
    })?;
    cells.sort_by_key(|(row, ..)| *row);
    cells.iter().try_for_each(|(row, column, cell)| out.cell(*row, *column, cell.into()))
}

type Each<'a> = &'a mut dyn FnMut(u32, u32, Value<'_>) -> Result<(), Stop>;

fn read_sheet(records: &mut Records<Stream>, globals: &Globals, each: Each<'_>) -> Result<(), Stop> {
    // A formula whose text follows in a record of its own.
    let mut formula = None;
    records.each_of_sheet(|kind, data| {
        if kind == record::STRING {
            if let Some((row, column)) = formula.take() {
                let (text, _) =
                    text_at(data, 2, u16_at(data, 0).unwrap_or(0).into(), globals.bytes_in).ok_or(NOT_ONE)?;
                each(row, column, Value::Text(&text))?;
            }
            return Ok(());
        }
        if !record::is_cell(kind) {
            return Ok(());
        }
        let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else {
            return Err(NOT_ONE);
        };
        let (row, column) = (u32::from(row) + 1, u32::from(column));
        let number = |style: Option<u16>, number: f64| match globals.dates.get(style.map_or(0, usize::from)) {
            Some(true) => date(number, globals.is_1904),
            _ => Value::Number(number),
        };
        let style = u16_at(data, 4);
        let text;
        let value = match kind {
            record::NUMBER => number(style, f64_at(data, 6).ok_or(NOT_ONE)?),
            record::RK => number(style, rk(u32_at(data, 6).ok_or(NOT_ONE)?)),
            record::MANY_RK => {
                let numbers = data.get(4..data.len().saturating_sub(2)).unwrap_or_default().chunks_exact(6);
                for (column, pair) in (column..).zip(numbers) {
                    each(row, column, number(u16_at(pair, 0), rk(u32_at(pair, 2).unwrap_or(0))))?;
                }
                return Ok(());
            }
            record::LABEL | record::RICH_LABEL => {
                text = text_at(data, 8, u16_at(data, 6).unwrap_or(0).into(), globals.bytes_in).ok_or(NOT_ONE)?.0;
                Value::Text(&text)
            }
            record::SHARED_LABEL => {
                let number = u32_at(data, 6).ok_or(NOT_ONE)? as usize;
                globals.strings.get(number).map_or(Value::Empty, Value::Text)
            }
            record::BOOL_OR_ERROR => match data.get(6..8) {
                Some([value, 0]) => Value::Bool(*value != 0),
                _ => Value::Empty,
            },
            // 2.5.133: what is no number says so in its last two bytes.
            _ => match data.get(6..14) {
                Some([0, .., 0xFF, 0xFF]) => {
                    formula = Some((row, column));
                    return Ok(());
                }
                Some([1, _, value, .., 0xFF, 0xFF]) => Value::Bool(*value != 0),
                Some([.., 0xFF, 0xFF]) => Value::Empty,
                _ => number(style, f64_at(data, 6).ok_or(NOT_ONE)?),
            },
        };
        each(row, column, value)
    })
}

/// How the bytes of the texts of Excel 5 and 95 are read.
pub fn of_codepage(codepage: u16) -> &'static Encoding {
    let label = match codepage {
        10_000 | 0x8000 => "macintosh".to_owned(),
        866 => "ibm866".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        codepage => format!("windows-{codepage}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

impl<S: std::io::Read + Seek> Records<S> {
    pub fn seek(&mut self, position: u64) -> Result<(), Stop> {
        self.source.seek(SeekFrom::Start(position))?;
        self.forget_next();
        Ok(())
    }

    /// The records of the sheet that begins here, without those of charts inside of it.
    fn each_of_sheet(&mut self, mut each: impl FnMut(u16, &[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut depth = 0_u32;
        while let Some(kind) = self.next()? {
            match kind {
                record::BEGIN => depth += 1,
                record::END if depth <= 1 => return Ok(()),
                record::END => depth -= 1,
                kind if depth == 1 => each(kind, &self.data)?,
                _ => {}
            }
        }
        Err(NOT_ONE)
    }
}
