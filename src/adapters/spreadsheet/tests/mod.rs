//! Each format with the same list, and against another reader.

mod hostile;
mod old;
mod packed;
mod plain;

use std::path::{Path, PathBuf};

use calamine::{Data, Reader, open_workbook_auto};

use super::*;

type Row = (u32, Vec<Cell>);

#[derive(Debug, Default, PartialEq)]
struct Sheet {
    name: String,
    spans: Vec<Span>,
    said_rows: Option<u32>,
    rows: Vec<Row>,
}

/// What a file holds, and how its text is written.
fn contents_of(path: &Path, name: &str) -> Result<(Bytes, Vec<Sheet>), FileFault> {
    let (mut bytes, mut sheets) = (None, Vec::<Sheet>::new());
    let mut each = |event: Event<'_>| {
        match event {
            Event::File { bytes: found } => assert!(bytes.replace(found).is_none()),
            Event::Sheet { name, spans, rows } => {
                sheets.push(Sheet { name: name.into(), spans: spans.to_vec(), said_rows: rows, rows: Vec::new() });
            }
            Event::Row { number, cells } => sheets.last_mut().unwrap().rows.push((number, cells.to_vec())),
        }
        ControlFlow::Continue(())
    };
    // The process apart would end, and be answered like this.
    let read = || read(path, name, &Limits::default(), &mut each);
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)) {
        Ok(Ok(())) => Ok((bytes.unwrap(), sheets)),
        Ok(Err(SpreadsheetError::Refused(fault))) => Err(fault),
        Ok(Err(SpreadsheetError::Io(error))) => panic!("{error}"),
        Err(_) => Err(FileFault::NotASpreadsheet),
    }
}

fn contents(name: &str, bytes: &[u8]) -> Result<(Bytes, Vec<Sheet>), FileFault> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    contents_of(file.path(), name)
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name)
}

/// What people see, so that a number in one format is the same digits in another.
fn shown(rows: &[Row]) -> Vec<(u32, Vec<String>)> {
    // A byte order mark at the beginning of a text is taken for one of the file by some readers.
    let plain = |text: String| text.trim_start_matches('\u{FEFF}').split_whitespace().collect::<Vec<_>>().join(" ");
    let text = |cell: &Cell| plain(cell.text().unwrap_or_default().into_owned());
    rows.iter()
        .map(|(number, cells)| (*number, cells.iter().map(text).collect::<Vec<_>>()))
        .map(|(number, mut cells)| {
            while cells.last().is_some_and(String::is_empty) {
                cells.pop();
            }
            (number, cells)
        })
        .filter(|(_, cells)| !cells.is_empty())
        .collect()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

/// The rows of the only sheet.
fn rows(name: &str, bytes: &[u8]) -> Vec<Row> {
    let (_, mut sheets) = contents(name, bytes).unwrap();
    assert_eq!(sheets.len(), 1);
    sheets.remove(0).rows
}

fn span(first: (u32, u16), last: (u32, u16)) -> Span {
    Span { first_row: first.0, last_row: last.0, first_column: first.1, last_column: last.1 }
}

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        io::Write::write_all(&mut archive, content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

const XLSX_ROOT: &str = r#"<Relationships><Relationship Id="r1" Type="http://x/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;

/// A workbook with one sheet.
fn xlsx(sheet: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let workbook = r#"<workbook><sheets><sheet name="Trang 1" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    let relations = r#"<Relationships><Relationship Id="r1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("_rels/.rels", XLSX_ROOT.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    parts.extend(more);
    packed(&parts)
}

#[test]
fn one_list_is_the_same_in_every_format() {
    let (bytes, xlsx) = contents_of(&sample("d_officer_list.xlsx"), "d.xlsx").unwrap();
    assert_eq!((bytes, xlsx.len()), (Bytes::Workbook, 1));
    assert!(xlsx[0].rows.len() > 50);
    for name in ["d_officer_list.xls", "d_officer_list.ods", "d_officer_list.csv"] {
        let (bytes, sheets) = contents_of(&sample(name), name).unwrap();
        assert_eq!(bytes == Bytes::Workbook, !name.ends_with("csv"));
        assert_eq!(sheets.len(), 1, "{name}");
        for (ours, expected) in shown(&sheets[0].rows).iter().zip(shown(&xlsx[0].rows)) {
            assert_eq!(*ours, expected, "{name}");
        }
        assert_eq!(sheets[0].rows.len(), xlsx[0].rows.len(), "{name}");
    }
}

/// What calamine makes of a cell.
fn other(cell: &Data) -> Cell {
    match cell {
        Data::String(text) if text.is_empty() => Cell::Empty,
        // It takes a byte order mark at the beginning of a text for one of the file.
        Data::String(text) => Cell::Text(text.trim_start_matches('\u{FEFF}').to_owned()),
        Data::Float(number) => Cell::Number(*number),
        Data::Int(number) => Cell::Number(f64::from(i32::try_from(*number).unwrap())),
        Data::Bool(value) => Cell::Bool(*value),
        Data::DateTime(date) => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            let day = chrono::NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()).unwrap();
            Cell::Date(day.and_hms_opt(hour.into(), minute.into(), second.into()).unwrap())
        }
        Data::DateTimeIso(text) => Cell::Date(dates::iso_date(text).unwrap()),
        Data::DurationIso(text) => Cell::Text(text.clone()),
        Data::Error(_) | Data::Empty => Cell::Empty,
    }
}

#[test]
fn another_reader_finds_the_same_cells() {
    let mut compared = 0;
    for entry in std::fs::read_dir(sample("")).unwrap() {
        let path = entry.unwrap().path();
        if !path.extension().is_some_and(|ending| ["xlsx", "xls", "ods"].iter().any(|it| ending == *it)) {
            continue;
        }
        let (_, sheets) = contents_of(&path, "").unwrap();
        let mut workbook = open_workbook_auto(&path).unwrap();
        for sheet in sheets {
            let range = workbook.worksheet_range(&sheet.name).unwrap();
            let cells = |row: &(u32, Vec<Cell>)| {
                let place = |(column, cell): (usize, &Cell)| (row.0 - 1, u32::try_from(column).unwrap(), cell.clone());
                row.1.iter().enumerate().map(place).collect::<Vec<_>>()
            };
            let bare = |cell: Cell| match cell {
                Cell::Text(text) => Cell::Text(text.trim_start_matches('\u{FEFF}').to_owned()),
                cell => cell,
            };
            let ours: Vec<_> = sheet
                .rows
                .iter()
                .flat_map(cells)
                .filter(|(.., cell)| *cell != Cell::Empty)
                .map(|(row, column, cell)| (row, column, bare(cell)))
                .collect();
            let (top, left) = range.start().unwrap_or_default();
            let theirs: Vec<_> = range
                .used_cells()
                .map(|(row, column, cell)| {
                    (top + u32::try_from(row).unwrap(), left + u32::try_from(column).unwrap(), other(cell))
                })
                .filter(|(.., cell)| *cell != Cell::Empty)
                .collect();
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert_eq!(ours, theirs, "{}", path.display());
            }
            assert_eq!(ours.len(), theirs.len(), "{} {}", path.display(), sheet.name);
            compared += ours.len();
        }
    }
    assert!(compared > 5_000, "{compared}");
}
