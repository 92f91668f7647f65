//! Charts as SVG that the server draws: positions and words here, the elements in `templates/chart.html`. Without style attributes
//! (CSP) and without a script; series differ by shade *and* by pattern, and the table beside a chart says the same in numbers.

use crate::domain::report::{Chart, Series};

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Columns side by side: a few points in time.
    Columns,
    /// Lines: many points in time.
    Lines,
    /// Bars under their names: offices, reasons, people.
    Bars,
}

impl Shape {
    /// What suits a chart whose kind nobody chose: long names want bars, many points lines.
    pub fn of(chart: &Chart) -> Self {
        if chart.points.iter().any(|name| name.chars().count() > 12) {
            Self::Bars
        } else if chart.points.len() > 12 {
            Self::Lines
        } else {
            Self::Columns
        }
    }
}

/// In the drawing's own units, of which a letter takes some seven: a telephone shows 440 of them, and the letters stay readable.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 240.0;
const LETTER: f64 = 6.8;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 40.0;
const RIGHT: f64 = 10.0;
/// Of a bar, and of the line with its name.
const BAR: f64 = 12.0;
const NAME: f64 = 19.0;

/// A chart, ready for `templates/chart.html`.
pub struct Drawn {
    /// Tells the chart from others of its page.
    pub id: String,
    pub title: String,
    /// What it shows, in words, for whoever does not see it.
    pub description: String,
    pub width: String,
    pub height: String,
    /// The names of the series, in the order of their classes `series-0`, `series-1` ….
    pub legend: Vec<String>,
    /// Lines of the scale.
    pub grid: Vec<Stroke>,
    pub texts: Vec<Text>,
    pub blocks: Vec<Block>,
    pub lines: Vec<Line>,
    pub dots: Vec<Dot>,
    pub is_empty: bool,
}

pub struct Stroke {
    pub x1: String,
    pub y1: String,
    pub x2: String,
    pub y2: String,
    pub is_zero: bool,
}

pub struct Text {
    pub x: String,
    pub y: String,
    /// `start`, `middle` or `end`.
    pub anchor: &'static str,
    pub text: String,
}

/// A column or a bar.
pub struct Block {
    pub series: usize,
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
    pub says: String,
}

pub struct Line {
    pub series: usize,
    pub points: String,
}

pub struct Dot {
    pub series: usize,
    pub x: String,
    pub y: String,
    pub says: String,
}

fn px(at: f64) -> String {
    let text = format!("{at:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// A number as people here write it: `1.234`, `0,5`; of millions only so much as an axis has room for.
pub fn number(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        huge if huge >= 1e9 => (value / 1e9, " tỷ"),
        large if large >= 1e6 => (value / 1e6, " tr"),
        _ => (value, ""),
    };
    let rounded = format!("{:.1}", scaled.abs());
    let (whole, tenth) = rounded.split_once('.').unwrap_or((&rounded, "0"));
    let mut text = String::from(if value < 0.0 && rounded != "0.0" { "-" } else { "" });
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    if tenth != "0" {
        text.push(',');
        text.push_str(tenth);
    }
    text + unit
}

/// A scale's values from the lowest to the highest, at most seven, a round number apart; whole ones when all values are.
fn ticks(values: &[f64]) -> Vec<f64> {
    let lowest = values.iter().copied().fold(0.0_f64, f64::min);
    let highest = values.iter().copied().fold(0.0_f64, f64::max);
    let range = (highest - lowest).max(f64::MIN_POSITIVE);
    let magnitude = 10_f64.powf((range / 5.0).log10().floor());
    let mut step = [1.0, 2.0, 5.0].map(|by| by * magnitude).into_iter().find(|step| range / step <= 5.0);
    let all_whole = values.iter().all(|value| value.fract() == 0.0);
    if highest - lowest <= 0.0 || (all_whole && step.is_some_and(|step| step < 1.0)) {
        step = Some(1.0);
    }
    let step = step.unwrap_or(10.0 * magnitude);
    let (mut at, last) = ((lowest / step).floor(), (highest / step).ceil().max(1.0));
    let mut ticks = Vec::new();
    while at <= last {
        ticks.push(at * step);
        at += 1.0;
    }
    ticks
}

/// Where a value is on a scale of this length.
struct Scale {
    ticks: Vec<f64>,
    length: f64,
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        let (low, high) = (self.ticks.first().copied().unwrap_or(0.0), self.ticks.last().copied().unwrap_or(1.0));
        (value - low) / (high - low) * self.length
    }
}

