//! The first pass: goes through the sheets row by row, finds the headers, and hands out what the rows below them say.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::duplicates::Print;
use super::judge::{Family, Judge};
use super::kinds::Spec;
use super::offices::Offices;
use super::rows::{Line, SexColumn};
use super::sheet::{Sheet, SheetRead};
use super::{Bytes, Encoding, FileFault, Kind, Layout, Span};
use crate::domain::spreadsheet::Cell;

/// How many conversions are shown to the person who is asked about them.
const CONVERSIONS: usize = 20;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub kind: Kind,
    /// Hanoi's date: nobody is born after it.
    pub today: NaiveDate,
    pub bytes: Bytes,
    /// How a person says that sheets are laid out; by the sheet's name.
    pub corrections: Vec<Layout>,
    /// The only sheet to read.
    pub sheet: Option<String>,
    /// The agencies that the list may name.
    pub offices: Offices,
}

/// What the first pass found.
pub struct Reading {
    /// Why nothing can be taken from the file.
    pub fault: Option<FileFault>,
    /// As they were handed over, also those without a table.
    pub sheets: Vec<SheetRead>,
    /// Of a text file, or of a workbook in a legacy encoding.
    pub encoding: Option<Encoding>,
    /// The text was converted: the person has to see how, before anything is stored.
    pub needs_confirmation: bool,
    /// Some texts as they were and as they are now.
    pub conversions: Vec<(String, String)>,
    /// How many cells were repaired without a word.
    pub repaired: u64,
    pub judge: Judge,
}

/// What all sheets of a file share.
pub(super) struct Shared {
    pub spec: &'static Spec,
    pub today: NaiveDate,
    pub bytes: Bytes,
    pub offices: Offices,
    pub sex_columns: Vec<SexColumn>,
    sex_column_at: HashMap<(u16, u16), u16>,
    prints: Vec<Print>,
    family: Family,
    pub encoding: Option<Encoding>,
    conversions: Vec<(String, String)>,
    pub repaired: u64,
}

impl Shared {
    /// The number of a sheet's column for the sex among all of the file.
    pub fn sex_column(&mut self, sheet: u16, column: u16) -> u16 {
        let next = u16::try_from(self.sex_columns.len()).unwrap_or(u16::MAX);
        *self.sex_column_at.entry((sheet, column)).or_insert_with(|| {
            self.sex_columns.push(SexColumn::default());
            next
        })
    }

    /// Remembers what the second pass has to know of a line.
    pub fn note(&mut self, line: &Line) {
        if let Line::Entry(entry) = line {
            self.prints.push(Print::of(self.spec, entry));
            if self.spec.kind == Kind::Agencies {
                self.family.add(entry);
            }
        }
    }

    pub fn converted(&mut self, before: &str, after: &str) {
        if self.conversions.len() < CONVERSIONS {
            let short = |text: &str| text.chars().take(100).collect::<String>();
            let sample = (short(before), short(after));
            if !self.conversions.contains(&sample) {
                self.conversions.push(sample);
            }
        }
    }
}

/// Reads a file. Sheets and rows come in their order.
pub struct Reader {
    shared: Shared,
    corrections: Vec<Layout>,
    only: Option<String>,
    current: Option<Sheet>,
    sheets: Vec<SheetRead>,
}

impl Reader {
    pub fn new(request: Request) -> Self {
        let Request { kind, today, bytes, corrections, sheet, offices } = request;
        let shared = Shared {
            spec: Spec::of(kind),
            today,
            bytes,
            offices,
            sex_columns: Vec::new(),
            sex_column_at: HashMap::new(),
            prints: Vec::new(),
            family: Family::default(),
            encoding: None,
            conversions: Vec::new(),
            repaired: 0,
        };
        Self { shared, corrections, only: sheet, current: None, sheets: Vec::new() }
    }

    /// A visible sheet begins.
    pub fn sheet(&mut self, name: &str, spans: &[Span], out: &mut dyn FnMut(Line)) {
        self.end_sheet(out);
        let index = u16::try_from(self.sheets.len()).unwrap_or(u16::MAX);
        let is_read = self.only.as_deref().is_none_or(|only| only == name);
        let correction = self.corrections.iter().find(|layout| layout.name == name).cloned();
        self.current = Some(Sheet::new(index, name, spans, correction, is_read));
    }

    /// Takes a row, numbered from 1; rows with nothing in them may be left out. Lines of earlier rows can come out.
    pub fn row(&mut self, number: u32, cells: &[Cell], out: &mut dyn FnMut(Line)) {
        if let Some(sheet) = &mut self.current {
            sheet.row(&mut self.shared, number, cells, out);
        }
    }

    pub fn finish(mut self, out: &mut dyn FnMut(Line)) -> Reading {
        self.end_sheet(out);
        let Self { shared, sheets, .. } = self;
        let fault = if !sheets.iter().any(SheetRead::has_header) {
            Some(FileFault::NoHeader)
        } else if !sheets.iter().any(|sheet| sheet.has_data) {
            Some(FileFault::NoRows)
        } else {
            None
        };
        let of_text = match shared.bytes {
            Bytes::Workbook => None,
            Bytes::Utf8 => Some(Encoding::Utf8),
            Bytes::Utf16 => Some(Encoding::Utf16),
            Bytes::Single => Some(Encoding::Windows1258),
        };
        let encoding = shared.encoding.or(of_text);
        Reading {
            fault,
            sheets,
            encoding,
            needs_confirmation: !matches!(encoding, None | Some(Encoding::Utf8 | Encoding::Utf16)),
            conversions: shared.conversions,
            repaired: shared.repaired,
            judge: Judge::new(shared.spec, shared.sex_columns, shared.prints, &shared.offices, &shared.family),
        }
    }

    fn end_sheet(&mut self, out: &mut dyn FnMut(Line)) {
        if let Some(sheet) = self.current.take() {
            self.sheets.push(sheet.end(&mut self.shared, out));
        }
    }
}
