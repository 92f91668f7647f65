//! Lists by hand: each sentence of the samples' README, and what offices make of it.

use chrono::NaiveDate;

use super::*;
use crate::domain::spreadsheet::Cell;

mod headers;
mod people;
mod repeated;
mod tables;
mod variations;

/// What came of a list, short enough to compare.
#[derive(Debug)]
struct Outcome {
    /// Row and values.
    records: Vec<(u32, Values)>,
    refused: Vec<Refused>,
    warnings: Vec<Warning>,
    sheets: Vec<SheetRead>,
    encoding: Option<Encoding>,
    needs_confirmation: bool,
    conversions: Vec<(String, String)>,
    fault: Option<FileFault>,
    repaired: u64,
}

impl Outcome {
    /// `row:value` of a field of all records.
    fn all(&self, field: Field) -> Vec<String> {
        let shown = |(row, values): &(u32, Values)| format!("{row}:{}", values.get(field).unwrap_or("-"));
        self.records.iter().map(shown).collect()
    }

    fn refusals(&self) -> Vec<String> {
        self.refused.iter().map(|row| format!("{}:{}:{}", row.place.row, row.class.code(), row.field.code())).collect()
    }

    fn warned(&self) -> Vec<String> {
        self.warnings.iter().map(|row| format!("{}:{}:{}", row.place.row, row.class.code(), row.field.code())).collect()
    }

    fn columns(&self) -> String {
        let columns = self.sheets.iter().flat_map(|sheet| &sheet.layout.columns);
        columns.map(|(field, letters)| format!("{}={letters}", field.code())).collect::<Vec<_>>().join(" ")
    }
}

/// A list to read: sheets of rows of text, cells parted by `|`; numbers with `#` before them.
struct List {
    kind: Kind,
    bytes: Bytes,
    sheets: Vec<(&'static str, String, Vec<Span>)>,
    corrections: Vec<Layout>,
    only: Option<String>,
    offices: Vec<(&'static str, &'static str)>,
}

fn list(kind: Kind, rows: &str) -> List {
    List {
        kind,
        bytes: Bytes::Workbook,
        sheets: vec![("1", rows.to_owned(), Vec::new())],
        corrections: Vec::new(),
        only: None,
        offices: vec![
            ("000", "Bảo hiểm xã hội Việt Nam"),
            ("001", "Bảo hiểm xã hội thành phố Hà Nội"),
            ("00103", "Bảo hiểm xã hội cơ sở Tây Hồ"),
        ],
    }
}

fn registry(rows: &str) -> Outcome {
    list(Kind::Registry, rows).read()
}

fn cell(text: &str) -> Cell {
    match text.strip_prefix('#').and_then(|number| number.parse().ok()) {
        Some(number) => Cell::Number(number),
        None if text.is_empty() => Cell::Empty,
        None => Cell::Text(text.replace("\\n", "\n")),
    }
}

/// Rows from 1, first column A.
fn span(first_row: u32, last_row: u32, columns: &str) -> Span {
    let at = |letter: char| letter as u16 - 'A' as u16;
    let (first, last) = (columns.chars().next().unwrap(), columns.chars().last().unwrap());
    Span { first_row, last_row, first_column: at(first), last_column: at(last) }
}

impl List {
    fn with_spans(mut self, spans: &[Span]) -> Self {
        self.sheets[0].2 = spans.to_vec();
        self
    }

    fn and_sheet(mut self, name: &'static str, rows: &str) -> Self {
        self.sheets.push((name, rows.to_owned(), Vec::new()));
        self
    }

    fn read(self) -> Outcome {
        let row = |row: &str| row.split('|').map(cell).collect();
        let table = |rows: &str| rows.lines().map(row).collect();
        let tables: Vec<_> = self.sheets.iter().map(|(_, rows, spans)| (table(rows), spans.clone())).collect();
        self.read_tables(&tables)
    }

    /// Reads these instead of its own rows; sheets without a name of their own are called by their number.
    fn read_tables(self, tables: &[(Vec<Vec<Cell>>, Vec<Span>)]) -> Outcome {
        let mut reader = Reader::new(Request {
            kind: self.kind,
            today: NaiveDate::from_ymd_opt(2026, 11, 24).unwrap(),
            bytes: self.bytes,
            corrections: self.corrections,
            sheet: self.only,
            offices: Offices::new(self.offices),
        });
        let mut lines = Vec::new();
        let mut keep = |line| lines.push(line);
        for (at, (rows, spans)) in tables.iter().enumerate() {
            let name = self.sheets.get(at).map_or_else(|| at.to_string(), |(name, ..)| (*name).to_owned());
            reader.sheet(&name, spans, &mut keep);
            for (number, cells) in (1..).zip(rows) {
                reader.row(number, cells, &mut keep);
            }
        }
        let reading = reader.finish(&mut keep);
        let mut outcome = Outcome {
            records: Vec::new(),
            refused: Vec::new(),
            warnings: Vec::new(),
            sheets: reading.sheets,
            encoding: reading.encoding,
            needs_confirmation: reading.needs_confirmation,
            conversions: reading.conversions,
            fault: reading.fault,
            repaired: reading.repaired,
        };
        for line in lines {
            let settled = match line {
                Line::Refused(refused) => Err(refused),
                Line::Entry(entry) => reading.judge.settle(entry),
            };
            match settled {
                Ok((record, warnings)) => {
                    outcome.records.push((record.place.row, record.values));
                    outcome.warnings.extend(warnings);
                }
                Err(refused) => outcome.refused.push(refused),
            }
        }
        outcome
    }
}
