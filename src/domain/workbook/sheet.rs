//! One sheet: where its tables begin, and which rows belong to them.

use serde::{Deserialize, Serialize};

use super::block;
use super::cells::repaired;
use super::header::{BLOCK, Columns, continues, letters, stands_over};
use super::kinds::Spec;
use super::labels::{HeadRow, Label};
use super::legacy::Converter;
use super::reader::Shared;
use super::rows::{self, Line, Row};
use super::spans::Spans;
use super::{Field, Layout, Place, Span};
use crate::domain::spreadsheet::Cell;

/// How many rows are looked at before any is read, for the encoding of their letters.
const LOOKAHEAD: usize = 60;

/// How much of a sheet is shown to the person who says what its columns are.
const PREVIEW_SHEETS: u16 = 50;
const PREVIEW_ROWS: usize = 20;
const PREVIEW_COLUMNS: usize = 60;
const SAMPLES: usize = 3;

/// A column under the first header of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSeen {
    pub letter: String,
    /// As the file has it; of several rows one behind the other.
    pub label: String,
    pub field: Option<Field>,
    pub samples: Vec<String>,
}

/// What was found in a sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetRead {
    pub layout: Layout,
    pub columns: Vec<ColumnSeen>,
    /// The first rows as text, with their numbers.
    pub preview: Vec<(u32, Vec<String>)>,
    /// Whether a row below a header is about somebody.
    pub has_data: bool,
}

impl SheetRead {
    /// Whether a code and a name are named.
    pub fn has_header(&self) -> bool {
        !self.layout.columns.is_empty()
    }
}

/// A header, and whether a row below it is about somebody.
struct Table {
    rows: Vec<u32>,
    columns: Columns,
    has_people: bool,
}

pub(super) struct Sheet {
    index: u16,
    read: SheetRead,
    is_read: bool,
    correction: Option<Layout>,
    /// Rows that wait until the encoding is known.
    waiting: Option<Vec<(u32, Vec<Cell>)>>,
    converter: Option<Converter>,
    spans: Spans,
    /// The row before, when it is about nobody and can belong to a header.
    previous: Option<(u32, Vec<Cell>)>,
    /// The rows of a header that may go on.
    header: Vec<HeadRow>,
    columns: Option<Columns>,
    /// All tables so far, one behind another.
    tables: Vec<Table>,
    sex_column: u16,
    /// The household's code above the table, as it stands.
    household: Option<String>,
    /// Since the last header: a household's code was named, a household's head was.
    named_household: bool,
    named_head: bool,
}

impl Sheet {
    pub fn new(index: u16, name: &str, spans: &[Span], correction: Option<Layout>, is_read: bool) -> Self {
        let layout = Layout { name: name.to_owned(), ..Layout::default() };
        Self {
            index,
            read: SheetRead { layout, ..SheetRead::default() },
            is_read,
            correction: correction.map(|mut layout| {
                layout.header_rows.sort_unstable();
                layout
            }),
            waiting: Some(Vec::new()),
            converter: None,
            spans: Spans::new(spans),
            previous: None,
            header: Vec::new(),
            columns: None,
            tables: Vec::new(),
            sex_column: u16::MAX,
            household: None,
            named_household: false,
            named_head: false,
        }
    }

    pub fn row(&mut self, shared: &mut Shared, number: u32, cells: &[Cell], out: &mut dyn FnMut(Line)) {
        if !self.is_read {
            return;
        }
        let Some(waiting) = &mut self.waiting else {
            return self.take(shared, number, cells, out);
        };
        waiting.push((number, cells.to_vec()));
        if waiting.len() == LOOKAHEAD {
            self.begin(shared, out);
        }
    }