fn known(chart: &Chart) -> Vec<f64> {
    chart.series.iter().flat_map(|series| &series.values).flatten().copied().filter(|value| value.is_finite()).collect()
}

/// The points of a series that say something.
fn said(series: &Series) -> impl Iterator<Item = (usize, f64)> {
    series.values.iter().enumerate().filter_map(|(at, value)| Some((at, value.filter(|value| value.is_finite())?)))
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn describe(chart: &Chart) -> String {
    let highest = |series: &Series| {
        let (at, value) = said(series).max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        Some(format!("{}: cao nhất {} ({}).", series.name, number(value), chart.points.get(at)?))
    };
    let all: Vec<_> = chart.series.iter().filter_map(highest).collect();
    if all.is_empty() { "Chưa có số liệu.".into() } else { all.join(" ") }
}

fn text(x: f64, y: f64, anchor: &'static str, text: impl Into<String>) -> Text {
    Text { x: px(x), y: px(y), anchor, text: text.into() }
}

fn stroke(from: (f64, f64), to: (f64, f64), is_zero: bool) -> Stroke {
    Stroke { x1: px(from.0), y1: px(from.1), x2: px(to.0), y2: px(to.1), is_zero }
}

/// Draws a chart. `id` tells it from the others of its page.
pub fn draw(chart: &Chart, shape: Shape, id: &str) -> Drawn {
    let values = known(chart);
    let mut drawn = Drawn {
        id: id.to_owned(),
        title: chart.title.clone(),
        description: describe(chart),
        width: px(WIDTH),
        height: px(HEIGHT),
        legend: chart.series.iter().map(|series| series.name.clone()).collect(),
        grid: Vec::new(),
        texts: Vec::new(),
        blocks: Vec::new(),
        lines: Vec::new(),
        dots: Vec::new(),
        is_empty: values.is_empty(),
    };
    match shape {
        _ if values.is_empty() => {}
        Shape::Bars => bars(&mut drawn, chart, ticks(&values)),
        Shape::Columns | Shape::Lines => upright(&mut drawn, chart, shape, ticks(&values)),
    }
    drawn
}

fn says(chart: &Chart, series: &Series, at: usize, value: f64) -> String {
    let point = chart.points.get(at).map_or("", String::as_str);
    format!("{point} · {}: {}", series.name, number(value))
}

/// Columns or lines over points in time.
fn upright(drawn: &mut Drawn, chart: &Chart, shape: Shape, ticks: Vec<f64>) {
    let labels: Vec<String> = ticks.iter().map(|tick| number(*tick)).collect();
    let widest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(1);
    let left = count(widest) * LETTER + 8.0;
    let (width, length) = (WIDTH - left - RIGHT, HEIGHT - TOP - BOTTOM);
    let scale = Scale { ticks, length };
    let y = |value: f64| TOP + length - scale.at(value);
    for (tick, label) in scale.ticks.iter().zip(labels) {
        drawn.grid.push(stroke((left, y(*tick)), (WIDTH - RIGHT, y(*tick)), *tick == 0.0));
        drawn.texts.push(text(left - 6.0, y(*tick) + 4.0, "end", label));
    }
    drawn.texts.push(text(2.0, 12.0, "start", chart.upward.clone()));
    drawn.texts.push(text(WIDTH - RIGHT, HEIGHT - 4.0, "end", chart.across.clone()));
    let slot = width / count(chart.points.len().max(1));
    let middle = |at: usize| left + slot * (count(at) + 0.5);
    let longest = chart.points.iter().map(|label| label.chars().count()).max().unwrap_or(1);
    // A name for each point, or for each second, third … where there is no room.
    let every = (1..).find(|every| slot * count(*every) >= count(longest) * LETTER + 6.0).unwrap_or(1);
    for (at, label) in chart.points.iter().enumerate().step_by(every) {
        // The first and the last must not stand outside.
        let half = count(label.chars().count()) * LETTER / 2.0;
        let x = middle(at).min(WIDTH - half).max(half);
        drawn.texts.push(text(x, HEIGHT - BOTTOM + 16.0, "middle", label.clone()));
    }
    let column = slot * 0.8 / count(chart.series.len().max(1));
    for (number, series) in chart.series.iter().enumerate() {
        let mut line = Vec::new();
        for (at, value) in said(series).filter(|(at, _)| *at < chart.points.len()) {
            let says = says(chart, series, at, value);
            if shape == Shape::Columns {
                let (top, foot) = (y(value.max(0.0)), y(value.min(0.0)));
                drawn.blocks.push(Block {
                    series: number,
                    x: px(middle(at) - slot * 0.4 + column * count(number)),
                    y: px(top),
                    width: px(column),
                    height: px(foot - top),
                    says,
                });
            } else {
                line.push(format!("{},{}", px(middle(at)), px(y(value))));
                drawn.dots.push(Dot { series: number, x: px(middle(at)), y: px(y(value)), says });
            }
        }
        if line.len() > 1 {
            drawn.lines.push(Line { series: number, points: line.join(" ") });
        }
    }
}

/// Bars that begin under their names, with their values behind them.
fn bars(drawn: &mut Drawn, chart: &Chart, ticks: Vec<f64>) {
    let row = NAME + BAR * count(chart.series.len()) + 6.0;
    let bottom = row * count(chart.points.len());
    // Room for the value behind the longest bar.
    let scale = Scale { ticks, length: WIDTH - 70.0 };
    let x = |value: f64| 6.0 + scale.at(value);
    for tick in &scale.ticks {
        drawn.grid.push(stroke((x(*tick), 0.0), (x(*tick), bottom), *tick == 0.0));
    }
    // Names for as many of the scale's lines as do not touch.
    let mut free = f64::MIN;
    for tick in &scale.ticks {
        let (label, at) = (number(*tick), x(*tick));
        let half = count(label.chars().count()) * LETTER / 2.0;
        let at = at.max(half);
        if at - half > free {
            free = at + half + 6.0;
            drawn.texts.push(text(at, bottom + 16.0, "middle", label));
        }
    }
    drawn.texts.push(text(2.0, bottom + 34.0, "start", chart.across.clone()));
    drawn.texts.push(text(WIDTH - RIGHT, bottom + 34.0, "end", chart.upward.clone()));
    drawn.height = px(bottom + BOTTOM);
    for (at, name) in chart.points.iter().enumerate() {
        drawn.texts.push(text(6.0, row * count(at) + 13.0, "start", shortened(name)));
    }
    for (at_series, series) in chart.series.iter().enumerate() {
        for (at, value) in said(series).filter(|(at, _)| *at < chart.points.len()) {
            let y = row * count(at) + NAME + BAR * count(at_series);
            let (from, to) = (x(value.min(0.0)), x(value.max(0.0)));
            drawn.blocks.push(Block {
                series: at_series,
                x: px(from),
                y: px(y),
                width: px(to - from),
                height: px(BAR - 2.0),
                says: says(chart, series, at, value),
            });
            drawn.texts.push(text(to + 4.0, y + BAR - 2.0, "start", number(value)));
        }
    }
}

/// A name that has room over its bar.
fn shortened(name: &str) -> String {
    let name = name.replace("Bảo hiểm xã hội", "BHXH");
    if name.chars().count() <= 56 {
        return name;
    }
    name.chars().take(55).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: usize, values: &[&[Option<f64>]]) -> Chart {
        let series =
            |(at, values): (usize, &&[Option<f64>])| Series { name: format!("D{at}"), values: values.to_vec() };
        Chart {
            title: "T".into(),
            across: "Ngày".into(),
            upward: "Hồ sơ".into(),
            points: (1..=points).map(|day| format!("{day:02}/11")).collect(),
            series: values.iter().enumerate().map(series).collect(),
        }
    }

    #[test]
    fn a_scale_has_a_few_round_values_around_all_that_is_shown() {
        assert_eq!(ticks(&[0.0, 7.0]), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(&[3.0]), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ticks(&[0.0]), [0.0, 1.0]);
        assert_eq!(ticks(&[1.0]), [0.0, 1.0], "no half applications");
        assert_eq!(ticks(&[0.9]).len(), 6);
        assert_eq!(ticks(&[-3.0, 4.0]), [-4.0, -2.0, 0.0, 2.0, 4.0]);
        for value in [1.0, 9.0, 10.0, 11.0, 99.0, 12_345.0, 1e6, 9.99e17, 0.013, 0.25, -77.0] {
            let ticks = ticks(&[value]);
            assert!((2..=7).contains(&ticks.len()), "{value}: {ticks:?}");
            assert!(ticks[0] <= value.min(0.0) && *ticks.last().unwrap() >= value, "{value}: {ticks:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_here() {
        let cases = [
            (0.0, "0"),
            (0.5, "0,5"),
            (-0.01, "0"),
            (1234.0, "1.234"),
            (-1234.5, "-1.234,5"),
            (1_500_000.0, "1,5 tr"),
            (2e12, "2.000 tỷ"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        for shape in [Shape::Columns, Shape::Lines, Shape::Bars] {
            for chart in
                [chart(0, &[]), chart(0, &[&[]]), chart(3, &[&[None, None, None]]), chart(1, &[&[Some(f64::NAN)]])]
            {
                let drawn = draw(&chart, shape, "c");
                assert!(drawn.is_empty && drawn.blocks.is_empty() && drawn.lines.is_empty());
                assert_eq!(drawn.description, "Chưa có số liệu.");
            }
        }
    }

    #[test]
    fn one_point_is_a_column_a_dot_or_a_bar() {
        let one = chart(1, &[&[Some(4.0)]]);
        assert_eq!(draw(&one, Shape::Columns, "c").blocks.len(), 1);
        assert_eq!(draw(&one, Shape::Bars, "c").blocks.len(), 1);
        let dots = draw(&one, Shape::Lines, "c");
        assert_eq!((dots.dots.len(), dots.lines.len()), (1, 0));
        assert_eq!(dots.description, "D0: cao nhất 4 (01/11).");
    }

    #[test]
    fn everything_stands_within_the_drawing() {
        let huge = [Some(9.1e17), Some(-3.0), None, Some(0.0)];
        let long: Vec<_> = (0..366).map(|day| Some(f64::from(day))).collect();
        for (points, values) in [(4, &huge[..]), (366, &long[..])] {
            for shape in [Shape::Columns, Shape::Lines, Shape::Bars] {
                let drawn = draw(&chart(points, &[values, values]), shape, "c");
                let height: f64 = drawn.height.parse().unwrap();
                let within = |x: &str, y: &str| {
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    assert!(
                        (-0.1..=WIDTH + 0.1).contains(&x) && (-0.1..=height + 0.1).contains(&y),
                        "{shape:?} {x} {y}"
                    );
                };
                drawn.texts.iter().for_each(|it| within(&it.x, &it.y));
                drawn.dots.iter().for_each(|it| within(&it.x, &it.y));
                drawn.blocks.iter().for_each(|it| {
                    within(&it.x, &it.y);
                    assert!(!it.width.starts_with('-') && !it.height.starts_with('-'));
                });
            }
        }
    }

    #[test]
    fn the_names_of_many_points_do_not_touch() {
        let values: Vec<_> = (0..30).map(|day| Some(f64::from(day))).collect();
        let drawn = draw(&chart(30, &[&values]), Shape::Lines, "c");
        let days: Vec<f64> =
            drawn.texts.iter().filter(|it| it.text.ends_with("/11")).map(|it| it.x.parse().unwrap()).collect();
        assert!(days.len() >= 4);
        assert!(days.windows(2).all(|pair| pair[1] - pair[0] >= 5.0 * LETTER), "{days:?}");
    }

    #[test]
    fn the_shape_follows_the_points() {
        assert_eq!(Shape::of(&chart(3, &[])), Shape::Columns);
        assert_eq!(Shape::of(&chart(30, &[])), Shape::Lines);
        let offices = Chart { points: vec!["Bảo hiểm xã hội cơ sở Long Biên".into()], ..chart(0, &[]) };
        assert_eq!(Shape::of(&offices), Shape::Bars);
    }
}
