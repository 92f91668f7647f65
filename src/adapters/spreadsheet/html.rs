//! HTML tables that were saved under the name of a spreadsheet, as government portals and Excel itself do. Read by a
//! tokenizer, never as a tree: tags that are not closed, or closed twice, cost nothing. All tables of a file are one sheet,
//! in which each `<tr>` is a row.

use std::io::Read;

use html5gum::emitters::naive_next_state;
use html5gum::{Emitter, Error, IoReader, State, Tokenizer};

use super::out::{Out, Value, add_span};
use super::text::Text;
use super::{NOT_ONE, Stop, mime};
use crate::domain::workbook::Span;

/// What the HTML standard allows.
const MAX_COLSPAN: u32 = 1_000;
const MAX_ROWSPAN: u32 = 65_534;
const MAX_NESTED: usize = 10_000;
/// More than any cell, column or word of a tag needs.
const MAX_TEXT_BYTES: usize = 256 << 10;
const MAX_COLUMN: u32 = 1 << 16;
const MAX_WORD: usize = 64;

pub fn read(text: &Text, sheet: &str, out: &mut Out<'_>) -> Result<(), Stop> {
    let mut spans = Vec::new();
    if !walk(open(text)?, Walk { spans: Some(&mut spans), ..Walk::default() })? {
        return Err(NOT_ONE);
    }
    out.file(text.bytes())?;
    out.sheet(sheet, &spans, None)?;
    walk(open(text)?, Walk { out: Some(out), ..Walk::default() })?;
    Ok(())
}

fn open(text: &Text) -> Result<Box<dyn Read>, Stop> {
    let source = text.open()?;
    Ok(if mime::is_letter(text.start()) { Box::new(mime::Pages::new(source)) } else { Box::new(source) })
}

/// Returns whether there is a table.
fn walk(source: impl Read, mut walk: Walk<'_, '_>) -> Result<bool, Stop> {
    let tags = Tags { walk: &mut walk, last_start: Vec::new(), tag: Tag::default() };
    // The only token is the wish to stop.
    if let Some(token) = Tokenizer::new_with_emitter(IoReader::new(source), tags).next() {
        token?;
    }
    walk.stop.take().map_or(Ok(walk.found), Err)
}

/// One way through the document: the first gathers the merged areas, the second hands over.
#[derive(Default)]
struct Walk<'w, 'o> {
    spans: Option<&'w mut Vec<Span>>,
    out: Option<&'w mut Out<'o>>,
    found: bool,
    /// How many rows have begun.
    row: u32,
    in_row: bool,
    column: u32,
    /// The column of the cell that is open.
    cell: Option<u32>,
    text: Vec<u8>,
    /// The tables around this one: whether it interrupted a row of theirs.
    around: Vec<bool>,
    /// After a table inside of a cell, the rest of that row: it was handed over already.
    is_rest: bool,
    /// Up to which row each column is taken by a cell above.
    taken: Vec<u32>,
    first_span: usize,
    stop: Option<Stop>,
}

impl Walk<'_, '_> {
    fn start(&mut self, tag: &Tag) {
        match tag.name.as_slice() {
            b"table" => {
                self.found = true;
                self.end_cell();
                if self.around.len() < MAX_NESTED {
                    self.around.push(self.in_row);
                }
                self.start_table();
            }
            b"tr" => {
                self.end_cell();
                self.start_row();
                self.is_rest = false;
            }
            b"td" | b"th" if self.found && !self.is_rest => {
                self.end_cell();
                if !self.in_row {
                    self.start_row();
                }
                self.start_cell(tag.colspan.clamp(1, MAX_COLSPAN), tag.rowspan.clamp(1, MAX_ROWSPAN));
            }
            name => self.add_break(name),
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"td" | b"th" => self.end_cell(),
            b"tr" => {
                self.end_cell();
                self.in_row = false;
            }
            b"table" => {
                self.end_cell();
                if let Some(spans) = &mut self.spans {
                    for span in spans.iter_mut().skip(self.first_span) {
                        span.last_row = span.last_row.min(self.row);
                    }
                }
                self.is_rest = self.around.pop().unwrap_or(false);
                self.start_table();
            }
            name => self.add_break(name),
        }
    }

    /// What one table says about columns and rows ends with it.
    fn start_table(&mut self) {
        self.in_row = false;
        self.taken.clear();
        self.first_span = self.spans.as_ref().map_or(0, |spans| spans.len());
    }

    fn start_row(&mut self) {
        self.row += 1;
        self.column = 0;
        self.in_row = true;
    }

