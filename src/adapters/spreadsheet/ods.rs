//! OpenDocument sheets (.ods, and .fods, which is the same without a package). Rows and cells that are alike are written
//! once with how often they repeat, to the end of the sheet if need be; merged areas are said in their first cell.

use std::collections::HashSet;
use std::io::BufRead;

use memchr::memmem::Finder;
use quick_xml::events::{BytesStart, Event};

use super::dates::iso_date;
use super::out::{Out, add_span, cut};
use super::package::{Package, scan};
use super::text::Text;
use super::xml::{Xml, add_text, attribute, attributes, plain};
use super::{Cell, NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, FileFault, Span};

const CONTENT: &str = "content.xml";

pub fn read(package: &mut Package, out: &mut Out<'_>) -> Result<(), Stop> {
    if let Some(manifest) = package.part("META-INF/manifest.xml")?
        && has_words(manifest, ["encryption-data", "-"])?[0]
    {
        return Err(Stop::Fault(FileFault::Protected));
    }
    let content = package.part(CONTENT)?.ok_or(NOT_ONE)?;
    let [is_spreadsheet, has_spans] = has_words(content, [":spreadsheet", "-spanned"])?;
    if !is_spreadsheet {
        return Err(NOT_ONE);
    }
    let mut spans = Vec::new();
    if has_spans && let Some(xml) = package.xml(CONTENT)? {
        Walk::new(&mut spans, None).run(xml)?;
    }
    out.file(Bytes::Workbook)?;
    let xml = package.xml(CONTENT)?.ok_or(NOT_ONE)?;
    Walk::new(&mut spans, Some(out)).run(xml)
}

/// A document in one piece.
pub fn read_flat(text: &Text, out: &mut Out<'_>) -> Result<(), Stop> {
    let mut spans = Vec::new();
    Walk::new(&mut spans, None).run(Xml::new(text.open()?))?;
    out.file(Bytes::Workbook)?;
    Walk::new(&mut spans, Some(out)).run(Xml::new(text.open()?))
}

/// Which of the words a part holds. Goes through it to its end, so that one that is cut off is found out before a row of it
/// is handed over.
fn has_words(part: impl BufRead, words: [&str; 2]) -> Result<[bool; 2], Stop> {
    let finders = words.map(Finder::new);
    let mut found = [false; 2];
    scan(part, 32, |piece, _| {
        for (found, finder) in found.iter_mut().zip(&finders) {
            *found = *found || finder.find(piece).is_some();
        }
        Ok(())
    })?;
    Ok(found)
}

/// What stands in or beside a cell without being its text.
const ASIDE: &[&str] = &[
    "annotation",
    "control",
    "custom-shape",
    "dde-links",
    "detective",
    "forms",
    "frame",
    "g",
    "note",
    "ruby-text",
    "shapes",
    "tracked-changes",
];

/// One way through the document: the first gathers the merged areas, the second hands over.
struct Walk<'w, 'o> {
    spans: &'w mut Vec<Vec<Span>>,
    out: Option<&'w mut Out<'o>>,
    /// Styles of tables that are not shown.
    hidden: HashSet<String>,
    style: String,
    sheets: usize,
    in_sheet: bool,
    /// The row that comes next, from 1, and how often it comes.
    row: u64,
    row_repeats: u64,
    column: u64,
    cells: Vec<(u32, Cell)>,
    /// None between cells.
    cell: Option<OpenCell>,
    text: String,
    paragraphs: usize,
    in_paragraph: bool,
}

#[derive(Default)]
struct OpenCell {
    repeats: u64,
    is_covered: bool,
    is_error: bool,
    kind: String,
    value: Option<String>,
}

impl<'w, 'o> Walk<'w, 'o> {
    fn new(spans: &'w mut Vec<Vec<Span>>, out: Option<&'w mut Out<'o>>) -> Self {
        Self {
            spans,
            out,
            hidden: HashSet::new(),
            style: String::new(),
            sheets: 0,
            in_sheet: false,
            row: 1,
            row_repeats: 1,
            column: 0,
            cells: Vec::new(),
            cell: None,
            text: String::new(),
            paragraphs: 0,
            in_paragraph: false,
        }
    }

    fn run(mut self, mut xml: Xml<impl BufRead>) -> Result<(), Stop> {
        // How deep in an element that is passed over.
        let mut aside = 0_usize;
        let mut is_whole = false;
        loop {
            let event = xml.next()?;
            match &event {
                Event::Eof => return if is_whole { Ok(()) } else { Err(NOT_ONE) },
                Event::Start(_) if aside > 0 => aside += 1,
                Event::End(_) if aside > 0 => aside -= 1,
                _ if aside > 0 => {}
                Event::Start(element) => {
                    let is_aside = ASIDE.contains(&element.local_name().as_ref());
                    if is_aside || !self.start(element)? {
                        aside = 1;
                    }
                }
                Event::Empty(element) => {
                    let name = element.local_name();
                    if !ASIDE.contains(&name.as_ref()) && self.start(element)? {
                        self.end(name.as_ref())?;
                    }
                }
                Event::End(element) => {
                    let name = element.local_name();
                    is_whole = is_whole || matches!(name.as_ref(), "document-content" | "document");
                    self.end(name.as_ref())?;
                }
                piece if self.in_paragraph => add_text(&mut self.text, piece),
                _ => {}
            }
        }
    }

