//! *By officer*: who decided what, in time or not, and how soon (the guide, section 8).

use super::agencies::{figure_of, number};
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
    columns.push(Column::new("Trung vị (giờ)", 10.0, Unit::Decimal));
    let line = |name: &str, office: &str, counts: &Counts, hours: &[(i32, i64)], staff| {
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
            median(hours).map_or(Cell::Empty, Cell::Decimal),
        ];
        Row { cells, is_subtotal: false }
    };
    let mut rows: Vec<_> =
        officers.iter().map(|it| line(&it.name, &it.office, &it.counts, &it.hours, Some(it.id))).collect();
    number(&mut rows);
    let counts = officers.iter().map(|it| it.counts).sum();
    let hours: Vec<_> = officers.iter().flat_map(|it| it.hours.iter().copied()).collect();
    Table {
        title: "BÁO CÁO TÌNH HÌNH GIẢI QUYẾT HỒ SƠ THEO CÁN BỘ".into(),
        columns,
        rows,
        total: Some(line("Tổng cộng", "", &counts, &hours, None)),
        notes: vec![
            "Tỷ lệ %: đúng hạn trên số đã giải quyết. Trung vị: một nửa số hồ sơ được giải quyết trong không quá ngần ấy giờ \
             kể từ khi vào hàng chờ."
                .into(),
        ],
        ..Table::default()
    }
}

/// The value in the middle, or between the two in the middle. None of nothing.
pub fn median(counted: &[(i32, i64)]) -> Option<f64> {
    let mut counted = counted.to_vec();
    counted.sort_unstable();
    let all: i64 = counted.iter().map(|(_, count)| count).sum();
    let nth = |place: i64| {
        let mut before = 0;
        counted.iter().find(|(_, count)| {
            before += count;
            before > place
        })
    };
    let (lower, upper) = (nth((all - 1) / 2)?, nth(all / 2)?);
    Some((f64::from(lower.0) + f64::from(upper.0)) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle_of_what_is_counted() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[(5, 1)]), Some(5.0));
        assert_eq!(median(&[(9, 1), (5, 1)]), Some(7.0));
        assert_eq!(median(&[(9, 1), (5, 2)]), Some(5.0));
        assert_eq!(median(&[(1, 3), (4, 2), (2, 1)]), Some(1.5));
        assert_eq!(median(&[(4, 1), (1, 1), (4, 1)]), Some(4.0), "two officers with the same hours");
    }
}
