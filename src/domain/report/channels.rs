//! *Channels of declaration*: how the applications came, and what became of them.

use std::collections::HashMap;

use super::agencies::{figure_of, number};
use super::counts::ratio;
use super::times::as_value;
use super::{Cell, Chart, Column, Counts, Figure, Measure, Request, Row, Series, Table, Unit};
use crate::domain::application::Channel;

const MEASURES: [Measure; 6] =
    [Measure::Filed, Measure::Approved, Measure::Rejected, Measure::Expired, Measure::OnTime, Measure::Late];

fn count(counts: &Counts, measure: Measure) -> i64 {
    match measure {
        Measure::Approved => counts.approved,
        Measure::Rejected => counts.rejected,
        Measure::Expired => counts.expired,
        Measure::OnTime => counts.on_time(),
        Measure::Late => counts.late,
        _ => counts.filed,
    }
}

/// Every channel has a row, also one by which nothing came.
pub fn by_channel(request: &Request, counts: &HashMap<Channel, Counts>) -> Table {
    let of = |channel: &Channel| counts.get(channel).copied().unwrap_or_default();
    let total: Counts = counts.values().copied().sum();
    let line = |name: &str, counts: &Counts, channel| {
        let mut cells = vec![Cell::Empty, Cell::Text(name.to_owned())];
        let figure = |measure| {
            let figure = Figure { measure, channel, ..figure_of(request) };
            Cell::Figure(count(counts, measure), Box::new(figure))
        };
        cells.extend(MEASURES.map(figure));
        cells.insert(3, ratio(counts.filed, total.filed).map_or(Cell::Empty, Cell::Share));
        Row { cells, is_subtotal: false }
    };
    let mut columns = vec![Column::new("STT", 6.0, Unit::Count), Column::new("Kênh kê khai", 30.0, Unit::Text)];
    columns.extend(MEASURES.map(|measure| Column::new(measure.label(), 11.0, Unit::Count)));
    columns.insert(3, Column::new("Tỷ lệ %", 9.0, Unit::Share));
    let mut rows: Vec<_> =
        Channel::ALL.iter().map(|channel| line(channel.label(), &of(channel), Some(*channel))).collect();
    number(&mut rows);
    let series = |name: &str, measure| Series {
        name: name.into(),
        values: Channel::ALL.iter().map(|channel| Some(as_value(count(&of(channel), measure)))).collect(),
    };
    Table {
        title: "BÁO CÁO HỒ SƠ THEO KÊNH KÊ KHAI".into(),
        columns,
        rows,
        total: Some(line("Tổng cộng", &total, None)),
        notes: vec!["Tỷ lệ %: của kênh trong số hồ sơ gửi mới trong kỳ.".into()],
        chart: Some(Chart {
            title: "Gửi mới và đã duyệt theo kênh".into(),
            across: "Kênh".into(),
            upward: "Hồ sơ".into(),
            points: Channel::ALL.iter().map(|channel| channel.label().to_owned()).collect(),
            series: vec![series("Gửi mới", Measure::Filed), series("Đã duyệt", Measure::Approved)],
        }),
        ..Table::default()
    }
}