    /// Returns whether to look inside.
    fn start(&mut self, element: &BytesStart<'_>) -> Result<bool, Stop> {
        match element.local_name().as_ref() {
            "style" => self.style = attribute(element, "name").unwrap_or_default().into_owned(),
            "table-properties" if is_hidden(element) => {
                self.hidden.insert(std::mem::take(&mut self.style));
            }
            // A table in a cell.
            "table" if self.in_sheet => return Ok(false),
            "table" => return self.start_sheet(element),
            "table-row" if self.in_sheet => {
                self.row_repeats = count(element, "number-rows-repeated");
                self.column = 0;
                self.cells.clear();
            }
            "table-cell" | "covered-table-cell" if self.in_sheet && self.cell.is_none() => self.start_cell(element)?,
            "p" | "h" if self.cell.is_some() => {
                if self.paragraphs > 0 {
                    self.text.push('\n');
                }
                self.paragraphs += 1;
                self.in_paragraph = true;
            }
            "s" if self.in_paragraph => {
                let spaces = usize::try_from(count(element, "c")).unwrap_or(1).min(1_000);
                self.text.extend(std::iter::repeat_n(' ', spaces));
            }
            "tab" if self.in_paragraph => self.text.push('\t'),
            "line-break" if self.in_paragraph => self.text.push('\n'),
            _ => {}
        }
        Ok(true)
    }

    fn start_sheet(&mut self, element: &BytesStart<'_>) -> Result<bool, Stop> {
        let has_hidden_style =
            attribute(element, "style-name").is_some_and(|style| self.hidden.contains(style.as_ref()));
        if has_hidden_style || is_hidden(element) {
            return Ok(false);
        }
        self.in_sheet = true;
        self.row = 1;
        let name = attribute(element, "name").unwrap_or_default();
        match &mut self.out {
            Some(out) => out.sheet(&name, self.spans.get(self.sheets).map_or(&[], Vec::as_slice), None)?,
            None => self.spans.push(Vec::new()),
        }
        self.sheets += 1;
        Ok(true)
    }

    fn start_cell(&mut self, element: &BytesStart<'_>) -> Result<(), Stop> {
        let is_covered = element.local_name().as_ref() == "covered-table-cell";
        let mut cell = OpenCell { repeats: 1, is_covered, ..OpenCell::default() };
        let mut spanned = (1, 1);
        for (name, value) in attributes(element) {
            let (prefix, name) = name.split_once(':').unwrap_or_default();
            let number = || value.parse::<u64>().unwrap_or(1).max(1);
            match name {
                "number-columns-repeated" => cell.repeats = number(),
                "number-columns-spanned" => spanned.1 = number(),
                "number-rows-spanned" => spanned.0 = number(),
                "value-type" if prefix == "calcext" => cell.is_error = value == "error",
                "value-type" => value.clone_into(&mut cell.kind),
                "value" | "date-value" | "boolean-value" | "string-value" if prefix == "office" => {
                    cell.value = Some(plain(value).into_owned());
                }
                _ => {}
            }
        }
        if self.out.is_none()
            && spanned != (1, 1)
            && let Some(spans) = self.spans.last_mut()
        {
            let last_row = self.row.saturating_add(spanned.0 - 1);
            add_span(spans, (self.row, last_row), (self.column, self.column.saturating_add(spanned.1 - 1)))?;
        }
        self.text.clear();
        self.paragraphs = 0;
        self.cell = Some(cell);
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), Stop> {
        match name {
            "p" | "h" => self.in_paragraph = false,
            "table-cell" | "covered-table-cell" => {
                if let Some(cell) = self.cell.take() {
                    self.end_cell(cell);
                }
            }
            "table-row" if self.in_sheet => self.end_row()?,
            "table" => self.in_sheet = false,
            _ => {}
        }
        Ok(())
    }

    fn end_cell(&mut self, cell: OpenCell) {
        let first = self.column;
        self.column = first.saturating_add(cell.repeats);
        let Some(out) = &self.out else {
            return;
        };
        let value = self.value(cell);
        if value == Cell::Empty {
            return;
        }
        for column in first..self.column.min(out.columns().into()) {
            self.cells.push((u32::try_from(column).unwrap_or(u32::MAX), value.clone()));
        }
    }

    fn value(&self, cell: OpenCell) -> Cell {
        if cell.is_covered || cell.is_error {
            return Cell::Empty;
        }
        let text = || if self.text.is_empty() { Cell::Empty } else { Cell::Text(cut(&self.text).to_owned()) };
        let Some(value) = cell.value else {
            return text();
        };
        match cell.kind.as_str() {
            "float" | "percentage" | "currency" => value.trim().parse().map_or_else(|_| text(), Cell::Number),
            "date" => iso_date(&value).map_or_else(text, Cell::Date),
            "boolean" => Cell::Bool(value == "true"),
            _ => Cell::Text(cut(&value).to_owned()),
        }
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        let first = self.row;
        self.row = first.saturating_add(self.row_repeats);
        let Some(out) = self.out.as_deref_mut().filter(|_| !self.cells.is_empty()) else {
            return Ok(());
        };
        let text_bytes =
            self.cells.iter().map(|(_, cell)| if let Cell::Text(text) = cell { text.len() as u64 } else { 0 });
        out.expect(self.row_repeats, self.cells.len() as u64, text_bytes.sum())?;
        let number = |row: u64| u32::try_from(row).map_err(|_| TOO_LARGE);
        for row in number(first)?..number(self.row)? {
            for (column, cell) in &self.cells {
                out.cell(row, *column, cell.into())?;
            }
        }
        Ok(())
    }
}

fn is_hidden(element: &BytesStart<'_>) -> bool {
    attribute(element, "display").is_some_and(|shown| shown == "false")
}

/// How often: once when it is not said.
fn count(element: &BytesStart<'_>, name: &str) -> u64 {
    attribute(element, name).and_then(|count| count.parse().ok()).filter(|count| *count > 0).unwrap_or(1)
}
