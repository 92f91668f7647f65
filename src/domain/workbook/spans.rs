//! Merged cells: a value counts in every row that they cover, a heading over every column.

use super::Span;
use crate::domain::spreadsheet::Cell;

/// The merged cells of a sheet. Rows come in order.
#[derive(Default)]
pub struct Spans {
    /// By first row.
    all: Vec<Span>,
    next: usize,
    covering: Vec<(Span, Cell)>,
}

impl Spans {
    pub fn new(spans: &[Span]) -> Self {
        let mut all = spans.to_vec();
        all.sort_unstable_by_key(|span| (span.first_row, span.first_column));
        Self { all, ..Self::default() }
    }

    /// Takes note of the cells of the row from which later rows have theirs.
    pub fn enter(&mut self, row: u32, cells: &[Cell]) {
        self.covering.retain(|(span, _)| span.last_row >= row);
        while let Some(span) = self.all.get(self.next).filter(|span| span.first_row <= row) {
            self.next += 1;
            let value = cells.get(usize::from(span.first_column)).filter(|cell| **cell != Cell::Empty);
            if span.first_row == row
                && span.last_row > row
                && let Some(value) = value
            {
                self.covering.retain(|(other, _)| other.first_column != span.first_column);
                self.covering.push((*span, value.clone()));
            }
        }
    }

    /// What a cell above gives this column in the current row.
    pub fn carried(&self, column: u16) -> Option<&Cell> {
        let carried = self.covering.iter().find(|(span, _)| span.first_column == column);
        carried.map(|(_, cell)| cell)
    }

    /// The merged cells that begin in one of the rows.
    fn beginning(&self, first: u32, last: u32) -> &[Span] {
        let from = self.all.partition_point(|span| span.first_row < first);
        let to = self.all.partition_point(|span| span.first_row <= last);
        &self.all[from..to.max(from)]
    }

    /// The merged cell that begins in the row and has the column.
    pub fn at(&self, row: u32, column: usize) -> Option<Span> {
        let has = |span: &&Span| (usize::from(span.first_column)..=usize::from(span.last_column)).contains(&column);
        self.beginning(row, row).iter().find(has).copied()
    }

    /// Whether a merged cell that begins in the rows from `first` on reaches down into this one.
    pub fn reach(&self, first: u32, row: u32) -> bool {
        row > first && self.beginning(first, row - 1).iter().any(|span| span.last_row >= row)
    }
}
