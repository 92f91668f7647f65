//! What one row says: whether it is about somebody, what its fields are, and why it is not taken.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::cells::{self, Read, Value};
use super::header::{Columns, is_numbering};
use super::kinds::{Spec, unread};
use super::offices::Offices;
use super::spans::Spans;
use super::{Field, Kind, Place, Refused, RefusedClass, Values, WarningClass};
use crate::domain::application::Sex;
use crate::domain::names::{canonical, folded};
use crate::domain::spreadsheet::Cell;
use crate::domain::text::FieldError;

/// A row that nothing in itself speaks against. Who else has its code, and what a column of crosses means, is known when
/// the whole list was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub place: Place,
    pub values: Values,
    /// The cell that names the row, where it is written differently from the value.
    pub(super) key_cell: Option<String>,
    pub(super) cross: Option<Cross>,
    pub(super) warnings: Vec<(WarningClass, Field, Option<String>)>,
}

/// A cell for the sex that is crossed or blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cross {
    /// Which of the columns for the sex that the file has.
    pub column: u16,
    pub is_crossed: bool,
}

/// What the first pass makes of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    Refused(Refused),
    Entry(Entry),
}

/// What a column for the sex holds, so far as rows about people go.
#[derive(Clone, Copy, Debug, Default)]
pub struct SexColumn {
    pub crosses: bool,
    pub words: bool,
}

/// What rows are read with.
pub struct Rules<'a> {
    pub spec: &'static Spec,
    pub today: NaiveDate,
    pub offices: &'a Offices,
}

/// A row among the columns of its table.
pub struct Row<'a> {
    pub place: Place,
    pub cells: &'a [Cell],
    pub columns: &'a Columns,
    pub spans: &'a Spans,
    /// The household's code above the table, as it stands.
    pub household: Option<&'a str>,
    /// The table's column for the sex among those of the file.
    pub sex_column: u16,
}

/// What was read of each field.
struct Fields<'a> {
    read: [Option<Read>; Field::ALL.len()],
    cross: Option<Cross>,
    /// What the cell of the key shows.
    key: Option<Cow<'a, str>>,
}

impl<'a> Row<'a> {
    fn cell(&self, column: u16) -> Option<&'a Cell> {
        let own = self.cells.get(usize::from(column)).filter(|cell| **cell != Cell::Empty);
        own.or_else(|| self.spans.carried(column))
    }

    /// The leftmost filled cell of the field, and what it shows.
    fn filled(&self, field: Field) -> Option<(&'a Cell, Cow<'a, str>)> {
        self.columns.of(field).iter().find_map(|column| {
            let cell = self.cell(*column)?;
            Some((cell, cell.text()?))
        })
    }

    /// What the field's cell holds, also where it counts as empty.
    fn excerpt(&self, field: Field) -> Option<String> {
        let filled = self.filled(field).and_then(|(cell, _)| cell.excerpt());
        let block = || self.household.filter(|_| field == Field::HouseholdCode).map(str::to_owned);
        let first = || self.columns.of(field).iter().find_map(|column| self.cell(*column).and_then(Cell::excerpt));
        filled.or_else(block).or_else(first)
    }

    /// All filled cells, joined: the parts of a name, or of a date.
    fn joined(&self, field: Field, sign: &str) -> Option<String> {
        let cells = self.columns.of(field).iter().filter_map(|column| self.cell(*column).and_then(Cell::text));
        let parts: Vec<Cow<'_, str>> = cells.collect();
        (!parts.is_empty()).then(|| parts.join(sign))
    }

    /// A total, or the numbers of columns.
    fn is_no_data(&self) -> bool {
        let first = self.cells.iter().find(|cell| cell.is_filled());
        let name = self.columns.of(Field::Name).first().and_then(|column| self.cells.get(usize::from(*column)));
        let says_total = |cell: Option<&Cell>| matches!(cell, Some(Cell::Text(text)) if is_total(text));
        says_total(first) || says_total(name) || is_numbering_row(self.cells)
    }
}

/// Tống and Cống are people's names: without accents only a whole phrase is a total.
fn is_total(text: &str) -> bool {
    if !text.trim_start().starts_with(['C', 'c', 'T', 't']) {
        return false;
    }
    let written = canonical(text);
    let word = written.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let bare = folded(text);
    let phrase = bare.trim_end_matches(|c: char| !c.is_alphabetic());
    matches!(word, "cộng" | "tổng")
        || (bare.is_ascii() && written == bare)
            && (matches!(phrase, "cong" | "tong")
                || ["tong cong", "tong so", "cong:", "tong:"].iter().any(|begin| bare.starts_with(begin)))
}

fn is_numbering_row(cells: &[Cell]) -> bool {
    // Longer texts are no numbers of columns: most rows need no second look.
    let is_long = |cell: &Cell| match cell {
        Cell::Text(text) => text.len() > 12,
        Cell::Number(number) => number.abs() > 99.0,
        Cell::Date(_) | Cell::Bool(_) => true,
        Cell::Empty => false,
    };
    if cells.iter().any(is_long) {
        return false;
    }
    let texts: Vec<Cow<'_, str>> = cells.iter().filter_map(Cell::text).collect();
    is_numbering(texts.iter().map(|text| &**text))
}

