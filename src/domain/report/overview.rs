//! *Tổng quan*: what a supervisor looks at every morning, as tables with their charts.

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};

use super::agencies::Office;
use super::coverage::{largest, others};
use super::pace::Pace;
use super::{Cell, Chart, Column, Counts, Figure, Measure, Period, Row, Series, Span, Table, Unit, first_of};
use crate::domain::ids::AgencyId;

/// What waits in an office's queue at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub all: i64,
    /// To be decided today, from now on.
    pub due_today: i64,
    /// Past its deadline.
    pub overdue: i64,
}

impl std::iter::Sum for Waiting {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            all: sum.all + one.all,
            due_today: sum.due_today + one.due_today,
            overdue: sum.overdue + one.overdue,
        })
    }
}

/// The days of the chart of what came in and what was decided, today the last.
pub fn days(today: NaiveDate) -> Option<Period> {
    Period::between(today - TimeDelta::days(29), today).ok()
}

/// The weeks of the chart of how long decisions took, this one the last.
pub fn weeks(today: NaiveDate) -> Vec<Period> {
    let monday = first_of(super::Grain::Week, today);
    (0..12).rev().map(|back| Period::of(Span::Week, monday - TimeDelta::weeks(back))).collect()
}

/// A figure of all that the reader sees.
pub fn figure(measure: Measure, period: Period) -> Figure {
    Figure { measure, period, agency: None, below: true, channel: None, staff: None, reason: None }
}

fn cell(count: i64, figure: Figure) -> Cell {
    Cell::Figure(count, Box::new(figure))
}

fn row(cells: Vec<Cell>) -> Row {
    Row { cells, is_subtotal: false }
}

fn count(label: &str) -> Column {
    Column::new(label, 12.0, Unit::Count)
}

#[expect(clippy::cast_precision_loss, reason = "no office counts to 2^53")]
fn number(count: i64) -> f64 {
    count as f64
}

/// *Tiếp nhận, đã duyệt, từ chối* day by day; the table has the latest first.
pub fn per_day(days: &[(Period, Counts)]) -> Table {
    let of = |counts: &Counts| [counts.received(), counts.approved, counts.rejected];
    let names = ["Tiếp nhận", "Đã duyệt", "Từ chối"];
    let series = names.iter().enumerate().map(|(at, name)| Series {
        name: (*name).into(),
        values: days.iter().map(|(_, counts)| Some(number(of(counts)[at]))).collect(),
    });
    let day_row = |(day, counts): &(Period, Counts)| {
        let measures = [Measure::Received, Measure::Approved, Measure::Rejected];
        let counts = of(counts).into_iter().zip(measures);
        let figures = counts.map(|(count, measure)| cell(count, figure(measure, *day)));
        row(std::iter::once(Cell::Date(day.first())).chain(figures).collect())
    };
    let mut columns = vec![Column::new("Ngày", 12.0, Unit::Date)];
    columns.extend(names.map(count));
    Table {
        title: "Hồ sơ theo ngày, 30 ngày gần đây".into(),
        columns,
        rows: days.iter().rev().map(day_row).collect(),
        chart: Some(Chart {
            title: "Hồ sơ tiếp nhận, đã duyệt và từ chối theo ngày".into(),
            across: "Ngày".into(),
            upward: "Hồ sơ".into(),
            points: days.iter().map(|(day, _)| day.first().format("%d/%m").to_string()).collect(),
            series: series.collect(),
        }),
        ..Table::default()
    }
}

