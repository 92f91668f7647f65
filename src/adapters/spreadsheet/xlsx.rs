//! Excel workbooks of today (.xlsx, .xlsm): XML in a package, transitional or strict.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use memchr::memmem::Finder;
use quick_xml::events::{BytesStart, Event};

use super::dates::{date, is_builtin_date, is_date_format, iso_date};
use super::out::{Out, Value, add_span};
use super::package::{Package, Relations, scan};
use super::strings::Strings;
use super::xml::{Xml, add_text, attribute, attributes};
use super::{NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, Span};

const MAX_SHEETS: usize = 10_000;

struct Workbook {
    is_1904: bool,
    strings: Strings,
    /// Of each format of cells, whether it shows dates.
    dates: Vec<bool>,
}

pub fn read(package: &mut Package, workbook: &str, out: &mut Out<'_>) -> Result<(), Stop> {
    let relations = package.relations(workbook)?;
    let (sheets, is_1904) = read_workbook(package, workbook, &relations)?;
    let part = |kind: &str, usual: &str| {
        relations.values().find(|(it, _)| it == kind).map_or_else(|| usual.to_owned(), |(_, part)| part.clone())
    };
    let dates = read_styles(package, &part("styles", "xl/styles.xml"))?;
    let strings = read_strings(package, &part("sharedStrings", "xl/sharedStrings.xml"))?;
    let workbook = Workbook { is_1904, strings, dates };
    out.file(Bytes::Workbook)?;
    for (name, part) in sheets {
        let (spans, rows) = package.part(&part)?.map_or(Err(NOT_ONE), look_ahead)?;
        out.sheet(&name, &spans, rows)?;
        if let Some(xml) = package.xml(&part)? {
            read_sheet(xml, &workbook, out)?;
        }
    }
    Ok(())
}

/// The visible sheets, by name and part, and whether days are counted from 1904.
fn read_workbook(
    package: &mut Package,
    workbook: &str,
    relations: &Relations,
) -> Result<(Vec<(String, String)>, bool), Stop> {
    let mut xml = package.xml(workbook)?.ok_or(NOT_ONE)?;
    // A part is one sheet, however often it is named.
    let mut parts = HashSet::new();
    let (mut sheets, mut is_1904, mut is_workbook) = (Vec::new(), false, false);
    loop {
        match xml.next()? {
            Event::Start(element) | Event::Empty(element) => match element.local_name().as_ref() {
                "workbook" => is_workbook = true,
                "workbookPr" => {
                    if let Some(value) = attribute(&element, "date1904") {
                        is_1904 = matches!(value.as_ref(), "1" | "true" | "on");
                    }
                }
                "sheet" => {
                    let is_visible = attribute(&element, "state").is_none_or(|state| state == "visible");
                    let related = attribute(&element, "id").and_then(|id| relations.get(id.as_ref()));
                    if is_visible
                        && let Some((kind, part)) = related
                        && kind == "worksheet"
                        && parts.insert(part)
                    {
                        sheets.push((attribute(&element, "name").unwrap_or_default().into_owned(), part.clone()));
                    }
                    if sheets.len() > MAX_SHEETS {
                        return Err(TOO_LARGE);
                    }
                }
                _ => {}
            },
            Event::Eof if is_workbook => return Ok((sheets, is_1904)),
            Event::Eof => return Err(NOT_ONE),
            _ => {}
        }
    }
}

fn read_styles(package: &mut Package, part: &str) -> Result<Vec<bool>, Stop> {
    let (mut own, mut dates, mut of_cells) = (HashMap::new(), Vec::new(), false);
    let Some(mut xml) = package.xml(part)? else {
        return Ok(dates);
    };
    let number = |element: &BytesStart<'_>| attribute(element, "numFmtId").and_then(|id| id.trim().parse::<u32>().ok());
    loop {
        match xml.next()? {
            Event::Start(element) | Event::Empty(element) => match element.local_name().as_ref() {
                "numFmt" => {
                    if let (Some(id), Some(code)) = (number(&element), attribute(&element, "formatCode")) {
                        own.insert(id, is_date_format(&code));
                    }
                }
                "cellXfs" => of_cells = true,
                "xf" if of_cells => {
                    let id = number(&element).unwrap_or(0);
                    dates.push(own.get(&id).copied().unwrap_or_else(|| is_builtin_date(id)));
                }
                _ => {}
            },
            Event::End(element) if element.local_name().as_ref() == "cellXfs" => of_cells = false,
            Event::Eof => return Ok(dates),
            _ => {}
        }
    }
}

