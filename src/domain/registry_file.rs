//! A list of people for the household registry, as offices keep it in a spreadsheet: which column means what, what a
//! row says, which rows are the same person. Columns stand in any order under any spelling of their names.
//!
//! A row is refused as a whole when it does not say who is meant; any other cell that cannot be read is passed over and
//! told of.

use std::collections::HashMap;
use std::ops::ControlFlow;

use chrono::NaiveDate;

use super::application::Sex;
use super::dates::BirthDate;
use super::names::{self, Likeness, Name, canonical, folded};
use super::numbers::SocialCode;
use super::registry::Member;
use super::spreadsheet::{self, Cell};
use super::text::FieldError;

/// How many rows with content are searched for the header.
const HEADER_WITHIN: usize = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Code,
    Name,
    BirthDate,
    Sex,
    IdNumber,
    Phone,
    HouseholdCode,
    RelationCode,
}

/// What the columns are called, without accents, case, spaces and signs. The second list counts only where no column
/// has a name of the first: beside a birth date the birth year is a mark, beside a CMND the papers are somebody else's.
const LABELS: [(Field, &str, &str); 8] = [
    (Field::Code, "masobhxh mabhxh masobaohiemxahoi", "sothebhyt mathebhyt masothebhyt"),
    (Field::Name, "hoten hovaten hotenthanhvien hovatenthanhvien hotennguoithamgia hovatennguoithamgia", ""),
    (Field::BirthDate, "ngaysinh ngaythangnamsinh", "namsinh"),
    (Field::Sex, "gioitinh phai namnu", ""),
    (
        Field::IdNumber,
        "cmnd socmnd cccd socccd cmndcccd socmndcccd cancuoccongdan socancuoccongdan socancuoc dinhdanh sodinhdanh \
         sodinhdanhcanhan madinhdanh madinhdanhcanhan",
        "sogiayto sogiaytotuythan",
    ),
    (Field::Phone, "dienthoai sodienthoai sdt sodt didong dienthoaididong sodienthoaididong", ""),
    (Field::HouseholdCode, "mahogiadinh masohogiadinh maho masoho mahogd masohogd", ""),
    (
        Field::RelationCode,
        "quanhe moiquanhe maquanhe mamoiquanhe tenmoiquanhe quanhechuho quanhevoichuho moiquanhevoichuho \
         maquanhevoichuho",
        "",
    ),
];

