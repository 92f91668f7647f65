//! *By officer*: who decided what, in time or not, and how soon (the guide, section 8).

use super::agencies::{figure_of, number};
use super::pace::Pace;
use super::{Cell, Column, Counts, Figure, Measure, Request, Row, Table, Unit};
use crate::domain::ids::StaffId;

/// What somebody decided.
#[derive(Clone, Debug)]
pub struct Officer {
    pub id: StaffId,
    pub name: String,
    /// The office at which they are.
    pub office: String,
    pub counts: Counts,
    /// After how many hours they decided, and how often after so many.
    pub hours: Vec<(i32, i64)>,
}

/// `officers` in the order in which they are shown.
pub fn by_officer(request: &Request, officers: &[Officer]) -> Table {
    let mut columns = vec![
        Column::new("STT", 6.0, Unit::Count),
        Column::new("Cán bộ", 28.0, Unit::Text),
        Column::new("Cơ quan BHXH", 36.0, Unit::Text),
    ];
    columns.extend(
        [Measure::Decided, Measure::Approved, Measure::Rejected, Measure::OnTime, Measure::Late]
            .map(|measure| Column::new(measure.label(), 11.0, Unit::Count)),
    );
    columns.push(Column::new("Tỷ lệ %", 9.0, Unit::Share));
    columns.push(Column::new("Trung vị (giờ)", 10.0, Unit::Count));
    let line = |name: &str, office: &str, counts: &Counts, hours: Vec<(i32, i64)>, staff| {
        let figure = |measure, count| Cell::Figure(count, Box::new(Figure { measure, staff, ..figure_of(request) }));
        let cells = vec![
            Cell::Empty,
            Cell::Text(name.to_owned()),
            Cell::Text(office.to_owned()),
            figure(Measure::Decided, counts.decided()),
            figure(Measure::Approved, counts.approved),
            figure(Measure::Rejected, counts.rejected),
            figure(Measure::OnTime, counts.on_time()),
            figure(Measure::Late, counts.late),
            counts.rate_on_time().map_or(Cell::Empty, Cell::Share),
            Pace::of(hours).map_or(Cell::Empty, |pace| Cell::Count(pace.median.into())),
        ];
        Row { cells, is_subtotal: false }
    };
    let mut rows: Vec<_> =
        officers.iter().map(|it| line(&it.name, &it.office, &it.counts, it.hours.clone(), Some(it.id))).collect();
    number(&mut rows);
    let counts = officers.iter().map(|it| it.counts).sum();
    let hours: Vec<_> = officers.iter().flat_map(|it| it.hours.iter().copied()).collect();
    Table {
        title: "BÁO CÁO TÌNH HÌNH GIẢI QUYẾT HỒ SƠ THEO CÁN BỘ".into(),
        columns,
        rows,
        total: Some(line("Tổng cộng", "", &counts, hours, None)),
        notes: vec![
            "Tỷ lệ %: đúng hạn trên số đã giải quyết. Trung vị: một nửa số hồ sơ được giải quyết trong không quá ngần ấy giờ \
             kể từ khi vào hàng chờ."
                .into(),
        ],
        ..Table::default()
    }
}