    fn start_cell(&mut self, columns: u32, rows: u32) {
        while self.taken.get(self.column as usize).is_some_and(|last| *last >= self.row) {
            self.column += 1;
        }
        let first = self.column;
        self.column = first.saturating_add(columns);
        self.cell = Some(first);
        self.text.clear();
        if self.column > MAX_COLUMN {
            return;
        }
        let last_row = self.row.saturating_add(rows - 1);
        if rows > 1 {
            if self.taken.len() < self.column as usize {
                self.taken.resize(self.column as usize, 0);
            }
            self.taken[first as usize..self.column as usize].fill(last_row);
        }
        if (columns > 1 || rows > 1)
            && let Some(spans) = &mut self.spans
        {
            let added = add_span(spans, (self.row.into(), last_row.into()), (first.into(), u64::from(self.column) - 1));
            self.stop = added.err();
        }
    }

    fn end_cell(&mut self) {
        let Some(column) = self.cell.take() else {
            return;
        };
        if let Some(out) = &mut self.out
            && self.stop.is_none()
        {
            let text = String::from_utf8_lossy(&self.text);
            let mut words = text.split_ascii_whitespace();
            let mut line = words.next().unwrap_or_default().to_owned();
            for word in words {
                line.push(' ');
                line.push_str(word);
            }
            self.stop = out.cell(self.row, column, Value::Text(&line)).err();
        }
    }

    fn add_text(&mut self, text: &[u8]) {
        if self.cell.is_some() && self.out.is_some() && self.text.len() < MAX_TEXT_BYTES {
            self.text.extend_from_slice(text);
        }
    }

    /// What begins a new line on the screen is a space in a cell.
    fn add_break(&mut self, name: &[u8]) {
        if matches!(
            name,
            b"br"
                | b"p"
                | b"div"
                | b"li"
                | b"ul"
                | b"ol"
                | b"hr"
                | b"dd"
                | b"dt"
                | b"h1"
                | b"h2"
                | b"h3"
                | b"h4"
                | b"h5"
        ) {
            self.add_text(b" ");
        }
    }
}

#[derive(Default)]
struct Tag {
    is_end: bool,
    is_closed: bool,
    name: Vec<u8>,
    attribute: Vec<u8>,
    colspan: u32,
    rowspan: u32,
}

/// What the tokenizer tells. Nothing is gathered that could grow without end: comments and most attributes are let go.
struct Tags<'t, 'w, 'o> {
    walk: &'t mut Walk<'w, 'o>,
    last_start: Vec<u8>,
    tag: Tag,
}

fn add_word(word: &mut Vec<u8>, bytes: &[u8]) {
    if word.len() < MAX_WORD {
        word.extend_from_slice(bytes);
    }
}

impl Emitter for Tags<'_, '_, '_> {
    type Token = ();

    fn pop_token(&mut self) -> Option<()> {
        self.walk.stop.is_some().then_some(())
    }

    fn emit_string(&mut self, text: &[u8]) {
        if !matches!(self.last_start.as_slice(), b"script" | b"style") {
            self.walk.add_text(text);
        }
    }

    fn emit_eof(&mut self) {
        self.walk.end_cell();
    }

    fn init_start_tag(&mut self) {
        self.tag = Tag { name: std::mem::take(&mut self.tag.name), ..Tag::default() };
        self.tag.name.clear();
    }

    fn init_end_tag(&mut self) {
        self.init_start_tag();
        self.tag.is_end = true;
    }

    fn push_tag_name(&mut self, name: &[u8]) {
        add_word(&mut self.tag.name, name);
    }

    fn init_attribute(&mut self) {
        self.tag.attribute.clear();
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        add_word(&mut self.tag.attribute, name);
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        let number = match self.tag.attribute.as_slice() {
            b"colspan" => &mut self.tag.colspan,
            b"rowspan" => &mut self.tag.rowspan,
            _ => return,
        };
        // Values come in pieces.
        for digit in value.iter().filter(|byte| byte.is_ascii_digit()) {
            *number = number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
        }
    }

    fn set_self_closing(&mut self) {
        self.tag.is_closed = true;
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        if self.tag.is_end {
            self.last_start.clear();
            self.walk.end(&self.tag.name);
            return None;
        }
        self.walk.start(&self.tag);
        self.last_start.clone_from(&self.tag.name);
        // `<title/>` is meant to be closed, whatever the standard says.
        if self.tag.is_closed { None } else { naive_next_state(&self.tag.name) }
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.tag.is_end && !self.tag.name.is_empty() && self.tag.name == self.last_start
    }

    fn set_last_start_tag(&mut self, name: Option<&[u8]>) {
        self.last_start.clear();
        self.last_start.extend_from_slice(name.unwrap_or_default());
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn emit_error(&mut self, _: Error) {}
    fn init_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn emit_current_comment(&mut self) {}
    fn init_doctype(&mut self) {}
    fn emit_current_doctype(&mut self) {}
    fn set_force_quirks(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
}
