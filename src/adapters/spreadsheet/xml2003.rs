//! "XML Spreadsheet 2003": one XML document, which programs that write no packages save under the name .xls or .xml.

use std::collections::HashSet;
use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};

use super::dates::{is_date_format, iso_date};
use super::out::{Out, Value, add_span};
use super::text::Text;
use super::xml::{Xml, add_text, attribute};
use super::{NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::{Bytes, Span};

const MAX_SHEETS: usize = 10_000;

/// Whether a text begins like such a document.
pub fn is_workbook(start: &str) -> bool {
    start.contains("progid=\"Excel.Sheet\"")
        || (start.contains("Workbook") && start.contains("urn:schemas-microsoft-com:office:spreadsheet"))
}

pub fn read(text: &Text, out: &mut Out<'_>) -> Result<(), Stop> {
    let mut sheets = Vec::new();
    Walk::new(&mut sheets, None).run(Xml::new(text.open()?))?;
    out.file(Bytes::Workbook)?;
    Walk::new(&mut sheets, Some(out)).run(Xml::new(text.open()?))
}

/// What stands behind the rows of a sheet, or in the middle of them.
#[derive(Default)]
struct Sheet {
    is_hidden: bool,
    spans: Vec<Span>,
    rows: Option<u32>,
}

/// One way through the document: the first gathers what the sheets are, the second hands over.
struct Walk<'w, 'o> {
    sheets: &'w mut Vec<Sheet>,
    out: Option<&'w mut Out<'o>>,
    /// How many sheets have begun.
    begun: usize,
    in_row: bool,
    row: u32,
    column: u32,
    /// The last column of the cell that is open.
    last_column: u32,
    kind: String,
    in_data: bool,
    in_visible: bool,
    text: String,
    /// Styles with which a number is a date.
    dates: HashSet<String>,
    style: String,
    is_date: bool,
}

impl<'w, 'o> Walk<'w, 'o> {
    fn new(sheets: &'w mut Vec<Sheet>, out: Option<&'w mut Out<'o>>) -> Self {
        Self {
            sheets,
            out,
            begun: 0,
            in_row: false,
            row: 0,
            column: 0,
            last_column: 0,
            kind: String::new(),
            in_data: false,
            in_visible: false,
            text: String::new(),
            dates: HashSet::new(),
            style: String::new(),
            is_date: false,
        }
    }

    fn run(mut self, mut xml: Xml<impl BufRead>) -> Result<(), Stop> {
        // How deep in a comment, which has data of its own.
        let mut aside = 0_usize;
        let mut is_whole = false;
        loop {
            let event = xml.next()?;
            match &event {
                Event::Eof => return if is_whole { Ok(()) } else { Err(NOT_ONE) },
                Event::Start(_) if aside > 0 => aside += 1,
                Event::End(_) if aside > 0 => aside -= 1,
                _ if aside > 0 => {}
                Event::Start(element) if matches!(element.local_name().as_ref(), "Comment" | "PhoneticText") => {
                    aside = 1
                }
                Event::Start(element) => self.start(element)?,
                Event::Empty(element) => {
                    self.start(element)?;
                    self.end(element.local_name().as_ref())?;
                }
                Event::End(element) => {
                    let name = element.local_name();
                    is_whole |= name.as_ref() == "Workbook";
                    self.end(name.as_ref())?;
                }
                piece if self.in_data || self.in_visible => add_text(&mut self.text, piece),
                _ => {}
            }
        }
    }

    fn is_read(&self) -> bool {
        self.begun.checked_sub(1).and_then(|at| self.sheets.get(at)).is_some_and(|sheet| !sheet.is_hidden)
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Stop> {
        match element.local_name().as_ref() {
            "Style" => self.style = attribute(element, "ID").unwrap_or_default().into_owned(),
            "NumberFormat" => {
                let format = attribute(element, "Format").unwrap_or_default();
                // Besides codes there are names, such as "Short Date".
                if format.ends_with("Date") || is_date_format(&format) {
                    self.dates.insert(self.style.clone());
                }
            }
            "Worksheet" => {
                self.begun += 1;
                (self.row, self.column) = (0, 0);
                match &mut self.out {
                    None if self.sheets.len() >= MAX_SHEETS => return Err(TOO_LARGE),
                    None => self.sheets.push(Sheet::default()),
                    Some(out) => {
                        if let Some(sheet) = self.sheets.get(self.begun - 1).filter(|sheet| !sheet.is_hidden) {
                            let name = attribute(element, "Name").unwrap_or_default();
                            out.sheet(&name, &sheet.spans, sheet.rows)?;
                        }
                    }
                }
            }
            "Table" => {
                if let (None, Some(sheet)) = (&self.out, self.sheets.last_mut()) {
                    sheet.rows = attribute(element, "ExpandedRowCount").and_then(|rows| rows.parse().ok());
                }
            }
            "Row" => {
                self.in_row = true;
                self.row = number(element, "Index").or(self.row.checked_add(1)).ok_or(NOT_ONE)?;
                self.column = 0;
            }
            "Cell" if self.in_row => {
                self.column = number(element, "Index").map_or(self.column, |column| column.saturating_sub(1));
                self.last_column = self.column.saturating_add(number(element, "MergeAcross").unwrap_or(0));
                let last_row = self.row.saturating_add(number(element, "MergeDown").unwrap_or(0));
                self.is_date = attribute(element, "StyleID").is_some_and(|style| self.dates.contains(style.as_ref()));
                if (last_row > self.row || self.last_column > self.column)
                    && let (None, Some(sheet)) = (&self.out, self.sheets.last_mut())
                {
                    let columns = (self.column.into(), self.last_column.into());
                    add_span(&mut sheet.spans, (self.row.into(), last_row.into()), columns)?;
                }
            }
            "Data" if self.in_row => {
                self.kind = attribute(element, "Type").unwrap_or_default().into_owned();
                self.text.clear();
                self.in_data = true;
            }
            "Visible" => {
                self.text.clear();
                self.in_visible = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), Stop> {
        match name {
            "Visible" => {
                self.in_visible = false;
                if let (None, Some(sheet)) = (&self.out, self.sheets.last_mut()) {
                    sheet.is_hidden = self.text.trim() != "SheetVisible";
                }
            }
            "Data" => {
                self.in_data = false;
                self.hand_over()?;
            }
            "Cell" => self.column = self.last_column.saturating_add(1),
            "Row" => self.in_row = false,
            _ => {}
        }
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), Stop> {
        let is_read = self.is_read();
        let Some(out) = self.out.as_deref_mut().filter(|_| is_read) else {
            return Ok(());
        };
        let text = self.text.as_str();
        let value = match self.kind.as_str() {
            "Error" => Value::Empty,
            "Boolean" => Value::Bool(text.trim() == "1"),
            "DateTime" => iso_date(text).map_or(Value::Text(text), Value::Date),
            "Number" => match text.trim().parse() {
                Ok(number) if self.is_date => super::dates::date(number, false),
                Ok(number) => Value::Number(number),
                Err(_) => Value::Text(text),
            },
            _ => Value::Text(text),
        };
        out.cell(self.row, self.column, value)
    }
}

fn number(element: &BytesStart<'_>, name: &str) -> Option<u32> {
    attribute(element, name).and_then(|number| number.trim().parse().ok()).filter(|number| *number > 0)
}
