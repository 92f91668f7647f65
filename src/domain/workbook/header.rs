//! Finds the header of a table and which of its columns carries which field. A header has one row, or several: two levels
//! of headings, or two rows of labels, of which the second often has technical names.

use std::collections::BTreeMap;

use super::kinds::Spec;
use super::labels::{HeadRow, Label, Part, field_of};
use super::spans::Spans;
use super::{Field, Layout};

/// A header of more rows than this is none.
const MOST_ROWS: usize = 4;

/// The place of a value that stands above the table.
pub const BLOCK: &str = "block";

/// Which columns carry which field, from left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    by_field: [Vec<u16>; Field::ALL.len()],
    /// The name's columns are its parts.
    pub joins_name: bool,
    /// The birth date's columns are day, month and year.
    pub joins_date: bool,
    /// The columns for men and for women, instead of one that says which.
    pub by_sex: Option<(u16, u16)>,
    /// The household's code stands above each table.
    pub has_block: bool,
}

impl Columns {
    pub fn of(&self, field: Field) -> &[u16] {
        &self.by_field[field as usize]
    }

    pub fn field_at(&self, column: u16) -> Option<Field> {
        Field::ALL.iter().copied().find(|field| self.of(*field).contains(&column))
    }

    /// Whether the fields stand in the same columns.
    pub fn have_places_of(&self, other: &Self) -> bool {
        self.by_field == other.by_field
    }

    pub fn layout(&self) -> BTreeMap<Field, String> {
        let mut columns: BTreeMap<Field, String> = BTreeMap::new();
        for field in Field::ALL.iter().filter(|field| !self.of(**field).is_empty()) {
            let letters: Vec<String> = self.of(*field).iter().map(|column| letters(*column)).collect();
            columns.insert(*field, letters.join(","));
        }
        columns
    }

    /// As a person said; what their headings say besides is still seen.
    pub fn from_layout(spec: &Spec, layout: &Layout, rows: &[HeadRow]) -> Option<Self> {
        let mut columns = Self::default();
        for (field, places) in layout.columns.iter().filter(|(field, _)| spec.has_column(**field)) {
            columns.by_field[*field as usize] = places.split([',', ';', ' ']).filter_map(column_of).collect();
            columns.has_block |= *field == Field::HouseholdCode && places.trim() == BLOCK;
        }
        let labels = |column: u16| rows.iter().filter_map(move |row| row.label(usize::from(column)));
        let says = |column: u16, part: Part| labels(column).any(|label| label.part() == Some(part));
        let whole = |column: u16| labels(column).any(|label| label.field == Some((Field::Name, 0)));
        let names = columns.of(Field::Name);
        columns.joins_name = names.len() > 1 && !names.iter().skip(1).any(|column| whole(*column));
        columns.joins_date = matches!(*columns.of(Field::BirthDate), [day, month, _] if says(day, Part::Day) && says(month, Part::Month));
        if let [a, b] = *columns.of(Field::Sex) {
            let is_one = |column: u16| labels(column).any(|label| label.field == Some((Field::Sex, 0)));
            columns.by_sex = match (says(a, Part::Female), is_one(b)) {
                (true, _) => Some((b, a)),
                (false, true) => None,
                (false, false) => Some((a, b)),
            };
        }
        columns.names(spec).then_some(columns)
    }

    fn names(&self, spec: &Spec) -> bool {
        !self.of(spec.key).is_empty() && !self.of(Field::Name).is_empty()
    }

    /// What the rows of a header say. None unless they name a code and a name.
    pub fn read(spec: &Spec, rows: &[HeadRow], spans: &Spans) -> Option<Self> {
        let width = rows.iter().map(|row| row.labels.len()).max().unwrap_or(0).max(widest_span(rows, spans));
        let heads: Vec<Head> = (0..width).map(|column| Head::of(spec, rows, spans, column)).collect();
        Found { spec, heads: &heads, rows }.columns()
    }
}

fn widest_span(rows: &[HeadRow], spans: &Spans) -> usize {
    let ends = rows.iter().flat_map(|row| {
        row.filled()
            .filter_map(|(column, _)| spans.at(row.number, column))
            .map(|span| usize::from(span.last_column) + 1)
    });
    ends.max().unwrap_or(0)
}

/// What stands over one column.
#[derive(Debug, Default)]
struct Head {
    field: Option<(Field, u8)>,
    part: Option<Part>,
    is_labelled: bool,
}

