//! *Coverage*: how many people of the registry have an account, and how near each office is to its target (the guide, section 8).

use std::collections::HashMap;

use chrono::NaiveDate;

use super::agencies::Office;
use super::{Cell, Chart, Column, Request, Row, Series, Table, Unit, ratio};
use crate::domain::dates::show_date;
use crate::domain::ids::AgencyId;
use crate::domain::text::FieldError;

/// How many accounts an office shall have at the end of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub until: NaiveDate,
    pub accounts: i64,
}

impl Target {
    /// Which of an office's targets a day is measured by: the next to be reached, or the last one when none is ahead.
    pub fn on(day: NaiveDate, targets: impl IntoIterator<Item = Self>) -> Option<Self> {
        targets.into_iter().min_by_key(|target| (target.until < day, (target.until - day).abs()))
    }
}

impl Target {
    /// As many accounts as this part of the people, and not one less.
    pub fn share(people: i64, percent: i64) -> i64 {
        (people * percent + 99) / 100
    }
}

/// Reads how many accounts somebody typed; nothing for an empty field.
///
/// # Errors
/// Anything but a whole number of 1 to 99,999,999, with or without points between thousands.
pub fn parse_accounts(raw: &str) -> Result<Option<i64>, FieldError> {
    let digits: String = raw.chars().filter(|c| !c.is_whitespace() && *c != '.').collect();
    if digits.is_empty() {
        return Ok(None);
    }
    let is_number = digits.len() <= 8 && digits.bytes().all(|digit| digit.is_ascii_digit());
    match digits.parse() {
        Ok(accounts) if is_number && accounts > 0 => Ok(Some(accounts)),
        _ => Err(FieldError::new("Gõ số tài khoản, ví dụ 1.200; để trống nếu không đặt chỉ tiêu.")),
    }
}

/// Reads a share of the people that all offices shall reach.
///
/// # Errors
/// Anything but a whole number of 1 to 100.
pub fn parse_percent(raw: &str) -> Result<i64, FieldError> {
    match raw.trim().trim_end_matches('%').trim_end().parse() {
        Ok(percent @ 1..=100) => Ok(percent),
        _ => Err(FieldError::new("Gõ số phần trăm từ 1 đến 100.")),
    }
}

/// An office at the end of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Of the registry; none when no list of it is this office's.
    pub people: i64,
    pub accounts: i64,
    pub target: Option<Target>,
}

impl Standing {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn cells(&self, until: Cell, accounts_with_target: i64) -> Vec<Cell> {
        let unknown = || Cell::Text("–".into());
        let share = |share: Option<f64>| share.map_or_else(unknown, Cell::Share);
        let people = if self.people > 0 { Cell::Count(self.people) } else { unknown() };
        let target = self.target.map_or(0, |target| target.accounts);
        vec![
            people,
            Cell::Count(self.accounts),
            share(ratio(self.accounts, self.people)),
            if target > 0 { Cell::Count(target) } else { unknown() },
            until,
            share(ratio(accounts_with_target, target)),
        ]
    }
}

/// How many offices a chart shows; the others are one.
pub const IN_CHART: usize = 12;

/// The largest by `size`, in their own order, and what is left.
pub fn largest<T>(all: Vec<T>, size: impl Fn(&T) -> i64) -> (Vec<T>, Vec<T>) {
    if all.len() <= IN_CHART + 1 {
        return (all, Vec::new());
    }
    let mut all: Vec<_> = all.into_iter().enumerate().collect();
    all.sort_by_key(|(at, one)| (-size(one), *at));
    let rest = all.split_off(IN_CHART).into_iter().map(|(_, one)| one).collect();
    all.sort_by_key(|(at, _)| *at);
    (all.into_iter().map(|(_, one)| one).collect(), rest)
}

/// The name of what is left of many offices.
pub fn others(count: usize) -> String {
    format!("{count} cơ quan còn lại")
}