/// What waits in each office, the longest queue first.
pub fn waiting(today: Period, offices: &[Office], waiting: &HashMap<AgencyId, Waiting>) -> Table {
    let mut all: Vec<(&Office, Waiting)> =
        offices.iter().filter_map(|office| Some((office, *waiting.get(&office.id)?))).collect();
    all.sort_by_key(|(_, waiting)| -waiting.all);
    let total: Waiting = all.iter().map(|(_, waiting)| *waiting).sum();
    let (shown, rest) = largest(all, |(_, waiting)| waiting.all);
    let cells = |name: String, waiting: &Waiting, of: Figure| {
        let figure = |measure| Figure { measure, ..of.clone() };
        row(vec![
            Cell::Text(name),
            cell(waiting.all, figure(Measure::Closing)),
            cell(waiting.due_today, figure(Measure::DueToday)),
            cell(waiting.overdue, figure(Measure::Overdue)),
        ])
    };
    let of_all = figure(Measure::Closing, today);
    let mut rows: Vec<Row> = Vec::new();
    let mut points: Vec<(String, Waiting)> = Vec::new();
    for (office, waiting) in &shown {
        let of = Figure { agency: Some(office.id), below: false, ..of_all.clone() };
        rows.push(cells(office.name.clone(), waiting, of));
        points.push((office.name.clone(), *waiting));
    }
    if !rest.is_empty() {
        let Waiting { all, due_today, overdue } = rest.iter().map(|(_, waiting)| *waiting).sum();
        // There is no list of "the others"; the report by agency has them one by one.
        let counts = [all, due_today, overdue].map(Cell::Count);
        rows.push(row(std::iter::once(Cell::Text(others(rest.len()))).chain(counts).collect()));
        points.push((others(rest.len()), Waiting { all, due_today, overdue }));
    }
    let series = |name: &str, of: fn(&Waiting) -> i64| Series {
        name: name.into(),
        values: points.iter().map(|(_, waiting)| Some(number(of(waiting)))).collect(),
    };
    Table {
        title: "Hồ sơ đang chờ theo cơ quan".into(),
        columns: vec![
            Column::new("Cơ quan BHXH", 44.0, Unit::Text),
            count("Đang chờ"),
            count("Đến hạn hôm nay"),
            count("Đã muộn"),
        ],
        chart: Some(Chart {
            title: "Hồ sơ đang chờ theo cơ quan".into(),
            across: "Cơ quan BHXH".into(),
            upward: "Hồ sơ".into(),
            series: vec![
                series("Đang chờ", |waiting| waiting.all),
                series("Trong đó đã muộn", |waiting| waiting.overdue),
            ],
            points: points.into_iter().map(|(name, _)| name).collect(),
        }),
        rows,
        total: Some(cells("Tổng cộng".into(), &total, of_all)),
        ..Table::default()
    }
}

/// A report of many rows with the figures of its chart instead.
pub fn as_charted(mut table: Table) -> Table {
    let Some(chart) = table.chart.as_ref().filter(|chart| table.rows.len() > chart.points.len()) else { return table };
    table.columns = vec![Column::new(chart.across.clone(), 44.0, Unit::Text)];
    table.columns.extend(chart.series.iter().map(|series| count(&series.name)));
    let value = |series: &Series, at: usize| match series.values.get(at).copied().flatten() {
        #[expect(clippy::cast_possible_truncation, reason = "it was a count")]
        Some(value) => Cell::Count(value as i64),
        None => Cell::Text("–".into()),
    };
    table.rows = (0..)
        .zip(&chart.points)
        .map(|(at, point)| {
            row(std::iter::once(Cell::Text(point.clone())).chain(chart.series.iter().map(|it| value(it, at))).collect())
        })
        .collect();
    table.total = None;
    table
}

/// How long decisions took, week by week; the table has the latest first.
pub fn pace(weeks: &[(Period, Option<Pace>)]) -> Table {
    let series = |name: &str, of: fn(&Pace) -> i32| Series {
        name: name.into(),
        values: weeks.iter().map(|(_, pace)| pace.as_ref().map(|pace| Pace::days(of(pace)))).collect(),
    };
    let week_row = |(week, pace): &(Period, Option<Pace>)| {
        let days = |of: fn(&Pace) -> i32| pace.as_ref().map_or(Cell::Empty, |pace| Cell::Decimal(Pace::days(of(pace))));
        row(vec![
            Cell::Date(week.first()),
            cell(pace.map_or(0, |pace| pace.decisions), figure(Measure::Decided, *week)),
            days(|pace| pace.median),
            days(|pace| pace.ninetieth),
        ])
    };
    let decimal = |label: &str| Column::new(label, 12.0, Unit::Decimal);
    Table {
        title: "Thời gian giải quyết theo tuần, 12 tuần gần đây".into(),
        columns: vec![
            Column::new("Tuần từ ngày", 12.0, Unit::Date),
            count("Đã giải quyết"),
            decimal("Trung vị (ngày)"),
            decimal("90% không quá (ngày)"),
        ],
        rows: weeks.iter().rev().map(week_row).collect(),
        chart: Some(Chart {
            title: "Thời gian từ khi vào hàng chờ đến khi giải quyết".into(),
            across: "Tuần từ ngày".into(),
            upward: "Ngày".into(),
            points: weeks.iter().map(|(week, _)| week.first().format("%d/%m").to_string()).collect(),
            series: vec![
                series("Trung vị: một nửa không quá", |pace| pace.median),
                series("90% không quá", |pace| pace.ninetieth),
            ],
        }),
        notes: vec!["Tính theo ngày 24 giờ, cả ngày nghỉ, của các hồ sơ đã duyệt hoặc từ chối trong tuần.".into()],
        ..Table::default()
    }
}