    /// Knows enough of the sheet to tell its encoding.
    fn begin(&mut self, shared: &mut Shared, out: &mut dyn FnMut(Line)) {
        let waiting = self.waiting.take().unwrap_or_default();
        let texts = waiting.iter().flat_map(|(_, cells)| cells.iter().enumerate());
        let texts = texts.filter_map(|(column, cell)| match cell {
            Cell::Text(text) => Some((column, text.as_str())),
            _ => None,
        });
        self.converter = Converter::detect(shared.bytes, texts);
        let found = self.converter.as_ref().map(|converter| converter.encoding);
        shared.encoding = shared.encoding.or(found);
        for (number, cells) in &waiting {
            self.take(shared, *number, cells, out);
        }
    }

    pub fn end(mut self, shared: &mut Shared, out: &mut dyn FnMut(Line)) -> SheetRead {
        self.begin(shared, out);
        self.end_header(shared);
        if self.columns.is_none() && self.correction.is_some() {
            self.correct(shared);
        }
        self.lay_out();
        self.read
    }

    /// The layout is that of the first table with people. A line of a form can look like a header: one with other columns
    /// and nobody below it is none.
    fn lay_out(&mut self) {
        let with_people = self.tables.iter().find(|table| table.has_people);
        let Some(main) = with_people.or(self.tables.last()) else {
            return;
        };
        let mut columns = main.columns.clone();
        let is_header = |table: &&Table| table.has_people || table.columns.have_places_of(&main.columns);
        for table in self.tables.iter().filter(is_header) {
            columns.has_block |= table.columns.has_block;
            self.read.layout.header_rows.extend(&table.rows);
        }
        self.read.layout.columns = columns.layout();
        if columns.has_block {
            self.read.layout.columns.entry(Field::HouseholdCode).or_insert_with(|| BLOCK.to_owned());
        }
    }

    fn take(&mut self, shared: &mut Shared, number: u32, cells: &[Cell], out: &mut dyn FnMut(Line)) {
        let converted = self.convert(shared, cells);
        let cells = converted.as_deref().unwrap_or(cells);
        if self.read.preview.len() < PREVIEW_ROWS && self.index < PREVIEW_SHEETS {
            let text = |cell: &Cell| cell.text().map(|text| repaired(&text).chars().take(60).collect());
            let texts = cells.iter().take(PREVIEW_COLUMNS).map(|cell| text(cell).unwrap_or_default());
            self.read.preview.push((number, texts.collect()));
        }
        self.spans.enter(number, cells);
        let line = match &self.correction {
            Some(_) => self.corrected(shared, number, cells),
            None => self.recognised(shared, number, cells),
        };
        if let Some(line) = line {
            if !self.read.has_data || self.read.columns.iter().any(|column| column.samples.len() < SAMPLES) {
                self.sample(cells);
            }
            self.read.has_data = true;
            if let Some(table) = self.tables.last_mut() {
                table.has_people = true;
            }
            shared.note(&line);
            out(line);
        }
    }

    /// The row in Unicode; None when it already is.
    fn convert(&self, shared: &mut Shared, cells: &[Cell]) -> Option<Vec<Cell>> {
        let converter = self.converter.as_ref()?;
        let spec = shared.spec;
        let names = |text: &str| Label::read(spec, text).is_some_and(|label| label.field.is_some());
        // A column of numbers does not tell how its heading is written: "Sè CCCD" has syllables either way.
        let heading = |cell: &Cell| {
            let Cell::Text(before) = cell else { return None };
            converter.decoded(before).filter(|text| names(text) && !names(before))
        };
        let convert = |(column, cell): (usize, &Cell)| match converter.convert(column, cell).or_else(|| heading(cell)) {
            Some(text) => {
                if let Cell::Text(before) = cell {
                    shared.converted(before, &text);
                }
                Cell::Text(text)
            }
            None => cell.clone(),
        };
        Some(cells.iter().enumerate().map(convert).collect())
    }