/// `offices` in the order in which they are shown; those of which nothing is known are left out.
pub fn coverage(request: &Request, offices: &[Office], standings: &HashMap<AgencyId, Standing>) -> Table {
    let day = request.period.last();
    let count = |label| Column::new(label, 13.0, Unit::Count);
    let columns = vec![
        Column::new("STT", 6.0, Unit::Count),
        Column::new("Cơ quan BHXH", 44.0, Unit::Text),
        count("Người tham gia"),
        count("Đã có tài khoản"),
        Column::new("Tỷ lệ %", 9.0, Unit::Share),
        count("Chỉ tiêu"),
        Column::new("Hạn chỉ tiêu", 12.0, Unit::Date),
        Column::new("% hoàn thành", 12.0, Unit::Share),
    ];
    let shown: Vec<(&Office, Standing)> =
        offices.iter().filter_map(|office| Some((office, *standings.get(&office.id)?))).collect();
    let row = |(at, (office, standing)): (usize, &(&Office, Standing))| {
        let number = i64::try_from(at).unwrap_or(i64::MAX) + 1;
        let until = standing.target.map_or(Cell::Empty, |target| Cell::Date(target.until));
        let mut cells = vec![Cell::Count(number), Cell::Text(office.name.clone())];
        cells.extend(standing.cells(until, standing.accounts));
        Row { cells, is_subtotal: false }
    };
    let rows: Vec<Row> = shown.iter().enumerate().map(row).collect();
    let total = sum(shown.iter().map(|(_, standing)| standing), day);
    let with_target = shown.iter().filter(|(_, standing)| standing.target.is_some());
    let mut cells = vec![Cell::Empty, Cell::Text("Tổng cộng".into())];
    cells.extend(total.cells(Cell::Empty, with_target.map(|(_, standing)| standing.accounts).sum()));
    Table {
        title: "BÁO CÁO ĐỘ BAO PHỦ TÀI KHOẢN GIAO DỊCH ĐIỆN TỬ".into(),
        subtitles: vec![format!("Tính đến hết ngày {}", show_date(day))],
        columns,
        rows,
        total: Some(Row { cells, is_subtotal: false }),
        notes: vec![
            "Người tham gia: số người trong danh bạ HGĐ thuộc cơ quan, theo lần đếm gần nhất đến hết ngày báo cáo; «–» là chưa có \
             danh bạ của cơ quan. Đã có tài khoản: các tài khoản do cơ quan cấp, trừ tài khoản đã hủy. Tỷ lệ %: tài khoản trên \
             người tham gia."
                .into(),
            "Chỉ tiêu: chỉ tiêu có hạn gần nhất từ ngày báo cáo trở đi; nếu không còn, chỉ tiêu có hạn sau cùng trước đó. \
             % hoàn thành: tài khoản trên chỉ tiêu; ở dòng tổng cộng chỉ tính các cơ quan có chỉ tiêu."
                .into(),
        ],
        chart: chart(shown, day),
        ..Table::default()
    }
}

fn sum<'a>(standings: impl Iterator<Item = &'a Standing>, day: NaiveDate) -> Standing {
    standings.fold(Standing::default(), |mut total, standing| {
        total.people += standing.people;
        total.accounts += standing.accounts;
        if let Some(target) = standing.target {
            let accounts = target.accounts + total.target.map_or(0, |target| target.accounts);
            total.target = Some(Target { until: day, accounts });
        }
        total
    })
}

