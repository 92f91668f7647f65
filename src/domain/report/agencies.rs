//! *By agency*: what waited, entered, left and waits, for each office (the guide, section 8).

use std::collections::HashMap;

use super::{Balance, Cell, Column, Counts, Figure, Measure, Request, Row, Table, Unit};
use crate::domain::ids::AgencyId;

/// An office as a report names it.
#[derive(Clone, Debug)]
pub struct Office {
    pub id: AgencyId,
    pub name: String,
    /// The province-level office at or above it.
    pub province_id: Option<AgencyId>,
}

/// The columns that every report of the queue has, from *Tồn đầu kỳ* on.
pub fn balance_columns() -> Vec<Column> {
    let count = |label| Column::new(label, 11.0, Unit::Count);
    let mut columns =
        ["Tồn đầu kỳ", "Tiếp nhận trong kỳ", "Đã duyệt", "Từ chối", "Quá hạn", "Tồn cuối kỳ", "Đúng hạn", "Muộn"]
            .map(count)
            .to_vec();
    columns.push(Column::new("Tỷ lệ %", 9.0, Unit::Share));
    columns
}

/// The cells of those columns. `of` is what the figures are of, whatever its measure says.
pub fn balance_cells(balance: &Balance, of: &Figure) -> Vec<Cell> {
    let counts = &balance.counts;
    let figure = |measure, count| Cell::Figure(count, Box::new(Figure { measure, ..of.clone() }));
    vec![
        figure(Measure::Opening, balance.opening),
        figure(Measure::Received, counts.received()),
        figure(Measure::Approved, counts.approved),
        figure(Measure::Rejected, counts.rejected),
        figure(Measure::Expired, counts.expired),
        figure(Measure::Closing, balance.closing()),
        figure(Measure::OnTime, counts.on_time()),
        figure(Measure::Late, counts.late),
        counts.rate_on_time().map_or(Cell::Empty, Cell::Share),
    ]
}

/// What *Tiếp nhận* is made of, when it is more than what was filed.
pub fn notes(counts: &Counts) -> Vec<String> {
    let Counts { filed, reopened, moved_in, moved_out, .. } = counts;
    let mut notes = vec![
        "Tồn đầu kỳ + Tiếp nhận trong kỳ = Đã duyệt + Từ chối + Quá hạn + Tồn cuối kỳ. \
         Quá hạn: tờ khai bị xóa vì người đăng ký không đến trong 10 ngày. Tỷ lệ %: đúng hạn trên số đã duyệt và từ chối."
            .to_owned(),
    ];
    if reopened + moved_in + moved_out > 0 {
        notes.push(format!(
            "Tiếp nhận trong kỳ gồm {filed} hồ sơ gửi mới, {reopened} mở lại, {moved_in} chuyển đến, trừ {moved_out} chuyển đi."
        ));
    }
    notes
}

/// A figure of everything that a request is about.
pub fn figure_of(request: &Request) -> Figure {
    let Request { period, agency, .. } = *request;
    Figure { measure: Measure::Received, period, agency, below: true, channel: None, staff: None, reason: None }
}

/// `offices` in the order in which they are shown; those without a figure are left out.
pub fn by_agency(request: &Request, offices: &[Office], balances: &HashMap<AgencyId, Balance>) -> Table {
    let mut columns = vec![Column::new("STT", 6.0, Unit::Count), Column::new("Cơ quan BHXH", 44.0, Unit::Text)];
    columns.extend(balance_columns());
    let (mut rows, mut total) = (Vec::new(), Balance::default());
    for (office, balance) in offices.iter().filter_map(|office| Some((office, balances.get(&office.id)?))) {
        total += *balance;
        let of = Figure { agency: Some(office.id), below: false, ..figure_of(request) };
        let number = i64::try_from(rows.len()).unwrap_or(i64::MAX) + 1;
        let mut cells = vec![Cell::Count(number), Cell::Text(office.name.clone())];
        cells.extend(balance_cells(balance, &of));
        rows.push(Row { cells, is_subtotal: false });
    }
    let mut cells = vec![Cell::Empty, Cell::Text("Tổng cộng".into())];
    cells.extend(balance_cells(&total, &figure_of(request)));
    Table {
        title: "BÁO CÁO TÌNH HÌNH GIẢI QUYẾT HỒ SƠ ĐĂNG KÝ GIAO DỊCH ĐIỆN TỬ".into(),
        columns,
        rows,
        total: Some(Row { cells, is_subtotal: false }),
        notes: notes(&total.counts),
        ..Table::default()
    }
}
