//! *Rejection reasons* (the guide, section 8). Officers write them by hand: two that differ only in case, spaces, diacritics or
//! the full stop at the end are one, shown in the spelling that was written most often.

use std::collections::HashMap;

use super::agencies::{figure_of, number};
use super::counts::ratio;
use super::times::as_value;
use super::{Cell, Chart, Column, Figure, Measure, Request, Row, Series, Table, Unit};
use crate::domain::names::folded;

/// Equal of reasons that count as one.
pub fn key(reason: &str) -> String {
    folded(reason).trim_end_matches(['.', ' ']).to_owned()
}

/// How many reasons have a row of their own: the rarest share one.
const SHOWN: usize = 200;
/// How many the chart shows.
const DRAWN: usize = 10;

/// A reason in the spelling in which it is shown, and how often it was given.
fn grouped(written: &[(String, i64)]) -> Vec<(String, i64)> {
    let mut groups: HashMap<String, Vec<&(String, i64)>> = HashMap::new();
    for spelling in written {
        groups.entry(key(&spelling.0)).or_default().push(spelling);
    }
    let mut reasons: Vec<_> = groups
        .into_values()
        .filter_map(|spellings| {
            let all: i64 = spellings.iter().map(|(_, count)| count).sum();
            let shown = spellings.into_iter().max_by(|(a, many), (b, more)| many.cmp(more).then(b.cmp(a)))?;
            Some((shown.0.clone(), all))
        })
        .collect();
    reasons.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
    reasons
}

/// `written`: each spelling, and how often it was given.
pub fn by_reason(request: &Request, written: &[(String, i64)]) -> Table {
    let reasons = grouped(written);
    let all: i64 = reasons.iter().map(|(_, count)| count).sum();
    let share = |count| ratio(count, all).map_or(Cell::Empty, Cell::Share);
    let rejected = |reason| Box::new(Figure { measure: Measure::Rejected, reason, ..figure_of(request) });
    let line = |name: &str, count, cell| Row {
        cells: vec![Cell::Empty, Cell::Text(name.to_owned()), cell, share(count)],
        is_subtotal: false,
    };
    let mut rows: Vec<_> = reasons
        .iter()
        .take(SHOWN)
        .map(|(reason, count)| line(reason, *count, Cell::Figure(*count, rejected(Some(reason.clone())))))
        .collect();
    let rest: i64 = reasons.iter().skip(SHOWN).map(|(_, count)| count).sum();
    if rest > 0 {
        rows.push(line("Các lý do khác", rest, Cell::Count(rest)));
    }
    number(&mut rows);
    let drawn = || reasons.iter().take(DRAWN);
    Table {
        title: "BÁO CÁO LÝ DO TỪ CHỐI HỒ SƠ".into(),
        columns: vec![
            Column::new("STT", 6.0, Unit::Count),
            Column::new("Lý do", 70.0, Unit::Text),
            Column::new("Số lần từ chối", 12.0, Unit::Count),
            Column::new("Tỷ lệ %", 9.0, Unit::Share),
        ],
        rows,
        total: Some(line("Tổng cộng", all, Cell::Figure(all, rejected(None)))),
        notes: vec![
            "Các lý do chỉ khác nhau ở chữ hoa, dấu cách, dấu tiếng Việt hoặc dấu chấm cuối được tính là một, ghi theo cách viết hay \
             gặp nhất."
                .into(),
        ],
        chart: Some(Chart {
            title: if reasons.len() > DRAWN { "Mười lý do hay gặp nhất".into() } else { "Lý do từ chối".into() },
            across: "Lý do".into(),
            upward: "Số lần".into(),
            points: drawn().map(|(reason, _)| reason.clone()).collect(),
            series: vec![Series {
                name: "Số lần từ chối".into(),
                values: drawn().map(|(_, count)| Some(as_value(*count))).collect(),
            }],
        }),
        ..Table::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_only_in_how_they_are_written_are_one() {
        let written = [("Ảnh mờ", 2), ("ANH  MO.", 1), ("ảnh mờ.", 2), ("Thiếu chữ ký", 6), ("Ảnh", 1)];
        let written = written.map(|(reason, count)| (reason.to_owned(), count));
        let owned = |reason: &str, count| (reason.to_owned(), count);
        assert_eq!(grouped(&written), [owned("Thiếu chữ ký", 6), owned("Ảnh mờ", 5), owned("Ảnh", 1)]);
    }
}