fn chart(shown: Vec<(&Office, Standing)>, day: NaiveDate) -> Option<Chart> {
    if shown.is_empty() {
        return None;
    }
    let size = |(_, standing): &(&Office, Standing)| {
        standing.target.map_or(standing.people, |target| target.accounts).max(standing.accounts)
    };
    let (shown, rest) = largest(shown, size);
    let mut points: Vec<(String, Standing)> =
        shown.into_iter().map(|(office, standing)| (office.name.clone(), standing)).collect();
    if !rest.is_empty() {
        points.push((others(rest.len()), sum(rest.iter().map(|(_, standing)| standing), day)));
    }
    #[expect(clippy::cast_precision_loss, reason = "no office counts to 2^53")]
    let number = |count: i64| count as f64;
    let series = |name: &str, value: &dyn Fn(&Standing) -> Option<i64>| Series {
        name: name.into(),
        values: points.iter().map(|(_, standing)| value(standing).map(number)).collect(),
    };
    Some(Chart {
        title: "Tài khoản đã cấp so với chỉ tiêu".into(),
        across: "Cơ quan BHXH".into(),
        upward: "Tài khoản".into(),
        series: vec![
            series("Đã có tài khoản", &|standing| Some(standing.accounts)),
            series("Chỉ tiêu", &|standing| standing.target.map(|target| target.accounts)),
        ],
        points: points.iter().map(|(name, _)| name.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report::{Grain, Kind, Period, Span};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_measured_by_the_next_target_or_else_the_last_one() {
        let targets = ["2026-06-30", "2026-12-31", "2027-06-30"].map(|until| Target { until: day(until), accounts: 1 });
        let on = |text| Target::on(day(text), targets).map(|target| target.until.to_string());
        assert_eq!(on("2026-01-01").as_deref(), Some("2026-06-30"));
        assert_eq!(on("2026-06-30").as_deref(), Some("2026-06-30"));
        assert_eq!(on("2026-07-01").as_deref(), Some("2026-12-31"));
        assert_eq!(on("2028-01-01").as_deref(), Some("2027-06-30"));
        assert_eq!(Target::on(day("2026-01-01"), []), None);
    }

    #[test]
    fn what_is_typed_is_a_number_of_accounts() {
        for (typed, expected) in
            [("", None), (" ", None), ("1200", Some(1200)), ("1.200", Some(1200)), ("1 200", Some(1200))]
        {
            assert_eq!(parse_accounts(typed), Ok(expected), "{typed}");
        }
        for typed in ["0", "-1", "1,5", "nhiều", "123456789", "+5", "10%"] {
            assert!(parse_accounts(typed).is_err(), "{typed}");
        }
        assert_eq!(["100", "95 %", "1"].map(parse_percent), [Ok(100), Ok(95), Ok(1)]);
        assert!(["0", "101", "", "mười"].iter().all(|typed| parse_percent(typed).is_err()));
        assert_eq!(
            [(10, 95), (100, 95), (1, 1), (0, 50)].map(|(people, percent)| Target::share(people, percent)),
            [10, 95, 1, 0]
        );
    }

    fn request() -> Request {
        let period = Period::of(Span::Day, day("2026-11-24"));
        Request { kind: Kind::Coverage, period, agency: None, grain: Grain::Day }
    }

    fn office(id: i64) -> Office {
        Office { id: AgencyId(id), name: format!("Bảo hiểm xã hội cơ sở {id}"), province_id: None }
    }

    #[test]
    fn an_office_without_people_has_no_rate_and_the_total_counts_only_those_with_a_target() {
        let target = Some(Target { until: day("2026-12-31"), accounts: 40 });
        let standings = HashMap::from([
            (AgencyId(1), Standing { people: 100, accounts: 10, target }),
            (AgencyId(2), Standing { people: 0, accounts: 5, target: None }),
        ]);
        let table = coverage(&request(), &[office(1), office(2), office(3)], &standings);
        let unknown = Cell::Text("–".into());
        assert_eq!(table.rows.len(), 2, "nothing is known of the third");
        assert_eq!(
            table.rows[0].cells[2..],
            [
                Cell::Count(100),
                Cell::Count(10),
                Cell::Share(0.1),
                Cell::Count(40),
                Cell::Date(day("2026-12-31")),
                Cell::Share(0.25)
            ]
        );
        let second = &table.rows[1].cells;
        assert_eq!((&second[2], &second[4], &second[5], &second[7]), (&unknown, &unknown, &unknown, &unknown));
        let total = table.total.unwrap().cells;
        assert_eq!((&total[3], &total[4], &total[7]), (&Cell::Count(15), &Cell::Share(0.15), &Cell::Share(0.25)));
    }

    #[test]
    fn a_chart_shows_the_largest_offices_and_the_others_as_one() {
        let offices: Vec<Office> = (1..=30).map(office).collect();
        let standing = |id| Standing { people: 0, accounts: id, target: None };
        let standings = (1..=30).map(|id| (AgencyId(id), standing(id))).collect();
        let chart = coverage(&request(), &offices, &standings).chart.unwrap();
        assert_eq!(chart.points.len(), IN_CHART + 1);
        assert!(chart.points[0].ends_with(" 19") && chart.points[12] == "18 cơ quan còn lại", "{:?}", chart.points);
        assert_eq!(chart.series[0].values[12], Some(f64::from((1..=18).sum::<i32>())));
    }
}
