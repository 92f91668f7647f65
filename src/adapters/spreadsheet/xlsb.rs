//! Excel's binary workbooks (.xlsb): records in a package, which calamine reads. As with .xlsx, the parts are checked before
//! it sees them; on the way the merged areas are found, which it does not read at all. Numbers of sections are those of
//! [MS-XLSB].

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use calamine::{Reader, Xlsb, XlsbError};

use super::excel::{MAX_INDEX_BYTES, MAX_TEXT_BYTES, check_texts, is_read, value};
use super::out::{Out, add_span};
use super::package::Package;
use super::{NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, FileFault, Span};

const MAX_RECORD: usize = 8 << 20;

/// Records by their number in section 2.3.2.
mod record {
    pub const TEXT: u16 = 19;
    pub const SHEET: u16 = 156;
    pub const MERGED: u16 = 176;
}

pub fn read(path: &Path, package: &mut Package, workbook: &str, out: &mut Out<'_>) -> Result<(), Stop> {
    let folder = workbook.rsplit_once('/').map_or("", |(folder, _)| folder);
    if let Some(part) = package.part_within(&format!("{folder}/styles.bin"), MAX_INDEX_BYTES)? {
        each_record(part, |_, _| Ok(()))?;
    }
    let unpacked = package.unpacked();
    if let Some(part) = package.part_within(&format!("{folder}/sharedStrings.bin"), MAX_TEXT_BYTES)? {
        let (bytes, mut texts) = (part.get_ref().left, 0);
        each_record(part, |kind, _| {
            texts += u64::from(kind == record::TEXT);
            Ok(())
        })?;
        check_texts(unpacked, texts, bytes)?;
    }
    let sheets = parts_of_sheets(package, workbook)?;

    let file = File::open(path).map_err(Stop::Io)?;
    let mut xlsb = Xlsb::new(BufReader::with_capacity(64 << 10, file)).map_err(stop)?;
    let names: Vec<_> = xlsb.sheets_metadata().iter().map(|sheet| is_read(sheet).then(|| sheet.name.clone())).collect();
    out.file(Bytes::Workbook)?;
    let (mut names_read, mut parts_read) = (HashSet::new(), HashSet::new());
    for (name, part) in names.iter().zip(&sheets) {
        // What has no name is not shown. A part is one sheet, however often it is named, and a name is that of the first.
        let Some(name) = name.as_ref().filter(|name| names_read.insert(*name) && parts_read.insert(part)) else {
            continue;
        };
        let spans = package.part(part)?.map_or(Err(NOT_ONE), merged_areas)?;
        let mut cells = xlsb.worksheet_cells_reader(name).map_err(stop)?;
        out.sheet(name, &spans, Some(cells.dimensions().end.0.saturating_add(1)))?;
        loop {
            match cells.next_cell() {
                Ok(Some(cell)) => {
                    let (row, column) = cell.get_position();
                    out.cell(row.saturating_add(1), column, value(cell.get_value()))?;
                }
                Ok(None) => break,
                // An error newer than calamine: empty, as every cell with an error.
                Err(XlsbError::CellError(_)) => {}
                Err(error) => return Err(stop(error)),
            }
        }
    }
    Ok(())
}

fn stop(error: XlsbError) -> Stop {
    match error {
        XlsbError::Password => Stop::Fault(FileFault::Protected),
        XlsbError::Io(error) => error.into(),
        _ => NOT_ONE,
    }
}

/// Hands over each record of a part: its number and its content.
fn each_record(mut part: impl BufRead, mut each: impl FnMut(u16, &[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut content = Vec::new();
    while let Some(first) = byte(&mut part)? {
        let mut kind = u16::from(first);
        if first & 0x80 != 0 {
            kind = kind & 0x7F | u16::from(byte(&mut part)?.ok_or(NOT_ONE)? & 0x7F) << 7;
        }
        let mut length = 0;
        for place in 0..4 {
            let byte = byte(&mut part)?.ok_or(NOT_ONE)?;
            length |= usize::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if length > MAX_RECORD {
            return Err(TOO_LARGE);
        }
        content.clear();
        if (&mut part).take(length as u64).read_to_end(&mut content)? < length {
            return Err(NOT_ONE);
        }
        each(kind, &content)?;
    }
    Ok(())
}

fn byte(part: &mut impl Read) -> Result<Option<u8>, Stop> {
    let mut byte = [0];
    Ok((part.read(&mut byte)? == 1).then_some(byte[0]))
}

fn u32_at(content: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(content.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Where each sheet is, in their order: calamine keeps that to itself.
fn parts_of_sheets(package: &mut Package, workbook: &str) -> Result<Vec<String>, Stop> {
    let relations = package.relations(workbook)?;
    let mut parts = Vec::new();
    each_record(package.part_within(workbook, MAX_INDEX_BYTES)?.ok_or(NOT_ONE)?, |kind, content| {
        // 2.4.304: its state, its number, and then the id by which the part is referred to. A macro's has none.
        if kind == record::SHEET && u32_at(content, 8) != Some(u32::MAX) {
            let length = u32_at(content, 8).ok_or(NOT_ONE)? as usize;
            let id = content.get(12..).and_then(|rest| rest.get(..length.checked_mul(2)?)).ok_or(NOT_ONE)?;
            let (id, _) = encoding_rs::UTF_16LE.decode_without_bom_handling(id);
            parts.push(relations.get(id.as_ref()).ok_or(NOT_ONE)?.1.clone());
        }
        Ok(())
    })?;
    Ok(parts)
}

/// The merged areas of a sheet, which stand behind its rows. Goes through the whole part, so that one that is cut off is
/// found out before a row of it is handed over.
fn merged_areas(part: impl BufRead) -> Result<Vec<Span>, Stop> {
    let mut spans = Vec::new();
    each_record(part, |kind, content| {
        let number = |at| u32_at(content, at).map(u64::from);
        match (number(0), number(4), number(8), number(12)) {
            (Some(first), Some(last), Some(left), Some(right)) if kind == record::MERGED => {
                add_span(&mut spans, (first + 1, last + 1), (left, right))
            }
            _ => Ok(()),
        }
    })?;
    Ok(spans)
}