/// A label's meaning does not lie in accents, case, spaces, signs, or what stands in brackets.
fn label_key(label: &str) -> String {
    let mut depth = 0;
    let outside = label.chars().filter(|c| match c {
        '(' | '[' => {
            depth += 1;
            false
        }
        ')' | ']' => {
            depth -= 1;
            false
        }
        _ => depth <= 0,
    });
    folded(&outside.collect::<String>()).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The field that a label names, and whether by a second-best name. `Số CMND/CCCD/Hộ chiếu` is known by its first part.
fn field_of(label: &str) -> Option<(Field, bool)> {
    [label, label.split('/').next().unwrap_or_default()].into_iter().map(label_key).find_map(|key| {
        let known = |labels: &str| labels.split(' ').any(|label| !key.is_empty() && label == key);
        LABELS.iter().find_map(|(field, best, second)| {
            if known(best) { Some((*field, false)) } else { known(second).then_some((*field, true)) }
        })
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    field: Field,
    at: usize,
    /// As the file has it, so that its owner finds it.
    label: String,
}

/// Which columns carry which field, from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Columns(Vec<Column>);

impl Columns {
    /// None unless the row names a code and a name.
    fn from_header(cells: &[Cell]) -> Option<Self> {
        let mut columns: Vec<(Column, bool)> = Vec::new();
        for (at, cell) in cells.iter().enumerate() {
            if let Cell::Text(label) = cell
                && label.len() <= 200
                && let Some((field, second_best)) = field_of(label)
            {
                columns.push((Column { field, at, label: names::repaired(label) }, second_best));
            }
        }
        let named: Vec<Field> = columns.iter().filter(|(_, second)| !second).map(|(column, _)| column.field).collect();
        columns.retain(|(column, second)| !second || !named.contains(&column.field));
        let columns = Self(columns.into_iter().map(|(column, _)| column).collect());
        let has = |field| columns.0.iter().any(|column| column.field == field);
        (has(Field::Code) && has(Field::Name)).then_some(columns)
    }
}

/// A row, or one cell of a row, that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// As Excel counts, from 1.
    pub row: u32,
    /// The column's label in the file.
    pub column: String,
    /// What the cell holds.
    pub value: String,
    /// What is wrong and what to do, in a sentence.
    pub reason: String,
}

#[derive(Clone, Copy)]
struct Row<'a> {
    number: u32,
    cells: &'a [Cell],
    columns: &'a Columns,
}

impl<'a> Row<'a> {
    /// The leftmost filled cell of the field, and what it reads.
    fn value(self, field: Field) -> Option<(&'a Cell, String)> {
        let mut cells = self.columns.0.iter().filter(|column| column.field == field);
        cells.find_map(|column| self.cells.get(column.at).and_then(|cell| Some((cell, cell.text()?))))
    }

    fn refuse(self, field: Field, error: FieldError) -> Refused {
        let column = self.columns.0.iter().find(|column| column.field == field);
        Refused {
            row: self.number,
            column: column.map(|column| column.label.clone()).unwrap_or_default(),
            value: self.value(field).map(|(cell, _)| cell.excerpt()).unwrap_or_default(),
            reason: error.0,
        }
    }

    fn parse<T>(
        self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, FieldError>,
    ) -> Option<Result<T, FieldError>> {
        self.value(field).map(|(_, text)| parse(&text))
    }

    /// A total, or the numbers that some lists have under their header.
    fn is_no_data(self) -> bool {
        let filled: Vec<String> = self.cells.iter().filter_map(Cell::text).collect();
        let name = self.value(Field::Name).map(|(_, text)| text);
        let is_total = |text: &String| {
            let text = canonical(text);
            // Tống and Cống are people's names: without accents only the whole phrase is a total.
            matches!(text.split([' ', ':']).next(), Some("cộng" | "tổng"))
                || matches!(&*text, "cong" | "tong" | "tong cong")
        };
        let is_number_of_column = |text: &String| {
            let text = text.trim_matches(|c: char| c.is_whitespace() || "()[]".contains(c));
            (text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit()))
                || (text.len() == 1 && text.bytes().all(|b| b.is_ascii_alphabetic()))
        };
        filled.first().is_some_and(is_total)
            || name.as_ref().is_some_and(is_total)
            || (filled.len() > 1 && filled.iter().all(is_number_of_column))
    }
}

struct Person {
    row: u32,
    member: Member,
    /// Cells that could not be read.
    ignored: Vec<Refused>,
    code_cell: Refused,
}

enum Line {
    NotAPerson,
    Refused(Refused),
    Person(Box<Person>),
}

