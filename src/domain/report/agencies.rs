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

/// The title of the reports of the queue, however they are cut.
pub const TITLE: &str = "BÁO CÁO TÌNH HÌNH GIẢI QUYẾT HỒ SƠ ĐĂNG KÝ GIAO DỊCH ĐIỆN TỬ";

fn line(name: &str, balance: &Balance, of: &Figure) -> Row {
    let mut cells = vec![Cell::Empty, Cell::Text(name.to_owned())];
    cells.extend(balance_cells(balance, of));
    Row { cells, is_subtotal: false }
}

fn table(request: &Request, mut rows: Vec<Row>, total: &Balance) -> Table {
    let mut columns = vec![Column::new("STT", 6.0, Unit::Count), Column::new("Cơ quan BHXH", 44.0, Unit::Text)];
    columns.extend(balance_columns());
    number(&mut rows);
    Table {
        title: TITLE.into(),
        columns,
        rows,
        total: Some(line("Tổng cộng", total, &figure_of(request))),
        notes: notes(&total.counts),
        ..Table::default()
    }
}

/// *STT*, the first column: rows that are no sum of others are numbered.
pub fn number(rows: &mut [Row]) {
    for (row, number) in rows.iter_mut().filter(|row| !row.is_subtotal).zip(1..) {
        if let Some(first) = row.cells.first_mut() {
            *first = Cell::Count(number);
        }
    }
}

/// `offices` in the order in which they are shown; those without a figure are left out.
pub fn by_agency(request: &Request, offices: &[Office], balances: &HashMap<AgencyId, Balance>) -> Table {
    let (mut rows, mut total) = (Vec::new(), Balance::default());
    for (office, balance) in offices.iter().filter_map(|office| Some((office, balances.get(&office.id)?))) {
        total += *balance;
        rows.push(line(&office.name, balance, &of_office(request, office)));
    }
    table(request, rows, &total)
}

fn of_office(request: &Request, office: &Office) -> Figure {
    Figure { agency: Some(office.id), below: false, ..figure_of(request) }
}

/// As [`by_agency`], with each province's sum above its offices.
pub fn by_province(request: &Request, offices: &[Office], balances: &HashMap<AgencyId, Balance>) -> Table {
    let (mut rows, mut total) = (Vec::new(), Balance::default());
    // The centre belongs to no province; a part of one stands under the name that is there.
    for head in offices.iter().filter(|it| it.province_id.is_none_or(|province| province == it.id)) {
        let own = |it: &&Office| it.id == head.id || it.province_id == Some(head.id);
        let own: Vec<_> = offices.iter().filter(own).filter_map(|it| Some((it, balances.get(&it.id)?))).collect();
        let mut sum = Balance::default();
        own.iter().for_each(|(_, balance)| sum += **balance);
        total += sum;
        if head.province_id.is_some() && !own.is_empty() {
            let of = Figure { agency: Some(head.id), below: true, ..figure_of(request) };
            rows.push(Row { is_subtotal: true, ..line(&head.name, &sum, &of) });
        }
        rows.extend(own.iter().map(|(office, balance)| line(&office.name, balance, &of_office(request, office))));
    }
    table(request, rows, &total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report::{Grain, Kind, Period, Span};

    fn office(id: i64, province: Option<i64>) -> Office {
        Office { id: AgencyId(id), name: format!("O{id}"), province_id: province.map(AgencyId) }
    }

    #[test]
    fn a_province_stands_above_its_offices_with_their_sum() {
        let offices = [office(1, None), office(2, Some(2)), office(3, Some(3)), office(4, Some(2)), office(5, Some(3))];
        let balance = |opening, approved| Balance { opening, counts: Counts { approved, ..Counts::default() } };
        let balances = [(2, balance(3, 1)), (4, balance(7, 2)), (1, balance(1, 1))];
        let balances = balances.into_iter().map(|(id, balance)| (AgencyId(id), balance)).collect();
        let period = Period::of(Span::Month, chrono::NaiveDate::from_ymd_opt(2026, 11, 1).unwrap());
        let request = Request { kind: Kind::Provinces, period, agency: None, grain: Grain::Day };
        let table = by_province(&request, &offices, &balances);
        let shown: Vec<_> = table
            .rows
            .iter()
            .chain(&table.total)
            .map(|row| (row.cells[0].number(), row.cells[1].clone(), row.cells[2].number(), row.cells[7].number()))
            .collect();
        let row =
            |number, name: &str, opening, closing| (number, Cell::Text(name.into()), Some(opening), Some(closing));
        assert_eq!(
            shown,
            [
                row(Some(1), "O1", 1, 0),
                row(None, "O2", 10, 7),
                row(Some(2), "O2", 3, 2),
                row(Some(3), "O4", 7, 5),
                row(None, "Tổng cộng", 11, 7),
            ]
        );
        let Cell::Figure(_, of) = &table.rows[1].cells[2] else { panic!("no figure") };
        assert!(of.below && of.agency == Some(AgencyId(2)));
    }
}
