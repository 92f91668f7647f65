//! How a file was understood, sheet by sheet and column by column, for a person to correct.

use std::collections::BTreeMap;

use crate::domain::workbook::{ColumnSeen, Field, Kind, Layout, SheetRead, letters};

/// Where a value stands above the table instead of in a column.
const BLOCK: &str = "block";

/// How many texts of a column without a name are shown.
const SAMPLES: usize = 3;

/// What the form holds, by the names of its inputs.
pub type Typed = BTreeMap<String, String>;

/// What is wrong with what was typed, by the sheet's place in the file.
pub type Faults = BTreeMap<usize, String>;

pub struct Sheet {
    pub name: String,
    pub rows_name: String,
    pub header_rows: String,
    pub fault: Option<String>,
    /// Nothing was recognised here.
    pub is_unknown: bool,
    pub columns: Vec<Column>,
    pub blocks: Vec<Block>,
    pub preview: Vec<(u32, Vec<String>)>,
}

pub struct Column {
    pub input: String,
    pub letters: String,
    pub label: String,
    pub samples: Vec<String>,
    pub field: Option<Field>,
}

/// A value above the table.
pub struct Block {
    pub input: String,
    pub field: Field,
}

/// The sheets as they were understood, or as somebody has just typed.
pub fn sheets(read: &[SheetRead], typed: Option<&Typed>) -> Vec<Sheet> {
    read.iter().enumerate().map(|(at, sheet)| one(at, sheet, typed)).collect()
}

fn one(at: usize, read: &SheetRead, typed: Option<&Typed>) -> Sheet {
    let layout = &read.layout;
    let rows_name = format!("rows-{at}");
    let rows = layout.header_rows.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let seen = if read.columns.is_empty() { unnamed(&read.preview) } else { read.columns.clone() };
    let columns = seen.into_iter().map(|column| {
        let input = format!("column-{at}-{}", column.letter);
        let field = match typed {
            Some(typed) => typed.get(&input).and_then(|code| Field::from_code(code)),
            None => column.field,
        };
        Column { input, letters: column.letter, label: column.label, samples: column.samples, field }
    });
    let blocks = layout.columns.iter().filter(|(_, of)| *of == BLOCK);
    Sheet {
        name: layout.name.clone(),
        header_rows: typed.map_or(rows, |typed| typed.get(&rows_name).cloned().unwrap_or_default()),
        rows_name,
        fault: None,
        is_unknown: !read.has_header(),
        columns: columns.collect(),
        blocks: blocks
            .map(|(field, _)| Block { input: format!("block-{at}-{}", field.code()), field: *field })
            .collect(),
        preview: read.preview.clone(),
    }
}

/// The columns of a sheet in which no header was recognised.
fn unnamed(preview: &[(u32, Vec<String>)]) -> Vec<ColumnSeen> {
    let width = preview.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let column = |at: usize| {
        let texts = preview.iter().filter_map(|(_, cells)| cells.get(at)).filter(|text| !text.is_empty());
        let samples: Vec<String> = texts.take(SAMPLES).cloned().collect();
        let letter = letters(u16::try_from(at).unwrap_or(u16::MAX));
        ColumnSeen { letter, label: String::new(), field: None, samples }
    };
    (0..width).map(column).filter(|column| !column.samples.is_empty()).collect()
}

/// What a person says of the sheets that they want read.
///
/// # Errors
/// A header that is no row, a sheet without the columns that say who a row is about, no sheet at all.
pub fn parse(kind: Kind, read: &[SheetRead], typed: &Typed) -> Result<Vec<Layout>, Faults> {
    let mut faults = Faults::new();
    let mut layouts = Vec::new();
    for (at, sheet) in sheets(read, Some(typed)).into_iter().enumerate() {
        if sheet.header_rows.trim().is_empty() {
            continue;
        }
        let columns = said(&sheet, typed);
        let missing = [kind.key(), Field::Name].into_iter().find(|field| !columns.contains_key(field));
        match (header_rows(&sheet.header_rows), missing) {
            (None, _) => {
                faults.insert(at, "Gõ số của dòng tiêu đề như trong Excel, ví dụ 2 hoặc 2, 3.".to_owned());
            }
            (Some(_), Some(field)) => {
                faults.insert(at, format!("Chọn cột nào là «{}».", field.label()));
            }
            (Some(header_rows), None) => layouts.push(Layout { name: sheet.name, header_rows, columns }),
        }
    }
    if layouts.is_empty() && faults.is_empty() {
        faults.insert(0, "Gõ số của dòng tiêu đề của ít nhất một trang.".to_owned());
    }
    if faults.is_empty() { Ok(layouts) } else { Err(faults) }
}

/// Each field's columns from left to right.
fn said(sheet: &Sheet, typed: &Typed) -> BTreeMap<Field, String> {
    let mut columns: BTreeMap<Field, String> = BTreeMap::new();
    for Column { letters, field, .. } in &sheet.columns {
        if let Some(field) = field {
            let of = columns.entry(*field).or_default();
            *of = if of.is_empty() { letters.clone() } else { format!("{of},{letters}") };
        }
    }
    for Block { input, field } in &sheet.blocks {
        if typed.contains_key(input) {
            columns.entry(*field).or_insert_with(|| BLOCK.to_owned());
        }
    }
    columns
}

/// Rows as spreadsheet programs count them, from 1.
fn header_rows(typed: &str) -> Option<Vec<u32>> {
    let rows = typed.split([',', ';', ' ']).filter(|part| !part.is_empty());
    let rows: Option<Vec<u32>> = rows.map(|part| part.parse().ok().filter(|row| *row > 0)).collect();
    rows.filter(|rows| !rows.is_empty())
}