fn read_line(row: Row<'_>, today: NaiveDate) -> Line {
    if row.is_no_data() {
        return Line::NotAPerson;
    }
    let code = row.value(Field::Code).map(|(_, text)| text);
    let name = row.parse(Field::Name, Name::parse);
    let birth_date = row.value(Field::BirthDate).map(|(cell, text)| spreadsheet::birth_date(cell, &text, today));
    let sex = row.parse(Field::Sex, spreadsheet::sex);
    let id_number = row.parse(Field::IdNumber, spreadsheet::id_number);
    let phone = row.parse(Field::Phone, spreadsheet::phone);
    let household_code = row.parse(Field::HouseholdCode, spreadsheet::household_code);
    let relation_code = row.parse(Field::RelationCode, spreadsheet::relation_code);

    let told_of = matches!(birth_date, Some(Ok(_)))
        || matches!(sex, Some(Ok(_)))
        || matches!(id_number, Some(Ok(_)))
        || matches!(phone, Some(Ok(_)))
        || matches!(relation_code, Some(Ok(_)));
    let has_digits = code.as_ref().is_some_and(|code| code.bytes().any(|b| b.is_ascii_digit()));
    if !has_digits && (name.is_none() || !told_of) {
        return Line::NotAPerson;
    }

    let required = || -> Result<_, (Field, FieldError)> {
        let missing = |sentence| FieldError::new(sentence);
        let code = code.ok_or((Field::Code, missing("Thiếu mã số BHXH. Hãy tra cứu và điền mã số.")))?;
        let code = spreadsheet::social_code(&code).map_err(|error| (Field::Code, error))?;
        let name = name.ok_or((Field::Name, missing("Thiếu họ tên. Hãy điền họ tên như trên giấy tờ tùy thân.")))?;
        let name = name.map_err(|error| (Field::Name, error))?;
        Ok((code, name, birth_date.transpose().map_err(|error| (Field::BirthDate, error))?))
    };
    let (code, name, birth_date) = match required() {
        Ok(required) => required,
        Err((field, error)) => return Line::Refused(row.refuse(field, error)),
    };
    let mut ignored = Vec::new();
    let member = Member {
        code,
        name,
        birth_date,
        sex: readable(row, Field::Sex, sex, &mut ignored),
        id_number: readable(row, Field::IdNumber, id_number, &mut ignored),
        phone: readable(row, Field::Phone, phone, &mut ignored),
        household_code: readable(row, Field::HouseholdCode, household_code, &mut ignored),
        relation_code: readable(row, Field::RelationCode, relation_code, &mut ignored),
    };
    let code_cell = row.refuse(Field::Code, FieldError::new(""));
    Line::Person(Box::new(Person { row: row.number, member, ignored, code_cell }))
}

fn readable<T>(
    row: Row<'_>,
    field: Field,
    value: Option<Result<T, FieldError>>,
    ignored: &mut Vec<Refused>,
) -> Option<T> {
    match value? {
        Ok(value) => Some(value),
        Err(error) => {
            ignored.push(row.refuse(field, error));
            None
        }
    }
}

/// What the rows of one code say together.
struct SameCode {
    /// Row numbers of all of them, beginning with the one that is kept.
    rows: Vec<u32>,
    name: String,
    birth_date: Option<BirthDate>,
    sex: Option<Sex>,
    contradict: bool,
}

impl SameCode {
    fn of(person: &Person) -> Self {
        Self {
            rows: vec![person.row],
            name: canonical(person.member.name.as_str()),
            birth_date: person.member.birth_date.clone(),
            sex: person.member.sex,
            contradict: false,
        }
    }

    fn add(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.contradict |= self.name != other.name
            || matches!((&self.birth_date, &other.birth_date), (Some(a), Some(b)) if !a.agrees_with(b))
            || matches!((self.sex, other.sex), (Some(a), Some(b)) if a != b);
        self.birth_date = more_precise(self.birth_date.take(), other.birth_date);
        self.sex = self.sex.or(other.sex);
    }

    fn reason(&self, row: u32) -> Option<String> {
        if self.contradict {
            let rows: Vec<String> = self.rows.iter().take(5).map(u32::to_string).collect();
            let more = if self.rows.len() > 5 { "…" } else { "" };
            return Some(format!(
                "Các dòng {}{more} có cùng mã số nhưng khác họ tên, ngày sinh hoặc giới tính, nên không dòng nào được \
                 nhập. Hãy đối chiếu và giữ lại dòng đúng.",
                rows.join(", ")
            ));
        }
        let first = self.rows.first().filter(|first| **first != row)?;
        Some(format!("Người này đã có ở dòng {first}; dòng đó được giữ, dòng này bỏ qua."))
    }
}

fn more_precise(a: Option<BirthDate>, b: Option<BirthDate>) -> Option<BirthDate> {
    match (a, b) {
        (Some(a), Some(b)) if b.agrees_with(&a) && b.as_str().len() > a.as_str().len() => Some(b),
        (a, b) => a.or(b),
    }
}