impl Head {
    fn of(spec: &Spec, rows: &[HeadRow], spans: &Spans, column: usize) -> Self {
        let mut own: Vec<&Label> = Vec::new();
        let mut above: Vec<&Label> = Vec::new();
        for level in 0..rows.len() {
            match group_start(rows, spans, level, column) {
                Some(start) => above.extend(rows[level].label(start)),
                None => own.extend(rows[level].label(column)),
            }
        }
        let is_labelled = !own.is_empty() || !above.is_empty();
        let (field, part) = meaning(spec, &own, &above);
        let is_other = own.iter().chain(&above).any(|label| label.is_of_somebody_else());
        if is_other && !matches!(field, Some((Field::RelationCode, _))) {
            return Self { is_labelled, ..Self::default() };
        }
        Self { field, part, is_labelled }
    }
}

/// The column in which the heading stands that this level has over the column together with others.
fn group_start(rows: &[HeadRow], spans: &Spans, level: usize, column: usize) -> Option<usize> {
    let row = &rows[level];
    if let Some(span) = spans.at(row.number, column) {
        return (span.first_column < span.last_column).then_some(usize::from(span.first_column));
    }
    // Where merged cells are not known: blanks to the right of a heading, over labels of the next level.
    let below = rows.get(level + 1)?;
    let start = (0..=column).rev().find(|at| row.label(*at).is_some())?;
    let has_labels = (start..=column.max(start + 1)).all(|at| below.label(at).is_some());
    let has_blanks = (start + 1..=column.max(start + 1)).all(|at| row.label(at).is_none());
    (has_labels && has_blanks && spans.at(row.number, start).is_none()).then_some(start)
}

fn meaning(spec: &Spec, own: &[&Label], above: &[&Label]) -> (Option<(Field, u8)>, Option<Part>) {
    let Some(lowest) = own.last() else {
        // Merged over several columns with nothing below: the name is split, anything else stands in one of them.
        let field = above.iter().rev().find_map(|label| label.field);
        return (field, field.filter(|(field, _)| *field == Field::Name).map(|_| Part::Front));
    };
    let over = above.last();
    let over_field = over.and_then(|label| label.field);
    let of = |field: Field| over_field.is_none_or(|(known, _)| known == field);
    let is_whole = |label: &Label| label.field == Some((Field::Name, 0));
    match lowest.part() {
        Some(part @ (Part::Male | Part::Female)) if of(Field::Sex) => return (Some((Field::Sex, 0)), Some(part)),
        Some(part @ (Part::Male | Part::Female | Part::Day | Part::Month | Part::Year)) if of(Field::BirthDate) => {
            return (over_field, Some(part));
        }
        Some(part @ (Part::Front | Part::Back)) if of(Field::Name) && !own.iter().any(|label| is_whole(label)) => {
            let rank = u8::from(part == Part::Back);
            return (over_field.or(Some((Field::Name, rank))), Some(part));
        }
        _ => {}
    }
    if let Some(field) = own.iter().rev().filter_map(|label| label.field).min_by_key(|(_, rank)| *rank) {
        return (Some(field), None);
    }
    let Some(over) = over else {
        return (None, None);
    };
    let joined = [format!("{}{}", lowest.key, over.key), format!("{}{}", over.key, lowest.key)];
    let is_bare = matches!(lowest.key.as_str(), "so" | "ma" | "ten" | "maso" | "noidung" | "chitiet" | "giatri");
    let field = joined.iter().find_map(|key| field_of(spec, key)).or(over_field.filter(|_| is_bare));
    (field, None)
}

struct Found<'a> {
    spec: &'a Spec,
    heads: &'a [Head],
    rows: &'a [HeadRow],
}

