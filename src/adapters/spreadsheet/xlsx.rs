//! Excel workbooks of today (.xlsx, .xlsm), of which calamine reads everything but two things. It holds all texts and styles
//! of a workbook in memory and believes what a file says of itself, so the parts are checked before it sees them. And for the
//! merged areas of a sheet it would read the XML once more, which takes as long as the cells: here their bytes are searched
//! for, on the way through the part that checks it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use calamine::{Reader, Xlsx, XlsxCellReader, XlsxError};
use memchr::memmem::Finder;
use quick_xml::events::Event;

use super::excel::{MAX_INDEX_BYTES, MAX_TEXT_BYTES, check_texts, is_read, value};
use super::out::{Out, add_span};
use super::package::{Package, scan};
use super::xml::attribute;
use super::{NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, FileFault, Span};

/// What calamine makes something of that is many times as large as in the file. Excel allows 65,000 styles of cells.
const HELD: &[&str] = &["xf", "font", "fill", "border", "definedName", "sheet", "Relationship"];
const MAX_HELD: u64 = 300_000;
/// At least as long as the longest tag that is counted.
const OVERLAP_OF_TAGS: usize = 16;
/// What stands in front of the rows of a sheet is as much as the widths of sixteen thousand columns.
const MAX_BEFORE_ROWS: usize = 8 << 20;

pub fn read(path: &Path, package: &mut Package, workbook: &str, out: &mut Out<'_>) -> Result<(), Stop> {
    let (folder, file) = workbook.rsplit_once('/').unwrap_or(("", workbook));
    let relations = format!("{folder}/_rels/{file}.rels");
    let (styles, theme) = (format!("{folder}/styles.xml"), format!("{folder}/theme/theme1.xml"));
    for part in ["_rels/.rels", workbook, &relations, &styles, &theme] {
        if let Some(part) = package.part_within(part, MAX_INDEX_BYTES)? {
            let mut held = 0;
            scan(part, OVERLAP_OF_TAGS, |piece, seen| {
                held += count(HELD, piece, seen);
                if held > MAX_HELD { Err(TOO_LARGE) } else { Ok(()) }
            })?;
        }
    }
    check_strings(package, &format!("{folder}/sharedStrings.xml"))?;
    let sheets = parts_of_sheets(package, workbook)?;

    let file = File::open(path).map_err(Stop::Io)?;
    let mut xlsx = Xlsx::new(BufReader::with_capacity(64 << 10, file)).map_err(stop)?;
    let names: Vec<_> = xlsx.sheets_metadata().iter().map(|sheet| is_read(sheet).then(|| sheet.name.clone())).collect();
    if names.is_empty() {
        return Err(NOT_ONE);
    }
    out.file(Bytes::Workbook)?;
    let (mut names_read, mut parts_read) = (HashSet::new(), HashSet::new());
    for (name, part) in names.iter().zip(&sheets) {
        // What has no name is not shown. A part is one sheet, however often it is named, and a name is that of the first.
        let Some(name) = name.as_ref().filter(|name| names_read.insert(*name) && parts_read.insert(part)) else {
            continue;
        };
        let spans = package.part(part)?.map_or(Err(NOT_ONE), merged_areas)?;
        match xlsx.worksheet_cells_reader(name) {
            Ok(cells) => {
                let last = cells.dimensions().end.0;
                out.sheet(name, &spans, (last > 0).then_some(last.saturating_add(1)))?;
                read_sheet(cells, out)?;
            }
            // A sheet without rows may say so by leaving out what holds them.
            Err(XlsxError::NotAWorksheet(kind)) if kind.ends_with("worksheet") => out.sheet(name, &spans, None)?,
            Err(error) => return Err(stop(error)),
        }
    }
    Ok(())
}

fn stop(error: XlsxError) -> Stop {
    match error {
        XlsxError::Password => Stop::Fault(FileFault::Protected),
        XlsxError::Io(error) => error.into(),
        _ => NOT_ONE,
    }
}

fn read_sheet(mut cells: XlsxCellReader<'_, BufReader<File>>, out: &mut Out<'_>) -> Result<(), Stop> {
    loop {
        match cells.next_cell() {
            Ok(Some(cell)) => {
                let (row, column) = cell.get_position();
                out.cell(row.saturating_add(1), column, value(cell.get_value()))?;
            }
            Ok(None) => return Ok(()),
            // An error with a name newer than calamine, such as #SPILL!: empty, as every cell with an error.
            Err(XlsxError::CellError(_)) => {}
            Err(error) => return Err(stop(error)),
        }
    }
}