/// Reads a row of a table. None when it is about nobody.
pub fn read(rules: &Rules<'_>, row: &Row<'_>, sex_columns: &mut [SexColumn], repaired: &mut u64) -> Option<Line> {
    if row.is_no_data() {
        return None;
    }
    let seen = sex_columns.get(usize::from(row.sex_column)).copied().unwrap_or_default();
    let mut fields = rules.fields(row);
    if !rules.is_about_somebody(&fields, seen) {
        return None;
    }
    if let Some(column) = sex_columns.get_mut(usize::from(row.sex_column))
        && row.columns.by_sex.is_none()
    {
        column.crosses |= fields.cross.is_some_and(|cross| cross.is_crossed);
        column.words |= fields.read[Field::Sex as usize].is_some();
    }
    if let Some(refused) = rules.refusal(row, &fields) {
        return Some(Line::Refused(refused));
    }
    let mut warnings = Vec::new();
    let mut values = Vec::with_capacity(rules.spec.fields.len());
    for field in rules.spec.fields {
        match fields.read[*field as usize].take() {
            Some(Ok(value)) => {
                if value.restored {
                    warnings.push((WarningClass::RestoredZero, *field, row.excerpt(*field)));
                }
                *repaired += u64::from(value.repaired);
                values.push((*field, value.text));
            }
            Some(Err(_)) => warnings.extend(unread(*field).map(|class| (class, *field, row.excerpt(*field)))),
            None if *field == Field::BirthDate => warnings.push((WarningClass::MissingBirthDate, *field, None)),
            None => {}
        }
    }
    let key = values.iter().find(|(field, _)| *field == rules.spec.key).map(|(_, value)| value.as_str());
    let key_cell = fields.key.filter(|shown| Some(&**shown) != key).and_then(|_| row.excerpt(rules.spec.key));
    Some(Line::Entry(Entry { place: row.place, values: Values(values), key_cell, cross: fields.cross, warnings }))
}