fn read_strings(package: &mut Package, part: &str) -> Result<Strings, Stop> {
    let mut strings = Strings::default();
    let Some(mut xml) = package.xml(part)? else {
        return Ok(strings);
    };
    let mut text = String::new();
    // Only what is inside of <t> is text, and what is inside of <rPh> says how to pronounce it.
    let (mut in_text, mut in_phonetic) = (false, false);
    loop {
        match xml.next()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "si" => text.clear(),
                "t" => in_text = true,
                "rPh" => in_phonetic = true,
                _ => {}
            },
            Event::Empty(element) if element.local_name().as_ref() == "si" => strings.push(""),
            Event::End(element) => match element.local_name().as_ref() {
                "si" => strings.push(&unescaped(&text)),
                "t" => in_text = false,
                "rPh" => in_phonetic = false,
                _ => {}
            },
            Event::Eof => return Ok(strings),
            piece if in_text && !in_phonetic => add_text(&mut text, &piece),
            _ => {}
        }
    }
}

/// The merged areas of a sheet, which stand behind its rows, and how many rows it says it has. Goes through the whole part,
/// so that one that is cut off is found out before a row of it is handed over.
fn look_ahead(part: impl BufRead) -> Result<(Vec<Span>, Option<u32>), Stop> {
    const OVERLAP: usize = 512;
    let (merged, dimension) = (Finder::new("mergeCell"), Finder::new("dimension"));
    let (mut spans, mut rows, mut too_many) = (Vec::new(), None, Ok(()));
    let mut first = true;
    scan(part, OVERLAP, |piece, seen| {
        if first {
            first = false;
            let found = dimension.find(piece).and_then(|at| reference(&piece[at + 9..]));
            rows = found.map(|area| area.last_row);
        }
        for at in merged.find_iter(piece) {
            let rest = &piece[at + 9..];
            // Seen whole already in the piece before; or it will be in the next.
            let end = memchr::memchr(b'>', rest).map(|end| at + 9 + end);
            if end.is_none_or(|end| end < seen) || !matches!(rest.first(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                continue;
            }
            if let Some(span) = reference(rest)
                && too_many.is_ok()
            {
                let rows = (span.first_row.into(), span.last_row.into());
                too_many = add_span(&mut spans, rows, (span.first_column.into(), span.last_column.into()));
            }
        }
    })?;
    too_many.map(|()| (spans, rows))
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

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Shared,
    Text,
    Bool,
    Iso,
    Error,
}

struct OpenCell {
    row: u32,
    column: u32,
    kind: Kind,
    style: usize,
    text: String,
    /// An inline text is in <is>, and then <v> does not count.
    is_inline: bool,
}

fn read_sheet(mut xml: Xml<impl BufRead>, workbook: &Workbook, out: &mut Out<'_>) -> Result<(), Stop> {
    let mut cell = OpenCell { row: 0, column: 0, kind: Kind::Number, style: 0, text: String::new(), is_inline: false };
    let (mut row, mut next_column) = (0_u32, 0_u32);
    let (mut in_text, mut in_phonetic, mut in_rows, mut in_inline) = (false, false, false, false);
    let mut is_whole = false;
    loop {
        match xml.next()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "c" => {
                    open(&mut cell, &element, row, next_column);
                    next_column = cell.column.saturating_add(1);
                }
                "v" => in_text = true,
                "is" => {
                    cell.text.clear();
                    (cell.is_inline, in_inline) = (true, true);
                }
                "t" => in_text = in_inline,
                "rPh" => in_phonetic = true,
                "row" => {
                    row = next_row(&element, row)?;
                    next_column = 0;
                }
                "sheetData" => in_rows = true,
                _ => {}
            },
            Event::Empty(element) => match element.local_name().as_ref() {
                "c" => {
                    open(&mut cell, &element, row, next_column);
                    next_column = cell.column.saturating_add(1);
                    out.cell(cell.row, cell.column, Value::Empty)?;
                }
                "row" => row = next_row(&element, row)?,
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                "v" | "t" => in_text = false,
                "is" => in_inline = false,
                "rPh" => in_phonetic = false,
                "c" => close(&cell, workbook, out)?,
                "sheetData" => return Ok(()),
                "worksheet" => is_whole = true,
                _ => {}
            },
            // A sheet without rows may say so by leaving them out.
            Event::Eof if in_rows || !is_whole => return Err(NOT_ONE),
            Event::Eof => return Ok(()),
            piece if in_text && !in_phonetic && (in_inline || !cell.is_inline) => add_text(&mut cell.text, &piece),
            _ => {}
        }
    }
}

