//! *By day, week or month*: how the queue went on (the guide, section 8).

use super::agencies::{TITLE, balance_cells, balance_columns, figure_of, notes, number};
use super::{Balance, Cell, Chart, Column, Figure, Grain, Period, Request, Row, Series, Table, Unit};

/// `pieces` in the order of time, each with what waited before it.
pub fn by_time(request: &Request, pieces: &[(Period, Balance)]) -> Table {
    let mut columns = vec![Column::new("STT", 6.0, Unit::Count), Column::new(request.grain.label(), 22.0, Unit::Text)];
    columns.extend(balance_columns());
    let line = |name: String, balance: &Balance, period| {
        let mut cells = vec![Cell::Empty, Cell::Text(name)];
        cells.extend(balance_cells(balance, &Figure { period, ..figure_of(request) }));
        Row { cells, is_subtotal: false }
    };
    let mut rows: Vec<_> = pieces.iter().map(|(piece, balance)| line(piece.name(), balance, *piece)).collect();
    number(&mut rows);
    // What waited before the first piece, and what all of them counted.
    let total = Balance {
        opening: pieces.first().map_or(0, |(_, balance)| balance.opening),
        counts: pieces.iter().map(|(_, balance)| balance.counts).sum(),
    };
    Table {
        title: TITLE.into(),
        columns,
        rows,
        total: Some(line("Tổng cộng".into(), &total, request.period)),
        notes: notes(&total.counts),
        chart: Some(chart(request.grain, pieces)),
        ..Table::default()
    }
}

fn chart(grain: Grain, pieces: &[(Period, Balance)]) -> Chart {
    let point = |piece: &Period| {
        let format = if grain == Grain::Month { "%m/%Y" } else { "%d/%m" };
        piece.first().format(format).to_string()
    };
    let series = |name: &str, of: fn(&Balance) -> i64| Series {
        name: name.into(),
        values: pieces.iter().map(|(_, balance)| Some(as_value(of(balance)))).collect(),
    };
    Chart {
        title: "Tiếp nhận, đã duyệt và từ chối".into(),
        across: grain.label().into(),
        upward: "Hồ sơ".into(),
        points: pieces.iter().map(|(piece, _)| point(piece)).collect(),
        series: vec![
            series("Tiếp nhận", |it| it.counts.received()),
            series("Đã duyệt", |it| it.counts.approved),
            series("Từ chối", |it| it.counts.rejected),
        ],
    }
}

/// A count as a chart draws it.
#[expect(clippy::cast_precision_loss, reason = "nobody sees the difference from 2^53 on")]
pub fn as_value(count: i64) -> f64 {
    count as f64
}