    /// Follows what a person said about the sheet.
    fn corrected(&mut self, shared: &mut Shared, number: u32, cells: &[Cell]) -> Option<Line> {
        let headers = self.correction.as_ref().map(|layout| layout.header_rows.as_slice()).unwrap_or_default();
        if headers.binary_search(&number).is_ok() {
            if self.columns.is_none() {
                self.header.push(HeadRow::read(shared.spec, number, cells));
            }
            return None;
        }
        if headers.first().is_some_and(|first| number < *first) {
            self.above(shared.spec, cells);
            return None;
        }
        if self.columns.is_none() {
            self.correct(shared);
        }
        self.person(shared, number, cells)
    }

    fn correct(&mut self, shared: &mut Shared) {
        let Some(layout) = &self.correction else {
            return;
        };
        let rows = std::mem::take(&mut self.header);
        if let Some(columns) = Columns::from_layout(shared.spec, layout, &rows) {
            let numbers = layout.header_rows.clone();
            self.adopt(shared, columns, &rows, numbers);
        }
    }

    fn recognised(&mut self, shared: &mut Shared, number: u32, cells: &[Cell]) -> Option<Line> {
        if !self.header.is_empty() {
            let row = HeadRow::read(shared.spec, number, cells);
            if continues(&self.header, &self.spans, &row) {
                self.header.push(row);
                return None;
            }
            self.end_header(shared);
        }
        let above = self.previous.take().filter(|(above, _)| above + 1 == number);
        if self.may_be_header(shared.spec, above.is_some(), cells) {
            let row = HeadRow::read(shared.spec, number, cells);
            let above = above.map(|(above, cells)| HeadRow::read(shared.spec, above, &cells));
            self.header = self.header_of(shared.spec, above, row);
            if !self.header.is_empty() {
                return None;
            }
        }
        let line = self.person(shared, number, cells);
        if line.is_none() {
            self.previous = Some((number, cells.to_vec()));
        }
        line
    }

    /// Most rows of a table need no second look: their code begins with a digit, and no label among them says code.
    fn may_be_header(&self, spec: &Spec, is_below_none: bool, cells: &[Cell]) -> bool {
        let Some(columns) = &self.columns else {
            return true;
        };
        let mut keys = columns.of(spec.key).iter().filter_map(|column| cells.get(usize::from(*column)));
        let has_code = keys.any(|cell| match cell {
            Cell::Text(text) => text.starts_with(|c: char| c.is_ascii_digit()),
            Cell::Number(_) => true,
            Cell::Empty | Cell::Date(_) | Cell::Bool(_) => false,
        });
        !has_code && (is_below_none || HeadRow::says(spec, spec.key, cells))
    }