impl Rules<'_> {
    fn fields<'a>(&self, row: &Row<'a>) -> Fields<'a> {
        let mut fields = Fields { read: Default::default(), cross: None, key: None };
        for field in self.spec.fields {
            let read = match field {
                Field::Name if row.columns.joins_name => row.joined(Field::Name, " ").map(|name| cells::name(&name)),
                Field::BirthDate => self.birth_date(row),
                Field::Sex => self.sex(row, &mut fields),
                Field::HouseholdCode if row.columns.of(Field::HouseholdCode).is_empty() => {
                    row.household.map(cells::household_code)
                }
                field => row.filled(*field).map(|(cell, text)| {
                    let read = self.parse(*field, cell, &text);
                    if *field == self.spec.key {
                        fields.key = Some(text);
                    }
                    read
                }),
            };
            fields.read[*field as usize] = read;
        }
        fields
    }

    fn parse(&self, field: Field, cell: &Cell, text: &str) -> Read {
        match field {
            Field::Code if self.spec.kind == Kind::Agencies => cells::agency_code(text),
            Field::Code => cells::social_code(text),
            Field::Login => cells::login(text),
            Field::Name => cells::name(text),
            Field::IdNumber => cells::id_number(text),
            Field::Phone => cells::phone(text),
            Field::Email => cells::email(text),
            Field::HouseholdCode => cells::household_code(text),
            Field::RelationCode => cells::relation_code(text),
            Field::Role => cells::role(text),
            Field::ProvinceCode => cells::province_code(text),
            Field::ValidFrom => cells::valid_from(cell, text, self.today),
            Field::AgencyCode => match self.offices.find(text) {
                Some(code) => Ok(Value::plain(code)),
                None => {
                    Err(FieldError::new("Không có cơ quan này. Hãy ghi mã hoặc tên cơ quan BHXH như trong danh mục."))
                }
            },
            // Agencies can stand below those that name them.
            Field::ParentCode | Field::Address => cells::text(text, 300),
            Field::BirthDate | Field::OnlyYear | Field::Sex => Err(FieldError::new("")),
        }
    }

    fn birth_date(&self, row: &Row<'_>) -> Option<Read> {
        let mark = row.filled(Field::OnlyYear).map(|(_, text)| text);
        let only_year = mark.as_ref().is_some_and(|text| cells::is_mark(text) || &**text == "1");
        if row.columns.joins_date {
            let date = row.joined(Field::BirthDate, "/")?;
            return Some(cells::birth_date(&Cell::Empty, &date, only_year, self.today));
        }
        match row.filled(Field::BirthDate) {
            Some((cell, text)) => Some(cells::birth_date(cell, &text, only_year, self.today)),
            // Some lists have the year itself where others have the mark.
            None => mark
                .filter(|text| !only_year && text.trim().len() >= 4)
                .map(|text| cells::birth_date(&Cell::Empty, &text, false, self.today)),
        }
    }

    fn sex(&self, row: &Row<'_>, fields: &mut Fields<'_>) -> Option<Read> {
        let stored = |sex: Sex| Ok(Value::plain(sex.code()));
        if let Some((male, female)) = row.columns.by_sex {
            let is_date = row.columns.of(Field::BirthDate).contains(&male);
            let says = |column, sex| {
                let text = row.cell(column).and_then(Cell::text)?;
                match cells::sex(&text) {
                    _ if is_date || cells::is_mark(&text) || &*text == "1" => Some(Ok(sex)),
                    _ if &*text == "0" => None,
                    read => Some(read),
                }
            };
            return match (says(male, Sex::Male), says(female, Sex::Female)) {
                (Some(Ok(_)), Some(Ok(_))) => Some(Err(FieldError::new("Đánh dấu cả Nam và Nữ. Hãy để một ô."))),
                (Some(read), None) | (None, Some(read)) | (Some(read @ Err(_)), _) | (_, Some(read @ Err(_))) => {
                    Some(read.and_then(stored))
                }
                (None, None) => None,
            };
        }
        if row.columns.of(Field::Sex).is_empty() {
            return None;
        }
        let cross = |is_crossed| Some(Cross { column: row.sex_column, is_crossed });
        match row.filled(Field::Sex) {
            None => {
                fields.cross = cross(false);
                None
            }
            Some((_, text)) if cells::is_mark(&text) => {
                fields.cross = cross(true);
                None
            }
            Some((_, text)) => Some(cells::sex(&text).and_then(stored)),
        }
    }

    /// A row is about somebody when the cell of the code holds digits, or when it has a name and something else that can
    /// be read. Sentences with a number in them, and the numbers of a table of codes, are not meant.
    fn is_about_somebody(&self, fields: &Fields<'_>, seen: SexColumn) -> bool {
        let is_read = |field: &Field| matches!(fields.read[*field as usize], Some(Ok(_)));
        let crossed = fields.cross.is_some_and(|cross| cross.is_crossed) && !seen.words;
        let evidence = || crossed || self.spec.evidence.iter().any(is_read);
        let has_name = || is_read(&Field::Name);
        if is_read(&self.spec.key) {
            return true;
        }
        let key = fields.key.as_deref().unwrap_or_default();
        if self.spec.key == Field::Login || !key.bytes().any(|b| b.is_ascii_digit()) {
            return has_name() && evidence();
        }
        let words = key.split_whitespace().filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
        let is_sentence = words.clone().count() > 1 || words.clone().any(|word| word.chars().all(char::is_alphabetic));
        let is_short = self.spec.kind != Kind::Agencies && key.bytes().filter(u8::is_ascii_digit).count() <= 2;
        !(is_sentence || is_short) || evidence()
    }

    fn refusal(&self, row: &Row<'_>, fields: &Fields<'_>) -> Option<Refused> {
        let (field, class, reason) = self.spec.required.iter().find_map(|(field, missing, bad)| {
            let (class, reason) = match &fields.read[*field as usize] {
                Some(Ok(_)) => return None,
                None => ((*missing)?, missing_sentence(*field)),
                Some(Err(error)) => ((*bad)?, error.0.clone()),
            };
            Some((*field, class, reason))
        })?;
        let value = row.excerpt(field);
        Some(Refused { place: row.place, class, field, value, other_rows: Vec::new(), reason })
    }
}

fn missing_sentence(field: Field) -> String {
    match field {
        Field::Code => "Thiếu mã số. Hãy tra cứu và điền mã số.",
        Field::Login => "Thiếu tên đăng nhập. Hãy điền tên đăng nhập.",
        Field::Name => "Thiếu tên. Hãy điền như trên giấy tờ.",
        Field::Role => "Thiếu vai trò. Hãy ghi Cán bộ, Giám sát hoặc Quản trị.",
        Field::IdNumber => "Thiếu số giấy tờ tùy thân. Hãy điền số CCCD, CMND hoặc hộ chiếu.",
        Field::Phone => "Thiếu số điện thoại. Hãy điền số điện thoại di động.",
        Field::AgencyCode => "Thiếu cơ quan BHXH. Hãy ghi mã hoặc tên cơ quan.",
        _ => "Thiếu giá trị. Hãy điền ô này.",
    }
    .to_owned()
}

/// The class of a row whose agency is not known.
pub(super) fn unknown_parent(entry: &Entry, value: Option<String>) -> Refused {
    Refused {
        place: entry.place,
        class: RefusedClass::UnknownAgency,
        field: Field::ParentCode,
        value,
        other_rows: Vec::new(),
        reason: "Không có cơ quan cấp trên này, cả trong danh mục lẫn trong tệp. Hãy kiểm tra mã cấp trên.".to_owned(),
    }
}