impl Found<'_> {
    fn columns(&self) -> Option<Columns> {
        let mut columns = Columns::default();
        let parts = |part: Part| self.heads.iter().position(move |head| head.part == Some(part));
        let table = self.table()?;
        for field in Field::ALL.iter().filter(|field| self.spec.has_column(**field)) {
            columns.by_field[*field as usize] = self.best(*field, &table);
        }
        self.name(&mut columns, &table);
        self.birth_date(&mut columns);
        let at = |part| parts(part).and_then(|at| u16::try_from(at).ok());
        match (at(Part::Male), at(Part::Female)) {
            (Some(male), Some(female)) if self.spec.has(Field::Sex) => {
                columns.by_sex = Some((male, female));
                columns.by_field[Field::Sex as usize] = vec![male.min(female), male.max(female)];
            }
            _ => {
                // "Nam" alone is a year, and "Nữ" alone is crossed for women.
                let alone = |column: &u16| self.heads[usize::from(*column)].part != Some(Part::Male);
                columns.by_field[Field::Sex as usize].retain(alone);
            }
        }
        self.phone(&mut columns);
        (columns.names(self.spec) && self.is_certain(&columns)).then_some(columns)
    }

    /// The columns from the first to the last that belong together: what stands beyond a column without a heading can be
    /// another table.
    fn table(&self) -> Option<std::ops::RangeInclusive<usize>> {
        let first = |field| {
            let named = self.heads.iter().enumerate().filter_map(|(at, head)| Some((at, head.field?, head.part)));
            let found =
                named.filter(|(_, (known, _), _)| *known == field).min_by_key(|(at, (_, rank), _)| (*rank, *at));
            found.map(|(at, ..)| at)
        };
        let is_part = |head: &Head| matches!(head.part, Some(Part::Front | Part::Back));
        let name = first(Field::Name).or_else(|| self.heads.iter().position(is_part))?;
        let key = first(self.spec.key)?;
        let (mut from, mut to) = (key.min(name), key.max(name));
        while from > 0 && self.heads[from - 1].is_labelled {
            from -= 1;
        }
        while to + 1 < self.heads.len() && self.heads[to + 1].is_labelled {
            to += 1;
        }
        Some(from..=to)
    }

    /// The columns of the lowest rank, in the table if it has any.
    fn best(&self, field: Field, table: &std::ops::RangeInclusive<usize>) -> Vec<u16> {
        let named = self.heads.iter().enumerate().filter_map(|(at, head)| Some((at, head.field?)));
        let named: Vec<(usize, u8)> =
            named.filter(|(_, (known, _))| *known == field).map(|(at, (_, rank))| (at, rank)).collect();
        let (inside, outside): (Vec<_>, Vec<_>) = named.into_iter().partition(|(at, _)| table.contains(at));
        let of = if inside.is_empty() { outside } else { inside };
        let lowest = of.iter().map(|(_, rank)| *rank).min();
        let columns = of.iter().filter(|(_, rank)| Some(*rank) == lowest);
        columns.filter_map(|(at, _)| u16::try_from(*at).ok()).collect()
    }

    /// A name in parts counts where no column has the whole name.
    fn name(&self, columns: &mut Columns, table: &std::ops::RangeInclusive<usize>) {
        let is_whole = |column: &u16| {
            let head = &self.heads[usize::from(*column)];
            head.part.is_none() && head.field == Some((Field::Name, 0))
        };
        if columns.of(Field::Name).iter().any(is_whole) {
            columns.by_field[Field::Name as usize].retain(is_whole);
            return;
        }
        let part = |part: Part| move |at: &usize| self.heads[*at].part == Some(part);
        let fronts = table.clone().filter(part(Part::Front)).count();
        if fronts > 0 {
            let is_part = |at: &usize| part(Part::Front)(at) || part(Part::Back)(at);
            let joined = table.clone().filter(is_part).filter_map(|at| u16::try_from(at).ok()).collect();
            columns.by_field[Field::Name as usize] = joined;
            columns.joins_name = true;
        }
    }

    /// With a birth date beside it, the birth year is the mark "only the year is known".
    fn birth_date(&self, columns: &mut Columns) {
        let dates = columns.of(Field::BirthDate);
        let head = |column: &u16| &self.heads[usize::from(*column)];
        let is_day = |column: &u16| head(column).field == Some((Field::BirthDate, 0));
        if columns.of(Field::OnlyYear).is_empty() && dates.iter().any(is_day) {
            let years = self.heads.iter().enumerate().filter(|(_, head)| head.field == Some((Field::BirthDate, 1)));
            columns.by_field[Field::OnlyYear as usize] =
                years.filter_map(|(at, _)| u16::try_from(at).ok()).take(1).collect();
        }
        let parts: Vec<Option<Part>> = columns.of(Field::BirthDate).iter().map(|column| head(column).part).collect();
        columns.joins_date = matches!(parts[..], [Some(Part::Day), Some(Part::Month), Some(Part::Year | Part::Male)]);
    }

    /// The sheet of the household registration has the household's telephone as DIEN_THOAI, the person's as SDT.
    fn phone(&self, columns: &mut Columns) {
        let keys = |column: u16| {
            self.rows.iter().filter_map(move |row| row.label(usize::from(column))).map(|label| label.key.as_str())
        };
        let is_sdt = |column: &u16| keys(*column).any(|key| key == "sdt");
        let is_full = |column: &u16| keys(*column).any(|key| key == "dienthoai");
        let of_household = self.rows.iter().any(|row| {
            row.filled().any(|(_, label)| label.key == "hotenchuho")
                && row.filled().any(|(_, label)| label.text.trim() == "DIEN_THOAI")
        });
        let phones = &mut columns.by_field[Field::Phone as usize];
        if phones.iter().any(is_sdt) || of_household {
            phones.retain(|column| is_sdt(column) || !is_full(column));
        }
    }

    /// A code and a name can be called so vaguely that a table of codes has them too.
    fn is_certain(&self, columns: &Columns) -> bool {
        let is_plain = |field: Field| {
            columns.of(field).iter().any(|column| {
                let head = &self.heads[usize::from(*column)];
                head.field.is_some_and(|(known, rank)| known == field && rank == 0) || head.part == Some(Part::Front)
            })
        };
        is_plain(self.spec.key)
            || is_plain(Field::Name)
            || [Field::ParentCode, Field::ValidFrom, Field::Role].into_iter().any(is_plain)
    }
}

