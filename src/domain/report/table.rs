//! A report as a table, the same for the page, the workbook and the text file.

use chrono::{NaiveDate, NaiveDateTime};

use super::Figure;

/// A finished report.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// In capitals, as it stands over the table.
    pub title: String,
    /// What of it: the period, the office.
    pub subtitles: Vec<String>,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// *Tổng cộng*.
    pub total: Option<Row>,
    /// How to read it, below the table.
    pub notes: Vec<String>,
    pub chart: Option<Chart>,
    /// How it is printed when it is too wide to be read on one sheet of paper.
    pub beside: Option<Beside>,
}

/// A table on two sheets of paper side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Over how many columns, those of the left sheet, the head and the foot stand. Both sheets are about as wide.
    pub left: u16,
    /// How many of them stand on the right sheet again, so that its rows can be told apart.
    pub again: u16,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub label: String,
    /// In characters.
    pub width: f64,
    pub unit: Unit,
}

/// What a column holds; it says how a cell is aligned and formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Text,
    /// Whole, with points between thousands.
    Count,
    /// One decimal.
    Decimal,
    /// A share from 0 to 1, shown with one decimal and a percent sign.
    Share,
    /// dd/mm/yyyy
    Date,
    /// dd/mm/yyyy HH:MM, Hanoi time.
    Time,
}

#[derive(Clone, Debug, Default)]
pub struct Row {
    pub cells: Vec<Cell>,
    /// A sum of the rows below it, such as a province over its offices.
    pub is_subtotal: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Count(i64),
    Decimal(f64),
    Share(f64),
    Date(NaiveDate),
    /// UTC.
    Time(NaiveDateTime),
    /// A count, with the list that it counts.
    Figure(i64, Box<Figure>),
}

impl Column {
    pub fn new(label: impl Into<String>, width: f64, unit: Unit) -> Self {
        Self { label: label.into(), width, unit }
    }
}

impl Cell {
    /// The number, when it is one.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Count(number) | Self::Figure(number, _) => Some(*number),
            _ => None,
        }
    }
}

/// Columns side by side, or lines when there are many points.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub title: String,
    /// What stands below and beside: "Ngày", "Hồ sơ".
    pub across: String,
    pub upward: String,
    pub points: Vec<String>,
    pub series: Vec<Series>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    /// One for each point; none where there is nothing to say.
    pub values: Vec<Option<f64>>,
}