fn next_row(element: &BytesStart<'_>, row: u32) -> Result<u32, Stop> {
    let said = attribute(element, "r").and_then(|number| number.trim().parse().ok()).filter(|number| *number > 0);
    said.or(row.checked_add(1)).ok_or(NOT_ONE)
}

fn open(cell: &mut OpenCell, element: &BytesStart<'_>, row: u32, column: u32) {
    // Cells without a place of their own follow each other; so do rows, of which the first is 1.
    (cell.row, cell.column, cell.kind, cell.style, cell.is_inline) = (row.max(1), column, Kind::Number, 0, false);
    cell.text.clear();
    for (name, value) in attributes(element) {
        match name {
            "r" => {
                if let Some(place) = position(value) {
                    (cell.row, cell.column) = place;
                }
            }
            "s" => cell.style = value.parse().unwrap_or(0),
            "t" => {
                cell.kind = match value {
                    "s" => Kind::Shared,
                    "b" => Kind::Bool,
                    "e" => Kind::Error,
                    "d" => Kind::Iso,
                    "n" | "" => Kind::Number,
                    _ => Kind::Text,
                };
            }
            _ => {}
        }
    }
}

fn close(cell: &OpenCell, workbook: &Workbook, out: &mut Out<'_>) -> Result<(), Stop> {
    let unescaped_text;
    let value = match cell.kind {
        _ if cell.is_inline || cell.kind == Kind::Text => {
            unescaped_text = unescaped(&cell.text);
            Value::Text(&unescaped_text)
        }
        Kind::Shared => {
            let number = cell.text.trim().parse().ok();
            number.and_then(|number| workbook.strings.get(number)).map_or(Value::Empty, Value::Text)
        }
        Kind::Bool => match cell.text.trim() {
            "1" | "true" | "TRUE" => Value::Bool(true),
            "0" | "false" | "FALSE" => Value::Bool(false),
            _ => Value::Empty,
        },
        Kind::Iso => iso_date(&cell.text).map_or(Value::Text(&cell.text), Value::Date),
        Kind::Number | Kind::Text => match cell.text.trim().parse::<f64>() {
            Ok(number) if workbook.dates.get(cell.style).copied().unwrap_or(false) => date(number, workbook.is_1904),
            Ok(number) => Value::Number(number),
            Err(_) => Value::Text(&cell.text),
        },
        Kind::Error => Value::Empty,
    };
    out.cell(cell.row, cell.column, value)
}

/// Characters that XML cannot hold are written `_x000D_`.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(2..6).filter(|_| rest.as_bytes().get(6) == Some(&b'_'));
        let code = code.filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(character) => {
                plain.push(character);
                rest = &rest[7..];
            }
            None => {
                plain.push_str("_x");
                rest = &rest[2..];
            }
        }
    }
    plain.push_str(rest);
    plain.into()
}