    /// The rows with which a header begins, if one does.
    fn header_of(&self, spec: &'static Spec, above: Option<HeadRow>, row: HeadRow) -> Vec<HeadRow> {
        let names = |rows: &[HeadRow]| Columns::read(spec, rows, &self.spans).is_some();
        let alone = row.known() > 1 && names(std::slice::from_ref(&row));
        match above {
            Some(above) if alone && stands_over(&above, &row, &self.spans) => vec![above, row],
            _ if alone => vec![row],
            Some(above) if above.others.is_empty() && row.others.is_empty() && above.known() + row.known() > 0 => {
                let both = vec![above, row];
                if names(&both) { both } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    fn end_header(&mut self, shared: &mut Shared) {
        let rows = std::mem::take(&mut self.header);
        // What stands above or below may say otherwise than the row that was known by itself.
        let parts = (0..rows.len()).map(|from| &rows[from..]).chain((1..rows.len()).rev().map(|to| &rows[..to]));
        let columns = parts.into_iter().find_map(|part| Columns::read(shared.spec, part, &self.spans));
        if let Some(columns) = columns {
            let numbers = rows.iter().map(|row| row.number).collect();
            self.adopt(shared, columns, &rows, numbers);
        }
    }

    /// A table begins with these columns.
    fn adopt(&mut self, shared: &mut Shared, columns: Columns, rows: &[HeadRow], numbers: Vec<u32>) {
        if self.named_head && !self.named_household {
            self.household = None;
        }
        (self.named_head, self.named_household) = (false, false);
        self.sex_column = match columns.of(Field::Sex) {
            [column, ..] if columns.by_sex.is_none() => shared.sex_column(self.index, *column),
            _ => u16::MAX,
        };
        let has_block = columns.has_block || self.columns.as_ref().is_some_and(|before| before.has_block);
        let mut columns = columns;
        columns.has_block = has_block || self.household.is_some();
        let is_seen =
            self.tables.last().is_some_and(|before| self.read.has_data || before.columns.have_places_of(&columns));
        if !is_seen {
            let width = rows.iter().map(|row| row.labels.len()).max().unwrap_or(0);
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            self.read.columns = (0..width).map(|column| column_seen(&columns, rows, column)).collect();
        }
        match self.tables.last_mut().filter(|before| before.columns.have_places_of(&columns)) {
            // The same header on the next page.
            Some(before) => {
                before.columns.has_block |= columns.has_block;
                before.rows.extend(numbers);
            }
            None => self.tables.push(Table { rows: numbers, columns: columns.clone(), has_people: false }),
        }
        self.columns = Some(columns);
    }

    /// Reads a row of the table, if there is one, and the row belongs to it.
    fn person(&mut self, shared: &mut Shared, number: u32, cells: &[Cell]) -> Option<Line> {
        let Some(columns) = self.columns.as_ref().filter(|columns| !is_form(shared, columns, cells)) else {
            self.above(shared.spec, cells);
            return None;
        };
        let row = Row {
            place: Place { sheet: self.index, row: number },
            cells,
            columns,
            spans: &self.spans,
            household: self.household.as_deref(),
            sex_column: self.sex_column,
        };
        let rules = rows::Rules { spec: shared.spec, today: shared.today, offices: &shared.offices };
        let line = rows::read(&rules, &row, &mut shared.sex_columns, &mut shared.repaired);
        if line.is_none() {
            self.above(shared.spec, cells);
        }
        line
    }

    /// What stands above a table may be its household's code.
    fn above(&mut self, spec: &Spec, cells: &[Cell]) {
        if !spec.has(Field::HouseholdCode) {
            return;
        }
        self.named_head |= block::names_head(cells);
        if let Some(code) = block::household_code(cells) {
            self.named_household = true;
            self.household = code;
        }
    }

    fn sample(&mut self, cells: &[Cell]) {
        for (column, cell) in self.read.columns.iter_mut().zip(cells) {
            if column.samples.len() < SAMPLES {
                column.samples.extend(cell.text().map(|text| repaired(&text).chars().take(60).collect()));
            }
        }
    }
}

/// Whether a row below a table is of a form: a label with a colon, then its value, which can stand in the column of the
/// codes.
fn is_form(shared: &Shared, columns: &Columns, cells: &[Cell]) -> bool {
    let cell = |column: &u16| cells.get(usize::from(*column)).and_then(Cell::text);
    if columns.of(Field::Name).iter().any(|column| cell(column).is_some_and(|text| !text.trim_end().ends_with(':'))) {
        return false;
    }
    let Some(key) = columns.of(shared.spec.key).first() else {
        return false;
    };
    let before = cells.iter().take(usize::from(*key)).rev().find_map(Cell::text);
    let is_label = before.is_some_and(|text| text.trim_end().ends_with(':'));
    is_label || block::household_code(cells).is_some()
}

fn column_seen(columns: &Columns, rows: &[HeadRow], column: u16) -> ColumnSeen {
    let mut label = String::new();
    for text in rows.iter().filter_map(|row| row.label(usize::from(column))).map(|label| repaired(&label.text)) {
        if !label.is_empty() {
            label.push_str(" / ");
        }
        label.push_str(&text);
    }
    ColumnSeen { letter: letters(column), label, field: columns.field_at(column), samples: Vec::new() }
}