/// Reads a list row by row; [`Reader::finish`] has the people.
pub struct Reader {
    today: NaiveDate,
    columns: Option<Columns>,
    searched: usize,
    people: Vec<Person>,
    refused: Vec<Refused>,
}

/// What a list holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Each code once, in the order of the file.
    pub members: Vec<Member>,
    /// Rows that were not taken, in order.
    pub refused: Vec<Refused>,
    /// Cells of the rows that were taken, which could not be read and count as empty.
    pub ignored: Vec<Refused>,
}

/// Why nothing can be taken from a list.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error(
        "Không tìm thấy dòng tiêu đề trong {HEADER_WITHIN} dòng đầu. Hãy đặt tên cột, ít nhất «Mã số BHXH» và «Họ tên»."
    )]
    NoHeader,
    #[error("Dưới dòng tiêu đề không có ai.")]
    NoRows,
}

impl Reader {
    /// `today` is Hanoi's date: nobody is born after it.
    pub fn new(today: NaiveDate) -> Self {
        Self { today, columns: None, searched: 0, people: Vec::new(), refused: Vec::new() }
    }

    /// Takes the next row; breaks when there is no point in reading on, because the header should have come by now.
    pub fn row(&mut self, number: u32, cells: &[Cell]) -> ControlFlow<()> {
        let Some(columns) = &self.columns else {
            self.columns = Columns::from_header(cells);
            self.searched += 1;
            let give_up = self.columns.is_none() && self.searched == HEADER_WITHIN;
            return if give_up { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        };
        match read_line(Row { number, cells, columns }, self.today) {
            Line::NotAPerson => {}
            Line::Refused(refused) => self.refused.push(refused),
            Line::Person(person) => self.people.push(*person),
        }
        ControlFlow::Continue(())
    }

    /// # Errors
    /// No header, or nobody below it.
    pub fn finish(self) -> Result<Contents, ListError> {
        if self.columns.is_none() {
            return Err(ListError::NoHeader);
        }
        if self.people.is_empty() && self.refused.is_empty() {
            return Err(ListError::NoRows);
        }
        let mut codes: HashMap<SocialCode, SameCode> = HashMap::with_capacity(self.people.len());
        for person in &self.people {
            let said = SameCode::of(person);
            match codes.get_mut(&person.member.code) {
                Some(same) => same.add(said),
                None => drop(codes.insert(person.member.code.clone(), said)),
            }
        }
        let mut contents = Contents { refused: self.refused, ..Contents::default() };
        for Person { row, member, ignored, code_cell } in self.people {
            match codes.get(&member.code).and_then(|same| same.reason(row)) {
                Some(reason) => contents.refused.push(Refused { reason, ..code_cell }),
                None => {
                    contents.members.push(member);
                    contents.ignored.extend(ignored);
                }
            }
        }
        contents.refused.sort_by_key(|refused| refused.row);
        Ok(contents)
    }
}

/// What the registry knows of a person after the list: what the list does not say stays as it was, and so does what it
/// says less precisely, a birth year without the day or a name typed without accents.
pub fn merged(listed: Member, stored: &Member) -> Member {
    let lost_accents = listed.name.as_str().is_ascii()
        && names::compare(listed.name.as_str(), stored.name.as_str()) == Likeness::Unaccented;
    Member {
        code: listed.code,
        name: if lost_accents { stored.name.clone() } else { listed.name },
        birth_date: more_precise(listed.birth_date, stored.birth_date.clone()),
        sex: listed.sex.or(stored.sex),
        id_number: listed.id_number.or_else(|| stored.id_number.clone()),
        phone: listed.phone.or_else(|| stored.phone.clone()),
        household_code: listed.household_code.or_else(|| stored.household_code.clone()),
        relation_code: listed.relation_code.or_else(|| stored.relation_code.clone()),
    }
}

#[cfg(test)]
mod tests;
