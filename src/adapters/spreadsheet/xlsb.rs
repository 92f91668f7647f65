//! Excel's binary workbooks (.xlsb): records in a package. Numbers of sections are those of [MS-XLSB].

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Read};

use super::binary::{f64_at, rk, u16_at, u32_at};
use super::dates::{date, is_builtin_date, is_date_format};
use super::out::{Out, Value, add_span};
use super::package::Package;
use super::strings::Strings;
use super::{NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, Span};

const MAX_RECORD: usize = 8 << 20;
const MAX_SHEETS: usize = 10_000;

/// Records by their number in section 2.3.2.
mod record {
    pub const ROW: u16 = 0;
    pub const CELL_RK: u16 = 2;
    pub const CELL_ERROR: u16 = 3;
    pub const CELL_BOOL: u16 = 4;
    pub const CELL_REAL: u16 = 5;
    pub const CELL_TEXT: u16 = 6;
    pub const CELL_SHARED: u16 = 7;
    pub const FORMULA_TEXT: u16 = 8;
    pub const FORMULA_NUMBER: u16 = 9;
    pub const FORMULA_BOOL: u16 = 10;
    pub const STRING: u16 = 19;
    pub const FORMAT: u16 = 44;
    pub const CELL_FORMAT: u16 = 47;
    pub const CELL_RICH: u16 = 62;
    pub const SHEET_DATA_END: u16 = 146;
    pub const DIMENSION: u16 = 148;
    pub const WORKBOOK: u16 = 153;
    pub const SHEET: u16 = 156;
    pub const MERGED: u16 = 176;
    pub const CELL_FORMATS: u16 = 617;
    pub const CELL_FORMATS_END: u16 = 618;
}

struct Records<R> {
    source: R,
    data: Vec<u8>,
}

impl<R: BufRead> Records<R> {
    fn new(source: R) -> Self {
        Self { source, data: Vec::new() }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.source.read(&mut byte)? == 1).then_some(byte[0]))
    }

    /// The next record, whose content is then in `data`; None at the end.
    fn next(&mut self) -> Result<Option<u16>, Stop> {
        let Some(first) = self.byte()? else {
            return Ok(None);
        };
        let mut kind = u16::from(first);
        if first & 0x80 != 0 {
            kind = kind & 0x7F | u16::from(self.byte()?.ok_or(NOT_ONE)? & 0x7F) << 7;
        }
        let mut length = 0;
        for place in 0..4 {
            let byte = self.byte()?.ok_or(NOT_ONE)?;
            length |= usize::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if length > MAX_RECORD {
            return Err(TOO_LARGE);
        }
        self.data.clear();
        if (&mut self.source).take(length as u64).read_to_end(&mut self.data)? < length {
            return Err(NOT_ONE);
        }
        Ok(Some(kind))
    }
}

/// A text with its length before it, and where it ends.
fn text_at(data: &[u8], at: usize) -> Option<(String, usize)> {
    let end = at.checked_add(4)?.checked_add((u32_at(data, at)? as usize).checked_mul(2)?)?;
    let (text, _) = encoding_rs::UTF_16LE.decode_without_bom_handling(data.get(at + 4..end)?);
    Some((text.into_owned(), end))
}

struct Workbook {
    is_1904: bool,
    strings: Strings,
    dates: Vec<bool>,
}

pub fn read(package: &mut Package, workbook: &str, out: &mut Out<'_>) -> Result<(), Stop> {
    let relations = package.relations(workbook)?;
    let mut records = Records::new(package.part(workbook)?.ok_or(NOT_ONE)?);
    // A part is one sheet, however often it is named.
    let mut parts = HashSet::new();
    let (mut sheets, mut is_1904) = (Vec::new(), false);
    while let Some(kind) = records.next()? {
        match kind {
            record::WORKBOOK => is_1904 = records.data.first().is_some_and(|flags| flags & 1 != 0),
            record::SHEET => {
                let is_visible = u32_at(&records.data, 0) == Some(0);
                let (id, end) = text_at(&records.data, 8).ok_or(NOT_ONE)?;
                let (name, _) = text_at(&records.data, end).ok_or(NOT_ONE)?;
                if is_visible
                    && sheets.len() < MAX_SHEETS
                    && let Some((kind, part)) = relations.get(&id)
                    && kind == "worksheet"
                    && parts.insert(part)
                {
                    sheets.push((name, part.clone()));
                }
            }
            _ => {}
        }
    }
    drop(records);
    let part = |kind: &str, usual: &str| {
        relations.values().find(|(it, _)| it == kind).map_or_else(|| usual.to_owned(), |(_, part)| part.clone())
    };
    let dates = read_styles(package, &part("styles", "xl/styles.bin"))?;
    let strings = read_strings(package, &part("sharedStrings", "xl/sharedStrings.bin"))?;
    let workbook = Workbook { is_1904, strings, dates };
    out.file(Bytes::Workbook)?;
    for (name, part) in sheets {
        let (spans, rows) = look_ahead(package.part(&part)?.ok_or(NOT_ONE)?)?;
        out.sheet(&name, &spans, rows)?;
        read_sheet(package.part(&part)?.ok_or(NOT_ONE)?, &workbook, out)?;
    }
    Ok(())
}

