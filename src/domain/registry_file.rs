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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
    }

    fn cell(text: &str) -> Cell {
        if text.is_empty() { Cell::Empty } else { Cell::Text(text.into()) }
    }

    /// Reads rows of texts, the cells separated by `|`.
    fn read(rows: &[&str]) -> Result<Contents, ListError> {
        let mut reader = Reader::new(today());
        for (number, row) in (1..).zip(rows) {
            let cells: Vec<Cell> = row.split('|').map(str::trim).map(cell).collect();
            if reader.row(number, &cells).is_break() {
                break;
            }
        }
        reader.finish()
    }

    fn refused(contents: &Contents) -> Vec<(u32, &str)> {
        contents.refused.iter().map(|refused| (refused.row, refused.column.as_str())).collect()
    }

    #[test]
    fn labels_are_known_by_meaning() {
        for (label, field) in [
            ("Mã số BHXH", Field::Code),
            ("ma_so_bhxh", Field::Code),
            ("MasoBHXH\n(10 số)", Field::Code),
            ("Ho  ten", Field::Name),
            ("Họ, tên", Field::Name),
            ("Ngày, tháng, năm sinh", Field::BirthDate),
            ("GIOI_TINH", Field::Sex),
            ("Số CMND/CCCD/Hộ chiếu", Field::IdNumber),
            ("socmnd", Field::IdNumber),
            ("Số định danh", Field::IdNumber),
            ("SĐT", Field::Phone),
            ("Mã hộ gia đình", Field::HouseholdCode),
            ("Mối quan hệ với chủ hộ", Field::RelationCode),
        ] {
            assert_eq!(field_of(label), Some((field, false)), "{label}");
        }
        for other in ["STT", "SoCCCD_CH", "SO_SO_BHXH", "HOTEN_CHUHO", "Ghi chú", "", "()", "Tên thôn"] {
            assert_eq!(field_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_second_best_label_counts_where_there_is_no_better_one() {
        let list =
            read(&["Số thẻ BHYT | Họ tên | Năm sinh | Số giấy tờ", "GD4799912345678 | Lê An | 1990 | 012345678"])
                .unwrap();
        let member = &list.members[0];
        assert_eq!((member.code.as_str(), member.birth_date.as_ref().unwrap().as_str()), ("9912345678", "1990"));
        assert!(member.id_number.is_some());
        let list = read(&["Số giấy tờ | CMND | Mã số BHXH | Họ tên", "012345678 | | 9912345678 | Lê An"]).unwrap();
        assert_eq!(list.members[0].id_number, None);
    }

    #[test]
    fn rows_that_are_about_nobody_are_passed_over() {
        let list = read(&[
            "DANH SÁCH THÀNH VIÊN HỘ GIA ĐÌNH",
            "TT | Họ tên | Mã số BHXH | Giới tính",
            "(1) | (2) | (3) | (4)",
            "I | Tổ dân phố 1 | |",
            "1 | Tống Thị Cúc | 9900000001 | Nữ",
            "Cộng | | 1 |",
            " | Tổng cộng: 1 người | 1 |",
            " | Họ tên | Mã số BHXH | Giới tính",
            " | Người lập | … |",
        ])
        .unwrap();
        assert_eq!(list.members.len(), 1);
        assert_eq!(list.refused, []);
    }

    #[test]
    fn a_row_that_does_not_say_who_is_meant_is_refused_with_its_place() {
        let list = read(&[
            "ma so | ghi chu",
            "mã số bhxh | ho ten | ngay sinh | sdt",
            " | Lê An | 1990 |",
            "551234 | Lê Bình | 1990 |",
            "9900000001 | | 1990 |",
            "9900000002 | Lê Cường | 05/25/1990 |",
            "9900000003 | Lê Dung | | 1234",
        ])
        .unwrap();
        assert_eq!(refused(&list), [(3, "mã số bhxh"), (4, "mã số bhxh"), (5, "ho ten"), (6, "ngay sinh")]);
        assert_eq!(list.refused[3].value, "05/25/1990");
        assert_eq!(list.refused[1].reason, "Mã số BHXH có 10 hoặc 12 chữ số; đang có 6.");
        assert_eq!(list.members.len(), 1);
        assert_eq!((list.members[0].phone.as_ref(), list.ignored[0].value.as_str()), (None, "1234"));
    }

    #[test]
    fn the_same_person_twice_is_kept_once_and_different_people_under_one_code_not_at_all() {
        let list = read(&[
            "mã số bhxh | họ tên | ngày sinh | điện thoại",
            "9900000001 | Trần Thị Hoà | 1990 | 1",
            "9900000002 | Lê Quỳnh Loan | | 2",
            "9900000001 | TRẦN THỊ HÒA | 05/1990 | 3",
            "9900000002 | Le Quynh Loan | |",
            "9900000003 | Lê An | 1990 |",
            "9900000003 | Lê An | 05/1990 |",
            "9900000003 | Lê An | 06/1990 |",
        ])
        .unwrap();
        assert_eq!(list.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["Trần Thị Hoà"]);
        assert_eq!(list.refused.iter().map(|refused| refused.row).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
        assert_eq!(list.refused[1].reason, "Người này đã có ở dòng 2; dòng đó được giữ, dòng này bỏ qua.");
        assert!(list.refused[0].reason.starts_with("Các dòng 3, 5 có cùng mã số"));
        assert_eq!(list.refused[0].value, "9900000002");
        assert_eq!(list.ignored.iter().map(|ignored| ignored.row).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_file_without_a_header_or_without_people_says_so() {
        assert_eq!(read(&["họ tên | ghi chú", "Lê An | x"]), Err(ListError::NoHeader));
        let late: Vec<&str> = std::iter::repeat_n("x", HEADER_WITHIN).chain(["mã số bhxh | họ tên"]).collect();
        assert_eq!(read(&late), Err(ListError::NoHeader));
        assert_eq!(read(&["mã số bhxh | họ tên", " | "]), Err(ListError::NoRows));
    }

    #[test]
    fn what_a_list_does_not_say_stays_known() {
        let known = read(&[
            "mã số bhxh | họ tên | ngày sinh | giới tính | cccd | sdt | mã hộ | quan hệ",
            "9900000001 | Lê Thị Hà | 05/03/1990 | Nữ | 012345678 | 0951234567 | 9900000000 | Vợ",
        ])
        .unwrap()
        .members
        .remove(0);
        let with = |rows: &[&str]| merged(read(rows).unwrap().members.remove(0), &known);
        assert_eq!(with(&["mã số bhxh | họ tên", "9900000001 | Lê Thị Hà"]), known);
        assert_eq!(with(&["mã số bhxh | họ tên | ngày sinh | sdt", "9900000001 | Le Thi Ha | 1990 |"]), known);
        let changed = with(&["mã số bhxh | họ tên | ngày sinh", "9900000001 | Lê Thị Hạ | 1991"]);
        assert_eq!((changed.name.as_str(), changed.birth_date.unwrap().as_str()), ("Lê Thị Hạ", "1991"));
    }

    proptest! {
        #[test]
        fn no_cell_makes_the_reader_fall(text in "\\PC{0,30}|[0-9.,Ee+' /-]{0,24}", at in 0usize..8) {
            let mut cells = vec![cell("9900000001"), cell("Lê An"), cell("1990"), cell("Nam")];
            cells.resize(8, Cell::Empty);
            cells[at] = cell(&text);
            let header =
                ["mã số bhxh", "họ tên", "ngày sinh", "giới tính", "cccd", "sdt", "mã hộ", "quan hệ"].map(cell);
            let mut reader = Reader::new(today());
            prop_assert!(reader.row(1, &header).is_continue());
            prop_assert!(reader.row(2, &cells).is_continue());
            if let Ok(contents) = reader.finish() {
                prop_assert_eq!(contents.members.len() + contents.refused.len(), 1);
            }
        }
    }
}