/// Whether a row goes on with the header that ends above it.
pub fn continues(rows: &[HeadRow], spans: &Spans, row: &HeadRow) -> bool {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return false;
    };
    if rows.len() == MOST_ROWS || row.number != last.number + 1 || row.filled().next().is_none() {
        return false;
    }
    if is_numbering(row.filled().map(|(_, label)| label.text.as_str())) {
        return false;
    }
    // "Nữ" and "CCCD" are labels, and values of people.
    let is_value =
        |column: &usize| rows.iter().any(|row| row.label(*column).is_some_and(|label| label.field.is_some()));
    if row.others.iter().any(is_value) {
        return false;
    }
    if row.filled().filter(|(_, label)| label.field.is_some()).count() > 1 {
        return true;
    }
    if !row.others.is_empty() {
        return false;
    }
    if spans.reach(first.number, row.number) {
        return true;
    }
    // Every cell stands under a heading that reaches over several columns, and one of them not under its beginning.
    let under = |column: usize| {
        let below = [last.clone(), row.clone()];
        group_start(&below, spans, 0, column)
    };
    let starts: Vec<_> = row.filled().map(|(column, _)| (column, under(column))).collect();
    starts.iter().all(|(_, start)| start.is_some()) && starts.iter().any(|(column, start)| *start != Some(*column))
}

/// Whether a row is the upper level of the header that begins below it.
pub fn stands_over(row: &HeadRow, below: &HeadRow, spans: &Spans) -> bool {
    if row.number + 1 != below.number || !row.others.is_empty() || row.filled().count() < 2 {
        return false;
    }
    if spans.reach(row.number, below.number) {
        return true;
    }
    // Letterheads and lines of a form stand right above a table too.
    let is_heading = |label: &Label| {
        label.text.chars().count() <= 60 && !label.text.contains(':') && !label.key.contains("conghoaxahoi")
    };
    if !row.filled().all(|(_, label)| is_heading(label)) {
        return false;
    }
    let is_number = |label: &Label| matches!(label.key.as_str(), "stt" | "tt" | "sott" | "sothutu");
    let is_alone =
        |(column, label): (usize, &Label)| below.label(column).is_none() && (label.field.is_some() || is_number(label));
    if row.filled().any(is_alone) {
        return true;
    }
    // Without merged cells a line of the title could stand over anything.
    let labels: Vec<usize> = below.filled().map(|(column, _)| column).collect();
    let is_grouped =
        |column: usize| spans.at(row.number, column).is_some_and(|span| span.first_column < span.last_column);
    let grouped = labels.iter().filter(|column| is_grouped(**column)).count();
    let covered = labels.iter().filter(|column| is_grouped(**column) || row.label(**column).is_some()).count();
    grouped >= 2 && covered * 10 >= labels.len() * 9
}

/// Whether the cells are the numbers or letters of columns.
pub fn is_numbering<'a>(cells: impl Iterator<Item = &'a str>) -> bool {
    let is_number = |text: &str| {
        let text = text.trim_matches(|c: char| c.is_whitespace() || "()[].".contains(c));
        let text = text.strip_suffix(['a', 'b', 'c']).filter(|number| !number.is_empty()).unwrap_or(text);
        (text.len() <= 2 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            || (text.len() == 1 && text.bytes().all(|b| b.is_ascii_alphabetic()))
            || (text.contains('=') && text.bytes().all(|b| b.is_ascii_digit() || b"=+-*/() ".contains(&b)))
    };
    let mut count = 0;
    let all = cells.inspect(|_| count += 1).all(is_number);
    all && count > 1
}

/// A, B … Z, AA …
pub fn letters(column: u16) -> String {
    let mut letters = Vec::new();
    let mut rest = u32::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

fn column_of(letters: &str) -> Option<u16> {
    if letters.is_empty() || letters.len() > 3 || !letters.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let number = letters.bytes().fold(0u32, |number, b| number * 26 + u32::from(b.to_ascii_uppercase() - b'A') + 1);
    u16::try_from(number - 1).ok()
}