/// The texts, and how many the file says that there are: calamine sets memory aside for them before it has seen one.
fn check_strings(package: &mut Package, part: &str) -> Result<(), Stop> {
    let unpacked = package.unpacked();
    let Some(content) = package.part_within(part, MAX_TEXT_BYTES)? else {
        return Ok(());
    };
    let bytes = content.get_ref().left;
    let mut texts = 0;
    scan(content, OVERLAP_OF_TAGS, |piece, seen| {
        texts += count(&["si"], piece, seen);
        Ok(())
    })?;
    check_texts(unpacked, texts, bytes)?;
    let mut xml = package.xml(part)?.ok_or(NOT_ONE)?;
    loop {
        match xml.next()? {
            Event::Start(element) | Event::Empty(element) if element.local_name().as_ref() == "sst" => {
                let claim = attribute(&element, "uniqueCount").and_then(|count| count.trim().parse::<u64>().ok());
                return check_texts(unpacked, claim.unwrap_or(0), 0);
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// How many tags of these names begin in a piece of XML and were not seen whole before.
fn count(names: &[&str], piece: &[u8], seen: usize) -> u64 {
    let is_one = |at: &usize| {
        let tag = &piece[at + 1..];
        names.iter().any(|name| {
            let end = tag.strip_prefix(name.as_bytes()).and_then(|rest| rest.first());
            end.is_some_and(|end| matches!(end, b'>' | b'/') || end.is_ascii_whitespace())
                && at + 1 + name.len() >= seen
        })
    };
    // A name may have a prefix.
    memchr::memchr2_iter(b'<', b':', piece).filter(is_one).count() as u64
}

/// Where each sheet is, in their order: calamine keeps that to itself.
fn parts_of_sheets(package: &mut Package, workbook: &str) -> Result<Vec<String>, Stop> {
    let relations = package.relations(workbook)?;
    let mut parts = Vec::new();
    let mut xml = package.xml(workbook)?.ok_or(NOT_ONE)?;
    loop {
        match xml.next()? {
            Event::Start(element) | Event::Empty(element) if element.local_name().as_ref() == "sheet" => {
                let related = attribute(&element, "id").and_then(|id| relations.get(id.as_ref()));
                parts.push(related.ok_or(NOT_ONE)?.1.clone());
            }
            Event::Eof => return Ok(parts),
            _ => {}
        }
    }
}

/// The merged areas of a sheet, which stand behind its rows. Goes through the whole part, so that one that is cut off is
/// found out before a row of it is handed over.
fn merged_areas(part: impl BufRead) -> Result<Vec<Span>, Stop> {
    const OVERLAP: usize = 512;
    let merged = Finder::new("mergeCell");
    let (rows, mut has_rows, mut before_rows) = (Finder::new("sheetData"), false, 0);
    let mut spans = Vec::new();
    scan(part, OVERLAP, |piece, seen| {
        if !has_rows {
            has_rows = rows.find(piece).is_some();
            before_rows += piece.len();
            if !has_rows && before_rows > MAX_BEFORE_ROWS {
                return Err(TOO_LARGE);
            }
        }
        for at in merged.find_iter(piece) {
            let rest = &piece[at + 9..];
            // Seen whole already in the piece before; or it will be in the next.
            let end = memchr::memchr(b'>', rest).map(|end| at + 9 + end);
            if end.is_none_or(|end| end < seen) || !matches!(rest.first(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                continue;
            }
            if let Some(span) = reference(rest) {
                let rows = (span.first_row.into(), span.last_row.into());
                add_span(&mut spans, rows, (span.first_column.into(), span.last_column.into()))?;
            }
        }
        Ok(())
    })?;
    Ok(spans)
}

/// The area in `ref="A1:C3"` before the end of the tag.
fn reference(tag: &[u8]) -> Option<Span> {
    let tag = &tag[..memchr::memchr(b'>', tag)?];
    let at = memchr::memmem::find(tag, b"ref")?;
    let mut quoted = tag[at + 3..].split(|b| matches!(b, b'"' | b'\''));
    quoted.next()?;
    let area = std::str::from_utf8(quoted.next()?).ok()?;
    let (first, last) = area.split_once(':').unwrap_or((area, area));
    let ((first_row, first_column), (last_row, last_column)) = (position(first)?, position(last)?);
    let column = |column: u32| u16::try_from(column).unwrap_or(u16::MAX);
    Some(Span { first_row, last_row, first_column: column(first_column), last_column: column(last_column) })
}

/// `B12` as row (from 1) and column (from 0).
fn position(reference: &str) -> Option<(u32, u32)> {
    let (mut row, mut column) = (0_u32, 0_u32);
    for byte in reference.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' if row == 0 => {
                column = column.checked_mul(26)?.checked_add(u32::from(byte.to_ascii_uppercase() - b'A') + 1)?;
            }
            b'0'..=b'9' => row = row.checked_mul(10)?.checked_add(u32::from(byte - b'0'))?,
            b'$' => {}
            _ => return None,
        }
    }
    (row > 0).then_some((row, column.checked_sub(1)?))
}