fn read_styles(package: &mut Package, part: &str) -> Result<Vec<bool>, Stop> {
    let (mut own, mut dates, mut of_cells) = (HashMap::new(), Vec::new(), false);
    let Some(part) = package.part(part)? else {
        return Ok(dates);
    };
    let mut records = Records::new(part);
    while let Some(kind) = records.next()? {
        match kind {
            record::FORMAT => {
                if let (Some(id), Some((code, _))) = (u16_at(&records.data, 0), text_at(&records.data, 2)) {
                    own.insert(id, is_date_format(&code));
                }
            }
            record::CELL_FORMATS => of_cells = true,
            record::CELL_FORMATS_END => of_cells = false,
            record::CELL_FORMAT if of_cells => {
                let id = u16_at(&records.data, 2).unwrap_or(0);
                dates.push(own.get(&id).copied().unwrap_or_else(|| is_builtin_date(id.into())));
            }
            _ => {}
        }
    }
    Ok(dates)
}

fn read_strings(package: &mut Package, part: &str) -> Result<Strings, Stop> {
    let mut strings = Strings::default();
    let Some(part) = package.part(part)? else {
        return Ok(strings);
    };
    let mut records = Records::new(part);
    while let Some(kind) = records.next()? {
        if kind == record::STRING {
            strings.push(&text_at(&records.data, 1).ok_or(NOT_ONE)?.0);
        }
    }
    Ok(strings)
}

/// The merged areas of a sheet, which stand behind its rows, and how many rows it says it has.
fn look_ahead(part: impl BufRead) -> Result<(Vec<Span>, Option<u32>), Stop> {
    let (mut spans, mut rows) = (Vec::new(), None);
    let mut records = Records::new(part);
    while let Some(kind) = records.next()? {
        let number = |at| u32_at(&records.data, at).map(u64::from);
        match kind {
            record::DIMENSION => rows = u32_at(&records.data, 4).map(|last| last.saturating_add(1)),
            record::MERGED => {
                if let (Some(first), Some(last), Some(left), Some(right)) =
                    (number(0), number(4), number(8), number(12))
                {
                    add_span(&mut spans, (first + 1, last + 1), (left, right))?;
                }
            }
            _ => {}
        }
    }
    Ok((spans, rows))
}

fn read_sheet(part: impl BufRead, workbook: &Workbook, out: &mut Out<'_>) -> Result<(), Stop> {
    let mut records = Records::new(part);
    let mut row = 0_u32;
    while let Some(kind) = records.next()? {
        let data = &records.data;
        if kind == record::ROW {
            row = u32_at(data, 0).and_then(|row| row.checked_add(1)).ok_or(NOT_ONE)?;
            continue;
        }
        if kind == record::SHEET_DATA_END {
            return Ok(());
        }
        if !matches!(kind, record::CELL_RK..=record::FORMULA_BOOL | record::CELL_RICH) {
            continue;
        }
        let column = u32_at(data, 0).ok_or(NOT_ONE)?;
        let style = u32_at(data, 4).map_or(0, |style| style as usize & 0x00FF_FFFF);
        let number = |number: f64| match workbook.dates.get(style) {
            Some(true) => date(number, workbook.is_1904),
            _ => Value::Number(number),
        };
        let text;
        let value = match kind {
            record::CELL_RK => number(rk(u32_at(data, 8).ok_or(NOT_ONE)?)),
            record::CELL_REAL | record::FORMULA_NUMBER => number(f64_at(data, 8).ok_or(NOT_ONE)?),
            record::CELL_BOOL | record::FORMULA_BOOL => Value::Bool(data.get(8).is_some_and(|value| *value != 0)),
            record::CELL_SHARED => {
                let number = u32_at(data, 8).ok_or(NOT_ONE)? as usize;
                workbook.strings.get(number).map_or(Value::Empty, Value::Text)
            }
            record::CELL_TEXT | record::FORMULA_TEXT => {
                text = text_at(data, 8).ok_or(NOT_ONE)?.0;
                Value::Text(&text)
            }
            record::CELL_RICH => {
                text = text_at(data, 9).ok_or(NOT_ONE)?.0;
                Value::Text(&text)
            }
            record::CELL_ERROR.. => Value::Empty,
            _ => Value::Empty,
        };
        out.cell(row, column, value)?;
    }
    Err(NOT_ONE)
}
